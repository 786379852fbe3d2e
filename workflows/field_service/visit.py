"""The life of one visit: it is offered, scheduled and done, or called off."""

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.field_service import FieldServiceActivities
    from models.messages.field_service import (
        VISIT_OVER,
        Accept,
        Assignment,
        Booking,
        CallOff,
        ChooseSlot,
        Decline,
        EvidenceRequest,
        Finish,
        OfferStatus,
        Outcome,
        Reassign,
        Redispatch,
        Step,
        VisitOrder,
        VisitResult,
        VisitStatus,
        WithdrawOffer,
    )  # fmt: skip
    from models.messages.journeys import WaitFor
    from models.rules import field_service as rules
    from workflows.field_service.chapters import LATE_AFTER, LONG_AFTER, Chapters, or_refuse
    from workflows.kit.refusals import refuse

LETTERS_WITHIN = timedelta(minutes=1)  # a finished visit waits no longer for letters about what is past


@workflow.defn(name="Visit")
class VisitWorkflow(Chapters):
    """One visit, alive until the work has ended or the visit was called off."""

    @workflow.init
    def __init__(self, order: VisitOrder) -> None:
        super().__init__(order)

    @workflow.run
    async def run(self, order: VisitOrder) -> VisitResult:
        """Live through the visit, whatever people and clocks do; the result is the ticket's fact."""
        try:
            await self._live()
        except (asyncio.CancelledError, ActivityError) as stop:
            if not is_cancelled_exception(stop):
                raise
            await self._end_with_the_ticket()
        await self._finish_letters()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return VisitResult(order.visit_id, self.outcome, self.finished_at, self.technician_id)

    async def _live(self) -> None:
        async with self.turn:
            if self.seq == 0:
                await self._record("visits.requested", VisitStatus.SEARCHING, is_public=True)
        chapters = {
            VisitStatus.SEARCHING: self._search,
            VisitStatus.UNASSIGNED: self._ask_the_agent,
            VisitStatus.ACCEPTED: self._await_slot,
            VisitStatus.SCHEDULED: self._await_departure,
            VisitStatus.TRAVELLING: self._await_next_step,
            VisitStatus.ARRIVED: self._await_next_step,
            VisitStatus.WORKING: self._await_end,
        }
        while self.status not in VISIT_OVER:
            await chapters[self.status]()

    # The end

    async def _end_with_the_ticket(self) -> None:
        """The ticket took its visit back: free the slot and tell whoever was to come."""
        async with self.turn:
            if self.status not in VISIT_OVER:
                await self._call_off(None, "ticket_cancelled")

    async def _call_off(self, command: CallOff | None, reason: str) -> None:
        facts: dict[str, Any] = {"details": {"reason": reason}, "reason": reason}
        if self.offer is not None:
            facts["offer_status"] = OfferStatus.WITHDRAWN
        given_up = command is not None and self.status is VisitStatus.UNASSIGNED
        self.outcome = Outcome.NOBODY if given_up else Outcome.CANCELLED
        self.finished_at = workflow.now()
        self.waits.end_all()
        await self._record("visits.cancelled", VisitStatus.CANCELLED, command, outcome=self.outcome,
                           is_public=True, **facts)  # fmt: skip
        self.offer = None
        self._send("called_off")
        if self.technician_id is not None:
            self._send("job_called_off", self.technician_id)

    async def _finish_letters(self) -> None:
        """The news that a visit is off must leave; letters about what is past may be dropped."""
        if self.status is VisitStatus.CANCELLED:
            await self.letters.all_sent()
            return
        if not await self.letters.sent_within(LETTERS_WITHIN):
            workflow.logger.info("letters about a finished visit were left behind")

    # What the technician says

    @workflow.update
    async def accept(self, command: Accept) -> VisitStatus:
        """The technician takes the offer; answered once it is theirs alone."""
        async with self.turn:
            self.refuse_accept(command)  # somebody may have been faster while we waited our turn
            if command.assignee:  # only a company says whom it sends
                assert self.offer is not None
                await self._assign(self.offer.ordinal, command.technician_id, command.assignee)
            self.technician_id = command.assignee or command.technician_id
            self.waits.end("offer")
            until = workflow.now() + self._slot_patience()
            self._wait("slot", WaitFor.CUSTOMER, until=until, then="remind_customer",
                       status=VisitStatus.ACCEPTED)  # fmt: skip
            await self._record("visits.accepted", VisitStatus.ACCEPTED, command, is_public=True,
                               offer_status=OfferStatus.ACCEPTED, details=self._named())  # fmt: skip
            self.offer = None
            self._send("choose_slot")
        return self.status

    @accept.validator
    def refuse_accept(self, command: Accept) -> None:
        self._refuse("accept")
        if self.offer is None or self.offer.technician_id != command.technician_id:
            raise refuse("offer_gone")

    @workflow.update
    async def decline(self, command: Decline) -> VisitStatus:
        """The technician says no to an offer, or gives the visit back before setting off."""
        async with self.turn:
            self.refuse_decline(command)
            was_accepted = self.offer is None
            details = {"technician": command.technician_id, "reason": command.reason}
            self.technician_id = self.starts_at = self.ends_at = None
            self.waits.end_all()
            await self._record("visits.given_back" if was_accepted else "visits.declined",
                               VisitStatus.SEARCHING, command, offer_status=OfferStatus.DECLINED,
                               reason=command.reason, details=details)  # fmt: skip
            self.offer = None
            if was_accepted:
                self._send("given_back")
        return self.status

    @decline.validator
    def refuse_decline(self, command: Decline) -> None:
        self._refuse("decline")
        holder = self.offer.technician_id if self.offer else self.technician_id
        if holder != command.technician_id:
            raise refuse("offer_gone")

    @workflow.update
    async def reassign(self, command: Reassign) -> VisitStatus:
        """The company that holds the visit sends another of its own, at the time that was agreed."""
        async with self.turn:
            self.refuse_reassign(command)
            before = self.technician_id or ""
            await self._assign(self.ordinal, command.technician_id, command.assignee, is_handed_on=True)
            self.technician_id = command.assignee
            await self._record("visits.reassigned", self.status, command, details=self._named())
            self._send("job_called_off", before)
            if self.starts_at is not None:
                self._send("job_scheduled", self.technician_id, starts_at=self.starts_at.isoformat())
        return self.status

    @reassign.validator
    def refuse_reassign(self, command: Reassign) -> None:
        self._refuse("reassign", command.technician_id)

    @workflow.signal
    async def withdraw_offer(self, fact: WithdrawOffer) -> None:
        """The house takes an open offer back; one that was answered meanwhile stays as it is."""
        async with self.turn:
            offer = self.offer
            if offer is None or offer.ordinal != fact.ordinal or self.status is not VisitStatus.SEARCHING:
                return
            self.waits.end("offer")
            details = {"technician": offer.technician_id, "reason": fact.reason}
            await self._record("visits.withdrawn", VisitStatus.SEARCHING, offer_status=OfferStatus.WITHDRAWN,
                               reason=fact.reason, details=details)  # fmt: skip
            self.offer = None

    async def _assign(
        self, ordinal: int, technician_id: str, assignee: str, *, is_handed_on: bool = False
    ) -> None:
        visit, now = self.order.visit_id, workflow.now()
        order = Assignment(visit, ordinal, technician_id, assignee, now, is_handed_on)
        await or_refuse(FieldServiceActivities.assign, order, "Is it one of the company's own?")

    @workflow.update
    async def depart(self, command: Step) -> VisitStatus:
        """The technician sets off; the customer gets the link to follow them."""
        async with self.turn:
            self.refuse_depart(command)
            self.waits.end_all()
            self._wait("travel", WaitFor.TECHNICIAN, status=VisitStatus.TRAVELLING, details=self._named())
            await self._step("visits.departed", VisitStatus.TRAVELLING, command)
            self._send("on_the_way")
        return self.status

    @depart.validator
    def refuse_depart(self, command: Step) -> None:
        self._refuse("depart", command.technician_id)

    @workflow.update
    async def arrive(self, command: Step) -> VisitStatus:
        """The technician is there; where the phone believes to be is kept and never blocks."""
        async with self.turn:
            self.refuse_arrive(command)
            self.waits.end_all()
            self._wait("start", WaitFor.TECHNICIAN, what="work", status=VisitStatus.ARRIVED,
                       details=self._named())  # fmt: skip
            await self._step("visits.arrived", VisitStatus.ARRIVED, command)
        return self.status

    @arrive.validator
    def refuse_arrive(self, command: Step) -> None:
        self._refuse("arrive", command.technician_id)

    @workflow.update
    async def start(self, command: Step) -> VisitStatus:
        """The work begins."""
        async with self.turn:
            self.refuse_start(command)
            self.waits.end_all()
            self._wait_for_the_end(until=workflow.now() + LONG_AFTER)
            await self._step("visits.started", VisitStatus.WORKING, command)
        return self.status

    @start.validator
    def refuse_start(self, command: Step) -> None:
        self._refuse("start", command.technician_id)

    @workflow.update
    async def finish(self, command: Finish) -> VisitStatus:
        """The technician ends the visit; refused while checklist, photos or signature are missing."""
        async with self.turn:
            self.refuse_finish(command)
            request = EvidenceRequest(self.order.visit_id, command.outcome)
            await or_refuse(FieldServiceActivities.check_evidence, request, "Is everything there to finish?")
            self.outcome, self.finished_at = command.outcome, min(command.at, workflow.now())
            self.waits.end_all()
            status = rules.ENDS[command.outcome]
            await self._record(
                f"visits.{status.value}", status, command, at=self.finished_at, outcome=command.outcome,
                labour_minutes=command.labour_minutes, note=command.note, is_public=True,
                details={"reason": command.outcome.value},
            )  # fmt: skip
        return self.status

    @finish.validator
    def refuse_finish(self, command: Finish) -> None:
        self._refuse("finish", command.technician_id)
        if not rules.may_end(self.status, command.outcome):
            raise refuse("visit_wrong_step")

    # What the customer and the agent say

    @workflow.update
    async def choose_slot(self, command: ChooseSlot) -> VisitStatus:
        """The customer, or the agent for them, chooses or moves the time; refused when it was just taken."""
        async with self.turn:
            self.refuse_choose_slot(command)
            assert self.technician_id is not None
            assert command.starts_at is not None
            assert command.ends_at is not None
            slot = Booking(self.order.visit_id, self.technician_id, command.starts_at, command.ends_at)
            await or_refuse(FieldServiceActivities.schedule, slot, "Book the technician's time")
            self.starts_at, self.ends_at = command.starts_at, command.ends_at
            word = "moved" if self.status is VisitStatus.SCHEDULED else "scheduled"
            self.waits.end("slot")
            self._wait_for_departure(until=command.starts_at + LATE_AFTER)
            details = {"starts_at": command.starts_at.isoformat()}
            await self._record(
                f"visits.{word}", VisitStatus.SCHEDULED, command, details=details, is_public=True
            )
            self._send(word, **details)
            self._send(f"job_{word}", self.technician_id, **details)
        return self.status

    @choose_slot.validator
    def refuse_choose_slot(self, command: ChooseSlot) -> None:
        self._refuse("choose_slot")
        if command.starts_at is None or command.ends_at is None or command.ends_at <= command.starts_at:
            raise refuse("slot_taken")
        if command.starts_at <= workflow.now():
            raise refuse("slot_taken")

    @workflow.update
    async def redispatch(self, command: Redispatch) -> VisitStatus:
        """The agent has the search begin again, with one technician first if they say so."""
        async with self.turn:
            self.refuse_redispatch(command)
            self.asked.clear()
            self.first = command.technician_id
            self.waits.end_all()
            await self._record("visits.searching_again", VisitStatus.SEARCHING, command)
        return self.status

    @redispatch.validator
    def refuse_redispatch(self, command: Redispatch) -> None:
        self._refuse("redispatch")

    @workflow.update
    async def call_off(self, command: CallOff) -> VisitStatus:
        """The customer or the agent calls the visit off before the work has begun."""
        async with self.turn:
            self.refuse_call_off(command)
            await self._call_off(command, command.reason)
        return self.status

    @call_off.validator
    def refuse_call_off(self, command: CallOff) -> None:
        self._refuse("call_off")

    @workflow.query(name="status")
    def tell_status(self) -> VisitStatus:
        """Where the visit is, for operations and tests; pages read tables."""
        return self.status

    def _refuse(self, command: str, technician_id: str | None = None) -> None:
        """Refuse what makes no sense now, or comes from somebody who does not hold this visit."""
        code = rules.refusal(self.status, command)
        if code is None and technician_id is not None and technician_id != self.technician_id:
            code = "not_found"
        if code is not None:
            raise refuse(code)
