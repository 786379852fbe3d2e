"""Invoices and the ledger. Owned by InvoiceWorkflow: written by activities/billing/."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.billing.invoices import InvoiceStatus, LedgerAccount, LineKind


class Invoice(SQLModel, table=True):
    """A demand for money that never changes once issued; corrections are documents of their own."""

    __tablename__ = "invoices"
    __table_args__ = (
        CheckConstraint("total_minor = net_minor + tax_minor", name="invoice_adds_up"),
        CheckConstraint("total_minor >= 0", name="invoice_not_negative"),
        Index("invoices_by_customer", "customer_id", "issued_on"),
        Index("invoices_by_status_due", "status", "due_at", "id"),
    )

    id: str = Field(primary_key=True)
    number: str = columns.text(unique=True)  # gap-free within its series, e.g. "2026-000017"
    ticket_id: str | None = Field(default=None, foreign_key="tickets.id", index=True)
    case_id: str | None = columns.text(default=None, index=True)  # the order or change, when no ticket
    run_id: str | None = columns.text(default=None, index=True)  # the bill run that made it, if one did
    customer_id: str = Field(foreign_key="customers.id")
    status: InvoiceStatus = Field(default=InvoiceStatus.ISSUED, sa_type=columns.word(InvoiceStatus))
    currency: str = columns.text(default="KRW")
    net_minor: int = columns.minor()
    tax_minor: int = columns.minor()
    total_minor: int = columns.minor()
    issued_on: date
    due_at: datetime = columns.moment()
    paid_at: datetime | None = columns.moment(default=None, nullable=True)
    cancelled_at: datetime | None = columns.moment(default=None, nullable=True)
    created_at: datetime = columns.moment()
    seq: int = 0


class InvoiceLine(SQLModel, table=True):
    """One priced line, VAT included and split by the stored rule."""

    __tablename__ = "invoice_lines"
    __table_args__ = (
        CheckConstraint("gross_minor = net_minor + tax_minor", name="line_adds_up"),
        CheckConstraint("gross_minor = quantity * unit_minor", name="line_is_quantity_times_price"),
    )

    invoice_id: str = Field(primary_key=True, foreign_key="invoices.id")
    position: int = Field(primary_key=True)
    kind: LineKind = Field(sa_type=columns.word(LineKind))
    name_ko: str = columns.text()
    name_en: str = columns.text()
    quantity: int
    unit_minor: int = columns.minor()  # VAT included
    gross_minor: int = columns.minor()
    net_minor: int = columns.minor()
    tax_minor: int = columns.minor()
    tax_rule: str = columns.text()  # "kr-vat-10-included"


class CreditNote(SQLModel, table=True):
    """A document that takes (part of) an invoice back; never changes. Written by activities/kit/ledger.py,
    in the step that begins its refund."""

    __tablename__ = "credit_notes"
    __table_args__ = (
        CheckConstraint("total_minor = net_minor + tax_minor", name="credit_adds_up"),
        CheckConstraint("total_minor > 0", name="credit_is_positive"),
        Index("credit_notes_by_invoice", "invoice_id"),
    )

    id: str = Field(primary_key=True)
    number: str = columns.text(unique=True)
    invoice_id: str = Field(foreign_key="invoices.id")
    case_id: str | None = columns.text(default=None, index=True)
    customer_id: str = Field(foreign_key="customers.id")
    currency: str = columns.text(default="KRW")
    net_minor: int = columns.minor()
    tax_minor: int = columns.minor()
    total_minor: int = columns.minor()
    reason: str = columns.text()
    issued_on: date
    created_at: datetime = columns.moment()


class NumberSeries(SQLModel, table=True):
    """The last number given in a gap-free series; taken in the same transaction as the document."""

    __tablename__ = "number_series"

    series: str = columns.text(primary_key=True)
    last: int = columns.minor(default=0)


class LedgerTransaction(SQLModel, table=True):
    """One posted business event; each event posts at most once."""

    __tablename__ = "ledger_transactions"
    __table_args__ = (UniqueConstraint("source", "purpose"),)

    id: int | None = columns.serial(default=None)
    source: str = columns.text()  # "invoice:I100123-1", "attempt:I100123-1.2"
    purpose: str = columns.text()  # "issue", "payment", "cancel", "refund"
    # none: a deposit that nobody claims yet
    customer_id: str | None = Field(default=None, foreign_key="customers.id", index=True)
    posted_on: date = Field(index=True)
    posted_at: datetime = columns.moment()


class LedgerEntry(SQLModel, table=True):
    """One side of a posting. A deferred trigger keeps every transaction balanced; rows never change."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("(debit_minor = 0) <> (credit_minor = 0)", name="one_side_only"),
        CheckConstraint("debit_minor >= 0 and credit_minor >= 0", name="sides_not_negative"),
        Index("entries_by_account", "account", "transaction_id"),
    )

    transaction_id: int = Field(primary_key=True, foreign_key="ledger_transactions.id")
    position: int = Field(primary_key=True)
    account: LedgerAccount = Field(sa_type=columns.word(LedgerAccount))
    debit_minor: int = columns.minor(default=0)
    credit_minor: int = columns.minor(default=0)
    currency: str = columns.text(default="KRW")
