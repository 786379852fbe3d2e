"""The call log: one row and one measurement for every call that leaves the house, never a body."""

from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter, Histogram
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col

from activities.kit.transactions import transaction
from models.messages.systems import CallResult, System
from models.systems import SystemCall

CALLS = Counter(
    "ieum_system_calls_total", "Calls to outside systems by result", ["system", "operation", "result"]
)
SECONDS = Histogram(
    "ieum_system_call_seconds",
    "How long outside systems took to answer",
    ["system", "operation", "result"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40),
)


@dataclass(frozen=True)
class Call:
    """One call as it is logged: which system, for what, how long, how it ended."""

    system: System
    operation: str
    key: str
    ticket_id: str | None
    attempt: int
    at: datetime
    millis: int
    http_status: int | None
    result: CallResult
    error: str
    case_id: str | None = None
    is_look: bool = False  # under its key nothing is done: the same answer again is only counted


@dataclass(frozen=True)
class CallLog:
    """Writes calls down. Repeating an activity is a second call and therefore a second row."""

    engine: AsyncEngine

    async def note(self, call: Call) -> None:
        """Keep one finished call."""
        labels = (call.system.value, call.operation, call.result.value)
        CALLS.labels(*labels).inc()
        SECONDS.labels(*labels).observe(call.millis / 1000)
        async with transaction(self.engine) as session:
            if not (call.is_look and await _has_counted(session, call)):
                facts = {name: value for name, value in vars(call).items() if name != "is_look"}
                session.add(SystemCall(**facts))


async def _has_counted(session: AsyncSession, call: Call) -> bool:
    """Count a look in the newest row of its key, when that answered well, too; False when there is none."""
    if call.result is not CallResult.OK:
        return False
    mine = col(SystemCall.system) == call.system, col(SystemCall.key) == call.key
    newest = select(SystemCall).where(*mine).order_by(col(SystemCall.id).desc()).limit(1).with_for_update()
    row = await session.scalar(newest)
    if row is None or row.result is not CallResult.OK or row.operation != call.operation:
        return False
    row.at, row.millis, row.attempt, row.looks = call.at, call.millis, call.attempt, row.looks + 1
    return True
