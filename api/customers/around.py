"""The heavier panels of a customer: what they have with us, and every contact; fetched after the page."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fastapi import Request
from sqlalchemy import any_, case, func, literal, union_all
from sqlmodel import col
from starlette.responses import Response

from api.catalogue.offers import Suggestion, suggestions
from api.customers.routing import router
from api.kit.desk import Desk, DeskAt
from api.kit.language import locale
from api.kit.rendering import answer
from api.kit.routes import STAFF
from api.kit.texts import Key
from models.billing import Invoice
from models.catalogue import Plan
from models.customers import Customer
from models.dunning import DunningCase
from models.field_service import Technician, Visit
from models.kit.arrears import OWED, open_minor
from models.messages.billing.invoices import InvoiceStatus
from models.messages.field_service import VisitStatus
from models.messages.orders import OrderStatus
from models.messages.subscriptions import SubscriptionStatus
from models.messages.tickets import MessageKind
from models.orders import Order, Return
from models.subscriptions import Subscription, SubscriptionChange
from models.systems import SentMessage
from models.tickets import Ticket, TicketMessage

MOST, CONTACTS = 10, 15
OURS = (
    "tickets/late", "tickets/overdue", "tickets/reopened", "field_service/offer", "field_service/nobody",
    "field_service/slot_silent", "field_service/job_scheduled", "field_service/job_moved",
    "field_service/job_called_off", "field_service/late_start", "field_service/overrun", "billing/overdue",
    "billing/suspense", "payments/unsettled", "payments/refund_unsettled",
)  # fmt: skip
"""Letters to our own people: no contact with the customer."""


@dataclass(frozen=True)
class ContractLine:
    """One contract."""

    id: str
    name: str
    status: SubscriptionStatus
    starts_on: date | None
    ends_on: date | None


@dataclass(frozen=True)
class OrderRow:
    """One order."""

    id: str
    status: OrderStatus
    once_minor: int
    currency: str
    placed_at: datetime


@dataclass(frozen=True)
class VisitRow:
    """One visit to the customer."""

    id: str
    ticket_id: str
    status: VisitStatus
    starts_at: datetime | None
    technician: str | None


@dataclass(frozen=True)
class InvoiceRow:
    """One invoice with what is still open of it."""

    id: str
    number: str
    status: InvoiceStatus
    total_minor: int
    open_minor: int
    currency: str
    due_at: datetime


@dataclass(frozen=True)
class Touch:
    """One time that they and we had to do with each other, without what was said."""

    at: datetime
    channel: str  # of a message, or "" for a letter
    letter: str  # of a letter, or ""
    is_theirs: bool
    ticket_id: str | None


@dataclass(frozen=True)
class AroundPage:
    """What one customer has with us."""

    id: str
    name: str
    contracts: tuple[ContractLine, ...]
    orders: tuple[OrderRow, ...]
    visits: tuple[VisitRow, ...]
    invoices: tuple[InvoiceRow, ...]
    offers: tuple[Suggestion, ...]  # what fits to what they own, and why
    touches: tuple[Touch, ...]


@router.get("/customers/{customer_id}/around", may=STAFF, row="customer")
async def around(request: Request, desk: Desk, customer_id: Key) -> Response:
    """Show contracts, orders, visits, invoices, offers, and the last contacts on every channel."""
    customer = await desk.one(Customer, customer_id)

    async def rows(query: Any) -> Any:
        return (await desk.session.execute(query)).all()

    page = AroundPage(
        customer_id, customer.name,
        tuple(ContractLine(*row) for row in await rows(contracts_of(desk, customer_id))),
        tuple(OrderRow(*row) for row in await rows(orders_of(desk, customer_id))),
        tuple(VisitRow(*row) for row in await rows(visits_of(desk, customer_id))),
        tuple(InvoiceRow(*row) for row in await rows(invoices_of(desk, customer_id))),
        await suggestions(desk, customer_id), await touches_of(desk, customer_id),
    )  # fmt: skip
    return answer(request, "customers/around.html", page)


def contracts_of(desk: DeskAt, customer_id: str) -> Any:
    """Contracts, those that have not ended first."""
    name = col(Plan.name_ko) if locale() == "ko" else col(Plan.name_en)
    return (
        desk.visible(Subscription)
        .with_only_columns(
            col(Subscription.id), name, col(Subscription.status), col(Subscription.starts_on),
            col(Subscription.ends_on),
        )
        .join(Plan, col(Plan.id) == col(Subscription.plan_id))
        .where(col(Subscription.customer_id) == customer_id)
        .order_by(col(Subscription.status) == SubscriptionStatus.ENDED, col(Subscription.created_at).desc())
        .limit(MOST)
    )  # fmt: skip


def orders_of(desk: DeskAt, customer_id: str) -> Any:
    """Orders, the newest first."""
    return (
        desk.visible(Order)
        .with_only_columns(
            col(Order.id), col(Order.status), col(Order.once_minor), col(Order.currency), col(Order.placed_at)
        )
        .where(col(Order.customer_id) == customer_id)
        .order_by(col(Order.placed_at).desc())
        .limit(MOST)
    )


def visits_of(desk: DeskAt, customer_id: str) -> Any:
    """Visits, the newest first."""
    return (
        desk.visible(Visit)
        .with_only_columns(
            col(Visit.id), col(Visit.ticket_id), col(Visit.status), col(Visit.starts_at), col(Technician.name)
        )
        .outerjoin(Technician, col(Technician.id) == col(Visit.technician_id))
        .where(col(Visit.customer_id) == customer_id)
        .order_by(col(Visit.created_at).desc())
        .limit(MOST)
    )


def invoices_of(desk: DeskAt, customer_id: str) -> Any:
    """Invoices, the newest first, with what is open of those that are owed."""
    left = case((col(Invoice.status).in_(OWED), open_minor()), else_=0)
    return (
        desk.visible(Invoice)
        .with_only_columns(
            col(Invoice.id), col(Invoice.number), col(Invoice.status), col(Invoice.total_minor), left,
            col(Invoice.currency), col(Invoice.due_at),
        )
        .where(col(Invoice.customer_id) == customer_id)
        .order_by(col(Invoice.issued_on).desc(), col(Invoice.id).desc())
        .limit(MOST)
    )  # fmt: skip


async def touches_of(desk: DeskAt, customer_id: str) -> tuple[Touch, ...]:
    """The last messages and letters between them and us, on every channel, the newest first."""
    said = (
        desk.visible(TicketMessage)
        .with_only_columns(
            col(TicketMessage.created_at), col(TicketMessage.channel), literal(""),
            col(TicketMessage.kind) == MessageKind.INBOUND, col(TicketMessage.ticket_id),
        )
        .join(Ticket, col(Ticket.id) == col(TicketMessage.ticket_id))
        .where(col(Ticket.customer_id) == customer_id, col(TicketMessage.kind) != MessageKind.NOTE)
        .order_by(col(TicketMessage.created_at).desc())
        .limit(CONTACTS)
    )  # fmt: skip
    found: list[Any] = [*(await desk.session.execute(said)).all()]
    for about in (by_ticket(desk, customer_id), by_case(desk, customer_id)):
        sent = desk.visible(SentMessage).with_only_columns(
            col(SentMessage.sent_at), literal(""), col(SentMessage.letter), literal(False),
            col(SentMessage.ticket_id),
        )  # fmt: skip
        query = (
            sent.where(about, col(SentMessage.letter).not_in(OURS))
            .order_by(col(SentMessage.sent_at).desc())
            .limit(CONTACTS)
        )
        found += (await desk.session.execute(query)).all()
    newest = sorted(found, key=lambda row: row[0], reverse=True)[:CONTACTS]
    return tuple(Touch(at, str(channel), *rest) for at, channel, *rest in newest)


def by_ticket(desk: DeskAt, customer_id: str) -> Any:
    """Letters about any of the customer's tickets."""
    theirs = (
        desk.visible(Ticket).with_only_columns(col(Ticket.id)).where(col(Ticket.customer_id) == customer_id)
    )
    return col(SentMessage.ticket_id) == any_(func.array(theirs.scalar_subquery()))


def by_case(desk: DeskAt, customer_id: str) -> Any:
    """Letters about an order, a return, a change, a bill or a dunning case of theirs, or about them."""
    models: tuple[Any, ...] = (Order, Return, SubscriptionChange, Invoice, DunningCase, Customer)
    own = [
        desk.visible(model)
        .with_only_columns(col(model.id))
        .where((col(model.id) if model is Customer else col(model.customer_id)) == customer_id)
        for model in models
    ]
    return col(SentMessage.case_id) == any_(func.array(union_all(*own).scalar_subquery()))
