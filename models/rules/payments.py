"""What an answer of the payment gateway proves. "No answer", "strange answer" and "no" are three things."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from models.messages.payments import Charge, ChargeAnswer, GiveBack, KeyAnswer, Verdict
from models.messages.systems import CallResult, Heard
from models.rules.systems import NEVER_SENT, is_code, read_object, retry_after

# The gateway's documented refusals, each with its documented status: money did not move, and it will not.
REFUSALS: Mapping[str, int] = {
    "REJECT_CARD_PAYMENT": 403,  # limit reached or balance too low
    "REJECT_CARD_COMPANY": 403,
    "REJECT_ACCOUNT_PAYMENT": 403,
    "FORBIDDEN_REQUEST": 403,  # order or amount differ from what was authorised
    "INVALID_REQUEST": 400,
    "INVALID_CARD_EXPIRATION": 400,
    "INVALID_STOPPED_CARD": 400,
    "INVALID_CARD_LOST_OR_STOLEN": 400,
    "INVALID_BILL_KEY_REQUEST": 400,  # the billing key was taken back or belongs to somebody else
    "NOT_FOUND_PAYMENT_SESSION": 404,  # the authorisation of the hosted page has run out
}
# A payment that is cancelled already, or an amount that is not left, may be our own doing: looked up first.
REFUND_REFUSALS: Mapping[str, int] = {"NOT_CANCELABLE_PAYMENT": 403, "FORBIDDEN_REQUEST": 403}
# After these the card will never pay again: the customer has to add another one.
DEAD_METHOD = frozenset(
    {
        "INVALID_STOPPED_CARD",
        "INVALID_CARD_LOST_OR_STOLEN",
        "INVALID_CARD_EXPIRATION",
        "INVALID_BILL_KEY_REQUEST",
    }
)
# The documented ways in which a card is not taken on the gateway's form.
KEY_REFUSALS: Mapping[str, int] = {
    "NOT_FOUND_AUTH_KEY": 404,
    "INVALID_CARD_EXPIRATION": 400,
    "INVALID_REQUEST": 400,
    "REJECT_CARD_COMPANY": 403,
}
NOT_FOUND = ("NOT_FOUND_PAYMENT", 404)


def classify(heard: Heard, charge: Charge) -> ChargeAnswer:
    """Judge the answer to a charge; whatever proves neither success nor refusal is UNKNOWN."""
    if heard.status is None:
        verdict = Verdict.NOT_SENT if heard.error in NEVER_SENT else Verdict.UNKNOWN
        return ChargeAnswer(verdict, code=heard.error or "no_answer")
    if heard.status == 429:
        return ChargeAnswer(Verdict.NOT_SENT, code="http_429", retry_after_seconds=retry_after(heard.headers))
    body = read_object(heard.body)
    if 200 <= heard.status < 300:
        answer = _judge_payment(body, charge)
        is_done = answer.verdict is Verdict.SUCCEEDED
        return answer if is_done else replace(answer, verdict=Verdict.UNKNOWN)
    return _judge_refusal(heard.status, body, charge)


def classify_look_up(heard: Heard, charge: Charge) -> ChargeAnswer:
    """Judge the answer to "what became of this order?"; a failed look-up proves nothing."""
    if heard.status is None:
        return ChargeAnswer(Verdict.UNKNOWN, code=heard.error or "no_answer", is_unanswered=True)
    body = read_object(heard.body)
    if heard.status == 200:
        return replace(_judge_payment(body, charge), is_unanswered=body is None)
    if body is not None and (body.get("code"), heard.status) == NOT_FOUND:
        if body.get("order_id") == charge.attempt_id:
            return ChargeAnswer(Verdict.NOT_FOUND, code=NOT_FOUND[0])
        return ChargeAnswer(Verdict.UNKNOWN, code="wrong_order")
    wait = retry_after(heard.headers) if heard.status == 429 else 0
    return ChargeAnswer(
        Verdict.UNKNOWN, code=f"http_{heard.status}", retry_after_seconds=wait, is_unanswered=True
    )


def classify_refund(heard: Heard, asked: GiveBack) -> ChargeAnswer:
    """Judge the answer to a refund: a yes has to name our refund; only a documented no is a no."""
    if heard.status is None:
        verdict = Verdict.NOT_SENT if heard.error in NEVER_SENT else Verdict.UNKNOWN
        return ChargeAnswer(verdict, code=heard.error or "no_answer")
    if heard.status == 429:
        return ChargeAnswer(Verdict.NOT_SENT, code="http_429", retry_after_seconds=retry_after(heard.headers))
    body = read_object(heard.body)
    if 200 <= heard.status < 300:
        answer = _judge_refund(body, asked)
        is_done = answer.verdict is Verdict.SUCCEEDED
        return answer if is_done else replace(answer, verdict=Verdict.UNKNOWN)
    code = body.get("code") if body is not None else None
    if body is None or not isinstance(code, str) or REFUND_REFUSALS.get(code) != heard.status:
        return ChargeAnswer(Verdict.UNKNOWN, code=f"http_{heard.status}")
    if body.get("order_id") != asked.attempt_id:
        return ChargeAnswer(Verdict.UNKNOWN, code="wrong_order")
    return ChargeAnswer(Verdict.REFUSED, code=code)


def classify_refund_look_up(heard: Heard, asked: GiveBack) -> ChargeAnswer:
    """Judge the answer to "did our refund happen?"; a failed look-up proves nothing."""
    if heard.status is None:
        return ChargeAnswer(Verdict.UNKNOWN, code=heard.error or "no_answer", is_unanswered=True)
    if heard.status == 200:
        body = read_object(heard.body)
        return replace(_judge_refund(body, asked), is_unanswered=body is None)
    wait = retry_after(heard.headers) if heard.status == 429 else 0
    return ChargeAnswer(
        Verdict.UNKNOWN, code=f"http_{heard.status}", retry_after_seconds=wait, is_unanswered=True
    )


def _judge_refund(body: dict[str, Any] | None, asked: GiveBack) -> ChargeAnswer:
    """Find our refund among the payment's; without it, what is left of the payment decides."""
    cancels = body.get("cancels") if body is not None else None
    if body is None or not isinstance(cancels, list) or type(body.get("total_amount")) is not int:
        return ChargeAnswer(Verdict.UNKNOWN, code="garbage")
    if body.get("order_id") != asked.attempt_id:
        return ChargeAnswer(Verdict.UNKNOWN, code="wrong_order")
    if body["total_amount"] != asked.charged_minor:
        return ChargeAnswer(Verdict.UNKNOWN, code="wrong_amount")
    if body.get("currency") != asked.currency:
        return ChargeAnswer(Verdict.UNKNOWN, code="wrong_currency")
    for one in cancels:
        if isinstance(one, dict) and one.get("cancel_reason") == refund_reason(asked):
            return _judge_cancel(one, asked)
    left = body.get("balance_amount")
    if body.get("status") not in ("DONE", "PARTIAL_CANCELED", "CANCELED") or type(left) is not int:
        return ChargeAnswer(Verdict.UNKNOWN, code="garbage")
    if left < asked.amount_minor:  # somebody else has given it back, and it only ever gets less
        return ChargeAnswer(Verdict.REFUSED, code="NOT_CANCELABLE_AMOUNT")
    return ChargeAnswer(Verdict.NOT_FOUND, code="NOT_FOUND_REFUND")


def _judge_cancel(one: dict[str, Any], asked: GiveBack) -> ChargeAnswer:
    amount, provider_id = one.get("cancel_amount"), one.get("transaction_key")
    if type(amount) is not int or not is_code(provider_id):
        return ChargeAnswer(Verdict.UNKNOWN, code="garbage")
    if amount != asked.amount_minor:
        return ChargeAnswer(Verdict.UNKNOWN, provider_id, "wrong_amount", amount)
    return ChargeAnswer(Verdict.SUCCEEDED, provider_id, "DONE", amount)


def classify_key(heard: Heard, customer_key: str) -> KeyAnswer:
    """Judge the answer to "give us a key for this card"; nothing moves, so what is unclear is asked again."""
    if heard.status is None:
        return KeyAnswer(Verdict.UNKNOWN, code=heard.error or "no_answer")
    body = read_object(heard.body) or {}
    code = body.get("code")
    if isinstance(code, str) and KEY_REFUSALS.get(code) == heard.status:
        return KeyAnswer(Verdict.REFUSED, code=code)
    key, card = body.get("billing_key"), body.get("card")
    if not 200 <= heard.status < 300 or not is_code(key) or not isinstance(card, dict):
        return KeyAnswer(Verdict.UNKNOWN, code=f"http_{heard.status}")
    if body.get("customer_key") != customer_key:
        return KeyAnswer(Verdict.UNKNOWN, code="wrong_customer")
    return KeyAnswer(Verdict.SUCCEEDED, key, card_label(card), "DONE")


def card_label(card: Mapping[str, Any]) -> str:
    """ "Hyundai ·· 1234": the issuer and the last four digits; whatever more is sent is dropped here."""
    issuer = "".join(one for one in str(card.get("issuer", ""))[:20] if one.isprintable())
    digits = [one for one in str(card.get("number", ""))[-4:] if one.isascii() and one.isdigit()]
    return f"{issuer or 'Card'} ·· {''.join(digits) or '****'}"


def classify_key_removal(heard: Heard) -> Verdict:
    """Judge the answer to "forget this card": gone, or gone before."""
    if heard.status is None:
        return Verdict.NOT_SENT if heard.error in NEVER_SENT else Verdict.UNKNOWN
    body = read_object(heard.body) or {}
    is_gone = (heard.status, body.get("code")) == (400, "INVALID_BILL_KEY_REQUEST")
    if is_gone or (200 <= heard.status < 300 and body.get("state") == "deleted"):
        return Verdict.SUCCEEDED
    return Verdict.UNKNOWN


def refund_reason(asked: GiveBack) -> str:
    """What the gateway keeps with a refund: it is how we find our own one again."""
    return f"{asked.reason} {asked.refund_id}"


def _judge_payment(body: dict[str, Any] | None, charge: Charge) -> ChargeAnswer:
    """A 2xx counts only with our order, our amount, our currency, and a state that we know."""
    if body is None:
        return ChargeAnswer(Verdict.UNKNOWN, code="garbage")
    amount, provider_id = body.get("total_amount"), body.get("payment_key")
    if type(amount) is not int or not is_code(provider_id):
        return ChargeAnswer(Verdict.UNKNOWN, code="garbage")
    if body.get("order_id") != charge.attempt_id:
        return ChargeAnswer(Verdict.UNKNOWN, code="wrong_order")
    if amount != charge.amount_minor:
        return ChargeAnswer(Verdict.UNKNOWN, provider_id, "wrong_amount", amount)
    if body.get("currency") != charge.currency:
        return ChargeAnswer(Verdict.UNKNOWN, provider_id, "wrong_currency", amount)
    match body.get("status"):
        case "DONE":
            return ChargeAnswer(Verdict.SUCCEEDED, provider_id, "DONE", amount)
        case "ABORTED" | "EXPIRED":
            return ChargeAnswer(Verdict.REFUSED, provider_id, _code(body.get("failure_code")))
        case "READY" | "IN_PROGRESS":  # authorised on the hosted page; our confirmation never arrived
            return ChargeAnswer(Verdict.NOT_FOUND, provider_id, "IN_PROGRESS")
        case "CANCELED":
            return ChargeAnswer(Verdict.UNKNOWN, provider_id, "CANCELED", amount)
    return ChargeAnswer(Verdict.UNKNOWN, provider_id, "garbage")


def _judge_refusal(status: int, body: dict[str, Any] | None, charge: Charge) -> ChargeAnswer:
    code = body.get("code") if body is not None else None
    if body is None or not isinstance(code, str) or REFUSALS.get(code) != status:
        return ChargeAnswer(Verdict.UNKNOWN, code=f"http_{status}")
    if body.get("order_id") != charge.attempt_id:
        return ChargeAnswer(Verdict.UNKNOWN, code="wrong_order")
    return ChargeAnswer(Verdict.REFUSED, code=code)


def is_alarm(answer: ChargeAnswer) -> bool:
    """Whether somebody must look at once: the gateway spoke of another order, amount or currency."""
    return answer.verdict is Verdict.UNKNOWN and answer.code.startswith("wrong_")


def as_result(answer: ChargeAnswer) -> CallResult:
    """The same judgement in the words of the call log."""
    match answer.verdict:
        case Verdict.SUCCEEDED | Verdict.NOT_FOUND:
            return CallResult.OK
        case Verdict.REFUSED:
            return CallResult.REFUSED
        case Verdict.NOT_SENT:
            return CallResult.FAILED
    return CallResult.UNKNOWN


def _code(value: Any) -> str:
    return value if is_code(value) else "ABORTED"
