"""A bill run of N accounts (20,000) end to end through Temporal, beside the floor: the same rows by one
`INSERT … SELECT` a table with the same keys, triggers and checks, in the same database and run.

`invoices_per_s` counts from the moment at which the run is asked for to its end: relayed, planned, rated,
charged, invoiced with lines and ledger, numbered, contracts moved on, told. The floor knows every price and id
beforehand; half of it runs before, half after, on accounts of its own."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import date
from pathlib import Path

import psutil
import psycopg

from bench import kit, tariffs
from models.messages.billing.runs import BillRunOrder, run_id, run_workflow_id
from ops.plan import PORTS, ROOT, Plan
from ops.postgres import Cluster, free_port
from ops.processes import Process
from ops.temporal import TemporalServer

DAY = date(2026, 12, 1)
ASKED = """insert into outbox (key, kind, workflow_id, actor_id, payload, not_before, created_at, workflow, name,
  task_queue, summary, status, tries, refusal)
  values (%(id)s, 'start', %(id)s, '', %(order)s, now(), now(), 'BillRun', '', 'desk', 'bench', 'waiting', 0, '')"""


@contextmanager
def running(place: Path, cluster: Cluster, secrets: dict[str, str]) -> Iterator[Process]:
    """A Temporal server and one worker process, as the house runs them; the worker is warm when it is given."""
    ports = {name: free_port() for name in PORTS} | {"POSTGRES_PORT": cluster.port}
    plan = Plan(place, ports, secrets, cluster.url(), True, "ieum", {"LOG_LEVEL": "warning"})
    server = TemporalServer(place / "temporal.db", ports["TEMPORAL_PORT"], ports["TEMPORAL_UI_PORT"]).start()
    log = place / "worker.log"
    worker = Process("worker", plan.command("worker"), env=plan.environment("worker"), log=log, cwd=ROOT)
    worker.start()
    try:
        time.sleep(8)
        yield worker
    finally:
        worker.stop()
        server.process.stop()


def watch(pid: int, most: list[int], is_over: threading.Event) -> None:
    """The most memory that a process holds, looked at four times a second."""
    while not is_over.wait(0.25):
        with suppress(psutil.NoSuchProcess):
            most.append(psutil.Process(pid).memory_info().rss)


def bill(worker_url: str, worker: Process) -> tuple[float, float]:
    """One run from the asking to its end; its seconds and the worker's most memory in MB."""
    order, most, is_over = BillRunOrder(run_id(DAY), DAY), [0], threading.Event()
    watching = threading.Thread(target=watch, args=(worker.pid, most, is_over))
    watching.start()
    payload = json.dumps(asdict(order), default=str)
    with psycopg.connect(worker_url, autocommit=True) as connection:
        began = time.monotonic()
        connection.execute(ASKED, {"id": run_workflow_id(order.run_id), "order": payload})
        connection.execute("select pg_notify('ieum_outbox', '')")
        asked = "select status from bill_runs where id = %s"
        while (row := connection.execute(asked, (order.run_id,)).fetchone()) is None or row[0] != "done":
            if time.monotonic() - began > 1_800:
                raise SystemExit("the run does not come to its end")
            time.sleep(0.02)
        seconds = time.monotonic() - began
    is_over.set()
    watching.join()
    return seconds, max(most) / 2**20


def measure(place: Path, count: int) -> dict[str, object]:
    """The run between two halves of the floor."""
    with kit.migrated(place) as (cluster, urls, secrets):
        tariffs.sign(urls.worker, urls.owner, count, DAY)
        half = count // 2
        with running(place, cluster, secrets) as worker:
            floor = tariffs.floor(urls.worker, 1, half)
            seconds, most = bill(urls.worker, worker)
            floor += tariffs.floor(urls.worker, half + 1, count)
        with psycopg.connect(urls.worker) as connection:
            made = connection.execute("select count(*) from invoices where run_id = %s", (run_id(DAY),))
            invoices = (made.fetchone() or [0])[0]
            slow = connection.execute("select max(milliseconds), count(*) from bill_slices").fetchone()
    if invoices != count:
        raise SystemExit(f"{invoices} invoices for {count} accounts")
    return {
        "n": count, "invoices_per_s": round(count / seconds), "floor_per_s": round(count / floor),
        "floor_ratio": round(floor / seconds, 2), "rss_mb": round(most), "seconds": round(seconds, 2),
        "slices": slow[1] if slow else 0, "slowest_slice_ms": slow[0] if slow else 0,
    }  # fmt: skip


if __name__ == "__main__":
    with kit.folder() as place:
        kit.report(**measure(place, kit.asked(20_000)))
