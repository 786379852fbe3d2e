"""Words about employees' requests: what people say to one, what it knows, what it tells others.

That an approver left or is away is told by `ApproverChanged` of models/messages/staff.py."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from models.messages.sentences import N_


class RequestStatus(StrEnum):
    DRAFT = "draft"  # kept for the asker, nobody else sees it
    OPEN = "open"
    DONE = "done"
    REJECTED = "rejected"  # an approver said no
    CANCELLED = "cancelled"  # called off; what was done is undone
    FAILED = "failed"  # a step cannot be done; what was done is undone


OVER = frozenset(
    {RequestStatus.DONE, RequestStatus.REJECTED, RequestStatus.CANCELLED, RequestStatus.FAILED}
)  # fmt: skip


class StepStatus(StrEnum):
    ACTIVE = "active"  # begun: somebody or something is waited for
    DONE = "done"
    SKIPPED = "skipped"  # its condition did not hold
    FAILED = "failed"
    UNDONE = "undone"  # was done and has been taken back
    VOID = "void"  # was active when the request ended another way


class ApprovalStatus(StrEnum):
    PENDING = "pending"
    LATER = "later"  # ordered: somebody else is asked before
    APPROVED = "approved"
    REJECTED = "rejected"
    ASKED = "asked"  # the approver asks back and waits for the asker's answer
    VOID = "void"  # not needed any more


class TaskStatus(StrEnum):
    OPEN = "open"
    DONE = "done"
    VOID = "void"


class Verdict(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    ASK = "ask"  # a question to the asker, in the comment
    DELEGATE = "delegate"  # somebody else decides


class ReaderWhy(StrEnum):
    """Why somebody may see a request."""

    ASKER = "asker"
    BENEFICIARY = "beneficiary"
    APPROVER = "approver"
    TEAM = "team"  # has a task for it, or owns the item
    NAMED = "named"  # the item names them, or somebody gave them the right


@dataclass(frozen=True)
class RequestOrder:
    """What starts the workflow "EmployeeRequest": a request that is stored, and the version it lives by."""

    request_id: str
    item_key: str
    item_version: int
    asked_by: str  # account; empty: a fact of the HR system
    for_employee_id: str
    at: datetime
    is_confidential: bool = False
    asked_by_workflow: str = ""  # a request or a ticket that waits for how this one ends
    asked_by_path: str = ""  # and the step in it
    is_again: bool = False  # it goes on in a new run: where it stood is read from the tables
    events: tuple[str, ...] = ()  # that have arrived before anything waited for them
    facts: tuple[str, ...] = ()  # that were told already
    longest_history: int = 2_000  # events after which it goes on in a new run


@dataclass(frozen=True)
class RequestCommand:
    """Somebody's word on a request; `id` is the command's own and makes a double click harmless."""

    id: str
    actor_id: str  # account, or the link's own id
    at: datetime
    actor_kind: str = "employee"


@dataclass(frozen=True)
class Decision(RequestCommand):
    """An approver approves, rejects, asks back or hands over."""

    approval_id: str = ""
    employee_id: str = ""  # who decides, as an employee
    team_id: str = ""  # and their team: an approval nobody could be found for is a team's
    verdict: Verdict = Verdict.APPROVE
    comment: str = ""
    delegate_to: str = ""  # employee
    is_signed_in: bool = True  # False: by a one-time link; above an amount that is not enough


@dataclass(frozen=True)
class Answer(RequestCommand):
    """The asker answers an approver's question; the approver is asked again."""

    approval_id: str = ""
    text: str = ""


@dataclass(frozen=True)
class CheckOff(RequestCommand):
    """One point of a task's checklist is ticked or not."""

    task_id: str = ""
    point: int = 0
    is_done: bool = True


@dataclass(frozen=True)
class TakeTask(RequestCommand):
    """Somebody of the team takes the task (None: gives it back)."""

    task_id: str = ""
    assignee: str | None = None  # account


@dataclass(frozen=True)
class FinishTask(RequestCommand):
    """The task is done; every point of its checklist is ticked."""

    task_id: str = ""
    note: str = ""


@dataclass(frozen=True)
class FillIn(RequestCommand):
    """A form in the middle of a request is filled in; the answers stand in the row already checked."""

    path: str = ""
    answers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CancelRequest(RequestCommand):
    """The request is called off; what was done is undone in reverse order."""

    reason: str = ""


@dataclass(frozen=True)
class Amend(RequestCommand):
    """Answers are changed while the request runs (a start date that moves); what waits for them follows."""

    answers: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class NameReader(RequestCommand):
    """Somebody of a team that works on it lets a colleague of the team see the request, too."""

    account_id: str = ""


@dataclass(frozen=True)
class Move(RequestCommand):
    """The request goes on by another version of its item."""

    version: int = 0


class PersonNews(StrEnum):
    """What became known of the person a request is for."""

    CHANGED = "changed"  # a day, a manager or a place: what is waited for is worked out anew
    CALLED_OFF = "called_off"  # they will not come, or will not leave: the request is called off


@dataclass(frozen=True)
class PersonChanged:
    """A fact about the person a request is for; the signal `person_changed`."""

    request_id: str
    news: PersonNews
    at: datetime
    fact_id: str = ""  # told twice it counts once
    reason: str = ""


@dataclass(frozen=True)
class EventArrived:
    """A fact that a step waits for by its name."""

    name: str
    at: datetime
    fact_id: str = ""


@dataclass(frozen=True)
class ChildSettled:
    """A fact: a child request has ended."""

    request_id: str
    path: str  # the step that started it
    status: RequestStatus
    at: datetime


@dataclass(frozen=True)
class ChildAsked:
    """A fact for a ticket: an agent has handed it to a department by this request."""

    request_id: str
    actor_id: str  # account
    at: datetime


@dataclass(frozen=True)
class HandoverStage:
    """One stage of a handed over request as the ticket's page shows it: nobody's name, nobody's words."""

    names: dict[str, str]  # by language
    state: str  # "now", "late", "done", "skipped"
    since: datetime
    due_at: datetime | None = None
    ended_at: datetime | None = None
    team_id: str = ""


@dataclass(frozen=True)
class Withdrawn:
    """A fact: whoever asked for a child request does not need it any more."""

    request_id: str
    at: datetime


@dataclass(frozen=True)
class RequestState:
    """Where a request's life stands, for operations and tests."""

    status: RequestStatus
    seq: int
    version: int
    waiting_for: tuple[str, ...] = ()


def request_workflow_id(request_id: str) -> str:
    return f"employee-request:{request_id}"


# What the timeline says, by code; %(stage)s is the step's name in the reader's language.
SENTENCES: dict[str, str] = {
    "employee_requests.opened": N_("The request was sent"),
    "employee_requests.joiner_known": N_("The HR system told us of a new colleague"),
    "employee_requests.mover_known": N_("The HR system told us of a new position"),
    "employee_requests.leaver_known": N_("The HR system told us of a last day"),
    "employee_requests.approval_asked": N_("%(stage)s: %(approver)s is asked to approve"),
    "employee_requests.approved": N_("%(stage)s: approved by %(approver)s"),
    "employee_requests.refused": N_("%(stage)s: not approved by %(approver)s"),
    "employee_requests.asked_back": N_("%(approver)s asks: %(question)s"),
    "employee_requests.answered": N_("The question of %(approver)s was answered: %(answer)s"),
    "employee_requests.delegated": N_("%(stage)s: handed over to %(approver)s"),
    "employee_requests.approver_changed": N_("%(stage)s: %(approver)s is asked instead"),
    "employee_requests.reminded": N_("%(stage)s: %(approver)s was reminded"),
    "employee_requests.asker_reminded": N_("%(stage)s: the question of %(approver)s waits for an answer"),
    "employee_requests.reader_named": N_("%(actor)s lets %(reader)s see the request"),
    "employee_requests.escalated": N_("%(stage)s: nobody answered, so %(approver)s is asked as well"),
    "employee_requests.task_given": N_("%(stage)s: a team has got the task"),
    "employee_requests.task_taken": N_("%(stage)s: %(actor)s took the task"),
    "employee_requests.task_back": N_("%(stage)s: the task was given back to the team"),
    "employee_requests.task_ticked": N_("%(stage)s: a point of the checklist was marked"),
    "employee_requests.task_late": N_("%(stage)s: not done in time; the team was warned"),
    "employee_requests.task_done": N_("%(stage)s: done"),
    "employee_requests.form_asked": N_("%(stage)s: a form waits to be filled in"),
    "employee_requests.form_late": N_("%(stage)s: not filled in yet; they were reminded"),
    "employee_requests.filled_in": N_("%(stage)s: filled in"),
    "employee_requests.called": N_("%(stage)s: done by the system"),
    "employee_requests.call_refused": N_("%(stage)s: the system refuses it"),
    "employee_requests.arrived": N_("%(stage)s: it has happened"),
    "employee_requests.not_arrived": N_("%(stage)s: it did not happen in time"),
    "employee_requests.day_came": N_("%(stage)s: the day has come"),
    "employee_requests.message_sent": N_("%(stage)s: a message was sent"),
    "employee_requests.child_asked": N_("%(stage)s: another request was sent"),
    "employee_requests.child_settled": N_("%(stage)s: the other request has ended"),
    "employee_requests.visit_done": N_("%(stage)s: the technician has done it"),
    "employee_requests.visit_not_done": N_("%(stage)s: the visit has ended without the work being done"),
    "employee_requests.amended": N_("Answers were changed"),
    "employee_requests.person_changed": N_("The HR system has news; what is waited for was worked out anew"),
    "employee_requests.moved": N_("The request goes on by version %(version)s"),
    "employee_requests.cancel_asked": N_("The request was called off; what was done is being undone"),
    "employee_requests.undone": N_("%(stage)s: undone"),
    "employee_requests.undo_by_hand": N_("%(stage)s: the system does not undo it; a colleague does"),
    "employee_requests.done": N_("Everything is done"),
    "employee_requests.rejected": N_("The request ended because it was not approved"),
    "employee_requests.cancelled": N_("The request is called off"),
    "employee_requests.failed": N_("The request could not be carried out"),
    "employee_requests.letter_failed": N_("A message could not be delivered; please use another way"),
}
