"""Rows of tickets that belong together: merged, split, and told of each other in one transaction."""

from datetime import datetime

from sqlalchemy import ColumnElement, exists, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from activities.kit.timeline import tell_live, write_entry
from models.employee_requests import RequestHandover
from models.field_service import Visit
from models.kit import ids
from models.kit.outbox import announce_signal, announce_start
from models.kit.timeline import EntryKind
from models.messages.employee_requests.requests import RequestStatus
from models.messages.tickets import (
    Change,
    FaultReport,
    MessageKind,
    TicketStatus,
    ticket_workflow_id,
)
from models.messages.tickets.kin import ChildMoved, LinkKind, MergeSettled, SplitStep
from models.rules import tickets as rules
from models.rules.tickets.kin import BUSY, Side, why_not_merged
from models.staff import Account
from models.tickets import Attachment, InboundMail, Ticket, TicketLink, TicketMessage

FINAL = "tickets.merge_final"
MOST_MERGED = 50


async def locked(session: AsyncSession, *ticket_ids: str) -> dict[str, Ticket]:
    """Tickets, locked in the order of their numbers, so that two merges cannot wait for each other."""
    query = select(Ticket).where(col(Ticket.id).in_(ticket_ids)).order_by(col(Ticket.id)).with_for_update()
    return {one.id: one for one in await session.scalars(query)}


async def refusal_of_merge(session: AsyncSession, gone: Ticket, keeper: Ticket, is_across: bool) -> str:
    """Why a ticket cannot go on in another one, as a code."""
    visit = select(exists().where(col(Visit.ticket_id) == gone.id))
    request = select(
        exists().where(
            col(RequestHandover.ticket_id) == gone.id, col(RequestHandover.status) == RequestStatus.OPEN
        )
    )
    is_child = col(TicketLink.kind) == LinkKind.CHILD
    whole = select(exists().where(is_child, col(TicketLink.from_id) == gone.id))
    part = select(
        exists().where(
            is_child, col(TicketLink.to_id) == gone.id, col(Ticket.id) == col(TicketLink.from_id),
            col(Ticket.status).in_(BUSY),
        )
    )  # fmt: skip
    found = [bool(await session.scalar(one)) for one in (visit, request, whole, part)]
    side = side_of(gone, has_visit=found[0], has_request=found[1], has_parts=found[2] or found[3])
    return why_not_merged(side, side_of(keeper), is_across)


def side_of(ticket: Ticket, **has: bool) -> Side:
    """A row as the rule about merges sees it."""
    return Side(
        ticket.id, ticket.status, ticket.customer_id, ticket.kind, ticket.case_id or "", ticket.team_id,
        ticket.is_confidential, **has,
    )  # fmt: skip


async def keeper_of(session: AsyncSession, ticket_id: str) -> tuple[str, bool]:
    """The ticket in which this one goes on, itself when it is not merged, and whether that one is over."""
    found = await session.execute(text("select id, is_over from ieum_keeper(:id)"), {"id": ticket_id})
    row = found.one()
    return str(row[0]), bool(row[1])


async def chain_of(session: AsyncSession, ticket: Ticket) -> list[str]:
    """The tickets above a merged one, the nearest first."""
    found: list[str] = []
    above = ticket.merged_into_id
    while above is not None and len(found) < MOST_MERGED:
        found.append(above)
        above = await session.scalar(select(col(Ticket.merged_into_id)).where(col(Ticket.id) == above))
    return found


async def tell_other(session: AsyncSession, change: Change, other: str, sentence: str) -> None:
    """One line in the timeline of the other ticket that a step concerns."""
    details = {"other": change.ticket_id}
    if change.actor_id and (account := await session.get(Account, change.actor_id)) is not None:
        details["actor"] = account.name
    await write_entry(
        session, key=f"{ticket_workflow_id(change.ticket_id)}/{change.seq}.kin",
        subject=ticket_workflow_id(other), ticket_id=other, at=change.at, sentence=sentence,
        kind=EntryKind.CHANGE, actor_kind=change.actor_kind, actor_id=change.actor_id, details=details,
    )  # fmt: skip
    await tell_live(session, f"ticket:{other}")


async def tell_kin(session: AsyncSession, ticket: Ticket, change: Change, was: TicketStatus) -> None:
    """Whoever waits for this ticket hears of a step that concerns them: its whole, and what was merged."""
    if (was in BUSY) != (ticket.status in BUSY):
        await _tell_whole(session, ticket, change)
    if was in rules.WORKING and ticket.status not in (*rules.WORKING, TicketStatus.MERGED):
        await _settle_merged(session, ticket, change)


async def _tell_whole(session: AsyncSession, ticket: Ticket, change: Change) -> None:
    whole = await session.scalar(
        select(col(TicketLink.to_id)).where(
            col(TicketLink.from_id) == ticket.id, col(TicketLink.kind) == LinkKind.CHILD
        )
    )
    if whole is None:
        return
    is_open = ticket.status in BUSY
    sentence = "tickets.child_back" if is_open else "tickets.child_done"
    fact = ChildMoved(ticket.id, change.seq, is_open, sentence, change.at)
    key = f"part:{ticket.id}:{change.seq}"
    await announce_signal(session, ticket_workflow_id(whole), "child_moved", fact, key=key)


async def _settle_merged(session: AsyncSession, ticket: Ticket, change: Change) -> None:
    for one in await merged_into(session, ticket.id):
        fact = MergeSettled(ticket.id, change.at)
        key = f"settled:{ticket.id}:{change.seq}"
        await announce_signal(session, ticket_workflow_id(one), "merge_settled", fact, key=key)


async def merged_into(session: AsyncSession, ticket_id: str) -> list[str]:
    """All tickets that go on in this one and could still be given back."""
    found, asked = list[str](), [ticket_id]
    while asked and len(found) < MOST_MERGED:
        query = select(col(Ticket.id)).where(
            col(Ticket.merged_into_id).in_(asked), col(Ticket.closed_at).is_(None)
        )
        asked = list(await session.scalars(query.order_by(col(Ticket.id))))
        found += asked
    return found


# A split


async def split_off(session: AsyncSession, ticket: Ticket, step: SplitStep) -> tuple[str, str]:
    """Make a ticket of some messages of another: (refusal, number of the new one)."""
    here = col(TicketMessage.ticket_id) == ticket.id
    chosen = col(TicketMessage.id).in_(step.message_ids)
    rows = list(
        await session.scalars(
            select(TicketMessage).where(here, chosen).order_by(col(TicketMessage.created_at))
        )
    )
    first = next((one for one in rows if one.kind is MessageKind.INBOUND), None)
    if len(rows) != len(set(step.message_ids)):
        return "split_gone", ""
    if first is None:
        return "split_nothing", ""
    if not await session.scalar(select(exists().where(here, ~chosen))):
        return "split_takes_all", ""
    number = int(await session.scalar(text("select nextval('ticket_numbers')")) or 0)
    new = ids.ticket_id(number)
    row = {
        "id": new, "submission_key": step.key, "submitted_by": "split", "customer_id": ticket.customer_id,
        "owned_product_id": ticket.owned_product_id, "channel": first.channel, "subject": step.subject,
        "description": first.body, "status": TicketStatus.RECEIVED, "is_over": False,
        "priority": ticket.priority, "is_confidential": ticket.is_confidential, "team_id": ticket.team_id,
        "created_at": first.created_at, "updated_at": step.change.at, "seq": 0,
    }  # fmt: skip
    await session.execute(insert(Ticket).values(row))
    await _move_messages(session, ticket.id, new, chosen & here, [one.id for one in rows])
    link = {
        "from_id": new, "to_id": ticket.id, "kind": LinkKind.SPLIT, "made_by": step.change.actor_id or "",
        "made_at": step.change.at,
    }  # fmt: skip
    await session.execute(insert(TicketLink).values(link))
    await _begin(session, ticket, new, first.created_at, step)
    return "", new


async def _move_messages(
    session: AsyncSession, old: str, new: str, chosen: ColumnElement[bool], message_ids: list[str]
) -> None:
    """Messages with their files and originals; each remembers where it came to."""
    moved = update(TicketMessage).where(chosen).values(ticket_id=new, split_from_id=old)
    await session.execute(moved)
    for table in (Attachment, InboundMail):
        theirs = update(table).where(col(table.message_id).in_(message_ids))
        await session.execute(theirs.values(ticket_id=new))


async def _begin(session: AsyncSession, ticket: Ticket, new: str, since: datetime, step: SplitStep) -> None:
    """The new ticket's first line and its announcement: its promises count from when the message came."""
    subject = ticket_workflow_id(new)
    await write_entry(
        session, key=f"{subject}/0.0", subject=subject, ticket_id=new, at=since,
        sentence="tickets.received", actor_kind="customer", is_public=True,
    )  # fmt: skip
    await write_entry(
        session, key=f"{subject}/0.split", subject=subject, ticket_id=new, at=step.change.at,
        sentence="tickets.split_from", kind=EntryKind.CHANGE, actor_kind=step.change.actor_kind,
        actor_id=step.change.actor_id, details={"other": ticket.id},
    )  # fmt: skip
    fault = FaultReport(new, ticket.customer_id, since, step.change.service_level, clocks_since=since)
    await announce_start(session, "Ticket", subject, fault, summary="Split from another report")
    await tell_live(session, "tickets", f"ticket:{new}")
