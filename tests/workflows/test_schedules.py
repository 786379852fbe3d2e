"""Appointments: kept on the server once, called for a day in Seoul, and the work of a day is done once."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from temporalio import workflow
from temporalio.client import ScheduleBackfill, ScheduleOverlapPolicy
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.kit.runner import HouseRunner
from activities.kit.schedules import as_schedule, keep_schedules
from models.kit.schedules import SCHEDULES, Scheduled
from models.messages.payments.collection import CollectionOrder
from models.messages.payments.transfers import TransferOrder
from models.rules.calendars import KST
from worker import WORKFLOWS
from workflows.kit.options import DESK_QUEUE
from workflows.kit.schedules import appointed_day, start_once
from workflows.payments import CollectionDayWorkflow, TransferDayWorkflow

DAILY = Scheduled("kept-day", "KeptDay", hour=2)
DAYS: list[str] = []
CALLED = "WorkflowType = 'KeptDay'"


@workflow.defn(name="KeptDay", sandboxed=False)
class KeptDay:
    """Called by the schedule; does nothing itself."""

    @workflow.run
    async def run(self) -> bool:
        day = appointed_day().isoformat()
        return await start_once("DayWork", day, f"day-work:{day}", "The work of a day")


@workflow.defn(name="DayWork", sandboxed=False)
class DayWork:
    """The work of one day."""

    @workflow.run
    async def run(self, day: str) -> None:
        DAYS.append(day)


async def test_an_appointment_is_made_once_and_changed_with_the_list(temporal: WorkflowEnvironment) -> None:
    client = temporal.client
    await keep_schedules(client, [DAILY])
    handle = client.get_schedule_handle(DAILY.id)
    await handle.pause(note="holidays")

    await keep_schedules(client, [replace(DAILY, hour=3)])

    found = (await handle.describe()).schedule
    assert [one.hour[0].start for one in found.spec.calendars] == [3]
    assert found.spec.time_zone_name == "Asia/Seoul"
    assert found.state.paused
    await handle.delete()


async def test_a_day_that_is_called_twice_is_worked_once(temporal: WorkflowEnvironment) -> None:
    client = temporal.client
    DAYS.clear()
    await keep_schedules(client, [DAILY], home="kept-days")
    handle = client.get_schedule_handle(DAILY.id)
    three_days = ScheduleBackfill(
        start_at=datetime(2026, 11, 30, 12, tzinfo=UTC), end_at=datetime(2026, 12, 3, 12, tzinfo=UTC),
        overlap=ScheduleOverlapPolicy.BUFFER_ALL,
    )  # fmt: skip

    async with Worker(
        client, task_queue="kept-days", workflows=[KeptDay, DayWork], workflow_runner=HouseRunner()
    ):
        await handle.backfill(three_days)
        async with asyncio.timeout(20):
            while len(DAYS) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await handle.backfill(three_days)
        async with asyncio.timeout(20):
            while (await client.count_workflows(CALLED)).count < 6:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        found = [one async for one in client.list_workflows(CALLED)]
        began = [await client.get_workflow_handle(one.id, run_id=one.run_id).result() for one in found]

    assert sorted(DAYS) == ["2026-12-01", "2026-12-02", "2026-12-03"]
    assert sorted(began) == [False] * 3 + [True] * 3
    await handle.delete()


def test_every_appointment_calls_a_workflow_that_the_worker_lives() -> None:
    names = {workflow._Definition.must_from_class(life).name for life in WORKFLOWS}

    assert {one.name for one in SCHEDULES} <= names
    assert len({one.id for one in SCHEDULES}) == len(SCHEDULES)


def test_what_comes_again_and_again_has_a_distance_instead_of_a_time_of_day() -> None:
    spec = as_schedule(Scheduled("often", "Often", every=timedelta(seconds=30))).spec

    assert [one.every for one in spec.intervals] == [timedelta(seconds=30)]
    assert list(spec.calendars) == []


COLLECTED: list[str] = []


@workflow.defn(name="Collection", sandboxed=False)
class CollectionAsTold:
    """The collection of a day; only told that it begins."""

    @workflow.run
    async def run(self, order: CollectionOrder) -> None:
        COLLECTED.append(order.day.isoformat())


@workflow.defn(name="TransferBatch", sandboxed=False)
class TransferBatchAsTold:
    """One file for the bank; only told that it begins."""

    @workflow.run
    async def run(self, order: TransferOrder) -> None:
        COLLECTED.append(f"{order.kind.value} {order.day.isoformat()}")


@pytest.mark.parametrize(
    ("word", "begun"),
    [("CollectionDay", {"{}"}), ("TransferDay", {"registration {}", "debit {}"})],
    ids=["collection", "files"],
)
async def test_money_is_collected_and_files_are_made_once_a_day(
    temporal: WorkflowEnvironment, word: str, begun: set[str]
) -> None:
    client = temporal.client
    COLLECTED.clear()
    lives = [CollectionDayWorkflow, TransferDayWorkflow, CollectionAsTold, TransferBatchAsTold]

    async with Worker(client, task_queue=DESK_QUEUE, workflows=lives, workflow_runner=HouseRunner()):
        for call in "12":
            await client.execute_workflow(word, id=f"{word}-{call}", task_queue=DESK_QUEUE)
        async with asyncio.timeout(20):
            while len(COLLECTED) < len(begun):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)

    day = datetime.now(KST).date().isoformat()
    assert sorted(COLLECTED) == sorted(one.format(day) for one in begun)
