"""An invoice as a PDF, for its customer, for whoever holds its link, and for us."""

import asyncio

from fastapi import Request
from starlette.responses import Response

from api.billing.invoices import Document, document
from api.billing.routing import router
from api.kit.desk import Desk, DeskAt
from api.kit.documents import Paper
from api.kit.formats import day, money, number
from api.kit.labels import label_text
from api.kit.language import gettext as _
from api.kit.language import locale
from api.kit.routes import AGENTS, CUSTOMERS, FINANCE, by_link
from api.kit.texts import Key
from models.billing import Invoice
from models.customers import Customer
from models.messages.staff import LinkPurpose


@router.get("/billing/invoices/{invoice_id}/document", may=FINANCE | AGENTS | CUSTOMERS, row="invoice")
async def show_document(request: Request, desk: Desk, invoice_id: Key) -> Response:
    """The invoice as a file."""
    return await as_file(desk, invoice_id)


@router.get("/links/{token}/document", may=by_link(LinkPurpose.PAY))
async def show_linked_document(request: Request, desk: Desk, token: str) -> Response:
    """The same for whoever came by the link of its letter."""
    return await as_file(desk, desk.person.subject or "")


async def as_file(desk: DeskAt, invoice_id: str) -> Response:
    """Read the invoice, then draw it beside the event loop."""
    shown = await document(desk, await desk.one(Invoice, invoice_id))
    customer = await desk.one(Customer, shown.invoice.customer_id)
    data = await asyncio.to_thread(draw, shown, customer.name)
    headers = {
        "Content-Disposition": f'inline; filename="{shown.invoice.number}.pdf"',
        "Cache-Control": "private, no-store",
    }
    return Response(data, media_type="application/pdf", headers=headers)


def draw(shown: Document, name: str) -> bytes:
    """The invoice on paper, in the reader's language."""
    one = shown.invoice
    is_korean = locale() == "ko"
    paper = Paper(f"{_('Invoice')} {one.number}", locale())
    facts = [
        (_("Customer"), name), (_("Issued on"), day(one.issued_on)), (_("Please pay by"), day(one.due_at)),
        (_("Status"), label_text(one.status, "invoice")),
    ]  # fmt: skip
    paper.facts([*facts, (_("Paid on"), day(one.paid_at))] if one.paid_at else facts)
    rows = [
        (line.name_ko if is_korean else line.name_en, number(line.quantity),
         money(line.unit_minor, one.currency), money(line.gross_minor, one.currency))
        for line in shown.lines
    ]  # fmt: skip
    sums = [
        (_("Net amount"), "", "", money(one.net_minor, one.currency)),
        (_("VAT (10%%, included)"), "", "", money(one.tax_minor, one.currency)),
        (_("Total"), "", "", money(one.total_minor, one.currency)),
    ]
    sums += [
        (f"{_('Credit note')} {note.number}", "", "", money(-note.total_minor, note.currency))
        for note in shown.credit_notes
    ]
    paper.table((_("Item"), _("Quantity"), _("Unit price"), _("Amount")), rows, sums)
    paper.note(_("Amounts include VAT. Ieum"))
    return paper.written()
