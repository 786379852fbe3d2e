"""Words about overdue accounts: policies, cases and their steps, promises, holds, what was given up."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from models.messages.journeys import WaitNotes
from models.messages.sentences import N_


class StepKind(StrEnum):
    NOTIFY = "notify"
    RETRY = "retry"  # the default method is charged again, one attempt for each overdue invoice
    CALL = "call"  # a colleague gets a task
    SUSPEND = "suspend"
    TERMINATE = "terminate"
    RETRIEVE = "retrieve"  # the device is fetched
    AGENCY = "agency"  # a collection agency goes on
    WRITE_OFF = "write_off"


class CaseStatus(StrEnum):
    OPEN = "open"
    PAID = "paid"  # nothing is overdue any more
    WRITTEN_OFF = "written_off"
    GIVEN_UP = "given_up"


class StepStatus(StrEnum):
    DONE = "done"
    SKIPPED = "skipped"  # by a person, or because it had nothing to do


class PromiseStatus(StrEnum):
    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"  # the case ended another way


class HoldKind(StrEnum):
    DISPUTE = "dispute"  # the customer does not owe it, they say
    HOLD = "hold"  # we wait for a reason of our own


class HoldStatus(StrEnum):
    OPEN = "open"
    OVER = "over"


@dataclass(frozen=True)
class PolicyStep:
    """What happens once an account is so many days overdue and owes at least so much."""

    days: int
    kind: StepKind
    minimum_minor: int = 0
    channel: str = ""  # of a notice: "mail", "sms" or "kakao"; empty: every address that we have
    letter: str = ""  # of a notice: "reminder", "warning", "last_notice"


@dataclass(frozen=True)
class PolicyTerms:
    """A policy as it is published: its steps in order, and what a case keeps of it."""

    steps: tuple[PolicyStep, ...]
    charges_while_suspended: bool = False  # whether rent goes on while the service is switched off
    resume_within_minutes: int = 60  # how soon after full payment a suspended service runs again
    longest_promise_days: int = 14
    promises_allowed: int = 2
    longest_hold_days: int = 60
    smallest_minor: int = 1_000  # less than this opens no case


@dataclass(frozen=True)
class DunningSweepOrder:
    """What starts "DunningSweep": the overdue accounts of one day, in Seoul."""

    day: date


@dataclass(frozen=True)
class DunningOrder:
    """What starts the workflow "Dunning": a case that is stored, with the policy of its first day."""

    case_id: str
    customer_id: str
    policy_version: int
    terms: PolicyTerms
    overdue_since: date  # the oldest unpaid due date when the case was opened
    currency: str = "KRW"


@dataclass(frozen=True)
class MoneyCame:
    """A fact: money of this customer was booked; how much is still overdue stands in SQL."""

    case_id: str
    at: datetime


class Rest(StrEnum):
    """What holds a case up: no step is taken before it is over."""

    PROMISE = "promise"
    DISPUTE = "dispute"
    HOLD = "hold"


@dataclass(frozen=True)
class Outlook:
    """How a case stands and what comes next, as `dunning.look` read it from the tables that day."""

    status: CaseStatus
    seq: int
    overdue_minor: int
    currency: str = "KRW"
    rest: Rest | None = None
    rest_until: datetime | None = None
    position: int = -1  # of the next step; none left: -1
    kind: StepKind | None = None
    act_at: datetime | None = None
    has_promise: bool = False
    has_dispute: bool = False
    has_hold: bool = False
    promises: int = 0  # made so far
    is_suspended: bool = False  # this case has asked for a suspension


@dataclass(frozen=True)
class OwedInvoice:
    """One overdue invoice and what is open of it."""

    invoice_id: str
    open_minor: int
    ticket_id: str = ""
    attempt_id: str = ""  # the try that may charge it now; empty: none may (C5, or one is under way)


@dataclass(frozen=True)
class LookAgain:
    """What `dunning.look` and `dunning.take` are asked, at the workflow's own time."""

    order: DunningOrder
    seq: int
    at: datetime
    position: int = -1  # the step that is due


@dataclass(frozen=True)
class Taken:
    """What a step needs to be carried out; `is_done` is False when it is not due any more."""

    outlook: Outlook
    is_done: bool = False
    invoices: tuple[OwedInvoice, ...] = ()
    method_id: str = ""
    ticket_id: str = ""  # of a call
    devices: tuple[str, ...] = ()  # owned products that are to be fetched


@dataclass(frozen=True)
class DunningCommand:
    """Somebody's word on a case; `id` is the command's own and makes a double click harmless."""

    id: str
    actor_id: str
    at: datetime
    actor_kind: str = "staff"
    reason: str = ""


@dataclass(frozen=True)
class Promise(DunningCommand):
    """The customer will pay everything until the end of this day."""

    pay_on: date = date.max


@dataclass(frozen=True)
class Dispute(DunningCommand):
    """The customer says that they do not owe it."""

    invoice_id: str = ""


@dataclass(frozen=True)
class Resolution(DunningCommand):
    """What became of a dispute; an invoice that was wrong is taken back on its own page."""

    is_upheld: bool = False


@dataclass(frozen=True)
class Hold(DunningCommand):
    """We wait ourselves, until the end of this day."""

    until_on: date = date.max


@dataclass(frozen=True)
class Skip(DunningCommand):
    """The next step is left out; the position says which one was on the page."""

    position: int = -1


@dataclass(frozen=True)
class NewPromise:
    """A promise as it is stored."""

    id: str
    pay_on: date
    made_by: str


@dataclass(frozen=True)
class NewHold:
    """A dispute or a hold as it is stored."""

    id: str
    kind: HoldKind
    made_by: str
    reason: str = ""
    invoice_id: str = ""
    until_on: date | None = None


@dataclass(frozen=True)
class CaseStep:
    """One step of a case as `dunning.record` writes it: row, promise or hold, timeline, waits, together."""

    case_id: str
    seq: int
    at: datetime
    sentence: str
    status: CaseStatus = CaseStatus.OPEN
    actor_kind: str = "system"
    actor_id: str = ""
    details: dict[str, str] = field(default_factory=dict)
    waits: WaitNotes = field(default_factory=WaitNotes)
    is_public: bool = False
    promise: NewPromise | None = None
    hold: NewHold | None = None
    promise_ends: PromiseStatus | None = None
    hold_ends: HoldKind | None = None
    outcome: str = ""  # of a hold or dispute: "upheld", "rejected", "released", "expired"
    skips: int = -1  # position of a step that is left out
    resumed_at: datetime | None = None


@dataclass(frozen=True)
class Retrieval:
    """What starts "Return" for a device that is fetched; the fields of orders' `ReturnOrder`."""

    return_id: str
    customer_id: str
    owned_product_id: str
    asked_by: str
    order_id: str = ""
    kind: str = "retrieval"
    reason: str = "unpaid"


@dataclass(frozen=True)
class DeviceReturned:
    """A fact that "Return" tells: the device is back, or will not come (orders' `ReturnSettled`)."""

    return_id: str
    status: str
    at: datetime


def dunning_workflow_id(case_id: str) -> str:
    return f"dunning:{case_id}"


SENTENCES: dict[str, str] = {
    "dunning.opened": N_("The account is overdue by %(amount)s since %(since)s; dunning begins"),
    "dunning.notify": N_("The customer was reminded of %(amount)s"),
    "dunning.retry": N_("The payment method was asked again for %(amount)s"),
    "dunning.call": N_("A colleague is asked to call about %(amount)s: %(ticket_id)s"),
    "dunning.suspend": N_("The services are switched off until %(amount)s are paid"),
    "dunning.terminate": N_("The contracts are ended because %(amount)s were not paid"),
    "dunning.retrieve": N_("The devices are fetched because %(amount)s were not paid"),
    "dunning.agency": N_("%(amount)s are handed over to the collection agency"),
    "dunning.write_off": N_("%(amount)s are written off"),
    "dunning.skipped": N_("A step was left out: %(step)s"),
    "dunning.nothing_to_do": N_("There was nothing to do for a step: %(step)s"),
    "dunning.promised": N_("The customer promised to pay %(amount)s until %(pay_on)s"),
    "dunning.promise_broken": N_("What was promised was not paid in time; dunning goes on"),
    "dunning.disputed": N_("The customer disputes what is owed; dunning rests"),
    "dunning.dispute_upheld": N_("The dispute was decided for the customer"),
    "dunning.dispute_rejected": N_("The dispute was decided against the customer; dunning goes on"),
    "dunning.held": N_("Dunning rests until %(until_on)s: %(reason)s"),
    "dunning.released": N_("Dunning goes on"),
    "dunning.hold_expired": N_("The rest of the dunning is over; it goes on"),
    "dunning.paid": N_("Nothing is overdue any more; dunning has ended"),
    "dunning.resumed": N_("The services are switched on again"),
    "dunning.written_off": N_("%(amount)s were written off; dunning has ended"),
    "dunning.given_up": N_("Dunning was given up: %(reason)s"),
    "dunning.called": N_("The call was settled"),
    "dunning.returned": N_("The return of a device is over"),
    "dunning.letter_failed": N_("A message could not be delivered; please use another way"),
}
