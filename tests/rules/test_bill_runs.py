"""What stands on a bill, what is metered, and how fast a run is."""

from dataclasses import replace
from datetime import date, timedelta

import hypothesis
import pytest
from hypothesis import strategies as st

from models.messages.catalogue import Price, PriceKind, PriceTier
from models.messages.subscriptions import ChargeKind, MoneyLine
from models.rules.billing.rating import metered_until, on_a_bill, rate
from models.rules.billing.runs import pace
from models.rules.subscriptions.charges import signed_tax, usage
from models.rules.subscriptions.periods import Stretch
from tests.builders.subscriptions import a_contract, a_plan

DAY = date(2026, 3, 1)
TIERS = (PriceTier(100, 0), PriceTier(1_000, 7), PriceTier(None, 3))
WATER = a_plan("water", 0, in_advance=False, price=Price(PriceKind.USAGE, 0, TIERS, "litres"))


def a_line(gross: int, kind: ChargeKind = ChargeKind.RECURRING, off: int = 0) -> MoneyLine:
    """A line whose tax was split with others, so that it may be one won off."""
    net, tax = signed_tax("kr-vat-10-included", gross)
    return MoneyLine(kind, "가", "a", gross, net + off, tax - off, DAY, DAY, customer_id="c")


@hypothesis.given(
    st.lists(st.tuples(st.integers(-50_000, 80_000), st.integers(-1, 1)), min_size=1, max_size=8)
)
def test_a_bill_asks_the_sum_and_every_line_is_split_by_its_rule(parts: list[tuple[int, int]]) -> None:
    lines = [a_line(gross, ChargeKind.PRORATION, off) for gross, off in parts]
    total = sum(gross for gross, _ in parts)

    made = on_a_bill(lines, "c")

    assert sum(one.gross_minor for one in made) == max(total, 0)
    assert all(one.gross_minor > 0 and one.tax_minor == one.gross_minor // 11 for one in made)
    assert all(one.gross_minor == one.net_minor + one.tax_minor for one in made)
    assert len(made) <= 1 or all(gross >= 0 for gross, _ in parts)


@pytest.mark.parametrize(
    ("quantity", "percent_off", "gross"),
    [(0, 0, 0), (100, 0, 0), (101, 0, 7), (1_100, 0, 6_600), (101, 50, 4)],
)
def test_usage_costs_what_its_tiers_say(quantity: int, percent_off: int, gross: int) -> None:
    contract = a_contract(DAY, terms=WATER, percent_off=percent_off)

    made = usage(contract, quantity, Stretch(DAY, date(2026, 4, 1)))

    assert (made.gross_minor, made.kind, made.basis) == (gross, ChargeKind.USAGE, f"{quantity} litres")


@pytest.mark.parametrize(("in_advance", "until"), [(False, date(2026, 4, 1)), (True, date(2026, 3, 1))])
def test_usage_is_counted_to_the_end_of_what_has_passed(in_advance: bool, until: date) -> None:
    contract = a_contract(DAY, terms=replace(WATER, in_advance=in_advance))

    rated = rate(contract, date(2026, 4, 1) if not in_advance else DAY)

    assert metered_until(contract, rated, date(2026, 4, 1)) == until


@pytest.mark.parametrize(
    ("done", "expected", "seconds", "left", "percent"),
    [(0, 10, 5, None, 0), (5, 10, 5, 5, 50), (10, 10, 5, 0, 100), (12, 10, 6, 0, 100), (0, 0, 1, None, 0)],
)
def test_a_run_says_how_long_it_still_takes(
    done: int, expected: int, seconds: int, left: int | None, percent: int
) -> None:
    seen = pace(done, expected, timedelta(seconds=seconds))

    assert seen.left == (None if left is None else timedelta(seconds=left))
    assert seen.percent == percent
