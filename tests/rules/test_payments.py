"""What an answer of the gateway proves: only what is documented counts as yes or no."""

import inspect
import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.messages.payments import Charge, ChargeAnswer, GiveBack, Verdict
from models.messages.systems import CallResult, Heard
from models.rules.payments import (
    REFUSALS,
    as_result,
    classify,
    classify_look_up,
    classify_refund,
    classify_refund_look_up,
    is_alarm,
)
from models.rules.systems import NEVER_SENT, read_object, retry_after

CHARGE = Charge("I100123-1.1", "pay_1", 55_000)
DONE = {
    "payment_key": "pay_1", "order_id": "I100123-1.1", "status": "DONE", "total_amount": 55_000,
    "currency": "KRW",
}  # fmt: skip


def said(status: int, body: object, **headers: str) -> Heard:
    return Heard(status, headers, json.dumps(body).encode())


BODIES: dict[str, bytes] = {
    "done": json.dumps(DONE).encode(),
    "canceled": json.dumps({**DONE, "status": "CANCELED"}).encode(),
    "in progress": json.dumps({**DONE, "status": "IN_PROGRESS"}).encode(),
    "aborted": json.dumps({**DONE, "status": "ABORTED", "failure_code": "REJECT_CARD_PAYMENT"}).encode(),
    "new state": json.dumps({**DONE, "status": "PARTIAL"}).encode(),
    "other amount": json.dumps({**DONE, "total_amount": 55_001}).encode(),
    "float amount": json.dumps({**DONE, "total_amount": 55_000.0}).encode(),
    "amount as text": json.dumps({**DONE, "total_amount": "55000"}).encode(),
    "amount is true": json.dumps({**DONE, "total_amount": True}).encode(),
    "other order": json.dumps({**DONE, "order_id": "I100123-1.2"}).encode(),
    "other currency": json.dumps({**DONE, "currency": "USD"}).encode(),
    "no payment key": json.dumps({**DONE, "payment_key": ""}).encode(),
    "surrogate": json.dumps({**DONE, "payment_key": "\ud800"}).encode(),
    "twice": json.dumps(DONE).encode()[:-1] + b', "total_amount": 55000}',
    "truncated": json.dumps(DONE).encode()[:40],
    "html": b"<!doctype html><title>200 OK</title>",
    "empty": b"",
    "null": b"null",
    "array": b"[]",
    "number": b"55000",
    "not utf-8": b'{"order_id": "\xff"}',
    "nan": b'{"total_amount": NaN}',
    "deep": b"[" * 5_000,
    "huge number": b'{"total_amount": ' + b"9" * 5000 + b"}",
    "code without order": b'{"code": "REJECT_CARD_PAYMENT"}',
    "code of another order": b'{"code": "REJECT_CARD_PAYMENT", "order_id": "I1-1.1"}',
    "unknown code": b'{"code": "BRAND_NEW", "order_id": "I100123-1.1"}',
    "code is a list": b'{"code": ["REJECT_CARD_PAYMENT"], "order_id": "I100123-1.1"}',
    "already processed": b'{"code": "ALREADY_PROCESSED_PAYMENT", "order_id": "I100123-1.1"}',
    **{
        f"refused {code}": json.dumps({"code": code, "order_id": "I100123-1.1"}).encode() for code in REFUSALS
    },
}


def what_it_proves(status: int, name: str) -> Verdict:
    if status == 429:
        return Verdict.NOT_SENT
    if 200 <= status < 300 and name == "done":
        return Verdict.SUCCEEDED
    if name.startswith("refused ") and REFUSALS[name.removeprefix("refused ")] == status:
        return Verdict.REFUSED
    return Verdict.UNKNOWN


@pytest.mark.parametrize("name", BODIES)
def test_only_a_documented_answer_is_a_yes_or_a_no(name: str) -> None:
    answers = {status: classify(Heard(status, {}, BODIES[name]), CHARGE) for status in range(100, 600)}

    assert {status: answer.verdict for status, answer in answers.items()} == {
        status: what_it_proves(status, name) for status in range(100, 600)
    }


EVERY_ERROR = [
    name for name, kind in vars(httpx).items() if inspect.isclass(kind) and issubclass(kind, Exception)
]


@pytest.mark.parametrize("error", [*EVERY_ERROR, "Deadline", "TooLong", "", "SomethingNew"])
def test_an_error_before_the_first_byte_is_not_sent_and_any_other_is_unknown(error: str) -> None:
    verdict = classify(Heard(error=error), CHARGE).verdict

    connecting = {"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "InvalidURL"}
    assert verdict is (Verdict.NOT_SENT if error in connecting else Verdict.UNKNOWN)
    assert classify_look_up(Heard(error=error), CHARGE).verdict is Verdict.UNKNOWN


def test_the_errors_that_count_as_not_sent_exist() -> None:
    assert set(EVERY_ERROR) >= NEVER_SENT


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"total_amount": 1}, "wrong_amount"),
        ({"order_id": "I1-1.1"}, "wrong_order"),
        ({"currency": "USD"}, "wrong_currency"),
    ],
)
def test_another_order_or_amount_is_an_alarm(change: dict[str, object], code: str) -> None:
    answer = classify(said(200, {**DONE, **change}), CHARGE)

    assert (answer.verdict, answer.code, is_alarm(answer)) == (Verdict.UNKNOWN, code, True)


LOOK_UPS = [
    (said(200, DONE), Verdict.SUCCEEDED, "DONE"),
    (said(200, {**DONE, "status": "ABORTED", "failure_code": "X_1"}), Verdict.REFUSED, "X_1"),
    (said(200, {**DONE, "status": "ABORTED", "failure_code": ["x"]}), Verdict.REFUSED, "ABORTED"),
    (said(200, {**DONE, "status": "IN_PROGRESS"}), Verdict.NOT_FOUND, "IN_PROGRESS"),
    (said(200, {**DONE, "status": "CANCELED"}), Verdict.UNKNOWN, "CANCELED"),
    (said(200, {**DONE, "total_amount": 1}), Verdict.UNKNOWN, "wrong_amount"),
    (said(201, DONE), Verdict.UNKNOWN, "http_201"),
    (said(404, {"code": "NOT_FOUND_PAYMENT", "order_id": "I100123-1.1"}), Verdict.NOT_FOUND,
     "NOT_FOUND_PAYMENT"),
    (said(404, {"code": "NOT_FOUND_PAYMENT", "order_id": "I1-1.1"}), Verdict.UNKNOWN, "wrong_order"),
    (said(404, {"code": "NOT_FOUND"}), Verdict.UNKNOWN, "http_404"),
    (Heard(404, {}, b"<h1>Not found</h1>"), Verdict.UNKNOWN, "http_404"),
    (said(429, {}), Verdict.UNKNOWN, "http_429"),
    (said(500, {}), Verdict.UNKNOWN, "http_500"),
    (said(403, {"code": "REJECT_CARD_PAYMENT", "order_id": CHARGE.attempt_id}), Verdict.UNKNOWN, "http_403"),
]  # fmt: skip


@pytest.mark.parametrize(("heard", "verdict", "code"), LOOK_UPS)
def test_a_look_up_proves_only_what_the_gateway_documents(heard: Heard, verdict: Verdict, code: str) -> None:
    answer = classify_look_up(heard, CHARGE)

    assert (answer.verdict, answer.code) == (verdict, code)


BACK = GiveBack("O1.refund", CHARGE.attempt_id, "pay_1", 30_000, 55_000, "returned")
OURS = {"cancel_amount": 30_000, "cancel_reason": "returned O1.refund", "transaction_key": "t1"}
GIVEN = {**DONE, "status": "PARTIAL_CANCELED", "balance_amount": 25_000, "cancels": [OURS]}


def test_a_refund_is_a_yes_only_when_the_gateway_names_it() -> None:
    for status in range(100, 600):
        back = classify_refund(said(status, GIVEN), BACK)
        still = classify_refund(said(status, {**DONE, "balance_amount": 55_000, "cancels": []}), BACK)

        assert (back.verdict is Verdict.SUCCEEDED) is (200 <= status < 300)
        assert still.verdict is (Verdict.NOT_SENT if status == 429 else Verdict.UNKNOWN)


@pytest.mark.parametrize(
    ("change", "verdict", "code"),
    [
        ({}, Verdict.SUCCEEDED, "DONE"),
        (
            {"cancels": [{**OURS, "cancel_reason": "returned O2.refund"}]},
            Verdict.REFUSED,
            "NOT_CANCELABLE_AMOUNT",
        ),
        ({"cancels": [], "balance_amount": 55_000, "status": "DONE"}, Verdict.NOT_FOUND, "NOT_FOUND_REFUND"),
        (
            {"cancels": [], "balance_amount": 0, "status": "CANCELED"},
            Verdict.REFUSED,
            "NOT_CANCELABLE_AMOUNT",
        ),
        ({"cancels": [{**OURS, "cancel_amount": 30_001}]}, Verdict.UNKNOWN, "wrong_amount"),
        ({"cancels": [{**OURS, "cancel_amount": "30000"}]}, Verdict.UNKNOWN, "garbage"),
        ({"cancels": None}, Verdict.UNKNOWN, "garbage"),
        ({"order_id": "I9-1.1"}, Verdict.UNKNOWN, "wrong_order"),
        ({"total_amount": 55_001}, Verdict.UNKNOWN, "wrong_amount"),
        ({"currency": "USD"}, Verdict.UNKNOWN, "wrong_currency"),
        ({"cancels": [], "status": "ABORTED"}, Verdict.UNKNOWN, "garbage"),
    ],
)
def test_what_a_look_up_proves_about_a_refund(change: dict[str, object], verdict: Verdict, code: str) -> None:
    answer = classify_refund_look_up(said(200, {**GIVEN, **change}), BACK)

    assert (answer.verdict, answer.code) == (verdict, code)


@pytest.mark.parametrize(
    "code", ["NOT_CANCELABLE_AMOUNT", "ALREADY_CANCELED_PAYMENT", "NOT_CANCELABLE_PAYMENT"]
)
def test_only_a_refusal_that_cannot_be_our_own_doing_is_final(code: str) -> None:
    answer = classify_refund(said(403, {"code": code, "order_id": CHARGE.attempt_id}), BACK)

    assert (answer.verdict is Verdict.REFUSED) is (code == "NOT_CANCELABLE_PAYMENT")


PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.sampled_from(list(DONE.values()))
)  # fmt: skip
ANYTHING = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.sampled_from([*DONE, "code"]), PLAIN)


@given(st.integers(100, 599), st.binary() | ANYTHING.map(lambda found: json.dumps(found).encode()))
def test_no_body_breaks_the_classifier_or_makes_it_believe(status: int, body: bytes) -> None:
    heard = Heard(status, {}, body)
    found = read_object(body)

    for refund_judge in (classify_refund, classify_refund_look_up):
        back = refund_judge(heard, BACK)
        assert back.verdict is not Verdict.SUCCEEDED
        assert back.code.isascii()
    for judge in (classify, classify_look_up):
        answer = judge(heard, CHARGE)
        if answer.verdict is Verdict.SUCCEEDED:
            assert found is not None
            assert (found["order_id"], found["total_amount"]) == (CHARGE.attempt_id, CHARGE.amount_minor)
        if answer.verdict is Verdict.REFUSED and judge is classify:
            assert found is not None
            assert found["code"] in REFUSALS
        assert answer.code.isascii()


@given(st.dictionaries(st.sampled_from(list(DONE)), PLAIN))
def test_any_change_to_a_good_answer_takes_its_proof_away(change: dict[str, object]) -> None:
    body = {**DONE, **change}

    answer = classify(said(200, body), CHARGE)

    is_same = all(type(body[name]) is type(value) and body[name] == value for name, value in DONE.items()
                  if name != "payment_key")  # fmt: skip
    assert answer.verdict is not Verdict.SUCCEEDED or is_same


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("5", 5), (" 7 ", 7), ("0", 0), ("-1", 0), ("soon", 0), ("1e3", 0), ("٣", 0), ("9" * 30, 0),
     ("99999", 3600),     ("Wed, 21 Oct 2026 07:28:00 GMT", 0), ("", 0)],
)  # fmt: skip
def test_a_garbage_retry_after_is_ignored(header: str, seconds: int) -> None:
    answer = classify(said(429, {}, **{"retry-after": header}), CHARGE)

    assert (answer.verdict, answer.retry_after_seconds) == (Verdict.NOT_SENT, seconds)
    assert retry_after({}) == 0


def test_the_call_log_says_the_same_as_the_verdict() -> None:
    results = {verdict: as_result(ChargeAnswer(verdict)) for verdict in Verdict}

    assert results == {
        Verdict.SUCCEEDED: CallResult.OK, Verdict.NOT_FOUND: CallResult.OK,
        Verdict.REFUSED: CallResult.REFUSED,
        Verdict.NOT_SENT: CallResult.FAILED, Verdict.UNKNOWN: CallResult.UNKNOWN,
    }  # fmt: skip
