"""Attempts to collect money, and where it went. An attempt is born with its key in api/payments/, or in
activities/payments/ when a method is charged; from then on activities/payments/ writes it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.payments import AttemptStatus, MethodKind, MethodStatus, RefundStatus
from models.messages.payments.collection import CollectionStatus
from models.messages.payments.deposits import DepositStatus
from models.messages.payments.transfers import BatchKind, BatchStatus, RowStatus


class PaymentAttempt(SQLModel, table=True):
    """One try to collect one invoice; its id is the idempotency key and the gateway's order id."""

    __tablename__ = "payment_attempts"
    __table_args__ = (
        UniqueConstraint("invoice_id", "ordinal"),
        CheckConstraint("amount_minor > 0", name="attempt_is_positive"),
        # C1: one open attempt per invoice over all methods; C3: a provider's id is used once
        Index(
            "one_open_attempt_per_invoice",
            "invoice_id",
            unique=True,
            postgresql_where=text("status in ('created', 'unknown', 'not_sent')"),
        ),
        Index(
            "provider_id_once",
            "provider",
            "provider_id",
            unique=True,
            postgresql_where=text("provider_id <> ''"),
        ),
        Index("attempts_by_collection", "collection_id", "status", "id"),
        # C5: how often a card has failed lately
        Index(
            "attempts_by_method",
            "method_id",
            "settled_at",
            postgresql_where=text("method_id is not null"),
        ),
    )

    id: str = Field(primary_key=True)
    invoice_id: str = Field(foreign_key="invoices.id")
    ordinal: int
    customer_id: str = Field(foreign_key="customers.id")
    provider: str = columns.text(default="gateway")
    payment_key: str = columns.text()  # the gateway's handle from its hosted page; empty with a method
    method_id: str | None = Field(default=None, foreign_key="payment_methods.id")  # charged without asking
    amount_minor: int = columns.minor()
    currency: str = columns.text(default="KRW")
    status: AttemptStatus = Field(default=AttemptStatus.CREATED, sa_type=columns.word(AttemptStatus))
    provider_id: str = columns.text(default="")
    code: str = columns.text(default="")
    created_at: datetime = columns.moment()
    settled_at: datetime | None = columns.moment(default=None, nullable=True)
    lookups: int = 0
    seq: int = 0
    collection_id: str | None = Field(default=None, foreign_key="collections.id")  # who collects, if one does
    asked_at: datetime | None = columns.moment(default=None, nullable=True)  # written before the call
    look_up_at: datetime | None = columns.moment(default=None, nullable=True)  # empty: not by the collection
    absences: int = 0  # look-ups in a row that found nothing and prove something
    told_at: datetime | None = columns.moment(default=None, nullable=True)  # the customer was written to


class Collection(SQLModel, table=True):
    """The collection of one business day; its sums are counted from its attempts. Owned by its workflow."""

    __tablename__ = "collections"

    id: str = Field(primary_key=True)  # the day, "2026-12-01"
    day: date
    run_id: str = columns.text(default="")
    status: CollectionStatus = Field(default=CollectionStatus.RUNNING, sa_type=columns.word(CollectionStatus))
    policy: dict[str, Any] = columns.record(default_factory=dict)  # the rules of that day
    started_at: datetime = columns.moment()
    ended_at: datetime | None = columns.moment(default=None, nullable=True)
    waits_for: str = columns.text(default="")  # code in WAITS; empty: it works
    waits_until: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class CollectionRules(SQLModel, table=True):
    """How we try again, version by version; a collection keeps the version of its day. Never changes."""

    __tablename__ = "collection_rules"

    version: int = Field(primary_key=True)
    terms: dict[str, Any] = columns.record(default_factory=dict)
    author_id: str = columns.text(default="")
    created_at: datetime = columns.moment()


class Allocation(SQLModel, table=True):
    """How much of an attempt's money settles which invoice; the rest stays in suspense."""

    __tablename__ = "payment_allocations"
    # what was paid of an invoice is asked for wherever somebody asks what is open
    __table_args__ = (Index("allocations_by_invoice", "invoice_id"),)

    attempt_id: str = Field(primary_key=True, foreign_key="payment_attempts.id")
    invoice_id: str = Field(primary_key=True, foreign_key="invoices.id")
    amount_minor: int = columns.minor()
    at: datetime = columns.moment()


class PaymentMethod(SQLModel, table=True):
    """A way to pay again without asking: a billing key of the gateway; card numbers never reach us."""

    __tablename__ = "payment_methods"
    __table_args__ = (
        Index("methods_by_customer", "customer_id", "status"),
        Index(
            "one_default_method",
            "customer_id",
            unique=True,
            postgresql_where=text("is_default and status = 'active'"),
        ),
    )

    id: str = Field(primary_key=True)
    customer_id: str = Field(foreign_key="customers.id")
    kind: MethodKind = Field(default=MethodKind.CARD, sa_type=columns.word(MethodKind))
    status: MethodStatus = Field(default=MethodStatus.PENDING, sa_type=columns.word(MethodStatus))
    provider: str = columns.text(default="gateway")
    customer_key: str = columns.text(unique=True)  # what the gateway knows this customer by; random
    billing_key: str = columns.text(default="")  # encrypted; only the worker reads it
    label: str = columns.text(default="")  # "Hyundai ·· 1234"
    is_default: bool = False
    created_at: datetime = columns.moment()
    revoked_at: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class Refund(SQLModel, table=True):
    """Money given back of one attempt, with the same five states as taking it."""

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="refund_is_positive"),
        Index("refunds_by_attempt", "attempt_id"),
    )

    id: str = Field(primary_key=True)  # also the idempotency key at the gateway
    attempt_id: str = Field(foreign_key="payment_attempts.id")
    invoice_id: str = Field(foreign_key="invoices.id")
    customer_id: str = Field(foreign_key="customers.id")
    case_id: str = columns.text(default="")
    credit_note_id: str | None = Field(default=None, foreign_key="credit_notes.id")  # none: out of suspense
    amount_minor: int = columns.minor()
    currency: str = columns.text(default="KRW")
    reason: str = columns.text(default="")
    status: RefundStatus = Field(default=RefundStatus.CREATED, sa_type=columns.word(RefundStatus))
    provider_id: str = columns.text(default="")
    code: str = columns.text(default="")
    created_at: datetime = columns.moment()
    settled_at: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class Mandate(SQLModel, table=True):
    """A customer's consent to debits from a bank account; born in api/payments/, with its method, where the
    account's number lies sealed."""

    __tablename__ = "mandates"

    method_id: str = Field(primary_key=True, foreign_key="payment_methods.id")
    customer_id: str = Field(foreign_key="customers.id", index=True)
    bank: str = columns.text()  # the bank's code, "004"
    consent: str = columns.text()  # which text was agreed to
    consented_at: datetime = columns.moment()


class TransferBatch(SQLModel, table=True):
    """One file for the bank and how far it is. Owned by its workflow."""

    __tablename__ = "transfer_batches"
    __table_args__ = (UniqueConstraint("kind", "day"),)

    id: str = Field(primary_key=True)  # the file's name, "EB21261201"
    kind: BatchKind = Field(sa_type=columns.word(BatchKind))
    day: date
    status: BatchStatus = Field(default=BatchStatus.FILLING, sa_type=columns.word(BatchStatus))
    cut_off: datetime = columns.moment()
    result_due: datetime = columns.moment()
    begun_at: datetime = columns.moment()
    sent_at: datetime | None = columns.moment(default=None, nullable=True)
    ended_at: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class TransferRow(SQLModel, table=True):
    """One row of a file: a mandate to register or money to move, and its one result (C3, C6)."""

    __tablename__ = "transfer_rows"
    __table_args__ = (
        Index("rows_by_method", "method_id"),
        Index(
            "one_row_per_attempt",
            "attempt_id",
            unique=True,
            postgresql_where=text("attempt_id is not null"),
        ),
    )

    batch_id: str = Field(primary_key=True, foreign_key="transfer_batches.id")
    number: int = Field(primary_key=True)
    method_id: str = Field(foreign_key="payment_methods.id")
    customer_id: str = Field(foreign_key="customers.id")
    attempt_id: str | None = Field(default=None, foreign_key="payment_attempts.id")
    amount_minor: int = columns.minor(default=0)
    status: RowStatus = Field(default=RowStatus.WAITING, sa_type=columns.word(RowStatus))
    code: str = columns.text(default="")
    settled_at: datetime | None = columns.moment(default=None, nullable=True)


class TransferOddity(SQLModel, table=True):
    """What a result file said that fits no row of ours; a person looks at it."""

    __tablename__ = "transfer_oddities"

    batch_id: str = Field(primary_key=True, foreign_key="transfer_batches.id")
    kind: str = columns.text(primary_key=True)  # "unreadable", "unknown_row", "wrong_amount"
    place: int = Field(primary_key=True)  # the line's or the row's number
    code: str = columns.text(default="")
    found_at: datetime = columns.moment()


class VirtualAccount(SQLModel, table=True):
    """An account number of ours that belongs to one customer: whoever pays into it pays for them."""

    __tablename__ = "virtual_accounts"

    customer_id: str = Field(primary_key=True, foreign_key="customers.id")
    number: str = columns.text(unique=True)
    issued_at: datetime = columns.moment()


class Deposit(SQLModel, table=True):
    """Money that the bank says has arrived; born with its notice in api/payments/, then its workflow's."""

    __tablename__ = "deposits"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="deposit_is_positive"),
        CheckConstraint("returned_minor between 0 and amount_minor", name="returned_within_deposit"),
        Index("deposits_by_status", "status", "received_at"),
        Index("deposits_kept", "customer_id", postgresql_where=text("status = 'kept'")),
        Index("deposits_kept", "customer_id", postgresql_where=text("status = 'kept'")),
    )

    id: str = Field(primary_key=True)  # the bank's own notice id
    account: str = columns.text()  # the number that was paid into
    payer: str = columns.text(default="")  # as the bank names them
    customer_id: str | None = Field(default=None, foreign_key="customers.id", index=True)
    amount_minor: int = columns.minor()
    returned_minor: int = columns.minor(default=0)
    currency: str = columns.text(default="KRW")
    status: DepositStatus = Field(default=DepositStatus.RECEIVED, sa_type=columns.word(DepositStatus))
    received_at: datetime = columns.moment()
    kept_from: str | None = Field(default=None, foreign_key="invoices.id", unique=True)  # a corrected one
    credit_note_id: str | None = Field(default=None, foreign_key="credit_notes.id")
    seq: int = 0
