"""A confidential request is invisible: whoever it does not name is answered as if there were none."""

import json
import re

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.kit.routes import rules
from tests.api.walk import address_of
from tests.api.web import Web, web_on
from tests.builders.company import NOW, Company
from tests.builders.employee_requests import SECRET, a_request
from tests.builders.field_service import store
from tests.conftest import Database

WORDS = ("/employee-requests", "/home", "/journeys", "/tickets", "/search")
TABLES = (
    "request_readers", "request_files", "request_tasks", "request_approvals", "request_steps",
    "request_handovers",
)  # fmt: skip
# Of the team that owns it, of its task's team, of other roles; the agent asked and the administrator decides.
UNNAMED = ("agent_other_team", "agent_and_finance", "dispatcher", "finance", "employee", "customer_own")
KEYS = r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
CHANCE = re.compile(rf"{KEYS}|\d{{4}}-\d\d-\d\dT[\d:.]+(Z|\+00:00)?")
COUNTED = (
    "/employee-requests/items/laptop/requests",
    "/employee-requests/mine?show=over",
    "/journeys?who=employee",
)


async def answers(web: Web, who: str) -> dict[str, str]:
    """What somebody is told on every page of these words, without what chance and the clock put there (a
    page of promises counts the minutes that pass)."""
    paths = {
        address_of(rule, web.company) for rule in rules(web.app)
        if rule.method == "GET" and rule.path.startswith(WORDS) and not rule.path.endswith("/promises")
    }  # fmt: skip
    found = {}
    for path in sorted({*paths, *COUNTED}):
        answer = await web.get(path, who=who, headers={"Accept": "application/json"})
        found[path] = f"{answer.status_code} {CHANCE.sub('', answer.text)}"
    for place in ("/employee-requests/search", "/home/search"):
        for words in ("laptop", SECRET, "노트북"):
            sought = await web.post(place, who=who, data={"q": words}, headers={"Accept": "application/json"})
            found[f"{place}: {words}"] = f"{sought.status_code} {CHANCE.sub('', sought.text)}"
    table = await web.post("/employee-requests/items/laptop/requests/export", who=who)
    return {**found, "export": table.text if table.status_code == 200 else str(table.status_code)}


@pytest.mark.parametrize("who", UNNAMED)
async def test_whoever_is_not_named_is_answered_as_if_there_were_none(
    own_company: Company, app_engine: AsyncEngine, database: Database, worker_engine: AsyncEngine, who: str
) -> None:
    web = web_on(app_engine, own_company)
    with_it = await answers(web, who)
    async with worker_engine.connect() as connection:
        seen = "select count(*) from timeline_entries where case_id = :id"
        assert await connection.scalar(text(seen), {"id": SECRET})
    await vanish(database)

    without = await answers(web, who)

    assert len(with_it) > 40
    assert not [path for path in with_it if with_it[path] != without[path]]


async def vanish(database: Database) -> None:
    """Nothing of the confidential request was ever there."""
    with psycopg.connect(database.cluster.url(database.name)) as owner:
        owner.execute("set session_replication_role = replica")  # what is only ever added to goes, too
        for table in TABLES:
            owner.execute(f"delete from {table} where request_id = %s", [SECRET])
        owner.execute("delete from timeline_entries where case_id = %s", [SECRET])
        gone = owner.execute("delete from employee_requests where id = %s", [SECRET])
        assert gone.rowcount == 1


async def test_the_same_comparison_notices_a_request_that_is_not_confidential(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    before = await answers(own_web, "dispatcher")
    await store(worker_engine, a_request("E71", NOW, submission_key="key-E71", owner_team_id="team_one"))

    after = await answers(own_web, "dispatcher")

    changed = {path for path in before if before[path] != after[path]}
    assert {"export", "/employee-requests/items", "/employee-requests/items/laptop/requests"} <= changed
    counts = [json.loads(one[COUNTED[0]][4:])["measure"]["asked"] for one in (before, after)]
    assert counts[1] == counts[0] + 1
