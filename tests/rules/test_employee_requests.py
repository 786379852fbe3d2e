"""What an item's file may say: read back as it was written, and every fault told with its place."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from api.employee_requests.item_words import ICONS
from models.kit.item_files import examine, from_yaml, line_of, lines_of, to_yaml
from models.messages.employee_requests.items import (
    Approver,
    ApproverKind,
    BudgetPeriod,
    Call,
    Case,
    Child,
    Field,
    FieldKind,
    Item,
    Lane,
    Outcome,
    Step,
    StepKind,
    Wait,
)
from models.messages.employee_requests.problems import PROBLEMS, Problem
from models.rules.employee_requests import walking
from models.rules.employee_requests.budgets import first_day
from models.rules.employee_requests.reading import is_clean
from models.rules.employee_requests.rights import HATS, may_read, may_write, readable
from models.rules.employee_requests.variables import Known, values_of
from tests.builders.items import SHIPPED, a_task, an_account, an_approval, an_item, texts, the_world


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_item_is_whole(path: Path) -> None:
    item, problems = examine(path.read_text("utf8"), the_world(icons=ICONS))

    assert problems == ()
    assert item is not None
    assert item.key == path.stem
    assert from_yaml(to_yaml(item)) == item


def test_what_the_issue_promised_is_shipped() -> None:
    assert {path.stem for path in SHIPPED} >= {
        "joiner", "mover", "leaver", "laptop", "software_access", "expense", "certificate", "contract_review",
        "leave_correction", "purchase", "facility_fault",
    }  # fmt: skip


def codes(item: Item, **world: object) -> set[tuple[str, str]]:
    _, problems = examine(to_yaml(item), the_world(**world))
    return {(one.place, one.code) for one in problems}


def ending(outcome: Outcome = Outcome.DONE) -> Step:
    return Step("over", StepKind.END, texts("End"), outcome=outcome)


def two_visits(wait: Wait) -> tuple[Step, ...]:
    """Two technicians are sent, and then something is waited for."""
    call = Call("field_service", "send_somebody", {"person": "me.id", "site": "me.site", "what": "'x'"})
    sent = (Step(name, StepKind.CALL, texts(name), call=call) for name in ("first", "second"))
    return (*sent, Step("came", StepKind.WAIT, texts("came"), wait=wait))


def wrong_items() -> dict[tuple[str, str], Item]:
    account = an_account().call
    assert account is not None
    asks = Step("child", StepKind.REQUEST, texts("Child"), request=Child("thing"))
    branch = Step(
        "way", StepKind.BRANCH, texts("Way"), cases=(Case("true", (a_task(),)),), otherwise=(ending(),)
    )
    person = Approver(ApproverKind.PERSON, who="emp_gone")
    deep: Step = a_task("t0")
    for number in range(1, 9):
        lanes = (Lane(texts("Lane"), (deep,)),)
        deep = Step(f"t{number}", StepKind.PARALLEL, texts("All"), lanes=lanes)
    return {
        ("steps[0].team", "unknown_team"): an_item(a_task(team="tm_gone")),
        ("owner_team", "unknown_team"): an_item(owner_team="tm_gone"),
        ("knowledge[1]", "unknown_article"): an_item(knowledge=("there", "nowhere")),
        ("knowledge[0]", "article_not_for_all"): an_item(knowledge=("ours",)),
        ("steps[0].approvers[0].who", "unknown_person"): an_item(an_approval(approvers=(person,))),
        ("steps[0].approvers[0].who", "unknown_role"): an_item(
            an_approval(approvers=(Approver(ApproverKind.ROLE, who="king"),))
        ),
        ("steps[0].approvers[0].from_field", "unknown_field"): an_item(
            an_approval(approvers=(Approver(ApproverKind.PERSON, from_field="amount"),))
        ),
        ("steps[0]", "unknown_operation"): an_item(
            replace(an_account(), call=replace(account, operation="explode"))
        ),
        ("steps[0].undo", "unknown_undo"): an_item(
            replace(an_account(), call=replace(account, undo="lock_account"))
        ),
        ("steps[0].parameters", "missing_parameter"): an_item(
            replace(an_account(), call=replace(account, parameters={}))
        ),
        ("steps[0].parameters.person", "cel_type"): an_item(
            replace(an_account(), call=replace(account, parameters={"person": "today"}))
        ),
        ("steps[0].parameters.colour", "unknown_parameter"): an_item(
            replace(an_account(), call=replace(account, parameters={"person": "me.id", "colour": "'x'"}))
        ),
        ("steps[1].id", "id_twice"): an_item(a_task(), a_task()),
        ("steps[0].id", "id_twice"): an_item(a_task("owners")),
        ("steps[1]", "never_reached"): an_item(ending(), a_task()),
        ("steps[0].otherwise", "never_reached"): an_item(branch),
        ("steps[0].when", "cel_unknown"): an_item(replace(a_task(), when="form.colour == 'red'")),
        ("steps[0].when", "cel_syntax"): an_item(replace(a_task(), when="form.amount >")),
        ("steps[0].when", "cel_type"): an_item(replace(a_task(), when="form.amount")),
        ("audience", "cel_unknown"): an_item(audience="form.amount > 3"),
        ("steps[0].item", "child_loop"): an_item(asks),
        ("steps[0].n", "n_too_large"): an_item(an_approval(rule="n_of", n=3)),
        ("steps[0].approvers[0]", "no_last_approver"): an_item(
            an_approval(approvers=(Approver(ApproverKind.MANAGER, up_to_minor=5),), amount="form.amount")
        ),
        ("steps[0].budget_of", "missing"): an_item(an_approval(budget_of="person", budget="5")),
        ("steps[0]", "limit_without_amount"): an_item(an_approval(second_factor_above_minor=5)),
        ("steps[0]", "wait_for_what"): an_item(Step("w", StepKind.WAIT, texts("Wait"), wait=Wait())),
        ("steps[2].of", "which_visit"): an_item(*two_visits(Wait(event="visit_ended", at_most_days=3))),
        ("steps[0]", "unknown_key"): an_item(
            Step("w", StepKind.WAIT, texts("Wait"), wait=Wait(event="x", of="y", at_most_days=3))
        ),
        ("form[0]", "unknown_hat"): an_item(
            form=(Field("amount", FieldKind.MONEY, texts("Amount"), readers=("hatter",)),)
        ),
        ("form[0].known_from", "unknown_attribute"): an_item(
            form=(Field("amount", FieldKind.MONEY, texts("Amount"), known_from="shoe_size"),)
        ),
        ("form[0]", "missing"): an_item(form=(Field("colour", FieldKind.CHOICE, texts("Colour")),)),
        ("steps", "too_many_steps"): an_item(*(a_task(f"t{number}") for number in range(201))),
        ("steps[0]" + ".lanes[0].steps[0]" * 8, "too_deep"): an_item(deep),
        ("steps", "no_steps"): replace(an_item(), steps=()),
        ("names", "no_translation"): an_item(names={"ko": "이름"}),
    }


@pytest.mark.parametrize(("fault", "item"), wrong_items().items(), ids=lambda one: str(one)[:60])
def test_a_fault_is_told_with_its_place(fault: tuple[str, str], item: Item) -> None:
    assert fault in codes(item)


def test_a_wait_says_which_of_two_visits_it_is_for() -> None:
    for named, faults in (("second", set()), ("first", set()), ("came", {("steps[2].of", "which_visit")})):
        wait = Wait(event="visit_ended", of=named, at_most_days=3)
        assert codes(an_item(*two_visits(wait))) == faults


def test_a_later_step_is_not_known_to_an_earlier_one() -> None:
    early = replace(an_account(), when="steps.approval.result.approved")

    assert ("steps[0].when", "cel_unknown") in codes(an_item(early, an_approval()))
    assert codes(an_item(an_approval(), early)) == set()


def test_a_lane_knows_nothing_of_the_lanes_beside_it() -> None:
    ways = Step(
        "both", StepKind.PARALLEL, texts("Both"),
        lanes=(
            Lane(texts("One"), (an_account(),)),
            Lane(texts("Two"), (replace(a_task(), when="steps.account.result.account != ''"),)),
        ),
    )  # fmt: skip

    assert codes(an_item(ways)) == {("steps[0].lanes[1].steps[0].when", "cel_unknown")}


def test_a_longer_loop_of_children_is_found() -> None:
    asks = Step("child", StepKind.REQUEST, texts("Child"), request=Child("second"))
    items = {"second": ("third",), "third": ("thing",)}

    assert codes(an_item(asks), items=items) == {("steps[0].item", "child_loop")}


LINES = """format: 1
key: thing
names: {ko: 이름, en: Name}
descriptions: {ko: 설명, en: Text}
category: it
icon: laptop
owner_team: tm_it
steps:
  - id: first
    kind: task
    names: {ko: 일, en: Work}
    team: tm_it
    titles: {ko: 일, en: Work}
    due_hours: soon
"""


@pytest.mark.parametrize(
    ("change", "place", "code", "line"),
    [
        (("due_hours: soon", "due_hours: soon"), "steps[0].due_hours", "not_number", 14),
        (("due_hours: soon", "due_hours: " + "9" * 5_000), "steps[0].due_hours", "not_number", 14),
        (("due_hours: soon", "colour: red"), "steps[0]", "unknown_key", 9),
        (("kind: task", "kind: dance"), "steps[0].kind", "unknown_word", 10),
        (("names: {ko: 일, en: Work}\n    team", "team"), "steps[0]", "missing", 9),
        (("id: first", "id: First!"), "steps[0].id", "bad_id", 9),
        (("format: 1", "format: 2"), "format", "wrong_format", 1),
        (("key: thing", "key: &a thing"), "line 2", "no_aliases", 2),
        (("key: thing", "key: *a"), "line 2", "no_aliases", 2),
        (("key: thing", "key: !!python/object:os.system x"), "line 2", "no_tags", 2),
        (("key: thing", "key: thing\nkey: thing"), "line 3", "key_twice", 3),
        (("key: thing", "key: [" + "[" * 100), "line 2", "too_deep", 2),
        (("key: thing", "key: ]"), "line 2", "no_yaml", 2),
        (("key: thing", "key: thing\n---"), "line 3", "no_yaml", 3),
        (("key: thing", 'key: "a\\0b"'), "key", "not_text", 2),
        (("key: thing", "x" * 200_001), "line 0", "too_large", 0),
    ],
    ids=lambda one: str(one)[-30:],
)
def test_a_broken_file_is_told_with_its_line(
    change: tuple[str, str], place: str, code: str, line: int
) -> None:
    text = LINES.replace(*change)
    found = from_yaml(text)

    assert not isinstance(found, Item)
    told = {(one.place, one.code): line_of(one.place, lines_of(text)) for one in found}
    assert told[place, code] == line


LEAVES = st.text(max_size=12) | st.integers(-(10**20), 10**20) | st.booleans() | st.none()
NAMES = st.sampled_from(
    [
        "format",
        "key",
        "names",
        "ko",
        "en",
        "steps",
        "id",
        "kind",
        "when",
        "form",
        "approvers",
        "cases",
        "lanes",
    ]
)
DATA = st.recursive(
    LEAVES, lambda one: st.lists(one, max_size=4) | st.dictionaries(NAMES, one, max_size=5), max_leaves=20
)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | DATA.map(lambda data: yaml.safe_dump(data, allow_unicode=True)))
def test_any_text_is_an_item_or_has_problems(text: str) -> None:
    item, problems = examine(text, the_world())

    assert item is not None or problems
    for one in problems:
        assert one.sentence % one.values


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_shipped_item_with_a_piece_broken_off_is_still_judged(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(SHIPPED)).read_text("utf8")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    instead = data.draw(st.text(max_size=8))
    item, problems = examine(text[:start] + instead + text[end:], the_world())

    assert item is not None or problems
    assert all(one.sentence % one.values for one in problems)


WORDS = st.text(min_size=1, max_size=60).filter(lambda one: one.strip() and is_clean(one))


@settings(max_examples=200, deadline=None)
@given(WORDS, WORDS, st.integers(0, 10**12), st.booleans())
def test_an_item_is_read_as_it_was_written(ko: str, en: str, limit: int, flag: bool) -> None:
    approvers = (Approver(ApproverKind.MANAGER, up_to_minor=limit), Approver(ApproverKind.COST_OWNER))
    waits = Step(
        "wait", StepKind.WAIT, texts("Wait"), wait=Wait(event="x", at_most_days=3, otherwise=(ending(),))
    )
    item = an_item(
        an_approval(approvers=approvers, amount="form.amount", is_ordered=flag), waits,
        names={"ko": ko, "en": en}, descriptions={"ko": en, "en": ko}, audience=ko[:30],
    )  # fmt: skip

    assert from_yaml(to_yaml(item)) == item


def test_every_problem_has_a_sentence_that_its_values_fill() -> None:
    for code in PROBLEMS:
        assert Problem("", code).sentence


def all_kinds() -> Item:
    inner = Step("each", StepKind.EACH, texts("Each"), over="[1]", steps=(a_task("in_each"),))
    branch = Step(
        "way", StepKind.BRANCH, texts("Way"), cases=(Case("true", (a_task("in_case"),)),),
        otherwise=(a_task("in_other"),),
    )  # fmt: skip
    lanes = (Lane(texts("A"), (branch,)), Lane(texts("B"), (inner, a_task("after"))))
    return an_item(an_approval(), Step("all", StepKind.PARALLEL, texts("All"), lanes=lanes), a_task("last"))


def test_a_path_leads_to_its_step_and_back() -> None:
    item = all_kinds()
    paths = {placed.path: placed.step.id for placed in walking.walk(item)}

    assert paths == {
        "0": "approval", "1": "all", "1.0.0": "way", "1.0.0.0.0": "in_case", "1.0.0.1.0": "in_other",
        "1.1.0": "each", "1.1.0.*.0": "in_each", "1.1.1": "after", "2": "last",
    }  # fmt: skip
    for path, step_id in paths.items():
        step = walking.step_at(item, path.replace("*", "7"))
        assert step is not None
        assert step.id == step_id
    assert walking.step_at(item, "9") is None
    assert walking.step_at(item, "0.0.0") is None
    assert walking.step_at(item, "1.x.0") is None
    assert walking.step_at(item, "1.0") is None


@pytest.mark.parametrize(
    ("readers", "writers", "hats"),
    list(product((frozenset(), {"owners"}, {"asker", "review"}), (frozenset(), {"owners"}),
                 (frozenset(), {"asker"}, {"owners"}, {"review"}, {"role:admin", "manager"}))),
)  # fmt: skip
def test_who_sees_and_who_writes_an_answer(readers: set[str], writers: set[str], hats: set[str]) -> None:
    field = Field("x", FieldKind.TEXT, texts("X"), readers=tuple(readers), writers=tuple(writers))
    worn = frozenset(hats)

    assert may_read(field, worn) == (not readers or bool(worn & (set(readers) | set(writers))))
    assert may_write(field, worn, fills_in=True) == (not writers or bool(worn & set(writers)))
    assert may_write(field, worn, fills_in=False) == bool(worn & set(writers))
    assert readable((field,), {"x": 1, "unasked": 2}, worn) == ({"x": 1} if may_read(field, worn) else {})


def test_hats_are_words_that_no_step_can_have() -> None:
    assert all(":" in hat or hat in ("asker", "beneficiary", "manager", "owners", "ticket") for hat in HATS)


def test_what_was_not_answered_or_done_is_empty() -> None:
    item = an_item(an_approval(), an_account())
    values = values_of(
        item, Known({}, {"me": {"id": "emp_1", "starts_on": "2026-03-01"}}, {}, date(2026, 2, 1))
    )

    assert values["form"] == {"amount": 0}
    assert values["me"]["starts_on"] == date(2026, 3, 1)
    assert values["steps"]["approval"]["result"] == {"approved": False, "comment": ""}
    assert values["steps"]["account"]["result"] == {"account": ""}


@pytest.mark.parametrize(
    ("period", "day"),
    [("year", date(2026, 1, 1)), ("quarter", date(2026, 4, 1)), ("month", date(2026, 6, 1))],
)
def test_a_budgets_period_begins_with_its_first_day_in_seoul(period: str, day: date) -> None:
    assert first_day(datetime(2026, 5, 31, 15, 0, tzinfo=UTC), BudgetPeriod(period)) == day
