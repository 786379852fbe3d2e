"""The life of one bill run: planned, billed slice by slice, paused and resumed, done; then money is asked."""

import asyncio
from dataclasses import replace

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.billing import BillRunActivities
    from models.kit.money import shown
    from models.messages.billing.runs import (
        BillRunOrder,
        BillSlice,
        CollectionDue,
        PlannedRun,
        PlanRun,
        RunCommand,
        RunProgress,
        RunStatus,
        RunStep,
        collection_workflow_id,
        letters_workflow_id,
        run_id,
        run_workflow_id,
    )
    from models.messages.journeys import Wait, WaitFor
    from workflows.kit.options import BATCH, ROWS
    from workflows.kit.refusals import refuse
    from workflows.kit.schedules import appointed_day, start_once
    from workflows.kit.waiting import Waits

OVER = frozenset({RunStatus.DONE, RunStatus.CANCELLED})


@workflow.defn(name="BillDay")
class BillDayWorkflow:
    """Called every night: begins the run of its day, once."""

    @workflow.run
    async def run(self) -> bool:
        day = appointed_day()
        order = BillRunOrder(run_id(day), day)
        return await start_once("BillRun", order, run_workflow_id(order.run_id), f"Bill run of {day}")


@workflow.defn(name="BillRun")
class BillRunWorkflow:
    """One business day's bills. Each slice is a transaction of its own: it may stop and go on anywhere."""

    @workflow.init
    def __init__(self, order: BillRunOrder) -> None:
        self.order = order
        self.seq = order.seq
        self.status = RunStatus.PAUSED if order.is_paused else RunStatus.RUNNING
        self.left: list[int] = []  # slices that nobody has begun
        self.under_way: set[asyncio.Task[None]] = set()
        self.progress = RunProgress(0, 0)
        self.waits = Waits()
        self.taken_back: RunCommand | None = None

    @workflow.run
    async def run(self, order: BillRunOrder) -> RunStatus:
        planned = await self.plan()
        if planned.status in OVER:
            return planned.status
        if order.seq == 0:
            await self.record("billing.run_started")
        if order.is_paused:
            self.begin_pause()
        await self.bill()
        await workflow.wait_condition(workflow.all_handlers_finished)
        if self.left and self.taken_back is None:
            workflow.continue_as_new(
                replace(order, seq=self.seq, is_paused=self.status is RunStatus.PAUSED)
            )  # fmt: skip
        await self.close()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.status

    async def plan(self) -> PlannedRun:
        """Cut the accounts into slices; later only those come back that are still to be billed."""
        planned = await workflow.execute_activity_method(
            BillRunActivities.plan_run,
            PlanRun(self.order, workflow.now()),
            summary=f"Plan the slices of {self.order.run_id}",
            **BATCH,
        )
        self.left = list(planned.slices)
        return planned

    async def bill(self) -> None:
        """Keep a few slices under way until none is left, or nobody shall begin another one."""
        while self.left or self.under_way:
            while self.may_begin():
                self.under_way.add(asyncio.create_task(self.bill_slice(self.left.pop(0))))
            if self.under_way:
                done, _ = await workflow.wait(self.under_way, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    self.under_way.remove(one)
                    one.result()
            elif self.taken_back is not None or self.is_long():
                break
            else:
                await self.waits.until(
                    "paused", lambda: self.status is not RunStatus.PAUSED or self.taken_back is not None
                )

    def may_begin(self) -> bool:
        """Whether another slice may be begun now."""
        is_free = len(self.under_way) < self.order.parallel and not self.is_long()
        return bool(self.left) and is_free and self.status is RunStatus.RUNNING and self.taken_back is None

    def is_long(self) -> bool:
        """Whether the history should be cut before it grows on."""
        return workflow.info().is_continue_as_new_suggested()

    async def bill_slice(self, number: int) -> None:
        """One slice: tried until it is billed, and what the tables say then is the progress."""
        progress = await workflow.execute_activity_method(
            BillRunActivities.bill_slice,
            BillSlice(
                self.order.run_id, number, self.order.day, workflow.now(), self.order.is_preview
            ),
            summary=f"Bill slice {number} of {self.order.run_id}",
            **BATCH,
        )  # fmt: skip
        if progress.slices_done >= self.progress.slices_done:
            self.progress = progress
            self.show()

    async def close(self) -> None:
        """Say how it ended; then letters and collection begin lives of their own."""
        self.waits.end_all()
        self.progress = await workflow.execute_activity_method(
            BillRunActivities.progress,
            self.order.run_id,
            summary=f"Count what {self.order.run_id} came to",
            **ROWS,
        )
        if self.taken_back is not None:
            self.status = RunStatus.CANCELLED
            await self.record("billing.run_cancelled", self.taken_back)
        else:
            self.status = RunStatus.DONE
            await self.record("billing.run_done")
        self.show()
        if self.order.is_preview:
            return
        run, day = self.order.run_id, self.order.day
        await start_once("BillLetters", run, letters_workflow_id(run), f"Send the invoices of {run}")
        await start_once(
            "Collection", CollectionDue(day, run), collection_workflow_id(day), f"Collect what {run} billed"
        )

    async def record(self, sentence: str, by: RunCommand | None = None) -> None:
        """Write one step of the run's life."""
        self.seq += 1
        step = RunStep(
            self.order.run_id, self.seq, self.status, workflow.now(), sentence,
            by.actor_id if by else "", by.reason if by else "", self.waits.take(),
        )  # fmt: skip
        await workflow.execute_activity_method(
            BillRunActivities.record_run,
            step,
            summary=f"Record that {self.order.run_id} is {self.status.value}",
            **ROWS,
        )

    def begin_pause(self) -> None:
        """We wait for finance to let the run go on."""
        subject = run_workflow_id(self.order.run_id)
        self.waits.begin(
            Wait("paused", subject, "", WaitFor.US, "run_paused", workflow.now(), may=("resume", "cancel"))
        )

    def show(self) -> None:
        """How far it is, on the workflow's page in the Temporal UI."""
        done, counts = self.progress, self.progress.counts
        workflow.set_current_details(
            f"**{self.status.value}** · {done.slices_done} of {done.slices} slices\n\n"
            f"- {counts.accounts} accounts, {counts.invoices} invoices over {shown(counts.total_minor)}\n"
            f"- {counts.carried} carried forward, {counts.parked_accounts} parked"
        )

    @workflow.update
    async def pause(self, command: RunCommand) -> RunStatus:
        """Finance holds the run: slices under way are finished, no other one begins."""
        self.status = RunStatus.PAUSED
        self.begin_pause()
        await self.record("billing.run_paused", command)
        return self.status

    @pause.validator
    def refuse_to_pause(self, command: RunCommand) -> None:
        if self.status is not RunStatus.RUNNING or self.taken_back is not None:
            raise refuse("run_not_running")

    @workflow.update
    async def resume(self, command: RunCommand) -> RunStatus:
        """Finance lets the run go on."""
        self.status = RunStatus.RUNNING
        self.waits.end("paused")
        await self.record("billing.run_resumed", command)
        return self.status

    @resume.validator
    def refuse_to_resume(self, command: RunCommand) -> None:
        if self.status is not RunStatus.PAUSED or self.taken_back is not None:
            raise refuse("run_not_paused")

    @workflow.update
    async def cancel(self, command: RunCommand) -> RunStatus:
        """Finance ends the run: what is billed stays billed; answered once nothing is under way."""
        self.taken_back = command
        await workflow.wait_condition(lambda: not self.under_way)
        return RunStatus.CANCELLED

    @cancel.validator
    def refuse_to_cancel(self, command: RunCommand) -> None:
        if self.status in OVER or self.taken_back is not None:
            raise refuse("run_over")
