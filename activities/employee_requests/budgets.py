"""What of a shared budget is spent already, and what others ask for."""

from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.employee_requests import EmployeeRequest, RequestApproval, RequestStep
from models.messages.employee_requests.items import BudgetOf, Step
from models.messages.employee_requests.requests import RequestStatus, StepStatus
from models.rules.calendars import KST
from models.rules.employee_requests.budgets import first_day
from models.staff import Employee

SHARED = {
    BudgetOf.PERSON: Employee.id,
    BudgetOf.DEPARTMENT: Employee.department,
    BudgetOf.COST_CENTRE: Employee.cost_centre,
}


async def spent(session: AsyncSession, request: EmployeeRequest, step: Step, at: datetime) -> dict[str, Any]:
    """Counted now, over the same step of the item's other requests; nothing when the budget is its own.

    What is confidential is not counted: a sum would tell of it."""
    approval = step.approval
    if approval is None or not approval.budget or approval.budget_of is BudgetOf.REQUEST:
        return {}
    day, shared = first_day(at, approval.budget_period), SHARED[approval.budget_of]
    mine = select(col(shared)).where(col(Employee.id) == request.for_employee_id).scalar_subquery()
    amounts = _amounts(
        col(EmployeeRequest.item_key) == request.item_key, col(EmployeeRequest.id) != request.id,
        ~col(EmployeeRequest.is_confidential), col(shared) == mine, col(RequestStep.step_id) == step.id,
        col(RequestStep.since) >= datetime.combine(day, time(), KST).astimezone(UTC),
    ).subquery()  # fmt: skip
    sums = select(amounts.c.status, func.sum(amounts.c.amount)).group_by(amounts.c.status)
    found = {StepStatus(row[0]): int(row[1] or 0) for row in (await session.execute(sums)).all()}
    return {
        "spent_minor": found.get(StepStatus.DONE, 0), "asked_minor": found.get(StepStatus.ACTIVE, 0),
        "spent_since": day.isoformat(), "spent_at": at.isoformat(),
    }  # fmt: skip


def _amounts(*which: Any) -> Any:
    """The amount of each approval that waits or was given, once per request, of requests that still count."""
    asked, amount = col(RequestStep.status), func.max(col(RequestApproval.amount_minor))
    is_agreed = col(RequestStep.result)["approved"].as_boolean()
    its_own = and_(
        col(RequestApproval.request_id) == col(RequestStep.request_id),
        col(RequestApproval.path) == col(RequestStep.path),
    )
    return (
        select(asked.label("status"), amount.label("amount"))
        .join(EmployeeRequest, col(EmployeeRequest.id) == col(RequestStep.request_id))
        .join(Employee, col(Employee.id) == col(EmployeeRequest.for_employee_id))
        .join(RequestApproval, its_own)
        .where(
            *which, col(EmployeeRequest.status).in_((RequestStatus.OPEN, RequestStatus.DONE)),
            or_(asked == StepStatus.ACTIVE, and_(asked == StepStatus.DONE, is_agreed)),
        )
        .group_by(col(RequestStep.request_id), col(RequestStep.path), asked)
    )  # fmt: skip
