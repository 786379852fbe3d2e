"""How far a request is: one stage after the other with who, since and until when, from its rows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from api.employee_requests.shelf import in_order, said
from api.kit.formats import day, moment
from api.kit.labels import name_of
from api.kit.language import gettext as _
from api.kit.language import locale
from models.employee_requests import RequestApproval, RequestStep, RequestTask
from models.messages.employee_requests.items import Hands, Item, Step, StepKind
from models.messages.employee_requests.requests import ApprovalStatus, StepStatus, TaskStatus
from models.rules.employee_requests.walking import lists_of

ICONS = {
    StepKind.FORM: "clipboard-list", StepKind.APPROVAL: "badge-check", StepKind.TASK: "wrench",
    StepKind.CALL: "server", StepKind.WAIT: "timer", StepKind.BRANCH: "route", StepKind.PARALLEL: "layers",
    StepKind.EACH: "refresh-cw", StepKind.MESSAGE: "mail", StepKind.REQUEST: "inbox", StepKind.END: "flag",
}  # fmt: skip
STATES = {
    StepStatus.ACTIVE: "now", StepStatus.DONE: "done", StepStatus.SKIPPED: "skipped",
    StepStatus.FAILED: "late", StepStatus.UNDONE: "skipped", StepStatus.VOID: "skipped",
}  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """One station on the way; `state` is done, now, late, next or skipped."""

    path: str
    name: str
    state: str
    icon: str
    depth: int = 0
    sub: str = ""  # who and what is waited for
    at: str = ""
    since: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True)
class Rows:
    """What is stored of one request's life."""

    steps: Mapping[str, RequestStep]
    approvals: Mapping[str, list[RequestApproval]]
    tasks: Mapping[str, list[RequestTask]]
    names: Mapping[str, str]  # colleagues by id
    teams: Mapping[str, str]
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class Undo:
    """One thing that calling off takes back, or has taken back."""

    name: str
    is_undone: bool


def stages_of(item: Item, rows: Rows) -> tuple[Stage, ...]:
    """The stages in the order in which they come: what is inside another one stands below it."""
    return tuple(of_steps(item.steps, "", 0, rows))


def of_steps(steps: Iterable[Step], above: str, depth: int, rows: Rows) -> Iterator[Stage]:
    """The stages of a list of steps."""
    for at, step in enumerate(steps):
        path = f"{above}.{at}" if above else str(at)
        if step.kind is StepKind.MESSAGE:
            continue  # nobody waits for a letter
        row = rows.steps.get(path)
        yield one_stage(step, path, depth, row, rows)
        if depth < 2:
            yield from inside(step, path, depth + 1, rows)


def inside(step: Step, path: str, depth: int, rows: Rows) -> Iterator[Stage]:
    """What happens within a step: every lane, and of cases and rounds what has begun."""
    for part, inner in parts_of(step, path, rows):
        has_begun = any(one.startswith(f"{path}.{part}.") for one in rows.steps)
        if has_begun or step.kind is StepKind.PARALLEL:
            yield from of_steps(inner, f"{path}.{part}", depth, rows)


def one_stage(step: Step, path: str, depth: int, row: RequestStep | None, rows: Rows) -> Stage:
    """One stage with its state and what it waits for."""
    name, icon = said(step.names), ICONS[step.kind]
    if row is None:
        return Stage(path, name, "next", icon, depth, sub=who_ahead(step, rows))
    state = STATES[row.status]
    if state == "now" and row.due_at is not None and row.due_at < rows.now:
        state = "late"
    if row.status is StepStatus.ACTIVE:
        at = _("until %(time)s", time=moment(row.due_at)) if row.due_at else ""
        return Stage(
            path, name, state, icon, depth, waits_for(step, path, row, rows), at, row.since, row.due_at
        )
    label = name_of(row.status, "request_stage") or ""
    sub = who_did(path, rows) if row.status is StepStatus.DONE else label
    return Stage(path, name, state, icon, depth, sub, moment(row.ended_at), row.since, row.due_at)


def waits_for(step: Step, path: str, row: RequestStep, rows: Rows) -> str:
    """The sentence of what is waited for: whom, for what."""
    if step.kind is StepKind.APPROVAL:
        return ", ".join(approval_sentences(rows.approvals.get(path, []), rows))
    if step.kind is StepKind.TASK:
        open_ones = [one for one in rows.tasks.get(path, []) if one.status is TaskStatus.OPEN]
        found = ((rows.teams.get(one.team_id, one.team_id), title(one)) for one in open_ones)
        return ", ".join(_("Waiting for %(team)s: %(task)s", team=team, task=task) for team, task in found)
    if step.kind is StepKind.WAIT:
        until = row.due_at
        is_day = step.wait is not None and step.wait.until
        if until is not None and is_day:
            return _("Waiting until %(day)s", day=day(until))
        return _("Waiting for something that happens elsewhere")
    if step.kind is StepKind.FORM:
        return _("Waiting for %(who)s to fill in a form", who=hands(step, rows))
    if step.kind is StepKind.CALL:
        return _("Another system is doing its part")
    return _("Waiting for another request") if step.kind is StepKind.REQUEST else ""


def approval_sentences(approvals: Iterable[RequestApproval], rows: Rows) -> Iterator[str]:
    """Who still has to decide."""
    for one in approvals:
        if one.status is ApprovalStatus.PENDING:
            yield _("Waiting for %(name)s to decide", name=approver(one, rows))
        elif one.status is ApprovalStatus.ASKED:
            yield _("%(name)s has asked back and waits for an answer", name=approver(one, rows))


def approver(one: RequestApproval, rows: Rows) -> str:
    """Who is asked: a person, in whose place, or a team."""
    if one.approver_employee_id is None:
        return rows.teams.get(one.team_id or "", _("somebody"))
    name = rows.names.get(one.approver_employee_id, _("somebody"))
    was = rows.names.get(one.was_for_employee_id or "")
    return _("%(name)s (for %(other)s)", name=name, other=was) if was and was != name else name


def who_did(path: str, rows: Rows) -> str:
    """Who decided or did it, once it is done."""
    decided = [one for one in rows.approvals.get(path, []) if one.status is ApprovalStatus.APPROVED]
    if decided:
        return ", ".join(_("%(name)s approved", name=approver(one, rows)) for one in decided)
    if things := str(rows.steps[path].result.get("things", "")):
        return _("Taken back: %(things)s", things=things)
    tasks = rows.tasks.get(path, [])
    return ", ".join(rows.teams.get(one.team_id, "") for one in tasks if one.status is TaskStatus.DONE)


def who_ahead(step: Step, rows: Rows) -> str:
    """Whose turn it will be, where the item says it."""
    if step.task is not None:
        return rows.teams.get(step.task.team, "")
    return ""


def hands(step: Step, rows: Rows) -> str:
    """Who fills in a form in the middle of a request."""
    if step.form is None or step.form.by is Hands.TEAM:
        return rows.teams.get(step.form.team if step.form else "", _("somebody"))
    return {
        Hands.ASKER: _("whoever asked"), Hands.BENEFICIARY: _("whoever it is for"),
        Hands.MANAGER: _("the manager"),
    }[step.form.by]  # fmt: skip


def title(task: RequestTask) -> str:
    """What a task is called in the reader's language."""
    return task.title_ko if locale() == "ko" else task.title_en


def undo_list(item: Item, rows: Rows) -> tuple[Undo, ...]:
    """What calling off takes back, the last first."""
    found = [
        (path, step) for path, step in placed(item.steps, "", rows)
        if step.call is not None and step.call.undo
    ]  # fmt: skip
    found.sort(key=lambda one: ended(rows, one[0]), reverse=True)
    return tuple(
        Undo(said(step.names), rows.steps[path].status is StepStatus.UNDONE) for path, step in found
        if rows.steps[path].status in (StepStatus.DONE, StepStatus.ACTIVE, StepStatus.UNDONE)
    )  # fmt: skip


def ended(rows: Rows, path: str) -> datetime:
    """When a step was over; one that is not counts as the newest."""
    return rows.steps[path].ended_at or rows.now


def placed(steps: Iterable[Step], above: str, rows: Rows) -> Iterator[tuple[str, Step]]:
    """Every step that has begun, with its path."""
    for at, step in enumerate(steps):
        path = f"{above}.{at}" if above else str(at)
        if path in rows.steps:
            yield path, step
        for part, inner in parts_of(step, path, rows):
            yield from placed(inner, f"{path}.{part}", rows)


def parts_of(step: Step, path: str, rows: Rows) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """The lists of steps within a step, each with its part of the path; rounds as far as they have begun."""
    for part, _place, inner in lists_of(step):
        if part != "*":
            yield part, inner
            continue
        begun = {one[len(path) + 1 :].split(".")[0] for one in rows.steps if one.startswith(f"{path}.")}
        for round_ in sorted(begun, key=in_order):
            yield round_, inner
