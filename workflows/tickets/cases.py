"""Tickets that an order or a change opens: installations and tasks, from their birth to the word back."""

from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.tickets import TicketActivities
    from models.messages.tickets import (
        CloseReason,
        FaultReport,
        Resolve,
        TicketKind,
        TicketSettled,
        TicketStatus,
    )
    from workflows.kit.options import ROWS
    from workflows.tickets.kin import KinSteps
    from workflows.tickets.writing import WritingSteps

LETTERS = frozenset({"reply", "late", "overdue"})  # the others are written by whoever opened the ticket


class CaseSteps(WritingSteps, KinSteps):
    """What is different when nobody reported a fault; a ticket with one passes through untouched."""

    def __init__(self, fault: FaultReport) -> None:
        super().__init__(fault)
        self.is_of_a_case = bool(fault.case_id)

    async def be_born(self) -> None:
        """Store the ticket that another workflow opens; one that somebody reported is stored already."""
        if self.is_of_a_case:
            await workflow.execute_activity_method(
                TicketActivities.be_born,
                args=[self.fault, workflow.now()],
                summary=f"Store the ticket of {self.fault.case_id}",
                **ROWS,
            )

    async def begin_installation(self) -> None:
        """Somebody comes for an installation without being asked twice."""
        if self.fault.kind is TicketKind.INSTALLATION:
            await self.send_somebody("tickets.dispatched", None, None)

    async def be_resolved(self, command: Resolve | None, **facts: Any) -> None:
        """An installation or a task is over with its work: nobody confirms and nothing is billed."""
        if not self.is_of_a_case:
            return await super().be_resolved(command, **facts)
        self.is_answered, self.close_reason = True, CloseReason.CONFIRMED
        self.waits.end_all()
        sentence = "tickets.settled"
        if self.fault.kind is TicketKind.INSTALLATION:
            sentence = "tickets.visited" if self.fault.topic == "office_visit" else "tickets.installed"
        await self.record(
            sentence,
            TicketStatus.CLOSED, command,
            further=("tickets.closed",), close_reason=self.close_reason, is_answer=True, **facts,
        )  # fmt: skip
        return None

    def send(self, letter: str, message_id: str | None = None) -> None:
        """The customer hears of a case from the case, not from its tickets."""
        if not self.is_of_a_case or letter in LETTERS:
            super().send(letter, message_id)

    async def tell_asker(self) -> None:
        """Tell whoever opened the ticket how it ended; one that is over needs no telling."""
        if not self.fault.asked_by:
            return
        is_done = self.status is TicketStatus.CLOSED
        reason = self.close_reason if is_done else CloseReason.CANCELLED_BY_US
        fact = TicketSettled(self.fault.ticket_id, is_done, reason, workflow.now())
        try:
            asker = workflow.get_external_workflow_handle(self.fault.asked_by)
            await asker.signal("ticket_settled", fact)
        except ApplicationError:
            workflow.logger.info("%s is over already", self.fault.asked_by)
