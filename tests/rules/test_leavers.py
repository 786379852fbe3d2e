"""Very many leavers at once: counted by what is new, held back above the limit, let in by a word."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from models.messages.staff import EmployeeStatus
from models.rules.staff.leavers import leavers, may_leave
from models.rules.staff.news import PersonNews

TODAY, BEGAN = date(2026, 11, 23), date(2020, 1, 2)
ACTIVE, LEFT = EmployeeStatus.ACTIVE, EmployeeStatus.LEFT


def told(hr_id: str, ends_on: date | None = None, *, is_withdrawn: bool = False) -> PersonNews:
    return PersonNews(hr_id, 2, hr_id, "", BEGAN, ends_on=ends_on, is_withdrawn=is_withdrawn)


def test_only_a_new_or_an_earlier_last_day_makes_a_leaver() -> None:
    known = {
        "new_day": (ACTIVE, None), "earlier": (ACTIVE, date(2026, 12, 31)),
        "later": (ACTIVE, date(2026, 12, 1)),
        "stays": (ACTIVE, None), "gone": (LEFT, date(2026, 1, 1)), "off": (EmployeeStatus.JOINING, None),
    }  # fmt: skip
    news = [told(one, date(2026, 12, 15)) for one in ("new_day", "earlier", "later", "gone", "unknown")]
    news += [told("stays"), told("off", is_withdrawn=True), told("new_day", date(2026, 12, 15))]

    assert leavers(news, known, TODAY) == 3  # new_day once, earlier, off


def test_a_limit_holds_back_until_an_administrator_accepts() -> None:
    assert may_leave(5, 15, 20, 0)
    assert not may_leave(6, 15, 20, 0)
    assert may_leave(6, 15, 20, 21)
    assert not may_leave(7, 15, 20, 21)
    assert may_leave(500, 0, 0, 0)
    assert may_leave(0, 500, 20, 0)  # news of others are not held back for what was let in before


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 30))
def test_never_more_than_the_limit_are_let_in_unasked(pages: list[int], most: int) -> None:
    taken = 0
    for new in pages:
        taken += new if may_leave(new, taken, most, 0) else 0
    assert taken <= most
