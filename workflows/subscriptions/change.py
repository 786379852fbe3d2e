"""The life of one change of a contract, from the wish to the day on which it is in force."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.subscriptions import SubscriptionActivities
    from models.messages.billing.invoices import InvoiceSettled, InvoiceStatus
    from models.messages.journeys import WaitFor
    from models.messages.subscriptions import (
        ChangeDecision,
        ChangeKind,
        ChangeRequested,
        ChangeStatus,
        ContractDismissed,
    )
    from models.messages.tickets import TicketSettled
    from workflows.kit.options import ROWS
    from workflows.kit.refusals import refuse
    from workflows.subscriptions.steps import ChangeSteps


@workflow.defn(name="SubscriptionChange")
class SubscriptionChangeWorkflow(ChangeSteps):
    """One change, alive until it is in force or off; a pause lives on until the contract runs again."""

    @workflow.init
    def __init__(self, asked: ChangeRequested) -> None:
        super().__init__(asked)

    @workflow.run
    async def run(self, asked: ChangeRequested) -> ChangeStatus:
        """Tell the story; each chapter ends early when the change is off."""
        await self.open()
        for chapter in (self.ask_holder, self.ask_payment, self.ask_visit, self.wait_for_its_day):
            if self.is_on:
                await chapter()
        if self.is_on:
            await self.take_effect()
        if self.status is ChangeStatus.DONE and self.opened.awake_at is not None:
            await self.wait_for_the_end_of_the_pause()
        await self.letters.all_sent()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.status

    async def open(self) -> None:
        """Check that what was shown still holds; a preview that ended is shown anew by the page."""
        async with self.turn:
            self.opened = await workflow.execute_activity_method(
                SubscriptionActivities.open,
                args=[self.asked, workflow.now()],
                summary="Check that the preview still holds",
                **ROWS,
            )
            if not self.is_on:
                return
            if self.opened.refusal:
                await self.call_off("subscriptions.preview_ended", self.opened.refusal, "ended")
            else:
                self.is_open = True
                if self.asked.actor_kind != "system":  # dunning has written to the customer itself
                    self.send("requested")

    async def ask_holder(self) -> None:
        """The receiver of a transfer agrees, declines, or stays silent until the deadline."""
        if not self.opened.has_receiver:
            return
        async with self.turn:
            self.wait("new_holder", WaitFor.CUSTOMER, self.opened.remind_at, "remind_holder", ("confirm",))
            await self.record("subscriptions.receiver_asked")
            self.send("holder", self.opened.receiver_id)
        if not await self.waits.until("new_holder", self.has_holder_moved):
            async with self.turn:
                if not self.has_holder_moved():
                    until = self.opened.confirm_until
                    self.wait("new_holder", WaitFor.CUSTOMER, until, "cancel_change", ("confirm",))
                    await self.record("subscriptions.receiver_reminded")
                    self.send("holder", self.opened.receiver_id, "holder_reminder")
            if not await self.waits.until("new_holder", self.has_holder_moved):
                await self.end_late("subscriptions.receiver_silent", "receiver_silent", self.has_holder_moved)

    def has_holder_moved(self) -> bool:
        return self.is_agreed or not self.is_on

    async def ask_payment(self) -> None:
        """A positive total is paid before the change; leaving is not held up by it."""
        if self.opened.total_minor <= 0 or not self.opened.needs_payment_first:
            return
        await self.start_invoice(workflow_waits=True)
        if not await self.waits.until("change_payment", self.is_paid_or_off):
            await self.end_late("subscriptions.unpaid", "unpaid", self.is_paid_or_off)
        if self.is_on and self.is_paid:
            async with self.turn:
                self.waits.end("change_payment")
                await self.record("subscriptions.paid")
        elif self.is_on:
            async with self.turn:
                await self.call_off("subscriptions.unpaid", "unpaid", "ended")

    def is_paid_or_off(self) -> bool:
        is_over = self.settled is not None and self.settled.status is InvoiceStatus.CANCELLED
        return self.is_paid or is_over or not self.is_on

    async def ask_visit(self) -> None:
        """Somebody sets the device up at the new address; without the visit nothing changes."""
        if self.asked.kind is not ChangeKind.MOVE:
            return
        await self.start_visit()
        await self.waits.until("move_visit", lambda: self.visited is not None or not self.is_on)
        if not self.is_on:
            return
        assert self.visited is not None
        async with self.turn:
            self.waits.end("move_visit")
            visit = {"visit": self.opened.ticket_id}
            if self.visited.is_done:
                await self.record("subscriptions.visit_done", details=visit)
            else:
                await self.call_off("subscriptions.visit_failed", "visit_failed", "ended")

    async def wait_for_its_day(self) -> None:
        """Rest until the business day of the change begins."""
        effect_at = self.opened.effect_at
        if effect_at is None or effect_at <= workflow.now():
            return
        async with self.turn:
            self.wait("change_day", WaitFor.TIMER, effect_at, "apply_change", ("cancel",))
            day = effect_at.isoformat()
            await self.record("subscriptions.waiting_for_its_day", details={"effective_on": day})
        await self.waits.until("change_day", lambda: not self.is_on)

    # What people say

    @workflow.update
    async def confirm(self, decision: ChangeDecision) -> ChangeStatus:
        """The receiver of a transfer agrees; answered once the row says so."""
        async with self.turn:
            self.refuse_to_confirm(decision)
            if not self.is_agreed:
                self.is_agreed = True
                self.waits.end("new_holder")
                await self.record("subscriptions.receiver_agreed", decision)
        return self.status

    @confirm.validator
    def refuse_to_confirm(self, decision: ChangeDecision) -> None:
        self.refuse_what_is_over()
        if self.is_open and not self.opened.has_receiver:
            raise refuse("change_needs_no_holder")

    @workflow.update
    async def decline(self, decision: ChangeDecision) -> ChangeStatus:
        """The receiver does not agree; answered once the row says that nothing changes."""
        async with self.turn:
            self.refuse_to_decline(decision)
            await self.call_off("subscriptions.receiver_declined", "declined", "ended", decision)
        return self.status

    @decline.validator
    def refuse_to_decline(self, decision: ChangeDecision) -> None:
        self.refuse_to_confirm(decision)
        if self.is_agreed:
            raise refuse("change_agreed")

    @workflow.update
    async def cancel(self, decision: ChangeDecision) -> ChangeStatus:
        """Whoever asked, or the desk, takes the change back before it is in force."""
        async with self.turn:
            self.refuse_what_is_over()
            await self.call_off("subscriptions.cancelled", "taken_back", "ended", decision)
        return self.status

    @cancel.validator
    def refuse_to_cancel(self, decision: ChangeDecision) -> None:
        self.refuse_what_is_over()

    def refuse_what_is_over(self) -> None:
        """A change that is in force or off is not changed any more."""
        if self.status is ChangeStatus.DONE:
            raise refuse("change_done")
        if self.status is ChangeStatus.CANCELLED:
            raise refuse("change_off")

    # What others tell

    @workflow.signal
    def invoice_settled(self, fact: InvoiceSettled) -> None:
        """The invoice of the change was paid or is off; told twice it counts once."""
        if not self.is_paid:
            self.settled = fact

    @workflow.signal
    def ticket_settled(self, fact: TicketSettled) -> None:
        """The visit at the new address is over."""
        self.visited = self.visited or fact

    @workflow.signal
    async def contract_dismissed(self, fact: ContractDismissed) -> None:
        """The contract is ended because nobody pays: a change of it that is still open is off."""
        async with self.turn:
            if self.is_on:
                await self.call_off("subscriptions.cancelled", "dismissed", "ended")

    @workflow.query(name="status")
    def current_status(self) -> ChangeStatus:
        """For operations and tests."""
        return self.status

    @workflow.query(name="now")
    def current_time(self) -> datetime:
        """The time in this life; tests move it."""
        return workflow.now()
