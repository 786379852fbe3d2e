"""The command centre and the page of one journey; readable payloads for administrators only."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio.api.common.v1 import Payload
from temporalio.converter import WorkflowSerializationContext

from api.kit.navigation import ENTRIES
from api.kit.routes import rules
from models.journeys import JourneyHistory, OpenWait
from models.kit.timeline import ActorKind, EntryKind, TimelineEntry
from models.messages.journeys import WaitFor
from models.messages.staff import STAFF_ROLES, Role
from models.systems import OutboxItem
from tests.api.web import Web, web_on
from tests.builders import bills, books
from workflows.kit.payloads import EncryptedPayloads

NOW = datetime.now(UTC)
UI = "http://localhost:8233"
JSON = {"Accept": "application/json"}


async def store(engine: AsyncEngine, *rows: Any) -> None:
    async with AsyncSession(engine) as session, session.begin():
        session.add_all(rows)


def a_wait(number: int, **given: Any) -> OpenWait:
    """An open wait of ticket T1."""
    usual = {
        "workflow_id": "ticket:T1", "key": f"w{number:03}", "subject": "ticket:T1", "ticket_id": "T1",
        "who": WaitFor.US, "what": "answer", "since": NOW - timedelta(hours=2),
        "until": NOW + timedelta(minutes=number),
    }  # fmt: skip
    return OpenWait(**{**usual, **given})


@pytest.mark.parametrize("role", sorted(STAFF_ROLES))
async def test_every_entry_of_the_rail_leads_to_a_page_that_opens(own_web: Web, role: Role) -> None:
    shown = [entry for entry in ENTRIES if role in entry.roles]
    declared = {rule.path: rule for rule in rules(own_web.app) if rule.method == "GET"}

    assert shown
    for entry in shown:
        assert declared[entry.href].may & {role, "signed_in"}, entry
        answer = await own_web.get(entry.href, who=role)
        assert answer.status_code in (200, 303), entry


async def test_agents_see_how_many_journeys_wait_for_whom(own_web: Web, worker_engine: AsyncEngine) -> None:
    before = (await own_web.get("/journeys", who="agent", headers=JSON)).json()["numbers"]
    late = a_wait(1, who=WaitFor.CUSTOMER, until=NOW - timedelta(hours=1))
    came = TimelineEntry(key="x", subject="ticket:T1", ticket_id="T1", at=NOW, kind=EntryKind.STEP,
                         actor_kind=ActorKind.SYSTEM, sentence="tickets.received")  # fmt: skip
    await store(worker_engine, late, came)

    after = (await own_web.get("/journeys", who="agent", headers=JSON)).json()["numbers"]

    assert after["waits"]["customer"] == before["waits"].get("customer", 0) + 1
    assert after["ages"]["customer"][1] == before["ages"].get("customer", [0] * 6)[1] + 1
    assert sum(after["flow"]["came"]) == sum(before["flow"]["came"]) + 1
    assert after["refused"] is None


async def test_waits_of_secret_tickets_are_counted_for_their_team_only(own_web: Web) -> None:
    """T2 and T3 are confidential: of team two and of team one."""
    seen = {}
    for who in ("agent", "agent_other_team", "admin"):
        page = (await own_web.get("/journeys", who=who, headers=JSON)).json()
        seen[who] = {row["ticket_id"] for row in page["waits"]}
        assert sum(page["numbers"]["waits"].values()) == len(page["waits"])

    assert "T2" not in seen["agent"] | seen["admin"]
    assert {"T1", "T3"} <= seen["agent"]
    assert "T2" in seen["agent_other_team"]
    assert "T3" not in seen["agent_other_team"]


async def test_waits_are_filtered_and_paged_without_losing_one(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await store(
        worker_engine, *(a_wait(number, who=WaitFor.TECHNICIAN, what="travel") for number in range(60))
    )
    path, found = "/journeys?who=technician&what=travel", []
    while path:
        page = (await own_web.get(path, who="agent", headers=JSON)).json()
        found += [row["key"] for row in page["waits"]]
        path = page["next"]

    assert found == [f"w{number:03}" for number in range(60)]
    html = await own_web.get("/journeys?who=technician&overdue=true", who="agent")
    assert html.status_code == 200
    mangled = await own_web.get("/journeys?after=nonsense~~", who="agent")
    assert mangled.status_code == 200


async def test_administrators_see_unclear_money_and_refused_messages(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await store(
        worker_engine, an_item("refused", status="refused", refusal="ticket_closed"), an_item("waiting")
    )
    async with worker_engine.begin() as connection:
        await connection.execute(text("update payment_attempts set status = 'unknown' where id = 'I1-1.1'"))

    page = (await own_web.get("/journeys", who="admin", headers=JSON)).json()["numbers"]
    html = (await own_web.get("/journeys?lang=en", who="admin")).text

    assert (page["refused"], page["waiting"]) == (1, 1)
    assert page["unknown"] == [{"count": 1, "amount_minor": 110, "currency": "KRW"}]
    assert "₩110" in html


def an_item(key: str, **given: Any) -> OutboxItem:
    """One item of the outbox."""
    usual = {
        "key": key, "kind": "start", "workflow": "Ticket", "workflow_id": "ticket:T1", "not_before": NOW,
        "created_at": NOW, "payload": {"secret": "canary"},
    }  # fmt: skip
    return OutboxItem(**{**usual, **given})


async def test_one_journey_shows_what_is_known_of_it(own_web: Web, worker_engine: AsyncEngine) -> None:
    await store(worker_engine, an_item("k1"), a_wait(1))

    html = (await own_web.get("/journeys/ticket:T1?lang=en", who="admin")).text
    data = (await own_web.get("/journeys/ticket:T1", who="admin", headers=JSON)).json()

    assert "canary" not in html + json.dumps(data)
    assert {child["workflow_id"] for child in data["children"]} == {"visit:V1-1", "invoice:I1-1"}
    assert data["temporal_href"].endswith("/namespaces/default/workflows/ticket%3AT1")
    assert [call["key"] for call in data["calls"]] == ["mail:T1"]
    assert "Waiting for our first answer" in html
    for workflow_id, parent in (
        ("visit:V1-1", "ticket:T1"),
        ("invoice:I1-1", "charge:I1-1.1"),
        ("charge:I1-1.1", "ticket:T1"),
    ):
        page = (await own_web.get(f"/journeys/{workflow_id}", who="admin", headers=JSON)).json()
        assert parent in {child["workflow_id"] for child in page["children"]}


@pytest.mark.parametrize(
    ("journey", "page"),
    [(f"close:{books.LEAP}", f"/billing/periods/{books.LEAP}"), (f"bill-run:{bills.RUN}", "/billing/runs"),
     (f"invoice:{bills.bill_of('c_one')}", "/billing/invoices"),
     ("invoice:IO1-1", "/billing/invoices/IO1-1")],
)  # fmt: skip
async def test_what_belongs_to_no_ticket_has_a_journey(web: Web, journey: str, page: str) -> None:
    shown = await web.get(f"/journeys/{journey}", who="admin")
    data = (await web.get(f"/journeys/{journey}", who="admin", headers=JSON)).json()

    assert shown.status_code == 200
    assert data["page_href"].startswith(page)
    assert (data["thing"]["ticket_id"], data["calls"]) == ("", [])


@pytest.mark.parametrize(
    "absent",
    [
        "close:1999-01",
        "ticket:T2",
        "visit:V2-1",
        "invoice:I2-1",
        "charge:I2-1.1",
        "ticket:T99",
        "house",
        "x:1",
    ],
)
async def test_a_journey_of_a_secret_ticket_does_not_exist_for_administrators(web: Web, absent: str) -> None:
    answer = await web.get(f"/journeys/{absent}", who="admin", headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_kept_history_is_handed_out_as_it_is_stored(own_web: Web, worker_engine: AsyncEngine) -> None:
    await store(
        worker_engine,
        JourneyHistory(workflow_id="ticket:T1", run_id="run-2", word="Ticket", status="completed", events=3,
                       history='{"events": []}', closed_at=NOW),
    )  # fmt: skip

    kept = await own_web.get("/journeys/ticket:T1/histories/run-2", who="admin")
    secret = await own_web.get("/journeys/ticket:T2/histories/r", who="admin", headers=JSON)
    agent = await own_web.get("/journeys/ticket:T1/histories/run-2", who="agent", headers=JSON)

    assert kept.text == '{"events": []}'
    assert "attachment" in kept.headers["content-disposition"]
    assert (secret.status_code, agent.status_code) == (404, 403)


# --- readable payloads ---------------------------------------------------------------------------------


@pytest.fixture
async def ui_web(own_web: Web) -> Web:
    """The app beside a Temporal UI."""
    return web_on(own_web.app.state.engine, own_web.company, temporal_ui_url=UI)


async def encrypted(data: bytes, life: str = "") -> dict[str, Any]:
    """A payload as Temporal keeps it and its UI sends it."""
    plain = Payload(metadata={"encoding": b"json/plain"}, data=data)
    codec = EncryptedPayloads((("test", bytes(32)),))
    if life:
        codec = codec.with_context(WorkflowSerializationContext("default", life))
    hidden = (await codec.encode([plain]))[0]
    metadata = {name: base64.b64encode(value).decode() for name, value in hidden.metadata.items()}
    return {"metadata": metadata, "data": base64.b64encode(hidden.data).decode()}


async def ask(web: Web, who: str, body: Any, **headers: str) -> httpx.Response:
    """What the Temporal UI's page sends from its own port."""
    sent = {
        **JSON,
        "Origin": UI,
        "Sec-Fetch-Site": "same-site",
        "X-Namespace": "default",
        "X-CSRF-Token": "",
        **headers,
    }
    return await web.post("/codec/decode?workflow=ticket:T1", who=who, json=body, headers=sent)


async def audited(engine: AsyncEngine) -> list[Any]:
    async with engine.connect() as connection:
        asked = "select actor_id, subject, details from audit_entries where action = 'payloads_read'"
        return list((await connection.execute(text(asked))).all())


async def test_an_administrator_reads_payloads_and_that_is_written_down(
    ui_web: Web, worker_engine: AsyncEngine
) -> None:
    answer = await ask(ui_web, "admin", {"payloads": [await encrypted(b'"a secret"'), await encrypted(b"2")]})

    shown = [base64.b64decode(payload["data"]) for payload in answer.json()["payloads"]]
    assert shown == [b'"a secret"', b"2"]
    assert answer.headers["access-control-allow-origin"] == UI
    assert answer.headers["access-control-allow-credentials"] == "true"
    found = await audited(worker_engine)
    assert [tuple(row) for row in found] == [("a_admin", "ticket:T1", {"payloads": 2})]


@pytest.mark.parametrize(
    "who", ["anonymous", "agent", "dispatcher", "finance", "technician_assigned", "customer_own"]
)
async def test_nobody_else_reads_payloads(ui_web: Web, worker_engine: AsyncEngine, who: str) -> None:
    answer = await ask(ui_web, who, {"payloads": [await encrypted(b'"a secret"')]})

    assert answer.status_code == (401 if who == "anonymous" else 403)
    assert "payloads" not in answer.json()
    assert await audited(worker_engine) == []


async def test_payloads_of_what_an_administrator_may_not_see_stay_closed(ui_web: Web) -> None:
    lives = {
        "employee-request:E1": True, "employee-request:E2": True,  # the second one names this administrator
        "employee-request:EH2": False, "employee-request:E99": False,
        "ticket:T1": True, "ticket:T2": False, "people-sync:1": True,
    }  # fmt: skip
    sealed = {life: await encrypted(f'"{life}"'.encode(), life) for life in lives}
    stripped, swapped = await encrypted(b'"x"', "ticket:T2"), await encrypted(b'"x"', "ticket:T2")
    del stripped["metadata"]["life"]
    swapped["metadata"]["life"] = sealed["ticket:T1"]["metadata"]["life"]

    asked = [*sealed.values(), stripped, swapped]
    shown = (await ask(ui_web, "admin", {"payloads": asked})).json()["payloads"]

    opened = [base64.b64decode(one["data"]).decode() for one in shown if one not in asked]
    assert opened == [f'"{life}"' for life, is_shown in lives.items() if is_shown]
    assert shown[-2:] == [stripped, swapped]


@pytest.mark.parametrize(
    "origin", ["http://localhost:8234", "http://evil.example", "null", "", UI + ".evil.example"]
)
async def test_no_other_site_reads_payloads(ui_web: Web, worker_engine: AsyncEngine, origin: str) -> None:
    answer = await ask(ui_web, "admin", {"payloads": [await encrypted(b"1")]}, Origin=origin)

    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert "access-control-allow-origin" not in answer.headers
    assert await audited(worker_engine) == []


async def test_a_key_of_an_administrator_reads_payloads_without_an_origin(ui_web: Web) -> None:
    keyed = {"Authorization": f"Bearer {ui_web.company.tokens['admin']}-api", "Cookie": "", "Origin": ""}

    answer = await ask(ui_web, "nobody_known", {"payloads": [await encrypted(b"1")]}, **keyed)

    assert base64.b64decode(answer.json()["payloads"][0]["data"]) == b"1"


async def test_what_no_key_of_ours_opens_stays_closed(ui_web: Web, worker_engine: AsyncEngine) -> None:
    broken, foreign = await encrypted(b"1"), await encrypted(b"2")
    broken["data"] = broken["data"][:-8] + "AAAAAAA="
    foreign["metadata"]["key-id"] = base64.b64encode(b"other").decode()
    plain = {"metadata": {"encoding": base64.b64encode(b"json/plain").decode()}, "data": "MQ=="}

    answer = await ask(ui_web, "admin", {"payloads": [broken, foreign, plain]})

    assert answer.json()["payloads"] == [broken, foreign, plain]
    assert await audited(worker_engine) == []


@pytest.mark.parametrize(
    "body", ["x", [], {"payloads": 3}, {"payloads": [{"metadata": 1}]}, {"payloads": [{}] * 2001}]
)
async def test_a_damaged_question_is_refused(ui_web: Web, body: Any) -> None:
    assert (await ask(ui_web, "admin", body)).status_code == 422


async def test_browsers_may_ask_from_the_ui_only(ui_web: Web) -> None:
    wish = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-namespace",
    }

    ours = await ui_web.send("OPTIONS", "/codec/decode", headers={"Origin": UI, **wish})
    theirs = await ui_web.send("OPTIONS", "/codec/decode", headers={"Origin": "http://evil.example", **wish})

    assert ours.headers["access-control-allow-headers"] == "content-type, x-namespace, authorization"
    assert (ours.status_code, ours.headers["access-control-allow-origin"]) == (204, UI)
    assert not [name for name in theirs.headers if name.startswith("access-control")]


async def test_nothing_is_encrypted_for_anybody(ui_web: Web) -> None:
    sent = {"Origin": UI, "Sec-Fetch-Site": "same-site", **JSON}

    assert (
        await ui_web.post("/codec/encode", who="admin", json={"payloads": []}, headers=sent)
    ).status_code == 403
