"""How long a promise has run and when it is broken, with the sum explained block by block."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

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
from models.rules.calendars import Blocks, WorkingCalendar, blocks_from, is_working_day

MINUTE, MIDNIGHT = timedelta(minutes=1), 1440
EXPLAINED = 60  # days without work that an explanation lists
OFFICE = Hours(
    "office", (Shift((0, 1, 2, 3, 4), 9 * 60, 12 * 60), Shift((0, 1, 2, 3, 4), 13 * 60, 18 * 60))
)  # fmt: skip


@dataclass(frozen=True)
class Counted:
    """One stretch of time that counted."""

    begins: datetime
    ends: datetime

    @property
    def minutes(self) -> int:
        """Its whole minutes, rounded down."""
        return int((self.ends - self.begins) // MINUTE)


@dataclass(frozen=True)
class Closed:
    """A day on which nothing counted, and why: "weekend" or "holiday"."""

    day: date
    why: str


@dataclass(frozen=True)
class Reading:
    """What a clock shows at a moment: how much has run, until when, and how that adds up."""

    ran_minutes: int
    due: datetime | None  # None while it rests: nobody knows for how long
    blocks: tuple[Counted, ...]
    closed: tuple[Closed, ...]
    is_resting: bool


@dataclass(frozen=True)
class Promise:
    """One clock of a ticket as it is stored."""

    target: Target
    minutes: int
    hours: Hours
    started_at: datetime
    pauses: bool = False
    ended_at: datetime | None = None
    warned_at: datetime | None = None
    due_at: datetime | None = None
    round: int = 1


def calendar_of(hours: Hours, days: WorkingCalendar) -> WorkingCalendar:
    """These hours on the days of the calendar, which says what is closed and what is worked all the same."""
    weekdays = sorted({one for shift in hours.shifts for one in shift.weekdays})
    own = tuple((one, _blocks(shift for shift in hours.shifts if one in shift.weekdays)) for one in weekdays)
    return WorkingCalendar(
        blocks=own[0][1] if own else (),
        weekdays=frozenset(weekdays),
        holidays=days.holidays if hours.keeps_holidays else frozenset(),
        worked=days.worked if hours.keeps_holidays else frozenset(),
        zone=days.zone,
        by_weekday=own,
    )


def _blocks(shifts: Iterable[Shift]) -> Blocks:
    """Shifts of one day as blocks in order; such that touch or overlap count once."""
    joined: list[list[int]] = []
    for opens, closes in sorted((one.opens, one.closes) for one in shifts if one.closes > one.opens):
        if joined and opens <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], closes)
        else:
            joined.append([opens, closes])
    return tuple((_clock(opens), _clock(closes)) for opens, closes in joined)


def _clock(minutes: int) -> time:
    return time(minutes // 60 % 24, minutes % 60)


def running(
    start: datetime, calendar: WorkingCalendar, pauses: Sequence[Pause]
) -> Iterator[tuple[datetime, datetime]]:
    """The stretches that count: working time without pauses; they end where a pause is still open."""
    rests = joined(pauses)
    for begin, end in blocks_from(start, calendar):
        at = begin
        for since, until in rests:
            if since >= end or (until is not None and until <= at):
                continue
            if since > at:
                yield at, since
            if until is None:
                return
            at = until
            if at >= end:
                break
        if at < end:
            yield at, end


def joined(pauses: Sequence[Pause]) -> list[tuple[datetime, datetime | None]]:
    """Pauses in order, each moment in one of them only."""
    found: list[tuple[datetime, datetime | None]] = []
    for pause in sorted(pauses, key=lambda one: one.since):
        if pause.until is not None and pause.until <= pause.since:
            continue
        if found and (found[-1][1] is None or pause.since <= found[-1][1]):
            last = found[-1][1]
            ends = None if last is None or pause.until is None else max(last, pause.until)
            found[-1] = (found[-1][0], ends)
        else:
            found.append((pause.since, pause.until))
    return found


def read(
    promise: Promise, calendar: WorkingCalendar, pauses: Sequence[Pause], at: datetime | None
) -> Reading:
    """What the clock shows at `at` (its end, when it has ended); minutes are rounded down once, in the sum.

    With `at` None only the deadline is worked out: the first moment by which the promised minutes have run;
    at a block's end it is that end, not the next opening."""
    rests = tuple(pauses) if promise.pauses else ()
    left, due = timedelta(minutes=promise.minutes), None
    if not left:
        due = promise.started_at
    if promise.ended_at is not None and at is not None:
        at = min(at, promise.ended_at)
    ran, blocks, zone = timedelta(), list[Counted](), promise.started_at.tzinfo
    for begin, end in running(promise.started_at, calendar, rests):
        if at is not None and begin < at:
            counted = Counted(begin.astimezone(zone), min(end, at).astimezone(zone))
            blocks.append(counted)
            ran += counted.ends - counted.begins
        elif due is not None:
            break
        if due is None:
            if left <= end - begin:
                due = (begin + left).astimezone(zone)
            left -= end - begin
        if due is not None and at is None:
            break
    closed = closed_days(promise.started_at, at, calendar) if at is not None else ()
    resting = (
        any(since <= at and (until is None or at < until) for since, until in joined(rests)) if at else False
    )
    return Reading(int(ran // MINUTE), due, tuple(blocks), closed, resting)


def due_of(promise: Promise, calendar: WorkingCalendar, pauses: Sequence[Pause]) -> datetime | None:
    """The deadline alone."""
    return read(promise, calendar, pauses, None).due


def closed_days(start: datetime, end: datetime, calendar: WorkingCalendar) -> tuple[Closed, ...]:
    """The days within a time on which nobody worked, at most the first EXPLAINED."""
    day, last = start.astimezone(calendar.zone).date(), end.astimezone(calendar.zone).date()
    found: list[Closed] = []
    while day <= last and len(found) < EXPLAINED:
        if not is_working_day(day, calendar):
            is_holiday = day in calendar.holidays and day.weekday() in calendar.weekdays
            found.append(Closed(day, "holiday" if is_holiday else "weekend"))
        day += timedelta(days=1)
    return tuple(found)


# The policy


def line_for(terms: PromiseTerms, ticket: Described) -> PromiseLine | None:
    """The first line from the top that fits."""
    return next((line for line in terms.lines if fits(line, ticket)), None)


def fits(line: PromiseLine, ticket: Described) -> bool:
    """Whether every condition that a line has holds."""
    return (
        line.tier in ("", ticket.tier)
        and line.product in ("", ticket.product_id, ticket.category)
        and line.channel in ("", ticket.channel)
        and line.kind in ("", ticket.kind)
        and line.priority in ("", ticket.priority)
    )


CONDITIONS = ("tier", "product", "channel", "kind", "priority")


def policy_problems(terms: PromiseTerms) -> tuple[tuple[str, str], ...]:
    """What is wrong with a policy, as (place, code): "lines.2" or "hours.0"."""
    problems: list[tuple[str, str]] = []
    known = {hours.key for hours in terms.hours}
    for place, hours in enumerate(terms.hours):
        problems += [(f"hours.{place}", code) for code in _hours_problems(hours)]
    if not terms.lines:
        problems.append(("lines", "no_lines"))
    for place, line in enumerate(terms.lines):
        above = terms.lines[:place]
        if not line.name:
            problems.append((f"lines.{place}", "no_name"))
        elif any(one.name == line.name for one in above):
            problems.append((f"lines.{place}", "same_name"))
        if line.hours not in known:
            problems.append((f"lines.{place}", "no_hours"))
        if not (line.first_reply or line.next_reply or line.resolve):
            problems.append((f"lines.{place}", "nothing"))
        if line.resolve and line.first_reply > line.resolve:
            problems.append((f"lines.{place}", "order"))
        if any(all(getattr(one, name) in ("", getattr(line, name)) for name in CONDITIONS) for one in above):
            problems.append((f"lines.{place}", "unreachable"))
    return tuple(problems)


def _hours_problems(hours: Hours) -> list[str]:
    if any(not 0 <= one.opens < one.closes <= MIDNIGHT for one in hours.shifts):
        return ["empty_shift"]
    by_day: dict[int, list[tuple[int, int]]] = {}
    for shift in hours.shifts:
        for day in shift.weekdays:
            by_day.setdefault(day, []).append((shift.opens, shift.closes))
    for spans in by_day.values():
        ordered = sorted(spans)
        if any(after[0] < before[1] for before, after in pairwise(ordered)):
            return ["overlap"]
    return []


# What comes next

THEN = {
    Target.FIRST_REPLY: "warn_team", Target.NEXT_REPLY: "warn_team", Target.RESOLVE: "warn_leader",
}  # fmt: skip


def turn_due(open_promises: Iterable[Promise]) -> TurnDue:
    """The promise that is broken next, of those nobody was warned about; a first reply comes before all."""
    waiting = [
        one for one in open_promises if one.warned_at is None and one.ended_at is None and one.target in THEN
    ]
    first = [one for one in waiting if one.target is Target.FIRST_REPLY]
    timed = [one for one in (first or waiting) if one.due_at is not None]
    if not timed:
        return TurnDue()
    nearest = min(timed, key=lambda one: (one.due_at, one.target))
    return TurnDue(nearest.due_at, THEN[nearest.target], nearest.target.value)


def dues(promises: Iterable[Promise]) -> Mapping[Target, datetime | None]:
    """The deadline of each clock that runs, by what is promised."""
    return {one.target: one.due_at for one in promises if one.ended_at is None}
