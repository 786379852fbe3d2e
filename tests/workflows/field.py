"""A field service that really runs: workflow, activities and rows, with letters that a console prints."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.connectors.mail import ConsoleMail
from activities.connectors.sms import ConsoleSms
from activities.field_service import FieldServiceActivities
from activities.kit.links import Links
from activities.kit.post import LetterActivities
from models.field_service import Visit, VisitOffer
from models.journeys import OpenWait
from models.kit.timeline import TimelineEntry
from models.messages.field_service import (
    Accept,
    ChooseSlot,
    Step,
    VisitOrder,
    VisitResult,
    VisitStatus,
    visit_workflow_id,
)
from models.systems import SentMessage
from tests.builders.field_service import next_monday
from workflows.field_service import VisitWorkflow
from workflows.kit.options import MAIL_QUEUE

_numbers = count(1)


@dataclass
class Field:
    """The visits of one test, and how far their clock is ahead of the wall's."""

    engine: AsyncEngine
    environment: WorkflowEnvironment
    queue: str = field(default_factory=lambda: f"visits-{uuid4()}")
    ahead: timedelta = timedelta()
    actor: str = "acc_test"

    def workers(self) -> list[Worker]:
        acts = FieldServiceActivities(self.engine)
        mine = [acts.rank, acts.offer, acts.assign, acts.schedule, acts.check_evidence, acts.record]
        client = self.environment.client
        links = Links(bytes(32), "http://localhost:8000")
        post = LetterActivities(self.engine, ConsoleMail(), ConsoleSms(), links, "desk@example.test")
        return [
            Worker(client, task_queue=self.queue, workflows=[VisitWorkflow], activities=mine),
            Worker(client, task_queue=MAIL_QUEUE, activities=[post.send]),
        ]

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def begin(self, order: VisitOrder) -> WorkflowHandle[Any, VisitResult]:
        """Start a visit and let it do what it can."""
        handle = await self.environment.client.start_workflow(
            VisitWorkflow.run, order, id=visit_workflow_id(order.visit_id), task_queue=self.queue
        )
        while not await self._has_looked(order):
            await self.settle(handle)
        return handle

    async def _has_looked(self, order: VisitOrder) -> bool:
        """Whether the search has come to its first offer or to nobody."""
        return "offered" in (story := await self.story(order)) or "nobody" in story

    async def settle(self, handle: WorkflowHandle[Any, Any]) -> None:
        """Let a second pass, which ends only when nothing is under way any more."""
        await self.forward(handle, timedelta(seconds=1))

    async def forward(self, handle: WorkflowHandle[Any, Any], span: timedelta) -> None:
        await self.environment.fast_forward(handle, span)
        self.ahead += span

    async def forward_to(self, handle: WorkflowHandle[Any, Any], moment: datetime) -> None:
        """Move the clock just past a moment and let the visit do what it does then."""
        await self.forward(handle, moment - self.now + timedelta(seconds=5))

    def said(self) -> dict[str, Any]:
        return {"id": f"cmd-{next(_numbers)}-{uuid4()}", "actor_id": self.actor, "at": self.now}

    async def say(self, handle: WorkflowHandle[Any, Any], update: str, command: Any) -> VisitStatus:
        return VisitStatus(await handle.execute_update(update, command, id=command.id))

    async def refused(self, handle: WorkflowHandle[Any, Any], update: str, command: Any) -> str:
        """Say something that is refused; answer with the code."""
        with pytest.raises(WorkflowUpdateFailedError) as failure:
            await self.say(handle, update, command)
        cause = failure.value.cause
        return cause.type or "" if isinstance(cause, ApplicationError) else repr(cause)

    def accept(self, technician: str) -> Accept:
        return Accept(**self.said(), actor_kind="technician", technician_id=technician)

    def step(self, technician: str, **facts: Any) -> Step:
        return Step(**self.said(), actor_kind="technician", technician_id=technician, **facts)

    def slot(self, hours: int = 0) -> ChooseSlot:
        starts = next_monday(self.now + timedelta(days=1)) + timedelta(hours=hours)
        return ChooseSlot(
            **self.said(), actor_kind="customer", starts_at=starts, ends_at=starts + timedelta(hours=2)
        )

    async def working(self, order: VisitOrder, technician: str) -> WorkflowHandle[Any, VisitResult]:
        """A visit whose work has begun."""
        handle = await self.scheduled(order, technician)
        await self.say(handle, "depart", self.step(technician))
        await self.say(handle, "arrive", self.step(technician, position="in_range"))
        await self.say(handle, "start", self.step(technician))
        return handle

    async def scheduled(self, order: VisitOrder, technician: str) -> WorkflowHandle[Any, VisitResult]:
        """A visit with an appointment."""
        handle = await self.accepted(order, technician)
        await self.say(handle, "choose_slot", self.slot())
        return handle

    async def accepted(self, order: VisitOrder, technician: str) -> WorkflowHandle[Any, VisitResult]:
        """A visit that a technician holds."""
        handle = await self.begin(order)
        await self.say(handle, "accept", self.accept(technician))
        return handle

    async def row(self, order: VisitOrder) -> Visit:
        async with AsyncSession(self.engine) as session:
            return await session.get_one(Visit, order.visit_id)

    async def offers(self, order: VisitOrder) -> list[VisitOffer]:
        statement = select(VisitOffer).where(col(VisitOffer.visit_id) == order.visit_id)
        return await self._all(statement.order_by(col(VisitOffer.ordinal)))

    async def story(self, order: VisitOrder) -> list[str]:
        """The timeline of a visit, as codes."""
        statement = select(TimelineEntry).where(col(TimelineEntry.subject) == f"visit:{order.visit_id}")
        lines = await self._all(statement.order_by(col(TimelineEntry.id)))
        return [line.sentence.removeprefix("visits.") for line in lines]

    async def letters(self) -> list[str]:
        """The letters that left, by template, in the order in which they did."""
        sent = await self._all(select(SentMessage).order_by(col(SentMessage.sent_at)))
        return [message.letter.removeprefix("field_service/") for message in sent]

    async def open_waits(self, order: VisitOrder) -> list[OpenWait]:
        statement = select(OpenWait).where(
            col(OpenWait.workflow_id) == visit_workflow_id(order.visit_id), col(OpenWait.ended_at).is_(None)
        )
        return await self._all(statement)

    async def _all(self, statement: Any) -> list[Any]:
        async with AsyncSession(self.engine) as session:
            return list((await session.scalars(statement)).all())
