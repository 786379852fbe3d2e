"""The life of a batch: one act for many tickets, some at a time, until each has answered."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.tickets import BatchActivities
    from models.messages.tickets.batches import BatchAsked, BatchOrder, BatchSlice
    from workflows.kit.options import ROWS

SOON, LATER = timedelta(seconds=0.3), timedelta(seconds=10)


@workflow.defn(name="TicketBatch")
class TicketBatchWorkflow:
    """One act for many tickets, alive until the last of them was done or refused."""

    @workflow.run
    async def run(self, order: BatchOrder) -> int:
        """Slice after slice, so that others' commands come in between; answers with how many were asked."""
        after = asked = 0
        while True:
            taken: BatchAsked = await workflow.execute_activity_method(
                BatchActivities.ask_batch,
                BatchSlice(order, after, workflow.now()),
                summary=f"Ask the tickets after {after}",
                **ROWS,
            )
            if not taken.last:
                break
            after, asked = taken.last, asked + taken.asked
            await self.hear_all(order)
        await workflow.execute_activity_method(
            BatchActivities.end_batch, args=[order, workflow.now()], summary="Say that all are done", **ROWS
        )
        return asked

    async def hear_all(self, order: BatchOrder) -> None:
        """Look for the answers, less and less often, until the last one is there."""
        pause = SOON
        while await workflow.execute_activity_method(
            BatchActivities.settle_batch, order, summary="Hear what the tickets said", **ROWS
        ):
            await workflow.sleep(pause, summary="Until the tickets have answered")
            pause = min(pause * 2, LATER)
