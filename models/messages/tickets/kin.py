"""Words about tickets that belong together, and about tickets that rest for a while."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.messages.tickets import Change, Command, Recorded

MOST_DEEP = 4  # tickets from the topmost to the lowest part of it
MOST_CHILDREN = 50
MOST_DAYS_SNOOZED = 366
UNDO_SECONDS = 10  # for so long nobody is written to about a merge


class LinkKind(StrEnum):
    """What one ticket is to another; the first is the one that says it."""

    RELATED = "related"
    DUPLICATE = "duplicate"  # the first is a duplicate of the other
    CAUSED = "caused"  # the first was caused by the other
    CHILD = "child"  # the first is a part of the other, which is not resolved before
    SPLIT = "split"  # the first was made of messages of the other


@dataclass(frozen=True)
class Merge(Command):
    """Go on in another ticket; `is_across` when the agent knows that it is another customer's."""

    keeper_id: str = ""
    is_across: bool = False


@dataclass(frozen=True)
class Unmerge(Command):
    """Be a ticket of one's own again."""


@dataclass(frozen=True)
class Split(Command):
    """These messages become a ticket of their own."""

    message_ids: tuple[str, ...] = ()
    subject: str = ""


@dataclass(frozen=True)
class Snooze(Command):
    """Out of the queue until a time, or (None) until the customer answers."""

    until: datetime | None = None
    is_past_deadline: bool = False  # whoever snoozes knows that a promise is due before


@dataclass(frozen=True)
class Wake(Command):
    """Back into the queue before the time."""


@dataclass(frozen=True)
class MergeStep:
    """A merge or its undoing as an activity writes it: both rows in one transaction."""

    change: Change
    keeper_id: str
    is_across: bool = False


@dataclass(frozen=True)
class SplitStep:
    """A split as an activity writes it: messages, the new ticket and its announcement in one transaction."""

    change: Change
    message_ids: tuple[str, ...]
    subject: str
    key: str  # the same split again finds the same ticket


@dataclass(frozen=True)
class KinRecorded:
    """How a step that concerns another ticket went."""

    refusal: str = ""  # code; nothing was written then
    recorded: Recorded | None = None


@dataclass(frozen=True)
class MergeSettled:
    """A fact: the ticket that this one was merged into is resolved or over, so the merge stays."""

    keeper_id: str
    at: datetime


@dataclass(frozen=True)
class ChildMoved:
    """A fact for a ticket: a part of it has joined or left, is done, or is worked on again."""

    ticket_id: str
    seq: int  # the part's own count
    is_open: bool
    sentence: str
    at: datetime
    actor_id: str | None = None
