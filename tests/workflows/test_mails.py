"""The life of a mail: told to its ticket once, held back with a deadline, let in or sent away by a person."""

from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from activities.tickets import MailActivities
from models.messages.tickets import TicketStatus
from models.messages.tickets.mails import MailStatus, Placed, Verdict, mail_workflow_id
from tests.builders import tickets as say
from tests.builders.mails import ADDRESSES, DESK, a_mail, keep
from tests.conftest import Database
from tests.desk import RunningDesk, StandIns
from tests.workflows.neighbours import InvoiceAsTold, Post, VisitAsTold
from workflows.kit.options import INBOUND_QUEUE, MAIL_QUEUE

NUMBERS = count(800_001, 10)
NEWS = {"List_Id": "<news.shop.test>", "sender": "news@shop.test"}


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def stand_ins(post: Post, worker_engine: AsyncEngine, tmp_path: Path) -> StandIns:
    mails = MailActivities(worker_engine, ADDRESSES, tmp_path)
    return StandIns([VisitAsTold, InvoiceAsTold], {MAIL_QUEUE: [post.send], INBOUND_QUEUE: [mails.place]})


@pytest.fixture
def arrive(desk: RunningDesk, app_engine: AsyncEngine, database: Database, tmp_path: Path) -> Any:
    async def take(raw: bytes, **envelope: str) -> WorkflowHandle[Any, Any]:
        """Put a mail down as the letterbox does; the relay begins its life."""
        # All tests of this file share one Temporal, which knows each ticket's number once.
        with psycopg.connect(database.owner_url) as owner:
            owner.execute("select setval('ticket_numbers', %s)", [next(NUMBERS)])
        mail_id = await keep(app_engine, tmp_path, raw, **envelope)
        handle = desk.client.get_workflow_handle(mail_workflow_id(mail_id), result_type=Placed)

        async def has_begun() -> bool:
            asked = "select 1 from outbox where key = :key and status = 'sent'"
            return bool(await desk.rows(asked, key=mail_workflow_id(mail_id)))

        await desk.until(has_begun)
        return handle

    return take


async def result(handle: WorkflowHandle[Any, Any]) -> Placed:
    placed: Placed = await handle.result()
    return placed


def a_verdict(id: str = "v1") -> Verdict:
    return Verdict(id, "acc_jo", datetime.now(UTC))


async def held(desk: RunningDesk, handle: WorkflowHandle[Any, Any]) -> Any:
    """Wait until the mail waits for somebody; the wait."""
    asked = "select * from waits where workflow_id = :id and ended_at is null"

    async def is_held() -> bool:
        return bool(await desk.rows(asked, id=handle.id))

    await desk.until(is_held)
    return (await desk.rows(asked, id=handle.id))[0]


async def test_a_mail_becomes_a_ticket_and_its_answer_a_message(
    desk: RunningDesk, arrive: Any, post: Post
) -> None:
    first = await result(await arrive(a_mail("new@elsewhere.test", "No picture")))
    [ticket] = await desk.rows("select * from tickets where id = :id", id=first.ticket_id)
    await desk.until(lambda: desk.has_status(ticket, TicketStatus.OPEN))

    answer = await result(
        await arrive(a_mail("new@elsewhere.test", "Still none", to=ADDRESSES.reply_to(ticket.id)))
    )

    assert answer.ticket_id == ticket.id

    async def is_told() -> bool:
        return "tickets.customer_wrote" in await desk.story(ticket)

    await desk.until(is_told)
    assert post.templates(ticket.id) == ["tickets/received"]


async def test_a_machines_ticket_is_opened_without_a_word(desk: RunningDesk, arrive: Any, post: Post) -> None:
    placed = await result(await arrive(a_mail("printer@elsewhere.test", Auto_Submitted="auto-generated")))
    [ticket] = await desk.rows("select * from tickets where id = :id", id=placed.ticket_id)

    await desk.until(lambda: desk.has_status(ticket, TicketStatus.OPEN))

    assert post.templates(ticket.id) == []
    await desk.say(ticket, "cancel", say.cancel(desk.company))
    await desk.result(ticket)


async def test_a_message_for_a_life_that_has_ended_gets_its_own_ticket(
    desk: RunningDesk, arrive: Any
) -> None:
    """The row still says open, as it does between the last look and the end."""
    ticket = await desk.report()
    await desk.handle(ticket).terminate("it ended a moment ago")
    await desk.change("update customers set email = 'mina@example.test' where id = 'cus_mina'")

    placed = await result(await arrive(a_mail("mina@example.test", to=ADDRESSES.reply_to(ticket.id))))

    assert placed.ticket_id != ticket.id
    [message] = await desk.rows("select * from ticket_messages where id = :id", id=placed.message_id)
    assert message.ticket_id == placed.ticket_id


async def test_a_released_mail_comes_in_and_a_second_verdict_is_refused(
    desk: RunningDesk, arrive: Any
) -> None:
    handle = await arrive(a_mail(**NEWS))
    wait = await held(desk, handle)

    status = await handle.execute_update("release", a_verdict(), id="r1", result_type=MailStatus)

    assert (wait.what, wait.who, wait.then, wait.may) == (
        "quarantine", "us", "ignore_mail", ["release", "dismiss"],
    )  # fmt: skip
    assert status is MailStatus.THREADED
    placed = await result(handle)
    assert placed.ticket_id
    assert (
        await desk.rows("select 1 from waits where workflow_id = :id and ended_at is null", id=handle.id)
        == []
    )


async def test_a_dismissed_mail_is_ignored_and_kept(desk: RunningDesk, arrive: Any, tmp_path: Path) -> None:
    handle = await arrive(a_mail(**NEWS))
    await held(desk, handle)

    await handle.execute_update("dismiss", a_verdict(), id="d1", result_type=MailStatus)

    assert (await result(handle)).reason == "dismissed"
    [row] = await desk.rows("select * from inbound_mails")
    assert (row.status, row.reason, row.decided_by) == ("ignored", "dismissed", "acc_jo")
    assert (tmp_path / row.stored_as).exists()


async def test_nobody_decides_for_thirty_days(desk: RunningDesk, arrive: Any) -> None:
    handle = await arrive(a_mail(**NEWS))
    wait = await held(desk, handle)

    await desk.environment.fast_forward(handle, wait.until - datetime.now(UTC))

    assert (await result(handle)).reason == "expired"
    [row] = await desk.rows("select * from inbound_mails")
    assert (row.status, row.reason) == ("ignored", "expired")


async def test_what_is_not_held_back_can_be_neither_released_nor_dismissed(
    desk: RunningDesk, arrive: Any
) -> None:
    handle = await arrive(a_mail(**NEWS))
    await held(desk, handle)
    await handle.execute_update("dismiss", a_verdict(), id="d1")

    with pytest.raises((WorkflowUpdateFailedError, Exception)) as refused:
        await handle.execute_update("release", a_verdict("v2"), id="r2")

    cause = getattr(refused.value, "cause", None)
    assert not isinstance(cause, ApplicationError) or cause.type == "mail_not_held_back"


async def test_a_letter_that_came_back_is_told_once(desk: RunningDesk, arrive: Any, post: Post) -> None:
    ticket = await desk.report()
    key = f"ticket:{ticket.id}/1/received"
    await desk.change(
        "insert into sent_messages (key, system, ticket_id, letter, sent_at, provider_id, message_id)"
        " values (:key, 'mail', :ticket, 'tickets/received', now(), '', :id)",
        key=key, ticket=ticket.id, id=ADDRESSES.message_id(key),
    )  # fmt: skip
    for number in (1, 2):
        text = f"Sorry {number}\nMessage-ID: <{ADDRESSES.message_id(key)}>"
        placed = await result(await arrive(a_mail("mailer-daemon@mx.test", text), sender="", to=DESK))
        assert placed.reason == "bounce"

    async def is_told() -> bool:
        return "tickets.letter_failed" in await desk.story(ticket)

    await desk.until(is_told)
    assert (await desk.story(ticket)).count("tickets.letter_failed") == 1
    await desk.say(ticket, "cancel", say.cancel(desk.company))
    await desk.result(ticket)


async def test_two_houses_that_mail_each_other_stop_after_two(
    desk: RunningDesk, arrive: Any, post: Post
) -> None:
    """Their mail opens a ticket and is confirmed; our confirmation comes back confirmed: silence."""
    theirs = "desk@other-house.test"
    first = await result(await arrive(a_mail(theirs, "A mail of a colleague of theirs")))
    [ticket] = await desk.rows("select * from tickets where id = :id", id=first.ticket_id)
    await desk.until(lambda: desk.has_status(ticket, TicketStatus.OPEN))
    ours = ADDRESSES.reply_to(ticket.id)
    back = a_mail(theirs, "We have received your report", to=ours, Auto_Submitted="auto-replied")

    second = await result(await arrive(back))
    third = await result(await arrive(a_mail(theirs, "And another one", Auto_Submitted="auto-replied")))

    assert (second.reason, third.status) == ("automatic", MailStatus.IGNORED)
    assert len(post.sent) == 1
    assert len(await desk.rows("select 1 from tickets where channel = 'email'")) == 1
