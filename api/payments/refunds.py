"""Giving the money of a paid invoice back, and refunds that finance settles by hand."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Request
from pydantic import BeforeValidator, Field
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import col
from starlette.responses import Response

from api.billing.invoices import invoice_page, left_to_give_back, say
from api.kit import labels
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.labels import Label
from api.kit.language import N_
from api.kit.rendering import answer, move_on
from api.kit.routes import FINANCE
from api.kit.texts import Key, Line, MaybeLine
from api.payments.routing import router
from models.billing import Invoice
from models.kit.outbox import announce_start
from models.kit.refusals import Refusal
from models.kit.settings import Settings
from models.messages.billing.invoices import InvoiceStatus
from models.messages.payments import (
    RefundOrder,
    RefundStatus,
    SettleByHand,
    Verdict,
    refund_workflow_id,
)
from models.payments import Allocation, Refund

labels.register(
    "refund",
    {
        RefundStatus.CREATED: Label(N_("Begun"), "blue"),
        RefundStatus.SUCCEEDED: Label(N_("Given back"), "green"),
        RefundStatus.REFUSED: Label(N_("Refused"), "red"),
        RefundStatus.NOT_SENT: Label(N_("Not sent yet"), "amber"),
        RefundStatus.UNKNOWN: Label(N_("Unclear"), "orange"),
    },
)
SETTLED_BY_PEOPLE = (RefundStatus.REFUSED, RefundStatus.UNKNOWN)


def _whole(value: object) -> object:
    """`55,000` and `55 000원` as people type them."""
    digits = value.translate({ord(one): None for one in ", 원₩"}) if isinstance(value, str) else value
    return int(digits) if isinstance(digits, str) and digits.isascii() and digits.isdigit() else value


class GivingBack(Input):
    """How much goes back, and why."""

    command_id: Key
    amount: Annotated[int, BeforeValidator(_whole), Field(gt=0, le=10**12)]
    reason: Line


class RefundVerdict(Input):
    """Finance's verdict on a refund: it is back, or the gateway has nothing of it."""

    command_id: Key
    verdict: Literal["succeeded", "refused"]
    reason: MaybeLine = ""


@router.post("/billing/invoices/{invoice_id}/refunds", may=FINANCE, row="invoice")
async def give_back(
    request: Request, desk: Desk, invoice_id: Key, sent: Typed[GivingBack] = typed(GivingBack)
) -> Response:
    """Finance gives (part of) a paid invoice back; sent twice it is one refund."""
    invoice = await desk.one(Invoice, invoice_id)
    if sent.value is None:
        page = await invoice_page(desk, invoice)
        return answer(request, "billing/show.html", page, status=422, form=sent.form)
    if invoice.status is not InvoiceStatus.PAID:
        raise Refusal("invoice_not_paid")
    order = RefundOrder(
        f"{invoice.id}.{sent.value.command_id}", invoice.id, invoice.customer_id, invoice.case_id or "",
        sent.value.amount, sent.value.reason, invoice.currency,
    )  # fmt: skip
    known = desk.visible(Refund).where(col(Refund.id) == order.refund_id)
    if await desk.session.scalar(known) is None:
        await begin(desk, request.app.state.settings, order)
    await desk.commit()
    return move_on(request, f"/billing/invoices/{invoice.id}", data={"refund_id": order.refund_id})


async def begin(desk: DeskAt, settings: Settings, order: RefundOrder) -> None:
    """The refund with its key and the start of its life, in one transaction, before anything is asked."""
    if order.amount_minor > await left_to_give_back(desk, order.invoice_id):
        raise Refusal("nothing_to_give_back")
    paid = desk.visible(Allocation).where(col(Allocation.invoice_id) == order.invoice_id)
    settled = await desk.session.scalar(paid.order_by(col(Allocation.amount_minor).desc()))
    if settled is None or order.amount_minor > settled.amount_minor:
        raise Refusal("nothing_to_give_back")
    row = {
        "id": order.refund_id, "attempt_id": settled.attempt_id, "invoice_id": order.invoice_id,
        "customer_id": order.customer_id, "case_id": order.case_id, "amount_minor": order.amount_minor,
        "currency": order.currency, "reason": order.reason, "status": RefundStatus.CREATED,
        "provider_id": "", "code": "", "created_at": datetime.now(UTC), "seq": 0,
    }  # fmt: skip
    try:
        await desk.session.execute(insert(Refund).values(row).inline())
    except IntegrityError as faster:  # a colleague has given it back a blink before
        raise Refusal("nothing_to_give_back") from faster
    paced = replace(
        order,
        maximum_latency_seconds=settings.gateway_latency_seconds,
        look_up_after_seconds=settings.gateway_look_up_after,
    )
    await announce_start(
        desk.session, "Refund", refund_workflow_id(order.refund_id), paced,
        summary=f"Give back {order.refund_id}",
    )  # fmt: skip


@router.post("/payments/refunds/{refund_id}/verdict", may=FINANCE, row="refund")
async def settle(
    request: Request, desk: Desk, refund_id: Key, sent: Typed[RefundVerdict] = typed(RefundVerdict)
) -> Response:
    """Finance says that the money is back, or that the gateway has nothing of it."""
    refund = await desk.one(Refund, refund_id)
    if sent.value is None:
        raise Refusal("verdict_missing" if set(sent.form.errors) == {"verdict"} else "invalid_form")
    given = sent.value
    if refund.status not in SETTLED_BY_PEOPLE:
        raise Refusal("refund_not_unclear")
    if refund.status is RefundStatus.REFUSED and given.verdict == "refused":
        raise Refusal("verdict_missing")
    order = SettleByHand(
        given.command_id, desk.person.id, datetime.now(UTC), Verdict(given.verdict), given.reason
    )
    said = await say(desk, refund_workflow_id(refund.id), "settle_by_hand", order)
    return move_on(request, f"/billing/invoices/{refund.invoice_id}", data={"status": said.value})
