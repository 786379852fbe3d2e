"""The daily sweep: one case for every customer with something overdue and no case yet."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.dunning import DunningActivities
    from models.messages.dunning import DunningSweepOrder
    from workflows.kit.options import BATCH_QUEUE, ROWS, ActivityOptions
    from workflows.kit.schedules import appointed_day, start_once

SWEEP: ActivityOptions = {**ROWS, "task_queue": BATCH_QUEUE}


@workflow.defn(name="DunningDay")
class DunningDayWorkflow:
    """What the schedule calls every morning: the sweep of that day, once."""

    @workflow.run
    async def run(self) -> bool:
        day = appointed_day()
        order = DunningSweepOrder(day)
        return await start_once("DunningSweep", order, f"dunning-sweep:{day}", f"Overdue accounts of {day}")


@workflow.defn(name="DunningSweep")
class DunningSweepWorkflow:
    """Opens the cases of one day; answers with how many."""

    @workflow.run
    async def run(self, order: DunningSweepOrder) -> int:
        return await workflow.execute_activity_method(
            DunningActivities.open_cases,
            workflow.now(),
            summary=f"Open the dunning cases of {order.day}",
            **SWEEP,
        )
