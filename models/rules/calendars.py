"""Working time: which minutes count against a promise. Korea has no daylight saving time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

KST = timezone(timedelta(hours=9), "KST")
HORIZON_DAYS = 3660  # days; a calendar that does not work within ten years is a mistake
Blocks = tuple[tuple[time, time], ...]  # in order; one that closes at 00:00 lasts until midnight


@dataclass(frozen=True)
class WorkingCalendar:
    """When we work: blocks of a working day, weekdays, holidays, and days worked all the same."""

    blocks: Blocks = ((time(9), time(12)), (time(13), time(18)))
    weekdays: frozenset[int] = frozenset({0, 1, 2, 3, 4})  # 0 = Monday
    holidays: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()  # an override beats a holiday and a weekend
    zone: timezone = KST
    by_weekday: tuple[tuple[int, Blocks], ...] = ()  # weekdays with blocks of their own


def is_working_day(day: date, calendar: WorkingCalendar) -> bool:
    """Whether somebody works on this day; overrides come first."""
    if day in calendar.worked:
        return True
    return day.weekday() in calendar.weekdays and day not in calendar.holidays


def blocks_of(day: date, calendar: WorkingCalendar) -> Blocks:
    """The blocks of a day, if it is worked; a weekday without its own has those of an ordinary day."""
    return next((own for weekday, own in calendar.by_weekday if weekday == day.weekday()), calendar.blocks)


def blocks_from(start: datetime, calendar: WorkingCalendar) -> Iterator[tuple[datetime, datetime]]:
    """The working blocks that end after `start`, in order, the first one cut at `start`."""
    local = start.astimezone(calendar.zone)
    for ahead in range(HORIZON_DAYS):
        day = local.date() + timedelta(days=ahead)
        if not is_working_day(day, calendar):
            continue
        for opens, closes in blocks_of(day, calendar):
            begin = datetime.combine(day, opens, calendar.zone)
            last = day if closes > opens else day + timedelta(days=1)
            end = datetime.combine(last, closes, calendar.zone)
            if end > local:
                yield max(begin, local), end


def add_working_minutes(start: datetime, minutes: int, calendar: WorkingCalendar) -> datetime:
    """The instant by which so many working minutes have passed; at a block's end, not after the gap."""
    left = timedelta(minutes=minutes)
    if not left:
        return start
    for begin, end in blocks_from(start, calendar):
        if left <= end - begin:
            return (begin + left).astimezone(start.tzinfo)
        left -= end - begin
    raise ValueError("this calendar never works")


def working_minutes_between(start: datetime, end: datetime, calendar: WorkingCalendar) -> int:
    """How many whole working minutes lie between two instants; rounded down, 0 when end is not later."""
    total = timedelta()
    for begin, close in blocks_from(start, calendar):
        if begin >= end:
            break
        total += min(close, end.astimezone(calendar.zone)) - begin
    return int(total // timedelta(minutes=1))
