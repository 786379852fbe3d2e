"""CPU of one whole order (invoice, payment, reservation, parcel, delivery, done), N of them (40).

`cpu_ms` is what our worker and the Temporal server use for one order: every workflow, activity (with its
SQL and its calls to warehouse, carrier, mail and gateway), letter and outbox item. `bare_cpu_ms` is what the
same server and a worker with the same settings use for one workflow of as many activities that do nothing, as
in bench/journey.py. What both use while nothing happens is measured and taken off; sandbox, app, database and
driver are not counted."""

import asyncio
import sys

from temporalio.client import Client

from bench import bare, kit
from bench.journey import AT_ONCE, cost, pid_of, resting
from ops.parts import Part
from ops.postgres import free_port
from ops.processes import Process
from tests.faults.shoppers import Shoppers
from tests.faults.site import Site
from tests.faults.test_orders import prepare
from workflows.kit.payloads import converter

COUNTED = ("worker", "temporal", "app", "postgres")


async def buy(site: Site, shoppers: Shoppers, count: int) -> None:
    """So many orders to their end; the last invoices and letters, too."""
    shoppers.fickle = 0
    await shoppers.place(count)
    if stuck := await shoppers.shop(180):
        raise SystemExit(f"orders did not come to their end: {stuck}")
    client = await Client.connect(f"127.0.0.1:{site.plan.ports['TEMPORAL_PORT']}")
    for _ in range(600):
        if not (await client.count_workflows("ExecutionStatus = 'Running'")).count:
            return
        await asyncio.sleep(0.2)
    raise SystemExit("workflows did not come to their end")


async def shape(client: Client) -> tuple[int, int]:
    """Activities and events of one order, counted in the histories of all its workflows."""
    activities = events = orders = 0
    async for execution in client.list_workflows(""):
        orders += execution.workflow_type == "Order"
        history = await client.get_workflow_handle(execution.id, run_id=execution.run_id).fetch_history()
        events += len(history.events)
        activities += sum(e.HasField("activity_task_scheduled_event_attributes") for e in history.events)
    return round(activities / orders), round(events / orders)


async def measure(count: int) -> dict[str, object]:
    """Orders first, bare workflows after them, on the same server."""
    site = Site()
    metrics = {**site.plan.environment("worker"), "METRICS_PORT": str(free_port())}
    command = [sys.executable, "-c", "import asyncio; from bench.bare import work; asyncio.run(work())"]
    worker = Process("bare", command, env=metrics, log=site.folder / "logs" / "bare.log")
    try:
        await site.start()
        await prepare(site, 0.5)
        parts: dict[str, Part] = {name: site.parts[name] for name in COUNTED}
        pids, shoppers = {name: pid_of(part) for name, part in parts.items()}, Shoppers(site)
        await buy(site, shoppers, max(4, count // 8))
        await asyncio.sleep(8)  # histories are kept every five seconds
        ours = await cost(pids, buy(site, shoppers, count), await resting(pids))
        await shoppers.close()
        keys = converter([(name, key) for name, key in site.payload_keys()])
        client = await Client.connect(f"127.0.0.1:{site.plan.ports['TEMPORAL_PORT']}", data_converter=keys)
        activities, events = await shape(client)
        site.program("worker").process.stop()
        site.program("app").process.stop()
        worker.start()
        await bare.live(client, 4, activities, AT_ONCE)
        both = {"bare": worker.pid or 0, "temporal": pids["temporal"]}
        least = await cost(both, bare.live(client, count, activities, AT_ONCE), await resting(both))
    finally:
        worker.stop()
        site.stop()
    cpu, floor = ours["worker"] + ours["temporal"], least["bare"] + least["temporal"]
    per = 1000 / count
    return {
        "cpu_ms": round(cpu * per, 1), "bare_cpu_ms": round(floor * per, 1),
        "cpu_ratio": round(cpu / floor, 2),
        "worker_cpu_ms": round(ours["worker"] * per, 1), "temporal_cpu_ms": round(ours["temporal"] * per, 1),
        "app_cpu_ms": round(ours["app"] * per, 1), "postgres_cpu_ms": round(ours["postgres"] * per, 1),
        "orders_per_s": round(count / ours["wall"], 2), "activities": activities, "events": events,
        "n": count,
    }  # fmt: skip


if __name__ == "__main__":
    kit.report(**asyncio.run(measure(kit.asked(40))))
