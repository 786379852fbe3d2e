"""The daily sweep: one case for every customer with something overdue and no case yet."""

from datetime import date, datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.dunning import DunningActivities
    from workflows.kit.options import BATCH_QUEUE, ROWS, ActivityOptions
    from workflows.kit.schedules import appointed_day, start_once

SWEEP: ActivityOptions = {**ROWS, "task_queue": BATCH_QUEUE}


@workflow.defn(name="DunningDay")
class DunningDayWorkflow:
    """What the schedule calls every morning: the sweep of that day, once."""

    @workflow.run
    async def run(self) -> bool:
        day = appointed_day()
        return await start_once("DunningSweep", day, f"dunning-sweep:{day}", f"Overdue accounts of {day}")


@workflow.defn(name="DunningSweep")
class DunningSweepWorkflow:
    """Opens the cases of one day; answers with how many."""

    @workflow.run
    async def run(self, day: date) -> int:
        at: datetime = workflow.now()
        return await workflow.execute_activity_method(
            DunningActivities.open_cases, at, summary=f"Open the dunning cases of {day}", **SWEEP
        )
