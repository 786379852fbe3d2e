"""Whether the house can carry an item out: people, teams, operations, names, ways, limits."""

from collections.abc import Iterator, Mapping
from typing import Any

from models.messages.employee_requests.items import (
    DEEPEST,
    MOST_STEPS,
    PERSON,
    TICKET,
    Field,
    FieldKind,
    Item,
    Moment,
    Outcome,
    Step,
    StepKind,
)
from models.messages.employee_requests.problems import Problem
from models.rules.employee_requests.judging import Judge, World, letter, said, wrong
from models.rules.employee_requests.rights import HATS
from models.rules.employee_requests.step_checks import step_problems
from models.rules.employee_requests.variables import kind_of, scope_of
from models.rules.employee_requests.walking import Placed, Steps, lists_of, walk, within_of

MOST_PROBLEMS = 200


def people_of(item: Item) -> frozenset[str]:
    """The employees that an item names."""
    approvals = (one.step.approval for one in walk(item) if one.step.approval)
    return frozenset(
        who.who for one in approvals for who in one.approvers if who.kind == "person" and who.who
    )


def children_of(item: Item) -> tuple[str, ...]:
    """The items that an item asks for."""
    return tuple(dict.fromkeys(one.step.request.item for one in walk(item) if one.step.request))


def problems_of(item: Item, world: World, judge: Judge) -> tuple[Problem, ...]:
    """Everything that is wrong with it."""
    found: list[Problem] = []
    for one in _all(item, world, judge):
        if one not in found:
            found.append(one)
        if len(found) == MOST_PROBLEMS:
            break
    return tuple(found)


def _all(item: Item, world: World, judge: Judge) -> Iterator[Problem]:
    steps = tuple(walk(item))
    if len(steps) > MOST_STEPS:
        yield wrong("steps", "too_many_steps", most=MOST_STEPS)
        return
    yield from _item(item, world, judge)
    yield from _ids(item, steps)
    yield from _fields(item, None, world, judge)
    yield from _ways(item.steps, "steps")
    for placed in steps:
        if placed.depth > DEEPEST:
            yield wrong(placed.place, "too_deep", most=DEEPEST)
        yield from step_problems(item, placed, world, judge)
        if placed.step.form:
            yield from _fields(item, placed, world, judge)
    yield from _loops(item, world, steps)


def _item(item: Item, world: World, judge: Judge) -> Iterator[Problem]:
    if item.owner_team not in world.teams:
        yield wrong("owner_team", "unknown_team", name=item.owner_team)
    if world.icons is not None and item.icon not in world.icons:
        yield wrong("icon", "unknown_icon", name=item.icon)
    for number, key in enumerate(item.knowledge):
        if world.articles is not None and not world.articles.get(key):
            code = "article_not_for_all" if key in world.articles else "unknown_article"
            yield wrong(f"knowledge[{number}]", code, name=key)
    if not item.steps:
        yield wrong("steps", "no_steps")
    yield from said(item.audience, {"me": PERSON}, "yes_no", "audience", judge)
    yield from _handed_over(item, judge)
    for number, notice in enumerate(item.messages):
        place = f"messages[{number}]"
        over = () if notice.moment is Moment.ASKED else item.steps + within(item.steps)
        yield from letter(notice, place, scope_of(item, over, world.operations), judge)


def _handed_over(item: Item, judge: Judge) -> Iterator[Problem]:
    """What a ticket answers is a question of the form; what is answered later says who reads it."""
    kinds = {one.id: kind_of(one) for one in item.form if one.kind not in (FieldKind.FILE, FieldKind.PERSON)}
    for name, text in item.from_ticket.items():
        here = f"from_ticket.{name}"
        if name not in kinds:
            yield wrong(here, "unknown_question", name=name)
        yield from said(text, {"ticket": TICKET, "today": "date"}, kinds.get(name, ""), here, judge)
    if item.from_ticket:
        for placed in walk(item):
            for number, one in enumerate(placed.step.form.fields if placed.step.form else ()):
                if not one.readers:
                    yield wrong(f"{placed.place}.fields[{number}]", "no_readers", name=one.id)


def within(steps: Steps) -> Steps:
    """Everything inside these steps."""
    return tuple(inner for one in steps for inner in within_of(one))


def _ids(item: Item, steps: tuple[Placed, ...]) -> Iterator[Problem]:
    seen = set(HATS)  # a step by the name of a hat would make its approvers wear it
    for placed in steps:
        if placed.step.id in seen:
            yield wrong(f"{placed.place}.id", "id_twice", name=placed.step.id)
        seen.add(placed.step.id)


def _fields(item: Item, later: Placed | None, world: World, judge: Judge) -> Iterator[Problem]:
    """Questions of the item's form or of a later one: what they name is asked before them, or known."""
    form = later.step.form if later else None
    hats = HATS | {one.step.id for one in walk(item)}
    asked: dict[str, Any] = {}
    for number, one in enumerate(form.fields if form else item.form):
        here = f"{later.place}.fields[{number}]" if later else f"form[{number}]"
        if one.id in asked:
            yield wrong(f"{here}.id", "id_twice", name=one.id)
        if one.known_from and one.known_from not in PERSON:
            yield wrong(f"{here}.known_from", "unknown_attribute", name=one.known_from)
        scope = scope_of(item, later.before if later else (), world.operations)
        if later:
            scope["steps"][later.step.id] = {"result": dict(asked), "status": "text"}
        else:
            scope["form"] = dict(asked)
        scope |= {"each": None} if later and later.in_each else {}
        yield from said(one.visible_when, scope, "yes_no", f"{here}.visible_when", judge)
        for hat in (*one.readers, *one.writers):
            if hat not in hats:
                yield wrong(here, "unknown_hat", name=hat, words=", ".join(sorted(HATS)))
        yield from _choices(one, here)
        asked[one.id] = kind_of(one)


def _choices(one: Field, here: str) -> Iterator[Problem]:
    if (one.kind is FieldKind.CHOICE) != bool(one.choices):
        yield wrong(here, "missing" if not one.choices else "unknown_key", name="choices")
    values = [choice.value for choice in one.choices]
    for number, value in enumerate(values):
        if value in values[:number]:
            yield wrong(f"{here}.choices[{number}]", "id_twice", name=value)


def _ways(steps: Steps, place: str) -> Iterator[Problem]:
    """Steps that nothing ever reaches: behind an end, behind a case that always holds, or never wanted."""
    is_over = False
    for number, step in enumerate(steps):
        here = f"{place}[{number}]"
        if is_over or step.when.strip() == "false":
            yield wrong(here, "never_reached")
        always = False
        for case_number, case in enumerate(step.cases):
            if always or case.when.strip() == "false":
                yield wrong(f"{here}.cases[{case_number}]", "never_reached")
            always = always or case.when.strip() == "true"
        if always and step.otherwise:
            yield wrong(f"{here}.otherwise", "never_reached")
        for _, inner, listed in lists_of(step):
            yield from _ways(listed, f"{here}.{inner}")
        is_over = is_over or (not step.when.strip() and ends(step))


def ends(step: Step) -> bool:
    """Whether nothing can come after a step."""
    if step.kind is StepKind.END:
        return step.outcome in Outcome
    if step.kind is StepKind.BRANCH:
        return all(_list_ends(listed) for _, _, listed in lists_of(step))
    if step.kind is StepKind.PARALLEL:
        return any(_list_ends(listed) for _, _, listed in lists_of(step))
    return False


def _list_ends(steps: Steps) -> bool:
    return any(not one.when.strip() and ends(one) for one in steps)


def _loops(item: Item, world: World, steps: tuple[Placed, ...]) -> Iterator[Problem]:
    """Items that ask for each other would never end."""
    asks = {**world.items, item.key: children_of(item)}
    for placed in steps:
        child = placed.step.request
        if child is None:
            continue
        if child.item not in asks:
            yield wrong(f"{placed.place}.item", "unknown_item", name=child.item)
        way = way_back(child.item, item.key, asks)
        if way:
            yield wrong(f"{placed.place}.item", "child_loop", names=" → ".join((item.key, *way)))


def way_back(start: str, goal: str, asks: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The way by which an item comes to ask for another; empty when it never does."""
    waiting: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    while waiting:
        way = waiting.pop(0)
        if way[-1] == goal:
            return way
        for child in asks.get(way[-1], ()):
            if child not in seen:
                seen.add(child)
                waiting.append((*way, child))
    return ()
