"""What a return comes to: money back or a replacement, the shelf, and the contracts of what came back."""

from typing import Any

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from activities.orders import GoodsBackActivities, ReturnActivities
    from models.kit.money import shown
    from models.messages.journeys import WaitFor
    from models.messages.orders import OrderPlaced, OrderStatus, order_workflow_id
    from models.messages.orders.returns import (
        Found,
        ReturnStatus,
        Settlement,
        SettleReturn,
        return_workflow_id,
    )
    from models.messages.payments import RefundOrder, RefundSettled, refund_workflow_id
    from models.messages.subscriptions import Deactivations, DeviceExchanged
    from models.messages.tickets import TicketKind
    from models.rules import orders as parcels
    from workflows.kit.options import ROWS, STOCK
    from workflows.orders.return_steps import ReturnSteps

S = ReturnStatus


class Settling(ReturnSteps):
    """The end of a return: nothing is paid twice, and everything that moved is told."""

    async def settle(self, found: tuple[Found, ...]) -> int:
        """Decide once what it comes to, then do all of it; answers with the money that went back."""
        asked = SettleReturn(self.id, workflow.now(), found, self.is_lost)
        due: Settlement = await workflow.execute_activity_method(
            ReturnActivities.settle, asked, summary="What is it worth as it was found?", **ROWS
        )
        is_replaced = due.has_replacement and await self.replace(due)
        back_minor = 0 if is_replaced else await self.give_money_back(due)
        if due.has_goods:
            await self.restock()
        if due.contracts and not is_replaced:
            await self.end_contracts(due)
        return back_minor

    # Money

    async def give_money_back(self, due: Settlement) -> int:
        """A credit note and the money the way it came; what the gateway refuses for good is a colleague's."""
        if not due.back_minor or not due.invoice_id:
            return 0
        refund, amount = f"{self.id}.refund", {"amount": shown(due.back_minor, due.currency)}
        self.begin_wait("return_money", WaitFor.SYSTEM, S.SETTLING)
        await self.record("orders.return_refunding", S.SETTLING, details=amount, refund_id=refund)
        order = RefundOrder(
            refund, due.invoice_id, self.order.customer_id, due.order_id, due.back_minor, "returned",
            due.currency, return_workflow_id(self.id),
        )  # fmt: skip
        try:
            said: RefundSettled = await workflow.execute_child_workflow(
                "Refund",
                order,
                id=refund_workflow_id(refund),
                result_type=RefundSettled,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                static_summary=f"Give back the money of {self.id}",
            )
            is_stuck = said.status in parcels.REFUND_LEFT
        except ChildWorkflowError:
            is_stuck = True
        self.waits.end("return_money")
        if is_stuck:
            await self.have_it_given_back()
        else:
            await self.record("orders.return_refunded", S.SETTLING, details=amount)
        return due.back_minor

    async def have_it_given_back(self) -> None:
        """A colleague gives the money back another way."""
        ticket = await self.open_ticket(TicketKind.TASK, "return_refund")
        self.begin_wait("return_by_hand", WaitFor.US, S.SETTLING)
        details = {"ticket_id": ticket}
        await self.record("orders.return_stuck", S.SETTLING, details=details, is_public=False)
        await self.waits.until("return_by_hand", lambda: ticket in self.tickets)
        self.waits.end("return_by_hand")
        await self.record("orders.return_settled_by_hand", S.SETTLING)

    # The same once more

    async def replace(self, due: Settlement) -> bool:
        """An order of its own sends the same goods for nothing; False when it was called off."""
        placed: OrderPlaced = await workflow.execute_activity_method(
            GoodsBackActivities.replace, args=[self.id, workflow.now()],
            summary="Store the order of the replacement", **ROWS,
        )  # fmt: skip
        self.begin_wait("replacement", WaitFor.SYSTEM, S.SETTLING)
        details = {"order_id": placed.order_id}
        await self.record("orders.return_replacing", S.SETTLING, details=details)
        ended = await self.live_beside("Order", placed, order_workflow_id(placed.order_id))
        self.waits.end("replacement")
        if ended != OrderStatus.DONE:
            await self.record("orders.return_not_replaced", S.SETTLING)
            return False
        await self.record("orders.return_replaced", S.SETTLING)
        if due.contracts:
            devices: dict[str, str] = await workflow.execute_activity_method(
                GoodsBackActivities.exchanged_devices,
                self.id,
                summary="Which device stands for which?",
                **ROWS,
            )
            exchanged = DeviceExchanged(due.contracts, devices, self.id, workflow.now())
            await self.live_beside("DeviceExchange", exchanged, f"device-exchange:{self.id}")
        return True

    # Shelf and contracts

    async def restock(self) -> None:
        """The warehouse takes what came back; while it is away, the customer has their money already."""
        self.begin_wait("warehouse", WaitFor.SYSTEM, S.SETTLING)
        await self.record("orders.return_arrived", S.SETTLING, is_public=False)
        await self.ask(GoodsBackActivities.restock, "restock", "Have the warehouse take the goods", STOCK)
        self.waits.end("warehouse")
        await self.record("orders.return_restocked", S.SETTLING, is_public=False)

    async def end_contracts(self, due: Settlement) -> None:
        """Contracts of what came back end: as if they had not begun, or today when we fetched it."""
        asked = Deactivations(due.order_id, "returned", workflow.now(), due.contracts, due.ends_on)
        await self.live_beside("Deactivation", asked, f"deactivation:{self.id}")
        await self.record("orders.return_contracts", S.SETTLING)

    async def live_beside(self, life: str, order: Any, workflow_id: str) -> Any:
        """Another word's life that outlives this one; its result, or nothing when it failed."""
        try:
            return await workflow.execute_child_workflow(
                life, order, id=workflow_id, parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                static_summary=f"{life} for {self.id}",
            )  # fmt: skip
        except (ChildWorkflowError, WorkflowAlreadyStartedError):
            workflow.logger.error("%s did not end well", workflow_id)
            return None
