"""Whose a record is, what was agreed to, and until when somebody is waited for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.kit.codes import code_hash, one_time_code, resume_token
from models.messages.customers import ConsentKind, SignupOrder, Tier
from models.rules import customers as rules
from models.rules.customers import Match, Proofs, TierStep, tier_by

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("record", "verdict"),
    [
        (None, Match.NOBODY),
        (Proofs(is_this_proved=False, is_other_proved=False), Match.THEIRS),
        (Proofs(is_this_proved=True, is_other_proved=False), Match.THEIRS),
        (Proofs(is_this_proved=True, is_other_proved=True), Match.THEIRS),
        (Proofs(is_this_proved=False, is_other_proved=True), Match.CONFLICT),
    ],
)
def test_what_was_only_typed_never_outweighs_what_was_proved(record: Proofs | None, verdict: Match) -> None:
    assert rules.match(record) is verdict


@pytest.mark.parametrize(
    ("choices", "is_enough"),
    [
        ({"terms": True, "privacy": True}, True),
        ({"terms": True, "privacy": True, "marketing": False}, True),
        ({"terms": True, "marketing": True, "third_party": True}, False),
        ({"terms": "yes", "privacy": "yes"}, False),
        ({}, False),
    ],
)
def test_only_terms_and_personal_data_are_needed(choices: dict[str, object], is_enough: bool) -> None:
    assert rules.are_enough(choices) is is_enough


def test_the_last_word_counts() -> None:
    said = [(ConsentKind.MARKETING, True), (ConsentKind.TERMS, True), (ConsentKind.MARKETING, False)]

    stands = rules.newest(said)

    assert stands[ConsentKind.TERMS]
    assert not stands[ConsentKind.MARKETING]
    assert not stands[ConsentKind.THIRD_PARTY]


def test_deadlines_are_minutes_a_day_a_week_and_ten_days() -> None:
    order = SignupOrder("sgn_1", AT)

    assert rules.code_ends(AT) - AT == timedelta(minutes=10)
    assert rules.remind_at(order) - AT == timedelta(days=1)
    assert rules.forget_at(order) - AT == timedelta(days=7)
    assert rules.file_until(AT) - AT == timedelta(days=7)
    assert rules.answer_due(AT) - AT == timedelta(days=10)


def test_codes_derive_from_the_secret_and_nothing_else() -> None:
    made = {one_time_code(b"secret", f"sgn_{n}", k) for n in range(200) for k in range(1, 7)}

    assert all(len(code) == 6 and code.isdigit() for code in made)
    assert len(made) > 1150  # of 1,200; chance repeats one now and then
    assert one_time_code(b"secret", "sgn_1", 1) == one_time_code(b"secret", "sgn_1", 1)
    assert one_time_code(b"other", "sgn_1", 1) != one_time_code(b"secret", "sgn_1", 1)
    assert code_hash(b"secret", "sgn_1", "123456") != code_hash(b"secret", "sgn_2", "123456")
    assert resume_token(b"secret", "sgn_1") != resume_token(b"other", "sgn_1")


TIER_STEPS = (TierStep(Tier.SILVER, 500, 12), TierStep(Tier.GOLD, 2_000, 12))


@pytest.mark.parametrize(
    ("paid", "tier"),
    [
        ({12: 499}, "standard"),
        ({12: 500}, "silver"),
        ({12: 1_999}, "silver"),
        ({12: 2_000}, "gold"),
        ({}, "standard"),
    ],
)
def test_the_highest_tier_that_was_paid_for_counts(paid: dict[int, int], tier: str) -> None:
    assert tier_by(TIER_STEPS, paid) == tier
    assert tier_by(TIER_STEPS[::-1], paid) == tier


def stands(id: str, **facts: Any) -> rules.Standing:
    given = {"is_verified": False, "has_account": False, "journeys": 0, "created_at": AT, **facts}
    return rules.Standing(id, **given)


@pytest.mark.parametrize(
    ("one", "other", "stays"),
    [
        ({"has_account": True}, {"is_verified": True, "journeys": 9}, ("a", "account")),
        ({"journeys": 9}, {"is_verified": True}, ("b", "verified")),
        ({"journeys": 1}, {"journeys": 2}, ("b", "journeys")),
        ({"created_at": AT + timedelta(days=1)}, {}, ("b", "older")),
        ({}, {}, ("a", "older")),
    ],
)
def test_which_record_stays(one: dict[str, Any], other: dict[str, Any], stays: tuple[str, str]) -> None:
    assert rules.survivor_of(stands("a", **one), stands("b", **other)) == stays
    assert rules.survivor_of(stands("b", **other), stands("a", **one)) == stays  # in either order


def test_a_second_person_is_asked_for_two_proved_two_who_sign_in_or_much() -> None:
    assert rules.needs_second([True, True], [False, True], 0)
    assert rules.needs_second([False, True], [True, True], 0)
    assert rules.needs_second([False, False], [False, False], rules.MANY + 1)
    assert not rules.needs_second([True, False], [True, False], rules.MANY)


def test_what_speaks_against_two_records_weighs_less_than_a_number() -> None:
    assert rules.weigh(rules.Likeness(is_phone_same=True)) == (50, ("phone_same", "name_differs"))
    assert rules.weigh(rules.Likeness(name=100, is_kind_same=False))[0] < rules.ENOUGH
    assert rules.weigh(rules.Likeness(True, True, True, True, True, 100, 100))[0] == 100
