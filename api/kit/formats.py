"""How money, moments, numbers, names and phone numbers are written in the reader's language."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel import dates, numbers

from api.kit.language import ZONE, gettext, locale

SEOUL = ZoneInfo(ZONE)
NOTHING = "–"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LONG_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
               "October", "November", "December")  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
KOREAN_WEEKDAYS = "월화수목금토일"


def in_seoul(value: datetime) -> datetime:
    """The same moment on a Korean clock; a moment without a zone is refused, for it could mean anything."""
    if value.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return value.astimezone(SEOUL)


def _date(value: date, *, has_year: bool = True) -> str:
    """A date in either language; written by hand because Babel costs thirty times as much per row."""
    if locale() == "ko":
        year = f"{value.year}년 " if has_year else ""
        return f"{year}{value.month}월 {value.day}일"
    return f"{value.day} {MONTHS[value.month - 1]}" + (f" {value.year}" if has_year else "")


def _local(value: date) -> date:
    return in_seoul(value) if isinstance(value, datetime) else value


def money(minor: int | None, currency: str = "KRW") -> str:
    """An amount of minor units with its currency's sign; won have no decimals."""
    if minor is None:
        return NOTHING
    if currency == "KRW":
        return f"-₩{-minor:,}" if minor < 0 else f"₩{minor:,}"
    digits = numbers.get_currency_precision(currency)
    return numbers.format_currency(Decimal(minor).scaleb(-digits), currency, locale=locale())


def money_short(minor: int, currency: str = "KRW") -> str:
    """A large amount in few letters (₩3820만, ₩38.2M)."""
    amount = Decimal(minor).scaleb(-numbers.get_currency_precision(currency))
    return numbers.format_compact_currency(amount, currency, locale=locale(), fraction_digits=1)


def number(value: float | int | Decimal | None) -> str:
    """A number with thousands separators."""
    return NOTHING if value is None else numbers.format_decimal(value, locale=locale())


def percent(share: float, digits: int = 1) -> str:
    """A share of one as a percentage."""
    pattern = "#,##0." + "#" * digits + "%" if digits else "#,##0%"
    return numbers.format_percent(share, pattern, locale=locale())


def moment(value: datetime | None) -> str:
    """Day and time on a Korean clock; the year only when it is not this one."""
    if value is None:
        return NOTHING
    here = in_seoul(value)
    return f"{_date(here, has_year=here.year != datetime.now(SEOUL).year)} {here:%H:%M}"


def exact(value: datetime | None) -> str:
    """A moment to the second, with weekday and zone."""
    if value is None:
        return NOTHING
    here = in_seoul(value)
    if locale() == "ko":
        return f"{_date(here)} ({KOREAN_WEEKDAYS[here.weekday()]}) {here:%H:%M:%S} KST"
    return f"{WEEKDAYS[here.weekday()][:3]} {_date(here)} {here:%H:%M:%S} KST"


def day(value: date | None) -> str:
    """A date with its year."""
    return NOTHING if value is None else _date(_local(value))


def weekday(value: date | None) -> str:
    """A date in full, with its weekday."""
    if value is None:
        return NOTHING
    here = _local(value)
    if locale() == "ko":
        return f"{_date(here)} {KOREAN_WEEKDAYS[here.weekday()]}요일"
    return f"{WEEKDAYS[here.weekday()]}, {here.day} {LONG_MONTHS[here.month - 1]} {here.year}"


def short_day(value: date | None) -> str:
    """A date without its year, with a short weekday: for slots and calendars."""
    if value is None:
        return NOTHING
    here = _local(value)
    if locale() == "ko":
        return f"{_date(here, has_year=False)} ({KOREAN_WEEKDAYS[here.weekday()]})"
    return f"{WEEKDAYS[here.weekday()][:3]}, {_date(here, has_year=False)}"


def clock(value: datetime | None) -> str:
    """The time of day, HH:mm."""
    return NOTHING if value is None else in_seoul(value).strftime("%H:%M")


def ago(value: datetime | None) -> str:
    """How long ago, or in how long, in one unit."""
    if value is None:
        return NOTHING
    return dates.format_timedelta(value - datetime.now(UTC), add_direction=True, locale=locale())


def duration(value: timedelta | float | None) -> str:
    """A length of time (timedelta or seconds) in hours and minutes, or days and hours."""
    if value is None:
        return NOTHING
    seconds = int(value.total_seconds() if isinstance(value, timedelta) else value)
    days, rest = divmod(abs(seconds), 86400)
    hours, rest = divmod(rest, 3600)
    minutes = rest // 60
    if days:
        text = (
            gettext("%(days)d d %(hours)d h", days=days, hours=hours)
            if hours
            else gettext("%(days)d d", days=days)
        )
    elif hours:
        text = (
            gettext("%(hours)d h %(minutes)d min", hours=hours, minutes=minutes)
            if minutes
            else gettext("%(hours)d h", hours=hours)
        )
    else:
        text = gettext("%(minutes)d min", minutes=minutes)
    return f"−{text}" if seconds < 0 else text


def working(minutes: int) -> str:
    """Minutes of working time in hours and minutes: never in days, as a working day is shorter than one."""
    hours, rest = divmod(minutes, 60)
    if hours and rest:
        return gettext("%(hours)d h %(minutes)d min", hours=hours, minutes=rest)
    return gettext("%(hours)d h", hours=hours) if hours else gettext("%(minutes)d min", minutes=rest)


def time_left(due: datetime | None) -> str:
    """What is left until a deadline, as the countdown in the browser goes on writing it.

    Under an hour mm:ss, under a day h:mm, else days; a minus when it has passed.
    """
    if due is None:
        return NOTHING
    seconds = int((due - datetime.now(UTC)).total_seconds())
    sign, left = ("−" if seconds < 0 else ""), abs(seconds)
    if left < 3600:
        return f"{sign}{left // 60}:{left % 60:02d}"
    if left < 86400:
        return f"{sign}{left // 3600}:{left % 3600 // 60:02d}"
    return sign + gettext("%(days)d d %(hours)d h", days=left // 86400, hours=left % 86400 // 3600)


def urgency(due: datetime | None) -> str:
    """The tone of a deadline: red when passed, orange under an hour, amber under four, else gray."""
    if due is None:
        return "gray"
    seconds = (due - datetime.now(UTC)).total_seconds()
    return "red" if seconds <= 0 else "orange" if seconds < 3600 else "amber" if seconds < 14400 else "gray"


def iso(value: datetime | date | None) -> str:
    """For `<time datetime>` and data attributes."""
    return "" if value is None else value.isoformat()


def phone(value: str | None) -> str:
    """A phone number as people write it; Korean numbers start with 0."""
    if not value:
        return NOTHING
    digits = re.sub(r"^\+?82", "0", re.sub(r"[^\d+]", "", value))
    if digits.startswith("+"):
        return digits
    head = 2 if digits.startswith("02") else 3
    if len(digits) < head + 7:
        return digits
    return f"{digits[:head]}-{digits[head:-4]}-{digits[-4:]}"


def masked_phone(value: str | None) -> str:
    """A phone number that can be recognised but not called: 010-4•••-8821."""
    written = phone(value)
    head, _sep, rest = written.partition("-")
    middle, _sep, tail = rest.rpartition("-")
    if not middle:
        return re.sub(r"\d(?=\d{2})", "•", written)
    return f"{head}-{middle[0]}{'•' * (len(middle) - 1)}-{tail}"


def initials(name: str | None) -> str:
    """Two letters for an avatar: the given name of a Korean, first letters of others."""
    words = (name or "?").split()
    if not words:
        return "?"
    if re.fullmatch(r"[가-힣]{2,4}", words[0]):
        return words[0][-2:]
    return "".join(word[0] for word in words[:2]).upper()


def size(octets: int) -> str:
    """The size of a file."""
    if octets < 1024 * 1024:
        return f"{max(1, round(octets / 1024))} KB"
    return f"{octets / 1024 / 1024:.1f} MB"


FILTERS: dict[str, Any] = {
    "money": money,
    "money_short": money_short,
    "number": number,
    "percent": percent,
    "moment": moment,
    "exact": exact,
    "day": day,
    "weekday": weekday,
    "short_day": short_day,
    "clock": clock,
    "ago": ago,
    "duration": duration,
    "working": working,
    "time_left": time_left,
    "urgency": urgency,
    "iso": iso,
    "phone": phone,
    "masked_phone": masked_phone,
    "initials": initials,
    "size": size,
}
