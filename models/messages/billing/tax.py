"""Words about evidence for the tax office: tax invoices and cash receipts, issued by an agency by our keys.

A card's slip is evidence by itself; nothing is issued for it."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from models.messages.billing.runs import TaxDocument
from models.messages.journeys import WaitNotes


class TaxOperation(StrEnum):
    ISSUE = "issue"
    AMEND = "amend"  # takes (part of) an issued one back, with its credit note or cancelled invoice


class TaxStatus(StrEnum):
    WAITING = "waiting"  # to be asked for
    UNKNOWN = "unknown"  # asked, and nobody knows: looked up before anything else
    ISSUED = "issued"
    PARKED = "parked"  # refused, with a reason and a repair
    VOID = "void"  # its invoice was cancelled before anybody asked


class TaxVerdict(StrEnum):
    ISSUED = "issued"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"
    ABSENT = "absent"  # a look-up: the agency has nothing under this key
    THERE = "there"  # an asking: the agency has something under this key already


@dataclass(frozen=True)
class TaxPaperAsked:
    """One document as the agency is asked for it."""

    key: str  # ours, at most 24 characters; the agency knows it once
    kind: TaxDocument
    operation: TaxOperation
    original: str  # the key of the one that is amended
    buyer_number: str = field(repr=False)
    written_on: date
    net_minor: int
    tax_minor: int
    total_minor: int


@dataclass(frozen=True)
class TaxAnswer:
    """What the agency said about one document."""

    verdict: TaxVerdict
    number: str = ""  # the tax office's own
    code: str = ""
    total_minor: int = 0
    retry_after_seconds: int = 0


@dataclass(frozen=True)
class TaxOrder:
    """What starts "TaxDocuments": everything that is to be issued on a day, or one document again."""

    day: date
    only: str = ""  # a parked document after its repair
    actor_id: str = ""


@dataclass(frozen=True)
class WriteTaxDocuments:
    """The next accounts whose documents get a row with its key, before anybody is asked."""

    day: date
    after: str
    at: datetime


@dataclass(frozen=True)
class TaxWritten:
    """How far the writing came; `last` empty: nobody is left."""

    last: str = ""
    documents: int = 0


@dataclass(frozen=True)
class TaxSlice:
    """One slice of asking or looking up; `at` is the workflow's own time."""

    at: datetime
    only: str = ""
    latency_seconds: int = 60  # how long the agency may take to show what it issued
    size: int = 500


@dataclass(frozen=True)
class TaxLeft:
    """What is not certain yet, and when it is looked at next."""

    to_ask: int
    unclear: int
    next_at: datetime | None = None


@dataclass(frozen=True)
class TaxWait:
    """What a day's issuing waits for, into the tables."""

    workflow_id: str
    waits: WaitNotes


def tax_workflow_id(day: date, only: str = "") -> str:
    return f"tax-documents:{day.isoformat()}" + (f":{only}" if only else "")
