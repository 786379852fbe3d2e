"""A feed that makes very many people leavers: nothing is done until an administrator accepts; quiet looks."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from activities.connectors.hr import ConsoleHr, HttpHr
from activities.connectors.kit import Patience
from activities.kit.calls import CallLog
from activities.kit.transactions import transaction
from activities.staff import PeopleDayActivities, PeopleFeedActivities
from models.messages.staff import PeopleMoment, Role
from models.staff import Account, Employee, LeaverAcceptance, PeopleFeed
from models.systems import SystemCall
from tests.conftest import Database
from tests.sandbox import Sandbox

NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = date(2026, 11, 23)
MOMENT = PeopleMoment(NOW, TODAY)


def record(number: int, seq: int, ends_on: str | None = None) -> dict[str, Any]:
    return {
        "kind": "employee", "id": f"HR-{number}", "seq": seq, "name": f"Name {number}",
        "email": f"p{number}@example.test", "starts_on": "2020-01-02", "ends_on": ends_on,
    }  # fmt: skip


@dataclass
class House:
    """A company of thirty that listens to an HR system."""

    engine: AsyncEngine
    hr: ConsoleHr = field(default_factory=ConsoleHr)

    async def look(self, most: int = 5) -> None:
        feed, day = PeopleFeedActivities(self.engine, self.hr, most), PeopleDayActivities(self.engine)
        while (await ActivityEnvironment().run(feed.take_news, MOMENT)).has_more:
            pass
        await ActivityEnvironment().run(day.turn_day, MOMENT)

    async def left(self) -> int:
        async with AsyncSession(self.engine) as session:
            rows = (await session.scalars(select(Employee))).all()
        return sum(one.status == "left" for one in rows)

    async def feed(self) -> PeopleFeed:
        async with AsyncSession(self.engine) as session:
            return await session.get_one(PeopleFeed, "hr")


@pytest.fixture
async def house(worker_engine: AsyncEngine) -> House:
    house = House(worker_engine)
    house.hr.pages.append(tuple(record(number, 1) for number in range(30)))
    await house.look()
    return house


def waits(database: Database) -> list[Any]:
    with psycopg.connect(database.owner_url) as owner:
        asked = "select what, details ->> 'count' from waits where ended_at is null"
        return owner.execute(asked).fetchall()


async def accepted(engine: AsyncEngine, leavers: int) -> None:
    async with transaction(engine) as session:
        session.add(Account(id="acc_a", login="a@example.test", name="A", roles=[Role.ADMIN], created_at=NOW))
        await session.flush()
        session.add(
            LeaverAcceptance(id="la1", day=TODAY, leavers=leavers, accepted_by="acc_a", accepted_at=NOW)
        )


async def test_a_few_leavers_leave_and_too_many_leave_nothing_changed(
    house: House, database: Database
) -> None:
    house.hr.pages.append(tuple(record(number, 2, "2026-11-20") for number in range(4)))
    await house.look()
    assert await house.left() == 4

    house.hr.pages.append((record(29, 2), *(record(number, 2, "2026-11-20") for number in range(4, 20))))
    before = await house.feed()
    for _ in range(2):
        await house.look()

    assert await house.left() == 4
    feed = await house.feed()
    assert (feed.cursor, feed.held_leavers, feed.leavers) == (before.cursor, 20, 4)
    assert feed.held_at is not None
    assert waits(database) == [("many_leavers", "20")]


async def test_once_accepted_they_leave_and_no_more_than_that(house: House, database: Database) -> None:
    house.hr.pages.append(tuple(record(number, 2, "2026-11-20") for number in range(16)))
    await house.look()
    assert await house.left() == 0

    await accepted(house.engine, 16)
    await house.look()
    assert await house.left() == 16
    assert waits(database) == []

    house.hr.pages.append((record(20, 2, "2026-11-20"),))
    await house.look()
    assert await house.left() == 16
    assert waits(database) == [("many_leavers", "17")]


async def test_the_same_empty_look_is_counted_and_not_written_down_again(
    worker_engine: AsyncEngine, sandbox: Sandbox
) -> None:
    patience = Patience(connect=1, read=2, write=1, pool=1, total=4)
    hr = HttpHr(f"{sandbox.url}/hr", sandbox.token, CallLog(worker_engine), patience)
    page = await hr.news("")
    while page.has_more:
        page = await hr.news(page.cursor)

    for _ in range(5):
        assert (await hr.news(page.cursor)).records == ()
    await hr.close()

    async with AsyncSession(worker_engine) as session:
        rows = (
            await session.scalars(select(SystemCall).where(SystemCall.key == f"people:{page.cursor}"))
        ).all()
    assert [(one.looks, one.result) for one in rows] in ([(5, "ok")], [(6, "ok")])
