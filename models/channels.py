"""How people and devices reach us besides mail: keys, what came in, calls, device faults, chats."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.channels import CallStatus, ChatSide, Door, EventStatus, FaultStatus


class ApiClient(SQLModel, table=True):
    """A program's key with its scopes. Made and ended by api/channels/; it acts with an account's rights."""

    __tablename__ = "api_clients"

    id: str = Field(primary_key=True)
    name: str = columns.text()
    account_id: str = Field(foreign_key="accounts.id", index=True)
    scopes: list[str] = columns.words(default_factory=list)
    token_hash: str = columns.text(unique=True)
    created_by: str = columns.text()
    created_at: datetime = columns.moment()
    expires_at: datetime = columns.moment()
    revoked_at: datetime | None = columns.moment(default=None, nullable=True)


class ChannelEvent(SQLModel, table=True):
    """Something that came to a door. Born there; a text is written by its workflow from then on.

    What was refused is counted by hour and not kept: a stranger fills no table."""

    __tablename__ = "channel_events"
    __table_args__ = (
        UniqueConstraint("door", "external_id", name="channel_event_once"),
        Index("channel_events_by_time", "received_at", "id"),
        Index("channel_events_by_sender", "sender", "received_at"),
    )

    id: str = Field(primary_key=True)
    door: Door = Field(sa_type=columns.word(Door))
    external_id: str = columns.text()  # the sender's own number of it: the same twice is one
    received_at: datetime = columns.moment()
    last_at: datetime = columns.moment()
    times: int = 1
    status: EventStatus = Field(default=EventStatus.RECEIVED, sa_type=columns.word(EventStatus))
    reason: str = columns.text(default="")  # code in REASONS
    sender: str = columns.text(default="")  # a number or a serial, as it claims
    is_verified: bool = False  # the carrier says that the number was not forged
    original: str = columns.text(default="")  # what it said, readable
    ticket_id: str | None = Field(default=None, foreign_key="tickets.id", index=True)
    message_id: str | None = Field(default=None, foreign_key="ticket_messages.id")


class PhoneLine(SQLModel, table=True):
    """Whose telephone an extension is. Edited by api/channels/."""

    __tablename__ = "phone_lines"

    id: str = Field(primary_key=True, foreign_key="accounts.id")  # the account
    extension: str = columns.text(unique=True)


class PhoneCall(SQLModel, table=True):
    """One call. Born at the door with its first event; PhoneCallWorkflow owns it from then on."""

    __tablename__ = "phone_calls"
    __table_args__ = (Index("calls_by_agent", "account_id", "received_at"),)

    id: str = Field(primary_key=True)
    external_id: str = columns.text(unique=True)  # the telephone system's
    caller: str = columns.text(default="")  # E.164, or empty when it was withheld
    extension: str = columns.text(default="")
    account_id: str | None = Field(default=None, foreign_key="accounts.id")
    customer_id: str | None = Field(default=None, foreign_key="customers.id", index=True)
    ticket_id: str | None = Field(default=None, foreign_key="tickets.id", index=True)
    status: CallStatus = Field(sa_type=columns.word(CallStatus))
    received_at: datetime = columns.moment()
    rung_at: datetime | None = columns.moment(default=None, nullable=True)
    answered_at: datetime | None = columns.moment(default=None, nullable=True)
    ended_at: datetime | None = columns.moment(default=None, nullable=True)
    recording: str = columns.text(default="")
    seq: int = 0


class DeviceKey(SQLModel, table=True):
    """A key with which devices speak; with a serial number only for that one. Edited by api/channels/."""

    __tablename__ = "device_keys"

    id: str = Field(primary_key=True)
    name: str = columns.text()
    serial: str = columns.text(default="")  # empty: a gateway that speaks for many
    token_hash: str = columns.text(unique=True)
    created_by: str = columns.text()
    created_at: datetime = columns.moment()
    revoked_at: datetime | None = columns.moment(default=None, nullable=True)


class DeviceBatch(SQLModel, table=True):
    """A batch of telemetry that was taken: sent twice it counts once. Written by a door of the database."""

    __tablename__ = "device_batches"

    key_id: str = Field(primary_key=True, foreign_key="device_keys.id")
    batch_id: str = columns.text(primary_key=True)
    at: datetime = columns.moment(index=True)


class DeviceRule(SQLModel, table=True):
    """When alarms become a ticket, by fault; `*` is for all others. A version is only ever added."""

    __tablename__ = "device_rules"

    fault: str = columns.text(primary_key=True)
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    alarms: int
    minutes: int
    quiet_minutes: int
    closes: bool
    set_by: str = columns.text()
    set_at: datetime = columns.moment()


class DeviceSignal(SQLModel, table=True):
    """What a device said about one fault within one minute: a flood is one row. Written by a door."""

    __tablename__ = "device_signals"

    owned_product_id: str = Field(primary_key=True, foreign_key="owned_products.id")
    fault: str = columns.text(primary_key=True)
    minute: datetime = columns.moment(primary_key=True)
    alarms: int = 0
    goods: int = 0  # how often it said that all is well
    first_at: datetime = columns.moment()
    last_at: datetime = columns.moment()  # of an alarm
    reading: dict[str, Any] = columns.record(default_factory=dict)


class DeviceFault(SQLModel, table=True):
    """One episode of a fault of a device. Born at the door; DeviceFaultWorkflow owns it from then on."""

    __tablename__ = "device_faults"
    __table_args__ = (
        Index(
            "one_open_fault", "owned_product_id", "fault", unique=True,
            postgresql_where=text("status <> 'over'"),
        ),
    )  # fmt: skip

    id: str = Field(primary_key=True)
    owned_product_id: str = Field(foreign_key="owned_products.id", index=True)
    customer_id: str = Field(foreign_key="customers.id", index=True)
    fault: str = columns.text()
    status: FaultStatus = Field(default=FaultStatus.WATCHING, sa_type=columns.word(FaultStatus))
    ticket_id: str | None = Field(default=None, foreign_key="tickets.id", index=True)
    rule_version: int = 0
    began_at: datetime = columns.moment()
    told_at: datetime | None = columns.moment(default=None, nullable=True)  # the ticket
    told_alarms: int = 0
    ended_at: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class Chat(SQLModel, table=True):
    """A ticket that is talked about live. Born in api/channels/; ChatWorkflow ends it."""

    __tablename__ = "chats"

    id: str = Field(primary_key=True, foreign_key="tickets.id")
    visitor: str = columns.text(default="")  # the name that somebody without sign-in gave
    contact: str = columns.text(default="")  # where they want to be written to; proves nothing
    began_at: datetime = columns.moment()
    ended_at: datetime | None = columns.moment(default=None, nullable=True)


class ChatPresence(SQLModel, table=True):
    """When a side was last there, and when it last typed. Written by api/channels/."""

    __tablename__ = "chat_presences"

    chat_id: str = Field(primary_key=True, foreign_key="chats.id")
    side: ChatSide = Field(primary_key=True, sa_type=columns.word(ChatSide))
    seen_at: datetime = columns.moment()
    typed_at: datetime | None = columns.moment(default=None, nullable=True)
