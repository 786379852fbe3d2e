"""Contracts: every day is charged once at its own price, and a preview is what is charged."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.messages.catalogue import Phase, PhaseKind, PlanTerms
from models.messages.subscriptions import ChangeKind, ChargeKind, MoneyLine, Wish
from models.rules.subscriptions import charges
from models.rules.subscriptions.effects import begun, takes_effect
from models.rules.subscriptions.periods import (
    DAY,
    Contract,
    Period,
    Stretch,
    add_months,
    begins_at,
    business_day,
    day_price,
    monthly,
    period_on,
)
from models.rules.subscriptions.previews import period_end, preview, refusal
from tests.builders.subscriptions import TRIAL, a_contract, a_plan

BASIC = a_plan("basic", 29_900, 1, obligation_months=12)
BETTER = a_plan("better", 39_901, 2, phases=TRIAL, obligation_months=24)
BEST = a_plan("best", 59_999, 3, in_advance=False)
YEARLY = a_plan("yearly", 333_333, 4, period_months=12)
FILTER = a_plan("filter", 4_990, 1, is_add_on=True, phases=TRIAL)
LAMP = a_plan("lamp", 7_777, 1, is_add_on=True, period_months=3, obligation_months=6, in_advance=False)
PLANS, ADD_ONS = (BASIC, BETTER, BEST, YEARLY), (FILTER, LAMP)
STARTS = st.dates(date(2023, 12, 1), date(2024, 3, 31))
TODAY = date(2026, 3, 10)


@dataclass
class Company:
    """Lives through days: bills what is due, takes changes, keeps every line that was charged."""

    contract: Contract
    lines: list[MoneyLine] = field(default_factory=list)
    others: list[Contract] = field(default_factory=list)  # contracts that a transfer has ended
    expected: Counter[tuple[str, date]] = field(default_factory=Counter)

    def bill(self, today: date, hold_on: date | None = None) -> None:
        """The nightly bill run."""
        family = []
        for one in (self.contract, *self.contract.add_ons):
            made, after = charges.due(one, today, hold_on)
            self.lines += made
            family.append(after)
        self.contract = replace(family[0], add_ons=tuple(family[1:]))

    def rent_until(self, day: date) -> None:
        """What is due before a change is charged under the old terms."""
        family = []
        for one in (self.contract, *self.contract.add_ons):
            made, after = charges.rent(one, day) if one.ends_on is None else ((), one)
            self.lines += made
            family.append(after)
        self.contract = replace(family[0], add_ons=tuple(family[1:]))

    def note_day(self, day: date) -> None:
        """Write down what this day should cost, under the terms in force on it."""
        for one in (self.contract, *self.contract.add_ons):
            if one.starts_on <= day < one.end and not one.pause_on(day):
                self.expected[one.id, day] = day_price(one, day)

    def change(self, wish: Wish, today: date) -> int:
        """Preview, confirm, and live on; answers with what the preview said."""
        shown = preview(self.contract, wish, today)
        self.rent_until(wish.effective_on)
        self.lines += shown.lines
        self.contract, received = takes_effect(self.contract, wish)
        if received is not None:
            self.others += [self.contract, *self.contract.add_ons]
            self.contract = received
        assert shown.total_minor + shown.other_total_minor == sum(one.gross_minor for one in shown.lines)
        return shown.total_minor

    def all(self) -> list[Contract]:
        return [*self.others, self.contract, *self.contract.add_ons]


def wishes(contract: Contract, today: date, data: st.DataObject, number: int) -> Wish:
    """Any wish, possible or not."""
    kind = data.draw(st.sampled_from(list(ChangeKind)))
    on = today + timedelta(days=data.draw(st.sampled_from([0, 0, 0, 1, 7])))
    if data.draw(st.booleans()) or kind is ChangeKind.RENEWAL:
        on = period_end(contract, max(today, contract.starts_on))
    plan = data.draw(st.sampled_from(ADD_ONS if kind is ChangeKind.ADD_ON else PLANS))
    if kind is ChangeKind.RENEWAL:
        plan = contract.terms
    add_on_ids = [one.id for one in contract.add_ons if one.ends_on is None] or [""]
    pause = on + timedelta(days=data.draw(st.integers(1, 90)))
    dropped = data.draw(st.sampled_from(add_on_ids))
    return Wish(kind, on, plan, pause, dropped, f"SC{number}-1", f"cus_{number}")


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_sequence_of_changes_charges_every_day_once_at_its_price(data: st.DataObject) -> None:
    start = data.draw(STARTS)
    company = Company(a_contract(start, terms=data.draw(st.sampled_from(PLANS))))
    today = start

    for number in range(data.draw(st.integers(3, 15))):
        company.bill(today)
        wish = wishes(company.contract, today, data, number)
        if not refusal(company.contract, wish, today):
            live_until(company, today, wish)
            today = max(today, wish.effective_on)
        next_day = today + timedelta(days=data.draw(st.integers(1, 20)))
        while today < next_day:
            company.bill(today)
            company.note_day(today)
            today += DAY
    finish(company, today)


def live_until(company: Company, today: date, wish: Wish) -> None:
    """The preview is made today; the bill run holds still before the day of the change."""
    shown = preview(company.contract, wish, today)
    day = today
    while day < wish.effective_on:
        company.bill(day, hold_on=wish.effective_on)
        company.note_day(day)
        day += DAY
    assert preview(company.contract, wish, today).lines == shown.lines
    assert company.change(wish, today) == shown.total_minor


def finish(company: Company, today: date) -> None:
    """Count every day of every contract by hand."""
    for one in company.all():
        company.bill(today)
        covered: Counter[date] = Counter()
        money = 0
        for line in company.lines:
            if line.subscription_id != one.id or line.kind not in (
                ChargeKind.RECURRING,
                ChargeKind.PRORATION,
            ):
                continue
            money += line.gross_minor
            day = line.from_on
            while day < line.until_on:
                covered[day] += -1 if line.is_credit else 1
                day += DAY
        now = next(each for each in company.all() if each.id == one.id)
        day = now.starts_on
        expected = 0
        while day < now.billed_until:
            runs = now.starts_on <= day < now.end and not now.pause_on(day)
            assert covered.pop(day, 0) == int(runs), (one.id, day)
            expected += company.expected.get((one.id, day), day_price(now, day)) if runs else 0
            day += DAY
        assert not any(covered.values()), (one.id, covered)
        assert money == expected


@given(st.integers(0, 10**9), st.dates(date(2024, 1, 1), date(2027, 1, 1)), st.data())
def test_parts_of_a_period_add_up_to_its_price(price: int, start: date, data: st.DataObject) -> None:
    period = Period(start, start + timedelta(days=data.draw(st.integers(28, 366))), price)
    cuts = data.draw(st.lists(st.integers(0, period.days), max_size=6))
    days = [start + timedelta(days=one) for one in sorted({0, *cuts, period.days})]

    shares = [period.share(Stretch(*pair)) for pair in pairwise(days)]

    assert sum(shares) == price
    for pair, share in zip(pairwise(days), shares, strict=True):
        assert abs(share - price * (pair[1] - pair[0]).days / period.days) < 1


@given(STARTS, st.integers(0, 400), st.sampled_from(PLANS), st.sampled_from(PLANS))
def test_an_upgrade_and_its_immediate_downgrade_net_to_nothing(
    start: date, days: int, low: PlanTerms, high: PlanTerms
) -> None:
    assume(low.rank < high.rank)
    today = start + timedelta(days=days)
    contract = charges.due(a_contract(start, terms=low), today)[1]
    up, down = Wish(ChangeKind.UPGRADE, today, high), Wish(ChangeKind.DOWNGRADE, today, low)

    first = preview(contract, up, today)
    second = preview(takes_effect(contract, up)[0], down, today)

    assert first.total_minor + second.total_minor == 0
    assert sum(one.tax_minor for one in (*first.lines, *second.lines)) == 0


@pytest.mark.parametrize(
    ("start", "ordinal", "begins"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 1, 31), 2, date(2026, 3, 31)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 1, 30), 1, date(2024, 2, 29)),
        (date(2025, 12, 31), 2, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 4, 15), 1, date(2026, 5, 15)),
    ],
)
def test_a_shorter_month_bills_on_its_last_day(start: date, ordinal: int, begins: date) -> None:
    contract = a_contract(start)

    assert add_months(start, ordinal, start.day) == begins
    assert period_on(contract, begins).from_on == begins
    assert period_on(contract, begins - DAY).until_on == begins


@given(STARTS, st.integers(0, 1000))
def test_every_day_lies_in_exactly_one_period(start: date, days: int) -> None:
    contract, day = a_contract(start), start + timedelta(days=days)
    period = period_on(contract, day)

    assert period.from_on <= day < period.until_on
    assert period_on(contract, period.until_on).from_on == period.until_on


@pytest.mark.parametrize(
    ("obligation_until", "on", "fee"),
    [
        (date(2027, 3, 10), TODAY, 100 * 30_000 * 365 // 30_000),
        (date(2026, 3, 11), TODAY, 100),
        (TODAY, TODAY, 0),
        (date(2026, 1, 1), TODAY, 0),
        (None, TODAY, 0),
    ],
)
def test_leaving_early_costs_a_tenth_of_the_rent_that_is_left(
    obligation_until: date | None, on: date, fee: int
) -> None:
    contract = a_contract(date(2026, 1, 10), obligation_until=obligation_until)

    made = charges.termination_fee(contract, on)

    assert (made.gross_minor if made else 0) == fee
    assert made is None or made.basis.startswith("100‰ × 30000 × ")


@given(st.integers(0, 1000), st.integers(0, 500_000), st.integers(0, 1500), st.integers(0, 800))
def test_the_fee_for_leaving_early_is_never_negative_and_falls_every_day(
    permille: int, rent: int, used: int, promised: int
) -> None:
    start = date(2026, 1, 1)
    terms = a_plan(rent=rent, early_permille=permille)
    contract = a_contract(start, terms=terms, obligation_until=start + timedelta(days=promised))
    fees = [charges.termination_fee(contract, start + timedelta(days=used + later)) for later in (0, 1)]
    now, then = (one.gross_minor if one else 0 for one in fees)

    assert now == max(permille * rent * (promised - used) // 30_000, 0)
    assert 0 <= then <= now


def test_a_pause_costs_nothing_and_moves_the_end_of_the_obligation() -> None:
    start = date(2026, 1, 1)
    contract = charges.due(a_contract(start, terms=BASIC), start)[1]
    wish = Wish(ChangeKind.PAUSE, date(2026, 1, 11), pause_until=date(2026, 2, 10))

    shown = preview(contract, wish, start)
    after, _ = takes_effect(contract, wish)
    rent, _ = charges.due(after, date(2026, 2, 1))

    assert shown.total_minor == -period_on(contract, start).share(
        Stretch(date(2026, 1, 11), date(2026, 2, 1))
    )
    assert shown.obligation_until == after.obligation_until == date(2027, 1, 31)
    assert [(one.from_on, one.until_on) for one in rent] == [(date(2026, 2, 10), date(2026, 3, 1))]


def test_a_pause_that_ends_early_gives_its_days_back_to_both() -> None:
    start = date(2026, 1, 1)
    contract = charges.due(a_contract(start, terms=BASIC), start)[1]
    pause = Wish(ChangeKind.PAUSE, date(2026, 1, 11), pause_until=date(2026, 2, 10))
    resume = Wish(ChangeKind.RESUME, date(2026, 1, 16))
    paused, _ = takes_effect(contract, pause)

    shown = preview(paused, resume, date(2026, 1, 16))
    after, _ = takes_effect(paused, resume)

    period = period_on(contract, start)
    assert shown.total_minor == period.share(Stretch(date(2026, 1, 16), date(2026, 2, 1)))
    assert after.obligation_until == date(2027, 1, 6)
    assert after.pauses == (Stretch(date(2026, 1, 11), date(2026, 1, 16)),)


def test_a_transfer_cuts_the_days_between_two_customers() -> None:
    start, on = date(2026, 1, 31), date(2026, 2, 10)
    contract = charges.due(a_contract(start, terms=BASIC), start)[1]
    wish = Wish(ChangeKind.TRANSFER, on, new_id="SC1-1", receiver_id="cus_jun")

    shown = preview(contract, wish, on)
    old, new = takes_effect(contract, wish)

    assert shown.total_minor == -shown.other_total_minor < 0
    assert {one.customer_id for one in shown.lines} == {"cus_mina", "cus_jun"}
    assert old.ends_on == on
    assert new is not None
    assert (new.customer_id, new.starts_on, new.bill_day) == ("cus_jun", on, 31)
    assert new.obligation_until == contract.obligation_until
    assert period_on(new, on) == period_on(contract, on)


def test_an_add_on_is_billed_with_its_plan_and_its_trial_is_not_cut_short() -> None:
    contract = charges.due(a_contract(date(2026, 1, 31)), TODAY)[1]
    wish = Wish(ChangeKind.ADD_ON, TODAY, FILTER, new_id="SC1-1")

    shown = preview(contract, wish, TODAY)
    added = takes_effect(contract, wish)[0].add_ons[0]

    assert (shown.total_minor, shown.lines[0].until_on) == (0, date(2026, 3, 31))
    assert added.billed_until == contract.billed_until == date(2026, 3, 31)
    assert charges.rent(added, date(2026, 4, 30))[0][0].gross_minor == 0
    assert charges.rent(added, date(2026, 5, 31))[0][1].gross_minor == 2495
    assert shown.monthly_after_minor - shown.monthly_before_minor == monthly(added) == 4990


def test_a_renewal_begins_a_new_minimum_term_at_the_end_of_a_period() -> None:
    contract = charges.due(a_contract(date(2025, 3, 10), terms=BASIC), TODAY)[1]
    end = period_end(contract, TODAY)
    newer = replace(BASIC, version=2, obligation_months=6)

    shown = preview(contract, Wish(ChangeKind.RENEWAL, end, newer), TODAY)

    assert (end, shown.lines) == (date(2026, 4, 10), ())
    assert shown.obligation_until == date(2026, 10, 10)
    assert refusal(contract, Wish(ChangeKind.RENEWAL, end - DAY, newer), TODAY) == "change_day"


UP = Wish(ChangeKind.UPGRADE, TODAY, BETTER)
RESTING = (Stretch(TODAY, TODAY + timedelta(days=10)),)


@pytest.mark.parametrize(
    ("facts", "wish", "code"),
    [
        ({}, UP, ""),
        ({"ends_on": TODAY}, UP, "contract_not_running"),
        ({"pauses": RESTING}, UP, "contract_paused"),
        ({}, replace(UP, effective_on=TODAY - DAY), "change_day"),
        ({}, replace(UP, effective_on=TODAY + timedelta(days=91)), "change_day"),
        ({}, replace(UP, plan=replace(BETTER, family="tv")), "change_plan"),
        ({}, replace(UP, plan=None), "change_plan"),
        ({}, replace(UP, kind=ChangeKind.DOWNGRADE), "change_plan"),
        ({}, Wish(ChangeKind.ADD_ON, TODAY, BASIC), "change_plan"),
        ({}, Wish(ChangeKind.DROP_ADD_ON, TODAY, add_on_id="S9"), "not_found"),
        ({}, Wish(ChangeKind.PAUSE, TODAY), "change_pause"),
        ({}, Wish(ChangeKind.PAUSE, TODAY, pause_until=TODAY), "change_pause"),
        ({}, Wish(ChangeKind.PAUSE, TODAY, pause_until=TODAY + timedelta(days=91)), "change_pause"),
        ({}, Wish(ChangeKind.RESUME, TODAY), "contract_not_paused"),
        ({"pauses": RESTING}, Wish(ChangeKind.RESUME, TODAY), ""),
        ({"pauses": RESTING}, Wish(ChangeKind.TERMINATION, TODAY), ""),
    ],
)
def test_what_is_not_possible_is_refused_with_its_reason(
    facts: dict[str, object], wish: Wish, code: str
) -> None:
    assert refusal(a_contract(date(2026, 1, 10), **facts), wish, TODAY) == code


@given(st.lists(st.integers(-(10**7), 10**7), min_size=1, max_size=6))
def test_taxes_of_a_document_add_up_to_the_tax_of_its_sum(amounts: list[int]) -> None:
    contract = a_contract()
    lines = [
        charges.line(contract, ChargeKind.PRORATION, ("a", "a"), Stretch(TODAY, TODAY), amount)
        for amount in amounts
    ]

    made = charges.documented(lines, contract.customer_id)

    total = sum(amounts)
    assert sum(one.tax_minor for one in made) == charges.signed_tax(lines[0].tax_rule, total)[1]
    assert all(one.net_minor + one.tax_minor == one.gross_minor for one in made)
    assert all(abs(one.tax_minor - line.tax_minor) <= 1 for one, line in zip(made, lines, strict=True))
    if total > 0:
        invoiced = charges.invoiced(made, contract.customer_id)
        assert sum(one.gross_minor for one in invoiced) == total
        assert all(one.gross_minor > 0 for one in invoiced)
        assert sum(one.tax_minor for one in invoiced) == sum(one.tax_minor for one in made)


def test_a_preview_holds_until_midnight_in_seoul() -> None:
    shown = preview(begun(a_contract(), TODAY), UP, TODAY)
    assert shown.valid_until == begins_at(date(2026, 3, 11)) == datetime(2026, 3, 10, 15, tzinfo=UTC)
    assert business_day(shown.valid_until - timedelta(seconds=1)) == TODAY


def test_a_discount_ends_when_its_months_have_passed() -> None:
    phases = (Phase(PhaseKind.TRIAL, 1), Phase(PhaseKind.TERM, 2, 10), Phase(PhaseKind.EVERGREEN))
    contract = a_contract(date(2026, 1, 31), terms=a_plan(rent=30_000, phases=phases))

    lines, _ = charges.due(contract, date(2026, 4, 30))

    assert [one.gross_minor for one in lines] == [0, 27_000, 27_000, 30_000]
