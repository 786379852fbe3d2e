"""Kills parts with -9, each a fixed time after it was ready again, and notes how long it takes to be back."""

import asyncio
import random
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from ops.parts import Database, Part, Temporal
from tests.faults.site import Site

# Seconds of peace after each "ready again"; primes, so that the parts fall in ever new order.
PEACE = {"worker": 29.0, "app": 31.0, "postgres": 41.0, "temporal": 53.0}
BACK_WITHIN = 60.0


@dataclass
class Nemesis:
    """One killer per part; `stop` lets what lies on the ground stand up again first."""

    site: Site
    seed: int
    peace: Mapping[str, float] = field(default_factory=lambda: dict(PEACE))
    first_within: float = 60.0  # seconds until each part has fallen once; few where the work is short
    back: dict[str, list[float]] = field(default_factory=dict)  # seconds from kill to ready, by part
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    is_over: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self) -> None:
        """Begin; the seed says when each part falls for the first time."""
        dice = random.Random(self.seed)
        for name, peace in sorted(self.peace.items()):
            self.back[name] = []
            first = dice.uniform(1, min(peace, self.first_within))
            self.tasks.append(asyncio.create_task(self._haunt(self.site.parts[name], peace, first)))

    async def stop(self) -> None:
        """No more kills, and everything is up."""
        self.is_over.set()
        await asyncio.gather(*self.tasks)

    @property
    def kills(self) -> dict[str, int]:
        """How often each part fell."""
        return {name: len(times) for name, times in self.back.items()}

    async def _haunt(self, part: Part, peace: float, first: float) -> None:
        pause = first
        while not await self._is_over_within(pause):
            pause = peace
            kill(part)
            begun = time.monotonic()
            await start(part)
            await self._until_ready(part, begun)
            self.back[part.name].append(round(time.monotonic() - begun, 1))

    async def _until_ready(self, part: Part, begun: float) -> None:
        while not await asyncio.to_thread(part.is_ready):
            if not part.is_alive():
                await start(part)
            took = time.monotonic() - begun
            assert took < BACK_WITHIN, f"{part.name} was not back after {took:.0f} s:\n{part.last_lines()}"
            await asyncio.sleep(0.3)

    async def _is_over_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self.is_over.wait(), seconds)
        except TimeoutError:
            return False
        return True


def kill(part: Part) -> None:
    """SIGKILL, as the out-of-memory killer or a power cut of this one process would."""
    if isinstance(part, Database):
        assert part.cluster is not None
        part.cluster.kill()
    elif isinstance(part, Temporal):
        part.server.kill()
    else:
        part.process.kill()  # type: ignore[attr-defined]


async def start(part: Part) -> None:
    """Start again; PostgreSQL first waits until the last orphan of its predecessor is gone."""
    for _ in range(20):
        try:
            if isinstance(part, Database):
                await asyncio.to_thread(part.start)
            else:
                part.start()  # in this thread: the kernel ends a child with the thread that started it
            return
        except subprocess.CalledProcessError:
            await asyncio.sleep(0.5)
    raise AssertionError(f"{part.name} does not start:\n{part.last_lines()}")
