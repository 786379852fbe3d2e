"""What the checks of an item stand on: the house of the day, and how an expression or a letter is judged."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from models.messages.employee_requests.problems import Problem
from models.messages.systems import OPERATIONS, Operation

# Of an expression, the names that are known and the kind that is needed: codes with their values.
Judge = Callable[[str, Mapping[str, Any], str], Iterable[tuple[str, dict[str, str]]]]


@dataclass(frozen=True)
class World:
    """What is there on the day: ids of teams, of employees among those that the item names, and so on."""

    teams: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    operations: tuple[Operation, ...] = OPERATIONS
    items: dict[str, tuple[str, ...]] = field(default_factory=dict)  # published: key, what it asks for
    icons: frozenset[str] | None = None  # None: whatever is written
    articles: Mapping[str, bool] | None = None  # published ones: whether employees read them; None as above


def wrong(place: str, code: str, **values: object) -> Problem:
    """One problem; its values as text."""
    return Problem(place, code, {name: str(one)[:200] for name, one in values.items()})


def said(text: str, scope: Mapping[str, Any], needed: str, place: str, judge: Judge) -> Iterator[Problem]:
    """What is wrong with an expression; an empty one is none."""
    if text.strip():
        for code, values in judge(text, scope, needed):
            yield Problem(place, code, values)


def letter(part: Any, place: str, scope: Mapping[str, Any], judge: Judge) -> Iterator[Problem]:
    """The values of a letter, and the names in its texts."""
    for name, text in part.values.items():
        yield from said(text, scope, "", f"{place}.values.{name}", judge)
    for field_name in ("subjects", "bodies"):
        for language, text in getattr(part, field_name).items():
            for name in names_in(text):
                if name not in part.values:
                    yield wrong(f"{place}.{field_name}.{language}", "unknown_value", name=name)


def names_in(text: str) -> tuple[str, ...]:
    """The names in braces within a text."""
    parts = text.split("{")[1:]
    found = (one.split("}", 1)[0] for one in parts if "}" in one)
    return tuple(one for one in found if one.replace("_", "").isalnum() and one.isascii())
