"""Temporal's own UI beside a running house: readable for a signed-in administrator, closed to everybody else.

Everything is real: app, worker, Temporal with its UI, PostgreSQL, and a browser."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy.ext.asyncio import AsyncSession

from models.kit.engine import engine_for
from models.kit.timeline import ActorKind, EntryKind, TimelineEntry
from models.messages.systems import CallResult, OutboxKind, OutboxStatus, System
from models.systems import OutboxItem, SystemCall
from ops.postgres import Cluster, free_port
from ops.processes import Process
from ops.temporal import TemporalServer
from tests.builders.company import build, token_of
from tests.builders.items import a_task, an_item
from tests.conftest import ROOT, Database
from tests.workflows.requesting import born, publish

NAME, PHONE, FAULT = "카나리아 홍길동", "010-7777-4242", "canary fault 91ab"
PERSONAL = (NAME, "홍길동", "77774242", "7777-4242", FAULT)
SECONDS = 90
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}}


@dataclass(frozen=True)
class House:
    """A running house and the ticket that a stranger reported."""

    app: str
    ui: str
    database: Database
    ticket: str
    asked: dict[bool, str]  # the request that is confidential, and the one that is not

    @property
    def run(self) -> str:
        """The ticket's life in the Temporal UI."""
        return self.life(f"ticket:{self.ticket}")

    def life(self, workflow_id: str) -> str:
        """Any life in the Temporal UI."""
        return f"{self.ui}/namespaces/default/workflows/{quote(workflow_id, safe='')}"


@pytest.fixture(scope="module")
def house(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Start everything, report a fault, and wait until its ticket is open."""
    folder = tmp_path_factory.mktemp("house")
    with psycopg.connect(cluster.url(), autocommit=True) as admin:
        admin.execute("create database beside_temporal template template_ieum owner ieum_owner")
    database = Database(cluster, "beside_temporal")
    with ThreadPoolExecutor(1) as beside:  # the browser's own loop runs in this thread
        asked = beside.submit(asyncio.run, fill(database)).result()
    port, ui_port = free_port(), free_port()
    app = f"http://localhost:{port}"
    temporal = TemporalServer(folder / "t.db", free_port(), ui_port, codec_url=f"{app}/codec").start()
    programs = start_programs(database, temporal, port, folder)
    try:
        yield House(app, f"http://localhost:{ui_port}", database, report(app, folder), asked)
    finally:
        for program in programs:
            program.stop(10)
        temporal.stop()


def start_programs(database: Database, temporal: TemporalServer, port: int, folder: Path) -> list[Process]:
    """The app and the worker, as they run in life."""
    env = {
        **os.environ, "DATABASE_URL": database.app_url, "DATABASE_WORKER_URL": database.worker_url,
        "SECRET_KEY": "x" * 40, "PAYLOAD_KEYS": "k:" + "A" * 43 + "=", "GATEWAY_SECRET": "x",
        "GATEWAY_WEBHOOK_SECRET": "whsec_eHg=", "SYSTEMS_TOKEN": "x", "TEMPORAL_ADDRESS": temporal.address,
        "TEMPORAL_UI_URL": f"http://localhost:{temporal.ui_port}", "PUBLIC_URL": f"http://localhost:{port}",
        "FILES_DIR": str(folder), "METRICS_PORT": str(free_port()), "MAIL_URL": "http://127.0.0.1:1/mail",
        "SMS_URL": "http://127.0.0.1:1/sms", "GATEWAY_URL": "http://127.0.0.1:1/gateway",
    }  # fmt: skip
    served = [sys.executable, "-m", "uvicorn", "app:create_app", "--factory", "--port", str(port)]
    programs = [
        Process("app", [*served, "--no-access-log"], env=env, cwd=ROOT, log=folder / "app.log"),
        Process("worker", [sys.executable, "worker.py"], env=env, cwd=ROOT, log=folder / "worker.log"),
    ]
    for program in programs:
        program.start()
    return programs


async def fill(database: Database) -> dict[bool, str]:
    """A company with people to sign in as, a day of calls, and two requests that are only asked for."""
    engine, now = engine_for(database.worker_url), datetime.now(UTC)
    await build(engine, word="Hanbit")
    systems, results = (
        list(System),
        [CallResult.OK] * 9 + [CallResult.REFUSED, CallResult.OK, CallResult.UNKNOWN],
    )
    calls = [
        SystemCall(
            system=systems[number % 3], operation=("confirm", "send", "send")[number % 3],
            key=f"key-{number}",
            ticket_id="T1", at=now - timedelta(minutes=number * 7), millis=40 + number * number % 900,
            result=results[number % 12], http_status=200,
        )
        for number in range(180)
    ]  # fmt: skip
    story = [
        TimelineEntry(
            key=f"flow{number}", subject="ticket:T1", ticket_id="T1",
            at=now - timedelta(minutes=number * 19 % 1400),
            kind=EntryKind.STEP, actor_kind=ActorKind.SYSTEM,
            sentence="tickets.received" if number % 5 < 3 else "tickets.closed",
        )
        for number in range(120)
    ]  # fmt: skip
    stuck = OutboxItem(
        key="late", kind=OutboxKind.UPDATE, workflow_id="ticket:T1", name="reply", not_before=now,
        created_at=now,
        status=OutboxStatus.REFUSED, refusal="ticket_closed", tries=1,
    )  # fmt: skip
    async with AsyncSession(engine) as session, session.begin():
        session.add_all([*calls, *story, stuck])
    async with engine.begin() as connection:
        await connection.exec_driver_sql(
            "update waits set since = now() - interval '3 hours', who = 'customer' where ticket_id = 'T1'"
        )
        await connection.exec_driver_sql("update payment_attempts set status = 'unknown' where id = 'I1-1.1'")
        await connection.exec_driver_sql("update teams set is_default = true where id = 'team_one'")
    asked, team = {}, "team_two"
    for is_secret in (False, True):
        key = "for_some" if is_secret else "for_all"
        item = an_item(a_task(team=team), key=key, owner_team=team, is_confidential=is_secret)
        await publish(database.owner_url, item)
        asked[is_secret] = await born(engine, item, by="a_employee", of="e_one")
    await engine.dispose()
    return asked


def report(app: str, folder: Path) -> str:
    """A stranger fills in the public form; back when their ticket lives."""
    until, number = time.monotonic() + SECONDS, ""
    fault = {
        "submission_key": "key-of-a-form-0001", "subject": FAULT,
        "description": f"{FAULT} {NAME}", "name": NAME,
        "phone": PHONE, "email": "canary@example.com", "address": NAME,
    }  # fmt: skip
    headers = {"Sec-Fetch-Site": "same-origin", "Accept": "application/json"}
    with httpx.Client(base_url=app, trust_env=False, timeout=20) as client:
        while time.monotonic() < until:
            try:
                if not number:
                    number = client.post("/report", json=fault, headers=headers).json()["ticket_id"]
                cookie = {"Cookie": f"ieum={token_of('admin')}", "Accept": "application/json"}
                page = client.get(f"/journeys/ticket:{number}", headers=cookie)
                if page.status_code == 200 and page.json()["waits"]:
                    return str(number)
            except (httpx.TransportError, KeyError, ValueError):
                pass
            time.sleep(0.3)
    raise AssertionError("\n".join(log.read_text()[-3000:] for log in folder.glob("*.log")))


@pytest.fixture
def admin(new_context: Callable[..., BrowserContext], house: House) -> BrowserContext:
    """A browser in which an administrator is signed in and has ticked "include credentials"."""
    context = new_context(viewport={"width": 1500, "height": 1300})
    chosen = {
        "endpoint": f"{house.app}/codec",
        "includeCredentials": True,
        "overrideRemoteCodecConfiguration": True,
    }
    lines = "".join(
        f"localStorage.setItem({name!r}, {json.dumps(json.dumps(value))});" for name, value in chosen.items()
    )
    context.add_init_script(f"if (location.origin === {house.ui!r}) {{{lines}}}")
    context.add_cookies(
        [{"name": "ieum", "value": token_of("admin"), "url": house.app, "httpOnly": True, "sameSite": "Lax"}]
    )
    return context


def opened(context: BrowserContext, address: str, text: str) -> Page:
    """A page of the Temporal UI that shows this text."""
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_text(text).first).to_be_visible()
    return page


def decoding(page: Page) -> list[int]:
    """The answers to the page's questions to our codec, as they come."""
    statuses: list[int] = []
    page.on("response", lambda one: statuses.append(one.status) if "/codec/" in one.url else None)
    return statuses


def test_an_administrator_reads_journeys_in_plain_words(
    admin: BrowserContext, house: House, shots: Path
) -> None:
    page = admin.new_page()
    answers = decoding(page)
    page.goto(house.run)

    expect(page.get_by_text(f"ticket:{house.ticket}").first).to_be_visible()
    expect(page.locator("body")).to_contain_text('"ticket_id"')
    expect(page.locator("body")).to_contain_text("Open the ticket: team and deadlines")
    page.screenshot(path=shots / "temporal-ui-timeline-decoded.png")
    assert 200 in answers
    assert not [answer for answer in answers if answer >= 400]
    shown = page.locator("body").inner_text()
    assert not [word for word in PERSONAL if word in shown]


def test_everybody_else_sees_only_that_something_runs(
    new_context: Callable[..., BrowserContext], house: House, shots: Path
) -> None:
    page = new_context(viewport={"width": 1500, "height": 1300}).new_page()
    answers = decoding(page)
    page.goto(house.run)

    expect(page.get_by_text(f"ticket:{house.ticket}").first).to_be_visible()
    page.wait_for_timeout(2500)
    page.screenshot(path=shots / "temporal-ui-timeline-closed.png")
    shown = page.locator("body").inner_text()
    assert "customer_id" not in shown
    assert not [word for word in (*PERSONAL, "Open the ticket") if word in shown]
    assert 200 not in answers


def is_begun(house: House, request: str) -> bool:
    """Whether a request has come to a step that waits for somebody."""
    with psycopg.connect(house.database.owner_url) as connection:
        asked = "select 1 from request_steps where request_id = %s and status = 'active'"
        return connection.execute(asked, (request,)).fetchone() is not None


def test_a_confidential_request_stays_closed_for_an_administrator_whom_it_does_not_name(
    admin: BrowserContext, house: House, shots: Path
) -> None:
    until, shown = time.monotonic() + SECONDS, {}
    while not all(is_begun(house, request) for request in house.asked.values()):
        assert time.monotonic() < until, "a request does not begin"
        time.sleep(0.3)

    for is_secret, request in house.asked.items():
        page = admin.new_page()
        with page.expect_response(lambda one: "/codec/decode" in one.url):
            page.goto(house.life(f"employee-request:{request}"))
        expect(page.get_by_text(f"employee-request:{request}").first).to_be_visible()
        page.wait_for_timeout(2500)  # it asks for what it shows bit by bit
        page.screenshot(path=shots / f"temporal-ui-request-{'secret' if is_secret else 'open'}.png")
        shown[is_secret] = page.locator("body").inner_text()

    for words in ("a_employee", "item_key"):
        assert words in shown[False], "nothing could have been seen"
        assert words not in shown[True]


def test_reading_is_written_down(admin: BrowserContext, house: House) -> None:
    opened(admin, house.run, f"ticket:{house.ticket}").wait_for_timeout(1500)

    with psycopg.connect(house.database.owner_url) as connection:
        rows = connection.execute(
            "select actor_id, subject, details from audit_entries where action = 'payloads_read'"
        ).fetchall()
    assert {row[0] for row in rows} == {"a_admin"}
    assert all(set(row[2]) == {"payloads"} for row in rows)


def test_nothing_personal_leaves_temporals_own_interface(house: House) -> None:
    """What anybody who reaches the UI server may fetch, page or not."""
    with httpx.Client(base_url=house.ui, trust_env=False, timeout=20) as client:
        base = f"/api/v1/namespaces/default/workflows/ticket%3A{house.ticket}"
        listed = client.get("/api/v1/namespaces/default/workflows").raise_for_status().text
        described = client.get(base).raise_for_status().text
        history = client.get(f"{base}/history").raise_for_status().text

    every = listed + described + history
    assert house.ticket in described
    assert not [word for word in PERSONAL if word in every or word.encode("unicode_escape").decode() in every]
    for hidden in payloads(json.loads(history)):
        assert hidden["metadata"]["encoding"] == "YmluYXJ5L2VuY3J5cHRlZA=="  # binary/encrypted


def payloads(found: Any) -> Iterator[Any]:
    """Every payload of a history but search attributes and names of our changes, which are never sealed."""
    if isinstance(found, dict):
        if found.get("markerName") == "core_patch":
            return
        if "metadata" in found and "data" in found and isinstance(found["metadata"], dict):
            yield found
        for name, value in found.items():
            if name != "searchAttributes":
                yield from payloads(value)
    elif isinstance(found, list):
        for value in found:
            yield from payloads(value)


@pytest.mark.parametrize("path", ["/journeys", "/journeys/ticket:T1", "/systems", "/systems/payments"])
def test_our_own_pages_keep_nobody_out(
    admin: BrowserContext, clean_console: Callable[[Page], Page], house: House, shots: Path, path: str
) -> None:
    page = clean_console(admin.new_page())
    page.set_viewport_size({"width": 1440, "height": 1400})
    for language, light in (("ko", "light"), ("en", "dark")):
        page.emulate_media(color_scheme=light)  # type: ignore[arg-type]
        page.goto(f"{house.app}{path}?lang={language}")
        page.evaluate("document.fonts.ready")
        page.screenshot(
            path=shots / f"{path.strip('/').replace('/', '-').replace(':', '-')}-{language}-{light}.png"
        )
        found = Axe().run(page, options=RULES).response["violations"]
        told = [
            (one["id"], [(node["target"], node.get("failureSummary")) for node in one["nodes"][:3]])
            for one in found
        ]
        assert not told, json.dumps(told, ensure_ascii=False, indent=1)
    for width in (320, 768, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_an_open_page_hears_of_its_ticket(admin: BrowserContext, house: House) -> None:
    page = admin.new_page()
    page.goto(f"{house.app}/journeys/ticket:T1")
    expect(page.locator("#live_state")).to_be_visible()
    page.evaluate("""() => { window.heard = [];
      for (const name of ['live:ticket', 'live:ticket:T1', 'live:ticket:T2'])
        document.body.addEventListener(name, () => heard.push(name)); }""")

    with psycopg.connect(house.database.owner_url, autocommit=True) as connection:
        connection.execute("select pg_notify('ieum_live', 'ticket:T1'), pg_notify('ieum_live', 'ticket:T2')")

    page.wait_for_timeout(2000)
    assert page.evaluate("heard") == ["live:ticket", "live:ticket:T1"]
