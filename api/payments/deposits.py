"""Deposits: the bank's signed notices, and the money that nobody claims until finance says whose it is."""

from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request
from sqlalchemy import text
from sqlmodel import col
from starlette.responses import Response

from api.billing.invoices import say
from api.kit import labels
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.labels import Label
from api.kit.language import N_
from api.kit.rendering import answer, move_on
from api.kit.routes import CUSTOMERS, FINANCE, SYSTEM
from api.kit.texts import Key, MaybeLine
from api.kit.webhooks import MAX_BODY, BadWebhook, verify
from api.payments.routing import router
from models.customers import Customer
from models.kit.inbox import is_first
from models.kit.outbox import announce_start
from models.kit.refusals import Refusal
from models.messages.payments.deposits import (
    DepositCommand,
    DepositOrder,
    DepositStatus,
    deposit_workflow_id,
)
from models.messages.systems import System
from models.payments import Deposit

PAGE = 50
UNCLAIMED = (DepositStatus.SUSPENSE, DepositStatus.KEPT)
labels.register(
    "deposit",
    {
        DepositStatus.RECEIVED: Label(N_("Money came in"), "blue"),
        DepositStatus.ALLOCATED: Label(N_("Allocated"), "green"),
        DepositStatus.SUSPENSE: Label(N_("Nobody claims it"), "amber"),
        DepositStatus.KEPT: Label(N_("For the next bills"), "blue"),
        DepositStatus.RETURNED: Label(N_("Given back"), "gray"),
    },
)
STORE = text("select system_deposit(:id, :account, :amount, :payer, :at)")
ISSUE = text(
    "insert into virtual_accounts (customer_id, number, issued_at)"
    " values (:customer, '562' || lpad(nextval('virtual_account_numbers')::text, 11, '0'), :at)"
    " on conflict do nothing"
)


class Allocating(Input):
    """Whose the money is."""

    command_id: Key
    customer_id: Key


class Returning(Input):
    """Why it was given back."""

    command_id: Key
    reason: MaybeLine = ""


class Wishing(Input):
    """The wish for an account of one's own to pay into."""

    request_key: Key


@dataclass(frozen=True)
class Unclaimed:
    """One deposit as finance sees it."""

    id: str
    at: datetime
    account: str
    payer: str
    customer_id: str
    amount_minor: int
    currency: str
    status: DepositStatus


@dataclass(frozen=True)
class DepositsPage:
    """What nobody claims, the oldest first, and what arrived lately."""

    unclaimed: tuple[Unclaimed, ...]
    latest: tuple[Unclaimed, ...]


@router.get("/payments/deposits", may=FINANCE)
async def deposits(request: Request, desk: Desk) -> Response:
    """Show money that nobody claims, and the latest deposits."""
    return answer(request, "payments/deposits.html", await deposits_page(desk))


@router.post("/payments/deposits/{deposit_id}/allocation", may=FINANCE, row="deposit")
async def allocate(
    request: Request, desk: Desk, deposit_id: Key, sent: Typed[Allocating] = typed(Allocating)
) -> Response:
    """Finance says whose a deposit is."""
    found = await unclaimed(desk, deposit_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    customer = await desk.one(Customer, sent.value.customer_id)
    if found.customer_id not in (None, customer.id):
        raise Refusal("deposit_not_unclaimed")
    order = DepositCommand(sent.value.command_id, desk.person.id, datetime.now(UTC), customer.id)
    told = await say(desk, deposit_workflow_id(found.id), "allocate_to", order)
    return move_on(request, "/payments/deposits", data={"status": told.value})


@router.post("/payments/deposits/{deposit_id}/return", may=FINANCE, row="deposit")
async def give_back_deposit(
    request: Request, desk: Desk, deposit_id: Key, sent: Typed[Returning] = typed(Returning)
) -> Response:
    """Finance has given back what nobody claims."""
    found = await unclaimed(desk, deposit_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    now = datetime.now(UTC)
    order = DepositCommand(sent.value.command_id, desk.person.id, now, reason=sent.value.reason)
    told = await say(desk, deposit_workflow_id(found.id), "give_back", order)
    return move_on(request, "/payments/deposits", data={"status": told.value})


@router.post("/payment-methods/virtual-account", may=CUSTOMERS)
async def issue(request: Request, desk: Desk, sent: Typed[Wishing] = typed(Wishing)) -> Response:
    """An account number of the customer's own to pay into; asked again it is the same."""
    if sent.value is None or desk.person.customer_id is None:
        raise Refusal("invalid_form")
    await desk.session.execute(ISSUE, {"customer": desk.person.customer_id, "at": datetime.now(UTC)})
    await desk.commit()
    return move_on(request, "/payment-methods", data={"status": "issued"})


@router.post("/systems/bank/webhook", may=SYSTEM, is_forgeable=True, max_body=MAX_BODY)
async def hear_bank(request: Request, desk: Desk) -> Response:
    """The bank says that money arrived: stored once per notice, in whatever order and however often."""
    try:
        message = verify(
            request.app.state.settings.bank_webhook_secret, request.headers, await request.body()
        )
    except BadWebhook as bad:
        raise Refusal("not_signed_in") from bad
    data = message.body.get("data")
    if not isinstance(data, dict) or message.body.get("type") != "DEPOSIT":
        return Response(status_code=204)
    notice, account, amount = data.get("notice_id"), data.get("account_number"), data.get("amount")
    is_good = is_short(notice) and is_short(account) and type(amount) is int and 0 < amount < 10**12
    now = datetime.now(UTC)
    if is_good and await is_first(
        desk.session, System.BANK, f"deposit:{notice}", at=now, body={"type": "DEPOSIT"}
    ):
        payer = "".join(one for one in str(data.get("payer", ""))[:60] if one.isprintable())
        await desk.session.execute(text("select set_config('ieum.kind', 'system', true)"))
        given = {"id": notice, "account": account, "amount": amount, "payer": payer, "at": now}
        await desk.session.execute(STORE, given)
        await announce_start(
            desk.session, "Deposit", deposit_workflow_id(str(notice)), DepositOrder(str(notice)),
            summary="A deposit arrived",
        )  # fmt: skip
    await desk.commit()
    return Response(status_code=204)


def is_short(value: object) -> bool:
    """Whether something foreign may be stored as a name."""
    return isinstance(value, str) and 0 < len(value) <= 64 and value.isascii() and value.isprintable()


async def unclaimed(desk: DeskAt, deposit_id: str) -> Deposit:
    """A deposit of which something is nobody's."""
    found = await desk.one(Deposit, deposit_id)
    if found.status not in UNCLAIMED:
        raise Refusal("deposit_not_unclaimed")
    return found


async def deposits_page(desk: DeskAt) -> DepositsPage:
    """What waits for finance, and what arrived lately."""
    status, at = col(Deposit.status), col(Deposit.received_at)
    waiting = desk.visible(Deposit).where(status.in_(UNCLAIMED)).order_by(at).limit(PAGE)
    latest = desk.visible(Deposit).where(status.not_in(UNCLAIMED)).order_by(at.desc()).limit(PAGE)
    return DepositsPage(
        tuple(as_seen(one) for one in await desk.session.scalars(waiting)),
        tuple(as_seen(one) for one in await desk.session.scalars(latest)),
    )


def as_seen(found: Deposit) -> Unclaimed:
    """A deposit with its account's last digits."""
    return Unclaimed(
        found.id, found.received_at, f"·· {found.account[-4:]}", found.payer, found.customer_id or "",
        found.amount_minor, found.currency, found.status,
    )  # fmt: skip
