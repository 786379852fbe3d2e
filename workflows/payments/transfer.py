"""The life of one file for the bank: filled, handed in before the cut-off, read to the last result."""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.payments import TransferActivities
    from models.messages.journeys import Wait, WaitFor
    from models.messages.payments import method_workflow_id
    from models.messages.payments.transfers import (
        BatchAt,
        BatchKind,
        BatchPlan,
        BatchStatus,
        BatchStep,
        FillBatch,
        PlanBatch,
        ResultApplied,
        TransferOrder,
        transfer_workflow_id,
    )
    from workflows.kit.options import BANK, FETCH, ROWS, SETS
    from workflows.kit.schedules import appointed_day, start_once
    from workflows.kit.waiting import Waits

LOOK_AGAIN = timedelta(minutes=30)  # a result that is late or not complete


@workflow.defn(name="TransferDay")
class TransferDayWorkflow:
    """The appointment: each day has one file of each kind."""

    @workflow.run
    async def run(self) -> None:
        day = appointed_day()
        for kind in BatchKind:
            summary = f"The bank's {kind.value} file of {day}"
            await start_once(
                "TransferBatch", TransferOrder(kind, day), transfer_workflow_id(kind, day), summary
            )


@workflow.defn(name="TransferBatch")
class TransferBatchWorkflow:
    """One file, alive until every row of it has its result."""

    @workflow.init
    def __init__(self, order: TransferOrder) -> None:
        self.order = order
        self.seq = 0
        self.waits = Waits()

    @workflow.run
    async def run(self, order: TransferOrder) -> BatchStatus:
        plan = await workflow.execute_activity_method(
            TransferActivities.plan_batch,
            PlanBatch(order, workflow.now()),
            summary="Begin the file and work its windows out",
            **SETS,
        )
        if not plan.is_working_day:
            return BatchStatus.EMPTY
        rows = await self.fill(plan)
        if not rows:
            return await self.end(plan, BatchStatus.EMPTY, "payments.batch_empty")
        if not await self.hand_in(plan):
            return await self.end(plan, BatchStatus.MISSED, "payments.batch_missed")
        await self.wait_for_results(plan)
        return await self.end(plan, BatchStatus.DONE, "payments.batch_done")

    async def fill(self, plan: BatchPlan) -> int:
        """Customers by the thousand, rows and keys before anything leaves."""
        after, rows = "", 0
        while True:
            page = await workflow.execute_activity_method(
                TransferActivities.fill_batch,
                FillBatch(plan.batch_id, self.order.kind, self.order.day, after, workflow.now()),
                summary="Put the next customers into the file",
                **SETS,
            )
            rows += page.rows
            if not page.last:
                return rows
            after = page.last

    async def hand_in(self, plan: BatchPlan) -> bool:
        """Until the bank has it or its cut-off is over; whether it has it is never guessed."""
        self.wait("bank_file", plan.cut_off, "hand_in_again")
        await self.record(plan, BatchStatus.READY, "payments.batch_ready")
        is_taken = False
        if workflow.now() < plan.cut_off:
            is_taken = await workflow.execute_activity_method(
                TransferActivities.hand_in_batch,
                BatchAt(plan.batch_id, workflow.now()),
                summary=f"Hand {plan.batch_id} in",
                **BANK,
            )
        self.waits.end("bank_file")
        if not is_taken:
            await workflow.execute_activity_method(
                TransferActivities.miss_batch,
                BatchAt(plan.batch_id, workflow.now()),
                summary="Close what the bank did not take",
                **SETS,
            )
        return is_taken

    async def wait_for_results(self, plan: BatchPlan) -> None:
        """Read the result when it is due, and again until every row has one."""
        until, sentence = plan.result_due, "payments.batch_sent"
        while True:
            self.wait("bank_result", until, "fetch_result")
            await self.record(plan, BatchStatus.SENT, sentence)
            await self.waits.until("bank_result", lambda: False)
            self.waits.end("bank_result")
            applied = await self.fetch(plan)
            await self.tell_methods(applied)
            if applied.is_there and not applied.waiting:
                return
            until = workflow.now() + LOOK_AGAIN
            sentence = "payments.batch_half" if applied.is_there else ""

    async def fetch(self, plan: BatchPlan) -> ResultApplied:
        """The result as far as it is there; a bank that is away is asked again later."""
        try:
            return await workflow.execute_activity_method(
                TransferActivities.fetch_result,
                BatchAt(plan.batch_id, workflow.now()),
                summary=f"Fetch the result of {plan.batch_id}",
                **FETCH,
            )
        except ActivityError:
            return ResultApplied(is_there=False)

    async def tell_methods(self, applied: ResultApplied) -> None:
        """Each mandate that was decided hears of it; what it became stands in the file's rows."""
        for fact in applied.settled:
            method = workflow.get_external_workflow_handle(method_workflow_id(fact.method_id))
            try:
                await method.signal("mandate_settled", fact)
            except ApplicationError:
                workflow.logger.info("the method %s is not alive", fact.method_id)

    async def end(self, plan: BatchPlan, status: BatchStatus, sentence: str) -> BatchStatus:
        """The last step of the file."""
        self.waits.end_all()
        await self.record(plan, status, sentence)
        return status

    def wait(self, what: str, until: datetime, then: str) -> None:
        subject = transfer_workflow_id(self.order.kind, self.order.day)
        self.waits.begin(Wait(what, subject, "", WaitFor.SYSTEM, what, workflow.now(), until, then))

    async def record(self, plan: BatchPlan, status: BatchStatus, sentence: str) -> None:
        """Write one step of the file's life."""
        self.seq += 1
        step = BatchStep(plan.batch_id, self.seq, status, workflow.now(), sentence, self.waits.take())
        await workflow.execute_activity_method(
            TransferActivities.record_batch, step, summary=f"Record that the file is {status.value}", **ROWS
        )
