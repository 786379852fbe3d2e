"""A collection against a gateway that lies, and a worker that dies: each customer is charged exactly once."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment

from activities.connectors.billing_keys import HttpBillingKeys
from activities.connectors.kit import Patience
from activities.connectors.payments import HttpPaymentGateway
from activities.connectors.stripe import HttpStripe
from activities.kit.calls import CallLog
from activities.kit.pace import Pace
from activities.payments.providers import Provider
from models.messages.payments import Charge, ChargeAnswer, Verdict
from tests.builders.collection import a_customer, a_run_invoice, an_agreed_card
from tests.neighbour_stripe import SECRET, Stripe, stripe
from tests.sandbox import Sandbox
from tests.workflows.collecting import Collecting, collecting

__all__ = ["stripe"]
N = int(os.environ.get("N", "24"))
LIES = [
    {"kind": "timeout_after", "probability": 0.08, "seconds": 4, "operation": "charge_key"},
    {"kind": "500_after", "probability": 0.08, "operation": "charge_key"},
    {"kind": "500_before", "probability": 0.05, "operation": "charge_key"},
    {"kind": "429", "probability": 0.05, "retry_after": "1", "operation": "charge_key"},
    {"kind": "429", "probability": 0.03, "retry_after": "soon", "operation": "charge_key"},
    {"kind": "garbage", "probability": 0.05, "operation": "charge_key"},
    {"kind": "truncated_json", "probability": 0.05, "operation": "charge_key"},
    {"kind": "wrong_amount", "probability": 0.05, "operation": "charge_key"},
    {"kind": "wrong_order", "probability": 0.05, "operation": "charge_key"},
    {"kind": "reset", "probability": 0.05, "operation": "charge_key"},
    {"kind": "duplicate", "probability": 0.05, "operation": "charge_key"},
]
TODAY = datetime.now(UTC).date()


def a_card(sandbox: Sandbox, customer_key: str) -> str:
    """A billing key, as the hosted form and the exchange behind it give one."""
    form = {
        "customer_key": customer_key, "card": "approve", "action": "add",
        "success_url": "http://shop.test/y", "fail_url": "http://shop.test/n",
    }  # fmt: skip
    answer = sandbox.client.post("/gateway/billing", data=form)
    auth = answer.headers["location"].partition("auth_key=")[2].partition("&")[0]
    headers = {"Idempotency-Key": f"issue-{customer_key}"}
    body = {"auth_key": auth, "customer_key": customer_key}
    issued = sandbox.client.post(
        "/gateway/v1/billing/authorizations/issue", json=body, headers=headers, auth=(sandbox.secret, "")
    )
    return str(issued.json()["billing_key"])


async def debtors(engine: AsyncEngine, sandbox: Sandbox, number: int) -> list[str]:
    found = []
    for _ in range(number):
        customer = await a_customer(engine)
        await an_agreed_card(engine, customer, lambda key: a_card(sandbox, key))
        found.append(await a_run_invoice(engine, customer))
    return found


@pytest.fixture
async def line(worker_engine: AsyncEngine, sandbox: Sandbox) -> AsyncIterator[Provider]:
    calls, patience = CallLog(worker_engine), Patience(total=2.0)
    gateway = HttpPaymentGateway(sandbox.gateway_url, sandbox.secret, calls, patience)
    keys = HttpBillingKeys(sandbox.gateway_url, sandbox.secret, calls, patience)
    yield Provider(gateway, keys, Pace(200.0))
    await gateway.close()
    await keys.close()


def charged(sandbox: Sandbox) -> Counter[str]:
    """How often money of each invoice moved, in the gateway's own book."""
    return Counter(
        move["order_id"].rpartition(".")[0] for move in sandbox.moves() if move["kind"] == "charge"
    )


async def booked(house: Collecting) -> int:
    rows = await house.rows(
        "select sum(debit_minor - credit_minor) from ledger_entries where account = 'gateway'"
    )
    return int(rows[0][0] or 0)


async def judge(house: Collecting, sandbox: Sandbox, invoices: list[str]) -> None:
    """Exactly once each, and the gateway's book is our ledger to the won."""
    times = charged(sandbox)
    assert {one: times[one] for one in invoices if times[one] != 1} == {}
    assert sum(move["amount"] for move in sandbox.moves()) == await booked(house)
    await house.all_is_well()


async def test_a_lying_gateway_charges_each_customer_once(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, sandbox: Sandbox, line: Provider
) -> None:
    invoices = await debtors(worker_engine, sandbox, N)
    sandbox.fail("payments", *LIES)
    async with collecting(worker_engine, temporal, gateway=line) as house:
        await house.rules(look_up_after_seconds=[5, 120, 300, 600])
        await house.collect()

        fired = sandbox.fired("payments")
        assert sum(fired.values()) >= N // 6, fired  # the lies were told
        assert await house.counted("invoices") == {"paid": N}  # and the work was done
        await judge(house, sandbox, invoices)


async def test_killed_in_mid_slice_it_goes_on_and_nobody_is_charged_again(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, sandbox: Sandbox, line: Provider
) -> None:
    invoices = await debtors(worker_engine, sandbox, N)
    slowly = Provider(line.gateway, line.keys, Pace(10.0, burst=1.0))
    async with collecting(worker_engine, temporal, gateway=slowly) as house:
        handle = await house.begin()
        for _ in range(200):
            if 0 < len(sandbox.moves()) < N:
                break
            await asyncio.sleep(0.02)
    assert 0 < len(sandbox.moves()) < N, "it was not in the middle"
    async with collecting(worker_engine, temporal, gateway=line) as house:
        await house.finish(handle)

        assert await house.counted("invoices") == {"paid": N}
        await judge(house, sandbox, invoices)


async def test_a_gateway_that_is_down_for_two_hours_only_delays(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, sandbox: Sandbox, line: Provider
) -> None:
    invoices = await debtors(worker_engine, sandbox, 5)
    sandbox.fail("payments", {"kind": "429"})
    async with collecting(worker_engine, temporal, gateway=line) as house:
        await house.rules(away_seconds=[1200])
        handle = await house.begin()
        await house.until_counted({"not_sent": 5})
        await house.finish(handle, hours=2)
        assert charged(sandbox) == Counter()
        sandbox.fail("payments")
        await house.finish(handle)

        assert await house.counted("invoices") == {"paid": 5}
        await judge(house, sandbox, invoices)


class Naive(HttpBillingKeys):
    """Takes whatever is no clear yes for a no: the mistake that real systems make."""

    async def charge(self, charge: Charge, billing_key: str, customer_key: str) -> ChargeAnswer:
        answer = await super().charge(charge, billing_key, customer_key)
        return (
            answer
            if answer.verdict is Verdict.SUCCEEDED
            else ChargeAnswer(Verdict.REFUSED, code="REJECT_CARD_PAYMENT")
        )


async def test_a_naive_collection_fails_the_same_judge(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, sandbox: Sandbox, line: Provider
) -> None:
    invoices = await debtors(worker_engine, sandbox, N)
    sandbox.fail("payments", *LIES)
    naive = Naive(sandbox.gateway_url, sandbox.secret, CallLog(worker_engine), Patience(total=2.0))
    async with collecting(
        worker_engine, temporal, gateway=Provider(line.gateway, naive, Pace(200.0))
    ) as house:
        await house.collect()
        await house.days_pass(2)
        sandbox.fail("payments")
        await house.collect(day=TODAY + timedelta(days=1))

        with pytest.raises(AssertionError):
            await judge(house, sandbox, invoices)
    await naive.close()


async def test_stripe_without_idempotency_charges_each_customer_once(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, stripe: Stripe
) -> None:
    """R03: it ignores idempotency keys; a worker dies in the middle, and the slice is asked once more."""
    before = len(stripe.charges())
    connector = HttpStripe(stripe.url, SECRET, CallLog(worker_engine), Patience(total=5.0))
    mine = Provider(connector, connector, Pace(30.0, burst=1.0))
    for _ in range(10):
        customer = await a_customer(worker_engine)
        await an_agreed_card(worker_engine, customer, lambda _: stripe.customer(), "stripe")
        await a_run_invoice(worker_engine, customer)
    async with collecting(worker_engine, temporal, stripe=mine) as house:
        handle = await house.begin()
        for _ in range(400):
            if len(stripe.charges()) > before:
                break
            await asyncio.sleep(0.01)
    async with collecting(worker_engine, temporal, stripe=mine) as house:
        await house.finish(handle)

        assert await house.counted("invoices") == {"paid": 10}
        assert len(stripe.charges()) - before == 10
        assert await booked(house) == sum(one["amount"] for one in stripe.charges()[:10]) == 330_000
        await house.all_is_well()
    await connector.close()
