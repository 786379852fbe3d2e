"""The way back: everything that an order has done is undone in reverse order, each under its own key."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    ChildWorkflowError,
    WorkflowAlreadyStartedError,
)

with workflow.unsafe.imports_passed_through():
    from activities.orders import FulfilmentActivities
    from models.kit.ids import case_invoice_id
    from models.messages.billing.invoices import CaseCancelled, InvoiceStatus, invoice_workflow_id
    from models.messages.journeys import WaitFor
    from models.messages.orders import (
        OrderStatus,
        Recall,
        StepKind,
        StepNote,
        StepStatus,
        SystemOrder,
        order_workflow_id,
    )
    from models.messages.payments import RefundOrder, RefundSettled, refund_workflow_id
    from models.messages.subscriptions import Deactivations
    from models.messages.tickets import TicketKind, ticket_workflow_id
    from models.rules import orders as rules
    from workflows.kit.options import CARRIER, CREDIT, STOCK, ActivityOptions
    from workflows.orders.steps import OrderSteps


class CannotUndo(Exception):
    """A step could not be undone within the policy's time; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Undoing(OrderSteps):
    """Works the undo list off; one step that is stuck holds up no other."""

    async def undo_everything(self) -> None:
        """Undo what was done or only begun, last first, then wait for what colleagues undo by hand."""
        assert self.off is not None
        stuck: dict[str, StepNote] = {}
        for step in sorted(self.steps.values(), key=lambda one: -one.position):
            if step.status not in rules.TO_UNDO:
                continue
            try:
                await self.undo(step)
            except CannotUndo as failure:
                stuck[await self.give_to_a_colleague(step, failure.code)] = step
        await self.wait_for_colleagues(stuck)
        self.waits.end_all()
        await self.record("orders.cancelled", OrderStatus.CANCELLED, reason=self.off.reason)
        is_paid = self.settled is not None and self.settled.status is InvoiceStatus.PAID
        self.send("cancelled", why=self.off.reason, refunded="yes" if is_paid else "")

    async def undo(self, step: StepNote) -> None:
        """Undo one step and say so."""
        details = {"step": step.kind.value}
        self.note(step, StepStatus.UNDOING)
        until = workflow.now() + self.patience
        self.begin_wait("undo", WaitFor.SYSTEM, until=until, then="ask_colleague", details=details)
        await self.record("orders.undoing", OrderStatus.CANCELLING, details=details, is_public=False)
        ways: dict[StepKind, Callable[[StepNote], Awaitable[None]]] = {
            StepKind.CREDIT: self.free_credit,
            StepKind.PAYMENT: self.give_money_back,
            StepKind.RESERVATION: self.release_goods,
            StepKind.SHIPMENT: self.bring_parcel_back,
            StepKind.INSTALLATION: self.call_installer_off,
            StepKind.ACTIVATION: self.end_contracts,
        }
        try:
            await ways[step.kind](step)
        finally:
            self.waits.end("undo")
        self.note(step, StepStatus.UNDONE)
        await self.record("orders.undone", OrderStatus.CANCELLING, details=details)

    @property
    def patience(self) -> timedelta:
        return timedelta(hours=self.placed.undo_hours)

    async def give_to_a_colleague(self, step: StepNote, code: str) -> str:
        """The step is stuck: a task for a colleague, and the list goes on."""
        ticket = await self.open_ticket(TicketKind.TASK, "stuck_undo")
        self.note(step, StepStatus.STUCK, code=code)
        details = {"step": step.kind.value, "ticket_id": ticket}
        await self.record("orders.stuck", OrderStatus.CANCELLING, details=details, is_public=False)
        return ticket

    async def wait_for_colleagues(self, stuck: dict[str, StepNote]) -> None:
        """What was given to colleagues counts as undone when they have settled their tasks."""
        if not stuck:
            return
        self.begin_wait("undo_by_hand", WaitFor.US)
        for ticket, step in stuck.items():
            await self.record("orders.cancelling", OrderStatus.CANCELLING, is_public=False)
            await self.waits.until("undo_by_hand", lambda ticket=ticket: ticket in self.tickets)  # type: ignore[misc]
            self.note(step, StepStatus.UNDONE)
            details = {"step": step.kind.value}
            await self.record("orders.settled_by_hand", OrderStatus.CANCELLING, details=details)

    # The ways back

    async def ask_until_given_up(
        self, activity: Any, step: StepNote, what: str, summary: str, options: ActivityOptions
    ) -> Any:
        """Ask again and again under one key, until the policy's time is over."""
        key = f"{step.key}:{what}"
        parcel = step.reference if step.kind is StepKind.SHIPMENT else ""
        order = SystemOrder(self.id, key, step.reference, workflow.now(), parcel)
        limited: ActivityOptions = {**options, "schedule_to_close_timeout": self.patience}
        try:
            return await self.ask(activity, order, summary, limited)
        except ActivityError as failure:
            cause = failure.cause
            code = cause.type if isinstance(cause, ApplicationError) and cause.type else "no_answer"
            raise CannotUndo(code) from failure

    async def free_credit(self, step: StepNote) -> None:
        await self.ask_until_given_up(
            FulfilmentActivities.free_credit, step, "undo", "Free the credit entry", CREDIT
        )

    async def release_goods(self, step: StepNote) -> None:
        await self.ask_until_given_up(FulfilmentActivities.release, step, "undo", "Release the goods", STOCK)

    async def bring_parcel_back(self, step: StepNote) -> None:
        """Recall the parcel; one that is on its way or there is fetched, then everything is restocked."""
        how: Recall = await self.ask_until_given_up(
            FulfilmentActivities.recall, step, "recall", "Recall the parcel", CARRIER
        )
        if how is Recall.PICK_UP:
            await self.wait_for_goods_back(step.reference)
        await self.ask_until_given_up(
            FulfilmentActivities.restock, step, "restock", "Restock the goods", STOCK
        )

    async def wait_for_goods_back(self, parcel: str) -> None:
        until = workflow.now() + timedelta(days=self.placed.return_days)
        self.begin_wait("goods_back", WaitFor.CUSTOMER, until=until, then="ask_colleague")
        await self.record("orders.cancelling", OrderStatus.CANCELLING, is_public=False)
        came = await self.waits.until("goods_back", lambda: self.parcels.get(parcel) in rules.CAME_BACK)
        self.waits.end("goods_back")
        if not came:
            raise CannotUndo("goods_missing")

    async def call_installer_off(self, step: StepNote) -> None:
        """Take the installation back; one that is done stays done, and the goods are fetched."""
        ticket = step.reference
        if not ticket or ticket in self.tickets:
            return
        await workflow.get_external_workflow_handle(ticket_workflow_id(ticket)).cancel()
        try:
            await workflow.wait_condition(lambda: ticket in self.tickets, timeout=self.patience)
        except TimeoutError as late:
            raise CannotUndo("no_answer") from late

    async def end_contracts(self, step: StepNote) -> None:
        asked = Deactivations(self.id, "order_cancelled", workflow.now())
        try:
            await workflow.execute_child_workflow(
                "Deactivation",
                asked,
                id=f"deactivation:{self.id}",
                execution_timeout=self.patience,
                static_summary=f"End the contracts of {self.id}",
            )
        except ChildWorkflowError as failure:
            raise CannotUndo("no_answer") from failure
        except WorkflowAlreadyStartedError:
            workflow.logger.info("the contracts of %s were ended before", self.id)

    async def give_money_back(self, step: StepNote) -> None:
        """An unpaid invoice is withdrawn; a paid one is refunded by a credit note."""
        if self.settled is None or self.settled.status is not InvoiceStatus.PAID:
            await self.withdraw_invoice()
        if self.settled is not None and self.settled.status is InvoiceStatus.PAID and not self.goes_back:
            await self.refund()

    @property
    def goes_back(self) -> bool:
        """Whether the invoice itself gives the money back, because it came when the order was already off."""
        return self.settled is not None and self.settled.goes_back

    async def withdraw_invoice(self) -> None:
        invoice = case_invoice_id(self.id)
        self.settled = None
        fact = CaseCancelled(self.id, "order_cancelled", workflow.now())
        try:
            handle = workflow.get_external_workflow_handle(invoice_workflow_id(invoice))
            await handle.signal("case_cancelled", fact)
        except ApplicationError:
            workflow.logger.info("invoice %s is over already", invoice)
            return
        ended = (InvoiceStatus.CANCELLED, InvoiceStatus.PAID)
        try:
            await workflow.wait_condition(
                lambda: self.settled is not None and self.settled.status in ended, timeout=self.patience
            )
        except TimeoutError as late:
            raise CannotUndo("no_answer") from late

    async def refund(self) -> None:
        refund = f"{self.id}.refund"
        asked = RefundOrder(
            refund, case_invoice_id(self.id), self.placed.customer_id, self.id, self.placed.once_minor,
            "order_cancelled", self.placed.currency, order_workflow_id(self.id),
        )  # fmt: skip
        try:
            back: RefundSettled = await workflow.execute_child_workflow(
                "Refund",
                asked,
                id=refund_workflow_id(refund),
                result_type=RefundSettled,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                static_summary=f"Give back the money of {self.id}",
            )
        except ChildWorkflowError as failure:
            raise CannotUndo("refund_failed") from failure
        if back.status in rules.REFUND_LEFT:
            raise CannotUndo("refund_failed")
