"""One ticket as an agent sees it: promises, waits, story, visit, invoice, and what may be done now."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.customers.card import Card, ProductLine, card
from api.kit.language import gettext, locale
from api.kit.people import Person
from api.kit.sentences import then_sentence, wait_sentence
from api.kit.visible import visible
from api.tickets.kin import Kin, kin_of
from api.tickets.stages import Facts, Step, stages
from api.tickets.story import Entry, story
from models.billing import Invoice
from models.field_service import Technician, Visit
from models.journeys import OpenWait
from models.kit.refusals import REFUSALS, Refusal
from models.messages.billing.invoices import InvoiceStatus
from models.messages.field_service import Outcome, VisitStatus
from models.messages.journeys import WaitFor
from models.messages.tickets import Channel, CloseReason, MessageKind, Priority, TicketStatus
from models.rules import tickets as rules
from models.rules.field_service import has_report
from models.staff import Account, Team
from models.tickets import Draft, Ticket, TicketRating

T = TypeVar("T")
ACTS = ("assign", "reply", "note", "resolve", "dispatch", "cancel", "merge", "split", "snooze", "wake")


@dataclass(frozen=True)
class Head:
    """The ticket's own row, with the names that it refers to."""

    id: str
    subject: str
    description: str
    status: TicketStatus
    is_over: bool
    priority: Priority
    channel: Channel
    customer_id: str
    owned_product_id: str | None
    team_id: str | None
    agent_id: str | None
    answer_due: datetime | None
    resolve_due: datetime | None
    confirm_due: datetime | None
    answered_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    close_reason: CloseReason | None
    created_at: datetime
    updated_at: datetime
    seq: int
    is_snoozed: bool
    snoozed_until: datetime | None
    agent: str | None
    team: str | None


@dataclass(frozen=True)
class WaitLine:
    """One open wait as a sentence."""

    key: str
    who: WaitFor
    text: str
    since: datetime
    until: datetime | None
    then: str


@dataclass(frozen=True)
class VisitCard:
    """The ticket's latest visit."""

    id: str
    status: VisitStatus
    is_over: bool
    technician: str | None
    technician_id: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    finished_at: datetime | None
    note: str
    outcome: Outcome | None

    @property
    def has_report(self) -> bool:
        """Whether there is a report of it to take along."""
        return has_report(self.is_over, self.outcome)


@dataclass(frozen=True)
class InvoiceCard:
    """The ticket's latest invoice."""

    id: str
    number: str
    status: InvoiceStatus
    total_minor: int
    currency: str
    due_at: datetime
    paid_at: datetime | None


@dataclass(frozen=True)
class DraftText:
    """What the agent had typed and not sent."""

    kind: MessageKind
    body: str


@dataclass(frozen=True)
class TicketPage:
    """Everything on a ticket's page."""

    head: Head
    waits: tuple[WaitLine, ...]
    story: tuple[Entry, ...]
    steps: tuple[Step, ...]
    card: Card | None
    product: ProductLine | None
    visit: VisitCard | None
    invoice: InvoiceCard | None
    draft: DraftText | None
    stars: int | None
    why_not: dict[str, str]  # command: why it is not possible now, or nothing
    kin: Kin = field(default_factory=Kin)

    @property
    def id(self) -> str:
        """The ticket's number."""
        return self.head.id


HEAD = (
    "id", "subject", "description", "status", "is_over", "priority", "channel", "customer_id",
    "owned_product_id", "team_id", "agent_id", "answer_due", "resolve_due", "confirm_due", "answered_at",
    "resolved_at", "closed_at", "close_reason", "created_at", "updated_at", "seq",
    "is_snoozed", "snoozed_until",
)  # fmt: skip


async def head_of(session: AsyncSession, person: Person, ticket_id: str) -> Head:
    """The ticket's row, or `not_found`, whether it does not exist or is not for this person."""
    team = col(Team.name_ko) if locale() == "ko" else col(Team.name_en)
    query = (
        visible(person, Ticket)
        .with_only_columns(*(getattr(Ticket, name) for name in HEAD), col(Account.name), team)
        .outerjoin(Account, col(Account.id) == col(Ticket.agent_id))
        .outerjoin(Team, col(Team.id) == col(Ticket.team_id))
        .where(col(Ticket.id) == ticket_id)
    )
    found: Any = (await session.execute(query)).one_or_none()
    if found is None:
        raise Refusal("not_found")
    return Head(*found)


async def ticket_page(session: AsyncSession, person: Person, ticket_id: str) -> TicketPage:
    """Read one ticket for the desk."""
    head = await head_of(session, person, ticket_id)
    visit, invoice = await visit_of(session, person, ticket_id), await invoice_of(session, person, ticket_id)
    about = await card(session, person, head.customer_id)
    owned = [line for line in about.products if line.id == head.owned_product_id] if about else []
    stars = visible(person, TicketRating).with_only_columns(col(TicketRating.stars))
    kin = await kin_of(session, person, ticket_id)
    return TicketPage(
        head=head,
        waits=await waits_of(session, person, ticket_id),
        story=await story(session, person, ticket_id),
        steps=steps_of(head, visit, invoice),
        card=about,
        product=owned[0] if owned else None,
        visit=visit,
        invoice=invoice,
        draft=await draft_of(session, person, ticket_id),
        stars=await session.scalar(stars.where(col(TicketRating.ticket_id) == ticket_id)),
        why_not={act: why_not(act, head) or held_up(act, kin) for act in ACTS},
        kin=kin,
    )


def held_up(act: str, kin: Kin) -> str:
    """What has to wait for the parts of the ticket, with the list of what is open."""
    if act not in ("resolve", "cancel") or not kin.open_parts:
        return ""
    code = "ticket_parts_open"
    return gettext(REFUSALS[code][1], open=kin.listed)


def why_not(act: str, head: Head) -> str:
    """Why this act is not possible now, as a sentence; nothing when it is."""
    code = rules.refusal(act, head.status)
    return gettext(REFUSALS[code][1]) if code else ""


def steps_of(head: Head, visit: VisitCard | None, invoice: InvoiceCard | None) -> tuple[Step, ...]:
    """How far the ticket has come."""
    return stages(
        Facts(
            status=head.status, created_at=head.created_at, answered_at=head.answered_at,
            resolved_at=head.resolved_at, closed_at=head.closed_at,
            visit_status=visit.status if visit else None,
            technician=(visit.technician or "") if visit else "",
            starts_at=visit.starts_at if visit else None, finished_at=visit.finished_at if visit else None,
            has_invoice=invoice is not None, paid_at=invoice.paid_at if invoice else None,
            is_late=invoice is not None and invoice.status is InvoiceStatus.OVERDUE,
        )
    )  # fmt: skip


async def waits_of(session: AsyncSession, person: Person, ticket_id: str) -> tuple[WaitLine, ...]:
    """Who is waited for, the nearest deadline first."""
    query = (
        visible(person, OpenWait)
        .with_only_columns(
            col(OpenWait.workflow_id), col(OpenWait.key), col(OpenWait.who), col(OpenWait.what),
            col(OpenWait.details), col(OpenWait.since), col(OpenWait.until), col(OpenWait.then),
        )
        .where(col(OpenWait.ticket_id) == ticket_id, col(OpenWait.ended_at).is_(None))
        .order_by(col(OpenWait.until).asc().nulls_last(), col(OpenWait.since).desc())
    )  # fmt: skip
    return tuple(
        WaitLine(
            f"{line.workflow_id}/{line.key}", line.who, wait_sentence(line.what, line.details),
            line.since, line.until, then_sentence(line.then),
        )
        for line in await session.execute(query)
    )  # fmt: skip


async def visit_of(session: AsyncSession, person: Person, ticket_id: str) -> VisitCard | None:
    """The latest visit, if there was any."""
    query = (
        visible(person, Visit)
        .with_only_columns(
            col(Visit.id), col(Visit.status), col(Visit.is_over), col(Technician.name),
            col(Visit.technician_id), col(Visit.starts_at), col(Visit.ends_at), col(Visit.finished_at),
            col(Visit.note), col(Visit.outcome),
        )
        .outerjoin(Technician, col(Technician.id) == col(Visit.technician_id))
        .where(col(Visit.ticket_id) == ticket_id)
        .order_by(col(Visit.created_at).desc(), col(Visit.id).desc())
        .limit(1)
    )  # fmt: skip
    return _one(VisitCard, (await session.execute(query)).one_or_none())


async def invoice_of(session: AsyncSession, person: Person, ticket_id: str) -> InvoiceCard | None:
    """The latest invoice, if there is any."""
    query = (
        visible(person, Invoice)
        .with_only_columns(
            col(Invoice.id), col(Invoice.number), col(Invoice.status), col(Invoice.total_minor),
            col(Invoice.currency), col(Invoice.due_at), col(Invoice.paid_at),
        )
        .where(col(Invoice.ticket_id) == ticket_id)
        .order_by(col(Invoice.created_at).desc(), col(Invoice.id).desc())
        .limit(1)
    )  # fmt: skip
    return _one(InvoiceCard, (await session.execute(query)).one_or_none())


async def draft_of(session: AsyncSession, person: Person, ticket_id: str) -> DraftText | None:
    """What this person had typed."""
    query = visible(person, Draft).with_only_columns(col(Draft.kind), col(Draft.body))
    return _one(
        DraftText, (await session.execute(query.where(col(Draft.ticket_id) == ticket_id))).one_or_none()
    )


def _one(kind: Callable[..., T], found: Any) -> T | None:
    return None if found is None else kind(*found)
