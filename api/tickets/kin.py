"""Tickets that belong together, as far as the reader may see them: merged ones, links, and parts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.kit.desk import DeskAt
from api.kit.people import Person
from api.kit.visible import visible
from api.tickets.queue import Row, rows_by_id
from models.kit.refusals import Refusal
from models.messages.tickets import TicketStatus
from models.messages.tickets.kin import LinkKind
from models.messages.tickets.promises import Target
from models.rules import tickets as rules
from models.rules.tickets.kin import BUSY
from models.tickets import Ticket, TicketLink, TicketPromise

DEEPEST, MOST = 10, 100
SIDES = {  # what the other ticket is, read from this one: (kind, whether this one says it)
    (LinkKind.CHILD, True): "whole", (LinkKind.CHILD, False): "part",
    (LinkKind.DUPLICATE, True): "duplicate", (LinkKind.DUPLICATE, False): "has_duplicate",
    (LinkKind.CAUSED, True): "caused", (LinkKind.CAUSED, False): "causes",
    (LinkKind.SPLIT, True): "split", (LinkKind.SPLIT, False): "has_split",
}  # fmt: skip


@dataclass(frozen=True)
class Relative:
    """Another ticket, what it is to this one, and whom it waits for."""

    id: str
    is_what: str  # one of SIDES, or "related"
    subject: str
    status: TicketStatus
    wait: str
    next_due: datetime | None
    agent: str | None
    is_open: bool  # our work on it is not done


@dataclass(frozen=True)
class Merged:
    """A ticket that goes on in this one, with the promises that it brought."""

    id: str
    subject: str
    may_undo: bool
    promises: tuple[tuple[Target, datetime | None], ...] = ()


@dataclass(frozen=True)
class Kin:
    """Everything that belongs to a ticket."""

    relatives: tuple[Relative, ...] = ()
    merged: tuple[Merged, ...] = ()

    @property
    def parts(self) -> tuple[Relative, ...]:
        """What it consists of."""
        return tuple(one for one in self.relatives if one.is_what == "part")

    @property
    def open_parts(self) -> tuple[Relative, ...]:
        """What it is not resolved before."""
        return tuple(one for one in self.parts if one.is_open)

    @property
    def others(self) -> tuple[Relative, ...]:
        """What is not a part."""
        return tuple(one for one in self.relatives if one.is_what != "part")

    @property
    def listed(self) -> str:
        """The open parts in one line."""
        return ", ".join(f"{one.id} {one.subject}" for one in self.open_parts)


async def family_of(session: AsyncSession, person: Person, ticket_id: str) -> tuple[str, ...]:
    """The ticket and those that go on in it, of which this person may know."""
    found, asked = [ticket_id], [ticket_id]
    for _ in range(DEEPEST):
        query = visible(person, Ticket).with_only_columns(col(Ticket.id))
        query = query.where(col(Ticket.merged_into_id).in_(asked)).order_by(col(Ticket.id))
        asked = list(await session.scalars(query.limit(MOST)))
        found += asked
        if not asked:
            break
    return tuple(found)


async def keeper_of(desk: DeskAt, ticket_id: str) -> tuple[str, bool]:
    """Where a ticket that they see goes on (itself when it is not merged), and whether that is over."""
    row = (
        await desk.session.execute(text("select id, is_over from ieum_keeper(:id)"), {"id": ticket_id})
    ).one()
    return str(row[0]), bool(row[1])


async def goes_on_in(desk: DeskAt, ticket_id: str) -> str:
    """The ticket in which this one goes on, when this person may see both; else nothing."""
    query = desk.visible(Ticket).with_only_columns(col(Ticket.merged_into_id))
    if not await desk.session.scalar(query.where(col(Ticket.id) == ticket_id)):
        return ""
    keeper, _ = await keeper_of(desk, ticket_id)
    seen = desk.visible(Ticket).with_only_columns(col(Ticket.id)).where(col(Ticket.id) == keeper)
    return str(await desk.session.scalar(seen) or "")


async def heard_by(desk: DeskAt, ticket_id: str, status: TicketStatus) -> str:
    """The ticket that hears what the customer writes to this one; refused when that one is over."""
    if status in (TicketStatus.CLOSED, TicketStatus.CANCELLED):
        raise Refusal("ticket_closed")
    if status is not TicketStatus.MERGED:
        return ticket_id
    keeper, is_over = await keeper_of(desk, ticket_id)
    if is_over:
        raise Refusal("ticket_closed")
    return keeper


async def kin_of(session: AsyncSession, person: Person, ticket_id: str) -> Kin:
    """What belongs to a ticket, and to those that go on in it."""
    family = await family_of(session, person, ticket_id)
    links = visible(person, TicketLink).where(
        or_(col(TicketLink.from_id).in_(family), col(TicketLink.to_id).in_(family))
    )
    found = list(await session.scalars(links.order_by(col(TicketLink.made_at).desc()).limit(MOST)))
    rows = await rows_by_id(session, person, sorted({other_end(one, family) for one in found}))
    relatives = [
        relative(rows[other_end(one, family)], one.kind, one.from_id in family)
        for one in found
        if other_end(one, family) in rows
    ]
    return Kin(tuple(relatives), await merged_in(session, person, ticket_id, family[1:]))


def other_end(link: TicketLink, family: tuple[str, ...]) -> str:
    """The ticket at the other end of a link."""
    return link.to_id if link.from_id in family else link.from_id


def relative(row: Row, kind: LinkKind, is_said: bool) -> Relative:
    """One other ticket as the page shows it."""
    what = SIDES.get((kind, is_said), kind.value)
    return Relative(
        row.id, what, row.subject, row.status, row.wait, row.next_due, row.agent, row.status in BUSY
    )


async def merged_in(
    session: AsyncSession, person: Person, ticket_id: str, ids: tuple[str, ...]
) -> tuple[Merged, ...]:
    """The tickets that go on in this one; what was promised for them still counts."""
    if not ids:
        return ()
    query = visible(person, Ticket).with_only_columns(
        col(Ticket.id), col(Ticket.subject), col(Ticket.closed_at)
    )
    rows = (await session.execute(query.where(col(Ticket.id).in_(ids)).order_by(col(Ticket.id)))).all()
    own = visible(person, Ticket).with_only_columns(col(Ticket.status))
    status = await session.scalar(own.where(col(Ticket.id) == ticket_id))
    clocks = visible(person, TicketPromise).with_only_columns(
        col(TicketPromise.ticket_id), col(TicketPromise.target), col(TicketPromise.due_at)
    )
    running = clocks.where(col(TicketPromise.ticket_id).in_(ids), col(TicketPromise.ended_at).is_(None))
    promised: dict[str, list[Any]] = {}
    for of, target, due in await session.execute(running.order_by(col(TicketPromise.due_at))):
        promised.setdefault(of, []).append((target, due))
    return tuple(
        Merged(
            row[0], row[1], row[2] is None and status in rules.WORKING, tuple(promised.get(row[0], ()))
        )
        for row in rows
    )  # fmt: skip


async def refuse_open_parts(desk: DeskAt, ticket_id: str) -> None:
    """Refuse, with the list of what is open, what has to wait for the parts of a ticket."""
    kin = await kin_of(desk.session, desk.person, ticket_id)
    if kin.open_parts:
        raise Refusal("ticket_parts_open", {"open": kin.listed})
