"""Open tickets timed anew in slices: written in sets, and a signal only where a deadline moved."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col, select
from temporalio import activity

from activities.kit.beating import beating
from activities.kit.calendars import working_calendar
from activities.kit.timeline import tell_live
from activities.kit.transactions import transaction
from activities.tickets import automation, promises
from models.kit.outbox import announce_signals
from models.kit.records import from_record
from models.kit.timeline import ActorKind, EntryKind, TimelineEntry
from models.messages.tickets import ticket_workflow_id
from models.messages.tickets.automation import TicketRule, Trigger
from models.messages.tickets.promises import (
    DeadlinesMoved,
    Described,
    Hours,
    PromiseTerms,
    Retimed,
    RetimingOrder,
    RetimingSlice,
    RetimingStatus,
    RetimingWhy,
    Target,
    TurnDue,
)
from models.rules.calendars import WorkingCalendar
from models.rules.tickets import clocks
from models.tickets import (
    CalendarDay,
    PromisePolicy,
    Retiming,
    RuleAlarm,
    Ticket,
    TicketPause,
    TicketPromise,
)

SECONDS = "cast(:{} as timestamptz[])"


@dataclass(frozen=True)
class Moved:
    """One clock with another deadline."""

    ticket_id: str
    target: Target
    was: datetime | None
    due: datetime | None


@dataclass
class Slice:
    """Some open tickets with everything that times them."""

    tickets: list[Ticket]
    rows: dict[str, list[TicketPromise]]
    pauses: dict[str, list[TicketPause]]
    moved: list[Moved] = field(default_factory=list)
    turns: dict[str, TurnDue] = field(default_factory=dict)  # of tickets whose clocks moved

    @property
    def moved_tickets(self) -> list[Ticket]:
        """The tickets with at least one other deadline."""
        return [one for one in self.tickets if one.id in self.turns]


@dataclass
class RetimingActivities:
    """Deadlines after the calendar or the policy has changed."""

    engine: AsyncEngine

    @activity.defn(name="tickets.count_open")
    async def count_open(self, order: RetimingOrder) -> int:
        """How many tickets there are to look at, kept for the progress. Safe to repeat: it only counts."""
        async with transaction(self.engine) as session:
            total = int(await session.scalar(select(func.count()).where(~col(Ticket.is_over))) or 0)
            mine = col(Retiming.id) == order.retiming_id
            await session.execute(update(Retiming).where(mine).values(total=total))
            return total

    @activity.defn(name="tickets.retime_slice")
    async def retime_slice(self, ask: RetimingSlice) -> Retimed:
        """Time the next tickets anew. Safe to repeat: a slice that was done is answered from its count, and
        the same calendar moves nothing twice."""
        async with beating(), transaction(self.engine) as session:
            retiming = await session.get_one(Retiming, ask.order.retiming_id, with_for_update=True)
            if retiming.last_ticket > ask.after:  # this slice is written; only its answer was lost
                return Retimed(retiming.last_ticket, 0, 0)
            found = await _slice(session, ask)
            if not found.tickets:
                return Retimed()
            await _time(session, ask, found)
            await _write(session, ask, retiming, found)
            retiming.last_ticket = found.tickets[-1].id
            retiming.seen += len(found.tickets)
            retiming.moved += len(found.turns)
            await tell_live(session, "tickets")
            return Retimed(retiming.last_ticket, len(found.tickets), len(found.turns))

    @activity.defn(name="tickets.end_retiming")
    async def end_retiming(self, order: RetimingOrder, at: datetime) -> int:
        """Say that all are done; how many have another deadline. Safe to repeat: absolute values."""
        async with transaction(self.engine) as session:
            retiming = await session.get_one(Retiming, order.retiming_id, with_for_update=True)
            retiming.status, retiming.finished_at = RetimingStatus.DONE, retiming.finished_at or at
            return retiming.moved


async def _slice(session: AsyncSession, ask: RetimingSlice) -> Slice:
    """The next open tickets, locked against their own steps."""
    open_ones = (
        select(Ticket)
        .where(~col(Ticket.is_over), col(Ticket.id) > ask.after)
        .order_by(col(Ticket.id))
        .limit(ask.order.slice_size)
        .with_for_update()
    )
    found = Slice(list(await session.scalars(open_ones)), defaultdict(list), defaultdict(list))
    ids = [one.id for one in found.tickets]
    rows = select(TicketPromise).where(col(TicketPromise.ticket_id).in_(ids))
    for row in await session.scalars(rows.order_by(col(TicketPromise.round))):
        found.rows[row.ticket_id].append(row)
    rests = select(TicketPause).where(col(TicketPause.ticket_id).in_(ids))
    for rest in await session.scalars(rests.order_by(col(TicketPause.since))):
        found.pauses[rest.ticket_id].append(rest)
    return found


async def _time(session: AsyncSession, ask: RetimingSlice, found: Slice) -> None:
    """Work every running clock out, beside the loop that others need."""
    running = [one for rows in found.rows.values() for one in rows if one.ended_at is None]
    if not running:
        return
    days = await working_calendar(session, ask.at, min(one.started_at for one in running))
    terms, seen = await _terms(session, ask.order), dict[str, Described]()
    if terms is not None:
        seen = await promises.described_many(session, found.tickets)
    for one in (*found.tickets, *(row for rows in found.rows.values() for row in rows)):
        session.expunge(one)  # from here on they are values, written in sets
    await asyncio.to_thread(_work_out, found, days, ask.order.policy_version, terms, seen)


def _work_out(
    found: Slice,
    days: WorkingCalendar,
    version: int,
    terms: PromiseTerms | None,
    seen: Mapping[str, Described],
) -> None:
    calendars: dict[str, WorkingCalendar] = {}
    for ticket in found.tickets:
        rests = promises.pauses_of(found.pauses[ticket.id])
        rows = found.rows[ticket.id]
        moved = False
        for row in (one for one in rows if one.ended_at is None):
            if terms is not None:
                _promise_anew(row, version, terms, seen[ticket.id])
            key = str(row.hours)
            if key not in calendars:
                calendars[key] = clocks.calendar_of(from_record(Hours, row.hours), days)
            due = clocks.due_of(promises.promise_of(row), calendars[key], rests)
            if due != row.due_at:
                found.moved.append(Moved(ticket.id, row.target, row.due_at, due))
                row.due_at, moved = due, True
        if moved:
            promises.write_dues(ticket, rows)
            found.turns[ticket.id] = clocks.turn_due(map(promises.promise_of, rows))


async def _terms(session: AsyncSession, order: RetimingOrder) -> PromiseTerms | None:
    """The version that shall hold for open tickets, too."""
    if order.why is not RetimingWhy.POLICY:
        return None
    policy = await session.get_one(PromisePolicy, order.policy_version)
    return from_record(PromiseTerms, policy.terms)


def _promise_anew(row: TicketPromise, version: int, terms: PromiseTerms, ticket: Described) -> None:
    if (chosen := promises.choose(version, terms, ticket, row.minutes)) is not None:
        promises.promise_anew(row, chosen)


# Written in sets


async def _write(session: AsyncSession, ask: RetimingSlice, retiming: Retiming, found: Slice) -> None:
    running = [one for rows in found.rows.values() for one in rows if one.ended_at is None]
    if ask.order.why is RetimingWhy.POLICY:
        await _write_terms(session, running)
    if not found.moved:
        return
    await session.execute(
        text(
            f"update ticket_promises p set due_at = v.due from unnest(cast(:ids as text[]),"  # noqa: S608
            f" cast(:targets as text[]), {SECONDS.format('dues')}) as v (id, target, due)"
            " where p.ticket_id = v.id and p.target = v.target and p.ended_at is null"
        ),
        {
            "ids": [one.ticket_id for one in found.moved],
            "targets": [one.target.value for one in found.moved],
            "dues": [one.due for one in found.moved],
        },
    )
    await _write_tickets(session, found)
    await _tell(session, ask, retiming, found)
    alarms = await _move_alarms(session, found)
    facts = [
        (
            ticket_workflow_id(one.id),
            DeadlinesMoved(
                retiming.id, one.seq, ask.at, found.turns[one.id], one.confirm_due, alarms.get(one.id)
            ),
            f"retimed:{retiming.id}",
        )
        for one in found.moved_tickets
    ]
    await announce_signals(session, "deadlines_moved", facts)


async def _write_terms(session: AsyncSession, running: Sequence[TicketPromise]) -> None:
    """What running clocks are promised from now on."""
    statement = (
        "update ticket_promises p set minutes = v.minutes, hours = v.hours, pauses = v.pauses,"
        " policy_version = v.version, line = v.line from jsonb_to_recordset(cast(:rows as jsonb))"
        " as v (id text, target text, minutes int, hours jsonb, pauses boolean, version int, line text)"
        " where p.ticket_id = v.id and p.target = v.target and p.ended_at is null"
    )
    rows = [
        {
            "id": one.ticket_id, "target": one.target.value, "minutes": one.minutes, "hours": one.hours,
            "pauses": one.pauses, "version": one.policy_version, "line": one.line,
        }
        for one in running
    ]  # fmt: skip
    await session.execute(text(statement), {"rows": json.dumps(rows)})


async def _write_tickets(session: AsyncSession, found: Slice) -> None:
    """The tickets' own deadlines and their open waits."""
    tickets = found.moved_tickets
    names = ("answer_due", "reply_due", "resolve_due", "confirm_due", "next_due")
    values: dict[str, Any] = {name: [getattr(one, name) for one in tickets] for name in names}
    values["ids"] = [one.id for one in tickets]
    arrays = ", ".join(SECONDS.format(name) for name in names)
    sets = ", ".join(f"{name} = v.{name}" for name in names)
    await session.execute(
        text(
            f"update tickets t set {sets} from unnest(cast(:ids as text[]), {arrays})"  # noqa: S608
            f" as v (id, {', '.join(names)}) where t.id = v.id"
        ),
        values,
    )
    await session.execute(
        text(
            f'update waits w set until = v.until, "then" = v.next from unnest(cast(:ids as text[]),'  # noqa: S608
            f" {SECONDS.format('untils')}, cast(:nexts as text[])) as v (id, until, next)"
            " where w.workflow_id = v.id and w.key = 'turn' and w.ended_at is null"
        ),
        {
            "ids": [ticket_workflow_id(one.id) for one in tickets],
            "untils": [found.turns[one.id].until for one in tickets],
            "nexts": [found.turns[one.id].then for one in tickets],
        },
    )
    await session.execute(
        text(
            f"update waits w set until = v.until from unnest(cast(:ids as text[]),"  # noqa: S608
            f" {SECONDS.format('untils')}) as v (id, until)"
            " where w.workflow_id = v.id and w.key = 'confirmation' and w.ended_at is null"
        ),
        {
            "ids": [ticket_workflow_id(one.id) for one in tickets if one.confirm_due is not None],
            "untils": [one.confirm_due for one in tickets if one.confirm_due is not None],
        },
    )


async def _tell(session: AsyncSession, ask: RetimingSlice, retiming: Retiming, found: Slice) -> None:
    """One line for each clock that moved: from when to when, and why."""
    sentence, why = await _because(session, retiming)
    rows = [
        {
            "key": f"{ticket_workflow_id(one.ticket_id)}/{retiming.id}.{one.target.value}",
            "subject": ticket_workflow_id(one.ticket_id), "ticket_id": one.ticket_id, "case_id": None,
            "customer_id": None, "at": ask.at, "sentence": sentence, "kind": EntryKind.CHANGE,
            "actor_kind": ActorKind.SYSTEM, "actor_id": None, "is_public": False,
            "details": {
                "target": one.target.value, "retiming": retiming.id,
                "was": one.was.isoformat() if one.was else "",
                "due": one.due.isoformat() if one.due else "", **why,
            },
        }
        for one in found.moved
    ]  # fmt: skip
    statement = insert(TimelineEntry).values(rows)
    await session.execute(statement.on_conflict_do_nothing(index_elements=["key"]))


async def _because(session: AsyncSession, retiming: Retiming) -> tuple[str, dict[str, str]]:
    """The sentence that says why, with its values."""
    if retiming.why is RetimingWhy.POLICY:
        return "tickets.retimed_policy", {"version": str(retiming.details["version"])}
    day = str(retiming.details["day"])
    exception = await session.get(CalendarDay, date.fromisoformat(day))
    if exception is None:
        return "tickets.retimed_ordinary", {"day": day}
    return f"tickets.retimed_{'worked' if exception.is_working else 'closed'}", {"day": day}


async def _move_alarms(session: AsyncSession, found: Slice) -> dict[str, datetime]:
    """Rules that are asked before a deadline follow it; answers with each ticket's next moment."""
    ids = list(found.turns)
    near = [one for one in await automation.published(session) if one.trigger is Trigger.NEAR]
    for rule in near:
        await _move_alarms_of(session, rule, found)
    mine = col(RuleAlarm.ticket_id).in_(ids), col(RuleAlarm.rung_at).is_(None)
    first = select(col(RuleAlarm.ticket_id), func.min(col(RuleAlarm.due_at))).where(*mine)
    rows = await session.execute(first.group_by(col(RuleAlarm.ticket_id)))
    return {row[0]: row[1] for row in rows}


async def _move_alarms_of(session: AsyncSession, rule: TicketRule, found: Slice) -> None:
    timed = [one for one in found.moved if one.target.value == rule.target and one.due is not None]
    await session.execute(
        text(
            "update ticket_rule_alarms a set due_at = v.due - make_interval(mins => :minutes)"  # noqa: S608
            f" from unnest(cast(:ids as text[]), {SECONDS.format('dues')}) as v (id, due)"
            " where a.ticket_id = v.id and a.rule_key = :rule and a.rung_at is null"
        ),
        {
            "minutes": rule.minutes, "rule": rule.key, "ids": [one.ticket_id for one in timed],
            "dues": [one.due for one in timed],
        },
    )  # fmt: skip
