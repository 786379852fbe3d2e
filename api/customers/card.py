"""The customer at the right of every page: who it is, what they own, what runs and what they owe. Masked."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.kit import formats
from api.kit.language import locale
from api.kit.people import Person
from api.kit.personal import mask_email, mask_phone
from api.kit.visible import visible
from models.billing import Invoice
from models.catalogue import Product
from models.customers import Customer, OwnedProduct
from models.kit.arrears import OWED, open_minor
from models.messages.billing.invoices import InvoiceStatus
from models.messages.customers import CustomerKind, Tier
from models.messages.tickets import Channel, MessageKind, TicketStatus
from models.tickets import Ticket, TicketMessage


@dataclass(frozen=True)
class ProductLine:
    """One device of the customer and how long its warranty lasts."""

    id: str
    name: str
    category: str
    serial: str
    bought_on: date | None
    warranty_until: date | None
    days_left: int | None

    @property
    def is_covered(self) -> bool:
        """Still under warranty today."""
        return self.days_left is not None and self.days_left >= 0


@dataclass(frozen=True)
class TicketLine:
    """One ticket of the customer."""

    id: str
    subject: str
    status: TicketStatus
    is_over: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Contact:
    """One message to or from the customer, without its text."""

    ticket_id: str
    kind: MessageKind
    channel: Channel
    at: datetime


@dataclass(frozen=True)
class Card:
    """One customer as the desk sees them before anything is unmasked."""

    id: str
    kind: CustomerKind
    name: str
    tier: Tier
    is_verified: bool
    phone: str
    email: str
    region: str
    locale: str
    created_at: datetime
    version: int
    products: tuple[ProductLine, ...] = ()
    tickets: tuple[TicketLine, ...] = ()
    contacts: tuple[Contact, ...] = ()
    owed_minor: int = 0
    owed_count: int = 0
    is_overdue: bool = False

    @property
    def open_tickets(self) -> tuple[TicketLine, ...]:
        """Those that are still alive."""
        return tuple(ticket for ticket in self.tickets if not ticket.is_over)


async def card(session: AsyncSession, person: Person, customer_id: str, *, tickets: int = 20) -> Card | None:
    """Everything of one customer that the person may see; None when there is nobody."""
    query = visible(person, Customer).with_only_columns(
        col(Customer.id), col(Customer.kind), col(Customer.name), col(Customer.tier),
        col(Customer.is_verified), col(Customer.phone), col(Customer.email), col(Customer.region),
        col(Customer.locale), col(Customer.created_at), col(Customer.version),
    )  # fmt: skip
    found = (await session.execute(query.where(col(Customer.id) == customer_id))).one_or_none()
    if found is None:
        return None
    count, owed, is_overdue = await standing(session, person, customer_id)
    return Card(
        found.id, found.kind, found.name, found.tier, found.is_verified,
        mask_phone(found.phone or "") or formats.NOTHING, mask_email(found.email or "") or formats.NOTHING,
        found.region, found.locale, found.created_at, found.version,
        await products_of(session, person, customer_id),
        await tickets_of(session, person, customer_id, tickets),
        await contacts_of(session, person, customer_id), owed, count, is_overdue,
    )  # fmt: skip


async def products_of(session: AsyncSession, person: Person, customer_id: str) -> tuple[ProductLine, ...]:
    """What the customer owns, the newest first."""
    name = col(Product.name_ko) if locale() == "ko" else col(Product.name_en)
    query = (
        visible(person, OwnedProduct)
        .with_only_columns(
            col(OwnedProduct.id), name, col(Product.category), col(OwnedProduct.serial),
            col(OwnedProduct.bought_on), col(OwnedProduct.warranty_until),
        )
        .join(Product, col(Product.id) == col(OwnedProduct.product_id))
        .where(col(OwnedProduct.customer_id) == customer_id, col(OwnedProduct.returned_on).is_(None))
        .order_by(col(OwnedProduct.bought_on).desc().nulls_last(), col(OwnedProduct.id))
        .limit(50)
    )  # fmt: skip
    today = formats.in_seoul(datetime.now(UTC)).date()
    return tuple(
        ProductLine(*line, (line.warranty_until - today).days if line.warranty_until else None)
        for line in await session.execute(query)
    )


async def tickets_of(
    session: AsyncSession, person: Person, customer_id: str, limit: int
) -> tuple[TicketLine, ...]:
    """The customer's tickets, the newest first."""
    query = (
        visible(person, Ticket)
        .with_only_columns(
            col(Ticket.id), col(Ticket.subject), col(Ticket.status), col(Ticket.is_over),
            col(Ticket.created_at), col(Ticket.updated_at),
        )
        .where(col(Ticket.customer_id) == customer_id)
        .order_by(col(Ticket.created_at).desc())
        .limit(limit)
    )  # fmt: skip
    return tuple(TicketLine(*line) for line in await session.execute(query))


async def contacts_of(session: AsyncSession, person: Person, customer_id: str) -> tuple[Contact, ...]:
    """The last five messages between us and the customer, over all tickets that the person may see."""
    query = (
        visible(person, TicketMessage)
        .with_only_columns(
            col(TicketMessage.ticket_id), col(TicketMessage.kind), col(TicketMessage.channel),
            col(TicketMessage.created_at),
        )
        .join(Ticket, col(Ticket.id) == col(TicketMessage.ticket_id))
        .where(col(Ticket.customer_id) == customer_id, col(TicketMessage.kind) != MessageKind.NOTE)
        .order_by(col(TicketMessage.created_at).desc())
        .limit(5)
    )  # fmt: skip
    return tuple(Contact(*line) for line in await session.execute(query))


async def standing(session: AsyncSession, person: Person, customer_id: str) -> tuple[int, int, bool]:
    """How many invoices are not paid yet, what is open of them in minor units, and whether one is overdue."""
    query = (
        visible(person, Invoice)
        .with_only_columns(
            func.count(), func.coalesce(func.sum(open_minor()), 0),
            func.coalesce(func.bool_or(col(Invoice.status) == InvoiceStatus.OVERDUE), False),
        )
        .where(col(Invoice.customer_id) == customer_id, col(Invoice.status).in_(OWED), open_minor() > 0)
    )  # fmt: skip
    count, owed, is_overdue = (await session.execute(query)).one()
    return int(count), int(owed), bool(is_overdue)
