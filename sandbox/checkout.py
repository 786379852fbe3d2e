"""The gateway's hosted page: the customer sees the amount, chooses a card and agrees."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from sandbox.gateway import CARDS, Gateway
from sandbox.pages import page


class Checkout(BaseModel):
    """What the shop says when it sends a customer here."""

    model_config = ConfigDict(extra="forbid")

    order_id: str = Field(min_length=1, max_length=64)
    amount: int = Field(gt=0)
    currency: str = Field("KRW", pattern="^[A-Z]{3}$")
    name: str = Field("", max_length=200)
    success_url: str = Field(pattern="^https?://")
    fail_url: str = Field(pattern="^https?://")
    locale: str = "ko"


class Choice(Checkout):
    """The customer's decision."""

    card: str = "approve"
    action: str = "pay"


def checkout(gateway: Gateway) -> APIRouter:
    """The page and the button on it."""
    router = APIRouter(prefix="/gateway/checkout")

    @router.get("")
    async def show(request: Request, asked: Checkout = Query()) -> HTMLResponse:
        return page("checkout.html", asked.locale, asked=asked, cards=CARDS)

    @router.post("")
    async def decide(choice: Choice = Form()) -> Response:
        if choice.card not in CARDS:
            raise HTTPException(422, "unknown card")
        if choice.action != "pay":
            return back(choice.fail_url, code="PAY_PROCESS_CANCELED", order_id=choice.order_id)
        if choice.card == "expired":
            return back(choice.fail_url, code="INVALID_CARD_EXPIRATION", order_id=choice.order_id)
        with gateway.book.page():
            key = gateway.authorise(choice.order_id, choice.amount, choice.currency, choice.card)
        return back(choice.success_url, payment_key=key, order_id=choice.order_id, amount=str(choice.amount))

    return router


def back(url: str, **values: str) -> RedirectResponse:
    """Send the customer back to the shop; what its address already says is kept."""
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *values.items()])
    return RedirectResponse(urlunsplit(parts._replace(query=query)), 303)
