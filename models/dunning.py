"""Overdue accounts. Cases are opened by the daily sweep, then owned by DunningWorkflow: written by
activities/dunning/. Policies are edited by api/dunning/."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.catalogue import VersionStatus
from models.messages.dunning import (
    CaseStatus,
    HoldKind,
    HoldStatus,
    PromiseStatus,
    StepKind,
    StepStatus,
)


class DunningPolicy(SQLModel, table=True):
    """One version of how overdue accounts are treated. Published it never changes; cases keep theirs."""

    __tablename__ = "dunning_policies"

    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    status: VersionStatus = Field(default=VersionStatus.DRAFT, sa_type=columns.word(VersionStatus))
    terms: dict[str, Any] = columns.record(default_factory=dict)  # PolicyTerms
    effective_from: date
    author_id: str = columns.text()
    reviewer_id: str | None = columns.text(default=None)  # somebody else than the author
    note: str = columns.text(default="")
    created_at: datetime = columns.moment()
    published_at: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class DunningCase(SQLModel, table=True):
    """One overdue account from its first overdue invoice until nothing is overdue; at most one is open."""

    __tablename__ = "dunning_cases"
    __table_args__ = (
        Index("one_open_case", "customer_id", unique=True, postgresql_where=text("status = 'open'")),
        Index("cases_by_stage", "status", "stage", "opened_at", "id"),
        Index("cases_by_customer", "customer_id", "opened_at"),
        CheckConstraint("opening_minor > 0", name="something_was_overdue"),
    )

    id: str = Field(primary_key=True)
    customer_id: str = Field(foreign_key="customers.id")
    policy_version: int = Field(foreign_key="dunning_policies.version")  # D4: for as long as it lives
    status: CaseStatus = Field(default=CaseStatus.OPEN, sa_type=columns.word(CaseStatus))
    stage: str = columns.text(default="opened")  # "opened", the last step's kind, or what holds it up
    currency: str = columns.text(default="KRW")
    opening_minor: int = columns.minor()  # overdue when it was opened
    overdue_minor: int = columns.minor()  # overdue when somebody last looked
    overdue_since: date
    opened_at: datetime = columns.moment()
    next_step: int | None = None  # position in the policy
    next_kind: StepKind | None = Field(default=None, sa_type=columns.word(StepKind), nullable=True)
    next_at: datetime | None = columns.moment(default=None, nullable=True)
    suspended_at: datetime | None = columns.moment(default=None, nullable=True)
    ended_at: datetime | None = columns.moment(default=None, nullable=True)
    paid_at: datetime | None = columns.moment(default=None, nullable=True)  # when nothing was overdue
    resumed_at: datetime | None = columns.moment(default=None, nullable=True)  # D3: within the promised time
    seq: int = 0


class DunningStep(SQLModel, table=True):
    """One step of a case: done or skipped, never twice."""

    __tablename__ = "dunning_steps"

    case_id: str = Field(primary_key=True, foreign_key="dunning_cases.id")
    position: int = Field(primary_key=True)  # in the policy's list
    kind: StepKind = Field(sa_type=columns.word(StepKind))
    status: StepStatus = Field(sa_type=columns.word(StepStatus))
    due_at: datetime = columns.moment()
    at: datetime = columns.moment()
    overdue_minor: int = columns.minor()
    letter_key: str = columns.text(default="")  # of a notice: its row in sent_messages
    ticket_id: str | None = Field(default=None, foreign_key="tickets.id")  # of a call
    reference: str = columns.text(default="")  # attempts, changes, returns: what carries it out
    reason: str = columns.text(default="")  # a code, when it was skipped


class PromiseToPay(SQLModel, table=True):
    """A day until which the customer promised to pay; nothing happens before it."""

    __tablename__ = "promises_to_pay"
    __table_args__ = (
        Index("one_open_promise", "case_id", unique=True, postgresql_where=text("status = 'open'")),
        CheckConstraint("amount_minor > 0", name="promise_is_positive"),
    )

    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="dunning_cases.id", index=True)
    customer_id: str = Field(foreign_key="customers.id")
    amount_minor: int = columns.minor()  # what was overdue when it was promised
    pay_on: date
    status: PromiseStatus = Field(default=PromiseStatus.OPEN, sa_type=columns.word(PromiseStatus))
    made_by: str = columns.text()  # account or customer
    created_at: datetime = columns.moment()
    decided_at: datetime | None = columns.moment(default=None, nullable=True)


class DunningHold(SQLModel, table=True):
    """Why a case rests: the customer disputes the debt, or we hold it ourselves."""

    __tablename__ = "dunning_holds"
    __table_args__ = (
        Index("one_open_hold", "case_id", "kind", unique=True, postgresql_where=text("status = 'open'")),
    )

    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="dunning_cases.id", index=True)
    customer_id: str = Field(foreign_key="customers.id")
    kind: HoldKind = Field(sa_type=columns.word(HoldKind))
    invoice_id: str | None = Field(default=None, foreign_key="invoices.id")  # what is disputed
    reason: str = columns.text(default="")
    until_on: date | None = None
    status: HoldStatus = Field(default=HoldStatus.OPEN, sa_type=columns.word(HoldStatus))
    made_by: str = columns.text()
    outcome: str = columns.text(default="")  # "upheld", "rejected", "released", "expired"
    created_at: datetime = columns.moment()
    ended_at: datetime | None = columns.moment(default=None, nullable=True)


class WriteOff(SQLModel, table=True):
    """What nobody pays any more of one invoice. Written by activities/billing/, for good, with its posting."""

    __tablename__ = "write_offs"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="write_off_is_positive"),)

    invoice_id: str = Field(primary_key=True, foreign_key="invoices.id")
    case_id: str | None = Field(default=None, foreign_key="dunning_cases.id", index=True)
    customer_id: str = Field(foreign_key="customers.id")
    amount_minor: int = columns.minor()
    currency: str = columns.text(default="KRW")
    reason: str = columns.text(default="")
    decided_by: str = columns.text(default="")  # the account, or empty for the policy
    at: datetime = columns.moment()
