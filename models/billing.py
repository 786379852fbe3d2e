"""Invoices, bill runs, the ledger and its months. Owned by the workflows of billing; written by
activities/billing/."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.billing.close import BatchStatus, Check, CheckStatus, PeriodStatus
from models.messages.billing.invoices import InvoiceStatus, LedgerAccount, LineKind
from models.messages.billing.runs import RunStatus, SkipReason, SliceStatus, TaxDocument
from models.messages.billing.tax import TaxOperation, TaxStatus


class Invoice(SQLModel, table=True):
    """A demand for money that never changes once issued; corrections are documents of their own."""

    __tablename__ = "invoices"
    __table_args__ = (
        CheckConstraint("total_minor = net_minor + tax_minor", name="invoice_adds_up"),
        CheckConstraint("total_minor >= 0", name="invoice_not_negative"),
        Index("invoices_by_customer", "customer_id", "issued_on"),
        Index("invoices_by_status_due", "status", "due_at", "id"),
        Index("ix_invoices_ticket_id", "ticket_id", postgresql_where=text("ticket_id is not null")),
        Index("ix_invoices_case_id", "case_id", postgresql_where=text("case_id is not null")),
        Index("ix_invoices_run_id", "run_id", postgresql_where=text("run_id is not null")),
    )

    id: str = Field(primary_key=True)
    number: str = columns.text(unique=True)  # gap-free within its series, e.g. "2026-000017"
    ticket_id: str | None = Field(default=None, foreign_key="tickets.id")
    case_id: str | None = columns.text(default=None)  # the order or change, when no ticket
    run_id: str | None = columns.text(default=None)  # the bill run that made it, if one did
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
    # none: of a close, or a deposit that nobody claims yet
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


class BillingAccount(SQLModel, table=True):
    """How a customer is billed; without a row the defaults hold. Written by finance."""

    __tablename__ = "billing_accounts"
    __table_args__ = (
        CheckConstraint("bill_day between 1 and 31", name="a_day_of_the_month"),
        CheckConstraint("collect_day between 1 and 31", name="a_day_to_collect"),
        CheckConstraint("due_days between 0 and 90", name="due_within_a_quarter"),
    )

    customer_id: str = Field(primary_key=True, foreign_key="customers.id")
    bill_day: int | None = None  # new contracts are billed on this day of the month; none: on their own
    collect_day: int | None = None  # what is agreed to a card or account is collected on it; none: when due
    due_days: int = 14
    tax_document: TaxDocument = Field(default=TaxDocument.CARD_SLIP, sa_type=columns.word(TaxDocument))
    tax_id: str = columns.text(default="")
    hold_until: date | None = None  # until this day nothing is collected or dunned
    hold_reason: str = columns.text(default="")
    version: int = 1


class TaxPaper(SQLModel, table=True):
    """Evidence for the tax office: issued, or taking back what was. Its id is our key there."""

    __tablename__ = "tax_documents"
    __table_args__ = (
        CheckConstraint("total_minor = net_minor + tax_minor and total_minor > 0", name="tax_adds_up"),
        Index("tax_by_invoice", "invoice_id"),
        Index(
            "tax_open", "status", "id", postgresql_where=text("status in ('waiting', 'unknown', 'parked')")
        ),
        Index(
            "tax_by_note", "credit_note_id", unique=True, postgresql_where=text("credit_note_id is not null")
        ),
    )

    id: str = Field(primary_key=True)  # "T2026-000017": the invoice's or credit note's number
    invoice_id: str = Field(foreign_key="invoices.id")
    customer_id: str = Field(foreign_key="customers.id")
    credit_note_id: str | None = Field(default=None, foreign_key="credit_notes.id")
    kind: TaxDocument = Field(sa_type=columns.word(TaxDocument))
    operation: TaxOperation = Field(default=TaxOperation.ISSUE, sa_type=columns.word(TaxOperation))
    original: str = columns.text(default="")  # what is amended
    status: TaxStatus = Field(default=TaxStatus.WAITING, sa_type=columns.word(TaxStatus))
    net_minor: int = columns.minor()
    tax_minor: int = columns.minor()
    total_minor: int = columns.minor()
    written_on: date
    issue_by: date  # the last day on which it may be issued
    number: str = columns.text(default="")  # the tax office's
    code: str = columns.text(default="")
    lookups: int = 0
    created_at: datetime = columns.moment()
    asked_at: datetime | None = columns.moment(default=None, nullable=True)  # claimed: it may have been asked
    look_up_at: datetime | None = columns.moment(default=None, nullable=True)
    settled_at: datetime | None = columns.moment(default=None, nullable=True)


class BillRun(SQLModel, table=True):
    """One run over everything due on a business day, or a preview of it. What it came to: its slices."""

    __tablename__ = "bill_runs"
    __table_args__ = (Index("runs_by_day", "day", "id"),)

    id: str = Field(primary_key=True)
    day: date
    is_preview: bool = False
    status: RunStatus = Field(default=RunStatus.PLANNED, sa_type=columns.word(RunStatus))
    asked_by: str = columns.text(default="")  # account; empty: the schedule
    created_at: datetime = columns.moment()
    started_at: datetime | None = columns.moment(default=None, nullable=True)
    ended_at: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class BillSlice(SQLModel, table=True):
    """The accounts from one id up to another: billed in one transaction, and where a run goes on."""

    __tablename__ = "bill_slices"

    run_id: str = Field(primary_key=True, foreign_key="bill_runs.id")
    number: int = Field(primary_key=True)
    from_id: str = columns.text(default="")
    until_id: str = columns.text(default="")  # this one too
    expected: int = 0  # accounts when it was planned
    status: SliceStatus = Field(default=SliceStatus.OPEN, sa_type=columns.word(SliceStatus))
    contracts: int = 0
    charged: int = 0
    held: int = 0
    parked: int = 0
    accounts: int = 0
    invoices: int = 0
    carried: int = 0
    parked_accounts: int = 0
    lines: int = 0
    charged_minor: int = columns.minor(default=0)
    open_minor: int = columns.minor(default=0)
    carried_minor: int = columns.minor(default=0)
    total_minor: int = columns.minor(default=0)
    milliseconds: int = 0
    done_at: datetime | None = columns.moment(default=None, nullable=True)
    letters_at: datetime | None = columns.moment(default=None, nullable=True)  # its last letter was sent


class BillSkip(SQLModel, table=True):
    """Why an account, or a contract of it, has no bill in a run; an error is parked until its repair."""

    __tablename__ = "bill_skips"
    __table_args__ = (
        Index("skips_by_customer", "customer_id"),
        Index("skips_parked", "run_id", postgresql_where=text("is_error and solved_at is null")),
    )

    run_id: str = Field(primary_key=True, foreign_key="bill_runs.id")
    customer_id: str = Field(primary_key=True, foreign_key="customers.id")
    subscription_id: str = columns.text(primary_key=True, default="")  # empty: the whole account
    reason: SkipReason = Field(sa_type=columns.word(SkipReason))
    is_error: bool = False
    detail: str = columns.text(default="")  # the constraint or the kind of error; nothing personal
    amount_minor: int = columns.minor(default=0)
    created_at: datetime = columns.moment()
    solved_at: datetime | None = columns.moment(default=None, nullable=True)
    invoice_id: str | None = columns.text(default=None)  # what solved it


class UsageRecord(SQLModel, table=True):
    """One metered event; its source's own id makes it count once. The bill after it was received takes it."""

    __tablename__ = "usage_records"
    __table_args__ = (
        UniqueConstraint("source", "source_id"),
        CheckConstraint("quantity >= 0", name="usage_not_negative"),
        Index("usage_open", "subscription_id", "used_on", postgresql_where=text("charge_id is null")),
    )

    id: int | None = columns.serial(default=None)
    source: str = columns.text()
    source_id: str = columns.text()
    subscription_id: str = Field(foreign_key="subscriptions.id")
    meter: str = columns.text()
    quantity: int = columns.minor()
    used_on: date
    received_at: datetime = columns.moment()
    charge_id: str | None = columns.text(default=None)  # the charge that counts it


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
