"""What one whole life costs beside bare workflows of as many activities, on one server in one run.

What both use while nothing happens is measured and taken off; sandbox and driver are not counted."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress

import psutil
from temporalio.client import Client

from bench import bare
from ops.parts import Database, Part, Temporal
from ops.postgres import free_port
from ops.processes import Process
from tests.faults.site import Site
from workflows.kit.payloads import converter

AT_ONCE = 8
IDLE_SECONDS = 8.0
KEPT_SECONDS = 8  # histories are kept every five seconds
COUNTED = ("worker", "temporal", "app", "postgres")
BARE = "import asyncio; from bench.bare import work; asyncio.run(work())"


def pid_of(part: Part) -> int:
    """The process of a part."""
    if isinstance(part, Database):
        assert part.cluster is not None
        return part.cluster.pid() or 0
    process: Process = part.server.process if isinstance(part, Temporal) else part.process  # type: ignore[attr-defined]
    return process.pid or 0


def used(pids: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds so far, with children that live and those that have ended."""
    seconds = {}
    for name, pid in pids.items():
        process = psutil.Process(pid)
        seconds[name] = sum(process.cpu_times()[:4])
        for child in process.children():
            with suppress(psutil.NoSuchProcess):  # it has just ended: its time is its parent's now
                seconds[name] += sum(child.cpu_times()[:2])
    return seconds


async def cost(
    pids: Mapping[str, int], work: Coroutine[None, None, None], idle: Mapping[str, float]
) -> dict[str, float]:
    """CPU seconds of each process for this work, without what it uses for nothing."""
    before, begun = used(pids), time.monotonic()
    await work
    wall, after = time.monotonic() - begun, used(pids)
    return {"wall": wall, **{name: after[name] - before[name] - idle[name] * wall for name in pids}}


async def resting(pids: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds per second while nothing happens."""
    nothing = dict.fromkeys(pids, 0.0)
    spent = await cost(pids, asyncio.sleep(IDLE_SECONDS), nothing)
    return {name: spent[name] / IDLE_SECONDS for name in pids}


async def ended(site: Site) -> None:
    """Wait until no workflow lives any more."""
    client = await Client.connect(f"127.0.0.1:{site.plan.ports['TEMPORAL_PORT']}")
    for _ in range(600):
        if not (await client.count_workflows("ExecutionStatus = 'Running'")).count:
            return
        await asyncio.sleep(0.2)
    raise SystemExit("workflows did not come to their end")


async def shape(client: Client, word: str) -> tuple[int, int]:
    """Activities and events of one life of this type, counted in the histories of all its workflows."""
    activities = events = lives = 0
    async for execution in client.list_workflows(""):
        lives += execution.workflow_type == word
        history = await client.get_workflow_handle(execution.id, run_id=execution.run_id).fetch_history()
        events += len(history.events)
        activities += sum(e.HasField("activity_task_scheduled_event_attributes") for e in history.events)
    return round(activities / lives), round(events / lives)


async def measure(
    site: Site, count: int, word: str, live: Callable[[str, int], Coroutine[None, None, None]]
) -> dict[str, object]:
    """So many lives first, bare workflows after them; `live` takes "warm" or "measured" and how many."""
    pids = {name: pid_of(site.parts[name]) for name in COUNTED}
    await live("warm", max(4, count // 8))
    await asyncio.sleep(KEPT_SECONDS)
    idle = await resting(pids)
    ours = await cost(pids, live("measured", count), idle)
    keys = converter([(name, key) for name, key in site.payload_keys()])
    client = await Client.connect(f"127.0.0.1:{site.plan.ports['TEMPORAL_PORT']}", data_converter=keys)
    activities, events = await shape(client, word)
    least = await floor_of(site, client, pids["temporal"], count, activities)
    cpu, floor = ours["worker"] + ours["temporal"], least["bare"] + least["temporal"]
    per = 1000 / count
    return {
        "cpu_ms": round(cpu * per, 1), "bare_cpu_ms": round(floor * per, 1),
        "cpu_ratio": round(cpu / floor, 2),
        "worker_cpu_ms": round(ours["worker"] * per, 1), "temporal_cpu_ms": round(ours["temporal"] * per, 1),
        "bare_worker_cpu_ms": round(least["bare"] * per, 1),
        "bare_temporal_cpu_ms": round(least["temporal"] * per, 1),
        "app_cpu_ms": round(ours["app"] * per, 1), "postgres_cpu_ms": round(ours["postgres"] * per, 1),
        "per_s": round(count / ours["wall"], 2), "activities": activities, "events": events, "n": count,
    }  # fmt: skip


async def floor_of(
    site: Site, client: Client, temporal: int, count: int, activities: int
) -> dict[str, float]:
    """The same server with a bare worker instead of ours."""
    metrics = {**site.plan.environment("worker"), "METRICS_PORT": str(free_port())}
    worker = Process("bare", [sys.executable, "-c", BARE], env=metrics, log=site.folder / "logs" / "bare.log")
    for name in ("worker", "app"):
        site.program(name).process.stop()
    worker.start()
    try:
        await bare.live(client, 4, activities, AT_ONCE)
        both = {"bare": worker.pid or 0, "temporal": temporal}
        idle = await resting(both)
        return await cost(both, bare.live(client, count, activities, AT_ONCE), idle)
    finally:
        worker.stop()


async def on_a_site(work: Callable[[Site], Awaitable[dict[str, object]]]) -> dict[str, object]:
    """Do this on a house of its own, which is removed afterwards."""
    site = Site()
    try:
        await site.start()
        return await work(site)
    finally:
        site.stop()
