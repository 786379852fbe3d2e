"""Words about money that arrives on our bank account: whose it is, what it settles, what nobody claims."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.messages.journeys import WaitNotes
from models.messages.sentences import N_


class DepositStatus(StrEnum):
    RECEIVED = "received"
    ALLOCATED = "allocated"  # all of it settles invoices
    SUSPENSE = "suspense"  # (part of) it waits for finance
    KEPT = "kept"  # it lies on the account for the next bills
    RETURNED = "returned"  # what nobody claimed was given back


@dataclass(frozen=True)
class DepositOrder:
    """What starts the life of a deposit: a row that is stored with the bank's notice."""

    deposit_id: str


@dataclass(frozen=True)
class AllocateDeposit:
    """What `payments.allocate_deposit` is asked; `customer_id` when finance says whose it is."""

    deposit_id: str
    seq: int
    at: datetime
    customer_id: str = ""
    actor_id: str | None = None
    waits: WaitNotes = field(default_factory=WaitNotes)


@dataclass(frozen=True)
class ReturnDeposit:
    """What `payments.return_deposit` is asked: finance has given back what nobody claims."""

    deposit_id: str
    seq: int
    at: datetime
    actor_id: str
    reason: str = ""
    waits: WaitNotes = field(default_factory=WaitNotes)


@dataclass(frozen=True)
class WaitDeposit:
    """What `payments.wait_deposit` is asked: the wait that began, into the tables."""

    deposit_id: str
    waits: WaitNotes


@dataclass(frozen=True)
class Allocated:
    """How a deposit stands: what of it nobody claims yet."""

    status: DepositStatus
    rest_minor: int


@dataclass(frozen=True)
class DepositCommand:
    """What finance says about unclaimed money: `allocate_to` somebody, or `give_back`."""

    id: str
    actor_id: str
    at: datetime
    customer_id: str = ""
    reason: str = ""


@dataclass(frozen=True)
class BillCame:
    """A fact for money that lies on an account: its customer owes something now."""

    deposit_id: str
    at: datetime


def kept_id(invoice_id: str) -> str:
    """The deposit that a corrected invoice leaves on the account."""
    return f"{invoice_id}.kept"


def deposit_workflow_id(deposit_id: str) -> str:
    return f"deposit:{deposit_id}"


SENTENCES: dict[str, str] = {
    "payments.deposit_kept": N_("%(amount)s of a corrected invoice lie on the account for the next bills"),
    "payments.deposit_allocated": N_("A deposit of %(amount)s arrived; it settles what is owed"),
    "payments.deposit_unclaimed": N_("A deposit of %(amount)s arrived that nobody claims; finance is asked"),
    "payments.deposit_assigned": N_("Finance said whose the deposit of %(amount)s is"),
    "payments.deposit_returned": N_("The unclaimed rest of a deposit was given back"),
}
