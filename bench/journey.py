"""CPU of one whole journey (report, visit, repair, invoice, paid, closed), N of them (40), out of warranty.

`cpu_ms` is what our worker and the Temporal server use for one journey: every workflow, activity (with its
SQL and its calls to mail and gateway), letter and outbox item of it, and its histories kept. `bare_cpu_ms` is
what the same server and a worker with the same settings and encryption use for one workflow of as many
activities, one after the other, that do nothing at all: no SQL, no HTTP, no updates, timers, signals,
children or search attributes. So `cpu_ratio` also holds the price of the rows. What both use while nothing
happens is measured and taken off. `app_cpu_ms` and `postgres_cpu_ms` are the rest of the same journeys,
driven over HTTP; the sandbox and the driver are not counted."""

import asyncio
import sys
import time
from collections.abc import Coroutine, Mapping
from contextlib import suppress

import psutil
from temporalio.client import Client

from bench import bare, kit
from ops.parts import Database, Part, Temporal
from ops.postgres import free_port
from ops.processes import Process
from tests.faults.run import walk_all
from tests.faults.site import Site
from tests.faults.stories import Story
from tests.faults.watch import Promises
from workflows.kit.payloads import converter

AT_ONCE = 8
IDLE_SECONDS = 8.0
COUNTED = ("worker", "temporal", "app", "postgres")


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


async def walk(site: Site, count: int, run: str) -> None:
    """So many journeys of the same kind to their end; the last letters are sent, too."""
    told = [Story(number, "paid", number % 40, run) for number in range(count)]
    result = await walk_all(site, told, Promises(site.folder / run), patience=120, at_once=AT_ONCE)
    if result.failures:
        raise SystemExit(f"journeys failed: {result.failures}")
    client = await Client.connect(f"127.0.0.1:{site.plan.ports['TEMPORAL_PORT']}")
    for _ in range(300):
        if not (await client.count_workflows("ExecutionStatus = 'Running'")).count:
            return
        await asyncio.sleep(0.2)
    raise SystemExit("journeys did not come to their end")


async def shape(client: Client) -> tuple[int, int]:
    """Activities and events of one journey, counted in the histories of all its workflows."""
    activities = events = tickets = 0
    async for execution in client.list_workflows(""):
        tickets += execution.workflow_type == "Ticket"
        history = await client.get_workflow_handle(execution.id, run_id=execution.run_id).fetch_history()
        events += len(history.events)
        activities += sum(e.HasField("activity_task_scheduled_event_attributes") for e in history.events)
    return round(activities / tickets), round(events / tickets)


async def measure(count: int) -> dict[str, object]:
    """Journeys first, bare workflows after them, on the same server."""
    site = Site()
    metrics = {**site.plan.environment("worker"), "METRICS_PORT": str(free_port())}
    command = [sys.executable, "-c", "import asyncio; from bench.bare import work; asyncio.run(work())"]
    worker = Process("bare", command, env=metrics, log=site.folder / "logs" / "bare.log")
    try:
        await site.start()
        pids = {name: pid_of(site.parts[name]) for name in COUNTED}
        await walk(site, max(4, count // 8), "warm")
        await asyncio.sleep(8)  # histories are kept every five seconds
        idle = await resting(pids)
        ours = await cost(pids, walk(site, count, "measured"), idle)
        keys = converter([(name, key) for name, key in site.payload_keys()])
        client = await Client.connect(f"127.0.0.1:{site.plan.ports['TEMPORAL_PORT']}", data_converter=keys)
        activities, events = await shape(client)
        site.program("worker").process.stop()
        site.program("app").process.stop()
        worker.start()
        await bare.live(client, 4, activities, AT_ONCE)
        both = {"bare": worker.pid or 0, "temporal": pids["temporal"]}
        idle = await resting(both)
        least = await cost(both, bare.live(client, count, activities, AT_ONCE), idle)
    finally:
        worker.stop()
        site.stop()
    cpu, floor = ours["worker"] + ours["temporal"], least["bare"] + least["temporal"]
    per = 1000 / count
    return {
        "cpu_ms": round(cpu * per, 1), "bare_cpu_ms": round(floor * per, 1),
        "cpu_ratio": round(cpu / floor, 2),
        "worker_cpu_ms": round(ours["worker"] * per, 1), "temporal_cpu_ms": round(ours["temporal"] * per, 1),
        "bare_worker_cpu_ms": round(least["bare"] * per, 1),
        "bare_temporal_cpu_ms": round(least["temporal"] * per, 1),
        "app_cpu_ms": round(ours["app"] * per, 1), "postgres_cpu_ms": round(ours["postgres"] * per, 1),
        "journeys_per_s": round(count / ours["wall"], 2), "activities": activities, "events": events,
        "n": count,
    }  # fmt: skip


if __name__ == "__main__":
    kit.report(**asyncio.run(measure(kit.asked(40))))
