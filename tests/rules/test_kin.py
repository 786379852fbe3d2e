"""Which tickets may be merged, which may be a part, and until when one may rest."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from models.messages.tickets import TicketKind, TicketStatus
from models.rules.tickets.kin import Side, why_not_joined, why_not_merged, why_not_snoozed

NOW = datetime(2026, 9, 18, 10, 0, tzinfo=UTC)
GONE, KEEPER = Side("T1", TicketStatus.OPEN, "c"), Side("T2", TicketStatus.DISPATCHED, "c")

SECRET = {"is_confidential": True, "team_id": "a"}


@pytest.mark.parametrize(
    ("gone", "keeper", "why"),
    [
        ({}, {}, ""),
        ({}, {"id": "T1"}, "merge_same"),
        ({}, {"status": TicketStatus.RESOLVED}, "merge_not_open"),
        ({}, {"status": TicketStatus.MERGED}, "merge_not_open"),
        ({}, {"status": TicketStatus.RECEIVED}, "merge_not_open"),
        ({"case_id": "O1"}, {}, "merge_of_case"),
        ({}, {"kind": TicketKind.INSTALLATION}, "merge_of_case"),
        ({"customer_id": "d"}, {}, "merge_other_customer"),
        ({"is_confidential": True}, {}, "merge_confidential"),
        (SECRET, {**SECRET, "team_id": "b"}, "merge_confidential"),
        (SECRET, SECRET, ""),
        ({"team_id": "a"}, {"team_id": "b"}, ""),
        ({"has_visit": True}, {}, "merge_has_visit"),
        ({}, {"has_visit": True, "has_request": True, "has_parts": True}, ""),
        ({"has_request": True}, {}, "merge_request_open"),
        ({"has_parts": True}, {}, "merge_has_parts"),
    ],
)  # fmt: skip
def test_a_ticket_goes_on_only_where_nothing_is_lost(
    gone: dict[str, object], keeper: dict[str, object], why: str
) -> None:
    assert why_not_merged(replace(GONE, **gone), replace(KEEPER, **keeper), is_across=False) == why  # type: ignore[arg-type]


def test_across_customers_only_knowingly() -> None:
    other = replace(GONE, customer_id="d")
    assert why_not_merged(other, KEEPER, is_across=True) == ""


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ((False, 4, 49), ""),
        ((True, 2, 0), "link_circle"),
        ((False, 5, 0), "link_deep"),
        ((False, 2, 50), "link_deep"),
    ],
)
def test_parts_go_only_so_deep(found: tuple[bool, int, int], why: str) -> None:
    assert why_not_joined(*found) == why


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("until", "deadline", "knows", "why"),
    [
        (NOW + HOUR, None, False, ""),
        (NOW, None, False, "snooze_in_past"),
        (NOW + timedelta(days=367), None, True, "snooze_in_past"),
        (NOW + 2 * HOUR, NOW + HOUR, False, "snooze_past_deadline"),
        (NOW + 2 * HOUR, NOW + HOUR, True, ""),
        (NOW + HOUR, NOW + HOUR, False, ""),
        (None, None, False, ""),
        (None, NOW + HOUR, False, "snooze_past_deadline"),
        (None, NOW + HOUR, True, ""),
    ],
)
def test_nobody_rests_past_a_promise_without_knowing(
    until: datetime | None, deadline: datetime | None, knows: bool, why: str
) -> None:
    assert why_not_snoozed(until, NOW, deadline, knows) == why
