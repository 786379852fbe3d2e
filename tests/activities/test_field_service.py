"""What visits do to the rows, each act twice."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.field_service import FieldServiceActivities
from models.field_service import Absence, Visit, VisitOffer
from models.journeys import OpenWait
from models.kit.timeline import TimelineEntry
from models.messages.field_service import (
    Booking,
    Candidate,
    EvidenceRequest,
    OfferRequest,
    OfferStatus,
    Outcome,
    RankRequest,
    VisitStatus,
)
from models.messages.journeys import Wait, WaitFor, WaitNotes
from tests.builders.field_service import (
    a_change,
    a_faulty_device,
    a_technician,
    a_visit,
    another_ticket,
    next_monday,
    store,
    the_evidence,
)

MONDAY = datetime(2026, 11, 23, 1, tzinfo=UTC)  # ten o'clock in Seoul


async def twice(act, argument):
    """Run an activity twice and answer with the second answer, which must be the first."""
    first = await ActivityEnvironment().run(act, argument)
    second = await ActivityEnvironment().run(act, argument)
    assert first == second
    return second


async def rows(engine: AsyncEngine, statement) -> list:
    async with AsyncSession(engine) as session:
        return list((await session.scalars(statement)).all())


async def test_technicians_are_ranked_from_the_tables(worker_engine: AsyncEngine) -> None:
    order = await a_faulty_device(worker_engine, "busy", "idle", "asked", "away")
    await store(worker_engine, *a_technician("plumber", skills=["boiler"]))
    absent = [Absence(technician_id="tech_away", day=(MONDAY + timedelta(days=n)).date()) for n in range(14)]
    await store(worker_engine, *absent)
    await a_visit(worker_engine, order)
    other = await another_ticket(worker_engine, order)
    booked = {"starts_at": MONDAY, "ends_at": MONDAY + timedelta(hours=2), "status": VisitStatus.SCHEDULED}
    await a_visit(worker_engine, other, technician_id="tech_busy", **booked)
    activities = FieldServiceActivities(worker_engine)

    request = RankRequest(order.visit_id, MONDAY - timedelta(hours=1), excluded=("tech_asked",))
    ranked = await twice(activities.rank, request)

    assert [candidate.technician_id for candidate in ranked] == ["tech_idle", "tech_busy"]


async def test_a_follow_up_goes_first_to_whom_was_there_before(worker_engine: AsyncEngine) -> None:
    order = await a_faulty_device(worker_engine, "alpha", "beta")
    await a_visit(worker_engine, order, technician_id="tech_beta", status=VisitStatus.INCOMPLETE)
    follow_up = await another_ticket(worker_engine, order)
    await a_visit(worker_engine, follow_up)
    request = RankRequest(follow_up.visit_id, MONDAY, previous_visit_id=order.visit_id)

    ranked = await twice(FieldServiceActivities(worker_engine).rank, request)

    assert ranked[0].technician_id == "tech_beta"
    assert "knows_the_case" in ranked[0].reasons


async def test_an_offer_counts_working_minutes_and_is_stored_once(worker_engine: AsyncEngine) -> None:
    order = await a_faulty_device(worker_engine, "jo")
    await a_visit(worker_engine, order)
    friday = datetime(2026, 11, 20, 8, 50, tzinfo=UTC)  # ten to six in Seoul
    request = OfferRequest(order.visit_id, 1, Candidate("tech_jo", 90, ("skill",)), friday, offer_minutes=30)

    offer = await twice(FieldServiceActivities(worker_engine).offer, request)

    assert offer.expires_at == datetime(2026, 11, 23, 0, 20, tzinfo=UTC)
    stored = await rows(worker_engine, select(VisitOffer))
    assert [(row.technician_id, row.status, row.reasons) for row in stored] == [
        ("tech_jo", OfferStatus.OPEN, ["skill"])
    ]


async def test_a_slot_is_taken_once(worker_engine: AsyncEngine) -> None:
    order = await a_faulty_device(worker_engine, "jo")
    other = await another_ticket(worker_engine, order)
    for each in (order, other):
        await a_visit(worker_engine, each, status=VisitStatus.ACCEPTED, technician_id="tech_jo")
    act = FieldServiceActivities(worker_engine).schedule
    start = next_monday(MONDAY)
    booking = Booking(order.visit_id, "tech_jo", start, start + timedelta(hours=2))
    clash = Booking(other.visit_id, "tech_jo", start + timedelta(hours=1), start + timedelta(hours=3))

    await twice(act, booking)
    with pytest.raises(ApplicationError) as refused:
        await ActivityEnvironment().run(act, clash)

    assert refused.value.type == "slot_taken"
    assert refused.value.non_retryable
    held = await rows(worker_engine, select(Visit).where(col(Visit.starts_at).is_not(None)))
    assert [visit.id for visit in held] == [order.visit_id]


async def test_of_two_bookings_at_once_one_is_refused(worker_engine: AsyncEngine) -> None:
    order = await a_faulty_device(worker_engine, "jo")
    other = await another_ticket(worker_engine, order)
    for each in (order, other):
        await a_visit(worker_engine, each, status=VisitStatus.ACCEPTED, technician_id="tech_jo")
    act = FieldServiceActivities(worker_engine).schedule
    start = next_monday(MONDAY)
    bookings = [
        Booking(each.visit_id, "tech_jo", start, start + timedelta(hours=2)) for each in (order, other)
    ]

    answers = await asyncio.gather(
        *(ActivityEnvironment().run(act, booking) for booking in bookings), return_exceptions=True
    )

    refused = [answer for answer in answers if isinstance(answer, ApplicationError)]
    assert [answer.type for answer in refused] == ["slot_taken"]
    assert answers.count(None) == 1


@pytest.mark.parametrize(
    ("left", "code"),
    [
        ({"codes": ("power", "clean")}, "checklist_open"),
        ({"slots": ("before",)}, "photo_missing"),
        ({"signature": None}, "signature_missing"),
    ],
)
async def test_a_repair_without_its_evidence_is_refused(
    worker_engine: AsyncEngine, left: dict, code: str
) -> None:
    order = await a_faulty_device(worker_engine, "jo")
    await a_visit(worker_engine, order, status=VisitStatus.WORKING, technician_id="tech_jo")
    await the_evidence(worker_engine, order, **left)
    act = FieldServiceActivities(worker_engine).check_evidence

    with pytest.raises(ApplicationError) as refused:
        await ActivityEnvironment().run(act, EvidenceRequest(order.visit_id, Outcome.REPAIRED))

    assert refused.value.type == code
    await twice(act, EvidenceRequest(order.visit_id, Outcome.CUSTOMER_ABSENT))


async def test_a_repair_with_its_evidence_may_end(worker_engine: AsyncEngine) -> None:
    order = await a_faulty_device(worker_engine, "jo")
    await a_visit(worker_engine, order, status=VisitStatus.WORKING, technician_id="tech_jo")
    await the_evidence(worker_engine, order)

    act = FieldServiceActivities(worker_engine).check_evidence

    assert await twice(act, EvidenceRequest(order.visit_id, Outcome.REPAIRED)) is None


async def test_a_step_is_written_once_with_row_offer_line_and_wait(worker_engine: AsyncEngine) -> None:
    order = await a_faulty_device(worker_engine, "jo")
    activities = FieldServiceActivities(worker_engine)
    await twice(activities.record, a_change(order, 1, VisitStatus.SEARCHING, "visits.requested"))
    await twice(activities.offer, OfferRequest(order.visit_id, 1, Candidate("tech_jo", 1), MONDAY))
    wait = Wait("slot", f"visit:{order.visit_id}", order.ticket_id, WaitFor.CUSTOMER, "slot", MONDAY)
    accepted = a_change(
        order, 2, VisitStatus.ACCEPTED, "visits.accepted", technician_id="tech_jo", is_public=True,
        offer_ordinal=1, offer_status=OfferStatus.ACCEPTED, details={"technician": "tech_jo"},
        waits=WaitNotes((wait,)),
    )  # fmt: skip

    await twice(activities.record, accepted)

    [visit] = await rows(worker_engine, select(Visit))
    assert (visit.seq, visit.status, visit.technician_id) == (2, VisitStatus.ACCEPTED, "tech_jo")
    [offer] = await rows(worker_engine, select(VisitOffer))
    assert offer.status == OfferStatus.ACCEPTED
    lines = await rows(worker_engine, select(TimelineEntry).order_by(col(TimelineEntry.id)))
    assert [line.sentence for line in lines] == ["visits.requested", "visits.accepted"]
    assert lines[1].details == {"technician": "기사 jo"}
    assert lines[1].is_public
    [open_wait] = await rows(worker_engine, select(OpenWait))
    assert (open_wait.key, open_wait.ended_at) == ("slot", None)


async def test_an_older_step_changes_nothing(worker_engine: AsyncEngine) -> None:
    order = await a_faulty_device(worker_engine, "jo")
    record = FieldServiceActivities(worker_engine).record
    await twice(record, a_change(order, 1, VisitStatus.SEARCHING, "visits.requested"))
    await twice(record, a_change(order, 3, VisitStatus.CANCELLED, "visits.cancelled"))

    await twice(record, a_change(order, 2, VisitStatus.UNASSIGNED, "visits.nobody"))

    [visit] = await rows(worker_engine, select(Visit))
    assert (visit.seq, visit.status, visit.is_over) == (3, VisitStatus.CANCELLED, True)
    lines = await rows(worker_engine, select(TimelineEntry.sentence))
    assert sorted(lines) == ["visits.cancelled", "visits.requested"]


async def test_the_end_of_a_visit_ends_its_waits_and_frees_its_slot(worker_engine: AsyncEngine) -> None:
    order = await a_faulty_device(worker_engine, "jo")
    activities = FieldServiceActivities(worker_engine)
    start = next_monday(MONDAY)
    held = {"technician_id": "tech_jo", "starts_at": start, "ends_at": start + timedelta(hours=2)}
    wait = Wait("appointment", f"visit:{order.visit_id}", order.ticket_id, WaitFor.TECHNICIAN, "appointment",
                MONDAY, details={"starts_at": start.isoformat()})  # fmt: skip
    scheduled = a_change(
        order, 1, VisitStatus.SCHEDULED, "visits.scheduled", waits=WaitNotes((wait,)), **held
    )
    await twice(activities.record, scheduled)

    await twice(activities.record, a_change(order, 2, VisitStatus.CANCELLED, "visits.cancelled", **held))

    assert await rows(worker_engine, select(OpenWait).where(col(OpenWait.ended_at).is_(None))) == []
    other = await another_ticket(worker_engine, order)
    await a_visit(worker_engine, other, status=VisitStatus.ACCEPTED, technician_id="tech_jo")
    await twice(activities.schedule, Booking(other.visit_id, "tech_jo", start, start + timedelta(hours=2)))
