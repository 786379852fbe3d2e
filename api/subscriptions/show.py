"""Contracts: the list, and one contract with what it costs, what was changed and what was charged."""

from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from fastapi import Request
from sqlalchemy import tuple_
from sqlmodel import col
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.people import Kind
from api.kit.rendering import answer
from api.kit.routes import AGENTS, CUSTOMERS
from api.kit.texts import Key
from api.subscriptions.reading import Told, contract_of, name_of, story_of, today
from api.subscriptions.routing import router
from models.customers import Customer
from models.kit.records import from_record
from models.messages.catalogue import PlanTerms
from models.messages.subscriptions import (
    ChangeKind,
    ChangeStatus,
    ChargeKind,
    SubscriptionStatus,
    subscription_subject,
)
from models.rules.subscriptions.periods import Contract, monthly, next_bill, period_on
from models.subscriptions import Subscription, SubscriptionChange, SubscriptionCharge, as_contract

PAGE = 50
RUNNING = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED)


@dataclass(frozen=True)
class Row:
    """One contract in the list."""

    id: str
    plan: str
    status: SubscriptionStatus
    customer_id: str
    monthly_minor: int
    starts_on: date | None
    next_bill_on: date | None
    obligation_until: date | None


@dataclass(frozen=True)
class Listed:
    """One page of contracts."""

    rows: tuple[Row, ...]
    is_desk: bool
    status: SubscriptionStatus | None
    statuses: tuple[SubscriptionStatus, ...]
    customer: str
    next: str


@dataclass(frozen=True)
class AddOn:
    """One add-on of a contract."""

    id: str
    plan: str
    status: SubscriptionStatus
    monthly_minor: int


@dataclass(frozen=True)
class ChangeLine:
    """One change in the history."""

    id: str
    kind: ChangeKind
    status: ChangeStatus
    effective_on: date
    total_minor: int
    created_at: datetime


@dataclass(frozen=True)
class ChargeLine:
    """One piece of money."""

    id: str
    kind: ChargeKind
    name: str
    gross_minor: int
    from_on: date
    until_on: date
    basis: str
    is_void: bool
    is_billed: bool


@dataclass(frozen=True)
class ContractPage:
    """Everything about one contract."""

    id: str
    plan: str
    status: SubscriptionStatus
    customer_id: str
    customer: str
    is_desk: bool
    monthly_minor: int
    now_minor: int  # what the running period costs, as it is discounted today
    starts_on: date
    ends_on: date | None
    next_bill_on: date | None
    obligation_until: date | None
    pauses: tuple[tuple[date, date], ...]
    free: tuple[tuple[date, date | None], ...]  # switched off for nothing; none: until it is paid
    add_ons: tuple[AddOn, ...]
    changes: tuple[ChangeLine, ...]
    charges: tuple[ChargeLine, ...]
    story: tuple[Told, ...]
    open_change: str
    kinds: tuple[ChangeKind, ...]


@router.get("/subscriptions", may=AGENTS | CUSTOMERS)
async def index(
    request: Request, desk: Desk, status: str = "", customer: str = "", after: str = ""
) -> Response:
    """List contracts, the newest first: a customer's own, or everybody's for the desk."""
    chosen = SubscriptionStatus(status) if status in set(SubscriptionStatus) else None
    page = await listed(desk, chosen, customer.strip()[:64], after)
    return answer(request, "subscriptions/index.html", page)


@router.get("/subscriptions/{subscription_id}", may=AGENTS | CUSTOMERS, row="subscription")
async def show(request: Request, desk: Desk, subscription_id: Key) -> Response:
    """Show one contract with its add-ons, changes and charges."""
    return answer(request, "subscriptions/show.html", await contract_page(desk, subscription_id))


async def listed(desk: DeskAt, status: SubscriptionStatus | None, customer: str, after: str) -> Listed:
    """One page by keyset: the cursor is the day and the id of the last row. Add-ons stand with their plan."""
    place = (col(Subscription.starts_on), col(Subscription.id))
    query = desk.visible(Subscription).where(
        col(Subscription.parent_id).is_(None), col(Subscription.starts_on).is_not(None)
    )
    if status is not None:
        query = query.where(col(Subscription.status) == status)
    if customer:
        query = query.where(col(Subscription.customer_id) == customer)
    if _is_cursor(after):
        query = query.where(tuple_(*place) < (date.fromisoformat(after[:10]), after[11:]))
    rows = list(await desk.session.scalars(query.order_by(*(one.desc() for one in place)).limit(PAGE + 1)))
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    asked = {
        "status": status or "", "customer": customer, "after": f"{last.starts_on}:{last.id}" if last else "",
    }  # fmt: skip
    address = "/subscriptions?" + urlencode({name: value for name, value in asked.items() if value})
    return Listed(
        tuple(_row(one) for one in rows[:PAGE]), desk.person.kind is Kind.STAFF, status,
        tuple(SubscriptionStatus), customer, address if last else "",
    )  # fmt: skip


def _is_cursor(after: str) -> bool:
    try:
        return after[10:11] == ":" and len(after) < 80 and bool(date.fromisoformat(after[:10]))
    except ValueError:
        return False


def _row(row: Subscription) -> Row:
    return Row(
        row.id, name_of(from_record(PlanTerms, row.terms)), row.status, row.customer_id,
        monthly(as_contract(row)), row.starts_on, row.next_bill_on, row.obligation_until,
    )  # fmt: skip


async def contract_page(desk: DeskAt, subscription_id: str) -> ContractPage:
    """Read one contract for whoever asks."""
    contract = await contract_of(desk, subscription_id)
    changes = await _changes(desk, contract)
    still = [one for one in changes if one.status in (ChangeStatus.REQUESTED, ChangeStatus.AWAITING)]
    day = max(today(), contract.starts_on)
    named = desk.visible(Customer).with_only_columns(col(Customer.name))
    customer = await desk.session.scalar(named.where(col(Customer.id) == contract.customer_id))
    bills = [bill for one in contract.family if (bill := next_bill(one)) is not None]
    return ContractPage(
        id=contract.id, plan=name_of(contract.terms), status=contract.status,
        customer_id=contract.customer_id, customer=customer or "", is_desk=desk.person.kind is Kind.STAFF,
        monthly_minor=sum(monthly(one) for one in contract.family),
        now_minor=sum(period_on(one, max(day, one.starts_on)).price_minor for one in contract.family),
        starts_on=contract.starts_on, ends_on=contract.ends_on, next_bill_on=min(bills, default=None),
        obligation_until=contract.obligation_until,
        pauses=tuple((one.from_on, one.until_on) for one in contract.pauses),
        free=tuple(
            (one.from_on, one.until_on if one.until_on < date.max else None) for one in contract.free
        ),
        add_ons=tuple(
            AddOn(one.id, name_of(one.terms), one.status, monthly(one)) for one in contract.add_ons
        ),
        changes=changes, charges=await _charges(desk, contract),
        story=await story_of(desk, subscription_subject(contract.id)),
        open_change=still[0].id if still else "",
        kinds=() if still or contract.ends_on or contract.status not in RUNNING else kinds_of(contract),
    )  # fmt: skip


def kinds_of(contract: Contract) -> tuple[ChangeKind, ...]:
    """The changes that this contract knows today."""
    if contract.pause_on(today()):
        return (ChangeKind.RESUME, ChangeKind.TERMINATION)
    absent = {ChangeKind.RESUME}
    if len(contract.family) == 1:
        absent.add(ChangeKind.DROP_ADD_ON)
    if not contract.obligation_until:
        absent.add(ChangeKind.RENEWAL)
    return tuple(one for one in ChangeKind if one not in absent)


async def _changes(desk: DeskAt, contract: Contract) -> tuple[ChangeLine, ...]:
    query = desk.visible(SubscriptionChange).where(col(SubscriptionChange.subscription_id) == contract.id)
    rows = await desk.session.scalars(query.order_by(col(SubscriptionChange.created_at).desc()).limit(PAGE))
    return tuple(
        ChangeLine(one.id, one.kind, one.status, one.effective_on, one.total_minor, one.created_at)
        for one in rows
    )


async def _charges(desk: DeskAt, contract: Contract) -> tuple[ChargeLine, ...]:
    ids = [contract.id, *(one.id for one in contract.add_ons)]
    query = desk.visible(SubscriptionCharge).where(col(SubscriptionCharge.subscription_id).in_(ids))
    newest = (col(SubscriptionCharge.from_on).desc(), col(SubscriptionCharge.id).desc())
    rows = await desk.session.scalars(query.order_by(*newest).limit(PAGE))
    return tuple(
        ChargeLine(one.id, one.kind, name_of(one), one.gross_minor, one.from_on, one.until_on, one.basis,
                   one.is_void, one.document_id is not None)
        for one in rows
    )  # fmt: skip
