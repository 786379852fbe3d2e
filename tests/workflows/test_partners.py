"""The life of a partner over two years of papers, and visits that its dispatcher hands to its own people."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
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
from activities.field_service import FieldServiceActivities
from activities.partners import PartnerActivities, PartnerLetterActivities
from models.field_service import PassedOver
from models.messages.field_service import (
    CallOff,
    Decline,
    OfferStatus,
    RankRequest,
    Reassign,
    VisitStatus,
    WithdrawOffer,
)
from models.messages.partners import (
    Move,
    PaperAdded,
    PaperKind,
    PartnerOrder,
    PartnerStatus,
    partner_workflow_id,
)
from models.partners import Partner, PartnerStep
from models.systems import SentMessage
from tests.builders.field_service import a_faulty_device, a_technician, a_visit, store
from tests.builders.partners import FAR, a_company, a_paper, a_partner
from tests.workflows.field import Field
from workflows.kit.options import MAIL_QUEUE
from workflows.partners import PartnerWorkflow

SEOUL = timedelta(hours=9)


def midnight(day: date) -> datetime:
    """The first moment of a day in Seoul."""
    return datetime.combine(day, time(), UTC) - SEOUL


@dataclass
class Life:
    """One partner that really lives, and how far its clock is ahead of the wall's."""

    engine: AsyncEngine
    environment: WorkflowEnvironment
    name: str = field(default_factory=lambda: uuid4().hex[:8])
    queue: str = field(default_factory=lambda: f"partners-{uuid4()}")
    ahead: timedelta = timedelta()
    handle: WorkflowHandle[Any, PartnerStatus] | None = None

    def workers(self) -> list[Worker]:
        acts = PartnerActivities(self.engine)
        post = PartnerLetterActivities(self.engine, ConsoleMail(), "http://localhost:8000")
        client = self.environment.client
        mine = [acts.outlook, acts.check_papers, acts.record]
        return [
            Worker(client, task_queue=self.queue, workflows=[PartnerWorkflow], activities=mine),
            Worker(client, task_queue=MAIL_QUEUE, activities=[post.warn]),
        ]

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def begin(self) -> None:
        order = PartnerOrder(f"par_{self.name}")
        self.handle = await self.environment.client.start_workflow(
            PartnerWorkflow.run, order, id=partner_workflow_id(order.partner_id), task_queue=self.queue
        )
        while "begun" not in await self.story():
            await self.settle()

    async def forward_to(self, moment: datetime) -> None:
        assert self.handle is not None
        span = moment - self.now
        await self.environment.fast_forward(self.handle, span)
        self.ahead += span

    async def settle(self) -> None:
        await self.forward_to(self.now + timedelta(seconds=1))

    async def hand_in(self, kind: PaperKind, valid_until: date, **facts: Any) -> None:
        assert self.handle is not None
        paper = a_paper(self.name, kind, valid_until=valid_until, added_at=self.now, **facts)
        await store(self.engine, paper)
        await self.handle.signal("paper_added", PaperAdded(paper.id, self.now, "acc_chief"))
        await self.settle()

    async def move(self, to: PartnerStatus, reason: str = "") -> PartnerStatus:
        assert self.handle is not None
        command = Move(f"move-{uuid4()}", "acc_chief", self.now, to=to, reason=reason)
        return PartnerStatus(await self.handle.execute_update("move", command, id=command.id))

    async def refused(self, to: PartnerStatus, reason: str = "") -> str:
        with pytest.raises(WorkflowUpdateFailedError) as failure:
            await self.move(to, reason)
        cause = failure.value.cause
        return cause.type or "" if isinstance(cause, ApplicationError) else repr(cause)

    async def story(self) -> list[str]:
        query = select(PartnerStep).where(col(PartnerStep.partner_id) == f"par_{self.name}")
        async with AsyncSession(self.engine) as session:
            rows = (await session.scalars(query.order_by(col(PartnerStep.seq)))).all()
        return [row.sentence.removeprefix("partners.") for row in rows]

    async def row(self) -> Partner:
        async with AsyncSession(self.engine) as session:
            return await session.get_one(Partner, f"par_{self.name}")


@pytest.fixture
async def life(worker_engine: AsyncEngine, temporal: WorkflowEnvironment) -> AsyncIterator[Life]:
    running = Life(worker_engine, temporal)
    await store(worker_engine, a_partner(running.name, PartnerStatus.APPLIED, checks_papers=False))
    async with AsyncExitStack() as stack:
        for worker in running.workers():
            await stack.enter_async_context(worker)
        await running.begin()
        yield running


async def test_a_partner_lives_two_years_and_offers_stop_and_start_with_its_papers(life: Life) -> None:
    today = (life.now + SEOUL).date()
    first_end, second_end = today + timedelta(days=60), today + timedelta(days=60 + 365)
    assert await life.refused(PartnerStatus.ACTIVE) == "partner_wrong_step"
    assert await life.move(PartnerStatus.REVIEW) is PartnerStatus.REVIEW
    assert await life.refused(PartnerStatus.ACTIVE) == "papers_missing"
    await life.hand_in(PaperKind.CONTRACT, FAR)
    await life.hand_in(PaperKind.INSURANCE, FAR)
    await life.hand_in(PaperKind.CERTIFICATE, first_end)
    assert await life.move(PartnerStatus.ACTIVE) is PartnerStatus.ACTIVE
    order = await a_faulty_device(life.engine)
    await a_visit(life.engine, order)
    await store(life.engine, *a_technician(life.name, partner_id=f"par_{life.name}"))
    field_service = FieldServiceActivities(life.engine)

    async def asked(at: datetime | None = None) -> set[str]:
        found = await field_service.rank(RankRequest(order.visit_id, at or life.now))
        return {one.technician_id for one in found}

    begun = ["begun", "review", "paper_added", "paper_added", "paper_added", "active"]
    assert await life.story() == begun
    assert await asked() == {f"tech_{life.name}"}

    end = midnight(first_end + timedelta(days=1))
    await life.forward_to(midnight(first_end - timedelta(days=30)) + timedelta(hours=9, seconds=5))
    assert await life.story() == [*begun, "paper_warned"]
    await life.forward_to(midnight(first_end - timedelta(days=7)) + timedelta(hours=9, seconds=5))
    assert await life.story() == [*begun, "paper_warned", "paper_warned"]
    await life.forward_to(end - timedelta(minutes=10))  # the wall's clock goes on while we look
    assert await life.story() == [*begun, "paper_warned", "paper_warned"]
    assert await asked(end - timedelta(minutes=1)) == {f"tech_{life.name}"}  # 23:59
    assert await asked(end) == set()  # 00:00
    await life.forward_to(end + timedelta(seconds=5))  # 00:00
    year_one = [*begun, "paper_warned", "paper_warned", "paper_expired"]
    assert await life.story() == year_one
    assert await asked() == set()
    async with AsyncSession(life.engine) as session:
        missed = await session.get_one(PassedOver, (order.visit_id, f"tech_{life.name}"))
    assert missed.reason == "no_certificate"

    await life.hand_in(PaperKind.CERTIFICATE, second_end)
    assert await asked() == {f"tech_{life.name}"}
    await life.forward_to(midnight(second_end + timedelta(days=1)) + timedelta(hours=1))
    await life.settle()
    year_two = [*year_one, "paper_added", "paper_warned", "paper_warned", "paper_expired"]
    assert await life.story() == year_two
    await life.hand_in(PaperKind.CERTIFICATE, FAR)
    await life.forward_to(midnight(today + timedelta(days=730)))
    assert await life.story() == [*year_two, "paper_added"]
    assert await asked() == {f"tech_{life.name}"}
    async with AsyncSession(life.engine) as session:
        sent = (await session.scalars(select(SentMessage.key))).all()  # type: ignore[call-overload]
    assert sent == []  # the company has nobody who signs in, and there is no administrator here

    assert await life.refused(PartnerStatus.SUSPENDED) == "reason_missing"
    await life.move(PartnerStatus.SUSPENDED, "insured_late")
    assert await asked() == set()
    await life.move(PartnerStatus.ACTIVE)
    assert await asked() == {f"tech_{life.name}"}
    await life.move(PartnerStatus.ENDED, "gone")
    assert life.handle is not None
    assert PartnerStatus(await life.handle.result()) is PartnerStatus.ENDED
    row = await life.row()
    assert (row.status, row.status_by, row.status_reason) == (PartnerStatus.ENDED, "acc_chief", "gone")
    assert await life.story() == [*year_two, "paper_added", "suspended", "resumed", "ended"]


@pytest.fixture
async def visits(worker_engine: AsyncEngine, temporal: WorkflowEnvironment) -> AsyncIterator[Field]:
    running = Field(worker_engine, temporal)
    async with AsyncExitStack() as stack:
        for worker in running.workers():
            await stack.enter_async_context(worker)
        yield running


def sends(visits: Field, asked: str, assignee: str) -> Any:
    accept = visits.accept(asked)
    return type(accept)(**{**vars(accept), "actor_kind": "partner", "assignee": assignee})


def sends_instead(visits: Field, holder: str, assignee: str) -> Reassign:
    return Reassign(**visits.said(), actor_kind="partner", technician_id=holder, assignee=assignee)


async def test_a_company_s_visit_is_handed_on_and_called_off(visits: Field) -> None:
    order = await a_faulty_device(visits.engine)
    await store(visits.engine, *a_company("duo", "duo1"), *a_technician("strange"))
    handle = await visits.begin(order)
    await store(
        visits.engine,
        *a_technician("duo2", partner_id="par_duo"),
        *a_technician("duo3", partner_id="par_duo"),
    )

    assert (
        await visits.refused(handle, "accept", sends(visits, "tech_duo1", "tech_strange")) == "not_of_company"
    )
    await visits.say(handle, "accept", sends(visits, "tech_duo1", "tech_duo2"))
    assert (await visits.row(order)).technician_id == "tech_duo2"
    assert await visits.refused(handle, "accept", visits.accept("tech_duo1")) == "offer_gone"
    await visits.say(handle, "choose_slot", visits.slot())
    strange = sends_instead(visits, "tech_duo2", "tech_strange")
    assert await visits.refused(handle, "reassign", strange) == "not_of_company"
    await visits.say(handle, "reassign", sends_instead(visits, "tech_duo2", "tech_duo3"))
    row = await visits.row(order)
    assert (row.technician_id, row.status) == ("tech_duo3", VisitStatus.SCHEDULED)
    assert await visits.refused(handle, "depart", visits.step("tech_duo2")) == "not_found"
    await visits.say(handle, "depart", visits.step("tech_duo3"))
    late = sends_instead(visits, "tech_duo3", "tech_duo1")
    assert await visits.refused(handle, "reassign", late) == "visit_wrong_step"
    assert [one.status for one in await visits.offers(order)] == [OfferStatus.ACCEPTED]
    assert (await visits.story(order))[-4:] == ["accepted", "scheduled", "reassigned", "departed"]
    await visits.say(handle, "call_off", CallOff(**visits.said(), reason="done"))
    await handle.result()


async def test_nobody_is_sent_who_is_booked_at_that_time(visits: Field) -> None:
    order = await a_faulty_device(visits.engine)
    await store(visits.engine, *a_company("duo", "duo1"))
    handle = await visits.begin(order)
    await store(visits.engine, *a_technician("duo2", partner_id="par_duo"))
    await visits.say(handle, "accept", visits.accept("tech_duo1"))
    slot = visits.slot()
    await visits.say(handle, "choose_slot", slot)
    other = await a_faulty_device(visits.engine)
    await a_visit(
        visits.engine, other, status=VisitStatus.SCHEDULED, technician_id="tech_duo2",
        starts_at=slot.starts_at, ends_at=slot.ends_at,
    )  # fmt: skip

    code = await visits.refused(handle, "reassign", sends_instead(visits, "tech_duo1", "tech_duo2"))

    assert code == "slot_taken"
    assert (await visits.row(order)).technician_id == "tech_duo1"
    assert [one.assigned_to for one in await visits.offers(order)] == [None]


async def test_a_visit_whose_offer_was_taken_back_is_called_off(visits: Field) -> None:
    order = await a_faulty_device(visits.engine)
    await store(visits.engine, *a_company("solo", "solo"))
    handle = await visits.begin(order)
    await store(visits.engine, *a_technician("house"))

    await handle.signal("withdraw_offer", WithdrawOffer(7, "partner_not_active", visits.now))
    await handle.signal("withdraw_offer", WithdrawOffer(1, "partner_not_active", visits.now))
    await visits.settle(handle)

    assert [(one.technician_id, one.status) for one in await visits.offers(order)] == [
        ("tech_solo", OfferStatus.WITHDRAWN), ("tech_house", OfferStatus.OPEN),
    ]  # fmt: skip
    assert await visits.refused(handle, "accept", visits.accept("tech_solo")) == "offer_gone"
    decline = Decline(**visits.said(), actor_kind="technician", technician_id="tech_house", reason="busy")
    await visits.say(handle, "decline", decline)
    assert "withdrawn" in await visits.story(order)
    await visits.say(handle, "call_off", CallOff(**visits.said(), reason="done"))
    await handle.result()
