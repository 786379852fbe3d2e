"""A key that somebody makes up is theirs: somebody else's same key does another thing."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.api.web import Web

KEY = "1234567890abcdef"
JSON = {"Accept": "application/json"}


async def rows(engine: AsyncEngine, statement: str) -> list[Any]:
    async with engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(statement))]


@pytest.fixture(autouse=True)
async def open_tickets(own_web: Web, worker_engine: AsyncEngine) -> None:
    """Tickets that one may write to, and visits at work."""
    async with worker_engine.begin() as connection:
        await connection.execute(text("update tickets set status = 'open', is_over = false"))
        await connection.execute(text("update visits set status = 'working', is_over = false"))


async def test_two_people_say_different_things_under_one_key(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    for who in ("agent", "admin", "agent"):
        note = {"command_id": KEY, "kind": "note", "body": f"note of {who}"}
        answer = await own_web.post("/tickets/T1/notes", who=who, data=note, headers=JSON)
        assert answer.status_code == 202, answer.text

    said = await rows(worker_engine, f"select actor_id, status from outbox where key = '{KEY}' order by 1")
    kept = await rows(
        worker_engine, "select body from ticket_messages where body like 'note of %' order by 1"
    )
    assert said == [("a_admin", "waiting"), ("a_agent", "waiting")]
    assert kept == [("note of admin",), ("note of agent",)]


async def test_one_key_on_two_tickets_is_two_commands(own_web: Web, worker_engine: AsyncEngine) -> None:
    for ticket in ("T1", "T6"):
        answer = await own_web.post(
            f"/tickets/{ticket}/withdrawal", who="customer_own", data={"command_id": KEY}, headers=JSON
        )
        assert answer.status_code == 202, answer.text

    said = await rows(worker_engine, f"select workflow_id from outbox where key = '{KEY}' order by 1")
    assert said == [("ticket:T1",), ("ticket:T6",)]


async def test_the_same_form_key_of_two_customers_is_two_tickets(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    numbers = []
    for who in ("customer_own", "customer_other", "customer_own"):
        fault = {"submission_key": KEY, "subject": "Loud", "description": f"says {who}"}
        answer = await own_web.post("/tickets/new", who=who, data=fault, headers=JSON)
        assert answer.status_code == 201, answer.text
        numbers.append(answer.json()["ticket_id"])

    made = await rows(
        worker_engine, f"select customer_id from tickets where submission_key = '{KEY}' order by 1"
    )
    assert made == [("c_one",), ("c_two",)]
    assert numbers[0] == numbers[2] != numbers[1]


async def test_two_phones_may_number_their_lines_alike(own_web: Web, worker_engine: AsyncEngine) -> None:
    for who, visit in (("technician_assigned", "V1-1"), ("technician_other", "V2-1")):
        for _ in range(2):
            answer = await own_web.post(
                f"/field-service/visits/{visit}/ticks", who=who, headers={**JSON, "Idempotency-Key": "1"},
                data={"step": "power", "done": "true"},
            )  # fmt: skip
            assert answer.json() == {"status": "done"}, answer.text

    ticked = "select visit_id from visit_checklist_ticks where code = 'power' order by 1"
    assert await rows(worker_engine, ticked) == [("V1-1",), ("V2-1",)]
