"""What visits do to our rows: ranks, offers, bookings, and one line for each step."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.errors import ExclusionViolation
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.kit.calendars import working_calendar
from activities.kit.standing import bars, may_send, note_passed_over
from activities.kit.timeline import tell_live, write_entry, write_waits
from activities.kit.transactions import transaction
from models.catalogue import Product
from models.customers import Customer, OwnedProduct
from models.field_service import ChecklistTick, Technician, Visit, VisitOffer
from models.journeys import OpenWait
from models.kit.diaries import LOOK_AHEAD_DAYS, diaries
from models.kit.refusals import Refusal
from models.messages.field_service import (
    VISIT_OVER,
    Assignment,
    Booking,
    Candidate,
    EvidenceRequest,
    Offer,
    OfferRequest,
    OfferStatus,
    RankRequest,
    VisitChange,
    VisitStatus,
    visit_workflow_id,
)
from models.messages.journeys import WaitNotes
from models.rules import field_service as rules
from models.rules.calendars import add_working_minutes
from models.tickets import Attachment, Ticket

RECENT = timedelta(weeks=4)  # jobs within it count for fairness


@dataclass
class FieldServiceActivities:
    """What visits do to the world. Dependencies are handed in once, by worker.py."""

    engine: AsyncEngine

    @activity.defn(name="field_service.rank")
    async def rank(self, request: RankRequest) -> tuple[Candidate, ...]:
        """Who could come, best first; who is left out for their company or its papers is written down.

        Safe to repeat: the same line is written again."""
        async with transaction(self.engine) as session:
            need = await _need(session, request)
            workers = await _workers(session, request)
            barred = await bars(
                session, [worker.technician_id for worker in workers], need.category, request.at
            )
            await note_passed_over(session, request, need, workers, barred)
        return rules.rank([worker for worker in workers if worker.technician_id not in barred], need)

    @activity.defn(name="field_service.offer")
    async def offer(self, request: OfferRequest) -> Offer:
        """Store one timed offer. Safe to repeat: the row is the visit's n-th, and its deadline stays."""
        async with transaction(self.engine) as session:
            calendar = await working_calendar(session, request.at)
            expires_at = add_working_minutes(request.at, request.offer_minutes, calendar)
            candidate = request.candidate
            row = {
                "visit_id": request.visit_id, "ordinal": request.ordinal, "status": OfferStatus.OPEN,
                "technician_id": candidate.technician_id, "score": candidate.score,
                "reasons": list(candidate.reasons), "offered_at": request.at, "expires_at": expires_at,
                "answer_reason": "",
            }  # fmt: skip
            await session.execute(
                insert(VisitOffer).values(row).on_conflict_do_nothing(index_elements=["visit_id", "ordinal"])
            )
            stored = await session.get_one(VisitOffer, (request.visit_id, request.ordinal))
            await tell_live(session, "visits", f"visit:{request.visit_id}")
        return Offer(stored.visit_id, stored.ordinal, stored.technician_id, stored.expires_at)

    @activity.defn(name="field_service.assign")
    async def assign(self, order: Assignment) -> None:
        """Let a company take an offer, or the visit that it holds, for one of its own technicians.

        The row of the offer decides between two at once; the same order again finds it done."""
        try:
            async with transaction(self.engine) as session:
                await _assign(session, order)
        except IntegrityError as error:
            if isinstance(error.orig, ExclusionViolation):
                raise _refused("slot_taken") from error
            raise

    @activity.defn(name="field_service.schedule")
    async def schedule(self, booking: Booking) -> None:
        """Take the slot in the technician's day, or refuse with `slot_taken`; the constraint of the table
        decides between two at once. Safe to repeat: it sets the same slot."""
        values = {
            "technician_id": booking.technician_id, "starts_at": booking.starts_at,
            "ends_at": booking.ends_at, "status": VisitStatus.SCHEDULED,
        }  # fmt: skip
        try:
            async with transaction(self.engine) as session:
                statement = update(Visit).where(col(Visit.id) == booking.visit_id, ~col(Visit.is_over))
                await session.execute(statement.values(values))
        except IntegrityError as error:
            if isinstance(error.orig, ExclusionViolation):
                raise _refused("slot_taken") from error
            raise

    @activity.defn(name="field_service.check_evidence")
    async def check_evidence(self, request: EvidenceRequest) -> None:
        """Refuse an end without checklist, photos or signature. Safe to repeat: it only reads."""
        async with transaction(self.engine) as session:
            code = rules.can_finish(request.outcome, await evidence(session, request.visit_id))
        if code is not None:
            raise _refused(code)

    @activity.defn(name="field_service.record")
    async def record(self, change: VisitChange) -> None:
        """Write one step: row, offer, timeline, waits, live signal. Safe to repeat: a step whose number is
        not newer than the row's has been written already."""
        async with transaction(self.engine) as session:
            await _be_born(session, change)
            visit = await session.get_one(Visit, change.visit_id, with_for_update=True)
            if visit.seq >= change.seq:
                return
            _take_over(visit, change)
            await _close_offer(session, change)
            names = await _names(session, change)
            await write_entry(
                session, key=f"visit:{change.visit_id}:{change.seq}", subject=f"visit:{change.visit_id}",
                ticket_id=change.ticket_id, at=change.at, sentence=change.sentence,
                actor_kind=change.actor_kind, actor_id=change.actor_id,
                details=_told(change.details, names), is_public=change.is_public,
            )  # fmt: skip
            await _write_waits(session, change, names)
            await tell_live(
                session, "visits", f"visit:{change.visit_id}", f"ticket:{change.ticket_id}", "tickets"
            )


async def _assign(session: AsyncSession, order: Assignment) -> None:
    """Lock the offer, look who has it, and give it to whom the company sends; a booked time moves along."""
    offer = await session.get(VisitOffer, (order.visit_id, order.ordinal), with_for_update=True)
    if offer is None or offer.status not in (OfferStatus.OPEN, OfferStatus.ACCEPTED):
        raise _refused("offer_gone")
    is_open = offer.status is OfferStatus.OPEN
    holder = offer.technician_id if is_open else offer.assigned_to or offer.technician_id
    if not is_open and holder == order.assignee:
        return
    if is_open is order.is_handed_on or holder != order.technician_id:
        raise _refused("offer_gone")
    if not await may_send(session, offer.technician_id, order.assignee, order.visit_id, order.at):
        raise _refused("not_of_company")
    offer.status, offer.assigned_to = OfferStatus.ACCEPTED, order.assignee
    if is_open:
        offer.answered_at = order.at
    else:
        mine = update(Visit).where(col(Visit.id) == order.visit_id, ~col(Visit.is_over))
        await session.execute(mine.values(technician_id=order.assignee))
    await session.flush()


def _refused(code: str) -> ApplicationError:
    return ApplicationError(str(Refusal(code)), type=code, non_retryable=True)


async def _need(session: AsyncSession, request: RankRequest) -> rules.Need:
    """What the visit's ticket asks for; the customer's region is where the device is unless it says so."""
    statement = (
        select(col(Product.category), col(OwnedProduct.region), col(Customer.region), col(Ticket.site_region))
        .select_from(Visit)
        .join(Ticket, col(Ticket.id) == col(Visit.ticket_id))
        .join(Customer, col(Customer.id) == col(Visit.customer_id))
        .outerjoin(OwnedProduct, col(OwnedProduct.id) == col(Ticket.owned_product_id))
        .outerjoin(Product, col(Product.id) == col(OwnedProduct.product_id))
        .where(col(Visit.id) == request.visit_id)
    )
    category, device_region, home_region, site = (await session.execute(statement)).one()
    previous = None
    if request.previous_visit_id is not None:
        before = await session.get(Visit, request.previous_visit_id)
        previous = before.technician_id if before is not None else None
    return rules.Need(category or "", site or device_region or home_region, previous_technician_id=previous)


async def _workers(session: AsyncSession, request: RankRequest) -> list[rules.Worker]:
    """Every active technician who has not been asked yet, with the load of the coming days."""
    people = (await session.scalars(select(Technician).where(col(Technician.is_active)))).all()
    people = [person for person in people if person.id not in request.excluded]
    known = await diaries(session, [person.id for person in people], request.at)
    recent = await _recent_jobs(session, request.at)
    first = request.at.astimezone(rules.SEOUL).date()
    return [
        rules.Worker(
            person.id, frozenset(person.skills), frozenset(person.territories),
            shift_minutes=rules.shift_minutes(known[person.id], first, LOOK_AHEAD_DAYS),
            booked_minutes=_minutes(known[person.id].booked),
            recent_jobs=recent.get(person.id, 0),
        )
        for person in people
    ]  # fmt: skip


def _minutes(booked: Sequence[tuple[datetime, datetime]]) -> int:
    return sum(int((ends - starts).total_seconds()) for starts, ends in booked) // 60


async def _recent_jobs(session: AsyncSession, at: datetime) -> dict[str, int]:
    statement = (
        select(func.coalesce(col(VisitOffer.assigned_to), col(VisitOffer.technician_id)), func.count())
        .where(col(VisitOffer.status) == OfferStatus.ACCEPTED, col(VisitOffer.offered_at) > at - RECENT)
        .group_by(func.coalesce(col(VisitOffer.assigned_to), col(VisitOffer.technician_id)))
    )
    return dict((await session.execute(statement)).all())


async def evidence(session: AsyncSession, visit_id: str) -> rules.Evidence:
    """What is stored of the work on a visit."""
    visit = await session.get_one(Visit, visit_id)
    checklist = await session.scalar(
        select(col(Product.checklist))
        .join(OwnedProduct, col(OwnedProduct.product_id) == col(Product.id))
        .join(Ticket, col(Ticket.owned_product_id) == col(OwnedProduct.id))
        .where(col(Ticket.id) == visit.ticket_id)
    )
    ticks = await session.scalars(
        select(col(ChecklistTick.code)).where(col(ChecklistTick.visit_id) == visit_id)
    )
    photos = await session.execute(
        select(col(Attachment.slot), func.count())
        .where(col(Attachment.visit_id) == visit_id)
        .group_by(col(Attachment.slot))
    )
    return rules.Evidence(
        required=frozenset(item["code"] for item in checklist or () if item.get("is_required")),
        ticked=frozenset(ticks.all()),
        photos=dict(photos.all()),
        is_signed=bool(visit.signature),
        absence_reason=visit.absence_reason,
    )


async def _be_born(session: AsyncSession, change: VisitChange) -> None:
    """The first step of a visit makes its row."""
    ticket = await session.get_one(Ticket, change.ticket_id)
    row = {
        "id": change.visit_id, "ticket_id": change.ticket_id, "customer_id": ticket.customer_id,
        "status": change.status, "is_over": False, "arrival_position": "", "labour_minutes": 0, "note": "",
        "signer": "", "absence_reason": "", "created_at": change.at, "seq": 0,
    }  # fmt: skip
    await session.execute(insert(Visit).values(row).on_conflict_do_nothing(index_elements=["id"]))


MOMENTS = {
    VisitStatus.TRAVELLING: "departed_at",
    VisitStatus.ARRIVED: "arrived_at",
    VisitStatus.WORKING: "started_at",
}


def _take_over(visit: Visit, change: VisitChange) -> None:
    """The row says what the workflow says; a step's own moment is the one it was made at."""
    has_moved = visit.status is not change.status
    visit.seq, visit.status, visit.is_over = change.seq, change.status, change.status in VISIT_OVER
    visit.technician_id = change.technician_id
    visit.starts_at, visit.ends_at = change.starts_at, change.ends_at
    if has_moved and change.status in MOMENTS:
        setattr(visit, MOMENTS[change.status], change.at)
    if change.position:
        visit.arrival_position = change.position
    if change.outcome is not None:
        visit.outcome, visit.finished_at = change.outcome, change.at
        visit.labour_minutes, visit.note = change.labour_minutes, change.note


async def _close_offer(session: AsyncSession, change: VisitChange) -> None:
    if change.offer_status is None:
        return
    await session.execute(
        update(VisitOffer)
        .where(col(VisitOffer.visit_id) == change.visit_id, col(VisitOffer.ordinal) == change.offer_ordinal)
        .values(status=change.offer_status, answered_at=change.at, answer_reason=change.reason)
    )


async def _names(session: AsyncSession, change: VisitChange) -> dict[str, str]:
    """The names behind the technicians' ids that this step mentions."""
    waits = (wait.details.get("technician") for wait in change.waits.opened)
    ids = {found for found in (change.details.get("technician"), *waits) if found}
    if not ids:
        return {}
    rows = await session.execute(
        select(col(Technician.id), col(Technician.name)).where(col(Technician.id).in_(ids))
    )
    return dict(rows.all())


def _told(details: dict[str, str], names: dict[str, str]) -> dict[str, Any]:
    """Details as people read them: the technician's name instead of the id that history keeps."""
    if "technician" not in details:
        return dict(details)
    return {**details, "technician": names.get(details["technician"], details["technician"])}


async def _write_waits(session: AsyncSession, change: VisitChange, names: dict[str, str]) -> None:
    opened = tuple(
        type(wait)(**{**vars(wait), "details": _told(wait.details, names)}) for wait in change.waits.opened
    )
    workflow_id = visit_workflow_id(change.visit_id)
    await write_waits(session, workflow_id, WaitNotes(opened, change.waits.ended))
    if change.status in VISIT_OVER:
        await session.execute(
            update(OpenWait)
            .where(col(OpenWait.workflow_id) == workflow_id, col(OpenWait.ended_at).is_(None))
            .values(ended_at=change.at)
        )
