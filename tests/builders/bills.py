"""A bill run with what it made and left out, for two customers."""

from datetime import datetime, timedelta

from sqlmodel import SQLModel

from models.billing import (
    BillingAccount,
    BillRun,
    BillSkip,
    BillSlice,
    Invoice,
    InvoiceLine,
    TaxPaper,
    UsageRecord,
)
from models.messages.billing.invoices import LineKind
from models.messages.billing.runs import RunStatus, SkipReason, SliceStatus, TaxDocument
from models.messages.billing.tax import TaxStatus

RUN = "B2026-11-01"
TAX = "kr-vat-10-included"


def billed(customers: tuple[str, ...], word: str, now: datetime) -> list[SQLModel]:
    """The run, and for each customer an account, an invoice, a contract left out, and usage."""
    return [
        BillRun(id=RUN, day=now.date(), status=RunStatus.RUNNING, asked_by=word, created_at=now),
        BillSlice(
            run_id=RUN, number=1, from_id=customers[0], until_id=customers[-1], status=SliceStatus.DONE,
            expected=2, accounts=2, invoices=2, done_at=now,
        ),
        *(
            BillingAccount(customer_id=one, tax_document=TaxDocument.TAX_INVOICE, tax_id=word,
                           hold_until=now.date() + timedelta(days=3), hold_reason=word)
            for one in customers
        ),
        *(  # only the first one is parked
            BillSkip(run_id=RUN, customer_id=one, reason=SkipReason.REFUSED, is_error=True, detail=word,
                     created_at=now)
            for one in customers[:1]
        ),
        *(
            UsageRecord(source=word, source_id=f"u{n}", subscription_id=f"S{n}-1", meter=word, quantity=1,
                        used_on=now.date(), received_at=now)
            for n, _ in enumerate(customers, 1)
        ),
        *(
            Invoice(id=bill_of(one), number=f"2025-{n:06}", run_id=RUN, customer_id=one, net_minor=100,
                    tax_minor=10, total_minor=110, issued_on=now.date(), due_at=now, created_at=now)
            for n, one in enumerate(customers, 1)
        ),
        *(
            TaxPaper(id=f"T2025-{n:06}", invoice_id=bill_of(one), customer_id=one,
                     kind=TaxDocument.TAX_INVOICE,
                     status=TaxStatus.PARKED, net_minor=100, tax_minor=10, total_minor=110,
                     written_on=now.date(), issue_by=now.date(), code="business_number", created_at=now)
            for n, one in enumerate(customers, 1)
        ),
        *(
            InvoiceLine(invoice_id=bill_of(one), position=1, kind=LineKind.RECURRING, name_ko=word,
                        name_en=word, quantity=1, unit_minor=110, gross_minor=110, net_minor=100,
                        tax_minor=10, tax_rule=TAX)
            for one in customers
        ),
    ]  # fmt: skip


def bill_of(customer: str) -> str:
    """The invoice that the run made for a customer."""
    return f"IB20261101-{customer}"
