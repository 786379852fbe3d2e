"""In step with the HR system: over real HTTP, twice, late, in disorder and broken; leavers and absences."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import select
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.connectors.hr import ConsoleHr, HttpHr
from activities.connectors.kit import Patience
from activities.kit.calls import CallLog
from activities.kit.transactions import transaction
from activities.staff import PeopleDayActivities, PeopleFeedActivities
from models.employee_requests import EmployeeRequest, RequestApproval
from models.messages.employee_requests.requests import RequestStatus
from models.messages.staff import ChangeKind, EmployeeStatus, NewsTaken, PeopleMoment, Role
from models.rules.staff.news import read_news
from models.staff import (
    Account,
    ApiToken,
    AuditEntry,
    Delegation,
    Employee,
    EmployeeChange,
    PeopleFeed,
    SignInSession,
)
from models.systems import OutboxItem
from ops.people import tell_hr
from tests.builders.hr import TODAY, away, differences, hire, much_happens
from tests.sandbox import Sandbox

NOW = datetime.now(UTC).replace(microsecond=0)
MOMENT = PeopleMoment(NOW, TODAY)
QUICK = Patience(connect=1, read=0.5, write=1, pool=1, total=1, max_body=2 * 1024 * 1024)


@pytest.fixture
async def feed(sandbox: Sandbox, worker_engine: AsyncEngine) -> AsyncIterator[PeopleFeedActivities]:
    hr = HttpHr(f"{sandbox.url}/hr", sandbox.token, CallLog(worker_engine), QUICK)
    yield PeopleFeedActivities(worker_engine, hr)
    await hr.close()


async def take(feed: PeopleFeedActivities, moment: PeopleMoment = MOMENT) -> list[NewsTaken]:
    """Page after page until the feed ends, asked again whenever it fails."""
    pages = list[NewsTaken]()
    for _ in range(200):
        try:
            pages.append(await ActivityEnvironment().run(feed.take_news, moment))
        except ApplicationError:
            continue
        if not pages[-1].has_more:
            return pages
    raise AssertionError("the feed has no end")


async def turn(engine: AsyncEngine, day: date = TODAY) -> int:
    return await ActivityEnvironment().run(PeopleDayActivities(engine).turn_day, PeopleMoment(NOW, day))


async def kinds(engine: AsyncEngine) -> list[ChangeKind]:
    async with AsyncSession(engine) as session:
        return list(await session.scalars(select(EmployeeChange.kind).order_by(EmployeeChange.id)))  # type: ignore[arg-type]


async def status(engine: AsyncEngine, hr_id: str) -> EmployeeStatus:
    async with AsyncSession(engine) as session:
        found = await session.scalars(select(Employee.status).where(Employee.hr_id == hr_id))
        return EmployeeStatus(found.one())


async def test_news_are_taken_once_and_managers_are_found_when_they_become_known(
    sandbox: Sandbox, feed: PeopleFeedActivities, worker_engine: AsyncEngine
) -> None:
    for n in (3, 2, 1):  # the manager of both comes last
        hire(sandbox, n)
    away(sandbox, 2, TODAY, TODAY)

    first, again = await take(feed), await take(feed)

    assert [one.newer for one in first] == [4]
    assert [(one.records, one.newer) for one in again] == [(0, 0)]
    assert await differences(worker_engine, sandbox) == []
    assert await kinds(worker_engine) == []  # people who have been here for years join nothing


class NaiveFeed(PeopleFeedActivities):
    """Takes every record as it comes, whatever its number says, as a first draft would."""

    async def take_naively(self, moment: PeopleMoment) -> bool:
        async with transaction(self.engine) as session:
            feed = await session.get(PeopleFeed, "hr") or PeopleFeed(id="hr", cursor="")
            page = await self.hr.news(feed.cursor)
            for record in page.records:
                for one in read_news([record]).people:
                    row = {**vars(one), "id": f"emp_{one.hr_id}", "seen_seq": one.seq, "status": "active"}
                    row = {name: row[name] for name in row if name not in ("seq", "is_withdrawn")}
                    put = insert(Employee).values(row)
                    put = put.on_conflict_do_update(index_elements=["hr_id"], set_=row)
                    await session.execute(put)
            session.add(PeopleFeed(id="hr", cursor=page.cursor) if feed.read_at is None else feed)
        return page.has_more


DISORDER = {"twice": 0.5, "late": 0.4, "is_shuffled": True}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_feed_that_tells_twice_late_and_in_disorder_ends_in_the_same_rows(
    sandbox: Sandbox, feed: PeopleFeedActivities, worker_engine: AsyncEngine, seed: int
) -> None:
    sandbox.client.put("/hr/control/disorder", json={**DISORDER, "seed": seed}).raise_for_status()
    sandbox.fail("hr", {"kind": "500_before", "probability": 0.2, "seed": seed},
                 {"kind": "truncated_json", "probability": 0.2, "seed": seed + 9})  # fmt: skip
    for part in range(3):
        much_happens(sandbox, seed * 10 + part, acts=30)
        await take(feed)
    for _ in range(8):  # and often nothing new
        await take(feed)
    sandbox.client.put("/hr/control/disorder", json={"is_shuffled": True}).raise_for_status()
    await take(feed)
    news = sandbox.client.get("/hr/control/news").json()
    told = [one["seq"] for one in news]

    assert len(told) > len(set(told)) + 15  # told twice, indeed
    assert sum(a > b for a, b in itertools.pairwise(told)) > 10  # and out of order
    assert sum(sandbox.fired("hr").values()) >= 2
    assert await differences(worker_engine, sandbox) == []
    async with AsyncSession(worker_engine) as session:
        facts = (EmployeeChange.employee_id, EmployeeChange.seq, EmployeeChange.kind)
        found = (await session.execute(select(*facts))).all()
    assert len(found) == len(set(found)) > 10


async def test_taken_as_they_come_the_same_news_end_in_other_rows(
    sandbox: Sandbox, feed: PeopleFeedActivities, worker_engine: AsyncEngine
) -> None:
    """The naive variant: the judge that the house passes must notice it."""
    sandbox.client.put("/hr/control/disorder", json={**DISORDER, "seed": 1}).raise_for_status()
    much_happens(sandbox, 10, acts=60)
    sandbox.client.put("/hr/control/disorder", json={"is_shuffled": True}).raise_for_status()

    naive = NaiveFeed(worker_engine, feed.hr)
    while await naive.take_naively(MOMENT):
        pass

    assert len(await differences(worker_engine, sandbox)) > 3


@pytest.mark.parametrize(
    "fault", ["500_before", "500_after", "timeout_after", "429", "garbage", "truncated_json", "drip", "reset"]
)
async def test_a_page_that_fails_changes_nothing_and_is_read_again(
    sandbox: Sandbox, feed: PeopleFeedActivities, worker_engine: AsyncEngine, fault: str
) -> None:
    hire(sandbox, 1)
    sandbox.fail("hr", {"kind": fault, "times": 1, "seconds": 2})

    with pytest.raises(ApplicationError, match="hr gave no clear answer"):
        await ActivityEnvironment().run(feed.take_news, MOMENT)
    taken = await ActivityEnvironment().run(feed.take_news, MOMENT)

    assert sandbox.fired("hr") == {fault: 1}
    assert taken == NewsTaken(1, 1, has_more=False)
    assert await differences(worker_engine, sandbox) == []


async def test_a_record_that_nobody_can_read_stops_no_other(worker_engine: AsyncEngine) -> None:
    good = {"kind": "employee", "id": "HR-9", "seq": 1, "name": "x", "email": "", "starts_on": "2020-01-01"}
    feed = PeopleFeedActivities(worker_engine, ConsoleHr([({"id": "HR-8"}, good, 7), ({**good, "seq": 2},)]))

    pages = await take(feed)

    assert [(one.records, one.newer, one.unreadable) for one in pages] == [(3, 1, 2), (1, 1, 0)]


async def test_two_workers_that_read_the_same_page_take_it_once(worker_engine: AsyncEngine) -> None:
    class Overtaken(ConsoleHr):
        async def news(self, since: str) -> Any:
            page = await super().news(since)
            async with transaction(worker_engine) as session:
                await session.execute(text("update people_feeds set cursor = '1'"))
            return page

    record = {"kind": "employee", "id": "HR-9", "seq": 1, "name": "x", "email": "", "starts_on": "2020-01-01"}
    feed = PeopleFeedActivities(worker_engine, Overtaken([(record,), ()]))

    taken = await ActivityEnvironment().run(feed.take_news, MOMENT)

    assert taken == NewsTaken(0, 0, has_more=True)


async def test_a_joiner_whose_day_moves_begins_on_the_last_day_said(
    sandbox: Sandbox, feed: PeopleFeedActivities, worker_engine: AsyncEngine
) -> None:
    for days in (30, 40, 5):
        hire(sandbox, 1, starts_on=str(TODAY + timedelta(days=days)))
        await take(feed)

    assert await turn(worker_engine, TODAY + timedelta(days=4)) == 0
    assert await turn(worker_engine, TODAY + timedelta(days=5)) == 1
    assert await turn(worker_engine, TODAY + timedelta(days=5)) == 0
    assert [one.value for one in await kinds(worker_engine)] == [
        "joiner", "start_moved", "start_moved", "started",
    ]  # fmt: skip


async def test_a_joiner_who_will_not_come_is_called_off(
    sandbox: Sandbox, feed: PeopleFeedActivities, worker_engine: AsyncEngine
) -> None:
    start = str(TODAY + timedelta(days=1))
    hire(sandbox, 1, starts_on=start)
    await take(feed)

    hire(sandbox, 1, starts_on=start, is_withdrawn=True)
    await take(feed)
    await turn(worker_engine)

    assert [one.value for one in await kinds(worker_engine)] == ["joiner", "called_off"]
    assert await status(worker_engine, "HR-1") is EmployeeStatus.LEFT


async def an_account(engine: AsyncEngine, login: str) -> None:
    async with AsyncSession(engine) as session:
        session.add(Account(id="acc", login=login, name="x", roles=[Role.EMPLOYEE], created_at=NOW))
        await session.flush()
        later = NOW + timedelta(days=1)
        session.add(
            SignInSession(token_hash="s", account_id="acc", created_at=NOW, seen_at=NOW, idle_until=later,
                          expires_at=later)
        )  # fmt: skip
        session.add(ApiToken(token_hash="t", account_id="acc", name="x", created_at=NOW, expires_at=later))
        await session.commit()


async def test_two_people_with_one_address_stop_no_news(
    sandbox: Sandbox, feed: PeopleFeedActivities, worker_engine: AsyncEngine
) -> None:
    await an_account(worker_engine, "person1@ieum.example")
    for n in (1, 2):
        hire(sandbox, n, email="person1@ieum.example")

    await take(feed)

    async with AsyncSession(worker_engine) as session:
        owners = (await session.scalars(select(Employee.account_id))).all()
    assert sorted(str(one) for one in owners) == ["None", "acc"]
    assert await differences(worker_engine, sandbox) == []


async def test_the_sample_companys_people_come_by_the_feed(
    sandbox: Sandbox, feed: PeopleFeedActivities, worker_engine: AsyncEngine
) -> None:
    number = await tell_hr(sandbox.url)

    await take(feed)

    assert number >= 40
    assert await differences(worker_engine, sandbox) == []
    assert [one.value for one in await kinds(worker_engine)] == ["joiner", "joiner"]


async def test_whoever_has_left_can_sign_in_no_more_from_the_day_after_the_last(
    sandbox: Sandbox, feed: PeopleFeedActivities, worker_engine: AsyncEngine
) -> None:
    await an_account(worker_engine, "person1@ieum.example")
    hire(sandbox, 1)
    await take(feed)
    hire(sandbox, 1, ends_on=str(TODAY))
    await take(feed)

    await turn(worker_engine)
    async with AsyncSession(worker_engine) as session:
        assert (await session.get_one(Account, "acc")).is_active  # the last day is a working day
    await turn(worker_engine, TODAY + timedelta(days=1))
    await turn(worker_engine, TODAY + timedelta(days=1))

    async with AsyncSession(worker_engine) as session:
        account = await session.get_one(Account, "acc")
        assert not account.is_active
        assert (await session.get_one(SignInSession, "s")).revoked_at is not None
        assert (await session.get_one(ApiToken, "t")).revoked_at is not None
        assert await session.scalar(select(func.count()).select_from(AuditEntry)) == 1
    assert [one.value for one in await kinds(worker_engine)] == ["leaver", "left"]


async def asked_to_approve(engine: AsyncEngine, hr_id: str, approval: str) -> None:
    """An open approval of somebody, as a request's workflow stores it."""
    async with AsyncSession(engine) as session:
        who = (await session.scalars(select(Employee.id).where(Employee.hr_id == hr_id))).one()
        if await session.get(Account, "asker") is None:
            session.add(Account(id="asker", login="asker", name="x", roles=[Role.EMPLOYEE], created_at=NOW))
            await session.flush()
        request = f"E{approval}"
        session.add(
            EmployeeRequest(
                id=request, submission_key=request, item_key="laptop", item_version=1, asked_by="asker",
                for_employee_id=who, status=RequestStatus.OPEN, created_at=NOW, updated_at=NOW,
            )
        )  # fmt: skip
        await session.flush()
        session.add(
            RequestApproval(id=approval, request_id=request, path="0", position=0, approver_employee_id=who)
        )
        await session.commit()


async def told(engine: AsyncEngine) -> list[tuple[str, str, str]]:
    """Which approvals were told that whoever was asked has changed; leavers are news of other kinds too."""
    told = select(OutboxItem).where(OutboxItem.name == "approver_changed")
    async with AsyncSession(engine) as session:
        rows = await session.scalars(told.order_by(OutboxItem.id))  # type: ignore[arg-type]
        return [(row.workflow_id, row.name, row.payload["why"]) for row in rows]


async def retarget(engine: AsyncEngine, day: date = TODAY) -> int:
    return await ActivityEnvironment().run(PeopleDayActivities(engine).retarget, PeopleMoment(NOW, day))


@pytest.mark.parametrize("how", ["left", "absent", "delegated"])
async def test_no_approval_waits_for_somebody_who_cannot_decide(
    sandbox: Sandbox, feed: PeopleFeedActivities, worker_engine: AsyncEngine, how: str
) -> None:
    for n in (1, 2):
        hire(sandbox, n)
    await take(feed)
    await asked_to_approve(worker_engine, "HR-1", "A1")
    await asked_to_approve(worker_engine, "HR-2", "A2")
    assert await retarget(worker_engine) == 0

    if how == "left":
        hire(sandbox, 1, ends_on=str(TODAY - timedelta(days=1)))
    elif how == "absent":
        away(sandbox, 1, TODAY, TODAY)
    else:
        await delegate(worker_engine, "HR-1", "HR-2")
    await take(feed)
    await turn(worker_engine)

    assert await retarget(worker_engine) == 1
    assert await retarget(worker_engine) == 0  # told once a day, not once a minute
    assert await told(worker_engine) == [("employee-request:EA1", "approver_changed", how)]


async def delegate(engine: AsyncEngine, giver: str, taker: str) -> None:
    async with AsyncSession(engine) as session:
        ids = {one.hr_id: one.id for one in await session.scalars(select(Employee))}
        session.add(
            Delegation(
                id="d", from_employee_id=ids[giver], to_employee_id=ids[taker], from_on=TODAY, until_on=TODAY,
                created_by="asker", created_at=NOW,
            )
        )  # fmt: skip
        await session.commit()


@pytest.mark.parametrize("change", ["cancelled", "tomorrow", "revoked"])
async def test_an_absence_that_is_over_or_still_to_come_moves_nothing(
    sandbox: Sandbox, feed: PeopleFeedActivities, worker_engine: AsyncEngine, change: str
) -> None:
    for n in (1, 2):
        hire(sandbox, n)
    if change == "cancelled":
        away(sandbox, 1, TODAY, TODAY, is_cancelled=True)
    if change == "tomorrow":
        away(sandbox, 1, TODAY + timedelta(days=1), TODAY + timedelta(days=9))
    await take(feed)
    await asked_to_approve(worker_engine, "HR-1", "A1")
    if change == "revoked":
        await delegate(worker_engine, "HR-1", "HR-2")
        async with transaction(worker_engine) as session:
            await session.execute(text("update delegations set revoked_at = now()"))

    assert await retarget(worker_engine) == 0
    if change == "tomorrow":
        assert await retarget(worker_engine, TODAY + timedelta(days=1)) == 1


async def test_an_older_record_never_undoes_a_newer_one(worker_engine: AsyncEngine) -> None:
    new = {"kind": "employee", "id": "HR-1", "seq": 9, "name": "new", "email": "", "starts_on": "2020-01-01"}
    feed = PeopleFeedActivities(worker_engine, ConsoleHr([(new,)]))
    await take(feed)

    late = PeopleFeedActivities(
        worker_engine, ConsoleHr([(), ({**new, "seq": 8, "name": "old"}, {**new, "name": "same"})])
    )
    taken = await take(late, replace(MOMENT, at=NOW + timedelta(minutes=1)))

    assert [one.newer for one in taken] == [0]
    async with AsyncSession(worker_engine) as session:
        assert (await session.scalars(select(Employee.name))).one() == "new"
