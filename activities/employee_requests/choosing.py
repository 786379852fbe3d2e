"""Who approves: the people of that day, asked by the rule of models/rules/staff/approvers.py."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.employee_requests.reading import employee_behind
from models.employee_requests import EmployeeRequest
from models.messages import staff
from models.messages.employee_requests.items import Approver, ApproverKind
from models.rules.staff.approvers import Away, Chosen, Colleague, InPlace, People, Question, approver_for
from models.staff import Account, CostCentre, Employee

# Everybody above some people, and everybody who stands in for one of those.
LINE = text(
    """
with recursive line (id) as (
  select unnest(cast(:ids as text[]))
  union
  select near.id from line join lateral (
    select e.manager_id::text as id from employees e where e.id = line.id and e.manager_id is not null
    union all
    select d.to_employee_id::text from delegations d
    where d.from_employee_id = line.id and d.revoked_at is null and :day between d.from_on and d.until_on
  ) near on true
)
select e.id, e.manager_id, e.starts_on, e.ends_on, e.status from employees e join line on line.id = e.id
"""
)
AWAY = text(
    "select employee_id, from_on, until_on from employee_absences"
    " where employee_id = any (:ids) and not is_cancelled and :day between from_on and until_on"
)
IN_PLACE = text(
    "select from_employee_id, to_employee_id, from_on, until_on from delegations"
    " where from_employee_id = any (:ids) and revoked_at is null and :day between from_on and until_on"
    " order by created_at, id"
)


async def choose(
    session: AsyncSession, request: EmployeeRequest, approver: Approver, day: date, barred: Iterable[str] = ()
) -> Chosen:
    """Who decides for this approver of an item today."""
    named = await _named(session, request, approver)
    kind = staff.ApproverKind(approver.kind.value)
    return await ask_rule(session, request, kind, named, day, barred)


async def ask_rule(
    session: AsyncSession, request: EmployeeRequest, kind: staff.ApproverKind, named: tuple[str, ...],
    day: date, barred: Iterable[str] = (), of: str = "",
) -> Chosen:  # fmt: skip
    """Ask the rule; `of` is whose manager is meant, when not the beneficiary's."""
    asker = await employee_behind(session, request.asked_by)
    own = {request.for_employee_id, *barred} if of else set(barred)
    question = Question(
        kind, of or request.for_employee_id, asker.id if asker else "", named, frozenset(own)
    )  # fmt: skip
    return approver_for(question, await people(session, [question.beneficiary, *named], day), day)


async def people(session: AsyncSession, ids: Iterable[str], day: date) -> People:
    """Whoever a decision that begins with these may come to."""
    rows = (await session.execute(LINE, {"ids": list(ids), "day": day})).all()
    known = {
        row.id: Colleague(row.id, row.manager_id, row.starts_on, row.ends_on, row.status == "left")
        for row in rows
    }
    asked = {"ids": list(known), "day": day}
    away = tuple(Away(*row) for row in (await session.execute(AWAY, asked)).all())
    in_place = tuple(InPlace(*row) for row in (await session.execute(IN_PLACE, asked)).all())
    return People(known, away, in_place)


async def _named(session: AsyncSession, request: EmployeeRequest, approver: Approver) -> tuple[str, ...]:
    if approver.kind is ApproverKind.PERSON:
        answer = request.answers.get(approver.from_field) if approver.from_field else approver.who
        return (str(answer),) if answer else ()
    if approver.kind is ApproverKind.COST_OWNER:
        me = await session.get(Employee, request.for_employee_id)
        centre = await session.get(CostCentre, me.cost_centre) if me is not None else None
        return (centre.owner_id,) if centre is not None and centre.owner_id else ()
    if approver.kind is ApproverKind.ROLE:
        query = select(col(Employee.id)).join(Account, col(Account.id) == col(Employee.account_id))
        holds: Any = col(Account.roles).op("&&")(array([approver.who]))
        return tuple(await session.scalars(query.where(holds, col(Account.is_active)).order_by(Employee.id)))
    return ()
