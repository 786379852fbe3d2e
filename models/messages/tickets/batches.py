"""Words about many tickets at once: what is done to each of them, and how it went."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class BatchAct(StrEnum):
    ASSIGN = "assign"  # to a colleague, or back to the team
    TEAM = "team"
    PRIORITY = "priority"
    NOTE = "note"
    RESOLVE = "resolve"


TURNED = frozenset({BatchAct.ASSIGN, BatchAct.TEAM, BatchAct.PRIORITY})
"""What can be taken back: a former value stands beside it. What somebody has read stays read."""


class BatchStatus(StrEnum):
    RUNNING = "running"
    DONE = "done"


class LineStatus(StrEnum):
    WAITING = "waiting"  # nobody was asked yet
    ASKED = "asked"  # the ticket's own life is being told
    DONE = "done"
    SAME = "same"  # it was so already
    REFUSED = "refused"


@dataclass(frozen=True)
class BatchOrder:
    """What starts "TicketBatch": one act for many tickets."""

    batch_id: str
    slice_size: int = 25


@dataclass(frozen=True)
class BatchSlice:
    """The next tickets of a batch, at the workflow's own time."""

    order: BatchOrder
    after: int  # the line after which it begins
    at: datetime


@dataclass(frozen=True)
class BatchAsked:
    """How far a batch is: the last line that was taken up (0: none was left), and who was really asked."""

    last: int = 0
    asked: int = 0


def batch_workflow_id(batch_id: str) -> str:
    return f"ticket-batch:{batch_id}"
