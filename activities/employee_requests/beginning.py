"""A step begins: whether it is taken at all, who is asked, what a team does, until when."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.employee_requests import asking, reading
from activities.employee_requests.budgets import spent
from activities.employee_requests.rows import Telling, let_read, let_team_read, tell
from activities.kit.calendars import working_calendar
from models.employee_requests import EmployeeRequest, RequestStep, RequestTask
from models.employee_requests.items import RequestItemVersion
from models.kit import expressions
from models.kit.ids import child_request_id
from models.messages.catalogue import VersionStatus
from models.messages.employee_requests.items import Hands, Item, Step, StepKind
from models.messages.employee_requests.lives import Begun, Place
from models.messages.employee_requests.requests import (
    ReaderWhy,
    RequestOrder,
    RequestStatus,
    StepStatus,
    TaskStatus,
    request_workflow_id,
)
from models.messages.systems import OPERATIONS, ParameterKind
from models.rules.calendars import KST, add_working_minutes
from models.rules.employee_requests.paths import step_at
from models.rules.employee_requests.waits import latest_day
from models.staff import Employee


@dataclass(frozen=True)
class Beginning:
    """Everything that the kinds need to begin."""

    session: AsyncSession
    request: EmployeeRequest
    item: Item
    step: Step
    place: Place
    names: Mapping[str, Any]  # what expressions may name

    async def in_business_hours(self, hours: int) -> datetime:
        """The moment after so many hours of work."""
        calendar = await working_calendar(self.session, self.place.at)
        return add_working_minutes(self.place.at, hours * 60, calendar)


async def begin(session: AsyncSession, place: Place) -> Begun:
    """Begin a step, or say how it began before."""
    request = await reading.locked(session, place.request_id)
    known = await session.get(RequestStep, (place.request_id, place.path))
    if known is None:
        item = await reading.item_of(session, place.item_key, place.item_version)
        step = step_at(item, place.path)
        if step is None:
            raise reading.refused("item_gone")
        try:
            known = await _begin(session, request, item, step, place)
        except expressions.Unanswerable as wrong:
            raise reading.refused(wrong.code) from None
        request.seq, request.updated_at = max(request.seq, place.seq), place.at
        await tell(session, Telling(request, place.seq, place.at), step=step, state=reading.state_of(known))
    return await _as_begun(session, request, known)


async def look_again(session: AsyncSession, place: Place) -> Begun:
    """Work out anew until when a step waits: the day may have moved."""
    request = await reading.locked(session, place.request_id)
    row = await session.get_one(RequestStep, (place.request_id, place.path))
    item = await reading.item_of(session, place.item_key, place.item_version)
    step = step_at(item, place.path)
    if row.status is StepStatus.ACTIVE and step is not None and step.wait is not None and step.wait.until:
        names = await reading.variables(session, request, item, place.path, place.at)
        try:
            row.due_at = _midnight(expressions.day(step.wait.until, names))
        except expressions.Unanswerable as wrong:
            raise reading.refused(wrong.code) from None
        request.seq = max(request.seq, place.seq)
        await tell(session, Telling(request, place.seq, place.at), step=step, state=reading.state_of(row))
    return await _as_begun(session, request, row)


async def _begin(
    session: AsyncSession, request: EmployeeRequest, item: Item, step: Step, place: Place
) -> RequestStep:
    row = RequestStep(
        request_id=request.id, path=place.path, step_id=step.id, kind=step.kind.value, seq=place.seq,
        status=StepStatus.ACTIVE, since=place.at, due_at=None, is_late=False, result={}, details={},
    )  # fmt: skip
    names = await reading.variables(session, request, item, place.path, place.at)
    if not expressions.holds(step.when, names):
        row.status, row.ended_at = StepStatus.SKIPPED, place.at
        session.add(row)
        await session.flush()
        return row
    beginning = Beginning(session, request, item, step, place, names)
    row.details = await KINDS[step.kind](beginning, row)
    session.add(row)
    await session.flush()
    if step.kind is StepKind.APPROVAL:
        await asking.first_questions(beginning, row)
    return row


async def _as_begun(session: AsyncSession, request: EmployeeRequest, row: RequestStep) -> Begun:
    approvals = await reading.approvals_of(session, request.id, row.path)
    tasks = [one for one in await reading.tasks_of(session, request.id) if one.path == row.path]
    child: RequestOrder | None = None
    if found := row.details.get("child_id"):
        born = await session.get_one(EmployeeRequest, found)
        child = RequestOrder(
            born.id, born.item_key, born.item_version, born.asked_by or "", born.for_employee_id, row.since,
            born.is_confidential, request_workflow_id(request.id), row.path,
        )  # fmt: skip
    return Begun(
        reading.state_of(row), tuple(reading.approval_of(one) for one in approvals),
        reading.task_of(tasks[0]) if tasks else None, child,
    )  # fmt: skip


# The kinds


async def _nothing(beginning: Beginning, row: RequestStep) -> dict[str, Any]:
    """Parallel lanes, an end and an approval need nothing of their own."""
    return {}


async def _approval(beginning: Beginning, row: RequestStep) -> dict[str, Any]:
    """What there is for it on the day it is asked."""
    approval = beginning.step.approval
    if approval is None or not approval.budget:
        return {}
    found: dict[str, Any] = {"budget_minor": expressions.amount(approval.budget, beginning.names)}
    return found | await spent(beginning.session, beginning.request, beginning.step, beginning.place.at)


async def _branch(beginning: Beginning, row: RequestStep) -> dict[str, Any]:
    cases = beginning.step.cases
    fits = (n for n, case in enumerate(cases) if expressions.holds(case.when, beginning.names))
    return {"chosen": next(fits, len(cases))}


async def _each(beginning: Beginning, row: RequestStep) -> dict[str, Any]:
    elements = reading.as_stored(expressions.elements(beginning.step.over, beginning.names))
    return {"elements": elements, "chosen": len(elements)}


async def _task(beginning: Beginning, row: RequestStep) -> dict[str, Any]:
    task = beginning.step.task
    assert task is not None
    row.due_at = await beginning.in_business_hours(task.due_hours)
    points = [{**texts, "is_done": False} for texts in task.checklist]
    beginning.session.add(
        RequestTask(
            id=f"{row.request_id}.{row.path}", request_id=row.request_id, path=row.path, team_id=task.team,
            title_ko=task.titles["ko"], title_en=task.titles["en"], checklist=points, due_at=row.due_at,
            status=TaskStatus.OPEN, created_at=row.since,
        )
    )  # fmt: skip
    await let_team_read(beginning.session, beginning.request, task.team, row.since)
    return {}


async def _form(beginning: Beginning, row: RequestStep) -> dict[str, Any]:
    form = beginning.step.form
    assert form is not None
    row.due_at = await beginning.in_business_hours(form.due_hours)
    if form.by is Hands.TEAM:
        await let_team_read(beginning.session, beginning.request, form.team, row.since)
    account = await account_of(beginning.session, beginning.request, form.by)
    if account:
        await let_read(beginning.session, beginning.request, account, ReaderWhy.NAMED, row.since)
    return {"by": form.by.value, "team": form.team, "account_id": account}


async def _call(beginning: Beginning, row: RequestStep) -> dict[str, Any]:
    call = beginning.step.call
    assert call is not None
    known = [o for o in OPERATIONS if (o.connector, o.name) == (call.connector, call.operation)]
    if not known:
        raise reading.refused("operation_unknown")
    parameters = {
        name: reading.as_stored(expressions.evaluate(text, beginning.names))
        for name, text in call.parameters.items()
    }
    kinds = {one.name: one.kind for one in known[0].parameters}
    if any(kind is ParameterKind.PERSON and not parameters.get(name) for name, kind in kinds.items()):
        raise reading.refused("parameter_missing")
    given = {name: value for name, value in parameters.items() if value is not None}
    return {"parameters": given, "connector": call.connector, "operation": call.operation, "undo": call.undo}


async def _wait(beginning: Beginning, row: RequestStep) -> dict[str, Any]:
    wait = beginning.step.wait
    assert wait is not None
    if wait.until:
        row.due_at = _midnight(expressions.day(wait.until, beginning.names))
    else:
        row.due_at = latest_day(row.since, wait.at_most_days)
    return {"event": wait.event}


async def _message(beginning: Beginning, row: RequestStep) -> dict[str, Any]:
    message = beginning.step.message
    assert message is not None
    values = {
        name: reading.as_stored(expressions.evaluate(text, beginning.names))
        for name, text in message.values.items()
    }
    return {"values": values}


async def _request(beginning: Beginning, row: RequestStep) -> dict[str, Any]:
    """The row of the other request, born here; its workflow is started by this one's."""
    session, request, child = beginning.session, beginning.request, beginning.step.request
    assert child is not None
    published = select(RequestItemVersion).where(
        col(RequestItemVersion.item_key) == child.item,
        col(RequestItemVersion.status) == VersionStatus.PUBLISHED,
    )
    version: RequestItemVersion | None = await session.scalar(published)
    if version is None:
        raise reading.refused("item_gone")
    item = await reading.item_of(session, child.item, version.version)
    id = child_request_id(request.id, row.path)
    born = {
        "id": id, "submission_key": id, "item_key": child.item, "item_version": version.version,
        "asked_by": request.asked_by, "for_employee_id": request.for_employee_id,
        "owner_team_id": item.owner_team, "status": RequestStatus.OPEN,
        "is_confidential": request.is_confidential or item.is_confidential,
        "answers": {
            name: reading.as_stored(expressions.evaluate(text, beginning.names))
            for name, text in child.answers.items()
        },
        "parent_id": request.id, "parent_path": row.path, "created_at": row.since, "updated_at": row.since,
        "reason": "", "seq": 0,
    }  # fmt: skip
    await session.execute(insert(EmployeeRequest).values(born).on_conflict_do_nothing())
    return {"child_id": id, "is_waited_for": child.is_awaited}


def _midnight(day: Any) -> datetime:
    """When a day begins in Seoul."""
    return datetime.combine(day, time(), KST).astimezone(UTC)


async def account_of(session: AsyncSession, request: EmployeeRequest, hands: Hands) -> str:
    """The account of whoever fills in a form or is written to."""
    if hands is Hands.ASKER:
        return request.asked_by or ""
    employee = await session.get(Employee, request.for_employee_id)
    if hands is Hands.MANAGER and employee is not None:
        employee = await session.get(Employee, employee.manager_id or "")
    return (employee.account_id or "") if employee is not None and hands is not Hands.TEAM else ""


KINDS: dict[StepKind, Callable[[Beginning, RequestStep], Awaitable[dict[str, Any]]]] = {
    StepKind.FORM: _form,
    StepKind.APPROVAL: _approval,
    StepKind.TASK: _task,
    StepKind.CALL: _call,
    StepKind.WAIT: _wait,
    StepKind.BRANCH: _branch,
    StepKind.PARALLEL: _nothing,
    StepKind.EACH: _each,
    StepKind.MESSAGE: _message,
    StepKind.REQUEST: _request,
    StepKind.END: _nothing,
}
