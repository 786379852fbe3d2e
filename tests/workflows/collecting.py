"""A worker that collects, on a database and a Temporal server of the test."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.billing import BillingActivities
from activities.kit.invariants import violations
from activities.kit.outbox import Relay
from activities.kit.post import LetterActivities
from activities.kit.transactions import statements, transaction
from activities.payments import (
    AskingActivities,
    CollectionActivities,
    NoticeActivities,
    PaymentActivities,
)
from activities.payments.providers import GATEWAY, Provider
from models.messages.letters import Delivery, Letter
from models.messages.payments.collection import CollectionOrder
from models.payments import CollectionRules
from tests.builders.collection import DAY, SEALS
from workflows.billing import InvoiceWorkflow
from workflows.kit.options import BATCH_QUEUE, DESK_QUEUE, MAIL_QUEUE, PAYMENTS_QUEUE
from workflows.payments import ChargeWorkflow, CollectionWorkflow

_numbers = count(1)


@dataclass
class Post(LetterActivities):
    """Remembers the letters that a collection writes."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    @activity.defn(name="letters.send")
    async def send(self, letter: Letter) -> Delivery:
        """Remember it once per key."""
        if (letter.key, letter.template) not in self.sent:
            self.sent.append((letter.key, letter.template))
        return Delivery.MAIL


@dataclass
class Collecting:
    """Starts collections, moves their clocks and reads what they left behind."""

    engine: AsyncEngine
    temporal: WorkflowEnvironment
    providers: Mapping[str, Provider]
    post: Post = field(default_factory=lambda: Post(None, None, None, None, ""))  # type: ignore[arg-type]
    handles: list[WorkflowHandle[Any, Any]] = field(default_factory=list)

    async def begin(self, **changes: Any) -> WorkflowHandle[Any, Any]:
        order = CollectionOrder(**{"day": DAY, **changes})
        handle: WorkflowHandle[Any, Any] = await self.temporal.client.start_workflow(
            CollectionWorkflow.run, order, id=f"collection:test-{next(_numbers)}", task_queue=DESK_QUEUE
        )
        self.handles.append(handle)
        return handle

    async def finish(self, handle: WorkflowHandle[Any, Any], **duration: float) -> Any:
        """Let time pass until it has ended, or for so long."""
        try:
            await self.temporal.fast_forward(handle, timedelta(**duration) if duration else None)
        except RPCError as ended:
            if "already completed" not in ended.message:
                raise
        return None if duration else await handle.result()

    async def collect(self, **changes: Any) -> Any:
        return await self.finish(await self.begin(**changes))

    async def rules(self, **terms: Any) -> None:
        """Other rules from the next collection on."""
        async with transaction(self.engine) as session:
            last = await session.scalar(text("select max(version) from collection_rules"))
            session.add(
                CollectionRules(version=int(last or 0) + 1, terms=terms, created_at=datetime.now(UTC))
            )

    async def days_pass(self, days: int) -> None:
        """Everything that was tried lies so many days further back."""
        query = """update payment_attempts set settled_at = settled_at - make_interval(days => :days),
                   created_at = created_at - make_interval(days => :days) returning id"""
        await self.rows(query, days=days)

    async def until_found(self, query: str, **values: Any) -> list[Any]:
        """Give workflows beside real time until this finds something."""
        for _ in range(200):
            if found := await self.rows(query, **values):
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(query)

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with statements(self.engine) as connection:
            return list((await connection.execute(text(query), values)).all())

    async def counted(self, table: str = "payment_attempts") -> dict[str, int]:
        """How many rows there are, by status."""
        rows = await self.rows(f"select status, count(*) from {table} group by status")
        return {row[0]: row[1] for row in rows}

    async def until_counted(self, wanted: dict[str, int], table: str = "payment_attempts") -> None:
        """Give workflows that were started beside real time to get there."""
        for _ in range(200):
            if (found := await self.counted(table)) == wanted:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(found)

    async def all_is_well(self) -> None:
        """Every invariant of money holds."""
        for _ in range(100):
            async with self.engine.connect() as connection:
                broken = await violations(connection)
            if not broken:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(broken)


@asynccontextmanager
async def collecting(
    engine: AsyncEngine, temporal: WorkflowEnvironment, *, gateway: Provider | None = None, **others: Provider
) -> AsyncIterator[Collecting]:
    """Everything at work that a collection needs, and the relay."""
    providers = {**({GATEWAY: gateway} if gateway else {}), **others}
    house = Collecting(engine, temporal, providers)
    relay = asyncio.create_task(Relay(engine, temporal.client).run())
    async with at_work(house):
        yield house
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)


@asynccontextmanager
async def at_work(house: Collecting) -> AsyncIterator[None]:
    """The workers; leaving ends them at once, in the middle of whatever they do."""
    engine, client = house.engine, house.temporal.client
    gateway = house.providers.get(GATEWAY) or next(iter(house.providers.values()))
    rows, asking = CollectionActivities(engine), AskingActivities(engine, house.providers, SEALS)
    charges = PaymentActivities(engine, gateway.gateway, gateway.keys, SEALS, house.providers)
    bills = BillingActivities(engine)
    desk: list[Any] = [
        rows.record_collection, charges.open, charges.begin, charges.record, bills.issue, bills.settle,
        bills.record,
    ]  # fmt: skip
    batch: list[Any] = [
        rows.begin_collection, rows.write_attempts, rows.collection_left, rows.give_up_asking,
        asking.ask_slice, asking.look_up_slice, NoticeActivities(engine, house.post).tell_slice,
    ]  # fmt: skip
    lives = [CollectionWorkflow, ChargeWorkflow, InvoiceWorkflow]
    zero = timedelta(0)
    async with (
        Worker(client, task_queue=DESK_QUEUE, workflows=lives, activities=desk),
        Worker(client, task_queue=BATCH_QUEUE, activities=batch, graceful_shutdown_timeout=zero),
        Worker(client, task_queue=PAYMENTS_QUEUE, activities=[charges.charge, charges.look_up]),
        Worker(client, task_queue=MAIL_QUEUE, activities=[house.post.send]),
    ):
        yield
