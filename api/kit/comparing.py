"""Two versions of something that is written as a text, line by line."""

from dataclasses import dataclass
from difflib import unified_diff

MOST_LINES = 2_000


@dataclass(frozen=True)
class DiffLine:
    """One line of a comparison: "+", "-", "@" or nothing before it."""

    sign: str
    text: str


@dataclass(frozen=True)
class DiffPage:
    """Two versions side by side."""

    key: str
    old: int
    new: int
    versions: tuple[int, ...]
    lines: tuple[DiffLine, ...]


def compared(old: str, new: str) -> tuple[DiffLine, ...]:
    """What changed between two texts, with three lines around it."""
    lines = list(unified_diff(old.splitlines(), new.splitlines(), n=3, lineterm=""))
    return tuple(DiffLine(one[:1].strip(), one[1:]) for one in lines[2 : MOST_LINES + 2])  # two are the head
