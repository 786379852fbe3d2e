"""The judge is worth something: a house with one usual mistake is found guilty by the same judge, after
far fewer journeys. None of these mistakes shows without faults."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest

from ops.plan import ROOT
from ops.postgres import free_port
from tests.faults.judge import Judge
from tests.faults.run import walk_all
from tests.faults.site import Site
from tests.faults.stories import stories
from tests.faults.test_faults import SEED
from tests.faults.watch import Promises

WORKER = [sys.executable, str(ROOT / "tests" / "faults" / "naive_worker.py")]
LIES: list[dict[str, object]] = [
    {"kind": "500_after", "probability": 0.35, "seed": SEED},
    {"kind": "timeout_after", "probability": 0.2, "seconds": 5, "seed": SEED + 1},
]
CONFIRM = [{**rule, "operation": "confirm"} for rule in LIES]
KEY_IN = [{**rule, "operation": "key_in"} for rule in LIES]
PAID, REMOTE = [("paid", 1)], [("remote", 1)]


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    """One house for all mistakes; each is judged by what it adds."""
    running = Site()
    try:
        await running.start()
        yield running
    finally:
        await asyncio.to_thread(running.stop)


async def guilt(
    site: Site,
    naive: str,
    kinds: Sequence[tuple[str, int]],
    count: int,
    *,
    port: int = 0,
    patience: float = 60,
) -> set[str]:
    """What the judge finds after some journeys with this mistake, and did not find before."""
    told = stories(count, SEED, kinds, run=naive)
    judge = Judge(site, Promises(site.folder / f"promises-{naive}"), told)
    before = await Judge(site, judge.promises, []).findings()
    env = {"NAIVE": naive, "NAIVE_PORT": str(port), "PYTHONPATH": str(ROOT)}
    await site.replace_worker(WORKER, env)
    raised = asyncio.create_task(raise_the_dead(site))
    try:
        await walk_all(site, told, judge.promises, patience=patience, at_once=12)
        await judge.quiet(15)
    finally:
        raised.cancel()
    return await judge.findings() - before


async def raise_the_dead(site: Site) -> None:
    """What `make up` does: a worker that has ended is started again."""
    worker = site.program("worker")
    while True:
        if not worker.is_alive():
            worker.start()
        await asyncio.sleep(0.5)


async def test_a_new_key_for_every_try_charges_twice(site: Site) -> None:
    await site.fail("payments", KEY_IN)
    found = await guilt(site, "key", PAID, 12)
    assert any("was charged" in one for one in found), found


async def test_taking_no_answer_for_a_no_charges_twice(site: Site) -> None:
    await site.fail("payments", CONFIRM)
    found = await guilt(site, "5xx", PAID, 12)
    assert any("was charged" in one for one in found), found


async def test_marking_before_sending_loses(site: Site) -> None:
    await site.fail("payments", [])
    found = await guilt(site, "relay", REMOTE, 24, patience=20)
    assert any(one.startswith("lost") and " lived 0 times" in one for one in found), found


async def test_without_an_inbox_money_is_booked_twice(site: Site) -> None:
    await site.fail("payments", [])
    port = free_port()
    hook = {"url": f"http://127.0.0.1:{port}/", "secret": site.plan.secrets["GATEWAY_WEBHOOK_SECRET"],
            "duplicates": 2, "shuffle_seconds": 1, "seed": SEED}  # fmt: skip
    async with httpx.AsyncClient() as http:
        (await http.put(f"{site.sandbox}/gateway/control/webhook", json=hook)).raise_for_status()
    found = await guilt(site, "webhook", PAID, 10, port=port)
    assert any(one.startswith("money: I") for one in found), found
