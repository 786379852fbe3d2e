"""A joiner of thirty days: news twice, an approver who leaves, a directory that is away, days that move."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.staff import PeopleFeedActivities
from models.kit.item_files import from_yaml
from models.messages.employee_requests.items import Item
from models.messages.employee_requests.requests import CheckOff, FillIn, RequestStatus
from models.messages.staff import PeopleSynced
from models.rules.billing.invoices import on_day
from tests.builders.items import an_approval
from tests.conftest import Database
from tests.desk import RunningDesk, StandIns
from tests.workflows.hr_feed import AwayHr, sync
from tests.workflows.requesting import Asking, RequestPost, Systems
from workflows.kit.options import DIRECTORY_QUEUE, HR_QUEUE, MAIL_QUEUE, OFFICE_QUEUE, STOCK_QUEUE

SYSTEMS, POST, HR = Systems(), RequestPost(), AwayHr()
FOR_LONG = 10_000
FILE = Path(__file__).parents[2] / "ops" / "items" / "joiner.yaml"


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


def joiner() -> Item:
    """The item that we ship, and before it somebody who has to agree."""
    item = from_yaml(FILE.read_text())
    assert isinstance(item, Item)
    return replace(item, steps=(an_approval("agree"), *item.steps))


async def told(asking: Asking, name: str, starts_on: date, **facts: Any) -> PeopleSynced:
    """The HR system's news of the joiner, twice as it does, and one sync that hears them."""
    known = {"manager_id": "HR-emp_chief", "department": "Sales", "site": "seoul"}
    HR.hire("joiner", **known, starts_on=str(starts_on), **facts)
    HR.tell({key: value for key, value in HR.records[-1].items() if key != "seq"})
    return await sync(asking.desk, HR, f"joiner-{name}")


async def moves_to(asking: Asking, day: date, number: int) -> None:
    """The first day is another one."""
    with asking.desk.environment.with_time_skipping_disabled():
        await told(asking, f"moves-{number}", day)
        await asking.until_story("person_changed", number)

        async def is_waited_for() -> bool:  # the wait is written with the step after the story's line
            return (await asking.wait_until() + timedelta(hours=9)).date() == day

        await asking.desk.until(is_waited_for)


async def the_approver_leaves(asking: Asking) -> None:
    """Whoever was asked has left, says the HR system; their manager is asked instead within one sync."""
    assert await asking.approvals() == [("emp_chief", "manager", "pending")]
    HR.hire("emp_chief", manager_id="HR-emp_boss", ends_on=str(today() - timedelta(days=1)))
    assert (await sync(asking.desk, HR, "chief-left")).retargeted == 1
    await asking.until_story("approver_changed")
    assert await asking.approvals() == [("emp_boss", "left", "pending")]


async def the_directory_is_away(asking: Asking, since: datetime) -> None:
    """For two hours by the clock of the request: it goes on asking, and the other lanes go on meanwhile."""
    assert "request_call" in {what for what, _ in await asking.waits()}
    for passed in range(20, 121, 20):  # at least every ten minutes it really asks
        await asking.pass_time(since + timedelta(minutes=passed))
    assert SYSTEMS.directory.accounts == {}
    assert SYSTEMS.directory.calls >= 12
    assert ("2.0.0", "account", "active") in await asking.steps()
    SYSTEMS.directory.away, before = 0, SYSTEMS.directory.calls
    await asking.pass_time(minutes=11)
    with asking.desk.environment.with_time_skipping_disabled():
        await asking.until_step("2.0.0", "done")
    assert SYSTEMS.directory.calls == before + 1


async def is_prepared(asking: Asking, starts_on: date, *, away: int) -> None:
    """Told twice, born once; the approver leaves, the manager fills in, the teams work; the directory is away
    for so many tries, or for two hours."""
    await asking.publish(joiner())
    SYSTEMS.directory.away = away
    SYSTEMS.directory.retry_after = timedelta(minutes=10) if away == FOR_LONG else None
    with asking.desk.environment.with_time_skipping_disabled():
        await told(asking, "joins", starts_on)
        asking.id = await asking.born_of_news()
        await asking.until_story("approval_asked")
        await the_approver_leaves(asking)
        await asking.decide("emp_boss")
        await asking.until_step("1")
        since = await asking.now()
        wishes = FillIn("w1", "acc_emp_boss", since, path="1", answers={"laptop": "developer"})
        await asking.say("fill_in", wishes)
        for path in ("2.0.0", "2.1.1", "2.2.1"):
            await asking.until_step(path)
        await asking.until_step("2.3.0", "done")
    if away == FOR_LONG:
        await the_directory_is_away(asking, since)
    with asking.desk.environment.with_time_skipping_disabled():
        await asking.until_step("2.0.2", "done")
    for point in range(3):
        tick = CheckOff(f"k{point}", "acc_it", datetime.now(UTC), task_id=f"{asking.id}.2.1.1", point=point)
        await asking.say("check_off", tick)
    await asking.finish("2.1.1")
    await asking.finish("2.2.1", "acc_workplace")
    await asking.until_step("3")


def today() -> date:
    return on_day(datetime.now(UTC))


async def test_a_joiner_is_called_off_a_day_before_and_everything_is_undone(asking: Asking) -> None:
    await is_prepared(asking, today() + timedelta(days=30), away=FOR_LONG)
    assert SYSTEMS.directory.accounts == {"HR-joiner": f"{asking.id}.2.0.0"}
    assert SYSTEMS.directory.groups == {"everybody": {"HR-joiner"}, "Sales": {"HR-joiner"}}
    assert sorted(SYSTEMS.office.done) == [f"{asking.id}.2.2.0", f"{asking.id}.2.3.0"]

    await moves_to(asking, today() + timedelta(days=45), 1)
    await moves_to(asking, today() + timedelta(days=20), 2)
    first_day = await asking.wait_until()
    assert (first_day + timedelta(hours=9)).date() == today() + timedelta(days=20)
    await asking.pass_time(first_day - timedelta(days=1))
    with asking.desk.environment.with_time_skipping_disabled():
        await told(asking, "off", today() + timedelta(days=20), is_withdrawn=True)

    assert await asking.result() is RequestStatus.CANCELLED
    ends = "select step_id from request_steps where request_id = :id and status = 'undone' order by ended_at"
    undone = [row.step_id for row in await asking.desk.rows(ends, id=asking.id)]
    assert sorted(undone) == [
        "account", "course", "department_group", "developer_laptop", "everybody", "place",
    ]  # fmt: skip
    assert undone.index("department_group") < undone.index("everybody") < undone.index("account")
    assert SYSTEMS.directory.accounts == {}
    assert SYSTEMS.directory.groups == {"everybody": set(), "Sales": set()}
    assert SYSTEMS.office.done == {}
    assert list(SYSTEMS.stock.returned) == [f"{asking.id}.2.1.0.0.0"]
    assert await asking.waits() == []
    assert len(await asking.desk.rows("select id from employee_requests")) == 1


async def test_a_joiner_begins_and_is_asked_after_thirty_sixty_and_ninety_days(asking: Asking) -> None:
    starts_on = today() + timedelta(days=30)
    await is_prepared(asking, starts_on, away=2)

    await asking.pass_time(await asking.wait_until())
    await asking.until_step("5")
    for point in range(3):
        task = f"{asking.id}.5"
        await asking.say(
            "check_off", CheckOff(f"d{point}", "acc_hr", datetime.now(UTC), task_id=task, point=point)
        )
    await asking.finish("5", "acc_hr")
    for number, days in enumerate((30, 60, 90)):
        await asking.until_step(f"6.{number}.0")
        assert (await asking.wait_until() + timedelta(hours=9)).date() == starts_on + timedelta(days=days)
        await asking.pass_time(await asking.wait_until())
        await asking.until_step(f"6.{number}.1")
        path = f"6.{number}.1"
        fill = FillIn(f"i{number}", "acc_emp_boss", datetime.now(UTC), path=path, answers={"is_well": True})
        await asking.say("fill_in", fill)

    assert await asking.result() is RequestStatus.DONE
    assert POST.names().count("form") == 4
    assert "message" in POST.names()
