"""The questions of a form: which are asked, as they are shown, and what an answer has to be."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic_core import PydanticCustomError

from api.employee_requests.known import Known, holds
from api.employee_requests.people import Colleague
from api.employee_requests.shelf import said
from api.kit import texts
from api.kit.formats import day, money
from api.kit.language import gettext as _
from models.messages.employee_requests.items import Field, FieldKind

LINE, PARAGRAPH = 200, 10_000
LARGEST = 10**15
MOST_FILES = 5  # of one question
WHOLE = re.compile(r"-?[0-9][0-9,]*\Z")
YES, NO = "yes", "no"


@dataclass(frozen=True)
class Attached:
    """One file of an answer, as the form and the page show it."""

    id: str
    name: str
    href: str = ""


@dataclass(frozen=True)
class Asked:
    """One question as the page shows it; `name` is what its control is called."""

    id: str
    name: str
    kind: FieldKind
    label: str
    help: str
    is_required: bool
    choices: tuple[tuple[str, str], ...]
    most: int
    chosen: tuple[Attached, ...] = ()  # files that are kept already


@dataclass(frozen=True)
class Told:
    """One answer as it is shown."""

    label: str
    text: str
    files: tuple[Attached, ...] = ()


class Wrong(Exception):
    """An answer that cannot be taken, with the sentence for its field."""


def is_asked(field: Field, beneficiary: Colleague) -> bool:
    """Whether it is a question at all: what the HR system knows is not asked again."""
    return not (field.known_from and known_of(beneficiary, field.known_from))


def known_of(person: Colleague, attribute: str) -> Any:
    """What the HR system knows of somebody, as answers are stored."""
    value = getattr(person, attribute, None)
    return value.isoformat() if isinstance(value, date) else value


def asked_now(
    fields: Iterable[Field], answers: Mapping[str, Any], known: Known, before: Mapping[str, Any] | None = None
) -> tuple[Field, ...]:
    """The fields that are visible with these answers, and those given before; what an invisible one held
    counts as not answered."""
    everything = tuple(fields)
    shown: tuple[Field, ...] = everything
    for _round in range(3):  # an answer may show a question that shows another one
        seen = {**(before or {}), **{field.id: answers.get(field.id) for field in shown}}
        now = tuple(
            field for field in everything
            if not field.visible_when or holds(field.visible_when, known.answered(seen))
        )  # fmt: skip
        if now == shown:
            break
        shown = now
    return shown


def asked(field: Field, chosen: tuple[Attached, ...] = ()) -> Asked:
    """A question in the reader's language."""
    return Asked(
        field.id, f"answers.{field.id}", field.kind, said(field.labels), said(field.help), field.is_required,
        tuple((one.value, said(one.labels)) for one in field.choices),
        field.at_most or (PARAGRAPH if field.kind is FieldKind.LONG_TEXT else LINE), chosen,
    )  # fmt: skip


def taken(field: Field, typed: str, colleagues: Mapping[str, str]) -> Any:
    """What is stored of something typed; None when nothing was. `colleagues`: ids by e-mail address, and
    the ids of files that were chosen."""
    if not typed.strip():
        if field.is_required:
            raise Wrong(_("Please fill in this field."))
        return None
    try:
        return TAKES[field.kind](field, typed, colleagues)
    except PydanticCustomError as error:
        raise Wrong(_(error.message_template)) from error


def _line(field: Field, typed: str, _colleagues: Mapping[str, str]) -> str:
    return _short(texts.line(typed), field.at_most or LINE)


def _paragraph(field: Field, typed: str, _colleagues: Mapping[str, str]) -> str:
    return _short(texts.paragraph(typed), field.at_most or PARAGRAPH)


def _short(text: str, most: int) -> str:
    if not text:
        raise Wrong(_("Please fill in this field."))
    if len(text) > most:
        raise Wrong(_("This text is too long."))
    return text


def _number(field: Field, typed: str, _colleagues: Mapping[str, str]) -> int:
    plain = typed.strip().removeprefix("₩").removesuffix("원").strip()
    if not WHOLE.match(plain) or len(plain) > 24:
        raise Wrong(_("Please enter a whole number."))
    value = int(plain.replace(",", ""))
    if value > (field.at_most or LARGEST):
        raise Wrong(_("This number is too large."))
    if value < (0 if field.kind is FieldKind.MONEY else -LARGEST):
        raise Wrong(_("This number is too small."))
    return value


def _date(_field: Field, typed: str, _colleagues: Mapping[str, str]) -> str:
    try:
        return date.fromisoformat(typed.strip()).isoformat()
    except ValueError as error:
        raise Wrong(_("Please choose a day.")) from error


def _choice(field: Field, typed: str, _colleagues: Mapping[str, str]) -> str:
    if typed not in {one.value for one in field.choices}:
        raise Wrong(_("Please choose one of the options."))
    return typed


def _person(_field: Field, typed: str, colleagues: Mapping[str, str]) -> str:
    if (found := colleagues.get(typed.strip().lower())) is None:
        raise Wrong(_("There is no colleague with this e-mail address."))
    return found


def _yes_no(_field: Field, typed: str, _colleagues: Mapping[str, str]) -> bool:
    if typed not in (YES, NO):
        raise Wrong(_("Please choose one of the options."))
    return typed == YES


def _file(_field: Field, typed: str, known: Mapping[str, str]) -> list[str]:
    """The ids of files that were chosen in this form."""
    found = [one.strip() for one in typed.split(",") if one.strip()]
    if not found or len(found) > MOST_FILES or any(one not in known for one in found):
        raise Wrong(_("Please choose the file again."))
    return found


TAKES: dict[FieldKind, Callable[[Field, str, Mapping[str, str]], Any]] = {
    FieldKind.TEXT: _line,
    FieldKind.LONG_TEXT: _paragraph,
    FieldKind.NUMBER: _number,
    FieldKind.MONEY: _number,
    FieldKind.DATE: _date,
    FieldKind.CHOICE: _choice,
    FieldKind.PERSON: _person,
    FieldKind.YES_NO: _yes_no,
    FieldKind.FILE: _file,
}


def told(
    field: Field, value: Any, names: Mapping[str, str], files: Mapping[str, Attached] | None = None
) -> Told | None:
    """An answer as it is read; nothing when nothing was answered. `names`: colleagues by id."""
    if value is None or value == "" or value == []:
        return None
    text = str(value)
    if field.kind is FieldKind.MONEY and isinstance(value, int):
        text = money(value)
    elif field.kind is FieldKind.DATE:
        text = day(date.fromisoformat(text[:10])) if re.match(r"\d{4}-\d\d-\d\d", text) else text
    elif field.kind is FieldKind.CHOICE:
        text = next((said(one.labels) for one in field.choices if one.value == value), text)
    elif field.kind is FieldKind.PERSON:
        text = names.get(text, _("somebody"))
    elif field.kind is FieldKind.YES_NO:
        text = _("Yes") if value is True else _("No")
    elif isinstance(value, list):
        there = tuple(one for id in value if (one := (files or {}).get(str(id))))
        text = ", ".join(one.name for one in there) or _("Files: %(count)s", count=len(value))
        return Told(said(field.labels), text, there)
    return Told(said(field.labels), text)
