"""Invoices, the ledger and its months. Owned by InvoiceWorkflow and CloseWorkflow; written by
activities/billing/."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.billing.close import BatchStatus, Check, CheckStatus, PeriodStatus
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
    customer_id: str | None = Field(default=None, foreign_key="customers.id", index=True)  # none: of a close
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


class AccountingPeriod(SQLModel, table=True):
    """One month of the books; a month without a row is open. Born in api/billing/periods.py or by the
    calendar; from then on CloseWorkflow's."""

    __tablename__ = "accounting_periods"

    id: str = Field(primary_key=True)  # "2026-10"
    from_on: date = Field(unique=True)
    until_on: date  # the first day of the next month
    status: PeriodStatus = Field(default=PeriodStatus.OPEN, sa_type=columns.word(PeriodStatus))
    round: int = 1  # counts up when it is reopened
    locked_id: int = columns.minor(default=0)  # the last ledger transaction when it was locked
    asked_by: str = columns.text(default="")
    created_at: datetime = columns.moment()
    closed_at: datetime | None = columns.moment(default=None, nullable=True)
    reopen_asked_by: str = columns.text(default="")
    reopen_reason: str = columns.text(default="")
    seq: int = 0


class CloseCheck(SQLModel, table=True):
    """What one look found in one round of a close; looked at again it is written anew."""

    __tablename__ = "close_checks"

    period_id: str = Field(primary_key=True, foreign_key="accounting_periods.id")
    round: int = Field(primary_key=True)
    code: Check = Field(primary_key=True, sa_type=columns.word(Check))
    status: CheckStatus = Field(sa_type=columns.word(CheckStatus))
    count: int = columns.minor(default=0)
    amount_minor: int = columns.minor(default=0)
    samples: list[Any] = columns.record(default_factory=list)  # the first few, as ids and amounts
    accepted_by: str = columns.text(default="")
    reason: str = columns.text(default="")
    at: datetime = columns.moment()


class ContractDeferral(SQLModel, table=True):
    """What of a contract's charges was billed and what earned at the end of a month, where the two differ."""

    __tablename__ = "deferrals"

    period_id: str = Field(primary_key=True, foreign_key="accounting_periods.id")
    subscription_id: str = Field(primary_key=True, foreign_key="subscriptions.id")
    billed_minor: int = columns.minor()
    earned_minor: int = columns.minor()


class ErpBatch(SQLModel, table=True):
    """The transactions of a month between two numbers, summed up for the ERP under one key. The stretches of
    a month never overlap (exclusion constraint), so each transaction is in exactly one batch."""

    __tablename__ = "erp_batches"
    __table_args__ = (UniqueConstraint("period_id", "round"),)

    key: str = Field(primary_key=True)  # "ieum:2026-10.1", in the ERP the move's description
    period_id: str = Field(foreign_key="accounting_periods.id")
    round: int
    from_id: int = columns.minor()  # after this transaction
    until_id: int = columns.minor()  # up to and including this one
    status: BatchStatus = Field(default=BatchStatus.PREPARED, sa_type=columns.word(BatchStatus))
    transactions: int = columns.minor(default=0)
    document_id: int | None = columns.minor(default=None, nullable=True)
    document_number: str = columns.text(default="")
    created_at: datetime = columns.moment()
    acknowledged_at: datetime | None = columns.moment(default=None, nullable=True)


class ErpPosting(SQLModel, table=True):
    """One line of a batch: all debits or all credits of one account."""

    __tablename__ = "erp_postings"
    __table_args__ = (
        CheckConstraint("(debit_minor = 0) <> (credit_minor = 0)", name="posting_one_side_only"),
        Index("postings_by_period", "period_id", "account"),
    )

    id: str = Field(primary_key=True)  # "2026-10.1-receivable-debit"
    batch_key: str = Field(foreign_key="erp_batches.key")
    period_id: str = Field(foreign_key="accounting_periods.id")
    account: LedgerAccount = Field(sa_type=columns.word(LedgerAccount))
    code: str = columns.text()  # the ERP's account
    debit_minor: int = columns.minor(default=0)
    credit_minor: int = columns.minor(default=0)
    count: int = columns.minor(default=0)  # entries summed up
