"""What can be wrong with one step: who decides, which team, which operation, which event."""

from collections.abc import Iterator
from typing import Any

from models.messages.employee_requests.items import (
    VISIT_ENDED,
    Approval,
    ApprovalRule,
    Approver,
    ApproverKind,
    BudgetOf,
    Call,
    FieldKind,
    Hands,
    Item,
    Step,
    StepKind,
)
from models.messages.employee_requests.problems import Problem
from models.messages.staff import Role
from models.messages.systems import Operation, ParameterKind
from models.rules.employee_requests.judging import Judge, World, letter, said, wrong
from models.rules.employee_requests.variables import scope_of
from models.rules.employee_requests.visits import awaited_call, sends
from models.rules.employee_requests.walking import Placed

NEEDED = {
    ParameterKind.NUMBER: "number", ParameterKind.MONEY: "number", ParameterKind.DATE: "date",
    ParameterKind.YES_NO: "yes_no",
}  # fmt: skip
EMPTY_LISTS = {StepKind.BRANCH: "cases", StepKind.PARALLEL: "lanes", StepKind.EACH: "steps"}


def step_problems(item: Item, placed: Placed, world: World, judge: Judge) -> Iterator[Problem]:
    """Everything that is wrong with a step itself; what stands within it is walked to."""
    step, place = placed.step, placed.place
    scope = scope_of(item, placed.before, world.operations, in_each=placed.in_each)
    yield from said(step.when, scope, "yes_no", f"{place}.when", judge)
    if step.kind in EMPTY_LISTS and not getattr(step, EMPTY_LISTS[step.kind]):
        yield wrong(f"{place}.{EMPTY_LISTS[step.kind]}", "no_steps")
    for number, case in enumerate(step.cases):
        if not case.when.strip():
            yield wrong(f"{place}.cases[{number}].when", "missing", name="when")
        yield from said(case.when, scope, "yes_no", f"{place}.cases[{number}].when", judge)
    if step.kind is StepKind.EACH:
        if not step.over.strip():
            yield wrong(f"{place}.over", "missing", name="over")
        yield from said(step.over, scope, "list", f"{place}.over", judge)
    if step.approval:
        yield from said(step.approval.amount, scope, "number", f"{place}.amount", judge)
        yield from said(step.approval.budget, scope, "number", f"{place}.budget", judge)
        yield from _approval(item, step.approval, place, world)
        yield from _budget(step.approval, place)
    if step.call:
        yield from _call(step.call, place, scope, world, judge)
    yield from _wait(step, place, scope, judge)
    yield from _visit(item, placed)
    yield from _hands(step, place, world)
    if step.message:
        yield from letter(step.message, place, scope, judge)
    if step.request:
        for name, text in step.request.answers.items():
            yield from said(text, scope, "", f"{place}.answers.{name}", judge)


def _approval(item: Item, approval: Approval, place: str, world: World) -> Iterator[Problem]:
    people = {one.id for one in item.form if one.kind is FieldKind.PERSON}
    if not approval.approvers:
        yield wrong(f"{place}.approvers", "missing", name="approvers")
    for number, one in enumerate(approval.approvers):
        yield from _approver(one, f"{place}.approvers[{number}]", people, world)
    if approval.rule is ApprovalRule.N_OF and not 1 <= approval.n <= len(approval.approvers):
        yield wrong(f"{place}.n", "n_too_large", n=approval.n, count=len(approval.approvers))
    limits = [one.up_to_minor for one in approval.approvers]
    if any(limits) and limits[-1]:
        most = f"{max(limits):,}"
        yield wrong(f"{place}.approvers[{len(limits) - 1}]", "no_last_approver", amount=most)
    if (any(limits) or approval.second_factor_above_minor >= 0) and not approval.amount.strip():
        yield wrong(place, "limit_without_amount")


def _budget(approval: Approval, place: str) -> Iterator[Problem]:
    """A shared budget is spent by amounts."""
    if approval.budget_of is BudgetOf.REQUEST:
        return
    for name in ("budget", "amount"):
        if not getattr(approval, name).strip():
            yield wrong(f"{place}.budget_of", "missing", name=name)


def _approver(one: Approver, place: str, people: set[str], world: World) -> Iterator[Problem]:
    named = {ApproverKind.ROLE, ApproverKind.TEAM, ApproverKind.PERSON}
    if one.kind in named and not one.who and not one.from_field:
        yield wrong(place, "missing", name="who")
    if one.kind not in named and one.who:
        yield wrong(place, "unknown_key", name="who")
    if one.kind is ApproverKind.ROLE and one.who and one.who not in set(Role):
        yield wrong(f"{place}.who", "unknown_role", name=one.who)
    if one.kind is ApproverKind.TEAM and one.who and one.who not in world.teams:
        yield wrong(f"{place}.who", "unknown_team", name=one.who)
    if one.kind is ApproverKind.PERSON and one.who and one.who not in world.people:
        yield wrong(f"{place}.who", "unknown_person", name=one.who)
    if one.from_field and (one.kind is not ApproverKind.PERSON or one.from_field not in people):
        yield wrong(f"{place}.from_field", "unknown_field", name=one.from_field, kind="person")


def _call(call: Call, place: str, scope: dict[str, Any], world: World, judge: Judge) -> Iterator[Problem]:
    found = operation(world.operations, call.connector, call.operation)
    kinds = {one.name: one.kind for one in found.parameters} if found else {}
    for name, text in call.parameters.items():
        here = f"{place}.parameters.{name}"
        kind = kinds.get(name)
        if found and kind is None:
            yield wrong(here, "unknown_parameter", name=name)
        if not text.strip():
            yield wrong(here, "missing", name=name)
        yield from said(text, scope, NEEDED.get(kind, "text") if kind else "", here, judge)
    if found is None:
        yield wrong(place, "unknown_operation", connector=call.connector, name=call.operation)
        return
    for one in found.parameters:
        if one.is_required and one.name not in call.parameters:
            yield wrong(f"{place}.parameters", "missing_parameter", name=one.name)
    if call.undo and call.undo != found.undo:
        yield wrong(f"{place}.undo", "unknown_undo", name=call.undo)


def operation(offered: tuple[Operation, ...], connector: str, name: str) -> Operation | None:
    """An operation by its names."""
    return next((one for one in offered if (one.connector, one.name) == (connector, name)), None)


def _wait(step: Step, place: str, scope: dict[str, Any], judge: Judge) -> Iterator[Problem]:
    if step.wait is None:
        return
    wait = step.wait
    is_event = bool(wait.event)
    if bool(wait.until.strip()) == is_event or is_event != bool(wait.at_most_days):
        yield wrong(place, "wait_for_what")
    if wait.otherwise and not is_event:
        yield wrong(f"{place}.otherwise", "never_reached")
    yield from said(wait.until, scope, "date", f"{place}.until", judge)


def _visit(item: Item, placed: Placed) -> Iterator[Problem]:
    """Which visit is waited for has to be certain, and surely asked for before."""
    wait = placed.step.wait
    if wait is None or (wait.event != VISIT_ENDED and not wait.of):
        return
    if wait.event != VISIT_ENDED:
        yield wrong(placed.place, "unknown_key", name="of")
        return
    known = [one.id for one in placed.before if sends(one)]
    if awaited_call(item, wait) not in known:
        yield wrong(f"{placed.place}.of", "which_visit", names=", ".join(known) or "–")


def _hands(step: Step, place: str, world: World) -> Iterator[Problem]:
    """The team that a task, a later form or a letter names."""
    part: Any = step.task or step.form or step.message
    if part is None:
        return
    hands = Hands.TEAM if step.task else step.form.by if step.form else part.to
    if hands is Hands.TEAM and part.team not in world.teams:
        yield wrong(f"{place}.team", "unknown_team", name=part.team)
    if hands is not Hands.TEAM and part.team:
        yield wrong(f"{place}.team", "unknown_key", name="team")
