"""What a bill run does to the world: planned, billed slice by slice, told about, closed."""

import time
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlmodel import col, select
from temporalio import activity

from activities.billing import statements as sql
from activities.billing.rating import Memory
from activities.billing.slices import Range, Work, bill
from activities.kit.beating import beating
from activities.kit.timeline import tell_live, write_entry, write_waits
from activities.kit.transactions import transaction
from models.billing import BillRun, BillSlice
from models.kit.money import shown
from models.kit.timeline import EntryKind
from models.messages.billing import runs as said
from models.messages.billing.runs import (
    PlannedRun,
    PlanRun,
    RunProgress,
    RunStatus,
    RunStep,
    SliceCounts,
    SliceStatus,
    run_workflow_id,
)

SUMS = ", ".join(f"coalesce(sum({name}), 0)::bigint as {name}" for name in SliceCounts.__dataclass_fields__)
PROGRESS = f"""select count(*) as slices, count(*) filter (where status = 'done') as slices_done, {SUMS}
from bill_slices where run_id = :run_id"""  # noqa: S608 names of our own columns
OVER = (RunStatus.DONE, RunStatus.CANCELLED)
ENDS = {RunStatus.DONE: "ended_at", RunStatus.CANCELLED: "ended_at"}


@dataclass
class BillRunActivities:
    """Everything that writes runs and what they bill; dependencies are handed in by worker.py."""

    engine: AsyncEngine
    memory: Memory = field(default_factory=Memory)

    @activity.defn(name="billing.plan_run")
    async def plan_run(self, asked: PlanRun) -> PlannedRun:
        """Store the run and cut its accounts into slices. Safe to repeat: slices that are there stay, and
        only those that are still open are answered."""
        order = asked.order
        async with transaction(self.engine) as session:
            await _be_born(session, asked)
            run = await session.get_one(BillRun, order.run_id, with_for_update=True)
            if await session.scalar(select(col(BillSlice.run_id)).limit(1).where(_of(order.run_id))) is None:
                values = {"run_id": order.run_id, "day": order.day, "size": order.slice_size}
                await session.execute(text(sql.PLAN), values)
            rows = list(await session.scalars(select(BillSlice).where(_of(order.run_id))))
            open_ = sorted(one.number for one in rows if one.status is SliceStatus.OPEN)
            return PlannedRun(tuple(open_), sum(one.expected for one in rows), run.status)

    @activity.defn(name="billing.bill_slice")
    async def bill_slice(self, asked: said.BillSlice) -> RunProgress:
        """Bill one slice in one transaction and say how far the run is. Safe to repeat: a slice that is done
        is not billed again, and one that was broken off has left nothing behind."""
        began = time.monotonic()
        async with beating(), self.engine.begin() as connection:
            row = await _locked(connection, asked)
            if row.status == SliceStatus.OPEN:
                work = Work(asked.run_id, asked.day, asked.at, self.memory, asked.is_preview)
                counts = await bill(connection, work, Range(row.from_id, row.until_id))
                await _close_slice(connection, asked, counts, time.monotonic() - began)
        return await self.progress(asked.run_id)

    @activity.defn(name="billing.run_progress")
    async def progress(self, run_id: str) -> RunProgress:
        """How far a run is and what it came to. Safe to repeat: it only reads."""
        async with self.engine.connect() as connection:
            row = (await connection.execute(text(PROGRESS), {"run_id": run_id})).one()
        counts = {name: getattr(row, name) for name in SliceCounts.__dataclass_fields__}
        return RunProgress(row.slices, row.slices_done, SliceCounts(**counts))

    @activity.defn(name="billing.slices_to_write")
    async def slices_to_write(self, run_id: str) -> tuple[int, ...]:
        """The slices whose invoices have not all been sent. Safe to repeat: it only reads."""
        query = select(col(BillSlice.number)).where(
            _of(run_id), col(BillSlice.letters_at).is_(None), col(BillSlice.invoices) > 0
        )
        async with transaction(self.engine) as session:
            return tuple(await session.scalars(query.order_by(col(BillSlice.number))))

    @activity.defn(name="billing.record_run")
    async def record_run(self, step: RunStep) -> None:
        """Write one step of a run: row, timeline, waits, live signal. Safe to repeat: an older `seq` changes
        nothing, and a run that is over stays over."""
        async with transaction(self.engine) as session:
            run = await session.get_one(BillRun, step.run_id, with_for_update=True)
            if run.seq >= step.seq or run.status in OVER:
                return
            run.seq, run.status = step.seq, step.status
            if step.status in OVER:
                run.ended_at = step.at
            workflow_id = run_workflow_id(run.id)
            await write_entry(
                session, key=f"{workflow_id}/{step.seq}", subject=workflow_id, ticket_id=None, at=step.at,
                sentence=step.sentence, kind=EntryKind.MONEY, details=await _details(session, run, step),
                actor_kind="staff" if step.actor_id else "system", actor_id=step.actor_id or None,
            )  # fmt: skip
            await write_waits(session, workflow_id, step.waits)
            await tell_live(session, "journeys")


def _of(run_id: str) -> Any:
    return col(BillSlice.run_id) == run_id


async def _be_born(session: AsyncSession, asked: PlanRun) -> None:
    """A run that finance asked for has its row already; the schedule's gets it here."""
    order = asked.order
    row = {"id": order.run_id, "day": order.day, "is_preview": order.is_preview, "seq": 0,
           "asked_by": order.asked_by, "created_at": asked.at, "status": RunStatus.PLANNED}  # fmt: skip
    await session.execute(insert(BillRun).values(row).on_conflict_do_nothing())
    await session.execute(
        update(BillRun)
        .where(col(BillRun.id) == order.run_id, col(BillRun.status) == RunStatus.PLANNED)
        .values(status=RunStatus.RUNNING, started_at=asked.at)
    )


async def _locked(connection: AsyncConnection, asked: said.BillSlice) -> Any:
    held = "select * from bill_slices where run_id = :run_id and number = :number for update"
    return (
        await connection.execute(text(held), {"run_id": asked.run_id, "number": asked.number})
    ).one()  # fmt: skip


async def _close_slice(
    connection: AsyncConnection, asked: said.BillSlice, counts: SliceCounts, seconds: float
) -> None:
    """What the slice came to; the page of a run that works looks every two seconds."""
    values = {**asdict(counts), "status": SliceStatus.DONE, "milliseconds": int(seconds * 1000)}
    mine = _of(asked.run_id), col(BillSlice.number) == asked.number
    await connection.execute(update(BillSlice).where(*mine).values(**values, done_at=asked.at))


async def _details(session: AsyncSession, run: BillRun, step: RunStep) -> dict[str, str]:
    row = (await session.execute(text(PROGRESS), {"run_id": run.id})).one()
    expected = await session.scalar(
        text("select coalesce(sum(expected), 0) from bill_slices where run_id = :run_id"), {"run_id": run.id}
    )
    return {
        "day": run.day.isoformat(), "accounts": str(expected), "invoices": str(row.invoices),
        "total": shown(int(row.total_minor)), "parked": str(row.parked_accounts), "reason": step.reason,
    }  # fmt: skip
