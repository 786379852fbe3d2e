"""The one timeline of a ticket: messages, notes, steps and money in the order in which they happened."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.kit.language import gettext
from api.kit.people import Person
from api.kit.sentences import sentence
from api.kit.visible import visible
from models.kit.timeline import EntryKind, TimelineEntry
from models.messages.tickets import Channel, MessageKind
from models.tickets import Attachment, InboundMail, TicketMessage

TOLD_BY_MESSAGES = ("tickets.replied", "tickets.noted", "tickets.customer_wrote")
"""Steps that a stored message tells better."""
LOOKS = {
    "tickets.received": ("inbox", "blue"),
    "tickets.late": ("triangle-alert", "red"),
    "tickets.overdue": ("triangle-alert", "red"),
    "tickets.assigned": ("user-plus", "indigo"),
    "tickets.handed_over": ("user-plus", "indigo"),
    "tickets.dispatched": ("truck", "violet"),
    "tickets.resolved": ("check", "green"),
    "tickets.confirmed": ("circle-check", "green"),
    "tickets.reopened": ("refresh-cw", "orange"),
    "tickets.closed": ("circle-check", "gray"),
    "tickets.rated": ("star", "amber"),
    "tickets.mail_hint": ("triangle-alert", "amber"),
    "tickets.mail_unread": ("triangle-alert", "amber"),
    "tickets.mail_held_back": ("shield", "amber"),
}
FAMILIES = {"visits": ("truck", "violet"), "billing": ("receipt", "teal"), "payments": ("receipt", "teal")}
SIDES = {MessageKind.INBOUND: "theirs", MessageKind.REPLY: "mine", MessageKind.NOTE: "note"}
MOST = 400


@dataclass(frozen=True)
class File:
    """One attachment as the page shows it."""

    id: str
    name: str
    size: int
    is_image: bool


@dataclass(frozen=True)
class Entry:
    """One line or card of the timeline."""

    key: str  # id of the element, so that live updates keep its place
    at: datetime
    kind: EntryKind
    text: str
    by: str = ""
    side: str = ""  # of a message: theirs, mine, note
    channel: Channel | None = None
    delivery: str = ""
    icon: str = "sparkles"
    tone: str = "gray"
    files: tuple[File, ...] = field(default=())
    mark: str = ""  # what is known about the sender
    mail_id: str = ""  # of the original, for colleagues


async def story(
    session: AsyncSession, person: Person, ticket_id: str, *, is_public: bool = False
) -> tuple[Entry, ...]:
    """What happened; to customers only what is theirs to know, and never a note."""
    files = await files_of(session, person, ticket_id)
    told = [*await messages(session, person, ticket_id, files, is_public)]
    told += await steps(session, person, ticket_id, is_public)
    return tuple(sorted(told, key=lambda entry: (entry.at, entry.key)))


async def messages(
    session: AsyncSession,
    person: Person,
    ticket_id: str,
    files: dict[str | None, list[File]],
    is_public: bool,
) -> list[Entry]:
    """The stored messages with their attachments."""
    originals = {} if is_public else await originals_of(session, person, ticket_id)
    query = (
        visible(person, TicketMessage)
        .with_only_columns(
            col(TicketMessage.id), col(TicketMessage.kind), col(TicketMessage.author_name),
            col(TicketMessage.channel), col(TicketMessage.body), col(TicketMessage.created_at),
            col(TicketMessage.delivery), col(TicketMessage.mark),
        )
        .where(col(TicketMessage.ticket_id) == ticket_id)
        .order_by(col(TicketMessage.created_at).desc())
        .limit(MOST)
    )  # fmt: skip
    if is_public:
        query = query.where(col(TicketMessage.kind) != MessageKind.NOTE)
    return [
        Entry(
            key=f"m_{line.id}", at=line.created_at, text=line.body, side=SIDES[line.kind],
            kind=EntryKind.NOTE if line.kind is MessageKind.NOTE else EntryKind.MESSAGE,
            by=line.author_name or gettext("Customer"), channel=line.channel, delivery=line.delivery,
            files=tuple(files.get(line.id, ())), mark=line.mark, mail_id=originals.get(line.id, ""),
        )
        for line in await session.execute(query)
    ]  # fmt: skip


async def originals_of(session: AsyncSession, person: Person, ticket_id: str) -> dict[str, str]:
    """The mails behind messages."""
    query = (
        visible(person, InboundMail)
        .with_only_columns(col(InboundMail.message_id), col(InboundMail.id))
        .where(col(InboundMail.ticket_id) == ticket_id, col(InboundMail.message_id).is_not(None))
        .limit(MOST)
    )
    return {str(line[0]): str(line[1]) for line in await session.execute(query)}


async def files_of(session: AsyncSession, person: Person, ticket_id: str) -> dict[str | None, list[File]]:
    """Attachments by message; photos of visits stand on the visit's own page."""
    query = (
        visible(person, Attachment)
        .with_only_columns(
            col(Attachment.id), col(Attachment.name), col(Attachment.size), col(Attachment.media_type),
            col(Attachment.message_id),
        )
        .where(col(Attachment.ticket_id) == ticket_id, col(Attachment.visit_id).is_(None))
        .order_by(col(Attachment.created_at), col(Attachment.id))
        .limit(MOST)
    )  # fmt: skip
    found: dict[str | None, list[File]] = defaultdict(list)
    for line in await session.execute(query):
        is_image = line.media_type.startswith("image/")
        found[line.message_id].append(File(line.id, line.name, line.size, is_image))
    return found


async def steps(session: AsyncSession, person: Person, ticket_id: str, is_public: bool) -> list[Entry]:
    """What people and the system did, as sentences."""
    query = (
        visible(person, TimelineEntry)
        .with_only_columns(
            col(TimelineEntry.id), col(TimelineEntry.at), col(TimelineEntry.kind),
            col(TimelineEntry.sentence), col(TimelineEntry.details),
        )
        .where(
            col(TimelineEntry.ticket_id) == ticket_id, col(TimelineEntry.sentence).not_in(TOLD_BY_MESSAGES)
        )
        .order_by(col(TimelineEntry.at).desc(), col(TimelineEntry.id).desc())
        .limit(MOST)
    )  # fmt: skip
    if is_public:
        query = query.where(col(TimelineEntry.is_public))
    return [step(line) for line in await session.execute(query)]


def step(line: Any) -> Entry:
    """One stored step as a line of the timeline."""
    family = line.sentence.partition(".")[0]
    icon, tone = LOOKS.get(line.sentence) or FAMILIES.get(family, ("sparkles", "gray"))
    kind = EntryKind.MONEY if family in ("billing", "payments") else line.kind
    text = sentence(line.sentence, line.details)
    return Entry(key=f"e_{line.id:012d}", at=line.at, kind=kind, text=text, icon=icon, tone=tone)
