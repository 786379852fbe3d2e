"""Words about collecting what is due from many customers at once, by the methods that they have agreed on."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from models.messages.journeys import WaitNotes
from models.messages.sentences import N_


class CollectionStatus(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"  # finance has stopped it; what was asked already is still found out
    DONE = "done"


class RefusalClass(StrEnum):
    """What a refusal says about trying again (card schemes bind everybody to it)."""

    SOFT = "soft"  # may pay another day: limit, balance, issuer away
    HARD = "hard"  # never again with this method
    OURS = "ours"  # nobody asked the issuer: it counts for no limit


@dataclass(frozen=True)
class CollectionOrder:
    """What starts the collection of a business day; `after` is where a continued one goes on."""

    day: date
    run_id: str = ""  # the bill run whose end started it
    after: str = ""  # the last customer whose invoices were looked at
    seq: int = 0
    is_written: bool = False  # every attempt of the day is there: a continued one only asks and looks up


@dataclass(frozen=True)
class CollectionPolicy:
    """The rules of one collection, as they were when it began (card schemes: 15 in 30 days, 10 in a day)."""

    version: int = 1
    retry_after_days: tuple[int, ...] = (1, 3, 5, 7)
    most_failed_30_days: int = 15
    most_failed_24_hours: int = 10
    slice_customers: int = 500
    slice_attempts: int = 500
    lanes: int = 2  # slices that are asked at the same time
    look_up_after_seconds: tuple[int, ...] = (5, 30, 120, 300, 3_600)
    away_seconds: tuple[int, ...] = (10, 30, 60, 120, 300)  # pauses while a provider is away
    gives_up_after_hours: int = 20


@dataclass(frozen=True)
class BeginCollection:
    """What `payments.begin_collection` is asked: the order at the workflow's own time."""

    order: CollectionOrder
    at: datetime


@dataclass(frozen=True)
class CollectionStep:
    """One step of a collection as `payments.record_collection` writes it."""

    collection_id: str
    seq: int
    status: CollectionStatus
    at: datetime
    sentence: str = ""  # empty: only the row and its waits
    actor_id: str | None = None
    waits_for: str = ""  # code in WAITS
    waits_until: datetime | None = None
    waits: WaitNotes = field(default_factory=WaitNotes)


@dataclass(frozen=True)
class WriteAttempts:
    """The next customers whose due invoices get an attempt with its key."""

    collection_id: str
    day: date
    policy: CollectionPolicy
    after: str
    at: datetime


@dataclass(frozen=True)
class Written:
    """How far the writing came; `last` empty: nobody is left."""

    last: str = ""
    attempts: int = 0


@dataclass(frozen=True)
class WorkSlice:
    """One slice of asking, looking up or writing letters; `at` is the workflow's own time."""

    collection_id: str
    policy: CollectionPolicy
    at: datetime
    latency_seconds: int = 60  # how long a gateway may take to show a charge


@dataclass(frozen=True)
class SliceDone:
    """What a slice did; the sums of a run are counted in SQL, never from here."""

    handled: int = 0
    is_more: bool = False
    away_seconds: int = 0  # a provider is away: do not ask before


@dataclass(frozen=True)
class Left:
    """What of a collection is not certain yet, counted in SQL."""

    to_ask: int = 0
    unclear: int = 0
    to_tell: int = 0
    next_at: datetime | None = None  # when the next look-up is due


@dataclass(frozen=True)
class CollectionCommand:
    """What finance says about a running collection: `pause`, `resume`."""

    id: str
    actor_id: str
    at: datetime


def collection_workflow_id(day: date) -> str:
    return f"collection:{day.isoformat()}"


SENTENCES: dict[str, str] = {
    "payments.collection_begun": N_("Collection of %(day)s began"),
    "payments.collection_paused": N_("The collection was paused"),
    "payments.collection_resumed": N_("The collection goes on"),
    "payments.collection_away": N_("A provider does not answer; the collection waits and asks again"),
    "payments.collection_done": N_("The collection ended: %(paid)s paid, %(refused)s refused"),
    "payments.collection_handed_over": N_(
        "The collection could not find out what became of this payment; it is looked up by itself from now on"
    ),
}
