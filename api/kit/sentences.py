"""Stored sentences in the reader's language: a code with its values becomes one line of text."""

import re
from collections.abc import Mapping
from datetime import date, datetime

from api.kit import formats
from api.kit.language import gettext
from models.messages import billing, field_service, journeys, payments, tickets

SENTENCES: dict[str, str] = {
    **tickets.SENTENCES, **field_service.SENTENCES, **billing.SENTENCES, **payments.SENTENCES,
}  # fmt: skip
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
DAY = re.compile(r"\d{4}-\d\d-\d\d$")
AMOUNTS = frozenset({"total", "amount", "price"})
_PLACE = re.compile(r"%\((\w+)\)s")


def sentence(code: str, details: Mapping[str, object]) -> str:
    """What the timeline says; a code that nobody knows is shown as it is."""
    return filled(SENTENCES.get(code, code), details)


def wait_sentence(what: str, details: Mapping[str, object]) -> str:
    """What a wait is for."""
    return filled(journeys.WAITS.get(what, what), details)


def then_sentence(then: str) -> str:
    """What happens when nobody moves; nothing when nothing does."""
    return gettext(journeys.THENS.get(then, then)) if then else ""


def filled(text: str, details: Mapping[str, object]) -> str:
    """The translated text with its values, each written as the reader writes it; an absent one is a dash."""
    currency = str(details.get("currency", "KRW"))
    values = {name: written(name, details.get(name), currency) for name in _PLACE.findall(text)}
    return gettext(text, **values) if values else gettext(text)


def written(name: str, value: object, currency: str = "KRW") -> str:
    """One stored value: moments, days and amounts in the reader's form, anything else as it is."""
    if value is None or value == "":
        return formats.NOTHING
    if isinstance(value, datetime):
        return str(formats.moment(value))
    if isinstance(value, date):
        return str(formats.day(value))
    text = str(value)
    if MOMENT.match(text):
        return str(formats.moment(datetime.fromisoformat(text)))
    if DAY.match(text):
        return str(formats.day(date.fromisoformat(text)))
    if name in AMOUNTS and re.fullmatch(r"-?\d+", text):
        return str(formats.money(int(text), currency))
    return text
