"""What is still owed of an invoice: a transfer may have paid a part of it already."""

from sqlalchemy import func, select
from sqlmodel import col

from api.kit.desk import DeskAt
from api.kit.seeing import may_see
from models.billing import CreditNote, Invoice
from models.messages.billing.invoices import InvoiceStatus
from models.payments import Allocation

NOTHING = (InvoiceStatus.PAID, InvoiceStatus.CANCELLED, InvoiceStatus.WRITTEN_OFF)


async def owed_minor(desk: DeskAt, invoice: Invoice) -> int:
    """The total without what came in and what was taken back; of a settled one its total."""
    if invoice.status in NOTHING:
        return invoice.total_minor
    came = select(func.coalesce(func.sum(col(Allocation.amount_minor)), 0))
    came = came.where(may_see(desk.person, Allocation), col(Allocation.invoice_id) == invoice.id)
    back = select(func.coalesce(func.sum(col(CreditNote.total_minor)), 0))
    back = back.where(may_see(desk.person, CreditNote), col(CreditNote.invoice_id) == invoice.id)
    paid = int(await desk.session.scalar(came) or 0) + int(await desk.session.scalar(back) or 0)
    return max(invoice.total_minor - paid, 0)
