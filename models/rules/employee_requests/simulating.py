"""What an item would have made of a request that is over, on what was answered and decided then.

Nothing is done. A step that the request knew takes as long as it took and comes to what it came to; a new
step takes as long as its kind usually takes, and a new approval is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from models.messages.employee_requests.items import Item, Moment, Outcome, Step, StepKind, Wait
from models.messages.employee_requests.simulation import Compared, SimulationResult, Walked
from models.rules.employee_requests.approvals import needed
from models.rules.employee_requests.variables import Known, values_of

# An expression and its variables: the answer, and a code where there is none.
Ask = Callable[[str, Mapping[str, Any]], tuple[Any, str]]
Worked = Callable[[datetime, datetime], int]  # working minutes between two moments
HOUR, MOST_ROUNDS, MOST_ROWS = 60, 500, 50
AT_ONCE = {StepKind.BRANCH, StepKind.PARALLEL, StepKind.EACH, StepKind.MESSAGE, StepKind.CALL, StepKind.END}


@dataclass(frozen=True)
class PastStep:
    """One step as it went."""

    step_id: str
    kind: str
    is_done: bool
    since: datetime
    ended_at: datetime | None
    result: Mapping[str, Any]

    @property
    def took(self) -> timedelta:
        """How long it took; nothing while that is not known."""
        return (self.ended_at or self.since) - self.since


@dataclass(frozen=True)
class Past:
    """One request that is over, with all that was answered and decided."""

    id: str
    answers: Mapping[str, Any]
    people: Mapping[str, Mapping[str, Any]]
    asked_at: datetime
    closed_at: datetime
    outcome: str
    is_late: bool
    approvals: int
    messages: int
    steps: tuple[PastStep, ...]


@dataclass(frozen=True)
class House:
    """What a walk asks of the house: expressions, the working calendar, how long each kind usually takes."""

    ask: Ask
    worked: Worked
    usual: Mapping[str, timedelta]


class _Stop(Exception):
    """The request ends here."""

    def __init__(self, outcome: str, at: datetime, why: str = "") -> None:
        super().__init__(outcome)
        self.outcome, self.at, self.why = outcome, at, why


@dataclass
class _Walk:
    item: Item
    past: Past
    house: House
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    approvals: int = 0
    counted: dict[StepKind, int] = field(default_factory=dict)

    def steps(self, steps: tuple[Step, ...], at: datetime, each: Any = None) -> datetime:
        """One after the other; the moment at which the last is over."""
        for step in steps:
            if step.when.strip() and not self.say(step, step.when, at, each):
                self.results[step.id] = {"result": {}, "status": "skipped"}
                continue
            self.order.append(step.id)
            self.counted[step.kind] = self.counted.get(step.kind, 0) + 1
            at = self.step(step, at, each)
        return at

    def say(self, step: Step, text: str, at: datetime, each: Any) -> Any:
        """What an expression gives at a moment of the walk; without an answer the request is stuck."""
        known = Known(self.past.answers, self.past.people, self.results, at.date())
        variables = values_of(self.item, known)
        answer, code = self.house.ask(text, variables if each is None else {**variables, "each": each})
        if code:
            raise _Stop("stuck", at, f"{step.id}: {code}")
        return answer

    def step(self, step: Step, at: datetime, each: Any) -> datetime:
        """One step that is not skipped."""
        if step.kind is StepKind.END:
            raise _Stop("done" if step.outcome is Outcome.DONE else "rejected", at)
        if step.kind is StepKind.BRANCH:
            return self.branch(step, at, each)
        if step.kind is StepKind.PARALLEL:
            return max((self.steps(lane.steps, at, each) for lane in step.lanes), default=at)
        if step.kind is StepKind.EACH:
            return self.rounds(step, at, each)
        if step.wait is not None:
            return self.wait(step, step.wait, at, each)
        known = self.recorded(step)
        result = dict(known.result) if known else {}
        if step.approval is not None:
            self.asked(step, at, each)
            result.setdefault("approved", True)
        if step.kind is StepKind.TASK:
            result.setdefault("done", True)
        if step.kind is StepKind.REQUEST:
            result.setdefault("status", "done")
        at = at + self.takes(step, known)
        self.results[step.id] = {"result": result, "status": "done"}
        if step.approval is not None and step.approval.is_final and not result["approved"]:
            raise _Stop("rejected", at)
        return at

    def branch(self, step: Step, at: datetime, each: Any) -> datetime:
        """The first case that holds, else what is done otherwise."""
        for case in step.cases:
            if self.say(step, case.when, at, each):
                return self.steps(case.steps, at, each)
        return self.steps(step.otherwise, at, each)

    def rounds(self, step: Step, at: datetime, each: Any) -> datetime:
        """One round after the other."""
        listed = self.say(step, step.over, at, each)
        if not isinstance(listed, list) or len(listed) > MOST_ROUNDS:
            raise _Stop("stuck", at, f"{step.id}: cel_type")
        for one in listed:
            at = self.steps(step.steps, at, one)
        self.results[step.id] = {"result": {"count": len(listed)}, "status": "done"}
        return at

    def wait(self, step: Step, wait: Wait, at: datetime, each: Any) -> datetime:
        """Until its day, or as long as the event took to come."""
        known = self.recorded(step)
        arrived = bool(known.result.get("arrived", True)) if known else True
        if wait.until.strip():
            until = self.say(step, wait.until, at, each)
            if not isinstance(until, date):
                raise _Stop("stuck", at, f"{step.id}: cel_type")
            at = max(at, datetime.combine(until, time(), UTC))
        else:
            at += self.takes(step, known) if arrived else timedelta(days=wait.at_most_days)
        self.results[step.id] = {"result": {"arrived": arrived}, "status": "done"}
        return at if arrived else self.steps(wait.otherwise, at, each)

    def asked(self, step: Step, at: datetime, each: Any) -> None:
        """How many are asked to approve."""
        if step.approval is None:
            return
        amount = self.say(step, step.approval.amount, at, each) if step.approval.amount.strip() else None
        self.approvals += len(needed(step.approval, amount if isinstance(amount, int) else None))

    def recorded(self, step: Step) -> PastStep | None:
        """The step as the request knew it."""
        mine = (one for one in self.past.steps if one.step_id == step.id and one.kind == step.kind.value)
        return next((one for one in mine if one.is_done), None)

    def takes(self, step: Step, known: PastStep | None) -> timedelta:
        """How long a step takes."""
        if known is not None:
            return known.took
        return timedelta() if step.kind in AT_ONCE else self.house.usual.get(step.kind.value, timedelta())


def walked(item: Item, past: Past, house: House) -> Walked:
    """What the item would have made of the request."""
    walk, outcome, why = _Walk(item, past, house), "done", ""
    try:
        end = walk.steps(item.steps, past.asked_at)
    except _Stop as stop:
        outcome, end, why = stop.outcome, stop.at, stop.why
    minutes = house.worked(past.asked_at, end)
    told = {Moment.ASKED.value, outcome}
    letters = sum(notice.moment.value in told for notice in item.messages)
    count = walk.counted.get
    return Walked(
        outcome, minutes // HOUR, walk.approvals, count(StepKind.TASK, 0), count(StepKind.CALL, 0),
        count(StepKind.MESSAGE, 0) + letters, bool(item.sla_hours) and minutes > item.sla_hours * HOUR,
        tuple(walk.order), why,
    )  # fmt: skip


def went(past: Past, house: House) -> Walked:
    """What the request really came to."""
    done = [one for one in past.steps if one.is_done]
    kinds = [one.kind for one in done]
    return Walked(
        past.outcome, house.worked(past.asked_at, past.closed_at) // HOUR, past.approvals,
        kinds.count(StepKind.TASK.value), kinds.count(StepKind.CALL.value), past.messages, past.is_late,
        tuple(one.step_id for one in sorted(done, key=lambda one: one.since)),
    )  # fmt: skip


def differs(was: Walked, would: Walked) -> bool:
    """Whether somebody would notice; the order of what happens side by side nobody does."""
    return replace(was, steps=(), tasks=0, calls=0) != replace(would, steps=(), tasks=0, calls=0)


def summed_up(rows: list[Compared]) -> SimulationResult:
    """All requests together, with the first that differ."""
    differing = tuple(one for one in rows if differs(one.was, one.would))
    was, would = [one.was for one in rows], [one.would for one in rows]
    return SimulationResult(
        len(rows), len(differing),
        sum(one.hours for one in was), sum(one.hours for one in would),
        sum(one.approvals for one in was), sum(one.approvals for one in would),
        sum(one.is_breach for one in was), sum(one.is_breach for one in would),
        sum(one.messages for one in was), sum(one.messages for one in would),
        sum(one.outcome == "rejected" for one in was), sum(one.outcome == "rejected" for one in would),
        sum(one.outcome == "stuck" for one in would), differing[:MOST_ROWS],
    )  # fmt: skip
