"""What nobody pays any more is given up, asked for by a dunning case."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.billing import WriteOffActivities
    from models.messages.billing.write_offs import WriteOffOrder, WrittenOff
    from workflows.kit.options import ROWS


@workflow.defn(name="WriteOff")
class WriteOffWorkflow:
    """Everything overdue of one customer is written off in one step; answers with how much."""

    @workflow.run
    async def run(self, order: WriteOffOrder) -> WrittenOff:
        return await workflow.execute_activity_method(
            WriteOffActivities.write_off,
            order,
            summary=f"Write off what {order.case_id} could not collect",
            **ROWS,
        )
