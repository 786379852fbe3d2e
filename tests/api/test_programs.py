"""Tickets for programs: scoped keys, one change per idempotency key, refusals as sentences."""

from typing import Any

import httpx
import psycopg
import pytest

from api.channels.openapi import document
from api.kit.throttles import Limits
from tests.api.web import ORIGIN, Web
from tests.builders.channels import token_of
from tests.conftest import Database

NEW = {"subject": "No water", "description": "Since this morning", "customer_id": "c_one"}


async def call(
    web: Web, method: str, path: str, key: str = "all", once: str = "", **more: Any
) -> httpx.Response:
    """A program's request: no cookie, no word against forgery, and it says nothing of what it accepts."""
    headers = {"Authorization": f"Bearer {token_of(key)}"}
    if once:
        headers["Idempotency-Key"] = once
    transport = httpx.ASGITransport(web.app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, trust_env=False) as client:
        return await client.request(method, path, headers=headers, **more)


async def test_a_program_opens_reads_lists_answers_and_notes(own_web: Web, database: Database) -> None:
    made = await call(own_web, "POST", "/api/tickets", once="order-1", json=NEW)
    ticket = made.json()["id"]
    replied = await call(own_web, "POST", f"/api/tickets/{ticket}/replies", once="r1", json={"body": "Soon"})
    noted = await call(own_web, "POST", f"/api/tickets/{ticket}/notes", once="n1", json={"body": "VIP"})
    shown = (await call(own_web, "GET", f"/api/tickets/{ticket}")).json()
    first = (await call(own_web, "GET", "/api/tickets?limit=1")).json()

    assert (made.status_code, replied.status_code, noted.status_code) == (201, 201, 201)
    assert (shown["channel"], shown["customer_id"], shown["status"]) == ("api", "c_one", "received")
    assert [one["kind"] for one in shown["messages"]] == ["inbound", "reply", "note"]
    assert [one["id"] for one in first["tickets"]] == [ticket] == [first["next"]]
    with psycopg.connect(database.owner_url) as owner:
        said = owner.execute(
            "select kind, name from outbox where workflow_id = %s order by id", (f"ticket:{ticket}",)
        ).fetchall()
    assert said == [("start", ""), ("update", "reply"), ("update", "note")]


async def test_the_same_key_counts_once_and_another_text_under_it_is_refused(own_web: Web) -> None:
    first = await call(own_web, "POST", "/api/tickets", once="k1", json=NEW)
    again = await call(own_web, "POST", "/api/tickets", once="k1", json=NEW)
    other = await call(own_web, "POST", "/api/tickets", once="k1", json={**NEW, "subject": "Another"})
    at = f"/api/tickets/{first.json()['id']}/notes"
    noted = [(await call(own_web, "POST", at, once="n", json={"body": "a"})).json()["id"] for _ in "ab"]
    clash = await call(own_web, "POST", at, once="n", json={"body": "b"})

    assert again.json() == first.json()
    assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    assert noted[0] == noted[1]
    assert (clash.status_code, clash.json()["code"]) == (409, "key_reused")


@pytest.mark.parametrize(
    ("key", "method", "path", "once", "body", "refusal"),
    [
        ("nobody", "GET", "/api/tickets", "", None, (401, "not_signed_in")),
        ("ended", "GET", "/api/tickets", "", None, (401, "not_signed_in")),
        ("reads", "POST", "/api/tickets", "x", NEW, (403, "scope_missing")),
        ("reads", "POST", "/api/tickets/T1/notes", "x", {"body": "x"}, (403, "scope_missing")),
        ("all", "POST", "/api/tickets", "", NEW, (422, "key_missing")),
        ("all", "POST", "/api/tickets", "x", {**NEW, "status": "closed"}, (422, "invalid_form")),
        ("all", "POST", "/api/tickets", "x", {"subject": "x", "description": "y"}, (422, "invalid_form")),
        ("all", "POST", "/api/tickets", "x", {**NEW, "customer_id": "c_gone"}, (404, "not_found")),
        ("all", "POST", "/api/tickets", "x", {**NEW, "owned_product_id": "op2"}, (404, "not_found")),
        ("all", "GET", "/api/tickets/T2", "", None, (404, "not_found")),  # confidential, of another team
        ("all", "GET", "/api/tickets/T999", "", None, (404, "not_found")),
        ("all", "GET", "/api/tickets?status=x", "", None, (422, "invalid_form")),
        ("all", "GET", "/api/tickets?limit=0", "", None, (422, "invalid_form")),
        ("all", "GET", "/home", "", None, (401, "not_signed_in")),  # no page opens to a program's key
        ("all", "POST", "/me/keys", "", {"name": "x"}, (401, "not_signed_in")),
    ],
)
async def test_what_a_key_may_not_is_refused_with_a_sentence(
    web: Web, key: str, method: str, path: str, once: str, body: Any, refusal: tuple[int, str]
) -> None:
    answer = await call(web, method, path, key, once, json=body)
    if path in ("/home", "/me/keys"):
        assert answer.status_code in (303, 401, 403)
        return

    assert (answer.status_code, answer.json()["code"]) == refusal
    assert answer.json()["message"]


async def test_a_closed_ticket_is_not_answered(own_web: Web, database: Database) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("update tickets set status = 'closed', is_over = true where id = 'T1'")

    answer = await call(own_web, "POST", "/api/tickets/T1/replies", once="x", json={"body": "x"})

    assert (answer.status_code, answer.json()["code"]) == (409, "ticket_closed")


async def test_a_program_that_asks_too_often_waits(own_web: Web) -> None:
    own_web.app.state.limits = Limits(calls=2)
    found = [(await call(own_web, "GET", "/api/tickets")).status_code for _ in range(4)]

    assert found == [200, 200, 429, 429]


async def test_the_document_names_every_route_of_the_programs(web: Web) -> None:
    answer = await web.get("/api/openapi.json", who="agent")
    routes = {
        (route.rule.method.lower(), route.rule.path) for route in web.app.routes
        if getattr(route, "path", "").startswith("/api/tickets")
    }  # fmt: skip

    named = {(method, path) for path, ways in answer.json()["paths"].items() for method in ways}
    assert named == routes
    assert document(ORIGIN)["paths"]["/api/tickets"]["post"]["security"] == [{"key": ["tickets_create"]}]
