"""Three short lives that dunning asks of contracts: switched off, switched on again, ended with their fee."""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.subscriptions import SuspensionActivities
    from models.messages.subscriptions import (
        ContractDismissed,
        DismissalOrder,
        Dismissed,
        ReactivationOrder,
        SuspensionOrder,
        Switch,
        change_workflow_id,
    )
    from workflows.kit.options import ROWS, SERVICE

TRY_AGAIN = timedelta(minutes=1)  # until an open change has called itself off
TRIES = 60


@workflow.defn(name="Suspension")
class SuspensionWorkflow:
    """The services of one customer are switched off; answers with how many."""

    @workflow.run
    async def run(self, asked: SuspensionOrder) -> int:
        switches = await workflow.execute_activity_method(
            SuspensionActivities.suspend,
            asked,
            summary=f"Mark the contracts of {asked.case_id} as suspended",
            **ROWS,
        )
        await asyncio.gather(*(switched(one) for one in switches))
        return len(switches)


@workflow.defn(name="Reactivation")
class ReactivationWorkflow:
    """What one case has switched off runs again; answers with how many contracts do."""

    @workflow.run
    async def run(self, asked: ReactivationOrder) -> int:
        switches = await workflow.execute_activity_method(
            SuspensionActivities.to_switch_on,
            asked,
            summary=f"Read what {asked.case_id} has switched off",
            **ROWS,
        )
        await asyncio.gather(*(switched(one) for one in switches))
        return await workflow.execute_activity_method(
            SuspensionActivities.resume,
            asked,
            summary=f"The contracts of {asked.case_id} run again",
            **ROWS,
        )


async def switched(switch: Switch) -> None:
    """Ask the service until it has switched, however long it is away."""
    word = "on" if switch.is_on else "off"
    summary = f"Switch {switch.subscription_id} {word}"
    await workflow.execute_activity_method(SuspensionActivities.switch, switch, summary=summary, **SERVICE)


@workflow.defn(name="Dismissal")
class DismissalWorkflow:
    """The contracts of a customer who does not pay are ended, each by a change of its own, fee included."""

    @workflow.run
    async def run(self, asked: DismissalOrder) -> int:
        started: set[str] = set()
        for _ in range(TRIES):
            drafted = await workflow.execute_activity_method(
                SuspensionActivities.draft_dismissals,
                asked,
                summary=f"Draft the ends of the contracts of {asked.case_id}",
                **ROWS,
            )
            await self.start(drafted, started)
            if not drafted.in_the_way:
                break
            await self.clear(drafted, asked)
        return len(started)

    async def start(self, drafted: Dismissed, started: set[str]) -> None:
        """Let every termination live on its own."""
        for change in drafted.changes:
            if change.change_id in started:
                continue
            try:
                await workflow.start_child_workflow(
                    "SubscriptionChange", change, id=change_workflow_id(change.change_id),
                    parent_close_policy=ParentClosePolicy.ABANDON,
                    static_summary=f"End {change.subscription_id}: nobody pays",
                )  # fmt: skip
            except WorkflowAlreadyStartedError:
                workflow.logger.info("%s runs already", change.change_id)
            started.add(change.change_id)

    async def clear(self, drafted: Dismissed, asked: DismissalOrder) -> None:
        """Tell open changes that their contract ends, and give them time."""
        fact = ContractDismissed(asked.case_id, workflow.now())
        for change in drafted.in_the_way:
            handle = workflow.get_external_workflow_handle(change_workflow_id(change))
            try:
                await handle.signal("contract_dismissed", fact)
            except ApplicationError:
                workflow.logger.info("%s is over", change)
        await workflow.sleep(TRY_AGAIN)
