"""How every workflow is seen: open waits and stored histories. Written by activities/kit."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.journeys import WaitFor


class OpenWait(SQLModel, table=True):
    """One wait of one workflow, open until `ended_at`; the wait sentence of every page comes from here."""

    __tablename__ = "waits"
    __table_args__ = (
        Index("waits_open_by_ticket", "ticket_id", postgresql_where=text("ended_at is null")),
        Index("waits_open_by_case", "case_id", postgresql_where=text("ended_at is null")),
        Index("waits_open_by_customer", "customer_id", postgresql_where=text("ended_at is null")),
        Index("waits_open_by_until", "until", postgresql_where=text("ended_at is null")),
    )

    workflow_id: str = columns.text(primary_key=True)
    key: str = columns.text(primary_key=True)
    subject: str = columns.text()
    ticket_id: str | None = Field(default=None, foreign_key="tickets.id")
    case_id: str | None = columns.text(default=None)
    customer_id: str | None = columns.text(default=None)
    who: WaitFor = Field(sa_type=columns.word(WaitFor))
    what: str = columns.text()
    since: datetime = columns.moment()
    until: datetime | None = columns.moment(default=None, nullable=True)
    then: str = columns.text(default="")
    may: list[str] = columns.words(default_factory=list)
    details: dict[str, str] = columns.record(default_factory=dict)
    ended_at: datetime | None = columns.moment(default=None, nullable=True)


class JourneyHistory(SQLModel, table=True):
    """The whole history of a closed workflow as (encrypted) JSON, kept when Temporal forgets it."""

    __tablename__ = "journey_histories"

    workflow_id: str = columns.text(primary_key=True)
    run_id: str = columns.text(primary_key=True)
    word: str = columns.text(index=True)  # workflow type
    status: str = columns.text()
    events: int
    history: str = columns.text()
    closed_at: datetime = columns.moment()
