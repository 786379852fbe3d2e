"""A ticket among its real neighbours: the visit that looks for somebody, the invoice that wants money."""

import pytest

from models.messages.tickets import TicketStatus
from tests.builders import tickets as say
from tests.desk import RunningDesk, StandIns
from tests.workflows.neighbours import Post
from workflows.kit.options import MAIL_QUEUE


@pytest.fixture
def stand_ins() -> StandIns:
    return StandIns(acts={MAIL_QUEUE: [Post().send]})


async def test_a_cancelled_ticket_takes_its_real_visit_along(desk: RunningDesk) -> None:
    ticket = await desk.report()
    await desk.say(ticket, "dispatch", say.dispatch(desk.company))
    visit = f"V{ticket.id[1:]}-1"
    await desk.until(lambda: visit_is(desk, visit, "unassigned"))  # this company has no technician

    assert await desk.say(ticket, "cancel", say.cancel(desk.company)) is TicketStatus.CANCELLED

    assert await desk.result(ticket) is TicketStatus.CANCELLED
    assert await visit_is(desk, visit, "cancelled")
    open_waits = "select * from waits where ticket_id = :id and ended_at is null"
    assert await desk.rows(open_waits, id=ticket.id) == []


async def visit_is(desk: RunningDesk, visit: str, status: str) -> bool:
    rows = await desk.rows("select status from visits where id = :id", id=visit)
    return [row.status for row in rows] == [status]
