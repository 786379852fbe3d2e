"""Catalogue items and their versions. Edited by api/employee_requests/; results of simulations are written by
activities/employee_requests/items.py."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.catalogue import VersionStatus
from models.messages.employee_requests.simulation import SimulationStatus


class RequestItem(SQLModel, table=True):
    """One thing that employees can ask for, whatever its versions say."""

    __tablename__ = "request_items"

    key: str = columns.text(primary_key=True)
    owner_team: str = Field(foreign_key="teams.id", index=True)  # as last published
    created_by: str = columns.text()
    created_at: datetime = columns.moment()


class RequestItemVersion(SQLModel, table=True):
    """One version. Published it never changes, and running requests keep theirs; new ones take the version
    whose status is published, of which each item has at most one."""

    __tablename__ = "request_item_versions"
    __table_args__ = (
        Index(
            "one_published_version", "item_key", unique=True, postgresql_where=text("status = 'published'")
        ),
        Index(
            "one_open_draft", "item_key", unique=True, postgresql_where=text("status in ('draft', 'review')")
        ),
        CheckConstraint("reviewer_id is null or reviewer_id <> all (writers)", name="reviewed_by_another"),
        CheckConstraint(
            "status in ('draft', 'review') or (reviewer_id is not null and definition is not null)",
            name="published_was_reviewed",
        ),
    )

    item_key: str = Field(primary_key=True, foreign_key="request_items.key")
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    status: VersionStatus = Field(default=VersionStatus.DRAFT, sa_type=columns.word(VersionStatus))
    text: str = columns.text()  # the file as it was written
    definition: dict[str, Any] | None = columns.record(default=None, nullable=True)  # Item; none while broken
    checksum: str = columns.text()  # sha256 of the file in its canonical form, of the text while broken
    note: str = columns.text(default="")
    made_from: int | None = None  # the version that it began as: roll back, copy
    writers: list[str] = columns.words(default_factory=list)  # everybody whose hand was on it
    reviewer_id: str | None = columns.text(default=None, nullable=True)
    review_note: str = columns.text(default="")
    created_at: datetime = columns.moment()
    written_at: datetime = columns.moment()
    published_at: datetime | None = columns.moment(default=None, nullable=True)
    retired_at: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class ItemSimulation(SQLModel, table=True):
    """What a version would have made of the requests of the past days. Asked for by api, filled in once."""

    __tablename__ = "item_simulations"
    __table_args__ = (Index("simulations_by_version", "item_key", "version", "asked_at"),)

    id: str = Field(primary_key=True)
    item_key: str = Field(foreign_key="request_items.key")
    version: int
    checksum: str = columns.text()  # of the draft that was simulated: a later edit shows it is out of date
    asked_by: str = columns.text()
    asked_at: datetime = columns.moment()
    since: datetime = columns.moment()
    status: SimulationStatus = Field(default=SimulationStatus.RUNNING, sa_type=columns.word(SimulationStatus))
    result: dict[str, Any] = columns.record(default_factory=dict)  # SimulationResult
    finished_at: datetime | None = columns.moment(default=None, nullable=True)
