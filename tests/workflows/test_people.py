"""The people's sync and its news: an HR system that is away, and requests that begin by themselves."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import select

from activities.staff import PeopleFeedActivities
from models.messages.staff import ChangeKind, EmployeeStatus, PeopleSynced, PersonFact
from models.staff import Employee, EmployeeChange, PeopleFeed
from tests.builders.hr import TODAY
from tests.desk import DESK_QUEUE, RunningDesk, StandIns
from tests.workflows.hr_feed import AwayHr, sync
from workflows.kit.options import HR_QUEUE

HR = AwayHr()


@pytest.fixture
def stand_ins(worker_engine: AsyncEngine) -> StandIns:
    HR.__init__()  # type: ignore[misc]
    listed: list[Callable[..., Any]] = [PeopleFeedActivities(worker_engine, HR).take_news]
    return StandIns(acts={HR_QUEUE: listed})


async def people(desk: RunningDesk) -> dict[str, EmployeeStatus]:
    async with AsyncSession(desk.engine) as session:
        return {one.hr_id: EmployeeStatus(one.status) for one in await session.scalars(select(Employee))}


async def test_a_minute_takes_every_page_and_turns_the_day(desk: RunningDesk) -> None:
    HR.hire(1)
    HR.hire(2, starts_on=str(TODAY + timedelta(days=30)))
    HR.hire(1, ends_on=str(TODAY - timedelta(days=1)))

    assert await sync(desk, HR, 1) == PeopleSynced(True, 3, 3, turned=1, retargeted=0)
    assert await sync(desk, HR, 2) == PeopleSynced(True, 0, 0, turned=0, retargeted=0)

    assert await people(desk) == {"HR-1": "left", "HR-2": "joining"}


async def test_an_hr_system_away_for_two_hours_holds_up_only_its_own_news(desk: RunningDesk) -> None:
    """A sample of the two hours' minutes; each really asks, and gives up on the virtual clock."""
    HR.hire(1)
    HR.hire(2, starts_on=str(TODAY + timedelta(days=30)))
    await sync(desk, HR, 0)
    HR.is_away, before = True, HR.asked
    HR.hire(3)
    await desk.change("update employees set ends_on = :day where hr_id = 'HR-1'", day=yesterday())

    away = [await sync(desk, HR, minute) for minute in range(10, 130, 50)]
    HR.is_away = False
    back = await sync(desk, HR, 130)

    assert [one.is_heard for one in away] == [False] * 3
    assert HR.asked - before >= 6  # every minute really tried, and tried again
    assert [one.turned for one in away] == [1, 0, 0]  # the calendar did not wait for it
    assert (back.is_heard, back.newer) == (True, 1)
    assert await people(desk) == {"HR-1": "left", "HR-2": "joining", "HR-3": "active"}
    async with AsyncSession(desk.engine) as session:
        feed = await session.get_one(PeopleFeed, "hr")
        facts = (await session.scalars(select(EmployeeChange.kind).order_by(EmployeeChange.id))).all()  # type: ignore[arg-type]
    assert feed.cursor == "3"
    assert facts == [ChangeKind.JOINER, ChangeKind.LEFT]


def yesterday() -> date:
    return TODAY - timedelta(days=1)


async def test_news_of_somebody_for_whom_nothing_is_published_begin_nothing(desk: RunningDesk) -> None:
    fact = PersonFact("1", "emp_nobody", ChangeKind.JOINER, datetime.now(UTC))

    begun = await desk.client.execute_workflow("PersonNews", fact, id="person-news:1", task_queue=DESK_QUEUE)

    assert begun == 0
