"""Live updates reach who may see the row, nobody else, and survive what happens to connections."""

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.kit.live import EVERYTHING, MOST_STREAMS, MOST_WAITING, Change, Live, changes_of
from ops.postgres import free_port
from tests.api.hearing import hear, until
from tests.api.web import Web
from tests.builders.company import hashed
from tests.conftest import ROOT, Database


@pytest.fixture
async def live(web: Web) -> AsyncIterator[Live]:
    """The app's ear, open for one test."""
    ear = Live(web.app.state.engine)
    web.app.state.live = ear
    listening = asyncio.create_task(ear.run())
    await until(lambda: ear.is_listening)
    yield ear
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def say(engine: AsyncEngine, *topics: str) -> None:
    """Notify as activities do, in one transaction."""
    async with engine.begin() as connection:
        for topic in topics:
            await connection.execute(text("select pg_notify('ieum_live', :topic)"), {"topic": topic})


async def heard_by(web: Web, engine: AsyncEngine, who: str, *topics: str, path: str = "/events") -> Any:
    """What one person hears of some topics within four gatherings."""
    async with hear(web, who, path) as hearing:
        await say(engine, *topics)
        await asyncio.sleep(0.6)
        return set(hearing.events) - {("journeys", "")}


async def test_an_agent_hears_of_the_ticket_they_may_see(
    web: Web, live: Live, open_engine: AsyncEngine
) -> None:
    async with hear(web, "agent") as hearing:
        assert (hearing.status, hearing.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        assert "content-encoding" not in hearing.headers
        assert hearing.headers["x-accel-buffering"] == "no"
        assert hearing.body.startswith("retry: 2000\n")

        await say(open_engine, "ticket:T1")

        await until(lambda: ("ticket", "T1") in hearing.events)
        assert ("journeys", "") in hearing.events


async def test_a_page_is_told_what_changed_while_it_was_being_opened(
    web: Web, live: Live, open_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.kit.live.SKEW", 0.0)
    await asyncio.sleep(0.01)  # listening began with "everything may have changed"
    read_at = time.time()
    await say(open_engine, "ticket:T1", "ticket:T2")
    await until(lambda: Change("ticket", "T2") in live.since(read_at))

    async with hear(web, "agent", at=read_at) as hearing:
        await until(lambda: T1 in hearing.events)
        assert ("ticket", "T2") not in hearing.events  # another team's, confidential
        assert ("invoice", "") not in hearing.events
    last = {"last-event-id": str(int(time.time() * 1000))}  # of a browser that opens a broken stream again
    for again in (hear(web, "agent", at=time.time()), hear(web, "agent", at=read_at, **last)):
        async with again as hearing:
            await asyncio.sleep(0.4)
            assert hearing.events == []


async def test_who_was_away_for_longer_than_we_remember_is_told_that_everything_may_have_changed(
    web: Web, live: Live
) -> None:
    for at in (0, time.time() - 61):
        assert live.since(at) == EVERYTHING
    async with hear(web, "agent", at=1) as hearing:
        await until(lambda: ("ticket", "") in hearing.events)


# T1 is a plain ticket of customer_own with technician_assigned; T2 is another customer's, team two's secret.
TOPICS = (
    "ticket:T1",
    "ticket:T2",
    "visit:V1-1",
    "visit:V2-1",
    "invoice:I1-1",
    "invoice:I2-1",
    "tickets",
    "visits",
)
T1, V1, I1 = ("ticket", "T1"), ("visit", "V1-1"), ("invoice", "I1-1")
T2, V2, I2 = ("ticket", "T2"), ("visit", "V2-1"), ("invoice", "I2-1")
TICKETS, VISITS = ("tickets", ""), ("visits", "")
HEARS = {
    "agent": {T1, V1, I1, TICKETS, VISITS},
    "agent_other_team": {T1, V1, I1, T2, V2, I2, TICKETS, VISITS},
    "admin": {T1, V1, I1, TICKETS, VISITS},
    "finance": {T1, V1, I1, I2, TICKETS, VISITS},
    "technician_assigned": {T1, V1, VISITS},
    "technician_other": {T2, V2, VISITS},
    "partner_own": {T1, V1, VISITS},
    "customer_own": {T1, V1, I1},
    "customer_other": {T2, V2, I2},
    "employee": set(),
}


@pytest.mark.parametrize("who", HEARS)
async def test_everybody_hears_of_their_own_rows_only(
    web: Web, live: Live, open_engine: AsyncEngine, who: str
) -> None:
    assert await heard_by(web, open_engine, who, *TOPICS) == HEARS[who]


async def test_a_link_hears_of_its_own_ticket_only(web: Web, live: Live, open_engine: AsyncEngine) -> None:
    path = f"/links/{web.company.tokens['link_follow']}/events"

    assert await heard_by(web, open_engine, "link_follow", *TOPICS, path=path) == {T1, V1, I1}


async def test_journeys_are_told_to_staff_only(web: Web, live: Live, open_engine: AsyncEngine) -> None:
    async with hear(web, "customer_own") as theirs, hear(web, "agent") as ours:
        await say(open_engine, "ticket:T1", "journeys")
        await until(lambda: ("journeys", "") in ours.events)

        await asyncio.sleep(0.3)
        assert theirs.events == [T1]


async def test_what_is_not_a_topic_is_never_passed_on(web: Web, live: Live, open_engine: AsyncEngine) -> None:
    bad = ["ticket:T1\ndata: x", "secret", "ticket:", "journeys:1", "ticket:" + "T" * 80, ""]

    assert await heard_by(web, open_engine, "agent", *bad) == set()


async def test_many_words_about_one_thing_are_told_once(
    web: Web, live: Live, open_engine: AsyncEngine
) -> None:
    async with hear(web, "agent") as hearing:
        for _ in range(20):
            await say(open_engine, "ticket:T1", "tickets")
        await until(lambda: T1 in hearing.events)
        await asyncio.sleep(0.4)

        assert 1 <= hearing.events.count(T1) < 8


async def test_a_flood_becomes_one_word_about_everything(
    web: Web, live: Live, open_engine: AsyncEngine
) -> None:
    async with hear(web, "agent") as hearing:
        await say(
            open_engine, *(f"ticket:T{number}" for number in range(100_000, 100_000 + MOST_WAITING + 5))
        )
        await until(lambda: ("ticket", "") in hearing.events)

        assert ("invoice", "") in hearing.events
        assert not [one for one in hearing.events if one[1]]


async def test_a_hundred_consoles_cost_one_question(web: Web, live: Live, open_engine: AsyncEngine) -> None:
    asked: list[str] = []
    engine = web.app.state.engine.sync_engine

    def count(*given: Any) -> None:
        if "FROM tickets" in given[2]:
            asked.append(given[2])

    event.listen(engine, "before_cursor_execute", count)
    person = web.company.persons["agent"]
    found = await asyncio.gather(*(live.sight.seen(person, [Change("ticket", "T1")]) for _ in range(100)))
    event.remove(engine, "before_cursor_execute", count)

    assert all(len(one) == 1 for one in found)
    assert len(asked) == 1


async def test_seven_tabs_hear_and_the_ninth_stream_is_refused(
    web: Web, live: Live, open_engine: AsyncEngine
) -> None:
    async with contextlib.AsyncExitStack() as tabs:
        seven = [await tabs.enter_async_context(hear(web, "agent")) for _ in range(7)]
        await say(open_engine, "ticket:T1")
        for tab in seven:
            await until(lambda tab=tab: T1 in tab.events)  # type: ignore[misc]

        for _ in range(MOST_STREAMS - 7):
            await tabs.enter_async_context(hear(web, "agent"))
        ninth = await tabs.enter_async_context(hear(web, "agent"))
        other = await tabs.enter_async_context(hear(web, "admin"))
        assert (ninth.status, ninth.is_over, other.status) == (429, True, 200)

    async with hear(web, "agent") as again:
        assert again.status == 200


async def test_the_ear_comes_back_after_its_connection_was_cut(
    web: Web, live: Live, open_engine: AsyncEngine, shared_database: Database
) -> None:
    async with hear(web, "agent") as hearing:
        with psycopg.connect(shared_database.cluster.url(), autocommit=True) as admin:
            cut = admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s"
                " and query = 'listen ieum_live'",
                [shared_database.name],
            ).fetchall()
        assert cut == [(True,)]

        await until(lambda: ("tickets", "") in hearing.events and ("ticket", "") in hearing.events)
        await say(open_engine, "ticket:T1")
        await until(lambda: T1 in hearing.events)


async def test_an_open_stream_does_not_keep_an_idle_session_alive(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    """Nor does a page that renews itself; whoever really does something puts the end off."""
    ear = own_web.app.state.live
    ear.look_again = 0.2
    listening = asyncio.create_task(ear.run())
    await until(lambda: bool(ear.is_listening))
    mine = f"from sign_in_sessions where token_hash = '{hashed(own_web.company.tokens['agent'])}'"

    async def ends_in() -> int:
        async with worker_engine.connect() as connection:
            left = text(f"select extract(epoch from idle_until - now())::int {mine}")
            return int(await connection.scalar(left) or 0)

    async with worker_engine.begin() as connection:
        idle = "seen_at = now() - interval '1 hour', idle_until = now() + interval '5 s'"
        await connection.execute(text(f"update sign_in_sessions set {idle}"))
    async with hear(own_web, "agent") as hearing:
        await own_web.get("/tickets", who="agent", headers={"X-By-Itself": "1"})
        assert await ends_in() <= 5
        await until(lambda: hearing.is_over, 30)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert (await own_web.get("/me", who="agent")).status_code == 303

    await own_web.get("/tickets", who="admin", headers={"X-By-Itself": "1"})
    mine = "from sign_in_sessions where account_id = 'a_admin'"
    async with worker_engine.begin() as connection:
        await connection.execute(text("update sign_in_sessions set idle_until = now() + interval '1 hour'"))
    await own_web.get("/tickets", who="admin")
    assert await ends_in() > 11 * 3600


async def test_a_revoked_session_stops_hearing(own_web: Web, worker_engine: AsyncEngine) -> None:
    ear = own_web.app.state.live
    ear.look_again = 0.3
    listening = asyncio.create_task(ear.run())
    await until(lambda: bool(ear.is_listening))
    async with hear(own_web, "agent") as hearing:
        await until(lambda: ": still here" in hearing.body)
        async with worker_engine.begin() as connection:
            await connection.execute(
                text("update sign_in_sessions set revoked_at = now() where account_id = 'a_agent'")
            )

        await until(lambda: hearing.is_over, 30)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_an_open_stream_says_nothing_about_how_quick_answers_are(web: Web, live: Live) -> None:
    async def timed(route: str) -> float:
        numbers = (await web.get("/metrics", who="admin")).text
        found = re.search(rf'ieum_request_seconds_count{{route="{route}"}} (\S+)', numbers)
        return float(found[1]) if found else 0

    before = await timed("/me"), await timed("/events")
    async with hear(web, "agent") as hearing:
        await web.get("/me", who="agent")

    assert hearing.status == 200
    assert (await timed("/me"), await timed("/events")) == (before[0] + 1, before[1])


async def test_nobody_comes_in_without_signing_in(web: Web, live: Live) -> None:
    answer = await web.get("/events", headers={"Accept": "application/json"})
    ended = await web.get("/links/no-such-token/events", headers={"Accept": "application/json"})

    assert (answer.status_code, ended.status_code) == (401, 404)


async def test_a_server_asked_to_stop_ends_its_streams_at_once(
    own_web: Web, database: Database, tmp_path: Path
) -> None:
    """A real server in a process of its own: it would otherwise wait for open streams."""
    port = free_port()
    given = {
        "DATABASE_URL": database.app_url, "SECRET_KEY": "x" * 40, "PAYLOAD_KEYS": "k:" + "A" * 43 + "=",
        "GATEWAY_SECRET": "x", "GATEWAY_WEBHOOK_SECRET": "whsec_eHg=", "SYSTEMS_TOKEN": "x",
        "TEMPORAL_ADDRESS": "127.0.0.1:1", "PUBLIC_URL": f"http://localhost:{port}",
        "FILES_DIR": str(tmp_path),
    }  # fmt: skip
    command = ["-m", "uvicorn", "app:create_app", "--factory", "--port", str(port), "--log-level", "warning"]
    command += ["--timeout-graceful-shutdown", "30"]
    server = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=ROOT, env={**os.environ, **given}
    )
    base = f"http://localhost:{port}"
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=20) as client:
        await _until_ready(client)
        cookie = {"Cookie": f"ieum={own_web.company.tokens['agent']}"}
        async with client.stream("GET", "/events", headers=cookie) as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == "retry: 2000"

            began = asyncio.get_running_loop().time()
            server.send_signal(signal.SIGTERM)
            rest = [line async for line in lines]
        await asyncio.wait_for(server.wait(), 20)

    assert rest[0] == ": welcome"
    assert asyncio.get_running_loop().time() - began < 8


async def _until_ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get("/health/ready")).status_code == 200:
                    return
            await asyncio.sleep(0.1)


def test_pages_listen_for_everything_that_is_told() -> None:
    script = (ROOT / "static" / "live.js").read_text()
    [listed] = re.findall(r"const EVENTS = \[(.*?)\];", script, re.DOTALL)

    assert set(re.findall(r"'(\w+)'", listed)) == {change.name for change in EVERYTHING}


@pytest.mark.parametrize(
    "topic", ["case:None", "case:X1", "case:O1", "case:R1", "case:C1", "ticket:T1", "close:2026-10"]
)
def test_every_topic_means_something_that_can_be_asked_for_or_nothing(topic: str) -> None:
    names = {change.name for change in changes_of(topic)}

    assert "journeys" in names
    assert names <= {change.name for change in EVERYTHING}
