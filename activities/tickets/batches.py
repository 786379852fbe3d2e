"""One act for many tickets: each is told what a single one is told, once, and answers for itself."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col, select
from temporalio import activity

from activities.kit.timeline import tell_live
from activities.kit.transactions import transaction
from models.kit.outbox import announce_updates
from models.messages.staff import Role
from models.messages.tickets import (
    Assign,
    Channel,
    Command,
    MessageKind,
    Priority,
    Reply,
    Resolve,
    Sort,
    ticket_workflow_id,
)
from models.messages.tickets.batches import (
    BatchAct,
    BatchAsked,
    BatchOrder,
    BatchSlice,
    BatchStatus,
    LineStatus,
)
from models.rules import tickets as rules
from models.staff import Account
from models.tickets import Ticket, TicketMessage
from models.tickets.desk import TicketBatch, TicketBatchLine

UPDATES = {  # what a ticket is told, and which rule says whether it may be
    BatchAct.ASSIGN: ("assign", "assign"), BatchAct.TEAM: ("sort", "assign"),
    BatchAct.PRIORITY: ("sort", "assign"), BatchAct.NOTE: ("note", "note"),
    BatchAct.RESOLVE: ("resolve", "resolve"),
}  # fmt: skip
DESK = frozenset({Role.AGENT, Role.DISPATCHER, Role.ADMIN})
IN_TEAM = frozenset({Role.AGENT, Role.DISPATCHER})  # who see what is confidential of their own team
SETTLE = text(
    "update ticket_batch_lines l set status = case o.status when 'sent' then 'done' else 'refused' end,"
    " refusal = o.refusal from outbox o, ticket_batches b where b.id = :batch and l.batch_id = b.id"
    " and l.status = 'asked' and o.workflow_id = 'ticket:' || l.ticket_id and o.actor_id = b.asked_by"
    " and o.key = l.batch_id || '.' || l.n and o.status <> 'waiting' returning l.n"
)
WRITE = text(
    "update ticket_batch_lines l set status = v.status, was = v.was, refusal = v.refusal"
    " from unnest(cast(:ns as int[]), cast(:statuses as text[]), cast(:was as text[]),"
    " cast(:refusals as text[])) as v (n, status, was, refusal)"
    " where l.batch_id = :batch and l.n = v.n"
)


@dataclass
class Taken:
    """Some lines of a batch while their tickets are being asked."""

    batch: TicketBatch
    who: Account
    at: datetime
    commands: list[tuple[str, str, Command]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class BatchActivities:
    """Many tickets at once."""

    engine: AsyncEngine

    @activity.defn(name="tickets.ask_batch")
    async def ask_batch(self, ask: BatchSlice) -> BatchAsked:
        """Take up the next lines: some are refused at once, the others are asked of their tickets. Safe to
        repeat: a line that was taken up is not taken up again, and a command has one key."""
        async with transaction(self.engine) as session:
            batch = await session.get_one(TicketBatch, ask.order.batch_id, with_for_update=True)
            found = await _next_lines(session, ask)
            if not found:
                return BatchAsked()
            taken = Taken(batch, await session.get_one(Account, batch.asked_by), ask.at)
            for line, ticket in found:
                if line.status is LineStatus.WAITING:
                    _take(taken, line, ticket)
            lines = [line for line, _ticket in found]
            for row in lines:
                session.expunge(row)  # from here on they are values, written in one set
            await _write(session, taken, lines)
            return BatchAsked(lines[-1].n, sum(one.status is LineStatus.ASKED for one in lines))

    @activity.defn(name="tickets.settle_batch")
    async def settle_batch(self, order: BatchOrder) -> int:
        """Write down what the tickets answered; how many have not yet. Safe to repeat: an answer stays."""
        async with transaction(self.engine) as session:
            settled = (await session.execute(SETTLE, {"batch": order.batch_id})).all()
            if settled:
                await tell_live(session, "tickets")
            left = text(
                "select count(*) from ticket_batch_lines where batch_id = :batch and status = 'asked'"
            )
            return int(await session.scalar(left, {"batch": order.batch_id}) or 0)

    @activity.defn(name="tickets.end_batch")
    async def end_batch(self, order: BatchOrder, at: datetime) -> None:
        """Say that all are done; what was written lies with the tickets. Safe to repeat: absolute values."""
        async with transaction(self.engine) as session:
            batch = await session.get_one(TicketBatch, order.batch_id, with_for_update=True)
            batch.status, batch.finished_at, batch.body = BatchStatus.DONE, batch.finished_at or at, ""
            await tell_live(session, "tickets")


async def _next_lines(session: AsyncSession, ask: BatchSlice) -> list[tuple[TicketBatchLine, Ticket]]:
    """The next lines with their tickets, those of a lost answer among them."""
    query = (
        select(TicketBatchLine, Ticket)
        .join(Ticket, col(Ticket.id) == col(TicketBatchLine.ticket_id))
        .where(col(TicketBatchLine.batch_id) == ask.order.batch_id, col(TicketBatchLine.n) > ask.after)
        .order_by(col(TicketBatchLine.n))
        .limit(ask.order.slice_size)
    )
    return [(line, ticket) for line, ticket in await session.execute(query)]


def _take(taken: Taken, line: TicketBatchLine, ticket: Ticket) -> None:
    """Decide about one line: refused, already so, or asked of its ticket."""
    act = taken.batch.act
    now = {
        BatchAct.ASSIGN: ticket.agent_id or "", BatchAct.TEAM: ticket.team_id or "",
        BatchAct.PRIORITY: ticket.priority.value,
    }.get(act)  # fmt: skip
    update, rule = UPDATES[act]
    line.was = now
    if not may_see(taken.who, ticket):
        line.status, line.refusal = LineStatus.REFUSED, "not_found"
    elif line.expects is not None and line.expects != now:
        line.status, line.refusal = LineStatus.REFUSED, "ticket_changed_since"
    elif code := rules.refusal(rule, ticket.status):
        line.status, line.refusal = LineStatus.REFUSED, code
    elif now is not None and line.value == now:
        line.status = LineStatus.SAME
    else:
        line.status = LineStatus.ASKED
        taken.commands.append((ticket_workflow_id(ticket.id), update, _command(taken, line, ticket)))


def may_see(who: Account, ticket: Ticket) -> bool:
    """Whether a colleague may still see this ticket, by the rule of the pages."""
    roles = frozenset(who.roles)
    if not who.is_active or not roles & DESK:
        return False
    is_of_team = bool(roles & IN_TEAM) and who.team_id is not None and ticket.team_id == who.team_id
    return not ticket.is_confidential or is_of_team


def _command(taken: Taken, line: TicketBatchLine, ticket: Ticket) -> Command:
    """What one ticket is told; its id says of which batch and line it is."""
    said = (f"{line.batch_id}.{line.n}", taken.batch.asked_by, taken.at)
    match taken.batch.act:
        case BatchAct.ASSIGN:
            return Assign(*said, agent_id=line.value or None, from_agent_id=ticket.agent_id)
        case BatchAct.TEAM:
            return Sort(*said, team_id=line.value, from_team_id=ticket.team_id or "")
        case BatchAct.PRIORITY:
            return Sort(*said, priority=Priority(line.value), from_priority=ticket.priority.value)
        case BatchAct.NOTE:
            message = _message(taken, line, ticket, MessageKind.NOTE)
            return Reply(*said, message_id=message, kind=MessageKind.NOTE)
        case BatchAct.RESOLVE:
            return Resolve(*said, message_id=_message(taken, line, ticket, MessageKind.REPLY))


def _message(taken: Taken, line: TicketBatchLine, ticket: Ticket, kind: MessageKind) -> str:
    """The same words as a message of each ticket, each under its own number."""
    channel = ticket.channel if ticket.channel in (Channel.EMAIL, Channel.SMS) else Channel.EMAIL
    row = {
        "id": f"msg_{line.batch_id}.{line.n}", "ticket_id": ticket.id, "kind": kind,
        "author_id": taken.who.id, "author_name": taken.who.name, "channel": channel,
        "body": taken.batch.body, "created_at": taken.at, "delivery": "stored",
    }  # fmt: skip
    taken.messages.append(row)
    return str(row["id"])


async def _write(session: AsyncSession, taken: Taken, lines: list[TicketBatchLine]) -> None:
    """Lines, messages and what the tickets are told: each in one statement."""
    if taken.messages:
        await session.execute(insert(TicketMessage).values(taken.messages).on_conflict_do_nothing())
    await announce_updates(session, taken.commands)
    values = {
        "batch": taken.batch.id, "ns": [one.n for one in lines], "was": [one.was for one in lines],
        "statuses": [one.status.value for one in lines], "refusals": [one.refusal for one in lines],
    }  # fmt: skip
    await session.execute(WRITE, values)
    await tell_live(session, "tickets")
