"""Paying by link, what the gateway tells us, and unclear payments that finance settles by hand."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import Request
from pydantic import BeforeValidator, Field
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.billing.invoices import Document, document, refuse_what_is_over, say
from api.kit import labels
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.labels import Label
from api.kit.language import N_, locale
from api.kit.rendering import answer, move_on
from api.kit.routes import CUSTOMERS, FINANCE, SYSTEM, by_link
from api.kit.texts import Key, Line, MaybeLine
from api.kit.webhooks import MAX_BODY, MAX_STRIPE_BODY, BadWebhook, verify, verify_stripe
from api.payments import codes, methods
from api.payments.owed import owed_minor
from api.payments.routing import router
from models.billing import Invoice
from models.kit.ids import attempt_id
from models.kit.inbox import is_first
from models.kit.outbox import announce_signal, announce_start
from models.kit.refusals import Refusal
from models.kit.settings import Settings
from models.messages.payments import (
    OPEN_ATTEMPT,
    AttemptStatus,
    ChargeOrder,
    GatewayNews,
    SettleByHand,
    Verdict,
    charge_workflow_id,
)
from models.messages.staff import LinkPurpose
from models.messages.systems import System
from models.payments import PaymentAttempt

assert codes  # what gateways and banks say stands there
PAY = by_link(LinkPurpose.PAY)
labels.register(
    "attempt",
    {
        AttemptStatus.CREATED: Label(N_("Payment started"), "blue"),
        AttemptStatus.SUCCEEDED: Label(N_("Paid"), "green"),
        AttemptStatus.REFUSED: Label(N_("Refused"), "red"),
        AttemptStatus.NOT_SENT: Label(N_("Not sent yet"), "amber"),
        AttemptStatus.UNKNOWN: Label(N_("Unclear"), "orange"),
        AttemptStatus.CANCELLED: Label(N_("Given back"), "gray"),
    },
)
labels.register(
    "verdict",
    {
        Verdict.SUCCEEDED: Label(N_("the money moved"), "green"),
        Verdict.REFUSED: Label(N_("the money did not move"), "red"),
        Verdict.NOT_SENT: Label(N_("the request did not arrive"), "amber"),
        Verdict.NOT_FOUND: Label(N_("no such payment yet"), "amber"),
        Verdict.UNKNOWN: Label(N_("no clear answer"), "orange"),
    },
)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdigit() else value


class Authorised(Input):
    """What the gateway's hosted page says when the customer has agreed."""

    payment_key: Line
    order_id: Key
    amount: Annotated[int, BeforeValidator(_whole), Field(gt=0)]


class Settling(Input):
    """Finance's verdict on an unclear payment."""

    command_id: Key
    verdict: Literal["succeeded", "refused"]
    reason: MaybeLine = ""


@dataclass(frozen=True)
class Agreement:
    """What was agreed: by the gateway's page, or by a method that is charged without asking there."""

    order_id: str
    payment_key: str = ""
    method_id: str | None = None


@dataclass(frozen=True)
class PayPage:
    """What the customer sees: the invoice, how its payment stands, and where to pay."""

    document: Document
    state: str  # "due", "nothing" (credited), "under_way", "paid", "cancelled"
    is_refused: bool  # the last try was refused
    base: str
    checkout: str
    next_try: str  # the number under which the next try is charged
    methods: tuple[tuple[str, str], ...]  # saved cards of whoever is signed in, the usual one first
    owed_minor: int


@dataclass(frozen=True)
class ReturnPage:
    """The customer is back from the gateway; one more press, or a script, completes the payment."""

    base: str
    payment_key: str
    order_id: str
    amount: str


@router.get("/links/{token}/pay", may=PAY)
async def show(request: Request, desk: Desk, token: str, code: str = "") -> Response:
    """Show the invoice with its amount, its lines and the way to pay; paid, it is the receipt."""
    page = await pay_page(request, desk, desk.person.subject, f"/links/{token}", has_failed=bool(code))
    return answer(request, "billing/pay.html", page)


@router.get("/links/{token}/payment", may=PAY)
async def come_back(
    request: Request, desk: Desk, token: str, payment_key: str = "", order_id: str = "", amount: str = ""
) -> Response:
    """Back from the gateway's page. Looking changes nothing, so the page itself sends the agreement."""
    page = ReturnPage(f"/links/{token}", payment_key, order_id, amount)
    return await returned(request, desk, desk.person.subject, page)


@router.post("/links/{token}/payment", may=PAY)
async def pay(
    request: Request, desk: Desk, token: str, sent: Typed[Authorised] = typed(Authorised)
) -> Response:
    """Store the attempt with its key and have it charged; sent twice it is one attempt."""
    return await paid(request, desk, desk.person.subject, f"/links/{token}", sent)


@router.get("/billing/invoices/{invoice_id}/pay", may=CUSTOMERS, row="invoice")
async def show_own(request: Request, desk: Desk, invoice_id: Key, code: str = "") -> Response:
    """The same page for the customer who is signed in."""
    base = f"/billing/invoices/{invoice_id}"
    page = await pay_page(request, desk, invoice_id, base, has_failed=bool(code))
    return answer(request, "billing/pay.html", page)


@router.get("/billing/invoices/{invoice_id}/payment", may=CUSTOMERS, row="invoice")
async def come_back_to_own(
    request: Request, desk: Desk, invoice_id: Key, payment_key: str = "", order_id: str = "", amount: str = ""
) -> Response:
    """Back from the gateway's page, signed in."""
    page = ReturnPage(f"/billing/invoices/{invoice_id}", payment_key, order_id, amount)
    return await returned(request, desk, invoice_id, page)


@router.post("/billing/invoices/{invoice_id}/payment", may=CUSTOMERS, row="invoice")
async def pay_own(
    request: Request, desk: Desk, invoice_id: Key, sent: Typed[Authorised] = typed(Authorised)
) -> Response:
    """The same attempt, by the customer who is signed in."""
    return await paid(request, desk, invoice_id, f"/billing/invoices/{invoice_id}", sent)


@router.post("/payments/{attempt_id}/verdict", may=FINANCE, row="attempt")
async def settle(
    request: Request, desk: Desk, attempt_id: Key, sent: Typed[Settling] = typed(Settling)
) -> Response:
    """Finance says how an unclear payment ended."""
    attempt = await desk.one(PaymentAttempt, attempt_id)
    if sent.value is None:
        raise Refusal("verdict_missing" if set(sent.form.errors) == {"verdict"} else "invalid_form")
    if attempt.status is not AttemptStatus.UNKNOWN:
        raise Refusal("payment_not_unclear")
    given = sent.value
    order = SettleByHand(
        given.command_id, desk.person.id, datetime.now(UTC), Verdict(given.verdict), given.reason
    )
    said = await say(desk, charge_workflow_id(attempt.id), "settle_by_hand", order)
    return move_on(request, f"/billing/invoices/{attempt.invoice_id}", data={"status": said.value})


@router.post("/systems/gateway/webhook", may=SYSTEM, is_forgeable=True, max_body=MAX_BODY)
async def hear(request: Request, desk: Desk) -> Response:
    """The gateway says that something happened to an order: we only wake up and look it up ourselves."""
    secret = request.app.state.settings.gateway_webhook_secret
    try:
        message = verify(secret, request.headers, await request.body())
    except BadWebhook as bad:
        raise Refusal("not_signed_in") from bad
    data = message.body.get("data")
    if isinstance(data, dict) and message.body.get("type") == "BILLING_AUTHORISED":
        return await hear_of_card(desk, message.id, data)
    order_id = data.get("order_id") if isinstance(data, dict) else None
    if isinstance(order_id, str) and len(order_id) <= 64 and order_id.isprintable():
        body = {"type": str(message.body.get("type", ""))[:64], "order_id": order_id}
        at = datetime.now(UTC)
        if await is_first(desk.session, System.PAYMENTS, message.id, at=at, body=body):
            await wake(desk, request.app.state.settings, order_id, message.id)
        await desk.commit()
    return Response(status_code=204)


@router.post("/systems/stripe/webhook", may=SYSTEM, is_forgeable=True, max_body=MAX_STRIPE_BODY)
async def hear_stripe(request: Request, desk: Desk) -> Response:
    """Stripe says that something happened to a payment: we only wake up and look it up ourselves."""
    now = datetime.now(UTC)
    secret = request.app.state.settings.stripe_webhook_secret
    try:
        message = verify_stripe(secret, request.headers, await request.body(), now.timestamp())
    except BadWebhook as bad:
        raise Refusal("not_signed_in") from bad
    data = message.body.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    carried = thing.get("metadata") if isinstance(thing, dict) else None
    attempt = carried.get("attempt_id") if isinstance(carried, dict) else None
    if isinstance(attempt, str) and len(attempt) <= 64 and attempt.isprintable():
        body = {"type": str(message.body.get("type", ""))[:64], "order_id": attempt}
        if await is_first(desk.session, System.PAYMENTS, f"stripe:{message.id}", at=now, body=body):
            await wake(desk, request.app.state.settings, attempt, message.id)
        await desk.commit()
    return Response(status_code=204)


async def hear_of_card(desk: DeskAt, message_id: str, data: dict[str, Any]) -> Response:
    """A customer has completed the gateway's form; their browser may never come back to say so."""
    customer_key, auth_key = data.get("customer_key"), data.get("auth_key")
    if isinstance(customer_key, str) and isinstance(auth_key, str):
        body = {"type": "BILLING_AUTHORISED"}  # never what was handed over
        if await is_first(desk.session, System.PAYMENTS, message_id, at=datetime.now(UTC), body=body):
            await methods.hear(desk, customer_key, auth_key)
        await desk.commit()
    return Response(status_code=204)


async def wake(desk: DeskAt, settings: Settings, order_id: str, message_id: str) -> None:
    """Wake the charge; one whose life has ended is rechecked, unless its money is known to have moved."""
    await desk.session.execute(text("select set_config('ieum.kind', 'system', true)"))
    query = text("select * from system_attempt(:id)")
    known = (await desk.session.execute(query, {"id": order_id})).mappings().first()
    if known is None:
        return
    status = AttemptStatus(known["status"])
    if known["is_collected"]:  # a collection has no life for each attempt: its next look-up comes at once
        await desk.session.execute(text("select system_collected_news(:id)"), {"id": order_id})
    elif status in OPEN_ATTEMPT:
        await announce_signal(
            desk.session, charge_workflow_id(order_id), "news_arrived", GatewayNews(message_id),
            key=f"news:{message_id}",
        )  # fmt: skip
    elif status is AttemptStatus.REFUSED:
        order = ChargeOrder(
            order_id, known["invoice_id"], known["ticket_id"] or "", known["amount_minor"], known["currency"],
            status=status, seq=known["seq"], is_recheck=True,
        )  # fmt: skip
        name = f"{charge_workflow_id(order_id)}:recheck:{message_id}"
        await announce_start(
            desk.session,
            "Charge",
            name,
            paced(order, settings),
            summary=f"Recheck attempt {order_id} after news",
        )


def paced(order: ChargeOrder, settings: Settings) -> ChargeOrder:
    """The order with this gateway's pace: how late it may be, and when an unclear payment is looked up."""
    return replace(
        order,
        maximum_latency_seconds=settings.gateway_latency_seconds,
        look_up_after_seconds=settings.gateway_look_up_after,
        hears_late_news_seconds=settings.gateway_late_news_seconds,
    )


async def returned(request: Request, desk: DeskAt, invoice_id: str | None, page: ReturnPage) -> Response:
    """The page that sends the agreement; without one there is only the invoice to look at."""
    await desk.one(Invoice, invoice_id)
    if not page.payment_key:
        return move_on(request, f"{page.base}/pay")
    return answer(request, "billing/back.html", page)


async def paid(
    request: Request, desk: DeskAt, invoice_id: str | None, base: str, sent: Typed[Authorised]
) -> Response:
    """Store what was agreed at the gateway, for exactly this invoice, and have it charged."""
    invoice = await desk.one(Invoice, invoice_id)
    if set(sent.form.errors) - set(Authorised.model_fields):
        raise Refusal("invalid_form")
    if sent.value is None or sent.value.amount != await owed_minor(desk, invoice):
        raise Refusal("payment_differs")
    agreed = Agreement(sent.value.order_id, sent.value.payment_key)
    if not await is_stored(desk, agreed):
        await begin(desk, request.app.state.settings, invoice, agreed)
    await desk.commit()
    return move_on(request, f"{base}/pay", data={"status": "under_way"})


async def pay_page(
    request: Request, desk: DeskAt, invoice_id: str | None, base: str, *, has_failed: bool
) -> PayPage:
    """The invoice as its customer sees it, and how its payment stands."""
    invoice = await desk.one(Invoice, invoice_id)
    shown = await document(desk, invoice)
    charged = [one for one in shown.attempts if one.provider != "suspense"]  # a transfer may pay a part
    last = charged[-1].status if charged else None
    state = {"paid": "paid", "cancelled": "cancelled"}.get(invoice.status.value, "due")
    if state == "due" and last in {*OPEN_ATTEMPT, AttemptStatus.SUCCEEDED}:
        state = "under_way"
    tries, owed = len(shown.attempts), await owed_minor(desk, invoice)
    if state == "due" and not owed:
        state = "nothing"
    is_refused = state == "due" and (has_failed or last is AttemptStatus.REFUSED)
    checkout = checkout_of(request, invoice, base, tries, owed)
    mine = await methods.active_of(desk, invoice.customer_id) if state == "due" else ()
    return PayPage(shown, state, is_refused, base, checkout, attempt_id(invoice.id, tries + 1), mine, owed)


def checkout_of(request: Request, invoice: Invoice, base: str, tries: int, owed: int) -> str:
    """The address of the gateway's hosted page for the next attempt."""
    settings = request.app.state.settings
    asked: dict[str, Any] = {
        "order_id": attempt_id(invoice.id, tries + 1), "amount": owed,
        "currency": invoice.currency, "name": invoice.number, "locale": locale(),
        "success_url": f"{settings.public_url}{base}/payment",
        "fail_url": f"{settings.public_url}{base}/pay",
    }  # fmt: skip
    return f"{settings.gateway_public_url}/checkout?{urlencode(asked)}"


async def is_stored(desk: DeskAt, given: Agreement) -> bool:
    """Whether this agreement was already sent; the same order with another key is another payment."""
    query = desk.visible(PaymentAttempt).where(col(PaymentAttempt.id) == given.order_id)
    attempt = await desk.session.scalar(query)
    said = (given.payment_key, given.method_id)
    if attempt is not None and (attempt.payment_key, attempt.method_id) != said:
        raise Refusal("payment_under_way" if attempt.status in OPEN_ATTEMPT else "payment_differs")
    return attempt is not None


async def begin(desk: DeskAt, settings: Settings, invoice: Invoice, given: Agreement) -> None:
    """The attempt, its key and the start of its charge, in one transaction, before anything is asked."""
    refuse_what_is_over(invoice)
    query = desk.visible(PaymentAttempt).where(col(PaymentAttempt.invoice_id) == invoice.id)
    tries = list(await desk.session.scalars(query))
    busy = {*OPEN_ATTEMPT, AttemptStatus.SUCCEEDED}
    if any(one.status in busy and one.provider != "suspense" for one in tries):
        raise Refusal("payment_under_way")
    ordinal = len(tries) + 1
    if given.order_id != attempt_id(invoice.id, ordinal):
        raise Refusal("payment_differs")
    if not (owed := await owed_minor(desk, invoice)):
        raise Refusal("invoice_paid")
    row = {
        "id": given.order_id, "invoice_id": invoice.id, "ordinal": ordinal, "provider": "gateway",
        "customer_id": invoice.customer_id, "payment_key": given.payment_key, "currency": invoice.currency,
        "amount_minor": owed, "status": AttemptStatus.CREATED, "provider_id": "",
        "code": "", "created_at": datetime.now(UTC), "lookups": 0, "seq": 0, "method_id": given.method_id,
    }  # fmt: skip
    await desk.session.execute(insert(PaymentAttempt).values(row).on_conflict_do_nothing().inline())
    if not await is_stored(desk, given):
        raise Refusal("payment_under_way")  # somebody else was faster by a blink
    order = ChargeOrder(
        given.order_id, invoice.id, invoice.ticket_id or "", owed, invoice.currency,
        method_id=given.method_id or "",
    )  # fmt: skip
    order = paced(order, settings)
    await announce_start(
        desk.session, "Charge", charge_workflow_id(order.attempt_id), order,
        summary=f"Charge attempt {order.attempt_id}",
    )  # fmt: skip
