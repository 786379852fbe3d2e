"""Who may see visits, offers and technicians: the field its own work, the customer while it is theirs."""

from datetime import timedelta
from typing import Any

from sqlalchemy import and_, false, func, or_, select, true
from sqlmodel import SQLModel, col

from api.kit.people import Kind, Person
from api.kit.seeing import Condition, Rule, ids, of_ticket, own, when
from models.field_service import (
    Absence,
    ChecklistTick,
    DeviceAction,
    PartUse,
    PassedOver,
    Shift,
    Technician,
    Visit,
    VisitOffer,
)
from models.messages.field_service import VisitStatus
from models.partners import Partner, PartnerPaper, PartnerStep

FIELD = (Kind.TECHNICIAN, Kind.PARTNER)
HELD_FOR = timedelta(days=7)
VISIT = "visit:"


def crew(person: Person, column: Any) -> Condition:
    """The column names the asking technician, or one of the asking company."""
    if person.kind is Kind.TECHNICIAN and person.technician_id:
        return col(column) == person.technician_id
    if person.kind is Kind.PARTNER and person.partner_id:
        return col(column).in_(
            select(col(Technician.id)).where(col(Technician.partner_id) == person.partner_id)
        )
    return false()


def held(person: Person) -> Condition:
    """Visits from their acceptance until a week after their end."""
    ended = func.coalesce(Visit.finished_at, Visit.ends_at, Visit.created_at)
    return and_(
        crew(person, Visit.technician_id),
        col(Visit.status).not_in([VisitStatus.SEARCHING, VisitStatus.UNASSIGNED]),
        or_(~col(Visit.is_over), ended > func.now() - HELD_FOR),
    )


def _visits(person: Person) -> Condition:
    return when(
        (person.kind is Kind.STAFF, of_ticket(person, Visit.ticket_id)),
        (person.kind is Kind.CUSTOMER, col(Visit.customer_id) == person.customer_id),
        (person.kind is Kind.LINK, col(Visit.ticket_id) == person.ticket_id),
        (person.kind in FIELD, held(person)),
    )


def _of_visit(person: Person, column: Any) -> Condition:
    return col(column).in_(ids(person, Visit, Visit.id))


def _offers(person: Person) -> Condition:
    return when(
        (person.kind is Kind.STAFF, _of_visit(person, VisitOffer.visit_id)),
        (person.kind in FIELD, crew(person, VisitOffer.technician_id)),
    )


def _device_actions(person: Person) -> Condition:
    return when(
        (person.is_desk, _of_visit(person, DeviceAction.visit_id)),
        (person.kind in FIELD, crew(person, DeviceAction.technician_id)),
    )


def _partners(person: Person) -> Condition:
    mine = col(Partner.id) == person.partner_id
    return when((person.kind is Kind.STAFF, true()), (person.kind in FIELD, mine))


def _technicians(person: Person) -> Condition:
    return when(
        (person.kind is Kind.STAFF, true()),
        (person.kind in FIELD, crew(person, Technician.id)),
        (own(person), col(Technician.id).in_(ids(person, Visit, Visit.technician_id))),
    )


def _papers(person: Person) -> Condition:
    mine = col(PartnerPaper.partner_id) == person.partner_id
    return when((person.kind is Kind.STAFF, true()), (person.kind is Kind.PARTNER, mine))


def _steps(person: Person) -> Condition:
    return when((person.kind is Kind.STAFF, true()))


def _passed_over(person: Person) -> Condition:
    return when((person.kind is Kind.STAFF, _of_visit(person, PassedOver.visit_id)))


def of_own_visit(person: Person, column: Any) -> Condition:
    """For the field: what names no visit, or one that they hold, and not another company's on the ticket."""
    return or_(col(column).is_(None), col(column).in_(select(col(Visit.id)).where(held(person))))


def about_own_visit(person: Person, subject: Any) -> Condition:
    """The same for rows that name what they are about as "visit:…"."""
    visit = func.substr(subject, len(VISIT) + 1)
    return or_(~col(subject).startswith(VISIT), visit.in_(select(col(Visit.id)).where(held(person))))


def _hours(column: Any) -> Rule:
    return lambda person: when(
        (person.kind is Kind.STAFF, true()), (person.kind in FIELD, crew(person, column))
    )


RULES_OF_VISITS: dict[type[SQLModel], Rule] = {
    Visit: _visits,
    VisitOffer: _offers,
    ChecklistTick: lambda person: _of_visit(person, ChecklistTick.visit_id),
    PartUse: lambda person: _of_visit(person, PartUse.visit_id),
    DeviceAction: _device_actions,
    Partner: _partners,
    PartnerPaper: _papers,
    PartnerStep: _steps,
    PassedOver: _passed_over,
    Technician: _technicians,
    Shift: _hours(Shift.technician_id),
    Absence: _hours(Absence.technician_id),
}
