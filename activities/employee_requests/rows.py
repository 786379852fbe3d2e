"""Beside every step of a request: its timeline, its waits, who may see it, and the pages that are open."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.employee_requests import reading
from activities.employee_requests.handing import tell_ticket
from activities.kit.timeline import tell_live, write_entry, write_waits
from models.employee_requests import EmployeeRequest, RequestApproval, RequestReader
from models.messages.employee_requests.items import Step, StepKind
from models.messages.employee_requests.lives import StepState
from models.messages.employee_requests.requests import (
    ApprovalStatus,
    ReaderWhy,
    StepStatus,
    request_workflow_id,
)
from models.messages.journeys import Wait, WaitNotes
from models.messages.staff import LinkPurpose
from models.rules.employee_requests.waits import wait_of
from models.staff import Account, Employee, SignedLink

BEGINNINGS = {
    StepKind.TASK: "employee_requests.task_given",
    StepKind.FORM: "employee_requests.form_asked",
    StepKind.REQUEST: "employee_requests.child_asked",
    StepKind.MESSAGE: "employee_requests.message_sent",
}


@dataclass(frozen=True)
class Telling:
    """Whose timeline a step is told in, by whom and when."""

    request: EmployeeRequest
    seq: int
    at: datetime
    actor_kind: str = "system"
    actor_id: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


async def tell(
    session: AsyncSession,
    telling: Telling,
    *sentences: str,
    step: Step | None = None,
    state: StepState | None = None,
    waits: WaitNotes | None = None,
) -> None:
    """Write the timeline's lines, the waits of a step that is under way, and wake open pages."""
    request, subject = telling.request, request_workflow_id(telling.request.id)
    if state is not None and state.status is StepStatus.ACTIVE and state.kind in BEGINNINGS and not sentences:
        sentences = (BEGINNINGS[state.kind],)
    details = dict(telling.details)
    if step is not None:
        details |= {f"stage_{language}": name for language, name in step.names.items()}
    for place, sentence in enumerate(sentences):
        await write_entry(
            session, key=f"{subject}/{telling.seq}.{place}", subject=subject, ticket_id=None,
            case_id=request.id, at=telling.at, sentence=sentence, actor_kind=telling.actor_kind,
            actor_id=telling.actor_id or None, details=await named(session, telling, details),
        )  # fmt: skip
    await write_waits(session, subject, await _waits(session, telling, step, state, waits))
    await tell_live(session, "employee_requests", f"employee_request:{request.id}")
    await tell_ticket(session, request, telling.at)


async def _waits(
    session: AsyncSession, telling: Telling, step: Step | None, state: StepState | None,
    waits: WaitNotes | None,
) -> WaitNotes:  # fmt: skip
    """The waits with the names of those who approve."""
    notes = waits or WaitNotes()
    if step is not None and state is not None and state.status is StepStatus.ACTIVE:
        await session.flush()
        rows = await reading.approvals_of(session, telling.request.id, state.path)
        asked = [reading.approval_of(row) for row in rows]
        wait = wait_of(telling.request.id, step, state, asked)
        if wait is not None:
            notes = replace(notes, opened=(*notes.opened, wait))
    return replace(notes, opened=tuple([await _with_names(session, telling, one) for one in notes.opened]))


async def _with_names(session: AsyncSession, telling: Telling, wait: Wait) -> Wait:
    if wait.what != "request_approval":
        return wait
    asked = await reading.approvals_of(session, telling.request.id, wait.key.partition(":")[2])
    names = [await approver_name(session, one) for one in asked if one.status is ApprovalStatus.PENDING]
    return replace(wait, details={"approver": ", ".join(dict.fromkeys(names)) or "–"})


async def approver_name(session: AsyncSession, asked: RequestApproval) -> str:
    """What the person, or the team, that is asked is called."""
    employee = await session.get(Employee, asked.approver_employee_id or "")
    if employee is not None:
        return employee.name
    name = await session.scalar(
        select(col(Account.name))
        .where(col(Account.team_id) == (asked.team_id or ""), col(Account.is_active))
        .order_by(Account.name)
        .limit(1)
    )
    return str(name or "–")


async def named(session: AsyncSession, telling: Telling, details: dict[str, str]) -> dict[str, str]:
    """The values of a line, with the name of whoever acted as it is today."""
    if telling.actor_kind in ("staff", "employee") and telling.actor_id:
        account = await session.get(Account, telling.actor_id)
        if account is not None:
            return {**details, "actor": account.name}
    return details


async def let_read(
    session: AsyncSession, request: EmployeeRequest, account_id: str | None, why: ReaderWhy, at: datetime
) -> None:
    """Let somebody see the request from now on; the first reason stays."""
    if not account_id:
        return
    row = {"request_id": request.id, "account_id": account_id, "why": why, "since": at}
    await session.execute(insert(RequestReader).values(row).on_conflict_do_nothing())


async def let_team_read(session: AsyncSession, request: EmployeeRequest, team_id: str, at: datetime) -> None:
    """Let everybody who is in a team today see the request."""
    query = select(col(Account.id)).where(col(Account.team_id) == team_id, col(Account.is_active))
    for account_id in await session.scalars(query):
        await let_read(session, request, account_id, ReaderWhy.TEAM, at)


async def let_employee_read(
    session: AsyncSession, request: EmployeeRequest, employee_id: str | None, why: ReaderWhy, at: datetime
) -> None:
    """Let an employee who can sign in see the request."""
    employee = await session.get(Employee, employee_id or "")
    await let_read(session, request, employee.account_id if employee is not None else None, why, at)


async def end_links(session: AsyncSession, *approvals: str, at: datetime) -> None:
    """Links to decide these do not work any more."""
    if approvals:
        mine = col(SignedLink.subject).in_(approvals), col(SignedLink.purpose) == LinkPurpose.APPROVE
        still = col(SignedLink.revoked_at).is_(None), col(SignedLink.used_at).is_(None)
        await session.execute(update(SignedLink).where(*mine, *still).values(revoked_at=at))
