"""People and companies we serve, and what they own. Edited by api/customers.py; never owned by a workflow."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, Index, Integer, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.customers import (
    ConsentKind,
    CustomerKind,
    MergeStatus,
    PairStatus,
    PrivacyKind,
    PrivacyStatus,
    SignupPurpose,
    SignupStatus,
    Tier,
)


class Customer(SQLModel, table=True):
    """One person or company, known by phone and e-mail. Personal data: api/kit/personal.py unmasks it."""

    __tablename__ = "customers"
    __table_args__ = (
        UniqueConstraint("phone"),
        UniqueConstraint("email"),
        Index("customers_by_name", "name", "id"),
        Index("ix_customers_root", "root", postgresql_where=text("root is not null")),
    )

    id: str = Field(primary_key=True)
    kind: CustomerKind = Field(default=CustomerKind.PERSON, sa_type=columns.word(CustomerKind))
    name: str = columns.text()
    phone: str | None = columns.text(default=None)  # E.164
    phone_as_given: str | None = columns.text(default=None)
    email: str | None = columns.text(default=None)  # lower case
    locale: str = columns.text(default="ko")
    tier: Tier = Field(default=Tier.STANDARD, sa_type=columns.word(Tier))
    postcode: str = columns.text(default="")
    address: str = columns.text(default="")
    region: str = columns.text(default="")  # territory code, e.g. "seoul-gangnam"
    is_verified: bool = False  # an identity was proved, not only claimed
    phone_proved_at: datetime | None = columns.moment(default=None, nullable=True)  # by a code
    email_proved_at: datetime | None = columns.moment(default=None, nullable=True)
    erased_at: datetime | None = columns.moment(default=None, nullable=True)
    created_at: datetime = columns.moment()
    version: int = 1
    root: str | None = Field(
        default=None, foreign_key="customers.id"
    )  # merged into this one, which is nobody's


class OwnedProduct(SQLModel, table=True):
    """One device in a customer's hands, by serial number."""

    __tablename__ = "owned_products"
    __table_args__ = (
        Index("one_owner", "product_id", "serial", unique=True, postgresql_where=text("returned_on is null")),
    )

    id: str = Field(primary_key=True)
    customer_id: str = Field(foreign_key="customers.id", index=True)
    product_id: str = Field(foreign_key="products.id")
    serial: str = columns.text()
    bought_on: date | None = None
    returned_on: date | None = None  # it came back to us: their history, no longer theirs
    warranty_until: date | None = None
    region: str = columns.text(default="")


class KnownSerial(SQLModel, table=True):
    """A device that left our factory: only one of these can be registered. No page reads it."""

    __tablename__ = "known_serials"

    product_id: str = Field(primary_key=True, foreign_key="products.id")
    serial: str = columns.text(primary_key=True)  # upper case
    sold_on: date | None = None  # the warranty counts from it


class Signup(SQLModel, table=True):
    """Somebody on the way to become a customer, or to prove a new address.

    Born in api/customers; then SignupWorkflow writes it, and the doors of migration 0013 mark proof."""

    __tablename__ = "signups"
    __table_args__ = (
        Index("signups_open", "created_at", postgresql_where=text("not is_over")),
        Index("signups_by_address", "address", "created_at"),
    )

    id: str = Field(primary_key=True)
    token_hash: str = columns.text(unique=True)  # of the cookie that holds this signup
    channel: str = columns.text()  # "sms" or "mail"
    address: str = columns.text()  # E.164 or lower-case e-mail; blanked when forgotten
    code_hash: str = columns.text(default="")
    code_expires_at: datetime | None = columns.moment(default=None, nullable=True)
    sends: int = 0
    tries: int = 0
    locked_until: datetime | None = columns.moment(default=None, nullable=True)
    status: SignupStatus = Field(default=SignupStatus.STARTED, sa_type=columns.word(SignupStatus))
    is_over: bool = False
    name: str = columns.text(default="")
    locale: str = columns.text(default="ko")
    customer_id: str | None = Field(default=None, foreign_key="customers.id")
    return_to: str = columns.text(default="")  # where the guest came from: the cart
    created_at: datetime = columns.moment()
    proved_at: datetime | None = columns.moment(default=None, nullable=True)
    done_at: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0
    purpose: SignupPurpose = Field(default=SignupPurpose.SIGNUP, sa_type=columns.word(SignupPurpose))
    code_number: int = 0  # which of the codes the hash belongs to
    sent_at: datetime | None = columns.moment(default=None, nullable=True)  # when the last one was asked for
    choices: dict[str, Any] = columns.record(default_factory=dict)  # consents, until the customer exists
    password_hash: str | None = columns.text(default=None)  # until the account exists
    cart_key: str = columns.text(default="")  # the guest's cart, which becomes the customer's
    resume_hash: str | None = columns.text(default=None, unique=True)  # of the link in the reminder
    reminded_at: datetime | None = columns.moment(default=None, nullable=True)
    account_id: str | None = columns.text(default=None)  # who may enter with this signup, once


class Consent(SQLModel, table=True):
    """One yes or no to one version of a text; only ever added to, the newest counts."""

    __tablename__ = "consents"
    __table_args__ = (Index("consents_by_customer", "customer_id", "kind", "at"),)

    id: int | None = columns.serial(default=None)
    customer_id: str = Field(foreign_key="customers.id")
    kind: ConsentKind = Field(sa_type=columns.word(ConsentKind))
    version: str = columns.text()
    is_given: bool
    at: datetime = columns.moment()
    source: str = columns.text()  # "signup:sgn_…", "portal", "agent:acc_…"


class PrivacyRequest(SQLModel, table=True):
    """A customer's request to export or erase their data."""

    __tablename__ = "privacy_requests"
    __table_args__ = (Index("privacy_by_customer", "customer_id", "asked_at"),)

    id: str = Field(primary_key=True)
    customer_id: str = Field(foreign_key="customers.id")
    kind: PrivacyKind = Field(sa_type=columns.word(PrivacyKind))
    status: PrivacyStatus = Field(default=PrivacyStatus.RECEIVED, sa_type=columns.word(PrivacyStatus))
    asked_by: str = columns.text()
    asked_at: datetime = columns.moment()
    due_at: datetime = columns.moment()  # ten days by the Personal Information Protection Act
    done_at: datetime | None = columns.moment(default=None, nullable=True)
    file_id: str | None = columns.text(default=None)
    reason: str = columns.text(default="")  # why something must be kept
    file_until: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class CustomerNote(SQLModel, table=True):
    """What our people should know about a customer. Written by api/customers; a pinned one stands first."""

    __tablename__ = "customer_notes"
    __table_args__ = (Index("notes_by_customer", "customer_id", "is_pinned", "made_at"),)

    id: str = Field(primary_key=True)
    customer_id: str = Field(foreign_key="customers.id")
    author_id: str = Field(foreign_key="accounts.id")
    body: str = columns.text()
    is_pinned: bool = False
    made_at: datetime = columns.moment()


class TierRule(SQLModel, table=True):
    """What somebody must have paid in how many months to belong to a tier; the newest version counts.
    Only ever added to, by api/customers."""

    __tablename__ = "tier_rules"

    version: int = Field(primary_key=True)
    tier: Tier = Field(primary_key=True, sa_type=columns.word(Tier))
    paid_minor: int = columns.minor()
    months: int
    made_by: str = columns.text(default="")
    made_at: datetime = columns.moment()


class CustomerPair(SQLModel, table=True):
    """Two records that may be one customer. Written by the search; the desk may dismiss it."""

    __tablename__ = "customer_pairs"
    __table_args__ = (
        UniqueConstraint("first_id", "second_id", name="one_pair"),
        CheckConstraint("first_id < second_id", name="pair_in_order"),
        Index("pairs_open", "score", "id", postgresql_where=text("status = 'open'")),
    )

    id: str = Field(primary_key=True)  # made from both ids: found twice, it is one
    first_id: str = Field(foreign_key="customers.id")
    second_id: str = Field(foreign_key="customers.id", index=True)
    score: int
    reasons: list[str] = columns.words(default_factory=list)  # codes in PAIR_REASONS
    likeness: str = columns.text()  # of what was compared: dismissed stays dismissed until it changes
    status: PairStatus = Field(default=PairStatus.OPEN, sa_type=columns.word(PairStatus))
    found_at: datetime = columns.moment()
    found_by: str = columns.text()  # "entry" or "night"
    decided_by: str | None = columns.text(default=None)
    decided_at: datetime | None = columns.moment(default=None, nullable=True)


class CustomerMerge(SQLModel, table=True):
    """One record merged into another. Born in api/customers/, then its workflow's."""

    __tablename__ = "customer_merges"
    __table_args__ = (
        CheckConstraint("survivor_id <> loser_id", name="two_customers"),
        Index("merges_by_survivor", "survivor_id"),
        Index("merges_by_loser", "loser_id"),
        Index("merges_by_pair", "pair_id", "asked_at"),
        Index(
            "one_merge_of_pair", "pair_id", unique=True,
            postgresql_where=text("status in ('asked', 'waiting', 'confirming', 'merged')"),
        ),
    )  # fmt: skip

    id: str = Field(primary_key=True)
    pair_id: str = Field(foreign_key="customer_pairs.id")
    survivor_id: str = Field(foreign_key="customers.id")
    loser_id: str = Field(foreign_key="customers.id")
    taken: list[str] = columns.words(default_factory=list)  # fields whose value of the other record stays
    versions: list[int] = Field(sa_type=ARRAY(Integer))  # of both records, as they were compared
    reason: str = columns.text()
    status: MergeStatus = Field(default=MergeStatus.ASKED, sa_type=columns.word(MergeStatus))
    needs_second: bool = False
    against: list[str] = columns.words(default_factory=list)  # codes in MERGE_AGAINST: why it waits
    counts: dict[str, int] = columns.record(default_factory=dict)  # rows that were moved, by table
    asked_by: str = columns.text()
    asked_at: datetime = columns.moment()
    confirmed_by: str | None = columns.text(default=None)
    merged_at: datetime | None = columns.moment(default=None, nullable=True)
    undone_at: datetime | None = columns.moment(default=None, nullable=True)
    undone_by: str | None = columns.text(default=None)
    undo_reason: str = columns.text(default="")
    undo_until: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class CustomerMove(SQLModel, table=True):
    """One value that a merge changed, and what stood there before. Written by the database's own hand."""

    __tablename__ = "customer_moves"

    merge_id: str = Field(primary_key=True, foreign_key="customer_merges.id")
    table_name: str = columns.text(primary_key=True)
    key: str = columns.text(primary_key=True)  # its primary key as JSON
    column_name: str = columns.text(primary_key=True)
    before: Any = columns.record()
    after: Any = columns.record()
    moved_at: datetime = columns.moment()
    born_after: bool = False  # written for the old id when it was already merged
    undone_at: datetime | None = columns.moment(default=None, nullable=True)
