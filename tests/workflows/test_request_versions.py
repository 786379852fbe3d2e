"""Running requests and a newer version: the preview says which can move, and moving proves it."""

import os
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.employee_requests.reading import standing
from activities.kit.transactions import transaction
from models.employee_requests import EmployeeRequest
from models.messages.employee_requests.items import Item, Lane, Step, StepKind, Task
from models.messages.employee_requests.requests import Move, RequestStatus
from models.rules.employee_requests.moving import hindrances
from tests.builders.items import a_task, an_approval, an_item, texts
from tests.conftest import Database
from tests.desk import RunningDesk, StandIns
from tests.workflows.requesting import Asking, RequestPost, Systems
from workflows.kit.options import MAIL_QUEUE

SYSTEMS, POST = Systems(), RequestPost()
RUNNING = int(os.environ.get("RUNNING_REQUESTS", "9"))  # 500 by hand: see docs/operations.md
STAGES = 3


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


async def brought_to(asking: Asking, id: str, stage: int) -> None:
    """0: waits for approval; 1: lanes are under way; 2: the task that differs has begun."""
    asking.id = id
    await asking.until_step("0")
    if stage > 0:
        await asking.decide("emp_chief")
        await asking.until_step("1.1.0")
    if stage > 1:
        await asking.finish("1.0.0", "acc_hr")
        await asking.finish("1.1.0", "acc_legal")
        await asking.until_step("2")


async def goes_on_to_the_end(asking: Asking, id: str, version: int) -> None:
    asking.id = id
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


async def previewed(engine: AsyncEngine, ids: list[str]) -> set[str]:
    """The requests that can move, from the tables alone."""
    free = set()
    async with transaction(engine) as session:
        for id in ids:
            stands = await standing(session, await session.get_one(EmployeeRequest, id))
            if not hindrances(stands.item, of_version(2), stands.steps):
                free.add(id)
    return free


async def test_the_preview_of_running_requests_is_right_when_they_really_move(asking: Asking) -> None:
    await asking.publish(of_version(1))
    with asking.desk.environment.with_time_skipping_disabled():
        ids = [await asking.born(of_version(1)) for _ in range(RUNNING)]
        for number, id in enumerate(ids):
            await brought_to(asking, id, number % STAGES)
    await asking.publish(of_version(2), 2)
    free = await previewed(asking.desk.engine, ids)
    assert free == {id for number, id in enumerate(ids) if number % STAGES < 2}

    moved, held = set(), set()
    for id in ids:
        asking.id = id
        move = Move(f"m-{id}", "acc_jo", datetime.now(UTC), "staff", version=2)
        refusal = await asking.refusal("move", move)
        (held if refusal == "request_cannot_move" else moved).add(id)
        assert refusal in ("", "request_cannot_move")

    assert (moved, held) == (free, set(ids) - free)
    await asking.desk.stop_work()
    asking.desk.begin_work()
    for id in ids:
        await goes_on_to_the_end(asking, id, 2 if id in moved else 1)
    rows = await asking.desk.rows("select id, item_version from employee_requests")
    assert {row.id for row in rows if row.item_version == 2} == moved


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
