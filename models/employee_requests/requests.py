"""Employees' requests as stored. A request is born in api/employee_requests; from then on
activities/employee_requests writes it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.employee_requests.requests import (
    ApprovalStatus,
    ReaderWhy,
    RequestStatus,
    StepStatus,
    TaskStatus,
)


class EmployeeRequest(SQLModel, table=True):
    """What one employee asks of us, by one version of a catalogue item."""

    __tablename__ = "employee_requests"
    __table_args__ = (
        UniqueConstraint(
            "asked_by", "submission_key", name="requests_own_key", postgresql_nulls_not_distinct=True
        ),
        Index("requests_by_item", "item_key", "item_version", "status"),
        Index("requests_by_asker", "asked_by", "created_at"),
        Index("requests_by_employee", "for_employee_id", "created_at"),
        Index("requests_open_by_due", "due_at", "id", postgresql_where=text("status = 'open'")),
    )

    id: str = Field(primary_key=True)  # "E" and chance: models/kit/ids.py
    submission_key: str = columns.text()  # a double submit is one request
    item_key: str = columns.text()
    item_version: int
    asked_by: str | None = Field(default=None, foreign_key="accounts.id")  # nobody: a fact of the HR system
    for_employee_id: str = columns.text()
    owner_team_id: str | None = Field(default=None, foreign_key="teams.id")  # the item's, of that version
    status: RequestStatus = Field(default=RequestStatus.DRAFT, sa_type=columns.word(RequestStatus))
    is_confidential: bool = False
    answers: dict[str, Any] = columns.record(default_factory=dict)  # by field id
    ticket_id: str | None = Field(default=None, foreign_key="tickets.id", index=True)  # a case handed over
    parent_id: str | None = Field(default=None, foreign_key="employee_requests.id", index=True)
    parent_path: str = columns.text(default="")  # the parent's step that started it
    due_at: datetime | None = columns.moment(default=None, nullable=True)
    created_at: datetime = columns.moment()
    updated_at: datetime = columns.moment()
    closed_at: datetime | None = columns.moment(default=None, nullable=True)
    reason: str = columns.text(default="")
    seq: int = 0  # the workflow's own count: an older projection changes nothing


class RequestStep(SQLModel, table=True):
    """One step that has begun: where it stands in the item, since when, until when, what came out."""

    __tablename__ = "request_steps"

    request_id: str = Field(primary_key=True, foreign_key="employee_requests.id")
    path: str = columns.text(primary_key=True)  # "3.1.0": lane, case or element within a step
    step_id: str = columns.text()
    kind: str = columns.text()
    status: StepStatus = Field(sa_type=columns.word(StepStatus))
    seq: int = 0  # the request's count when it began: it is undone in the reverse order
    since: datetime = columns.moment()
    due_at: datetime | None = columns.moment(default=None, nullable=True)
    is_late: bool = False
    ended_at: datetime | None = columns.moment(default=None, nullable=True)
    result: dict[str, Any] = columns.record(default_factory=dict)  # `steps.<id>.result` in expressions
    details: dict[str, Any] = columns.record(default_factory=dict)  # what it works with: parameters, event


class RequestApproval(SQLModel, table=True):
    """One person (or, when nobody was found, a team) who is asked to approve."""

    __tablename__ = "request_approvals"
    __table_args__ = (
        Index("approvals_by_request", "request_id", "path", "position"),
        Index(
            "approvals_open_by_approver", "approver_employee_id",
            postgresql_where=text("status in ('pending', 'asked', 'later')"),
        ),
    )  # fmt: skip

    id: str = Field(primary_key=True)  # "<request>.<path>.<position>"
    request_id: str = Field(foreign_key="employee_requests.id")
    path: str = columns.text()
    position: int
    approver_employee_id: str | None = columns.text(default=None)
    was_for_employee_id: str | None = columns.text(default=None)  # who should have been asked
    team_id: str | None = Field(default=None, foreign_key="teams.id", index=True)  # when nobody was found
    why: str = columns.text(default="")  # code: "manager", "absent", "left", "delegated", "escalated"…
    status: ApprovalStatus = Field(default=ApprovalStatus.PENDING, sa_type=columns.word(ApprovalStatus))
    amount_minor: int | None = columns.minor(default=None, nullable=True)
    needs_sign_in: bool = False  # a link alone is not enough for this amount
    asked_at: datetime | None = columns.moment(default=None, nullable=True)
    remind_at: datetime | None = columns.moment(default=None, nullable=True)
    escalate_at: datetime | None = columns.moment(default=None, nullable=True)
    answer_by: datetime | None = columns.moment(default=None, nullable=True)  # then the asker is reminded
    decided_by: str | None = columns.text(default=None)  # account or link
    decided_at: datetime | None = columns.moment(default=None, nullable=True)
    comment: str = columns.text(default="")
    question: str = columns.text(default="")  # the approver's, while or since it was asked
    answer: str = columns.text(default="")


class RequestTask(SQLModel, table=True):
    """Work of a team for a request, with a checklist."""

    __tablename__ = "request_tasks"
    __table_args__ = (
        Index("tasks_open_by_team", "team_id", "due_at", "id", postgresql_where=text("status = 'open'")),
    )

    id: str = Field(primary_key=True)  # "<request>.<path>"
    request_id: str = Field(foreign_key="employee_requests.id", index=True)
    path: str = columns.text()
    team_id: str = Field(foreign_key="teams.id")
    assignee: str | None = Field(default=None, foreign_key="accounts.id")
    title_ko: str = columns.text()
    title_en: str = columns.text()
    checklist: list[dict[str, Any]] = columns.record(default_factory=list)  # {ko, en, is_done, by, at}
    status: TaskStatus = Field(default=TaskStatus.OPEN, sa_type=columns.word(TaskStatus))
    due_at: datetime | None = columns.moment(default=None, nullable=True)
    is_late: bool = False
    created_at: datetime = columns.moment()
    done_by: str | None = columns.text(default=None)
    done_at: datetime | None = columns.moment(default=None, nullable=True)
    note: str = columns.text(default="")


class RequestReader(SQLModel, table=True):
    """Somebody who may see one request; a confidential one is seen by nobody else."""

    __tablename__ = "request_readers"
    __table_args__ = (Index("readers_by_account", "account_id", "request_id"),)

    request_id: str = Field(primary_key=True, foreign_key="employee_requests.id")
    account_id: str = Field(primary_key=True, foreign_key="accounts.id")
    why: ReaderWhy = Field(sa_type=columns.word(ReaderWhy))
    since: datetime = columns.moment()


class RequestHandover(SQLModel, table=True):
    """What the ticket's page shows of a request that was handed over from it: how far it is, and the answers
    that are meant for the ticket. Born in api/employee_requests; whoever sees the ticket reads no more."""

    __tablename__ = "request_handovers"
    __table_args__ = (Index("handovers_by_ticket", "ticket_id", "created_at"),)

    request_id: str = Field(primary_key=True, foreign_key="employee_requests.id")
    ticket_id: str = Field(foreign_key="tickets.id")
    item_key: str = columns.text()
    item_version: int
    team_id: str | None = Field(default=None, foreign_key="teams.id")
    asked_by: str = Field(foreign_key="accounts.id")
    status: RequestStatus = Field(sa_type=columns.word(RequestStatus))
    is_confidential: bool = False  # then only whoever sees the request sees this
    stages: list[dict[str, Any]] = columns.record(default_factory=list)  # HandoverStage
    answers: dict[str, Any] = columns.record(default_factory=dict)  # those whose readers name `ticket`
    due_at: datetime | None = columns.moment(default=None, nullable=True)
    created_at: datetime = columns.moment()
    updated_at: datetime = columns.moment()
    closed_at: datetime | None = columns.moment(default=None, nullable=True)


class RequestFile(SQLModel, table=True):
    """One file that somebody has chosen in a form; of a request once the form is sent. Written by the api."""

    __tablename__ = "request_files"
    __table_args__ = (
        Index("files_by_request", "request_id"),
        Index("files_by_sender", "uploaded_by", "created_at"),
    )

    id: str = Field(primary_key=True)
    request_id: str | None = Field(default=None, foreign_key="employee_requests.id")
    field_id: str = columns.text()  # the question; its readers read the file
    uploaded_by: str = Field(foreign_key="accounts.id")
    name: str = columns.text()
    media_type: str = columns.text()
    size: int
    sha256: str = columns.text()
    stored_as: str = columns.text(unique=True)
    created_at: datetime = columns.moment()
