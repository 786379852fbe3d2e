"""The numbers of the command centre, each counted from the rows that its reader may see."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func
from sqlmodel import col, select

from api.kit import charts
from api.kit.desk import DeskAt
from api.kit.formats import in_seoul
from api.kit.labels import label
from api.kit.language import N_
from api.kit.language import gettext as _
from api.kit.people import Person
from models.journeys import OpenWait
from models.kit.timeline import TimelineEntry
from models.messages.journeys import WaitFor
from models.messages.payments import AttemptStatus
from models.messages.staff import Role
from models.messages.systems import OutboxStatus
from models.messages.tickets import OVER, TicketStatus
from models.payments import PaymentAttempt
from models.systems import OutboxItem
from models.tickets import Ticket

AGES: tuple[tuple[str, timedelta | None], ...] = (
    (N_("< 1 h"), timedelta(hours=1)),
    (N_("1–4 h"), timedelta(hours=4)),
    (N_("4–24 h"), timedelta(days=1)),
    (N_("1–3 d"), timedelta(days=3)),
    (N_("3–7 d"), timedelta(days=7)),
    (N_("> 7 d"), None),
)
CAME, WENT = "tickets.received", "tickets.closed"
OPEN_TICKETS = tuple(one for one in TicketStatus if one not in OVER)


@dataclass(frozen=True)
class Money:
    """Payments of which nobody knows yet how they ended."""

    count: int
    amount_minor: int
    currency: str


@dataclass(frozen=True)
class Flow:
    """What came and what was finished, in each hour or day of the time shown."""

    labels: tuple[str, ...]
    came: tuple[int, ...]
    went: tuple[int, ...]


@dataclass(frozen=True)
class Numbers:
    """The state of all journeys."""

    stages: Mapping[str, int]
    breached: int
    waits: Mapping[str, int]
    ages: Mapping[str, tuple[int, ...]]
    unknown: tuple[Money, ...]
    refused: int | None  # of the outbox; administrators only
    waiting: int | None
    flow: Flow

    @property
    def open(self) -> int:
        """How many tickets are alive."""
        return sum(self.stages.values())


async def numbers(desk: DeskAt, now: datetime, days: int) -> Numbers:
    """Everything that stands above the list of waits."""
    stages = await _counts(desk, Ticket, Ticket.status, ~col(Ticket.is_over))
    late = col(Ticket.next_due) < now, ~col(Ticket.is_over)
    breached = desk.visible(Ticket).with_only_columns(func.count()).where(*late)
    ages = await ages_of(desk, now)
    outbox = await outbox_of(desk.person, desk)
    return Numbers(
        stages={status: stages[status] for status in OPEN_TICKETS if stages.get(status)},
        breached=await desk.session.scalar(breached) or 0,
        waits={who: sum(counts) for who, counts in ages.items()},
        ages=ages,
        unknown=await unknown_money(desk),
        refused=None if outbox is None else outbox.get(OutboxStatus.REFUSED, 0),
        waiting=None if outbox is None else outbox.get(OutboxStatus.WAITING, 0),
        flow=await flow_of(desk, now, days),
    )


async def _counts(desk: DeskAt, model: Any, by: Any, *where: ColumnElement[bool]) -> dict[Any, int]:
    query = desk.visible(model).with_only_columns(col(by), func.count()).where(*where).group_by(col(by))
    return {row[0]: row[1] for row in await desk.session.execute(query)}


async def ages_of(desk: DeskAt, now: datetime) -> dict[str, tuple[int, ...]]:
    """How long we have been waiting, by whom we wait for."""
    steps = [(col(OpenWait.since) > now - limit, at) for at, (_name, limit) in enumerate(AGES) if limit]
    bucket = case(*steps, else_=len(AGES) - 1).label("bucket")
    query = (
        desk.visible(OpenWait).with_only_columns(col(OpenWait.who), bucket, func.count())
        .where(col(OpenWait.ended_at).is_(None)).group_by(col(OpenWait.who), bucket)
    )  # fmt: skip
    found: dict[str, list[int]] = defaultdict(lambda: [0] * len(AGES))
    for who, at, number in await desk.session.execute(query):
        found[who][at] = number
    return {who: tuple(found[who]) for who in WaitFor if who in found}


async def unknown_money(desk: DeskAt) -> tuple[Money, ...]:
    """Payments that may or may not have moved money, by currency."""
    query = (
        desk.visible(PaymentAttempt)
        .with_only_columns(func.count(), func.sum(PaymentAttempt.amount_minor), col(PaymentAttempt.currency))
        .where(col(PaymentAttempt.status) == AttemptStatus.UNKNOWN)
        .group_by(col(PaymentAttempt.currency)).order_by(col(PaymentAttempt.currency))
    )  # fmt: skip
    return tuple(Money(number, int(minor), name) for number, minor, name in await desk.session.execute(query))


async def outbox_of(person: Person, desk: DeskAt) -> dict[OutboxStatus, int] | None:
    """What the outbox holds; it has no owner, so that only administrators look at it."""
    if Role.ADMIN not in person.roles:
        return None
    query = (
        select(OutboxItem.status, func.count())
        .where(col(OutboxItem.status) != OutboxStatus.SENT).group_by(col(OutboxItem.status))
    )  # fmt: skip
    return {OutboxStatus(status): number for status, number in await desk.session.execute(query)}


async def flow_of(desk: DeskAt, now: datetime, days: int) -> Flow:
    """Arrivals and closings: by the hour for one day, else by the day, in Seoul."""
    here = in_seoul(now)
    unit = timedelta(hours=1) if days == 1 else timedelta(days=1)
    first = here.replace(minute=0, second=0, microsecond=0)
    first = first - timedelta(hours=23) if days == 1 else first.replace(hour=0) - timedelta(days=days - 1)
    count = 24 if days == 1 else days
    step = func.floor(func.extract("epoch", col(TimelineEntry.at) - first) / unit.total_seconds()).label(
        "step"
    )
    query = (
        desk.visible(TimelineEntry).with_only_columns(col(TimelineEntry.sentence), step, func.count())
        .where(col(TimelineEntry.sentence).in_([CAME, WENT]), col(TimelineEntry.at) >= first)
        .group_by(col(TimelineEntry.sentence), step)
    )  # fmt: skip
    lines: dict[str, list[int]] = {CAME: [0] * count, WENT: [0] * count}
    for sentence, at, number in await desk.session.execute(query):
        if at < count:
            lines[sentence][int(at)] = number
    form = "%H" if days == 1 else "%m.%d"
    labels = tuple((first + unit * at).strftime(form) for at in range(count))
    return Flow(labels, tuple(lines[CAME]), tuple(lines[WENT]))


def flow_chart(flow: Flow) -> Any:
    """Arrivals and closings as two lines."""
    series = [
        charts.Series(_("Reported"), "indigo", flow.came),
        charts.Series(_("Closed"), "green", flow.went),
    ]
    every = 2 if len(flow.labels) == 24 else max(1, len(flow.labels) // 10)
    return charts.line(_("Reported and closed"), flow.labels, series, width=760, height=232, every=every)


def waits_chart(waits: Mapping[str, int]) -> Any:
    """How many waits there are, by whom we wait for."""
    rows = sorted(waits.items(), key=lambda pair: -pair[1])
    bars = [
        charts.Bar(label(who, "waiting_for").text, number, label(who, "waiting_for").tone)
        for who, number in rows
    ]
    return charts.bars(_("Waits by party"), bars, width=380, row=33)


def ages_chart(ages: Mapping[str, tuple[int, ...]]) -> Any:
    """How old the waits are, as shades."""
    rows = [(label(who, "waiting_for").text, counts) for who, counts in ages.items()]
    return charts.heat(_("How long we have been waiting"), [_(name) for name, _limit in AGES], rows)
