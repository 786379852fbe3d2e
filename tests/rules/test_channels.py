"""What texts, calls, alarms and stop words mean, for every case."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.messages.channels import CallFacts, CallStatus, FaultRule, FaultStatus
from models.messages.tickets.mails import Mark
from models.rules import channels as rules

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
RULE = FaultRule(alarms=3, minutes=10, quiet_minutes=30)


@pytest.mark.parametrize(
    ("known", "ticket", "mark"),
    [
        (rules.Known(), "", Mark.UNPROVED),
        (rules.Known(is_verified=True, is_proved=True), "", Mark.PROVED),
        (rules.Known(("T1",)), "T1", Mark.UNPROVED),
        (rules.Known(("T1",), is_verified=True), "T1", Mark.UNPROVED),
        (rules.Known(("T1",), is_proved=True), "T1", Mark.UNPROVED),
        (rules.Known(("T1",), is_verified=True, is_proved=True), "T1", Mark.PROVED),
        (rules.Known(("T1", "T2"), is_verified=True, is_proved=True), "", Mark.PROVED),
        (rules.Known(("T1", "T2"), "T2", is_verified=True, is_proved=True), "T2", Mark.UNPROVED),
        (rules.Known(("T1", "T2"), "T9", is_verified=True), "", Mark.UNPROVED),
    ],
)
def test_nothing_is_added_unmarked_that_is_not_proved(known: rules.Known, ticket: str, mark: Mark) -> None:
    where = rules.place(known)

    assert (where.ticket_id, where.mark) == (ticket, mark)


@given(st.builds(rules.Known, st.lists(st.sampled_from(["T1", "T2"]), unique=True).map(tuple),
                 st.sampled_from(["", "T1", "T2"]), st.booleans(), st.booleans()))  # fmt: skip
def test_only_carrier_and_owner_together_prove_a_number(known: rules.Known) -> None:
    if rules.place(known).mark is Mark.PROVED:
        assert known.is_verified
        assert known.is_proved


def test_events_of_a_call_in_any_order_and_twice_are_the_same_call() -> None:
    events = (
        CallFacts(rung_at=NOW), CallFacts(answered_at=NOW + timedelta(seconds=9)),
        CallFacts(ended_at=NOW + timedelta(seconds=60), recording="r"),
        CallFacts(rung_at=NOW + timedelta(seconds=3)),
    )  # fmt: skip
    found = set()
    for order in permutations(events + events[:1]):
        facts = CallFacts()
        for one in order:
            facts = rules.merged(facts, one)
        found.add(facts)

    [facts] = found
    assert rules.status_of(facts) is CallStatus.ENDED
    assert facts.rung_at == NOW


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        (CallFacts(), CallStatus.RINGING), (CallFacts(rung_at=NOW), CallStatus.RINGING),
        (CallFacts(answered_at=NOW), CallStatus.ANSWERED),
        (CallFacts(rung_at=NOW, ended_at=NOW), CallStatus.MISSED),
        (CallFacts(answered_at=NOW, ended_at=NOW), CallStatus.ENDED),
    ],
)  # fmt: skip
def test_what_a_call_is(facts: CallFacts, status: CallStatus) -> None:
    assert rules.status_of(facts) is status


def minute(ago: float, alarms: int) -> rules.Minute:
    at = NOW - timedelta(minutes=ago)
    return rules.Minute(at, alarms, at)


@pytest.mark.parametrize(
    ("status", "minutes", "then"),
    [
        (FaultStatus.WATCHING, [minute(0, 1)], FaultStatus.WATCHING),
        (FaultStatus.WATCHING, [minute(0, 2)], FaultStatus.WATCHING),
        (FaultStatus.WATCHING, [minute(0, 3)], FaultStatus.RAISED),
        (FaultStatus.WATCHING, [minute(0, 1), minute(3, 1), minute(9, 1)], FaultStatus.RAISED),
        (FaultStatus.WATCHING, [minute(0, 1), minute(3, 1), minute(11, 9)], FaultStatus.WATCHING),
        (FaultStatus.WATCHING, [minute(30, 2)], FaultStatus.OVER),
        (FaultStatus.WATCHING, [], FaultStatus.OVER),
        (FaultStatus.RAISED, [minute(29, 1)], FaultStatus.RAISED),
        (FaultStatus.RAISED, [minute(30, 1), minute(1, 0)], FaultStatus.OVER),
    ],
)
def test_n_alarms_in_m_minutes_raise_and_a_quiet_period_ends(
    status: FaultStatus, minutes: list[rules.Minute], then: FaultStatus
) -> None:
    weighed = rules.weigh(status, minutes, RULE, NOW)

    assert weighed.status is then
    assert then is FaultStatus.OVER or NOW < weighed.next_at <= NOW + timedelta(minutes=30)


def test_a_device_that_goes_on_is_looked_at_soon_and_a_silent_one_when_it_would_be_over() -> None:
    soon = rules.weigh(FaultStatus.WATCHING, [minute(0.5, 1)], RULE, NOW)
    late = rules.weigh(FaultStatus.WATCHING, [minute(5, 1)], RULE, NOW)

    assert soon.next_at == NOW + rules.LOOK_WATCHING
    assert late.next_at == NOW + timedelta(minutes=25)


@pytest.mark.parametrize("text", ["수신거부", " 수신 거부 ", "STOP", "stop.", "무료수신거부!"])
def test_stop_words(text: str) -> None:
    assert rules.is_stop(text)


@pytest.mark.parametrize("text", ["수신거부 어떻게 하나요?", "don't stop", "", "stop the pump", "거부합니다"])
def test_a_sentence_is_no_stop_word(text: str) -> None:
    assert not rules.is_stop(text)
