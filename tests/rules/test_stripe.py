"""Stripe's answers: only our own payment over our amount is a yes, only a documented no is a no."""

import json
from typing import Any

import pytest

from models.messages.payments import Charge, Verdict
from models.messages.systems import Heard
from models.rules.payments.stripe import (
    classify_confirmed,
    classify_intent,
    classify_prepared,
    knows_no_parameter,
)
from models.rules.systems import NEVER_SENT

CHARGE = Charge("I1-1.1", "pi_1", 33_000)
INTENT = {
    "object": "payment_intent", "id": "pi_1", "amount": 33_000, "currency": "krw", "status": "succeeded",
    "metadata": {"attempt_id": "I1-1.1"},
}  # fmt: skip


def heard(status: int, body: Any) -> Heard:
    return Heard(status, {}, json.dumps(body).encode())


@pytest.mark.parametrize("status", [one for one in range(100, 600) if one not in (200, 402, 429)])
def test_no_other_status_is_a_yes_or_a_no(status: int) -> None:
    assert classify_confirmed(heard(status, INTENT), CHARGE).verdict is Verdict.UNKNOWN
    assert classify_intent(heard(status, INTENT), CHARGE).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("succeeded", Verdict.SUCCEEDED), ("requires_payment_method", Verdict.REFUSED),
        ("requires_action", Verdict.REFUSED), ("canceled", Verdict.REFUSED), ("processing", Verdict.UNKNOWN),
        ("requires_capture", Verdict.UNKNOWN), ("requires_confirmation", Verdict.NOT_FOUND),
        ("a_state_of_tomorrow", Verdict.UNKNOWN), (None, Verdict.UNKNOWN),
    ],
)  # fmt: skip
def test_each_state_proves_what_it_proves(state: str | None, verdict: Verdict) -> None:
    assert classify_intent(heard(200, {**INTENT, "status": state}), CHARGE).verdict is verdict


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 1}, {"currency": "usd"}, {"id": "pi_2"}, {"metadata": {}}, {"metadata": None},
        {"metadata": {"attempt_id": "I1-1.2"}}, {"object": "charge"}, {"amount": "33000"},
    ],
)  # fmt: skip
def test_another_payment_proves_nothing(change: dict[str, Any]) -> None:
    for state in ("succeeded", "requires_payment_method"):
        answer = classify_confirmed(heard(200, {**INTENT, "status": state, **change}), CHARGE)
        assert answer.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"object": "pay', b"[]", b"null", b"\xff"])
def test_garbage_proves_nothing(body: bytes) -> None:
    for status in (200, 402):
        assert classify_confirmed(Heard(status, {}, body), CHARGE).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("error", ["ReadTimeout", "RemoteProtocolError", "Deadline", *sorted(NEVER_SENT)])
def test_a_broken_line_is_unclear_unless_nothing_left(error: str) -> None:
    wanted = Verdict.NOT_SENT if error in NEVER_SENT else Verdict.UNKNOWN

    assert classify_confirmed(Heard(error=error), CHARGE).verdict is wanted
    assert classify_prepared(Heard(error=error), CHARGE).verdict is Verdict.NOT_SENT  # nothing had moved


def test_a_decline_says_why() -> None:
    said = {"code": "card_declined", "decline_code": "insufficient_funds"}
    intent = {**INTENT, "status": "requires_payment_method", "last_payment_error": said}

    answer = classify_confirmed(heard(402, {"error": {**said, "payment_intent": intent}}), CHARGE)

    assert (answer.verdict, answer.code) == (Verdict.REFUSED, "insufficient_funds")


def test_a_busy_stripe_is_asked_again_when_it_wants() -> None:
    answer = classify_confirmed(Heard(429, {"retry-after": "7"}, b"{}"), CHARGE)

    assert (answer.verdict, answer.retry_after_seconds) == (Verdict.NOT_SENT, 7)


@pytest.mark.parametrize(
    ("error", "is_so"),
    [
        ({"message": "Unexpected off_session"}, True),
        ({"code": "parameter_unknown", "param": "off_session"}, True),
        ({"code": "parameter_unknown", "param": "amount"}, False),
        ({"message": "Bad request"}, False), ("x", False),
    ],
)  # fmt: skip
def test_only_a_parameter_that_is_not_known_may_be_left_out(error: Any, is_so: bool) -> None:
    assert knows_no_parameter(heard(400, {"error": error}), "off_session") is is_so
    assert not knows_no_parameter(heard(500, {"error": error}), "off_session")
