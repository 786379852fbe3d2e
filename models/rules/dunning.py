"""What happens to an overdue account, and when: steps in order, each once, never at night or on a holiday."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from models.kit.money import shown
from models.messages.dunning import (
    DunningOrder,
    Outlook,
    PolicyStep,
    PolicyTerms,
    PromiseStatus,
    Rest,
    StepKind,
    dunning_workflow_id,
)
from models.messages.journeys import Wait, WaitFor
from models.rules.calendars import KST, WorkingCalendar, is_working_day

DAY = timedelta(days=1)
ACTS_AT = time(10)  # on its day; late enough for everybody, with the whole day left to answer
OPENS, CLOSES = time(8), time(21)  # nobody hears from us outside these hours, Seoul
_HORIZON = 366
MOST_STEPS = 30
LONGEST = 730  # days
LETTERS = ("reminder", "warning", "last_notice")
CHANNELS = ("", "mail", "sms", "kakao")


@dataclass(frozen=True)
class Done:
    """The last step that was taken or left out, and its day in Seoul."""

    position: int
    on: date


@dataclass(frozen=True)
class Situation:
    """How a case stands at a moment."""

    at: datetime
    overdue_minor: int
    overdue_since: date  # the oldest due date that is still unpaid
    last: Done | None = None
    promise_on: date | None = None
    has_dispute: bool = False
    hold_until: date | None = None  # the last day of a hold
    is_paying: bool = False  # a payment is under way: nothing happens on that day


@dataclass(frozen=True)
class Planned:
    """The step that comes next and the moment from which it may be taken."""

    position: int
    step: PolicyStep
    act_at: datetime


def today(at: datetime) -> date:
    """The day in Seoul."""
    return at.astimezone(KST).date()


def begins(day: date) -> datetime:
    """The first moment of a day in Seoul."""
    return datetime.combine(day, time(), KST)


def rest(situation: Situation) -> tuple[Rest, datetime | None] | None:
    """What holds a case up, and when that ends by itself; a dispute ends only by a decision."""
    if situation.has_dispute:
        return Rest.DISPUTE, None
    if situation.hold_until is not None:
        return Rest.HOLD, begins(situation.hold_until + DAY)
    if situation.promise_on is not None:
        return Rest.PROMISE, begins(situation.promise_on + DAY)
    return None


def next_position(terms: PolicyTerms, situation: Situation) -> int | None:
    """The first step after the last one that the amount is large enough for: forward only."""
    first = situation.last.position + 1 if situation.last else 0
    for position in range(first, len(terms.steps)):
        if situation.overdue_minor >= terms.steps[position].minimum_minor:
            return position
    return None


def due_on(terms: PolicyTerms, situation: Situation, position: int) -> date:
    """The day of a step: so many days after the due date, and never sooner after the step before it than
    the policy says, however late the case was opened or how long it rested."""
    step, last = terms.steps[position], situation.last
    day = situation.overdue_since + timedelta(days=step.days)
    if last is None:
        return day
    gap = max(step.days - terms.steps[last.position].days, 0)
    return max(day, last.on + timedelta(days=gap))


def act_at(day: date, at: datetime, calendar: WorkingCalendar) -> datetime:
    """The moment on or after a day, and not before now, at which we may act: a working day, by daylight."""
    now = at.astimezone(KST)
    day = max(day, now.date())
    for ahead in range(_HORIZON):
        tried = day + timedelta(days=ahead)
        if not is_working_day(tried, calendar):
            continue
        moment = max(datetime.combine(tried, ACTS_AT, KST), now)
        if moment.date() == tried and OPENS <= moment.time() < CLOSES:
            return moment.astimezone(at.tzinfo)
    raise ValueError("this calendar never works")


def upcoming(terms: PolicyTerms, situation: Situation, calendar: WorkingCalendar) -> Planned | None:
    """The next step and its moment, as if nothing held the case up; None when every step was taken."""
    if situation.overdue_minor <= 0 or (position := next_position(terms, situation)) is None:
        return None
    day = due_on(terms, situation, position)
    if situation.is_paying:
        day = max(day, today(situation.at) + DAY)
    return Planned(position, terms.steps[position], act_at(day, situation.at, calendar))


def promise_refusal(terms: PolicyTerms, outlook: Outlook, pay_on: date, on: date) -> str:
    """Why a day cannot be promised, as a code; nothing when it can."""
    if outlook.has_promise:
        return "promise_open"
    if outlook.promises >= terms.promises_allowed:
        return "promises_used"
    if not on <= pay_on <= on + timedelta(days=terms.longest_promise_days):
        return "promise_day"
    return ""


def hold_refusal(terms: PolicyTerms, outlook: Outlook, until_on: date, on: date) -> str:
    """Why a case may not rest until a day, as a code; nothing when it may."""
    if outlook.has_hold:
        return "hold_open"
    if not on <= until_on <= on + timedelta(days=terms.longest_hold_days):
        return "hold_day"
    return ""


def policy_problems(terms: PolicyTerms) -> tuple[str, ...]:
    """What is wrong with a policy before it is published, as codes."""
    problems: list[str] = []
    days = [one.days for one in terms.steps]
    if not terms.steps or len(terms.steps) > MOST_STEPS:
        problems.append("steps")
    if days != sorted(days) or any(not 0 < one <= LONGEST for one in days):
        problems.append("order")
    kinds = [one.kind for one in terms.steps]
    if any(kinds.count(one) > 1 for one in (StepKind.TERMINATE, StepKind.WRITE_OFF, StepKind.SUSPEND)):
        problems.append("twice")
    if StepKind.WRITE_OFF in kinds[:-1]:
        problems.append("last")
    if StepKind.RETRIEVE in kinds and StepKind.TERMINATE not in kinds[: kinds.index(StepKind.RETRIEVE)]:
        problems.append("retrieve")
    if any(one.kind is StepKind.NOTIFY and one.letter not in LETTERS for one in terms.steps):
        problems.append("letter")
    if any(one.channel not in CHANNELS or one.minimum_minor < 0 for one in terms.steps):
        problems.append("channel")
    return tuple(problems)


def ended_promise(overdue_minor: int) -> PromiseStatus:
    """What became of a promise when its case is over."""
    return PromiseStatus.KEPT if overdue_minor <= 0 else PromiseStatus.WITHDRAWN


def wait_of(order: DunningOrder, outlook: Outlook, since: datetime) -> Wait:
    """The one wait of an open case: for whom, until when, and what happens then."""
    details = {"amount": shown(outlook.overdue_minor, outlook.currency)}
    who, what, until, then = WaitFor.US, "dunning_end", None, ""
    if outlook.rest is not None:
        is_promise = outlook.rest is Rest.PROMISE
        who = WaitFor.CUSTOMER if is_promise else WaitFor.US
        what, until = f"dunning_{outlook.rest.value}", outlook.rest_until
        then = "dunning_goes_on" if until is not None else ""
    elif outlook.kind is not None:
        who, what, until = WaitFor.CUSTOMER, "dunning", outlook.act_at
        then = f"dunning_{outlook.kind.value}"
    may = ("promise", "dispute", "hold", "write_off", "give_up")
    return Wait(
        "dunning", dunning_workflow_id(order.case_id), "", who, what, since, until, then, may,
        details, case_id=order.case_id, customer_id=order.customer_id,
    )  # fmt: skip
