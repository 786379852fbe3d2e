"""Words about how people and devices reach us besides mail: programs, texts, calls, chats, telemetry."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.messages.journeys import WaitNotes
from models.messages.sentences import N_


class Door(StrEnum):
    """Which door something came to."""

    SMS = "sms"
    CALL = "call"
    DEVICE = "device"


class EventStatus(StrEnum):
    """Where something that came in stands."""

    RECEIVED = "received"  # kept; nobody has looked at it yet
    PLACED = "placed"  # it has its ticket, call or device
    IGNORED = "ignored"  # it means nothing to us; the original stays
    QUARANTINED = "quarantined"  # readable, but nobody knows whose it is
    REFUSED = "refused"  # not from whom it says, or not readable: counted, not kept


class Scope(StrEnum):
    """What a program's key may do."""

    READ = "tickets_read"
    CREATE = "tickets_create"
    REPLY = "tickets_reply"
    NOTE = "tickets_note"


class CallStatus(StrEnum):
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"  # somebody had spoken
    MISSED = "missed"  # nobody had


class FaultStatus(StrEnum):
    """Where a device's fault stands."""

    WATCHING = "watching"  # too few alarms yet
    RAISED = "raised"  # it has a ticket
    OVER = "over"  # quiet for long enough


class ChatSide(StrEnum):
    CUSTOMER = "customer"
    DESK = "desk"


# Why something is where it is; the page shows the sentence.
REASONS: dict[str, str] = {
    "": "",
    "signature": N_("The signature does not fit"),
    "unreadable": N_("It could not be read as this kind of message"),
    "unknown_key": N_("The device key is unknown or was revoked"),
    "foreign_serial": N_("This key may not speak for that serial number"),
    "bad_time": N_("Its time lies too far in the past or in the future"),
    "too_many": N_("Too much came at once; the rest was not taken"),
    "unknown_serial": N_("Nobody owns a device with this serial number"),
    "new_ticket": N_("It opened a ticket"),
    "answer_sure": N_("An answer from a proved number"),
    "answer_unsure": N_("An answer from a number that proves nothing"),
    "several_open": N_("Several tickets of this number are open, so it is not said which one is meant"),
    "opted_out": N_("The sender does not want advertising any more"),
    "empty": N_("It says nothing"),
    "call": N_("An event of a telephone call"),
}


@dataclass(frozen=True)
class TextOrder:
    """What starts the reading of one text. An id only: what it says stays in the tables."""

    event_id: str


@dataclass(frozen=True)
class PlaceText:
    """Put a text where it belongs, or give it a ticket of its own because the other one had ended."""

    event_id: str
    at: datetime


@dataclass(frozen=True)
class PlacedText:
    """Where a text went; a ticket that was there before has to be told."""

    status: EventStatus
    reason: str = ""
    ticket_id: str = ""
    message_id: str = ""
    is_news: bool = False


@dataclass(frozen=True)
class CallFacts:
    """What is known of a call; every fact counts once, in whatever order they come."""

    rung_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    recording: str = ""  # where the telephone system keeps it


@dataclass(frozen=True)
class CallOrder:
    """What starts the life of a call: its first event, whichever it was."""

    call_id: str
    facts: CallFacts


@dataclass(frozen=True)
class CallStep:
    """One step of a call as `channels.record_call` writes it."""

    call_id: str
    seq: int
    status: CallStatus
    facts: CallFacts
    at: datetime
    is_over: bool = False
    waits: WaitNotes = field(default_factory=WaitNotes)


@dataclass(frozen=True)
class FaultRule:
    """When alarms of a fault become a ticket: so many within so many minutes; a snapshot."""

    alarms: int = 3
    minutes: int = 10
    quiet_minutes: int = 30
    closes: bool = False  # a quiet device asks for its ticket to be confirmed, instead of only saying so
    version: int = 0


@dataclass(frozen=True)
class FaultOrder:
    """What starts the watch over one fault of one device."""

    fault_id: str
    looks: int = 0  # of the runs before this one
    seq: int = 0


@dataclass(frozen=True)
class Alarmed:
    """A fact: the device gave alarm again; told at most once a minute."""

    at: datetime


@dataclass(frozen=True)
class LookAtFault:
    """Look at the alarms now."""

    fault_id: str
    seq: int
    at: datetime


@dataclass(frozen=True)
class FaultSeen:
    """What the look decided, and when the next one is due."""

    status: FaultStatus
    next_at: datetime
    ticket_id: str = ""


@dataclass(frozen=True)
class FaultWait:
    """What a watch waits for, into the tables."""

    fault_id: str
    waits: WaitNotes


@dataclass(frozen=True)
class ChatOrder:
    """What starts a chat's life."""

    chat_id: str  # its ticket


@dataclass(frozen=True)
class LookAtChat:
    """Look whether somebody still writes; the waits that began are written with it."""

    chat_id: str
    at: datetime
    waits: WaitNotes = field(default_factory=WaitNotes)
    is_last: bool = False  # somebody has ended it


@dataclass(frozen=True)
class ChatSeen:
    """Until when silence is borne; when it is over, what the customer has not seen."""

    is_over: bool
    until: datetime
    unseen: tuple[str, ...] = ()
    ticket_id: str = ""


@dataclass(frozen=True)
class ChatLeft:
    """A fact: somebody has ended the chat."""

    at: datetime


def text_workflow_id(event_id: str) -> str:
    return f"text:{event_id}"


def call_workflow_id(call_id: str) -> str:
    return f"call:{call_id}"


def fault_workflow_id(fault_id: str) -> str:
    return f"device_fault:{fault_id}"


def chat_workflow_id(chat_id: str) -> str:
    return f"chat:{chat_id}"


# What the timeline says, by code.
SENTENCES: dict[str, str] = {
    "channels.text_hint": N_("The text came from a number that proves nothing; please make sure who wrote"),
    "channels.text_several": N_("The same number has %(count)s open tickets: %(other)s"),
    "channels.text_follows": N_("The text follows up on %(other)s, which is over"),
    "channels.call_ended": N_("A call of %(minutes)s minutes"),
    "channels.call_missed": N_("A call that nobody answered"),
    "channels.call_back": N_("A missed call: please call back"),
    "channels.fault_raised": N_("The device reports %(fault)s: %(count)s alarms within %(minutes)s minutes"),
    "channels.fault_again": N_("%(count)s more alarms of %(fault)s"),
    "channels.fault_recovered": N_(
        "The device has been quiet for %(minutes)s minutes: it recovered by itself"
    ),
    "channels.chat_begun": N_("A chat began"),
    "channels.chat_ended": N_("The chat ended after silence; it goes on by letter"),
    "channels.chat_left": N_("The chat was ended"),
}
