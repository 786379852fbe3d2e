"""The lives of bill runs: slices at once, held and resumed, taken back, and whatever kills a worker."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import workflow
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from activities.billing import BillLetterActivities
from activities.kit.invariants import violations
from activities.kit.links import Links
from activities.kit.post import LetterActivities
from models.messages.billing.runs import (
    BillAgain,
    BillRunOrder,
    CollectionDue,
    RunCommand,
    RunStatus,
    again_workflow_id,
    run_id,
    run_workflow_id,
)
from models.rules.subscriptions.periods import business_day
from tests.builders.leases import BASIC
from tests.builders.runs import Lease, signed
from tests.desk import DESK_QUEUE, RunningDesk, StandIns
from workflows.kit.options import MAIL_QUEUE

POST: list[tuple[str, str]] = []  # key and subject of what left
TODAY = business_day(datetime.now(UTC))
HEARD: list[tuple[str, str]] = []


@workflow.defn(name="Collection", sandboxed=False)
class Listening:
    """Collection, as far as a bill run knows it."""

    @workflow.run
    async def run(self, due: CollectionDue) -> None:
        HEARD.append((due.day.isoformat(), due.run_id))


class Box:
    """A mail system that keeps what it is given; the first try of every other letter breaks off."""

    async def send(
        self, to: str, subject: str, text: str, html: str, *, key: str, **about: str | None
    ) -> str:
        if key not in {one[0] for one in POST}:
            POST.append((key, subject))
            if len(POST) % 2:
                raise ConnectionError("after taking it")
        return "m"


@pytest.fixture
def stand_ins(worker_engine: AsyncEngine) -> StandIns:
    POST.clear()
    HEARD.clear()
    links = Links(bytes(32), "http://localhost")
    letters = LetterActivities(worker_engine, Box(), Box(), links, "desk@example.test")  # type: ignore[arg-type]
    return StandIns([Listening], {MAIL_QUEUE: [BillLetterActivities(worker_engine, letters).write_bills]})


@pytest.fixture
async def billed(desk: RunningDesk) -> AsyncIterator[RunningDesk]:
    start = TODAY - timedelta(days=40)
    await signed(desk.engine, [Lease(f"S{n:02}", f"cus_{n:02}", BASIC, start) for n in range(12)])
    yield desk
    async with desk.engine.connect() as connection:
        assert await violations(connection) == {}


async def begin(desk: RunningDesk, **facts: Any) -> WorkflowHandle[Any, Any]:
    order = BillRunOrder(**{"run_id": run_id(TODAY), "day": TODAY, "slice_size": 2, **facts})
    return await desk.client.start_workflow(
        "BillRun", order, id=run_workflow_id(order.run_id), task_queue=DESK_QUEUE, result_type=RunStatus
    )


def command(word: str) -> RunCommand:
    return RunCommand(f"{word}-1", "acc_jo", datetime.now(UTC), "checked")


async def say(handle: WorkflowHandle[Any, Any], word: str) -> str:
    try:
        return str(await handle.execute_update(word, command(word), id=word))
    except WorkflowUpdateFailedError as failure:
        assert isinstance(failure.cause, ApplicationError)
        return str(failure.cause.type)


async def bills(desk: RunningDesk) -> list[str]:
    return [row.customer_id for row in await desk.rows("select customer_id from invoices order by number")]


async def test_a_day_is_billed_once_then_letters_and_collection_begin(billed: RunningDesk) -> None:
    handle = billed.client.get_workflow_handle(run_workflow_id(run_id(TODAY)), result_type=RunStatus)

    first = await billed.client.execute_workflow("BillDay", id="bill-day-1", task_queue=DESK_QUEUE)
    status = await handle.result()
    second = await billed.client.execute_workflow("BillDay", id="bill-day-2", task_queue=DESK_QUEUE)

    assert (first, status, second) == (True, RunStatus.DONE, False)
    assert len(set(await bills(billed))) == len(await bills(billed)) == 12
    await billed.until(lambda: heard(billed))
    assert HEARD == [(TODAY.isoformat(), run_id(TODAY))]
    assert len(POST) == len({key for key, _ in POST}) == 12
    assert len({subject for _, subject in POST}) == 12  # each with its own number
    said = await billed.rows(
        "select sentence from timeline_entries where subject = :id order by id", id=handle.id
    )
    assert [row.sentence for row in said] == ["billing.run_started", "billing.run_done"]


async def heard(desk: RunningDesk) -> bool:
    return bool(HEARD) and len(await desk.rows("select 1 from bill_slices where letters_at is not null")) == 1


async def test_a_preview_is_followed_by_nothing(billed: RunningDesk) -> None:
    handle = await begin(billed, run_id="P1", is_preview=True)

    assert await handle.result() == RunStatus.DONE
    assert await bills(billed) == []
    assert HEARD == []
    shown = await billed.rows("select sum(invoices) as n, sum(total_minor) as total from bill_slices")
    assert (shown[0].n, shown[0].total) == (12, 12 * 2 * 29_900)


async def test_a_held_run_waits_for_finance_and_goes_on_where_it_stopped(billed: RunningDesk) -> None:
    handle = await begin(billed, is_paused=True)
    await billed.until(lambda: waits(billed))

    early = [await say(handle, "pause"), await say(handle, "resume")]
    status = await handle.result()

    assert early == ["run_not_running", RunStatus.RUNNING]
    assert status == RunStatus.DONE
    assert len(await bills(billed)) == 12


async def waits(desk: RunningDesk) -> bool:
    return (await desk.rows("select count(*) as n from bill_runs where status = 'running'"))[0].n == 1


async def test_a_run_is_paused_between_slices(billed: RunningDesk) -> None:
    lock = await billed.engine.connect()
    await lock.execute(text("lock table invoices in share mode"))
    handle = await begin(billed, parallel=1)
    await billed.until(lambda: is_held_up(billed))

    paused = await say(handle, "pause")
    await lock.rollback()
    await lock.close()
    await billed.until(lambda: has_slices(billed, 1))
    held = await billed.rows(
        "select key from waits where ended_at is null and workflow_id = :id", id=handle.id
    )
    taken = await say(handle, "resume")

    assert (paused, taken) == (RunStatus.PAUSED, RunStatus.RUNNING)
    assert [row.key for row in held] == ["paused"]
    assert await handle.result() == RunStatus.DONE
    assert len(await bills(billed)) == 12


async def is_held_up(desk: RunningDesk) -> bool:
    return bool((await desk.rows("select count(*) as n from pg_locks where not granted"))[0].n)


async def has_slices(desk: RunningDesk, count: int) -> bool:
    found = await desk.rows("select count(*) as n from bill_slices where status = 'done'")
    return bool(found[0].n == count)


async def test_what_a_cancelled_run_leaves_the_next_one_bills(billed: RunningDesk) -> None:
    handle = await begin(billed, is_paused=True)
    await billed.until(lambda: waits(billed))

    said = [await say(handle, "cancel"), await handle.result()]
    none = await bills(billed)
    after = TODAY + timedelta(days=1)
    done = await (await begin(billed, run_id=run_id(after), day=after)).result()

    assert said == [RunStatus.CANCELLED, RunStatus.CANCELLED]
    assert none == []
    assert done == RunStatus.DONE
    assert len(await bills(billed)) == 12


async def test_a_worker_killed_half_way_loses_nothing_and_bills_nothing_twice(billed: RunningDesk) -> None:
    handle = await begin(billed, slice_size=1, parallel=1)
    await billed.until(lambda: is_half(billed))

    for one in billed.running:
        one.cancel()
    for worker in billed.workers:
        await worker.shutdown()
    billed.begin_work()

    assert await handle.result() == RunStatus.DONE
    assert len(await bills(billed)) == len(set(await bills(billed))) == 12


async def is_half(desk: RunningDesk) -> bool:
    found = await desk.rows("select count(*) as n from bill_slices where status = 'done'")
    return bool(found[0].n >= 3)


async def test_a_parked_account_is_billed_after_its_repair(billed: RunningDesk) -> None:
    await billed.change("update subscriptions set terms = '{}' where id = 'S03'")
    await (await begin(billed)).result()
    parked = await billed.rows("select customer_id from bill_skips where is_error and solved_at is null")
    await billed.change("update subscriptions set terms = (select terms from subscriptions where id = 'S04')"
                        " where id = 'S03'")  # fmt: skip

    made = await again(billed, BillAgain("one", run_id(TODAY), "cus_03"))

    assert [row.customer_id for row in parked] == ["cus_03"]
    assert made["invoice_id"].endswith("-cus_03-one")
    assert (await billed.rows("select solved_at from bill_skips where is_error"))[0].solved_at is not None
    assert len(await bills(billed)) == 12


async def test_a_wrong_invoice_is_taken_back_and_billed_anew(billed: RunningDesk) -> None:
    await (await begin(billed)).result()
    wrong = (await billed.rows("select id from invoices where customer_id = 'cus_05'"))[0].id

    made = await again(billed, BillAgain("two", run_id(TODAY), "cus_05", "acc_jo", wrong, "wrong address"))

    both = await billed.rows(
        "select id, status, total_minor from invoices where customer_id = 'cus_05' order by number"
    )
    assert [(row.id, row.status) for row in both] == [(wrong, "cancelled"), (made["invoice_id"], "issued")]
    assert both[0].total_minor == both[1].total_minor


async def again(desk: RunningDesk, order: BillAgain) -> Any:
    return await desk.client.execute_workflow(
        "BillAccount", order, id=again_workflow_id(order.key), task_queue=DESK_QUEUE
    )
