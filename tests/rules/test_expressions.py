"""Expressions are worked out within bounds, and what cannot be worked out says so with a code."""

import time
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.kit.expressions import Unanswerable, amount, check, day, elements, evaluate, holds

SCOPE = {
    "form": {"cost": "number", "name": "text", "on": "date", "many": "list"},
    "me": {"department": "text"}, "today": "date",
}  # fmt: skip
VALUES = {
    "form": {"cost": 1_200, "name": "Kim", "on": date(2026, 3, 1), "many": list(range(500))},
    "me": {"department": "sales"}, "today": date(2026, 2, 1),
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("form.cost > 1000 && me.department == 'sales'", True),
        ("form.on - days(3) < today", False),
        ("form.on + days(30)", datetime(2026, 3, 31, tzinfo=UTC)),
        ("form.cost * 3 / 2", 1_800),
        ("me.department in ['hr', 'sales'] ? 'yes' : 'no'", "yes"),
        ("[1, 2, 3].map(x, x * 10)", [10, 20, 30]),
        ("form.many.exists(x, x == 499)", True),
        ("string(form.cost) + ' won'", "1200 won"),
        ("date('2026-12-24') > today", True),
        ("form.name.startsWith('K')", True),
    ],
)
def test_an_expression_has_its_answer(text: str, answer: object) -> None:
    assert check(text, SCOPE) == ()
    assert evaluate(text, VALUES) == answer


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("form.cost >", "cel_syntax"),
        ("", "cel_syntax"),
        ("nobody.name == 'x'", "cel_unknown"),
        ("form.price > 3", "cel_unknown"),
        ("form.name.matches('(a+)+b')", "cel_unknown"),
        ("today.getHours('../../etc/passwd')", "cel_unknown"),
        ("[1].reduce(r, i, 0, r + i)", "cel_unknown"),
        ("google.protobuf.Int32Value{value: 1}", "cel_unknown"),
        ("type(form)", "cel_unknown"),
        ("form.name", "cel_type"),
        ("today", "cel_type"),
        ("(" * 120 + "true" + ")" * 120, "cel_too_much"),
        ("!" * 1_900 + "true", "cel_too_much"),
        ("form.many.all(a, form.many.all(b, form.many.all(c, true)))", "cel_too_much"),
        ("true" + " " * 2_000, "too_long"),
    ],
)
def test_what_is_wrong_with_an_expression_is_said_before_it_runs(text: str, code: str) -> None:
    found = check(text, SCOPE, "yes_no")

    assert [flaw.code for flaw in found][:1] == [code]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("'x' * 1000000000", "cel_failed"),
        ("1000000000 * 'x'", "cel_failed"),
        ("'%1000000000d' % 5", "cel_failed"),
        ("['xxxxxxxxxxxxxxxx']" + ".map(a, a + a)" * 100, "cel_too_much"),
        ("form.many + form.many", "cel_too_much"),
        ("form.many.filter(x, form.many.exists(y, y == x))", "cel_too_much"),
        ("1 / 0", "cel_failed"),
        ("9223372036854775807 + 1", "cel_failed"),
        ("form.gone", "cel_failed"),
        ("[1][5]", "cel_failed"),
        ("date('2026-02-30')", "cel_failed"),
        ("days(99999999999)", "cel_failed"),
        ("form.on - today", "cel_failed"),
    ],
)
def test_no_expression_takes_more_than_its_share(text: str, code: str) -> None:
    began = time.thread_time()
    with pytest.raises(Unanswerable) as found:
        evaluate(text, VALUES)

    assert found.value.code == code
    assert time.thread_time() - began < 2


def test_an_answer_of_the_wrong_kind_is_none() -> None:
    for ask, text in (
        (holds, "1"),
        (amount, "true"),
        (amount, "1.5"),
        (day, "'2026-01-01'"),
        (elements, "1"),
    ):
        with pytest.raises(Unanswerable) as found:
            ask(text, VALUES)
        assert found.value.code == "cel_type"


def test_nothing_said_always_holds() -> None:
    assert holds("  ", VALUES)


def test_what_somebody_answered_stands_in_no_message() -> None:
    secret = {"form": {"name": "Kim Mina"}}
    with pytest.raises(Unanswerable) as found:
        evaluate("form.name > 3", secret)

    assert "Kim" not in repr(found.value)
    assert found.value.__cause__ is None
    assert found.value.__suppress_context__


PIECES = st.sampled_from(
    ["form.cost", "form.name", "form.on", "form.many", "today", "me", "1", "'x'", "null", "true", "[1, 'x']",
     "{'a': 1}", "days(2)", " + ", " * ", " - ", " % ", " / ", " < ", " == ", " && ", " || ", " in ", " ? ",
     " : ", "!", "-", "(", ")", ".map(x, ", ".exists(y, ", ".size()", "[0]", ".a", ", x", "size(", "int("]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=40))
def test_any_text_has_an_answer_or_a_code(text: str) -> None:
    flaws = check(text, SCOPE, "yes_no")

    refused = ""
    try:
        evaluate(text, VALUES)
    except Unanswerable as unanswerable:
        refused = unanswerable.code
    assert refused in {"", "cel_syntax", "cel_unknown", "cel_too_much", "cel_failed"}
    assert all(flaw.code for flaw in flaws)
