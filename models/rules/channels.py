"""What is decided about texts, calls, alarms and chats: pure functions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.messages.channels import CallFacts, CallStatus, FaultRule, FaultStatus
from models.messages.tickets.mails import Mark

# Whole texts only: "수신거부 어떻게 하나요?" is a question and no order.
STOP = frozenset({"수신거부", "거부", "stop", "unsubscribe", "수신 거부", "무료수신거부"})
CALL_GRACE = timedelta(seconds=10)  # an event that comes late is still believed
LONGEST_CALL = timedelta(hours=4)  # then we no longer wait for its end
CALL_BACK_MINUTES = 60  # working minutes in which a missed caller is called
LOOK_WATCHING = timedelta(seconds=20)
LOOK_RAISED = timedelta(minutes=5)
STILL_COMING = timedelta(seconds=90)  # after an alarm it is looked again soon; else a signal wakes the watch
TELL_AGAIN = timedelta(hours=1)  # so often a ticket hears of further alarms
MOST_LOOKS = 400  # of one run of a watch
CHAT_SILENCE = timedelta(minutes=10)
CHAT_GONE = timedelta(seconds=90)  # a page that is open looks at least so often


def is_stop(text: str) -> bool:
    """Whether a text says nothing but that its sender wants no advertising any more."""
    return " ".join(text.strip().strip(".!").lower().split()) in STOP


@dataclass(frozen=True)
class Known:
    """What the tables know about the sender of a text."""

    open_tickets: tuple[str, ...] = ()  # of this number's customer, the newest first
    texted: str = ""  # the open one that we last wrote to by text
    is_verified: bool = False  # the carrier says that the number was not forged
    is_proved: bool = False  # the customer has proved the number by a code


@dataclass(frozen=True)
class TextPlace:
    """Where a text goes: to a ticket, or to a new one."""

    ticket_id: str = ""
    mark: Mark = Mark.UNPROVED
    reason: str = "new_ticket"


def place(known: Known) -> TextPlace:
    """Only a number that is verified by the carrier and proved by its owner answers without a mark's warning,
    and only when no other ticket can be meant."""
    is_sure = known.is_verified and known.is_proved
    mark = Mark.PROVED if is_sure else Mark.UNPROVED
    if len(known.open_tickets) == 1:
        return TextPlace(known.open_tickets[0], mark, "answer_sure" if is_sure else "answer_unsure")
    if known.texted in known.open_tickets:
        return TextPlace(known.texted, Mark.UNPROVED, "several_open")
    return TextPlace(mark=mark)


def merged(known: CallFacts, told: CallFacts) -> CallFacts:
    """Both together: of each fact the earliest counts, so that copies and any order give the same."""

    def first(one: datetime | None, other: datetime | None) -> datetime | None:
        return min((moment for moment in (one, other) if moment is not None), default=None)

    return CallFacts(
        first(known.rung_at, told.rung_at), first(known.answered_at, told.answered_at),
        first(known.ended_at, told.ended_at), known.recording or told.recording,
    )  # fmt: skip


def status_of(facts: CallFacts) -> CallStatus:
    """What a call is by now; that it was missed is said only once it has ended."""
    if facts.ended_at is not None:
        return CallStatus.ENDED if facts.answered_at is not None else CallStatus.MISSED
    return CallStatus.ANSWERED if facts.answered_at is not None else CallStatus.RINGING


@dataclass(frozen=True)
class Minute:
    """How often a device gave alarm within one minute."""

    at: datetime
    alarms: int
    last_at: datetime


@dataclass(frozen=True)
class Weighed:
    """What the alarms of a fault mean now."""

    status: FaultStatus
    count: int  # alarms within the rule's minutes
    next_at: datetime


def weigh(status: FaultStatus, minutes: Iterable[Minute], rule: FaultRule, now: datetime) -> Weighed:
    """Enough alarms in a short time raise it; a quiet period ends it. What flaps stays one fault."""
    seen = tuple(minutes)
    since = now - timedelta(minutes=rule.minutes)
    count = sum(one.alarms for one in seen if one.last_at > since)
    last = max((one.last_at for one in seen if one.alarms), default=None)
    quiet_at = (last or now - timedelta(days=1)) + timedelta(minutes=rule.quiet_minutes)
    if quiet_at <= now:
        return Weighed(FaultStatus.OVER, count, now)
    is_watched = status is FaultStatus.WATCHING and count < rule.alarms
    pause = LOOK_WATCHING if is_watched else LOOK_RAISED
    is_lively = last is not None and now - last < STILL_COMING
    next_at = min(now + pause, quiet_at) if is_lively else quiet_at
    return Weighed(status if is_watched else FaultStatus.RAISED, count, next_at)
