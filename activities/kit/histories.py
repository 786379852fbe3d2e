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

from activities.kit.transactions import statements
from models.journeys import JourneyHistory

LOG = logging.getLogger(__name__)
EVERY = 5.0  # seconds between two looks
LATE = timedelta(minutes=10)  # how late a closed workflow may show up in Temporal's list
SOON = timedelta(seconds=20)  # how late it usually does; what is later is found once a minute
WIDE_EVERY = timedelta(minutes=1)
PAGE = 200
FLEETING = ("PeopleSync",)  # runs every minute and tells what it did in tables


class HistoryKeeper:
    """Asks Temporal for closed workflows and keeps their histories."""

    def __init__(self, engine: AsyncEngine, client: Client) -> None:
        self.engine = engine
        self.client = client
        self.mark: datetime | None = None  # everything that closed before it, less LATE, is kept
        self.last: datetime | None = None  # when we looked last
        self.kept: set[tuple[str, str]] = set()  # known to be kept, for as long as they may be listed again

    async def run(self) -> None:
        """Keep histories for ever; ends when it is cancelled."""
        while True:
            try:
                await self.sweep()
            except (RPCError, SQLAlchemyError, psycopg.Error, OSError) as error:
                LOG.warning("histories not kept", extra={"error": type(error).__name__})
            await asyncio.sleep(EVERY)

    async def sweep(self) -> int:
        """Keep everything that closed since we looked last; says how many histories were new."""
        began = datetime.now(UTC)
        is_wide = self.mark is None or self.last is None or began - self.mark >= WIDE_EVERY
        asked = "ExecutionStatus != 'Running'"
        asked += "".join(f" AND WorkflowType != '{name}'" for name in FLEETING)
        if self.mark is not None and self.last is not None:
            since = self.mark - LATE if is_wide else self.last - SOON
            asked += f" AND CloseTime > '{since.isoformat()}'"
        if is_wide:
            self.kept.clear()
        kept = 0
        page: list[WorkflowExecution] = []
        async for execution in self.client.list_workflows(asked, page_size=PAGE):
            page.append(execution)
            if len(page) == PAGE:
                kept += await self._keep_new(page)
                page = []
        kept += await self._keep_new(page)
        self.last = began
        if is_wide:
            self.mark = began
        return kept

    async def _keep_new(self, page: list[WorkflowExecution]) -> int:
        keys = {(execution.id, execution.run_id): execution for execution in page}
        keys = {key: execution for key, execution in keys.items() if key not in self.kept}
        if not keys:
            return 0
        async with statements(self.engine) as connection:
            columns = (col(JourneyHistory.workflow_id), col(JourneyHistory.run_id))
            known = (await connection.execute(select(*columns).where(tuple_(*columns).in_(list(keys))))).all()
        new = [keys[key] for key in keys.keys() - {(row[0], row[1]) for row in known}]
        for execution in new:
            await self._keep(execution)
        self.kept.update(keys)
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
        async with statements(self.engine) as connection:
            await connection.execute(insert(JourneyHistory).values(row).on_conflict_do_nothing())
