"""Files for the bank: mandates first, debits before the cut-off, one result a row whatever the bank sends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.connectors.bank import HttpBank
from activities.connectors.billing_keys import ConsoleBillingKeys
from activities.kit.calls import CallLog
from activities.kit.invariants import violations
from activities.kit.transactions import statements
from activities.payments import MethodActivities, TransferActivities
from models.messages.payments import MethodOrder, MethodStatus, method_workflow_id
from models.messages.payments.transfers import (
    BatchKind,
    BatchStatus,
    TransferOrder,
    transfer_workflow_id,
)
from tests.builders.collection import SEALS, a_customer, a_run_invoice, an_account, debtors
from tests.sandbox import Sandbox
from workflows.kit.options import BANK_QUEUE, BATCH_QUEUE, DESK_QUEUE, PAYMENTS_QUEUE
from workflows.payments import PaymentMethodWorkflow, TransferBatchWorkflow

WEDNESDAY = date(2027, 3, 3)
SUNDAY = date(2027, 3, 7)


@dataclass
class Banking:
    """Starts files, moves their clocks and reads what they left behind."""

    engine: AsyncEngine
    temporal: WorkflowEnvironment

    async def batch(self, kind: BatchKind = BatchKind.DEBIT, day: date = WEDNESDAY) -> BatchStatus:
        """A file's whole life."""
        handle = await self.temporal.client.start_workflow(
            TransferBatchWorkflow.run, TransferOrder(kind, day), id=transfer_workflow_id(kind, day),
            task_queue=DESK_QUEUE,
        )  # fmt: skip
        try:
            await self.temporal.fast_forward(handle, None)
        except RPCError as ended:
            if "already completed" not in ended.message:
                raise
        return await handle.result()

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with statements(self.engine) as connection:
            return [tuple(row) for row in (await connection.execute(text(query), values)).all()]

    async def all_is_well(self) -> None:
        async with self.engine.connect() as connection:
            assert await violations(connection) == {}


@asynccontextmanager
async def banking(
    engine: AsyncEngine, temporal: WorkflowEnvironment, sandbox: Sandbox
) -> AsyncIterator[Banking]:
    line = HttpBank(f"{sandbox.url}/bank", sandbox.token, CallLog(engine))
    files = TransferActivities(engine, line, SEALS)
    methods = MethodActivities(engine, ConsoleBillingKeys(), SEALS)
    lives = [TransferBatchWorkflow, PaymentMethodWorkflow]
    client = temporal.client
    desk: list[Any] = [files.record_batch, methods.record_method]
    batch: list[Any] = [files.plan_batch, files.fill_batch, files.miss_batch]
    async with (
        Worker(client, task_queue=DESK_QUEUE, workflows=lives, activities=desk),
        Worker(client, task_queue=BATCH_QUEUE, activities=batch),
        Worker(client, task_queue=BANK_QUEUE, activities=[files.hand_in_batch, files.fetch_result]),
        Worker(client, task_queue=PAYMENTS_QUEUE, activities=[methods.keep_method, methods.drop_method]),
    ):
        yield Banking(engine, temporal)
    await line.close()


LIES: list[dict[str, bool]] = [
    {}, {"half_first": True}, {"garbage_row": True}, {"unknown_row": True},
    {"half_first": True, "garbage_row": True, "unknown_row": True},
]  # fmt: skip


@pytest.mark.parametrize("lies", LIES)
async def test_a_debit_file_moves_money_once_whatever_its_result_looks_like(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, sandbox: Sandbox, lies: dict[str, bool]
) -> None:
    invoices = await debtors(worker_engine, "11022223333", "11022224444", "11022220021", "11022220012")
    sandbox.client.put("/bank/control/lies", json=lies).raise_for_status()
    async with banking(worker_engine, temporal, sandbox) as house:
        assert await house.batch() is BatchStatus.DONE

        states = dict(await house.rows("select id, status from invoices"))
        assert [states[one] for one in invoices] == ["paid", "paid", "issued", "issued"]
        moved = sandbox.client.get("/bank/control/moves").json()
        booked = await house.rows("select sum(debit_minor) from ledger_entries where account = 'bank'")
        assert sum(one["amount"] for one in moved) == booked[0][0] == 66_000
        methods = await house.rows("select status, count(*) from payment_methods group by 1 order by 1")
        assert methods == [("active", 3), ("invalid", 1)]  # the account that is closed is debited no more
        odd = {kind for (kind,) in await house.rows("select kind from transfer_oddities")}
        wanted = {"garbage_row": "unreadable", "unknown_row": "unknown_row"}
        assert odd == {wanted[name] for name in lies if name in wanted}
        await house.all_is_well()


async def test_the_same_result_twice_changes_nothing(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, sandbox: Sandbox
) -> None:
    await debtors(worker_engine, "11022223333")
    sandbox.client.put("/bank/control/lies", json={}).raise_for_status()
    async with banking(worker_engine, temporal, sandbox) as house:
        await house.batch()
        before = await house.rows("select count(*), sum(debit_minor) from ledger_entries")
        await temporal.client.start_workflow(
            TransferBatchWorkflow.run, TransferOrder(BatchKind.DEBIT, WEDNESDAY), id="transfer:again",
            task_queue=DESK_QUEUE,
        )  # fmt: skip
        await asyncio.sleep(1)

        assert await house.rows("select count(*), sum(debit_minor) from ledger_entries") == before
        await house.all_is_well()


async def test_a_file_that_misses_its_cut_off_goes_out_with_the_next_one(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, sandbox: Sandbox
) -> None:
    await debtors(worker_engine, "11022223333")
    sandbox.client.put("/bank/control/lies", json={"is_closed": True}).raise_for_status()
    async with banking(worker_engine, temporal, sandbox) as house:
        assert await house.batch() is BatchStatus.MISSED
        assert sandbox.client.get("/bank/control/files").json() == []
        sandbox.client.put("/bank/control/lies", json={}).raise_for_status()

        assert await house.batch(day=WEDNESDAY + timedelta(days=1)) is BatchStatus.DONE

        assert await house.rows("select status, code from payment_attempts order by ordinal") == [
            ("refused", "cut_off_missed"), ("succeeded", "DONE"),
        ]  # fmt: skip
        await house.all_is_well()


async def test_on_a_day_off_no_file_is_made(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, sandbox: Sandbox
) -> None:
    await debtors(worker_engine, "11022223333")
    async with banking(worker_engine, temporal, sandbox) as house:
        assert await house.batch(day=SUNDAY) is BatchStatus.EMPTY
        assert await house.rows("select count(*) from transfer_batches") == [(0,)]


async def test_only_a_registered_mandate_is_debited(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, sandbox: Sandbox
) -> None:
    """C6: the mandate goes to the bank first; its result decides, and only then is money asked for."""
    sandbox.client.put("/bank/control/lies", json={}).raise_for_status()
    customer, other = await a_customer(worker_engine), await a_customer(worker_engine)
    fresh = await an_account(worker_engine, customer, "11022223333", MethodStatus.PENDING)
    refused = await an_account(worker_engine, other, "11022220017", MethodStatus.PENDING)
    await a_run_invoice(worker_engine, customer)
    async with banking(worker_engine, temporal, sandbox) as house:
        for name, owner in ((fresh, customer), (refused, other)):
            await temporal.client.start_workflow(
                PaymentMethodWorkflow.run, MethodOrder(name, owner, is_account=True),
                id=method_workflow_id(name), task_queue=DESK_QUEUE,
            )  # fmt: skip
        assert await house.batch() is BatchStatus.EMPTY

        assert await house.batch(BatchKind.REGISTRATION) is BatchStatus.DONE
        for _ in range(100):
            states = dict(await house.rows("select id, status from payment_methods"))
            if "pending" not in states.values():
                break
            await asyncio.sleep(0.05)
        assert states == {fresh: "active", refused: "invalid"}

        assert await house.batch(day=WEDNESDAY + timedelta(days=5)) is BatchStatus.DONE
        assert await house.rows("select status from invoices") == [("paid",)]
        await house.all_is_well()


async def test_a_hand_over_that_is_unclear_is_repeated_and_the_bank_has_one_file(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, sandbox: Sandbox
) -> None:
    """The bank takes the file and the connection breaks: the same name again is the same file."""
    invoices = await debtors(worker_engine, "11022223333")
    sandbox.client.put("/bank/control/lies", json={}).raise_for_status()
    sandbox.fail("bank", {"kind": "500_after", "operation": "hand_in", "times": 2})
    async with banking(worker_engine, temporal, sandbox) as house:
        assert await house.batch() is BatchStatus.DONE

        assert sandbox.fired("bank") == {"500_after": 2}
        assert len(sandbox.client.get("/bank/control/files").json()) == 1
        assert len(sandbox.client.get("/bank/control/moves").json()) == len(invoices)
        await house.all_is_well()
