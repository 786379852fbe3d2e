"""What a version of an item would have made of the requests of the past days."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SimulationStatus(StrEnum):
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True)
class SimulationOrder:
    """Requests of an item since a day are to be walked through with a version of it."""

    id: str
    item_key: str
    version: int
    since: datetime


@dataclass(frozen=True)
class Walked:
    """What one walk through an item came to; hours are business time."""

    outcome: str = "done"  # done, rejected, or why it could not be known: stuck
    hours: int = 0
    approvals: int = 0
    tasks: int = 0
    calls: int = 0
    messages: int = 0
    is_breach: bool = False
    steps: tuple[str, ...] = ()  # ids in the order in which they began
    why: str = ""  # the step and the reason, when it is stuck


@dataclass(frozen=True)
class Compared:
    """One real request: what it came to then, and what it would come to."""

    request_id: str
    was: Walked
    would: Walked


@dataclass(frozen=True)
class SimulationResult:
    """All requests compared; `rows` holds the first that differ, `count` all that were walked."""

    count: int = 0
    differing: int = 0
    was_hours: int = 0  # sums
    would_hours: int = 0
    was_approvals: int = 0
    would_approvals: int = 0
    was_breaches: int = 0
    would_breaches: int = 0
    was_messages: int = 0
    would_messages: int = 0
    was_rejected: int = 0
    would_rejected: int = 0
    stuck: int = 0
    rows: tuple[Compared, ...] = ()


def simulation_workflow_id(simulation_id: str) -> str:
    return f"simulation:{simulation_id}"
