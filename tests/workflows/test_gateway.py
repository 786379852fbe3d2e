"""Charges against the real sandbox over HTTP, which charges and then lies about it."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment

from activities.connectors.kit import Patience
from activities.connectors.payments import HttpPaymentGateway
from activities.kit.calls import CallLog
from models.messages.billing.invoices import InvoiceStatus
from models.messages.payments import AttemptStatus
from tests.builders.billing import TOTAL
from tests.sandbox import Sandbox
from tests.workflows.till import Till, at_work, running_till


@pytest.fixture
async def till(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, sandbox: Sandbox
) -> AsyncIterator[Till]:
    gateway = HttpPaymentGateway(
        sandbox.gateway_url, sandbox.secret, CallLog(worker_engine), Patience(read=1.0, total=1.5)
    )
    async with running_till(worker_engine, temporal, gateway) as till:
        yield till
    await gateway.close()


@pytest.mark.parametrize(
    ("kind", "ends"),
    [
        ("none", AttemptStatus.SUCCEEDED),
        ("500_before", AttemptStatus.SUCCEEDED),
        ("500_after", AttemptStatus.SUCCEEDED),
        ("timeout_before", AttemptStatus.SUCCEEDED),
        ("timeout_after", AttemptStatus.SUCCEEDED),
        ("429", AttemptStatus.SUCCEEDED),
        ("garbage", AttemptStatus.SUCCEEDED),
        ("truncated_json", AttemptStatus.SUCCEEDED),
        ("wrong_order", AttemptStatus.SUCCEEDED),
        ("wrong_amount", AttemptStatus.SUCCEEDED),
        ("duplicate", AttemptStatus.SUCCEEDED),
        ("reset", AttemptStatus.SUCCEEDED),
        ("late", AttemptStatus.SUCCEEDED),
    ],
)
async def test_whatever_the_gateway_does_money_moves_once_and_is_booked_once(
    till: Till, sandbox: Sandbox, kind: str, ends: AttemptStatus
) -> None:
    order, invoice = await till.invoice()
    payment_key = sandbox.authorise(f"{order.invoice_id}.1", TOTAL)
    if kind != "none":
        rule = {"kind": kind, "times": 1, "operation": "confirm", "seconds": 3.0}
        sandbox.fail("payments", rule)

    attempt, charge = await till.charge(order.invoice_id, payment_key)

    assert await till.finish(charge) is ends
    assert await till.finish(invoice) is InvoiceStatus.PAID
    assert sum(sandbox.fired("payments").values()) == (kind != "none")
    moves = [(move["kind"], move["amount"]) for move in sandbox.moves(attempt.attempt_id)]
    assert moves == [("charge", TOTAL)]
    await till.all_is_well()


async def test_a_refused_card_is_told_and_another_card_pays(till: Till, sandbox: Sandbox) -> None:
    order, invoice = await till.invoice()
    poor = sandbox.authorise(f"{order.invoice_id}.1", TOTAL, card="refuse")
    _, refused = await till.charge(order.invoice_id, poor)
    assert await till.finish(refused) is AttemptStatus.REFUSED

    rich = sandbox.authorise(f"{order.invoice_id}.2", TOTAL)
    _, paid = await till.charge(order.invoice_id, rich)

    assert await till.finish(paid) is AttemptStatus.SUCCEEDED
    assert await till.finish(invoice) is InvoiceStatus.PAID
    assert len(sandbox.moves()) == 1
    await till.all_is_well()


async def test_workers_that_die_between_charge_and_record_charge_once(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, sandbox: Sandbox
) -> None:
    till = Till(worker_engine, temporal, "till-that-dies")
    gateway = HttpPaymentGateway(sandbox.gateway_url, sandbox.secret, CallLog(worker_engine))
    async with at_work(till, gateway):
        order, invoice = await till.invoice()
        payment_key = sandbox.authorise(f"{order.invoice_id}.1", TOTAL)
        sandbox.fail(
            "payments", {"kind": "timeout_after", "times": 1, "operation": "confirm", "seconds": 5.0}
        )
        attempt, charge = await till.charge(order.invoice_id, payment_key)
        await until(lambda: len(sandbox.moves(attempt.attempt_id)) == 1)
    assert (await till.attempt(attempt.attempt_id)).status is AttemptStatus.CREATED

    async with at_work(till, gateway):
        assert await till.finish(charge) is AttemptStatus.SUCCEEDED
        assert await till.finish(invoice) is InvoiceStatus.PAID
        await till.end_all()

    assert len(sandbox.moves(attempt.attempt_id)) == 1
    await till.all_is_well()
    await gateway.close()


async def until(is_so: Callable[[], bool]) -> None:
    """Look at the outside world until it is so."""
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
