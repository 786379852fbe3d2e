"""How outside systems do, the call log, and the outbox."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from models.messages.systems import CallResult, System
from models.systems import InboxItem, SystemCall
from tests.api.test_journeys import JSON, an_item, store
from tests.api.web import Web
from tests.conftest import Database

NOW = datetime.now(UTC)


def a_call(number: int, **given: Any) -> SystemCall:
    """A call to the gateway, some minutes ago."""
    usual = {
        "system": System.PAYMENTS, "operation": "confirm", "key": f"I1-1.{number}", "ticket_id": "T1",
        "at": datetime.now(UTC) - timedelta(minutes=number), "millis": number, "result": CallResult.OK,
    }  # fmt: skip
    return SystemCall(**{**usual, **given})


async def test_the_state_of_a_system_is_read_from_its_calls(own_web: Web, worker_engine: AsyncEngine) -> None:
    good = [a_call(number) for number in range(1, 51)]
    long_ago = datetime.now(UTC) - timedelta(hours=5)
    old = [a_call(number, at=long_ago, result=CallResult.FAILED) for number in range(1, 51)]
    await store(worker_engine, *good, *old, a_call(2, result=CallResult.UNKNOWN))
    async with worker_engine.begin() as connection:
        await connection.execute(text("update payment_attempts set status = 'unknown' where id = 'I1-1.1'"))

    page = (await own_web.get("/systems", who="admin", headers=JSON)).json()
    gateway = next(one for one in page["systems"] if one["system"] == "payments")

    assert (gateway["hour"]["calls"], gateway["hour"]["bad"]) == (51, 1)
    assert (gateway["day"]["calls"], gateway["day"]["bad"]) == (101, 51)
    assert gateway["hour"]["p50"] in (25, 26)
    assert gateway["hour"]["p95"] in (47, 48)
    assert gateway["unclear"][0]["amount_minor"] == 110
    assert "Some calls fail" not in (await own_web.get("/systems?lang=en", who="admin")).text
    await store(worker_engine, *(a_call(0, result=CallResult.FAILED) for _ in range(5)))
    assert "Not answering" in (await own_web.get("/systems?lang=en", who="admin")).text


async def test_the_call_log_is_paged_and_filtered(own_web: Web, worker_engine: AsyncEngine) -> None:
    await store(
        worker_engine, *(a_call(number, result=CallResult.REFUSED) for number in range(70)), a_call(99)
    )
    first = (await own_web.get("/systems/payments?result=refused", who="admin", headers=JSON)).json()
    second = (
        await own_web.get(
            f"/systems/payments?result=refused&before={first['more']}", who="admin", headers=JSON
        )
    ).json()

    keys = [call["key"] for call in first["calls"] + second["calls"]]
    assert sorted(keys) == sorted(f"I1-1.{number}" for number in range(70))
    assert second["more"] is None
    one = (await own_web.get("/systems/payments?q=I1-1.99", who="admin", headers=JSON)).json()
    assert [call["key"] for call in one["calls"]] == ["I1-1.99"]
    assert (await own_web.get("/systems/mail", who="admin")).status_code == 200
    assert (await own_web.get("/systems/nothing", who="admin", headers=JSON)).status_code == 404


async def test_calls_for_secret_tickets_are_not_listed(own_web: Web) -> None:
    page = (await own_web.get("/systems/mail", who="admin", headers=JSON)).json()

    assert {call["ticket_id"] for call in page["calls"]} == {"T1", "T4", "T5", "T6"}


async def test_the_outbox_shows_what_is_stuck_but_not_what_it_says(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    later = NOW + timedelta(hours=1)
    await store(
        worker_engine,
        an_item("a", not_before=later, created_at=NOW - timedelta(hours=2), tries=7),
        an_item("b", status="refused", refusal="ticket_closed"),
        an_item("c", status="sent", sent_at=NOW),
        InboxItem(system=System.PAYMENTS, message_id="m", received_at=NOW, body={"secret": "canary"}),
    )

    page = await own_web.get("/systems", who="admin", headers=JSON)
    html = await own_web.get("/systems?lang=en", who="admin")

    outbox = page.json()["outbox"]
    assert (outbox["waiting"], outbox["refused"], outbox["told"]) == (1, 1, 1)
    assert [item["status"] for item in outbox["items"]] == ["waiting", "refused"]
    assert page.json()["inbox"]["payments"][0] == 1
    assert "This ticket is already closed." in html.text
    assert "canary" not in html.text + page.text


async def test_a_waiting_message_is_said_again_at_once(
    own_web: Web, worker_engine: AsyncEngine, database: Database
) -> None:
    later = NOW + timedelta(hours=1)
    await store(
        worker_engine, an_item("a", not_before=later), an_item("b", status="refused", not_before=later)
    )
    async with worker_engine.connect() as connection:
        ids = {row.key: row.id for row in await connection.execute(text("select key, id from outbox"))}
    with psycopg.connect(database.worker_url, autocommit=True) as ear:
        ear.execute("listen ieum_outbox")

        said = await own_web.post(
            f"/systems/outbox/{ids['a']}/again", who="admin", headers={"HX-Request": "true"}
        )
        refused = await own_web.post(f"/systems/outbox/{ids['b']}/again", who="admin", headers=JSON)
        agent = await own_web.post(f"/systems/outbox/{ids['a']}/again", who="agent", headers=JSON)

        assert len(list(ear.notifies(timeout=5, stop_after=1))) == 1
    assert (said.status_code, refused.status_code, agent.status_code) == (200, 404, 403)
    assert 'id="systems"' in said.text
    async with worker_engine.connect() as connection:
        rows = (await connection.execute(text("select key from outbox where not_before <= now()"))).all()
        audit = (
            await connection.execute(
                text("select actor_id, subject from audit_entries where action = 'outbox_said_again'")
            )
        ).all()
    assert [row.key for row in rows] == ["a"]
    assert [tuple(row) for row in audit] == [("a_admin", "ticket:T1")]


async def test_only_administrators_look(own_web: Web) -> None:
    for who in (
        "agent",
        "dispatcher",
        "finance",
        "technician_assigned",
        "partner_own",
        "customer_own",
        "employee",
    ):
        for path in ("/systems", "/systems/mail"):
            assert (await own_web.get(path, who=who, headers=JSON)).status_code == 403
