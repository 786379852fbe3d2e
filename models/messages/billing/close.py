"""Words about the month's books: what is checked before a month is closed, and what the ERP is told."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from models.messages.billing.invoices import LedgerAccount
from models.messages.journeys import WaitNotes
from models.messages.sentences import N_


class PeriodStatus(StrEnum):
    OPEN = "open"  # anything may be posted; a month without a row is open
    CLOSING = "closing"  # nothing may be posted but the close's own entries
    CLOSED = "closed"  # nothing may be posted; the ERP has acknowledged


class CheckStatus(StrEnum):
    DONE = "done"
    LISTED = "listed"  # found and shown; does not hold the close up
    DIFFERS = "differs"  # holds the close up until it is repaired or accepted
    ACCEPTED = "accepted"  # somebody of finance accepts it, with a reason


class Check(StrEnum):
    """What is looked at before a month is closed, and (from TIE_OUT on) while it is closing."""

    EARLIER = "earlier"  # an earlier month with postings is not closed
    CONTRACTS = "contracts"  # contracts that were due in the month and not charged
    ATTEMPTS = "attempts"  # payments of the month that are still under way
    UNKNOWN = "unknown"  # payments and refunds whose end is unclear
    UNBILLED = "unbilled"  # charges that stand on no document yet
    SUSPENSE = "suspense"  # money that nobody claims
    INVARIANTS = "invariants"  # queries that must return no row
    DEFERRAL = "deferral"  # what was billed and is earned later
    BALANCED = "balanced"  # debit = credit in the month
    RECEIVABLES = "receivables"  # ledger = open invoices
    GATEWAY = "gateway"  # ledger = what payments say
    POSTING = "posting"  # the ERP holds the same sums


BEFORE = (
    Check.EARLIER, Check.CONTRACTS, Check.ATTEMPTS, Check.UNKNOWN, Check.UNBILLED, Check.SUSPENSE,
    Check.INVARIANTS,
)  # fmt: skip
TIE_OUT = (Check.BALANCED, Check.RECEIVABLES, Check.GATEWAY)


class BatchStatus(StrEnum):
    PREPARED = "prepared"  # summed up; the ERP may or may not have been asked
    ACKNOWLEDGED = "acknowledged"  # the ERP holds it, posted, with the same sums
    NOTHING = "nothing"  # no transaction since the last batch of the month: nothing to post


@dataclass(frozen=True)
class CloseOrder:
    """What starts the close of a month."""

    period_id: str  # "2026-10"
    asked_by: str = ""  # the colleague; empty: the calendar
    check_again_minutes: int = 60
    reopen_days: int = 60  # how long two people may still reopen it


@dataclass(frozen=True)
class CloseCommand:
    """What finance says to a close: `start`, `retry`, `reopen`; `accept` also names the check."""

    id: str
    actor_id: str
    at: datetime
    reason: str = ""
    check: str = ""


@dataclass(frozen=True)
class CloseBegun:
    """What the close found when it began, for as long as it lives."""

    period_id: str
    round: int
    from_on: date
    until_on: date  # the first day of the next month


@dataclass(frozen=True)
class Found:
    """What one check found."""

    check: Check
    status: CheckStatus
    count: int = 0
    amount_minor: int = 0


@dataclass(frozen=True)
class Accepted:
    """A difference that somebody of finance accepts."""

    check: Check
    actor_id: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class CloseStep:
    """One step of a close as `billing.record_close` writes it."""

    period_id: str
    seq: int
    at: datetime
    sentence: str
    status: PeriodStatus | None = None
    actor_id: str = ""
    details: dict[str, str] = field(default_factory=dict)
    waits: WaitNotes = field(default_factory=WaitNotes)
    reopens: bool = False


@dataclass(frozen=True)
class CloseAt:
    """Which close works at what time of its own."""

    period_id: str
    round: int
    at: datetime


@dataclass(frozen=True)
class Deferral:
    """What a contract was billed up to a day, what of it is earned, and the difference."""

    billed_minor: int
    earned_minor: int

    @property
    def deferred_minor(self) -> int:
        """Positive: billed ahead; negative: earned and not yet billed."""
        return self.billed_minor - self.earned_minor


@dataclass(frozen=True)
class JournalLine:
    """One line of a summarised posting: all debits or all credits of an account."""

    account: LedgerAccount
    code: str  # the ERP's account
    debit_minor: int
    credit_minor: int
    count: int


@dataclass(frozen=True)
class JournalEntry:
    """A summarised posting; `key` is its name on both sides."""

    key: str  # "ieum:2026-10.1"
    on: date
    lines: tuple[JournalLine, ...]
    currency: str = "KRW"


@dataclass(frozen=True)
class ErpDocument:
    """What the ERP holds under a key."""

    id: int
    number: str  # empty while it is a draft
    is_posted: bool
    sums: dict[str, tuple[int, int]] = field(default_factory=dict)  # account code: debit, credit


@dataclass(frozen=True)
class Acknowledged:
    """The ERP has posted a batch."""

    period_id: str
    key: str
    document: ErpDocument
    at: datetime


def close_workflow_id(period_id: str) -> str:
    return f"close:{period_id}"


SENTENCES: dict[str, str] = {
    "billing.close_begun": N_("The close of %(period)s began"),
    "billing.close_held": N_("The close of %(period)s is held up by %(count)s points"),
    "billing.close_accepted": N_("%(check)s was accepted: %(reason)s"),
    "billing.close_locked": N_("Nothing more is posted to %(period)s"),
    "billing.close_sent": N_("The ERP was told the sums of %(period)s"),
    "billing.close_refused": N_("The ERP refuses the posting of %(period)s: %(reason)s"),
    "billing.close_differs": N_("The ERP's sums of %(period)s differ from ours by %(amount)s"),
    "billing.closed": N_("%(period)s is closed"),
    "billing.reopen_asked": N_("Reopening %(period)s was asked: %(reason)s"),
    "billing.reopened": N_("%(period)s was reopened by two people: %(reason)s"),
    "billing.close_final": N_("%(period)s can no longer be reopened"),
}
