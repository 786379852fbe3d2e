"""Finance steers collections, customers agree to debits, and banks and Stripe are only believed signed."""

import base64
import hashlib
import hmac
import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks.webhooks import Webhook

from api.kit.webhooks import BadWebhook, verify_stripe
from models.kit.sealing import Seals
from tests.api.web import Web, web_on
from tests.builders.company import Company

BANK = "whsec_" + base64.b64encode(b"a secret of the bank for tests 1").decode()
STRIPE = "whsec_stripe_for_tests"
JSON = {"Accept": "application/json"}


@pytest.fixture
def house(own_company: Company, app_engine: AsyncEngine) -> Web:
    return web_on(app_engine, own_company, bank_webhook_secret=BANK, stripe_webhook_secret=STRIPE)


async def rows(engine: AsyncEngine, query: str) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(query))).all()]


async def change(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement))


@pytest.mark.parametrize(
    "page",
    [
        "/payments/collections", "/payments/collections/2026-01-01", "/payments/transfers",
        "/payments/transfers/EB212601", "/payments/deposits",
    ],
)  # fmt: skip
async def test_finance_sees_how_money_comes_in(house: Web, page: str) -> None:
    shown = await house.get(page, who="finance")
    told = await house.get(page, who="finance", headers=JSON)

    assert (shown.status_code, told.status_code) == (200, 200)
    assert (await house.get(page, who="agent")).status_code == 403
    assert (await house.get(page, who="customer_own")).status_code == 403


async def test_a_collection_shows_its_sums_and_why_it_was_refused(
    house: Web, worker_engine: AsyncEngine
) -> None:
    await change(
        worker_engine,
        "update payment_attempts set collection_id = '2026-01-01', status = 'refused',"
        " code = 'INVALID_STOPPED_CARD' where id = 'I1-1.1'",
    )

    told = (await house.get("/payments/collections/2026-01-01", who="finance", headers=JSON)).json()

    assert told["refusals"] == [
        {"code": "INVALID_STOPPED_CARD", "kind": "hard", "count": 1, "amount_minor": 110}
    ]


async def test_a_pause_is_said_to_the_collection(house: Web, worker_engine: AsyncEngine) -> None:
    await change(worker_engine, "delete from outbox")
    base = "/payments/collections/2026-01-01"

    said = await house.post(f"{base}/pause", who="finance", data={"command_id": "press1"})
    early = await house.post(f"{base}/resumption", who="finance", data={"command_id": "press2"}, headers=JSON)

    assert said.status_code == 303
    assert early.json()["code"] == "collection_not_paused"
    assert await rows(worker_engine, "select workflow_id, name from outbox") == [
        ("collection:2026-01-01", "pause")
    ]


@pytest.mark.parametrize(
    ("days", "status"), [("1, 3, 5", 303), ("0", 422), ("x", 422), ("1,2,3,4,5,6,7,8,9,1,1", 422)]
)
async def test_new_rules_are_a_new_version(
    house: Web, worker_engine: AsyncEngine, days: str, status: int
) -> None:
    count = "select count(*) from collection_rules"
    before = (await rows(worker_engine, count))[0][0]

    answer = await house.post("/payments/collections/rules", who="finance", data={"retry_after_days": days})

    assert answer.status_code == status
    assert (await rows(worker_engine, count))[0][0] == before + (status == 303)


ACCOUNT = {"request_key": "key1", "bank": "004", "account": "110-222-233333", "is_agreed": "true"}


async def test_an_account_is_sealed_and_no_page_can_read_it(house: Web, worker_engine: AsyncEngine) -> None:
    await change(worker_engine, "delete from outbox")
    for _ in range(2):
        answer = await house.post("/payment-methods/accounts", who="customer_own", data=ACCOUNT)
        assert answer.status_code == 303

    ((name, sealed, label, kind, status),) = await rows(
        worker_engine,
        "select id, billing_key, label, kind, status from payment_methods where kind = 'account'",
    )
    assert "110222233333" not in sealed
    assert Seals([("test", bytes(32))]).open(sealed, name) == "110222233333"
    assert (label, kind, status) == ("004 ·· 3333", "account", "pending")
    assert await rows(worker_engine, "select method_id from mandates where method_id = 'pm_key1'") == [
        (name,)
    ]
    assert await rows(worker_engine, "select workflow_id from outbox") == [("method:pm_key1",)]
    page = await house.get("/payment-methods", who="customer_own")
    assert "·· 3333" in page.text
    assert "110222233333" not in page.text


@pytest.mark.parametrize(
    "wrong", [{"account": "12"}, {"bank": "999"}, {"is_agreed": ""}, {"account": "abc" * 5}]
)
async def test_without_bank_account_and_consent_there_is_no_mandate(
    house: Web, worker_engine: AsyncEngine, wrong: dict[str, str]
) -> None:
    answer = await house.post("/payment-methods/accounts", who="customer_own", data={**ACCOUNT, **wrong})

    assert answer.status_code == 422
    assert await rows(worker_engine, "select 1 from payment_methods where kind = 'account'") == []


async def test_each_customer_has_one_account_to_pay_into(house: Web, worker_engine: AsyncEngine) -> None:
    await change(worker_engine, "delete from virtual_accounts")
    for number in range(2):
        sent = {"request_key": f"wish{number}"}
        assert (
            await house.post("/payment-methods/virtual-account", who="customer_own", data=sent)
        ).status_code == 303

    ((customer, number_given),) = await rows(
        worker_engine, "select customer_id, number from virtual_accounts"
    )
    assert customer == "c_one"
    assert number_given in (await house.get("/payment-methods", who="customer_own")).text


def notice(name: str, account: str = "56200000000001", amount: int = 500) -> dict[str, Any]:
    data = {"notice_id": name, "account_number": account, "amount": amount, "payer": "홍길동"}
    return {"type": "DEPOSIT", "data": data}


async def tell(house: Web, message: dict[str, Any], event: str, secret: str = BANK) -> int:
    now = datetime.now(UTC)
    body = json.dumps(message)
    headers = {
        "webhook-id": event, "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(event, now.replace(tzinfo=None), body),
        "content-type": "application/json",
    }  # fmt: skip
    return (await house.post("/systems/bank/webhook", content=body.encode(), headers=headers)).status_code


async def test_notices_doubled_and_shuffled_are_one_deposit_each(
    house: Web, worker_engine: AsyncEngine
) -> None:
    await change(worker_engine, "delete from outbox")
    await change(worker_engine, "delete from deposits")
    told = [(f"dep_{n}", f"evt_{n}_{copy}") for n in range(5) for copy in range(4)]
    random.Random(7).shuffle(told)

    for name, event in told:
        assert (
            await tell(house, notice(name, "56200000000001" if name != "dep_4" else "999999"), event) == 204
        )

    stored = await rows(worker_engine, "select id, customer_id, amount_minor from deposits order by id")
    assert stored == [(f"dep_{n}", "c_one" if n < 4 else None, 500) for n in range(5)]
    starts = await rows(worker_engine, "select workflow_id from outbox order by workflow_id")
    assert starts == [(f"deposit:dep_{n}",) for n in range(5)]


async def test_a_notice_that_somebody_else_signed_is_not_believed(
    house: Web, worker_engine: AsyncEngine
) -> None:
    other = "whsec_" + base64.b64encode(b"another secret, of nobody we know").decode()

    assert await tell(house, notice("dep_x"), "evt_x", other) == 401
    assert await rows(worker_engine, "select 1 from deposits where id = 'dep_x'") == []


@pytest.mark.parametrize(
    "wrong", [{"amount": -1}, {"amount": "5"}, {"notice_id": ""}, {"account_number": "x" * 90}]
)
async def test_a_notice_without_sense_stores_nothing(
    house: Web, worker_engine: AsyncEngine, wrong: dict[str, Any]
) -> None:
    before = await rows(worker_engine, "select count(*) from deposits")
    message = notice("dep_y")
    message["data"] |= wrong

    assert await tell(house, message, "evt_y") == 204
    assert await rows(worker_engine, "select count(*) from deposits") == before


async def test_finance_says_whose_a_deposit_is(house: Web, worker_engine: AsyncEngine) -> None:
    await change(worker_engine, "delete from outbox")
    base = "/payments/deposits/dep1"

    nobody = {"command_id": "p1", "customer_id": "c_none"}
    assert (await house.post(f"{base}/allocation", who="finance", data=nobody)).status_code == 404
    said = await house.post(
        f"{base}/allocation", who="finance", data={"command_id": "p2", "customer_id": "c_one"}
    )
    back = await house.post(
        f"{base}/return", who="finance", data={"command_id": "p3", "reason": "wrong payer"}
    )

    assert (said.status_code, back.status_code) == (303, 303)
    assert await rows(worker_engine, "select workflow_id, name from outbox order by id") == [
        ("deposit:dep1", "allocate_to"), ("deposit:dep1", "give_back"),
    ]  # fmt: skip


EVENT = {
    "id": "evt_1",
    "type": "payment_intent.succeeded",
    "data": {"object": {"metadata": {"attempt_id": "I1-1.1"}}},
}


def signed(body: bytes, at: float, secret: str = STRIPE) -> dict[str, str]:
    stamp = str(int(at))
    mark = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={stamp},v1={mark}"}


def test_stripe_is_believed_only_with_its_signature() -> None:
    body, now = json.dumps(EVENT).encode(), 1_800_000_000.0
    assert verify_stripe(STRIPE, signed(body, now), body, now).id == "evt_1"

    for headers, told, at, secret in (
        (signed(body, now), body + b" ", now, STRIPE), (signed(body, now, "other"), body, now, STRIPE),
        (signed(body, now), body, now + 301, STRIPE), (signed(body, now), body, now - 301, STRIPE),
        (signed(body, now), body, now, ""), ({}, body, now, STRIPE),
        ({"Stripe-Signature": "t=1800000000,t=1,v1=x"}, body, now, STRIPE),
        (signed(b"[]", now), b"[]", now, STRIPE),
    ):  # fmt: skip
        with pytest.raises(BadWebhook):
            verify_stripe(secret, headers, told, at)


async def test_stripes_news_doubled_wake_a_charge_once(house: Web, worker_engine: AsyncEngine) -> None:
    await change(worker_engine, "delete from outbox")
    await change(worker_engine, "update payment_attempts set status = 'unknown' where id = 'I1-1.1'")
    body = json.dumps(EVENT).encode()
    for _ in range(3):
        headers = signed(body, datetime.now(UTC).timestamp())
        assert (await house.post("/systems/stripe/webhook", content=body, headers=headers)).status_code == 204

    assert await rows(worker_engine, "select workflow_id, name from outbox") == [
        ("charge:I1-1.1", "news_arrived")
    ]


async def test_news_about_a_collected_payment_bring_its_look_up_forward(
    house: Web, worker_engine: AsyncEngine
) -> None:
    await change(worker_engine, "delete from outbox")
    await change(
        worker_engine,
        "update payment_attempts set status = 'unknown', collection_id = '2026-01-01',"
        " look_up_at = now() + interval '1 hour' where id = 'I1-1.1'",
    )
    body = json.dumps(EVENT).encode()
    await house.post(
        "/systems/stripe/webhook", content=body, headers=signed(body, datetime.now(UTC).timestamp())
    )

    due = "select look_up_at <= now() from payment_attempts where id = 'I1-1.1'"
    assert await rows(worker_engine, due) == [(True,)]
    assert await rows(worker_engine, "select 1 from outbox") == []
