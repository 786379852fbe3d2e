"""Tickets that were open when clocks became rows: they live on by their own deadlines, and get clocks when
they come back."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.messages.tickets import CustomerWrote, MessageKind, TicketStatus
from models.tickets import Ticket
from tests.builders import promises as promised
from tests.builders import tickets as say
from tests.builders.promises import a_policy
from tests.desk import RunningDesk, StandIns
from tests.workflows.as_it_was import TicketAsItWas, steps_as_they_were
from tests.workflows.neighbours import InvoiceAsTold, Post, VisitAsTold
from workflows.kit.options import DESK_QUEUE, MAIL_QUEUE

S = TicketStatus


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def stand_ins(post: Post, worker_engine: AsyncEngine) -> StandIns:
    acts = {MAIL_QUEUE: [post.send], DESK_QUEUE: steps_as_they_were(worker_engine)}
    return StandIns([VisitAsTold, InvoiceAsTold, TicketAsItWas], acts)


async def answered(desk: RunningDesk, ticket: Ticket) -> None:
    message = await desk.store(say.a_message(ticket.id))
    await desk.say(ticket, "reply", say.reply(desk.company, message))


async def customer_writes(desk: RunningDesk, ticket: Ticket, status: TicketStatus) -> None:
    message = await desk.store(say.a_message(ticket.id, MessageKind.INBOUND))
    await desk.handle(ticket).signal("customer_wrote", CustomerWrote(message, datetime.now(UTC)))
    await desk.until(lambda: desk.has_status(ticket, status))


async def comes_today(desk: RunningDesk, post: Post) -> None:
    """The house is replaced by today's."""
    await desk.stop_work()
    desk.stand_ins = StandIns([VisitAsTold, InvoiceAsTold], {MAIL_QUEUE: [post.send]})
    desk.begin_work()


async def test_a_ticket_that_was_open_goes_on_and_has_clocks_when_it_comes_back(
    desk: RunningDesk, post: Post
) -> None:
    await promised.put(desk.engine, a_policy())
    ticket = await desk.report()
    await answered(desk, ticket)
    assert await desk.rows("select * from ticket_promises") == []
    before = await desk.row(ticket)

    await comes_today(desk, post)
    await customer_writes(desk, ticket, S.IN_PROGRESS)

    row, [wait] = await desk.row(ticket), await desk.open_waits(ticket)
    assert (row.resolve_due, row.reply_due) == (before.resolve_due, None)
    assert (wait.until, wait.then) == (row.resolve_due, "warn_leader")
    await desk.say(ticket, "resolve", say.resolve(desk.company))
    assert await desk.say(ticket, "reopen", say.reopening(desk.company)) is S.OPEN
    [wait], row = await desk.open_waits(ticket), await desk.row(ticket)
    assert (wait.until, wait.then) == (row.answer_due, "warn_team")

    await answered(desk, ticket)
    await customer_writes(desk, ticket, S.IN_PROGRESS)
    row = await desk.row(ticket)
    await desk.pass_time(ticket, until=row.reply_due)
    await desk.until_equal(lambda: warnings(desk, ticket), ["tickets.reply_late"])
    await desk.pass_time(ticket, until=row.resolve_due)
    await desk.until_equal(lambda: warnings(desk, ticket), ["tickets.reply_late", "tickets.overdue"])
    await desk.say(ticket, "resolve", say.resolve(desk.company))
    await desk.say(ticket, "confirm", say.confirmation(desk.company))
    assert await desk.result(ticket) is S.CLOSED
    assert post.templates(ticket.id).count("tickets/late") == 1


async def warnings(desk: RunningDesk, ticket: Ticket) -> list[str]:
    """What was told of broken promises."""
    told = ("tickets.late", "tickets.reply_late", "tickets.overdue")
    return [one for one in await desk.story(ticket) if one in told]
