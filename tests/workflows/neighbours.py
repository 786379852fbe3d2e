"""Stand-ins for the words that a ticket speaks to: a visit and an invoice that end as a test says."""

import asyncio
from dataclasses import dataclass, field

from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from models.messages.billing.invoices import InvoiceOrder
    from models.messages.field_service import Outcome, VisitOrder, VisitResult
    from models.messages.letters import Delivery, Letter
    from models.messages.tickets import FaultReport, TicketSettled, ticket_workflow_id


@workflow.defn(name="Visit")
class VisitAsTold:
    """A visit that ends when the test says how, or when it is called off."""

    @workflow.init
    def __init__(self, order: VisitOrder) -> None:
        self.outcome: Outcome | None = None
        self.when_called_off = Outcome.CANCELLED

    @workflow.run
    async def run(self, order: VisitOrder) -> VisitResult:
        try:
            await workflow.wait_condition(lambda: self.outcome is not None)
        except asyncio.CancelledError:
            self.outcome = self.outcome or self.when_called_off
        assert self.outcome is not None
        return VisitResult(order.visit_id, self.outcome, workflow.now(), "tec_tek")

    @workflow.signal
    def too_late_to_call_off(self) -> None:
        self.when_called_off = Outcome.REPAIRED

    @workflow.signal
    def ended(self, outcome: Outcome) -> None:
        self.outcome = outcome


@workflow.defn(name="Invoice")
class InvoiceAsTold:
    """An invoice that lives until the test ends it."""

    @workflow.run
    async def run(self, order: InvoiceOrder) -> None:
        await workflow.wait_condition(lambda: False)


@workflow.defn(name="Asker")
class AskerAsTold:
    """Opens a ticket as an order or a change does, and ends with what it is told."""

    @workflow.init
    def __init__(self, fault: FaultReport) -> None:
        self.told: TicketSettled | None = None

    @workflow.run
    async def run(self, fault: FaultReport) -> TicketSettled:
        await workflow.start_child_workflow(
            "Ticket",
            fault,
            id=ticket_workflow_id(fault.ticket_id),
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
        )
        await workflow.wait_condition(lambda: self.told is not None)
        assert self.told is not None
        return self.told

    @workflow.signal
    def ticket_settled(self, fact: TicketSettled) -> None:
        self.told = fact


@dataclass
class Post:
    """Takes every letter and remembers it; can be told to refuse."""

    sent: list[Letter] = field(default_factory=list)
    is_broken: bool = False

    @activity.defn(name="letters.send")
    async def send(self, letter: Letter) -> Delivery:
        """Remember once per key. Safe to repeat: the key decides."""
        if self.is_broken:
            # what a whole day of failing comes to; a pending activity would hold the moved clock
            raise ApplicationError("the mail system is away", non_retryable=True)
        if letter.key not in [before.key for before in self.sent]:
            self.sent.append(letter)
        return Delivery.MAIL

    def templates(self, ticket_id: str) -> list[str]:
        return [letter.template for letter in self.sent if letter.ticket_id == ticket_id]
