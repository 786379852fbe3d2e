"""What the benchmarks share: a database, an HTTP client that waits for each answer, the last JSON line."""

import asyncio
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from ops import database
from ops.plan import kept_secrets
from ops.postgres import Cluster, free_port


def asked(default: int) -> int:
    """N from the command line, else the claim's own number."""
    return int(os.environ.get("N") or default)


def report(**figures: object) -> None:
    """Print the one JSON line that scripts read."""
    print(json.dumps(figures), flush=True)


@contextmanager
def folder() -> Iterator[Path]:
    """A place for one run, removed afterwards."""
    made = Path(tempfile.mkdtemp(prefix="ieum-bench-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@contextmanager
def migrated(place: Path) -> Iterator[tuple[Cluster, database.Urls, dict[str, str]]]:
    """A durable PostgreSQL with the schema of the house; its roles' addresses and the secrets."""
    secrets = kept_secrets(place)
    cluster = Cluster(place / "postgres", free_port()).start()
    try:
        yield cluster, database.prepare(cluster.url(), "ieum", secrets), secrets
    finally:
        cluster.stop()


@dataclass(frozen=True)
class Load:
    """What one closed loop of requests showed."""

    p50_ms: float
    p95_ms: float
    rps: float
    cpu_ms: float  # of the serving process, per request
    size: int


async def load(port: int, path: str, headers: dict[str, str], requests: int, process: psutil.Process) -> Load:
    """Ask one page over one kept-alive connection, again and again, waiting for each answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"GET {path} HTTP/1.1", f"Host: localhost:{port}", *(f"{k}: {v}" for k, v in headers.items())]
    message = ("\r\n".join(lines) + "\r\n\r\n").encode()
    times, size, begun, before = [], 0, 0.0, process.cpu_times()
    warm_up = max(20, requests // 10)
    for number in range(requests + warm_up):
        if number == warm_up:
            begun, before = time.perf_counter(), process.cpu_times()
        started = time.perf_counter()
        writer.write(message)
        size = await _answer(reader, path)
        if number >= warm_up:
            times.append((time.perf_counter() - started) * 1000)
    wall, after = time.perf_counter() - begun, process.cpu_times()
    writer.close()
    cpu = (after.user + after.system - before.user - before.system) * 1000 / requests
    ordered = sorted(times)
    return Load(
        round(statistics.median(ordered), 2), round(ordered[int(len(ordered) * 0.95)], 2),
        round(requests / wall, 1), round(cpu, 2), size,
    )  # fmt: skip


async def _answer(reader: asyncio.StreamReader, path: str) -> int:
    """Read one whole answer; anything but 200 ends the run."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    if not head.startswith("http/1.1 200"):
        raise SystemExit(f"{path} answered {head.splitlines()[0]}")
    if "content-length:" in head:
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        await reader.readexactly(length)
        return length
    total = 0
    while True:
        length = int((await reader.readline()).strip() or b"0", 16)
        await reader.readexactly(length + 2)
        total += length
        if length == 0:
            return total
