"""What is overdue: the one expression for what is open of an invoice, for activities and pages alike."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlmodel import col

from models.billing import CreditNote, Invoice
from models.messages.billing.invoices import InvoiceStatus
from models.payments import Allocation

OWED = (InvoiceStatus.ISSUED, InvoiceStatus.OVERDUE)


def open_minor() -> ColumnElement[int]:
    """Of an invoice that is owed: its total without what was paid and what was credited."""
    paid = select(func.coalesce(func.sum(col(Allocation.amount_minor)), 0)).where(
        col(Allocation.invoice_id) == col(Invoice.id)
    )
    credited = select(func.coalesce(func.sum(col(CreditNote.total_minor)), 0)).where(
        col(CreditNote.invoice_id) == col(Invoice.id)
    )
    owed: Any = col(Invoice.total_minor) - paid.scalar_subquery() - credited.scalar_subquery()
    return owed  # type: ignore[no-any-return]


def is_overdue(at: datetime) -> tuple[ColumnElement[bool], ...]:
    """The conditions of an invoice that should have been paid before this moment."""
    return col(Invoice.status).in_(OWED), col(Invoice.due_at) < at, open_minor() > 0
