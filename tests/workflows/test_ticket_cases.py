"""Tickets that another workflow opens: born in their own first step, never billed, told to whoever asked."""

import asyncio
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from temporalio.service import RPCError

from models.messages.field_service import Outcome, visit_workflow_id
from models.messages.tickets import FaultReport, TicketKind, TicketStatus, ticket_workflow_id
from models.tickets import Ticket
from tests.builders import tickets as say
from tests.desk import DESK_QUEUE, RunningDesk, StandIns
from tests.workflows.neighbours import AskerAsTold, Post, VisitAsTold
from workflows.kit.options import MAIL_QUEUE

S = TicketStatus
_numbers = count(900_001)


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def stand_ins(post: Post) -> StandIns:
    return StandIns([VisitAsTold, AskerAsTold], {MAIL_QUEUE: [post.send]})


class Opened:
    """A ticket that a case has opened, and the case that waits for it."""

    def __init__(self, asker: Any, ticket: Ticket) -> None:
        self.asker, self.ticket = asker, ticket


async def opened(desk: RunningDesk, kind: TicketKind, topic: str) -> Opened:
    number = next(_numbers)
    ticket, asker = f"T{number}", f"case:{number}"
    fault = FaultReport(
        ticket, desk.company.customer_id, datetime.now(UTC), kind=kind, case_id=f"O{number}",
        asked_by=asker, owned_product_id=desk.company.owned_product_id, topic=topic,
    )  # fmt: skip
    handle = await desk.client.start_workflow("Asker", fault, id=asker, task_queue=DESK_QUEUE)
    row = Ticket(
        id=ticket, submission_key="", customer_id="", channel="api", subject="",
        created_at=fault.reported_at, updated_at=fault.reported_at,
    )  # fmt: skip
    await desk.until(lambda: is_there(desk, ticket))
    return Opened(handle, row)


async def is_there(desk: RunningDesk, ticket_id: str) -> bool:
    found = await desk.rows("select status from tickets where id = :id", id=ticket_id)
    return bool(found) and found[0].status != "received"


async def test_an_installation_is_born_sends_somebody_and_ends_with_the_visit(
    desk: RunningDesk, post: Post
) -> None:
    case = await opened(desk, TicketKind.INSTALLATION, "installation")
    await desk.until(lambda: desk.has_status(case.ticket, S.DISPATCHED))
    row = await desk.row(case.ticket)
    assert (row.kind, row.channel, row.team_id) == ("installation", "api", desk.company.team_id)
    assert row.subject == f"{row.case_id} 설치"

    await to_visit(desk, case, 1, "ended", Outcome.REPAIRED)

    assert await desk.result(case.ticket) is S.CLOSED
    assert await desk.story(case.ticket) == [
        "tickets.opened", "tickets.dispatched", "tickets.installed", "tickets.closed",
    ]  # fmt: skip
    told = await case.asker.result()
    assert (told["ticket_id"], told["is_done"]) == (case.ticket.id, True)
    assert post.templates(case.ticket.id) == []
    assert await desk.open_waits(case.ticket) == []
    assert await desk.rows("select id from invoices") == []


async def test_a_missing_part_brings_another_visit_before_an_installation_is_over(desk: RunningDesk) -> None:
    case = await opened(desk, TicketKind.INSTALLATION, "installation")
    await desk.until(lambda: desk.has_status(case.ticket, S.DISPATCHED))

    for ordinal, outcome in ((1, Outcome.PART_NEEDED), (2, Outcome.REPAIRED)):
        await to_visit(desk, case, ordinal, "ended", outcome)

    assert await desk.result(case.ticket) is S.CLOSED
    assert (await case.asker.result())["is_done"]


async def to_visit(desk: RunningDesk, case: Opened, ordinal: int, signal: str, *said: Any) -> None:
    """Tell a visit something as soon as it lives."""
    visit = desk.client.get_workflow_handle(visit_workflow_id(f"V{case.ticket.id[1:]}-{ordinal}"))

    async def is_told() -> bool:
        try:
            await visit.signal(signal, args=said)
        except RPCError:
            return False
        return True

    await desk.until(is_told)


async def test_a_task_waits_for_a_colleague_and_ends_when_it_is_resolved(
    desk: RunningDesk, post: Post
) -> None:
    case = await opened(desk, TicketKind.TASK, "stuck_undo")
    [wait] = await desk.open_waits(case.ticket)
    assert (wait.what, wait.who) == ("answer", "us")

    assert await desk.say(case.ticket, "resolve", say.resolve(desk.company)) is S.CLOSED

    assert await desk.result(case.ticket) is S.CLOSED
    assert await desk.story(case.ticket) == ["tickets.opened", "tickets.settled", "tickets.closed"]
    assert (await case.asker.result())["is_done"]
    assert post.templates(case.ticket.id) == []


async def test_a_task_that_nobody_looks_at_warns_the_team(desk: RunningDesk, post: Post) -> None:
    case = await opened(desk, TicketKind.TASK, "credit_grey")

    await desk.pass_time(case.ticket, until=(await desk.row(case.ticket)).answer_due)

    await desk.until(lambda: has_left(post, case.ticket, "tickets/late"))


async def has_left(post: Post, ticket: Ticket, letter: str) -> bool:
    return letter in post.templates(ticket.id)


async def test_an_installation_that_is_called_off_tells_whoever_asked(desk: RunningDesk, post: Post) -> None:
    case = await opened(desk, TicketKind.INSTALLATION, "installation")
    await desk.until(lambda: desk.has_status(case.ticket, S.DISPATCHED))

    assert await desk.say(case.ticket, "cancel", say.cancel(desk.company)) is S.CANCELLED

    assert not (await case.asker.result())["is_done"]
    assert post.templates(case.ticket.id) == []


@pytest.mark.parametrize("is_quicker", [False, True])
async def test_the_case_takes_its_installation_back_unless_it_is_already_done(
    desk: RunningDesk, is_quicker: bool
) -> None:
    case = await opened(desk, TicketKind.INSTALLATION, "installation")
    await desk.until(lambda: desk.has_status(case.ticket, S.DISPATCHED))
    if is_quicker:
        await to_visit(desk, case, 1, "too_late_to_call_off")

    await desk.handle(case.ticket).cancel()

    assert await desk.result(case.ticket) is (S.CLOSED if is_quicker else S.CANCELLED)
    assert (await case.asker.result())["is_done"] is is_quicker


async def test_a_worker_killed_half_way_through_an_installation_is_replaced(desk: RunningDesk) -> None:
    case = await opened(desk, TicketKind.INSTALLATION, "installation")
    await desk.until(lambda: desk.has_status(case.ticket, S.DISPATCHED))

    await desk.stop_work()
    telling = asyncio.create_task(to_visit(desk, case, 1, "ended", Outcome.REPAIRED))
    desk.begin_work()
    await telling

    assert await desk.result(case.ticket) is S.CLOSED
    assert (await case.asker.result())["is_done"]


async def test_the_same_number_twice_is_one_ticket(desk: RunningDesk) -> None:
    case = await opened(desk, TicketKind.TASK, "stuck_undo")

    assert ticket_workflow_id(case.ticket.id) == f"ticket:{case.ticket.id}"
    found = await desk.rows("select count(*) as n from tickets where id = :id", id=case.ticket.id)
    assert found[0].n == 1
