"""What a request's workflow and its activities tell each other: what stands, what begins, what is written."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from models.messages.employee_requests.items import Item, StepKind
from models.messages.employee_requests.requests import (
    ApprovalStatus,
    ChildSettled,
    RequestOrder,
    RequestStatus,
    StepStatus,
    TaskStatus,
)
from models.messages.journeys import WaitNotes
from models.messages.tickets import TicketSettled


@dataclass(frozen=True)
class StepState:
    """One step that has begun."""

    path: str
    step_id: str
    kind: StepKind
    status: StepStatus
    seq: int  # the request's count when it began: undone in the reverse order
    since: datetime
    due_at: datetime | None = None
    chosen: int = 0  # the case that was taken, how many rounds there are
    child_id: str = ""  # the request that it asked for
    is_waited_for: bool = True
    is_late: bool = False


@dataclass(frozen=True)
class ApprovalState:
    """One question to one person or team; equal positions are one question to several."""

    id: str
    path: str
    position: int
    status: ApprovalStatus
    employee_id: str = ""
    team_id: str = ""
    needs_sign_in: bool = False
    remind_at: datetime | None = None
    escalate_at: datetime | None = None
    answer_by: datetime | None = (
        None  # until when the asker has time for its question, then they are reminded
    )


@dataclass(frozen=True)
class TaskState:
    """One task of a team."""

    id: str
    path: str
    status: TaskStatus
    team_id: str
    points: tuple[bool, ...] = ()
    due_at: datetime | None = None
    is_late: bool = False


@dataclass(frozen=True)
class Standing:
    """Where a request stands, as the tables say it: its item and everything that has begun."""

    item: Item
    seq: int
    status: RequestStatus
    asker_employee_id: str = ""
    due_at: datetime | None = None
    steps: tuple[StepState, ...] = ()
    approvals: tuple[ApprovalState, ...] = ()
    tasks: tuple[TaskState, ...] = ()
    children: tuple[ChildSettled, ...] = ()


@dataclass(frozen=True)
class Place:
    """A step of a running request, for the activity that begins it or looks at it again."""

    request_id: str
    item_key: str
    item_version: int
    path: str
    seq: int
    at: datetime


@dataclass(frozen=True)
class Begun:
    """What a step needs, as it was decided when it began."""

    step: StepState
    approvals: tuple[ApprovalState, ...] = ()
    task: TaskState | None = None
    child: RequestOrder | None = None


class Ask(StrEnum):
    """Why it is decided anew who approves."""

    NEXT = "next"  # in order: the one before has approved
    OVERDUE = "overdue"  # silence: remind, then ask the manager as well
    CHANGED = "changed"  # whoever was asked left, is away or handed over
    DELEGATE = "delegate"  # whoever was asked names somebody
    AGAIN = "again"  # their question was answered
    QUESTION = "question"  # they ask back: from now on the asker is waited for


@dataclass(frozen=True)
class Asking:
    """What `employee_requests.ask` is asked."""

    place: Place
    why: Ask
    approval_id: str
    actor_id: str = ""
    actor_kind: str = "system"
    delegate_to: str = ""
    text: str = ""  # the comment with a delegation, the answer to a question
    reason: str = ""  # of CHANGED: "left", "absent" …


@dataclass(frozen=True)
class Asked:
    """Who approves now; `refusal` says why nothing was changed."""

    approvals: tuple[ApprovalState, ...] = ()
    refusal: str = ""
    written: tuple[str, ...] = ()  # letters to send: "approval:<id>", "approval_reminder:<id>"


@dataclass(frozen=True)
class StepEnd:
    """How a step ended."""

    path: str
    status: StepStatus
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ApprovalWord:
    """What became of one question."""

    id: str
    status: ApprovalStatus
    decided_by: str = ""
    comment: str = ""


@dataclass(frozen=True)
class TaskWord:
    """What became of one task; None leaves as it is."""

    id: str
    status: TaskStatus = TaskStatus.OPEN
    point: int = -1
    is_ticked: bool = False
    sets_assignee: bool = False
    assignee: str | None = None
    is_late: bool = False
    note: str = ""


@dataclass(frozen=True)
class RequestChange:
    """One step of a request's life as `employee_requests.record` writes it, in one transaction."""

    request_id: str
    seq: int
    at: datetime
    sentence: str = ""
    status: RequestStatus = RequestStatus.OPEN
    actor_id: str = ""
    actor_kind: str = "system"
    details: dict[str, str] = field(default_factory=dict)
    waits: WaitNotes = field(default_factory=WaitNotes)
    step: StepEnd | None = None
    approval: ApprovalWord | None = None
    task: TaskWord | None = None
    answers: dict[str, Any] = field(default_factory=dict)
    path: str = ""  # the step that the sentence is about
    late: str = ""  # the step whose first deadline has passed
    reason: str = ""
    voids: bool = False  # nobody is asked or has to do anything any more
    moves_to: int = 0  # another version of the item
    visit: TicketSettled | None = None  # how a visit has ended that a step asked for
    reader: str = ""  # account that may see the request from now on
    by_hand: str = ""  # path of a call that a colleague has to undo: a task of the owning team


@dataclass(frozen=True)
class CallOrder:
    """One operation of an outside system that a step asks for, or takes back."""

    request_id: str
    path: str
    connector: str
    operation: str
    is_undo: bool = False
