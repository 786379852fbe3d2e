"""What an answer of Stripe's API proves. A PaymentIntent is one payment, however often it is confirmed."""

from dataclasses import replace
from typing import Any

from models.messages.payments import Charge, ChargeAnswer, GiveBack, KeyAnswer, Verdict
from models.messages.systems import Heard
from models.rules.systems import NEVER_SENT, is_code, read_object, retry_after

UNKNOWN_PARAMETER = 400


def classify_prepared(heard: Heard, charge: Charge) -> ChargeAnswer:
    """Judge the answer to a PaymentIntent that is only made: nothing moves, so it is never UNKNOWN."""
    body = read_object(heard.body) if heard.status is not None else None
    wait = retry_after(heard.headers) if heard.status == 429 else 0
    if body is not None and heard.status == 200 and is_ours(body, charge) and is_code(body.get("id")):
        return ChargeAnswer(Verdict.SUCCEEDED, body["id"], "prepared")
    if heard.status in (400, 402, 404) and (code := error_code(body)) in (
        "resource_missing",
        "card_declined",
    ):
        return ChargeAnswer(Verdict.REFUSED, code=code)
    code = heard.error or f"http_{heard.status}"
    return ChargeAnswer(Verdict.NOT_SENT, code=code, retry_after_seconds=wait)


def classify_confirmed(heard: Heard, charge: Charge) -> ChargeAnswer:
    """Judge the answer to a confirmation; whatever proves neither success nor refusal is UNKNOWN."""
    if heard.status is None:
        verdict = Verdict.NOT_SENT if heard.error in NEVER_SENT else Verdict.UNKNOWN
        return ChargeAnswer(verdict, code=heard.error or "no_answer")
    if heard.status == 429:
        return ChargeAnswer(Verdict.NOT_SENT, code="http_429", retry_after_seconds=retry_after(heard.headers))
    body = read_object(heard.body)
    if heard.status == 402 and body is not None:
        inner = (body.get("error") or {}) if isinstance(body.get("error"), dict) else {}
        intent = inner.get("payment_intent")
        body = intent if isinstance(intent, dict) else None
    elif heard.status != 200:
        return ChargeAnswer(Verdict.UNKNOWN, code=f"http_{heard.status}")
    answer = judge_intent(body, charge)
    return replace(answer, verdict=Verdict.UNKNOWN) if answer.verdict is Verdict.NOT_FOUND else answer


def classify_intent(heard: Heard, charge: Charge) -> ChargeAnswer:
    """Judge the answer to "what became of this PaymentIntent?"; a failed look-up proves nothing."""
    if heard.status is None:
        return ChargeAnswer(Verdict.UNKNOWN, code=heard.error or "no_answer")
    if heard.status != 200:
        wait = retry_after(heard.headers) if heard.status == 429 else 0
        return ChargeAnswer(Verdict.UNKNOWN, code=f"http_{heard.status}", retry_after_seconds=wait)
    return judge_intent(read_object(heard.body), charge)


def judge_intent(body: dict[str, Any] | None, charge: Charge) -> ChargeAnswer:
    """What a PaymentIntent says of its money: only our own one, over our amount, counts."""
    if body is None or body.get("object") != "payment_intent" or not is_code(body.get("id")):
        return ChargeAnswer(Verdict.UNKNOWN, code="garbage")
    if body["id"] != charge.payment_key or not names_us(body, charge):
        return ChargeAnswer(Verdict.UNKNOWN, code="wrong_order")
    if body.get("amount") != charge.amount_minor:
        return ChargeAnswer(Verdict.UNKNOWN, code="wrong_amount")
    if str(body.get("currency", "")).upper() != charge.currency:
        return ChargeAnswer(Verdict.UNKNOWN, code="wrong_currency")
    match body.get("status"):
        case "succeeded":
            return ChargeAnswer(Verdict.SUCCEEDED, body["id"], "DONE", charge.amount_minor)
        case "requires_payment_method":
            return ChargeAnswer(Verdict.REFUSED, code=decline(body))
        case "requires_action":
            return ChargeAnswer(Verdict.REFUSED, code="authentication_required")
        case "canceled":
            return ChargeAnswer(Verdict.REFUSED, code="canceled")
        case "requires_confirmation":
            return ChargeAnswer(Verdict.NOT_FOUND, code="requires_confirmation")
    return ChargeAnswer(Verdict.UNKNOWN, code=str(body.get("status", "garbage"))[:40])


def is_ours(body: dict[str, Any], charge: Charge) -> bool:
    """Whether a new PaymentIntent is about our payment and has moved nothing."""
    is_right = body.get("amount") == charge.amount_minor and body.get("object") == "payment_intent"
    is_still = body.get("status") in ("requires_confirmation", "requires_payment_method")
    return is_right and is_still and names_us(body, charge)


def names_us(body: dict[str, Any], charge: Charge) -> bool:
    """Whether it carries the id of our attempt."""
    carried = body.get("metadata")
    return isinstance(carried, dict) and carried.get("attempt_id") == charge.attempt_id


def decline(body: dict[str, Any]) -> str:
    """Why the issuer said no: the decline code when there is one."""
    said = body.get("last_payment_error")
    found = said if isinstance(said, dict) else {}
    code = found.get("decline_code") or found.get("code")
    return code if is_code(code) else "card_declined"


def error_code(body: dict[str, Any] | None) -> str:
    """The code of an error, or its type."""
    said = body.get("error") if body is not None else None
    found = said if isinstance(said, dict) else {}
    code = found.get("code") or found.get("type")
    return code if is_code(code) else ""


def knows_no_parameter(heard: Heard, name: str) -> bool:
    """Whether a server refused the whole request because of one parameter: then it did nothing."""
    body = read_object(heard.body) if heard.status == UNKNOWN_PARAMETER else None
    said = body.get("error") if body is not None else None
    found = said if isinstance(said, dict) else {}
    is_said = found.get("code") == "parameter_unknown" and found.get("param") == name
    return is_said or found.get("message") == f"Unexpected {name}"


def classify_refund(heard: Heard, asked: GiveBack) -> ChargeAnswer:
    """Judge the answer to a refund: a yes names our refund, a no stays to be looked up."""
    if heard.status is None:
        verdict = Verdict.NOT_SENT if heard.error in NEVER_SENT else Verdict.UNKNOWN
        return ChargeAnswer(verdict, code=heard.error or "no_answer")
    if heard.status == 429:
        return ChargeAnswer(Verdict.NOT_SENT, code="http_429", retry_after_seconds=retry_after(heard.headers))
    body = read_object(heard.body)
    if heard.status == 200 and body is not None:
        return judge_refund(body, asked)
    return ChargeAnswer(Verdict.UNKNOWN, code=error_code(body) or f"http_{heard.status}")


def classify_refunds(heard: Heard, asked: GiveBack) -> ChargeAnswer:
    """Find our refund among those of its payment."""
    body = read_object(heard.body) if heard.status == 200 else None
    rows = body.get("data") if body is not None else None
    if not isinstance(rows, list) or (body or {}).get("has_more"):
        return ChargeAnswer(Verdict.UNKNOWN, code=heard.error or f"http_{heard.status}")
    for one in rows:
        carried = one.get("metadata") if isinstance(one, dict) else None
        if isinstance(carried, dict) and carried.get("refund_id") == asked.refund_id:
            return judge_refund(one, asked)
    return ChargeAnswer(Verdict.NOT_FOUND, code="NOT_FOUND_REFUND")


def judge_refund(body: dict[str, Any], asked: GiveBack) -> ChargeAnswer:
    """Only our refund over our amount is a yes."""
    carried = body.get("metadata")
    is_own = isinstance(carried, dict) and carried.get("refund_id") == asked.refund_id
    if body.get("object") != "refund" or not is_own or not is_code(body.get("id")):
        return ChargeAnswer(Verdict.UNKNOWN, code="wrong_order")
    if body.get("amount") != asked.amount_minor:
        return ChargeAnswer(Verdict.UNKNOWN, body["id"], "wrong_amount")
    match body.get("status"):
        case "succeeded":
            return ChargeAnswer(Verdict.SUCCEEDED, body["id"], "DONE", asked.amount_minor)
        case "failed" | "canceled":
            return ChargeAnswer(Verdict.REFUSED, code=str(body.get("failure_reason") or "failed")[:40])
    return ChargeAnswer(Verdict.UNKNOWN, body["id"], "pending")


def classify_attached(heard: Heard, customer: str) -> KeyAnswer:
    """Judge a card that was attached to its customer: both together are what we keep."""
    body = read_object(heard.body) if heard.status is not None else None
    if heard.status == 402:
        return KeyAnswer(Verdict.REFUSED, code="REJECT_CARD_COMPANY")
    if heard.status == 404:
        return KeyAnswer(Verdict.REFUSED, code="NOT_FOUND_AUTH_KEY")
    if heard.status != 200 or body is None or not is_code(body.get("id")):
        return KeyAnswer(Verdict.UNKNOWN, code=heard.error or f"http_{heard.status}")
    card = body.get("card") if isinstance(body.get("card"), dict) else {}
    brand = str((card or {}).get("brand", "Card")).capitalize()[:20]
    digits = "".join(one for one in str((card or {}).get("last4", ""))[:4] if one.isdigit())
    return KeyAnswer(Verdict.SUCCEEDED, f"{customer} {body['id']}", f"{brand} ·· {digits or '****'}", "DONE")
