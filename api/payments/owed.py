"""What is still owed of an invoice: a transfer may have paid a part of it already."""

from sqlalchemy import func, select
from sqlmodel import col

from api.kit.desk import DeskAt
from api.kit.seeing import may_see
from models.billing import Invoice
from models.messages.billing.invoices import InvoiceStatus
from models.payments import Allocation

NOTHING = (InvoiceStatus.PAID, InvoiceStatus.CANCELLED, InvoiceStatus.WRITTEN_OFF)


async def owed_minor(desk: DeskAt, invoice: Invoice) -> int:
    """The total without what came in; of a settled one its total, as its receipt says."""
    if invoice.status in NOTHING:
        return invoice.total_minor
    came = select(func.coalesce(func.sum(col(Allocation.amount_minor)), 0))
    came = came.where(may_see(desk.person, Allocation), col(Allocation.invoice_id) == invoice.id)
    paid = int(await desk.session.scalar(came) or 0)
    return max(invoice.total_minor - paid, 0)
