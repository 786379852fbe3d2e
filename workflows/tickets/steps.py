"""The steps of a ticket that more than one chapter takes: each writes its row before it counts."""

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
    from models.messages.billing.invoices import InvoiceOrder, InvoiceSettled, invoice_workflow_id
    from models.messages.field_service import Outcome, VisitOrder, VisitResult, visit_workflow_id
    from models.messages.journeys import Wait, WaitFor
    from models.messages.letters import Letter
    from models.messages.tickets import (
        OVER,
        SENTENCES,
        Cancel,
        Change,
        Clock,
        CloseReason,
        Command,
        Dispatch,
        FaultReport,
        Recorded,
        Resolve,
        TicketStatus,
        Weighed,
        ticket_workflow_id,
    )
    from models.messages.tickets.automation import ActionKind, Effect
    from models.rules import tickets as rules
    from workflows.kit.letters import Letters
    from workflows.kit.options import ROWS
    from workflows.kit.refusals import refuse
    from workflows.kit.search import DUE_AT, STAGE
    from workflows.kit.waiting import Waits, told

TURNS = {  # whose turn it is while the ticket is worked on
    TicketStatus.OPEN: (WaitFor.US, "answer"),
    TicketStatus.IN_PROGRESS: (WaitFor.US, "agent"),
    TicketStatus.WAITING_CUSTOMER: (WaitFor.CUSTOMER, "customer_reply"),
    TicketStatus.DISPATCHED: (WaitFor.TECHNICIAN, "visit"),
}


class TicketSteps:
    """What a ticket knows, and how one step of its life is taken; callers hold the turn."""

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
        self.alarm_at: datetime | None = None  # when a rule is asked about this ticket next
        self.depth = 0  # how many rules have caused the present step
        self.said: dict[str, str] = {}  # the message that a letter carries
        self.waits = Waits()
        self.letters = Letters(self.tell_failed_letter)
        self.turn = asyncio.Lock()  # one step at a time: people, visits and clocks take turns

    async def send_somebody(
        self, sentence: str, command: Dispatch | None, previous: VisitResult | None, **facts: Any
    ) -> None:
        """Start the next visit; its row, offers and appointments are its own story."""
        self.visits += 1
        is_first, self.is_answered = not self.is_answered, True
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
        await self.record(sentence, TicketStatus.DISPATCHED, command, is_answer=is_first, **facts)
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

    async def call_off_the_visit(self) -> None:
        """Take the visit under way back and wait until it has ended; a repair that was quicker counts."""
        if self.visit is None:
            return
        self.visit.cancel()
        result = await self.visit_result()
        if result.outcome is Outcome.REPAIRED:
            await self.be_resolved(None, details={"visit_id": result.visit_id})
            raise refuse("ticket_already_resolved")

    async def be_cancelled(self, cancel: Cancel | None) -> None:
        self.waits.end_all()
        is_theirs = cancel is not None and cancel.actor_kind == "customer"
        await self.record(
            "tickets.cancelled_by_customer" if is_theirs else "tickets.cancelled",
            TicketStatus.CANCELLED,
            cancel,
            reason=cancel.reason if cancel else "",
            close_reason=CloseReason.CANCELLED_BY_CUSTOMER if is_theirs else CloseReason.CANCELLED_BY_US,
        )
        self.send("cancelled")

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

    def letter_of(self, key: str) -> Letter:
        """The letter behind a key, as far as this life knows it: its step and its name stand in the key."""
        name = key.rpartition("/")[2]
        return Letter(key, self.fault.ticket_id, f"tickets/{name}", message_id=self.said.get(key))

    async def tell_failed_letter(self, letter: Letter) -> None:
        """A letter failed for a whole day: the timeline says so, and we wait for a colleague."""
        async with self.turn:
            if self.status not in OVER:
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
        if recorded.effects:
            await self.carry_out(recorded.effects)

    async def carry_out(self, effects: tuple[Effect, ...]) -> None:
        """What rules want done that is not in the rows yet: letters, and an answer to wait for."""
        for effect in effects:
            if effect.kind is ActionKind.NOTIFY:
                self.send("rule")
            elif effect.kind is ActionKind.REPLY:
                self.send("reply", effect.message_id)
            elif self.is_worked_on() and self.visit is None:
                await self.ask_by_rule(effect)

    async def ask_by_rule(self, effect: Effect) -> None:
        """A rule asks the customer for something: it is their turn until they answer."""
        self.depth += 1
        self.begin_turn(TicketStatus.WAITING_CUSTOMER)
        named = {"rule": effect.rule, "version": str(effect.version)}
        await self.record(
            "tickets.rule_ask", TicketStatus.WAITING_CUSTOMER, message_id=effect.message_id, details=named
        )
        self.depth -= 1
        self.send("reply", effect.message_id)

    def change(
        self, sentence: str, status: TicketStatus, command: Command | None = None, **facts: Any
    ) -> Change:
        self.seq += 1
        actor = {"actor_id": command.actor_id, "actor_kind": command.actor_kind} if command else {}
        return Change(
            ticket_id=self.fault.ticket_id, seq=self.seq, status=status, at=workflow.now(), sentence=sentence,
            waits=self.waits.take(), service_level=self.fault.service_level, is_quiet=self.fault.is_quiet,
            depth=self.depth, **{**actor, **facts},
        )  # fmt: skip

    def settle_clocks(self, due: Recorded) -> None:
        """Keep the deadlines that the rows hold; the waits get theirs."""
        self.due = due
        self.alarm_at = due.alarm_at
        if due.turn is not None:
            self.waits.decide("turn", due.turn.until, due.turn.then)
        elif not self.is_answered and not self.is_late:
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
        if self.due.turn is not None:  # the step that is being written decides it anew
            until, then = self.due.turn.until, self.due.turn.then
        before = self.waits.open.get("turn")
        since = before.since if before is not None and before.what == what else workflow.now()
        self.begin("turn", who, status, what=what, until=until, then=then, since=since)

    def begin(self, key: str, who: WaitFor, status: TicketStatus, **facts: Any) -> None:
        """Say that we wait for somebody from now on, and what is possible meanwhile in that status."""
        ticket_id = self.fault.ticket_id
        said = {"what": key, "since": workflow.now(), "may": tuple(sorted(rules.may(status))), **facts}
        subject = ticket_workflow_id(ticket_id)
        self.waits.begin(Wait(key=key, subject=subject, ticket_id=ticket_id, who=who, **said))

    def send(self, letter: str, message_id: str | None = None) -> None:
        """Hand a letter over without waiting for it."""
        ticket_id = self.fault.ticket_id
        key = f"{ticket_workflow_id(ticket_id)}/{self.seq}/{letter}"
        if message_id:
            self.said[key] = message_id
        self.letters.send(Letter(key, ticket_id, f"tickets/{letter}", message_id=message_id or None))

    def show_stage(self) -> None:
        attributes: list[Any] = [STAGE.value_set(self.status.value)]
        untils = [wait.until for wait in self.waits.open.values() if wait.until is not None]
        attributes.append(DUE_AT.value_set(min(untils)) if untils else DUE_AT.value_unset())
        workflow.upsert_search_attributes(attributes)

    def is_worked_on(self) -> bool:
        return self.status in rules.WORKING

    def has_moved_on(self) -> bool:
        return not self.is_worked_on() or self.has_visit_ended()

    def has_passed(self, key: str) -> bool:
        """Whether the deadline of an open wait really lies behind us; somebody may have moved it."""
        wait = self.waits.open.get(key)
        return wait is not None and wait.until is not None and wait.until <= workflow.now()

    def has_visit_ended(self) -> bool:
        return self.visit is not None and self.visit.done()

    @asynccontextmanager
    async def step(self, command: str) -> AsyncIterator[None]:
        """One step of a person: after the opening, one at a time, and still possible when its turn comes."""
        await workflow.wait_condition(lambda: self.status is not TicketStatus.RECEIVED)
        async with self.turn:
            self.refuse_impossible(command)
            yield

    def refuse_early(self, command: str) -> bool:
        """Refuse before history what is not possible; True when that is settled.

        While a step is being written, its row may be ahead of us: then `step` decides in its turn."""
        if self.turn.locked():
            return False
        self.refuse_impossible(command)
        return True

    def refuse_impossible(self, command: str) -> None:
        if code := rules.refusal(command, self.status):
            raise refuse(code)
