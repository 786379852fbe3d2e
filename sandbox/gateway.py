"""A payment gateway in the style of Toss Payments: authorise on a hosted page, then confirm by API."""

import base64
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox.book import Book
from sandbox.webhooks import Webhooks

# What each test card answers when the money is asked for; None: it pays.
CARDS: dict[str, tuple[int, str] | None] = {
    "approve": None,
    "refuse": (403, "REJECT_CARD_PAYMENT"),
    "expired": (400, "INVALID_CARD_EXPIRATION"),
    "final": None,  # pays, and never gives anything back
}
SENTENCES = {
    "REJECT_CARD_PAYMENT": "한도초과 혹은 잔액부족으로 결제에 실패했습니다.",
    "INVALID_CARD_EXPIRATION": "카드 정보를 다시 확인해주세요. (유효기간)",
    "NOT_FOUND_PAYMENT": "존재하지 않는 결제 정보 입니다.",
    "NOT_FOUND_PAYMENT_SESSION": "결제 시간이 만료되어 결제 진행 데이터가 존재하지 않습니다.",
    "ALREADY_PROCESSED_PAYMENT": "이미 처리된 결제 입니다.",
    "ALREADY_CANCELED_PAYMENT": "이미 취소된 결제 입니다.",
    "NOT_CANCELABLE_AMOUNT": "취소 할 수 없는 금액 입니다.",
    "NOT_CANCELABLE_PAYMENT": "취소 할 수 없는 결제 입니다.",
    "FORBIDDEN_REQUEST": "허용되지 않은 요청입니다.",
    "UNAUTHORIZED_KEY": "인증되지 않은 시크릿 키 입니다.",
}
Answer = tuple[int, dict[str, Any]]


class Input(BaseModel):
    """What a call may say, and nothing else."""

    model_config = ConfigDict(extra="forbid")


class Confirm(Input):
    """Ask for the money of an authorisation."""

    payment_key: str = Field(max_length=200)
    order_id: str = Field(min_length=1, max_length=64)
    amount: int = Field(gt=0, strict=True)


class KeyIn(Input):
    """Charge a card without a hosted page."""

    order_id: str = Field(min_length=1, max_length=64)
    amount: int = Field(gt=0, strict=True)
    card_token: str = "approve"  # noqa: S105 - the name of a test card
    currency: str = "KRW"


class Cancel(Input):
    """Give a charge back."""

    cancel_reason: str = Field(min_length=1, max_length=200)
    cancel_amount: int | None = Field(None, gt=0, strict=True)  # everything that is left, when it is not said


class Hook(Input):
    """Where events go, and how badly they travel."""

    url: str
    secret: str
    duplicates: int = Field(0, ge=0, le=20)  # each event arrives up to this often again
    shuffle_seconds: float = Field(0, ge=0)  # and up to so much later, in any order
    seed: int = 0


class Gateway:
    """Authorisations, charges and refunds, as the book knows them."""

    def __init__(self, book: Book, webhooks: Webhooks) -> None:
        self.book, self.webhooks = book, webhooks

    def authorise(self, order_id: str, amount: int, currency: str, card: str) -> str:
        """Note that the customer agreed on the hosted page; no money moves yet."""
        payment_key = "pay_" + secrets.token_hex(12)
        self.book.write(
            "authorisations", payment_key=payment_key, order_id=order_id, amount=amount, currency=currency,
            card=card, state="IN_PROGRESS", created_at=self.book.now(),
        )  # fmt: skip
        return payment_key

    def confirm(self, asked: Confirm, key: str) -> Answer:
        """Move the money of an authorisation, once for each payment key."""
        found = self.payment(asked.payment_key)
        if found is None:
            return refused(404, "NOT_FOUND_PAYMENT_SESSION", asked.order_id)
        if (found["order_id"], found["amount"]) != (asked.order_id, asked.amount):
            return refused(403, "FORBIDDEN_REQUEST", asked.order_id)
        if found["state"] in ("DONE", "PARTIAL_CANCELED", "CANCELED"):
            return refused(400, "ALREADY_PROCESSED_PAYMENT", asked.order_id)
        return self._charge(found, key)

    def key_in(self, asked: KeyIn, key: str) -> Answer:
        """Charge a card without a hosted page; every new key charges again."""
        card = asked.card_token if asked.card_token in CARDS else "refuse"
        found = self.payment(self.authorise(asked.order_id, asked.amount, asked.currency, card))
        assert found is not None
        return self._charge(found, key)

    def _charge(self, found: dict[str, Any], key: str) -> Answer:
        no = CARDS[found["card"]]
        state = "DONE" if no is None else "ABORTED"
        self.book.base.execute(
            "update authorisations set state = ?, failure_code = ? where payment_key = ?",
            (state, no[1] if no else "", found["payment_key"]),
        )
        if no is not None:
            return refused(*no, found["order_id"])
        return 200, self._move("charge", found["payment_key"], found["amount"], key)

    def cancel(self, payment_key: str, asked: Cancel, key: str) -> Answer:
        """Give (part of) the money of one charge back, never more than is left of it."""
        found = self.payment(payment_key)
        if found is None:
            return refused(404, "NOT_FOUND_PAYMENT", "")
        if found["state"] == "CANCELED":
            return refused(400, "ALREADY_CANCELED_PAYMENT", found["order_id"])
        if found["state"] not in ("DONE", "PARTIAL_CANCELED"):
            return refused(403, "FORBIDDEN_REQUEST", found["order_id"])
        if found["card"] == "final":
            return refused(403, "NOT_CANCELABLE_PAYMENT", found["order_id"])
        left = found["amount"] - sum(one["amount"] for one in self.cancels(payment_key))
        amount = asked.cancel_amount or left
        if amount > left:
            return refused(403, "NOT_CANCELABLE_AMOUNT", found["order_id"])
        self.book.write(
            "cancels", payment_key=payment_key, amount=amount, reason=asked.cancel_reason,
            transaction_key="back_" + secrets.token_hex(8), at=self.book.now(),
        )  # fmt: skip
        self.book.base.execute(
            "update authorisations set state = ? where payment_key = ?",
            ("CANCELED" if amount == left else "PARTIAL_CANCELED", payment_key),
        )
        return 200, self._move("refund", payment_key, amount, key)

    def cancels(self, payment_key: str) -> list[dict[str, Any]]:
        """What of a payment was given back."""
        return self.book.rows("select * from cancels where payment_key = ? order by id", payment_key)

    def shown(self, found: dict[str, Any]) -> dict[str, Any]:
        """A payment as the API shows it."""
        return payment(found, self.cancels(found["payment_key"]))

    def _move(self, kind: str, payment_key: str, amount: int, key: str) -> dict[str, Any]:
        found = self.payment(payment_key)
        assert found is not None
        number = self.book.write(
            "moves", kind=kind, payment_key=payment_key, order_id=found["order_id"], amount=amount,
            currency=found["currency"], key=key, at=self.book.now(),
        )  # fmt: skip
        shown = self.shown(found)
        self.webhooks.tell(f"evt_{number}", {"type": "PAYMENT_STATUS_CHANGED", "data": shown})
        return shown

    def look_up(self, order_id: str) -> Answer:
        """What became of an order; an order that was only authorised is not known yet."""
        query = """select * from authorisations where order_id = ? and state <> 'IN_PROGRESS'
                   order by state = 'ABORTED', created_at desc"""
        found = self.book.row(query, order_id)
        return (200, self.shown(found)) if found else refused(404, "NOT_FOUND_PAYMENT", order_id)

    def payment(self, payment_key: str) -> dict[str, Any] | None:
        """One authorisation with its state."""
        return self.book.row("select * from authorisations where payment_key = ?", payment_key)


def payment(found: dict[str, Any], cancels: list[dict[str, Any]]) -> dict[str, Any]:
    """A payment as the API shows it, with what was given back of it."""
    paid = found["amount"] if found["state"] in ("DONE", "PARTIAL_CANCELED", "CANCELED") else 0
    return {
        "payment_key": found["payment_key"], "order_id": found["order_id"], "status": found["state"],
        "total_amount": found["amount"], "currency": found["currency"], "method": "CARD",
        "failure_code": found["failure_code"] or None,
        "balance_amount": paid - sum(one["amount"] for one in cancels),
        "cancels": [
            {"cancel_amount": one["amount"], "cancel_reason": one["reason"],
             "transaction_key": one["transaction_key"]} for one in cancels
        ],
        "requested_at": datetime.fromtimestamp(found["created_at"], UTC).isoformat(),
    }  # fmt: skip


def refused(status: int, code: str, order_id: str) -> Answer:
    """A documented no; it names the order, so that nobody mistakes it for another's."""
    return status, {"code": code, "message": SENTENCES.get(code, code), "order_id": order_id}


@dataclass(frozen=True)
class Counter:
    """Where calls are let in: the secret, and the first answer given under a key."""

    book: Book
    secret: str

    def once(self, request: Request, key: str | None, act: Callable[[], Answer]) -> JSONResponse:
        """The first answer under a key, for this method and address; the body is not compared."""
        wanted = b"Basic " + base64.b64encode(f"{self.secret}:".encode())
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), wanted):
            status, body = refused(401, "UNAUTHORIZED_KEY", "")
            return JSONResponse(body, status)
        scope = f"{key}\n{request.method}\n{request.url.path}"
        with self.book.page():
            if key is not None and (said := self.book.answered(scope)):
                return JSONResponse(said[1], said[0], {"idempotent-replayed": "true"})
            status, body = act()
            if key is not None:
                self.book.answer(scope, status, body)
        return JSONResponse(body, status)


Key = Annotated[str | None, Header(alias="idempotency-key", max_length=300)]


def api(gateway: Gateway, secret: str) -> APIRouter:
    """The server-to-server API."""
    router = APIRouter(prefix="/gateway/v1/payments")
    once = Counter(gateway.book, secret).once

    @router.post("/confirm")
    async def confirm(request: Request, asked: Confirm, key: Key = None) -> Response:
        return once(request, key, lambda: gateway.confirm(asked, key or ""))

    @router.post("/key-in")
    async def key_in(request: Request, asked: KeyIn, key: Key = None) -> Response:
        return once(request, key, lambda: gateway.key_in(asked, key or ""))

    @router.get("/orders/{order_id}")
    async def look_up(request: Request, order_id: str) -> Response:
        return once(request, None, lambda: gateway.look_up(order_id))

    @router.post("/{payment_key}/cancel")
    async def cancel(request: Request, payment_key: str, asked: Cancel, key: Key = None) -> Response:
        return once(request, key, lambda: gateway.cancel(payment_key, asked, key or ""))

    return router


def controls(book: Book, webhooks: Webhooks) -> APIRouter:
    """What a judge may look at and turn."""
    router = APIRouter(prefix="/gateway/control")

    @router.get("/book")
    async def show() -> list[dict[str, Any]]:
        return book.rows("select * from moves order by id")

    @router.put("/webhook")
    async def webhook(hook: Hook) -> dict[str, str]:
        webhooks.register(hook.model_dump_json())
        return {"state": "registered"}

    @router.get("/deliveries")
    async def deliveries() -> list[dict[str, Any]]:
        return book.rows("select event_id, state, tries, status from deliveries order by id")

    return router
