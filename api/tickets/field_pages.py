"""The fields that are asked when a ticket ends, as administrators write them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Request
from pydantic import Field
from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.kit import labels, signing
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.language import locale
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import ADMINS, STAFF
from api.kit.texts import Key, MaybeParagraph, Name
from api.tickets.filling import team_names
from api.tickets.routing import router
from models.catalogue import Product
from models.messages.staff import Role
from models.messages.tickets import TicketKind
from models.messages.tickets.writing import FieldAsked, FieldKind
from models.tickets.writing import ClosingField, FieldValue

KEY_OF_FIELD = Annotated[str, Field(pattern=r"^$|^[a-z][a-z0-9_]{1,39}$")]
MOST_CHOICES = 30


class FieldForm(Input):
    """A field as it is typed; choices stand one on a line, and the order of both languages is the same."""

    command_id: Key
    key: KEY_OF_FIELD = ""
    seq: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    name_ko: Name
    name_en: Name
    kind: FieldKind = FieldKind.TEXT
    choices_ko: MaybeParagraph = ""
    choices_en: MaybeParagraph = ""
    asked_at: FieldAsked = FieldAsked.RESOLVE
    ticket_kinds: list[TicketKind] = []
    categories: list[Key] = []
    team_ids: list[Key] = []
    position: Annotated[int, Field(ge=0, le=1000)] = 100
    is_active: Literal["yes", ""] = ""


@dataclass(frozen=True)
class FieldLine:
    """One field in the list, with how it was answered lately."""

    key: str
    name: str
    kind: FieldKind
    asked_at: FieldAsked
    of: tuple[str, ...]  # of which tickets it is asked, in words
    is_active: bool
    answers: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class FieldsPage:
    """All fields, or one with its form."""

    fields: tuple[FieldLine, ...]
    may_edit: bool
    teams: tuple[tuple[str, str], ...]
    categories: tuple[str, ...]
    row: ClosingField | None = None

    @property
    def pairs(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """What the selects offer."""
        return {
            "kind": tuple((one.value, labels.label_text(one, "field_kind")) for one in FieldKind),
            "asked_at": tuple((one.value, labels.label_text(one, "field_asked")) for one in FieldAsked),
            "ticket_kinds": tuple((one.value, labels.label_text(one, "ticket_kind")) for one in TicketKind),
        }


@router.get("/tickets/fields", may=STAFF)
async def fields(request: Request, desk: Desk) -> Response:
    """Show which fields are asked of which tickets, and how choices were answered."""
    return answer(request, "tickets/fields.html", await fields_page(desk))


@router.post("/tickets/fields", may=ADMINS)
async def add_field(request: Request, desk: Desk, sent: Typed[FieldForm] = typed(FieldForm)) -> Response:
    """Write a new field."""
    form = faults(sent, is_new=True)
    if sent.value is None or form.errors:
        return answer(request, "tickets/fields.html", await fields_page(desk), form=form, status=422)
    key = sent.value.key
    row = {**values_of(desk, sent.value), "key": key, "seq": 1}
    new = insert(ClosingField).values(row).on_conflict_do_nothing().returning(col(ClosingField.key))
    if (await desk.session.execute(new)).first() is None:
        known = await desk.one(ClosingField, key)
        if known.name_ko == row["name_ko"] and known.kind == row["kind"]:  # the same form once more
            return move_on(request, f"/tickets/fields/{key}", data={"key": key})
        form = sent.wrong("key", _("There is such a field already."))
        return answer(request, "tickets/fields.html", await fields_page(desk), form=form, status=422)
    await noted(desk, key, "created")
    await desk.commit()
    return move_on(request, f"/tickets/fields/{key}", data={"key": key})


@router.get("/tickets/fields/{field_key}", may=STAFF, row="closing_field")
async def show_field(request: Request, desk: Desk, field_key: str) -> Response:
    """Show one field with its form."""
    return answer(request, "tickets/field.html", await fields_page(desk, field_key))


@router.post("/tickets/fields/{field_key}", may=ADMINS, row="closing_field")
async def save_field(
    request: Request, desk: Desk, field_key: str, sent: Typed[FieldForm] = typed(FieldForm)
) -> Response:
    """Keep a changed field. Its kind stays and choices are only added: given answers keep their sense."""
    row = await desk.one(ClosingField, field_key)
    form = faults(sent, is_new=False, row=row)
    if sent.value is None or form.errors:
        page = await fields_page(desk, field_key)
        return answer(request, "tickets/field.html", page, form=form, status=422)
    values = {**values_of(desk, sent.value), "seq": row.seq + 1}
    changed = (
        update(ClosingField)
        .where(col(ClosingField.key) == field_key, col(ClosingField.seq) == sent.value.seq)
        .values(values)
        .returning(col(ClosingField.key))
    )
    done = await desk.session.execute(changed, execution_options={"synchronize_session": False})
    if done.first() is None:
        form = Form(
            {**sent.form.values, "seq": row.seq}, {"form": _("Somebody else changed this meanwhile.")}
        )
        page = await fields_page(desk, field_key)
        return answer(request, "tickets/field.html", page, form=form, status=409)
    await noted(desk, field_key, "changed")
    await desk.commit()
    return move_on(request, f"/tickets/fields/{field_key}", data={"key": field_key})


def lines_of(text: str) -> list[str]:
    """One choice a line."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def faults(sent: Typed[FieldForm], *, is_new: bool, row: ClosingField | None = None) -> Form:
    """What is wrong with a field beyond what its inputs can say."""
    errors, one = dict(sent.form.errors), sent.value
    if one is None:
        return sent.form
    korean, english = lines_of(one.choices_ko), lines_of(one.choices_en)
    if is_new and not one.key:
        errors["key"] = _("Small letters, digits and hyphens, beginning with a letter.")
    if one.kind is FieldKind.CHOICE and not 0 < len(korean) <= MOST_CHOICES:
        errors["choices_ko"] = _("Please enter one choice a line, at most %(n)s.", n=MOST_CHOICES)
    elif one.kind is FieldKind.CHOICE and len(korean) != len(english):
        errors["choices_en"] = _("Both languages need the same number of choices.")
    elif row is not None and row.kind is FieldKind.CHOICE and len(korean) < len(row.choices_ko):
        errors["choices_ko"] = _("Choices can be renamed and added, but not taken away: answers name them.")
    if row is not None and one.kind is not row.kind:
        errors["kind"] = _("The kind of a field stays; please make a new one.")
    return Form(sent.form.values, errors)


def values_of(desk: DeskAt, one: FieldForm) -> dict[str, Any]:
    """What is kept of the form."""
    is_choice = one.kind is FieldKind.CHOICE
    return {
        "name_ko": one.name_ko, "name_en": one.name_en, "kind": one.kind,
        "choices_ko": lines_of(one.choices_ko) if is_choice else [],
        "choices_en": lines_of(one.choices_en) if is_choice else [], "asked_at": one.asked_at,
        "ticket_kinds": [kind.value for kind in one.ticket_kinds], "categories": one.categories,
        "team_ids": one.team_ids, "position": one.position, "is_active": one.is_active == "yes",
        "written_by": desk.person.id, "written_at": datetime.now(UTC),
    }  # fmt: skip


async def fields_page(desk: DeskAt, key: str | None = None) -> FieldsPage:
    """All fields, or one."""
    row = await desk.one(ClosingField, key) if key is not None else None
    names, counted = await team_names(desk), await counts(desk)
    query = desk.visible(ClosingField).order_by(col(ClosingField.position), col(ClosingField.key)).limit(500)
    rows = list(await desk.session.scalars(query)) if row is None else []
    found = desk.visible(Product).with_only_columns(col(Product.category)).distinct().limit(200)
    categories = sorted({str(one) for one in await desk.session.scalars(found)})
    lines = tuple(line_of(one, names, counted) for one in rows)
    may_edit = Role.ADMIN in desk.person.roles
    return FieldsPage(lines, may_edit, tuple(names.items()), tuple(categories), row)


def line_of(one: ClosingField, teams: dict[str, str], counted: dict[str, dict[str, int]]) -> FieldLine:
    """One field in words."""
    is_korean = locale() == "ko"
    of = [labels.label_text(kind, "ticket_kind") for kind in one.ticket_kinds]
    of += [*one.categories, *(teams.get(team, team) for team in one.team_ids)]
    given = counted.get(one.key, {})
    texts: list[tuple[str, str]] = []
    if one.kind is FieldKind.CHOICE:
        choices = one.choices_ko if is_korean else one.choices_en
        texts = [(str(place), text) for place, text in enumerate(choices, 1)]
    elif one.kind is FieldKind.YES_NO:
        texts = [("yes", _("Yes")), ("no", _("No"))]
    answers = tuple((text, given.get(value, 0)) for value, text in texts)
    name = one.name_ko if is_korean else one.name_en
    return FieldLine(one.key, name, one.kind, one.asked_at, tuple(of), one.is_active, answers)


async def counts(desk: DeskAt) -> dict[str, dict[str, int]]:
    """How often each answer was given, among the tickets that the asking person may see."""
    query = (
        desk.visible(FieldValue)
        .join(ClosingField, col(ClosingField.key) == col(FieldValue.field_key))
        .with_only_columns(col(FieldValue.field_key), col(FieldValue.value), func.count())
        .where(col(ClosingField.kind).in_([FieldKind.CHOICE, FieldKind.YES_NO]))
        .group_by(col(FieldValue.field_key), col(FieldValue.value))
    )
    found: dict[str, dict[str, int]] = {}
    for key, value, times in await desk.session.execute(query):
        found.setdefault(key, {})[value] = times
    return found


async def noted(desk: DeskAt, key: str, what: str) -> None:
    """One line in the audit log."""
    who = desk.person
    await signing.note(desk.session, who.id, who.address, f"tickets.field.{what}", f"closing_field:{key}")
