"""Technicians, their days and visits. Visits are owned by VisitWorkflow (activities/field_service.py);
checklist ticks, parts and signature are stored by api/field_service.py while the visit is open."""

from datetime import date, datetime, time

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.field_service import OfferStatus, Outcome, VisitStatus


class Technician(SQLModel, table=True):
    """Somebody who repairs, with what they can and where they work. Edited by api/partners.py."""

    __tablename__ = "technicians"

    id: str = Field(primary_key=True)
    partner_id: str | None = Field(default=None, foreign_key="partners.id", index=True)  # None: our own
    name: str = columns.text()
    phone: str = columns.text(default="")
    skills: list[str] = columns.words(default_factory=list)  # product categories
    territories: list[str] = columns.words(default_factory=list)  # region codes
    is_active: bool = True


class Shift(SQLModel, table=True):
    """One weekday's working time of a technician, Asia/Seoul."""

    __tablename__ = "technician_shifts"
    __table_args__ = (UniqueConstraint("technician_id", "weekday"),)

    id: int | None = columns.serial(default=None)
    technician_id: str = Field(foreign_key="technicians.id")
    weekday: int  # 0 = Monday
    starts: time
    ends: time


class Absence(SQLModel, table=True):
    """A day on which a technician does not work."""

    __tablename__ = "technician_absences"

    technician_id: str = Field(primary_key=True, foreign_key="technicians.id")
    day: date = Field(primary_key=True)


class Visit(SQLModel, table=True):
    """One visit to a customer; the n-th of its ticket."""

    __tablename__ = "visits"
    __table_args__ = (
        Index("visits_by_technician", "technician_id", "starts_at"),
        Index("visits_open", "status", "id", postgresql_where=text("not is_over")),
    )  # the migration adds an exclusion constraint: a technician is never booked twice at one time

    id: str = Field(primary_key=True)
    ticket_id: str = Field(foreign_key="tickets.id", index=True)
    customer_id: str = Field(foreign_key="customers.id")
    status: VisitStatus = Field(default=VisitStatus.SEARCHING, sa_type=columns.word(VisitStatus))
    is_over: bool = False
    technician_id: str | None = Field(default=None, foreign_key="technicians.id")
    starts_at: datetime | None = columns.moment(default=None, nullable=True)
    ends_at: datetime | None = columns.moment(default=None, nullable=True)
    departed_at: datetime | None = columns.moment(default=None, nullable=True)
    arrived_at: datetime | None = columns.moment(default=None, nullable=True)
    arrival_position: str = columns.text(default="")
    started_at: datetime | None = columns.moment(default=None, nullable=True)
    finished_at: datetime | None = columns.moment(default=None, nullable=True)
    outcome: Outcome | None = Field(default=None, sa_type=columns.word(Outcome), nullable=True)
    labour_minutes: int = 0
    note: str = columns.text(default="")
    signature: str | None = columns.text(default=None)  # SVG path data of the customer's strokes
    signer: str = columns.text(default="")
    absence_reason: str = columns.text(default="")  # why there is no signature
    created_at: datetime = columns.moment()
    seq: int = 0


class VisitOffer(SQLModel, table=True):
    """One timed offer; written by activities/field_service.py."""

    __tablename__ = "visit_offers"
    __table_args__ = (
        Index("one_open_offer_per_visit", "visit_id", unique=True, postgresql_where=text("status = 'open'")),
        Index("one_holder_per_visit", "visit_id", unique=True, postgresql_where=text("status = 'accepted'")),
        Index("offers_by_technician", "technician_id", "status"),
    )

    visit_id: str = Field(primary_key=True, foreign_key="visits.id")
    ordinal: int = Field(primary_key=True)
    technician_id: str = Field(foreign_key="technicians.id")
    status: OfferStatus = Field(default=OfferStatus.OPEN, sa_type=columns.word(OfferStatus))
    score: int = 0
    reasons: list[str] = columns.words(default_factory=list)
    offered_at: datetime = columns.moment()
    expires_at: datetime = columns.moment()
    answered_at: datetime | None = columns.moment(default=None, nullable=True)
    answer_reason: str = columns.text(default="")
    assigned_to: str | None = Field(default=None, foreign_key="technicians.id")  # whom their company sends


class PassedOver(SQLModel, table=True):
    """A technician who could do it and was not asked, and why; written by activities/field_service.py."""

    __tablename__ = "visit_passed_over"

    visit_id: str = Field(primary_key=True, foreign_key="visits.id")
    technician_id: str = Field(primary_key=True, foreign_key="technicians.id")
    reason: str = columns.text()
    at: datetime = columns.moment()


class ChecklistTick(SQLModel, table=True):
    """One step of the checklist done at the device's time; stored by api/field_service.py."""

    __tablename__ = "visit_checklist_ticks"
    __table_args__ = (UniqueConstraint("visit_id", "action_id", name="visit_checklist_ticks_own_key"),)

    visit_id: str = Field(primary_key=True, foreign_key="visits.id")
    code: str = columns.text(primary_key=True)
    done_at: datetime = columns.moment()
    action_id: str = columns.text()


class PartUse(SQLModel, table=True):
    """A part used on a visit; stored by api/field_service.py."""

    __tablename__ = "visit_parts"
    __table_args__ = (UniqueConstraint("visit_id", "action_id", name="visit_parts_own_key"),)

    id: int | None = columns.serial(default=None)
    visit_id: str = Field(foreign_key="visits.id", index=True)
    part_id: str = Field(foreign_key="parts.id")
    quantity: int
    used_at: datetime = columns.moment()
    action_id: str = columns.text()


class DeviceAction(SQLModel, table=True):
    """A phone's outbox line as it arrived: kept even when it came too late, as evidence."""

    __tablename__ = "device_actions"
    __table_args__ = (Index("device_actions_by_visit", "visit_id", "received_at"),)

    technician_id: str = columns.text(primary_key=True)
    id: str = columns.text(primary_key=True)  # made on the device, so unique for its technician only
    visit_id: str = columns.text()
    kind: str = columns.text()
    device_at: datetime = columns.moment()
    received_at: datetime = columns.moment()
    outcome: str = columns.text(default="done")  # done, refused
    refusal: str = columns.text(default="")
