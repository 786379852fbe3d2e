"""When evidence for the tax office is due, and whether a business number can be one. Dates of Seoul."""

from datetime import date, timedelta

WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)
ISSUE_DAY = 10  # of the next month: until then a tax invoice may be written for a day of this month
RECEIPT_DAYS = 5  # a cash receipt, from the day of the money
SELF_ISSUED = "0100001234"  # a cash receipt of somebody who gave no number


def issue_by(written_on: date) -> date:
    """The last day on which a tax invoice of this day may be issued."""
    first = written_on.replace(day=1)
    return (first + timedelta(days=32)).replace(day=ISSUE_DAY)


def earliest(day: date) -> date:
    """The first day whose tax invoices may still be issued on a day."""
    first = day.replace(day=1)
    return (first - timedelta(days=1)).replace(day=1) if day.day <= ISSUE_DAY else first


def digits(number: str) -> str:
    """A number as people write it, without strokes and blanks."""
    return "".join(one for one in number if one.isascii() and one.isdigit())


def is_business_number(number: str) -> bool:
    """Ten digits of which the last one checks the others."""
    given = [int(one) for one in digits(number)]
    if len(given) != 10:
        return False
    total = sum(one * weight for one, weight in zip(given, WEIGHTS, strict=False)) + given[8] * 5 // 10
    return (10 - total % 10) % 10 == given[9]
