"""The life of a ticket: every deadline missed, every command refused, nothing lost, nothing twice."""

import asyncio
from datetime import UTC, datetime

import pytest

from models.messages.tickets import CustomerWrote, MessageKind, TicketStatus
from models.tickets import Ticket
from tests.builders import tickets as say
from tests.desk import RunningDesk, StandIns
from tests.workflows.neighbours import InvoiceAsTold, Post, VisitAsTold
from workflows.kit import search
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


REFUSED = {
    S.OPEN: {"confirm": "ticket_not_resolved", "reopen": "ticket_not_resolved"},
    S.DISPATCHED: {
        "confirm": "ticket_not_resolved", "reopen": "ticket_not_resolved",
        "resolve": "ticket_already_dispatched", "dispatch": "ticket_already_dispatched",
    },
    S.RESOLVED: {
        "resolve": "ticket_already_resolved", "dispatch": "ticket_already_resolved",
        "cancel": "ticket_already_resolved",
    },
}  # fmt: skip


@pytest.mark.parametrize("status", list(REFUSED))
async def test_what_is_not_possible_is_refused_and_leaves_nothing(
    desk: RunningDesk, status: TicketStatus
) -> None:
    ticket = await desk.report()
    if status is S.DISPATCHED:
        await desk.say(ticket, "dispatch", say.dispatch(desk.company))
    if status is S.RESOLVED:
        await desk.say(ticket, "resolve", say.resolve(desk.company))
    story = await desk.story(ticket)
    arguments = {
        "confirm": say.confirmation(desk.company), "reopen": say.reopening(desk.company),
        "resolve": say.resolve(desk.company), "dispatch": say.dispatch(desk.company),
        "cancel": say.cancel(desk.company),
    }  # fmt: skip

    for update, code in REFUSED[status].items():
        assert await desk.refusal(ticket, update, arguments[update]) == code

    assert await desk.story(ticket) == story
    assert (await desk.row(ticket)).status == status


async def test_a_ticket_is_not_resolved_without_words(desk: RunningDesk) -> None:
    ticket = await desk.report()

    refused = await desk.refusal(ticket, "resolve", say.resolve(desk.company, message_id=""))

    assert refused == "ticket_needs_answer"


async def test_a_colleagues_ticket_is_not_taken_by_accident(desk: RunningDesk) -> None:
    ticket = await desk.report()
    jo, kim = desk.company.agent_id, desk.company.colleague_id
    await desk.say(ticket, "assign", say.assign(desk.company))

    assert await desk.refusal(ticket, "assign", say.assign(desk.company, kim, actor_id=kim)) == "ticket_taken"
    await desk.say(ticket, "assign", say.assign(desk.company, kim, from_agent_id=jo))

    assert (await desk.row(ticket)).agent_id == kim
    assert await desk.story(ticket) == ["tickets.opened", "tickets.assigned", "tickets.handed_over"]


@pytest.mark.parametrize("moment", ["open", "answered", "customer_wrote"])
@pytest.mark.parametrize("who", ["staff", "customer"])
async def test_a_ticket_can_be_cancelled_while_it_is_worked_on(
    desk: RunningDesk, post: Post, moment: str, who: str
) -> None:
    ticket = await desk.report()
    message = await a_stored_message(desk, ticket)
    if moment != "open":
        await desk.say(ticket, "reply", say.reply(desk.company, message))
    if moment == "customer_wrote":
        await the_customer_writes(desk, ticket)
        await desk.until(lambda: desk.has_status(ticket, S.IN_PROGRESS))

    assert await desk.say(ticket, "cancel", say.cancel(desk.company, who)) is S.CANCELLED

    assert await desk.result(ticket) is S.CANCELLED
    assert await desk.open_waits(ticket) == []
    assert post.templates(ticket.id)[-1] == "tickets/cancelled"


async def test_a_fact_told_twice_is_one_line(desk: RunningDesk) -> None:
    ticket = await desk.report()
    await desk.say(ticket, "reply", say.reply(desk.company, await a_stored_message(desk, ticket)))

    fact = await the_customer_writes(desk, ticket)
    await desk.handle(ticket).signal("customer_wrote", fact)
    await desk.until(lambda: desk.has_status(ticket, S.IN_PROGRESS))

    await desk.say(ticket, "note", say.reply(desk.company, "msg"))
    assert (await desk.story(ticket)).count("tickets.customer_wrote") == 1


async def test_a_double_click_is_one_update(desk: RunningDesk) -> None:
    ticket = await desk.report()
    click = say.assign(desk.company)

    both = await asyncio.gather(*(desk.say(ticket, "assign", click) for _ in range(2)))

    assert both == [S.OPEN, S.OPEN]
    assert (await desk.story(ticket)).count("tickets.assigned") == 1


async def test_two_people_at_once_take_turns(desk: RunningDesk) -> None:
    ticket = await desk.report()
    await desk.say(ticket, "resolve", say.resolve(desk.company))

    answers = await asyncio.gather(
        desk.refusal(ticket, "confirm", say.confirmation(desk.company)),
        desk.refusal(ticket, "reopen", say.reopening(desk.company)),
    )

    assert sorted(answer or "" for answer in answers)[0] == ""
    assert answers.count(None) == 1


async def test_a_worker_killed_half_way_is_replaced_by_another(desk: RunningDesk) -> None:
    ticket = await desk.report()
    await desk.say(ticket, "assign", say.assign(desk.company))

    await desk.stop_work()
    waiting = asyncio.create_task(desk.say(ticket, "resolve", say.resolve(desk.company)))
    desk.begin_work()

    assert await waiting is S.RESOLVED
    await desk.say(ticket, "confirm", say.confirmation(desk.company))
    assert await desk.result(ticket) is S.CLOSED


async def test_a_letter_given_up_stops_nothing_and_is_told(desk: RunningDesk, post: Post) -> None:
    ticket = await desk.report()
    await desk.until(lambda: has_left(post, ticket, "tickets/received"))
    post.is_broken = True
    message = await a_stored_message(desk, ticket)
    await desk.say(ticket, "reply", say.reply(desk.company, message))

    await desk.until(lambda: told(desk, ticket, "tickets.letter_failed"))

    assert "letter" in [wait.key for wait in await desk.open_waits(ticket)]
    [failed] = await desk.rows("select delivery from ticket_messages where id = :id", id=message)
    assert failed.delivery == "failed"
    post.is_broken = False
    await desk.say(ticket, "reply", say.reply(desk.company, await a_stored_message(desk, ticket)))
    assert "letter" not in [wait.key for wait in await desk.open_waits(ticket)]
    await desk.say(ticket, "cancel", say.cancel(desk.company))
    assert await desk.result(ticket) is S.CANCELLED


async def test_a_life_ended_by_operations_says_so(desk: RunningDesk) -> None:
    ticket = await desk.report()
    await desk.say(ticket, "dispatch", say.dispatch(desk.company))

    await desk.handle(ticket).cancel()

    assert await desk.result(ticket) is S.CANCELLED
    assert (await desk.story(ticket))[-1] == "tickets.cancelled"
    assert (await desk.row(ticket)).close_reason == "cancelled_by_us"


async def test_the_temporal_page_tells_the_wait_in_plain_words(desk: RunningDesk) -> None:
    ticket = await desk.report()

    await desk.until(lambda: stands_at(desk, ticket, "open"))
    description = await desk.handle(ticket).describe()

    assert await description.static_summary() == ticket.id
    assert description.typed_search_attributes.get(search.STAGE) == "open"
    assert description.typed_search_attributes.get(search.TEAM) == desk.company.team_id
    assert description.typed_search_attributes.get(search.DUE_AT) == (await desk.row(ticket)).answer_due
    details = await desk.handle(ticket).query("__temporal_workflow_metadata")
    assert "Waiting for our first answer (us)" in details.current_details


async def stands_at(desk: RunningDesk, ticket: Ticket, stage: str) -> bool:
    description = await desk.handle(ticket).describe()
    return description.typed_search_attributes.get(search.STAGE) == stage


async def has_left(post: Post, ticket: Ticket, template: str) -> bool:
    return template in post.templates(ticket.id)


async def the_customer_writes(desk: RunningDesk, ticket: Ticket) -> CustomerWrote:
    message = await desk.store(say.a_message(ticket.id, MessageKind.INBOUND))
    fact = CustomerWrote(message, datetime.now(UTC))
    await desk.handle(ticket).signal("customer_wrote", fact)
    return fact
