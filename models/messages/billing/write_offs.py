"""Words about invoices that nobody pays any more."""

from dataclasses import dataclass
from datetime import datetime

from models.messages.sentences import N_


@dataclass(frozen=True)
class WriteOffOrder:
    """What starts "WriteOff": everything that is overdue of one customer is given up."""

    case_id: str
    customer_id: str
    at: datetime
    reason: str = ""
    decided_by: str = ""  # the account; empty: the policy


@dataclass(frozen=True)
class WrittenOff:
    """What was given up, and invoices that could not be because a payment is under way."""

    amount_minor: int
    invoice_ids: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


@dataclass(frozen=True)
class InvoiceWrittenOff:
    """A fact for an invoice that still waits for its money."""

    invoice_id: str
    at: datetime


def write_off_workflow_id(case_id: str, ordinal: int) -> str:
    return f"write-off:{case_id}:{ordinal}"


SENTENCES: dict[str, str] = {
    "billing.written_off": N_("%(amount)s of invoice %(number)s are written off"),
}
