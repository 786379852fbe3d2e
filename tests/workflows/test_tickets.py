"""The life of a ticket: every deadline missed, every command refused, nothing lost, nothing twice."""

import pytest

from models.messages.billing import InvoiceSettled, InvoiceStatus, invoice_workflow_id
from models.messages.field_service import Outcome, visit_workflow_id
from models.messages.tickets import CustomerWrote, TicketStatus
from models.tickets import Ticket
from tests.builders import tickets as say
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


async def test_the_leader_is_warned_once_when_it_takes_too_long(desk: RunningDesk, post: Post) -> None:
    ticket = await desk.report()
    await desk.say(ticket, "reply", say.reply(desk.company, await a_stored_message(desk, ticket)))

    await desk.pass_time(ticket, until=(await desk.row(ticket)).resolve_due)
    await desk.until(lambda: told(desk, ticket, "tickets.overdue"))
    await desk.pass_time(ticket, hours=3)

    assert await desk.story(ticket) == ["tickets.opened", "tickets.replied", "tickets.overdue"]
    assert post.templates(ticket.id).count("tickets/overdue") == 1
    [wait] = await desk.open_waits(ticket)
    assert (wait.what, wait.until, wait.then) == ("customer_reply", None, "")


async def test_an_answer_in_time_warns_nobody(desk: RunningDesk) -> None:
    ticket = await desk.report()
    message = await a_stored_message(desk, ticket)

    assert await desk.say(ticket, "reply", say.reply(desk.company, message)) is S.WAITING_CUSTOMER
    await desk.pass_time(ticket, until=(await desk.row(ticket)).answer_due)

    assert await desk.story(ticket) == ["tickets.opened", "tickets.replied"]
    row = await desk.row(ticket)
    assert row.answered_at is not None
    assert row.next_due == row.resolve_due
    [sent] = await desk.rows("select delivery from ticket_messages where id = :id", id=message)
    assert sent.delivery == "queued"


async def test_a_ticket_solved_from_afar_is_confirmed_and_closed_without_an_invoice(
    desk: RunningDesk, post: Post
) -> None:
    ticket = await desk.report()
    await desk.say(ticket, "assign", say.assign(desk.company))
    await desk.say(ticket, "resolve", say.resolve(desk.company))

    assert await desk.say(ticket, "confirm", say.confirmation(desk.company)) is S.CLOSED

    assert await desk.result(ticket) is S.CLOSED
    assert await desk.story(ticket) == [
        "tickets.opened", "tickets.assigned", "tickets.resolved",
        "tickets.confirmed", "tickets.not_billed_no_work", "tickets.closed",
    ]  # fmt: skip
    row = await desk.row(ticket)
    assert (row.is_over, row.close_reason, row.next_due) == (True, "confirmed", None)
    assert row.agent_id == desk.company.agent_id
    assert await desk.open_waits(ticket) == []
    assert post.templates(ticket.id) == ["tickets/received", "tickets/confirm", "tickets/closed"]


async def test_silence_closes_with_a_note(desk: RunningDesk) -> None:
    ticket = await desk.report()
    await desk.say(ticket, "resolve", say.resolve(desk.company))
    row = await desk.row(ticket)
    assert row.next_due == row.confirm_due

    await desk.pass_time(ticket, until=row.confirm_due)

    assert await desk.result(ticket) is S.CLOSED
    assert "tickets.silent" in await desk.story(ticket)
    assert (await desk.row(ticket)).close_reason == "silence"


async def test_a_reopened_ticket_has_a_new_answer_clock(desk: RunningDesk, post: Post) -> None:
    ticket = await desk.report(answer_minutes=60)
    first = await desk.row(ticket)
    await desk.say(ticket, "resolve", say.resolve(desk.company))
    await desk.pass_time(ticket, hours=2)

    assert await desk.say(ticket, "reopen", say.reopening(desk.company)) is S.OPEN

    row = await desk.row(ticket)
    assert row.answer_due >= first.answer_due
    assert (row.answered_at, row.confirm_due, row.resolved_at) == (None, None, None)
    [wait] = await desk.open_waits(ticket)
    assert (wait.what, wait.until) == ("answer", row.answer_due)
    await desk.pass_time(ticket, until=row.answer_due)
    await desk.until(lambda: told(desk, ticket, "tickets.late"))
    await desk.say(ticket, "resolve", say.resolve(desk.company))
    await desk.say(ticket, "confirm", say.confirmation(desk.company))
    assert await desk.result(ticket) is S.CLOSED


async def a_stored_message(desk: RunningDesk, ticket: Ticket) -> str:
    return await desk.store(say.a_message(ticket.id))
