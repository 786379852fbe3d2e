"""One act for many tickets: each answers for itself, once, through the commands of a single ticket."""

from typing import Any

import pytest

from models.messages.tickets.batches import BatchAct
from models.tickets import Ticket
from tests.builders import tickets as say
from tests.builders.batches import a_batch
from tests.desk import RunningDesk, StandIns
from tests.workflows.neighbours import Post
from workflows.kit.options import MAIL_QUEUE


@pytest.fixture
def stand_ins() -> StandIns:
    """Letters arrive at once."""
    return StandIns([], {MAIL_QUEUE: [Post().send]})


async def lines(desk: RunningDesk, batch: str) -> list[tuple[str, str, str]]:
    """Ticket, status and refusal of each line, once the batch is over."""

    async def is_over() -> bool:
        [row] = await desk.rows("select * from ticket_batches where id = :id", id=batch)
        return bool(row.status == "done")

    await desk.until(is_over)
    found = await desk.rows("select * from ticket_batch_lines where batch_id = :id order by n", id=batch)
    return [(one.ticket_id, one.status, one.refusal) for one in found]


async def messages(desk: RunningDesk, ticket: Ticket) -> list[Any]:
    return await desk.rows("select * from ticket_messages where ticket_id = :id", id=ticket.id)


async def test_many_tickets_are_given_to_a_colleague_and_each_says_why_it_is_not(desk: RunningDesk) -> None:
    plain, theirs, gone = [await desk.report() for _ in range(3)]
    await desk.say(theirs, "assign", say.assign(desk.company, desk.company.colleague_id))
    await desk.say(gone, "cancel", say.cancel(desk.company))

    batch = await a_batch(
        desk.engine, BatchAct.ASSIGN, [plain, theirs, gone], desk.company.colleague_id, slice_size=2
    )

    assert await lines(desk, batch) == [
        (plain.id, "done", ""), (theirs.id, "same", ""), (gone.id, "refused", "ticket_closed"),
    ]  # fmt: skip
    assert (await desk.row(plain)).agent_id == desk.company.colleague_id
    assert (await desk.story(plain)).count("tickets.handed_over") == 1
    said = await desk.rows("select * from outbox where name = 'assign' and key like 'tb_%'")
    assert [one.workflow_id for one in said] == [f"ticket:{plain.id}"]


async def test_team_and_priority_move_the_row_its_deadlines_and_its_story(desk: RunningDesk) -> None:
    ticket = await desk.report()

    for act, value in ((BatchAct.TEAM, desk.company.other_team_id), (BatchAct.PRIORITY, "p1")):
        batch = await a_batch(desk.engine, act, [ticket], value)
        assert await lines(desk, batch) == [(ticket.id, "done", "")]

    row = await desk.row(ticket)
    assert (row.team_id, row.priority) == (desk.company.other_team_id, "p1")
    assert (await desk.story(ticket))[-2:] == ["tickets.given_to_team", "tickets.prioritised"]
    await desk.say(ticket, "cancel", say.cancel(desk.company))
    await desk.result(ticket)


async def test_a_batch_is_undone_only_where_nobody_has_changed_it_since(desk: RunningDesk) -> None:
    left, moved = await desk.report(), await desk.report()
    was = (await desk.row(left)).team_id
    first = await a_batch(desk.engine, BatchAct.TEAM, [left, moved], desk.company.other_team_id)
    assert [status for _, status, _ in await lines(desk, first)] == ["done", "done"]
    back = await a_batch(desk.engine, BatchAct.TEAM, [moved], was)
    assert await lines(desk, back) == [(moved.id, "done", "")]

    undo = await a_batch(
        desk.engine, BatchAct.TEAM, [left, moved], was, expects=desk.company.other_team_id, undoes=first
    )

    assert await lines(desk, undo) == [(left.id, "done", ""), (moved.id, "refused", "ticket_changed_since")]
    assert (await desk.row(left)).team_id == was


async def test_a_note_and_a_solution_are_written_once_into_each_ticket(desk: RunningDesk) -> None:
    tickets = [await desk.report(), await desk.report()]

    for act, body in ((BatchAct.NOTE, "Same fault everywhere."), (BatchAct.RESOLVE, "The line is back.")):
        batch = await a_batch(desk.engine, act, tickets, body=body)
        assert [status for _, status, _ in await lines(desk, batch)] == ["done", "done"]
        [row] = await desk.rows("select * from ticket_batches where id = :id", id=batch)
        assert row.body == ""

    for ticket in tickets:
        found = {one.kind: one.body for one in await messages(desk, ticket)}
        assert found == {"note": "Same fault everywhere.", "reply": "The line is back."}
        assert (await desk.row(ticket)).status == "resolved"


async def test_who_may_no_longer_see_a_ticket_does_nothing_to_it(desk: RunningDesk) -> None:
    secret, gone = await desk.report(), await desk.report()
    await desk.change(
        "update tickets set is_confidential = true, team_id = :team where id = :id",
        id=secret.id, team=desk.company.other_team_id,
    )  # fmt: skip

    batch = await a_batch(desk.engine, BatchAct.PRIORITY, [secret], "p1")
    assert await lines(desk, batch) == [(secret.id, "refused", "not_found")]
    await desk.change("update accounts set is_active = false where id = 'acc_jo'")
    batch = await a_batch(desk.engine, BatchAct.PRIORITY, [gone], "p1")
    assert await lines(desk, batch) == [(gone.id, "refused", "not_found")]


async def test_sorting_what_a_colleague_has_just_sorted_is_refused(desk: RunningDesk) -> None:
    ticket = await desk.report()
    await desk.say(ticket, "sort", say.sort(desk.company, priority="p1", from_priority="p3"))

    refusal = await desk.refusal(ticket, "sort", say.sort(desk.company, priority="p2", from_priority="p3"))

    assert refusal == "ticket_sorted"
    assert (await desk.row(ticket)).priority == "p1"
