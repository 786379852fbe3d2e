"""Temporal away: the house goes on taking reports. PostgreSQL away: it says so, and nothing is half done.

`TEMPORAL_AWAY_SECONDS=600` makes the first outage ten minutes long."""

import asyncio
import os
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from tests.faults.judge import Judge
from tests.faults.nemesis import kill, start
from tests.faults.site import Site
from tests.faults.stories import Story, walk
from tests.faults.watch import Promises, Watch

AWAY_SECONDS = float(os.environ.get("TEMPORAL_AWAY_SECONDS", "8"))
BACK_SECONDS = 60


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    """A house without failures of the outside world."""
    running = Site()
    try:
        await running.start()
        yield running
    finally:
        await asyncio.to_thread(running.stop)


def report(number: int) -> dict[str, str]:
    """A fault that the desk writes down."""
    return {
        "submission_key": uuid4().hex, "customer_id": f"cus_f{number}",
        "owned_product_id": f"own_out_{number}", "subject": f"고장 {number}",
        "description": "켜지지 않습니다.", "priority": "p3",
    }  # fmt: skip


def desk(site: Site) -> httpx.AsyncClient:
    """An agent with a token."""
    headers = {"Authorization": f"Bearer {site.keys.tokens['agent']}", "Accept": "application/json"}
    return httpx.AsyncClient(base_url=site.app, headers=headers, timeout=15)


async def test_temporal_away_loses_nothing(site: Site) -> None:
    """Reports are taken, pages are shown, commands are accepted; all of it is done once Temporal is back."""
    temporal = site.parts["temporal"]
    watch = Watch(site.admin_url)
    async with desk(site) as http:
        known = str((await http.post("/tickets", data=report(0))).json()["ticket_id"])
        await until(watch, known, "open")
        kill(temporal)
        taken = [await http.post("/tickets", data=report(number)) for number in range(1, 6)]
        assert [answer.status_code for answer in taken] == [201] * 5, [answer.text for answer in taken]
        command = {"command_id": uuid4().hex, "agent_id": "acc_agent"}
        accepted = await http.post(f"/tickets/{known}/assignment", data=command)
        assert (accepted.status_code, accepted.json()["status"]) == (202, "accepted")
        for path in ("/tickets", f"/tickets/{known}", "/"):
            page = await http.get(path, headers={"Accept": "text/html"}, follow_redirects=True)
            assert page.status_code == 200, (path, page.text[:300])
        await asyncio.sleep(AWAY_SECONDS)
        await start(temporal)
        for answer in taken:
            await until(watch, str(answer.json()["ticket_id"]), "open")
        judge = Judge(site, Promises(site.folder / "away"), [])
        for _ in range(BACK_SECONDS):
            if judge.rows(f"select agent_id from tickets where id = '{known}'") == [("acc_agent",)]:
                break
            await asyncio.sleep(1)
        assert judge.rows(f"select agent_id from tickets where id = '{known}'") == [("acc_agent",)]
        assert judge.rows("select key from outbox where status <> 'sent'") == []


async def test_a_database_away_is_said_and_leaves_nothing_half_done(site: Site) -> None:
    """503 with Retry-After, and the same report sent again is one ticket; nothing has to be restarted."""
    base = site.parts["postgres"]
    fault = report(7)
    async with desk(site) as http:
        kill(base)
        try:
            answers = [await http.post("/tickets", data=fault), await http.get("/tickets")]
            answers.append(await http.get("/health/ready"))
        finally:
            await start(base)
        for answer in answers:
            assert answer.status_code == 503, (answer.status_code, answer.text[:300])
            assert int(answer.headers["retry-after"]) > 0
        again = [await http.post("/tickets", data=fault) for _ in range(2)]
        assert [answer.status_code for answer in again] == [201, 201], [answer.text[:300] for answer in again]
    judge = Judge(site, Promises(site.folder / "half"), [])
    key = fault["submission_key"]
    assert len(judge.rows(f"select id from tickets where submission_key = '{key}'")) == 1
    walker = site.walker(60)
    walker.watch = Watch(site.admin_url)
    await walk(walker, Story(1, "remote", 3, "after"))
    await walker.close()


async def until(watch: Watch, ticket: str, status: str) -> None:
    """Wait until a ticket stands like this."""
    for _ in range(BACK_SECONDS * 4):
        if await watch(ticket) == status:
            return
        await asyncio.sleep(0.25)
    raise AssertionError(f"{ticket} is {watch.statuses.get(ticket)}, not {status}")
