"""Requests to other departments that an agent has handed a ticket to: waited for, and withdrawn with it."""

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from models.messages.employee_requests.requests import (
        ChildAsked,
        ChildSettled,
        RequestStatus,
        Withdrawn,
        request_workflow_id,
    )
    from models.messages.field_service import Outcome, VisitResult
    from models.messages.tickets import OVER, Cancel, Command, FaultReport, TicketStatus
    from workflows.kit.refusals import refuse
    from workflows.tickets.steps import TicketSteps


class ChildSteps(TicketSteps):
    """What is different while another department works for the ticket: it is not resolved before."""

    def __init__(self, fault: FaultReport) -> None:
        super().__init__(fault)
        self.children: dict[str, RequestStatus] = {}

    def has_open_child(self) -> bool:
        return RequestStatus.OPEN in self.children.values()

    def refuse_while_asked(self) -> None:
        if self.has_open_child():
            raise refuse("ticket_child_open")

    def has_to_wait(self, result: VisitResult) -> bool:
        """Whether a repair does not resolve the ticket yet."""
        return self.is_repaired(result) and self.has_open_child()

    def is_repaired(self, result: VisitResult) -> bool:
        return result.outcome is Outcome.REPAIRED

    async def be_cancelled(self, cancel: Cancel | None) -> None:
        """Whoever works for a ticket that is off is told, and undoes what was done."""
        await super().be_cancelled(cancel)
        for request_id, status in self.children.items():
            if status is RequestStatus.OPEN:
                await self.withdraw(request_id)

    async def withdraw(self, request_id: str) -> None:
        child = workflow.get_external_workflow_handle(request_workflow_id(request_id))
        try:
            await child.signal("withdrawn", Withdrawn(request_id, workflow.now()))
        except ApplicationError:
            workflow.logger.info("request %s is over already", request_id)

    @workflow.signal
    async def child_asked(self, fact: ChildAsked) -> None:
        """An agent has handed the ticket to a department; once for each request."""
        if not workflow.patched("2026-11-child-requests") or fact.request_id in self.children:
            return
        self.children[fact.request_id] = RequestStatus.OPEN
        await workflow.wait_condition(lambda: self.status is not TicketStatus.RECEIVED)
        async with self.turn:
            if self.status in OVER:
                await self.withdraw(fact.request_id)
                return
            agent = Command("", fact.actor_id, fact.at)
            details = {"request_id": fact.request_id}
            await self.record("tickets.child_asked", self.status, agent, details=details)

    @workflow.signal
    async def child_settled(self, fact: ChildSettled) -> None:
        """The department is done, or will not do it; the ticket's page says so and may be resolved."""
        if not workflow.patched("2026-11-child-requests"):
            return
        if self.children.get(fact.request_id, RequestStatus.OPEN) is not RequestStatus.OPEN:
            return
        self.children[fact.request_id] = fact.status
        await workflow.wait_condition(lambda: self.status is not TicketStatus.RECEIVED)
        async with self.turn:
            is_done = fact.status is RequestStatus.DONE
            sentence = "tickets.child_settled" if is_done else "tickets.child_not_done"
            if self.status not in OVER:
                await self.record(sentence, self.status, details={"request_id": fact.request_id})
