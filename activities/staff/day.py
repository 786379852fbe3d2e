"""What a day means for people: who begins, who has left, and whose approvals somebody else must decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, case, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity

from activities.kit.transactions import transaction
from activities.staff.journeys import write_changes
from models.employee_requests import RequestApproval
from models.kit.outbox import announce_signal
from models.messages.employee_requests.requests import ApprovalStatus, request_workflow_id
from models.messages.staff import ApproverChanged, EmployeeStatus, PeopleMoment, Why
from models.rules.staff.news import Change, status_on, turned
from models.staff import (
    Account,
    ApiToken,
    AuditEntry,
    Delegation,
    Employee,
    EmployeeAbsence,
    Invitation,
    SignInSession,
)

OPEN = (ApprovalStatus.PENDING, ApprovalStatus.ASKED, ApprovalStatus.LATER)
BY = "hr"  # who shut the account, in the audit


@dataclass
class PeopleDayActivities:
    """Beginning, leaving, being away; dependencies are handed in by worker.py."""

    engine: AsyncEngine

    @activity.defn(name="staff.turn_day")
    async def turn_day(self, moment: PeopleMoment) -> int:
        """Let people begin and leave; whoever left can sign in no more. Safe to repeat: statuses are set."""
        async with transaction(self.engine) as session:
            due = (await session.scalars(_due(moment.day))).all()
            facts = []
            for one in due:
                now = status_on(moment.day, one.starts_on, one.ends_on)
                kind = turned(one.status, now)
                if kind is not None:
                    day = one.starts_on if now is EmployeeStatus.ACTIVE else one.ends_on or moment.day
                    facts.append((one.id, one.seen_seq, Change(kind, day)))
                one.status = now
            await write_changes(session, facts, moment.at)
            gone = [one.account_id for one in due if one.status is EmployeeStatus.LEFT and one.account_id]
            await _shut(session, gone, moment.at)
        return len(due)

    @activity.defn(name="staff.retarget")
    async def retarget(self, moment: PeopleMoment) -> int:
        """Tell every request whose approver left, is away or has named somebody else for today. Safe to
        repeat: each approval, person and day is one fact, told once."""
        told = 0
        async with transaction(self.engine) as session:
            for approval, request, employee, why in await session.execute(_cannot_decide(moment.day)):
                fact = ApproverChanged(
                    id=f"approver:{approval}:{employee}:{moment.day}", approval_id=approval,
                    employee_id=employee, why=Why(why), noticed_at=moment.at,
                )  # fmt: skip
                told += await announce_signal(
                    session, request_workflow_id(request), "approver_changed", fact, key=fact.id
                )
        return told


def _due(day: date) -> Any:
    """People whose status is not the one of this day."""
    ends = col(Employee.ends_on)
    today = case(
        (and_(ends.is_not(None), ends < day), EmployeeStatus.LEFT.value),
        (col(Employee.starts_on) > day, EmployeeStatus.JOINING.value),
        else_=EmployeeStatus.ACTIVE.value,
    )
    return select(Employee).where(col(Employee.status) != today).order_by(col(Employee.id)).with_for_update()


def _cannot_decide(day: date) -> Any:
    """Open approvals of people who cannot decide on this day, with the reason."""
    person, away, named = col(Employee.id), EmployeeAbsence, Delegation
    has_left = col(Employee.status) != EmployeeStatus.ACTIVE
    is_delegated = exists().where(
        col(named.from_employee_id) == person, col(named.revoked_at).is_(None),
        col(named.from_on) <= day, col(named.until_on) >= day,
    )  # fmt: skip
    is_away = exists().where(
        col(away.employee_id) == person, ~col(away.is_cancelled),
        col(away.from_on) <= day, col(away.until_on) >= day,
    )  # fmt: skip
    why = case((has_left, Why.LEFT.value), (is_delegated, Why.DELEGATED.value), else_=Why.ABSENT.value)
    return (
        select(col(RequestApproval.id), col(RequestApproval.request_id), person, why)
        .join(Employee, person == col(RequestApproval.approver_employee_id))
        .where(col(RequestApproval.status).in_(OPEN), or_(has_left, is_delegated, is_away))
        .order_by(col(RequestApproval.id))
    )


async def _shut(session: AsyncSession, accounts: Sequence[str], at: datetime) -> None:
    """Close accounts with every session, key and link that belongs to them, and write it down."""
    if not accounts:
        return
    shut = update(Account).where(col(Account.id).in_(accounts), col(Account.is_active))
    found = await session.execute(
        shut.values(is_active=False, version=Account.version + 1).returning(col(Account.id))
    )
    for account in found.scalars().all():
        session.add(AuditEntry(at=at, actor_id=BY, action="staff.left", subject=account))
    ended = (
        update(SignInSession)
        .where(col(SignInSession.account_id).in_(accounts), col(SignInSession.revoked_at).is_(None))
        .values(revoked_at=at),
        update(ApiToken)
        .where(col(ApiToken.account_id).in_(accounts), col(ApiToken.revoked_at).is_(None))
        .values(revoked_at=at),
        update(Invitation)
        .where(col(Invitation.account_id).in_(accounts), col(Invitation.used_at).is_(None))
        .values(used_at=at),
    )
    for statement in ended:
        await session.execute(statement)
