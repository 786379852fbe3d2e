"""When a month is over, what of a charge is earned by a day, and which account of the ERP stands for ours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from models.messages.billing.close import (
    Check,
    CheckStatus,
    ErpDocument,
    Found,
    JournalEntry,
)
from models.messages.billing.invoices import LedgerAccount
from models.rules.billing.invoices import Entry

# Our account: the ERP's, by the usual Korean numbering.
CODES: Mapping[LedgerAccount, str] = {
    LedgerAccount.BANK: "103",
    LedgerAccount.RECEIVABLE: "108",
    LedgerAccount.GATEWAY: "120",
    LedgerAccount.VAT: "255",
    LedgerAccount.SUSPENSE: "257",
    LedgerAccount.DEFERRED: "263",
    LedgerAccount.REVENUE: "412",
    LedgerAccount.BAD_DEBT: "835",
}
LISTED = frozenset({Check.UNBILLED, Check.SUSPENSE, Check.DEFERRAL})  # shown, never in the way


@dataclass(frozen=True)
class Month:
    """One accounting period: a calendar month, its first day and the first day of the next."""

    id: str
    from_on: date
    until_on: date

    @property
    def last_on(self) -> date:
        """Its last day: the date of what the close itself posts."""
        return self.until_on - timedelta(days=1)


def month_of(day: date) -> Month:
    """The month that a day belongs to."""
    first = day.replace(day=1)
    return Month(f"{first:%Y-%m}", first, (first + timedelta(days=32)).replace(day=1))


def month_named(period_id: str) -> Month | None:
    """The month of an id like "2026-10"; None for anything else."""
    try:
        found = month_of(date.fromisoformat(f"{period_id}-01"))
    except ValueError:
        return None
    return found if found.id == period_id else None


def month_before(day: date) -> Month:
    """The last whole month before a day."""
    return month_of(day.replace(day=1) - timedelta(days=1))


def earned(net_minor: int, from_on: date, until_on: date, by: date) -> int:
    """What of a charge is earned by the morning of a day: its days gone ÷ its days, rounded towards zero.

    The parts of two months are differences of this, so they always add up to the whole charge. What is for
    no stretch of time is earned at once."""
    days = (until_on - from_on).days
    if days <= 0 or by >= until_on:
        return net_minor
    gone = max((by - from_on).days, 0)
    part = abs(net_minor) * gone // days
    return part if net_minor >= 0 else -part


def deferral_postings(delta_minor: int) -> tuple[Entry, ...]:
    """More billed ahead than before: less revenue now. Negative: it is earned now."""
    if not delta_minor:
        return ()
    ahead, amount = delta_minor > 0, abs(delta_minor)
    debit, credit = LedgerAccount.REVENUE, LedgerAccount.DEFERRED
    if not ahead:
        debit, credit = credit, debit
    return (Entry(debit, debit_minor=amount), Entry(credit, credit_minor=amount))


def judged(check: Check, count: int, amount_minor: int, is_accepted: bool) -> Found:
    """What a number means for the close: nothing found is done, some things are only listed."""
    status = CheckStatus.DIFFERS
    if not count:
        status = CheckStatus.DONE
    elif check in LISTED:
        status = CheckStatus.LISTED
    elif is_accepted:
        status = CheckStatus.ACCEPTED
    return Found(check, status, count, amount_minor)


def in_the_way(found: Iterable[Found]) -> tuple[Found, ...]:
    """What holds the close up."""
    return tuple(one for one in found if one.status is CheckStatus.DIFFERS)


def batch_key(period_id: str, round: int) -> str:
    """The name of a batch, in our tables and in the ERP."""
    return f"ieum:{period_id}.{round}"


def differences(entry: JournalEntry, document: ErpDocument) -> dict[str, int]:
    """By account of the ERP, how much its balance differs from ours; empty when they agree to the won."""
    ours: dict[str, int] = {}
    for line in entry.lines:
        ours[line.code] = ours.get(line.code, 0) + line.debit_minor - line.credit_minor
    theirs = {code: debit - credit for code, (debit, credit) in document.sums.items()}
    return {
        code: theirs.get(code, 0) - ours.get(code, 0)
        for code in sorted({*ours, *theirs})
        if theirs.get(code, 0) != ours.get(code, 0)
    }
