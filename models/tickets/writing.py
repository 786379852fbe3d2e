"""What people write on tickets: sendings that wait, templates, followers, and fields at the end.

All of it is written by api/tickets/; a sending that has left is taken away by activities/tickets/."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.tickets import MessageKind
from models.messages.tickets.writing import (
    FieldAsked,
    FieldKind,
    FollowReason,
    SendingAct,
    TemplateChannel,
    TemplateUse,
)


class Sending(SQLModel, table=True):
    """What was sent and may still be taken back; only when it leaves does a message exist."""

    __tablename__ = "ticket_sendings"
    __table_args__ = (Index("sendings_by_ticket", "ticket_id", "due_at"),)

    id: str = Field(primary_key=True)  # of the message that it becomes
    ticket_id: str = Field(foreign_key="tickets.id")
    account_id: str = Field(foreign_key="accounts.id")
    command_id: str = columns.text()  # its line in the outbox
    act: SendingAct = Field(sa_type=columns.word(SendingAct))
    kind: MessageKind = Field(sa_type=columns.word(MessageKind))
    author_name: str = columns.text(default="")
    channel: str = columns.text(default="")
    body: str = columns.text(default="")
    files: list[Any] = columns.record(default_factory=list)  # what becomes attachments
    created_at: datetime = columns.moment()
    due_at: datetime = columns.moment()


class ReplyTemplate(SQLModel, table=True):
    """A text that is written often, with what it does to the ticket."""

    __tablename__ = "reply_templates"

    key: str = columns.text(primary_key=True)
    team_id: str | None = Field(default=None, foreign_key="teams.id", index=True)  # None: everybody's
    channel: TemplateChannel = Field(default=TemplateChannel.ANY, sa_type=columns.word(TemplateChannel))
    use: TemplateUse = Field(default=TemplateUse.REPLY, sa_type=columns.word(TemplateUse))
    approved_as: str = columns.text(default="")  # KakaoTalk's number of the approval
    name_ko: str = columns.text()
    name_en: str = columns.text()
    body_ko: str = columns.text()
    body_en: str = columns.text()
    priority: str = columns.text(default="")  # what using it sets; empty: nothing
    to_team: str = columns.text(default="")
    tag: str = columns.text(default="")
    takes: bool = False
    is_active: bool = True
    written_by: str = columns.text()
    written_at: datetime = columns.moment()
    seq: int = 0


class TicketFollower(SQLModel, table=True):
    """Somebody who wants to hear of a ticket."""

    __tablename__ = "ticket_followers"

    ticket_id: str = Field(primary_key=True, foreign_key="tickets.id")
    account_id: str = Field(primary_key=True, foreign_key="accounts.id")
    reason: FollowReason = Field(sa_type=columns.word(FollowReason))
    added_by: str = columns.text()
    since: datetime = columns.moment()
    mentioned_in: list[str] = columns.words(default_factory=list)  # messages that named them


class ClosingField(SQLModel, table=True):
    """Something that has to be known before a ticket may end."""

    __tablename__ = "closing_fields"
    __table_args__ = (CheckConstraint("kind <> 'choice' or cardinality(choices_ko) > 0", name="has_choices"),)

    key: str = columns.text(primary_key=True)
    name_ko: str = columns.text()
    name_en: str = columns.text()
    kind: FieldKind = Field(sa_type=columns.word(FieldKind))
    choices_ko: list[str] = columns.words(default_factory=list)
    choices_en: list[str] = columns.words(default_factory=list)
    asked_at: FieldAsked = Field(default=FieldAsked.RESOLVE, sa_type=columns.word(FieldAsked))
    ticket_kinds: list[str] = columns.words(default_factory=list)  # empty: every kind
    categories: list[str] = columns.words(default_factory=list)  # of products; empty: every one
    team_ids: list[str] = columns.words(default_factory=list)  # empty: every team
    position: int = 100
    is_active: bool = True
    written_by: str = columns.text()
    written_at: datetime = columns.moment()
    seq: int = 0


class FieldValue(SQLModel, table=True):
    """What was answered to a field of a ticket. A choice is kept by its place in the list, from 1."""

    __tablename__ = "ticket_field_values"

    ticket_id: str = Field(primary_key=True, foreign_key="tickets.id")
    field_key: str = columns.text(primary_key=True, foreign_key="closing_fields.key")
    value: str = columns.text()
    written_by: str = columns.text()
    written_at: datetime = columns.moment()


__all__ = ["ClosingField", "FieldValue", "ReplyTemplate", "Sending", "TicketFollower"]
