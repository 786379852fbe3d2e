"""Keeps the history of every closed workflow, as Temporal holds it (encrypted), when Temporal forgets it.

Nothing is lost when this process dies: each start compares all closed workflows that Temporal still knows
with what is kept, and the mark only moves on when everything before it is kept."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import psycopg
from sqlalchemy import tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError

from activities.kit.transactions import transaction
from models.journeys import JourneyHistory

LOG = logging.getLogger(__name__)
EVERY = 5.0  # seconds between two looks
LATE = timedelta(minutes=10)  # how late a closed workflow may show up in Temporal's list
PAGE = 200


class HistoryKeeper:
    """Asks Temporal for closed workflows and keeps their histories."""

    def __init__(self, engine: AsyncEngine, client: Client) -> None:
        self.engine = engine
        self.client = client
        self.mark: datetime | None = None

    async def run(self) -> None:
        """Keep histories for ever; ends when it is cancelled."""
        while True:
            try:
                await self.sweep()
            except (RPCError, SQLAlchemyError, psycopg.Error, OSError) as error:
                LOG.warning("histories not kept", extra={"error": type(error).__name__})
            await asyncio.sleep(EVERY)

    async def sweep(self) -> int:
        """Keep everything that closed since the mark; says how many histories were new."""
        began = datetime.now(UTC)
        asked = "ExecutionStatus != 'Running'"
        if self.mark is not None:
            asked += f" AND CloseTime > '{(self.mark - LATE).isoformat()}'"
        kept = 0
        page: list[WorkflowExecution] = []
        async for execution in self.client.list_workflows(asked, page_size=PAGE):
            page.append(execution)
            if len(page) == PAGE:
                kept += await self._keep_new(page)
                page = []
        kept += await self._keep_new(page)
        self.mark = began
        return kept

    async def _keep_new(self, page: list[WorkflowExecution]) -> int:
        keys = {(execution.id, execution.run_id): execution for execution in page}
        if not keys:
            return 0
        async with transaction(self.engine) as session:
            columns = (col(JourneyHistory.workflow_id), col(JourneyHistory.run_id))
            known = (await session.execute(select(*columns).where(tuple_(*columns).in_(list(keys))))).all()
        new = [keys[key] for key in keys.keys() - {(row[0], row[1]) for row in known}]
        for execution in new:
            await self._keep(execution)
        return len(new)

    async def _keep(self, execution: WorkflowExecution) -> None:
        """Fetch one history and store it; a second keeper doing the same changes nothing."""
        handle = self.client.get_workflow_handle(execution.id, run_id=execution.run_id)
        history = await handle.fetch_history()
        row = {
            "workflow_id": execution.id,
            "run_id": execution.run_id,
            "word": execution.workflow_type,
            "status": execution.status.name.lower() if execution.status else "unknown",
            "events": len(history.events),
            "history": history.to_json(),
            "closed_at": execution.close_time or datetime.now(UTC),
        }
        async with transaction(self.engine) as session:
            await session.execute(insert(JourneyHistory).values(row).on_conflict_do_nothing())
