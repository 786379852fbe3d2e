"""What the benchmarks share: a database, an HTTP client that waits for each answer, the last JSON line."""

import asyncio
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
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


@dataclass(frozen=True)
class Page:
    """A page and the process that serves it."""

    port: int
    path: str
    headers: dict[str, str]
    process: psutil.Process


class Loop:
    """One kept-alive connection that asks one page again and again, waiting for each answer."""

    def __init__(self, page: Page, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.page, self.reader, self.writer = page, reader, writer
        said = [f"{name}: {value}" for name, value in page.headers.items()]
        lines = [f"GET {page.path} HTTP/1.1", f"Host: localhost:{page.port}", *said]
        self.message = ("\r\n".join(lines) + "\r\n\r\n").encode()
        self.times: list[float] = []
        self.wall, self.cpu, self.size = 0.0, 0.0, 0

    async def ask(self, requests: int, *, is_warm_up: bool = False) -> None:
        """Ask so often and note the times, unless it is only to warm up."""
        begun, before, times = time.perf_counter(), self.page.process.cpu_times(), []
        for _ in range(requests):
            started = time.perf_counter()
            self.writer.write(self.message)
            self.size = await _answer(self.reader, self.page.path)
            times.append((time.perf_counter() - started) * 1000)
        after = self.page.process.cpu_times()
        if not is_warm_up:
            self.times += times
            self.wall += time.perf_counter() - begun
            self.cpu += after.user + after.system - before.user - before.system

    def load(self) -> Load:
        """What was seen in all rounds."""
        ordered, asked = sorted(self.times), len(self.times)
        return Load(
            round(statistics.median(ordered), 2), round(ordered[int(asked * 0.95)], 2),
            round(asked / self.wall, 1), round(self.cpu * 1000 / asked, 2), self.size,
        )  # fmt: skip


async def load(pages: Sequence[Page], requests: int, rounds: int = 10) -> list[Load]:
    """Ask the pages in turns, so that whatever else the machine does slows all of them alike."""
    loops = [Loop(page, *await asyncio.open_connection("127.0.0.1", page.port)) for page in pages]
    for loop in loops:
        await loop.ask(max(20, requests // 10), is_warm_up=True)
    for _ in range(rounds):
        for loop in loops:
            await loop.ask(requests // rounds)
    for loop in loops:
        loop.writer.close()
    return [loop.load() for loop in loops]


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
