"""PostgreSQL dies with -9 again and again while a month is closed; it is closed once, and all agrees."""

import asyncio
import os
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment

from activities.billing import BillingActivities, CloseActivities
from activities.connectors.accounting import ConsoleAccounting, unclear
from activities.kit.invariants import violations
from models.kit.engine import engine_for
from models.messages.billing.close import CloseOrder, JournalEntry, close_workflow_id
from models.messages.billing.invoices import IssueInvoice
from ops.postgres import Cluster, free_port
from tests.builders.billing import an_order_to_bill
from tests.conftest import ROOT
from tests.desk import DESK_QUEUE, RunningDesk, StandIns
from workflows.billing import CloseWorkflow
from workflows.kit.options import ACCOUNTING_QUEUE

KILLS = 4


@dataclass
class Away(ConsoleAccounting):
    """An ERP that does what it is asked and loses the first answers."""

    lost: int = 3
    waits: list[str] = field(default_factory=list)

    async def draft(self, entry: JournalEntry) -> int:
        number = await super().draft(entry)
        if self.lost:
            self.lost -= 1
            raise unclear("lost")
        return number


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    """A durable PostgreSQL of this test, to be killed."""
    place = Path(tempfile.mkdtemp(prefix="ieum-close-", dir=os.environ.get("TEST_RUN_DIR")))
    place.chmod(0o755)
    own = Cluster(place / "postgres", free_port()).start()
    with psycopg.connect(own.url(), autocommit=True) as admin:
        for role in ("ieum_owner", "ieum_app", "ieum_worker"):
            admin.execute(f"create role {role} login password 'test' nosuperuser nobypassrls")
        admin.execute("create database ieum owner ieum_owner")
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("sqlalchemy.url", own.url("ieum", "ieum_owner", "test"))
    command.upgrade(config, "head")
    yield own
    own.stop()
    shutil.rmtree(place)


@pytest.fixture
async def engine(own_cluster: Cluster) -> AsyncIterator[AsyncEngine]:
    made = engine_for(own_cluster.url("ieum", "ieum_worker", "test"), pool_size=5)
    yield made
    await made.dispose()


async def test_a_month_is_closed_once_although_the_database_dies_in_it(
    own_cluster: Cluster, engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    books = Away()
    acts = CloseActivities(engine, books)
    stand_ins = StandIns(acts={ACCOUNTING_QUEUE: [acts.draft_posting, acts.post_draft]})
    desk = RunningDesk(engine, temporal, stand_ins)
    bill = BillingActivities(engine)
    for _ in range(10):
        order = await an_order_to_bill(engine)
        await ActivityEnvironment().run(bill.issue, IssueInvoice(order, datetime(2026, 10, 9, tzinfo=UTC)))
    desk.begin_work()
    await desk.client.start_workflow(
        CloseWorkflow.run, CloseOrder("2026-10"), id=close_workflow_id("2026-10"), task_queue=DESK_QUEUE
    )
    dice = random.Random(20)
    for _ in range(KILLS):
        await asyncio.sleep(dice.uniform(0.05, 0.8))
        await asyncio.to_thread(own_cluster.kill)
        await asyncio.to_thread(own_cluster.start)

    async with asyncio.timeout(120):
        while not await is_closed(desk):  # noqa: ASYNC110
            await asyncio.sleep(0.3)

    assert len(books.documents) == 1
    assert [one.is_posted for _, one in books.documents.values()] == [True]
    ((status, count),) = await desk.rows("select status, transactions from erp_batches")
    assert (status, count) == ("acknowledged", 10)
    async with engine.connect() as connection:
        assert await violations(connection) == {}
    await desk.stop_work()


async def is_closed(desk: RunningDesk) -> bool:
    """Whether the month is closed; a database that is just coming back says nothing yet."""
    try:
        return [row.status for row in await desk.rows("select status from accounting_periods")] == ["closed"]
    except (SQLAlchemyError, psycopg.Error, OSError):
        return False
