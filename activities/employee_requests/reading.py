"""What a request's activities read: its item, where it stands, and what its expressions may name."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from temporalio.exceptions import ApplicationError

from models.employee_requests import EmployeeRequest, RequestApproval, RequestStep, RequestTask
from models.employee_requests.items import RequestItemVersion
from models.kit.records import from_record
from models.messages.employee_requests.items import PERSON, Item, StepKind
from models.messages.employee_requests.lives import ApprovalState, Standing, StepState, TaskState
from models.messages.employee_requests.requests import OVER, ChildSettled, StepStatus
from models.rules.calendars import KST
from models.rules.employee_requests.paths import above
from models.rules.employee_requests.variables import Known, values_of
from models.staff import Employee

_KNOWN: dict[tuple[str, int, str], Item] = {}  # published versions never change
_MOST_KNOWN = 512


async def item_of(session: AsyncSession, key: str, version: int) -> Item:
    """One version of an item; kept for the next time."""
    mine = col(RequestItemVersion.item_key) == key, col(RequestItemVersion.version) == version
    checksum = await session.scalar(select(RequestItemVersion.checksum).where(*mine))  # type: ignore[call-overload]
    if checksum is None:
        raise refused("item_gone")
    if (known := _KNOWN.get((key, version, checksum))) is None:
        definition = await session.scalar(select(RequestItemVersion.definition).where(*mine))  # type: ignore[call-overload]
        if definition is None:
            raise refused("item_gone")
        if len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.clear()
        read = from_record(Item, definition)
        known = _KNOWN[key, version, checksum] = replace(read, version=version)
    return known


def refused(code: str) -> ApplicationError:
    """What asking again does not mend."""
    return ApplicationError(code, type=code, non_retryable=True)


async def locked(session: AsyncSession, request_id: str) -> EmployeeRequest:
    """The request's row, until the end of the transaction."""
    return await session.get_one(EmployeeRequest, request_id, with_for_update=True)


async def employee_behind(session: AsyncSession, account_id: str | None) -> Employee | None:
    """The employee who signs in with an account."""
    if not account_id:
        return None
    found: Employee | None = await session.scalar(
        select(Employee).where(col(Employee.account_id) == account_id)
    )
    return found


async def standing(session: AsyncSession, request: EmployeeRequest) -> Standing:
    """Everything that has begun, in the order in which it began."""
    asker = await employee_behind(session, request.asked_by)
    children = select(EmployeeRequest).where(
        col(EmployeeRequest.parent_id) == request.id, col(EmployeeRequest.status).in_(OVER)
    )
    at = request.updated_at
    return Standing(
        await item_of(session, request.item_key, request.item_version), request.seq, request.status,
        asker.id if asker else "", request.due_at,
        tuple(state_of(row) for row in await _steps(session, request.id)),
        tuple(approval_of(row) for row in await approvals_of(session, request.id)),
        tuple(task_of(row) for row in await tasks_of(session, request.id)),
        tuple(
            ChildSettled(one.id, one.parent_path, one.status, one.closed_at or at)
            for one in await session.scalars(children)
        ),
    )  # fmt: skip


async def _steps(session: AsyncSession, request_id: str) -> list[RequestStep]:
    query = select(RequestStep).where(col(RequestStep.request_id) == request_id)
    return list(await session.scalars(query.order_by(col(RequestStep.seq), col(RequestStep.path))))


async def approvals_of(session: AsyncSession, request_id: str, path: str = "") -> list[RequestApproval]:
    """The questions of a request, or of one of its steps."""
    query = select(RequestApproval).where(col(RequestApproval.request_id) == request_id)
    if path:
        query = query.where(col(RequestApproval.path) == path)
    return list(await session.scalars(query.order_by(col(RequestApproval.position), col(RequestApproval.id))))


async def tasks_of(session: AsyncSession, request_id: str) -> list[RequestTask]:
    """The tasks of a request."""
    query = select(RequestTask).where(col(RequestTask.request_id) == request_id)
    return list(await session.scalars(query.order_by(col(RequestTask.id))))


def state_of(row: RequestStep) -> StepState:
    """A step as the workflow knows it."""
    known = row.details
    return StepState(
        row.path, row.step_id, StepKind(row.kind), row.status, row.seq, row.since, row.due_at,
        int(known.get("chosen", 0)), str(known.get("child_id", "")), bool(known.get("is_waited_for", True)),
        row.is_late,
    )  # fmt: skip


def approval_of(row: RequestApproval) -> ApprovalState:
    """A question as the workflow knows it."""
    return ApprovalState(
        row.id, row.path, row.position, row.status, row.approver_employee_id or "", row.team_id or "",
        row.needs_sign_in, row.remind_at, row.escalate_at, row.answer_by,
    )  # fmt: skip


def task_of(row: RequestTask) -> TaskState:
    """A task as the workflow knows it."""
    points = tuple(bool(point.get("is_done")) for point in row.checklist)
    return TaskState(row.id, row.path, row.status, row.team_id, points, row.due_at, row.is_late)


# What expressions may name


async def variables(
    session: AsyncSession, request: EmployeeRequest, item: Item, path: str, at: datetime
) -> dict[str, Any]:
    """Every name that an expression at this place may use, as plain data."""
    me = _person(await session.get(Employee, request.for_employee_id))
    asker = _person(await employee_behind(session, request.asked_by))
    rows = await _steps(session, request.id)
    told = Known(
        {**_known(item, me), **request.answers}, {"me": me, "asker": asker}, _results(rows, path),
        at.astimezone(KST).date(),
    )  # fmt: skip
    found = values_of(item, told)
    around = {row.path: row for row in rows}
    for outer, number in above(path):
        row = around.get(outer)
        if row is not None and row.kind == StepKind.EACH.value:
            found["each"] = row.details["elements"][number]
            break
    return found


def _person(row: Employee | None) -> dict[str, Any]:
    return {name: getattr(row, name) for name in PERSON} if row is not None else {}


def _known(item: Item, me: Mapping[str, Any]) -> dict[str, Any]:
    """What is not asked because the HR system knows it."""
    return {one.id: me[one.known_from] for one in item.form if me.get(one.known_from) is not None}


def _results(rows: Iterable[RequestStep], path: str) -> dict[str, dict[str, Any]]:
    """The steps that are over; of rounds the own one's, else the latest."""
    results: dict[str, dict[str, Any]] = {}
    mine: set[str] = set()
    for row in rows:
        if row.status is StepStatus.ACTIVE or row.step_id in mine:
            continue
        parent = row.path.rpartition(".")[0]
        if parent and path.startswith(f"{parent}."):
            mine.add(row.step_id)
        results[row.step_id] = {"result": dict(row.result), "status": row.status.value}
    return results


def as_stored(value: Any) -> Any:
    """What an expression answered as JSON keeps it: a moment is its day."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): as_stored(one) for name, one in value.items()}
    return [as_stored(one) for one in value] if isinstance(value, list) else value
