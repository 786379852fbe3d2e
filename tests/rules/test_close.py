"""Months, what is earned by when, and what stands between a month and its close."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.messages.billing.close import (
    Check,
    CheckStatus,
    ErpDocument,
    Found,
    JournalEntry,
    JournalLine,
)
from models.messages.billing.invoices import LedgerAccount
from models.rules.billing import close as rules

DAYS = st.dates(date(2020, 1, 1), date(2035, 12, 31))


@given(DAYS)
def test_every_day_is_in_exactly_one_month_and_months_follow_each_other(day: date) -> None:
    month = rules.month_of(day)

    assert month.from_on <= day <= month.last_on < month.until_on
    assert rules.month_of(month.until_on).from_on == month.until_on
    assert rules.month_named(month.id) == month
    assert rules.month_before(month.until_on) == month == rules.month_before(month.until_on + timedelta(27))


@pytest.mark.parametrize(
    "name", ["", "2026", "2026-13", "2026-1", "2026-10-01", "2026-10 ", "x" * 40, "２０２６-10"]
)
def test_only_a_month_is_a_month(name: str) -> None:
    assert rules.month_named(name) is None


@given(st.integers(-10_000_000, 10_000_000), DAYS, st.integers(0, 800), st.lists(DAYS, max_size=15))
def test_what_is_earned_in_each_month_adds_up_to_the_charge(
    net: int, from_on: date, days: int, looks: list[date]
) -> None:
    until_on = from_on + timedelta(days)
    marks = sorted({one for one in looks if from_on <= one <= until_on})
    steps = [*(marks or [until_on]), max(until_on, from_on + timedelta(1))]
    parts, before = [], 0
    for by in steps:
        now = rules.earned(net, from_on, until_on, by)
        parts.append(now - before)
        before = now

    assert sum(parts) == net
    assert all(part >= 0 for part in parts) if net >= 0 else all(part <= 0 for part in parts)
    if days:
        assert rules.earned(net, from_on, until_on, from_on) == 0
        assert rules.earned(-net, from_on, until_on, steps[0]) == -rules.earned(
            net, from_on, until_on, steps[0]
        )


def test_a_month_from_the_16th_is_half_earned_at_the_end() -> None:
    assert rules.earned(30_001, date(2026, 11, 16), date(2026, 12, 16), date(2026, 12, 1)) == 15_000
    assert rules.earned(-30_001, date(2026, 11, 16), date(2026, 12, 16), date(2026, 12, 1)) == -15_000


@given(st.integers(-10_000_000, 10_000_000))
def test_a_deferral_balances_and_moves_the_account_by_its_amount(delta: int) -> None:
    entries = rules.deferral_postings(delta)

    assert sum(one.debit_minor - one.credit_minor for one in entries) == 0
    deferred = [one for one in entries if one.account is LedgerAccount.DEFERRED]
    assert sum(one.credit_minor - one.debit_minor for one in deferred) == delta
    assert all((one.debit_minor > 0) != (one.credit_minor > 0) for one in entries)


@pytest.mark.parametrize(
    ("check", "count", "accepted", "status"),
    [
        (Check.UNKNOWN, 0, False, CheckStatus.DONE),
        (Check.UNKNOWN, 1, False, CheckStatus.DIFFERS),
        (Check.UNKNOWN, 1, True, CheckStatus.ACCEPTED),
        (Check.SUSPENSE, 9, False, CheckStatus.LISTED),
        (Check.UNBILLED, 9, False, CheckStatus.LISTED),
        (Check.INVARIANTS, 1, False, CheckStatus.DIFFERS),
    ],
)
def test_what_was_found_holds_the_close_up_or_not(
    check: Check, count: int, accepted: bool, status: CheckStatus
) -> None:
    found = rules.judged(check, count, 100, accepted)

    assert found == Found(check, status, count, 100)
    assert bool(rules.in_the_way([found])) == (status is CheckStatus.DIFFERS)


def test_every_account_of_ours_has_one_of_the_erp_and_no_two_share_it() -> None:
    assert set(rules.CODES) == set(LedgerAccount)
    assert len(set(rules.CODES.values())) == len(LedgerAccount)


def test_the_erp_agrees_only_to_the_won() -> None:
    lines = (
        JournalLine(LedgerAccount.RECEIVABLE, "108", 110, 0, 1),
        JournalLine(LedgerAccount.RECEIVABLE, "108", 0, 10, 1),
        JournalLine(LedgerAccount.REVENUE, "412", 0, 100, 1),
    )
    entry = JournalEntry("k", date(2026, 10, 31), lines)

    def held(**sums: tuple[int, int]) -> dict[str, int]:
        return rules.differences(
            entry, ErpDocument(1, "1", True, {code[1:]: both for code, both in sums.items()})
        )

    assert held(a108=(110, 10), a412=(0, 100)) == {}
    assert held(a108=(110, 10), a412=(0, 101)) == {"412": -1}
    assert held(a108=(110, 10)) == {"412": 100}
    assert held(a108=(110, 10), a412=(0, 100), a999=(1, 1), a998=(1, 0)) == {"998": 1}
