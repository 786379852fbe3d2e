"""The one timeline of a ticket: messages, notes, steps and money in the order in which they happened."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.kit.language import gettext
from api.kit.people import Person
from api.kit.seeing import ids
from api.kit.sentences import sentence
from api.kit.visible import visible
from api.tickets.kin import family_of
from models.kit.timeline import EntryKind, TimelineEntry
from models.messages.tickets import Channel, MessageKind
from models.tickets import Attachment, InboundMail, Ticket, TicketMessage

TOLD_BY_MESSAGES = ("tickets.replied", "tickets.noted", "tickets.customer_wrote")
"""Steps that a stored message tells better."""
ABOUT_OTHERS = tuple(
    f"tickets.{name}"
    for name in (
        "linked_related", "linked_duplicate", "linked_has_duplicate", "linked_caused", "linked_causes",
        "linked_child", "unlinked", "unlinked_child", "child_joined", "child_left", "child_done",
        "child_back",
        "merged", "took_in", "unmerged", "gave_back", "merge_final", "split", "split_from",
    )
)  # fmt: skip
"""Steps that name another ticket: told to whoever may see that one, too."""
LOOKS = {
    **dict.fromkeys(
        ("tickets.merged", "tickets.took_in", "tickets.unmerged", "tickets.gave_back", "tickets.split"),
        ("waypoints", "teal"),
    ),
    **dict.fromkeys(("tickets.snoozed_until", "tickets.snoozed_reply"), ("timer", "amber")),
    **dict.fromkeys(("tickets.snooze_over", "tickets.woken"), ("timer", "blue")),
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
    merged: str = ""  # the ticket it belongs to, when that one goes on in this
    came_to: str = ""  # the ticket a message came to, when it was split from that one


async def story(
    session: AsyncSession, person: Person, ticket_id: str, *, is_public: bool = False
) -> tuple[Entry, ...]:
    """What happened; to customers only what is theirs to know, and never a note."""
    family = await family_of(session, person, ticket_id)
    files = await files_of(session, person, family)
    told = [*await messages(session, person, family, files, is_public)]
    told += await steps(session, person, family, is_public)
    return tuple(sorted(told, key=lambda entry: (entry.at, entry.key)))


async def messages(
    session: AsyncSession,
    person: Person,
    family: tuple[str, ...],
    files: dict[str | None, list[File]],
    is_public: bool,
) -> list[Entry]:
    """The stored messages with their attachments."""
    originals = {} if is_public else await originals_of(session, person, family)
    query = (
        visible(person, TicketMessage)
        .with_only_columns(
            col(TicketMessage.id), col(TicketMessage.kind), col(TicketMessage.author_name),
            col(TicketMessage.channel), col(TicketMessage.body), col(TicketMessage.created_at),
            col(TicketMessage.delivery), col(TicketMessage.mark), col(TicketMessage.ticket_id),
            col(TicketMessage.split_from_id),
        )
        .where(col(TicketMessage.ticket_id).in_(family))
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
            merged=elsewhere(line.ticket_id, family), came_to=line.split_from_id or "",
        )
        for line in await session.execute(query)
    ]  # fmt: skip


def elsewhere(ticket_id: str, family: tuple[str, ...]) -> str:
    """The ticket that a line belongs to, unless it is the one that is read."""
    return "" if ticket_id == family[0] else ticket_id


async def originals_of(session: AsyncSession, person: Person, family: tuple[str, ...]) -> dict[str, str]:
    """The mails behind messages."""
    query = (
        visible(person, InboundMail)
        .with_only_columns(col(InboundMail.message_id), col(InboundMail.id))
        .where(col(InboundMail.ticket_id).in_(family), col(InboundMail.message_id).is_not(None))
        .limit(MOST)
    )
    return {str(line[0]): str(line[1]) for line in await session.execute(query)}


async def files_of(
    session: AsyncSession, person: Person, family: tuple[str, ...]
) -> dict[str | None, list[File]]:
    """Attachments by message; photos of visits stand on the visit's own page."""
    query = (
        visible(person, Attachment)
        .with_only_columns(
            col(Attachment.id), col(Attachment.name), col(Attachment.size), col(Attachment.media_type),
            col(Attachment.message_id),
        )
        .where(col(Attachment.ticket_id).in_(family), col(Attachment.visit_id).is_(None))
        .order_by(col(Attachment.created_at), col(Attachment.id))
        .limit(MOST)
    )  # fmt: skip
    found: dict[str | None, list[File]] = defaultdict(list)
    for line in await session.execute(query):
        is_image = line.media_type.startswith("image/")
        found[line.message_id].append(File(line.id, line.name, line.size, is_image))
    return found


async def steps(
    session: AsyncSession, person: Person, family: tuple[str, ...], is_public: bool
) -> list[Entry]:
    """What people and the system did, as sentences."""
    query = (
        visible(person, TimelineEntry)
        .with_only_columns(
            col(TimelineEntry.id), col(TimelineEntry.at), col(TimelineEntry.kind),
            col(TimelineEntry.sentence), col(TimelineEntry.details), col(TimelineEntry.ticket_id),
        )
        .where(
            col(TimelineEntry.ticket_id).in_(family), col(TimelineEntry.sentence).not_in(TOLD_BY_MESSAGES),
            or_(
                col(TimelineEntry.sentence).not_in(ABOUT_OTHERS),
                col(TimelineEntry.details)["other"].astext.in_(ids(person, Ticket, Ticket.id)),
            ),
        )
        .order_by(col(TimelineEntry.at).desc(), col(TimelineEntry.id).desc())
        .limit(MOST)
    )  # fmt: skip
    if is_public:
        query = query.where(col(TimelineEntry.is_public))
    return [
        replace(step(line), merged=elsewhere(line.ticket_id, family)) for line in await session.execute(query)
    ]


def step(line: Any) -> Entry:
    """One stored step as a line of the timeline."""
    family = line.sentence.partition(".")[0]
    icon, tone = LOOKS.get(line.sentence) or FAMILIES.get(family, ("sparkles", "gray"))
    kind = EntryKind.MONEY if family in ("billing", "payments") else line.kind
    text = sentence(line.sentence, line.details)
    return Entry(key=f"e_{line.id:012d}", at=line.at, kind=kind, text=text, icon=icon, tone=tone)
