"""Walking many journeys at once under faults, and what is kept of it for the asserts."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ops.walk import Said, Stuck
from tests.faults.site import Site
from tests.faults.stories import Story, walk
from tests.faults.watch import Promises, Watch

AT_ONCE = 14  # more makes each journey slower and none of them sooner, on two cores


@dataclass
class Run:
    """How the journeys of one run went."""

    begun: float = field(default_factory=time.monotonic)
    finished: list[float] = field(default_factory=list)  # seconds after the beginning
    failures: dict[str, str] = field(default_factory=dict)  # why, by the story's key

    def add(self, later: "Run") -> None:
        """The journeys of a run that began after this one."""
        offset = later.begun - self.begun
        self.finished += [offset + moment for moment in later.finished]
        self.failures |= later.failures

    @property
    def longest_pause(self) -> float:
        """The longest time in which no journey came to its end."""
        times = [0.0, *sorted(self.finished)]
        return max(later - earlier for earlier, later in pairwise(times))


async def walk_all(
    site: Site, told: Sequence[Story], promises: Promises, *, patience: float = 150, at_once: int = AT_ONCE
) -> Run:
    """Walk these stories, so many at once; a story that fails is noted and stops no other."""
    run, few = Run(), asyncio.Semaphore(at_once)
    walker = site.walker(patience)
    walker.acknowledge, walker.watch = promises, Watch(site.admin_url)

    async def one(story: Story) -> None:
        async with few:
            try:
                await walk(walker, story)
            except (Said, Stuck) as failure:
                run.failures[story.key] = f"{story.kind}: {failure}"
            else:
                run.finished.append(time.monotonic() - run.begun)

    try:
        await asyncio.gather(*(one(story) for story in told))
    finally:
        await walker.close()
    return run
