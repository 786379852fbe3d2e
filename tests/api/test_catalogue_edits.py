"""The catalogue's drafts, their review by a second person, and what the database holds by itself."""

import json
from datetime import date, timedelta

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from models.kit.records import from_record, to_record
from models.messages.catalogue import PlanTerms
from tests.api.web import Web
from tests.builders.company import Company
from tests.builders.shelf import RENT
from tests.conftest import Database

JSON = {"Accept": "application/json"}


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
    edited = await shop.post(
        f"/catalogue/plans/pl/versions/{number}", who="admin", headers=JSON, data=a_draft()
    )
    assert edited.json()["code"] == "version_final"
    async with worker_engine.connect() as connection:
        acts = (
            (await connection.execute(text("select action from audit_entries order by id"))).scalars().all()
        )
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


WRONG: list[tuple[dict[str, object], str]] = [
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
]


async def test_a_wrong_draft_comes_back_with_what_was_typed(shop: Web) -> None:
    number = await fresh_draft(shop)
    path = f"/catalogue/plans/pl/versions/{number}"
    for wrong, field in WRONG:
        sent = a_draft(note="keep this note", **wrong)

        page = await shop.post(path, who="admin", data=sent)
        told = await shop.post(path, who="admin", headers=JSON, data=sent)

        assert page.status_code == told.status_code == 422, wrong
        assert "keep this note" in page.text
        assert list(told.json()["errors"]) == [field], wrong


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

    page = (
        await shop.get(f"/catalogue/plans/pl/versions/{number}?against=1", who="finance", headers=JSON)
    ).json()

    changed = {one["name"]: (one["before"], one["after"]) for one in page["differences"]}
    price = next(pair for pair in changed.values() if "₩55" in pair[0])
    assert page["against"] == 1
    assert "₩66" in price[1]
    assert not {"Tax", "세금"} & set(changed)


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


async def test_those_who_do_not_edit_may_read(shop: Web) -> None:
    for who in ("agent", "finance", "dispatcher"):
        for path in ("/catalogue", "/catalogue/bundles/home", "/catalogue/products/pr"):
            assert (await shop.get(path, who=who)).status_code == 200, (who, path)
        assert (await shop.get("/catalogue/new", who=who)).status_code == 403


async def test_a_product_is_edited_and_the_old_price_is_written_down(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    product = {
        "name_ko": "정수기", "name_en": "Purifier", "category": "c", "kind": "device", "price_minor": "2200",
        "is_sold": "true",
    }  # fmt: skip

    answer = await shop.post("/catalogue/products/pr", who="admin", data=product)

    page = (await shop.get("/shop/products/pr", headers=JSON)).json()
    assert answer.status_code == 303
    assert (page["once_minor"], page["tax_minor"]) == (2_200, 200)
    async with worker_engine.connect() as connection:
        details = await connection.scalar(
            text("select details from audit_entries where action = 'catalogue.product.edited'")
        )
    assert details["before"]["price_minor"] == 1_100


NEW = {
    "plan": {"code": "fresh", "name_ko": "새것", "name_en": "New", "kind": "content"},
    "bundle": {"code": "fresh", "name_ko": "새것", "name_en": "New"},
    "product": {"sku": "fresh", "name_ko": "새것", "name_en": "New", "kind": "device", "category": "c"},
    "rule": {"owns": "category:c", "offers": "bundle:home", "reason_ko": "가", "reason_en": "a"},
}


async def test_something_new_is_made_and_its_code_is_its_own(shop: Web) -> None:
    for thing, data in NEW.items():
        assert (await shop.get(f"/catalogue/new?thing={thing}", who="admin")).status_code == 200
        made = await shop.post(f"/catalogue/{thing}s", who="admin", data=data)
        again = await shop.post(f"/catalogue/{thing}s", who="admin", data=data)

        assert made.status_code == 303, made.text
        assert again.status_code == (303 if thing == "rule" else 409)
        page = await shop.get(made.headers["location"].split("#")[0], who="admin")
        assert page.status_code == 200


# --- the database holds it too ------------------------------------------------------------------------


FINAL = ("terms = '{}'", "effective_from = current_date + 1", "status = 'draft'", "status = 'review'")


@pytest.mark.parametrize("word", ["plan", "bundle"])
@pytest.mark.parametrize("change", FINAL)
def test_a_published_version_never_changes(
    company: Company, shared_database: Database, word: str, change: str
) -> None:
    statement = f"update {word}_versions set {change} where status = 'published'"
    with (
        psycopg.connect(shared_database.worker_url) as worker,
        pytest.raises(psycopg.errors.CheckViolation, match="never changes"),
    ):
        worker.execute(statement.encode())


@pytest.mark.parametrize("reviewer", ["null", "'a_admin'"])
def test_no_version_is_born_published_without_a_second_person(
    company: Company, shared_database: Database, reviewer: str
) -> None:
    statement = (
        "insert into plan_versions (plan_id, version, status, terms, effective_from, author_id, reviewer_id,"
        f" note, created_at, seq) values ('pl', 7, 'published', '{{}}', now(), 'a_admin', {reviewer}, '',"
        " now(), 0)"
    )
    with (
        psycopg.connect(shared_database.worker_url) as worker,
        pytest.raises(psycopg.errors.CheckViolation, match="somebody else"),
    ):
        worker.execute(statement.encode())


@pytest.mark.parametrize(("roles", "is_let"), [("admin", True), ("agent", False), ("", False)])
def test_only_administrators_edit_products(
    company: Company, shared_database: Database, roles: str, is_let: bool
) -> None:
    who = "select set_config('ieum.kind', 'staff', true), set_config('ieum.roles', %s, true)"
    with psycopg.connect(shared_database.app_url) as app:
        app.execute(who, (roles,))
        if is_let:
            app.execute("update products set price_minor = 5 where id = 'pr'")
        else:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute("update products set price_minor = 5 where id = 'pr'")
        app.rollback()


async def test_a_contract_keeps_its_terms_whatever_is_published_later(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    signed = json.dumps(to_record(RENT))
    async with worker_engine.begin() as connection:
        keep = text("update subscriptions set terms = cast(:terms as jsonb) where id = 'S1-1'")
        await connection.execute(keep, {"terms": signed})
    number = await fresh_draft(shop)
    await shop.post(f"/catalogue/plans/pl/versions/{number}", who="admin", data=a_draft())
    await step(shop, number, "review", 1)
    await step(shop, number, "published", 2, "agent_and_finance")

    async with worker_engine.connect() as connection:
        kept = await connection.scalar(text("select terms from subscriptions where id = 'S1-1'"))
    assert from_record(PlanTerms, kept) == RENT
