"""Walking a past request through an item: what it would have come to, without doing anything."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from models.kit.expressions import Unanswerable, evaluate
from models.messages.employee_requests.items import (
    Approver,
    ApproverKind,
    Case,
    Item,
    Lane,
    Outcome,
    Step,
    StepKind,
    Wait,
)
from models.messages.employee_requests.simulation import Compared
from models.rules.employee_requests.simulating import House, Past, PastStep, summed_up, walked, went
from tests.builders.items import a_task, an_account, an_approval, an_item, texts

BEGAN = datetime(2026, 11, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def ask(text: str, variables: Mapping[str, Any]) -> tuple[Any, str]:
    try:
        return evaluate(text, variables), ""
    except Unanswerable as unanswerable:
        return None, unanswerable.code


HOUSE = House(ask, lambda since, until: int((until - since) / timedelta(minutes=1)), {"approval": 5 * HOUR})


def a_past(*steps: PastStep, outcome: str = "done", hours: int = 10, **answers: Any) -> Past:
    people = {"me": {"id": "e_one", "department": "sales"}, "asker": {"id": "e_one"}}
    return Past(
        "E1", answers, people, BEGAN, BEGAN + hours * HOUR, outcome, False, 1, 0, steps
    )  # fmt: skip


def done(step_id: str, kind: str, starts: int, hours: int, **result: Any) -> PastStep:
    since = BEGAN + starts * HOUR
    return PastStep(step_id, kind, True, since, since + hours * HOUR, result)


APPROVED = done("approval", "approval", 0, 4, approved=True)
WORKED = done("work", "task", 4, 6, done=True)


def would(item: Item, past: Past) -> Any:
    return walked(item, past, HOUSE)


def test_the_same_item_comes_to_the_same() -> None:
    past = a_past(APPROVED, WORKED, amount=100)

    assert would(an_item(), past) == replace(went(past, HOUSE), calls=0)


def test_a_new_approval_takes_what_approvals_take_and_is_given() -> None:
    found = would(an_item(an_approval(), an_approval("second"), a_task()), a_past(APPROVED, WORKED))

    assert (found.outcome, found.hours, found.approvals) == ("done", 15, 2)


def test_a_rejection_ends_the_walk_where_it_is_final() -> None:
    past = a_past(done("approval", "approval", 0, 4, approved=False), outcome="rejected", hours=4)
    lenient = an_item(an_approval(is_final=False), a_task())

    assert (would(an_item(), past).outcome, would(an_item(), past).steps) == ("rejected", ("approval",))
    assert would(lenient, past).outcome == "done"


def test_limits_decide_how_many_are_asked() -> None:
    approvers = (Approver(ApproverKind.MANAGER, up_to_minor=1_000), Approver(ApproverKind.COST_OWNER))
    item = an_item(an_approval(approvers=approvers, amount="form.amount"), a_task())

    assert would(item, a_past(APPROVED, WORKED, amount=900)).approvals == 1
    assert would(item, a_past(APPROVED, WORKED, amount=1_001)).approvals == 2


def test_lanes_last_as_long_as_the_longest() -> None:
    lanes = (Lane(texts("A"), (an_approval(),)), Lane(texts("B"), (a_task(),)))
    item = an_item(Step("all", StepKind.PARALLEL, texts("All"), lanes=lanes))

    assert would(item, a_past(APPROVED, WORKED)).hours == 6


def test_a_condition_is_asked_of_what_was_answered_then() -> None:
    end = Step("stop", StepKind.END, texts("Stop"), outcome=Outcome.REJECTED)
    branch = Step(
        "way", StepKind.BRANCH, texts("Way"), cases=(Case("form.amount > 500", (end,)),),
        otherwise=(an_account(),),
    )  # fmt: skip
    item = an_item(branch, a_task())

    assert would(item, a_past(WORKED, amount=501)).outcome == "rejected"
    assert would(item, a_past(WORKED, amount=500)).steps == ("way", "account", "work")


def test_a_wait_lasts_until_its_day_and_an_event_as_long_as_it_took() -> None:
    day = Step("day", StepKind.WAIT, texts("Day"), wait=Wait(until="date('2026-11-05')"))
    wait = Wait(event="x", at_most_days=3, otherwise=(a_task("chase"),))
    event = Step("event", StepKind.WAIT, texts("Event"), wait=wait)

    assert would(an_item(day), a_past()).hours == 72
    assert would(an_item(event), a_past(done("event", "wait", 0, 7, arrived=True))).hours == 7
    missed = would(an_item(event), a_past(done("event", "wait", 0, 72, arrived=False)))
    assert (missed.hours, missed.steps) == (72, ("event", "chase"))


def test_rounds_follow_each_other_and_know_their_element() -> None:
    only = replace(a_task(), when="each != 2")
    item = an_item(Step("each", StepKind.EACH, texts("Each"), over="[1, 2, 3]", steps=(only,)))

    assert would(item, a_past(WORKED)).hours == 12


def test_what_cannot_be_worked_out_is_stuck_and_says_where() -> None:
    found = would(an_item(replace(a_task(), when="1 / form.amount > 0")), a_past(amount=0))

    assert (found.outcome, found.why) == ("stuck", "work: cel_failed")


def test_a_tighter_promise_is_broken_more_often() -> None:
    past = a_past(APPROVED, WORKED)

    assert would(an_item(sla_hours=9), past).is_breach
    assert not would(an_item(sla_hours=10), past).is_breach


def test_all_requests_are_summed_up_and_only_those_that_differ_are_listed() -> None:
    past = a_past(APPROVED, WORKED)
    same = Compared("E1", went(past, HOUSE), went(past, HOUSE))
    slower = Compared("E2", went(past, HOUSE), would(an_item(an_approval(), a_task("new"), a_task()), past))
    longer = Compared(
        "E3", went(past, HOUSE), would(an_item(an_approval(), an_approval("b"), a_task()), past)
    )
    found = summed_up([same, slower, longer])

    assert (found.count, found.differing, found.was_approvals, found.would_approvals) == (3, 1, 3, 4)
    assert [one.request_id for one in found.rows] == ["E3"]
    assert date(2026, 11, 2) == BEGAN.date()
