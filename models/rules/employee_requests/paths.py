"""Where a step stands in an item: `2.0.1` is the second step of the first list of the third step."""

from collections.abc import Iterator

from models.messages.employee_requests.items import Item, Step, StepKind

Place = tuple[int, ...]


def place_of(path: str) -> Place:
    """The numbers of a path."""
    return tuple(int(one) for one in path.split(".")) if path else ()


def path_of(place: Place) -> str:
    """The path of some numbers."""
    return ".".join(str(one) for one in place)


def listed(step: Step, number: int) -> tuple[Step, ...]:
    """One of the lists within a step: a case, a lane, any round, what is done otherwise."""
    if step.kind is StepKind.EACH:
        return step.steps
    if step.kind is StepKind.PARALLEL:
        return step.lanes[number].steps if number < len(step.lanes) else ()
    if step.kind is StepKind.BRANCH:
        cases = [case.steps for case in step.cases]
        return [*cases, step.otherwise][number] if number <= len(cases) else ()
    if step.kind is StepKind.WAIT and step.wait is not None:
        return step.wait.otherwise if number == 0 else ()
    return ()


def steps_in(item: Item, place: Place) -> tuple[Step, ...]:
    """The list in which a place lies: () is the item's own, (2, 0) the first list of the third step."""
    steps = item.steps
    for depth in range(0, len(place) - 1, 2):
        if place[depth] >= len(steps):
            return ()
        steps = listed(steps[place[depth]], place[depth + 1])
    return steps


def step_at(item: Item, path: str) -> Step | None:
    """The step of a path; None where the item has none."""
    place = place_of(path)
    steps = steps_in(item, place[:-1])
    return steps[place[-1]] if place and place[-1] < len(steps) else None


def above(path: str) -> Iterator[tuple[str, int]]:
    """The steps around a step, nearest first, each with the number of the list that it lies in."""
    place = place_of(path)
    while len(place) > 2:
        yield path_of(place[:-2]), place[-2]
        place = place[:-2]
