"""Paying by a saved card: charged without going to the gateway's page again."""

from fastapi import Request
from starlette.responses import Response

from api.kit.desk import Desk
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import move_on
from api.kit.routes import CUSTOMERS
from api.kit.texts import Key
from api.payments import methods
from api.payments.charges import Agreement, begin, is_stored
from api.payments.routing import router
from models.billing import Invoice
from models.kit.refusals import Refusal


class ByMethod(Input):
    """A saved payment method is to be charged, under the number of the next try."""

    order_id: Key
    method_id: Key


@router.post("/billing/invoices/{invoice_id}/charge", may=CUSTOMERS, row="invoice")
async def pay_by_method(
    request: Request, desk: Desk, invoice_id: Key, sent: Typed[ByMethod] = typed(ByMethod)
) -> Response:
    """Have a saved card charged; pressed twice it is one attempt."""
    invoice = await desk.one(Invoice, invoice_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    agreed = Agreement(sent.value.order_id, method_id=sent.value.method_id)
    known = {method for method, _ in await methods.active_of(desk, invoice.customer_id)}
    if agreed.method_id not in known:
        raise Refusal("not_found")
    if not await is_stored(desk, agreed):
        await begin(desk, request.app.state.settings, invoice, agreed)
    await desk.commit()
    return move_on(request, f"/billing/invoices/{invoice_id}/pay", data={"status": "under_way"})
