"""The life of a deposit: it settles by itself, or waits until finance says whose it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.kit.invariants import violations
from activities.kit.transactions import statements
from activities.payments import DepositActivities
from models.messages.payments.deposits import (
    DepositCommand,
    DepositOrder,
    DepositStatus,
    deposit_workflow_id,
)
from tests.activities.test_deposits import a_deposit
from tests.builders.collection import a_customer, a_run_invoice
from workflows.kit.options import DESK_QUEUE
from workflows.payments import DepositWorkflow

WAITING = "select what from waits where ended_at is null and workflow_id like 'deposit:%'"


@asynccontextmanager
async def at_work(engine: AsyncEngine, temporal: WorkflowEnvironment) -> AsyncIterator[None]:
    acts = DepositActivities(engine)
    listed: list[Any] = [acts.allocate_deposit, acts.return_deposit, acts.wait_deposit]
    async with Worker(temporal.client, task_queue=DESK_QUEUE, workflows=[DepositWorkflow], activities=listed):
        yield


async def arrived(
    engine: AsyncEngine, temporal: WorkflowEnvironment, amount: int, customer: str | None = None
) -> WorkflowHandle[Any, DepositStatus]:
    name = await a_deposit(engine, amount, customer)
    return await temporal.client.start_workflow(
        DepositWorkflow.run, DepositOrder(name), id=deposit_workflow_id(name), task_queue=DESK_QUEUE
    )


async def found(engine: AsyncEngine, query: str) -> list[str]:
    async with statements(engine) as connection:
        return list((await connection.scalars(text(query))).all())


async def until_asked(engine: AsyncEngine) -> None:
    for _ in range(200):
        if await found(engine, WAITING) == ["unclaimed"]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("finance was not asked")


def command(number: int, customer: str = "") -> DepositCommand:
    return DepositCommand(f"press{number}", "acc_fin", datetime.now(UTC), customer)


async def test_a_deposit_of_a_known_customer_settles_what_is_owed(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    customer = await a_customer(worker_engine)
    await a_run_invoice(worker_engine, customer, 33_000)
    async with at_work(worker_engine, temporal):
        handle = await arrived(worker_engine, temporal, 33_000, customer)

        assert await handle.result() is DepositStatus.ALLOCATED
    assert await found(worker_engine, "select status from invoices") == ["paid"]
    async with worker_engine.connect() as connection:
        assert await violations(connection) == {}


async def test_unclaimed_money_waits_until_finance_says_whose_it_is(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    customer = await a_customer(worker_engine)
    await a_run_invoice(worker_engine, customer, 33_000)
    async with at_work(worker_engine, temporal):
        handle = await arrived(worker_engine, temporal, 40_000)
        await until_asked(worker_engine)

        assert (
            await handle.execute_update("allocate_to", command(1, customer)) == "suspense"
        )  # 7,000 too much
        assert await found(worker_engine, "select status from invoices") == ["paid"]
        assert await handle.execute_update("give_back", command(2)) == "returned"
        assert await handle.result() is DepositStatus.RETURNED

    assert await found(worker_engine, WAITING) == []
    async with worker_engine.connect() as connection:
        assert await violations(connection) == {}
