"""The life of an invoice on a virtual clock."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from activities.connectors.payments import ConsolePaymentGateway
from models.messages.billing.invoices import (
    CancelInvoice,
    ClearSuspense,
    InvoiceStatus,
    PaymentReceived,
)
from tests.builders.billing import NOON, an_attempt
from tests.workflows.till import Till, running_till
from workflows.billing import InvoiceWorkflow


@pytest.fixture
async def till(worker_engine: AsyncEngine, temporal: WorkflowEnvironment) -> AsyncIterator[Till]:
    async with running_till(worker_engine, temporal, ConsolePaymentGateway()) as till:
        yield till


def code_of(error: WorkflowUpdateFailedError) -> str:
    assert isinstance(error.cause, ApplicationError)
    return error.cause.type or ""


async def test_an_invoice_is_issued_paid_and_receipted(till: Till) -> None:
    order, handle = await till.invoice()
    await till.until_waits(order.ticket_id, "payment")

    _, charge = await till.charge(order.invoice_id)
    await till.finish(charge)

    assert await till.finish(handle) is InvoiceStatus.PAID
    assert till.letters == ["billing/invoice", "billing/receipt"]
    assert await till.story(order.ticket_id) == [
        "billing.issued", "payments.started", "payments.succeeded", "billing.paid",
    ]  # fmt: skip
    assert await till.ticket_heard(order.ticket_id) == [InvoiceStatus.PAID]
    assert await till.open_waits(order.ticket_id) == set()
    await till.all_is_well()


async def test_the_customer_is_reminded_three_days_before_the_due_date(till: Till) -> None:
    order, handle = await till.invoice()

    await till.pass_time(handle, days=10)
    assert till.letters == ["billing/invoice"]

    await till.pass_time(handle, days=2)
    await till.pass_time(handle, seconds=1)
    assert till.letters == ["billing/invoice", "billing/reminder"]
    assert await till.story(order.ticket_id) == ["billing.issued", "billing.reminded"]


async def test_a_missed_due_date_asks_finance_and_late_money_still_settles(till: Till) -> None:
    order, handle = await till.invoice()

    await till.pass_time(handle, days=16)
    await till.pass_time(handle, seconds=1)
    assert (await till.read(order.invoice_id)).status is InvoiceStatus.OVERDUE
    assert await till.ticket_heard(order.ticket_id) == [InvoiceStatus.OVERDUE]
    assert till.letters[-1] == "billing/overdue"

    _, charge = await till.charge(order.invoice_id)
    await till.finish(charge)
    assert await till.finish(handle) is InvoiceStatus.PAID
    assert await till.ticket_heard(order.ticket_id) == [InvoiceStatus.OVERDUE, InvoiceStatus.PAID]
    await till.all_is_well()


async def test_money_after_the_end_of_an_invoices_life_gives_it_another_one(till: Till) -> None:
    order, handle = await till.invoice(wait_days=30)
    assert await till.finish(handle) is InvoiceStatus.OVERDUE
    assert await till.open_waits(order.ticket_id) == set()

    _, charge = await till.charge(order.invoice_id)
    await till.finish(charge)

    again = till.temporal.client.get_workflow_handle(handle.id, result_type=InvoiceStatus)
    assert await till.finish(again) is InvoiceStatus.PAID
    assert (await till.read(order.invoice_id)).status is InvoiceStatus.PAID
    await till.all_is_well()


async def test_finance_cancels_an_unpaid_invoice(till: Till) -> None:
    order, handle = await till.invoice()
    command = CancelInvoice("c1", "acc_fin", NOON, "wrong visit")

    assert await handle.execute_update(InvoiceWorkflow.cancel, command, id="c1") is InvoiceStatus.CANCELLED

    assert await till.finish(handle) is InvoiceStatus.CANCELLED
    assert await till.ticket_heard(order.ticket_id) == [InvoiceStatus.CANCELLED]
    assert await till.open_waits(order.ticket_id) == set()
    await till.all_is_well()


async def test_an_invoice_is_not_cancelled_while_a_payment_is_open_and_goes_on_waiting(till: Till) -> None:
    order, handle = await till.invoice()
    attempt = await an_attempt(till.engine, order.invoice_id)
    command = CancelInvoice("c1", "acc_fin", NOON)

    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await handle.execute_update(InvoiceWorkflow.cancel, command, id="c1")

    assert code_of(refused.value) == "payment_under_way"
    await till.until_waits(order.ticket_id, "payment")
    assert attempt.invoice_id == order.invoice_id
    await till.pass_time(handle, days=12)
    await till.pass_time(handle, seconds=1)
    assert "billing/reminder" in till.letters


async def test_an_attempt_for_an_invoice_that_was_paid_meanwhile_is_not_charged(till: Till) -> None:
    order, handle = await till.invoice()
    _, first = await till.charge(order.invoice_id)
    await till.finish(first)
    assert await till.finish(handle) is InvoiceStatus.PAID

    second, charge = await till.charge(order.invoice_id)
    await till.finish(charge)

    assert (await till.attempt(second.attempt_id)).code == "invoice_paid"
    await till.all_is_well()


async def test_money_that_nobody_owes_keeps_the_invoice_alive_until_finance_gave_it_back(till: Till) -> None:
    order, handle = await till.invoice()
    first, second = await two_successes(till, order.invoice_id)
    for fact in (first, first, second, second):
        await handle.signal(InvoiceWorkflow.payment_received, fact)
    await till.pass_time(handle, days=2)
    await till.until_waits(order.ticket_id, "suspense")
    assert till.letters == ["billing/invoice", "billing/receipt"]
    assert "billing.doubled" in await till.story(order.ticket_id)
    await till.all_is_well()

    wrong = ClearSuspense("s0", "acc_fin", NOON, first.attempt_id)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await handle.execute_update(InvoiceWorkflow.clear_suspense, wrong)
    assert code_of(refused.value) == "no_suspense"

    command = ClearSuspense("s1", "acc_fin", NOON, second.attempt_id, "refunded at the gateway")
    assert await handle.execute_update(InvoiceWorkflow.clear_suspense, command) == second.amount_minor
    assert await till.finish(handle) is InvoiceStatus.PAID
    assert await till.open_waits(order.ticket_id) == set()
    await till.all_is_well()


async def two_successes(till: Till, invoice_id: str) -> list[PaymentReceived]:
    """Two attempts whose money moved: the second one was only found later."""
    facts = []
    for _ in range(2):
        order = await an_attempt(till.engine, invoice_id)
        await till.succeeded(order.attempt_id)
        facts.append(PaymentReceived(order.attempt_id, order.amount_minor, NOON))
    return facts
