"""A joiner of thirty days: news twice, an approver who leaves, a directory that is away, days that move."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.kit.item_files import from_yaml
from models.messages.employee_requests.items import Item
from models.messages.employee_requests.requests import (
    CheckOff,
    FillIn,
    PersonChanged,
    PersonNews,
    RequestStatus,
)
from models.messages.staff import ApproverChanged, Why
from models.rules.billing.invoices import on_day
from tests.builders.items import an_approval
from tests.conftest import Database
from tests.desk import RunningDesk, StandIns
from tests.workflows.requesting import Asking, RequestPost, Systems
from workflows.kit.options import DIRECTORY_QUEUE, MAIL_QUEUE, OFFICE_QUEUE, STOCK_QUEUE

SYSTEMS, POST = Systems(), RequestPost()
FILE = Path(__file__).parents[2] / "ops" / "items" / "joiner.yaml"


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


def joiner() -> Item:
    """The item that we ship, and before it somebody who has to agree."""
    item = from_yaml(FILE.read_text())
    assert isinstance(item, Item)
    return replace(item, steps=(an_approval("agree"), *item.steps))


async def begins_on(asking: Asking, day: date) -> None:
    await asking.desk.change("update employees set starts_on = :day where id = 'emp_new'", day=day)


async def moves_to(asking: Asking, day: date, number: int) -> None:
    """The HR system says it, twice, as it does."""
    await begins_on(asking, day)
    for _ in range(2):
        fact = PersonChanged(asking.id, PersonNews.CHANGED, datetime.now(UTC), f"moved-{number}")
        await asking.handle.signal("person_changed", fact)
    await asking.until_story("person_changed", number)


async def is_prepared(asking: Asking, starts_on: date) -> None:
    """The approver leaves, the manager fills in, the teams work; the directory is away at first."""
    await begins_on(asking, starts_on)
    SYSTEMS.directory.away = 2
    await asking.begin(joiner(), "approval_asked", by="", of="emp_new")
    await asking.desk.change(
        "update employees set status = 'left', ends_on = current_date - 1 where id = 'emp_chief'"
    )
    fact = ApproverChanged("gone", f"{asking.id}.0.0", "emp_chief", Why.LEFT, datetime.now(UTC))
    await asking.tell("approver_changed", fact, "gone")
    await asking.until_story("approver_changed")
    await asking.decide("emp_boss")
    await asking.until_step("1")
    wishes = FillIn("w1", "acc_emp_boss", datetime.now(UTC), path="1", answers={"laptop": "developer"})
    with asking.desk.environment.with_time_skipping_disabled():
        await asking.say("fill_in", wishes)
        for path in ("2.1.1", "2.2.1"):
            await asking.until_step(path)
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
    await is_prepared(asking, today() + timedelta(days=30))
    assert SYSTEMS.directory.accounts == {"HR-emp_new": f"{asking.id}.2.0.0"}
    assert SYSTEMS.directory.groups == {"everybody": {"HR-emp_new"}, "Sales": {"HR-emp_new"}}
    assert sorted(SYSTEMS.office.done) == [f"{asking.id}.2.2.0", f"{asking.id}.2.3.0"]

    await moves_to(asking, today() + timedelta(days=45), 1)
    await moves_to(asking, today() + timedelta(days=20), 2)
    first_day = await asking.wait_until()
    assert (first_day + timedelta(hours=9)).date() == today() + timedelta(days=20)
    await asking.pass_time(first_day - timedelta(days=1))
    off = PersonChanged(asking.id, PersonNews.CALLED_OFF, datetime.now(UTC), "off")
    await asking.tell("person_changed", off, "off")

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


async def test_a_joiner_begins_and_is_asked_after_thirty_sixty_and_ninety_days(asking: Asking) -> None:
    starts_on = today() + timedelta(days=30)
    await is_prepared(asking, starts_on)

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
    assert SYSTEMS.directory.calls == 3
    assert POST.names().count("form") == 4
    assert "message" in POST.names()
