"""Changes of contracts in a running house; invoices, visits and refunds that do as they are told."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from models.messages.billing.invoices import InvoiceSettled, InvoiceStatus
from models.messages.subscriptions import (
    ChangeDecision,
    ChangeKind,
    ChangeStatus,
    change_workflow_id,
)
from models.subscriptions import SubscriptionChange
from tests.builders.leases import a_change, a_lease
from tests.desk import RunningDesk

with workflow.unsafe.imports_passed_through():
    from models.messages.billing.invoices import CaseCancelled, InvoiceOrder
    from models.messages.payments import RefundOrder
    from models.messages.tickets import FaultReport


@workflow.defn(name="Invoice")
class InvoiceThatHears:
    """An invoice that lives until its case is off."""

    @workflow.init
    def __init__(self, order: InvoiceOrder) -> None:
        self.off = ""

    @workflow.run
    async def run(self, order: InvoiceOrder) -> str:
        await workflow.wait_condition(lambda: bool(self.off))
        return self.off

    @workflow.signal
    def case_cancelled(self, fact: CaseCancelled) -> None:
        self.off = fact.reason


@workflow.defn(name="Ticket")
class VisitTicket:
    """The ticket of a move, alive until somebody cancels it."""

    @workflow.run
    async def run(self, report: FaultReport) -> None:
        await workflow.wait_condition(lambda: False)


@workflow.defn(name="Refund")
class RefundDone:
    """A refund that remembers what it gave back."""

    @workflow.run
    async def run(self, order: RefundOrder) -> int:
        return order.amount_minor


@dataclass
class Leases:
    """Starts changes, says things to them, moves their clocks, reads what they left."""

    desk: RunningDesk
    id: str = ""

    async def begin(self, *plans: Any) -> None:
        asked = await a_lease(self.desk.engine, self.desk.company.customer_id, *plans)
        self.id = asked.contracts[0].subscription_id

    async def change(self, kind: ChangeKind, **facts: Any) -> SubscriptionChange:
        return await a_change(self.desk.engine, self.id, kind, **facts)

    def handle(self, change: SubscriptionChange) -> WorkflowHandle[Any, Any]:
        return self.desk.client.get_workflow_handle(change_workflow_id(change.id), result_type=ChangeStatus)

    def invoice_of(self, change: SubscriptionChange) -> WorkflowHandle[Any, str]:
        return self.desk.client.get_workflow_handle(f"invoice:I{change.id}-1", result_type=str)

    async def end_invoice(self, change: SubscriptionChange) -> None:
        """The invoice goes away as soon as it is there: a child that lives holds the moved clock."""

        async def is_gone() -> bool:
            try:
                await self.invoice_of(change).terminate()
            except RPCError:
                return False
            return True

        await self.desk.until(is_gone)

    async def result(self, change: SubscriptionChange) -> ChangeStatus:
        await self.until_story(change, "")
        return ChangeStatus(await asyncio.wait_for(self.handle(change).result(), self.desk.patience))

    async def say(self, change: SubscriptionChange, update: str, by: str = "cus_mina") -> ChangeStatus:
        decision = ChangeDecision(f"{change.id}:{update}", by, change.created_at)
        saying = self.handle(change).execute_update(
            update, decision, id=decision.id, result_type=ChangeStatus
        )
        return await asyncio.wait_for(saying, self.desk.patience)

    async def refusal(self, change: SubscriptionChange, update: str) -> str:
        try:
            await self.say(change, update)
        except WorkflowUpdateFailedError as failure:
            return str(failure.cause.type) if isinstance(failure.cause, ApplicationError) else "failed"
        return ""

    async def pay(self, change: SubscriptionChange, status: InvoiceStatus = InvoiceStatus.PAID) -> None:
        fact = InvoiceSettled(f"I{change.id}-1", status, change.created_at)
        await self.handle(change).signal("invoice_settled", fact)

    async def pass_time(
        self, change: SubscriptionChange, until: datetime | None = None, **duration: float
    ) -> None:
        left = timedelta(**duration)
        if until is not None:
            now = await self.desk.environment.get_current_time(self.handle(change))
            left = until - now + timedelta(seconds=1)
        try:
            await asyncio.wait_for(
                self.desk.environment.fast_forward(self.handle(change), left), self.desk.patience
            )
        except RPCError as error:
            if "already completed" not in error.message:  # it ended while its clock was moved
                raise

    async def story(self, change: SubscriptionChange) -> list[str]:
        asked = "select sentence from timeline_entries where subject = :subject order by id"
        rows = await self.desk.rows(asked, subject=change_workflow_id(change.id))
        return [row.sentence.removeprefix("subscriptions.") for row in rows]

    async def until_story(self, change: SubscriptionChange, sentence: str) -> None:
        async def is_told() -> bool:
            story = await self.story(change)
            return bool(story) and (not sentence or sentence in story)

        await self.desk.until(is_told)

    async def waits(self, change: SubscriptionChange) -> list[tuple[str, str]]:
        asked = 'select what, "then" from waits where workflow_id = :id and ended_at is null order by key'
        return [tuple(row) for row in await self.desk.rows(asked, id=change_workflow_id(change.id))]

    async def until_waits(self, change: SubscriptionChange, *expected: tuple[str, str]) -> None:
        """A wait is recorded a moment after the line of the story that it follows."""
        await self.desk.until_equal(lambda: self.waits(change), list(expected))

    async def status(self, change: SubscriptionChange) -> str:
        [row] = await self.desk.rows("select status from subscription_changes where id = :id", id=change.id)
        return str(row.status)

    async def plan(self) -> str:
        [row] = await self.desk.rows(
            "select terms->>'plan_id' as plan from subscriptions where id = :id", id=self.id
        )
        return str(row.plan)

    async def owed(self, change: SubscriptionChange) -> int:
        asked = (
            "select coalesce(sum(gross_minor), 0) as sum from subscription_charges"
            " where change_id = :id and not is_void"
        )
        return int((await self.desk.rows(asked, id=change.id))[0].sum)
