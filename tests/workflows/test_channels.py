"""The lives of texts, calls, device faults and chats: told once, in any order, ended by time."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import WorkflowHandle

from models.channels import ChannelEvent, Chat, ChatPresence, DeviceFault, PhoneCall
from models.kit.outbox import announce_start
from models.messages.channels import (
    CallFacts,
    CallOrder,
    CallStatus,
    ChatLeft,
    ChatOrder,
    ChatSide,
    Door,
    EventStatus,
    FaultOrder,
    FaultSeen,
    FaultStatus,
    PlacedText,
    TextOrder,
    call_workflow_id,
    chat_workflow_id,
    fault_workflow_id,
    text_workflow_id,
)
from models.messages.tickets import Channel, MessageKind, TicketStatus
from models.rules import channels as rules
from models.tickets import TicketMessage
from tests.conftest import Database
from tests.desk import RunningDesk, StandIns
from tests.workflows.neighbours import InvoiceAsTold, Post, VisitAsTold
from workflows.kit.options import MAIL_QUEUE

NUMBERS = count(900_001, 10)
PHONE = "+821055556666"


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def stand_ins(post: Post) -> StandIns:
    return StandIns([VisitAsTold, InvoiceAsTold], {MAIL_QUEUE: [post.send]})


@pytest.fixture(autouse=True)
def own_numbers(database: Database) -> None:
    """All tests of this file share one Temporal, which knows each ticket's number once."""
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("select setval('ticket_numbers', %s)", [next(NUMBERS)])


async def begin(
    desk: RunningDesk, life: str, workflow_id: str, order: Any, *rows: Any, result: Any = None
) -> WorkflowHandle[Any, Any]:
    """Store what a door stores and announce the life; back when it has begun."""
    async with AsyncSession(desk.engine, expire_on_commit=False) as session, session.begin():
        for row in rows:
            session.add(row)
            await session.flush()
        await announce_start(session, life, workflow_id, order, summary=life)
    handle = desk.client.get_workflow_handle(workflow_id, result_type=result)

    async def has_begun() -> bool:
        asked = "select 1 from outbox where key = :key and status = 'sent'"
        return bool(await desk.rows(asked, key=workflow_id))

    await desk.until(has_begun)
    return handle


def a_text(words: str, *, is_verified: bool = False, phone: str = PHONE) -> ChannelEvent:
    now = datetime.now(UTC)
    return ChannelEvent(
        id=f"chn_{uuid4().hex[:12]}", door=Door.SMS, external_id=uuid4().hex, received_at=now, last_at=now,
        sender=phone, is_verified=is_verified, original=words,
    )  # fmt: skip


async def arrive(desk: RunningDesk, words: str, **facts: Any) -> PlacedText:
    """A text comes in; where it went."""
    row = a_text(words, **facts)
    order, life = TextOrder(row.id), text_workflow_id(row.id)
    handle = await begin(desk, "InboundText", life, order, row, result=PlacedText)
    placed: PlacedText = await handle.result()
    return placed


async def one(desk: RunningDesk, query: str, **values: Any) -> Any:
    return (await desk.rows(query, **values))[0]


async def test_a_text_opens_a_ticket_and_its_answers_are_marked_by_how_sure_we_are(
    desk: RunningDesk, post: Post
) -> None:
    first = await arrive(desk, "물이 새요")
    unsure = await arrive(desk, "아직도 새요", is_verified=True)
    await desk.change("update customers set phone_proved_at = now() where phone = :phone", phone=PHONE)
    forged = await arrive(desk, "취소해 주세요", is_verified=False)
    sure = await arrive(desk, "기다릴게요", is_verified=True)

    assert (first.reason, unsure.reason, forged.reason, sure.reason) == (
        "new_ticket", "answer_unsure", "answer_unsure", "answer_sure",
    )  # fmt: skip
    assert {unsure.ticket_id, forged.ticket_id, sure.ticket_id} == {first.ticket_id}
    marks = await desk.rows(
        "select mark from ticket_messages where ticket_id = :id order by created_at", id=first.ticket_id
    )
    assert [row.mark for row in marks] == ["unproved", "unproved", "unproved", "proved"]
    [ticket] = await desk.rows("select * from tickets where id = :id", id=first.ticket_id)

    async def is_told() -> bool:
        return (await desk.story(ticket)).count("tickets.customer_wrote") == 3

    await desk.until(is_told)
    assert post.templates(first.ticket_id) == ["tickets/received"]


async def test_with_several_open_tickets_nobody_guesses(desk: RunningDesk) -> None:
    first = await arrive(desk, "One")
    second = await desk.report()
    customer = await one(desk, "select customer_id from tickets where id = :id", id=first.ticket_id)
    await desk.change(
        "update tickets set customer_id = :c where id = :id", c=customer.customer_id, id=second.id
    )

    placed = await arrive(desk, "Which one?", is_verified=True)

    assert placed.reason == "new_ticket"
    said = await desk.rows("select sentence from timeline_entries where ticket_id = :id", id=placed.ticket_id)
    assert "channels.text_several" in [row.sentence for row in said]


async def test_a_stop_word_takes_the_consent_back_and_makes_no_ticket(desk: RunningDesk) -> None:
    await desk.change("update customers set phone = :phone where id = 'cus_mina'", phone=PHONE)
    await desk.change(
        "insert into consents (customer_id, kind, version, is_given, at, source)"
        " values ('cus_mina', 'marketing', '1', true, now(), 'portal')"
    )
    placed = [await arrive(desk, words) for words in ("수신거부", " STOP. ", "수신거부")]

    assert {(row.status, row.reason) for row in placed} == {(EventStatus.IGNORED, "opted_out")}
    said = await desk.rows("select is_given from consents where customer_id = 'cus_mina' order by id")
    assert [row.is_given for row in said] == [True, False]
    assert await desk.rows("select 1 from tickets where channel = 'sms'") == []
    assert len(await desk.rows("select 1 from outbox where workflow = 'Handover'")) == 1


async def test_a_text_for_a_life_that_has_ended_gets_its_own_ticket(desk: RunningDesk) -> None:
    first = await arrive(desk, "One")
    await desk.client.get_workflow_handle(f"ticket:{first.ticket_id}").terminate("it ended a moment ago")

    second = await arrive(desk, "Two")

    assert second.ticket_id != first.ticket_id
    row = await one(desk, "select ticket_id from ticket_messages where id = :id", id=second.message_id)
    assert row.ticket_id == second.ticket_id


def a_call(now: datetime, **facts: Any) -> tuple[PhoneCall, CallOrder]:
    call_id = f"call_{uuid4().hex[:12]}"
    told = CallFacts(**facts)
    row = PhoneCall(
        id=call_id, external_id=uuid4().hex, caller=PHONE, extension="101", account_id="acc_jo",
        status=rules.status_of(told), received_at=now, rung_at=told.rung_at, answered_at=told.answered_at,
        ended_at=told.ended_at,
    )  # fmt: skip
    return row, CallOrder(call_id, told)


async def test_a_missed_call_asks_for_a_call_back_once(desk: RunningDesk) -> None:
    now = datetime.now(UTC)
    tickets = []
    for _again in range(2):
        row, order = a_call(now, ended_at=now)  # the end came first
        handle = await begin(desk, "PhoneCall", call_workflow_id(row.id), order, row, result=CallStatus)
        await handle.signal("heard", CallFacts(rung_at=now - timedelta(seconds=20)))
        await handle.signal("heard", CallFacts(rung_at=now - timedelta(seconds=20)))
        assert await handle.result() == CallStatus.MISSED
        tickets.append(
            (await one(desk, "select ticket_id from phone_calls where id = :id", id=row.id)).ticket_id
        )

    assert tickets[0] == tickets[1]
    [ticket] = await desk.rows("select * from tickets where id = :id", id=tickets[0])
    await desk.until(lambda: desk.has_status(ticket, TicketStatus.OPEN))
    fresh = await one(desk, "select * from tickets where id = :id", id=tickets[0])
    assert (fresh.channel, fresh.subject) == ("phone", "부재중 전화: 다시 걸어 주세요")
    assert fresh.answer_due is not None
    said = await desk.rows("select sentence from timeline_entries where ticket_id = :id", id=ticket.id)
    assert [row.sentence for row in said].count("channels.call_missed") == 2


async def test_an_answered_call_stands_in_the_story_whatever_the_order(desk: RunningDesk) -> None:
    ticket = await desk.report()
    await desk.change("update customers set phone = :phone where id = 'cus_mina'", phone=PHONE)
    now = datetime.now(UTC)
    row, order = a_call(now, ended_at=now)
    row.customer_id = "cus_mina"
    handle = await begin(desk, "PhoneCall", call_workflow_id(row.id), order, row, result=CallStatus)
    await handle.signal("heard", CallFacts(answered_at=now - timedelta(minutes=3), recording="https://pbx/1"))

    assert await handle.result() == CallStatus.ENDED
    call = await one(desk, "select * from phone_calls where id = :id", id=row.id)
    assert (call.status, call.ticket_id, call.recording) == ("ended", ticket.id, "https://pbx/1")
    line = await one(desk, "select details from timeline_entries where sentence = 'channels.call_ended'")
    assert line.details == {"minutes": "3"}


async def alarm(
    desk: RunningDesk, ago: timedelta = timedelta(), alarms: int = 1, at: datetime | None = None
) -> None:
    moment = (at or datetime.now(UTC)) - ago
    await desk.change(
        "insert into device_signals values ('own_phone', 'leak',"
        " date_trunc('minute', cast(:at as timestamptz)), :n, 0, :at, :at, '{}')"
        " on conflict (owned_product_id, fault, minute) do update"
        " set alarms = device_signals.alarms + :n, last_at = excluded.last_at",
        at=moment, n=alarms,
    )  # fmt: skip


async def watch(desk: RunningDesk) -> WorkflowHandle[Any, Any]:
    """A first alarm came to the door."""
    fault = DeviceFault(
        id=f"df_{uuid4().hex[:12]}", owned_product_id="own_phone", customer_id="cus_mina", fault="leak",
        began_at=datetime.now(UTC),
    )  # fmt: skip
    life = fault_workflow_id(fault.id)
    return await begin(desk, "DeviceFault", life, FaultOrder(fault.id), fault, result=FaultSeen)


async def test_a_single_alarm_is_watched_and_forgotten(desk: RunningDesk) -> None:
    await alarm(desk)
    seen: FaultSeen = await (await watch(desk)).result()

    assert (seen.status, seen.ticket_id) == (FaultStatus.OVER, "")
    assert await desk.rows("select 1 from tickets where channel = 'device'") == []


async def test_alarms_become_one_ticket_that_says_when_the_device_recovered(desk: RunningDesk) -> None:
    await alarm(desk, alarms=5)
    first: FaultSeen = await (await watch(desk)).result()
    await alarm(desk, alarms=9)
    second: FaultSeen = await (await watch(desk)).result()  # it flaps: the same ticket still waits

    assert first.ticket_id
    assert second.ticket_id == first.ticket_id
    said = await desk.rows("select sentence from timeline_entries where ticket_id = :id", id=first.ticket_id)
    sentences = [row.sentence for row in said]
    assert sentences.count("channels.fault_raised") == 2
    assert sentences.count("channels.fault_recovered") == 2
    ticket = await one(desk, "select * from tickets where id = :id", id=first.ticket_id)
    assert (ticket.customer_id, ticket.owned_product_id, ticket.channel) == (
        "cus_mina",
        "own_phone",
        "device",
    )


async def test_a_quiet_device_resolves_its_ticket_when_the_rule_says_so(desk: RunningDesk) -> None:
    await desk.change("insert into device_rules values ('leak', 7, 1, 5, 5, true, 'x', now())")
    await alarm(desk)
    seen: FaultSeen = await (await watch(desk)).result()
    [ticket] = await desk.rows("select * from tickets where id = :id", id=seen.ticket_id)

    await desk.until(lambda: desk.has_status(ticket, TicketStatus.RESOLVED))
    fault = await one(desk, "select * from device_faults")
    assert (fault.status, fault.rule_version) == ("over", 7)


async def a_chat(desk: RunningDesk) -> tuple[Any, WorkflowHandle[Any, Any]]:
    ticket = await desk.report()
    await desk.change("update tickets set channel = 'chat' where id = :id", id=ticket.id)
    now = datetime.now(UTC)
    life = chat_workflow_id(ticket.id)
    handle = await begin(
        desk, "Chat", life, ChatOrder(ticket.id), Chat(id=ticket.id, began_at=now),
        ChatPresence(chat_id=ticket.id, side=ChatSide.CUSTOMER, seen_at=now), result=bool,
    )  # fmt: skip
    return ticket, handle


async def say(desk: RunningDesk, ticket_id: str, kind: MessageKind) -> str:
    return await desk.store(
        TicketMessage(
            id=f"msg_{uuid4().hex}", ticket_id=ticket_id, kind=kind, channel=Channel.CHAT, body="x",
            created_at=datetime.now(UTC),
        )
    )  # fmt: skip


async def test_a_silent_chat_ends_and_what_was_not_seen_goes_by_letter(desk: RunningDesk, post: Post) -> None:
    with desk.environment.with_time_skipping_disabled():
        ticket, handle = await a_chat(desk)
        await say(desk, ticket.id, MessageKind.INBOUND)
        answer = await say(desk, ticket.id, MessageKind.REPLY)
        await say(desk, ticket.id, MessageKind.NOTE)

    assert await handle.result() is True
    assert post.templates(ticket.id).count("tickets/reply") == 1
    assert [letter.message_id for letter in post.sent if letter.template == "tickets/reply"] == [answer]
    row = await one(desk, "select ended_at from chats where id = :id", id=ticket.id)
    assert row.ended_at is not None
    assert (
        await desk.rows("select 1 from waits where workflow_id = :id and ended_at is null", id=handle.id)
        == []
    )


async def test_a_chat_that_was_left_and_seen_ends_without_a_letter(desk: RunningDesk, post: Post) -> None:
    with desk.environment.with_time_skipping_disabled():
        ticket, handle = await a_chat(desk)
        await say(desk, ticket.id, MessageKind.REPLY)
        await desk.change("update chat_presences set seen_at = now() + interval '1 second'")
        await handle.signal("left", ChatLeft(datetime.now(UTC)))
        assert await handle.result() is False

    assert "tickets/reply" not in post.templates(ticket.id)
    said = await desk.rows("select sentence from timeline_entries where ticket_id = :id", id=ticket.id)
    assert "channels.chat_left" in [row.sentence for row in said]
