"""What a clock shows, compared with counting minute by minute; and which promise a ticket gets."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.messages.tickets.promises import (
    Described,
    Hours,
    Pause,
    PromiseLine,
    PromiseTerms,
    Shift,
    Target,
    TurnDue,
)
from models.rules.calendars import HORIZON_DAYS, KST, WorkingCalendar
from models.rules.tickets import clocks
from models.rules.tickets.clocks import OFFICE, Promise

MONDAY = date(2026, 9, 21)
CHUSEOK = frozenset({date(2026, 9, 24), date(2026, 9, 25)})
DAYS = WorkingCalendar(holidays=CHUSEOK)
MIDNIGHT = datetime.combine(MONDAY, time(0), KST)
MINUTE = timedelta(minutes=1)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of that week in Seoul, as the tables hold it."""
    return (MIDNIGHT + timedelta(days=day, hours=hour, minutes=minute)).astimezone(UTC)


def a_promise(minutes: int, started_at: datetime, hours: Hours = OFFICE, **facts: object) -> Promise:
    return Promise(
        **{"target": Target.RESOLVE, "pauses": True, **facts},
        minutes=minutes,
        hours=hours,
        started_at=started_at,
    )  # type: ignore[arg-type]


shifts = st.builds(
    lambda days, opens, length: Shift(tuple(sorted(days)), opens, min(opens + length, 1440)),
    st.frozensets(st.integers(0, 6), min_size=1, max_size=7), st.integers(0, 1439), st.integers(1, 700),
)  # fmt: skip
hours_of = st.builds(
    lambda some, keeps: Hours("any", tuple(some), keeps),
    st.lists(shifts, min_size=1, max_size=4),
    st.booleans(),
)
dates = st.dates(MONDAY, MONDAY + timedelta(days=9))
calendars = st.builds(
    WorkingCalendar, holidays=st.frozensets(dates, max_size=4), worked=st.frozensets(dates, max_size=2)
)
moments = st.integers(0, 6 * 1440).map(lambda minutes: (MIDNIGHT + minutes * MINUTE).astimezone(UTC))
rests = st.builds(
    lambda since, length: Pause(since, since + length * MINUTE if length else None),
    moments, st.integers(0, 2 * 1440),
)  # fmt: skip


def is_counted(moment: datetime, hours: Hours, days: WorkingCalendar, pauses: list[Pause]) -> bool:
    """Whether the minute that begins at this moment counts, said as simply as it can be."""
    local = moment.astimezone(KST)
    minute, weekdays = (
        local.hour * 60 + local.minute,
        {one for shift in hours.shifts for one in shift.weekdays},
    )
    weekday = local.weekday()
    if hours.keeps_holidays and local.date() in days.worked:
        weekday = weekday if weekday in weekdays else min(weekdays)
    elif hours.keeps_holidays and local.date() in days.holidays:
        return False
    if not any(weekday in one.weekdays and one.opens <= minute < one.closes for one in hours.shifts):
        return False
    return not any(one.since <= moment and (one.until is None or moment < one.until) for one in pauses)


@settings(deadline=None, max_examples=60)
@given(hours_of, calendars, moments, st.integers(0, 2 * 1440), st.lists(rests, max_size=4))
def test_what_has_run_is_what_minutes_counted_by_hand_say(
    hours: Hours, days: WorkingCalendar, start: datetime, length: int, pauses: list[Pause]
) -> None:
    end = start + length * MINUTE
    promise = a_promise(10_000, start, hours)

    reading = clocks.read(promise, clocks.calendar_of(hours, days), pauses, end)

    by_hand = sum(is_counted(start + n * MINUTE, hours, days, pauses) for n in range(length))
    assert reading.ran_minutes == by_hand
    assert sum(one.minutes for one in reading.blocks) == by_hand
    assert all(one.ends <= two.begins for one, two in zip(reading.blocks, reading.blocks[1:], strict=False))


@settings(deadline=None, max_examples=60)
@given(hours_of, calendars, moments, st.integers(1, 900), st.lists(rests, max_size=3))
@example(Hours("any", (Shift((0,), 0, 1),), False), WorkingCalendar(), MIDNIGHT, 524, [])
def test_the_deadline_is_the_first_moment_by_which_the_minutes_have_run(
    hours: Hours, days: WorkingCalendar, start: datetime, minutes: int, pauses: list[Pause]
) -> None:
    calendar, promise = clocks.calendar_of(hours, days), a_promise(minutes, start, hours)

    due = clocks.due_of(promise, calendar, pauses)

    if (
        due is None
    ):  # it rests, or its hours are so few that it lies further ahead than calendars are looked at
        far = clocks.read(promise, calendar, pauses, start + timedelta(days=HORIZON_DAYS)).ran_minutes
        assert far < minutes
    else:
        assert clocks.read(promise, calendar, pauses, due).ran_minutes == minutes
        assert clocks.read(promise, calendar, pauses, due - MINUTE).ran_minutes == minutes - 1
        assert clocks.read(promise, calendar, pauses, due).due == due


def test_lunch_the_night_and_a_holiday_do_not_count_and_are_named() -> None:
    promise = a_promise(4 * 60, at(2, 17))

    reading = clocks.read(promise, clocks.calendar_of(OFFICE, DAYS), [], at(7, 13, 30))

    assert [(one.begins, one.minutes) for one in reading.blocks] == [
        (at(2, 17), 60), (at(7, 9), 180), (at(7, 13), 30),
    ]  # fmt: skip
    assert (reading.ran_minutes, reading.due) == (270, at(7, 12))
    assert [(one.day.day, one.why) for one in reading.closed] == [
        (24, "holiday"), (25, "holiday"), (26, "weekend"), (27, "weekend"),
    ]  # fmt: skip


def test_a_clock_that_rests_has_no_deadline_until_it_goes_on() -> None:
    promise, calendar = a_promise(120, at(0, 9)), clocks.calendar_of(OFFICE, DAYS)

    resting = clocks.read(promise, calendar, [Pause(at(0, 10))], at(1, 9))
    over = clocks.read(promise, calendar, [Pause(at(0, 10), at(1, 9))], at(1, 9, 30))

    assert (resting.ran_minutes, resting.due, resting.is_resting) == (60, None, True)
    assert (over.ran_minutes, over.due, over.is_resting) == (90, at(1, 10), False)
    unmoved = clocks.read(replace(promise, pauses=False), calendar, [Pause(at(0, 10))], at(1, 9))
    assert unmoved.due == at(0, 11)


def test_an_ended_clock_stands_still() -> None:
    promise = a_promise(60, at(0, 9), ended_at=at(0, 9, 20))

    assert clocks.read(promise, clocks.calendar_of(OFFICE, DAYS), [], at(1, 9)).ran_minutes == 20


def test_round_the_clock_knows_no_holiday_and_no_midnight() -> None:
    always = Hours("always", (Shift(tuple(range(7)), 0, 1440),), keeps_holidays=False)

    assert clocks.due_of(a_promise(3 * 1440, at(2, 12), always), clocks.calendar_of(always, DAYS), []) == at(
        5, 12
    )


def test_a_worked_sunday_has_the_blocks_of_an_ordinary_day() -> None:
    saturday = Hours("long", (Shift((0, 1, 2, 3, 4), 540, 1080), Shift((5,), 540, 780)))
    calendar = clocks.calendar_of(saturday, replace(DAYS, worked=frozenset({date(2026, 9, 27)})))

    assert clocks.due_of(a_promise(4 * 60, at(5, 9), saturday), calendar, []) == at(5, 13)
    assert clocks.due_of(a_promise(9 * 60, at(6, 0), saturday), calendar, []) == at(6, 18)


LINES = (
    PromiseLine("Premium faults", tier="premium", kind="fault", first_reply=60, resolve=480),
    PromiseLine("Televisions", product="tv", first_reply=120, resolve=900),
    PromiseLine("Everybody", first_reply=240, next_reply=240, resolve=1440),
)


@pytest.mark.parametrize(
    ("ticket", "name"),
    [
        (Described(tier="premium", kind="fault", category="tv"), "Premium faults"),
        (Described(tier="premium", kind="task", category="tv"), "Televisions"),
        (Described(tier="standard", product_id="tv"), "Televisions"),
        (Described(), "Everybody"),
    ],
)
def test_the_first_line_that_fits_counts(ticket: Described, name: str) -> None:
    found = clocks.line_for(PromiseTerms((OFFICE,), LINES), ticket)

    assert found is not None
    assert found.name == name


def test_a_policy_says_what_is_wrong_where() -> None:
    terms = PromiseTerms(
        (
            replace(OFFICE, shifts=(Shift((0,), 600, 540),)),
            Hours("x", (Shift((0,), 0, 60), Shift((0, 1), 30, 90))),
        ),
        (
            PromiseLine("all", first_reply=10),
            PromiseLine("", tier="vip", first_reply=10, resolve=5),
            PromiseLine("all", hours="none"),
        ),
    )  # fmt: skip

    assert clocks.policy_problems(terms) == (
        ("hours.0", "empty_shift"), ("hours.1", "overlap"),
        ("lines.1", "no_name"), ("lines.1", "order"), ("lines.1", "unreachable"),
        ("lines.2", "same_name"), ("lines.2", "no_hours"), ("lines.2", "nothing"), ("lines.2", "unreachable"),
    )  # fmt: skip
    assert clocks.policy_problems(PromiseTerms((OFFICE,), LINES)) == ()


def test_the_first_reply_comes_first_and_nobody_is_warned_twice() -> None:
    first = a_promise(60, at(0, 9), target=Target.FIRST_REPLY, due_at=at(0, 10))
    solve = a_promise(60, at(0, 9), due_at=at(0, 9, 30))

    assert clocks.turn_due([solve, first]) == TurnDue(at(0, 10), "warn_team", "first_reply")
    warned = replace(first, warned_at=at(0, 10))
    assert clocks.turn_due([solve, warned]) == TurnDue(at(0, 9, 30), "warn_leader", "resolve")
    assert clocks.turn_due([replace(solve, due_at=None), warned]) == TurnDue()
