"""What a customer owes: the invoices to pay, and a day to promise."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from fastapi import Request
from sqlmodel import col
from starlette.responses import Response

from api.dunning.acts import Promising, said_by, say
from api.dunning.routing import router
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Typed, typed
from api.kit.rendering import answer
from api.kit.routes import CUSTOMERS
from models.billing import Invoice
from models.dunning import DunningCase, PromiseToPay
from models.kit.arrears import OWED, open_minor
from models.kit.refusals import Refusal
from models.messages.dunning import CaseStatus, Promise, PromiseStatus
from models.rules.dunning import today
from models.subscriptions import SubscriptionSuspension


@dataclass(frozen=True)
class Due:
    """One invoice that waits for its money."""

    id: str
    number: str
    due_at: datetime
    open_minor: int
    currency: str
    is_overdue: bool


@dataclass(frozen=True)
class MinePage:
    """What a customer owes."""

    invoices: tuple[Due, ...]
    overdue_minor: int
    has_case: bool
    promised_on: date | None
    is_off: bool  # services are switched off
    first_day: date
    last_day: date


@router.get("/dunning/mine", may=CUSTOMERS)
async def mine(request: Request, desk: Desk) -> Response:
    """Show what is owed."""
    return answer(request, "dunning/mine.html", await my_page(desk))


@router.post("/dunning/mine/promise", may=CUSTOMERS)
async def promise(request: Request, desk: Desk, sent: Typed[Promising] = typed(Promising)) -> Response:
    """Promise a day on which everything will be paid."""
    if sent.value is None:
        return answer(request, "dunning/mine.html", await my_page(desk), form=sent.form, status=422)
    case = await my_case(desk)
    if case is None:
        raise Refusal("not_found")
    who, at, kind = said_by(desk)
    order = Promise(sent.value.command_id, who, at, kind, pay_on=sent.value.pay_on)
    return await say(request, desk, case.id, "promise", order, "/dunning/mine")


async def my_case(desk: DeskAt) -> DunningCase | None:
    """The open case of whoever asks."""
    query = desk.visible(DunningCase).where(
        col(DunningCase.customer_id) == desk.person.customer_id, col(DunningCase.status) == CaseStatus.OPEN
    )
    found: DunningCase | None = await desk.session.scalar(query.limit(1))
    return found


async def my_page(desk: DeskAt) -> MinePage:
    """Read what the asking customer owes."""
    now = datetime.now(UTC)
    query = (
        desk.visible(Invoice)
        .with_only_columns(
            col(Invoice.id), col(Invoice.number), col(Invoice.due_at), open_minor(), col(Invoice.currency)
        )
        .where(col(Invoice.status).in_(OWED), open_minor() > 0)
        .order_by(col(Invoice.due_at), col(Invoice.id)).limit(200)
    )  # fmt: skip
    due = tuple(
        Due(id, number, due_at, int(left), currency, due_at < now)
        for id, number, due_at, left, currency in await desk.session.execute(query)
    )
    case = await my_case(desk)
    promised = off = None
    if case is not None:
        asked = desk.visible(PromiseToPay).where(
            col(PromiseToPay.case_id) == case.id, col(PromiseToPay.status) == PromiseStatus.OPEN
        )
        promised = await desk.session.scalar(asked.limit(1))
        switched = desk.visible(SubscriptionSuspension).where(
            col(SubscriptionSuspension.case_id) == case.id, col(SubscriptionSuspension.until_on).is_(None)
        )
        off = await desk.session.scalar(switched.limit(1))
    day = today(now)
    return MinePage(
        due, sum(one.open_minor for one in due if one.is_overdue), case is not None,
        promised.pay_on if promised else None, off is not None, day, day + timedelta(days=14),
    )  # fmt: skip
