"""The relay: what the outbox announces is told to Temporal, item by item, until Temporal has it.

It runs inside the worker (worker.py) or alone (`python -m ops.relay`)."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import func
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col, select
from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.kit.transactions import transaction
from models.kit.outbox import CHANNEL, update_id
from models.kit.refusals import Refusal
from models.messages.systems import OutboxKind, OutboxStatus
from models.systems import OutboxItem

LOG = logging.getLogger(__name__)
WORD = SearchAttributeKey.for_keyword("Word")
LANES = 4  # items on their way at once: a slow update does not hold up a start
POLL = 1.0  # seconds; only needed when a notification was lost or an item waits for its next try
PATIENCE = 10.0  # seconds that one item may take
AWAY = (SQLAlchemyError, psycopg.Error, OSError)


class Relay:
    """Empties the outbox. Any number of them may run: each item is locked while it is told."""

    def __init__(self, engine: AsyncEngine, client: Client) -> None:
        self.engine = engine
        self.client = client
        self._calls = 0
        self._called = asyncio.Condition()

    async def run(self) -> None:
        """Tell everything, for ever; ends when it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            for _ in range(LANES):
                tasks.create_task(self._lane())

    async def _lane(self) -> None:
        while True:
            seen = self._calls
            try:
                is_busy = await self.deliver_next()
            except AWAY as error:
                LOG.warning("outbox unreachable", extra={"error": type(error).__name__})
                await asyncio.sleep(POLL)
                continue
            if not is_busy:
                async with self._called:
                    await self._called.wait_for(lambda seen=seen: self._calls != seen)  # type: ignore[misc]

    async def _listen(self) -> None:
        while True:
            try:
                async with self._ears() as connection:
                    await self._call()
                    while True:
                        async for _ in connection.notifies(timeout=POLL, stop_after=1):
                            pass
                        await self._call()
            except AWAY as error:
                LOG.warning("outbox cannot be heard", extra={"error": type(error).__name__})
                await asyncio.sleep(POLL)

    @asynccontextmanager
    async def _ears(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        async with self.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            raw = (await connection.get_raw_connection()).driver_connection
            assert isinstance(raw, psycopg.AsyncConnection)
            await raw.execute(f"listen {CHANNEL}".encode())
            try:
                yield raw
            finally:
                await connection.invalidate()  # never back into the pool with its ears open

    async def _call(self) -> None:
        """Wake one lane; it wakes the next as soon as it has found something."""
        self._calls += 1
        async with self._called:
            self._called.notify()

    async def deliver_next(self) -> bool:
        """Tell the oldest item that is due and note how it went; False when nothing is due."""
        async with transaction(self.engine) as session:
            due = col(OutboxItem.status) == OutboxStatus.WAITING, col(OutboxItem.not_before) <= func.now()
            oldest = select(OutboxItem).where(*due).order_by(col(OutboxItem.id)).limit(1)
            item = (await session.scalars(oldest.with_for_update(skip_locked=True))).first()
            if item is None:
                return False
            await self._call()  # there may be more
            await self._deliver(session, item)
            return True

    async def _deliver(self, session: AsyncSession, item: OutboxItem) -> None:
        item.tries += 1
        try:
            async with asyncio.timeout(PATIENCE):
                await self._tell(item)
        except Refusal as refusal:
            item.status, item.refusal = OutboxStatus.REFUSED, refusal.code
            LOG.info("outbox item refused", extra=_facts(item))
        except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError, RuntimeError) as error:
            # A client that has never reached Temporal says so with a RuntimeError. One whose update is
            # cancelled hides the cancellation; a relay that went on would never let the worker end.
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise asyncio.CancelledError from error
            is_gone = isinstance(error, RPCError) and error.status == RPCStatusCode.NOT_FOUND
            if is_gone and not await starts_later(session, item.workflow_id):
                item.status, item.refusal = OutboxStatus.REFUSED, "already_over"
                LOG.info("outbox item too late", extra=_facts(item))
                return
            item.not_before = datetime.now(UTC) + back_off(item.tries)
            LOG.warning("outbox item delayed", extra={**_facts(item), "error": type(error).__name__})
        else:
            item.status, item.sent_at = OutboxStatus.SENT, datetime.now(UTC)

    async def _tell(self, item: OutboxItem) -> None:
        if item.kind == OutboxKind.START:
            await self._start(item)
        elif item.kind == OutboxKind.SIGNAL:
            handle = self.client.get_workflow_handle(item.workflow_id)
            await handle.signal(item.name, item.payload)
        else:
            await self._update(item)

    async def _start(self, item: OutboxItem) -> None:
        try:
            await self.client.start_workflow(
                item.workflow,
                item.payload,
                id=item.workflow_id,
                task_queue=item.task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                static_summary=item.summary or None,
                search_attributes=TypedSearchAttributes([SearchAttributePair(WORD, item.workflow)]),
            )
        except WorkflowAlreadyStartedError:
            LOG.info("already started", extra=_facts(item))

    async def _update(self, item: OutboxItem) -> None:
        handle = self.client.get_workflow_handle(item.workflow_id)
        try:
            await handle.execute_update(item.name, item.payload, id=update_id(item.actor_id, item.key))
        except WorkflowUpdateFailedError as failure:
            if isinstance(failure.cause, ApplicationError) and failure.cause.type:
                raise Refusal(failure.cause.type) from failure
            raise Refusal("try_again_later") from failure


async def starts_later(session: AsyncSession, workflow_id: str) -> bool:
    """Whether the start of this workflow is itself still in the outbox."""
    start = select(col(OutboxItem.id)).where(
        col(OutboxItem.key) == workflow_id,
        col(OutboxItem.kind) == OutboxKind.START,
        col(OutboxItem.status) == OutboxStatus.WAITING,
    )
    return (await session.execute(start)).first() is not None


def back_off(tries: int) -> timedelta:
    """How long the next try waits: 0.2 s at first, doubled up to 10 s."""
    return timedelta(seconds=min(0.2 * 2 ** min(tries - 1, 10), 10.0))


def _facts(item: OutboxItem) -> dict[str, Any]:
    return {"outbox": item.id, "workflow_id": item.workflow_id, "what": item.name, "tries": item.tries}
