"""What an expression of an item may name: the names with their kinds, and their values on a day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from models.messages.employee_requests.items import PERSON, RESULTS, Field, FieldKind, Item, Step
from models.messages.systems import OPERATIONS, Operation
from models.rules.employee_requests.walking import walk

KINDS = {
    FieldKind.NUMBER: "number", FieldKind.MONEY: "number", FieldKind.DATE: "date", FieldKind.YES_NO: "yes_no",
    FieldKind.FILE: "list",
}  # fmt: skip
EMPTY: dict[str, Any] = {"text": "", "number": 0, "money": 0, "yes_no": False, "list": [], "date": None}
RESULT_KINDS = {"approved": "yes_no", "done": "yes_no", "arrived": "yes_no", "count": "number"}
ABOUT = {"key": "text", "version": "number", "category": "text", "owner_team": "text"}


def kind_of(field: Field) -> str:
    """The kind of a field's answer within expressions."""
    return KINDS.get(field.kind, "text")


def scope_of(
    item: Item, before: Iterable[Step], operations: Iterable[Operation], *, in_each: bool = False
) -> dict[str, Any]:
    """The names that are known where these steps are over, with their kinds."""
    known = tuple(operations)
    scope: dict[str, Any] = {
        "me": dict(PERSON), "asker": dict(PERSON), "today": "date", "item": dict(ABOUT),
        "form": {one.id: kind_of(one) for one in item.form},
        "steps": {
            one.id: {"result": result_scope(one, known), "status": "text"} for one in before
        },
    }  # fmt: skip
    return {**scope, "each": None} if in_each else scope


def result_scope(step: Step, operations: tuple[Operation, ...]) -> dict[str, str]:
    """What the result of a step holds, with the kinds."""
    if step.form is not None:
        return {one.id: kind_of(one) for one in step.form.fields}
    if step.call is not None:
        called = (step.call.connector, step.call.operation)
        found = next((one for one in operations if (one.connector, one.name) == called), None)
        return dict.fromkeys(found.gives, "text") if found else {}
    return {name: RESULT_KINDS.get(name, "text") for name in RESULTS.get(step.kind, ())}


@dataclass(frozen=True)
class Known:
    """What is known of a request. `people`: `me` and `asker`; `results`: by step id `result` and `status`."""

    answers: Mapping[str, Any]
    people: Mapping[str, Mapping[str, Any]]
    results: Mapping[str, Mapping[str, Any]]
    today: date


def values_of(item: Item, known: Known, operations: Iterable[Operation] = OPERATIONS) -> dict[str, Any]:
    """The variables of a day; within `each` the caller adds `each`.

    What was not answered, or not done, has its kind's empty value: "", 0, false, an empty list, no day."""
    offered = tuple(operations)
    return {
        "form": answered(item.form, known.answers),
        **{who: person_of(known.people.get(who, {})) for who in ("me", "asker")},
        "item": {
            "key": item.key, "version": item.version, "category": item.category.value,
            "owner_team": item.owner_team,
        },
        "steps": {one.step.id: outcome_of(one.step, known.results, offered) for one in walk(item)},
        "today": known.today,
    }  # fmt: skip


def answered(fields: Iterable[Field], answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers by field id as expressions see them; days may come as text."""
    return {one.id: _value(kind_of(one), answers.get(one.id)) for one in fields}


def person_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """A person as expressions see them."""
    return {name: _value(kind, attributes.get(name)) for name, kind in PERSON.items()}


def outcome_of(
    step: Step, results: Mapping[str, Mapping[str, Any]], operations: tuple[Operation, ...]
) -> dict[str, Any]:
    """`result` and `status` of a step; empty values until it is over, or when it was skipped."""
    known = results.get(step.id, {})
    given = known.get("result") or {}
    kinds = result_scope(step, operations)
    result = {**given, **{name: _value(kind, given.get(name)) for name, kind in kinds.items()}}
    return {"result": result, "status": known.get("status", "")}


def _value(kind: str, given: Any) -> Any:
    if given is None or given == "":
        return EMPTY[kind]
    if kind == "date" and isinstance(given, str):
        return date.fromisoformat(given[:10])
    return given
