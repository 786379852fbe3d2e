"""Working time, compared with counting it minute by minute."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.rules.calendars import (
    KST,
    WorkingCalendar,
    add_working_minutes,
    is_working_day,
    working_minutes_between,
)

MONDAY = date(2026, 9, 21)
CHUSEOK = frozenset({date(2026, 9, 24), date(2026, 9, 25), date(2026, 9, 26)})
CALENDAR = WorkingCalendar(holidays=CHUSEOK)

calendars = st.builds(
    WorkingCalendar,
    blocks=st.sampled_from(
        [
            ((time(9), time(12)), (time(13), time(18))),
            ((time(10, 30), time(11)),),
            ((time(0), time(6)), (time(6), time(7)), (time(22), time(23, 59))),
        ]
    ),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    holidays=st.frozensets(st.dates(MONDAY, MONDAY + timedelta(days=14)), max_size=6),
    worked=st.frozensets(st.dates(MONDAY, MONDAY + timedelta(days=14)), max_size=3),
)
moments = st.integers(0, 7 * 24 * 60).map(
    lambda minutes: datetime.combine(MONDAY, time(0), KST) + timedelta(minutes=minutes)
)


def is_open(moment: datetime, calendar: WorkingCalendar) -> bool:
    """Whether the minute that begins at this moment is worked."""
    local = moment.astimezone(calendar.zone)
    if not is_working_day(local.date(), calendar):
        return False
    return any(opens <= local.time() < closes for opens, closes in calendar.blocks)


def counted(start: datetime, end: datetime, calendar: WorkingCalendar) -> int:
    minutes = int((end - start) / timedelta(minutes=1))
    return sum(is_open(start + timedelta(minutes=minute), calendar) for minute in range(minutes))


@settings(deadline=None, max_examples=60)
@given(calendars, moments, st.integers(0, 2 * 24 * 60))
def test_minutes_between_are_the_minutes_counted(
    calendar: WorkingCalendar, start: datetime, length: int
) -> None:
    end = start + timedelta(minutes=length)

    assert working_minutes_between(start, end, calendar) == counted(start, end, calendar)


@settings(deadline=None, max_examples=60)
@given(calendars, moments, st.integers(1, 200))
def test_a_deadline_is_the_first_moment_by_which_the_minutes_have_passed(
    calendar: WorkingCalendar, start: datetime, minutes: int
) -> None:
    due = add_working_minutes(start, minutes, calendar)

    moment, left = start, minutes
    while left:
        left -= is_open(moment, calendar)
        moment += timedelta(minutes=1)
    assert due == moment


@pytest.mark.parametrize(
    ("start", "minutes", "due"),
    [
        (datetime(2026, 9, 21, 9, 0, tzinfo=KST), 180, datetime(2026, 9, 21, 12, 0, tzinfo=KST)),
        (datetime(2026, 9, 21, 11, 30, tzinfo=KST), 60, datetime(2026, 9, 21, 13, 30, tzinfo=KST)),
        (datetime(2026, 9, 21, 17, 0, tzinfo=KST), 120, datetime(2026, 9, 22, 10, 0, tzinfo=KST)),
        (datetime(2026, 9, 23, 17, 59, tzinfo=KST), 2, datetime(2026, 9, 28, 9, 1, tzinfo=KST)),
        (datetime(2026, 9, 23, 8, 59, 30, tzinfo=UTC), 1, datetime(2026, 9, 28, 0, 0, 30, tzinfo=UTC)),
    ],
    ids=["to noon", "over lunch", "over night", "over Chuseok and a weekend", "seconds kept, in UTC"],
)
def test_promises_end_in_working_time(start: datetime, minutes: int, due: datetime) -> None:
    assert add_working_minutes(start, minutes, CALENDAR) == due


def test_an_override_is_worked_and_a_holiday_is_not() -> None:
    sunday = MONDAY - timedelta(days=1)
    calendar = WorkingCalendar(holidays=frozenset({MONDAY}), worked=frozenset({sunday}))

    assert is_working_day(sunday, calendar)
    assert not is_working_day(MONDAY, calendar)


def test_a_calendar_that_never_works_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="never works"):
        add_working_minutes(datetime(2026, 9, 21, tzinfo=KST), 1, WorkingCalendar(weekdays=frozenset()))
