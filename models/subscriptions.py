"""Running contracts. Written by activities/subscriptions.py: an order begins them, changes change them."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.kit.records import from_record
from models.messages.catalogue import PlanTerms
from models.messages.subscriptions import ChangeKind, ChangeStatus, ChargeKind, SubscriptionStatus
from models.rules.subscriptions.periods import Contract, Stretch


class Subscription(SQLModel, table=True):
    """One running contract with the terms that were signed."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        Index("subscriptions_by_customer", "customer_id", "status"),
        Index("subscriptions_by_parent", "parent_id"),
        Index(
            "subscriptions_due",
            "next_bill_on",
            "id",
            postgresql_where=text("status in ('active', 'paused', 'suspended')"),
        ),
    )

    id: str = Field(primary_key=True)
    customer_id: str = Field(foreign_key="customers.id")
    order_id: str | None = Field(default=None, foreign_key="orders.id", index=True)
    owned_product_id: str | None = Field(default=None, foreign_key="owned_products.id", index=True)
    parent_id: str | None = Field(default=None, foreign_key="subscriptions.id")  # an add-on's plan
    plan_id: str = Field(foreign_key="plans.id")
    plan_version: int
    terms: dict[str, Any] = columns.record(default_factory=dict)  # PlanTerms as signed
    quantity: int = 1
    percent_off: int = 0
    bundle_id: str | None = columns.text(default=None)
    status: SubscriptionStatus = Field(
        default=SubscriptionStatus.PENDING, sa_type=columns.word(SubscriptionStatus)
    )
    starts_on: date | None = None
    bill_day: int = 1  # day of the month; a shorter month bills on its last day
    anchor_on: date | None = None  # where whole periods are counted from, if not from its first day
    billed_until: date | None = None  # the first day not yet charged
    next_bill_on: date | None = None
    obligation_until: date | None = None
    ends_on: date | None = None  # the first day on which it no longer runs
    end_reason: str = columns.text(default="")
    created_at: datetime = columns.moment()
    seq: int = 0


class SubscriptionPause(SQLModel, table=True):
    """A stretch in which a contract rests and costs nothing."""

    __tablename__ = "subscription_pauses"

    subscription_id: str = Field(primary_key=True, foreign_key="subscriptions.id")
    from_on: date = Field(primary_key=True)
    until_on: date | None = None


class SubscriptionSuspension(SQLModel, table=True):
    """A stretch in which a contract's service is switched off because its holder does not pay."""

    __tablename__ = "subscription_suspensions"
    __table_args__ = (
        Index(
            "one_open_suspension", "subscription_id", unique=True, postgresql_where=text("until_on is null")
        ),
    )

    id: str = Field(primary_key=True)  # also the key at the service: "D100001:S100001-1"
    subscription_id: str = Field(foreign_key="subscriptions.id", index=True)
    customer_id: str = Field(foreign_key="customers.id")
    case_id: str = columns.text(index=True)
    from_on: date
    until_on: date | None = None
    free_from: date | None = (
        None  # from this day on nothing is charged until it runs again; none: rent goes on
    )
    off_at: datetime | None = columns.moment(default=None, nullable=True)  # the service said that it is off
    on_at: datetime | None = columns.moment(default=None, nullable=True)


class SubscriptionChange(SQLModel, table=True):
    """One wish to change a contract, with the money that was shown."""

    __tablename__ = "subscription_changes"
    __table_args__ = (
        UniqueConstraint("customer_id", "submission_key"),
        Index("changes_by_subscription", "subscription_id", "created_at"),
        Index("changes_by_receiver", "other_customer_id"),
        Index(
            "one_open_change",
            "subscription_id",
            unique=True,
            postgresql_where=text("status in ('requested', 'awaiting')"),
        ),
    )

    id: str = Field(primary_key=True)
    submission_key: str = columns.text()
    subscription_id: str = Field(foreign_key="subscriptions.id")
    customer_id: str = Field(foreign_key="customers.id")
    asked_by: str = columns.text()  # account or customer
    kind: ChangeKind = Field(sa_type=columns.word(ChangeKind))
    status: ChangeStatus = Field(default=ChangeStatus.REQUESTED, sa_type=columns.word(ChangeStatus))
    effective_on: date
    wish: dict[str, Any] = columns.record(default_factory=dict)  # new plan, pause end, receiver …
    preview: dict[str, Any] = columns.record(default_factory=dict)
    total_minor: int = columns.minor(default=0)
    currency: str = columns.text(default="KRW")
    invoice_id: str | None = columns.text(default=None)
    ticket_id: str | None = Field(default=None, foreign_key="tickets.id")  # the visit's ticket of a move
    other_customer_id: str | None = Field(default=None, foreign_key="customers.id")  # a transfer's receiver
    reason: str = columns.text(default="")
    created_at: datetime = columns.moment()
    done_at: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class SubscriptionCharge(SQLModel, table=True):
    """Money of a contract for a stretch of time; on at most one invoice or credit note."""

    __tablename__ = "subscription_charges"
    __table_args__ = (
        CheckConstraint("gross_minor = net_minor + tax_minor", name="charge_adds_up"),
        Index("charges_open", "customer_id", "id", postgresql_where=text("document_id is null")),
        Index("charges_by_document", "document_id", postgresql_where=text("document_id is not null")),
        Index(
            "recurring_once",
            "subscription_id",
            "from_on",
            unique=True,
            postgresql_where=text("kind = 'recurring' and not is_void"),
        ),
    )

    id: str = Field(primary_key=True)
    subscription_id: str = Field(foreign_key="subscriptions.id", index=True)
    customer_id: str = Field(foreign_key="customers.id")
    change_id: str | None = Field(default=None, foreign_key="subscription_changes.id")
    kind: ChargeKind = Field(sa_type=columns.word(ChargeKind))
    name_ko: str = columns.text()
    name_en: str = columns.text()
    gross_minor: int = columns.minor()
    net_minor: int = columns.minor()
    tax_minor: int = columns.minor()
    tax_rule: str = columns.text()
    currency: str = columns.text(default="KRW")
    from_on: date
    until_on: date
    basis: str = columns.text(default="")
    is_credit: bool = False  # takes days back, also when they cost nothing
    is_void: bool = False
    document_id: str | None = columns.text(default=None)  # the invoice or credit note that took it
    created_at: datetime = columns.moment()


def as_contract(
    row: Subscription,
    rests: Iterable[SubscriptionPause | SubscriptionSuspension] = (),
    add_ons: Iterable[Contract] = (),
) -> Contract:
    """A stored contract as the rules know it; one that has not begun has nothing to say yet."""
    start = row.starts_on or row.created_at.date()
    own = [one for one in rests if one.subscription_id == row.id]
    pauses = [one for one in own if isinstance(one, SubscriptionPause)]
    free = [one for one in own if isinstance(one, SubscriptionSuspension) and one.free_from is not None]
    return Contract(
        id=row.id, customer_id=row.customer_id, terms=from_record(PlanTerms, row.terms), starts_on=start,
        billed_until=row.billed_until or start, bill_day=row.bill_day, quantity=row.quantity,
        percent_off=row.percent_off, anchor_on=row.anchor_on, obligation_until=row.obligation_until,
        pauses=tuple(Stretch(one.from_on, one.until_on or date.max) for one in pauses),
        free=tuple(Stretch(one.free_from or start, one.until_on or date.max) for one in free),
        ends_on=row.ends_on, status=row.status, seq=row.seq, add_ons=tuple(add_ons),
    )  # fmt: skip
