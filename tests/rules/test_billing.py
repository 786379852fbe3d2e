"""Prices, VAT and postings: nothing is ever lost, not even a won."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.messages.billing.invoices import LineKind
from models.messages.field_service import Outcome
from models.rules.billing import invoices as billing
from models.rules.billing.invoices import Prices, Totals, UsedPart, VisitWork

AMOUNTS = st.integers(0, 10**12)
PARTS = st.builds(
    UsedPart, st.sampled_from(["a", "b", "c"]), st.just("가"), st.just("x"), st.integers(1, 9), AMOUNTS
)
WORKS = st.lists(
    st.builds(
        VisitWork,
        st.just("v"),
        st.sampled_from(list(Outcome)),
        st.integers(0, 600),
        st.lists(PARTS, max_size=4).map(tuple),
    ),
    max_size=4,
)
PRICES = st.builds(Prices, AMOUNTS, AMOUNTS)


@given(AMOUNTS)
def test_splitting_never_loses_a_won(gross: int) -> None:
    net, tax = billing.split_vat(gross)

    assert net + tax == gross
    assert 0 <= tax * 11 <= gross < (tax + 1) * 11


@given(WORKS, PRICES)
def test_lines_add_up_to_the_won(works: list[VisitWork], prices: Prices) -> None:
    done = [work for work in works if work.outcome in billing.WORKED]
    expected = len(done) * prices.call_out_minor
    expected += sum(-(-work.labour_minutes // 30) for work in done) * prices.labour_minor
    expected += sum(part.quantity * part.unit_minor for work in done for part in work.parts)

    priced = billing.lines(works, prices)

    assert billing.totals(priced).total_minor == expected
    assert all(line.gross_minor == line.quantity * line.unit_minor > -1 for line in priced)
    assert all(line.net_minor + line.tax_minor == line.gross_minor for line in priced)


@given(net=AMOUNTS, tax=AMOUNTS, share=st.integers(0, 100), amount=AMOUNTS)
def test_postings_always_balance(net: int, tax: int, share: int, amount: int) -> None:
    sums = Totals(net, tax)
    open_minor = sums.total_minor * share // 100
    for entries in (
        billing.issue_postings(sums),
        billing.cancel_postings(sums, open_minor),
        billing.payment_postings(amount, open_minor),
        billing.refund_postings(amount),
    ):
        assert sum(entry.debit_minor - entry.credit_minor for entry in entries) == 0
        assert all((entry.debit_minor == 0) != (entry.credit_minor == 0) for entry in entries)


@given(net=AMOUNTS, tax=AMOUNTS)
def test_a_cancelled_invoice_leaves_nothing_behind(net: int, tax: int) -> None:
    sums = Totals(net, tax)
    left: dict[str, int] = {}
    for entry in billing.issue_postings(sums) + billing.cancel_postings(sums, sums.total_minor):
        left[entry.account] = left.get(entry.account, 0) + entry.debit_minor - entry.credit_minor

    assert not any(left.values())


@pytest.mark.parametrize(
    ("amount", "open_minor", "settles", "rest"),
    [(100, 100, 100, 0), (100, 0, 0, 100), (150, 100, 100, 50), (60, 100, 60, 0), (5, -3, 0, 5)],
)
def test_money_that_nobody_owes_waits_in_suspense(
    amount: int, open_minor: int, settles: int, rest: int
) -> None:
    assert billing.allocate(amount, open_minor) == (settles, rest)


@pytest.mark.parametrize(("minutes", "count"), [(0, 0), (1, 1), (30, 1), (31, 2), (60, 2), (61, 3)])
def test_labour_is_charged_by_the_started_half_hour(minutes: int, count: int) -> None:
    assert billing.half_hours(minutes) == count


@pytest.mark.parametrize(
    ("warranty_until", "outcome", "is_billable", "reason"),
    [
        (date(2026, 6, 1), Outcome.REPAIRED, False, "warranty"),
        (date(2026, 5, 31), Outcome.REPAIRED, True, "out_of_warranty"),
        (None, Outcome.NOT_REPAIRABLE, True, "out_of_warranty"),
        (None, Outcome.CUSTOMER_ABSENT, False, "no_work"),
        (None, Outcome.CANCELLED, False, "no_work"),
        (None, None, False, "no_work"),
    ],
)
def test_only_work_after_the_warranty_is_billed(
    warranty_until: date | None, outcome: Outcome | None, is_billable: bool, reason: str
) -> None:
    decision = billing.billable(warranty_until, (VisitWork("v", outcome, 30),), date(2026, 6, 1))

    assert (decision.is_billable, decision.reason) == (is_billable, reason)


def test_a_bill_names_call_out_labour_and_each_part_once() -> None:
    belt = UsedPart("p1", "벨트", "Belt", 1, 12_000)
    works = (
        VisitWork("v1", Outcome.PART_NEEDED, 20, (belt,)),
        VisitWork("v2", Outcome.REPAIRED, 61, (belt, UsedPart("p2", "펌프", "Pump", 2, 33_000))),
        VisitWork("v3", Outcome.CUSTOMER_ABSENT, 0),
    )

    priced = billing.lines(works, Prices(call_out_minor=22_000, labour_minor=16_500))

    assert [(line.kind, line.quantity, line.gross_minor) for line in priced] == [
        (LineKind.CALL_OUT, 2, 44_000),
        (LineKind.LABOUR, 4, 66_000),
        (LineKind.PART, 2, 24_000),
        (LineKind.PART, 2, 66_000),
    ]
    assert billing.totals(priced) == Totals(net_minor=181_819, tax_minor=18_181)


def test_an_invoice_may_be_paid_until_midnight_in_seoul() -> None:
    late_evening_in_seoul = datetime(2026, 6, 1, 14, 59, tzinfo=UTC)

    assert billing.due_at(late_evening_in_seoul, 14) == datetime(2026, 6, 15, 14, 59, 59, tzinfo=UTC)
    assert billing.due_at(datetime(2026, 6, 1, 15, 0, tzinfo=UTC), 14).date() == date(2026, 6, 16)
