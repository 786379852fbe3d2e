"""News of a colleague begin the requests that nobody has to ask for, move them or call them off."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity

from activities.employee_requests import reading
from activities.kit.timeline import write_entry
from activities.kit.transactions import transaction
from models.employee_requests import EmployeeRequest
from models.employee_requests.items import RequestItemVersion
from models.kit.ids import employee_request_id
from models.kit.outbox import announce_signal, announce_start
from models.messages.catalogue import VersionStatus
from models.messages.employee_requests.items import Item, Trigger
from models.messages.employee_requests.requests import (
    PersonChanged,
    PersonNews,
    RequestOrder,
    RequestStatus,
    request_workflow_id,
)
from models.messages.staff import ChangeKind, PersonFact

BEGINS = {
    ChangeKind.JOINER: Trigger.JOINER, ChangeKind.MOVER: Trigger.MOVER, ChangeKind.LEAVER: Trigger.LEAVER,
}  # fmt: skip
ENDS = {ChangeKind.CALLED_OFF: Trigger.JOINER, ChangeKind.STAYING: Trigger.LEAVER}


@dataclass
class PersonNewsActivities:
    """News of colleagues; dependencies are handed in by worker.py."""

    engine: AsyncEngine

    @activity.defn(name="employee_requests.take_person_news")
    async def take_person_news(self, fact: PersonFact) -> int:
        """Begin, move or call off what this fact is about; how many requests. Safe to repeat: a request is
        born once for each fact and item, and a running one hears a fact once."""
        async with transaction(self.engine) as session:
            running = await _running(session, fact.employee_id)
            touched = 0
            if fact.kind in ENDS:
                mine = [one for one, trigger in running if trigger is ENDS[fact.kind]]
                return await _tell(session, mine, fact, PersonNews.CALLED_OFF)
            begins = BEGINS.get(fact.kind)
            if begins is not None and all(trigger is not begins for _, trigger in running):
                for item in await _begun_by(session, begins):
                    touched += await _be_born(session, item, fact)
            return touched + await _tell(session, [one for one, _ in running], fact, PersonNews.CHANGED)


async def _running(session: AsyncSession, employee_id: str) -> list[tuple[str, Trigger]]:
    """Open requests for somebody, each with the fact that begins its item by itself."""
    query = select(col(EmployeeRequest.id), col(EmployeeRequest.item_key), col(EmployeeRequest.item_version))
    mine = col(EmployeeRequest.for_employee_id) == employee_id
    rows = await session.execute(query.where(mine, col(EmployeeRequest.status) == RequestStatus.OPEN))
    return [(id, (await reading.item_of(session, key, version)).trigger) for id, key, version in rows.all()]


async def _begun_by(session: AsyncSession, trigger: Trigger) -> list[Item]:
    """Published items that a fact begins."""
    version = RequestItemVersion
    query = select(col(version.item_key), col(version.version)).where(
        col(version.status) == VersionStatus.PUBLISHED, col(version.definition)["trigger"].astext == trigger
    )
    rows = (await session.execute(query.order_by(col(version.item_key)))).all()
    return [await reading.item_of(session, key, number) for key, number in rows]


async def _be_born(session: AsyncSession, item: Item, fact: PersonFact) -> int:
    """One request that nobody asked for, and its start."""
    row = {
        "id": employee_request_id(), "submission_key": f"hr:{fact.id}:{item.key}", "item_key": item.key,
        "item_version": item.version, "asked_by": None, "for_employee_id": fact.employee_id,
        "owner_team_id": item.owner_team, "status": RequestStatus.OPEN, "answers": {}, "parent_path": "",
        "is_confidential": item.is_confidential, "created_at": fact.at, "updated_at": fact.at,
        "reason": "", "seq": 0,
    }  # fmt: skip
    statement = (
        insert(EmployeeRequest).values(row).on_conflict_do_nothing().returning(col(EmployeeRequest.id))
    )
    id = (await session.execute(statement)).scalar_one_or_none()
    if id is None:
        return 0
    order = RequestOrder(
        id, item.key, item.version, "", fact.employee_id, fact.at, is_confidential=item.is_confidential
    )
    subject = request_workflow_id(id)
    await announce_start(session, "EmployeeRequest", subject, order, summary="A request of an employee")
    await write_entry(
        session, key=f"{subject}/0", subject=subject, ticket_id=None, case_id=id, at=fact.at,
        sentence=f"employee_requests.{fact.kind.value}_known", is_public=True,
    )  # fmt: skip
    return 1


async def _tell(session: AsyncSession, ids: Sequence[str], fact: PersonFact, news: PersonNews) -> int:
    told = 0
    for id in ids:
        said = PersonChanged(id, news, fact.at, f"person:{fact.id}")
        told += await announce_signal(
            session, request_workflow_id(id), "person_changed", said, key=said.fact_id
        )
    return told
