"""Open tickets after a new holiday: every deadline moves once, and each ticket's timeline says why.

`RETIMING_TICKETS=10000` measures what it costs; by itself the test takes few of them."""

import os
import time
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio.testing import ActivityEnvironment

from activities.tickets import RetimingActivities
from models.journeys import OpenWait
from models.kit.records import to_record
from models.messages.journeys import WaitFor
from models.messages.tickets import TicketStatus, ticket_workflow_id
from models.messages.tickets.promises import (
    Outcome,
    Retimed,
    RetimingOrder,
    RetimingSlice,
    RetimingWhy,
    Target,
)
from models.rules.tickets import clocks
from models.tickets import CalendarDay, Retiming, Ticket, TicketPause, TicketPromise
from tests.builders.desk import a_company
from tests.builders.tickets import a_ticket

COUNT = int(os.environ.get("RETIMING_TICKETS", "60"))
MONDAY = datetime(2026, 9, 14, 1, tzinfo=UTC)  # ten o'clock in Seoul
HOLIDAY = date(2026, 9, 16)
ORDER = RetimingOrder("ret_many", RetimingWhy.CALENDAR, slice_size=min(500, max(1, COUNT // 3)))


async def many_tickets(engine: AsyncEngine) -> None:
    """Open tickets: each with two clocks that reach over the holiday; every fifth waits for its customer."""
    company = await a_company(engine)
    office = to_record(clocks.OFFICE)
    tickets, promises, pauses, waits = [], [], [], []
    for ordinal in range(COUNT):
        ticket = a_ticket(
            company, status=TicketStatus.IN_PROGRESS, seq=1, created_at=MONDAY, answered_at=MONDAY
        )
        is_resting = ordinal % 5 == 0
        due = datetime(2026, 9, 16, 9, tzinfo=UTC)  # the end of Wednesday
        ticket.resolve_due = ticket.next_due = None if is_resting else due
        tickets.append(ticket.model_dump())
        for target, minutes, at in ((Target.FIRST_REPLY, 60, MONDAY), (Target.RESOLVE, 1380, due)):
            ended = {"ended_at": MONDAY, "outcome": Outcome.MET} if target is Target.FIRST_REPLY else {}
            row = TicketPromise(
                ticket_id=ticket.id, target=target, round=1, minutes=minutes, hours=office, pauses=True,
                started_at=MONDAY, due_at=None if is_resting and not ended else at, **ended,
            )  # fmt: skip
            promises.append(row.model_dump())
        if is_resting:
            pauses.append(TicketPause(ticket_id=ticket.id, since=MONDAY + timedelta(hours=1)).model_dump())
        waits.append(
            OpenWait(
                workflow_id=ticket_workflow_id(ticket.id), key="turn", subject="x", ticket_id=ticket.id,
                who=WaitFor.US, what="agent", since=MONDAY, until=due, then="warn_leader",
            ).model_dump()
        )  # fmt: skip
    async with engine.begin() as connection:
        stored = ((Ticket, tickets), (TicketPromise, promises), (TicketPause, pauses), (OpenWait, waits))
        for model, rows in stored:
            for start in range(0, len(rows), 1000):
                await connection.execute(insert(model), rows[start : start + 1000])


async def add_the_holiday(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session, session.begin():
        session.add(CalendarDay(day=HOLIDAY, is_working=False, name="임시공휴일"))
        session.add(
            Retiming(
                id=ORDER.retiming_id, why=ORDER.why, details={"day": HOLIDAY.isoformat()},
                asked_by="acc_admin", asked_at=MONDAY,
            )
        )  # fmt: skip


async def number(engine: AsyncEngine, what: str) -> int:
    async with engine.connect() as connection:
        return int((await connection.execute(text(f"select count(*) from {what}"))).scalar() or 0)


async def test_a_new_holiday_moves_every_open_deadline_once_and_says_so(worker_engine: AsyncEngine) -> None:
    await many_tickets(worker_engine)
    await add_the_holiday(worker_engine)
    acts, world = RetimingActivities(worker_engine), ActivityEnvironment()
    moving = COUNT - (COUNT + 4) // 5  # the others have no deadline while they rest
    began, spent = time.perf_counter(), time.process_time()

    assert await world.run(acts.count_open, ORDER) == COUNT
    after, slices = "", 0
    while True:
        ask = RetimingSlice(ORDER, after, MONDAY + timedelta(hours=2))
        done: Retimed = await world.run(acts.retime_slice, ask)
        if done.last:  # its answer was lost, it is asked for again
            assert await world.run(acts.retime_slice, ask) == Retimed(done.last, 0, 0)
        if not done.last:
            break
        after, slices = done.last, slices + 1
    assert await world.run(acts.end_retiming, ORDER, MONDAY + timedelta(hours=3)) == moving

    took, cpu = time.perf_counter() - began, time.process_time() - spent
    print(f"{COUNT} tickets in {slices} slices: {took:.2f} s, {cpu:.2f} s of this process")
    expected = {
        "tickets where resolve_due = '2026-09-17 09:00+00' and next_due = resolve_due": moving,
        "waits where until = '2026-09-17 09:00+00' and \"then\" = 'warn_leader'": moving,
        "timeline_entries where sentence = 'tickets.retimed_closed'": moving,
        "outbox where name = 'deadlines_moved'": moving,
        "tickets where resolve_due is null": COUNT - moving,
    }
    assert {what: await number(worker_engine, what) for what in expected} == expected
