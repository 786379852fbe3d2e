"""Every activity of a ticket, twice: the second time changes nothing and answers the same."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio.testing import ActivityEnvironment

from activities.tickets import TicketActivities
from models.field_service import Visit
from models.messages.field_service import Outcome, VisitStatus
from models.messages.journeys import Wait, WaitFor, WaitNotes
from models.messages.tickets import Change, Clock, ServiceLevel, TicketStatus
from models.rules.calendars import KST
from models.tickets import CalendarDay, Ticket
from tests.builders.desk import a_company
from tests.builders.tickets import a_ticket

FRIDAY = datetime(2026, 9, 18, 17, 0, tzinfo=KST)
LEVEL = ServiceLevel(answer_minutes=120, resolve_minutes=600, confirm_minutes=60)


@pytest.fixture
async def ticket(worker_engine: AsyncEngine) -> Ticket:
    row = a_ticket(await a_company(worker_engine))
    async with AsyncSession(worker_engine, expire_on_commit=False) as session, session.begin():
        session.add(row)
    return row


@pytest.fixture
def acts(worker_engine: AsyncEngine) -> TicketActivities:
    return TicketActivities(worker_engine)


def a_change(ticket: Ticket, seq: int, sentence: str, status: TicketStatus, **facts: object) -> Change:
    return Change(ticket.id, seq, status, FRIDAY, sentence, service_level=LEVEL, **facts)  # type: ignore[arg-type]


def a_wait(ticket: Ticket, key: str = "turn") -> WaitNotes:
    wait = Wait(key, f"ticket:{ticket.id}", ticket.id, WaitFor.US, "answer", FRIDAY, then="warn_team")
    return WaitNotes((wait,))


async def everything(engine: AsyncEngine) -> list[object]:
    """All rows that a ticket's activities may touch."""
    async with engine.connect() as connection:
        return [
            (await connection.execute(text(f"select * from {table} order by 1, 2"))).all()
            for table in ("tickets", "timeline_entries", "waits", "ticket_messages")
        ]


async def test_opening_twice_is_opening_once(
    acts: TicketActivities, ticket: Ticket, worker_engine: AsyncEngine
) -> None:
    opening = a_change(
        ticket, 1, "tickets.opened", TicketStatus.OPEN, clock=Clock.ANSWER, waits=a_wait(ticket)
    )

    first = await ActivityEnvironment().run(acts.open, opening)
    rows = await everything(worker_engine)
    second = await ActivityEnvironment().run(acts.open, opening)

    assert first == second
    assert await everything(worker_engine) == rows
    assert first.team_id == "team_phones"
    assert first.answer_due == datetime(2026, 9, 21, 10, 0, tzinfo=KST)
    [wait] = rows[2]  # type: ignore[misc]
    assert wait.until == first.answer_due


async def test_a_company_holiday_moves_the_promise(
    acts: TicketActivities, ticket: Ticket, worker_engine: AsyncEngine
) -> None:
    async with AsyncSession(worker_engine) as session, session.begin():
        session.add(CalendarDay(day=date(2026, 9, 21), is_working=False, name="Founding day"))
        session.add(CalendarDay(day=date(2026, 9, 19), is_working=True, name="Busy Saturday"))
    opening = a_change(ticket, 1, "tickets.opened", TicketStatus.OPEN, clock=Clock.ANSWER)

    opened = await ActivityEnvironment().run(acts.open, opening)

    assert opened.answer_due == datetime(2026, 9, 19, 10, 0, tzinfo=KST)
    assert opened.resolve_due == datetime(2026, 9, 22, 10, 0, tzinfo=KST)


async def test_recording_twice_is_recording_once_and_an_older_step_changes_nothing(
    acts: TicketActivities, ticket: Ticket, worker_engine: AsyncEngine
) -> None:
    resolved = a_change(
        ticket, 3, "tickets.resolved", TicketStatus.RESOLVED,
        clock=Clock.CONFIRM, is_answer=True, actor_id="acc_jo", actor_kind="staff",
        waits=a_wait(ticket, "confirmation"),
    )  # fmt: skip

    first = await ActivityEnvironment().run(acts.record, resolved)
    rows = await everything(worker_engine)
    second = await ActivityEnvironment().run(acts.record, resolved)
    await ActivityEnvironment().run(
        acts.record, replace(resolved, seq=2, status=TicketStatus.OPEN, sentence="tickets.noted")
    )

    assert first == second
    assert await everything(worker_engine) == rows
    [row] = rows[0]  # type: ignore[misc]
    assert (row.status, row.seq) == ("resolved", 3)
    assert row.next_due == row.confirm_due == datetime(2026, 9, 18, 18, 0, tzinfo=KST)
    [line] = rows[1]  # type: ignore[misc]
    assert line.details["actor"] == "Jo"
    assert line.is_public


@pytest.mark.parametrize(
    ("outcome", "warranty_until", "is_billable", "reason"),
    [
        (Outcome.REPAIRED, None, True, "out_of_warranty"),
        (Outcome.REPAIRED, date(2026, 9, 17), True, "out_of_warranty"),
        (Outcome.REPAIRED, date(2026, 9, 18), False, "warranty"),
        (Outcome.CANCELLED, None, False, "no_work"),
    ],
)
async def test_weighing_only_reads(
    acts: TicketActivities,
    ticket: Ticket,
    worker_engine: AsyncEngine,
    outcome: Outcome,
    warranty_until: date | None,
    is_billable: bool,
    reason: str,
) -> None:
    async with AsyncSession(worker_engine) as session, session.begin():
        visit = Visit(
            id=f"V{ticket.id[1:]}-1", ticket_id=ticket.id, customer_id=ticket.customer_id, outcome=outcome,
            status=VisitStatus.COMPLETED, is_over=True, created_at=datetime.now(UTC) - timedelta(hours=1),
        )  # fmt: skip
        session.add(visit)
        asked = text("update owned_products set warranty_until = :day")
        await session.execute(asked, {"day": warranty_until})

    weighed = [await ActivityEnvironment().run(acts.weigh, ticket.id, FRIDAY) for _ in range(2)]

    assert weighed[0] == weighed[1]
    assert (weighed[0].is_billable, weighed[0].reason) == (is_billable, reason)
    assert bool(weighed[0].visit_ids) is is_billable


async def test_a_ticket_that_is_older_than_its_clocks_keeps_its_deadlines_until_it_comes_back(
    acts: TicketActivities, ticket: Ticket, worker_engine: AsyncEngine
) -> None:
    """As it was stored before clocks were rows: deadlines in its own row, no clock."""
    record = ActivityEnvironment().run
    opening = a_change(ticket, 1, "tickets.opened", TicketStatus.OPEN, clock=Clock.ANSWER)
    opened = await record(acts.open, opening)
    async with AsyncSession(worker_engine) as session, session.begin():
        await session.execute(text("delete from ticket_promises"))

    wrote = await record(
        acts.record, a_change(ticket, 2, "tickets.customer_wrote", TicketStatus.OPEN, waits=a_wait(ticket))
    )
    resolved = a_change(
        ticket, 3, "tickets.resolved", TicketStatus.RESOLVED, clock=Clock.CONFIRM, is_answer=True
    )
    solved = await record(acts.record, resolved)
    back = await record(
        acts.record, a_change(ticket, 4, "tickets.reopened", TicketStatus.OPEN, clock=Clock.ANSWER)
    )

    assert (wrote.turn, wrote.answer_due, wrote.resolve_due) == (None, opened.answer_due, opened.resolve_due)
    assert solved.confirm_due == datetime(2026, 9, 18, 18, 0, tzinfo=KST)
    assert (solved.answer_due, solved.resolve_due) == (opened.answer_due, opened.resolve_due)
    assert back.turn is not None
    assert (back.turn.until, back.turn.target) == (back.answer_due, "first_reply")
    async with worker_engine.connect() as connection:
        rows = await connection.execute(text("select target, outcome from ticket_promises order by target"))
        assert list(rows.all()) == [("confirm", "dropped"), ("first_reply", None), ("resolve", None)]
