"""Running requests and a newer version: the preview says which can move, and moving proves it."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.worker import Replayer

from activities.kit.runner import HouseRunner
from api.employee_requests.item_trials import impact_of
from api.kit.desk import DeskAt, session_for
from api.kit.people import Kind, Person
from models.employee_requests.items import RequestItemVersion
from models.kit.engine import engine_for
from models.messages.employee_requests.items import Item, Lane, Step, StepKind, Task
from models.messages.employee_requests.requests import Move, RequestStatus, request_workflow_id
from models.messages.staff import Role
from tests.builders.items import a_task, an_approval, an_item, texts
from tests.conftest import Database
from tests.desk import RunningDesk, StandIns
from tests.workflows.requesting import Asking, RequestPost, Systems
from workflows.employee_requests import EmployeeRequestWorkflow
from workflows.kit.options import MAIL_QUEUE

SYSTEMS, POST = Systems(), RequestPost()
RUNNING = int(os.environ.get("RUNNING_REQUESTS", "9"))  # 500 by hand: see docs/operations.md
STAGES, AT_ONCE = 3, 8
# Of very many every so many is lived to the end; no multiple of the stages, so that each is among them.
TO_THE_END = 1 if RUNNING < 50 else 25


@pytest.fixture
def stand_ins() -> StandIns:
    POST.__init__()  # type: ignore[misc]
    return StandIns(acts={MAIL_QUEUE: [POST.write]})


@pytest.fixture
async def asking(desk: RunningDesk, database: Database) -> Asking:
    asking = Asking(desk, SYSTEMS, POST, database.owner_url)
    await asking.settle_in()
    return asking


def of_version(number: int) -> Item:
    """The second one gives IT more time, and lets finance do something more."""
    hours = 8 if number == 1 else 16
    it = Step("it", StepKind.TASK, texts("it"), task=Task("tm_it", texts("it"), due_hours=hours))
    hr = a_task("hr", "tm_hr")
    lanes = (Lane(texts("HR"), (hr,)), Lane(texts("Legal"), (a_task("legal", "tm_legal"),)))
    beside = Step("beside", StepKind.PARALLEL, texts("beside"), lanes=lanes)
    more = (a_task("more", "tm_finance"),) if number == 2 else ()
    return an_item(an_approval(), beside, it, *more)


async def begun(asking: Asking, few: asyncio.Semaphore, stage: int) -> str:
    """One more running request, a few beside each other."""
    async with few:
        id = await asking.born(of_version(1))
        await brought_to(replace(asking, id=id), stage)
    return id


async def brought_to(asking: Asking, stage: int) -> None:
    """0: waits for approval; 1: lanes are under way; 2: the task that differs has begun."""
    await asking.until_step("0")
    if stage > 0:
        await asking.decide("emp_chief")
        await asking.until_step("1.1.0")
    if stage > 1:
        await asking.finish("1.0.0", "acc_hr")
        await asking.finish("1.1.0", "acc_legal")
        await asking.until_step("2")


async def goes_on_to_the_end(asking: Asking, version: int) -> None:
    for path, team in (("1.0.0", "hr"), ("1.1.0", "legal"), ("2", "it"), ("3", "finance")):
        if path == "3" and version == 1:
            break
        known = {one[0]: one[2] for one in await asking.steps()}
        if "1" not in known:
            await asking.decide("emp_chief")
        if known.get(path) != "done":
            await asking.until_step(path)
            await asking.finish(path, f"acc_{team}")
    assert await asking.result() is RequestStatus.DONE


async def each(ids: list[str], act: Callable[[int, str], Awaitable[None]]) -> None:
    """The same with every request, a few at once."""
    few = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, id: str) -> None:
        async with few:
            await act(number, id)

    await asyncio.gather(*(one(number, id) for number, id in enumerate(ids)))


async def previewed(desk: RunningDesk, database: Database) -> tuple[set[str], set[str]]:
    """The split that the page of version 2 shows an administrator: which can move, which stay."""
    admin = Person(Kind.STAFF, "acc_boss", account_id="acc_boss", roles=frozenset({Role.ADMIN}))
    engine = engine_for(database.app_url, pool_size=1, application="test")
    async with session_for(engine, admin) as session:
        row = await session.get_one(RequestItemVersion, ("thing", 2))
        impact = await impact_of(DeskAt(engine, session, admin), row, of_version(2))
    await engine.dispose()
    assert impact.may_move + impact.stay == len(impact.rows)
    free = {one.id for one in impact.rows if one.may_move}
    return free, {one.id for one in impact.rows} - free


async def faults_of(desk: RunningDesk, id: str) -> int:
    """How often the life broke while it ran, and whether what it left replays with today's code."""
    handle = desk.client.get_workflow_handle(request_workflow_id(id))
    history = await handle.fetch_history()
    failed = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    await Replayer(
        workflows=[EmployeeRequestWorkflow], data_converter=desk.client.data_converter,
        workflow_runner=HouseRunner(),
    ).replay_workflow(history)  # fmt: skip
    return sum(event.event_type == failed for event in history.events)


async def test_the_preview_of_running_requests_is_right_when_they_really_move(
    asking: Asking, database: Database
) -> None:
    desk, few = asking.desk, asyncio.Semaphore(AT_ONCE)
    desk.patience += RUNNING / 5
    await asking.publish(of_version(1))
    with desk.environment.with_time_skipping_disabled():
        ids = await asyncio.gather(*(begun(asking, few, number % STAGES) for number in range(RUNNING)))
    await asking.publish(of_version(2), 2)
    free, stays = await previewed(desk, database)
    assert free == {id for number, id in enumerate(ids) if number % STAGES < 2}
    assert free | stays == set(ids)

    answers: dict[str, str] = {}

    async def moved_on(_number: int, id: str) -> None:
        move = Move(f"m-{id}", "acc_jo", datetime.now(UTC), "staff", version=2)
        answers[id] = await replace(asking, id=id).refusal("move", move)

    with desk.environment.with_time_skipping_disabled():
        await each(ids, moved_on)
    assert set(answers.values()) == {"", "request_cannot_move"}
    assert {id for id, refusal in answers.items() if not refusal} == free
    await desk.stop_work()
    desk.begin_work()
    desk.patience += RUNNING / 5  # each of them is replayed from its beginning

    async def goes_on(number: int, id: str) -> None:
        one, version = replace(asking, id=id), 2 if id in free else 1
        assert (await one.state()).version == version  # the new worker has replayed it
        if number % TO_THE_END == 0:
            await goes_on_to_the_end(one, version)

    with desk.environment.with_time_skipping_disabled():
        await each(ids, goes_on)
    rows = await desk.rows("select id, item_version from employee_requests")
    assert {row.id for row in rows if row.item_version == 2} == free
    faults = [await faults_of(desk, id) for id in ids]
    assert sum(faults) == 0
    print(f"{len(ids)} running, {len(free)} moved, {len(stays)} stayed, {sum(faults)} broken workflow tasks")


async def test_new_requests_take_the_new_version_while_others_stay(asking: Asking) -> None:
    await asking.begin(of_version(1), "approval_asked")
    first = asking.id
    await asking.publish(of_version(2), 2)
    asking.id = await asking.born(of_version(2), 2)
    await asking.until_story("approval_asked")
    second = asking.id

    for id, version in ((first, 1), (second, 2)):
        asking.id = id
        assert (await asking.state()).version == version
