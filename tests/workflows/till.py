"""A worker for invoices and charges on a database and a Temporal server of the test."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.billing import BillingActivities
from activities.connectors.billing_keys import BillingKeys, ConsoleBillingKeys
from activities.connectors.payments import PaymentGateway
from activities.kit.invariants import violations
from activities.kit.sealing import Seals
from activities.kit.transactions import transaction
from activities.payments import MethodActivities, PaymentActivities, RefundActivities
from models.billing import Invoice
from models.kit.timeline import TimelineEntry
from models.messages.billing.invoices import (
    InvoiceOrder,
    InvoiceStatus,
    invoice_workflow_id,
)
from models.messages.letters import Letter
from models.messages.payments import (
    AttemptStatus,
    ChargeOrder,
    MethodOrder,
    RefundOrder,
    charge_workflow_id,
    method_workflow_id,
    refund_workflow_id,
)
from models.messages.tickets import ticket_workflow_id
from models.payments import PaymentAttempt, PaymentMethod, Refund
from tests.builders.billing import a_finished_repair, a_pending_method, an_attempt, an_order_to_bill
from tests.desk import until_equal
from tests.workflows.listening import ListeningTicket
from workflows.billing import InvoiceWorkflow
from workflows.kit.options import MAIL_QUEUE, PAYMENTS_QUEUE
from workflows.payments import ChargeWorkflow, PaymentMethodWorkflow, RefundWorkflow

_numbers = count(1)


async def keep_history(handle: WorkflowHandle[Any, Any], folder: Path) -> None:
    """Store a life as it was for the replay test, under the name of the running test."""
    life = (await handle.describe()).workflow_type
    case = os.environ["PYTEST_CURRENT_TEST"].split("::")[1].split("[")[0].split(" ")[0].removeprefix("test_")
    path = folder / life / f"{case}.json"
    if life in ("Invoice", "Charge", "Refund", "PaymentMethod") and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((await handle.fetch_history()).to_json())


PATIENCE = 10.0  # seconds of real time for a step that no timer leads to


@dataclass
class Till:
    """Starts invoices and charges, moves their clocks and reads what they left behind."""

    engine: AsyncEngine
    temporal: WorkflowEnvironment
    queue: str
    letters: list[str] = field(default_factory=list)
    handles: list[WorkflowHandle[Any, Any]] = field(default_factory=list)
    keys: BillingKeys = field(default_factory=ConsoleBillingKeys)

    @activity.defn(name="letters.send")
    async def note_letter(self, letter: Letter) -> None:
        """What the mail connector would be asked."""
        self.letters.append(letter.template)

    async def start(self, run: Any, order: Any, workflow_id: str) -> WorkflowHandle[Any, Any]:
        args = [] if order is None else [order]
        handle: WorkflowHandle[Any, Any] = await self.temporal.client.start_workflow(
            run, args=args, id=workflow_id, task_queue=self.queue
        )
        self.handles.append(handle)
        return handle

    async def invoice(self, **changes: Any) -> tuple[InvoiceOrder, WorkflowHandle[Any, Any]]:
        """An invoice that is issued and waits for its money; its ticket listens."""
        order = await a_finished_repair(self.engine)
        order = InvoiceOrder(**{**vars(order), **changes})
        await self.start(ListeningTicket.run, None, ticket_workflow_id(order.ticket_id))
        handle = await self.start(InvoiceWorkflow.run, order, invoice_workflow_id(order.invoice_id))
        await self.pass_time(handle, seconds=1)
        await self.until_told(order.ticket_id, "billing.issued")
        return order, handle

    async def case_invoice(self, *gross: int, **changes: Any) -> tuple[InvoiceOrder, Any]:
        """An order's invoice that is issued and waits for its money; whoever asked listens."""
        order = replace(await an_order_to_bill(self.engine, *gross), **changes)
        await self.start(ListeningTicket.run, None, order.asked_by)
        handle = await self.start(InvoiceWorkflow.run, order, invoice_workflow_id(order.invoice_id))
        await self.pass_time(handle, seconds=1)
        await self.until_told(order.case_id, "billing.issued")
        return order, handle

    async def charge(
        self, invoice_id: str, payment_key: str = "", **changes: Any
    ) -> tuple[ChargeOrder, WorkflowHandle[Any, Any]]:
        """A stored attempt and the workflow that was started for it."""
        order = await an_attempt(self.engine, invoice_id, payment_key)
        order = ChargeOrder(**{**vars(order), **changes})
        return order, await self.start(ChargeWorkflow.run, order, charge_workflow_id(order.attempt_id))

    async def method(self, order: InvoiceOrder) -> tuple[str, Any]:
        """A payment method of the order's customer who is at the gateway's form, and its life."""
        name = await a_pending_method(self.engine, order.customer_id)
        asked = MethodOrder(name, order.customer_id)
        return name, await self.start(PaymentMethodWorkflow.run, asked, method_workflow_id(name))

    async def method_row(self, method_id: str) -> PaymentMethod:
        async with transaction(self.engine) as session:
            return await session.get_one(PaymentMethod, method_id)

    async def paid_invoice(self, *gross: int) -> InvoiceOrder:
        """An order's invoice whose money is there; its life is over."""
        order, handle = await self.case_invoice(*gross)
        _, charge = await self.charge(order.invoice_id)
        await self.finish(charge)
        assert await self.finish(handle) is InvoiceStatus.PAID
        return order

    async def refund(self, order: InvoiceOrder, amount: int, **changes: Any) -> Any:
        """The workflow that gives this much of an order's invoice back."""
        asked = RefundOrder(
            f"{order.case_id}.refund", order.invoice_id, order.customer_id, order.case_id, amount,
            "order_cancelled", asked_by=order.asked_by,
        )  # fmt: skip
        asked = replace(asked, **changes)
        return await self.start(RefundWorkflow.run, asked, refund_workflow_id(asked.refund_id))

    async def recheck(self, first: ChargeOrder) -> WorkflowHandle[Any, Any]:
        """What the webhook starts when the attempt's own life has ended."""
        attempt = await self.attempt(first.attempt_id)
        late = replace(first, is_recheck=True, status=attempt.status, seq=attempt.seq)
        return await self.start(ChargeWorkflow.run, late, f"charge:{first.attempt_id}:recheck:evt")

    async def pass_time(self, handle: WorkflowHandle[Any, Any], **duration: float) -> None:
        """Let virtual time pass; it only passes while the workflow has nothing to do."""
        await self._skip(handle, timedelta(**duration))

    async def finish(self, handle: WorkflowHandle[Any, Any]) -> Any:
        """Let time pass until the workflow has ended."""
        await self._skip(handle, None)
        return await handle.result()

    async def _skip(self, handle: WorkflowHandle[Any, Any], duration: timedelta | None) -> None:
        try:
            await self.temporal.fast_forward(handle, duration)
        except RPCError as ended:
            if "already completed" not in ended.message:
                raise

    async def refund_row(self, refund_id: str) -> Refund:
        async with transaction(self.engine) as session:
            return await session.get_one(Refund, refund_id)

    async def balances(self) -> dict[str, int]:
        """What the ledger says, by account; what is even is left out."""
        query = "select account, sum(debit_minor - credit_minor) from ledger_entries group by account"
        async with transaction(self.engine) as session:
            rows = (await session.execute(text(query))).all()
        return {account: int(balance) for account, balance in rows if balance}

    async def read(self, invoice_id: str) -> Invoice:
        async with transaction(self.engine) as session:
            return await session.get_one(Invoice, invoice_id)

    async def attempt(self, attempt_id: str) -> PaymentAttempt:
        async with transaction(self.engine) as session:
            return await session.get_one(PaymentAttempt, attempt_id)

    async def succeeded(self, attempt_id: str) -> None:
        """Write down that an attempt's money moved, as payments would have."""
        await self._became(attempt_id, AttemptStatus.SUCCEEDED)

    async def refused(self, attempt_id: str) -> None:
        """Write down that an attempt brought nothing, as payments would have."""
        await self._became(attempt_id, AttemptStatus.REFUSED)

    async def _became(self, attempt_id: str, status: AttemptStatus) -> None:
        async with transaction(self.engine) as session:
            attempt = await session.get_one(PaymentAttempt, attempt_id)
            attempt.status = status

    async def until_attempt_is(self, handle: WorkflowHandle[Any, Any], status: AttemptStatus) -> None:
        """Give a charge real time to reach a state that no timer leads to."""
        name = handle.id.removeprefix("charge:")

        async def stands() -> AttemptStatus:
            return (await self.attempt(name)).status

        await until_equal(stands, status, PATIENCE)

    async def until_told(self, about: str, sentence: str) -> None:
        """Give a life real time to write a step: a skipped clock says nothing of a busy machine."""

        async def is_told() -> bool:
            return sentence in await self.story(about)

        await until_equal(is_told, True, PATIENCE)

    async def story(self, about: str) -> list[str]:
        """The sentences of the timeline of a ticket, order or change, in their order."""
        async with transaction(self.engine) as session:
            own = (TimelineEntry.ticket_id == about) | (TimelineEntry.case_id == about)
            query = select(TimelineEntry.sentence).where(own)
            return list(await session.scalars(query.order_by(TimelineEntry.id)))

    async def open_waits(self, about: str) -> set[str]:
        async with transaction(self.engine) as session:
            rows = await session.execute(
                text("select what from waits where :about in (ticket_id, case_id) and ended_at is null"),
                {"about": about},
            )
            return {row[0] for row in rows}

    async def until_waits(self, about: str, *expected: str) -> None:
        """A wait is recorded a moment after the line of the story that it follows."""
        await until_equal(lambda: self.open_waits(about), set(expected), PATIENCE)

    async def ticket_heard(self, ticket_id: str) -> list[str]:
        return await self.heard(ticket_workflow_id(ticket_id))

    async def heard(self, workflow_id: str) -> list[str]:
        """What whoever asked for the invoice was told."""
        handle = self.temporal.client.get_workflow_handle(workflow_id)
        return list(await handle.query(ListeningTicket.what))

    async def end_all(self) -> None:
        """Keep the histories if asked to, and end what still lives: the next test has workers of its own."""
        for handle in self.handles:
            if folder := os.environ.get("KEEP_HISTORIES"):
                await keep_history(handle, Path(folder))
            try:
                await handle.terminate("the test is over")
            except RPCError:
                continue  # it has ended by itself

    async def all_is_well_after(self, handle: WorkflowHandle[Any, Any]) -> None:
        """The same, once this workflow and the invoice that it told have come to rest."""
        await self.finish(handle)
        await self._skip(self.handles[-2], timedelta(seconds=1))
        await self.all_is_well()

    async def all_is_well(self) -> None:
        """Every invariant of money holds."""
        for _ in range(100):
            async with self.engine.connect() as connection:
                broken = await violations(connection)
            if not broken:
                return
            await asyncio.sleep(0.1)  # a charge may have told its invoice a moment ago
        raise AssertionError(broken)


@asynccontextmanager
async def running_till(
    engine: AsyncEngine,
    temporal: WorkflowEnvironment,
    gateway: PaymentGateway,
    keys: BillingKeys | None = None,
) -> AsyncIterator[Till]:
    """A till at work; whatever is still alive in the end is ended."""
    till = Till(engine, temporal, f"till-{next(_numbers)}", keys=keys or ConsoleBillingKeys())
    async with at_work(till, gateway):
        yield till
        await till.end_all()


@asynccontextmanager
async def at_work(till: Till, gateway: PaymentGateway) -> AsyncIterator[None]:
    """The workers of a till. Leaving ends them at once, in the middle of whatever they do."""
    seals, billing = Seals([("test", bytes(32))]), BillingActivities(till.engine)
    payments = PaymentActivities(till.engine, gateway, till.keys, seals)
    methods = MethodActivities(till.engine, till.keys, seals)
    refunds = RefundActivities(till.engine, gateway)
    rows = [
        billing.issue, billing.settle, billing.settle_nothing, billing.cancel, billing.clear_suspense,
        billing.record, payments.begin, payments.record, refunds.begin_refund, refunds.record_refund,
        payments.open, methods.record_method,
    ]  # fmt: skip
    lives = [InvoiceWorkflow, ChargeWorkflow, RefundWorkflow, PaymentMethodWorkflow, ListeningTicket]
    asking = [
        payments.charge,
        payments.look_up,
        refunds.give_back,
        refunds.look_up_refund,
        methods.keep_method,
        methods.drop_method,
    ]
    client = till.temporal.client
    desk = Worker(client, task_queue=till.queue, workflows=lives, activities=rows)
    money = Worker(client, task_queue=PAYMENTS_QUEUE, activities=asking)
    mail = Worker(client, task_queue=MAIL_QUEUE, activities=[till.note_letter])
    async with desk, money, mail:
        yield
