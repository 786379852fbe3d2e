"""Papers count to the last second of their last day in Seoul, and each of their days is said once."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.messages.partners import PaperKind, PaperNews, PartnerStatus
from models.rules.partners import Paper, Standing, bar, ends_at, may_become_active, moves, outlook

SEOUL = ZoneInfo("Asia/Seoul")
LAST = date(2027, 3, 31)


def a_paper(
    kind: PaperKind, last: date = LAST, *, id: str = "", category: str = "", days: int = 365
) -> Paper:
    return Paper(id or f"{kind}{category}{last}", kind, category, last - timedelta(days=days), last)


def standing(*papers: Paper, status: PartnerStatus = PartnerStatus.ACTIVE, checks: bool = True) -> Standing:
    return Standing(status, checks, papers)


CONTRACT, INSURANCE = (
    a_paper(PaperKind.CONTRACT, date(2029, 1, 1), days=1000),
    a_paper(PaperKind.INSURANCE, date(2029, 1, 1), days=1000),
)
TV = a_paper(PaperKind.CERTIFICATE, category="tv")


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (datetime(2027, 3, 31, 23, 59, 59, tzinfo=SEOUL), ""),
        (datetime(2027, 4, 1, 0, 0, tzinfo=SEOUL), "no_certificate"),
        (datetime(2027, 3, 31, 14, 59, 59, tzinfo=UTC), ""),
        (datetime(2027, 3, 31, 15, 0, tzinfo=UTC), "no_certificate"),
    ],
)
def test_a_certificate_stops_offers_at_midnight_in_seoul(at: datetime, why: str) -> None:
    assert bar(standing(CONTRACT, INSURANCE, TV), "tv", at) == why


@pytest.mark.parametrize(
    ("given_", "why"),
    [
        (standing(CONTRACT, INSURANCE, TV), ""),
        (standing(INSURANCE, TV), "no_contract"),
        (standing(CONTRACT, TV), "no_insurance"),
        (standing(CONTRACT, INSURANCE), "no_certificate"),
        (standing(CONTRACT, INSURANCE, a_paper(PaperKind.CERTIFICATE, category="washer")), "no_certificate"),
        (standing(checks=False), ""),
        *((standing(CONTRACT, INSURANCE, TV, status=one), "partner_not_active")
          for one in PartnerStatus if one is not PartnerStatus.ACTIVE),
    ],
)  # fmt: skip
def test_who_is_left_out_is_told_why(given_: Standing, why: str) -> None:
    assert bar(given_, "tv", datetime(2027, 3, 1, 12, tzinfo=SEOUL)) == why


def test_a_paper_that_has_not_begun_does_not_count() -> None:
    later = Paper("c", PaperKind.CONTRACT, "", date(2027, 3, 2), date(2028, 3, 1))
    day = datetime(2027, 3, 1, 12, tzinfo=SEOUL)

    assert bar(standing(later, INSURANCE, TV), "tv", day) == "no_contract"
    assert bar(standing(later, INSURANCE, TV), "tv", day + timedelta(hours=12)) == ""
    assert not may_become_active([later, INSURANCE], day)
    assert may_become_active([later, INSURANCE], day + timedelta(hours=12))


def test_each_paper_is_said_thirty_and_seven_days_before_and_at_its_end() -> None:
    at, said = datetime(2026, 4, 1, tzinfo=SEOUL), []
    while (ahead := outlook([TV], at)).at is not None:
        at = ahead.at
        said += [(at, event.news) for event in ahead.events]

    assert said == [
        (datetime(2027, 3, 1, 9, tzinfo=SEOUL), PaperNews.MONTH),
        (datetime(2027, 3, 24, 9, tzinfo=SEOUL), PaperNews.WEEK),
        (datetime(2027, 4, 1, tzinfo=SEOUL), PaperNews.EXPIRED),
    ]


def test_a_renewed_paper_is_not_warned_of_unless_it_leaves_a_gap() -> None:
    before = datetime(2027, 2, 1, tzinfo=SEOUL)
    next_one = Paper("next", PaperKind.CERTIFICATE, "tv", LAST + timedelta(days=1), date(2028, 3, 31))
    gap = Paper("gap", PaperKind.CERTIFICATE, "tv", LAST + timedelta(days=2), date(2028, 3, 31))

    assert {event.paper_id for event in outlook([TV, next_one], before).events} == {"next"}
    assert {event.paper_id for event in outlook([TV, gap], before).events} == {TV.id}


def test_what_was_due_before_a_paper_was_handed_in_is_not_said_afterwards() -> None:
    added = datetime(2027, 3, 28, tzinfo=SEOUL)
    late = Paper("late", PaperKind.INSURANCE, "", date(2027, 1, 1), LAST, added)

    ahead = outlook([late], datetime(2026, 1, 1, tzinfo=SEOUL))

    assert (ahead.at, [event.news for event in ahead.events]) == (ends_at(LAST), [PaperNews.EXPIRED])


@given(
    day=st.dates(date(2025, 1, 1), date(2030, 12, 31)),
    minutes=st.integers(-3 * 24 * 60, 3 * 24 * 60),
)
def test_offers_stop_exactly_when_the_end_is_said(day: date, minutes: int) -> None:
    """The rank asks for the day, the life of the partner waits for the moment: they are the same moment."""
    contract = a_paper(PaperKind.CONTRACT, day)
    at = ends_at(day) + timedelta(minutes=minutes)

    assert (bar(standing(contract, INSURANCE_EVER, TV_EVER), "tv", at) == "no_contract") == (
        at >= ends_at(day)
    )


INSURANCE_EVER = Paper("i", PaperKind.INSURANCE, "", date(2020, 1, 1), date(2040, 1, 1))
TV_EVER = Paper("t", PaperKind.CERTIFICATE, "tv", date(2020, 1, 1), date(2040, 1, 1))


def test_an_ended_partner_stays_ended() -> None:
    assert moves(PartnerStatus.ENDED) == frozenset()
    assert all(PartnerStatus.ENDED in moves(one) for one in PartnerStatus if one is not PartnerStatus.ENDED)
