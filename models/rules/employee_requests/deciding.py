"""Who may say what on a request, as refusal codes; empty: they may."""

from models.messages.employee_requests.lives import ApprovalState, TaskState
from models.messages.employee_requests.requests import (
    Answer,
    ApprovalStatus,
    CheckOff,
    Decision,
    FinishTask,
    TaskStatus,
    Verdict,
)


def decision_refusal(decision: Decision, asked: ApprovalState | None, beneficiary: str, asker: str) -> str:
    """Whether this person may decide this question now, this way."""
    if asked is None or asked.status not in (ApprovalStatus.PENDING, ApprovalStatus.ASKED):
        return "approval_not_open"
    is_named = bool(asked.employee_id) and decision.employee_id == asked.employee_id
    is_of_team = bool(asked.team_id) and decision.team_id == asked.team_id
    if not (is_named or is_of_team):
        return "approval_not_yours"
    if decision.employee_id and decision.employee_id in (beneficiary, asker):
        return "approval_own"
    if decision.verdict is Verdict.APPROVE and asked.needs_sign_in and not decision.is_signed_in:
        return "sign_in_needed"
    if decision.verdict is Verdict.ASK and not decision.comment.strip():
        return "question_missing"
    return "cannot_decide" if decision.verdict is Verdict.DELEGATE and not decision.delegate_to else ""


def answer_refusal(answer: Answer, asked: ApprovalState | None) -> str:
    """Whether there is a question to answer."""
    is_asked = asked is not None and asked.status is ApprovalStatus.ASKED
    return "" if is_asked and answer.text.strip() else "no_question"


def task_refusal(task: TaskState | None, command: CheckOff | FinishTask | None = None) -> str:
    """Whether a task is still to be done, and may be finished."""
    if task is None or task.status is not TaskStatus.OPEN:
        return "task_not_open"
    if isinstance(command, CheckOff) and not 0 <= command.point < len(task.points):
        return "task_not_open"
    return "checklist_open" if isinstance(command, FinishTask) and not all(task.points) else ""
