"""Bill runs, accounts, usage and documents over HTTP."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from models.rules.subscriptions.periods import business_day
from tests.api.web import Web
from tests.builders.bills import RUN, bill_of

JSON = {"Accept": "application/json"}
TAX = "T2025-000001"
TODAY = business_day(datetime.now(UTC))


async def rows(engine: AsyncEngine, statement: str) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(statement))).all()]


async def change(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement))


async def test_a_run_is_born_with_its_start_once_a_day(own_web: Web, worker_engine: AsyncEngine) -> None:
    sent = {"submission_key": "one", "day": TODAY.isoformat(), "kind": "run"}
    await change(worker_engine, "delete from outbox")
    await change(worker_engine, "update bill_runs set day = '2020-01-01'")

    first = await own_web.post("/billing/runs", who="finance", data=sent)
    second = await own_web.post("/billing/runs", who="finance", data={**sent, "submission_key": "two"})

    assert (first.status_code, second.status_code) == (303, 409)
    made = await rows(worker_engine, "select id, status, asked_by from bill_runs where day <> '2020-01-01'")
    assert made == [(f"B{TODAY}", "planned", own_web.company.persons["finance"].id)]
    ((workflow_id, payload),) = await rows(worker_engine, "select workflow_id, payload from outbox")
    order = payload if isinstance(payload, dict) else json.loads(payload)
    assert (workflow_id, order["day"], order["is_preview"]) == (
        f"bill-run:B{TODAY}",
        TODAY.isoformat(),
        False,
    )


@pytest.mark.parametrize(("kind", "status"), [("run", 422), ("preview", 303)])
async def test_a_day_to_come_can_only_be_previewed(own_web: Web, kind: str, status: int) -> None:
    sent = {"submission_key": "one", "day": (TODAY + timedelta(days=9)).isoformat(), "kind": kind}

    assert (await own_web.post("/billing/runs", who="finance", data=sent)).status_code == status


async def test_a_run_shows_what_it_came_to_and_who_is_parked(own_web: Web) -> None:
    page = await own_web.get(f"/billing/runs/{RUN}", who="finance")
    told = (await own_web.get(f"/billing/runs/{RUN}", who="finance", headers=JSON)).json()

    assert page.status_code == 200
    assert 'id="parked_c_one"' in page.text
    assert told["counts"]["invoices"] == 2
    assert told["pace"]["done"] == 2


async def test_a_parked_account_is_tried_again_once_it_is_asked(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await change(worker_engine, "delete from outbox")
    place = f"/billing/runs/{RUN}/accounts/c_one"

    answers = [await own_web.post(place, who="finance", data={"request_key": "one"}) for _ in "12"]
    await change(worker_engine, "update bill_skips set solved_at = now()")
    solved = await own_web.post(place, who="finance", data={"request_key": "two"})

    assert [one.status_code for one in answers] == [303, 303]
    assert solved.status_code == 409
    assert await rows(worker_engine, "select workflow, workflow_id from outbox") == [
        ("BillAccount", "bill-account:one")
    ]


async def test_an_account_shows_its_money_and_finance_says_how_it_is_billed(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    sent = {"version": "1", "bill_day": "25", "due_days": "7", "tax_document": "tax_invoice"}

    agents = await own_web.get("/billing/accounts/c_one", who="agent")
    changed = await own_web.post("/billing/accounts/c_one", who="finance", data=sent)
    late = await own_web.post("/billing/accounts/c_one", who="finance", data={**sent, "due_days": "9"})
    wrong = await own_web.post("/billing/accounts/c_one", who="finance", data={**sent, "bill_day": "32"})

    assert agents.status_code == 200
    assert "2025-000001" in agents.text
    assert [one.status_code for one in (changed, late, wrong)] == [303, 409, 422]
    stored = (
        "select bill_day, due_days, hold_until, version from billing_accounts where customer_id = 'c_one'"
    )
    assert await rows(worker_engine, stored) == [(25, 7, None, 2)]


async def test_usage_counts_once_however_often_it_is_sent(own_web: Web, worker_engine: AsyncEngine) -> None:
    event = {"submission_key": "e1", "subscription_id": "S1-1", "meter": "litres", "quantity": 5,
             "used_on": "2026-11-01"}  # fmt: skip
    body = {"source": "meters", "events": [event, {**event, "submission_key": "e2"}]}

    said = [await own_web.post("/billing/usage", who="finance", json=body, headers=JSON) for _ in "12"]
    unknown = {**body, "events": [{**event, "submission_key": "e3", "subscription_id": "S9"}]}
    refused = await own_web.post("/billing/usage", who="finance", json=unknown, headers=JSON)

    assert [one.json() for one in said] == [{"taken": 2, "known": 0}, {"taken": 0, "known": 2}]
    assert refused.status_code == 404
    assert await rows(worker_engine, "select sum(quantity) from usage_records where source = 'meters'") == [
        (10,)
    ]


@pytest.mark.parametrize("who", ["customer_own", "finance", "agent", "link_bill"])
async def test_an_invoice_of_a_run_is_a_page_and_a_pdf(own_web: Web, who: str) -> None:
    token = own_web.company.tokens[who]
    base = f"/links/{token}" if who.startswith("link_") else f"/billing/invoices/{bill_of('c_one')}"
    is_theirs = who in ("customer_own", "link_bill")

    page = await own_web.get(f"{base}/pay" if is_theirs else base, who=who)
    paper = await own_web.get(f"{base}/document", who=who)

    assert page.status_code == 200
    assert "2025-000001" in page.text
    assert paper.headers["content-type"] == "application/pdf"
    assert paper.content.startswith(b"%PDF-")
    assert len(paper.content) > 5_000


async def test_nobody_elses_document_is_there(own_web: Web) -> None:
    other = await own_web.get(f"/billing/invoices/{bill_of('c_two')}/document", who="customer_own")

    assert other.status_code == 404


async def test_a_run_invoice_is_paid_by_whoever_holds_its_link(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    base = f"/links/{own_web.company.tokens['link_bill']}"
    sent = {"payment_key": "pk1", "order_id": f"{bill_of('c_one')}.1", "amount": "110"}

    answer = await own_web.post(f"{base}/payment", who="link_bill", data=sent)

    assert answer.status_code == 303
    tries = f"select status, amount_minor from payment_attempts where invoice_id = '{bill_of('c_one')}'"
    assert await rows(worker_engine, tries) == [("created", 110)]


async def test_only_an_invoice_of_a_run_is_corrected(own_web: Web, worker_engine: AsyncEngine) -> None:
    await change(worker_engine, "delete from outbox")
    sent = {"request_key": "one", "reason": "wrong plan"}

    done = await own_web.post(f"/billing/invoices/{bill_of('c_one')}/correction", who="finance", data=sent)
    repair = await own_web.post("/billing/invoices/I1-1/correction", who="finance", data=sent)

    assert (done.status_code, repair.status_code) == (303, 409)
    assert await rows(worker_engine, "select workflow from outbox") == [("BillAccount",)]


@pytest.mark.parametrize("money", ["refund", "account"])
async def test_finance_says_what_becomes_of_what_was_paid(
    own_web: Web, worker_engine: AsyncEngine, money: str
) -> None:
    await change(worker_engine, "delete from outbox")
    sent = {"request_key": "one", "reason": "wrong plan", "money": money}

    await own_web.post(f"/billing/invoices/{bill_of('c_one')}/correction", who="finance", data=sent)
    wrong = {**sent, "money": "kept"}
    refused = await own_web.post(
        f"/billing/invoices/{bill_of('c_two')}/correction", who="finance", data=wrong
    )

    assert refused.status_code == 422
    kept = "select payload ->> 'keeps_money' from outbox"
    assert await rows(worker_engine, kept) == [("true" if money == "account" else "false",)]


async def test_what_the_tax_office_was_not_told_is_listed_and_asked_for_again_after_its_repair(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await change(worker_engine, "delete from outbox")
    page = (await own_web.get("/billing/tax-documents?lang=ko", who="finance")).text
    invoice = (await own_web.get(f"/billing/invoices/{bill_of('c_one')}", who="finance")).text

    again = f"/billing/tax-documents/{TAX}/again"
    done = await own_web.post(again, who="finance", data={"request_key": "press-1"})
    begun = await rows(worker_engine, "select workflow, payload ->> 'only' from outbox")
    await change(worker_engine, "update tax_documents set status = 'issued', number = id")
    refused = await own_web.post(again, who="finance", data={"request_key": "press-2"}, headers=JSON)

    for shown in (page, invoice):
        assert TAX in shown
        assert "사업자등록번호" in shown
    assert done.status_code == 303
    assert begun == [("TaxDocuments", TAX)]
    assert (refused.status_code, refused.json()["code"]) == (409, "tax_not_parked")
