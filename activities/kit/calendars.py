"""The working calendar as activities ask for it; pages offer slots by the same one."""

from models.kit.calendars import korean_holidays, working_calendar

__all__ = ["korean_holidays", "working_calendar"]
