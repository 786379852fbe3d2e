"""The shop and its cart, and what fits to what."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.api.web import Web
from tests.builders.company import PASSWORD

JSON = {"Accept": "application/json"}


@dataclass
class Browser:
    """Somebody with a cookie jar."""

    http: httpx.AsyncClient
    headers: dict[str, str]

    async def post(self, path: str, **data: object) -> httpx.Response:
        return await self.http.post(path, headers=self.headers, data=data)

    async def cart(self) -> Any:
        answer = await self.http.get("/shop/cart", headers={**self.headers, **JSON})
        return answer.json()


@pytest.fixture
def browser(shop: Web) -> Browser:
    return Browser(shop.client(), {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"})


# --- the shop -----------------------------------------------------------------------------------------


async def test_everybody_sees_what_is_sold_today_and_no_draft(shop: Web) -> None:
    page = (await shop.get("/shop", headers=JSON)).json()

    names = [tile["name"] for section in page["sections"] for tile in section["tiles"]]
    assert "관리" in names
    assert "p" in names
    assert "x" not in names  # the draft of the small company
    assert (await shop.get("/shop/plans/pl_gone")).status_code == 404


async def test_a_plan_says_what_is_paid_at_once_first_and_later(shop: Web) -> None:
    page = (await shop.get("/shop/plans/pl", headers=JSON)).json()

    assert (page["once_minor"], page["tax_minor"], page["first_minor"], page["monthly_minor"]) == (
        110,
        10,
        44,
        55,
    )
    assert [stage["minor"] for stage in page["stages"]] == [44, 55]


async def test_a_stranger_fills_a_cart_that_nobody_else_sees(browser: Browser, shop: Web) -> None:
    added = await browser.post("/shop/cart", plan_id="pl", quantity="2")
    await browser.post("/shop/cart", product_id="pr")
    await browser.post("/shop/cart", product_id="pr", quantity="3")

    cart = await browser.cart()
    assert added.status_code == 303
    assert "HttpOnly" in added.headers["set-cookie"]
    assert [(row["quantity"], row["once_minor"], row["monthly_minor"]) for row in cart["rows"]] == [
        (2, 220, 55),
        (4, 4_400, 0),
    ]
    assert (cart["quote"]["once_minor"], cart["quote"]["tax_minor"]) == (4_620, 20 + 400)
    assert cart["is_complete"]
    assert (await shop.get("/shop/cart", headers=JSON)).json()["rows"] == []


async def test_what_a_stranger_chose_comes_along_when_they_sign_in(browser: Browser, shop: Web) -> None:
    await shop.post("/shop/cart", who="customer_own", data={"product_id": "pr"})
    await browser.post("/shop/cart", product_id="pr", quantity="2")
    await browser.post("/shop/cart", plan_id="play")

    login = {"login": "customer_own@example.com", "password": PASSWORD, "next": "/shop/cart"}
    signed_in = await browser.post("/sign-in", **login)

    assert signed_in.headers["location"] == "/shop/cart"
    assert [row["quantity"] for row in (await browser.cart())["rows"]] == [3, 1]
    assert "ieum_cart" not in browser.http.cookies


async def test_a_cart_is_changed_line_by_line(browser: Browser) -> None:
    for key in ("pr", "pr"):
        await browser.post("/shop/cart", product_id=key)
    await browser.post("/shop/cart", plan_id="play")

    changed = await browser.post("/shop/cart/1", quantity="5")
    wrong = await browser.post("/shop/cart/1", quantity="1000")
    await browser.post("/shop/cart/2/removal")
    gone = await browser.post("/shop/cart/2", quantity="1")

    cart = await browser.cart()
    assert changed.status_code == 303
    assert wrong.status_code == 422
    assert 'value="1000"' in wrong.text
    assert gone.status_code == 404
    assert [(row["position"], row["quantity"]) for row in cart["rows"]] == [(1, 5)]


async def test_an_add_on_alone_is_marked_at_its_line_and_left_out_of_the_price(browser: Browser) -> None:
    await browser.post("/shop/cart", plan_id="care")
    await browser.post("/shop/cart", plan_id="play")

    cart = await browser.cart()
    assert cart["rows"][0]["errors"] != []
    assert cart["rows"][1]["errors"] == []
    assert not cart["is_complete"]
    assert cart["quote"]["monthly_minor"] == 33

    await browser.post("/shop/cart", plan_id="pl")
    assert (await browser.cart())["is_complete"]


async def test_what_a_customer_pays_for_already_carries_an_add_on(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    async with worker_engine.begin() as connection:
        await connection.execute(text('update subscriptions set terms = \'{"family"\\: "water"}\''))

    await shop.post("/shop/cart", who="customer_own", data={"plan_id": "care"})

    cart = (await shop.get("/shop/cart", who="customer_own", headers=JSON)).json()
    other = (await shop.get("/shop/cart", who="customer_other", headers=JSON)).json()
    assert cart["is_complete"]
    assert other["rows"] == []


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
async def test_a_bundle_says_at_the_place_which_rule_a_choice_breaks(
    shop: Web, browser: Browser, accept: str
) -> None:
    answer = await shop.post(
        "/shop/bundles/home",
        headers={"Accept": accept, "Accept-Language": "en"},
        data={"chosen": ["play", "care"]},
    )

    sentence = "do not go together"
    assert answer.status_code == 422
    assert sentence in answer.text
    assert (await browser.post("/shop/bundles/home", chosen=["play"])).status_code == 303
    row = (await browser.cart())["rows"][0]
    assert (row["once_minor"], row["first_minor"], row["monthly_minor"]) == (110, 44, 55 + 17)


async def test_a_bundle_shows_the_price_of_a_choice_and_stores_nothing(browser: Browser) -> None:
    answer = await browser.post("/shop/bundles/home/price", chosen=["care"])

    assert answer.status_code == 200
    assert "₩77" in answer.text
    assert (await browser.cart())["rows"] == []


async def test_a_cart_holds_no_more_than_one_can_oversee(shop: Web, worker_engine: AsyncEngine) -> None:
    async with worker_engine.begin() as connection:
        await connection.execute(
            text(
                "insert into cart_items (cart_key, position, line, updated_at) select 'customer\\:c_one', n,"
                " jsonb_build_object('product_id', 'p' || n), now() from generate_series(1, 30) n"
            )
        )

    answer = await shop.post("/shop/cart", who="customer_own", headers=JSON, data={"product_id": "pr"})

    assert (answer.status_code, answer.json()["code"]) == (409, "cart_full")


# --- what fits to what --------------------------------------------------------------------------------


async def test_customers_and_agents_read_why_something_fits(shop: Web) -> None:
    rule = {"owns": "product:pr", "offers": "plan:care", "reason_ko": "까닭입니다", "reason_en": "because"}
    made = await shop.post("/catalogue/rules", who="admin", headers=JSON, data=rule)
    assert made.status_code == 201

    for who, path in (
        ("customer_own", "/shop"),
        ("agent", "/customers/c_one/around"),
        ("customer_own", "/home"),
    ):
        page = await shop.get(path, who=who, headers={"Accept-Language": "ko"})
        assert "까닭입니다" in page.text, (who, path)
    assert "까닭입니다" not in (await shop.get("/shop")).text

    rest = f"/catalogue/rules/{made.json()['cross_sell_id']}/activity"
    await shop.post(rest, who="admin", data={"is_active": "false"})
    assert "까닭입니다" not in (await shop.get("/shop", who="customer_own")).text


async def test_what_lies_in_the_cart_counts_as_owned(browser: Browser, shop: Web) -> None:
    rule = {"owns": "plan:play", "offers": "product:pr", "reason_ko": "까닭", "reason_en": "why"}
    await shop.post("/catalogue/rules", who="admin", data=rule)
    await browser.post("/shop/cart", plan_id="play")

    assert [offer["target"] for offer in (await browser.cart())["offers"]] == ["pr"]


async def test_a_rule_names_things_that_are_there(shop: Web) -> None:
    for offers in ("plan:nothing", "product:pr", "category:c", "x"):
        rule = {"owns": "product:pr", "offers": offers, "reason_ko": "까닭", "reason_en": "kept text"}

        answer = await shop.post("/catalogue/rules", who="admin", data=rule)

        assert answer.status_code == 422
        assert "kept text" in answer.text
