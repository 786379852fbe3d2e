"""The short lives that an order or a return asks of contracts: they begin, end, or get another device."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.subscriptions import SubscriptionActivities
    from models.messages.subscriptions import Activations, Deactivations, DeviceExchanged
    from workflows.kit.options import ROWS


@workflow.defn(name="Activation")
class ActivationWorkflow:
    """The contracts of an order begin together; answers with their ids."""

    @workflow.run
    async def run(self, asked: Activations) -> tuple[str, ...]:
        return await workflow.execute_activity_method(
            SubscriptionActivities.activate,
            asked,
            summary=f"Begin the contracts of {asked.order_id}",
            **ROWS,
        )


@workflow.defn(name="Deactivation")
class DeactivationWorkflow:
    """The contracts of an order end as if they had not begun; answers with how many did."""

    @workflow.run
    async def run(self, asked: Deactivations) -> int:
        return await workflow.execute_activity_method(
            SubscriptionActivities.deactivate,
            asked,
            summary=f"Undo the contracts of {asked.order_id}",
            **ROWS,
        )


@workflow.defn(name="DeviceExchange")
class DeviceExchangeWorkflow:
    """Contracts go on with the replacement of their device; answers with how many did."""

    @workflow.run
    async def run(self, asked: DeviceExchanged) -> int:
        return await workflow.execute_activity_method(
            SubscriptionActivities.exchange_device,
            asked,
            summary=f"Contracts get the device of {asked.reason}",
            **ROWS,
        )
