"""The steps of a change: recorded, invoiced, visited, in force, called off; and its letters."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.subscriptions import SubscriptionActivities
    from models.messages.billing.invoices import (
        CaseCancelled,
        InvoiceOrder,
        InvoiceSettled,
        InvoiceStatus,
        invoice_workflow_id,
    )
    from models.messages.journeys import Wait, WaitFor
    from models.messages.letters import Letter
    from models.messages.payments import RefundOrder, refund_workflow_id
    from models.messages.subscriptions import (
        ChangeDecision,
        ChangeKind,
        ChangeOpened,
        ChangeRequested,
        ChangeStatus,
        ChangeStep,
        change_workflow_id,
    )
    from models.messages.tickets import FaultReport, TicketKind, TicketSettled, ticket_workflow_id
    from workflows.kit.letters import Letters
    from workflows.kit.options import ROWS
    from workflows.kit.waiting import Waits, told


class ChangeSteps:
    """What a change remembers, and the steps that its story is made of."""

    def __init__(self, asked: ChangeRequested) -> None:
        self.asked = asked
        self.opened = ChangeOpened("")
        self.status = ChangeStatus.REQUESTED
        self.seq = 0
        self.waits = Waits()
        self.turn = asyncio.Lock()
        self.letters = Letters(self.tell_failed_letter)
        self.is_open = False
        self.is_agreed = False
        self.settled: InvoiceSettled | None = None
        self.visited: TicketSettled | None = None
        self.is_invoiced = self.is_visited = False

    @property
    def is_on(self) -> bool:
        """Whether the change may still come into force."""
        return self.status in (ChangeStatus.REQUESTED, ChangeStatus.AWAITING)

    @property
    def is_paid(self) -> bool:
        return self.settled is not None and self.settled.status is InvoiceStatus.PAID

    # Steps

    def step(
        self,
        sentence: str,
        status: ChangeStatus | None = None,
        decision: ChangeDecision | None = None,
        **facts: Any,
    ) -> ChangeStep:
        """The next step, with the waits that changed since the last one."""
        self.seq += 1
        return ChangeStep(
            self.asked.change_id, self.seq, status or ChangeStatus.AWAITING, workflow.now(), sentence,
            actor_kind=decision.actor_kind if decision else "system",
            actor_id=decision.actor_id if decision else "", waits=self.waits.take(), **facts,
        )  # fmt: skip

    async def record(
        self, sentence: str, decision: ChangeDecision | None = None, details: dict[str, str] | None = None
    ) -> None:
        """Write one step on the way."""
        self.status = ChangeStatus.AWAITING
        await workflow.execute_activity_method(
            SubscriptionActivities.record,
            self.step(sentence, None, decision, details=details or {}),
            summary=told(sentence),
            **ROWS,
        )

    async def call_off(
        self, sentence: str, reason: str, letter: str, decision: ChangeDecision | None = None
    ) -> None:
        """The change is off: waits end, its money is void, what it had begun is called off."""
        self.status = ChangeStatus.CANCELLED
        self.waits.end_all()
        details = {"reason": reason}
        await workflow.execute_activity_method(
            SubscriptionActivities.call_off,
            self.step(sentence, self.status, decision, reason=reason, details=details),
            summary=f"The change is off: {reason}",
            **ROWS,
        )
        await self.undo(reason)
        self.send(letter)

    async def undo(self, reason: str) -> None:
        """Nobody owes the invoice any more, money that came goes back, and nobody needs to come."""
        if self.is_invoiced and not self.is_paid:
            fact = CaseCancelled(self.asked.change_id, reason, workflow.now())
            await self.tell(invoice_workflow_id(self.opened.invoice_id), "case_cancelled", fact)
        elif self.is_paid and not (self.settled and self.settled.goes_back):
            refund_id = f"{self.asked.change_id}.refund"
            order = RefundOrder(
                refund_id, self.opened.invoice_id, self.asked.customer_id, self.asked.change_id,
                self.opened.total_minor, "change", self.opened.currency,
            )  # fmt: skip
            await self.start_beside("Refund", order, refund_workflow_id(refund_id))
        if self.is_visited and self.visited is None:
            visit = workflow.get_external_workflow_handle(ticket_workflow_id(self.opened.ticket_id))
            try:
                await visit.cancel()
            except ApplicationError:
                workflow.logger.info("the visit's ticket is over already")

    async def end_late(self, sentence: str, reason: str, is_so: Callable[[], bool]) -> None:
        """A deadline has passed; who moved at the last moment is in time."""
        async with self.turn:
            if not is_so():
                await self.call_off(sentence, reason, "ended")

    async def start_invoice(self, *, workflow_waits: bool) -> None:
        """Ask for exactly the money that was shown, on an invoice of its own."""
        async with self.turn:
            if not self.is_on and workflow_waits:
                return
            if workflow_waits:
                until = self.opened.pay_until
                self.wait("change_payment", WaitFor.CUSTOMER, until, "cancel_change", ("cancel",))
                self.status = ChangeStatus.AWAITING
            details = {"total": str(self.opened.total_minor), "currency": self.opened.currency}
            await workflow.execute_activity_method(
                SubscriptionActivities.charge,
                self.step("subscriptions.payment_asked", self.status, details=details),
                summary="Store the money that was shown",
                **ROWS,
            )
            order = InvoiceOrder(
                self.opened.invoice_id, "", self.asked.customer_id, (), case_id=self.asked.change_id,
                lines=self.opened.invoice_lines, asked_by=change_workflow_id(self.asked.change_id),
                charge_ids=self.opened.charge_ids, method_id=self.opened.method_id,
            )  # fmt: skip
            await self.start_beside("Invoice", order, invoice_workflow_id(self.opened.invoice_id))
            self.is_invoiced = True

    async def start_visit(self) -> None:
        """Have a visit arranged at the new address."""
        async with self.turn:
            if not self.is_on:
                return
            self.wait("move_visit", WaitFor.US, None, "", ("cancel",))
            number = {"ticket_id": self.opened.ticket_id}
            await self.record("subscriptions.visit_asked", details=number)
            report = FaultReport(
                self.opened.ticket_id, self.asked.customer_id, workflow.now(),
                kind=TicketKind.INSTALLATION, case_id=self.asked.change_id,
                asked_by=change_workflow_id(self.asked.change_id), topic="move",
            )  # fmt: skip
            await self.start_beside("Ticket", report, ticket_workflow_id(self.opened.ticket_id))
            self.is_visited = True

    async def take_effect(self) -> None:
        """The contract is changed with the money that was shown; leaving is invoiced afterwards."""
        async with self.turn:
            if not self.is_on:
                return
            self.waits.end_all()
            if self.opened.awake_at is not None:
                self.wait("pause_end", WaitFor.TIMER, self.opened.awake_at, "resume_contract")
            day = self.opened.effect_at.isoformat() if self.opened.effect_at else ""
            refused = await workflow.execute_activity_method(
                SubscriptionActivities.apply,
                self.step("subscriptions.changed", ChangeStatus.DONE, details={"effective_on": day}),
                summary="The change takes effect",
                **ROWS,
            )
            if refused:
                return await self.call_off("subscriptions.cancelled", refused, "ended")
            self.status = ChangeStatus.DONE
            self.send("done")
            if self.asked.kind is ChangeKind.TRANSFER:
                self.send("done", self.opened.receiver_id, "received")
        if self.opened.total_minor > 0 and not self.is_invoiced:
            await self.start_invoice(workflow_waits=False)

    async def wait_for_the_end_of_the_pause(self) -> None:
        """Wake the contract on the day that was agreed; one that was woken before is left alone."""
        await self.waits.until("pause_end", lambda: False)
        self.waits.end("pause_end")
        await self.wake()

    async def wake(self) -> None:
        """The pause is over."""
        woken = await workflow.execute_activity_method(
            SubscriptionActivities.wake,
            self.step("subscriptions.resumed", ChangeStatus.DONE),
            summary="The contract runs again",
            **ROWS,
        )
        if woken:
            self.send("resumed")

    # Means

    def wait(
        self, key: str, who: WaitFor, until: datetime | None, then: str, may: tuple[str, ...] = ()
    ) -> None:
        """Begin a wait of this change."""
        subject = change_workflow_id(self.asked.change_id)
        self.waits.begin(
            Wait(
                key, subject, "", who, key, workflow.now(), until, then, may,
                case_id=self.asked.change_id, customer_id=self.asked.customer_id,
            )
        )  # fmt: skip

    async def start_beside(self, life: str, order: Any, workflow_id: str) -> None:
        """Start another word's life, which outlives this one; one that runs already is that life."""
        try:
            await workflow.start_child_workflow(
                life, order, id=workflow_id, parent_close_policy=ParentClosePolicy.ABANDON
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("%s runs already", workflow_id)

    async def tell(self, workflow_id: str, signal: str, fact: Any) -> None:
        """Tell another life a fact; one that is over needs no telling."""
        try:
            await workflow.get_external_workflow_handle(workflow_id).signal(signal, fact)
        except ApplicationError:
            workflow.logger.info("%s is already over", workflow_id)

    def send(self, letter: str, customer_id: str | None = None, name: str = "") -> None:
        """Write to the customer, or to the receiver of a transfer if we know them."""
        receiver = self.asked.customer_id if customer_id is None else customer_id
        if receiver:
            subject = change_workflow_id(self.asked.change_id)
            self.letters.send(
                Letter(
                    f"{subject}:{name or letter}", "", f"subscriptions/{letter}",
                    case_id=self.asked.change_id, customer_id=receiver,
                )
            )  # fmt: skip

    async def tell_failed_letter(self, letter: Letter) -> None:
        """A letter that could not be sent for a day stands in the timeline, so that somebody calls."""
        async with self.turn:
            await workflow.execute_activity_method(
                SubscriptionActivities.record,
                self.step(
                    "subscriptions.letter_failed", self.status, details={"letter": letter.template},
                    is_public=False,
                ),
                summary="Note that a letter did not arrive",
                **ROWS,
            )  # fmt: skip
