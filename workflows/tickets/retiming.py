"""The life of a re-timing: open tickets slice by slice, until every deadline is that of today's calendar."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.tickets import RetimingActivities
    from models.messages.tickets.promises import Retimed, RetimingOrder, RetimingSlice
    from workflows.kit.options import BATCH, ROWS


@workflow.defn(name="Retiming")
class RetimingWorkflow:
    """One change of the calendar or the policy, alive until every open ticket was looked at."""

    @workflow.init
    def __init__(self, order: RetimingOrder) -> None:
        self.order = order
        self.seen = 0

    @workflow.run
    async def run(self, order: RetimingOrder) -> int:
        """Slice after slice; how far it is stands in the tables, so a worker that dies costs one slice."""
        await workflow.execute_activity_method(
            RetimingActivities.count_open, order, summary="Count the open tickets", **ROWS
        )
        after = ""
        while True:
            done: Retimed = await workflow.execute_activity_method(
                RetimingActivities.retime_slice,
                RetimingSlice(order, after, workflow.now()),
                summary=f"Time tickets anew, after {self.seen}",
                **BATCH,
            )
            if not done.last:
                break
            after, self.seen = done.last, self.seen + done.seen
        moved: int = await workflow.execute_activity_method(
            RetimingActivities.end_retiming,
            args=[order, workflow.now()],
            summary="Say that all are done",
            **ROWS,
        )
        return moved
