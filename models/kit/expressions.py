"""Expressions that people write into data, in CEL: checked before they are kept, worked out within bounds.

The one place where CEL is evaluated: by activities and by pages, never by a workflow. `check` says what is
wrong with a text before anything runs; `evaluate` raises `Unanswerable` with a code, never with a value.
What the library allows too much of is not there: `matches` (endless regular expressions), time zones by name,
`reduce`, formatting with `%`, repeating with `*`; an evaluation has so many steps and no more.
"""

import logging
import math
import time as clock
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, cast

import celpy
import lark
from celpy import celtypes
from celpy.celparser import CELParseError
from celpy.evaluation import CELEvalError, CELSyntaxError, CELUnsupportedError, Evaluator, base_functions

from models.kit.expression_trees import Flaw, Scope, flaws, kind_of, used

__all__ = [
    "Flaw", "Scope", "Unanswerable", "amount", "check", "day", "elements", "evaluate", "holds", "names_in",
]  # fmt: skip

LONGEST, MOST_ELEMENTS, LONGEST_TEXT, MOST_VISITS = 2_000, 500, 20_000, 30_000
ROUND, SECONDS = 20, 0.5  # what a macro's round costs in visits; processor time of one evaluation
# What the library raises for expressions that make no sense with the values of the day.
SENSELESS = (
    CELEvalError, CELSyntaxError, CELUnsupportedError, ArithmeticError, LookupError, TypeError, ValueError,
    AttributeError, RuntimeError,
)  # fmt: skip
logging.getLogger("celpy").setLevel(logging.CRITICAL)  # it writes the values of variables into its lines


class Unanswerable(Exception):
    """No answer; `code` is cel_syntax, cel_unknown, cel_type, cel_too_much or cel_failed."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def check(text: str, scope: Scope, needed: str = "") -> tuple[Flaw, ...]:
    """What is wrong with an expression where these names are known; `needed` is the kind of its answer."""
    if len(text) > LONGEST:
        return (Flaw("too_long", {"most": f"{LONGEST:,}"}),)
    try:
        tree = parsed(text)
    except CELParseError as error:
        where = f"{error.line}:{error.column}" if error.line and error.line > 0 else "…"
        return (Flaw("cel_syntax", {"detail": where}),)
    found = flaws(tree, scope)
    given = "" if found else kind_of(tree, scope)
    if needed and given and given != needed:
        return (Flaw("cel_type", {"given": given, "needed": needed}),)
    return found


def evaluate(text: str, variables: Mapping[str, Any]) -> Any:
    """The answer as plain data: bool, int, float, str, datetime, list, dict or None."""
    if len(text) > LONGEST:
        raise Unanswerable("cel_too_much")
    try:
        tree = parsed(text)
    except CELParseError:
        raise Unanswerable("cel_syntax") from None
    wrong = flaws(tree, dict.fromkeys(variables))
    if wrong:
        raise Unanswerable(wrong[0].code)
    try:
        return plain(_answer(tree, {name: to_cel(value) for name, value in variables.items()}))
    except SENSELESS:
        raise Unanswerable("cel_failed") from None


def holds(text: str, variables: Mapping[str, Any]) -> bool:
    """Whether a condition holds; an empty one always does."""
    if not text.strip():
        return True
    answer = evaluate(text, variables)
    if not isinstance(answer, bool):
        raise Unanswerable("cel_type")
    return answer


def amount(text: str, variables: Mapping[str, Any]) -> int:
    """A whole number: minor units, or how many."""
    answer = evaluate(text, variables)
    if isinstance(answer, bool) or not isinstance(answer, int):
        raise Unanswerable("cel_type")
    return answer


def day(text: str, variables: Mapping[str, Any]) -> date:
    """The day of a moment; days are midnight UTC within expressions."""
    answer = evaluate(text, variables)
    if not isinstance(answer, datetime):
        raise Unanswerable("cel_type")
    return answer.date()


def elements(text: str, variables: Mapping[str, Any]) -> list[Any]:
    """What a list holds."""
    answer = evaluate(text, variables)
    if not isinstance(answer, list):
        raise Unanswerable("cel_type")
    return answer


def names_in(text: str) -> tuple[str, ...]:
    """The names that an expression asks for; nothing for a text that is none."""
    try:
        return used(parsed(text))
    except CELParseError:
        return ()


@lru_cache(maxsize=2048)
def parsed(text: str) -> lark.Tree[Any]:
    """The tree of an expression, kept for the next time."""
    return _environment().compile(text)


@lru_cache(maxsize=1)
def _environment() -> celpy.Environment:
    return celpy.Environment()


class Budget:
    """What is left of the steps and the processor time of one evaluation."""

    def __init__(self) -> None:
        self.visits, self.until = MOST_VISITS, clock.thread_time() + SECONDS

    def spend(self, visits: int) -> None:
        """Take so many steps, or end the evaluation."""
        self.visits -= visits
        if self.visits < 0 or (visits > 1 and clock.thread_time() > self.until):
            raise Unanswerable("cel_too_much")


class Bounded(Evaluator):
    """The library's evaluator with so many steps and no more, those within macros included."""

    def __init__(self, ast: Any, activation: Any, budget: Budget) -> None:
        super().__init__(ast, activation)
        self.budget = budget

    def sub_evaluator(self, ast: Any) -> "Bounded":
        """The body of a macro counts on."""
        return Bounded(ast, self.activation, self.budget)

    def set_activation(self, values: Any) -> "Bounded":
        """Each round of a macro begins with this."""
        self.budget.spend(ROUND)
        super().set_activation(values)
        return self

    def visit(self, tree: Any) -> Any:
        """One step."""
        self.budget.spend(1)
        return super().visit(tree)


def _answer(tree: lark.Tree[Any], variables: Mapping[str, Any]) -> Any:
    runner = celpy.InterpretedRunner(_environment(), tree, cast(Any, FUNCTIONS))
    return Bounded(tree, runner.new_activation(), Budget()).evaluate(dict(variables))


def _within(value: Any) -> Any:
    """A text or list of bearable size."""
    if isinstance(value, str | bytes) and len(value) > LONGEST_TEXT:
        raise Unanswerable("cel_too_much")
    if isinstance(value, list) and len(value) > MOST_ELEMENTS:
        raise Unanswerable("cel_too_much")
    return value


def _add(left: Any, right: Any) -> Any:
    answer = _within(base_functions["_+_"](left, right))
    if isinstance(answer, CELEvalError):
        return answer
    if isinstance(answer, str):
        return celtypes.StringType(answer)
    return celtypes.ListType(answer) if isinstance(answer, list) else answer


def _numeric(name: str) -> Any:
    """An operator for numbers only: with texts Python would repeat or format without bound."""

    def operate(left: Any, right: Any) -> Any:
        if not isinstance(left, int | float | CELEvalError) or not isinstance(
            right, int | float | CELEvalError
        ):
            raise TypeError(name)
        return base_functions[name](left, right)

    operate.__name__ = name
    return operate


def _days(count: Any) -> Any:
    return celtypes.DurationType(timedelta(days=int(count)))


def _date(text: Any) -> Any:
    return to_cel(date.fromisoformat(str(text)))


FUNCTIONS: dict[str, Any] = {
    "_+_": _add, "_*_": _numeric("_*_"), "_%_": _numeric("_%_"), "days": _days, "date": _date,
}  # fmt: skip


def to_cel(value: Any) -> Any:
    """Plain data as CEL knows it; a day is midnight UTC."""
    if value is None or isinstance(value, bool):
        return None if value is None else celtypes.BoolType(value)
    if isinstance(value, int | float):
        return celtypes.IntType(value) if isinstance(value, int) else celtypes.DoubleType(value)
    if isinstance(value, str):
        return celtypes.StringType(value)
    if isinstance(value, date):
        moment = value if isinstance(value, datetime) else datetime.combine(value, time(), UTC)
        return celtypes.TimestampType(moment)
    if isinstance(value, Mapping):
        pairs = ((celtypes.StringType(key), to_cel(one)) for key, one in value.items())
        return celtypes.MapType(dict(pairs))
    if isinstance(value, list | tuple):
        return celtypes.ListType([to_cel(one) for one in value])
    raise TypeError(type(value).__name__)


def plain(value: Any) -> Any:
    """What CEL answered as plain data; durations, types and endless numbers are no answers."""
    if value is None or isinstance(value, celtypes.BoolType | bool):
        return None if value is None else bool(value)
    if isinstance(value, celtypes.UintType | celtypes.IntType):
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    if isinstance(value, str):
        return str(_within(value))
    if isinstance(value, datetime):
        return datetime.fromisoformat(value.isoformat())
    if isinstance(value, dict):
        return {str(plain(key)): plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in _within(value)]
    raise TypeError(type(value).__name__)
