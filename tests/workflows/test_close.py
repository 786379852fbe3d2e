"""The life of a month's close on a virtual clock: held up, repaired, accepted, told once, reopened."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import (
    ScheduleBackfill,
    ScheduleOverlapPolicy,
    WorkflowHandle,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.billing import BillingActivities, CloseActivities
from activities.connectors.accounting import ConsoleAccounting, HttpTryton
from activities.kit.calls import CallLog
from activities.kit.invariants import violations
from activities.kit.schedules import keep_schedules
from models.kit.schedules import SCHEDULES
from models.messages.billing.close import CloseCommand, CloseOrder, close_workflow_id
from models.messages.billing.invoices import IssueInvoice
from tests.builders.billing import an_order_to_bill
from tests.builders.leases import BASIC, a_lease
from tests.conftest import Database
from tests.desk import DESK_QUEUE, RunningDesk, StandIns
from tests.tryton import PASSWORD, RunningTryton, Wire, wired
from workflows.billing import CloseWorkflow
from workflows.kit.options import ACCOUNTING_QUEUE

OCTOBER = "2026-10"
IN_OCTOBER = datetime(2026, 10, 20, 3, tzinfo=UTC)
BOOKS = ConsoleAccounting()


@pytest.fixture
def stand_ins(worker_engine: AsyncEngine) -> StandIns:
    BOOKS.__init__()  # type: ignore[misc]
    close = CloseActivities(worker_engine, BOOKS)
    return StandIns(acts={ACCOUNTING_QUEUE: [close.draft_posting, close.post_draft]})


@dataclass
class Month:
    """One month that is being closed."""

    desk: RunningDesk
    handle: WorkflowHandle[Any, Any] | None = None

    async def bill(self, *gross: int) -> None:
        order = await an_order_to_bill(self.desk.engine, *gross)
        issue = BillingActivities(self.desk.engine).issue
        await ActivityEnvironment().run(issue, IssueInvoice(order, IN_OCTOBER))

    async def begin(self) -> None:
        order = CloseOrder(OCTOBER, "acc_fin")
        self.handle = await self.desk.client.start_workflow(
            CloseWorkflow.run, order, id=close_workflow_id(OCTOBER), task_queue=DESK_QUEUE
        )

    async def result(self) -> Any:
        assert self.handle is not None
        return await asyncio.wait_for(self.handle.result(), self.desk.patience)

    async def become_final(self) -> int:
        """Let the weeks pass in which it may be reopened; in which round it ended."""
        await self.until_waits("reopening")
        await self.pass_time(days=60, seconds=1)
        return int(await self.result())

    async def status(self) -> str:
        found = await self.desk.rows("select status from accounting_periods")
        return str(found[0].status) if found else ""

    async def until_waits(self, *keys: str) -> None:
        async def waits() -> bool:
            asked = "select key from waits where workflow_id = 'close:2026-10' and ended_at is null"
            return {row.key for row in await self.desk.rows(asked)} == set(keys)

        await self.desk.until(waits)

    async def pass_time(self, **duration: float) -> None:
        assert self.handle is not None
        skip = self.desk.environment.fast_forward(self.handle, timedelta(**duration))
        await asyncio.wait_for(skip, self.desk.patience)

    async def say(self, update: str, actor: str = "acc_fin", reason: str = "", check: str = "") -> str:
        """Say a command; the code with which it was refused, or nothing."""
        assert self.handle is not None
        id = f"{update}-{actor}-{reason}-{check}"
        command = CloseCommand(id, actor, datetime.now(UTC), reason, check)
        try:
            await asyncio.wait_for(self.handle.execute_update(update, command, id=id), self.desk.patience)
        except WorkflowUpdateFailedError as refused:
            return (refused.cause.type or "") if isinstance(refused.cause, ApplicationError) else "failed"
        return ""

    async def story(self) -> list[str]:
        asked = "select sentence from timeline_entries where subject = 'close:2026-10' order by id"
        return [row.sentence.removeprefix("billing.") for row in await self.desk.rows(asked)]

    async def until_told(self, sentence: str, times: int) -> None:
        async def told() -> bool:
            return (await self.story()).count(sentence) == times

        await self.desk.until(told)

    async def batches(self) -> list[tuple[Any, ...]]:
        asked = "select round, status, transactions from erp_batches order by round"
        return [tuple(row) for row in await self.desk.rows(asked)]


@pytest.fixture
async def month(desk: RunningDesk) -> AsyncIterator[Month]:
    yield Month(desk)
    async with desk.engine.connect() as connection:
        assert await violations(connection) == {}


async def test_a_month_is_closed_by_itself_and_becomes_final(month: Month) -> None:
    await month.bill(330_000)
    await month.begin()
    await month.until_waits("reopening")

    assert await month.status() == "closed"
    assert await month.batches() == [(1, "acknowledged", 1)]
    assert len(BOOKS.documents) == 1
    assert await month.story() == ["close_begun", "close_locked", "close_sent", "closed"]

    assert await month.become_final() == 1
    assert (await month.story())[-1] == "close_final"
    await month.until_waits()


async def test_what_is_in_the_way_is_looked_at_again_every_hour(month: Month) -> None:
    await month.bill(330_000)
    await a_lease(month.desk.engine, "cus_mina", BASIC, at=datetime(2026, 9, 1, 3, tzinfo=UTC))
    await month.begin()
    await month.until_waits("close_checks")
    assert await month.status() == "open"
    await month.pass_time(hours=3)
    assert (await month.story()).count("close_held") == 1
    assert BOOKS.asked == []

    november = "update subscriptions set next_bill_on = '2026-11-01', billed_until = '2026-11-01'"
    await month.desk.change(november)
    await month.desk.change("update subscription_charges set until_on = '2026-11-01'")
    await month.pass_time(hours=1, seconds=1)
    await month.until_waits("reopening")
    assert await month.status() == "closed"
    assert await month.become_final() == 1


async def test_finance_accepts_what_is_in_the_way_with_a_reason(month: Month) -> None:
    await a_lease(month.desk.engine, "cus_mina", BASIC, at=datetime(2026, 9, 1, 3, tzinfo=UTC))
    await month.begin()
    await month.until_waits("close_checks")

    assert await month.say("accept", check="contracts") == "reason_missing"
    assert await month.say("accept", reason="billed by hand", check="suspense") == "nothing_to_accept"
    assert await month.say("reopen", reason="x") == "month_not_closed"
    assert await month.say("start") == "close_under_way"
    assert await month.say("accept", reason="billed by hand", check="contracts") == ""

    await month.until_waits("reopening")
    row = (await month.desk.rows("select * from close_checks where code = 'contracts'"))[0]
    assert (row.status, row.accepted_by, row.reason) == ("accepted", "acc_fin", "billed by hand")
    assert await month.say("retry") == "nothing_to_accept"


async def test_an_erp_that_refuses_is_asked_again_after_the_repair(month: Month) -> None:
    await month.bill(330_000)
    BOOKS.refusal = "The period 2026-10 is closed."
    await month.begin()
    await month.until_waits("erp_repair")
    assert await month.status() == "closing"

    await month.pass_time(days=1, seconds=1)  # asked again by itself, and refused again
    await month.until_told("close_refused", 2)
    BOOKS.refusal = ""
    assert await month.say("retry") == ""

    await month.until_waits("reopening")
    assert await month.batches() == [(1, "acknowledged", 1)]
    assert (await month.story()).count("close_refused") == 2
    asked = "select details from timeline_entries where sentence = 'billing.close_refused'"
    told = await month.desk.rows(asked)
    assert told[0].details["reason"] == "The period 2026-10 is closed."
    assert await month.become_final() == 1


async def test_sums_that_differ_in_the_erp_are_repaired_there_or_accepted(month: Month) -> None:
    await month.bill(330_000)
    BOOKS.drift["108"] = 7
    await month.begin()
    await month.until_waits("erp_repair")
    assert await month.batches() == [(1, "prepared", 1)]

    assert await month.say("accept", reason="rounding in the ERP", check="posting") == ""

    await month.until_waits("reopening")
    assert await month.batches() == [(1, "acknowledged", 1)]
    assert len(BOOKS.documents) == 1
    assert "close_differs" in await month.story()
    assert await month.become_final() == 1


async def test_a_closed_month_is_reopened_by_two_people_and_closed_again(month: Month) -> None:
    await month.bill(330_000)
    await month.begin()
    await month.until_waits("reopening")

    assert await month.say("reopen", "acc_a") == "reason_missing"
    assert await month.say("reopen", "acc_a", "an invoice is missing") == ""
    assert await month.status() == "closed"
    assert await month.say("reopen", "acc_a", "again") == "second_person_needed"
    assert await month.say("reopen", "acc_b", "agreed") == ""
    await month.until_waits("close_start")
    assert await month.status() == "open"

    await month.bill(110_000)
    assert await month.say("start", "acc_b") == ""
    await month.until_waits("reopening")
    assert await month.batches() == [(1, "acknowledged", 1), (2, "acknowledged", 1)]
    assert len(BOOKS.documents) == 2
    assert await month.become_final() == 2


async def test_the_calendar_closes_the_month_before_once(desk: RunningDesk) -> None:
    first_of_may = datetime(2026, 4, 30, 21, tzinfo=UTC)  # six in the morning in Seoul
    await keep_schedules(desk.client, SCHEDULES)
    (appointment,) = [one for one in SCHEDULES if one.name == "MonthEnd"]
    handle = desk.client.get_schedule_handle(appointment.id)
    hour = timedelta(hours=1)
    for _ in "12":
        await handle.backfill(
            ScheduleBackfill(first_of_may - hour, first_of_may + hour, ScheduleOverlapPolicy.ALLOW_ALL)
        )

    async def closed() -> bool:
        found = await desk.rows("select id, status from accounting_periods")
        return [tuple(row) for row in found] == [("2026-04", "closed")]

    await desk.until(closed)
    begun = [one async for one in desk.client.list_workflows("WorkflowId = 'close:2026-04'")]
    assert len(begun) == 1
    await handle.delete()


class TestWithTryton:
    """The same life over a line to the real ERP."""

    @pytest.fixture
    async def wire(self, erp: RunningTryton) -> AsyncIterator[Wire]:
        async with wired(erp) as wire:
            yield wire

    @pytest.fixture
    def stand_ins(self, worker_engine: AsyncEngine, wire: Wire) -> StandIns:
        line = HttpTryton(wire.url, wire.target.database, "ieum", PASSWORD, CallLog(worker_engine))
        close = CloseActivities(worker_engine, line)
        return StandIns(acts={ACCOUNTING_QUEUE: [close.draft_posting, close.post_draft]})

    @pytest.fixture(autouse=True)
    def first_close(self, erp: RunningTryton) -> None:
        """What earlier tests posted goes by another name: each test is a company's first close."""
        erp.rename_moves()

    async def test_posted_once_though_every_sort_of_answer_is_lost(
        self, month: Month, wire: Wire, erp: RunningTryton
    ) -> None:
        await month.bill(330_000)
        await month.bill(1_234_567, 99)
        wire.cut.update({"create": 1, "post": 1, "login": 1, "search_read": 1})
        await month.begin()

        await month.until_waits("reopening")

        (move,) = erp.moves("ieum:2026-10.1")
        assert move["state"] == "posted"
        assert +wire.cut == {}
        lines = erp.ask("model.account.move.line.search_read", [["move", "=", move["id"]]], 0, None, None,
                        ["account.code", "debit", "credit"])  # fmt: skip
        theirs = {
            one["account."]["code"]: int(one["debit"]["decimal"]) - int(one["credit"]["decimal"])
            for one in lines
        }
        ours = await month.desk.rows(
            "select code, sum(debit_minor - credit_minor)::int as balance from erp_postings group by code"
        )
        assert theirs == {row.code: row.balance for row in ours}
        assert theirs["108"] == 330_000 + 1_234_567 + 99

    async def test_the_worker_and_every_connection_die_while_the_erp_is_away(
        self, month: Month, wire: Wire, erp: RunningTryton, database: Database
    ) -> None:
        await month.bill(330_000)
        wire.is_down = True
        await month.begin()
        await month.until_waits("erp")
        await month.desk.stop_work()
        with psycopg.connect(database.cluster.url(), autocommit=True) as admin:
            admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where usename in ('ieum_worker', 'ieum_erp')"
            )
        month.desk.begin_work()
        wire.is_down = False

        async with asyncio.timeout(240):  # the pauses between its tries have grown
            while await month.status() != "closed":  # noqa: ASYNC110
                await asyncio.sleep(0.2)

        assert [one["state"] for one in erp.moves("ieum:2026-10.1")] == ["posted"]
        assert await month.batches() == [(1, "acknowledged", 1)]

    async def test_a_month_that_accounting_has_closed_in_tryton_becomes_a_task(
        self, month: Month, erp: RunningTryton
    ) -> None:
        await month.bill(330_000)
        erp.close_month("2026-10")
        await month.begin()
        await month.until_waits("erp_repair")
        assert erp.moves("ieum:2026-10.1") == []

        erp.close_month("2026-10", reopen=True)
        # a worker too busy to answer in time may have heard the first delivery of the same press already
        assert await month.say("retry") in ("", "nothing_to_accept")
        await month.until_waits("reopening")
        assert [one["state"] for one in erp.moves("ieum:2026-10.1")] == ["posted"]
