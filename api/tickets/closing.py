"""What has to be known before a ticket ends: asked in one small sheet, filled in with what is known."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from api.kit.desk import DeskAt
from api.kit.language import gettext as _
from api.kit.language import locale
from models.catalogue import Product
from models.customers import OwnedProduct
from models.messages.tickets.writing import FieldKind
from models.rules.tickets import writing as rules
from models.tickets import Ticket
from models.tickets.writing import ClosingField, FieldValue

ENDS = ("resolve", "cancel")


@dataclass(frozen=True)
class Question:
    """One field as it is asked, with the answer that is known."""

    key: str
    name: str
    kind: FieldKind
    options: tuple[tuple[str, str], ...]
    value: str = ""
    said: str = ""  # the answer in words

    @property
    def input(self) -> str:
        """What the field is called in a form."""
        return f"answers.{self.key}"


@dataclass(frozen=True)
class Ending:
    """What is asked at each end of one ticket, and what was answered."""

    resolve: tuple[Question, ...] = ()
    cancel: tuple[Question, ...] = ()
    answered: tuple[Question, ...] = field(default=())

    def at(self, act: str) -> tuple[Question, ...]:
        """What is asked at this end."""
        return self.resolve if act == "resolve" else self.cancel


async def ending_of(desk: DeskAt, ticket_id: str) -> Ending:
    """Everything that is asked of this ticket and known about it."""
    query = desk.visible(ClosingField).order_by(col(ClosingField.position), col(ClosingField.key))
    fields = list(await desk.session.scalars(query.limit(500)))
    if not fields:
        return Ending()
    kept = desk.visible(FieldValue).with_only_columns(col(FieldValue.field_key), col(FieldValue.value))
    found = await desk.session.execute(kept.where(col(FieldValue.ticket_id) == ticket_id))
    values = {str(key): str(value) for key, value in found}
    about = await facts_of(desk, ticket_id)
    question = partial(question_of, values=values)
    asked = {
        act: tuple(
            question(one) for one in fields if one.is_active and rules.is_asked(asked_of(one), act, *about)
        )
        for act in ENDS
    }
    answered = tuple(question(one) for one in fields if values.get(one.key))
    return Ending(asked["resolve"], asked["cancel"], answered)


async def facts_of(desk: DeskAt, ticket_id: str) -> tuple[str, str, str]:
    """What decides which fields are asked: the ticket's kind, its product's category, its team."""
    query = (
        desk.visible(Ticket)
        .outerjoin(OwnedProduct, col(OwnedProduct.id) == col(Ticket.owned_product_id))
        .outerjoin(Product, col(Product.id) == col(OwnedProduct.product_id))
        .with_only_columns(
            col(Ticket.kind), func.coalesce(col(Product.category), ""), func.coalesce(col(Ticket.team_id), "")
        )
        .where(col(Ticket.id) == ticket_id)
    )
    kind, category, team = (await desk.session.execute(query)).one()
    return kind.value, category, team


def asked_of(one: ClosingField) -> rules.Asked:
    """When a field is asked, as the rules see it."""
    return rules.Asked(
        one.asked_at, frozenset(one.ticket_kinds), frozenset(one.categories), frozenset(one.team_ids)
    )


def question_of(one: ClosingField, values: dict[str, str]) -> Question:
    """A field in the reader's language."""
    is_korean = locale() == "ko"
    options: tuple[tuple[str, str], ...] = ()
    if one.kind is FieldKind.CHOICE:
        choices = one.choices_ko if is_korean else one.choices_en
        options = tuple((str(place), text) for place, text in enumerate(choices, 1))
    elif one.kind is FieldKind.YES_NO:
        options = (("yes", _("Yes")), ("no", _("No")))
    value = values.get(one.key, "")
    name = one.name_ko if is_korean else one.name_en
    return Question(one.key, name, one.kind, options, value, dict(options).get(value, value))


async def keep_answers(desk: DeskAt, ticket_id: str, act: str, typed: dict[str, str]) -> dict[str, str]:
    """Keep what was answered; what is still missing or no answer comes back as errors by their place.

    With an error nothing is kept. A field that was answered before need not be sent again."""
    asked = (await ending_of(desk, ticket_id)).at(act)
    known = {one.key for one in asked}
    errors = {
        f"answers.{key}": _("This field is not asked here. Please load the page again.")
        for key in typed
        if key not in known
    }
    kept: dict[str, str] = {}
    for one in asked:
        value = typed.get(one.key, one.value)
        answer = rules.answered(one.kind, value, [text for _place, text in one.options])
        if answer is None:
            errors[one.input] = missing_sentence(one.kind, value)
        elif answer != one.value:
            kept[one.key] = answer
    if errors:
        return errors
    for key, value in kept.items():
        row = {
            "ticket_id": ticket_id, "field_key": key, "value": value, "written_by": desk.person.id,
            "written_at": datetime.now(UTC),
        }  # fmt: skip
        statement = insert(FieldValue).values(row)
        fresh = {name: statement.excluded[name] for name in ("value", "written_by", "written_at")}
        await desk.session.execute(
            statement.on_conflict_do_update(index_elements=["ticket_id", "field_key"], set_=fresh)
        )
    return {}


def missing_sentence(kind: FieldKind, typed: str) -> str:
    """What is wrong with an answer."""
    if not typed.strip():
        return _("Please fill in this field.")
    if kind is FieldKind.NUMBER:
        return _("Please enter a number like 12 or 12.5.")
    if kind is FieldKind.DAY:
        return _("Please choose a day.")
    return _("Please choose one of the options.")
