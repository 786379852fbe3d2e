"""The one search: each word says how its rows are found; what is shown always starts at `visible()`.

A way is one query with the columns id, title, detail and is_like before any of its own. It is built once
for each person and language and binds `words`, `low`, `high` and `most`: see api/customers/finding.py."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Select,
    String,
    TableValuedAlias,
    bindparam,
    collate,
    column,
    func,
)
from sqlalchemy.ext.asyncio import AsyncSession

from api.kit.formats import in_seoul
from api.kit.language import locale
from api.kit.people import Person
from api.kit.together import together
from api.kit.visible import REMEMBERED
from models.messages.staff import Role

LAST = "\U0010ffff"
DIGITS = re.compile(r"[0-9]{1,12}\Z")
MOST, LONGEST = 50, 100
Words, Low, High, Most = (
    bindparam("words", type_=String()), bindparam("low", type_=String()),
    bindparam("high", type_=String()), bindparam("most", type_=Integer()),
)  # fmt: skip


@dataclass(frozen=True)
class Hit:
    """One thing that was found: where it is, what it is called, and what tells it from others like it."""

    id: str
    title: str
    detail: str
    href: str
    is_like: bool = False  # not what was typed, but much like it
    status: tuple[str, str] | None = None  # the kind of label, and its value


@dataclass(frozen=True)
class Way:
    """One query of a kind, and for which words it is worth asking."""

    query: Callable[[Person], Select[*tuple[Any, ...]]]
    span: Callable[[str], tuple[str, str] | None]
    """The first and the last number that are meant, or nothing when these words ask for something else."""


@dataclass(frozen=True)
class Kind:
    """One kind of thing that can be found, for people with one of these roles."""

    name: str
    title: str  # marked with N_
    icon: str
    may: frozenset[Role]
    hit: Callable[[Any], Hit]
    ways: tuple[Way, ...]
    place: int  # where its group stands


@dataclass(frozen=True)
class Group:
    """What was found of one kind, the best first."""

    name: str
    title: str
    icon: str
    hits: tuple[Hit, ...] = field(default=())
    has_more: bool = False


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Let one more kind be found; a word does it once, beside its router."""
    if kind.name in _kinds:
        raise ValueError(f"{kind.name} is registered already")
    _kinds[kind.name] = kind


def kinds() -> tuple[Kind, ...]:
    """Everything that can be found, in the order of the groups."""
    return tuple(sorted(_kinds.values(), key=lambda kind: kind.place))


def tidy(words: str) -> str:
    """What was typed in one form: composed, of one width, one space between words, not endless."""
    composed = unicodedata.normalize("NFC", words[: 4 * LONGEST])
    # A consonant that stands alone asks for initials; NFKC would make half a syllable of it.
    letters = (one if "\u3131" <= one <= "\u318e" else unicodedata.normalize("NFKC", one) for one in composed)
    return " ".join("".join(letters).split())[:LONGEST]


def found_by(function: str) -> TableValuedAlias:
    """What a function like those of migration 0030 found for the bound words: found_id, place, is_like."""
    columns = (column("found_id", String()), column("place", Integer()), column("is_like", Boolean()))
    return getattr(func, function)(Words, Most).table_valued(*columns, name="found")  # type: ignore[no-any-return]


def between(number: Any) -> ColumnElement[bool]:
    """The rows whose number lies in the bound span; in one order on every server, so by the index."""
    ordered = collate(number, "C")
    return (ordered >= Low) & (ordered < High)


def every_word(words: str) -> tuple[str, str] | None:
    """Any words at all."""
    return ("", "") if words else None


def numbered(letter: str) -> Callable[[str], tuple[str, str] | None]:
    """Numbers like `T100123`: with their letter from the first digit on, without it only the whole number."""
    shape = re.compile(rf"{letter}[0-9][0-9.-]*\Z")

    def span(words: str) -> tuple[str, str] | None:
        said = words.replace(" ", "").upper()
        if DIGITS.match(said):
            return f"{letter}{said}", f"{letter}{said}-{LAST}"
        return (said, said + LAST) if shape.match(said) else None

    return span


def yearly(words: str) -> tuple[str, str] | None:
    """Numbers like `2026-000017`; from digits alone the one of this year is meant."""
    said = words.replace(" ", "")
    if re.fullmatch(r"20[0-9]{2}-[0-9]{1,9}", said):
        return said, said + LAST
    if DIGITS.match(said) and len(said) <= 6:
        this = f"{in_seoul(datetime.now(UTC)).year}-{int(said):06}"
        return this, this + LAST
    return None


@lru_cache(maxsize=REMEMBERED)
def _built(way: Way, person: Person, _language: str) -> Select[*tuple[Any, ...]]:
    return way.query(person)


async def search(
    session: AsyncSession, person: Person, typed: str, *, most: int = MOST, only: Iterable[str] = ()
) -> tuple[Group, ...]:
    """Everything that these words may mean and that the person may see, all kinds in one round trip."""
    words, chosen = tidy(typed), frozenset(only)
    asked, owners = [], []
    for kind in kinds():
        if (chosen and kind.name not in chosen) or not kind.may & person.roles:
            continue
        for way in kind.ways:
            span = way.span(words) if words.isprintable() else None
            if span is not None:
                values = {"words": words, "low": span[0], "high": span[1], "most": most + 1}
                asked.append((_built(way, person, locale()), values))
                owners.append(kind)
    if not asked:
        return ()
    groups: dict[str, dict[str, Hit]] = {}
    for kind, rows in zip(owners, await together(session, *asked), strict=True):
        known = groups.setdefault(kind.name, {})
        for row in rows:
            known.setdefault(row[0], kind.hit(row))
    return tuple(
        Group(kind.name, kind.title, kind.icon, tuple(hits.values())[:most], len(hits) > most)
        for kind in kinds() if (hits := groups.get(kind.name))
    )  # fmt: skip
