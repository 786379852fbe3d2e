"""An item's file: one YAML text for one item, with the place of everything that is wrong in it."""

import hashlib
from dataclasses import replace

from models.kit import expressions, yaml_texts
from models.messages.employee_requests.items import Item
from models.messages.employee_requests.problems import Problem
from models.rules.employee_requests import checks, reading
from models.rules.employee_requests.judging import World


def from_yaml(text: str) -> Item | tuple[Problem, ...]:
    """The item that a text says, or its problems; whether the house can carry it out, `examine` says."""
    document = yaml_texts.read(text)
    if document.fault is not None:
        line, code, values = document.fault
        return (Problem(f"line {line}", code, values),)
    return reading.read_item(document.data)


def to_yaml(item: Item) -> str:
    """The item as a file; read again it is the same item."""
    return yaml_texts.write(reading.written(replace(item, version=0)))


def examine(text: str, world: World) -> tuple[Item | None, tuple[Problem, ...]]:
    """The item as far as it can be read, and everything that is wrong with it."""
    found = from_yaml(text)
    if not isinstance(found, Item):
        return None, found
    return found, checks.problems_of(found, world, judge)


def judge(text: str, scope: expressions.Scope, needed: str) -> tuple[tuple[str, dict[str, str]], ...]:
    """What is wrong with an expression."""
    return tuple((flaw.code, flaw.values) for flaw in expressions.check(text, scope, needed))


def lines_of(text: str) -> dict[str, int]:
    """On which line each place of a file stands."""
    return yaml_texts.read(text).lines


def line_of(place: str, lines: dict[str, int]) -> int:
    """The line of a place, or of the nearest place around it; 0 when nothing is near."""
    if place.startswith("line "):
        return int(place.removeprefix("line "))
    while place and place not in lines:
        place = place[: max(place.rfind("."), place.rfind("["), 0)]
    return lines.get(place, 0)


def checksum(text: str) -> str:
    """What tells two files apart: of the canonical form, so that spaces and comments change nothing."""
    found = from_yaml(text)
    canonical = to_yaml(found) if isinstance(found, Item) else text
    return hashlib.sha256(canonical.encode(errors="replace")).hexdigest()
