"""The life of one simulation: what a version of an item would have made of the past."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.employee_requests.simulating import SimulationActivities
    from models.messages.employee_requests.simulation import SimulationOrder
    from workflows.kit.options import SETS


@workflow.defn(name="SimulateItem")
class SimulateItemWorkflow:
    """One simulation, alive until its result is stored."""

    @workflow.run
    async def run(self, order: SimulationOrder) -> int:
        """Walk the past requests through the version; how many there were."""
        count: int = await workflow.execute_activity_method(
            SimulationActivities.simulate, order, summary="Walk the past month's requests through it", **SETS
        )
        return count
