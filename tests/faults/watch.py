"""How tickets stand, asked of the database once for all who wait; and the list of what was promised."""

import asyncio
import os
import time
from pathlib import Path

import psycopg


class Watch:
    """One reader for all walkers, so that waiting costs the house nothing."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.statuses: dict[str, str] = {}
        self.read_at = 0.0
        self.lock = asyncio.Lock()

    async def __call__(self, ticket: str) -> str:
        """How a ticket stands, at most a third of a second ago; unknown while the database is away."""
        async with self.lock:
            if time.monotonic() - self.read_at > 0.3:
                try:
                    await asyncio.to_thread(self._read)
                except psycopg.Error:
                    await asyncio.sleep(0.3)
        return self.statuses.get(ticket, "")

    def _read(self) -> None:
        with psycopg.connect(self.url, connect_timeout=3) as base:
            self.statuses = dict(base.execute("select id, status from tickets").fetchall())
        self.read_at = time.monotonic()


class Promises:
    """What the house has answered with 2xx: a line is written, and on disk, only after the answer."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("a")
        self.path = path

    def __call__(self, kind: str, key: str) -> None:
        """One more promise."""
        self.file.write(f"{kind} {key}\n")
        self.file.flush()
        os.fsync(self.file.fileno())

    def keys(self, kind: str) -> set[str]:
        """Everything of one kind that was promised."""
        lines = (line.split(" ", 1) for line in self.path.read_text().splitlines())
        return {key for name, key in lines if name == kind}
