"""Finance takes an invoice of a bill run back and has its account billed anew."""

from typing import Literal

from fastapi import Request
from sqlmodel import col
from starlette.responses import Response

from api.billing.invoices import invoice_page
from api.billing.routing import router
from api.kit.desk import Desk
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import answer, move_on
from api.kit.routes import FINANCE
from api.kit.texts import Key, Line
from models.billing import Invoice
from models.kit.outbox import announce_start
from models.kit.refusals import Refusal
from models.messages.billing.invoices import InvoiceStatus
from models.messages.billing.runs import BillAgain, again_workflow_id
from models.messages.payments import OPEN_ATTEMPT
from models.payments import PaymentAttempt


class Correcting(Input):
    """Why an invoice is wrong."""

    request_key: Key
    reason: Line
    money: Literal["refund", "account"] = "refund"  # what becomes of what was paid


@router.post("/billing/invoices/{invoice_id}/correction", may=FINANCE, row="invoice")
async def correct(
    request: Request, desk: Desk, invoice_id: Key, sent: Typed[Correcting] = typed(Correcting)
) -> Response:
    """Take the invoice back, by a credit note when it was paid, and bill its account again."""
    invoice = await desk.one(Invoice, invoice_id)
    if sent.value is None:
        page = await invoice_page(desk, invoice)
        return answer(request, "billing/show.html", page, status=422, form=sent.form)
    if invoice.run_id is None:
        raise Refusal("invoice_of_no_run")
    if invoice.status is InvoiceStatus.CANCELLED:
        raise Refusal("invoice_cancelled")
    if invoice.status is InvoiceStatus.WRITTEN_OFF:
        raise Refusal("invoice_written_off")
    tries = desk.visible(PaymentAttempt).where(
        col(PaymentAttempt.invoice_id) == invoice.id, col(PaymentAttempt.status).in_(OPEN_ATTEMPT)
    )
    if await desk.session.scalar(tries.limit(1)) is not None:
        raise Refusal("payment_under_way")
    order = BillAgain(
        sent.value.request_key[-16:], invoice.run_id, invoice.customer_id, desk.person.id,
        invoice.id, sent.value.reason, keeps_money=sent.value.money == "account",
    )  # fmt: skip
    await announce_start(
        desk.session, "BillAccount", again_workflow_id(order.key), order,
        summary=f"Correct invoice {invoice.id}",
    )  # fmt: skip
    await desk.commit()
    return move_on(request, f"/billing/accounts/{invoice.customer_id}", data={"key": order.key})
