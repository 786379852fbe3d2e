"""The shop and its cart, the catalogue's review by a second person, and what fits to what."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from models.kit.records import from_record, to_record
from models.messages.catalogue import (
    BundleItem,
    BundleRule,
    BundleTerms,
    Phase,
    PhaseKind,
    PlanKind,
    PlanTerms,
    Price,
    RuleKind,
)
from tests.api.web import Web
from tests.builders.sale import a_rental
from tests.conftest import Database

OPEN = Phase(PhaseKind.EVERGREEN)
RENT = replace(a_rental(), setup_minor=110, family="water", phases=(Phase(PhaseKind.DISCOUNT, 3, 20), OPEN))
CARE = PlanTerms("care", 1, PlanKind.SERVICE, "관리", "Care", Price(unit_minor=22), family="water", is_add_on=True)
PLAY = PlanTerms(
    "play", 1, PlanKind.CONTENT, "보기", "Play", Price(unit_minor=33), phases=(Phase(PhaseKind.TRIAL, 1), OPEN)
)
HOME = BundleTerms(
    "home", 1, "집", "Home",
    (
        BundleItem("rent", plan_id="pl"),
        BundleItem("play", plan_id="play", percent_off=50, is_optional=True),
        BundleItem("care", plan_id="care", is_optional=True),
    ),
    (BundleRule(RuleKind.EXCLUDES, ("play", "care")),),
)  # fmt: skip
JSON = {"Accept": "application/json"}


@pytest.fixture
async def shop(own_web: Web, worker_engine: AsyncEngine) -> Web:
    """The small company with something on its shelf and a second administrator."""
    import json

    def version(word: str, terms: Any) -> str:
        key = getattr(terms, f"{word}_id")
        told = json.dumps(to_record(terms)).replace("'", "''")
        return (
            f"insert into {word}_versions ({word}_id, version, status, terms, effective_from, author_id,"
            f" reviewer_id, note, created_at, seq) values ('{key}', 1, 'published', '{told}',"
            " current_date - 9, 'a_admin', 'a_agent', '', now(), 0)"
        )

    statements = [
        "update products set is_sold = true, price_minor = 1100, name_en = 'Purifier' where id = 'pr'",
        "delete from plan_versions where version = 1",
        "update accounts set roles = '{agent,finance,admin}' where id = 'a_agent_and_finance'",
        *(
            f"insert into plans (id, code, kind, name_ko, name_en, about_ko, about_en, created_at) values"
            f" ('{one.plan_id}', '{one.plan_id}', '{one.kind}', '', '', '', '', now())"
            for one in (CARE, PLAY)
        ),
        "insert into bundles (id, code, name_ko, name_en, about_ko, about_en, created_at) values"
        " ('home', 'home', '집', 'Home', '', '', now())",
        *(version("plan", one) for one in (RENT, CARE, PLAY)),
        version("bundle", HOME),
    ]
    async with worker_engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement.replace(":", "\\:")))
    return own_web


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

    assert (page["once_minor"], page["tax_minor"], page["first_minor"], page["monthly_minor"]) == (110, 10, 44, 55)
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


async def test_what_a_customer_pays_for_already_carries_an_add_on(shop: Web, worker_engine: AsyncEngine) -> None:
    async with worker_engine.begin() as connection:
        await connection.execute(text("update subscriptions set terms = '{\"family\"\\: \"water\"}'"))

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
        "/shop/bundles/home", headers={"Accept": accept, "Accept-Language": "en"}, data={"chosen": ["play", "care"]}
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

    for who, path in (("customer_own", "/shop"), ("agent", "/customers/c_one"), ("customer_own", "/home")):
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


@pytest.mark.parametrize("offers", ["plan:nothing", "product:pr", "category:c", "x"])
async def test_a_rule_names_things_that_are_there(shop: Web, offers: str) -> None:
    rule = {"owns": "product:pr", "offers": offers, "reason_ko": "까닭", "reason_en": "kept text"}

    answer = await shop.post("/catalogue/rules", who="admin", data=rule)

    assert answer.status_code == 422
    assert "kept text" in answer.text


# --- editing ------------------------------------------------------------------------------------------


def a_draft(**more: object) -> dict[str, object]:
    given: dict[str, object] = {
        "seq": "0", "name_ko": "새 렌탈", "name_en": "New rental", "price_kind": "fixed", "unit_minor": "66",
        "product_id": "pr", "effective_from": date.today().isoformat(), "phase_kind": ["trial", "evergreen"],
        "phase_months": ["2", ""], "phase_off": ["0", "0"],
    }  # fmt: skip
    return {**given, **more}


async def fresh_draft(shop: Web, who: str = "admin") -> int:
    made = await shop.post("/catalogue/plans/pl/versions", who=who, headers=JSON, data={"version": "1"})
    assert made.status_code == 201, made.text
    return int(made.json()["version"])


async def step(shop: Web, version: int, status: str, seq: int, who: str = "admin") -> tuple[int, str]:
    path = f"/catalogue/plans/pl/versions/{version}/status"
    answer = await shop.post(path, who=who, headers=JSON, data={"status": status, "seq": str(seq)})
    return answer.status_code, answer.json().get("code", "")


async def test_a_draft_is_published_by_somebody_else_and_then_sold(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    number = await fresh_draft(shop)
    saved = await shop.post(f"/catalogue/plans/pl/versions/{number}", who="admin", data=a_draft())
    assert saved.status_code == 303, saved.text
    before = (await shop.get("/shop/plans/pl", headers=JSON)).json()

    assert await step(shop, number, "published", 1) == (409, "version_wrong_step")
    assert await step(shop, number, "review", 1) == (200, "")
    assert await step(shop, number, "published", 2) == (409, "own_review")
    assert await step(shop, number, "published", 1, "agent_and_finance") == (409, "changed_meanwhile")
    assert await step(shop, number, "published", 2, "agent_and_finance") == (200, "")
    assert await step(shop, number, "draft", 3, "agent_and_finance") == (409, "version_final")

    after = (await shop.get("/shop/plans/pl", headers=JSON)).json()
    assert (before["monthly_minor"], after["first_minor"], after["monthly_minor"]) == (55, 0, 66)
    edited = await shop.post(f"/catalogue/plans/pl/versions/{number}", who="admin", headers=JSON, data=a_draft())
    assert edited.json()["code"] == "version_final"
    async with worker_engine.connect() as connection:
        acts = (await connection.execute(text("select action from audit_entries order by id"))).scalars().all()
    assert list(acts)[-4:] == [
        "catalogue.plan.drafted",
        "catalogue.plan.edited",
        "catalogue.plan.to_review",
        "catalogue.plan.to_published",
    ]


async def test_nobody_edits_a_colleagues_draft_because_they_could_publish_it(shop: Web) -> None:
    number = await fresh_draft(shop)

    path = f"/catalogue/plans/pl/versions/{number}"
    answer = await shop.post(path, who="agent_and_finance", headers=JSON, data=a_draft())

    assert answer.json()["code"] == "draft_of_another"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name_ko": ""}, "name_ko"),
        ({"unit_minor": "-5"}, "unit_minor"),
        ({"phase_months": ["", ""]}, "phases"),
        ({"phase_off": ["101", "0"]}, "phases"),
        ({"phase_kind": ["loan", "evergreen"]}, "phases"),
        ({"price_kind": "tiered"}, "tiers"),
        ({"price_kind": "tiered", "tier_up_to": ["10", "5", ""], "tier_minor": ["1", "2", "3"]}, "tiers"),
        ({"price_kind": "usage", "tier_up_to": ["10"], "tier_minor": ["1"]}, "tiers"),
        ({"period_months": "5"}, "period_months"),
        ({"is_add_on": "true"}, "family"),
        ({"product_id": ""}, "product_id"),
        ({"effective_until": date.today().isoformat()}, "effective_until"),
        ({"effective_from": "soon"}, "effective_from"),
    ],
)
async def test_a_wrong_draft_comes_back_with_what_was_typed(
    shop: Web, wrong: dict[str, object], field: str
) -> None:
    number = await fresh_draft(shop)
    path, sent = f"/catalogue/plans/pl/versions/{number}", a_draft(note="keep this note", **wrong)

    page = await shop.post(path, who="admin", data=sent)
    told = await shop.post(path, who="admin", headers=JSON, data=sent)

    assert page.status_code == told.status_code == 422
    assert "keep this note" in page.text
    assert list(told.json()["errors"]) == [field]


async def test_two_who_save_one_draft_do_not_overwrite_each_other(shop: Web) -> None:
    number = await fresh_draft(shop)
    path = f"/catalogue/plans/pl/versions/{number}"
    await shop.post(path, who="admin", data=a_draft())

    late = await shop.post(path, who="admin", data=a_draft(name_en="Mine"))

    assert late.status_code == 409
    assert 'value="Mine"' in late.text
    assert 'name="seq" value="1"' in late.text


async def test_a_bundle_whose_rules_nobody_can_keep_is_not_stored(shop: Web) -> None:
    await shop.post("/catalogue/bundles/home/versions", who="admin", data={"version": "1"})
    parts: dict[str, object] = {
        "seq": "0", "name_ko": "집", "name_en": "Home", "effective_from": date.today().isoformat(),
        "item_code": ["a", "b"], "item_what": ["plan:pl", "plan:play"], "item_quantity": ["1", "1"],
        "item_choice": ["always", "always"], "item_off": ["0", "10"],
    }  # fmt: skip
    rules = {"rule_kind": ["one_of"], "rule_codes": ["a, b"]}
    path = "/catalogue/bundles/home/versions/2"

    wrong = await shop.post(path, who="admin", headers=JSON, data={**parts, **rules})
    right = await shop.post(path, who="admin", data=parts)

    assert list(wrong.json()["errors"]) == ["rules"]
    assert right.status_code == 303


async def test_versions_are_compared_row_by_row(shop: Web) -> None:
    number = await fresh_draft(shop)
    await shop.post(f"/catalogue/plans/pl/versions/{number}", who="admin", data=a_draft(product_id="pr"))

    page = (await shop.get(f"/catalogue/plans/pl/versions/{number}?against=1", who="finance", headers=JSON)).json()

    changed = {one["name"]: (one["before"], one["after"]) for one in page["differences"]}
    assert page["against"] == 1
    assert ("₩55" in str(changed.values())) and ("₩66" in str(changed.values()))
    assert not any("Tax" in name or "세금" in name for name in changed)


async def test_a_retired_version_is_no_longer_sold_and_stays_readable(shop: Web) -> None:
    assert await step(shop, 1, "retired", 0) == (200, "")

    assert (await shop.get("/shop/plans/pl")).status_code == 404
    assert (await shop.get("/catalogue/plans/pl/versions/1", who="agent")).status_code == 200


async def test_a_version_is_sold_until_its_day(shop: Web) -> None:
    path = "/catalogue/plans/pl/versions/1/dates"
    early = {"effective_until": (date.today() - timedelta(days=30)).isoformat(), "seq": "0"}
    ended = {"effective_until": date.today().isoformat(), "seq": "0"}

    wrong = await shop.post(path, who="admin", data=early)
    right = await shop.post(path, who="admin", data=ended)

    assert (wrong.status_code, right.status_code) == (422, 303)
    assert (await shop.get("/shop/plans/pl")).status_code == 404


@pytest.mark.parametrize("who", ["agent", "finance", "dispatcher"])
async def test_those_who_do_not_edit_may_read(shop: Web, who: str) -> None:
    assert (await shop.get("/catalogue", who=who)).status_code == 200
    assert (await shop.get("/catalogue/bundles/home", who=who)).status_code == 200
    assert (await shop.get("/catalogue/products/pr", who=who)).status_code == 200
    assert (await shop.get("/catalogue/new", who=who)).status_code == 403


async def test_a_product_is_edited_and_the_old_price_is_written_down(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    product = {"name_ko": "정수기", "name_en": "Purifier", "category": "c", "kind": "device", "price_minor": "2200",
               "is_sold": "true"}  # fmt: skip

    answer = await shop.post("/catalogue/products/pr", who="admin", data=product)

    page = (await shop.get("/shop/products/pr", headers=JSON)).json()
    assert answer.status_code == 303
    assert (page["once_minor"], page["tax_minor"]) == (2_200, 200)
    async with worker_engine.connect() as connection:
        details = await connection.scalar(
            text("select details from audit_entries where action = 'catalogue.product.edited'")
        )
    assert details["before"]["price_minor"] == 1_100


@pytest.mark.parametrize("thing", ["plan", "bundle", "product", "rule"])
async def test_something_new_is_made_and_its_code_is_its_own(shop: Web, thing: str) -> None:
    fields = {"name_ko": "새것", "name_en": "New", "code": "fresh", "sku": "fresh", "kind": "device", "category": "c"}
    names = {"plan": ("code", "name_ko", "name_en"), "bundle": ("code", "name_ko", "name_en"),
             "product": ("sku", "name_ko", "name_en", "category", "kind"), "rule": ()}[thing]  # fmt: skip
    data = {name: fields[name] for name in names} | ({"kind": "content"} if thing == "plan" else {})
    if thing == "rule":
        data = {"owns": "category:c", "offers": "bundle:home", "reason_ko": "가", "reason_en": "a"}

    assert (await shop.get(f"/catalogue/new?thing={thing}", who="admin")).status_code == 200
    made = await shop.post(f"/catalogue/{thing}s", who="admin", data=data)
    again = await shop.post(f"/catalogue/{thing}s", who="admin", data=data)

    assert made.status_code == 303, made.text
    assert again.status_code == (303 if thing == "rule" else 409)
    page = await shop.get(made.headers["location"].split("#")[0], who="admin")
    assert page.status_code == 200


# --- the database holds it too ------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["plan", "bundle"])
@pytest.mark.parametrize(
    "change",
    ["terms = '{}'", "effective_from = current_date", "status = 'draft'", "status = 'review'"],
)
async def test_a_published_version_never_changes(shop: Web, database: Database, word: str, change: str) -> None:
    with (
        psycopg.connect(database.worker_url) as worker,
        pytest.raises(psycopg.errors.CheckViolation, match="never changes"),
    ):
        worker.execute(f"update {word}_versions set {change} where version = 1 and status = 'published'".encode())


@pytest.mark.parametrize("reviewer", ["null", "'a_admin'"])
async def test_no_version_is_born_published_without_a_second_person(
    shop: Web, database: Database, reviewer: str
) -> None:
    with (
        psycopg.connect(database.worker_url) as worker,
        pytest.raises(psycopg.errors.CheckViolation, match="somebody else"),
    ):
        worker.execute(
            "insert into plan_versions (plan_id, version, status, terms, effective_from, author_id, reviewer_id,"
            f" note, created_at, seq) values ('pl', 7, 'published', '{{}}', now(), 'a_admin', {reviewer}, '',"
            " now(), 0)".encode()
        )


@pytest.mark.parametrize(("roles", "is_let"), [("admin", True), ("agent", False), ("", False)])
async def test_only_administrators_edit_products(shop: Web, database: Database, roles: str, is_let: bool) -> None:
    with psycopg.connect(database.app_url) as app:
        app.execute("select set_config('ieum.kind', 'staff', true), set_config('ieum.roles', %s, true)", (roles,))
        if is_let:
            app.execute("update products set price_minor = 5 where id = 'pr'")
        else:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute("update products set price_minor = 5 where id = 'pr'")


async def test_a_contract_keeps_its_terms_whatever_is_published_later(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    async with worker_engine.begin() as connection:
        signed = to_record(RENT)
        import json

        await connection.execute(
            text("update subscriptions set terms = cast(:terms as jsonb) where id = 'S1-1'"),
            {"terms": json.dumps(signed)},
        )
    number = await fresh_draft(shop)
    await shop.post(f"/catalogue/plans/pl/versions/{number}", who="admin", data=a_draft())
    await step(shop, number, "review", 1)
    await step(shop, number, "published", 2, "agent_and_finance")

    async with worker_engine.connect() as connection:
        kept = await connection.scalar(text("select terms from subscriptions where id = 'S1-1'"))
    assert from_record(PlanTerms, kept) == RENT
