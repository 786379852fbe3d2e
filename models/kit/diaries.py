"""Technicians' days as stored: shifts, days off and bookings, for ranks and for the slots of a page."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.field_service import Absence, Shift, Visit
from models.kit.calendars import working_calendar
from models.messages.field_service import HOLDS_SLOT
from models.rules.calendars import WorkingCalendar, is_working_day
from models.rules.field_service import SEOUL, Diary

LOOK_AHEAD_DAYS = 14  # customers are offered slots, and technicians' load is counted, this far


async def diaries(
    session: AsyncSession, technician_ids: Sequence[str], at: datetime, *, without_visit: str = ""
) -> dict[str, Diary]:
    """The shifts, days off and bookings of technicians from `at` on, as the slot rule wants them."""
    first = at.astimezone(SEOUL).date()
    holidays = closed_days(await working_calendar(session, at), at)
    shifts = (await session.scalars(select(Shift).where(col(Shift.technician_id).in_(technician_ids)))).all()
    absences = (
        await session.scalars(
            select(Absence).where(col(Absence.technician_id).in_(technician_ids), col(Absence.day) >= first)
        )
    ).all()
    booked = (
        await session.scalars(
            select(Visit).where(
                col(Visit.technician_id).in_(technician_ids),
                col(Visit.status).in_(HOLDS_SLOT),
                col(Visit.ends_at) > at,
                col(Visit.id) != without_visit,
            )
        )
    ).all()
    return {
        technician: _diary(technician, holidays, shifts, absences, booked) for technician in technician_ids
    }


def closed_days(calendar: WorkingCalendar, at: datetime) -> frozenset[date]:
    """Holidays of the coming days on which nobody is sent anywhere; a weekend is a matter of shifts."""
    first = at.astimezone(SEOUL).date()
    days = (first + timedelta(days=offset) for offset in range(LOOK_AHEAD_DAYS + 1))
    return frozenset(day for day in days if day in calendar.holidays and not is_working_day(day, calendar))


def _diary(
    technician: str,
    holidays: frozenset[date],
    shifts: Sequence[Shift],
    absences: Sequence[Absence],
    booked: Sequence[Visit],
) -> Diary:
    off = frozenset(absence.day for absence in absences if absence.technician_id == technician)
    return Diary(
        {shift.weekday: (shift.starts, shift.ends) for shift in shifts if shift.technician_id == technician},
        holidays | off,
        tuple(
            (visit.starts_at, visit.ends_at)
            for visit in booked
            if visit.technician_id == technician and visit.starts_at and visit.ends_at
        ),
    )
