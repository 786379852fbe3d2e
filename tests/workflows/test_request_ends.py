"""How requests end: refused, called off, undone, with children, moved, with a dead worker, over and over."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.messages.employee_requests.items import (
    Call,
    Child,
    Lane,
    Step,
    StepKind,
    Wait,
)
from models.messages.employee_requests.requests import (
    Answer,
    CancelRequest,
    EventArrived,
    FinishTask,
    Move,
    RequestStatus,
    Verdict,
)
from tests.builders.items import a_task, an_account, an_approval, an_item, texts
from tests.conftest import Database
from tests.desk import RunningDesk, StandIns
from tests.workflows.requesting import Asking, RequestPost, Systems
from workflows.kit.options import DIRECTORY_QUEUE, MAIL_QUEUE, OFFICE_QUEUE, STOCK_QUEUE

SYSTEMS = Systems()
POST = RequestPost()


@pytest.fixture
def stand_ins(worker_engine: AsyncEngine) -> StandIns:
    SYSTEMS.__init__()  # type: ignore[misc]
    POST.__init__()  # type: ignore[misc]
    call = SYSTEMS.acts(worker_engine).call
    return StandIns(
        acts={
            MAIL_QUEUE: [POST.write], DIRECTORY_QUEUE: [call], OFFICE_QUEUE: [call], STOCK_QUEUE: [call],
        }
    )  # fmt: skip


@pytest.fixture
async def asking(desk: RunningDesk, database: Database) -> Asking:
    asking = Asking(desk, SYSTEMS, POST, database.owner_url)
    await asking.settle_in()
    return asking


def now() -> datetime:
    return datetime.now(UTC)


def step(id: str, kind: StepKind, **parts: object) -> Step:
    return Step(id, kind, texts(id), **parts)  # type: ignore[arg-type]


async def test_what_the_system_refuses_ends_the_request_and_undoes_what_was_done(asking: Asking) -> None:
    SYSTEMS.directory.refuses = True
    licence = Call("software", "assign", {"person": "me.id", "software": "'CAD'"}, "release")
    await asking.begin(an_item(step("licence", StepKind.CALL, call=licence), an_account()))

    assert await asking.result() is RequestStatus.FAILED
    assert SYSTEMS.office.undone == {f"{asking.id}.0"}
    assert [(one[1], one[2]) for one in await asking.steps()] == [
        ("licence", "undone"),
        ("account", "failed"),
    ]
    row = await asking.row()
    assert (row.status, row.reason) == ("failed", "USER_NAME_TAKEN")


async def test_what_cannot_be_undone_by_the_system_is_a_task_of_the_owning_team(asking: Asking) -> None:
    await asking.begin(an_item(an_account(), a_task()), "task_given")
    SYSTEMS.directory.keeps = True

    await asking.say("cancel", CancelRequest("x1", "acc_emp_jane", now(), reason="changed my mind"))
    assert await asking.refusal("cancel", CancelRequest("x2", "acc_emp_jane", now())) == "request_over"
    given_up = FinishTask("x3", "acc_it", now(), task_id=f"{asking.id}.1")
    assert await asking.refusal("finish_task", given_up) == "task_not_open"
    await asking.until_story("undo_by_hand")
    await asking.finish("0", suffix=".undo")

    assert await asking.result() is RequestStatus.CANCELLED
    assert (await asking.story())[-4:] == ["undo_by_hand", "task_done", "undone", "cancelled"]


async def test_a_child_request_is_waited_for_and_withdrawn_with_its_parent(asking: Asking) -> None:
    child = an_item(a_task("inside", "tm_legal"), key="review")
    await asking.publish(child)
    parent = an_item(
        step("other", StepKind.REQUEST, request=Child("review", {"amount": "form.amount"})), a_task()
    )
    await asking.begin(parent, "child_asked", amount=3)
    [row] = await asking.desk.rows("select * from employee_requests where parent_id = :id", id=asking.id)
    assert (row.answers, row.parent_path, row.status) == ({"amount": 3}, "0", "open")

    parent_id, asking.id = asking.id, row.id
    await asking.until_step("0")
    await asking.finish("0", "acc_legal")
    assert await asking.result() is RequestStatus.DONE
    asking.id = parent_id
    await asking.until_story("child_settled")

    second = await asking.born(parent, amount=4)
    asking.id = second
    await asking.until_story("child_asked")
    await asking.say("cancel", CancelRequest("y1", "acc_emp_jane", now()))
    assert await asking.result() is RequestStatus.CANCELLED
    [row] = await asking.desk.rows("select id from employee_requests where parent_id = :id", id=second)
    asking.id = row.id
    assert await asking.result() is RequestStatus.CANCELLED


async def test_a_dead_worker_loses_nothing_and_does_nothing_twice(asking: Asking) -> None:
    await asking.begin(an_item(an_approval(), an_account(), a_task()), "approval_asked")
    await asking.desk.stop_work()
    asking.desk.begin_work()
    await asking.decide("emp_chief")
    await asking.until_story("task_given")
    await asking.desk.stop_work()
    asking.desk.begin_work()
    await asking.finish("2")

    assert await asking.result() is RequestStatus.DONE
    story = await asking.story()
    assert sorted(story) == sorted(set(story))
    assert SYSTEMS.directory.calls == 1
    assert sorted(POST.names()) == ["approval", "ended", "task"]


async def test_a_running_request_moves_only_to_a_version_that_keeps_what_has_begun(asking: Asking) -> None:
    item = an_item(an_approval(), a_task())
    await asking.begin(item, "approval_asked")
    await asking.publish(an_item(an_approval(), a_task(), a_task("extra", "tm_hr")), 2)
    await asking.publish(an_item(an_approval(remind_after_hours=1), a_task()), 3)

    assert (
        await asking.refusal("move", Move("m1", "acc_jo", now(), "staff", version=3)) == "request_cannot_move"
    )
    await asking.say("move", Move("m2", "acc_jo", now(), "staff", version=2))
    await asking.decide("emp_chief")
    await asking.until_step("1")
    await asking.finish("1")
    await asking.until_step("2")
    await asking.finish("2", "acc_hr")

    assert await asking.result() is RequestStatus.DONE
    assert (await asking.row()).item_version == 2


async def test_nobody_decides_for_themselves_and_without_anybody_the_owning_team_does(asking: Asking) -> None:
    await asking.begin(an_item(an_approval()), "approval_asked", by="acc_emp_boss", of="emp_boss")

    assert await asking.approvals() == [("tm_it", "nobody", "pending")]
    assert await asking.refusal("decide", asking.decision("emp_boss", team_id="tm_it")) == "approval_own"
    await asking.decide("", team_id="tm_it")
    assert await asking.result() is RequestStatus.DONE


async def test_an_expression_that_makes_no_sense_that_day_ends_the_request_with_its_reason(
    asking: Asking,
) -> None:
    item = an_item(
        an_account(), step("odd", StepKind.EACH, over="form.amount / 0 > 1 ? [1] : [2]", steps=(a_task(),))
    )
    await asking.begin(item, amount=1)

    assert await asking.result() is RequestStatus.FAILED
    assert (await asking.row()).reason == "cel_failed"
    assert SYSTEMS.directory.accounts == {}


async def test_operations_cancel_a_life_and_what_was_done_is_undone(asking: Asking) -> None:
    await asking.begin(an_item(an_account(), a_task()), "task_given")

    await asking.handle.cancel()

    assert await asking.result() is RequestStatus.CANCELLED
    assert SYSTEMS.directory.accounts == {}
    assert await asking.waits() == []


async def test_a_long_life_goes_on_in_a_new_run_where_it_stood(asking: Asking) -> None:
    wait = step("event", StepKind.WAIT, wait=Wait(event="late", at_most_days=50))
    lanes = (Lane(texts("A"), (a_task("a"), wait)), Lane(texts("B"), (an_approval("b"), an_account())))
    item = an_item(step("beside", StepKind.PARALLEL, lanes=lanes), a_task("last"))
    await asking.begin(item, "approval_asked", longest_history=60)
    first = (await asking.handle.describe()).run_id

    async def has_gone_on() -> bool:
        return (await asking.handle.describe()).run_id != first

    await asking.tell("event_arrived", EventArrived("late", now()))
    for number in range(12):
        ask = asking.decision("emp_chief", Verdict.ASK, "0.1.0", comment="?")
        await asking.say("decide", ask)
        answer = Answer(f"n{number}", "acc_emp_jane", now(), approval_id=f"{asking.id}.0.1.0.0", text="!")
        await asking.say("answer", answer)

    await asking.desk.until(has_gone_on)  # once the answer to the last word is out
    await asking.decide("emp_chief", path="0.1.0")
    await asking.finish("0.0.0")
    await asking.until_step("1")
    await asking.finish("1")

    assert await asking.result() is RequestStatus.DONE
    assert [one[2] for one in await asking.steps()] == ["done"] * 6
    assert SYSTEMS.directory.calls == 1
    story = await asking.story()
    assert (story.count("opened"), story.count("approval_asked"), story.count("arrived")) == (1, 1, 1)
