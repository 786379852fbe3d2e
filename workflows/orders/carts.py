"""Each night: carts that nobody has touched for a month, and that belong to no account, are forgotten."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.orders import OrderActivities
    from workflows.kit.options import ROWS


@workflow.defn(name="ForgetCarts")
class ForgetCartsWorkflow:
    """One night's tidying; answers with how many lines of carts were forgotten."""

    @workflow.run
    async def run(self) -> int:
        return await workflow.execute_activity_method(
            OrderActivities.forget_carts,
            workflow.now(),
            summary="Forget guests' carts of more than a month ago",
            **ROWS,
        )
