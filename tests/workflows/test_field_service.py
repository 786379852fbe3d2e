"""The life of a visit: as it should be, with every deadline missed, and with every "no"."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from models.messages.field_service import (
    CallOff,
    ChooseSlot,
    Decline,
    Finish,
    OfferStatus,
    Outcome,
    Redispatch,
    VisitStatus,
)
from tests.builders.field_service import a_faulty_device, another_ticket, the_evidence
from tests.workflows.field import Field
from workflows.field_service import VisitWorkflow
from workflows.kit.payloads import converter

FOLDER = Path(__file__).parent.parent / "histories" / "Visit"
HISTORIES = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.json"))}


@pytest.fixture
async def visits(worker_engine: AsyncEngine, temporal: WorkflowEnvironment) -> AsyncIterator[Field]:
    running = Field(worker_engine, temporal)
    async with AsyncExitStack() as stack:
        for worker in running.workers():
            await stack.enter_async_context(worker)
        yield running


def a_decline(visits: Field, technician: str) -> Decline:
    return Decline(**visits.said(), actor_kind="technician", technician_id=technician, reason="too_far")


def an_end(visits: Field, technician: str, outcome: Outcome = Outcome.REPAIRED) -> Finish:
    return Finish(**visits.said(), technician_id=technician, outcome=outcome, labour_minutes=45, note="ok")


def a_call_off(visits: Field) -> CallOff:
    return CallOff(**visits.said(), actor_kind="customer", reason="Not needed any more")


async def test_a_visit_is_offered_scheduled_and_done(visits: Field) -> None:
    order = await a_faulty_device(visits.engine, "jo")

    handle = await visits.working(order, "tech_jo")
    await the_evidence(visits.engine, order)
    status = await visits.say(handle, "finish", an_end(visits, "tech_jo"))
    result = await handle.result()

    assert status is VisitStatus.COMPLETED
    assert (result.outcome, result.technician_id) == (Outcome.REPAIRED, "tech_jo")
    row = await visits.row(order)
    assert (row.status, row.is_over, row.labour_minutes, row.note) == (VisitStatus.COMPLETED, True, 45, "ok")
    assert row.arrival_position == "in_range"
    assert None not in (row.departed_at, row.arrived_at, row.started_at, row.finished_at)
    assert await visits.story(order) == [
        "requested", "offered", "accepted", "scheduled", "departed", "arrived", "started", "completed",
    ]  # fmt: skip
    left = {"offer", "choose_slot", "scheduled", "job_scheduled", "on_the_way"}
    assert (len(await visits.letters()), set(await visits.letters())) == (5, left)
    assert await visits.open_waits(order) == []


async def test_offers_expire_one_after_the_other_until_nobody_is_left(visits: Field) -> None:
    order = await a_faulty_device(visits.engine, "ann", "ben", "cho")
    handle = await visits.begin(order)

    for ordinal in range(3):
        offers = await visits.offers(order)
        assert len(offers) == ordinal + 1
        await visits.forward_to(handle, offers[-1].expires_at)

    offers = await visits.offers(order)
    assert {offer.technician_id for offer in offers} == {"tech_ann", "tech_ben", "tech_cho"}
    assert [offer.status for offer in offers] == [OfferStatus.EXPIRED] * 3
    assert (await visits.row(order)).status is VisitStatus.UNASSIGNED
    assert (await visits.letters()) == ["offer", "offer", "offer", "nobody"]
    [wait] = await visits.open_waits(order)
    assert (wait.what, wait.who, wait.until, wait.may) == ("nobody", "us", None, ["call_off", "redispatch"])


async def test_the_agent_sends_one_technician_when_nobody_is_left(visits: Field) -> None:
    order = await a_faulty_device(visits.engine, "ann")
    handle = await visits.begin(order)
    await visits.say(handle, "decline", a_decline(visits, "tech_ann"))
    await visits.settle(handle)

    await visits.say(handle, "redispatch", Redispatch(**visits.said(), technician_id="tech_ann"))
    await visits.settle(handle)

    first, again = await visits.offers(order)
    assert (first.status, first.answer_reason) == (OfferStatus.DECLINED, "too_far")
    assert (again.status, again.reasons) == (OfferStatus.OPEN, ["chosen_by_agent"])
    assert await visits.say(handle, "accept", visits.accept("tech_ann")) is VisitStatus.ACCEPTED
    await visits.say(handle, "call_off", a_call_off(visits))
    await handle.result()


async def test_giving_up_the_search_is_told_to_the_ticket(visits: Field) -> None:
    order = await a_faulty_device(visits.engine)
    handle = await visits.begin(order)

    await visits.say(handle, "call_off", a_call_off(visits))

    assert (await handle.result()).outcome is Outcome.NOBODY
    assert await visits.story(order) == ["requested", "nobody", "cancelled"]


async def test_of_two_acceptances_at_once_one_holds(visits: Field) -> None:
    order = await a_faulty_device(visits.engine, "jo")
    handle = await visits.begin(order)

    answers = await asyncio.gather(
        *(visits.say(handle, "accept", visits.accept("tech_jo")) for _ in range(2)), return_exceptions=True
    )

    assert answers.count(VisitStatus.ACCEPTED) == 1
    assert (await visits.story(order)).count("accepted") == 1
    await visits.say(handle, "call_off", a_call_off(visits))


async def test_a_double_click_is_one_acceptance(visits: Field) -> None:
    order = await a_faulty_device(visits.engine, "jo")
    handle = await visits.begin(order)
    click = visits.accept("tech_jo")

    answers = [await visits.say(handle, "accept", click), await visits.say(handle, "accept", click)]

    assert answers == [VisitStatus.ACCEPTED, VisitStatus.ACCEPTED]
    assert (await visits.story(order)).count("accepted") == 1
    await visits.say(handle, "call_off", a_call_off(visits))


async def test_the_customer_is_reminded_and_then_the_agent_chooses(visits: Field) -> None:
    order = await a_faulty_device(visits.engine, "jo")
    handle = await visits.accepted(order, "tech_jo")

    await visits.forward(handle, timedelta(hours=24, minutes=1))
    assert (await visits.letters())[-1] == "slot_reminder"
    await visits.forward(handle, timedelta(hours=24, minutes=1))
    assert (await visits.letters())[-1] == "slot_silent"
    [wait] = await visits.open_waits(order)
    assert (wait.key, wait.who, wait.what, wait.until) == ("slot", "us", "agent", None)

    assert await visits.say(handle, "choose_slot", visits.slot()) is VisitStatus.SCHEDULED
    assert await visits.story(order) == [
        "requested", "offered", "accepted", "slot_reminder", "slot_silent", "scheduled",
    ]  # fmt: skip
    await visits.say(handle, "call_off", a_call_off(visits))


async def test_the_team_is_warned_once_when_nobody_sets_off(visits: Field) -> None:
    order = await a_faulty_device(visits.engine, "jo")
    handle = await visits.scheduled(order, "tech_jo")
    starts_at = (await visits.row(order)).starts_at
    assert starts_at is not None

    await visits.forward_to(handle, starts_at + timedelta(minutes=14))
    assert "late_start" not in await visits.story(order)
    await visits.forward_to(handle, starts_at + timedelta(minutes=15))
    await visits.forward(handle, timedelta(hours=3))

    assert (await visits.story(order)).count("late_start") == 1
    assert (await visits.letters()).count("late_start") == 1
    await visits.say(handle, "call_off", a_call_off(visits))


async def test_a_moved_appointment_starts_the_clock_again(visits: Field) -> None:
    order = await a_faulty_device(visits.engine, "jo")
    handle = await visits.scheduled(order, "tech_jo")
    starts_at = (await visits.row(order)).starts_at
    assert starts_at is not None

    await visits.say(handle, "choose_slot", visits.slot(hours=5))
    await visits.forward_to(handle, starts_at + timedelta(minutes=16))

    assert "late_start" not in await visits.story(order)
    assert set((await visits.letters())[-2:]) == {"moved", "job_moved"}
    await visits.forward_to(handle, starts_at + timedelta(hours=5, minutes=16))
    assert (await visits.story(order))[-2:] == ["moved", "late_start"]
    await visits.say(handle, "call_off", a_call_off(visits))


async def test_the_team_is_warned_once_when_the_work_takes_long(visits: Field) -> None:
    order = await a_faulty_device(visits.engine, "jo")
    handle = await visits.working(order, "tech_jo")

    await visits.forward(handle, timedelta(hours=3, minutes=59))
    assert "overrun" not in await visits.story(order)
    await visits.forward(handle, timedelta(hours=4))

    assert (await visits.story(order)).count("overrun") == 1
    assert (await visits.letters()).count("overrun") == 1
    await the_evidence(visits.engine, order)
    await visits.say(handle, "finish", an_end(visits, "tech_jo"))
    assert (await handle.result()).outcome is Outcome.REPAIRED


async def test_a_slot_that_another_visit_took_is_refused_and_nothing_is_lost(visits: Field) -> None:
    order = await a_faulty_device(visits.engine, "jo")
    other = await another_ticket(visits.engine, order)
    first = await visits.scheduled(order, "tech_jo")
    second = await visits.accepted(other, "tech_jo")

    assert await visits.refused(second, "choose_slot", visits.slot(hours=1)) == "slot_taken"

    assert (await visits.row(other)).status is VisitStatus.ACCEPTED
    assert [wait.key for wait in await visits.open_waits(other)] == ["slot"]
    assert await visits.say(second, "choose_slot", visits.slot(hours=3)) is VisitStatus.SCHEDULED
    for handle in (first, second):
        await visits.say(handle, "call_off", a_call_off(visits))


async def test_a_visit_given_back_goes_to_the_next_and_frees_the_time(visits: Field) -> None:
    order = await a_faulty_device(visits.engine, "ann", "ben")
    handle = await visits.begin(order)
    [offer] = await visits.offers(order)
    holder = offer.technician_id
    await visits.say(handle, "accept", visits.accept(holder))
    await visits.say(handle, "choose_slot", visits.slot())

    await visits.say(handle, "decline", a_decline(visits, holder))
    await visits.settle(handle)

    row = await visits.row(order)
    assert (row.status, row.technician_id, row.starts_at) == (VisitStatus.SEARCHING, None, None)
    assert "given_back" in (await visits.letters())
    returned, following = await visits.offers(order)
    assert returned.status is OfferStatus.DECLINED
    assert (following.status, following.technician_id != holder) == (OfferStatus.OPEN, True)
    await visits.say(handle, "call_off", a_call_off(visits))


@pytest.mark.parametrize(
    "status", ["searching", "unassigned", "accepted", "scheduled", "travelling", "arrived"]
)
async def test_a_visit_can_be_called_off_until_the_work_begins(visits: Field, status: str) -> None:
    order = await a_faulty_device(visits.engine, *([] if status == "unassigned" else ["jo"]))
    if status in ("searching", "unassigned"):
        handle = await visits.begin(order)
    else:
        handle = await visits.accepted(order, "tech_jo")
    if status in ("scheduled", "travelling", "arrived"):
        await visits.say(handle, "choose_slot", visits.slot())
    for update, reached in (("depart", "travelling"), ("arrive", "arrived")):
        if status == reached or (status, update) == ("arrived", "depart"):
            await visits.say(handle, update, visits.step("tech_jo"))
    assert (await visits.row(order)).status == status

    assert await visits.say(handle, "call_off", a_call_off(visits)) is VisitStatus.CANCELLED

    await handle.result()
    assert "called_off" in (await visits.letters())
    assert ("job_called_off" in (await visits.letters())) is (status not in ("searching", "unassigned"))
    assert {offer.status for offer in await visits.offers(order)} <= {"accepted", "withdrawn"}
    assert await visits.open_waits(order) == []


async def test_commands_that_make_no_sense_are_refused_by_code(visits: Field) -> None:
    order = await a_faulty_device(visits.engine, "jo")
    handle = await visits.begin(order)
    refused = visits.refused

    assert await refused(handle, "accept", visits.accept("tech_other")) == "offer_gone"
    assert await refused(handle, "decline", a_decline(visits, "tech_other")) == "offer_gone"
    assert await refused(handle, "choose_slot", visits.slot()) == "visit_wrong_step"
    assert await refused(handle, "redispatch", Redispatch(**visits.said())) == "visit_wrong_step"
    await visits.say(handle, "accept", visits.accept("tech_jo"))
    assert await refused(handle, "accept", visits.accept("tech_jo")) == "offer_gone"
    assert await refused(handle, "depart", visits.step("tech_jo")) == "visit_wrong_step"
    assert await refused(handle, "choose_slot", ChooseSlot(**visits.said())) == "slot_taken"
    past = visits.now - timedelta(hours=3)
    late = ChooseSlot(**visits.said(), starts_at=past, ends_at=past + timedelta(hours=2))
    assert await refused(handle, "choose_slot", late) == "slot_taken"
    await visits.say(handle, "choose_slot", visits.slot())
    assert await refused(handle, "depart", visits.step("tech_other")) == "not_found"
    assert await refused(handle, "arrive", visits.step("tech_jo")) == "visit_wrong_step"
    await visits.say(handle, "depart", visits.step("tech_jo"))
    assert await refused(handle, "decline", a_decline(visits, "tech_jo")) == "visit_wrong_step"
    assert await refused(handle, "start", visits.step("tech_jo")) == "visit_wrong_step"
    await visits.say(handle, "arrive", visits.step("tech_jo"))
    assert await refused(handle, "finish", an_end(visits, "tech_jo")) == "visit_wrong_step"
    await visits.say(handle, "start", visits.step("tech_jo"))
    assert await refused(handle, "call_off", a_call_off(visits)) == "visit_wrong_step"
    assert await refused(handle, "finish", an_end(visits, "tech_jo")) == "checklist_open"
    assert [wait.key for wait in await visits.open_waits(order)] == ["work"]
    await the_evidence(visits.engine, order)
    await visits.say(handle, "finish", an_end(visits, "tech_jo"))


async def test_a_closed_door_ends_the_visit_without_evidence(visits: Field) -> None:
    order = await a_faulty_device(visits.engine, "jo")
    handle = await visits.scheduled(order, "tech_jo")
    for update in ("depart", "arrive"):
        await visits.say(handle, update, visits.step("tech_jo"))

    status = await visits.say(handle, "finish", an_end(visits, "tech_jo", Outcome.CUSTOMER_ABSENT))

    assert status is VisitStatus.NO_SHOW
    assert (await handle.result()).outcome is Outcome.CUSTOMER_ABSENT


async def test_a_cancelled_ticket_takes_its_visit_along(visits: Field) -> None:
    order = await a_faulty_device(visits.engine, "jo")
    handle = await visits.scheduled(order, "tech_jo")

    await handle.cancel()
    result = await handle.result()

    assert result.outcome is Outcome.CANCELLED
    row = await visits.row(order)
    assert (row.status, row.is_over) == (VisitStatus.CANCELLED, True)
    assert set((await visits.letters())[-2:]) == {"called_off", "job_called_off"}
    assert await visits.open_waits(order) == []


async def test_a_worker_that_dies_half_way_loses_nothing(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    visits = Field(worker_engine, temporal)
    order = await a_faulty_device(worker_engine, "jo")
    async with AsyncExitStack() as stack:
        for worker in visits.workers():
            await stack.enter_async_context(worker)
        handle = await visits.scheduled(order, "tech_jo")

    async with AsyncExitStack() as stack:
        for worker in visits.workers():
            await stack.enter_async_context(worker)
        for update in ("depart", "arrive", "start"):
            await visits.say(handle, update, visits.step("tech_jo"))
        await the_evidence(worker_engine, order)
        await visits.say(handle, "finish", an_end(visits, "tech_jo"))
        await handle.result()

    assert (await visits.story(order)).count("scheduled") == 1
    assert (await visits.row(order)).status is VisitStatus.COMPLETED


@pytest.mark.parametrize("name", HISTORIES)
async def test_todays_code_tells_a_recorded_visit_the_same_way(name: str) -> None:
    replayer = Replayer(workflows=[VisitWorkflow], data_converter=converter([("test", bytes(32))]))

    await replayer.replay_workflow(WorkflowHistory.from_json(name, HISTORIES[name]))


def test_a_visit_has_recorded_lives() -> None:
    assert set(HISTORIES) >= {"repaired", "nobody"}
