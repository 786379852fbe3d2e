"""Dunning: forward only, each step once, never at night, on a holiday, or while the case rests."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.messages.dunning import CaseStatus, Outlook, PolicyStep, PolicyTerms, Rest, StepKind
from models.rules import dunning as rules
from models.rules.calendars import KST, WorkingCalendar, is_working_day
from models.rules.dunning import Done, Situation

K = StepKind
STEPS = (
    PolicyStep(1, K.RETRY), PolicyStep(3, K.NOTIFY, letter="reminder"),
    PolicyStep(10, K.CALL, minimum_minor=30_000), PolicyStep(14, K.SUSPEND), PolicyStep(45, K.TERMINATE),
    PolicyStep(60, K.RETRIEVE), PolicyStep(180, K.WRITE_OFF),
)  # fmt: skip
TERMS = PolicyTerms(STEPS)
DUE = date(2026, 9, 1)
HOLIDAYS = frozenset({date(2026, 9, 24), date(2026, 9, 25), date(2026, 10, 5), date(2026, 10, 9)})
CALENDAR = WorkingCalendar(holidays=HOLIDAYS)


def seoul(day: date, clock: time = time(10)) -> datetime:
    return datetime.combine(day, clock, KST)


def a_situation(at: datetime, **facts: object) -> Situation:
    return replace(Situation(at, 50_000, DUE), **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("at", "day", "expected"),
    [
        (seoul(date(2026, 9, 1)), date(2026, 9, 2), seoul(date(2026, 9, 2))),
        (seoul(date(2026, 9, 1)), date(2026, 9, 5), seoul(date(2026, 9, 7))),  # a Saturday
        (seoul(date(2026, 9, 1)), date(2026, 9, 24), seoul(date(2026, 9, 28))),  # Chuseok, then a weekend
        (seoul(date(2026, 9, 3), time(7, 59)), date(2026, 9, 3), seoul(date(2026, 9, 3))),
        (seoul(date(2026, 9, 3), time(20, 59)), date(2026, 9, 1), seoul(date(2026, 9, 3), time(20, 59))),
        (seoul(date(2026, 9, 3), time(21)), date(2026, 9, 3), seoul(date(2026, 9, 4))),
        (seoul(date(2026, 9, 4), time(23)), date(2026, 9, 4), seoul(date(2026, 9, 7))),
    ],
)
def test_nobody_hears_from_us_at_night_or_on_a_holiday(at: datetime, day: date, expected: datetime) -> None:
    assert rules.act_at(day, at.astimezone(UTC), CALENDAR) == expected


MOMENTS = st.datetimes(datetime(2026, 9, 2), datetime(2027, 3, 1)).map(lambda one: one.replace(tzinfo=UTC))


@given(at=MOMENTS, last=st.integers(-1, len(STEPS) - 1), overdue=st.integers(1, 100_000), data=st.data())
def test_steps_go_forward_only_and_never_sooner_than_the_policy_says(
    at: datetime, last: int, overdue: int, data: st.DataObject
) -> None:
    on = data.draw(st.dates(DUE + timedelta(days=1), rules.today(at)))
    done = Done(last, on) if last >= 0 else None
    situation = a_situation(at, last=done, overdue_minor=overdue)

    planned = rules.upcoming(TERMS, situation, CALENDAR)

    if planned is None:
        assert all(one.minimum_minor > overdue for one in STEPS[last + 1 :])
        return
    assert planned.position > last
    assert planned.step.minimum_minor <= overdue
    assert planned.act_at >= at
    local = planned.act_at.astimezone(KST)
    assert is_working_day(local.date(), CALENDAR)
    assert rules.OPENS <= local.time() < rules.CLOSES
    assert local.date() >= DUE + timedelta(days=planned.step.days)
    if done:
        assert (local.date() - on).days >= planned.step.days - STEPS[last].days


@given(started=MOMENTS, rests=st.lists(st.integers(0, 20), max_size=8))
def test_walking_through_a_policy_takes_each_step_once_in_order(started: datetime, rests: list[int]) -> None:
    at, taken, last = started, [], None
    while (planned := rules.upcoming(TERMS, a_situation(at, last=last), CALENDAR)) is not None:
        taken.append(planned.position)
        at = planned.act_at + timedelta(days=rests.pop() if rests else 0)
        last = Done(planned.position, rules.today(planned.act_at))

    assert taken == list(range(len(STEPS)))


def test_a_step_that_is_too_small_is_passed_over_and_not_made_up_for() -> None:
    small = a_situation(seoul(date(2026, 9, 5)), last=Done(1, date(2026, 9, 4)), overdue_minor=29_999)

    assert rules.next_position(TERMS, small) == 3
    assert rules.next_position(TERMS, replace(small, last=Done(3, DUE), overdue_minor=99_000)) == 4


def test_a_payment_under_way_puts_every_step_off_by_a_day() -> None:
    at = seoul(date(2026, 9, 2), time(11))

    assert rules.upcoming(TERMS, a_situation(at), CALENDAR).act_at == at  # type: ignore[union-attr]
    paying = rules.upcoming(TERMS, a_situation(at, is_paying=True), CALENDAR)
    assert paying is not None
    assert paying.act_at == seoul(date(2026, 9, 3))


def test_disputes_holds_and_promises_hold_a_case_up() -> None:
    at, day = seoul(date(2026, 9, 2)), date(2026, 9, 10)

    assert rules.rest(a_situation(at)) is None
    assert rules.rest(a_situation(at, promise_on=day)) == (Rest.PROMISE, seoul(date(2026, 9, 11), time()))
    assert rules.rest(a_situation(at, hold_until=day, promise_on=day)) == (
        Rest.HOLD, seoul(date(2026, 9, 11), time()),
    )  # fmt: skip
    assert rules.rest(a_situation(at, has_dispute=True, hold_until=day)) == (Rest.DISPUTE, None)


@pytest.mark.parametrize(
    ("facts", "days", "code"),
    [
        ({}, 14, ""),
        ({}, 0, ""),
        ({}, 15, "promise_day"),
        ({}, -1, "promise_day"),
        ({"has_promise": True}, 3, "promise_open"),
        ({"promises": 2}, 3, "promises_used"),
    ],
)
def test_a_promise_is_near_and_not_repeated_for_ever(facts: dict[str, object], days: int, code: str) -> None:
    outlook = replace(Outlook(CaseStatus.OPEN, 1, 50_000), **facts)  # type: ignore[arg-type]

    assert rules.promise_refusal(TERMS, outlook, DUE + timedelta(days=days), DUE) == code


@pytest.mark.parametrize(
    ("has_hold", "days", "code"), [(False, 60, ""), (False, 61, "hold_day"), (True, 5, "hold_open")]
)
def test_a_hold_has_an_end(has_hold: bool, days: int, code: str) -> None:
    outlook = Outlook(CaseStatus.OPEN, 1, 50_000, has_hold=has_hold)

    assert rules.hold_refusal(TERMS, outlook, DUE + timedelta(days=days), DUE) == code


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ((), "steps"),
        ((PolicyStep(7, K.RETRY), PolicyStep(3, K.CALL)), "order"),
        ((PolicyStep(0, K.RETRY),), "order"),
        ((PolicyStep(3, K.SUSPEND), PolicyStep(9, K.SUSPEND)), "twice"),
        ((PolicyStep(3, K.WRITE_OFF), PolicyStep(9, K.CALL)), "last"),
        ((PolicyStep(3, K.RETRIEVE), PolicyStep(9, K.TERMINATE)), "retrieve"),
        ((PolicyStep(3, K.NOTIFY, letter="poem"),), "letter"),
        ((PolicyStep(3, K.CALL, channel="pigeon"),), "channel"),
    ],
)
def test_a_policy_that_cannot_work_is_not_published(steps: tuple[PolicyStep, ...], problem: str) -> None:
    assert rules.policy_problems(PolicyTerms(steps)) == (problem,)
    assert rules.policy_problems(TERMS) == ()
