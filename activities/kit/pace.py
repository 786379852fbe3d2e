"""How fast one provider may be asked by this process: a bucket of tokens that also knows when to be quiet."""

import asyncio
import time
from dataclasses import dataclass, field

LONGEST_QUIET = 30.0  # seconds; whoever asks for more is "away" and the slice is left


@dataclass
class Pace:
    """So many calls a second, a few at once; after a 429 nobody calls before the provider wants us to."""

    per_second: float
    burst: float = 5.0
    tokens: float = field(init=False)
    at: float = field(init=False)
    quiet_until: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.tokens, self.at = self.burst, time.monotonic()

    async def take(self) -> None:
        """Wait for one's turn; whoever comes first goes first."""
        now = time.monotonic()
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.per_second) - 1.0
        self.at = now
        wait = max(0.0, -self.tokens / self.per_second)
        if wait:
            await asyncio.sleep(wait)
        if (quiet := self.quiet_until - time.monotonic()) > 0:
            await asyncio.sleep(quiet)

    def be_quiet(self, seconds: int) -> None:
        """The provider asks to be left alone for so long."""
        wanted = time.monotonic() + min(float(seconds), LONGEST_QUIET)
        self.quiet_until = max(self.quiet_until, wanted)
