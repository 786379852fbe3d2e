"""What agents keep about their queue: views, many tickets at once, and who has which ticket open."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.tickets.batches import BatchAct, BatchStatus, LineStatus


class QueueView(SQLModel, table=True):
    """Filters of the queue under a name, for one person or for a team. Written by the api."""

    __tablename__ = "queue_views"
    __table_args__ = (
        CheckConstraint("place >= 0", name="view_has_a_place"),
        Index("views_by_owner", "owner_id", "place"),
        Index("views_by_team", "team_id", "place"),
    )

    id: str = Field(primary_key=True)
    owner_id: str = Field(foreign_key="accounts.id")
    team_id: str | None = Field(default=None, foreign_key="teams.id")  # who sees it too
    name: str = columns.text()
    filters: dict[str, Any] = columns.record(default_factory=dict)  # as they stand in an address
    place: int = 0
    created_at: datetime = columns.moment()
    updated_at: datetime = columns.moment()


class TicketBatch(SQLModel, table=True):
    """One act for many tickets. Born in the api; counted and ended by activities/tickets/."""

    __tablename__ = "ticket_batches"
    __table_args__ = (Index("batches_by_person", "asked_by", "asked_at"),)

    id: str = Field(primary_key=True)
    act: BatchAct = Field(sa_type=columns.word(BatchAct))
    body: str = columns.text(default="")  # of a note, or what was done
    undoes: str | None = Field(default=None, foreign_key="ticket_batches.id", unique=True)
    asked_by: str = Field(foreign_key="accounts.id")
    asked_at: datetime = columns.moment()
    status: BatchStatus = Field(default=BatchStatus.RUNNING, sa_type=columns.word(BatchStatus))
    finished_at: datetime | None = columns.moment(default=None, nullable=True)


class TicketBatchLine(SQLModel, table=True):
    """One ticket of a batch. Born with it; then written by activities/tickets/."""

    __tablename__ = "ticket_batch_lines"
    __table_args__ = (
        UniqueConstraint("batch_id", "ticket_id", name="each_ticket_once"),
        Index("batch_lines_by_ticket", "ticket_id"),
    )

    batch_id: str = Field(primary_key=True, foreign_key="ticket_batches.id")
    n: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    ticket_id: str = Field(foreign_key="tickets.id")
    value: str = columns.text(default="")  # whose, which team, which priority; empty: nobody
    expects: str | None = columns.text(default=None, nullable=True)  # else somebody changed it meanwhile
    was: str | None = columns.text(default=None, nullable=True)
    status: LineStatus = Field(default=LineStatus.WAITING, sa_type=columns.word(LineStatus))
    refusal: str = columns.text(default="")


class TicketPresence(SQLModel, table=True):
    """Who has a ticket open right now. Unlogged, written by the api, and forgotten by itself."""

    __tablename__ = "ticket_presence"

    ticket_id: str = Field(primary_key=True, foreign_key="tickets.id")
    account_id: str = Field(primary_key=True, foreign_key="accounts.id")
    seen_at: datetime = columns.moment()
    is_typing: bool = False
