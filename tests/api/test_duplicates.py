"""Duplicates on pages: who may look, compare, merge, agree and undo; nothing is shown unmasked unasked."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.customers.merging import MergeActivities
from models.messages.customers import MergeStep
from tests.api.web import Web, web_on
from tests.builders.company import Company
from tests.builders.duplicates import a_merge, free, owned
from tests.builders.pairs import PAIR
from tests.conftest import Database

JSON = {"Accept": "application/json"}
PATH = f"/customers/duplicates/{PAIR}"
CHOSEN = {
    "stays": "first", "name": "first", "phone": "second", "email": "first", "address": "first",
    "kind": "first", "tier": "first", "locale": "first", "first_version": "1", "second_version": "1",
    "reason": "one person, two numbers", "submission_key": "k1",
}  # fmt: skip


@pytest.fixture
async def office(
    own_company: Company, database: Database, worker_engine: AsyncEngine, app_engine: AsyncEngine
) -> Web:
    free(database)
    owned(database, "delete from outbox")
    return web_on(app_engine, own_company)


async def test_the_list_says_why(office: Web) -> None:
    page = await office.get("/customers/duplicates", who="agent")

    assert page.status_code == 200
    assert PATH in page.text
    assert "same telephone number" in page.text or "전화번호가 같음" in page.text


async def test_side_by_side_nobody_is_unmasked_without_a_reason(office: Web, database: Database) -> None:
    home = "postcode = '06236', address = '서울 강남구 테헤란로 152', phone_as_given = null"
    owned(database, f"update customers set {home}")
    before = owned(database, "select count(*) from personal_data_accesses")

    page = (await office.get(PATH, who="agent")).text
    assert [word for word in ("06236", "테헤란로", "10000000", "example.com") if word in page] == []
    assert owned(database, "select count(*) from personal_data_accesses") == before

    told = await office.post(f"{PATH}/disclosure", who="agent", data={"purpose": "which one is it?"})
    assert "06236" in told.text
    asked = "select subject_id from personal_data_accesses where action = 'customers.compared' order by 1"
    seen = owned(database, asked)
    assert seen == [("c_one",), ("c_two",)]


async def test_a_merge_and_its_start_are_stored_together_and_once(office: Web, database: Database) -> None:
    answers = [await office.post(f"{PATH}/merge", who="agent", data=CHOSEN, headers=JSON) for _ in range(2)]

    assert [one.status_code for one in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    asked = "select survivor_id, loser_id, taken, asked_by from customer_merges where status = 'asked'"
    rows = owned(database, asked)
    assert rows == [("c_one", "c_two", ["phone"], "a_agent")]
    assert owned(database, "select workflow from outbox") == [("CustomerMerge",)]
    second = await office.post(
        f"{PATH}/merge", who="dispatcher", data={**CHOSEN, "submission_key": "k2"}, headers=JSON
    )
    assert (second.status_code, second.json()["code"]) == (409, "merge_open")


async def test_what_was_changed_since_is_compared_again(office: Web, database: Database) -> None:
    owned(database, "update customers set version = 2 where id = 'c_two'")

    answer = await office.post(f"{PATH}/merge", who="agent", data=CHOSEN)

    assert answer.status_code == 409
    assert "one person, two numbers" in answer.text  # what was typed is kept
    assert owned(database, "select count(*) from outbox") == [(0,)]


async def test_whoever_asked_does_not_agree_to_it(office: Web, worker_engine: AsyncEngine) -> None:
    await a_merge(worker_engine, "c_one", "c_two", needs_second=True, status="confirming")

    own = await office.post(
        "/customers/merges/mrg_1/confirmation", who="agent", data={"command_id": "c"}, headers=JSON
    )
    other = await office.post(
        "/customers/merges/mrg_1/confirmation", who="dispatcher", data={"command_id": "c"}, headers=JSON
    )

    assert (own.status_code, own.json()["code"]) == (409, "merge_second_person")
    assert other.status_code == 202  # kept; without Temporal the relay says it


async def test_the_old_record_leads_to_the_one_that_stays(
    office: Web, worker_engine: AsyncEngine, database: Database
) -> None:
    await merged(worker_engine)

    page = await office.get("/customers/c_two", who="agent")
    assert (page.status_code, page.headers["location"]) == (303, "/customers/c_one")
    shown = (await office.get("/customers/c_one", who="agent")).text
    assert "T1" in shown
    assert "T3" in shown or "T5" in shown  # tickets of both
    everybody = (await office.get("/customers", who="agent")).text
    assert 'id="row_c_one"' in everybody
    assert 'id="row_c_two"' not in everybody
    found = (await office.post("/customers/search", who="agent", data={"q": "0002"})).text
    assert 'id="row_c_one"' in found  # by the old number
    assert 'id="row_c_two"' not in found
    mine = await office.get("/home", who="customer_other")
    assert mine.status_code == 200  # signed in as before, now as the one that stays
    changed = await office.post("/customers/c_two", who="agent", data={
        "version": "2", "name": "x", "tier": "gold", "locale": "ko"
    })  # fmt: skip
    assert changed.status_code in (409, 422)
    assert owned(database, "select name from customers where id = 'c_two'") != [("x",)]


async def test_not_the_same_leaves_the_list(office: Web, database: Database) -> None:
    assert (await office.post(f"{PATH}/dismissal", who="agent")).status_code == 303

    assert PATH not in (await office.get("/customers/duplicates", who="agent")).text
    assert owned(database, "select status, decided_by from customer_pairs") == [("not_the_same", "a_agent")]


@pytest.mark.parametrize(
    "who", ["customer_own", "technician_assigned", "employee", "anonymous", "partner_own"]
)
async def test_nobody_else_looks(office: Web, who: str) -> None:
    for path in ("/customers/duplicates", PATH, "/customers/merges/mrg1"):
        answer = await office.get(path, who=who, headers=JSON)
        assert answer.status_code in (401, 403), (path, answer.status_code)


async def merged(engine: AsyncEngine, **given: Any) -> None:
    await a_merge(engine, "c_one", "c_two", **given)
    await MergeActivities(engine).merge(MergeStep("mrg_1", 2, datetime.now(UTC)))
