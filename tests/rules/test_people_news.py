"""What the HR system says: the newest wins, a broken record stops no other, each change has its name."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.messages.staff import ChangeKind, EmployeeStatus
from models.rules.staff.news import (
    STILL_NEW,
    PersonNews,
    changes,
    in_force,
    read_news,
    status_on,
    turned,
)

TODAY = date(2026, 11, 23)
LATER = TODAY + timedelta(days=30)
PERSON = PersonNews("HR-1", 5, "김하나", "hana@example.com", date(2020, 1, 1), department="sales")
JOINER = replace(PERSON, starts_on=LATER)
RECORD: dict[str, Any] = {
    "kind": "employee", "id": "HR-1", "seq": 5, "name": "김하나", "email": "Hana@Example.com",
    "department": "sales", "starts_on": "2020-01-01", "ends_on": None,
}  # fmt: skip
ABSENCE = {
    "kind": "absence", "id": "A1", "seq": 1, "employee_id": "HR-1", "from_on": "2026-11-23",
    "until_on": "2026-11-24",
}  # fmt: skip


def test_a_page_is_read_by_kind_and_each_record_once_in_its_newest_form() -> None:
    centre = {"kind": "cost_centre", "id": "CC1", "seq": 2, "name": "Sales", "owner_id": "HR-1"}
    older = {**RECORD, "seq": 4, "department": "service"}

    news = read_news([RECORD, older, ABSENCE, centre, RECORD])

    assert news.people == (PERSON,)
    assert [one.until_on for one in news.absences] == [date(2026, 11, 24)]
    assert [one.owner_hr_id for one in news.cost_centres] == ["HR-1"]
    assert news.unreadable == ()


@pytest.mark.parametrize(
    "broken",
    [
        None, 7, "x", [], {}, {**RECORD, "seq": 0}, {**RECORD, "seq": True}, {**RECORD, "seq": "5"},
        {**RECORD, "seq": 2**63}, {**RECORD, "id": ""}, {**RECORD, "id": "김"}, {**RECORD, "kind": "dog"},
        {**RECORD, "kind": []}, {**RECORD, "name": " "}, {**RECORD, "name": "a\x00b"},
        {**RECORD, "name": "n" * 201}, {**RECORD, "starts_on": "soon"}, {**RECORD, "starts_on": None},
        {**RECORD, "ends_on": 3}, {**RECORD, "email": None}, {**ABSENCE, "until_on": "2026-11-22"},
        {**ABSENCE, "employee_id": ""},
    ],
)  # fmt: skip
def test_a_broken_record_is_named_and_stops_no_other(broken: Any) -> None:
    news = read_news([broken, RECORD])

    assert news.people == (PERSON,)
    assert len(news.unreadable) == 1


@pytest.mark.parametrize(
    ("before", "status", "after", "kinds"),
    [
        (None, None, JOINER, [ChangeKind.JOINER]),
        (None, None, PERSON, []),  # was here long before we knew
        (None, None, replace(PERSON, starts_on=TODAY - STILL_NEW + timedelta(days=1)), [ChangeKind.JOINER]),
        (None, None, replace(JOINER, ends_on=TODAY - timedelta(days=1)), []),
        (JOINER, "joining", replace(JOINER, starts_on=TODAY), [ChangeKind.START_MOVED]),
        (JOINER, "joining", replace(JOINER, department="it"), []),  # not begun: nothing to move
        (JOINER, "joining", in_force(replace(JOINER, is_withdrawn=True), TODAY), []),  # the calendar says so
        (PERSON, "active", replace(PERSON, department="it"), [ChangeKind.MOVER]),
        (PERSON, "active", replace(PERSON, manager_hr_id="HR-2"), [ChangeKind.MOVER]),
        (PERSON, "active", replace(PERSON, phone="1"), []),
        (PERSON, "active", replace(PERSON, ends_on=LATER), [ChangeKind.LEAVER]),
        (replace(PERSON, ends_on=LATER), "active", replace(PERSON, ends_on=TODAY), [ChangeKind.LEAVER]),
        (replace(PERSON, ends_on=LATER), "active", PERSON, [ChangeKind.STAYING]),
        (PERSON, "active", replace(PERSON, ends_on=LATER, title="x"), [ChangeKind.LEAVER, ChangeKind.MOVER]),
        (replace(PERSON, ends_on=TODAY), "left", JOINER, [ChangeKind.JOINER]),  # comes back
    ],
)
def test_what_a_newer_record_says(
    before: PersonNews | None, status: str | None, after: PersonNews, kinds: list[ChangeKind]
) -> None:
    found = changes(before, EmployeeStatus(status) if status else None, after, TODAY)

    assert [one.kind for one in found] == kinds


def test_whoever_will_not_come_has_left_before_they_came() -> None:
    gone = in_force(replace(JOINER, is_withdrawn=True), TODAY)

    assert status_on(TODAY, gone.starts_on, gone.ends_on) is EmployeeStatus.LEFT
    assert turned(EmployeeStatus.JOINING, EmployeeStatus.LEFT) is ChangeKind.CALLED_OFF


@pytest.mark.parametrize(
    ("starts", "ends", "status"),
    [(0, None, "active"), (1, None, "joining"), (-9, 0, "active"), (-9, -1, "left"), (1, -1, "left")],
)
def test_how_somebody_stands_on_a_day(starts: int, ends: int | None, status: str) -> None:
    last = None if ends is None else TODAY + timedelta(days=ends)

    assert status_on(TODAY, TODAY + timedelta(days=starts), last) == status


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*RECORD, *ABSENCE]), inner),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(JSON, max_size=5))
def test_no_page_however_broken_raises(records: list[Any]) -> None:
    news = read_news(records)

    assert len(news.unreadable) <= len(records)
