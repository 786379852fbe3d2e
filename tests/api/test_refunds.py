"""Finance gives money back: never more than was paid, once per press, by hand if need be."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.api.web import Web, web_on
from tests.builders.company import Company

JSON = {"Accept": "application/json"}
PAGE = "/billing/invoices/I1-1"


@pytest.fixture
async def shop(own_company: Company, worker_engine: AsyncEngine, app_engine: AsyncEngine) -> Web:
    """A company whose first repair was paid: 110 won."""
    await change(worker_engine, "update payment_attempts set status = 'succeeded' where id = 'I1-1.1'")
    await change(worker_engine, "update invoices set status = 'paid', paid_at = now() where id = 'I1-1'")
    await change(worker_engine, "delete from outbox")
    return web_on(app_engine, own_company)


async def change(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as rows:
        await rows.execute(text(statement))


async def rows(engine: AsyncEngine, query: str) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(query))).all()]


REFUNDS = "select id, attempt_id, amount_minor, status, reason from refunds where invoice_id = 'I1-1'"


async def test_a_refund_and_its_start_are_stored_together_and_once(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    sent = {"command_id": "press1", "amount": "60", "reason": "came twice"}

    answers = [await shop.post(f"{PAGE}/refunds", who="finance", data=sent) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert await rows(worker_engine, REFUNDS) == [("I1-1.press1", "I1-1.1", 60, "created", "came twice")]
    ((workflow_id, payload),) = await rows(worker_engine, "select workflow_id, payload from outbox")
    assert workflow_id == "refund:I1-1.press1"
    order = payload if isinstance(payload, dict) else json.loads(payload)
    assert (order["amount_minor"], order["invoice_id"], order["case_id"]) == (60, "I1-1", "")


@pytest.mark.parametrize("amount", ["111", "0", "-5", "1e2", "1.5", "", "٣"])
async def test_an_amount_that_was_not_paid_is_refused(
    shop: Web, worker_engine: AsyncEngine, amount: str
) -> None:
    sent = {"command_id": "press1", "amount": amount, "reason": "why"}

    answer = await shop.post(f"{PAGE}/refunds", who="finance", data=sent, headers=JSON)

    assert answer.status_code in (409, 422)
    assert await rows(worker_engine, REFUNDS) == []
    assert await rows(worker_engine, "select id from outbox") == []


async def test_many_presses_at_once_never_give_back_more_than_was_paid(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    answers = await asyncio.gather(
        *(
            shop.post(
                f"{PAGE}/refunds", who="finance", headers=JSON,
                data={"command_id": f"press{number}", "amount": "50", "reason": "why"},
            )
            for number in range(6)
        )
    )  # fmt: skip

    assert sorted(answer.status_code for answer in answers) == [200, 200, 409, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {
        "nothing_to_give_back"
    }
    assert await rows(worker_engine, f"select sum(amount_minor) from ({REFUNDS}) r") == [(100,)]


async def test_an_unpaid_invoice_gives_nothing_back(shop: Web, worker_engine: AsyncEngine) -> None:
    sent = {"command_id": "press1", "amount": "110", "reason": "why"}

    answer = await shop.post("/billing/invoices/I2-1/refunds", who="finance", data=sent, headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (409, "invoice_not_paid")


@pytest.mark.parametrize("who", ["agent", "dispatcher", "customer_own"])
async def test_only_finance_gives_money_back(shop: Web, worker_engine: AsyncEngine, who: str) -> None:
    sent = {"command_id": "press1", "amount": "110", "reason": "why"}

    assert (await shop.post(f"{PAGE}/refunds", who=who, data=sent)).status_code == 403
    assert (await shop.post("/payments/refunds/rf1/verdict", who=who, data=sent)).status_code == 403
    assert await rows(worker_engine, REFUNDS) == []


@pytest.mark.parametrize(
    ("status", "verdict", "code"),
    [
        ("created", "succeeded", "refund_not_unclear"),
        ("succeeded", "succeeded", "refund_not_unclear"),
        ("refused", "refused", "verdict_missing"),
        ("unknown", "perhaps", "verdict_missing"),
    ],
)
async def test_a_verdict_nobody_waits_for_is_refused(
    shop: Web, worker_engine: AsyncEngine, status: str, verdict: str, code: str
) -> None:
    await change(worker_engine, f"update refunds set status = '{status}' where id = 'rf1'")
    sent = {"command_id": "v1", "verdict": verdict}

    answer = await shop.post("/payments/refunds/rf1/verdict", who="finance", data=sent, headers=JSON)

    assert answer.json()["code"] == code
    assert await rows(worker_engine, "select id from outbox") == []


async def test_a_verdict_is_kept_for_the_refund(shop: Web, worker_engine: AsyncEngine) -> None:
    await change(worker_engine, "update refunds set status = 'refused' where id = 'rf1'")
    sent = {"command_id": "v1", "verdict": "succeeded", "reason": "bank transfer"}

    answer = await shop.post("/payments/refunds/rf1/verdict", who="finance", data=sent)

    assert answer.status_code == 303
    assert await rows(worker_engine, "select workflow_id, name from outbox") == [
        ("refund:rf1", "settle_by_hand")
    ]


async def test_the_page_offers_what_is_left_and_shows_what_went_back(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    page = await shop.get(PAGE, who="finance")
    assert f'action="{PAGE}/refunds"' in page.text
    assert 'value="110"' in page.text
    assert f'action="{PAGE}/refunds"' not in (await shop.get(PAGE, who="agent")).text

    sent = {"command_id": "press1", "amount": "110", "reason": "came twice"}
    await shop.post(f"{PAGE}/refunds", who="finance", data=sent)
    page = await shop.get(PAGE, who="finance")
    assert f'action="{PAGE}/refunds"' not in page.text
    assert "I1-1.press1" in page.text


async def test_the_database_itself_gives_back_no_more_than_came_in(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    insert = (
        "insert into refunds (id, attempt_id, invoice_id, customer_id, case_id, amount_minor, currency,"
        " reason, status, provider_id, code, created_at, seq)"
        " values ('{}', 'I1-1.1', 'I1-1', 'c_one', '', {}, 'KRW',"
        " '', 'created', '', '', now(), 0)"
    )
    await change(worker_engine, insert.format("a", 110))

    with pytest.raises(Exception, match="more than came in"):
        await change(worker_engine, insert.format("b", 1))
