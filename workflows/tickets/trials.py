"""The life of a trial: a rule asked about past tickets, slice by slice."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.tickets import RuleTrialActivities
    from models.messages.tickets.automation import TrialOrder
    from workflows.kit.options import BATCH, ROWS


@workflow.defn(name="RuleTrial")
class RuleTrialWorkflow:
    """One trial, alive until its result is stored."""

    @workflow.run
    async def run(self, order: TrialOrder) -> None:
        """Slice after slice; what was found stands in the tables."""
        await workflow.execute_activity_method(
            RuleTrialActivities.count_past, order, summary="Count the past tickets", **ROWS
        )
        after = ""
        while True:
            last: str = await workflow.execute_activity_method(
                RuleTrialActivities.try_slice,
                args=[order, after],
                summary="Ask the rule about past tickets",
                **BATCH,
            )
            if not last:
                break
            after = last
        await workflow.execute_activity_method(
            RuleTrialActivities.end_trial, args=[order, workflow.now()], summary="Say that it is done", **ROWS
        )
