"""Stripe's API against an independent fake that ignores idempotency keys: nobody is charged twice."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.connectors.kit import Patience
from activities.connectors.stripe import HttpStripe
from activities.kit.calls import CallLog
from models.messages.payments import Charge, GiveBack, Verdict
from tests.neighbour_stripe import SECRET, Stripe, stripe

__all__ = ["stripe"]


@pytest.fixture
async def connector(stripe: Stripe, worker_engine: AsyncEngine) -> AsyncIterator[HttpStripe]:
    line = HttpStripe(stripe.url, SECRET, CallLog(worker_engine), Patience(total=10.0))
    yield line
    await line.close()


async def prepared(line: HttpStripe, key: str, attempt: str) -> Charge:
    charge = Charge(attempt, "", 33_000)
    answer = await line.prepare(charge, key, "ck")
    assert answer.verdict is Verdict.SUCCEEDED
    return replace(charge, payment_key=answer.provider_id)


async def test_the_same_key_twice_is_two_customers_there(stripe: Stripe) -> None:
    """Why nothing of ours may lean on idempotency keys."""
    headers = {"Idempotency-Key": "same"}
    ids = {
        stripe.client.post("/v1/customers", headers=headers, data={"name": "x"}).json()["id"] for _ in "ab"
    }

    assert len(ids) == 2


async def test_a_payment_confirmed_twice_charges_once(stripe: Stripe, connector: HttpStripe) -> None:
    before = len(stripe.charges())
    charge = await prepared(connector, stripe.customer(), "IS1.1")
    assert (await connector.look_up(charge)).verdict is Verdict.NOT_FOUND

    first = await connector.confirm(charge)
    second = await connector.confirm(charge)

    assert (first.verdict, first.amount_minor) == (Verdict.SUCCEEDED, 33_000)
    assert second.verdict is Verdict.UNKNOWN  # it says no, and a no after a yes proves nothing
    assert (await connector.look_up(charge)).verdict is Verdict.SUCCEEDED
    assert len(stripe.charges()) == before + 1


async def test_what_was_only_prepared_has_moved_nothing(stripe: Stripe, connector: HttpStripe) -> None:
    before = len(stripe.charges())
    key = stripe.customer()
    for _ in range(3):
        await prepared(connector, key, "IS2.1")

    assert len(stripe.charges()) == before
    assert (await connector.look_up(Charge("IS2.1", "", 33_000))).verdict is Verdict.NOT_FOUND


async def test_a_declined_card_is_a_refusal_with_its_code(stripe: Stripe, connector: HttpStripe) -> None:
    charge = await prepared(connector, stripe.customer("pm_card_chargeCustomerFail"), "IS3.1")

    answer = await connector.confirm(charge)

    assert (answer.verdict, answer.code) == (Verdict.REFUSED, "card_declined")
    assert (await connector.look_up(charge)).verdict is Verdict.REFUSED


@pytest.mark.parametrize("change", [{"amount_minor": 1}, {"attempt_id": "IS9.9"}, {"currency": "USD"}])
async def test_somebody_elses_payment_proves_nothing(
    stripe: Stripe, connector: HttpStripe, change: dict[str, object]
) -> None:
    charge = await prepared(connector, stripe.customer(), "IS4.1")
    await connector.confirm(charge)

    answer = await connector.look_up(replace(charge, **change))  # type: ignore[arg-type]

    assert answer.verdict is Verdict.UNKNOWN
    assert answer.code.startswith("wrong_")


async def test_a_refund_is_found_again_by_its_own_id(stripe: Stripe, connector: HttpStripe) -> None:
    charge = await prepared(connector, stripe.customer(), "IS5.1")
    await connector.confirm(charge)
    asked = GiveBack("IS5.back", "IS5.1", charge.payment_key, 5_000, 33_000, "returned")

    assert (await connector.look_up_refund(asked)).verdict is Verdict.NOT_FOUND
    assert (await connector.refund(asked)).verdict is Verdict.SUCCEEDED
    assert (await connector.look_up_refund(asked)).verdict is Verdict.SUCCEEDED
    assert (await connector.look_up_refund(replace(asked, amount_minor=1))).verdict is Verdict.UNKNOWN


async def test_a_card_is_kept_and_given_back(stripe: Stripe, connector: HttpStripe) -> None:
    kept = await connector.issue("pm_card_visa", "ck_1", key="pm_1")
    assert (kept.verdict, kept.label) == (Verdict.SUCCEEDED, "Visa ·· 4242")
    charge = await prepared(connector, kept.billing_key, "IS6.1")
    assert (await connector.confirm(charge)).verdict is Verdict.SUCCEEDED

    assert [await connector.revoke(kept.billing_key, key="pm_1") for _ in range(2)] == [Verdict.SUCCEEDED] * 2
    refused = await connector.issue("pm_card_visa_chargeDeclined", "ck_1", key="pm_2")
    assert refused.verdict is Verdict.REFUSED
