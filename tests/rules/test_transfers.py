"""The bank's windows and records, and what a refusal says about trying again."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.messages.payments.collection import RefusalClass
from models.messages.payments.transfers import BatchKind
from models.rules.calendars import KST, WorkingCalendar
from models.rules.payments.collection import pause_while_away, policy_of, refusal_class, tries_left
from models.rules.payments.transfers import (
    WIDTH,
    Row,
    cut_off,
    masked,
    read_result,
    result_due,
    written,
)

CALENDAR = WorkingCalendar(holidays=frozenset({date(2026, 12, 25)}))
DAY = date(2026, 12, 24)  # a Thursday before a holiday and a weekend


@pytest.mark.parametrize(
    ("kind", "until", "result"),
    [
        (BatchKind.DEBIT, datetime(2026, 12, 24, 17, tzinfo=KST), datetime(2026, 12, 29, 3, tzinfo=KST)),
        (
            BatchKind.REGISTRATION,
            datetime(2026, 12, 28, 12, tzinfo=KST),
            datetime(2026, 12, 29, 14, tzinfo=KST),
        ),
    ],
)
def test_windows_leave_holidays_and_weekends_out(kind: BatchKind, until: datetime, result: datetime) -> None:
    assert cut_off(kind, DAY, CALENDAR) == until
    assert result_due(kind, DAY, CALENDAR) == result


ROWS = st.lists(
    st.builds(
        Row, st.integers(1, 99_999_999), st.sampled_from(["004", "088"]),
        st.text("0123456789", min_size=10, max_size=16),
        st.integers(0, 10**12), st.text("ABI0123456789.-", min_size=1, max_size=40),
    ),
    max_size=20,
)  # fmt: skip


@given(ROWS)
def test_every_record_has_its_width_and_the_trailer_counts_and_sums(rows: list[Row]) -> None:
    lines = written(BatchKind.DEBIT, DAY, rows).decode().splitlines()

    assert {len(line) for line in lines} == {WIDTH}
    assert lines[-1][19:27] == f"{len(rows):08d}"
    assert int(lines[-1][27:40]) == sum(row.amount_minor for row in rows)


@given(ROWS)
def test_a_result_says_what_its_rows_say(rows: list[Row]) -> None:
    lines = written(BatchKind.DEBIT, DAY, rows).decode().splitlines()
    head = lines[0].replace("EB21", "EB22")
    body = "\n".join([head, *(f"{line[:95]}0021{'':<21}" for line in lines[1:-1]), lines[-1]])

    found = read_result(BatchKind.DEBIT, body.encode())

    assert found.is_complete
    assert [(one.number, one.amount_minor, one.code) for one in found.results] == [
        (row.number, row.amount_minor, "0021") for row in rows
    ]


@given(st.binary(max_size=2_000))
def test_whatever_a_bank_sends_is_read_or_noted(body: bytes) -> None:
    found = read_result(BatchKind.DEBIT, body)

    assert not found.is_complete or found.results or b"T99999999" in body


def test_a_line_of_nonsense_is_noted_and_the_rest_is_read() -> None:
    rows = [Row(n, "004", "11022223333", 1_000, f"I{n}.1") for n in (1, 2)]
    lines = written(BatchKind.DEBIT, DAY, rows).decode().splitlines()
    results = [f"{line[:95]}0000{'':<21}" for line in lines[1:-1]]
    body = "\n".join([lines[0].replace("EB21", "EB22"), results[0], "R00??", results[1], lines[-1]])

    found = read_result(BatchKind.DEBIT, body.encode())

    assert ([one.number for one in found.results], found.strange, found.is_complete) == ([1, 2], (3,), False)


@pytest.mark.parametrize(
    ("code", "means"),
    [
        ("REJECT_CARD_PAYMENT", RefusalClass.SOFT), ("insufficient_funds", RefusalClass.SOFT),
        ("a_code_of_tomorrow", RefusalClass.SOFT), ("INVALID_STOPPED_CARD", RefusalClass.HARD),
        ("stolen_card", RefusalClass.HARD), ("bank_0012", RefusalClass.HARD),
        ("gateway_away", RefusalClass.OURS), ("cut_off_missed", RefusalClass.OURS),
    ],
)  # fmt: skip
def test_only_what_an_issuer_said_counts(code: str, means: RefusalClass) -> None:
    assert refusal_class(code) is means


def test_a_provider_that_is_away_is_left_alone_longer_and_longer() -> None:
    assert [pause_while_away((10, 30, 60), times, 1) for times in range(5)] == [10, 30, 60, 60, 60]
    assert pause_while_away((10, 30), 0, 120) == 120


def test_an_account_is_shown_by_its_last_digits() -> None:
    assert masked("110222233333") == "·· 3333"


@pytest.mark.parametrize(
    ("month", "day", "left"), [(0, 0, 10), (14, 0, 1), (15, 0, 0), (10, 10, 0), (16, 3, 0), (4, 4, 6)]
)
def test_card_schemes_limit_how_often_a_card_is_tried(month: int, day: int, left: int) -> None:
    assert tries_left(policy_of({}), month, day) == left


def test_finance_may_try_less_often_than_card_schemes_allow() -> None:
    strict = policy_of({"most_failed_24_hours": 2, "retry_after_days": [2, 4], "unknown": 1})

    assert strict.retry_after_days == (2, 4)
    assert [tries_left(strict, failed, failed) for failed in range(4)] == [2, 1, 0, 0]
