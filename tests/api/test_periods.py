"""The books on pages: who begins a close, what a month shows, and what a line of the ERP is made of."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.api.web import Web, web_on
from tests.builders.books import LEAP, LINE
from tests.builders.company import Company

JSON = {"Accept": "application/json"}


@pytest.fixture
async def office(own_company: Company, worker_engine: AsyncEngine, app_engine: AsyncEngine) -> Web:
    async with worker_engine.begin() as connection:
        await connection.execute(text("delete from outbox"))
    return web_on(app_engine, own_company)


async def rows(engine: AsyncEngine, query: str) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(query))).all()]


async def test_a_close_and_its_start_are_stored_together_and_once(
    office: Web, worker_engine: AsyncEngine
) -> None:
    sent = {"month": "2026-01"}
    answers = await asyncio.gather(
        *(office.post("/billing/periods", who="finance", data=sent, headers=JSON) for _ in range(4))
    )

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"close_under_way"}
    asked = "select status, asked_by, round from accounting_periods where id = '2026-01'"
    assert await rows(worker_engine, asked) == [("open", "a_finance", 1)]
    ((workflow, workflow_id, payload),) = await rows(
        worker_engine, "select workflow, workflow_id, payload from outbox"
    )
    assert (workflow, workflow_id) == ("Close", "close:2026-01")
    order = payload if isinstance(payload, dict) else json.loads(payload)
    assert (order["period_id"], order["asked_by"]) == ("2026-01", "a_finance")


@pytest.mark.parametrize(
    ("month", "code"),
    [
        ("2999-01", "month_not_over"),
        ("2026-13", "invalid_form"),
        ("soon", "invalid_form"),
        (LEAP, "close_under_way"),
    ],
)
async def test_a_month_that_cannot_be_closed_is_refused(
    office: Web, worker_engine: AsyncEngine, month: str, code: str
) -> None:
    answer = await office.post("/billing/periods", who="finance", data={"month": month}, headers=JSON)

    assert answer.json()["code"] == code
    assert await rows(worker_engine, "select id from outbox") == []


async def test_a_month_shows_its_checks_batches_and_who_accepted_what(office: Web) -> None:
    page = (await office.get(f"/billing/periods/{LEAP}", who="finance", headers=JSON)).json()

    assert page["period"]["status"] == "closed"
    (check,) = page["checks"]
    assert (check["code"], check["status"], check["samples"]) == ("unknown", "accepted", [["I1-1.1", 110]])
    assert check["accepted_by"] != "a_finance"  # a name, not an id
    (batch,) = page["batches"]
    assert (batch["document_number"], [one["code"] for one in batch["lines"]]) == ("2024-7", ["108", "412"])
    assert page["deferred"] == [1, 100]


async def test_a_line_of_the_erp_leads_to_its_invoice_and_journey(office: Web) -> None:
    page = (await office.get(f"/billing/postings/{LINE}", who="finance", headers=JSON)).json()

    (row,) = page["rows"]
    assert (row["amount_minor"], row["purpose"]) == (110, "cancel")
    assert row["behind"] == {
        "href": "/billing/invoices/I1-1", "document": "2026-000001", "journey": "invoice:I1-1", "cause": "T1",
        "is_shown": True,
    }  # fmt: skip
    assert page["next"] == ""


async def test_a_long_line_is_read_fifty_at_a_time_without_losing_or_repeating_one(
    office: Web, worker_engine: AsyncEngine
) -> None:
    await closed_with(worker_engine, 120)
    seen: list[int] = []
    address = "/billing/postings/2024-05.1-revenue-credit"
    while address:
        page = (await office.get(address, who="finance", headers=JSON)).json()
        seen += [row["id"] for row in page["rows"]]
        assert len(page["rows"]) <= 50
        address = page["next"]

    assert seen == list(range(5001, 5121))


async def closed_with(engine: AsyncEngine, count: int) -> None:
    """May 2024 with so many transactions, closed."""
    statements = (
        f"""with made as (insert into ledger_transactions
              (id, source, purpose, customer_id, posted_on, posted_at)
              select 5000 + n, 'invoice:x' || n, 'issue', 'c_one', '2024-05-17', now()
              from generate_series(1, {count}) n returning id)
            insert into ledger_entries
              (transaction_id, position, account, debit_minor, credit_minor, currency)
            select id, position, account, debit, credit, 'KRW' from made cross join (values
              (1, 'receivable', 10, 0), (2, 'revenue', 0, 10)) sides (position, account, debit, credit)""",
        f"""insert into accounting_periods values ('2024-05', '2024-05-01', '2024-06-01', 'closed', 1,
              {5000 + count}, '', now(), now(), '', '', 3)""",
        f"""insert into erp_batches values ('ieum:2024-05.1', '2024-05', 1, 0, {5000 + count}, 'acknowledged',
              {count}, 8, '2024-8', now(), now())""",
        f"""insert into erp_postings values ('2024-05.1-revenue-credit', 'ieum:2024-05.1', '2024-05',
              'revenue', '412', 0, {count * 10}, {count})""",
    )
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def test_the_ledger_adds_closed_and_open_months_up(office: Web, worker_engine: AsyncEngine) -> None:
    page = (await office.get("/billing/ledger", who="finance", headers=JSON)).json()

    booked = await rows(
        worker_engine,
        "select account, sum(debit_minor - credit_minor)::int from ledger_entries group by account",
    )
    assert {row["account"]: row["balance_minor"] for row in page["rows"]} == dict(booked)


@pytest.mark.parametrize("address", ["/billing/periods", f"/billing/periods/{LEAP}", "/billing/ledger"])
async def test_only_finance_and_administrators_see_the_books(office: Web, address: str) -> None:
    for who, status in (("finance", 200), ("admin", 200), ("agent", 403), ("customer_own", 403)):
        assert (await office.get(address, who=who, headers=JSON)).status_code == status, who
