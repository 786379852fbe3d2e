"""The life of one ticket, from report to confirmation, and until its invoice is settled."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from activities.tickets import TicketActivities
    from models.kit.ids import invoice_id, visit_id
    from models.messages.billing import InvoiceOrder, InvoiceSettled, InvoiceStatus, invoice_workflow_id
    from models.messages.field_service import Outcome, VisitOrder, VisitResult, visit_workflow_id
    from models.messages.journeys import Wait, WaitFor
    from models.messages.letters import Letter
    from models.messages.tickets import (
        SENTENCES,
        Assign,
        Cancel,
        Change,
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
        Reply,
        Resolve,
        TicketState,
        TicketStatus,
        Weighed,
        ticket_workflow_id,
    )
    from models.rules import tickets as rules
    from workflows.kit.letters import Letters
    from workflows.kit.options import ROWS
    from workflows.kit.refusals import refuse
    from workflows.kit.search import DUE_AT, STAGE, TEAM, WORD
    from workflows.kit.waiting import Waits, told

TURNS = {  # whose turn it is while the ticket is worked on
    TicketStatus.OPEN: (WaitFor.US, "answer"),
    TicketStatus.IN_PROGRESS: (WaitFor.US, "agent"),
    TicketStatus.WAITING_CUSTOMER: (WaitFor.CUSTOMER, "customer_reply"),
    TicketStatus.DISPATCHED: (WaitFor.TECHNICIAN, "visit"),
}
SETTLED = {
    InvoiceStatus.PAID: "tickets.paid",
    InvoiceStatus.OVERDUE: "tickets.unpaid",
    InvoiceStatus.CANCELLED: "tickets.bill_withdrawn",
}


@workflow.defn(name="Ticket")
class TicketWorkflow:
    """One reported fault, alive until the repair is confirmed and paid, or the ticket is cancelled."""

    @workflow.init
    def __init__(self, fault: FaultReport) -> None:
        self.fault = fault
        self.status = TicketStatus.RECEIVED
        self.seq = 0
        self.agent_id: str | None = None
        self.due = Recorded()
        self.is_answered = False
        self.is_late = False
        self.is_overdue = False
        self.visit: workflow.ChildWorkflowHandle[Any, VisitResult] | None = None
        self.visits = 0
        self.close_reason = CloseReason.SILENCE
        self.settled: InvoiceSettled | None = None
        self.heard: set[str] = set()
        self.waits = Waits()
        self.letters = Letters(self.tell_failed_letter)
        self.turn = asyncio.Lock()  # one step at a time: people, visits and clocks take turns

    @workflow.run
    async def run(self, fault: FaultReport) -> TicketStatus:
        """Live through the ticket, whatever people and clocks do."""
        await self.open()
        while self.status in rules.WORKING:
            await self.wait_for_an_answer()
            await self.wait_until_resolved()
            await self.wait_for_confirmation()
        if self.status is TicketStatus.PAYMENT_DUE:
            await self.wait_for_payment()
        await self.letters.all_sent()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.status

    # The story

    async def open(self) -> None:
        """Route the ticket and promise its deadlines."""
        async with self.turn:
            self.begin_turn(TicketStatus.OPEN)
            change = self.change("tickets.opened", TicketStatus.OPEN, clock=Clock.ANSWER)
            opened: Opened = await workflow.execute_activity_method(
                TicketActivities.open, change, summary="Open the ticket: team and deadlines", **ROWS
            )
            self.settle_clocks(Recorded(opened.answer_due, opened.resolve_due))
            self.status = TicketStatus.OPEN
            workflow.upsert_search_attributes([WORD.value_set("Ticket"), TEAM.value_set(opened.team_id)])
            self.show_stage()
            self.send("received")

    async def wait_for_an_answer(self) -> None:
        """Warn the desk once when nobody has answered by the promised time."""
        if not await self.waits.until("turn", lambda: self.is_answered or not self.is_worked_on()):
            async with self.turn:
                if not self.is_answered and self.is_worked_on():
                    self.is_late = True
                    self.begin_turn(self.status)
                    await self.record("tickets.late", self.status)
                    self.send("late")

    async def wait_until_resolved(self) -> None:
        """Let agents and technicians work; warn the leader once when it takes longer than promised."""
        while self.is_worked_on():
            in_time = await self.waits.until(
                "turn", lambda: not self.is_worked_on() or self.has_visit_ended()
            )
            if self.has_visit_ended():
                await self.take_the_visit()
            elif not in_time:
                await self.warn_the_leader()

    async def warn_the_leader(self) -> None:
        async with self.turn:
            if self.is_worked_on() and not self.is_overdue:
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
            if result.outcome is Outcome.REPAIRED:
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
                if self.status is TicketStatus.RESOLVED:
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

    # Steps that more than one chapter takes; the caller holds the turn

    async def send_somebody(
        self, sentence: str, command: Dispatch | None, previous: VisitResult | None, **facts: Any
    ) -> None:
        """Start the next visit; its row, offers and appointments are its own story."""
        self.visits += 1
        self.begin_turn(TicketStatus.DISPATCHED)
        chosen = command.technician_id if command else previous.technician_id if previous else None
        order = VisitOrder(
            visit_id(self.fault.ticket_id, self.visits),
            self.fault.ticket_id,
            self.fault.customer_id,
            self.fault.service_level,
            technician_id=chosen,
            previous_visit_id=previous.visit_id if previous else None,
        )
        await self.record(sentence, TicketStatus.DISPATCHED, command, is_answer=not self.is_answered, **facts)
        self.is_answered = True
        self.visit = await workflow.start_child_workflow(
            "Visit",
            order,
            id=visit_workflow_id(order.visit_id),
            result_type=VisitResult,
            parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
            static_summary=f"Visit {self.visits} for ticket {self.fault.ticket_id}",
        )

    async def visit_result(self) -> VisitResult:
        """How the visit ended; one that broke counts as called off, so that a person decides."""
        assert self.visit is not None
        visit, self.visit = self.visit, None
        try:
            return await visit
        except ChildWorkflowError:
            this = visit_id(self.fault.ticket_id, self.visits)
            return VisitResult(this, Outcome.CANCELLED, workflow.now())

    async def be_resolved(self, command: Resolve | None, **facts: Any) -> None:
        self.waits.end("turn")
        self.begin("confirmation", WaitFor.CUSTOMER, TicketStatus.RESOLVED, then="close_silently")
        await self.record(
            "tickets.resolved", TicketStatus.RESOLVED, command,
            clock=Clock.CONFIRM, is_answer=not self.is_answered, **facts,
        )  # fmt: skip
        self.is_answered = True
        self.send("confirm", message_id=command.message_id if command else None)

    async def settle(self, sentence: str, reason: CloseReason, command: Command | None = None) -> None:
        """Close the ticket, or ask for an invoice first when the repair is billed."""
        self.close_reason = reason
        weighed = await self.weigh()
        self.waits.end_all()
        if not weighed.is_billable:
            free = (f"tickets.not_billed_{weighed.reason}", "tickets.closed")
            await self.record(sentence, TicketStatus.CLOSED, command, further=free, close_reason=reason)
            self.send("closed")
            return
        self.begin("payment", WaitFor.CUSTOMER, TicketStatus.PAYMENT_DUE, what="invoice")
        further = ("tickets.payment_due",)
        await self.record(sentence, TicketStatus.PAYMENT_DUE, command, further=further, close_reason=reason)
        await self.ask_for_an_invoice(weighed)

    async def weigh(self) -> Weighed:
        """Whether the repair is billed; where nobody was sent there is nothing to weigh."""
        if self.visits == 0:
            return Weighed(False, "no_work")
        return await workflow.execute_activity_method(
            TicketActivities.weigh,
            args=[self.fault.ticket_id, workflow.now()],
            summary="Weigh: warranty or invoice?",
            **ROWS,
        )

    async def ask_for_an_invoice(self, weighed: Weighed) -> None:
        """Start the invoice, which outlives this ticket."""
        number = invoice_id(self.fault.ticket_id)
        order = InvoiceOrder(
            number, self.fault.ticket_id, self.fault.customer_id, weighed.visit_ids,
            due_days=self.fault.service_level.invoice_days,
        )  # fmt: skip
        try:
            await workflow.start_child_workflow(
                "Invoice",
                order,
                id=invoice_workflow_id(number),
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                static_summary=f"Invoice {number}",
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("invoice %s was asked for before", number)

    async def tell_failed_letter(self, letter: Letter) -> None:
        """A letter failed for a whole day: the timeline says so, and we wait for a colleague."""
        async with self.turn:
            if self.status not in (TicketStatus.CLOSED, TicketStatus.CANCELLED):
                self.begin("letter", WaitFor.US, self.status)
            await self.record(
                "tickets.letter_failed", self.status,
                message_id=letter.message_id, has_failed_delivery=True, details={"letter": letter.template},
            )  # fmt: skip

    # What every step does

    async def record(
        self, sentence: str, status: TicketStatus, command: Command | None = None, **facts: Any
    ) -> None:
        """Write row, timeline and waits in one transaction; only then is the ticket in its new status."""
        change = self.change(sentence, status, command, **facts)
        recorded: Recorded = await workflow.execute_activity_method(
            TicketActivities.record, change, summary=told(SENTENCES[sentence]), **ROWS
        )
        self.settle_clocks(recorded)
        if status is not self.status:
            self.status = status
            self.show_stage()

    def change(
        self, sentence: str, status: TicketStatus, command: Command | None = None, **facts: Any
    ) -> Change:
        self.seq += 1
        actor = {"actor_id": command.actor_id, "actor_kind": command.actor_kind} if command else {}
        return Change(
            ticket_id=self.fault.ticket_id, seq=self.seq, status=status, at=workflow.now(), sentence=sentence,
            waits=self.waits.take(), service_level=self.fault.service_level, **{**actor, **facts},
        )  # fmt: skip

    def settle_clocks(self, due: Recorded) -> None:
        """Keep the deadlines that the rows hold; the waits get theirs."""
        self.due = due
        if not self.is_answered and not self.is_late:
            self.waits.decided("turn", due.answer_due)
        self.waits.decided("confirmation", due.confirm_due)

    def begin_turn(self, status: TicketStatus) -> None:
        """Say whose turn it is now, until the next promise that is not yet broken."""
        who, what = TURNS[status]
        until, then = self.due.answer_due, "warn_team"
        if self.is_answered or self.is_late:
            until, then = self.due.resolve_due, "warn_leader"
        if self.is_overdue:
            until, then = None, ""
        self.begin("turn", who, status, what=what, until=until, then=then)

    def begin(self, key: str, who: WaitFor, status: TicketStatus, what: str = "", **facts: Any) -> None:
        self.waits.begin(
            Wait(
                key=key, subject=ticket_workflow_id(self.fault.ticket_id), ticket_id=self.fault.ticket_id,
                who=who, what=what or key, since=workflow.now(), may=tuple(sorted(rules.may(status))), **facts,
            )
        )  # fmt: skip

    def send(self, letter: str, message_id: str | None = None) -> None:
        """Hand a letter over without waiting for it."""
        key = f"{ticket_workflow_id(self.fault.ticket_id)}/{self.seq}/{letter}"
        self.letters.send(
            Letter(key, self.fault.ticket_id, f"tickets/{letter}", message_id=message_id or None)
        )

    def show_stage(self) -> None:
        attributes: list[Any] = [STAGE.value_set(self.status.value)]
        untils = [wait.until for wait in self.waits.open.values() if wait.until is not None]
        attributes.append(DUE_AT.value_set(min(untils)) if untils else DUE_AT.value_unset())
        workflow.upsert_search_attributes(attributes)

    def is_worked_on(self) -> bool:
        return self.status in rules.WORKING

    def has_visit_ended(self) -> bool:
        return self.visit is not None and self.visit.done()

    @asynccontextmanager
    async def step(self, command: str) -> AsyncIterator[None]:
        """One step of a person: after the opening, one at a time, and still possible when its turn comes."""
        await workflow.wait_condition(lambda: self.status is not TicketStatus.RECEIVED)
        async with self.turn:
            self.refuse_impossible(command)
            yield

    def refuse_impossible(self, command: str) -> None:
        if code := rules.refusal(command, self.status):
            raise refuse(code)

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
        self.refuse_impossible("assign")
        self.refuse_taking(assign)

    @workflow.update
    async def reply(self, reply: Reply) -> TicketStatus:
        """An agent writes to the customer; answered once it is on its way."""
        async with self.step("reply"):
            status = self.status
            if status in rules.WORKING and status is not TicketStatus.DISPATCHED:
                status = TicketStatus.WAITING_CUSTOMER
            is_first, self.is_answered = not self.is_answered, True
            self.waits.end("letter")
            if status in rules.WORKING:
                self.begin_turn(status)
            await self.record(
                "tickets.replied", status, reply, message_id=reply.message_id, is_answer=is_first
            )
            self.send("reply", reply.message_id)
        return self.status

    @reply.validator
    def refuse_reply(self, reply: Reply) -> None:
        self.refuse_impossible("reply")

    @workflow.update
    async def note(self, note: Reply) -> TicketStatus:
        """A colleague leaves a note for us; answered once it is in the timeline."""
        async with self.step("note"):
            self.waits.end("letter")
            await self.record("tickets.noted", self.status, note, message_id=note.message_id)
        return self.status

    @note.validator
    def refuse_note(self, note: Reply) -> None:
        self.refuse_impossible("note")

    @workflow.update
    async def resolve(self, resolve: Resolve) -> TicketStatus:
        """An agent solved it from afar; answered once the customer is asked to confirm."""
        async with self.step("resolve"):
            await self.be_resolved(resolve, message_id=resolve.message_id)
        return self.status

    @resolve.validator
    def refuse_resolve(self, resolve: Resolve) -> None:
        self.refuse_impossible("resolve")
        if not resolve.message_id:
            raise refuse("ticket_needs_answer")

    @workflow.update
    async def dispatch(self, dispatch: Dispatch) -> TicketStatus:
        """An agent sends somebody; answered once the visit has begun to look for a technician."""
        async with self.step("dispatch"):
            await self.send_somebody("tickets.dispatched", dispatch, None, reason=dispatch.reason)
        return self.status

    @dispatch.validator
    def refuse_dispatch(self, dispatch: Dispatch) -> None:
        self.refuse_impossible("dispatch")

    @workflow.update
    async def cancel(self, cancel: Cancel) -> TicketStatus:
        """The customer or an agent ends it; answered once a visit under way is called off, too."""
        async with self.step("cancel"):
            if self.visit is not None:
                self.visit.cancel()
                result = await self.visit_result()
                if result.outcome is Outcome.REPAIRED:  # the technician was quicker
                    await self.be_resolved(None, details={"visit_id": result.visit_id})
                    raise refuse("ticket_already_resolved")
            self.waits.end_all()
            is_theirs = cancel.actor_kind == "customer"
            await self.record(
                "tickets.cancelled_by_customer" if is_theirs else "tickets.cancelled",
                TicketStatus.CANCELLED,
                cancel,
                reason=cancel.reason,
                close_reason=CloseReason.CANCELLED_BY_CUSTOMER if is_theirs else CloseReason.CANCELLED_BY_US,
            )
            self.send("cancelled")
        return self.status

    @cancel.validator
    def refuse_cancel(self, cancel: Cancel) -> None:
        self.refuse_impossible("cancel")

    @workflow.update
    async def confirm(self, confirmation: Confirmation) -> TicketStatus:
        """The customer accepts the repair; answered once the row says closed or payment due."""
        async with self.step("confirm"):
            await self.settle("tickets.confirmed", CloseReason.CONFIRMED, confirmation)
        return self.status

    @confirm.validator
    def refuse_confirm(self, confirmation: Confirmation) -> None:
        self.refuse_impossible("confirm")

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
        self.refuse_impossible("reopen")

    # Facts

    @workflow.signal
    async def customer_wrote(self, fact: CustomerWrote) -> None:
        """A message of the customer is stored; it is our turn again."""
        if fact.message_id in self.heard:
            return
        self.heard.add(fact.message_id)
        await workflow.wait_condition(lambda: self.status is not TicketStatus.RECEIVED)
        async with self.turn:
            status = self.status
            if status is TicketStatus.WAITING_CUSTOMER:
                status = TicketStatus.IN_PROGRESS
                self.begin_turn(status)
            customer = Command("", self.fault.customer_id, fact.at, "customer")
            await self.record("tickets.customer_wrote", status, customer, message_id=fact.message_id)

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
