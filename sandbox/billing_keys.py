"""Cards that are kept: a hosted form hands back an auth key, the API exchanges it and charges."""

import secrets
from typing import Any

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox.checkout import back
from sandbox.gateway import CARDS, Answer, Counter, Gateway, Input, Key, refused
from sandbox.pages import page

ISSUERS = {"approve": "현대", "refuse": "신한", "expired": "국민", "final": "삼성"}


class CardForm(BaseModel):
    """What the shop says when it sends a customer here; the card itself is only ever typed here."""

    model_config = ConfigDict(extra="forbid")

    customer_key: str = Field(min_length=2, max_length=300)
    success_url: str = Field(pattern="^https?://")
    fail_url: str = Field(pattern="^https?://")
    locale: str = "ko"


class CardChoice(CardForm):
    """The customer's decision."""

    card: str = "approve"
    action: str = "add"


class Issue(Input):
    """Exchange what the form handed back."""

    auth_key: str = Field(min_length=1, max_length=300)
    customer_key: str = Field(min_length=2, max_length=300)


class ChargeKey(Input):
    """Charge a kept card."""

    customer_key: str = Field(min_length=2, max_length=300)
    order_id: str = Field(min_length=1, max_length=64)
    amount: int = Field(gt=0, strict=True)
    currency: str = "KRW"


class Cards:
    """The cards that the gateway keeps, as the book knows them."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway, self.book = gateway, gateway.book

    def authorise(self, customer_key: str, card: str) -> str:
        """Note that the customer agreed on the form, and say so to the shop."""
        auth_key = "auth_" + secrets.token_hex(12)
        self.book.write(
            "cards", auth_key=auth_key, customer_key=customer_key, card=card, billing_key="",
            digits=f"{secrets.randbelow(10_000):04d}", state="AUTHORISED", created_at=self.book.now(),
        )  # fmt: skip
        data = {"customer_key": customer_key, "auth_key": auth_key}
        self.gateway.webhooks.tell(f"evt_{auth_key}", {"type": "BILLING_AUTHORISED", "data": data})
        return auth_key

    def issue(self, asked: Issue) -> Answer:
        """A billing key for an auth key, once."""
        query = "select * from cards where auth_key = ? and customer_key = ? and state = 'AUTHORISED'"
        found = self.book.row(query, asked.auth_key, asked.customer_key)
        if found is None:
            return refused(404, "NOT_FOUND_AUTH_KEY", "")
        if found["card"] == "expired":
            return refused(400, "INVALID_CARD_EXPIRATION", "")
        billing_key = "bill_" + secrets.token_hex(16)
        self.book.base.execute(
            "update cards set billing_key = ?, state = 'KEPT' where auth_key = ?",
            (billing_key, asked.auth_key),
        )
        card = {"issuer": ISSUERS[found["card"]], "number": f"4330********{found['digits']}"}
        return 200, {"billing_key": billing_key, "customer_key": asked.customer_key, "card": card}

    def charge(self, billing_key: str, asked: ChargeKey, key: str) -> Answer:
        """Move money of a kept card; every new key charges again."""
        query = "select * from cards where billing_key = ? and customer_key = ? and state = 'KEPT'"
        found = self.book.row(query, billing_key, asked.customer_key)
        if found is None:
            return refused(400, "INVALID_BILL_KEY_REQUEST", asked.order_id)
        return self.gateway.charge_card(asked.order_id, asked.amount, asked.currency, found["card"], key)

    def forget(self, billing_key: str) -> Answer:
        """Keep a card no longer."""
        found = self.book.row("select * from cards where billing_key = ? and state = 'KEPT'", billing_key)
        if found is None:
            return refused(400, "INVALID_BILL_KEY_REQUEST", "")
        self.book.base.execute("update cards set state = 'DELETED' where billing_key = ?", (billing_key,))
        return 200, {"state": "deleted"}


def form(cards: Cards) -> APIRouter:
    """The hosted form and its button."""
    router = APIRouter(prefix="/gateway/billing")

    @router.get("")
    async def show(request: Request, asked: CardForm = Query()) -> HTMLResponse:
        return page("card.html", asked.locale, asked=asked, cards=CARDS)

    @router.post("")
    async def decide(choice: CardChoice = Form()) -> Response:
        if choice.card not in CARDS:
            raise HTTPException(422, "unknown card")
        if choice.action != "add":
            return back(choice.fail_url, code="PAY_PROCESS_CANCELED")
        with cards.book.page():
            auth_key = cards.authorise(choice.customer_key, choice.card)
        return back(choice.success_url, auth_key=auth_key, customer_key=choice.customer_key)

    return router


def key_api(cards: Cards, secret: str) -> APIRouter:
    """The server-to-server API of kept cards."""
    router = APIRouter(prefix="/gateway/v1/billing")
    once = Counter(cards.book, secret).once

    @router.post("/authorizations/issue")
    async def issue(request: Request, asked: Issue, key: Key = None) -> Response:
        return once(request, key, lambda: cards.issue(asked))

    @router.post("/{billing_key}")
    async def charge(request: Request, billing_key: str, asked: ChargeKey, key: Key = None) -> Response:
        return once(request, key, lambda: cards.charge(billing_key, asked, key or ""))

    @router.delete("/{billing_key}")
    async def forget(request: Request, billing_key: str, key: Key = None) -> Response:
        return once(request, key, lambda: cards.forget(billing_key))

    @router.get("/control/cards")
    async def show() -> list[dict[str, Any]]:
        return cards.book.rows("select customer_key, card, state from cards order by created_at")

    return router
