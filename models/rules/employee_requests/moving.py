"""Whether a running request can go on by another version: whatever has begun is still there, unchanged."""

from collections.abc import Iterable
from dataclasses import replace

from models.messages.employee_requests.items import Item, Step, StepKind
from models.messages.employee_requests.lives import StepState
from models.messages.employee_requests.requests import StepStatus
from models.rules.employee_requests.paths import path_of, place_of, step_at, steps_in

AROUND = frozenset({StepKind.BRANCH, StepKind.PARALLEL, StepKind.WAIT})  # rounds of each stay alike


def hindrances(old: Item, new: Item, begun: Iterable[StepState]) -> tuple[str, ...]:
    """The paths of steps that hold a request on its version; none: it can move."""
    steps = {one.path: one for one in begun}
    held = [path for path, state in steps.items() if not _stays(old, new, state)]
    held += [path_of(place) for place in _ended_lists(old, steps) if _differ(old, new, place)]
    return tuple(dict.fromkeys(held))


def _stays(old: Item, new: Item, state: StepState) -> bool:
    before, after = step_at(old, state.path), step_at(new, state.path)
    if before is None or after is None:
        return False
    if state.status is StepStatus.ACTIVE and before.kind in AROUND:
        return _head(before) == _head(after)
    return before == after


def _head(step: Step) -> Step:
    """A step without what lies within it."""
    return replace(
        step, otherwise=(), cases=tuple(replace(case, steps=()) for case in step.cases),
        lanes=tuple(replace(lane, steps=()) for lane in step.lanes),
        wait=replace(step.wait, otherwise=()) if step.wait else None,
    )  # fmt: skip


def _ended_lists(old: Item, steps: dict[str, StepState]) -> Iterable[tuple[int, ...]]:
    """Lists within steps under way whose every step is over: what is added there would never be done."""
    for state in steps.values():
        if state.status is not StepStatus.ACTIVE:
            continue
        step, place = step_at(old, state.path), place_of(state.path)
        for number in _numbers(step, state):
            within = steps_in(old, (*place, number))
            paths = [path_of((*place, number, index)) for index in range(len(within))]
            if all(path in steps and steps[path].status is not StepStatus.ACTIVE for path in paths):
                yield (*place, number)


def _numbers(step: Step | None, state: StepState) -> Iterable[int]:
    if step is None:
        return ()
    if step.kind is StepKind.PARALLEL:
        return range(len(step.lanes))
    return (state.chosen,) if step.kind is StepKind.BRANCH else ()


def _differ(old: Item, new: Item, place: tuple[int, ...]) -> bool:
    return len(steps_in(old, place)) != len(steps_in(new, place))
