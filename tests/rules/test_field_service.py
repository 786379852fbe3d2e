"""Who may come, when, and what a visit needs before it ends."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.messages.field_service import VISIT_OVER, Outcome, VisitStatus
from models.rules.field_service import (
    SEOUL,
    SLOT_RULE,
    Diary,
    Evidence,
    Need,
    Worker,
    can_finish,
    free_slots,
    may,
    may_end,
    rank,
    refusal,
    region_of,
    shift_minutes,
)

REGIONS = ("seoul-gangnam", "seoul-mapo", "gyeonggi-suwon", "busan-haeundae", "jeju-jeju")
CATEGORIES = ("tv", "boiler", "purifier")
NEED = Need("tv", "seoul-gangnam")
MONDAY = datetime(2026, 11, 23, 9, tzinfo=SEOUL)


def a_worker(technician_id: str, **changes: object) -> Worker:
    facts = {"skills": frozenset({"tv"}), "territories": frozenset({"seoul-gangnam"}), "shift_minutes": 2400}
    return Worker(technician_id, **(facts | changes))  # type: ignore[arg-type]


workers = st.lists(
    st.builds(
        Worker,
        technician_id=st.integers(1, 40).map(lambda number: f"tech_{number}"),
        skills=st.frozensets(st.sampled_from(CATEGORIES)),
        territories=st.frozensets(st.sampled_from(REGIONS)),
        shift_minutes=st.integers(0, 3000),
        booked_minutes=st.integers(0, 3000),
        recent_jobs=st.integers(0, 30),
    ),
    max_size=12,
    unique_by=lambda worker: worker.technician_id,
)
needs = st.builds(Need, category=st.sampled_from(CATEGORIES), region=st.sampled_from(REGIONS))


@given(workers, needs)
def test_only_those_who_can_do_it_are_ranked(people: list[Worker], need: Need) -> None:
    known = {worker.technician_id: worker for worker in people}

    for candidate in rank(people, need):
        worker = known[candidate.technician_id]
        assert need.category in worker.skills
        assert worker.shift_minutes - worker.booked_minutes >= need.minutes
        assert candidate.reasons


@given(workers, needs, st.randoms())
def test_the_rank_does_not_depend_on_the_order_of_the_rows(people: list[Worker], need: Need, chance) -> None:
    shuffled = list(people)
    chance.shuffle(shuffled)

    assert rank(shuffled, need) == rank(people, need)


@given(workers, needs)
def test_neighbours_come_only_when_nobody_of_the_region_can(people: list[Worker], need: Need) -> None:
    known = {worker.technician_id: worker for worker in people}
    at_home = [need.region in known[found.technician_id].territories for found in rank(people, need)]

    assert all(at_home) or not any(at_home)


def test_who_was_there_before_comes_first_on_a_follow_up() -> None:
    people = [a_worker("free"), a_worker("knows", booked_minutes=2000, recent_jobs=20)]
    need = Need("tv", "seoul-gangnam", previous_technician_id="knows")

    assert [found.technician_id for found in rank(people, NEED)] == ["free", "knows"]
    assert rank(people, need)[0].technician_id == "knows"
    assert "knows_the_case" in rank(people, need)[0].reasons


def test_the_less_booked_and_then_the_longer_idle_comes_first() -> None:
    people = [
        a_worker("busy", booked_minutes=1800),
        a_worker("lucky", recent_jobs=9),
        a_worker("idle"),
    ]

    assert [found.technician_id for found in rank(people, NEED)] == ["idle", "lucky", "busy"]


@pytest.mark.parametrize(
    ("territory", "comes"), [("seoul-mapo", True), ("gyeonggi-suwon", True), ("busan-haeundae", False)]
)
def test_help_comes_from_the_same_or_the_next_province(territory: str, comes: bool) -> None:
    found = rank([a_worker("helper", territories=frozenset({territory}))], NEED)

    assert bool(found) is comes
    assert all("neighbour" in candidate.reasons for candidate in found)


def test_the_nearer_neighbour_comes_first() -> None:
    people = [
        a_worker("far", territories=frozenset({"gyeonggi-suwon"})),
        a_worker("near", territories=frozenset({"seoul-mapo"})),
    ]

    assert [found.technician_id for found in rank(people, NEED)] == ["near", "far"]


hours = st.integers(6, 21)
shifts = st.dictionaries(
    st.integers(0, 6),
    st.tuples(hours, hours).map(lambda pair: (time(min(pair)), time(max(pair)))),
)
days_off = st.frozensets(st.integers(0, 13).map(lambda day: MONDAY.date() + timedelta(days=day)))
bookings = st.lists(
    st.tuples(st.integers(0, 14 * 96), st.integers(1, 16)).map(
        lambda pair: (
            MONDAY + timedelta(minutes=15 * pair[0]),
            MONDAY + timedelta(minutes=15 * (pair[0] + pair[1])),
        )
    ),
    max_size=8,
).map(tuple)
diaries = st.builds(Diary, shifts=shifts, days_off=days_off, booked=bookings)


@given(diaries, st.integers(-48, 48), st.integers(0, 14))
def test_slots_stay_in_shifts_and_clear_of_days_off_and_bookings(diary: Diary, hours: int, days: int) -> None:
    since = MONDAY + timedelta(hours=hours)

    for slot in free_slots(diary, since, days):
        day = slot.starts_at.date()
        begins, ends = diary.shifts[day.weekday()]
        assert slot.starts_at >= since
        assert slot.ends_at - slot.starts_at == SLOT_RULE.length
        assert day not in diary.days_off
        assert day < since.date() + timedelta(days=days)
        assert begins <= slot.starts_at.time()
        assert slot.ends_at <= datetime.combine(day, ends, SEOUL)
        for from_, until in diary.booked:
            assert slot.ends_at + SLOT_RULE.travel <= from_ or slot.starts_at >= until + SLOT_RULE.travel


@given(diaries)
def test_slots_come_in_order_and_each_once(diary: Diary) -> None:
    starts = [slot.starts_at for slot in free_slots(diary, MONDAY, 14)]

    assert all(earlier < later for earlier, later in pairwise(starts))


def test_a_day_with_one_booking_leaves_the_hours_around_it_and_the_way() -> None:
    booked = ((MONDAY.replace(hour=13), MONDAY.replace(hour=15)),)
    diary = Diary({0: (time(9), time(18))}, booked=booked)

    slots = free_slots(diary, MONDAY.astimezone(UTC), days=1)

    assert [slot.starts_at.hour for slot in slots] == [9, 10, 16]


def test_shift_minutes_leave_out_days_off() -> None:
    diary = Diary({0: (time(9), time(18)), 1: (time(9), time(12, 30))}, frozenset({date(2026, 11, 30)}))

    assert shift_minutes(diary, MONDAY.date(), 7) == 540 + 210
    assert shift_minutes(diary, MONDAY.date(), 14) == 540 + 210 + 210


@pytest.mark.parametrize("status", sorted(VISIT_OVER))
def test_an_ended_visit_allows_nothing(status: VisitStatus) -> None:
    assert may(status) == frozenset()
    assert refusal(status, "depart") == "visit_over"


@pytest.mark.parametrize(
    ("status", "command", "code"),
    [
        (VisitStatus.SEARCHING, "accept", None),
        (VisitStatus.ACCEPTED, "accept", "offer_gone"),
        (VisitStatus.ACCEPTED, "decline", None),
        (VisitStatus.SCHEDULED, "depart", None),
        (VisitStatus.TRAVELLING, "choose_slot", "visit_wrong_step"),
        (VisitStatus.TRAVELLING, "decline", "visit_wrong_step"),
        (VisitStatus.WORKING, "call_off", "visit_wrong_step"),
    ],
)
def test_a_command_is_refused_by_code(status: VisitStatus, command: str, code: str | None) -> None:
    assert refusal(status, command) == code


def test_only_an_absent_customer_ends_a_visit_before_the_work_began() -> None:
    assert may_end(VisitStatus.ARRIVED, Outcome.CUSTOMER_ABSENT)
    assert not may_end(VisitStatus.ARRIVED, Outcome.REPAIRED)
    assert may_end(VisitStatus.WORKING, Outcome.REPAIRED)
    assert not may_end(VisitStatus.WORKING, Outcome.CANCELLED)
    assert not may_end(VisitStatus.TRAVELLING, Outcome.CUSTOMER_ABSENT)


WHOLE = {
    "required": frozenset({"power"}),
    "ticked": frozenset({"power"}),
    "photos": {"before": 1, "after": 1},
}


@pytest.mark.parametrize(
    ("outcome", "changes", "code"),
    [
        (Outcome.REPAIRED, {"is_signed": True}, None),
        (Outcome.REPAIRED, {"absence_reason": "went to work"}, None),
        (Outcome.REPAIRED, {"is_signed": True, "ticked": frozenset()}, "checklist_open"),
        (Outcome.REPAIRED, {"is_signed": True, "photos": {"before": 2}}, "photo_missing"),
        (Outcome.REPAIRED, {"absence_reason": "  "}, "signature_missing"),
        (Outcome.PART_NEEDED, {"is_signed": True, "ticked": frozenset(), "photos": {}}, None),
        (Outcome.NOT_REPAIRABLE, {}, "signature_missing"),
        (Outcome.CUSTOMER_ABSENT, {"ticked": frozenset(), "photos": {}}, None),
    ],
)
def test_a_visit_ends_only_with_its_evidence(outcome: Outcome, changes: dict, code: str | None) -> None:
    assert can_finish(outcome, Evidence(**(WHOLE | changes))) == code


@pytest.mark.parametrize(
    ("postcode", "address", "known", "region"),
    [
        ("06236", "테헤란로 152", "", "seoul-gangnam"),
        ("04168", "Mapo-daero 45", "", "seoul-mapo"),
        ("16499", "", "", "gyeonggi"),
        ("63122", "", "seoul-mapo", "jeju"),
        ("99999", "어딘가", "", ""),
        ("", "어딘가", "seoul-mapo", "seoul-mapo"),
        ("", "서울 강남구 테헤란로 1", "seoul-gangnam", "seoul-gangnam"),
        ("", "경기도 광주시 경안로 1", "", "gyeonggi"),
        ("", "1 Gyeongan-ro, Gwangju-si, Gyeonggi-do", "", "gyeonggi"),
        ("", "Jungang-ro 1, Busan", "seoul-mapo", "busan"),
    ],
)
def test_an_address_says_in_which_region_it_lies(
    postcode: str, address: str, known: str, region: str
) -> None:
    assert region_of(postcode, address, known) == region


def test_nobody_is_too_far_from_a_place_that_nobody_knows() -> None:
    workers = [Worker("tec", frozenset({"tv"}), frozenset({"jeju-jeju"}), 2400)]

    assert [one.technician_id for one in rank(workers, Need("tv", ""))] == ["tec"]
    assert rank(workers, Need("tv", "seoul-gangnam")) == ()
