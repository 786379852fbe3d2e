"""Dunning in a running house; charges, tickets, returns and invoices that do as they are told."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from temporalio import workflow
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from activities.kit.transactions import transaction
from models.messages.dunning import CaseStatus, Outlook, PolicyTerms, StepKind, dunning_workflow_id
from tests.builders.dunning import TERMS, a_case, a_policy, an_unpaid_invoice, pay
from tests.desk import RunningDesk

with workflow.unsafe.imports_passed_through():
    from models.messages.billing.invoices import InvoiceOrder
    from models.messages.dunning import DeviceReturned, Retrieval
    from models.messages.payments import ChargeOrder
    from models.messages.tickets import CloseReason, FaultReport, TicketSettled


_tests = count(1)


@workflow.defn(name="Charge")
class ChargeAsked:
    """A charge that is over at once: it brought nothing."""

    @workflow.run
    async def run(self, order: ChargeOrder) -> int:
        return order.amount_minor


@workflow.defn(name="Ticket")
class CallDone:
    """The task of a colleague, settled at once."""

    @workflow.run
    async def run(self, report: FaultReport) -> str:
        fact = TicketSettled(report.ticket_id, True, CloseReason.CONFIRMED, workflow.now())
        await workflow.get_external_workflow_handle(report.asked_by).signal("ticket_settled", fact)
        return report.topic


@workflow.defn(name="Return")
class DeviceBack:
    """A return that is over at once, as orders' own life tells it."""

    @workflow.run
    async def run(self, order: Retrieval) -> str:
        fact = DeviceReturned(order.return_id, "settled", workflow.now())
        await workflow.get_external_workflow_handle(order.asked_by).signal("return_settled", fact)
        return order.owned_product_id


@workflow.defn(name="Invoice")
class FeeInvoice:
    """The invoice of a fee: a life that does not hold the moved clock."""

    @workflow.run
    async def run(self, order: InvoiceOrder) -> str:
        return order.invoice_id


@dataclass
class Arrears:
    """Starts cases, says things to them, moves their clocks, reads what they left."""

    desk: RunningDesk
    customer: str
    case: str = ""
    invoices: list[str] = field(default_factory=list)

    async def begin(self, *gross: int, terms: PolicyTerms = TERMS) -> None:
        """A policy, invoices due yesterday, and the case that the sweep opens."""
        await self.store_policy(terms)
        await self.unused_numbers()
        for one in gross or (55_000,):
            self.invoices.append(await an_unpaid_invoice(self.desk.engine, self.customer, one))
        with self.desk.environment.with_time_skipping_disabled():  # its clock moves when the test says so
            self.case = await a_case(self.desk.engine, self.customer)
            await self.until_story("opened")

    async def unused_numbers(self) -> None:
        """One Temporal, many databases: no test meets another one's lives."""
        ahead = next(_tests) * 20
        for sequence in ("dunning_numbers", "change_numbers", "ticket_numbers"):
            await self.desk.rows(f"select nextval('{sequence}') from generate_series(1, {ahead})")

    async def store_policy(self, terms: PolicyTerms = TERMS, version: int = 1) -> None:
        async with transaction(self.desk.engine) as session:
            session.add(a_policy(version, terms))

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.desk.client.get_workflow_handle(dunning_workflow_id(self.case), result_type=CaseStatus)

    async def outlook(self) -> Outlook:
        return await self.handle.query("status", result_type=Outlook)

    async def now(self) -> datetime:
        """The time of this life; what the workflow last knew of it is older when its clock was just moved."""
        return await self.desk.environment.get_current_time(self.handle)

    async def pay(self, *invoices: str, amount: int | None = None) -> None:
        """Money comes, at the time of this life."""
        at = await self.now()
        for one in invoices or tuple(self.invoices):
            await pay(self.desk.engine, one, at, amount)

    async def pass_time(self, until: datetime | None = None, **duration: float) -> None:
        left = timedelta(**duration)
        if until is not None:
            left = max(until - await self.now(), timedelta()) + timedelta(seconds=1)
        try:
            await asyncio.wait_for(self.desk.environment.fast_forward(self.handle, left), self.desk.patience)
        except RPCError as error:
            if "already completed" not in error.message:  # it ended while its clock was moved
                raise

    async def step(self) -> None:
        """Let time pass until the next step of the policy has been taken.

        The case may be about to look again: its clock is moved to what it plans now, however often."""
        before, kind = len(await self.steps()), None

        async def is_taken() -> bool:
            nonlocal kind
            outlook = await self.outlook()  # first: what is planned after the step must not be waited for
            if len(await self.steps()) > before:
                return True
            if outlook.rest is None and outlook.act_at is not None and outlook.act_at > await self.now():
                kind = outlook.kind
                await self.pass_time(outlook.act_at)
            return False

        await self.desk.until(is_taken)
        if kind in (StepKind.SUSPEND, StepKind.TERMINATE):
            await self.desk.until(self.is_carried_out)
        await self.settled()

    async def is_carried_out(self) -> bool:
        """Whether every contract is off or ended, and the service has said so."""
        running = await self.desk.rows(
            "select 1 from subscriptions s where s.status in ('active', 'paused') or (s.status = 'suspended'"
            " and (:ends or exists (select 1 from subscription_suspensions o where o.subscription_id = s.id"
            " and o.off_at is null)))",
            ends=(await self.steps())[-1] == "terminate",
        )
        return not running

    async def settled(self) -> None:
        """Until what the last step began has been said, so that the clock may move again."""

        async def is_quiet() -> bool:
            found = [
                one async for one in self.desk.client.list_workflows(
                    f"ExecutionStatus = 'Running' and WorkflowId != '{dunning_workflow_id(self.case)}'"
                )
            ]  # fmt: skip
            return not found

        await self.desk.until(is_quiet)

    async def steps(self) -> list[str]:
        asked = "select kind, status from dunning_steps where case_id = :id order by position"
        rows = await self.desk.rows(asked, id=self.case)
        return [row.kind if row.status == "done" else f"({row.kind})" for row in rows]

    async def story(self) -> list[str]:
        asked = "select sentence from timeline_entries where subject = :subject order by id"
        rows = await self.desk.rows(asked, subject=dunning_workflow_id(self.case))
        return [row.sentence.removeprefix("dunning.") for row in rows]

    async def until_story(self, sentence: str) -> None:
        async def is_told() -> bool:
            return sentence in await self.story()

        await self.desk.until(is_told)

    async def waits(self) -> list[tuple[str, str]]:
        asked = 'select what, "then" from waits where workflow_id = :id and ended_at is null order by key'
        rows = await self.desk.rows(asked, id=dunning_workflow_id(self.case))
        return [(row.what, row.then) for row in rows]

    async def until_waits(self, *expected: tuple[str, str]) -> None:
        """A wait is recorded a moment after the line of the story that it follows."""
        await self.desk.until_equal(self.waits, list(expected))

    async def row(self) -> Any:
        return (await self.desk.rows("select * from dunning_cases where id = :id", id=self.case))[0]

    async def say(self, update: str, command: Any) -> Outlook:
        saying = self.handle.execute_update(update, command, id=command.id, result_type=Outlook)
        return await asyncio.wait_for(saying, self.desk.patience)

    async def refusal(self, update: str, command: Any) -> str:
        try:
            await self.say(update, command)
        except WorkflowUpdateFailedError as failure:
            return str(failure.cause.type) if isinstance(failure.cause, ApplicationError) else "failed"
        return ""

    async def result(self) -> CaseStatus:
        return CaseStatus(await asyncio.wait_for(self.handle.result(), self.desk.patience))
