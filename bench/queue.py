"""The agents' queue page at 1,000 and N tickets (100,000), beside a minimal FastAPI page on the same rows.

Both are asked in turns. Aims: growth of CPU per page ≤ 1.2, requests/s ≥ 0.4 of the minimal page's, CPU per
page ≤ 12 ms."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg

from bench import kit
from bench.company import make_company, make_tickets
from ops.parts import answers, wait_until
from ops.plan import PORTS, ROOT, Plan
from ops.postgres import free_port

REQUESTS = 300
FEW = 1_000


@contextmanager
def served(command: list[str], env: dict[str, str], ready: str) -> Iterator[psutil.Process]:
    """One server process, asked until it answers, ended afterwards."""
    child = subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL)
    try:
        if not wait_until(lambda: answers(ready), lambda: child.poll() is None, 60):
            raise SystemExit(f"{command} did not answer at {ready}")
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(20)


def measure(plan: Plan, token: str, tickets: int) -> tuple[kit.Load, kit.Load]:
    """Our page and the floor's page with so many tickets in the tables."""
    make_tickets(plan.urls.worker, plan.urls.owner, tickets)
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/html", "Accept-Language": "ko"}
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "bench.floor:app", "--port", str(port), "--no-access-log"]
    env = {**os.environ, "FLOOR_URL": plan.urls.worker}
    with (
        served(plan.command("app"), plan.environment("app"), plan.local("PORT", "/health/ready")) as app,
        served(command, env, f"http://127.0.0.1:{port}/ready") as minimal,
    ):
        pages = [kit.Page(plan.ports["PORT"], "/tickets", headers, app), kit.Page(port, "/", {}, minimal)]
        ours, floor = asyncio.run(kit.load(pages, REQUESTS))
    return ours, floor


def main() -> None:
    """Measure few and many, and print the line."""
    many = kit.asked(100_000)
    with kit.folder() as place, kit.migrated(place) as (cluster, urls, secrets):
        ports = {name: free_port() for name in PORTS} | {"POSTGRES_PORT": cluster.port}
        plan = Plan(Path(place), ports, secrets, cluster.url(), True, "ieum")
        token = make_company(urls.worker)
        few, _ = measure(plan, token, FEW)
        ours, floor = measure(plan, token, many)
        with psycopg.connect(urls.worker) as owner:
            stored = owner.execute("select count(*) from tickets").fetchone()
    kit.report(
        p50_ms=ours.p50_ms,
        p95_ms=ours.p95_ms,
        rps=ours.rps,
        cpu_ms=ours.cpu_ms,
        growth=round(ours.cpu_ms / few.cpu_ms, 3),
        floor_ratio=round(ours.rps / floor.rps, 3),
        floor_rps=floor.rps,
        floor_cpu_ms=floor.cpu_ms,
        bytes=ours.size,
        floor_bytes=floor.size,
        n=stored[0] if stored else 0,
    )


if __name__ == "__main__":
    main()
