"""What is running for a customer now: orders, visits, unpaid invoices and contracts."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import col

from api.kit.desk import DeskAt
from api.kit.language import locale
from models.billing import Invoice
from models.catalogue import Plan
from models.field_service import Visit
from models.kit.arrears import OWED, open_minor
from models.messages.billing.invoices import InvoiceStatus
from models.messages.field_service import VisitStatus
from models.messages.orders import OrderStatus
from models.messages.subscriptions import SubscriptionStatus
from models.orders import Order
from models.subscriptions import Subscription

MOST = 10


@dataclass(frozen=True)
class OrderLineUp:
    """One order that is not over."""

    id: str
    status: OrderStatus
    placed_at: datetime
    once_minor: int
    currency: str


@dataclass(frozen=True)
class VisitLineUp:
    """One visit to come."""

    id: str
    ticket_id: str
    status: VisitStatus
    starts_at: datetime | None


@dataclass(frozen=True)
class BillLineUp:
    """One invoice that is not paid."""

    id: str
    number: str
    status: InvoiceStatus
    open_minor: int
    currency: str
    due_at: datetime


@dataclass(frozen=True)
class ContractLineUp:
    """One contract that has not ended."""

    id: str
    name: str
    status: SubscriptionStatus
    starts_on: date | None


@dataclass(frozen=True)
class Running:
    """Everything of a customer that is under way."""

    orders: tuple[OrderLineUp, ...] = ()
    visits: tuple[VisitLineUp, ...] = ()
    invoices: tuple[BillLineUp, ...] = ()
    contracts: tuple[ContractLineUp, ...] = ()


async def running(desk: DeskAt) -> Running:
    """Read it, as far as the asking customer sees it."""
    mine = desk.person.customer_id
    return Running(
        tuple(OrderLineUp(*one) for one in await found(desk, orders_of(desk, mine))),
        tuple(VisitLineUp(*one) for one in await found(desk, visits_of(desk, mine))),
        tuple(BillLineUp(*one) for one in await found(desk, invoices_of(desk, mine))),
        tuple(ContractLineUp(*one) for one in await found(desk, contracts_of(desk, mine))),
    )


async def found(desk: DeskAt, query: Any) -> Any:
    """The first few rows."""
    return (await desk.session.execute(query.limit(MOST))).all()


def orders_of(desk: DeskAt, mine: str | None) -> Any:
    """Orders that are not over, newest first."""
    return (
        desk.visible(Order)
        .with_only_columns(
            col(Order.id), col(Order.status), col(Order.placed_at), col(Order.once_minor),
            col(Order.currency),
        )
        .where(col(Order.customer_id) == mine, ~col(Order.is_over))
        .order_by(col(Order.placed_at).desc())
    )  # fmt: skip


def visits_of(desk: DeskAt, mine: str | None) -> Any:
    """Visits to come, soonest first."""
    return (
        desk.visible(Visit)
        .with_only_columns(col(Visit.id), col(Visit.ticket_id), col(Visit.status), col(Visit.starts_at))
        .where(col(Visit.customer_id) == mine, ~col(Visit.is_over))
        .order_by(col(Visit.starts_at).nulls_last(), col(Visit.id))
    )


def invoices_of(desk: DeskAt, mine: str | None) -> Any:
    """Unpaid invoices, the most urgent first."""
    return (
        desk.visible(Invoice)
        .with_only_columns(
            col(Invoice.id), col(Invoice.number), col(Invoice.status), open_minor(),
            col(Invoice.currency), col(Invoice.due_at),
        )
        .where(col(Invoice.customer_id) == mine, col(Invoice.status).in_(OWED), open_minor() > 0)
        .order_by(col(Invoice.due_at), col(Invoice.id))
    )  # fmt: skip


def contracts_of(desk: DeskAt, mine: str | None) -> Any:
    """Contracts that have not ended."""
    name = col(Plan.name_ko) if locale() == "ko" else col(Plan.name_en)
    return (
        desk.visible(Subscription)
        .with_only_columns(col(Subscription.id), name, col(Subscription.status), col(Subscription.starts_on))
        .join(Plan, col(Plan.id) == col(Subscription.plan_id))
        .where(col(Subscription.customer_id) == mine, col(Subscription.status) != SubscriptionStatus.ENDED)
        .order_by(col(Subscription.created_at).desc(), col(Subscription.id))
    )
