"""What may be done when, where a ticket goes, and which deadline counts."""

from datetime import UTC, datetime, timedelta

import pytest

from models.kit.refusals import REFUSALS
from models.messages.tickets import OVER, TicketStatus
from models.rules.tickets import Deadlines, TeamSkills, may, next_due, refusal, route

S = TicketStatus
NOW = datetime(2026, 9, 21, tzinfo=UTC)
DUE = Deadlines(NOW, NOW + timedelta(hours=1), NOW + timedelta(hours=2))
EVERYTHING = frozenset().union(*(may(status) for status in S))


@pytest.mark.parametrize("status", list(S))
def test_every_command_is_possible_or_refused_with_a_known_sentence(status: TicketStatus) -> None:
    for command in EVERYTHING:
        code = refusal(command, status)
        assert (code is None) == (command in may(status))
        assert code is None or code in REFUSALS


@pytest.mark.parametrize("status", sorted(OVER))
def test_nothing_is_possible_when_it_is_over(status: TicketStatus) -> None:
    assert may(status) == ({"unmerge"} if status is TicketStatus.MERGED else frozenset())
    assert refusal("confirm", status) == (
        "ticket_merged" if status is TicketStatus.MERGED else "ticket_closed"
    )


@pytest.mark.parametrize(
    ("command", "statuses"),
    [
        ("confirm", {S.RESOLVED}),
        ("reopen", {S.RESOLVED}),
        ("dispatch", {S.RECEIVED, S.OPEN, S.IN_PROGRESS, S.WAITING_CUSTOMER}),
        ("cancel", {S.RECEIVED, S.OPEN, S.IN_PROGRESS, S.WAITING_CUSTOMER, S.DISPATCHED}),
        ("note", set(S) - OVER),
    ],
)
def test_commands_have_their_time(command: str, statuses: set[TicketStatus]) -> None:
    assert {status for status in S if command in may(status)} == statuses


TEAMS = (
    TeamSkills("all", frozenset({"phone", "tv", "fridge"})),
    TeamSkills("phones", frozenset({"phone"})),
    TeamSkills("rest", frozenset(), is_default=True),
)


@pytest.mark.parametrize(
    ("category", "team"), [("phone", "phones"), ("tv", "all"), ("boiler", "rest"), (None, "rest")]
)
def test_the_most_specialised_team_gets_the_ticket(category: str | None, team: str) -> None:
    assert route(category, TEAMS) == team


def test_without_a_team_nobody_gets_it() -> None:
    assert route("boiler", TEAMS[:2]) is None


@pytest.mark.parametrize(
    ("status", "is_answered", "due"),
    [
        (S.OPEN, False, DUE.answer_due),
        (S.DISPATCHED, True, DUE.resolve_due),
        (S.WAITING_CUSTOMER, True, DUE.resolve_due),
        (S.RESOLVED, True, DUE.confirm_due),
        (S.PAYMENT_DUE, True, None),
        (S.CLOSED, True, None),
    ],
)
def test_the_nearest_open_deadline_orders_the_queue(
    status: TicketStatus, is_answered: bool, due: datetime | None
) -> None:
    assert next_due(status, is_answered, DUE) == due
