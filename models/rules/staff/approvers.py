"""Who approves: the manager's line, without leavers, absent people or anybody's own affairs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from models.messages.staff import ApproverKind, Why


@dataclass(frozen=True)
class Colleague:
    """What a decision needs to know of somebody who works, worked or will work here."""

    id: str
    manager_id: str | None
    starts_on: date
    ends_on: date | None = None  # the last day, included
    has_left: bool = False

    def is_here(self, day: date) -> bool:
        """Whether they belong to the house on that day, at their desk or away."""
        return not self.has_left and self.starts_on <= day and (self.ends_on is None or day <= self.ends_on)


@dataclass(frozen=True)
class Away:
    """Somebody does not decide from one day until another, both included."""

    employee_id: str
    from_on: date
    until_on: date


@dataclass(frozen=True)
class InPlace:
    """Somebody decides in another's place from one day until another, both included."""

    from_id: str
    to_id: str
    from_on: date
    until_on: date


@dataclass(frozen=True)
class People:
    """Everybody that a decision may come to. A later delegation of the same days counts before an earlier."""

    colleagues: Mapping[str, Colleague]
    absences: tuple[Away, ...] = ()
    delegations: tuple[InPlace, ...] = ()

    def manager(self, person: str) -> str | None:
        """Who stands directly above, here or not."""
        found = self.colleagues.get(person)
        return found.manager_id if found else None

    def is_here(self, person: str, day: date) -> bool:
        """Whether somebody belongs to the house on that day."""
        found = self.colleagues.get(person)
        return found is not None and found.is_here(day)

    def is_away(self, person: str, day: date) -> bool:
        """Whether somebody is absent on that day."""
        return any(a.employee_id == person and a.from_on <= day <= a.until_on for a in self.absences)

    def stands_in(self, person: str, day: date) -> str | None:
        """Whom somebody has named for that day."""
        named = [d.to_id for d in self.delegations if d.from_id == person and d.from_on <= day <= d.until_on]
        return named[-1] if named else None


@dataclass(frozen=True)
class Question:
    """Who is to decide, described: `named` are the people of a role or team, the person or the cost owner."""

    kind: ApproverKind
    beneficiary: str  # for whom something is asked
    asked_by: str = ""  # who asked; often the same
    named: tuple[str, ...] = ()
    barred: frozenset[str] = field(default_factory=frozenset)  # who may not decide for another reason

    @property
    def is_own(self) -> frozenset[str]:
        """Nobody decides what they asked for or receive."""
        return self.barred | {self.beneficiary, self.asked_by} - {""}


@dataclass(frozen=True)
class Chosen:
    """Who decides, in whose place and why; nobody means the owning team decides."""

    employee_id: str | None
    was_for: str | None  # who would have decided, when that is somebody else
    why: Why


def approver_for(question: Question, people: People, on_day: date) -> Chosen:
    """Choose one person: each of those described, their delegates, then the managers above them, in order."""
    described = tuple(_described(question, people, on_day))
    for start in described:  # somebody of the role or team who is there goes before anybody's manager
        chosen = _at(start, question, people, on_day)
        if chosen:
            return chosen
    for start in described:
        for above in _line_above(start, people):
            stand_in = _at(above, question, people, on_day)
            if stand_in:
                return Chosen(stand_in.employee_id, start, _why_not(start, question, people, on_day))
    first = next(iter(described), None)
    return Chosen(None, first, Why.NOBODY)


def can_decide(person: str, question: Question, people: People, on_day: date) -> bool:
    """Whether somebody may decide this on that day: here, not away, and not their own affair."""
    return (
        people.is_here(person, on_day)
        and not people.is_away(person, on_day)
        and person not in question.is_own
    )


def _described(question: Question, people: People, day: date) -> Iterator[str]:
    """Whom the description means. The manager's manager stands above the first manager who is here."""
    if question.kind not in (ApproverKind.MANAGER, ApproverKind.MANAGER_OF_MANAGER):
        yield from dict.fromkeys(question.named)
        return
    line = list(_line_above(question.beneficiary, people))
    if question.kind is ApproverKind.MANAGER_OF_MANAGER:
        here = next((n for n, one in enumerate(line) if people.is_here(one, day)), len(line))
        line = line[here + 1 :]
    yield from line[:1]


def _line_above(person: str, people: People) -> Iterator[str]:
    """The managers above somebody, nearest first; a circle in the line ends it."""
    seen = {person}
    above = people.manager(person)
    while above is not None and above not in seen:
        seen.add(above)
        yield above
        above = people.manager(above)


def _at(person: str, question: Question, people: People, day: date) -> Chosen | None:
    """This person, or whom they named for the day; whoever is barred or gone has named nobody."""
    if not people.is_here(person, day) or person in question.is_own:
        return None
    seen, named = {person}, people.stands_in(person, day)
    while named is not None and named not in seen:
        if can_decide(named, question, people, day):
            return Chosen(named, person, Why.DELEGATED)
        if not people.is_here(named, day) or named in question.is_own:
            break
        seen.add(named)
        named = people.stands_in(named, day)
    return None if people.is_away(person, day) else Chosen(person, None, Why.AS_PLANNED)


def _why_not(person: str, question: Question, people: People, day: date) -> Why:
    if person in question.is_own:
        return Why.OWN
    return Why.ABSENT if people.is_here(person, day) else Why.LEFT
