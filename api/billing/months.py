"""What finance sees of the months of the books: the list, and one month's check-list, batches and story."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from api.kit import labels
from api.kit.desk import DeskAt
from api.kit.labels import Label
from api.kit.language import N_
from api.kit.seeing import may_see
from api.kit.sentences import sentence, then_sentence, wait_sentence
from models.billing import (
    AccountingPeriod,
    CloseCheck,
    ContractDeferral,
    ErpBatch,
    ErpPosting,
    LedgerTransaction,
)
from models.journeys import OpenWait
from models.kit.timeline import TimelineEntry
from models.messages.billing.close import BatchStatus, Check, CheckStatus, PeriodStatus, close_workflow_id
from models.rules.billing.close import month_named, month_of
from models.rules.billing.invoices import on_day
from models.staff import Account

SHOWN = 36  # months
labels.register(
    "period",
    {
        PeriodStatus.OPEN: Label(N_("Open"), "blue"),
        PeriodStatus.CLOSING: Label(N_("Being closed"), "amber"),
        PeriodStatus.CLOSED: Label(N_("Closed"), "green"),
    },
)
labels.register(
    "close_check",
    {
        Check.EARLIER: Label(N_("Earlier months are closed")),
        Check.CONTRACTS: Label(N_("Every contract due was charged")),
        Check.ATTEMPTS: Label(N_("No payment is under way")),
        Check.UNKNOWN: Label(N_("No payment is unclear")),
        Check.UNBILLED: Label(N_("Charges on no invoice yet")),
        Check.SUSPENSE: Label(N_("Money that nobody claims")),
        Check.INVARIANTS: Label(N_("The books are consistent")),
        Check.DEFERRAL: Label(N_("Billed but not yet earned")),
        Check.BALANCED: Label(N_("Debit equals credit on every day")),
        Check.RECEIVABLES: Label(N_("Receivables are the open invoices")),
        Check.GATEWAY: Label(N_("The gateway's balance is what payments say")),
        Check.POSTING: Label(N_("The ERP holds the same sums")),
    },
)
labels.register(
    "check_status",
    {
        CheckStatus.DONE: Label(N_("In order"), "green"),
        CheckStatus.LISTED: Label(N_("Listed"), "blue"),
        CheckStatus.DIFFERS: Label(N_("In the way"), "red"),
        CheckStatus.ACCEPTED: Label(N_("Accepted"), "amber"),
    },
)
labels.register(
    "erp_batch",
    {
        BatchStatus.PREPARED: Label(N_("Not yet acknowledged"), "amber"),
        BatchStatus.ACKNOWLEDGED: Label(N_("Acknowledged"), "green"),
        BatchStatus.NOTHING: Label(N_("Nothing to post"), "gray"),
    },
)


@dataclass(frozen=True)
class Row:
    """One month in the list; a month that nobody has begun to close is open."""

    id: str
    status: PeriodStatus
    transactions: int
    closed_at: datetime | None
    document: str
    may_close: bool
    is_begun: bool


@dataclass(frozen=True)
class Listed:
    """The months of the books, the newest first."""

    rows: tuple[Row, ...]


@dataclass(frozen=True)
class CheckRow:
    """One point of the check-list."""

    code: Check
    status: CheckStatus
    count: int
    amount_minor: int
    samples: tuple[tuple[str, int], ...]
    accepted_by: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Batch:
    """What the ERP was told in one round."""

    key: str
    round: int
    status: BatchStatus
    transactions: int
    document_number: str
    acknowledged_at: datetime | None
    lines: tuple[ErpPosting, ...]


@dataclass(frozen=True)
class Waiting:
    """What the close waits for."""

    key: str
    who: str
    text: str
    since: datetime
    until: datetime | None
    then: str
    may: tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """One line of the story."""

    at: datetime
    text: str
    who: str


@dataclass(frozen=True)
class PeriodPage:
    """One month and its close."""

    period: AccountingPeriod
    checks: tuple[CheckRow, ...]
    batches: tuple[Batch, ...]
    waits: tuple[Waiting, ...]
    story: tuple[Told, ...]
    deferred: tuple[int, int]  # contracts, and their sum
    reopen_asked_by: str

    @property
    def may(self) -> frozenset[str]:
        """Everything that finance may do now."""
        return frozenset(one for wait in self.waits for one in wait.may)


async def listed(desk: DeskAt) -> Listed:
    """Every month with a row or with postings."""
    month_start = func.date_trunc("month", col(LedgerTransaction.posted_on))
    counted = (
        select(func.to_char(month_start, "YYYY-MM"), func.count())
        .where(may_see(desk.person, LedgerTransaction))
        .group_by(month_start)
    )
    counts = {name: int(count) for name, count in (await desk.session.execute(counted)).all()}
    periods = {one.id: one for one in await desk.session.scalars(desk.visible(AccountingPeriod))}
    told = select(col(ErpBatch.period_id), func.max(col(ErpBatch.document_number)))
    told = told.where(may_see(desk.person, ErpBatch)).group_by(col(ErpBatch.period_id))
    numbers = {row[0]: row[1] for row in (await desk.session.execute(told)).all()}
    today = on_day(datetime.now(UTC))
    names = sorted({*counts, *periods, month_of(today).id}, reverse=True)[:SHOWN]
    return Listed(tuple(
        _row(name, periods.get(name), counts.get(name, 0), numbers.get(name, ""), today) for name in names
    ))  # fmt: skip


def _row(name: str, period: AccountingPeriod | None, count: int, number: str, today: date) -> Row:
    month = month_named(name)
    may_close = period is None and month is not None and month.until_on <= today
    if period is None:
        return Row(name, PeriodStatus.OPEN, count, None, "", may_close, False)
    return Row(name, period.status, count, period.closed_at, number, False, True)


async def period_page(desk: DeskAt, period: AccountingPeriod) -> PeriodPage:
    """Check-list of the present round, batches, waits and story."""
    found = desk.visible(CloseCheck).where(
        col(CloseCheck.period_id) == period.id, col(CloseCheck.round) == period.round
    )
    rows = {one.code: one for one in await desk.session.scalars(found)}
    names = await _names(desk, {one.accepted_by for one in rows.values()} | {period.reopen_asked_by})
    deferrals: Any = select(
        func.count(),
        func.coalesce(func.sum(col(ContractDeferral.billed_minor) - col(ContractDeferral.earned_minor)), 0),
    ).where(may_see(desk.person, ContractDeferral), col(ContractDeferral.period_id) == period.id)
    contracts, amount = (await desk.session.execute(deferrals)).one()
    return PeriodPage(
        period,
        tuple(_check(rows[code], names) for code in Check if code in rows),
        await _batches(desk, period.id),
        await _waits(desk, period.id),
        await _story(desk, period.id),
        (int(contracts), int(amount)),
        names.get(period.reopen_asked_by, ""),
    )


def _check(one: CloseCheck, names: dict[str, str]) -> CheckRow:
    samples = tuple((str(name), int(amount)) for name, amount in one.samples)
    who = names.get(one.accepted_by, one.accepted_by)
    return CheckRow(one.code, one.status, one.count, one.amount_minor, samples, who, one.reason, one.at)


async def _names(desk: DeskAt, ids: set[str]) -> dict[str, str]:
    query = select(col(Account.id), col(Account.name)).where(
        may_see(desk.person, Account), col(Account.id).in_(ids)
    )
    return {row[0]: row[1] for row in (await desk.session.execute(query)).all()}


async def _batches(desk: DeskAt, period_id: str) -> tuple[Batch, ...]:
    batches = desk.visible(ErpBatch).where(col(ErpBatch.period_id) == period_id)
    lines = desk.visible(ErpPosting).where(col(ErpPosting.period_id) == period_id)
    kept: dict[str, list[ErpPosting]] = {}
    for one in await desk.session.scalars(lines.order_by(col(ErpPosting.code), col(ErpPosting.id))):
        kept.setdefault(one.batch_key, []).append(one)
    return tuple(
        Batch(one.key, one.round, one.status, one.transactions, one.document_number, one.acknowledged_at,
              tuple(kept.get(one.key, ())))
        for one in await desk.session.scalars(batches.order_by(col(ErpBatch.round)))
    )  # fmt: skip


async def _waits(desk: DeskAt, period_id: str) -> tuple[Waiting, ...]:
    query = desk.visible(OpenWait).where(
        col(OpenWait.workflow_id) == close_workflow_id(period_id), col(OpenWait.ended_at).is_(None)
    )
    return tuple(
        Waiting(one.key, one.who, wait_sentence(one.what, one.details), one.since, one.until,
                then_sentence(one.then), tuple(one.may))
        for one in await desk.session.scalars(query.order_by(col(OpenWait.since)))
    )  # fmt: skip


async def _story(desk: DeskAt, period_id: str) -> tuple[Told, ...]:
    query = desk.visible(TimelineEntry).where(col(TimelineEntry.subject) == close_workflow_id(period_id))
    entries = list(await desk.session.scalars(query.order_by(col(TimelineEntry.at), col(TimelineEntry.id))))
    names = await _names(desk, {one.actor_id for one in entries if one.actor_id})
    return tuple(
        Told(one.at, sentence(one.sentence, one.details), names.get(one.actor_id or "", ""))
        for one in entries
    )
