"""Customers over HTTP: found by what one knows, masked until somebody says why, edited with care."""

import re

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.api.web import Web, web_on
from tests.builders.company import Company

JSON = {"Accept": "application/json"}
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def desk(own_company: Company, app_engine: AsyncEngine) -> Web:
    """A desk of its own."""
    return web_on(app_engine, own_company)


@pytest.mark.parametrize("path", ["/customers", "/customers/c_one"])
@pytest.mark.parametrize("who", ["agent", "finance"])
async def test_customers_are_shown_masked(web: Web, path: str, who: str) -> None:
    page = await web.get(path, who=who)

    assert page.status_code == 200
    assert "xone@example.com" not in page.text
    assert not re.search(r"010-?1000-?0001|\+82101", page.text)


@pytest.mark.parametrize("q", ["x one", "1000 0001", "010-1000-0001", "0001", "xone@example.com"])
async def test_a_customer_is_found_by_name_part_of_the_number_or_address(web: Web, q: str) -> None:
    found = (await web.post("/customers/search", who="agent", headers=JSON, data={"q": q})).json()

    assert [row["id"] for row in found["rows"]] == ["c_one"]


async def test_a_wildcard_finds_nobody(web: Web) -> None:
    for q in ("%", "_", "%%%", "\\"):
        found = (await web.post("/customers/search", who="agent", headers=JSON, data={"q": q})).json()
        assert found["rows"] == []


async def test_words_stand_in_no_address_and_are_their_author_s_alone(web: Web) -> None:
    sent = {"q": "x one", "to": "/customers"}
    led = (await web.post("/home/words", who="agent", data=sent)).headers["location"]

    mine = (await web.get(led, who="agent", headers=JSON)).json()
    others = (await web.get(led, who="dispatcher", headers=JSON)).json()

    assert re.fullmatch(r"/customers\?kept=kw_[0-9a-z]{16}", led)
    assert (mine["q"], [row["id"] for row in mine["rows"]]) == ("x one", ["c_one"])
    assert (others["q"], len(others["rows"])) == ("", 2)


async def test_customers_are_paged_by_number_and_not_by_name(desk: Web, worker_engine: AsyncEngine) -> None:
    many = text(
        "insert into customers (id, kind, name, locale, tier, postcode, address, region, is_verified,"
        " created_at, version)"
        " select 'cp_' || n, 'person', 'Same Name', 'ko', 'standard', '', '', '', false, now(), 1"
        " from generate_series(1, 70) n"
    )
    async with worker_engine.begin() as connection:
        await connection.execute(many)

    first = (await desk.get("/customers", who="agent", headers=JSON)).json()
    second = (await desk.get(first["next"], who="agent", headers=JSON)).json()

    seen = [row["id"] for row in (*first["rows"], *second["rows"])]
    assert "Same" not in first["next"]
    assert (len(seen), len(set(seen))) == (72, 72)


async def test_looking_at_personal_data_needs_a_reason_and_is_written_down(
    desk: Web, worker_engine: AsyncEngine
) -> None:
    without = await desk.post(
        "/customers/c_one/disclosure", who="agent", data={"purpose": " "}, headers=FRAGMENT
    )
    plain = await desk.post(
        "/customers/c_one/disclosure", who="agent", data={"purpose": "call back"}, headers=FRAGMENT
    )

    async with worker_engine.connect() as connection:
        asked = text(
            "select actor_id, subject_id, purpose from personal_data_accesses where purpose = 'call back'"
        )
        logged = (await connection.execute(asked)).all()
    assert without.status_code == 422
    assert "xone@example.com" not in without.text
    assert "xone@example.com" in plain.text
    assert logged == [("a_agent", "c_one", "call back")]


async def test_an_edit_on_an_old_version_is_sent_back_with_what_was_typed(desk: Web) -> None:
    sent = {"version": "1", "name": "New Name", "tier": "gold", "region": "busan", "locale": "en"}

    first = await desk.post("/customers/c_one", who="agent", data=sent)
    stale = await desk.post("/customers/c_one", who="agent", data={**sent, "name": "Other"}, headers=FRAGMENT)

    again = await desk.post("/customers/c_one", who="agent", data={**sent, "name": "Other", "version": "2"})
    assert (first.status_code, stale.status_code, again.status_code) == (303, 409, 303)
    assert 'value="Other"' in stale.text
    assert 'name="version" value="2"' in stale.text


async def test_a_telephone_number_belongs_to_one_customer(desk: Web) -> None:
    sent = {"version": "1", "name": "New Name", "tier": "gold", "phone": "010-2000-0002"}

    answer = await desk.post("/customers/c_one", who="agent", data=sent, headers=JSON)

    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"phone"}


async def test_only_the_desk_edits_and_only_what_the_form_names(desk: Web) -> None:
    sent = {"version": "1", "name": "New Name", "tier": "gold"}

    by_finance = await desk.post("/customers/c_one", who="finance", data=sent, headers=JSON)
    too_much = await desk.post(
        "/customers/c_one", who="agent", data={**sent, "is_verified": "true"}, headers=JSON
    )

    assert (by_finance.status_code, too_much.status_code) == (403, 422)
