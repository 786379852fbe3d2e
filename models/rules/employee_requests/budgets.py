"""Shared budgets: since when what was approved counts."""

from datetime import date, datetime

from models.messages.employee_requests.items import BudgetPeriod
from models.rules.calendars import KST


def first_day(at: datetime, period: BudgetPeriod) -> date:
    """The first day of the year, the quarter or the month in Seoul."""
    day = at.astimezone(KST).date()
    month = {BudgetPeriod.YEAR: 1, BudgetPeriod.QUARTER: (day.month - 1) // 3 * 3 + 1}
    return date(day.year, month.get(period, day.month), 1)
