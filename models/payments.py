"""Attempts to collect money, and where it went. An attempt is born in api/payments.py with its key;
from then on activities/payments.py writes it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.payments import AttemptStatus


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
    )

    id: str = Field(primary_key=True)
    invoice_id: str = Field(foreign_key="invoices.id")
    ordinal: int
    customer_id: str = Field(foreign_key="customers.id")
    provider: str = columns.text(default="gateway")
    payment_key: str = columns.text()  # the gateway's handle from its hosted page
    amount_minor: int = columns.minor()
    currency: str = columns.text(default="KRW")
    status: AttemptStatus = Field(default=AttemptStatus.CREATED, sa_type=columns.word(AttemptStatus))
    provider_id: str = columns.text(default="")
    code: str = columns.text(default="")
    created_at: datetime = columns.moment()
    settled_at: datetime | None = columns.moment(default=None, nullable=True)
    lookups: int = 0
    seq: int = 0


class Allocation(SQLModel, table=True):
    """How much of an attempt's money settles which invoice; the rest stays in suspense."""

    __tablename__ = "payment_allocations"

    attempt_id: str = Field(primary_key=True, foreign_key="payment_attempts.id")
    invoice_id: str = Field(primary_key=True, foreign_key="invoices.id")
    amount_minor: int = columns.minor()
    at: datetime = columns.moment()
