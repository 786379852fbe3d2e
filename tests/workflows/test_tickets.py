"""The life of a ticket: every deadline missed, every command refused, nothing lost, nothing twice."""

import pytest

from models.messages.tickets import TicketStatus
from models.tickets import Ticket
from tests.desk import RunningDesk, StandIns
from tests.workflows.neighbours import InvoiceAsTold, Post, VisitAsTold
from workflows.kit.options import MAIL_QUEUE

S = TicketStatus


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def stand_ins(post: Post) -> StandIns:
    return StandIns([VisitAsTold, InvoiceAsTold], {MAIL_QUEUE: [post.send]})


async def test_a_report_is_opened_routed_and_promised(desk: RunningDesk, post: Post) -> None:
    ticket = await desk.report()

    row = await desk.row(ticket)
    assert row.team_id == desk.company.team_id
    assert ticket.created_at < row.answer_due < row.resolve_due
    assert row.next_due == row.answer_due
    [wait] = await desk.open_waits(ticket)
    assert (wait.what, wait.who, wait.until, wait.then) == ("answer", "us", row.answer_due, "warn_team")
    assert "dispatch" in wait.may


async def test_the_desk_is_warned_once_when_nobody_answers(desk: RunningDesk, post: Post) -> None:
    ticket = await desk.report()

    await desk.pass_time(ticket, until=(await desk.row(ticket)).answer_due)
    await desk.until(lambda: told(desk, ticket, "tickets.late"))
    await desk.pass_time(ticket, minutes=30)

    assert await desk.story(ticket) == ["tickets.opened", "tickets.late"]
    assert post.templates(ticket.id).count("tickets/late") == 1
    [wait] = await desk.open_waits(ticket)
    assert (wait.what, wait.then) == ("answer", "warn_leader")


async def told(desk: RunningDesk, ticket: Ticket, sentence: str) -> bool:
    return sentence in await desk.story(ticket)
