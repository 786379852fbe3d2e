"""The timeline: one row for each business act. It is the ticket page, and nobody rewrites it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.kit import columns


class ActorKind(StrEnum):
    STAFF = "staff"
    CUSTOMER = "customer"
    TECHNICIAN = "technician"
    PARTNER = "partner"
    SYSTEM = "system"
    EMPLOYEE = "employee"


class EntryKind(StrEnum):
    MESSAGE = "message"
    NOTE = "note"
    STEP = "step"
    CHANGE = "change"
    MONEY = "money"


class TimelineEntry(SQLModel, table=True):
    """One act: who did what to which subject, as a sentence code with its values."""

    __tablename__ = "timeline_entries"
    __table_args__ = (
        Index("timeline_by_ticket", "ticket_id", "at", "id"),
        Index("timeline_by_case", "case_id", "at", "id"),
    )

    id: int | None = columns.serial(default=None)
    key: str = columns.text(unique=True)  # made from workflow facts: writing twice gives one row
    subject: str = columns.text(index=True)  # "visit:V100123-1"
    ticket_id: str | None = Field(default=None, foreign_key="tickets.id")
    case_id: str | None = columns.text(default=None)  # what it belongs to when no ticket: "O100001"
    customer_id: str | None = columns.text(default=None)  # whose case it is
    at: datetime = columns.moment()
    kind: EntryKind = Field(sa_type=columns.word(EntryKind))
    actor_kind: ActorKind = Field(sa_type=columns.word(ActorKind))
    actor_id: str | None = columns.text(default=None)
    sentence: str = columns.text()  # code in SENTENCES of models/messages/<word>.py
    details: dict[str, Any] = columns.record(default_factory=dict)
    is_public: bool = False  # the customer sees it too
