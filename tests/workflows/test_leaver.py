"""Somebody leaves, says the HR system: after the last day everything that they were given is taken back."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.staff import PeopleFeedActivities
from models.kit.item_files import from_yaml
from models.messages.employee_requests.items import Call, Item, Step, StepKind
from models.messages.employee_requests.requests import CheckOff, RequestStatus
from tests.builders.hr import TODAY
from tests.builders.items import an_account, an_item, texts
from tests.conftest import Database
from tests.desk import RunningDesk, StandIns
from tests.workflows.hr_feed import AwayHr, sync
from tests.workflows.requesting import Asking, RequestPost, Systems
from workflows.kit.options import DIRECTORY_QUEUE, HR_QUEUE, MAIL_QUEUE, OFFICE_QUEUE, STOCK_QUEUE

SYSTEMS, POST, HR = Systems(), RequestPost(), AwayHr()
FILE = Path(__file__).parents[2] / "ops" / "items" / "leaver.yaml"


@pytest.fixture
def stand_ins(worker_engine: AsyncEngine) -> StandIns:
    for one in (SYSTEMS, POST, HR):
        one.__init__()  # type: ignore[misc]
    call, news = SYSTEMS.acts(worker_engine).call, PeopleFeedActivities(worker_engine, HR).take_news
    queues = (DIRECTORY_QUEUE, OFFICE_QUEUE, STOCK_QUEUE)
    return StandIns(acts={MAIL_QUEUE: [POST.write], HR_QUEUE: [news], **{queue: [call] for queue in queues}})


@pytest.fixture
async def asking(desk: RunningDesk, database: Database) -> Asking:
    asking = Asking(desk, SYSTEMS, POST, database.owner_url)
    await asking.settle_in()
    return asking


def a_call(id: str, connector: str, operation: str, undo: str, **parameters: str) -> Step:
    call = Call(connector, operation, {"person": "me.id", **parameters}, undo)
    return Step(id, StepKind.CALL, texts(id), call=call)


def access() -> Item:
    """An account, a group, a licence and a workplace; money that was paid out stays paid out."""
    return an_item(
        an_account(), a_call("group", "directory", "join_group", "leave_group", group="'Figma users'"),
        a_call("licence", "software", "assign", "release", software="'Figma'"),
        a_call("desk", "workplace", "book", "free", site="me.site", from_on="me.starts_on"),
        a_call("money", "expenses", "pay_out", "call_back", amount="1000", cost_centre="me.cost_centre"),
        key="access",
    )  # fmt: skip


async def test_a_leaver_keeps_nothing_and_what_was_taken_back_is_listed(asking: Asking) -> None:
    item = from_yaml(FILE.read_text())
    assert isinstance(item, Item)
    await asking.begin(access())
    assert await asking.result() is RequestStatus.DONE
    asking.id = await asking.born(access(), by="acc_emp_peer", of="emp_peer")
    await asking.until_story("opened")
    assert await asking.result() is RequestStatus.DONE
    await asking.publish(item)
    last = TODAY + timedelta(days=10)

    with asking.desk.environment.with_time_skipping_disabled():
        facts = {"manager_id": "HR-emp_chief", "department": "Sales", "title": "Staff", "cost_centre": "CC1"}
        HR.hire("emp_jane", **facts, ends_on=str(last))
        await sync(asking.desk, HR, "leaves")
        await asking.desk.until(lambda: has_begun(asking))
        await asking.until_step("0")
    assert (await asking.wait_until() + timedelta(hours=9)).date() == last + timedelta(days=1)
    assert SYSTEMS.directory.locked == set()
    await asking.pass_time(await asking.wait_until())
    with asking.desk.environment.with_time_skipping_disabled():
        for path in ("1.1.0", "1.2.0"):
            await asking.until_step(path)
        await asking.until_step("1.0.2", "done")

    assert SYSTEMS.directory.locked == {"HR-emp_jane"}
    assert SYSTEMS.directory.groups["Figma users"] == {"HR-emp_peer"}
    assert {(one.desk, one.person) for one in SYSTEMS.office.done.values()} == {
        ("expenses", "HR-emp_jane"), ("expenses", "HR-emp_peer"), ("licences", "HR-emp_peer"),
        ("workplaces", "HR-emp_peer"),
    }  # fmt: skip
    asked = "select result from request_steps where request_id = :id and step_id = 'everything'"
    [proof] = await asking.desk.rows(asked, id=asking.id)
    assert proof.result["count"] == "3"
    assert set(proof.result["things"].split(", ")) == {"Figma users", "Figma", "seoul"}
    await they_finish(asking)
    assert await asking.result() is RequestStatus.DONE
    assert set(await asking.readers()) >= {"acc_hr"}
    assert "acc_emp_peer" not in await asking.readers()


async def has_begun(asking: Asking) -> bool:
    """Whether the request that nobody asked for is born; from now on it is the one that is looked at."""
    rows = await asking.desk.rows("select id from employee_requests where item_key = 'leaver'")
    asking.id = rows[0].id if rows else asking.id
    return bool(rows)


async def they_finish(asking: Asking) -> None:
    """Workplace, IT and finance do their parts, and HR looks at the proof."""
    with asking.desk.environment.with_time_skipping_disabled():
        for path, team in (("1.1.0", "workplace"), ("1.2.0", "it"), ("2", "finance")):
            await asking.until_step(path)
            for point in range(2 if path != "2" else 0):
                tick = CheckOff(
                    f"{path}-{point}", f"acc_{team}", await asking.now(), task_id=f"{asking.id}.{path}",
                    point=point,
                )  # fmt: skip
                await asking.say("check_off", tick)
            await asking.finish(path, f"acc_{team}")
        await asking.until_step("3")
        await asking.decide("hr", path="3", team_id="tm_hr")
