"""The doors of the house: outbox, inbox, and what was said to outside systems.

The outbox is written in one transaction with the thing it announces; activities/kit/outbox.py empties it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.systems import CallResult, OutboxKind, OutboxStatus, System


class OutboxItem(SQLModel, table=True):
    """One thing to be told to Temporal, exactly as often as its key."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("workflow_id", "actor_id", "key", name="outbox_own_key"),
        Index("outbox_waiting", "not_before", "id", postgresql_where=text("status = 'waiting'")),
    )

    id: int | None = columns.serial(default=None)
    key: str = columns.text()  # workflow id for starts, command id for updates, fact id for signals
    actor_id: str = columns.text(default="")  # whose command: two people may make up the same id
    kind: OutboxKind = Field(sa_type=columns.word(OutboxKind))
    workflow: str = columns.text(default="")  # type name, for starts
    workflow_id: str = columns.text()
    name: str = columns.text(default="")  # update or signal name
    task_queue: str = columns.text(default="desk")
    payload: dict[str, Any] = columns.record(default_factory=dict)  # JSON; empty once it was said
    summary: str = columns.text(default="")  # plain words for the Temporal UI, no personal data
    status: OutboxStatus = Field(default=OutboxStatus.WAITING, sa_type=columns.word(OutboxStatus))
    tries: int = 0
    not_before: datetime = columns.moment()
    created_at: datetime = columns.moment()
    sent_at: datetime | None = columns.moment(default=None, nullable=True)
    refusal: str = columns.text(default="")


class InboxItem(SQLModel, table=True):
    """One message from an outside system, accepted once by its own id; it only wakes a workflow."""

    __tablename__ = "inbox"

    system: System = Field(primary_key=True, sa_type=columns.word(System))
    message_id: str = columns.text(primary_key=True)
    received_at: datetime = columns.moment()
    body: dict[str, Any] = columns.record(default_factory=dict)


class SystemCall(SQLModel, table=True):
    """One call to an outside system: which, for what, how long, how it ended. Never a body."""

    __tablename__ = "system_calls"
    __table_args__ = (Index("calls_by_system", "system", "at"), Index("calls_by_key", "key"))

    id: int | None = columns.serial(default=None)
    system: System = Field(sa_type=columns.word(System))
    operation: str = columns.text()
    key: str = columns.text()  # idempotency key
    ticket_id: str | None = columns.text(default=None)
    case_id: str | None = columns.text(default=None)
    attempt: int = 1
    at: datetime = columns.moment()
    millis: int = 0
    http_status: int | None = None
    result: CallResult = Field(sa_type=columns.word(CallResult))
    error: str = columns.text(default="")
    # How often the same look found nothing: the newest is kept.
    looks: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class SentMessage(SQLModel, table=True):
    """One letter or SMS handed to a system, once per key."""

    __tablename__ = "sent_messages"

    key: str = columns.text(primary_key=True)
    system: System = Field(sa_type=columns.word(System))
    ticket_id: str | None = columns.text(default=None, index=True)
    case_id: str | None = columns.text(default=None, index=True)
    letter: str = columns.text()  # template name
    sent_at: datetime = columns.moment()
    provider_id: str = columns.text(default="")
    # The mail's own id, by which answers and bounces name it.
    message_id: str = columns.text(default="", sa_column_kwargs={"server_default": ""}, index=True)
