"""The life of one ticket, from report to confirmation, and until its invoice is settled."""

import asyncio
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.tickets import TicketActivities
    from models.messages.billing.invoices import InvoiceSettled, InvoiceStatus
    from models.messages.field_service import Outcome
    from models.messages.tickets import (
        OVER,
        Assign,
        Cancel,
        Clock,
        CloseReason,
        Command,
        Confirmation,
        CustomerWrote,
        Dispatch,
        FaultReport,
        Opened,
        Recorded,
        Reopening,
        TicketState,
        TicketStatus,
    )
    from models.messages.tickets.mails import LetterBounced
    from models.rules import tickets as rules
    from workflows.kit.options import ROWS
    from workflows.kit.refusals import refuse
    from workflows.kit.search import TEAM, WORD
    from workflows.tickets.cases import CaseSteps
    from workflows.tickets.clocks import ClockSteps
    from workflows.tickets.sorting import SortSteps

SETTLED = {
    InvoiceStatus.PAID: "tickets.paid",
    InvoiceStatus.OVERDUE: "tickets.unpaid",
    InvoiceStatus.CANCELLED: "tickets.bill_withdrawn",
}


@workflow.defn(name="Ticket")
class TicketWorkflow(ClockSteps, CaseSteps, SortSteps):
    """One reported fault, alive until the repair is confirmed and paid, or the ticket is cancelled.

    Opened by an order or a change it is an installation or a task, and ends with its work (cases.py)."""

    @workflow.init
    def __init__(self, fault: FaultReport) -> None:
        super().__init__(fault)

    @workflow.run
    async def run(self, fault: FaultReport) -> TicketStatus:
        """Live through the ticket, whatever people and clocks do; operations may end it, too."""
        try:
            await self.live()
        except (asyncio.CancelledError, ActivityError) as stop:
            if not is_cancelled_exception(stop):
                raise
            await self.end_by_operations()
        self.stop_watching()
        await self.tell_asker()
        await self.letters.all_sent()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.status

    async def live(self) -> None:
        """The story from the report to the last won."""
        keeps_clocks = workflow.patched("2026-11-promises-as-rows")
        await self.open()
        if keeps_clocks:
            self.watch_for_rules()
        while self.status in rules.WORKING:
            if keeps_clocks or self.due.turn is not None:  # an older one has clocks since it came back
                await self.keep_the_promises()
            else:
                await self.wait_for_an_answer()
                await self.wait_until_resolved()
            await self.wait_for_confirmation()
            await self.stay_merged()
        if self.status is TicketStatus.PAYMENT_DUE:
            await self.wait_for_payment()

    # The story

    async def open(self) -> None:
        """Route the ticket and promise its deadlines."""
        async with self.turn:
            await self.be_born()
            self.begin_turn(TicketStatus.OPEN)
            change = self.change(
                "tickets.opened", TicketStatus.OPEN, clock=Clock.ANSWER, clocks_since=self.fault.clocks_since
            )
            opened: Opened = await workflow.execute_activity_method(
                TicketActivities.open, change, summary="Open the ticket: team and deadlines", **ROWS
            )
            self.settle_clocks(opened.recorded or Recorded(opened.answer_due, opened.resolve_due))
            self.status = TicketStatus.OPEN
            workflow.upsert_search_attributes([WORD.value_set("Ticket"), TEAM.value_set(opened.team_id)])
            self.show_stage()
            if not self.fault.is_quiet:
                self.send("received")
            if opened.recorded is not None:
                await self.carry_out(opened.recorded.effects)
            await self.begin_installation()

    async def wait_for_an_answer(self) -> None:
        """Warn the desk once when nobody has answered by the promised time."""
        if not await self.waits.until("turn", lambda: self.is_answered or not self.is_worked_on()):
            async with self.turn:
                if self.has_passed("turn"):
                    self.is_late = True
                    self.begin_turn(self.status)
                    await self.record("tickets.late", self.status)
                    self.send("late")

    async def wait_until_resolved(self) -> None:
        """Let agents and technicians work; warn the leader once when it takes longer than promised."""
        while self.is_worked_on():
            in_time = await self.waits.until("turn", self.has_moved_on)
            if self.has_visit_ended():
                await self.take_the_visit()
            elif not in_time:
                await self.warn_the_leader()

    async def warn_the_leader(self) -> None:
        async with self.turn:
            if self.is_worked_on() and self.has_passed("turn"):
                self.is_overdue = True
                self.begin_turn(self.status)
                await self.record("tickets.overdue", self.status)
                self.send("overdue")

    async def take_the_visit(self) -> None:
        """The visit's result is the ticket's fact: solved, a follow-up, or the agent is asked."""
        async with self.turn:
            if self.visit is None:
                return
            result = await self.visit_result()
            details = {"visit_id": result.visit_id, "outcome": result.outcome.value}
            if self.has_to_wait(result):
                self.begin_turn(TicketStatus.IN_PROGRESS)
                await self.record(self.waits_for(), TicketStatus.IN_PROGRESS, details=details)
            elif result.outcome is Outcome.REPAIRED:
                await self.be_resolved(None, details=details)
            elif result.outcome is Outcome.PART_NEEDED:
                await self.send_somebody("tickets.follow_up", None, result, details=details)
            else:
                is_broken = result.outcome is Outcome.NOT_REPAIRABLE
                self.begin_turn(TicketStatus.IN_PROGRESS)
                sentence = "tickets.not_repairable" if is_broken else "tickets.visit_failed"
                await self.record(sentence, TicketStatus.IN_PROGRESS, details=details)

    async def wait_for_confirmation(self) -> None:
        """Silence past the deadline counts as a confirmation, and the timeline says so."""
        if not await self.waits.until("confirmation", lambda: self.status is not TicketStatus.RESOLVED):
            async with self.turn:
                if self.has_passed("confirmation"):
                    await self.settle("tickets.silent", CloseReason.SILENCE)

    async def wait_for_payment(self) -> None:
        """The invoice lives by itself; the ticket only waits for how it ends."""
        await self.waits.until("payment", lambda: self.settled is not None)
        assert self.settled is not None
        async with self.turn:
            self.waits.end_all()
            sentences = SETTLED[self.settled.status], "tickets.closed"
            await self.record(
                sentences[0], TicketStatus.CLOSED, further=sentences[1:], close_reason=self.close_reason
            )
            self.send("closed")

    async def end_by_operations(self) -> None:
        """The workflow itself was cancelled: whatever is under way is called off, and the rows say so."""
        async with self.turn:
            if self.status not in OVER:
                if self.status is TicketStatus.RECEIVED:
                    await self.be_born()  # it may have been called off before its row was there
                if self.visit is not None:
                    self.visit.cancel()
                    result = await self.visit_result()
                    if self.is_of_a_case and result.outcome is Outcome.REPAIRED:
                        return await self.be_resolved(None, details={"visit_id": result.visit_id})
                await self.be_cancelled(None)
        return None

    # What people say

    @workflow.update
    async def assign(self, assign: Assign) -> TicketStatus:
        """An agent takes the ticket or hands it over; answered once the row says so."""
        async with self.step("assign"):
            self.refuse_taking(assign)
            sentence = "tickets.handed_over" if assign.agent_id else "tickets.unassigned"
            if assign.agent_id == assign.actor_id:
                sentence = "tickets.assigned"
            await self.record(sentence, self.status, assign, agent_id=assign.agent_id, sets_agent=True)
            self.agent_id = assign.agent_id
        return self.status

    def refuse_taking(self, assign: Assign) -> None:
        if self.agent_id not in (assign.from_agent_id, assign.agent_id):
            raise refuse("ticket_taken")

    @assign.validator
    def refuse_assign(self, assign: Assign) -> None:
        if self.refuse_early("assign"):
            self.refuse_taking(assign)

    @workflow.update
    async def dispatch(self, dispatch: Dispatch) -> TicketStatus:
        """An agent sends somebody; answered once the visit has begun to look for a technician."""
        async with self.step("dispatch"):
            await self.send_somebody("tickets.dispatched", dispatch, None, reason=dispatch.reason)
        return self.status

    @dispatch.validator
    def refuse_dispatch(self, dispatch: Dispatch) -> None:
        self.refuse_early("dispatch")

    @workflow.update
    async def cancel(self, cancel: Cancel) -> TicketStatus:
        """The customer or an agent ends it; answered once a visit under way is called off, too."""
        async with self.step("cancel"):
            self.refuse_ending(cancel)
            await self.refuse_cancel_without_fields(cancel)
            await self.call_off_the_visit()
            await self.be_cancelled(cancel)
        return self.status

    @cancel.validator
    def refuse_cancel(self, cancel: Cancel) -> None:
        self.refuse_early("cancel")
        self.refuse_ending(cancel)

    @workflow.update
    async def confirm(self, confirmation: Confirmation) -> TicketStatus:
        """The customer accepts the repair; answered once the row says closed or payment due."""
        async with self.step("confirm"):
            await self.settle("tickets.confirmed", CloseReason.CONFIRMED, confirmation)
        return self.status

    @confirm.validator
    def refuse_confirm(self, confirmation: Confirmation) -> None:
        self.refuse_early("confirm")

    @workflow.update
    async def reopen(self, reopening: Reopening) -> TicketStatus:
        """The customer says that it does not work; answered once the answer clock runs again."""
        async with self.step("reopen"):
            self.waits.end("confirmation")
            self.is_answered = self.is_late = self.is_overdue = False
            self.due = Recorded()
            self.begin_turn(TicketStatus.OPEN)
            await self.record(
                "tickets.reopened", TicketStatus.OPEN, reopening,
                message_id=reopening.message_id or None, clock=Clock.ANSWER,
            )  # fmt: skip
            self.send("reopened")
        return self.status

    @reopen.validator
    def refuse_reopen(self, reopening: Reopening) -> None:
        self.refuse_early("reopen")

    # Facts

    @workflow.signal
    async def customer_wrote(self, fact: CustomerWrote) -> None:
        """A message of the customer is stored; it is our turn again."""
        if fact.message_id in self.heard:
            return
        self.heard.add(fact.message_id)
        await workflow.wait_condition(lambda: self.status is not TicketStatus.RECEIVED)
        if await self.pass_on(fact):
            return
        async with self.turn:
            status = self.status
            if status is TicketStatus.WAITING_CUSTOMER:
                status = TicketStatus.IN_PROGRESS
                self.begin_turn(status)
            customer = Command("", self.fault.customer_id, fact.at, "customer")
            await self.record("tickets.customer_wrote", status, customer, message_id=fact.message_id)

    @workflow.signal
    async def letter_bounced(self, fact: LetterBounced) -> None:
        """A letter of ours came back: a colleague has to find another way."""
        if fact.letter_key in self.heard:
            return
        self.heard.add(fact.letter_key)
        await workflow.wait_condition(lambda: self.status is not TicketStatus.RECEIVED)
        await self.tell_failed_letter(self.letter_of(fact.letter_key))

    @workflow.signal
    def invoice_settled(self, fact: InvoiceSettled) -> None:
        """The invoice was paid, went overdue or was taken back; the first word counts."""
        if self.settled is None:
            self.settled = fact

    # For operations and tests

    @workflow.query(name="status")
    def state(self) -> TicketState:
        """Where this life stands; pages read tables instead."""
        return TicketState(self.status, self.seq, self.agent_id, tuple(self.waits.open))

    @workflow.query
    def now(self) -> datetime:
        """The time in this life, which tests can move."""
        return workflow.now()
