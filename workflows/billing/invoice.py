"""The life of one invoice, from issue to money or cancellation, and of money that nobody owes."""

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.billing import BillingActivities
    from models.kit.ids import attempt_id
    from models.kit.money import shown
    from models.messages.billing.invoices import (
        AttemptRefused,
        CancelInvoice,
        CaseCancelled,
        ClearSuspense,
        FinanceAct,
        InvoiceChange,
        InvoiceOrder,
        InvoiceSettled,
        InvoiceStatus,
        Issued,
        IssueInvoice,
        PaymentReceived,
        SettleInvoice,
    )
    from models.messages.billing.write_offs import InvoiceWrittenOff
    from models.messages.letters import Letter
    from models.messages.payments import ChargeOrder, RefundOrder, charge_workflow_id, refund_workflow_id
    from models.messages.tickets import ticket_workflow_id
    from models.rules.billing import invoices as rules
    from workflows.kit.letters import Letters
    from workflows.kit.options import ROWS
    from workflows.kit.refusals import refuse
    from workflows.kit.waiting import Waits

OPEN = frozenset({InvoiceStatus.ISSUED, InvoiceStatus.OVERDUE})


@workflow.defn(name="Invoice")
class InvoiceWorkflow:
    """One invoice, alive until it is paid or cancelled and no money is left that nobody owes."""

    @workflow.init
    def __init__(self, order: InvoiceOrder) -> None:
        self.order = order
        self.status = InvoiceStatus.ISSUED
        self.seq = 0
        self.issued: Issued | None = None
        self.waits = Waits()
        self.received: list[PaymentReceived] = []
        self.seen: set[str] = set()  # attempts whose money was told to us
        self.suspense: set[str] = set()  # attempts whose money waits to be given back
        self.letters = Letters(self.tell_failed_letter)
        self.off: CaseCancelled | None = None  # the order or change behind it is off
        self.certain: list[str] = []  # attempts that surely brought nothing, since it was last tried

    @workflow.run
    async def run(self, order: InvoiceOrder) -> InvoiceStatus:
        self.issued = await self.issue()
        if order.late is not None:
            self.payment_received(order.late)
            await self.settle_received()
        else:
            await self.ask(self.issued)
            await self.wait_for_money(self.issued)
        await self.look_after_suspense()
        await self.letters.all_sent()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.status

    async def issue(self) -> Issued:
        """Price and store the invoice; a late life only reads what is there."""
        issued = await workflow.execute_activity_method(
            BillingActivities.issue,
            IssueInvoice(self.order, workflow.now()),
            summary=f"Price and issue invoice {self.order.invoice_id}",
            **ROWS,
        )
        self.status, self.seq = issued.status, issued.seq
        return issued

    async def ask(self, issued: Issued) -> None:
        """Charge the method that was agreed, or write to the customer; a refused charge writes by itself."""
        if not self.order.method_id or not issued.total_minor:
            return self.write("billing/invoice")
        attempt = attempt_id(issued.invoice_id, 1)
        order = ChargeOrder(
            attempt, issued.invoice_id, self.order.ticket_id, issued.total_minor, issued.currency,
            method_id=self.order.method_id,
        )  # fmt: skip
        summary = f"Charge the agreed method for invoice {issued.invoice_id}"
        return await self.start_beside("Charge", order, charge_workflow_id(attempt), summary)

    async def wait_for_money(self, issued: Issued) -> None:
        """Remind before the due date, ask finance after it, and go on hoping for late money."""
        if issued.total_minor == 0:
            return await self.settle_nothing()
        give_up_at = issued.due_at + timedelta(days=self.order.wait_days)
        self.wait_until(issued, issued.due_at - rules.REMIND_BEFORE, "remind_payment")
        self.waits.take()  # `billing.issue` has written this one
        if await self.is_settled_in_time():
            return None
        self.wait_until(issued, issued.due_at, "overdue")
        await self.remind()
        if await self.is_settled_in_time():
            return None
        self.wait_until(issued, give_up_at, "give_up")
        await self.become_overdue()
        if await self.is_settled_in_time():
            return None
        self.waits.end("payment")
        await self.record(InvoiceStatus.OVERDUE, "billing.given_up")
        return None

    async def is_settled_in_time(self) -> bool:
        """Wait for money or a cancellation until the wait's deadline; partial money keeps us waiting."""
        while self.status in OPEN:
            moved = await self.waits.until(
                "payment",
                lambda: bool(self.received) or self.off is not None or self.status not in OPEN,
            )
            await self.settle_received()
            if self.off is not None and self.status in OPEN:
                await self.withdraw(self.off)
            if not moved:
                break
        return self.status not in OPEN

    async def settle_received(self) -> None:
        """Book every payment that was told to us, one after the other, in the order of arrival."""
        while self.received:
            payment = self.received[0]
            self.seq += 1
            settled = await workflow.execute_activity_method(
                BillingActivities.settle,
                SettleInvoice(self.order.invoice_id, self.order.ticket_id, payment, self.seq, workflow.now()),
                summary=f"Book the money of attempt {payment.attempt_id}",
                **ROWS,
            )
            self.received.pop(0)
            if settled.goes_back:
                await self.give_back(f"{payment.attempt_id}.back", settled.suspense_minor, payment.attempt_id)
            elif settled.suspense_minor:
                self.suspense.add(payment.attempt_id)
                wait = rules.suspense_wait(
                    SettleInvoice(
                        self.order.invoice_id, self.order.ticket_id, payment, self.seq, workflow.now()
                    ),
                    shown(settled.suspense_minor),
                )
                self.waits.begin(wait)
            if self.status in OPEN and settled.status is InvoiceStatus.PAID:
                self.status = InvoiceStatus.PAID
                self.waits.end("payment", "withdrawal")
                if self.off is None:
                    self.write("billing/receipt")
                else:
                    await self.give_back(f"{self.order.invoice_id}.back", settled.allocated_minor)
                await self.tell_asker(goes_back=self.off is not None)

    async def withdraw(self, off: CaseCancelled) -> None:
        """Nobody owes it any more: take it back, but only once no money can be moving."""
        self.waits.end("payment")
        while self.status in OPEN:
            try:
                self.status = await self.take_back(self.act("", off.reason))
            except ActivityError as held:
                if not isinstance(held.cause, ApplicationError) or held.cause.type != "payment_under_way":
                    raise
                self.waits.begin(rules.withdrawal_wait(self.order.invoice_id, workflow.now()))
                await self.record(self.status, "billing.withdrawing")
                await self.waits.until("withdrawal", lambda: bool(self.received or self.certain))
                self.certain.clear()
                self.waits.end("withdrawal")
                await self.settle_received()
            else:
                await self.tell_asker()

    async def take_back(self, act: FinanceAct) -> InvoiceStatus:
        """Cancel row and ledger; refused while a payment is open or once it is paid."""
        return await workflow.execute_activity_method(
            BillingActivities.cancel, act, summary=f"Cancel invoice {self.order.invoice_id}", **ROWS
        )

    async def give_back(self, refund_id: str, amount: int, attempt: str = "") -> None:
        """Money for something that is off goes back to its customer; the refund lives its own life."""
        order = RefundOrder(
            refund_id, self.order.invoice_id, self.order.customer_id, self.order.case_id, amount,
            self.off.reason if self.off else "nobody_owes", attempt_id=attempt,
        )  # fmt: skip
        summary = f"Give back what nobody owes of invoice {self.order.invoice_id}"
        await self.start_beside("Refund", order, refund_workflow_id(refund_id), summary)

    async def start_beside(
        self, word: str, order: ChargeOrder | RefundOrder, workflow_id: str, summary: str
    ) -> None:
        """Start another life that outlives this one; one that is there already is the same."""
        try:
            await workflow.start_child_workflow(
                word, order, id=workflow_id, parent_close_policy=ParentClosePolicy.ABANDON,
                static_summary=summary,
            )  # fmt: skip
        except WorkflowAlreadyStartedError:
            workflow.logger.info("%s is already there", workflow_id)

    async def settle_nothing(self) -> None:
        """An invoice over nothing is paid by itself."""
        self.waits.end("payment")
        await workflow.execute_activity_method(
            BillingActivities.settle_nothing,
            self.act("", ""),
            summary=f"Mark invoice {self.order.invoice_id} over nothing as paid",
            **ROWS,
        )
        self.status = InvoiceStatus.PAID
        await self.tell_asker()

    async def remind(self) -> None:
        """Three days before the due date, remind the customer once."""
        await self.record(InvoiceStatus.ISSUED, "billing.reminded")
        self.write("billing/reminder")

    async def become_overdue(self) -> None:
        """The due date has passed: finance is asked, the ticket is told, and late money still settles."""
        self.status = InvoiceStatus.OVERDUE
        await self.record(self.status, "billing.overdue")
        self.write("billing/overdue")
        await self.tell_asker()

    async def look_after_suspense(self) -> None:
        """Stay alive while finance has to give money back; more of it may still arrive."""
        while self.suspense or self.received:
            await workflow.wait_condition(lambda: bool(self.received) or not self.suspense)
            await self.settle_received()

    async def tell_asker(self, *, goes_back: bool = False) -> None:
        """Tell whoever asked for the invoice how it stands; somebody whose life is over needs no telling."""
        asked_by = self.order.asked_by
        if not asked_by and not self.order.ticket_id:
            return
        asker = workflow.get_external_workflow_handle(asked_by or ticket_workflow_id(self.order.ticket_id))
        fact = InvoiceSettled(self.order.invoice_id, self.status, workflow.now(), goes_back)
        try:
            await asker.signal("invoice_settled", fact)
        except ApplicationError:
            workflow.logger.info("whoever asked for invoice %s is over", self.order.invoice_id)

    async def record(
        self, status: InvoiceStatus, sentence: str, details: dict[str, str] | None = None
    ) -> None:
        """Write one step of the invoice's life."""
        self.seq += 1
        change = InvoiceChange(
            self.order.invoice_id, self.order.ticket_id, self.seq, status, workflow.now(), sentence,
            details=details or {}, waits=self.waits.take(),
        )  # fmt: skip
        await workflow.execute_activity_method(
            BillingActivities.record,
            change,
            summary=f"Record that invoice {self.order.invoice_id} is {status.value}",
            **ROWS,
        )

    def wait_until(self, issued: Issued, until: datetime, then: str) -> None:
        """Begin the next stretch of waiting for the customer's money."""
        self.waits.begin(rules.payment_wait(issued, self.order.ticket_id, workflow.now(), until, then))

    def act(self, actor_id: str, reason: str, attempt_id: str = "") -> FinanceAct:
        """What finance orders, as an activity carries it out."""
        self.seq += 1
        return FinanceAct(
            self.order.invoice_id, self.order.ticket_id, self.seq, workflow.now(), actor_id, reason,
            attempt_id, self.waits.take(),
        )  # fmt: skip

    def write(self, template: str) -> None:
        """Have a letter written beside the story: a mail system that is down holds nothing up."""
        key = f"invoice:{self.order.invoice_id}:{template}"
        self.letters.send(
            Letter(
                key, self.order.ticket_id, template, invoice_id=self.order.invoice_id,
                case_id=self.order.case_id, customer_id=self.order.customer_id if self.order.case_id else "",
            )
        )  # fmt: skip

    async def tell_failed_letter(self, letter: Letter) -> None:
        """A letter that could not be sent for a day stands in the timeline, so that somebody calls."""
        await self.record(self.status, "billing.letter_failed", {"letter": letter.template})

    @workflow.update
    async def cancel(self, command: CancelInvoice) -> InvoiceStatus:
        """Finance takes the invoice back; answered once row and ledger say so."""
        try:
            self.status = await self.take_back(self.act(command.actor_id, command.reason))
        except ActivityError as refused:
            raise refused.cause or refused from refused
        self.waits.end("payment")
        await self.tell_asker()
        return self.status

    @cancel.validator
    def refuse_to_cancel_what_is_over(self, command: CancelInvoice) -> None:
        if self.status is InvoiceStatus.CANCELLED:
            raise refuse("invoice_cancelled")
        if self.issued is None or self.status not in OPEN or self.received:
            raise refuse("invoice_paid" if self.status not in OPEN else "payment_under_way")

    @workflow.update
    async def clear_suspense(self, command: ClearSuspense) -> int:
        """Finance has given money back; answered once the ledger says so."""
        self.waits.end(f"suspense:{command.attempt_id}")
        amount = await workflow.execute_activity_method(
            BillingActivities.clear_suspense,
            self.act(command.actor_id, command.reason, command.attempt_id),
            summary=f"Book money given back for attempt {command.attempt_id}",
            **ROWS,
        )
        self.suspense.discard(command.attempt_id)
        return amount

    @clear_suspense.validator
    def refuse_to_clear_nothing(self, command: ClearSuspense) -> None:
        if command.attempt_id not in self.suspense:
            raise refuse("no_suspense")

    @workflow.signal
    def payment_received(self, payment: PaymentReceived) -> None:
        """A charge succeeded; told twice it counts once."""
        if payment.attempt_id not in self.seen:
            self.seen.add(payment.attempt_id)
            self.received.append(payment)

    @workflow.signal
    def attempt_refused(self, fact: AttemptRefused) -> None:
        """A try to pay surely brought nothing: whoever waits to take the invoice back may try again."""
        self.certain.append(fact.attempt_id)

    @workflow.signal
    def case_cancelled(self, fact: CaseCancelled) -> None:
        """The order or change is off: an unpaid invoice is taken back, money that still comes goes back."""
        self.off = self.off or fact

    @workflow.signal
    def written_off(self, fact: InvoiceWrittenOff) -> None:
        """Dunning gave it up, row and books say so: nobody waits for its money any more."""
        if self.status in OPEN:
            self.status = InvoiceStatus.WRITTEN_OFF
            self.waits.end("payment")
