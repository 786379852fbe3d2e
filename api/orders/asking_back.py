"""A return is asked for: what is still there, until when it is free, what goes back at best."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Request
from pydantic import AfterValidator, Field
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.catalogue.shelf import name_of
from api.kit.desk import Desk, DeskAt
from api.kit.formats import in_seoul
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.people import Kind
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import AGENTS, CUSTOMERS, by_link
from api.kit.texts import Key, MaybeParagraph
from api.orders.routing import router
from models.kit.ids import return_id
from models.kit.outbox import announce_start
from models.kit.refusals import Refusal
from models.kit.timeline import ActorKind, EntryKind, TimelineEntry
from models.messages.orders import OrderStatus
from models.messages.orders.returns import (
    ReturnGround,
    ReturnKind,
    ReturnOrder,
    ReturnPolicy,
    ReturnStatus,
    ReturnWay,
    return_workflow_id,
)
from models.messages.staff import LinkPurpose
from models.orders import Order, OrderLine, Return, ReturnLine, Shipment
from models.rules.orders import returns as rules

ORDER = by_link(LinkPurpose.ORDER)
BACK = frozenset({OrderStatus.DONE, OrderStatus.RETURNED})
GROUNDS = (ReturnGround.CHANGE_OF_MIND, ReturnGround.DEFECT, ReturnGround.WRONG_ITEM)
KINDS = (ReturnKind.RETURN, ReturnKind.EXCHANGE)


def _piece(value: str) -> str:
    position, _colon, quantity = value.partition(":")
    if not (position.isascii() and position.isdigit() and quantity.isascii() and quantity.isdigit()):
        raise ValueError(value)
    if len(position) > 4 or len(quantity) > 4:
        raise ValueError(value)
    return value


Piece = Annotated[str, AfterValidator(_piece), Field(max_length=10)]


class AskingBack(Input):
    """What comes back, why, and what for: `wanted` says "2:1", one piece of the second line."""

    submission_key: Key
    kind: ReturnKind
    ground: ReturnGround
    wanted: list[Piece] = Field(max_length=100)
    note: MaybeParagraph = ""


@dataclass(frozen=True)
class LeftLine:
    """One line of the order of which something is still with the customer."""

    position: int
    name: str
    left: int
    once_minor: int
    product_id: str
    name_ko: str
    name_en: str


@dataclass(frozen=True)
class AskPage:
    """The form of a return."""

    order: Order
    base: str
    is_theirs: bool
    lines: tuple[LeftLine, ...]
    free_until: date | None
    defect_until: date | None
    is_free: bool
    policy: ReturnPolicy
    grounds: tuple[ReturnGround, ...] = GROUNDS
    kinds: tuple[ReturnKind, ...] = KINDS


@router.get("/orders/{order_id}/return", may=CUSTOMERS | AGENTS, row="order")
async def ask_form(request: Request, desk: Desk, order_id: Key) -> Response:
    """Show what may come back, until when, and what is taken off."""
    return await ask_shown(request, desk, order_id, f"/orders/{order_id}")


@router.get("/links/{token}/order/return", may=ORDER)
async def ask_form_by_link(request: Request, desk: Desk, token: str) -> Response:
    """The same without signing in."""
    return await ask_shown(request, desk, str(desk.person.subject), f"/links/{token}/order")


@router.post("/orders/{order_id}/return", may=CUSTOMERS | AGENTS, row="order")
async def ask(
    request: Request, desk: Desk, order_id: Key, sent: Typed[AskingBack] = typed(AskingBack)
) -> Response:
    """Ask for a return; the same form again is the same return."""
    return await take(request, desk, order_id, f"/orders/{order_id}", sent)


@router.post("/links/{token}/order/return", may=ORDER)
async def ask_by_link(
    request: Request, desk: Desk, token: str, sent: Typed[AskingBack] = typed(AskingBack)
) -> Response:
    """The same without signing in."""
    return await take(request, desk, str(desk.person.subject), f"/links/{token}/order", sent)


async def ask_shown(
    request: Request, desk: DeskAt, order_id: str, base: str, form: Form | None = None, status: int = 200
) -> Response:
    """The form of a return."""
    page = await ask_page(desk, order_id, base)
    return answer(request, "orders/return_new.html", page, status=status, form=form)


async def ask_page(desk: DeskAt, order_id: str, base: str) -> AskPage:
    """Read what is left of an order."""
    order = await desk.one(Order, order_id)
    policy, on = ReturnPolicy(), await delivered_on(desk, order_id)
    today = in_seoul(datetime.now(UTC)).date()
    mind, defect = ReturnGround.CHANGE_OF_MIND, ReturnGround.DEFECT
    return AskPage(
        order, base, desk.person.kind is not Kind.STAFF, await lines_left(desk, order),
        rules.last_day(mind, on, policy) if on else None, rules.last_day(defect, on, policy) if on else None,
        rules.is_in_time(mind, on, today, policy), policy,
    )  # fmt: skip


async def lines_left(desk: DeskAt, order: Order) -> tuple[LeftLine, ...]:
    """The goods of an order that could come back: delivered, and not back yet."""
    if order.status not in BACK:
        return ()
    query = desk.visible(OrderLine).where(
        col(OrderLine.order_id) == order.id, col(OrderLine.delivered) > col(OrderLine.returned),
        col(OrderLine.product_id).is_not(None),
    )  # fmt: skip
    return tuple(
        LeftLine(
            one.position, name_of(one), rules.returnable(one.delivered, one.returned), one.once_minor,
            one.product_id or "", one.name_ko, one.name_en,
        )
        for one in await desk.session.scalars(query.order_by(col(OrderLine.position)))
    )  # fmt: skip


async def delivered_on(desk: DeskAt, order_id: str) -> date | None:
    """The day on which the last parcel arrived."""
    query = desk.visible(Shipment).with_only_columns(func.max(col(Shipment.delivered_at)))
    last = await desk.session.scalar(query.where(col(Shipment.order_id) == order_id))
    return in_seoul(last).date() if last is not None else None


async def take(request: Request, desk: DeskAt, order_id: str, base: str, sent: Typed[AskingBack]) -> Response:
    """Store the wish, or show the form again with what is missing."""
    given = sent.value
    if given is None or given.kind not in KINDS or given.ground not in GROUNDS:
        return await ask_shown(request, desk, order_id, base, sent.form, 422)
    order = await desk.one(Order, order_id)
    if (known := await earlier(desk, order.customer_id, given.submission_key)) is None:
        wanted = {int(p): int(q) for p, q in (one.split(":") for one in given.wanted) if int(q)}
        left = {line.position: line for line in await lines_left(desk, order)}
        if not left:
            raise Refusal("nothing_to_return")
        if not wanted or any(p not in left or q > left[p].left for p, q in wanted.items()):
            form = sent.wrong("wanted", _("Please choose at least one thing that comes back."))
            return await ask_shown(request, desk, order_id, base, form, 422)
        known = await store(desk, order, given, [(left[p], q) for p, q in sorted(wanted.items())])
    by_link = desk.person.kind is Kind.LINK
    return move_on(request, base if by_link else f"/orders/returns/{known}", data={"id": known}, status=201)


async def earlier(desk: DeskAt, customer_id: str, key: str) -> str | None:
    """The return that this form has already made."""
    mine = desk.visible(Return).with_only_columns(col(Return.id))
    same = col(Return.customer_id) == customer_id, col(Return.submission_key) == key
    found: str | None = await desk.session.scalar(mine.where(*same))
    return found


async def store(desk: DeskAt, order: Order, given: AskingBack, lines: list[tuple[LeftLine, int]]) -> str:
    """Row, lines, first line of its story and announcement in one transaction."""
    now = datetime.now(UTC)
    number = return_id(int(await desk.session.scalar(text("select nextval('return_numbers')")) or 0))
    row: dict[str, object] = {
        "id": number, "submission_key": given.submission_key, "customer_id": order.customer_id,
        "order_id": order.id, "placed_by": desk.person.account_id if desk.person.is_desk else None,
        "kind": given.kind, "ground": given.ground, "way": ReturnWay.CARRIER, "status": ReturnStatus.ASKED,
        "is_over": False, "note": given.note, "policy": {}, "ship_name": "", "ship_phone": "",
        "ship_postcode": "", "ship_address": "", "ship_region": "", "carrier": "", "fee_minor": 0,
        "deducted_minor": 0, "back_minor": 0, "currency": order.currency, "reason": "", "asked_at": now,
        "seq": 0,
    }  # fmt: skip
    await desk.session.execute(insert(Return).values(row).on_conflict_do_nothing().inline())
    if await earlier(desk, order.customer_id, given.submission_key) != number:
        raise Refusal("return_open")  # another return of this order is under way
    pieces = [
        {
            "return_id": number, "position": line.position, "product_id": line.product_id,
            "name_ko": line.name_ko, "name_en": line.name_en, "quantity": quantity, "devices": [],
            "paid_minor": 0, "deducted_minor": 0,
        }
        for line, quantity in lines
    ]  # fmt: skip
    await desk.session.execute(insert(ReturnLine).values(pieces).inline())
    await tell_timeline(desk, order.customer_id, number, now)
    asked = ReturnOrder(number, order.customer_id, order.id, kind=given.kind)
    await announce_start(
        desk.session, "Return", return_workflow_id(number), asked, summary=f"Return {number}"
    )
    await desk.session.execute(select(func.pg_notify("ieum_live", "orders")))
    await desk.commit()
    return number


async def tell_timeline(desk: DeskAt, customer_id: str, number: str, now: datetime) -> None:
    """The first line of the return's story."""
    subject = return_workflow_id(number)
    line = {
        "key": f"{subject}/0", "subject": subject, "case_id": number, "customer_id": customer_id, "at": now,
        "kind": EntryKind.STEP, "sentence": "orders.return_asked", "details": {}, "is_public": True,
        "actor_kind": ActorKind.STAFF if desk.person.is_desk else ActorKind.CUSTOMER,
        "actor_id": desk.person.account_id,
    }  # fmt: skip
    await desk.session.execute(insert(TimelineEntry).values(line).inline())
