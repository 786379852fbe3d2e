"""Words about promises: what a policy says, which clocks run on a ticket, and how they are re-timed."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.messages.sentences import N_


class Target(StrEnum):
    """What is promised by when."""

    FIRST_REPLY = "first_reply"
    NEXT_REPLY = "next_reply"  # to each further message of the customer
    RESOLVE = "resolve"
    CONFIRM = "confirm"  # the customer's silence


class Outcome(StrEnum):
    """How a clock ended."""

    MET = "met"
    BROKEN = "broken"  # what was promised came, but late
    DROPPED = "dropped"  # the ticket was called off, or the clock began anew


@dataclass(frozen=True)
class Shift:
    """Minutes of certain weekdays; 1440 is midnight at the end of the day."""

    weekdays: tuple[int, ...]  # 0 = Monday
    opens: int
    closes: int


@dataclass(frozen=True)
class Hours:
    """When a clock runs: several blocks a day, with or without public holidays."""

    key: str
    shifts: tuple[Shift, ...]
    keeps_holidays: bool = True


@dataclass(frozen=True)
class PromiseLine:
    """Whom a promise is for and what is promised in minutes; an empty condition fits everything."""

    name: str
    tier: str = ""
    product: str = ""  # a product's id or its category
    channel: str = ""
    kind: str = ""
    priority: str = ""
    first_reply: int = 0
    next_reply: int = 0
    resolve: int = 0
    hours: str = "office"
    pauses: bool = True  # rests while we wait for the customer


@dataclass(frozen=True)
class PromiseTerms:
    """One version of the policy: the first line from the top that fits counts."""

    hours: tuple[Hours, ...] = ()
    lines: tuple[PromiseLine, ...] = ()


@dataclass(frozen=True)
class Described:
    """A ticket as the policy sees it."""

    tier: str = ""
    product_id: str = ""
    category: str = ""
    channel: str = ""
    kind: str = ""
    priority: str = ""


@dataclass(frozen=True)
class Pause:
    """A time in which a clock rested."""

    since: datetime
    until: datetime | None = None
    why: str = "waiting_customer"


@dataclass(frozen=True)
class TurnDue:
    """The next promise of a ticket that is not broken yet, as it was decided that day."""

    until: datetime | None = None
    then: str = ""  # "warn_team", "warn_leader" or nothing
    target: str = ""


class RetimingWhy(StrEnum):
    CALENDAR = "calendar"  # a day was added to or taken from the calendar
    POLICY = "policy"  # a version shall hold for open tickets, too


class RetimingStatus(StrEnum):
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True)
class RetimingOrder:
    """Open tickets are to be timed anew."""

    retiming_id: str
    why: RetimingWhy
    policy_version: int = 0
    slice_size: int = 500


@dataclass(frozen=True)
class RetimingSlice:
    """The next slice begins after this ticket."""

    order: RetimingOrder
    after: str
    at: datetime


@dataclass(frozen=True)
class Retimed:
    """What a slice did."""

    last: str = ""  # empty: there was none left
    seen: int = 0
    moved: int = 0


@dataclass(frozen=True)
class DeadlinesMoved:
    """A fact for a ticket: its row has other deadlines now. `seq` is the row's step they were computed at."""

    retiming_id: str
    seq: int
    at: datetime
    turn: TurnDue = field(default_factory=TurnDue)
    confirm_due: datetime | None = None
    alarm_at: datetime | None = None


def retiming_workflow_id(retiming_id: str) -> str:
    return f"retiming:{retiming_id}"


# What can be wrong with a policy; where it is wrong says the place.
PROBLEMS: dict[str, str] = {
    "no_lines": N_("A policy needs at least one line."),
    "no_hours": N_("These working hours are not described above."),
    "no_name": N_("Please give this line a name."),
    "same_name": N_("Another line has this name already."),
    "nothing": N_("This line promises nothing."),
    "unreachable": N_("No ticket reaches this line: the one above takes them all."),
    "empty_shift": N_("A block ends after it begins."),
    "overlap": N_("Blocks of one day must not overlap."),
    "order": N_("A reply is promised before the solution."),
}
