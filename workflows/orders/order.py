"""The life of one order: credit, payment, goods, installation, contracts; or everything undone."""

import asyncio
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.orders import FulfilmentActivities, OrderActivities
    from models.kit.ids import case_invoice_id
    from models.messages.billing.invoices import (
        InvoiceOrder,
        InvoiceSettled,
        InvoiceStatus,
        invoice_workflow_id,
    )
    from models.messages.journeys import WaitFor
    from models.messages.orders import (
        ORDER_OVER,
        ChangeAddress,
        CreditAnswer,
        GoodsArrived,
        OrderCommand,
        OrderPlaced,
        OrderStatus,
        ParcelScanned,
        StepKind,
        StepStatus,
        SystemOrder,
        order_workflow_id,
    )
    from models.messages.payments import RefundSettled
    from models.messages.tickets import TicketKind, TicketSettled
    from models.rules import orders as rules
    from workflows.kit.options import CARRIER, CREDIT, ROWS
    from workflows.kit.refusals import refuse
    from workflows.orders.delivery import Delivery
    from workflows.orders.steps import CalledOff
    from workflows.orders.undoing import Undoing


@workflow.defn(name="Order")
class OrderWorkflow(Delivery, Undoing):
    """One order, alive until everything is delivered and running, or taken back to the last won."""

    @workflow.init
    def __init__(self, placed: OrderPlaced) -> None:
        super().__init__(placed)

    @workflow.run
    async def run(self, placed: OrderPlaced) -> OrderStatus:
        """Live through the order; whoever calls it off at any step has everything undone."""
        try:
            await self.live()
        except CalledOff:
            await self.undo_everything()
        except (asyncio.CancelledError, ActivityError) as stop:
            if not is_cancelled_exception(stop):
                raise
            self.call_off_by_system("ended_by_operations")
            await self.undo_everything()
        await self.letters.all_sent()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.status

    async def live(self) -> None:
        """The story from the order to the first day of use."""
        await self.open()
        await self.check_credit()
        await self.take_payment()
        await self.deliver_goods()
        await self.install()
        await self.activate()
        self.stop_if_off()
        self.is_closing = True
        await self.record("orders.done", OrderStatus.DONE)
        self.send("done")

    # The story

    async def open(self) -> None:
        """Decide from the quote what the order will do, and until when it has to be paid."""
        self.plan = await workflow.execute_activity_method(
            OrderActivities.open, self.placed, summary="Read the quote: what will be done?", **ROWS
        )
        status = OrderStatus.CREDIT_CHECK if self.placed.needs_credit_check else OrderStatus.PAYMENT_DUE
        await self.record("orders.opened", status)
        self.send("placed")

    async def check_credit(self) -> None:
        """Rentals need a credit check; the grey zone goes to a person."""
        if not self.placed.needs_credit_check:
            return
        step = self.begin_step(StepKind.CREDIT, self.id)
        self.begin_wait("credit", WaitFor.SYSTEM)
        await self.record("orders.credit_asked", OrderStatus.CREDIT_CHECK, is_public=False)
        order = SystemOrder(self.id, step.key, self.id, workflow.now())
        answer: CreditAnswer = await self.insist(
            FulfilmentActivities.check_credit, order, "Ask for the credit check", CREDIT
        )
        self.waits.end("credit")
        self.note(step, StepStatus.DONE)
        if answer is CreditAnswer.GREY:
            return await self.have_credit_decided()
        sentence = f"orders.credit_{answer.value}"
        await self.record(sentence, OrderStatus.CREDIT_CHECK, credit=answer.value, is_public=False)
        if answer is CreditAnswer.NO:
            self.call_off_by_system("credit_refused")
        return self.stop_if_off()

    async def have_credit_decided(self) -> None:
        """A task for a colleague; the order's own page or the end of the task decides."""
        self.begin_wait("credit_decision", WaitFor.US)
        await self.record(
            "orders.credit_grey", OrderStatus.CREDIT_CHECK, credit=CreditAnswer.GREY.value, is_public=False
        )
        ticket = await self.open_ticket(TicketKind.TASK, "credit_grey")
        await self.wait("credit_decision", lambda: self.credit is not None or ticket in self.tickets)
        self.waits.end("credit_decision")
        if self.credit is None:
            self.is_credit_given = self.tickets[ticket].is_done
        elif ticket not in self.tickets:
            await self.call_task_off(ticket)
        word = "approved" if self.is_credit_given else "refused"
        facts = {"credit": word, "is_public": False}
        await self.record(f"orders.credit_{word}", OrderStatus.CREDIT_CHECK, self.credit, **facts)
        if not self.is_credit_given:
            self.call_off_by_system("credit_refused")
        self.stop_if_off()

    async def take_payment(self) -> None:
        """An invoice over what is paid once; unpaid by the deadline the order cancels itself."""
        assert self.plan is not None
        self.stop_if_off()
        if not self.placed.once_minor:
            return
        invoice = case_invoice_id(self.id)
        step = self.begin_step(StepKind.PAYMENT, invoice)
        self.begin_wait(
            "order_payment", WaitFor.CUSTOMER, until=self.plan.pay_by, then="cancel_order",
            status=OrderStatus.PAYMENT_DUE,
        )  # fmt: skip
        await self.record("orders.payment_asked", OrderStatus.PAYMENT_DUE, invoice_id=invoice)
        await self.start_invoice(invoice)
        in_time = await self.wait("order_payment", lambda: self.settled is not None)
        self.waits.end("order_payment")
        if not in_time or self.settled is None or self.settled.status is not InvoiceStatus.PAID:
            self.call_off_by_system("unpaid")
            self.stop_if_off()
        self.note(step, StepStatus.DONE)
        await self.record("orders.paid", OrderStatus.PAYMENT_DUE)

    async def start_invoice(self, invoice: str) -> None:
        """The invoice lives by itself and tells us how it ended."""
        assert self.plan is not None
        order = InvoiceOrder(
            invoice, "", self.placed.customer_id, (), due_days=max(1, self.placed.payment_hours // 24),
            case_id=self.id, lines=self.plan.priced, asked_by=order_workflow_id(self.id),
            **({"method_id": self.plan.method_id} if self.plan.method_id else {}),  # type: ignore[arg-type]
        )  # fmt: skip
        await workflow.start_child_workflow(
            "Invoice",
            order,
            id=invoice_workflow_id(invoice),
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            static_summary=f"Invoice {invoice}",
        )

    def call_off_by_system(self, reason: str) -> None:
        """The order ends itself; the first word counts."""
        if self.off is None:
            self.off = OrderCommand("", "", workflow.now(), "system", reason)

    # What people say

    @workflow.update
    async def cancel(self, command: OrderCommand) -> OrderStatus:
        """The customer or an agent calls the order off; answered once the row says so."""
        await self.opened()
        self.refuse_cancel(command)
        self.off = command
        await self.record("orders.cancelling", OrderStatus.CANCELLING, command, reason=command.reason)
        return self.status

    @cancel.validator
    def refuse_cancel(self, command: OrderCommand) -> None:
        self.refuse_impossible("cancel")

    @workflow.update
    async def approve_credit(self, command: OrderCommand) -> OrderStatus:
        """A person decides the grey zone for the customer."""
        self.refuse_impossible("approve_credit")
        self.credit, self.is_credit_given = command, True
        return self.status

    @approve_credit.validator
    def refuse_to_approve(self, command: OrderCommand) -> None:
        self.refuse_impossible("approve_credit")

    @workflow.update
    async def refuse_credit(self, command: OrderCommand) -> OrderStatus:
        """A person decides the grey zone against the customer."""
        self.refuse_impossible("refuse_credit")
        self.credit, self.is_credit_given = command, False
        return self.status

    @refuse_credit.validator
    def refuse_to_refuse(self, command: OrderCommand) -> None:
        self.refuse_impossible("refuse_credit")

    @workflow.update
    async def install_again(self, command: OrderCommand) -> OrderStatus:
        """The desk has the installation arranged once more."""
        self.tries_again = True
        return self.status

    @install_again.validator
    def refuse_to_install_again(self, command: OrderCommand) -> None:
        self.refuse_impossible("install_again")

    @workflow.update
    async def change_address(self, command: ChangeAddress) -> OrderStatus:
        """The goods go elsewhere; refused as soon as a parcel is collected."""
        await self.opened()
        self.refuse_change_address(command)
        for parcel in self.shipped:
            order = SystemOrder(self.id, f"{command.id}:{parcel}", command.address_id, workflow.now(), parcel)
            try:
                await self.ask(
                    FulfilmentActivities.redirect, order, "Tell the carrier the new address", CARRIER
                )
            except ActivityError as refused:
                raise refused.cause or refused from refused
        await workflow.execute_activity_method(
            OrderActivities.move_to, args=[self.id, command.address_id],
            summary="Store the new address", **ROWS,
        )  # fmt: skip
        said = OrderCommand(command.id, command.actor_id, command.at, command.actor_kind)
        await self.record("orders.address_changed", None, said)
        return self.status

    @change_address.validator
    def refuse_change_address(self, command: ChangeAddress) -> None:
        self.refuse_impossible("change_address")
        if any(status in rules.MOVING | rules.PARCEL_OVER for status in self.parcels.values()):
            raise refuse("address_fixed")

    async def opened(self) -> None:
        await workflow.wait_condition(lambda: self.status is not OrderStatus.RECEIVED)

    def refuse_impossible(self, command: str) -> None:
        status = OrderStatus.CANCELLING if self.off and self.status not in ORDER_OVER else self.status
        if self.is_closing:
            status = OrderStatus.DONE
        if code := rules.refusal(command, status, tuple(self.waits.open)):
            raise refuse(code)

    # Facts

    @workflow.signal
    def invoice_settled(self, fact: InvoiceSettled) -> None:
        """The invoice was paid, went overdue or was taken back."""
        if self.settled is None or self.settled.status is not InvoiceStatus.PAID:
            self.settled = fact

    @workflow.signal
    def refund_settled(self, fact: RefundSettled) -> None:
        """The money is back; the refund's own result says so, too."""

    @workflow.signal
    def ticket_settled(self, fact: TicketSettled) -> None:
        """An installation or a task has ended."""
        self.tickets.setdefault(fact.ticket_id, fact)

    @workflow.signal
    async def parcel_scanned(self, fact: ParcelScanned) -> None:
        """The carrier scanned a parcel."""
        await self.take_scan(fact)

    @workflow.signal
    def goods_arrived(self, fact: GoodsArrived) -> None:
        """The warehouse has goods again."""
        self.goods_came += 1

    # For operations and tests

    @workflow.query(name="status")
    def state(self) -> OrderStatus:
        """Where this life stands; pages read tables instead."""
        return self.status

    @workflow.query
    def now(self) -> datetime:
        """The time in this life, which tests can move."""
        return workflow.now()
