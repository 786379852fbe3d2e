"""Words about invoices and the ledger."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.messages.journeys import WaitNotes
from models.messages.sentences import N_


class InvoiceStatus(StrEnum):
    ISSUED = "issued"
    PAID = "paid"
    OVERDUE = "overdue"
    CANCELLED = "cancelled"
    WRITTEN_OFF = "written_off"  # nobody pays it any more: dunning gave it up


class LineKind(StrEnum):
    CALL_OUT = "call_out"
    LABOUR = "labour"
    PART = "part"
    PRODUCT = "product"
    SETUP = "setup"
    RECURRING = "recurring"
    PRORATION = "proration"
    FEE = "fee"
    USAGE = "usage"
    DISCOUNT = "discount"


class LedgerAccount(StrEnum):
    """The sub-ledger's chart of accounts; the month-end close maps it to the ERP's."""

    RECEIVABLE = "receivable"
    GATEWAY = "gateway"  # money that the gateway has and will pay out
    REVENUE = "revenue"
    VAT = "vat_payable"
    SUSPENSE = "suspense"  # money that nobody claims yet
    BANK = "bank"  # money on our own bank account
    DEFERRED = "deferred"  # billed, not yet earned
    BAD_DEBT = "bad_debt"  # written off


@dataclass(frozen=True)
class PaymentReceived:
    """A fact: a charge succeeded."""

    attempt_id: str
    amount_minor: int
    at: datetime


@dataclass(frozen=True)
class AttemptRefused:
    """A fact: a try to pay has surely brought nothing."""

    attempt_id: str
    at: datetime


@dataclass(frozen=True)
class PricedLine:
    """A line whose price was agreed before, in an order or a change. VAT included, never negative."""

    kind: LineKind
    name_ko: str
    name_en: str
    quantity: int
    gross_minor: int
    net_minor: int
    tax_minor: int
    tax_rule: str = "kr-vat-10-included"


@dataclass(frozen=True)
class InvoiceOrder:
    """What starts an invoice: the visits to be billed, priced in `billing.issue`, or lines priced before."""

    invoice_id: str
    ticket_id: str
    customer_id: str
    visit_ids: tuple[str, ...]
    due_days: int = 14
    wait_days: int = 180  # how long late money is waited for
    late: PaymentReceived | None = None  # money that came after the invoice's life had ended
    case_id: str = ""  # the order or change that it belongs to, when there is no ticket
    lines: tuple[PricedLine, ...] = ()
    asked_by: str = ""  # workflow id that is told `invoice_settled`; empty: the ticket's
    charge_ids: tuple[str, ...] = ()  # subscription charges that this document takes
    method_id: str = ""  # a payment method that is charged at once; empty: the customer pays by link


@dataclass(frozen=True)
class IssueInvoice:
    """What `billing.issue` is asked: the order at the workflow's own time."""

    order: InvoiceOrder
    at: datetime


@dataclass(frozen=True)
class Billable:
    """Whether a repair is billed, and why or why not."""

    is_billable: bool
    reason: str  # "warranty", "no_work", "out_of_warranty"


@dataclass(frozen=True)
class Issued:
    """What `billing.issue` decided: kept in history, so that nobody recomputes it."""

    invoice_id: str
    number: str
    total_minor: int
    currency: str
    due_at: datetime
    status: InvoiceStatus = InvoiceStatus.ISSUED  # a late life begins with what the first one left
    seq: int = 0


@dataclass(frozen=True)
class SettleInvoice:
    """What `billing.settle` is asked: one payment for one invoice, at the workflow's own time."""

    invoice_id: str
    ticket_id: str
    payment: PaymentReceived
    seq: int
    at: datetime


@dataclass(frozen=True)
class Settled:
    """Where a payment went: the invoice, or suspense when nobody owes it."""

    status: InvoiceStatus
    allocated_minor: int
    suspense_minor: int
    goes_back: bool = False  # what nobody owes is given back at once: its order or change is off


@dataclass(frozen=True)
class InvoiceSettled:
    """A fact for whoever asked for the invoice."""

    invoice_id: str
    status: InvoiceStatus
    at: datetime
    goes_back: bool = False  # it was paid although its case is off: the invoice has started the refund itself


@dataclass(frozen=True)
class CaseCancelled:
    """A fact: the order or change behind an unpaid invoice is off, so nobody owes it any more."""

    case_id: str
    reason: str  # a code
    at: datetime


@dataclass(frozen=True)
class CancelInvoice:
    """Finance takes the invoice back before it is paid."""

    id: str
    actor_id: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True)
class ClearSuspense:
    """Finance has given money back that arrived twice; the ledger follows."""

    id: str
    actor_id: str
    at: datetime
    attempt_id: str = ""
    reason: str = ""


@dataclass(frozen=True)
class FinanceAct:
    """A command of finance as an activity carries it out: `billing.cancel`, `billing.clear_suspense`."""

    invoice_id: str
    ticket_id: str
    seq: int
    at: datetime
    actor_id: str
    reason: str = ""
    attempt_id: str = ""
    waits: WaitNotes = field(default_factory=WaitNotes)


@dataclass(frozen=True)
class InvoiceChange:
    """One step of an invoice's life as `billing.record` writes it."""

    invoice_id: str
    ticket_id: str
    seq: int
    status: InvoiceStatus
    at: datetime
    sentence: str
    actor_id: str | None = None
    actor_kind: str = "system"
    letter: str | None = None
    details: dict[str, str] = field(default_factory=dict)
    waits: WaitNotes = field(default_factory=WaitNotes)


def invoice_workflow_id(invoice_id: str) -> str:
    return f"invoice:{invoice_id}"


SENTENCES: dict[str, str] = {
    "billing.issued": N_("Invoice %(number)s over %(total)s issued, due %(due_at)s"),
    "billing.reminded": N_("The customer was reminded of invoice %(number)s"),
    "billing.overdue": N_("Invoice %(number)s is overdue; finance is asked to call"),
    "billing.paid": N_("Invoice %(number)s was paid; receipt sent"),
    "billing.cancelled": N_("Invoice %(number)s was cancelled: %(reason)s"),
    "billing.doubled": N_("%(amount)s arrived that nobody owes; it is kept in suspense and finance is asked"),
    "billing.goes_back": N_("%(amount)s arrived although nothing is owed any more; it is given back"),
    "billing.withdrawing": N_(
        "Invoice %(number)s is not owed any more; a payment under way is awaited first"
    ),
    "billing.credited": N_("Credit note %(number)s over %(total)s issued"),
    "billing.suspense_cleared": N_("Finance gave %(amount)s back: %(reason)s"),
    "billing.given_up": N_("Invoice %(number)s is no longer waited for; late money is still accepted"),
    "billing.letter_failed": N_("A message could not be delivered; please use another way"),
}
