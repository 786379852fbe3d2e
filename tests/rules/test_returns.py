"""What may come back until when, and what it is worth: parts add up, nothing is below zero."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from models.messages.orders.returns import (
    RETURN_OVER,
    Condition,
    ReturnGround,
    ReturnKind,
    ReturnPolicy,
    ReturnStatus,
)
from models.rules.orders import returns as rules

POLICY = ReturnPolicy()
conditions = st.sampled_from(Condition)
grounds, kinds = st.sampled_from(ReturnGround), st.sampled_from(ReturnKind)
prices = st.integers(0, 10_000_000)


def test_seven_days_without_a_reason_and_three_months_for_defects() -> None:
    delivered, mind = date(2026, 11, 1), ReturnGround.CHANGE_OF_MIND
    assert rules.is_in_time(mind, delivered, date(2026, 11, 8), POLICY)
    assert not rules.is_in_time(mind, delivered, date(2026, 11, 9), POLICY)
    assert rules.is_in_time(ReturnGround.DEFECT, delivered, date(2027, 1, 30), POLICY)
    assert not rules.is_in_time(ReturnGround.DEFECT, delivered, date(2027, 1, 31), POLICY)
    assert not rules.is_in_time(mind, None, date(2026, 11, 2), POLICY)


@given(prices, st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_the_shares_of_a_line_add_up_to_it(price: int, parts: list[int]) -> None:
    whole, back, total = sum(parts), 0, 0
    for part in parts:
        total += rules.share(price, whole, back, part)
        back += part

    assert total == price


@given(kinds, grounds, st.lists(st.tuples(prices, conditions), max_size=6))
def test_what_goes_back_is_what_was_paid_less_what_was_shown(
    kind: ReturnKind, ground: ReturnGround, lines: list[tuple[int, Condition]]
) -> None:
    worth = [rules.Worth(price, condition) for price, condition in lines]
    money = rules.sum_of(kind, ground, worth, POLICY)

    assert money.back_minor == money.paid_minor - money.deducted_minor - money.fee_minor
    assert 0 <= money.back_minor <= sum(price for price, _ in lines)
    assert money.fee_minor <= POLICY.fee_minor
    if kind is ReturnKind.RETRIEVAL:
        assert money.back_minor == 0
    elif ground is not ReturnGround.CHANGE_OF_MIND or kind is ReturnKind.EXCHANGE:
        assert money.fee_minor == 0


@given(prices)
def test_what_the_carrier_lost_is_worth_everything(price: int) -> None:
    assert (
        rules.deduction(price, Condition.LOST, POLICY) == rules.deduction(price, Condition.WHOLE, POLICY) == 0
    )
    assert rules.deduction(price, Condition.MISSING, POLICY) == price


def test_what_is_over_can_do_nothing() -> None:
    for status in ReturnStatus:
        possible = rules.may(status, "inspection")
        assert bool(possible) == (status not in RETURN_OVER and status is not ReturnStatus.SETTLING)
    assert rules.refusal("call_off", ReturnStatus.ON_THE_WAY, ()) == "return_on_the_way"
    assert rules.refusal("call_off", ReturnStatus.SETTLED, ()) == "return_over"
    assert rules.refusal("inspect", ReturnStatus.AGREED, ()) == "return_not_waiting"
    assert rules.refusal("inspect", ReturnStatus.ARRIVED, ("inspection",)) is None


def test_contracts_go_with_their_line_their_device_or_with_everything() -> None:
    contracts = {"S1-1": (1, "own_a"), "S1-2": (2, ""), "S1-3": (3, "own_c")}
    assert rules.contracts_of([2], contracts, ["own_c"], is_all=False) == ("S1-2", "S1-3")
    assert rules.contracts_of([9], contracts, [], is_all=False) == ()
    assert rules.contracts_of([9], contracts, [], is_all=True) == ("S1-1", "S1-2", "S1-3")
