"""Words about money that banks move by files: mandates, debit files, and what their results say."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from models.messages.journeys import WaitNotes
from models.messages.sentences import N_


class BatchKind(StrEnum):
    REGISTRATION = "registration"  # mandates that the banks shall know (EB13 and its result EB14)
    DEBIT = "debit"  # money that the banks shall move (EB21 and its result EB22)


class BatchStatus(StrEnum):
    FILLING = "filling"
    READY = "ready"  # its rows are fixed; nothing is added any more
    SENT = "sent"
    MISSED = "missed"  # the cut-off passed before the bank had it: its rows go into another file
    DONE = "done"  # every row has its result
    EMPTY = "empty"


class RowStatus(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    MISSED = "missed"


@dataclass(frozen=True)
class TransferOrder:
    """What starts a batch: which file, made on which day."""

    kind: BatchKind
    day: date


@dataclass(frozen=True)
class PlanBatch:
    """What `payments.plan_batch` is asked: the order at the workflow's own time."""

    order: TransferOrder
    at: datetime


@dataclass(frozen=True)
class BatchPlan:
    """A batch as it was begun; `is_working_day` false: no file is made on that day."""

    batch_id: str
    is_working_day: bool
    cut_off: datetime
    result_due: datetime


@dataclass(frozen=True)
class BatchStep:
    """One step of a batch as `payments.record_batch` writes it."""

    batch_id: str
    seq: int
    status: BatchStatus
    at: datetime
    sentence: str = ""
    waits: WaitNotes = field(default_factory=WaitNotes)


@dataclass(frozen=True)
class FillBatch:
    """The next customers whose due invoices, or whose mandates, go into the file."""

    batch_id: str
    kind: BatchKind
    day: date
    after: str
    at: datetime


@dataclass(frozen=True)
class Filled:
    """How far the filling came; `last` empty: nobody is left."""

    last: str = ""
    rows: int = 0


@dataclass(frozen=True)
class BatchAt:
    """A batch at the workflow's own time."""

    batch_id: str
    at: datetime


@dataclass(frozen=True)
class MandateSettled:
    """A fact for a method's life: the bank took the mandate, or did not."""

    method_id: str
    code: str = ""  # empty: registered


@dataclass(frozen=True)
class ResultApplied:
    """What a result file said; counted in SQL afterwards."""

    is_there: bool
    waiting: int = 0  # rows without a result
    settled: tuple[MandateSettled, ...] = ()  # mandates that were decided by it


def transfer_workflow_id(kind: BatchKind, day: date) -> str:
    return f"transfer:{kind.value}:{day.isoformat()}"


SENTENCES: dict[str, str] = {
    "payments.batch_begun": N_("A file for the bank is being made"),
    "payments.batch_ready": N_("The file holds %(rows)s rows over %(amount)s"),
    "payments.batch_sent": N_("The bank has the file"),
    "payments.batch_missed": N_("The file missed its cut-off; its rows go into the next one"),
    "payments.batch_half": N_("The bank's result is not complete; it is fetched again"),
    "payments.batch_done": N_("Every row of the file has its result"),
    "payments.batch_empty": N_("Nothing had to go to the bank"),
    "payments.mandate_given": N_("The customer agreed to debits from a bank account"),
    "payments.mandate_refused": N_("The bank refused the mandate: %(code)s"),
    "payments.mandate_registered": N_("The bank registered the mandate"),
}
