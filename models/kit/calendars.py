"""The Korean working calendar of these years: public holidays with substitutes, and our exceptions."""

from datetime import date, datetime
from functools import cache

import holidays
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from models.rules.calendars import KST, WorkingCalendar
from models.tickets import CalendarDay


async def working_calendar(
    session: AsyncSession, around: datetime, since: datetime | None = None
) -> WorkingCalendar:
    """The calendar from this year (or that of `since`) to the end of the next, with our `calendar_days`."""
    year = around.astimezone(KST).year
    first = min(year, since.astimezone(KST).year) if since is not None else year
    public = frozenset[date]().union(*(korean_holidays(one) for one in range(first, year + 2)))
    exceptions = (await session.scalars(select(CalendarDay))).all()
    worked = frozenset(exception.day for exception in exceptions if exception.is_working)
    closed = frozenset(exception.day for exception in exceptions if not exception.is_working)
    return WorkingCalendar(holidays=(public | closed) - worked, worked=worked)


@cache
def korean_holidays(year: int) -> frozenset[date]:
    """South Korea's public holidays of a year, substitute days included."""
    return frozenset(holidays.country_holidays("KR", years=year))


@cache
def holiday_names(year: int, spoken: str = "ko") -> dict[date, str]:
    """What the public holidays of a year are called."""
    language = "en_US" if spoken == "en" else "ko"
    return dict(holidays.country_holidays("KR", years=year, language=language))
