"""Walks the requests of the past days through a version of their item; nothing leaves the house."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity

from activities.employee_requests.reading import item_of
from activities.kit.calendars import working_calendar
from activities.kit.transactions import transaction
from models.employee_requests import EmployeeRequest, RequestApproval, RequestStep
from models.employee_requests.items import ItemSimulation
from models.kit.expressions import Unanswerable, evaluate
from models.kit.records import to_record
from models.messages.employee_requests.items import PERSON, Item, Moment, StepKind
from models.messages.employee_requests.requests import ApprovalStatus, RequestStatus, StepStatus
from models.messages.employee_requests.simulation import (
    Compared,
    SimulationOrder,
    SimulationResult,
    SimulationStatus,
)
from models.rules.calendars import WorkingCalendar, working_minutes_between
from models.rules.employee_requests import simulating
from models.rules.employee_requests.simulating import House, Past, PastStep
from models.staff import Employee

MOST = 500  # requests, the newest of them
ASKED = (ApprovalStatus.APPROVED, ApprovalStatus.REJECTED)


@dataclass
class SimulationActivities:
    """What would have been. Dependencies are handed in once, by worker.py."""

    engine: AsyncEngine

    @activity.defn(name="employee_requests.simulate")
    async def simulate(self, order: SimulationOrder) -> int:
        """Compare and store; how many there were. Safe to repeat: the same requests give the same."""
        async with transaction(self.engine) as session:
            item = await item_of(session, order.item_key, order.version)
            pasts = await _pasts(session, order)
            calendar = await working_calendar(session, datetime.now(UTC))
        result = await asyncio.to_thread(_compare, item, pasts, calendar)
        done = {
            "status": SimulationStatus.DONE, "result": to_record(result), "finished_at": datetime.now(UTC),
        }  # fmt: skip
        async with transaction(self.engine) as session:
            mine = col(ItemSimulation.id) == order.id
            await session.execute(update(ItemSimulation).where(mine).values(done))
        return result.count


def _compare(item: Item, pasts: list[Past], calendar: WorkingCalendar) -> SimulationResult:
    took: dict[str, list[float]] = {}
    for past in pasts:
        for step in past.steps:
            if step.is_done:
                took.setdefault(step.kind, []).append(step.took.total_seconds())
    house = House(
        _ask,
        lambda since, until: working_minutes_between(since, until, calendar),
        {kind: timedelta(seconds=median(known)) for kind, known in took.items()},
    )
    return simulating.summed_up(
        [Compared(one.id, simulating.went(one, house), simulating.walked(item, one, house)) for one in pasts]
    )


def _ask(text: str, variables: Mapping[str, Any]) -> tuple[Any, str]:
    try:
        return evaluate(text, variables), ""
    except Unanswerable as unanswerable:
        return None, unanswerable.code


async def _pasts(session: AsyncSession, order: SimulationOrder) -> list[Past]:
    """Requests that ended in the ordinary way; confidential ones are nobody's example."""
    query = select(EmployeeRequest).where(
        col(EmployeeRequest.item_key) == order.item_key, col(EmployeeRequest.created_at) >= order.since,
        col(EmployeeRequest.status).in_((RequestStatus.DONE, RequestStatus.REJECTED)),
        ~col(EmployeeRequest.is_confidential), col(EmployeeRequest.closed_at).is_not(None),
    )  # fmt: skip
    requests = list(await session.scalars(query.order_by(col(EmployeeRequest.created_at).desc()).limit(MOST)))
    ids = [one.id for one in requests]
    steps: dict[str, list[PastStep]] = {}
    stored = select(RequestStep).where(col(RequestStep.request_id).in_(ids))
    for row in await session.scalars(stored.order_by(col(RequestStep.since), col(RequestStep.path))):
        steps.setdefault(row.request_id, []).append(
            PastStep(
                row.step_id, row.kind, row.status is StepStatus.DONE, row.since, row.ended_at, row.result
            )
        )
    counted = select(col(RequestApproval.request_id), func.count()).where(
        col(RequestApproval.request_id).in_(ids), col(RequestApproval.status).in_(ASKED)
    )
    approvals = {
        row[0]: int(row[1])
        for row in await session.execute(counted.group_by(col(RequestApproval.request_id)))
    }
    people = await _people(session, requests)
    items = {
        version: await item_of(session, order.item_key, version)
        for version in {one.item_version for one in requests}
    }
    return [
        _past(one, items[one.item_version], steps.get(one.id, []), approvals.get(one.id, 0), people)
        for one in requests
    ]


def _past(
    row: EmployeeRequest, item: Item, steps: list[PastStep], approvals: int, people: dict[str, dict[str, Any]]
) -> Past:
    end = row.closed_at or row.updated_at
    told = {Moment.ASKED.value, row.status.value}
    letters = sum(one.is_done and one.kind == StepKind.MESSAGE.value for one in steps)
    letters += sum(notice.moment.value in told for notice in item.messages)
    who = {"me": people.get(row.for_employee_id, {}), "asker": people.get(row.asked_by or "", {})}
    is_late = row.due_at is not None and end > row.due_at
    return Past(
        row.id, row.answers, who, row.created_at, end, row.status.value, is_late, approvals, letters,
        tuple(steps),
    )  # fmt: skip


async def _people(session: AsyncSession, requests: list[EmployeeRequest]) -> dict[str, dict[str, Any]]:
    """Beneficiaries by their id and askers by their account, as they are known today."""
    ids = {one.for_employee_id for one in requests}
    accounts = {one.asked_by for one in requests if one.asked_by}
    query = select(Employee).where(col(Employee.id).in_(ids) | col(Employee.account_id).in_(accounts))
    found: dict[str, dict[str, Any]] = {}
    for one in await session.scalars(query):
        attributes = {name: getattr(one, name) for name in PERSON}
        attributes["status"] = one.status.value
        found[one.id] = attributes
        if one.account_id:
            found[one.account_id] = attributes
    return found
