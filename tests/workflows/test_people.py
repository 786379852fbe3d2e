"""The people's sync and its news: an HR system that is away, and requests that begin by themselves."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import select
from temporalio.exceptions import ApplicationError

from activities.connectors.hr import NewsPage
from activities.staff import PeopleFeedActivities
from models.messages.staff import ChangeKind, EmployeeStatus, PeopleSynced, PersonFact
from models.staff import Employee, EmployeeChange, PeopleFeed
from tests.builders.hr import TODAY, a_person
from tests.desk import DESK_QUEUE, RunningDesk, StandIns
from workflows.kit.options import HR_QUEUE

RETRIES = timedelta(seconds=41)


class AwayHr:
    """Tells one record after the other, a page each, while it is there."""

    def __init__(self) -> None:
        self.is_away = False
        self.asked = 0
        self.records: list[dict[str, Any]] = []

    async def news(self, since: str) -> NewsPage:
        self.asked += 1
        if self.is_away:
            raise ApplicationError("hr gave no clear answer: 503", type="hr_unclear")
        place = int(since or 0)
        found = self.records[place : place + 1]
        return NewsPage(tuple(found), str(place + len(found)), place + 1 < len(self.records))

    def hire(self, n: int, **facts: Any) -> None:
        seq = len(self.records) + 1
        self.records.append({"kind": "employee", "id": f"HR-{n}", "seq": seq, **a_person(n), **facts})


HR = AwayHr()


@pytest.fixture
def stand_ins(worker_engine: AsyncEngine) -> StandIns:
    HR.__init__()  # type: ignore[misc]
    listed: list[Callable[..., Any]] = [PeopleFeedActivities(worker_engine, HR).take_news]
    return StandIns(acts={HR_QUEUE: listed})


async def sync(desk: RunningDesk, minute: int) -> PeopleSynced:
    """One minute's run; while the HR system is away its tries pass on the virtual clock."""
    handle: Any = await desk.client.start_workflow(
        "PeopleSync", id=f"people-sync-{minute}", task_queue=DESK_QUEUE, result_type=PeopleSynced
    )
    if HR.is_away:
        await asyncio.wait_for(desk.environment.fast_forward(handle, RETRIES), 20)
    found: PeopleSynced = await asyncio.wait_for(handle.result(), 20)
    return found


async def people(desk: RunningDesk) -> dict[str, EmployeeStatus]:
    async with AsyncSession(desk.engine) as session:
        return {one.hr_id: EmployeeStatus(one.status) for one in await session.scalars(select(Employee))}


async def test_a_minute_takes_every_page_and_turns_the_day(desk: RunningDesk) -> None:
    HR.hire(1)
    HR.hire(2, starts_on=str(TODAY + timedelta(days=30)))
    HR.hire(1, ends_on=str(TODAY - timedelta(days=1)))

    assert await sync(desk, 1) == PeopleSynced(True, 3, 3, turned=1, retargeted=0)
    assert await sync(desk, 2) == PeopleSynced(True, 0, 0, turned=0, retargeted=0)

    assert await people(desk) == {"HR-1": "left", "HR-2": "joining"}


async def test_an_hr_system_away_for_two_hours_holds_up_only_its_own_news(desk: RunningDesk) -> None:
    HR.hire(1)
    HR.hire(2, starts_on=str(TODAY + timedelta(days=30)))
    await sync(desk, 0)
    HR.is_away, before = True, HR.asked
    HR.hire(3)
    await desk.change("update employees set ends_on = :day where hr_id = 'HR-1'", day=yesterday())

    away = [await sync(desk, minute) for minute in range(10, 130, 50)]  # two hours, a sample of its minutes
    HR.is_away = False
    back = await sync(desk, 130)

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
