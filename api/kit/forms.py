"""What people fill in: checked at the edge, and kept as typed when something is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.datastructures import FormData, UploadFile

from api.kit.language import N_
from api.kit.language import gettext as _
from api.kit.rendering import Form
from models.kit.refusals import Refusal

MAX_FIELDS, MAX_FILES = 200, 20
SECRET = ("password", "new_password")
SENTENCES = {
    "missing": N_("Please fill in this field."),
    "string_too_short": N_("Please fill in this field."),
    "string_too_long": N_("This text is too long."),
    "extra_forbidden": N_("This form is damaged. Please load the page again."),
    "int_parsing": N_("Please enter a whole number."),
    "greater_than_equal": N_("This number is too small."),
    "less_than_equal": N_("This number is too large."),
    "enum": N_("Please choose one of the options."),
    "literal_error": N_("Please choose one of the options."),
}
FALLBACK = N_("Please check this field.")


class Input(BaseModel):
    """The base of every form and JSON body: a field that it does not name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=20_000)


I = TypeVar("I", bound=Input)  # noqa: E741


@dataclass
class Typed(Generic[I]):
    """What was sent: `value` when it is right, and always `form` with what was typed and what is wrong."""

    value: I | None
    form: Form
    files: dict[str, list[UploadFile]] = field(default_factory=dict)

    def wrong(self, name: str, sentence: str) -> Form:
        """The form with one more thing wrong, found by a rule of the house."""
        return Form(self.form.values, {**self.form.errors, name: sentence})


def typed(model: type[I]) -> Any:
    """A dependency: `async def create(request: Request, sent: Typed[NewTicket] = typed(NewTicket))`.

    Reads a form or a JSON object. The handler answers 422 with `sent.form` when `sent.value` is None."""

    async def read(request: Request) -> Typed[I]:
        values, files = await _sent(request, model)
        return check(model, values, files)

    read.model = model  # type: ignore[attr-defined]
    return Depends(read)


def model_of(dependency: Any) -> type[Input] | None:
    """What a dependency of `typed` reads; the walks over all routes ask it."""
    found = getattr(dependency, "model", None)
    return found if isinstance(found, type) and issubclass(found, Input) else None


def check(
    model: type[I], values: Mapping[str, Any], files: dict[str, list[UploadFile]] | None = None
) -> Typed[I]:
    """Check values against a model."""
    kept = {name: value for name, value in spread(values).items() if name not in SECRET}
    try:
        return Typed(model.model_validate(values), Form(kept), files or {})
    except ValidationError as error:
        return Typed(None, Form(kept, errors_of(error)), files or {})


def spread(values: Mapping[str, Any]) -> dict[str, Any]:
    """Named values as the fields of a form are called: `answers.laptop` for "laptop" in `answers`."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{inner}": one for inner, one in value.items()})
        else:
            flat[name] = value
    return flat


def errors_of(error: ValidationError) -> dict[str, str]:
    """One sentence for each field that is wrong, in the reader's language."""
    found: dict[str, str] = {}
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        name = ".".join(str(part) for part in problem["loc"] if isinstance(part, str)) or "form"
        kind = problem["type"]
        sentence = problem["msg"] if kind in OWN else SENTENCES.get(kind, FALLBACK)
        found.setdefault(name, _(sentence))
    return found


OWN = frozenset({"unreadable", "email", "phone", "key", "house"})


async def _sent(request: Request, model: type[Input]) -> tuple[dict[str, Any], dict[str, list[UploadFile]]]:
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            body = await request.json()
        except (ValueError, UnicodeDecodeError, RecursionError) as error:
            raise Refusal("invalid_form") from error
        if not isinstance(body, dict):
            raise Refusal("invalid_form")
        return body, {}
    form = await request.form(max_fields=MAX_FIELDS, max_files=MAX_FILES)
    return _values(form, model), _files(form)


def _values(form: FormData, model: type[Input]) -> dict[str, Any]:
    """A field that the model holds as a list keeps all its values; of any other the last counts.

    What the model holds as a dict is gathered from fields that carry its name before a point."""
    values: dict[str, Any] = {}
    gathered = {
        name for name, info in model.model_fields.items()
        if getattr(info.annotation, "__origin__", None) is dict
    }  # fmt: skip
    lists = {
        name for name, info in model.model_fields.items()
        if getattr(info.annotation, "__origin__", None) in (list, tuple, frozenset)
    }  # fmt: skip
    for name, value in form.multi_items():
        if name == "_csrf" or isinstance(value, UploadFile):
            continue
        outer, _point, inner = name.partition(".")
        if inner and outer in gathered:
            values.setdefault(outer, {})[inner] = value
        elif name in lists:
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    return values


def _files(form: FormData) -> dict[str, list[UploadFile]]:
    files: dict[str, list[UploadFile]] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile) and (value.filename or value.size):
            files.setdefault(name, []).append(value)
    return files
