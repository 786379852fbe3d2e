"""The clocks of a ticket as rows: begun, paused, ended and worked out with every step, in its transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from activities.kit.calendars import working_calendar
from models.catalogue import Product
from models.customers import Customer, OwnedProduct
from models.journeys import OpenWait
from models.kit.records import from_record, to_record
from models.messages.catalogue import VersionStatus
from models.messages.tickets import (
    OVER,
    Change,
    Clock,
    ServiceLevel,
    TicketStatus,
    ticket_workflow_id,
)
from models.messages.tickets.promises import (
    Described,
    Hours,
    Outcome,
    Pause,
    PromiseLine,
    PromiseTerms,
    Target,
    TurnDue,
)
from models.rules import tickets as rules
from models.rules.calendars import WorkingCalendar
from models.rules.tickets import clocks
from models.tickets import PromisePolicy, Ticket, TicketPause, TicketPromise

ANSWERS = frozenset({"tickets.replied", "tickets.dispatched", "tickets.resolved", "tickets.installed"})
WARNINGS = {
    "tickets.late": Target.FIRST_REPLY,
    "tickets.reply_late": Target.NEXT_REPLY,
    "tickets.overdue": Target.RESOLVE,
}


@dataclass(frozen=True)
class Chosen:
    """The line of the policy that holds for a ticket; version 0 is the level it was born with."""

    version: int
    line: PromiseLine
    hours: Hours
    confirm: int  # minutes

    def minutes(self, target: Target) -> int:
        """What it promises, 0: nothing."""
        return self.confirm if target is Target.CONFIRM else int(getattr(self.line, target.value))


@dataclass
class Clocks:
    """Everything that runs on one ticket, while a step is written."""

    ticket: Ticket
    rows: list[TicketPromise]  # all of them, in the order of their rounds
    pauses: list[TicketPause]
    added: list[Any] = field(default_factory=list)

    def running(self, target: Target) -> TicketPromise | None:
        """The clock of this kind that has not ended."""
        return next((one for one in self.rows if one.target is target and one.ended_at is None), None)

    def begin(self, target: Target, chosen: Chosen, at: datetime) -> None:
        """Start a clock, if anything is promised."""
        if not chosen.minutes(target) and chosen.version:
            return
        number = max((one.round for one in self.rows if one.target is target), default=0) + 1
        row = TicketPromise(
            ticket_id=self.ticket.id, target=target, round=number, minutes=chosen.minutes(target),
            hours=to_record(chosen.hours), pauses=chosen.line.pauses and target is not Target.CONFIRM,
            policy_version=chosen.version, line=chosen.line.name, started_at=at,
        )  # fmt: skip
        self.rows.append(row)
        self.added.append(row)

    def end(self, target: Target, at: datetime, outcome: Outcome) -> None:
        """Stop a clock; whether it was kept is seen when its deadline is worked out."""
        if (row := self.running(target)) is not None:
            row.ended_at, row.outcome = at, outcome

    def rest(self, is_resting: bool, at: datetime) -> None:
        """Begin a pause, or end the one that is open."""
        last = next((one for one in self.pauses if one.until is None), None)
        if is_resting and last is None:
            pause = TicketPause(ticket_id=self.ticket.id, since=at)
            self.pauses.append(pause)
            self.added.append(pause)
        elif not is_resting and last is not None:
            last.until = at


async def keep(session: AsyncSession, ticket: Ticket, change: Change, before: TicketStatus) -> Clocks | None:
    """Bring the clocks to where a step puts them; the row must say already what the step says.

    None for a ticket that is older than its clocks."""
    kept = await clocks_of(session, ticket)
    if not kept.rows and change.clock is Clock.NONE:
        return None
    if TicketStatus.MERGED in (change.status, before):
        return _still(kept, change)
    await _turn(session, kept, change, before)
    await settle(session, kept, change.at)
    session.add_all(kept.added)
    write_dues(ticket, kept.rows)
    return kept


def _still(kept: Clocks, change: Change) -> Clocks:
    """A ticket that goes on in another one keeps its clocks as they stand, so that they are there when it is
    given back; they end when that can no longer happen."""
    if change.sentence == "tickets.merge_final":
        for target in Target:
            kept.end(target, change.at, Outcome.DROPPED)
        kept.rest(False, change.at)
    order_by_dues(kept.ticket)
    return kept


def turn_of(kept: Clocks | None) -> TurnDue | None:
    """The promise that comes next, or None for a ticket that is older than its clocks."""
    return clocks.turn_due(map(promise_of, kept.rows)) if kept is not None and kept.rows else None


async def repick(session: AsyncSession, ticket: Ticket, change: Change) -> None:
    """What is promised for the ticket as it is now: running clocks go on with other minutes and hours."""
    kept = await clocks_of(session, ticket)
    chosen = await chosen_for(session, ticket, change.service_level)
    if not kept.rows or not chosen.version:
        return
    for row in kept.rows:
        if row.ended_at is None:
            promise_anew(row, chosen)
    await settle(session, kept, change.at)
    write_dues(ticket, kept.rows)


def promise_anew(row: TicketPromise, chosen: Chosen) -> None:
    """A running clock with what another line promises; nothing promised leaves it as it was."""
    if (minutes := chosen.minutes(row.target)) and row.target is not Target.CONFIRM:
        row.minutes, row.hours, row.pauses = minutes, to_record(chosen.hours), chosen.line.pauses
        row.policy_version, row.line = chosen.version, chosen.line.name


async def clocks_of(session: AsyncSession, ticket: Ticket) -> Clocks:
    """All clocks and pauses of a ticket."""
    rows = select(TicketPromise).where(col(TicketPromise.ticket_id) == ticket.id)
    rests = select(TicketPause).where(col(TicketPause.ticket_id) == ticket.id)
    return Clocks(
        ticket,
        list(await session.scalars(rows.order_by(col(TicketPromise.round)))),
        list(await session.scalars(rests.order_by(col(TicketPause.since)))),
    )


async def _turn(session: AsyncSession, kept: Clocks, change: Change, before: TicketStatus) -> None:
    """Which clocks begin, rest, go on and end with this step."""
    status, at = change.status, change.at
    if change.clock is Clock.ANSWER:
        chosen = await chosen_for(session, kept.ticket, change.service_level)
        for target in (Target.FIRST_REPLY, Target.NEXT_REPLY, Target.RESOLVE, Target.CONFIRM):
            kept.end(target, at, Outcome.DROPPED)
        since = change.clocks_since or at
        kept.begin(Target.FIRST_REPLY, chosen, since)
        kept.begin(Target.RESOLVE, chosen, since)
    if change.is_answer:
        kept.end(Target.FIRST_REPLY, at, Outcome.MET)
    if change.sentence in ANSWERS:
        kept.end(Target.NEXT_REPLY, at, Outcome.MET)
    warned = WARNINGS.get(change.sentence)
    if warned is not None and (row := kept.running(warned)) is not None:
        row.warned_at = at
    if change.sentence == "tickets.customer_wrote" and status in rules.WORKING:
        waits = kept.running(Target.FIRST_REPLY) or kept.running(Target.NEXT_REPLY)
        if not waits and (chosen := await chosen_for(session, kept.ticket, change.service_level)).version:
            kept.begin(Target.NEXT_REPLY, chosen, at)
    kept.rest(status is TicketStatus.WAITING_CUSTOMER, at)
    if status is TicketStatus.RESOLVED or status in OVER:
        outcome = Outcome.DROPPED if status is TicketStatus.CANCELLED else Outcome.MET
        for target in (Target.FIRST_REPLY, Target.NEXT_REPLY, Target.RESOLVE):
            kept.end(target, at, outcome)
    if before is TicketStatus.RESOLVED and status is not before:
        kept.end(Target.CONFIRM, at, Outcome.MET)
    if change.clock is Clock.CONFIRM:
        kept.begin(Target.CONFIRM, await chosen_for(session, kept.ticket, change.service_level), at)


async def settle(session: AsyncSession, kept: Clocks, at: datetime) -> None:
    """Work out every deadline that may have moved."""
    moving = [one for one in kept.rows if one.ended_at in (None, at)]
    if not moving:
        return
    days = await working_calendar(session, at, min(one.started_at for one in moving))
    pauses = pauses_of(kept.pauses)
    for row in moving:
        time_row(row, days, pauses)


def time_row(row: TicketPromise, days: WorkingCalendar, pauses: Sequence[Pause]) -> None:
    """One clock's deadline by this calendar, and whether what has ended was in time."""
    promise = promise_of(row)
    row.due_at = clocks.due_of(promise, clocks.calendar_of(promise.hours, days), pauses)
    if row.ended_at is not None and row.outcome is not Outcome.DROPPED:
        is_late = row.due_at is not None and row.due_at < row.ended_at
        row.outcome = Outcome.BROKEN if is_late else Outcome.MET


def write_dues(ticket: Ticket, rows: Iterable[TicketPromise]) -> None:
    """The newest clock of each kind as the ticket's row shows it; its order in the queue follows."""
    newest = {one.target: one for one in rows}  # in the order of their rounds
    due = {target: one.due_at for target, one in newest.items()}
    ticket.answer_due = due.get(Target.FIRST_REPLY, ticket.answer_due)
    ticket.resolve_due = due.get(Target.RESOLVE, ticket.resolve_due)
    reply = newest.get(Target.NEXT_REPLY)
    ticket.reply_due = reply.due_at if reply is not None and reply.ended_at is None else None
    confirm = newest.get(Target.CONFIRM)
    if confirm is not None and confirm.ended_at is None:
        ticket.confirm_due = confirm.due_at
    order_by_dues(ticket)


def order_by_dues(ticket: Ticket) -> None:
    """Where the ticket stands in the queue."""
    due = rules.Deadlines(ticket.answer_due, ticket.resolve_due, ticket.confirm_due, ticket.reply_due)
    ticket.next_due = rules.next_due(ticket.status, ticket.answered_at is not None, due)


async def write_turn(session: AsyncSession, ticket_id: str, turn: TurnDue) -> None:
    """The open wait for whose turn it is gets the deadline that was just decided."""
    mine = (
        col(OpenWait.workflow_id) == ticket_workflow_id(ticket_id), col(OpenWait.key) == "turn",
        col(OpenWait.ended_at).is_(None),
    )  # fmt: skip
    said = {"until": turn.until, "then": turn.then}
    await session.execute(update(OpenWait).where(*mine).values(said))


def promise_of(row: TicketPromise) -> clocks.Promise:
    """A row as the clock's rule reads it."""
    return clocks.Promise(
        row.target, row.minutes, from_record(Hours, row.hours), row.started_at, row.pauses, row.ended_at,
        row.warned_at, row.due_at, row.round,
    )  # fmt: skip


def pauses_of(rows: Iterable[TicketPause]) -> tuple[Pause, ...]:
    """Rows as the clock's rule reads them."""
    return tuple(Pause(one.since, one.until, one.why) for one in rows)


# The policy


async def chosen_for(session: AsyncSession, ticket: Ticket, level: ServiceLevel) -> Chosen:
    """What is promised for this ticket today; without a policy the level that it was born with."""
    found = await session.scalar(
        select(PromisePolicy).where(col(PromisePolicy.status) == VersionStatus.PUBLISHED)
    )
    if found is not None:
        terms = from_record(PromiseTerms, found.terms)
        if chosen := choose(found.version, terms, await described(session, ticket), level.confirm_minutes):
            return chosen
    line = PromiseLine(
        level.policy, first_reply=level.answer_minutes, resolve=level.resolve_minutes, pauses=False
    )
    return Chosen(0, line, clocks.OFFICE, level.confirm_minutes)


def choose(version: int, terms: PromiseTerms, ticket: Described, confirm: int) -> Chosen | None:
    """The line that fits, with its hours."""
    line = clocks.line_for(terms, ticket)
    if line is None:
        return None
    hours = next((one for one in terms.hours if one.key == line.hours), clocks.OFFICE)
    return Chosen(version, line, hours, confirm)


async def described(session: AsyncSession, ticket: Ticket) -> Described:
    """The ticket as the policy sees it."""
    return (await described_many(session, [ticket]))[ticket.id]


async def described_many(session: AsyncSession, tickets: Sequence[Ticket]) -> dict[str, Described]:
    """Many tickets as the policy sees them."""
    people = {one.customer_id for one in tickets}
    things = {one.owned_product_id for one in tickets if one.owned_product_id}
    tiers = select(col(Customer.id), col(Customer.tier)).where(col(Customer.id).in_(people))
    kinds = (
        select(col(OwnedProduct.id), col(Product.id), col(Product.category))
        .join(Product, col(Product.id) == col(OwnedProduct.product_id))
        .where(col(OwnedProduct.id).in_(things))
    )
    tier = {row[0]: row[1] for row in await session.execute(tiers)}
    product = {row[0]: (row[1], row[2]) for row in await session.execute(kinds)} if things else {}
    return {
        one.id: Described(
            tier[one.customer_id].value, *product.get(one.owned_product_id or "", ("", "")),
            one.channel.value, one.kind.value, one.priority.value,
        )
        for one in tickets
    }  # fmt: skip
