"""Tickets that belong together: merged and given back, parts that hold their whole up, split, and snoozed."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.kit.transactions import transaction
from models.kit.outbox import announce_signal
from models.messages.field_service import Outcome, visit_workflow_id
from models.messages.tickets import CustomerWrote, MessageKind, TicketStatus, ticket_workflow_id
from models.messages.tickets.kin import ChildMoved, LinkKind
from models.tickets import Ticket, TicketLink
from tests.builders import tickets as say
from tests.desk import RunningDesk, StandIns
from tests.workflows.neighbours import InvoiceAsTold, Post, VisitAsTold
from workflows.kit.options import MAIL_QUEUE

S = TicketStatus
OWN = ("ticket_promises", "ticket_pauses", "ticket_messages", "attachments", "ticket_rule_alarms")


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def stand_ins(post: Post) -> StandIns:
    return StandIns([VisitAsTold, InvoiceAsTold], {MAIL_QUEUE: [post.send]})


async def rows_of(desk: RunningDesk, ticket: Ticket) -> dict[str, list[Any]]:
    """Everything that a merge may not change for good, without the step's own count and time."""
    kept = dict((await desk.row(ticket))._mapping.items())
    for name in ("seq", "updated_at"):
        kept.pop(name)
    found: dict[str, list[Any]] = {"tickets": [kept]}
    for table in OWN:
        rows = await desk.rows(
            f"select * from {table} t where ticket_id = :id order by t::text", id=ticket.id
        )
        found[table] = [dict(row._mapping) for row in rows]
    found["waits"] = [dict(row._mapping) for row in await desk.open_waits(ticket)]
    return found


async def wrote(desk: RunningDesk, ticket: Ticket) -> str:
    """The customer writes to a ticket, as the api stores and tells it."""
    message = await desk.store(say.a_message(ticket.id, MessageKind.INBOUND))
    await desk.handle(ticket).signal("customer_wrote", CustomerWrote(message, datetime.now(UTC)))
    return message


async def told(desk: RunningDesk, ticket: Ticket, sentence: str) -> bool:
    return sentence in await desk.story(ticket)


async def has_heard(desk: RunningDesk, ticket: Ticket, sentence: str) -> bool:
    """Whether a line about another ticket stands in this one's timeline."""
    asked = "select 1 from timeline_entries where ticket_id = :id and sentence = :said"
    return bool(await desk.rows(asked, id=ticket.id, said=sentence))


async def joined(desk: RunningDesk, part: Ticket, whole: Ticket) -> None:
    """One ticket becomes a part of another, as the api makes it."""
    row = await desk.row(part)
    async with transaction(desk.engine) as session:
        session.add(
            TicketLink(from_id=part.id, to_id=whole.id, kind=LinkKind.CHILD, made_by="a",
                       made_at=datetime.now(UTC))
        )  # fmt: skip
        fact = ChildMoved(part.id, row.seq, True, "tickets.child_joined", datetime.now(UTC))
        await announce_signal(session, ticket_workflow_id(whole.id), "child_moved", fact, key=f"j:{part.id}")
    await desk.until(lambda: told(desk, whole, "tickets.child_joined"))


# Merges


async def test_a_merged_ticket_is_given_back_exactly_as_it_was(desk: RunningDesk, post: Post) -> None:
    gone, keeper = await desk.report(), await desk.report()
    await desk.say(gone, "assign", say.assign(desk.company))
    await wrote(desk, gone)
    await desk.until(lambda: told(desk, gone, "tickets.customer_wrote"))
    before = await rows_of(desk, gone)

    assert await desk.say(gone, "merge", say.merge(desk.company, keeper)) is S.MERGED

    row = await desk.row(gone)
    assert (row.is_over, row.closed_at, row.merged_into_id, row.next_due) == (True, None, keeper.id, None)
    assert [wait.what for wait in await desk.open_waits(gone)] == ["merged"]
    assert await has_heard(desk, keeper, "tickets.took_in")
    assert await desk.refusal(gone, "assign", say.assign(desk.company)) == "ticket_merged"
    assert await desk.refusal(keeper, "merge", say.merge(desk.company, gone)) == "merge_not_open"

    assert await desk.say(gone, "unmerge", say.unmerge(desk.company)) is S.OPEN

    assert await rows_of(desk, gone) == before
    assert await has_heard(desk, keeper, "tickets.gave_back")
    assert "tickets/merged" not in post.templates(gone.id)  # undone before anybody was told
    assert await desk.refusal(gone, "unmerge", say.unmerge(desk.company)) == "ticket_not_merged"
    await desk.say(gone, "resolve", say.resolve(desk.company))
    await desk.say(gone, "confirm", say.confirmation(desk.company))
    assert await desk.result(gone) is S.CLOSED


async def test_a_merge_stays_once_the_other_ticket_is_resolved_and_the_customer_hears_once(
    desk: RunningDesk, post: Post
) -> None:
    gone, keeper = await desk.report(), await desk.report()
    await desk.say(gone, "merge", say.merge(desk.company, keeper))
    await desk.pass_time(gone, seconds=11)
    await desk.until_equal(lambda: _count(post, "tickets/merged"), 1)
    message = await wrote(desk, gone)
    await desk.until(lambda: told(desk, keeper, "tickets.customer_wrote"))

    await desk.say(keeper, "resolve", say.resolve(desk.company))

    assert await desk.result(gone) is S.MERGED
    row = await desk.row(gone)
    assert row.closed_at is not None
    assert await desk.open_waits(gone) == []
    promises = await desk.rows("select outcome from ticket_promises where ticket_id = :id", id=gone.id)
    assert {one.outcome for one in promises} == {"dropped"}
    assert await _count(post, "tickets/merged") == 1
    [heard] = await desk.rows("select ticket_id from ticket_messages where id = :id", id=message)
    assert heard.ticket_id == gone.id  # it came to this one, and is read in the other


async def _count(post: Post, template: str) -> int:
    return sum(letter.template == template for letter in post.sent)


async def test_who_was_told_of_a_merge_is_told_that_it_was_undone(desk: RunningDesk, post: Post) -> None:
    gone, keeper = await desk.report(), await desk.report()
    await desk.say(gone, "merge", say.merge(desk.company, keeper))
    await desk.pass_time(gone, seconds=11)
    await desk.until_equal(lambda: _count(post, "tickets/merged"), 1)

    await desk.say(gone, "unmerge", say.unmerge(desk.company))

    await desk.until_equal(lambda: _count(post, "tickets/separated"), 1)
    [letter] = [one for one in post.sent if one.template == "tickets/merged"]
    assert (letter.ticket_id, letter.values) == (keeper.id, {"other": gone.id})


async def test_of_two_tickets_that_go_into_each_other_at_once_one_stays(desk: RunningDesk) -> None:
    one, two = await desk.report(), await desk.report()

    found = await asyncio.gather(
        desk.refusal(one, "merge", say.merge(desk.company, two)),
        desk.refusal(two, "merge", say.merge(desk.company, one)),
    )

    assert sorted(found, key=str) in (["merge_not_open", None], [None, "merge_not_open"]), found
    statuses = sorted([(await desk.row(one)).status, (await desk.row(two)).status])
    assert statuses == ["merged", "open"]
    stays = one if (await desk.row(one)).status == "open" else two
    await desk.say(stays, "reply", say.reply(desk.company, await desk.store(say.a_message(stays.id))))


async def test_what_a_visit_or_a_part_hangs_on_does_not_go_on_elsewhere(desk: RunningDesk) -> None:
    sent, whole, part, keeper = [await desk.report() for _ in range(4)]
    await desk.say(sent, "dispatch", say.dispatch(desk.company))
    await joined(desk, part, whole)

    assert await desk.refusal(sent, "merge", say.merge(desk.company, keeper)) == "merge_has_visit"
    assert await desk.refusal(whole, "merge", say.merge(desk.company, keeper)) == "merge_has_parts"
    assert await desk.refusal(part, "merge", say.merge(desk.company, keeper)) == "merge_has_parts"
    assert await desk.refusal(keeper, "merge", say.merge(desk.company, keeper)) == "merge_same"
    assert await desk.say(keeper, "merge", say.merge(desk.company, sent)) is S.MERGED


# Parts


async def test_a_part_holds_its_whole_up_until_it_is_done(desk: RunningDesk) -> None:
    whole, part = await desk.report(), await desk.report()
    await joined(desk, part, whole)
    [wait] = [one for one in await desk.open_waits(whole) if one.key == "children"]
    assert (wait.what, wait.details) == ("child_tickets", {"count": "1"})

    assert await desk.refusal(whole, "resolve", say.resolve(desk.company)) == "ticket_parts_open"
    assert await desk.refusal(whole, "cancel", say.cancel(desk.company)) == "ticket_parts_open"
    await desk.say(part, "resolve", say.resolve(desk.company))
    await desk.until(lambda: told(desk, whole, "tickets.child_done"))

    assert [one.key for one in await desk.open_waits(whole)] == ["turn"]
    await desk.say(part, "reopen", say.reopening(desk.company))
    await desk.until(lambda: told(desk, whole, "tickets.child_back"))
    assert await desk.refusal(whole, "resolve", say.resolve(desk.company)) == "ticket_parts_open"
    await desk.say(part, "cancel", say.cancel(desk.company))
    await desk.until_equal(lambda: _times(desk, whole, "tickets.child_done"), 2)
    await desk.say(whole, "resolve", say.resolve(desk.company))
    await desk.say(whole, "confirm", say.confirmation(desk.company))
    assert await desk.result(whole) is S.CLOSED


async def _times(desk: RunningDesk, ticket: Ticket, sentence: str) -> int:
    return (await desk.story(ticket)).count(sentence)


async def test_a_repair_waits_for_open_parts_and_a_customer_may_end_it_all_the_same(
    desk: RunningDesk,
) -> None:
    whole, part = await desk.report(), await desk.report()
    await joined(desk, part, whole)
    await desk.say(whole, "dispatch", say.dispatch(desk.company))
    visit = desk.client.get_workflow_handle(visit_workflow_id(f"V{whole.id[1:]}-1"))
    await visit.signal("ended", Outcome.REPAIRED)
    await desk.until(lambda: told(desk, whole, "tickets.repaired_part_open"))

    assert await desk.say(whole, "cancel", say.cancel(desk.company, "customer")) is S.CANCELLED
    assert (await desk.row(part)).status == "open"


# A split


async def test_messages_become_a_ticket_whose_clocks_began_when_they_came(desk: RunningDesk) -> None:
    ticket = await desk.report()
    stays, goes = await wrote(desk, ticket), await wrote(desk, ticket)
    await desk.until_equal(lambda: _times(desk, ticket, "tickets.customer_wrote"), 2)
    long_ago = datetime.now(UTC) - timedelta(days=21)
    await desk.change("update ticket_messages set created_at = :at where id = :id", at=long_ago, id=goes)

    assert await desk.refusal(ticket, "split", say.split(desk.company)) == "split_nothing"
    assert await desk.refusal(ticket, "split", say.split(desk.company, stays, goes)) == "split_takes_all"
    assert await desk.refusal(ticket, "split", say.split(desk.company, "msg_other")) == "split_gone"
    assert await desk.say(ticket, "split", say.split(desk.company, goes, subject="The fan")) is S.OPEN

    [new] = await desk.rows("select * from tickets where submitted_by = 'split'")
    assert (new.subject, new.created_at, new.customer_id) == ("The fan", long_ago, ticket.customer_id)
    [moved] = await desk.rows("select * from ticket_messages where id = :id", id=goes)
    assert (moved.ticket_id, moved.split_from_id) == (new.id, ticket.id)
    [link] = await desk.rows("select * from ticket_links")
    assert (link.from_id, link.to_id, link.kind) == (new.id, ticket.id, "split")
    other = Ticket(**{name: getattr(new, name) for name in ("id", "customer_id")})
    await desk.until(lambda: told(desk, other, "tickets.late"))  # its first answer was due weeks ago
    clocks = await desk.rows("select * from ticket_promises where ticket_id = :id", id=new.id)
    assert {clock.started_at for clock in clocks} == {long_ago}
    [line] = await desk.rows("select details from timeline_entries where sentence = 'tickets.split'")
    assert (line.details["other"], line.details["count"]) == (new.id, "1")


# Rest


async def test_a_snoozed_ticket_is_back_at_the_exact_time_and_its_promises_went_on(desk: RunningDesk) -> None:
    ticket = await desk.report()
    await desk.say(ticket, "reply", say.reply(desk.company, await desk.store(say.a_message(ticket.id))))
    due, now = (await desk.row(ticket)).resolve_due, await desk.now(ticket)
    until = now + timedelta(minutes=30)

    late = say.snooze(desk.company, due + timedelta(hours=1))
    past = say.snooze(desk.company, now - timedelta(minutes=1), knows=True)
    assert await desk.refusal(ticket, "snooze", late) == "snooze_past_deadline"
    assert await desk.refusal(ticket, "snooze", say.snooze(desk.company)) == "snooze_past_deadline"
    assert await desk.refusal(ticket, "snooze", past) == "snooze_in_past"
    assert await desk.refusal(ticket, "wake", say.wake(desk.company)) == "not_snoozed"
    await desk.say(ticket, "snooze", say.snooze(desk.company, until))

    row = await desk.row(ticket)
    assert (row.is_snoozed, row.snoozed_until, row.resolve_due) == (True, until, due)
    [wait] = [one for one in await desk.open_waits(ticket) if one.key == "snooze"]
    assert (wait.who, wait.until, wait.then) == ("timer", until, "back_in_queue")
    await desk.pass_time(ticket, minutes=29)
    assert (await desk.row(ticket)).is_snoozed
    await desk.pass_time(ticket, until=until)
    await desk.until(lambda: told(desk, ticket, "tickets.snooze_over"))
    row = await desk.row(ticket)
    assert (row.is_snoozed, row.snoozed_until) == (False, None)
    assert [one.key for one in await desk.open_waits(ticket)] == ["turn"]

    await desk.say(ticket, "snooze", say.snooze(desk.company, due + timedelta(hours=2), knows=True))
    await desk.pass_time(ticket, until=due)
    await desk.until(lambda: told(desk, ticket, "tickets.overdue"))
    assert (await desk.row(ticket)).is_snoozed
    await desk.say(ticket, "resolve", say.resolve(desk.company))
    assert not (await desk.row(ticket)).is_snoozed
    await desk.say(ticket, "confirm", say.confirmation(desk.company))
    assert await desk.result(ticket) is S.CLOSED


async def test_a_message_of_the_customer_wakes_it_and_so_may_an_agent(desk: RunningDesk) -> None:
    ticket = await desk.report()
    await desk.say(ticket, "snooze", say.snooze(desk.company, knows=True))
    [wait] = [one for one in await desk.open_waits(ticket) if one.key == "snooze"]
    assert (wait.who, wait.what, wait.until) == ("customer", "snoozed_reply", None)

    await wrote(desk, ticket)
    await desk.until(lambda: told(desk, ticket, "tickets.woken"))

    assert not (await desk.row(ticket)).is_snoozed
    until = await desk.now(ticket) + timedelta(minutes=5)
    await desk.say(ticket, "snooze", say.snooze(desk.company, until, knows=True))
    await desk.say(ticket, "wake", say.wake(desk.company))
    await desk.pass_time(ticket, until=until)
    assert await _times(desk, ticket, "tickets.snooze_over") == 0
    assert [one.key for one in await desk.open_waits(ticket)] == ["turn"]


async def test_a_merge_keeps_the_rest_of_what_it_takes_in(desk: RunningDesk) -> None:
    gone, keeper = await desk.report(), await desk.report()
    until = await desk.now(gone) + timedelta(minutes=20)
    await desk.say(gone, "snooze", say.snooze(desk.company, until))
    before = await rows_of(desk, gone)

    await desk.say(gone, "merge", say.merge(desk.company, keeper))
    await desk.say(gone, "unmerge", say.unmerge(desk.company))

    assert await rows_of(desk, gone) == before
    await desk.pass_time(gone, until=until)
    await desk.until(lambda: told(desk, gone, "tickets.snooze_over"))
