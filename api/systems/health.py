"""How outside systems do: how often and how fast they answered, read from the call log."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Float, cast, func
from sqlmodel import col, select

from api.kit import charts
from api.kit.desk import DeskAt
from api.kit.formats import in_seoul
from api.kit.labels import label
from api.kit.language import gettext as _
from models.messages.payments import AttemptStatus
from models.messages.systems import CallResult, System
from models.payments import PaymentAttempt
from models.systems import InboxItem, SystemCall

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LAST = 5
FAILING = 0.05  # more than this share of an hour's calls is worth a look
BAD = (CallResult.FAILED, CallResult.UNKNOWN)  # a refusal is an answer


@dataclass(frozen=True)
class Period:
    """Calls within one period."""

    calls: int = 0
    bad: int = 0
    p50: int = 0  # milliseconds
    p95: int = 0

    @property
    def error_rate(self) -> float:
        """The share of calls that failed or whose end nobody knows."""
        return self.bad / self.calls if self.calls else 0.0


@dataclass(frozen=True)
class LastCall:
    """One of the latest calls."""

    at: datetime
    operation: str
    result: CallResult
    millis: int


@dataclass(frozen=True)
class Unclear:
    """Payments whose end is not known: the circuit that stays open until each is looked up."""

    count: int = 0
    amount_minor: int = 0
    currency: str = "KRW"
    since: datetime | None = None


@dataclass(frozen=True)
class Health:
    """One outside system."""

    system: System
    hour: Period = field(default_factory=Period)
    day: Period = field(default_factory=Period)
    last: tuple[LastCall, ...] = ()
    unclear: tuple[Unclear, ...] = ()

    @property
    def state(self) -> str:
        """In one word: the latest calls decide whether it answers, the last hour whether it answers well."""
        if self.last and len(self.last) >= LAST and all(call.result in BAD for call in self.last):
            return "down"
        if not self.hour.calls:
            return "quiet"
        return "slow" if self.hour.error_rate > FAILING else "well"


async def health_of(desk: DeskAt, now: datetime) -> tuple[Health, ...]:
    """Every outside system."""
    hour, day = await periods(desk, now - HOUR), await periods(desk, now - DAY)
    unclear = await unclear_payments(desk)
    last = {system: await last_calls(desk, system) for system in System}
    return tuple(
        Health(
            system, hour.get(system, Period()), day.get(system, Period()), last[system],
            unclear if system is System.PAYMENTS else (),
        )
        for system in System
    )  # fmt: skip


async def periods(desk: DeskAt, since: datetime) -> Mapping[System, Period]:
    """Counts and percentiles since a moment, by system."""
    millis = cast(col(SystemCall.millis), Float)
    middle, slow = (func.percentile_cont(share).within_group(millis) for share in (0.5, 0.95))
    bad = func.count().filter(col(SystemCall.result).in_(BAD))
    query = (
        desk.visible(SystemCall).with_only_columns(col(SystemCall.system), func.count(), bad, middle, slow)
        .where(col(SystemCall.at) >= since).group_by(col(SystemCall.system))
    )  # fmt: skip
    return {
        system: Period(calls, wrong, round(p50), round(p95))
        for system, calls, wrong, p50, p95 in await desk.session.execute(query)
    }


async def last_calls(desk: DeskAt, system: System) -> tuple[LastCall, ...]:
    """The latest calls, the newest first."""
    query = (
        desk.visible(SystemCall).where(col(SystemCall.system) == system).order_by(col(SystemCall.at).desc())
    )
    found = await desk.session.scalars(query.limit(LAST))
    return tuple(LastCall(call.at, call.operation, call.result, call.millis) for call in found)


async def unclear_payments(desk: DeskAt) -> tuple[Unclear, ...]:
    """Payments that may or may not have moved money, by currency."""
    query = (
        desk.visible(PaymentAttempt)
        .with_only_columns(
            func.count(), func.sum(PaymentAttempt.amount_minor), col(PaymentAttempt.currency),
            func.min(PaymentAttempt.created_at),
        )
        .where(col(PaymentAttempt.status) == AttemptStatus.UNKNOWN).group_by(col(PaymentAttempt.currency))
    )  # fmt: skip
    return tuple(
        Unclear(count, int(minor), currency, since)
        for count, minor, currency, since in await desk.session.execute(query)
    )


@dataclass(frozen=True)
class Hours:
    """A day of calls, hour by hour, the last hour last."""

    labels: tuple[str, ...]
    calls: Mapping[str, Sequence[int]]  # by result
    p95: Mapping[str, Sequence[float | None]]  # by system


async def hours_of(desk: DeskAt, now: datetime, system: System | None = None) -> Hours:
    """How a day went."""
    first = in_seoul(now).replace(minute=0, second=0, microsecond=0) - timedelta(hours=23)
    step = func.floor(func.extract("epoch", col(SystemCall.at) - first) / 3600).label("step")
    slow = func.percentile_cont(0.95).within_group(cast(col(SystemCall.millis), Float))
    root = desk.visible(SystemCall).where(col(SystemCall.at) >= first)
    if system is not None:
        root = root.where(col(SystemCall.system) == system)
    calls: dict[str, list[int]] = {result: [0] * 24 for result in CallResult}
    p95: dict[str, list[float | None]] = defaultdict(lambda: [None] * 24)
    counted = root.with_only_columns(col(SystemCall.result), step, func.count())
    for result, at, number in await desk.session.execute(counted.group_by(col(SystemCall.result), step)):
        calls[result][int(at)] = number
    timed = root.with_only_columns(col(SystemCall.system), step, slow)
    for name, at, millis in await desk.session.execute(timed.group_by(col(SystemCall.system), step)):
        p95[name][int(at)] = round(millis)
    labels = tuple((first + HOUR * at).strftime("%H") for at in range(24))
    return Hours(labels, calls, {name: p95[name] for name in System if name in p95})


async def inbox_of(desk: DeskAt, now: datetime) -> dict[System, tuple[int, datetime]]:
    """How many messages came in within a day, and when the last one did; bodies are not read."""
    query = (
        select(InboxItem.system, func.count(), func.max(InboxItem.received_at))
        .where(col(InboxItem.received_at) >= now - DAY).group_by(col(InboxItem.system))
    )  # fmt: skip
    return {System(system): (number, last) for system, number, last in await desk.session.execute(query)}


def calls_chart(hours: Hours) -> Any:
    """Calls by hour, as columns of results."""
    shown = [result for result in CallResult if any(hours.calls[result])] or [CallResult.OK]
    series = [
        charts.Series(label(one, "call").text, label(one, "call").tone, hours.calls[one]) for one in shown
    ]
    return charts.stacked(_("Calls by hour"), hours.labels, series, width=760, height=220)


def calls_legend(hours: Hours) -> list[tuple[str, str]]:
    """The names and colours of the columns."""
    return [(label(one, "call").text, label(one, "call").tone) for one in CallResult if any(hours.calls[one])]


def latency_chart(hours: Hours) -> Any:
    """How long the slowest twentieth of the calls took."""
    series = [
        charts.Series(label(name, "system").text, label(name, "system").tone, values)
        for name, values in hours.p95.items()
    ]
    return charts.line(
        _("Answer time (p95)"), hours.labels, series, width=380, height=220, unit=" ms", every=4
    )


def latency_legend(hours: Hours) -> list[tuple[str, str]]:
    """The names and colours of the lines."""
    return [(label(name, "system").text, label(name, "system").tone) for name in hours.p95]
