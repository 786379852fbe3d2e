"""The life of an order's invoice: lines agreed before, and taken back when the order is off."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment

from activities.connectors.payments import ConsolePaymentGateway
from activities.kit.transactions import transaction
from models.journeys import OpenWait
from models.messages.billing.invoices import CaseCancelled, InvoiceStatus
from models.messages.payments import ChargeAnswer, Verdict
from tests.builders.billing import NOON
from tests.workflows.till import Till, running_till
from workflows.billing import InvoiceWorkflow

NO = ChargeAnswer(Verdict.REFUSED, code="REJECT_CARD_PAYMENT")
UNKNOWN = ChargeAnswer(Verdict.UNKNOWN, code="http_500")


@pytest.fixture
def gateway() -> ConsolePaymentGateway:
    return ConsolePaymentGateway()


@pytest.fixture
async def till(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, gateway: ConsolePaymentGateway
) -> AsyncIterator[Till]:
    async with running_till(worker_engine, temporal, gateway) as till:
        yield till


def off(case_id: str) -> CaseCancelled:
    return CaseCancelled(case_id, "order_cancelled", NOON)


async def test_an_orders_invoice_takes_the_agreed_lines_and_tells_the_order(till: Till) -> None:
    order, handle = await till.case_invoice(330_000, 55_000)
    assert (await till.read(order.invoice_id)).total_minor == 385_000
    await till.until_waits(order.case_id, "payment")

    _, charge = await till.charge(order.invoice_id)
    await till.finish(charge)

    assert await till.finish(handle) is InvoiceStatus.PAID
    assert till.letters == ["billing/invoice", "billing/receipt"]
    assert await till.story(order.case_id) == [
        "billing.issued", "payments.started", "payments.succeeded", "billing.paid",
    ]  # fmt: skip
    assert await till.heard(order.asked_by) == [InvoiceStatus.PAID]
    assert await till.open_waits(order.case_id) == set()
    async with transaction(till.engine) as session:
        owners = set(await session.scalars(select(OpenWait.customer_id)))
    assert owners == {order.customer_id}
    await till.all_is_well()


async def test_an_orders_invoice_is_reminded_and_becomes_overdue_like_any_other(till: Till) -> None:
    order, handle = await till.case_invoice()

    await till.pass_time(handle, days=16)
    await till.pass_time(handle, seconds=1)

    assert till.letters == ["billing/invoice", "billing/reminder", "billing/overdue"]
    assert await till.heard(order.asked_by) == [InvoiceStatus.OVERDUE]


async def test_an_unpaid_invoice_is_taken_back_when_its_order_is_off(till: Till) -> None:
    order, handle = await till.case_invoice()

    await handle.signal(InvoiceWorkflow.case_cancelled, off(order.case_id))

    assert await till.finish(handle) is InvoiceStatus.CANCELLED
    assert await till.heard(order.asked_by) == [InvoiceStatus.CANCELLED]
    assert await till.open_waits(order.case_id) == set()
    async with till.engine.connect() as connection:
        left = await connection.execute(
            text("select account, sum(debit_minor - credit_minor) from ledger_entries group by account")
        )
        assert {balance for _, balance in left} == {0}
    await till.all_is_well()


async def test_an_invoice_is_not_taken_back_before_a_payment_under_way_is_certain(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order, handle = await till.case_invoice()
    gateway.answers = [UNKNOWN, UNKNOWN, NO]
    _, charge = await till.charge(order.invoice_id)
    await till.pass_time(charge, seconds=1)

    await handle.signal(InvoiceWorkflow.case_cancelled, off(order.case_id))
    await till.pass_time(handle, seconds=1)
    assert (await till.read(order.invoice_id)).status is InvoiceStatus.ISSUED
    assert "withdrawal" in await till.open_waits(order.case_id)

    await till.finish(charge)
    assert await till.finish(handle) is InvoiceStatus.CANCELLED
    assert await till.heard(order.asked_by) == [InvoiceStatus.CANCELLED]
    await till.all_is_well()
