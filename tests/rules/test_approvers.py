"""Who approves: every small company there can be, tables of cases, and properties of large ones."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.messages.staff import ApproverKind, Why
from models.rules.staff.approvers import (
    Away,
    Chosen,
    Colleague,
    InPlace,
    People,
    Question,
    approver_for,
    can_decide,
)

DAY = date(2026, 11, 23)
EVER = date(2020, 1, 1)
HERE, AWAY, LEFT, JOINING = "here", "away", "left", "joining"
MANAGER = ApproverKind.MANAGER


def world(
    managers: dict[str, str | None],
    states: dict[str, str] | None = None,
    in_place: tuple[tuple[str, str], ...] = (),
) -> People:
    """People by their managers; everybody is here unless said otherwise."""
    states = states or {}
    colleagues = {
        name: Colleague(
            name, manager, DAY + timedelta(days=1) if states.get(name) == JOINING else EVER,
            has_left=states.get(name) == LEFT,
        )
        for name, manager in managers.items()
    }  # fmt: skip
    return People(
        colleagues,
        tuple(Away(name, DAY, DAY) for name, state in states.items() if state == AWAY),
        tuple(InPlace(giver, taker, DAY, DAY) for giver, taker in in_place),
    )


LINE = {"me": "lead", "lead": "head", "head": "chief", "chief": None, "peer": "lead"}


@pytest.mark.parametrize(
    ("states", "in_place", "chosen"),
    [
        ({}, (), Chosen("lead", None, Why.AS_PLANNED)),
        ({"lead": AWAY}, (), Chosen("head", "lead", Why.ABSENT)),
        ({"lead": LEFT}, (), Chosen("head", "lead", Why.LEFT)),
        ({"lead": JOINING}, (), Chosen("head", "lead", Why.LEFT)),
        ({"lead": LEFT, "head": AWAY}, (), Chosen("chief", "lead", Why.LEFT)),
        ({}, (("lead", "peer"),), Chosen("peer", "lead", Why.DELEGATED)),
        ({"lead": AWAY}, (("lead", "peer"),), Chosen("peer", "lead", Why.DELEGATED)),
        ({"lead": AWAY, "peer": AWAY}, (("lead", "peer"),), Chosen("head", "lead", Why.ABSENT)),
        ({"peer": LEFT}, (("lead", "peer"),), Chosen("lead", None, Why.AS_PLANNED)),
        ({"lead": AWAY}, (("lead", "me"),), Chosen("head", "lead", Why.ABSENT)),
        ({"lead": LEFT}, (("lead", "peer"),), Chosen("head", "lead", Why.LEFT)),
        ({"lead": AWAY}, (("lead", "peer"), ("peer", "chief")), Chosen("peer", "lead", Why.DELEGATED)),
        ({"lead": AWAY, "peer": AWAY}, (("lead", "peer"), ("peer", "chief")),
         Chosen("chief", "lead", Why.DELEGATED)),
        ({"lead": AWAY}, (("lead", "peer"), ("peer", "lead")), Chosen("peer", "lead", Why.DELEGATED)),
        ({"lead": AWAY, "head": AWAY}, (("head", "peer"),), Chosen("peer", "lead", Why.ABSENT)),
        ({"lead": LEFT, "head": LEFT, "chief": LEFT}, (), Chosen(None, "lead", Why.NOBODY)),
    ],
)  # fmt: skip
def test_the_managers_line(
    states: dict[str, str], in_place: tuple[tuple[str, str], ...], chosen: Chosen
) -> None:
    question = Question(MANAGER, "me", "me")

    assert approver_for(question, world(LINE, states, in_place), DAY) == chosen


@pytest.mark.parametrize(
    ("question", "states", "chosen"),
    [
        (Question(MANAGER, "me", "lead"), {}, Chosen("head", "lead", Why.OWN)),
        (Question(MANAGER, "chief", "chief"), {}, Chosen(None, None, Why.NOBODY)),
        (Question(ApproverKind.MANAGER_OF_MANAGER, "me", "me"), {}, Chosen("head", None, Why.AS_PLANNED)),
        (Question(ApproverKind.MANAGER_OF_MANAGER, "me", "me"), {"lead": LEFT},
         Chosen("chief", None, Why.AS_PLANNED)),
        (Question(ApproverKind.MANAGER_OF_MANAGER, "head", "head"), {}, Chosen(None, None, Why.NOBODY)),
        (Question(ApproverKind.PERSON, "me", "me", ("peer",)), {}, Chosen("peer", None, Why.AS_PLANNED)),
        (Question(ApproverKind.PERSON, "me", "me", ("peer",)), {"peer": LEFT},
         Chosen("lead", "peer", Why.LEFT)),
        (Question(ApproverKind.PERSON, "me", "me", ("me",)), {}, Chosen("lead", "me", Why.OWN)),
        (Question(ApproverKind.ROLE, "me", "me", ("peer", "chief")), {"peer": AWAY},
         Chosen("chief", None, Why.AS_PLANNED)),
        (Question(ApproverKind.TEAM, "me", "me", ("me", "peer")), {}, Chosen("peer", None, Why.AS_PLANNED)),
        (Question(ApproverKind.TEAM, "me", "me", ("peer", "head")), {"peer": AWAY, "head": AWAY},
         Chosen("lead", "peer", Why.ABSENT)),
        (Question(ApproverKind.COST_OWNER, "me", "me", ("chief",)), {"chief": AWAY},
         Chosen(None, "chief", Why.NOBODY)),
        (Question(ApproverKind.COST_OWNER, "me", "me", ()), {}, Chosen(None, None, Why.NOBODY)),
        (Question(ApproverKind.PERSON, "me", "me", ("nobody",)), {}, Chosen(None, "nobody", Why.NOBODY)),
        (Question(MANAGER, "me", "me", barred=frozenset({"lead"})), {}, Chosen("head", "lead", Why.OWN)),
    ],
)  # fmt: skip
def test_every_way_to_describe_an_approver(
    question: Question, states: dict[str, str], chosen: Chosen
) -> None:
    assert approver_for(question, world(LINE, states), DAY) == chosen


def test_the_last_day_is_a_working_day_and_an_absence_ends_with_its_last_day() -> None:
    people = People(
        {"me": Colleague("me", "lead", EVER), "lead": Colleague("lead", "head", EVER, DAY),
         "head": Colleague("head", None, EVER)},
        (Away("head", DAY - timedelta(days=3), DAY - timedelta(days=1)),),
    )  # fmt: skip
    question = Question(MANAGER, "me", "me")

    assert approver_for(question, people, DAY).employee_id == "lead"
    assert approver_for(question, people, DAY + timedelta(days=1)) == Chosen("head", "lead", Why.LEFT)
    assert approver_for(question, people, DAY - timedelta(days=1)).employee_id == "lead"


def test_the_later_of_two_delegations_counts() -> None:
    people = world(LINE, {}, (("lead", "peer"), ("lead", "chief")))

    assert approver_for(Question(MANAGER, "me", "me"), people, DAY).employee_id == "chief"


NAMES = ("me", "a", "b", "c")


def every_company() -> Iterator[tuple[dict[str, str | None], dict[str, str]]]:
    """All 256 ways in which four people can report to each other (circles too), in all states of three."""
    for managers in product(*((None, *(other for other in NAMES if other != name)) for name in NAMES)):
        for states in product((HERE, AWAY, LEFT), repeat=3):
            yield dict(zip(NAMES, managers, strict=True)), dict(zip(NAMES[1:], states, strict=True))


def test_in_every_small_company_the_first_above_who_may_decide_does() -> None:
    """Without delegations the answer is simply the first of the line who is there; nobody else."""
    seen = 0
    for managers, states in every_company():
        line, above = list[str](), managers["me"]
        while above is not None and above not in ("me", *line):
            line.append(above)
            above = managers[above]
        free = [name for name in line if states[name] == HERE]

        chosen = approver_for(Question(MANAGER, "me", "me"), world(managers, states), DAY)

        assert chosen.employee_id == (free[0] if free else None)
        assert chosen.was_for == (None if chosen.why is Why.AS_PLANNED else line[0] if line else None)
        assert (chosen.why is Why.NOBODY) == (not free)
        seen += 1
    assert seen == 4**4 * 27


def test_in_every_line_with_every_delegation_the_one_who_decides_may() -> None:
    line: dict[str, str | None] = {"me": "a", "a": "b", "b": "c", "c": None}
    seen = delegated = 0
    for states in product((HERE, AWAY, LEFT), repeat=3):
        for takers in product((None, *NAMES), repeat=3):
            given_to = tuple((g, t) for g, t in zip(NAMES[1:], takers, strict=True) if t and t != g)
            people = world(line, dict(zip(NAMES[1:], states, strict=True)), given_to)
            question = Question(MANAGER, "me", "me")

            chosen = approver_for(question, people, DAY)

            seen += 1
            if chosen.employee_id is None:  # then none of the three could have
                assert not any(can_decide(name, question, people, DAY) for name in NAMES[1:])
                continue
            assert can_decide(chosen.employee_id, question, people, DAY)
            if chosen.why is Why.DELEGATED:
                delegated += 1
                assert chosen.was_for == "a"
                assert people.stands_in("a", DAY) is not None
            elif chosen.employee_id == "a":  # nobody whom they named could have decided
                named = people.stands_in("a", DAY)
                assert named is None or not can_decide(named, question, people, DAY)
    assert seen == 27 * 125
    assert delegated > 300


SOME = st.sampled_from([f"p{n}" for n in range(8)])


@st.composite
def companies(draw: st.DrawFn) -> People:
    """Eight people in any relation to each other, some away, left or still to come, some delegating."""
    people = {}
    for n in range(8):
        manager = draw(st.none() | SOME)
        starts = DAY + timedelta(days=draw(st.sampled_from([-400, 0, 1])))
        ends = draw(st.sampled_from([None, None, DAY, DAY - timedelta(days=1)]))
        gone = draw(st.sampled_from([False, False, False, True]))
        people[f"p{n}"] = Colleague(f"p{n}", manager if manager != f"p{n}" else None, starts, ends, gone)
    days = st.sampled_from([(-1, -1), (0, 0), (-3, 3), (1, 2)])
    span = st.builds(lambda d: (DAY + timedelta(days=d[0]), DAY + timedelta(days=d[1])), days)
    away = draw(st.lists(st.builds(lambda who, s: Away(who, *s), SOME, span), max_size=6))
    given_to = draw(st.lists(st.builds(lambda a, b, s: InPlace(a, b, *s), SOME, SOME, span), max_size=6))
    return People(people, tuple(away), tuple(given_to))


@settings(max_examples=150, deadline=None)
@given(
    people=companies(),
    kind=st.sampled_from(list(ApproverKind)),
    beneficiary=SOME,
    asker=SOME,
    named=st.lists(SOME, max_size=3).map(tuple),
)
def test_whoever_decides_is_here_and_it_is_not_their_own_affair(
    people: People, kind: ApproverKind, beneficiary: str, asker: str, named: tuple[str, ...]
) -> None:
    question = Question(kind, beneficiary, asker, named)

    chosen = approver_for(question, people, DAY)

    assert chosen == approver_for(question, people, DAY)
    if chosen.employee_id is None:
        assert chosen.why is Why.NOBODY
        return
    assert chosen.employee_id not in (beneficiary, asker)
    assert people.colleagues[chosen.employee_id].is_here(DAY)
    assert not people.is_away(chosen.employee_id, DAY)
    assert (chosen.was_for is None) == (chosen.why is Why.AS_PLANNED)
    if chosen.why is Why.DELEGATED:
        assert chosen.was_for is not None
        assert people.stands_in(chosen.was_for, DAY) is not None
        assert people.is_here(chosen.was_for, DAY)
