"""What is still owed of an invoice: a transfer or a credit note may have settled a part of it already."""

from sqlmodel import col

from api.kit.desk import DeskAt
from models.billing import Invoice
from models.kit.arrears import open_minor
from models.messages.billing.invoices import InvoiceStatus

NOTHING = (InvoiceStatus.PAID, InvoiceStatus.CANCELLED, InvoiceStatus.WRITTEN_OFF)


async def owed_minor(desk: DeskAt, invoice: Invoice) -> int:
    """The total without what was paid and credited; of a settled one its total, as its receipt says."""
    if invoice.status in NOTHING:
        return invoice.total_minor
    query = desk.visible(Invoice).with_only_columns(open_minor()).where(col(Invoice.id) == invoice.id)
    return max(int(await desk.session.scalar(query) or 0), 0)
