"""The steps of an item by their places: every step once, a step by its path, what stands before it."""

from collections.abc import Iterator
from dataclasses import dataclass

from models.messages.employee_requests.items import Item, Step, StepKind

Steps = tuple[Step, ...]


@dataclass(frozen=True)
class Placed:
    """A step with its path, its place in the file, its depth, and what surely is over when it begins."""

    path: str  # "3.*.1": the second step of any round of the fourth step
    place: str  # "steps[3].steps[1]"
    depth: int
    step: Step
    before: Steps
    in_each: bool


def lists_of(step: Step) -> tuple[tuple[str, str, Steps], ...]:
    """The lists within a step, in the order of their paths: number, place in the file, steps."""
    if step.kind is StepKind.BRANCH:
        cases = tuple((str(n), f"cases[{n}].steps", one.steps) for n, one in enumerate(step.cases))
        return (*cases, (str(len(cases)), "otherwise", step.otherwise))
    if step.kind is StepKind.PARALLEL:
        return tuple((str(n), f"lanes[{n}].steps", one.steps) for n, one in enumerate(step.lanes))
    if step.kind is StepKind.EACH:
        return (("*", "steps", step.steps),)
    if step.kind is StepKind.WAIT and step.wait is not None:
        return (("0", "otherwise", step.wait.otherwise),)
    return ()


def walk(item: Item) -> Iterator[Placed]:
    """Every step of an item, in the order of the file."""
    return _walk(item.steps, "", "steps", 1, (), False)


def _walk(steps: Steps, path: str, place: str, depth: int, before: Steps, in_each: bool) -> Iterator[Placed]:
    for number, step in enumerate(steps):
        here, there = f"{path}{number}", f"{place}[{number}]"
        yield Placed(here, there, depth, step, before, in_each)
        for name, inner, listed in lists_of(step):
            within = in_each or step.kind is StepKind.EACH
            known = (*before, step) if step.kind is StepKind.WAIT else before
            yield from _walk(listed, f"{here}.{name}.", f"{there}.{inner}", depth + 1, known, within)
        before = (*before, step, *within_of(step))


def within_of(step: Step) -> Steps:
    """Everything inside a step."""
    found: list[Step] = []
    for _, _, listed in lists_of(step):
        for one in listed:
            found.extend((one, *within_of(one)))
    return tuple(found)


def step_at(item: Item, path: str) -> Step | None:
    """The step at a path, with a round's number or `*` within `each`; None when there is none."""
    found = way_to(item, path)
    return found[-1] if found else None


def way_to(item: Item, path: str) -> Steps:
    """The step at a path behind all that it stands in; empty when there is none."""
    parts, steps, way = path.split("."), item.steps, []
    for position in range(0, len(parts), 2):
        step = at(steps, parts[position])
        if step is None:
            return ()
        way.append(step)
        if position + 1 < len(parts):
            listed = {name: inner for name, _, inner in lists_of(step)}
            steps = listed.get("*" if step.kind is StepKind.EACH else parts[position + 1], ())
    return tuple(way) if len(parts) % 2 else ()


def at(steps: Steps, number: str) -> Step | None:
    """The step of a number."""
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        return None
    return steps[int(number)] if int(number) < len(steps) else None
