"""Customers add, choose and take back payment methods; the card itself is typed at the gateway only."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks.webhooks import Webhook

from api.payments.methods import own_path
from tests.api.web import Web, web_on
from tests.builders.company import Company

HOOK = "whsec_" + base64.b64encode(b"a secret of the gateway for tests").decode()
GATEWAY = "http://gateway.test/gateway"
JSON = {"Accept": "application/json"}
WHO = "customer_own"


@pytest.fixture
async def shop(own_company: Company, worker_engine: AsyncEngine, app_engine: AsyncEngine) -> Web:
    await change(worker_engine, "delete from outbox")
    return web_on(app_engine, own_company, gateway_webhook_secret=HOOK, gateway_public_url=GATEWAY)


async def change(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as rows:
        await rows.execute(text(statement))


async def rows(engine: AsyncEngine, query: str) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(query))).all()]


async def begun(shop: Web, return_to: str = "") -> str:
    sent = {"request_key": "wish1", "return_to": return_to}
    answer = await shop.post("/payment-methods", who=WHO, data=sent)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


OUTBOX = "select kind, workflow_id, name from outbox order by id"


async def test_a_wish_for_a_card_is_stored_with_its_life_and_leads_to_the_gateway(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    address = await begun(shop, "/orders/new")
    await begun(shop, "/orders/new")

    assert address == "/payment-methods/pm_wish1?return_to=%2Forders%2Fnew"
    assert await rows(worker_engine, OUTBOX) == [("start", "method:pm_wish1", "")]
    ((status, key),) = await rows(
        worker_engine, "select status, customer_key from payment_methods where id = 'pm_wish1'"
    )
    page = await shop.get(address, who=WHO)
    assert status == "pending"
    assert f"{GATEWAY}/billing?customer_key={key}" in page.text
    assert "return_to%3D%252Forders%252Fnew" in page.text


async def test_coming_back_changes_nothing_until_the_page_sends_the_answer(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    await begun(shop)
    page = await shop.get("/payment-methods/pm_wish1/authorisation?auth_key=auth_1", who=WHO)
    assert 'name="auth_key" value="auth_1"' in page.text
    assert len(await rows(worker_engine, OUTBOX)) == 1

    sent = {"auth_key": "auth_1", "return_to": "/orders/new"}
    for _ in range(2):
        answer = await shop.post("/payment-methods/pm_wish1/authorisation", who=WHO, data=sent)
        assert answer.headers["location"] == "/payment-methods/pm_wish1?return_to=%2Forders%2Fnew&sent=1"

    assert (await rows(worker_engine, OUTBOX))[1:] == [("signal", "method:pm_wish1", "authorised")]


async def test_the_gateways_own_news_complete_a_card_whose_customer_never_came_back(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    await begun(shop)
    ((key,),) = await rows(worker_engine, "select customer_key from payment_methods where id = 'pm_wish1'")

    for name in ("evt_1", "evt_1", "evt_2"):
        assert (await hook(shop, name, {"customer_key": key, "auth_key": "auth_1"})).status_code == 204
    await hook(shop, "evt_3", {"customer_key": "ck_of_nobody", "auth_key": "auth_1"})

    assert (await rows(worker_engine, OUTBOX))[1:] == [("signal", "method:pm_wish1", "authorised")]
    kept = await rows(worker_engine, "select body from inbox")
    assert "auth_1" not in json.dumps([body for (body,) in kept])


async def hook(shop: Web, name: str, data: dict[str, str], secret: str = HOOK) -> Any:
    body = json.dumps({"type": "BILLING_AUTHORISED", "data": data})
    now = datetime.now(UTC)
    headers = {
        "webhook-id": name, "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(name, now.replace(tzinfo=None), body),
        "content-type": "application/json",
    }  # fmt: skip
    return await shop.post("/systems/gateway/webhook", content=body, headers=headers)


async def test_forged_news_add_no_card(shop: Web, worker_engine: AsyncEngine) -> None:
    await begun(shop)
    ((key,),) = await rows(worker_engine, "select customer_key from payment_methods where id = 'pm_wish1'")
    other = "whsec_" + base64.b64encode(b"somebody else's secret altogether").decode()

    answer = await hook(shop, "evt_1", {"customer_key": key, "auth_key": "auth_1"}, other)

    assert answer.status_code == 401
    assert len(await rows(worker_engine, OUTBOX)) == 1


@pytest.mark.parametrize(("word", "name"), [("default", "make_default"), ("revocation", "revoke")])
async def test_a_command_about_a_method_is_kept_for_its_life(
    shop: Web, worker_engine: AsyncEngine, word: str, name: str
) -> None:
    answer = await shop.post(f"/payment-methods/pm1/{word}", who=WHO, data={"command_id": "c1"})

    assert answer.status_code == 303
    assert await rows(worker_engine, OUTBOX) == [("update", "method:pm1", name)]


async def test_a_method_that_is_over_takes_no_command(shop: Web, worker_engine: AsyncEngine) -> None:
    await change(worker_engine, "update payment_methods set status = 'revoked', is_default = false")

    for word in ("default", "revocation"):
        answer = await shop.post(
            f"/payment-methods/pm1/{word}", who=WHO, data={"command_id": "c1"}, headers=JSON
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "method_not_active")
    assert "pm1" not in (await shop.get("/payment-methods", who=WHO)).text


async def test_nobody_sees_or_takes_another_customers_method(shop: Web, worker_engine: AsyncEngine) -> None:
    assert (await shop.get("/payment-methods/pm2", who=WHO)).status_code == 404
    for word in ("default", "revocation", "authorisation"):
        sent = {"command_id": "c1"} if word != "authorisation" else {"auth_key": "auth_1"}
        answer = await shop.post(f"/payment-methods/pm2/{word}", who=WHO, data=sent)
        assert answer.status_code == 404
    assert "pm2" not in (await shop.get("/payment-methods", who=WHO)).text
    assert await rows(worker_engine, OUTBOX) == []


async def test_no_page_and_no_query_of_the_app_ever_shows_a_billing_key(
    shop: Web, app_engine: AsyncEngine
) -> None:
    page = await shop.get("/payment-methods", who=WHO, headers=JSON)

    assert "secret" not in page.text
    assert "ck1" not in page.text
    with pytest.raises(Exception, match="permission denied"):
        await rows(app_engine, "select billing_key from payment_methods")


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("/orders/new", "/orders/new"), ("/shop/cart?step=2", "/shop/cart?step=2"), ("", ""),
        ("//evil.test", ""), ("/\\evil.test", ""), ("https://evil.test", ""), ("javascript:alert(1)", ""),
        ("/a\nb", ""), ("/a b", ""), ("orders", ""),
    ],
)  # fmt: skip
def test_only_our_own_addresses_are_gone_back_to(address: str, kept: str) -> None:
    assert own_path(address) == kept
