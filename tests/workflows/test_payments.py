"""The life of a charge: asked once, looked up until certain, with a gateway that may say anything."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from activities.connectors.payments import ConsolePaymentGateway
from models.messages.billing.invoices import InvoiceStatus
from models.messages.payments import (
    AttemptStatus,
    ChargeAnswer,
    GatewayNews,
    SettleByHand,
    Verdict,
)
from tests.builders.billing import NOON, TOTAL
from tests.workflows.till import Till, running_till
from workflows.payments import ChargeWorkflow

UNKNOWN = ChargeAnswer(Verdict.UNKNOWN, code="http_500")
NOT_FOUND = ChargeAnswer(Verdict.NOT_FOUND, code="NOT_FOUND_PAYMENT")
NO = ChargeAnswer(Verdict.REFUSED, code="REJECT_CARD_PAYMENT")
YES = ChargeAnswer(Verdict.SUCCEEDED, "", "DONE", TOTAL)


@pytest.fixture
def gateway() -> ConsolePaymentGateway:
    return ConsolePaymentGateway()


@pytest.fixture
async def till(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, gateway: ConsolePaymentGateway
) -> AsyncIterator[Till]:
    async with running_till(worker_engine, temporal, gateway) as till:
        yield till


def calls(gateway: ConsolePaymentGateway) -> list[str]:
    return [operation for operation, _ in gateway.asked]


async def test_a_refused_customer_may_try_again_and_pay(till: Till, gateway: ConsolePaymentGateway) -> None:
    order, invoice = await till.invoice()
    gateway.answers = [NO]
    first, charge = await till.charge(order.invoice_id)
    assert await till.finish(charge) is AttemptStatus.REFUSED
    assert (await till.attempt(first.attempt_id)).code == "REJECT_CARD_PAYMENT"
    assert till.letters.count("payments/refused") == 1

    _, again = await till.charge(order.invoice_id)

    assert await till.finish(again) is AttemptStatus.SUCCEEDED
    assert await till.finish(invoice) is InvoiceStatus.PAID
    await till.all_is_well()


async def test_an_unclear_answer_is_looked_up_and_never_simply_asked_again(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order, invoice = await till.invoice()
    gateway.answers = [UNKNOWN, UNKNOWN, YES]
    attempt, charge = await till.charge(order.invoice_id)

    assert await till.finish(charge) is AttemptStatus.SUCCEEDED

    assert calls(gateway) == ["confirm", "look_up", "look_up"]
    assert (await till.attempt(attempt.attempt_id)).lookups == 2
    assert await till.finish(invoice) is InvoiceStatus.PAID
    assert await till.story(order.ticket_id) == [
        "billing.issued", "payments.started", "payments.unknown", "payments.looked_up",
        "payments.succeeded", "billing.paid",
    ]  # fmt: skip
    assert await till.open_waits(order.ticket_id) == set()
    await till.all_is_well()


async def test_a_charge_that_surely_never_arrived_is_sent_again_with_its_own_key(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order, invoice = await till.invoice()
    # 5 s and 35 s: too early to prove anything; 2 min and 5 min: twice nothing
    gateway.answers = [UNKNOWN, NOT_FOUND, NOT_FOUND, NOT_FOUND, NOT_FOUND, YES]
    attempt, charge = await till.charge(order.invoice_id)

    assert await till.finish(charge) is AttemptStatus.SUCCEEDED

    assert calls(gateway) == ["confirm", *["look_up"] * 4, "confirm"]
    assert {key for _, key in gateway.asked} == {attempt.attempt_id}
    assert await till.finish(invoice) is InvoiceStatus.PAID
    await till.all_is_well()


async def test_nothing_found_before_the_gateways_longest_time_proves_nothing(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order, _ = await till.invoice()
    gateway.answers = [UNKNOWN, NOT_FOUND, NOT_FOUND, NOT_FOUND, YES]
    _, charge = await till.charge(order.invoice_id, maximum_latency_seconds=100)

    assert await till.finish(charge) is AttemptStatus.SUCCEEDED

    assert calls(gateway) == ["confirm", *["look_up"] * 4]
    await till.all_is_well()


async def test_a_busy_gateway_is_asked_again_with_the_same_key(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order, _ = await till.invoice()
    busy = ChargeAnswer(Verdict.NOT_SENT, code="http_429", retry_after_seconds=30)
    gateway.answers = [busy, busy]
    attempt, charge = await till.charge(order.invoice_id)

    assert await till.finish(charge) is AttemptStatus.SUCCEEDED

    assert gateway.asked == [("confirm", attempt.attempt_id)] * 3
    assert (await till.story(order.ticket_id)).count("payments.not_sent") == 2
    await till.all_is_well()


async def test_a_gateway_that_stays_busy_is_looked_up_before_anything_is_said(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order, _ = await till.invoice()
    gateway.answers = [ChargeAnswer(Verdict.NOT_SENT, code="ConnectError")] * 4 + [NO]
    _, charge = await till.charge(order.invoice_id)

    assert await till.finish(charge) is AttemptStatus.REFUSED

    assert calls(gateway) == [*["confirm"] * 4, "look_up"]


async def test_finance_settles_what_stays_unclear(till: Till, gateway: ConsolePaymentGateway) -> None:
    order, invoice = await till.invoice(due_days=60)
    gateway.answers = [UNKNOWN] * 30
    attempt, charge = await till.charge(order.invoice_id)
    await till.pass_time(charge, days=6)
    await till.pass_time(charge, seconds=1)
    await till.until_waits(order.ticket_id, "payment", "finance")
    assert "payments/unsettled" in till.letters

    undecided = SettleByHand("h1", "acc_fin", NOON, Verdict.UNKNOWN)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await charge.execute_update(ChargeWorkflow.settle_by_hand, undecided)
    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "verdict_missing"

    moved = SettleByHand("h2", "acc_fin", NOON, Verdict.SUCCEEDED, "seen in the gateway's export")
    said = await charge.execute_update(ChargeWorkflow.settle_by_hand, moved)
    assert said is AttemptStatus.SUCCEEDED
    assert (await till.attempt(attempt.attempt_id)).code == "by_hand"
    await till.finish(charge)
    assert await till.finish(invoice) is InvoiceStatus.PAID
    assert await till.open_waits(order.ticket_id) == set()
    await till.all_is_well()


async def test_the_gateways_own_word_beats_a_hand(till: Till, gateway: ConsolePaymentGateway) -> None:
    order, _ = await till.invoice(due_days=60)
    gateway.answers = [UNKNOWN] * 11
    _, charge = await till.charge(order.invoice_id)
    await till.pass_time(charge, days=6)
    await till.pass_time(charge, seconds=1)
    gateway.answers = [YES]

    no = SettleByHand("h1", "acc_fin", NOON, Verdict.REFUSED)
    assert await charge.execute_update(ChargeWorkflow.settle_by_hand, no) is AttemptStatus.SUCCEEDED
    await till.all_is_well_after(charge)


async def test_nobody_settles_by_hand_what_is_still_looked_up(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order, _ = await till.invoice()
    gateway.answers = [UNKNOWN] * 30
    _, charge = await till.charge(order.invoice_id)
    await till.until_attempt_is(charge, AttemptStatus.UNKNOWN)

    command = SettleByHand("h1", "acc_fin", NOON, Verdict.SUCCEEDED)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await charge.execute_update(ChargeWorkflow.settle_by_hand, command)

    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "payment_not_unclear"


async def test_news_of_the_gateway_only_bring_the_look_up_forward(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order, _ = await till.invoice()
    gateway.answers = [UNKNOWN, YES]
    _, charge = await till.charge(order.invoice_id, look_up_after_seconds=(86_400,))
    await till.until_attempt_is(charge, AttemptStatus.UNKNOWN)

    await charge.signal(ChargeWorkflow.news_arrived, GatewayNews("evt_1"))

    assert await charge.result() is AttemptStatus.SUCCEEDED
    assert calls(gateway) == ["confirm", "look_up"]
    await till.all_is_well()


async def test_a_success_after_a_refusal_still_pays_the_invoice(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order, invoice = await till.invoice()
    gateway.answers = [NO, YES]
    attempt, charge = await till.charge(order.invoice_id)
    await till.until_attempt_is(charge, AttemptStatus.REFUSED)

    await charge.signal(ChargeWorkflow.news_arrived, GatewayNews("evt_1"))

    assert await charge.result() is AttemptStatus.SUCCEEDED
    assert (await till.attempt(attempt.attempt_id)).status is AttemptStatus.SUCCEEDED
    assert await till.finish(invoice) is InvoiceStatus.PAID
    assert "payments.late_success" in await till.story(order.ticket_id)
    await till.all_is_well()


async def test_news_about_an_ended_attempt_find_money_that_nobody_owes_any_more(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order, invoice = await till.invoice()
    gateway.answers = [NO]
    first, refused = await till.charge(order.invoice_id)
    assert await till.finish(refused) is AttemptStatus.REFUSED
    _, paying = await till.charge(order.invoice_id)
    await till.finish(paying)
    assert await till.finish(invoice) is InvoiceStatus.PAID

    gateway.answers = [UNKNOWN, YES]
    recheck = await till.recheck(first)

    assert await till.finish(recheck) is AttemptStatus.SUCCEEDED
    late = till.temporal.client.get_workflow_handle(invoice.id)
    await till.pass_time(late, days=1)
    await till.until_waits(order.ticket_id, "suspense")
    assert (await till.attempt(first.attempt_id)).status is AttemptStatus.SUCCEEDED
    await till.all_is_well()


async def test_false_news_about_an_ended_attempt_change_nothing(
    till: Till, gateway: ConsolePaymentGateway
) -> None:
    order, _ = await till.invoice()
    gateway.answers = [NO]
    first, refused = await till.charge(order.invoice_id)
    await till.finish(refused)
    gateway.answers = [NO]

    recheck = await till.recheck(first)

    assert await till.finish(recheck) is AttemptStatus.REFUSED
    assert calls(gateway) == ["confirm", "look_up"]
    await till.until_waits(order.ticket_id, "payment")
    await till.all_is_well()
