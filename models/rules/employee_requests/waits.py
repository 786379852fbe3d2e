"""What a request waits for while a step is under way, until when, and what happens then."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from models.messages.employee_requests.items import Step, StepKind
from models.messages.employee_requests.lives import ApprovalState, StepState
from models.messages.employee_requests.requests import ApprovalStatus, request_workflow_id
from models.messages.journeys import Wait, WaitFor
from models.rules.calendars import KST
from models.rules.employee_requests import approvals as deciding

_KINDS = {
    StepKind.TASK: (WaitFor.US, "request_task", "warn_late_task"),
    StepKind.FORM: (WaitFor.EMPLOYEE, "request_form", "remind_form"),
    StepKind.CALL: (WaitFor.SYSTEM, "request_call", ""),
    StepKind.REQUEST: (WaitFor.US, "request_child", ""),
}


def key_of(path: str) -> str:
    """The wait of a step."""
    return f"step:{path}"


def wait_of(request_id: str, step: Step, state: StepState, asked: Iterable[ApprovalState]) -> Wait | None:
    """The wait that a step under way needs; None for one that waits for nobody."""
    subject = request_workflow_id(request_id)
    common: dict[str, Any] = {
        "key": key_of(state.path), "subject": subject, "ticket_id": "", "case_id": request_id,
        "since": state.since,
    }  # fmt: skip
    if state.kind is StepKind.APPROVAL:
        return _of_approval(common, [one for one in asked if one.path == state.path])
    if state.kind is StepKind.WAIT and step.wait is not None:
        if step.wait.event:
            return Wait(
                **common, who=WaitFor.US, what="request_event", until=state.due_at,
                then="request_goes_on" if state.due_at else "",
            )  # fmt: skip
        day = state.due_at.astimezone(KST).date().isoformat() if state.due_at else ""
        return Wait(
            **common, who=WaitFor.TIMER, what="request_day", until=state.due_at,
            then="request_goes_on", details={"day": day},
        )  # fmt: skip
    if state.kind not in _KINDS:
        return None
    who, what, then = _KINDS[state.kind]
    until = None if state.is_late else state.due_at
    return Wait(
        **common, who=who, what=what, until=until, then=then if until else ""
    )  # fmt: skip


def _of_approval(common: dict[str, Any], asked: list[ApprovalState]) -> Wait | None:
    if not any(one.status is ApprovalStatus.PENDING for one in asked):
        if not any(one.status is ApprovalStatus.ASKED for one in asked):
            return None  # everybody has decided; the step is about to end
        until = deciding.next_due(asked)
        then = "remind_asker" if until is not None else ""
        return Wait(**common, who=WaitFor.EMPLOYEE, what="request_question", until=until, then=then)
    until = deciding.next_due(asked)
    is_higher = any(one.escalate_at is not None and one.escalate_at == until for one in asked)
    then = "" if until is None else "escalate_approval" if is_higher else "remind_approver"
    return Wait(
        **common, who=WaitFor.EMPLOYEE, what="request_approval", until=until, then=then,
        details={"approver": "…"},
    )  # fmt: skip


def latest_day(since: datetime, days: int) -> datetime | None:
    """The end of a wait for an event; days of the calendar, 0: there is none."""
    return since + timedelta(days=days) if days else None
