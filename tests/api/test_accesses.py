"""The record of who saw whose personal data: shown, narrowed, and given out for a reason only."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.kit.spreadsheets import harmless
from models.staff import PersonalDataAccess
from tests.api.web import Web

NOON = datetime(2026, 3, 10, 3, tzinfo=UTC)  # twelve o'clock in Seoul
JSON = {"Accept": "application/json"}


def look(actor: str, subject: str, at: datetime, purpose: str = "to call back") -> dict[str, object]:
    return {
        "at": at, "actor_id": actor, "actor_kind": "staff", "address": "10.0.0.7", "subject_id": subject,
        "action": "customers.disclosed", "purpose": purpose, "fields": ["phone"],
    }  # fmt: skip


@pytest.fixture
async def record(own_web: Web, worker_engine: AsyncEngine) -> Web:
    """Looks of two people on several days, at and around midnight in Seoul."""
    day = timedelta(days=1)
    looks = [
        look("a_agent", "c_one", NOON - day),
        look("a_agent", "c_one", NOON),
        look("a_agent", "c_two", NOON + timedelta(hours=11, minutes=59)),  # 23:59 in Seoul
        look("a_agent", "c_two", NOON + timedelta(hours=12)),  # midnight: the next day
        look("a_finance", "c_two", NOON, "=cmd|' /C calc'!A0"),
    ]
    async with worker_engine.begin() as connection:
        await connection.execute(insert(PersonalDataAccess), looks)
    return own_web


@pytest.mark.parametrize(
    ("asked", "count", "subjects"),
    [
        ({}, 6, 2),  # the sample company has one more
        ({"actor": "a_agent", "since": "2026-03-09", "until": "2026-03-11"}, 4, 2),
        ({"actor": "a_agent", "since": "2026-03-10", "until": "2026-03-10"}, 2, 2),
        ({"actor": "a_agent", "since": "2026-03-09", "until": "2026-03-09"}, 1, 1),
        ({"subject": "c_two", "since": "2026-03-10", "until": "2026-03-11"}, 3, 1),
        ({"actor": "a_nobody"}, 0, 0),
        ({"since": "no day", "actor": "a_finance"}, 1, 1),
    ],
    ids=str,
)
async def test_whose_data_somebody_saw_between_two_days_is_counted_exactly(
    record: Web, asked: dict[str, str], count: int, subjects: int
) -> None:
    """The question after a breach: whose data did X see between T1 and T2."""
    page = (await record.get("/staff/accesses", who="admin", params=asked, headers=JSON)).json()

    assert (page["count"], page["subjects"], len(page["lines"])) == (count, subjects, count)


async def test_pages_follow_each_other_without_a_gap_or_a_double(
    record: Web, worker_engine: AsyncEngine
) -> None:
    async with worker_engine.begin() as connection:
        await connection.execute(
            insert(PersonalDataAccess), [look("a_agent", f"c_{n}", NOON) for n in range(120)]
        )
    path, seen = "/staff/accesses?actor=a_agent&since=2026-03-10&until=2026-03-10", []
    while path:
        page = (await record.get(path, who="admin", headers=JSON)).json()
        seen += [line["subject_id"] for line in page["lines"]]
        path = page["next"]

    assert len(seen) == page["count"] == 122
    assert len(set(seen)) == 122


async def test_a_browser_sees_names_and_reasons(record: Web) -> None:
    page = await record.get("/staff/accesses?actor=a_agent", who="admin")

    assert page.status_code == 200
    assert "to call back" in page.text
    assert "10.0.0.7" in page.text


async def test_nothing_leaves_without_a_reason(record: Web, worker_engine: AsyncEngine) -> None:
    answer = await record.post("/staff/accesses/export", who="admin", data={"purpose": " "}, headers=JSON)

    assert answer.status_code == 422
    async with worker_engine.connect() as connection:
        noted = await connection.scalar(
            text("select count(*) from audit_entries where action like '%export%'")
        )
    assert noted == 0


async def test_what_leaves_is_written_down_and_runs_nothing(record: Web, worker_engine: AsyncEngine) -> None:
    sent = {"purpose": "monthly review", "actor": "a_finance"}
    answer = await record.post("/staff/accesses/export", who="admin", data=sent)

    assert answer.headers["content-disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert [row["actor_id"] for row in rows] == ["a_finance"]
    assert rows[0]["purpose"] == "'=cmd|' /C calc'!A0"
    async with worker_engine.connect() as connection:
        found = await connection.execute(
            text("select actor_id, details from audit_entries where action = 'accesses_exported'")
        )
        actor, details = found.one()
    assert actor == "a_admin"
    assert details == {"purpose": "monthly review", "rows": 1, "asked": {"actor": "a_finance"}}


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1"])
def test_a_formula_becomes_text(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("who", ["agent", "dispatcher", "finance", "agent_and_finance"])
async def test_only_administrators_see_the_record(record: Web, who: str) -> None:
    assert (await record.get("/staff/accesses", who=who, headers=JSON)).status_code == 403
    assert (await record.post("/staff/accesses/export", who=who, data={"purpose": "x"})).status_code == 403
