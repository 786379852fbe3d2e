"""Words about bill runs: what a day's run is asked, how a slice went, and why an account was left out."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from models.messages.journeys import WaitNotes
from models.messages.sentences import N_

SLICE = 5_000  # accounts in one transaction


class RunStatus(StrEnum):
    PLANNED = "planned"  # asked for; its workflow has not begun
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"  # what was billed stays billed; the next run takes the rest


class SliceStatus(StrEnum):
    OPEN = "open"
    DONE = "done"


class TaxDocument(StrEnum):
    """What a customer shows the tax office; a card's slip is evidence by itself."""

    CARD_SLIP = "card_slip"
    CASH_RECEIPT = "cash_receipt"
    TAX_INVOICE = "tax_invoice"


class SkipReason(StrEnum):
    """Why an account has no invoice although something was due, or why a contract was not rated."""

    NOTHING_TO_PAY = "nothing_to_pay"  # the charges add up to nothing: they wait for the next bill
    CREDIT = "credit"  # more is given back than charged: carried forward
    SUSPENDED = "suspended"  # services are switched off, and days off cost nothing
    OPEN_CHANGE = "open_change"  # the days belong to a change that is not decided
    TERMS = "terms"  # error: the terms of a contract cannot be rated
    REFUSED = "refused"  # error: the database refuses the account's rows


@dataclass(frozen=True)
class BillRunOrder:
    """What starts "BillRun": everything that is due on a business day, or a preview that writes no money."""

    run_id: str
    day: date
    is_preview: bool = False
    asked_by: str = ""  # account; empty: the schedule
    slice_size: int = SLICE
    parallel: int = 2  # slices at once
    is_paused: bool = False  # where a longer run goes on after its history was cut
    seq: int = 0


@dataclass(frozen=True)
class PlanRun:
    """What `billing.plan_run` is asked."""

    order: BillRunOrder
    at: datetime


@dataclass(frozen=True)
class PlannedRun:
    """The slices that are still to be billed, and how many accounts they hold."""

    slices: tuple[int, ...]
    accounts: int
    status: RunStatus = RunStatus.RUNNING


@dataclass(frozen=True)
class BillSlice:
    """What `billing.bill_slice` is asked: one slice of a run, in one transaction."""

    run_id: str
    number: int
    day: date
    at: datetime
    is_preview: bool = False


@dataclass(frozen=True)
class SliceCounts:
    """What one slice or a whole run came to; every due contract and every account is in exactly one count."""

    contracts: int = 0  # due
    charged: int = 0
    held: int = 0
    parked: int = 0  # contracts of parked accounts
    accounts: int = 0
    invoices: int = 0
    carried: int = 0
    parked_accounts: int = 0
    lines: int = 0
    charged_minor: int = 0  # new charges
    open_minor: int = 0  # charges that waited for this bill
    carried_minor: int = 0  # left for the next one
    total_minor: int = 0  # of the invoices

    @property
    def is_complete(self) -> bool:
        """B4: what went in came out, in contracts, accounts and amounts."""
        return (
            self.contracts == self.charged + self.held + self.parked
            and self.accounts == self.invoices + self.carried + self.parked_accounts
            and self.charged_minor + self.open_minor == self.total_minor + self.carried_minor
        )


@dataclass(frozen=True)
class RunProgress:
    """How far a run is, read from the tables."""

    slices: int
    slices_done: int
    counts: SliceCounts = SliceCounts()


@dataclass(frozen=True)
class RunStep:
    """One step of a run as `billing.record_run` writes it."""

    run_id: str
    seq: int
    status: RunStatus
    at: datetime
    sentence: str
    actor_id: str = ""
    reason: str = ""
    waits: WaitNotes = field(default_factory=WaitNotes)


@dataclass(frozen=True)
class RunCommand:
    """Finance pauses, resumes or cancels a run."""

    id: str
    actor_id: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True)
class WriteBills:
    """What `billing.write_bills` is asked: the letters of one slice's invoices."""

    run_id: str
    number: int


@dataclass(frozen=True)
class CollectionDue:
    """What starts "Collection" after a run, field by field as payments calls it."""

    day: date
    run_id: str = ""


@dataclass(frozen=True)
class BillAgain:
    """What starts "BillAccount": one account is billed after its repair or after a correction."""

    key: str
    run_id: str
    customer_id: str
    actor_id: str = ""
    invoice_id: str = ""  # a correction: this invoice is taken back by a credit note first
    reason: str = ""
    keeps_money: bool = False  # what was paid of it stays on the account instead of going back


@dataclass(frozen=True)
class AgainAt:
    """The order of one account at the workflow's own time."""

    order: BillAgain
    at: datetime


@dataclass(frozen=True)
class TakenBack:
    """An invoice that is over; what was paid of it has to be given back by a credit note."""

    refund_minor: int = 0
    parts: tuple[int, ...] = ()  # of it, as it was paid: each goes back the way it came
    kept: str = ""  # the deposit in which it stays on the account


@dataclass(frozen=True)
class BilledAccount:
    """How billing one account again went."""

    invoice_id: str = ""
    skipped: str = ""  # SkipReason, when there is no invoice


def run_id(day: date) -> str:
    """`B2026-12-01`: one run a business day."""
    return f"B{day.isoformat()}"


def preview_id(day: date, number: int) -> str:
    """`P2026-12-01-1`: the n-th preview of a day."""
    return f"P{day.isoformat()}-{number}"


def run_workflow_id(run: str) -> str:
    return f"bill-run:{run}"


def letters_workflow_id(run: str) -> str:
    return f"bill-letters:{run}"


def again_workflow_id(key: str) -> str:
    return f"bill-account:{key}"


def collection_workflow_id(day: date) -> str:
    return f"collection:{day.isoformat()}"


SENTENCES: dict[str, str] = {
    "billing.run_started": N_("The bill run of %(day)s began with %(accounts)s accounts"),
    "billing.run_paused": N_("The bill run was paused"),
    "billing.run_resumed": N_("The bill run goes on"),
    "billing.run_cancelled": N_("The bill run was ended early"),
    "billing.run_done": N_("The bill run is done: %(invoices)s invoices over %(total)s, %(parked)s parked"),
    "billing.account_billed": N_("The account was billed again"),
}
