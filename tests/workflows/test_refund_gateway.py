"""Refunds against the real sandbox over HTTP, which gives money back and then lies about it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from secrets import token_hex

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment

from activities.connectors.kit import Patience
from activities.connectors.payments import HttpPaymentGateway
from activities.kit.calls import CallLog
from models.messages.billing.invoices import InvoiceOrder, InvoiceStatus
from models.messages.payments import ChargeAnswer, GiveBack, RefundStatus, Verdict
from tests.sandbox import Sandbox
from tests.workflows.test_gateway import until
from tests.workflows.till import Till, at_work, running_till

TOTAL, PART = 330_000, 30_000
HURRY = Patience(read=1.0, total=1.5)


class NaiveGateway(HttpPaymentGateway):
    """What a hurried programmer writes: a new key for every try, and every failure means "not done"."""

    async def refund(self, asked: GiveBack) -> ChargeAnswer:
        answer = await super().refund(replace(asked, refund_id=f"{asked.refund_id}.{token_hex(4)}"))
        is_clear = answer.verdict in (Verdict.SUCCEEDED, Verdict.REFUSED)
        return answer if is_clear else replace(answer, verdict=Verdict.NOT_SENT)


@pytest.fixture
async def till(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, sandbox: Sandbox
) -> AsyncIterator[Till]:
    gateway = HttpPaymentGateway(sandbox.gateway_url, sandbox.secret, CallLog(worker_engine), HURRY)
    async with running_till(worker_engine, temporal, gateway) as till:
        yield till
    await gateway.close()


@pytest.fixture
async def naive(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, sandbox: Sandbox
) -> AsyncIterator[Till]:
    gateway = NaiveGateway(sandbox.gateway_url, sandbox.secret, CallLog(worker_engine), HURRY)
    async with running_till(worker_engine, temporal, gateway) as till:
        yield till
    await gateway.close()


async def paid(till: Till, sandbox: Sandbox, card: str = "approve") -> InvoiceOrder:
    order, invoice = await till.case_invoice(TOTAL)
    payment_key = sandbox.authorise(f"{order.invoice_id}.1", TOTAL, card=card)
    _, charge = await till.charge(order.invoice_id, payment_key)
    await till.finish(charge)
    assert await till.finish(invoice) is InvoiceStatus.PAID
    return order


async def money_goes_back_once(till: Till, sandbox: Sandbox, kind: str) -> None:
    """A part of an order is given back while the gateway fails in one way; both books must agree."""
    order = await paid(till, sandbox)
    sandbox.fail("payments", {"kind": kind, "times": 1, "operation": "cancel", "seconds": 3.0})

    settled = await till.finish(await till.refund(order, PART))

    assert settled.status is RefundStatus.SUCCEEDED
    assert sandbox.fired("payments") == {kind: 1}
    moves = [(move["kind"], move["amount"]) for move in sandbox.moves(f"{order.invoice_id}.1")]
    assert moves == [("charge", TOTAL), ("refund", PART)]
    assert (await till.balances())["gateway"] == TOTAL - PART
    await till.all_is_well()


@pytest.mark.parametrize(
    "kind",
    [
        "500_before", "500_after", "timeout_before", "timeout_after", "429", "garbage", "truncated_json",
        "wrong_order", "wrong_amount", "duplicate", "reset", "late",
    ],
)  # fmt: skip
async def test_whatever_the_gateway_does_money_goes_back_once(
    till: Till, sandbox: Sandbox, kind: str
) -> None:
    await money_goes_back_once(till, sandbox, kind)


@pytest.mark.parametrize("kind", ["500_after", "garbage"])
async def test_a_naive_refund_fails_the_same_test(naive: Till, sandbox: Sandbox, kind: str) -> None:
    with pytest.raises(AssertionError):
        await money_goes_back_once(naive, sandbox, kind)

    refunds = [move for move in sandbox.moves() if move["kind"] == "refund"]
    assert [move["amount"] for move in refunds] == [PART, PART]


async def test_a_gateway_that_never_gives_back_leaves_it_to_finance(till: Till, sandbox: Sandbox) -> None:
    order = await paid(till, sandbox, card="final")

    handle = await till.refund(order, TOTAL)
    await till.pass_time(handle, days=1)

    row = await till.refund_row(f"{order.case_id}.refund")
    assert (row.status, row.code) == (RefundStatus.REFUSED, "NOT_CANCELABLE_PAYMENT")
    await till.until_waits(order.case_id, "refund")
    assert [move["kind"] for move in sandbox.moves()] == ["charge"]
    await till.all_is_well()


async def test_a_refund_that_somebody_made_at_the_gateway_is_not_made_again(
    till: Till, sandbox: Sandbox
) -> None:
    order = await paid(till, sandbox)
    key = (await till.attempt(f"{order.invoice_id}.1")).payment_key
    path = f"/gateway/v1/payments/{key}/cancel"
    sandbox.client.post(path, json={"cancel_reason": "by hand"}, auth=(sandbox.secret, "")).raise_for_status()

    handle = await till.refund(order, TOTAL)
    await till.pass_time(handle, days=1)

    assert (await till.refund_row(f"{order.case_id}.refund")).code == "NOT_CANCELABLE_AMOUNT"
    assert [move["kind"] for move in sandbox.moves()] == ["charge", "refund"]
    await till.all_is_well()


async def test_workers_that_die_between_giving_back_and_writing_give_back_once(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, sandbox: Sandbox
) -> None:
    till = Till(worker_engine, temporal, "till-that-dies-refunding")
    gateway = HttpPaymentGateway(sandbox.gateway_url, sandbox.secret, CallLog(worker_engine))
    async with at_work(till, gateway):
        order = await paid(till, sandbox)
        rule = {"kind": "timeout_after", "times": 1, "operation": "cancel", "seconds": 5.0}
        sandbox.fail("payments", rule)
        handle = await till.refund(order, PART)
        await until(lambda: len(sandbox.moves()) == 2)
    assert (await till.refund_row(f"{order.case_id}.refund")).status is RefundStatus.CREATED

    async with at_work(till, gateway):
        assert (await till.finish(handle)).status is RefundStatus.SUCCEEDED
        await till.end_all()

    assert len(sandbox.moves()) == 2
    await till.all_is_well()
    await gateway.close()
