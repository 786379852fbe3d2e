"""The life of a payment method, and invoices that are charged by one without asking."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from activities.connectors.billing_keys import ConsoleBillingKeys, HttpBillingKeys
from activities.connectors.kit import Patience
from activities.connectors.payments import ConsolePaymentGateway, HttpPaymentGateway
from activities.kit.calls import CallLog
from activities.kit.transactions import transaction
from models.messages.billing.invoices import InvoiceOrder, InvoiceStatus, invoice_workflow_id
from models.messages.payments import (
    AttemptStatus,
    ChargeAnswer,
    MethodAuthorised,
    MethodCommand,
    MethodStatus,
    RefundStatus,
    Verdict,
    charge_workflow_id,
)
from models.payments import PaymentAttempt
from tests.builders.billing import NOON, an_order_to_bill
from tests.sandbox import Sandbox
from tests.workflows.listening import ListeningTicket
from tests.workflows.till import Till, running_till
from workflows.billing import InvoiceWorkflow
from workflows.payments import PaymentMethodWorkflow

TOTAL = 330_000
NO_FOR_GOOD = ChargeAnswer(Verdict.REFUSED, code="INVALID_STOPPED_CARD")


@pytest.fixture
async def till(worker_engine: AsyncEngine, temporal: WorkflowEnvironment) -> AsyncIterator[Till]:
    async with running_till(worker_engine, temporal, ConsolePaymentGateway()) as till:
        yield till


@pytest.fixture
async def outside(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, sandbox: Sandbox
) -> AsyncIterator[Till]:
    calls, hurry = CallLog(worker_engine), Patience(read=1.0, total=1.5)
    gateway = HttpPaymentGateway(sandbox.gateway_url, sandbox.secret, calls, hurry)
    keys = HttpBillingKeys(sandbox.gateway_url, sandbox.secret, calls, hurry)
    async with running_till(worker_engine, temporal, gateway, keys) as till:
        yield till
    await gateway.close()
    await keys.close()


def say(name: str) -> MethodCommand:
    return MethodCommand(name, "a_customer", NOON)


def typed(sandbox: Sandbox, customer_key: str, card: str = "approve") -> str:
    """What the gateway's form hands back after the customer has typed a card there."""
    form = {
        "customer_key": customer_key, "card": card, "action": "add",
        "success_url": "http://shop.test/added", "fail_url": "http://shop.test/not",
    }  # fmt: skip
    answer = sandbox.client.post("/gateway/billing", data=form)
    assert answer.status_code == 303, answer.text
    return str(httpx.URL(answer.headers["location"]).params["auth_key"])


async def an_active_method(till: Till, auth_key: str = "auth", sandbox: Sandbox | None = None) -> Any:
    """An order whose customer has a method that works, its id and its life."""
    order = await an_order_to_bill(till.engine, TOTAL)
    name, handle = await till.method(order)
    if sandbox is not None:
        auth_key = typed(sandbox, f"ck_{name}", auth_key)
    await handle.signal(PaymentMethodWorkflow.authorised, MethodAuthorised(name, auth_key))
    await till.pass_time(handle, seconds=1)
    return order, name, handle


async def billed(till: Till, order: InvoiceOrder, method_id: str) -> Any:
    """The order's invoice, charged by the method at once."""
    order = InvoiceOrder(**{**vars(order), "method_id": method_id})
    await till.start(ListeningTicket.run, None, order.asked_by)
    return await till.start(InvoiceWorkflow.run, order, invoice_workflow_id(order.invoice_id))


async def its_charge(till: Till, order: InvoiceOrder) -> Any:
    """The charge that the order's invoice has started."""
    name = f"{order.invoice_id}.1"
    await until_there(till, name)
    return till.temporal.client.get_workflow_handle(charge_workflow_id(name))


async def until_there(till: Till, attempt_id: str) -> None:
    async with asyncio.timeout(20):
        async with transaction(till.engine) as session:
            found = await session.get(PaymentAttempt, attempt_id)
        while found is None:
            await asyncio.sleep(0.05)
            async with transaction(till.engine) as session:
                found = await session.get(PaymentAttempt, attempt_id)


async def test_a_card_is_added_kept_sealed_and_taken_back(till: Till) -> None:
    _, name, handle = await an_active_method(till)
    row = await till.method_row(name)
    assert (row.status, row.is_default, row.label) == (MethodStatus.ACTIVE, True, "Test ·· 1234")
    assert row.billing_key.startswith("test:")
    assert "bk_" not in row.billing_key

    assert await handle.execute_update(PaymentMethodWorkflow.revoke, say("r1")) is MethodStatus.REVOKED

    assert await till.finish(handle) is MethodStatus.REVOKED
    row = await till.method_row(name)
    assert (row.status, row.is_default, row.billing_key) == (MethodStatus.REVOKED, False, "")
    assert isinstance(till.keys, ConsoleBillingKeys)
    assert till.keys.asked == [("issue", name), ("revoke", f"{name}:revoke")]


async def test_no_billing_key_stands_in_any_history(till: Till) -> None:
    _, _, handle = await an_active_method(till)

    async for event in handle.fetch_history_events():
        assert b"bk_" not in event.SerializeToString()


async def test_a_customer_who_does_not_come_back_adds_nothing(till: Till) -> None:
    order = await an_order_to_bill(till.engine)
    name, handle = await till.method(order)

    assert await till.finish(handle) is MethodStatus.INVALID

    assert (await till.method_row(name)).status is MethodStatus.INVALID
    async with transaction(till.engine) as session:
        waits = (await session.execute(text("select what, ended_at is not null from waits"))).all()
    assert [tuple(one) for one in waits] == [("method_form", True)]


async def test_a_gateway_that_is_away_is_asked_again_for_the_key(till: Till) -> None:
    assert isinstance(till.keys, ConsoleBillingKeys)
    till.keys.answers = [ChargeAnswer(Verdict.UNKNOWN)] * 2

    _, name, handle = await an_active_method(till)
    await till.pass_time(handle, minutes=1)

    assert (await till.method_row(name)).status is MethodStatus.ACTIVE
    assert till.keys.asked == [("issue", name)] * 3


async def test_there_is_one_usual_method_at_most(till: Till) -> None:
    order, first, _ = await an_active_method(till)
    second, handle = await till.method(order)
    await handle.signal(PaymentMethodWorkflow.authorised, MethodAuthorised(second, "auth"))
    await till.pass_time(handle, seconds=1)
    assert [(await till.method_row(one)).is_default for one in (first, second)] == [True, False]

    await handle.execute_update(PaymentMethodWorkflow.make_default, say("d1"))

    assert [(await till.method_row(one)).is_default for one in (first, second)] == [False, True]


async def test_what_was_taken_back_is_neither_usual_nor_taken_back_again(till: Till) -> None:
    order = await an_order_to_bill(till.engine)
    name, handle = await till.method(order)
    with pytest.raises(WorkflowUpdateFailedError) as early:
        await handle.execute_update(PaymentMethodWorkflow.make_default, say("d0"))
    assert isinstance(early.value.cause, ApplicationError)
    assert early.value.cause.type == "method_not_active"

    assert await handle.execute_update(PaymentMethodWorkflow.revoke, say("r1")) is MethodStatus.REVOKED
    assert await till.finish(handle) is MethodStatus.REVOKED
    assert (await till.method_row(name)).revoked_at is not None


async def test_an_invoice_is_charged_by_the_agreed_method_at_once(till: Till) -> None:
    order, name, _ = await an_active_method(till)

    handle = await billed(till, order, name)

    assert await till.finish(handle) is InvoiceStatus.PAID
    assert till.letters == ["billing/receipt"]
    attempt = await till.attempt(f"{order.invoice_id}.1")
    assert (attempt.method_id, attempt.payment_key, attempt.provider_id) == (
        name, "", f"pay_{order.invoice_id}.1",
    )  # fmt: skip
    assert await till.heard(order.asked_by) == [InvoiceStatus.PAID]
    await till.all_is_well()


async def test_a_refused_card_leaves_the_customer_a_link_to_pay(till: Till) -> None:
    order, name, _ = await an_active_method(till)
    assert isinstance(till.keys, ConsoleBillingKeys)
    till.keys.answers = [NO_FOR_GOOD]

    handle = await billed(till, order, name)
    await till.finish(await its_charge(till, order))

    assert till.letters == ["payments/refused"]
    assert (await till.method_row(name)).status is MethodStatus.INVALID
    _, again = await till.charge(order.invoice_id)
    assert await till.finish(again) is AttemptStatus.SUCCEEDED
    assert await till.finish(handle) is InvoiceStatus.PAID
    await till.all_is_well()


@pytest.mark.parametrize("whose", ["another customer's", "taken back"])
async def test_a_method_that_may_not_pay_is_never_charged(till: Till, whose: str) -> None:
    order, name, method = await an_active_method(till)
    if whose == "taken back":
        await method.execute_update(PaymentMethodWorkflow.revoke, say("r1"))
    else:
        order = await an_order_to_bill(till.engine)
    assert isinstance(till.keys, ConsoleBillingKeys)

    await billed(till, order, name)
    await till.finish(await its_charge(till, order))

    assert [operation for operation, _ in till.keys.asked].count("charge") == 0
    assert (await till.attempt(f"{order.invoice_id}.1")).code == "method_not_active"
    assert till.letters == ["payments/refused"]


@pytest.mark.parametrize(
    "kind", ["none", "500_after", "timeout_after", "garbage", "429", "reset", "500_before"]
)
async def test_whatever_the_gateway_does_a_kept_card_is_charged_once_and_given_back_once(
    outside: Till, sandbox: Sandbox, kind: str
) -> None:
    order, name, _ = await an_active_method(outside, "approve", sandbox)
    assert (await outside.method_row(name)).label.startswith("현대 ·· ")
    if kind != "none":
        rule = {"kind": kind, "times": 1, "operation": "charge_key", "seconds": 3.0}
        sandbox.fail("payments", rule)

    handle = await billed(outside, order, name)
    assert await outside.finish(handle) is InvoiceStatus.PAID
    settled = await outside.finish(await outside.refund(order, TOTAL))

    assert settled.status is RefundStatus.SUCCEEDED
    assert [(move["kind"], move["amount"]) for move in sandbox.moves()] == [
        ("charge", TOTAL), ("refund", TOTAL),
    ]  # fmt: skip
    assert await outside.balances() == {}
    await outside.all_is_well()


@pytest.mark.parametrize("kind", ["500_before", "500_after", "timeout_after", "garbage"])
async def test_a_key_is_issued_once_whatever_the_gateway_does(
    outside: Till, sandbox: Sandbox, kind: str
) -> None:
    sandbox.fail("payments", {"kind": kind, "times": 1, "operation": "issue_key", "seconds": 3.0})

    _, name, handle = await an_active_method(outside, "approve", sandbox)
    await outside.pass_time(handle, seconds=5)

    assert (await outside.method_row(name)).status is MethodStatus.ACTIVE
    assert sandbox.fired("payments") == {kind: 1}


async def test_a_card_that_the_gateway_does_not_take_is_no_method(outside: Till, sandbox: Sandbox) -> None:
    _, name, handle = await an_active_method(outside, "expired", sandbox)

    assert await outside.finish(handle) is MethodStatus.INVALID
    assert (await outside.method_row(name)).billing_key == ""


async def test_a_revoked_card_is_forgotten_by_the_gateway_too(outside: Till, sandbox: Sandbox) -> None:
    _, _, handle = await an_active_method(outside, "approve", sandbox)
    sandbox.fail("payments", {"kind": "500_after", "times": 1, "operation": "revoke_key"})

    await handle.execute_update(PaymentMethodWorkflow.revoke, say("r1"))

    assert await outside.finish(handle) is MethodStatus.REVOKED
    cards = sandbox.client.get("/gateway/v1/billing/control/cards").json()
    assert [card["state"] for card in cards] == ["DELETED"]
