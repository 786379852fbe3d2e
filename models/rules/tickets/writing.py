"""What may be written: placeholders of templates, what a way out allows, and answers to fields."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from models.messages.tickets.writing import FieldAsked, FieldKind

# What a template may name, and nothing else.
PLACEHOLDERS = (
    "customer", "agent", "team", "ticket", "subject", "product", "serial", "technician", "visit_time",
    "invoice", "amount", "pay_by", "due",
)  # fmt: skip
NAMED = re.compile(r"\{\{\s*([a-z_]{1,32})\s*\}\}")
SMS_BYTES = 90  # of one short message in Korea; Korean letters count two
MOST_SMS = 20


def strangers(text: str) -> tuple[str, ...]:
    """What stands in double braces and is not on the list."""
    return tuple(dict.fromkeys(name for name in NAMED.findall(text) if name not in PLACEHOLDERS))


def gaps(text: str) -> tuple[str, ...]:
    """The places that are still to be filled in: a text with one of them is not sent."""
    return tuple(dict.fromkeys(name for name in NAMED.findall(text) if name in PLACEHOLDERS))


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with the values of a ticket; what the ticket does not know stays where it can be seen."""
    return NAMED.sub(lambda found: values.get(found[1]) or f"{{{{{found[1]}}}}}", text)


def sms_size(text: str) -> int:
    """How many bytes a text takes as a short message: one for ASCII, two for all else."""
    return sum(1 if letter.isascii() else 2 for letter in " ".join(text.split()))


def sms_parts(text: str) -> int:
    """How many short messages a text becomes."""
    return -(-sms_size(text) // SMS_BYTES)


@dataclass(frozen=True)
class Asked:
    """When a field is asked; an empty set means always."""

    at: FieldAsked
    kinds: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()


def is_asked(field: Asked, act: str, kind: str, category: str, team: str) -> bool:
    """Whether a field is asked when a ticket of this kind ends this way."""
    return (
        field.at.value in (act, "both")
        and (not field.kinds or kind in field.kinds)
        and (not field.categories or category in field.categories)
        and (not field.teams or team in field.teams)
    )


def answered(kind: FieldKind, typed: str, choices: Sequence[str] = ()) -> str | None:
    """The answer as it is kept; nothing when it is none."""
    text = typed.strip()
    if kind is FieldKind.TEXT:
        return text or None
    if kind is FieldKind.YES_NO:
        return text if text in ("yes", "no") else None
    if kind is FieldKind.CHOICE:
        return text if text.isdecimal() and text.isascii() and 1 <= int(text[:6]) <= len(choices) else None
    if kind is FieldKind.NUMBER:
        return text if re.fullmatch(r"-?\d{1,12}(\.\d{1,4})?", text, re.ASCII) else None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None
