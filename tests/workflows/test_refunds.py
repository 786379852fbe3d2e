"""The life of a refund: asked once, looked up until certain, and settled by hand when the gateway refuses."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from activities.connectors.payments import ConsolePaymentGateway
from models.messages.billing.invoices import CaseCancelled, InvoiceOrder, InvoiceStatus, PaymentReceived
from models.messages.payments import ChargeAnswer, RefundStatus, SettleByHand, Verdict, refund_workflow_id
from tests.builders.billing import NOON, an_attempt
from tests.workflows.listening import ListeningTicket
from tests.workflows.till import Till, running_till
from workflows.billing import InvoiceWorkflow
from workflows.payments import RefundWorkflow

UNKNOWN = ChargeAnswer(Verdict.UNKNOWN, code="http_500")
ABSENT = ChargeAnswer(Verdict.NOT_FOUND, code="NOT_FOUND_REFUND")
NEVER = ChargeAnswer(Verdict.REFUSED, code="NOT_CANCELABLE_PAYMENT")
BUSY = ChargeAnswer(Verdict.NOT_SENT, code="http_429", retry_after_seconds=30)


@pytest.fixture
def gateway() -> ConsolePaymentGateway:
    return ConsolePaymentGateway()


@pytest.fixture
async def till(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, gateway: ConsolePaymentGateway
) -> AsyncIterator[Till]:
    async with running_till(worker_engine, temporal, gateway) as till:
        yield till


def asked(gateway: ConsolePaymentGateway, order: InvoiceOrder) -> list[str]:
    """What the gateway was asked about the refund, in its order."""
    return [operation for operation, key in gateway.asked if key == f"{order.case_id}.refund"]


async def told(till: Till, order: InvoiceOrder) -> list[RefundStatus]:
    handle = till.temporal.client.get_workflow_handle(order.asked_by)
    return list(await handle.query(ListeningTicket.refunded))


def hand(verdict: Verdict, name: str = "h1") -> SettleByHand:
    return SettleByHand(name, "acc_fin", NOON, verdict, "bank transfer")


def code_of(error: WorkflowUpdateFailedError) -> str:
    assert isinstance(error.cause, ApplicationError)
    return error.cause.type or ""


async def test_a_paid_order_is_given_back_and_its_books_are_even(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order = await till.paid_invoice(330_000, 55_000)

    handle = await till.refund(order, 385_000)

    settled = await till.finish(handle)
    assert (settled.status, settled.amount_minor) == (RefundStatus.SUCCEEDED, 385_000)
    assert await till.balances() == {}
    assert await told(till, order) == [RefundStatus.SUCCEEDED]
    assert asked(gateway, order) == ["cancel"]
    assert till.letters[-1] == "payments/refunded"
    assert (await till.story(order.case_id))[-3:] == [
        "billing.credited", "payments.refund_started", "payments.refund_succeeded",
    ]  # fmt: skip
    assert await till.open_waits(order.case_id) == set()
    await till.all_is_well()


async def test_an_unclear_refund_is_looked_up_and_never_simply_asked_again(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order = await till.paid_invoice()
    done = ChargeAnswer(Verdict.SUCCEEDED, "t1", "DONE", 30_000)
    gateway.answers = [UNKNOWN, UNKNOWN, done]

    settled = await till.finish(await till.refund(order, 30_000))

    assert settled.status is RefundStatus.SUCCEEDED
    assert asked(gateway, order) == ["cancel", "look_up", "look_up"]
    assert (await till.refund_row(f"{order.case_id}.refund")).provider_id == "t1"
    assert await till.balances() == {"gateway": 300_000, "revenue": -272_727, "vat_payable": -27_273}
    await till.all_is_well()


async def test_a_refund_that_surely_never_arrived_is_sent_again_with_its_own_key(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order = await till.paid_invoice()
    gateway.answers = [UNKNOWN, ABSENT, ABSENT, ABSENT, ABSENT]

    settled = await till.finish(await till.refund(order, 330_000))

    assert settled.status is RefundStatus.SUCCEEDED
    assert asked(gateway, order) == ["cancel", *["look_up"] * 4, "cancel"]
    await till.all_is_well()


async def test_a_busy_gateway_is_asked_again_for_the_refund(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order = await till.paid_invoice()
    gateway.answers = [BUSY, BUSY]

    settled = await till.finish(await till.refund(order, 330_000))

    assert settled.status is RefundStatus.SUCCEEDED
    assert asked(gateway, order) == ["cancel"] * 3
    assert (await till.story(order.case_id)).count("payments.refund_not_sent") == 2


async def test_a_refund_that_is_refused_for_good_is_settled_by_hand(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order = await till.paid_invoice()
    gateway.answers = [NEVER]
    handle = await till.refund(order, 330_000)
    await till.pass_time(handle, days=3)
    await till.until_waits(order.case_id, "refund")
    assert await told(till, order) == [RefundStatus.REFUSED]
    assert till.letters[-1] == "payments/refund_unsettled"
    assert await till.balances() == {"receivable": -330_000, "gateway": 330_000}  # we owe it
    await till.all_is_well()

    with pytest.raises(WorkflowUpdateFailedError) as nothing_to_try_again:
        await handle.execute_update(RefundWorkflow.settle_by_hand, hand(Verdict.REFUSED, "h0"))
    assert code_of(nothing_to_try_again.value) == "verdict_missing"
    said: Any = await handle.execute_update(RefundWorkflow.settle_by_hand, hand(Verdict.SUCCEEDED))
    assert said is RefundStatus.SUCCEEDED

    settled = await till.finish(handle)
    assert (settled.status, settled.code) == (RefundStatus.SUCCEEDED, "by_hand")
    assert await told(till, order) == [RefundStatus.REFUSED, RefundStatus.SUCCEEDED]
    assert await till.balances() == {}
    assert await till.open_waits(order.case_id) == set()
    await till.all_is_well()


async def test_what_stays_unclear_is_sent_again_when_finance_finds_nothing_at_the_gateway(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order = await till.paid_invoice()
    gateway.answers = [UNKNOWN] * 12
    handle = await till.refund(order, 330_000)
    await till.pass_time(handle, days=7)
    await till.until_waits(order.case_id, "refund")
    assert await told(till, order) == [RefundStatus.UNKNOWN]

    with pytest.raises(WorkflowUpdateFailedError) as undecided:
        await handle.execute_update(RefundWorkflow.settle_by_hand, hand(Verdict.UNKNOWN, "h0"))
    assert code_of(undecided.value) == "verdict_missing"
    await handle.execute_update(RefundWorkflow.settle_by_hand, hand(Verdict.REFUSED))

    assert (await till.finish(handle)).status is RefundStatus.SUCCEEDED
    assert asked(gateway, order)[-1] == "cancel"
    assert await till.balances() == {}
    await till.all_is_well()


async def test_the_gateways_own_yes_to_a_refund_beats_a_hand(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order = await till.paid_invoice()
    gateway.answers = [UNKNOWN] * 11 + [ChargeAnswer(Verdict.SUCCEEDED, "t9", "DONE", 330_000)]
    handle = await till.refund(order, 330_000)
    await till.pass_time(handle, days=7)

    await handle.execute_update(RefundWorkflow.settle_by_hand, hand(Verdict.REFUSED))

    assert (await till.finish(handle)).code == "DONE"
    assert asked(gateway, order).count("cancel") == 1
    await till.all_is_well()


async def test_a_refund_that_waits_for_nobody_takes_no_verdict(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order = await till.paid_invoice()
    gateway.answers = [UNKNOWN]
    handle = await till.refund(order, 330_000)

    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await handle.execute_update(RefundWorkflow.settle_by_hand, hand(Verdict.SUCCEEDED))

    assert code_of(refused.value) == "refund_not_unclear"
    assert (await till.finish(handle)).status is RefundStatus.SUCCEEDED


async def test_never_more_goes_back_than_came_in(till: Till, gateway: ConsolePaymentGateway) -> None:
    order = await till.paid_invoice(110_000)
    first = await till.finish(await till.refund(order, 70_000))
    assert first.status is RefundStatus.SUCCEEDED

    second = await till.finish(await till.refund(order, 50_000, refund_id=f"{order.case_id}.more"))
    assert (second.status, second.code) == (RefundStatus.REFUSED, "nothing_to_give_back")

    third = await till.finish(await till.refund(order, 40_000, refund_id=f"{order.case_id}.rest"))
    assert third.status is RefundStatus.SUCCEEDED
    assert await till.balances() == {}
    assert [operation for operation, _ in gateway.asked].count("cancel") == 2
    await till.all_is_well()


async def test_an_unpaid_invoice_gives_nothing_back(till: Till, gateway: ConsolePaymentGateway) -> None:
    order, _ = await till.case_invoice()

    settled = await till.finish(await till.refund(order, 330_000))

    assert (settled.status, settled.code) == (RefundStatus.REFUSED, "invoice_not_paid")
    assert gateway.asked == []
    await till.all_is_well()


async def test_money_that_comes_while_the_order_is_off_goes_back_by_itself(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order, handle = await till.case_invoice()
    gateway.answers = [UNKNOWN, UNKNOWN, ChargeAnswer(Verdict.SUCCEEDED, "", "DONE", 330_000)]
    _, charge = await till.charge(order.invoice_id)
    await till.pass_time(charge, seconds=1)
    await handle.signal(InvoiceWorkflow.case_cancelled, CaseCancelled(order.case_id, "order_cancelled", NOON))

    await till.finish(charge)
    assert await till.finish(handle) is InvoiceStatus.PAID
    refund = till.temporal.client.get_workflow_handle(refund_workflow_id(f"{order.invoice_id}.back"))
    await till.finish(refund)

    assert await till.balances() == {}
    assert "billing/receipt" not in till.letters
    assert till.letters[-1] == "payments/refunded"
    await till.all_is_well()


async def test_money_after_the_end_of_a_withdrawn_invoice_goes_back_by_itself(till: Till) -> None:
    order, handle = await till.case_invoice()
    attempt = await an_attempt(till.engine, order.invoice_id)
    await till.refused(attempt.attempt_id)
    await handle.signal(InvoiceWorkflow.case_cancelled, CaseCancelled(order.case_id, "order_cancelled", NOON))
    assert await till.finish(handle) is InvoiceStatus.CANCELLED

    await till.succeeded(attempt.attempt_id)
    fact = PaymentReceived(attempt.attempt_id, attempt.amount_minor, NOON)
    late = InvoiceOrder(order.invoice_id, "", "", (), late=fact)
    await till.finish(await till.start(InvoiceWorkflow.run, late, handle.id))
    refund = till.temporal.client.get_workflow_handle(refund_workflow_id(f"{attempt.attempt_id}.back"))
    await till.finish(refund)

    assert "billing.goes_back" in await till.story(order.case_id)
    assert await till.open_waits(order.case_id) == set()
    assert await till.balances() == {}
    await till.all_is_well()
