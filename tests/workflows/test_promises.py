"""The clocks of a ticket by rows: paused, broken, moved from outside; and rules in its life."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.kit.records import to_record
from models.messages.tickets import CustomerWrote, MessageKind, TicketStatus
from models.messages.tickets.automation import ActionKind, Trigger
from models.tickets import Ticket
from tests.builders import promises as promised
from tests.builders import tickets as say
from tests.builders.promises import a_policy, a_rule, a_version, act
from tests.desk import RunningDesk, StandIns
from tests.workflows.neighbours import InvoiceAsTold, Post, VisitAsTold
from workflows.kit.options import MAIL_QUEUE

S = TicketStatus
TEXT = {"ko": "모델명을 알려 주십시오.", "en": "Please tell us the model."}


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def stand_ins(post: Post) -> StandIns:
    return StandIns([VisitAsTold, InvoiceAsTold], {MAIL_QUEUE: [post.send]})


async def report(desk: RunningDesk) -> Ticket:
    """A ticket whose clock moves when the test says so."""
    with desk.environment.with_time_skipping_disabled():
        return await desk.report()


async def a_message(desk: RunningDesk, ticket: Ticket, kind: MessageKind = MessageKind.REPLY) -> str:
    return await desk.store(say.a_message(ticket.id, kind))


async def answer(desk: RunningDesk, ticket: Ticket) -> None:
    await desk.say(ticket, "reply", say.reply(desk.company, await a_message(desk, ticket)))


async def customer_writes(desk: RunningDesk, ticket: Ticket) -> None:
    before = len(await desk.story(ticket))
    fact = CustomerWrote(await a_message(desk, ticket, MessageKind.INBOUND), datetime.now(UTC))
    await desk.handle(ticket).signal("customer_wrote", fact)

    async def told() -> bool:
        return len(await desk.story(ticket)) > before

    await desk.until(told)


async def promises(desk: RunningDesk, ticket: Ticket) -> dict[str, Any]:
    asked = "select * from ticket_promises where ticket_id = :id order by round"
    return {row.target: row for row in await desk.rows(asked, id=ticket.id)}


async def told(desk: RunningDesk, ticket: Ticket, sentence: str) -> bool:
    return sentence in await desk.story(ticket)


async def test_a_promise_rests_while_the_customer_is_waited_for_and_each_message_has_its_own(
    desk: RunningDesk, post: Post
) -> None:
    await promised.put(desk.engine, a_policy())
    ticket = await report(desk)
    opened = await desk.row(ticket)
    assert opened.resolve_due - opened.answer_due == timedelta(minutes=1200)
    [wait] = await desk.open_waits(ticket)
    assert (wait.until, wait.then) == (opened.answer_due, "warn_team")

    await answer(desk, ticket)

    row, rests = await desk.row(ticket), await desk.rows("select * from ticket_pauses")
    assert (row.resolve_due, row.next_due) == (None, None)
    assert [one.until for one in rests] == [None]
    assert (await promises(desk, ticket))["first_reply"].outcome == "met"
    await desk.pass_time(ticket, hours=72)
    assert [one.then for one in await desk.open_waits(ticket)] == [""]

    await customer_writes(desk, ticket)

    row, [wait] = await desk.row(ticket), await desk.open_waits(ticket)
    assert timedelta(hours=72) < row.resolve_due - opened.resolve_due < timedelta(hours=73)
    assert (wait.until, wait.then) == (row.reply_due, "warn_team")
    assert row.next_due == row.reply_due < row.resolve_due
    await desk.pass_time(ticket, until=row.reply_due)
    await desk.until(lambda: told(desk, ticket, "tickets.reply_late"))
    await desk.pass_time(ticket, until=row.resolve_due)
    await desk.until(lambda: told(desk, ticket, "tickets.overdue"))
    await desk.say(ticket, "resolve", say.resolve(desk.company))
    await desk.say(ticket, "confirm", say.confirmation(desk.company))
    assert await desk.result(ticket) is S.CLOSED
    assert {name: one.outcome for name, one in (await promises(desk, ticket)).items()} == {
        "first_reply": "met", "next_reply": "broken", "resolve": "broken", "confirm": "met",
    }  # fmt: skip
    assert post.templates(ticket.id).count("tickets/late") == 1
    assert post.templates(ticket.id).count("tickets/overdue") == 1


async def test_a_calendar_change_moves_open_deadlines_and_only_tells_whom_it_concerns(
    desk: RunningDesk, post: Post
) -> None:
    ticket, other = await report(desk), await report(desk)
    before, untouched = await desk.row(ticket), await desk.row(other)
    await desk.change(
        "update ticket_promises set hours = cast(:always as jsonb) where ticket_id = :id",
        id=other.id, always=json.dumps(to_record(promised.ALWAYS)),
    )  # fmt: skip
    await desk.change(
        "update ticket_promises set due_at = started_at + make_interval(mins => minutes)"
        " where ticket_id = :id",
        id=other.id,
    )
    day = before.resolve_due.astimezone(promised.KST).date()
    await promised.put(desk.engine, promised.CalendarDay(day=day, is_working=False, name="Founding day"))

    retiming = await promised.retime(desk.engine, day=day, size=1)

    async def is_done() -> bool:
        [row] = await desk.rows("select * from retimings where id = :id", id=retiming)
        return bool(row.status == "done")

    await desk.until(is_done)
    [row] = await desk.rows("select * from retimings where id = :id", id=retiming)
    assert (row.total, row.seen, row.moved) == (2, 2, 1)
    after = await desk.row(ticket)
    assert after.resolve_due > before.resolve_due
    assert await desk.row(other) == untouched
    signals = await desk.rows("select workflow_id from outbox where name = 'deadlines_moved'")
    assert [one.workflow_id for one in signals] == [f"ticket:{ticket.id}"]
    assert "tickets.retimed_closed" in await desk.story(ticket)

    await desk.pass_time(ticket, until=after.answer_due)
    await desk.until(lambda: told(desk, ticket, "tickets.late"))
    await desk.pass_time(ticket, until=before.resolve_due + timedelta(minutes=1))
    assert not await told(desk, ticket, "tickets.overdue")
    await desk.pass_time(ticket, until=after.resolve_due)
    await desk.until(lambda: told(desk, ticket, "tickets.overdue"))
    await desk.say(ticket, "resolve", say.resolve(desk.company))
    await desk.say(ticket, "confirm", say.confirmation(desk.company))
    assert await desk.result(ticket) is S.CLOSED


async def test_rules_act_name_themselves_and_say_why_they_did_not(desk: RunningDesk, post: Post) -> None:
    urgent = a_rule(
        "outage", Trigger.OPENED, act(ActionKind.PRIORITY, "p1"), act(ActionKind.TAG, "outage"),
        act(ActionKind.NOTIFY), conditions=('ticket.channel == "portal"',), position=1,
    )  # fmt: skip
    gold = a_rule(
        "gold", Trigger.OPENED, act(ActionKind.TAG, "gold"), position=2,
        conditions=("true", 'customer.tier == "gold" || ticket.subject == "x"'),
    )  # fmt: skip
    await promised.put(desk.engine, a_policy(), a_version(urgent), a_version(gold))

    ticket = await report(desk)

    row = await desk.row(ticket)
    assert (row.priority, row.tags) == ("p1", ["outage"])
    assert row.answer_due - row.created_at < timedelta(minutes=31)  # the urgent line holds now
    [wait] = await desk.open_waits(ticket)
    assert wait.until == row.answer_due
    assert await desk.story(ticket) == [
        "tickets.opened", "tickets.rule_priority", "tickets.rule_tag", "tickets.rule_notify",
    ]  # fmt: skip

    async def letters() -> list[str]:
        return sorted(post.templates(ticket.id))

    await desk.until_equal(letters, ["tickets/received", "tickets/rule"])
    [check] = await desk.rows("select * from ticket_rule_checks where ticket_id = :id", id=ticket.id)
    fired, not_fired = check.verdicts
    assert (fired["rule"], fired["fired"]) == ("outage", True)
    assert (not_fired["fired"], not_fired["condition"]) == (False, 1)
    assert not_fired["values"] == {"customer.tier": "standard", "ticket.subject": "…"}


async def test_a_rule_asks_the_customer_and_another_speaks_at_its_exact_time(
    desk: RunningDesk, post: Post
) -> None:
    ask = a_rule("model", Trigger.OPENED, act(ActionKind.ASK, **TEXT))
    remind = a_rule(
        "remind", Trigger.AFTER, act(ActionKind.REPLY, **TEXT), after="opened", minutes=90,
        conditions=('ticket.status == "waiting_customer"',),
    )  # fmt: skip
    near = a_rule("near", Trigger.NEAR, act(ActionKind.TAG, "soon"), target="first_reply", minutes=60)
    await promised.put(desk.engine, a_policy(), *map(a_version, (ask, remind, near)))

    ticket = await report(desk)
    await desk.until(lambda: desk.has_status(ticket, S.WAITING_CUSTOMER))

    assert "tickets.rule_ask" in await desk.story(ticket)
    assert (await desk.row(ticket)).resolve_due is None
    await desk.pass_time(ticket, minutes=80)
    assert "tickets.rule_reply" not in await desk.story(ticket)
    await desk.pass_time(ticket, minutes=11)
    await desk.until(lambda: told(desk, ticket, "tickets.rule_reply"))
    assert "tickets.rule_tag" not in await desk.story(ticket)
    await customer_writes(desk, ticket)
    due = (await desk.row(ticket)).answer_due  # it rested meanwhile
    await desk.pass_time(ticket, until=due - timedelta(minutes=61))
    assert "tickets.rule_tag" not in await desk.story(ticket)
    await desk.pass_time(ticket, until=due - timedelta(minutes=60))
    await desk.until(lambda: told(desk, ticket, "tickets.rule_tag"))
    assert (await desk.row(ticket)).tags == ["soon"]
    assert post.templates(ticket.id) == ["tickets/received", "tickets/reply", "tickets/reply"]
    await desk.say(ticket, "cancel", say.cancel(desk.company))
    assert await desk.result(ticket) is S.CANCELLED


async def test_rules_that_cause_each_other_are_stopped(desk: RunningDesk, post: Post) -> None:
    ask = a_rule("ask", Trigger.STATUS, act(ActionKind.ASK, **TEXT), conditions=('ticket.status != "open"',))
    again = a_rule("again", Trigger.MESSAGE, act(ActionKind.ASK, **TEXT))
    await promised.put(desk.engine, a_version(ask), a_version(again))
    ticket = await report(desk)

    for _ in range(5):
        await customer_writes(desk, ticket)

    asked = (
        "select details from timeline_entries where ticket_id = :id and sentence = 'tickets.rules_stopped'"
    )
    await desk.until_equal(lambda: desk.has_status(ticket, S.IN_PROGRESS), True)
    stopped = {row.details["held"] for row in await desk.rows(asked, id=ticket.id)}
    assert "too_often" in stopped
    assert (await desk.story(ticket)).count("tickets.rule_ask") <= 6
    await desk.say(ticket, "cancel", say.cancel(desk.company))
    assert await desk.result(ticket) is S.CANCELLED


async def test_a_rule_is_tried_on_past_tickets_without_touching_them(desk: RunningDesk) -> None:
    tickets = [await report(desk) for _ in range(3)]
    rule = a_rule(
        "try", Trigger.OPENED, act(ActionKind.TAG, "x"), conditions=("true", 'ticket.channel == "sms"')
    )
    other = a_rule("yes", Trigger.OPENED, act(ActionKind.TEAM, desk.company.team_id))
    await promised.put(desk.engine, a_version(rule, status="draft"), a_version(other, status="draft"))
    since = datetime.now(UTC) - timedelta(days=1)
    trials = [await promised.try_out(desk.engine, one, since, size=2) for one in (rule, other)]

    async def are_done() -> bool:
        rows = await desk.rows("select status from ticket_rule_trials")
        return {row.status for row in rows} == {"done"}

    await desk.until(are_done)

    results = {row.id: row.result for row in await desk.rows("select id, result from ticket_rule_trials")}
    first, second = (results[one] for one in trials)
    assert (first["seen"], first["would"], first["held"]) == (3, 0, [0, 3])
    assert (second["would"], second["same_team"]) == (3, 3)
    assert {row["ticket_id"] for row in second["rows"]} == {one.id for one in tickets}
    assert [await desk.story(one) for one in tickets] == [["tickets.opened"]] * 3
