"""The Korean working calendar of these years: public holidays with substitutes, and our exceptions."""

from datetime import date, datetime
from functools import cache

import holidays
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.rules.calendars import KST, WorkingCalendar
from models.tickets import CalendarDay


async def working_calendar(session: AsyncSession, around: datetime) -> WorkingCalendar:
    """The calendar from this year to the end of the next, with the overrides of `calendar_days`."""
    year = around.astimezone(KST).year
    public = korean_holidays(year) | korean_holidays(year + 1)
    exceptions = (await session.scalars(select(CalendarDay))).all()
    worked = frozenset(exception.day for exception in exceptions if exception.is_working)
    closed = frozenset(exception.day for exception in exceptions if not exception.is_working)
    return WorkingCalendar(holidays=(public | closed) - worked, worked=worked)


@cache
def korean_holidays(year: int) -> frozenset[date]:
    """South Korea's public holidays of a year, substitute days included."""
    return frozenset(holidays.country_holidays("KR", years=year))
