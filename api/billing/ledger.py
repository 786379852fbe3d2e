"""The ledger at a glance: balances by account, and what moved in which month."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from markupsafe import Markup
from sqlalchemy import func, select
from sqlmodel import col
from starlette.responses import Response

from api.billing.routing import router
from api.kit import charts
from api.kit.desk import Desk, DeskAt
from api.kit.labels import label
from api.kit.language import gettext as _
from api.kit.rendering import answer
from api.kit.routes import FINANCE
from api.kit.seeing import may_see
from models.billing import AccountingPeriod, ErpPosting, LedgerEntry, LedgerTransaction
from models.messages.billing.close import PeriodStatus
from models.messages.billing.invoices import LedgerAccount

SHOWN = 12  # months
MILLION = 1_000_000


@dataclass(frozen=True)
class Moved:
    """What one account did in one month."""

    month: str
    account: LedgerAccount
    debit_minor: int
    credit_minor: int


@dataclass(frozen=True)
class AccountRow:
    """One account: its balance now, and its movement in the shown months."""

    account: LedgerAccount
    balance_minor: int
    months: tuple[int, ...]  # debit less credit, by month


@dataclass(frozen=True)
class LedgerPage:
    """All accounts over the last months."""

    months: tuple[str, ...]
    rows: tuple[AccountRow, ...]
    chart: Markup
    legend: tuple[tuple[str, str], ...]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """The months as columns of numbers."""
        return [(month, "n") for month in self.months]


@router.get("/billing/ledger", may=FINANCE)
async def ledger(request: Request, desk: Desk) -> Response:
    """Balances by account and month."""
    return answer(request, "billing/ledger.html", page_of(await moved(desk)))


async def moved(desk: DeskAt) -> tuple[Moved, ...]:
    """By month and account: closed months from what the ERP was told, the others from the ledger itself."""
    closed = select(col(AccountingPeriod.id)).where(
        may_see(desk.person, AccountingPeriod), col(AccountingPeriod.status) == PeriodStatus.CLOSED
    )
    told: Any = (
        select(
            col(ErpPosting.period_id), col(ErpPosting.account), func.sum(col(ErpPosting.debit_minor)),
            func.sum(col(ErpPosting.credit_minor)),
        )
        .where(may_see(desk.person, ErpPosting), col(ErpPosting.period_id).in_(closed))
        .group_by(col(ErpPosting.period_id), col(ErpPosting.account))
    )  # fmt: skip
    month = func.to_char(col(LedgerTransaction.posted_on), "YYYY-MM")
    booked: Any = (
        select(
            month, col(LedgerEntry.account), func.sum(col(LedgerEntry.debit_minor)),
            func.sum(col(LedgerEntry.credit_minor)),
        )
        .join(LedgerTransaction, col(LedgerTransaction.id) == col(LedgerEntry.transaction_id))
        .where(may_see(desk.person, LedgerTransaction), may_see(desk.person, LedgerEntry))
        .where(~_in_a_closed_month(desk))
        .group_by(month, col(LedgerEntry.account))
    )  # fmt: skip
    rows = [*(await desk.session.execute(told)).all(), *(await desk.session.execute(booked)).all()]
    return tuple(
        Moved(name, LedgerAccount(account), int(debit), int(credit)) for name, account, debit, credit in rows
    )


def _in_a_closed_month(desk: DeskAt) -> Any:
    return (
        select(AccountingPeriod)
        .where(may_see(desk.person, AccountingPeriod), col(AccountingPeriod.status) == PeriodStatus.CLOSED)
        .where(col(AccountingPeriod.from_on) <= col(LedgerTransaction.posted_on))
        .where(col(LedgerTransaction.posted_on) < col(AccountingPeriod.until_on))
        .exists()
    )


def page_of(found: tuple[Moved, ...]) -> LedgerPage:
    """The table, and a chart of what was billed and what came in."""
    months = tuple(sorted({one.month for one in found})[-SHOWN:])
    sums: dict[tuple[LedgerAccount, str], int] = {}
    balances: dict[LedgerAccount, int] = {}
    for one in found:
        change = one.debit_minor - one.credit_minor
        sums[one.account, one.month] = sums.get((one.account, one.month), 0) + change
        balances[one.account] = balances.get(one.account, 0) + change
    rows = tuple(
        AccountRow(account, balances[account], tuple(sums.get((account, one), 0) for one in months))
        for account in LedgerAccount
        if account in balances
    )
    series = [
        charts.Series(label(account, "ledger_account").text, label(account, "ledger_account").tone,
                      [sign * sums.get((account, one), 0) / MILLION for one in months])
        for account, sign in (
            (LedgerAccount.REVENUE, -1), (LedgerAccount.GATEWAY, 1), (LedgerAccount.RECEIVABLE, 1),
        )
    ]  # fmt: skip
    title = _("Movement by month, million won")
    chart = charts.line(title, months, series, width=900, height=240) if months else Markup()
    return LedgerPage(months, rows, chart, tuple((one.name, one.tone) for one in series))
