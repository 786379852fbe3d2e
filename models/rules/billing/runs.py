"""How fast a bill run is and when it will be done."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Pace:
    """Accounts done of those expected, how many a second, and the time that is left at that speed."""

    done: int
    expected: int
    per_second: int
    spent: timedelta
    left: timedelta | None  # unknown before the first slice

    @property
    def percent(self) -> int:
        """How much of it is done, in whole percent; all of it only when nothing is left."""
        return min(100, self.done * 100 // self.expected) if self.expected else 0


def pace(done: int, expected: int, spent: timedelta) -> Pace:
    """The pace of a run; what turned up after the plan counts as done, never as more than everything."""
    seconds = max(spent.total_seconds(), 0.001)
    rest = max(expected - done, 0)
    left = timedelta(seconds=round(rest * seconds / done)) if done else None
    return Pace(done, max(expected, done), round(done / seconds), spent, left)
