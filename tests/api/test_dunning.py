"""Overdue accounts on their pages: who may say what, what is stored, how a policy comes to be published."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.api.web import Web

JSON = {"Accept": "application/json"}
CASE = "/dunning/D1"
DRAFT = {
    "seq": "0", "step_days": ["3", "14"], "step_kind": ["notify", "suspend"], "step_minimum": ["", "30000"],
    "step_letter": ["reminder", ""], "step_channel": ["kakao", ""], "charges_while_suspended": "false",
    "resume_within_minutes": "60", "longest_promise_days": "14", "promises_allowed": "2",
    "longest_hold_days": "60", "smallest_minor": "1000", "effective_from": "2027-01-01", "note": "softer",
}  # fmt: skip


async def rows(engine: AsyncEngine, query: str) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(query))).all()]


async def test_the_board_counts_what_its_reader_sees(own_web: Web) -> None:
    page = (await own_web.get("/dunning", who="agent", headers=JSON)).json()

    assert [(one["stage"], one["count"], one["minor"]) for one in page["columns"]] == [("promise", 2, 220)]
    assert {one["id"] for one in page["rows"]} == {"D1", "D2"}
    found = (await own_web.get("/dunning?stage=suspend", who="finance", headers=JSON)).json()
    assert found["rows"] == []
    of_one = (await own_web.get("/dunning?q=c_two", who="finance", headers=JSON)).json()
    assert [one["id"] for one in of_one["rows"]] == ["D2"]


@pytest.mark.parametrize("address", ["/dunning", CASE, f"{CASE}/handover", "/dunning/policies"])
@pytest.mark.parametrize("who", ["customer_own", "technician_assigned", "partner_own", "employee"])
async def test_nobody_outside_sees_what_we_do_about_it(own_web: Web, address: str, who: str) -> None:
    answer = await own_web.get(address, who=who, headers=JSON)

    assert answer.status_code in (403, 404)


@pytest.mark.parametrize(
    ("noun", "update", "form"),
    [
        ("promise", "promise", {"pay_on": "2026-12-01"}),
        ("dispute", "dispute", {"reason": "never came", "invoice_id": "IO1-1"}),
        ("resolution", "resolve_dispute", {"is_upheld": "true"}),
        ("hold", "hold", {"until_on": "2026-12-01", "reason": "flood"}),
        ("release", "release", {}),
        ("skip", "skip", {"position": "1"}),
        ("write-off", "write_off", {"reason": "gone"}),
        ("end", "give_up", {"reason": "too small"}),
    ],
)
async def test_a_word_is_stored_once_and_told_to_the_case(
    own_web: Web, worker_engine: AsyncEngine, noun: str, update: str, form: dict[str, str]
) -> None:
    sent = {"command_id": "press1", **form}

    answers = [await own_web.post(f"{CASE}/{noun}", who="finance", data=sent) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    asked = "select name, workflow_id, payload ->> 'actor_id' from outbox where key = 'press1'"
    assert await rows(worker_engine, asked) == [(update, "dunning:D1", "a_finance")]


@pytest.mark.parametrize("noun", ["write-off", "end"])
async def test_only_finance_gives_money_up(own_web: Web, noun: str) -> None:
    answer = await own_web.post(
        f"{CASE}/{noun}", who="agent", headers=JSON, data={"command_id": "press1", "reason": "why"}
    )

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("noun", "form"),
    [
        ("promise", {"pay_on": "soon"}),
        ("hold", {"until_on": "2026-12-01", "reason": ""}),
        ("write-off", {"reason": " "}),
    ],
)
async def test_what_is_missing_is_said_at_its_field(own_web: Web, noun: str, form: dict[str, str]) -> None:
    sent = {"command_id": "press1", **form}

    answer = await own_web.post(f"{CASE}/{noun}", who="finance", headers=JSON, data=sent)

    assert answer.status_code == 422


async def test_another_customers_invoice_is_disputed_by_nobody(own_web: Web) -> None:
    sent = {"command_id": "press1", "reason": "not mine", "invoice_id": "IO2-1"}

    answer = await own_web.post(f"{CASE}/dispute", who="finance", headers=JSON, data=sent)

    assert answer.status_code == 404


async def test_a_case_that_is_over_takes_no_word(own_web: Web, worker_engine: AsyncEngine) -> None:
    async with worker_engine.begin() as connection:
        await connection.execute(text("update dunning_cases set status = 'paid' where id = 'D1'"))

    answer = await own_web.post(f"{CASE}/release", who="finance", headers=JSON, data={"command_id": "press1"})

    assert (answer.status_code, answer.json()["code"]) == (409, "case_over")


async def test_customers_see_what_they_owe_and_promise_for_themselves_only(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    page = (await own_web.get("/dunning/mine", who="customer_own", headers=JSON)).json()
    assert page["has_case"]
    own = await rows(worker_engine, "select id from invoices where customer_id = 'c_one'")
    shown = {one["id"] for one in page["invoices"]}
    assert shown
    assert shown <= {invoice for (invoice,) in own}

    sent = {"command_id": "press1", "pay_on": page["last_day"]}
    answer = await own_web.post("/dunning/mine/promise", who="customer_own", data=sent)

    assert answer.status_code == 303
    asked = "select workflow_id, payload ->> 'actor_kind' from outbox where key = 'press1'"
    assert await rows(worker_engine, asked) == [("dunning:D1", "customer")]


async def test_the_agencys_file_names_nobody(own_web: Web) -> None:
    answer = await own_web.get(f"{CASE}/handover", who="finance")

    assert answer.headers["content-type"].startswith("text/csv")
    assert "D1,c_one,step,notify" in answer.text
    assert "example.com" not in answer.text


async def test_a_policy_is_written_by_one_and_published_by_another(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    stored = await own_web.post("/dunning/policies/2", who="finance", data=DRAFT)
    assert stored.status_code == 303, stored.text
    sent = {"status": "review", "seq": "1"}
    await own_web.post("/dunning/policies/2/status", who="finance", data=sent)
    publish = {"status": "published", "seq": "2"}

    own = await own_web.post("/dunning/policies/2/status", who="finance", headers=JSON, data=publish)
    other = await own_web.post("/dunning/policies/2/status", who="admin", data=publish)

    assert (own.status_code, own.json()["code"]) == (409, "own_review")
    assert other.status_code == 303
    found = "select status, reviewer_id, terms #>> '{steps,1,kind}' from dunning_policies where version = 2"
    assert await rows(worker_engine, found) == [("published", "a_admin", "suspend")]
    late = await own_web.post("/dunning/policies/2", who="finance", headers=JSON, data={**DRAFT, "seq": "3"})
    assert (late.status_code, late.json()["code"]) == (409, "version_final")


@pytest.mark.parametrize(
    "wrong",
    [
        {"step_days": ["14", "3"]},
        {"step_days": ["x", "14"]},
        {"step_kind": ["poem", "suspend"]},
        {"step_letter": ["", ""]},
        {"step_minimum": ["-1", ""]},
        {"step_days": [], "step_kind": []},
    ],
)
async def test_a_policy_that_cannot_work_is_not_stored(own_web: Web, wrong: dict[str, list[str]]) -> None:
    answer = await own_web.post("/dunning/policies/2", who="finance", data={**DRAFT, **wrong})

    assert answer.status_code == 422
    assert 'id="e_steps"' in answer.text


async def test_a_new_draft_begins_with_the_newest_terms(own_web: Web, worker_engine: AsyncEngine) -> None:
    answer = await own_web.post("/dunning/policies", who="admin", headers=JSON, data={})

    assert answer.json()["version"] == 3
    found = "select a.terms = b.terms, b.author_id from dunning_policies a, dunning_policies b"
    assert await rows(worker_engine, f"{found} where a.version = 2 and b.version = 3") == [(True, "a_admin")]


@pytest.mark.parametrize("who", ["agent", "dispatcher"])
async def test_only_finance_writes_policies(own_web: Web, who: str) -> None:
    answer = await own_web.post("/dunning/policies", who=who, headers=JSON, data={})

    assert answer.status_code == 403
