"""An item out of plain data, by the shape of its dataclasses; what does not fit is said with its place."""

import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from functools import cache
from typing import Any, Union, cast, get_args, get_origin, get_type_hints
from unicodedata import category

from models.messages.employee_requests.items import (
    FORMAT,
    LANGUAGES,
    LONGEST_CEL,
    MOST_IN_LIST,
    Approval,
    Call,
    Child,
    Form,
    Item,
    Message,
    Step,
    StepKind,
    Task,
    Wait,
)
from models.messages.employee_requests.problems import Problem

ID = re.compile(r"[a-z][a-z0-9_]{0,39}")
PARTS: dict[StepKind, tuple[str, type]] = {
    StepKind.FORM: ("form", Form), StepKind.APPROVAL: ("approval", Approval), StepKind.TASK: ("task", Task),
    StepKind.CALL: ("call", Call), StepKind.WAIT: ("wait", Wait), StepKind.MESSAGE: ("message", Message),
    StepKind.REQUEST: ("request", Child),
}  # fmt: skip
OWN: dict[StepKind, tuple[str, ...]] = {
    StepKind.BRANCH: ("cases", "otherwise"), StepKind.PARALLEL: ("lanes",),
    StepKind.EACH: ("over", "steps"), StepKind.END: ("outcome",),
}  # fmt: skip
ALWAYS = ("id", "kind", "names", "when")
TEXTS = {"names", "labels", "titles", "subjects"}  # short in each language
LONG_TEXTS = {"descriptions", "help", "bodies", "policies"}
MAY_BE_SILENT = {"help", "policies"}  # no text in either language
CEL = {"when", "over", "until", "amount", "budget", "audience", "visible_when"}
CEL_MAPS = {"parameters", "answers", "values", "from_ticket"}
IDS = {"id", "key"}
SHORT, LONG, MOST_PROBLEMS = 200, 4_000, 100
RANGES = {
    "sla_hours": (0, 2_000), "promised_percent": (1, 100), "n": (0, 20), "due_hours": (1, 2_000),
    "remind_after_hours": (1, 500), "escalate_after_hours": (0, 500), "at_most_days": (0, 400),
    "second_factor_above_minor": (-1, 10**12), "version": (0, 0),
}  # fmt: skip
UNSHOWN = {"Cc", "Cs", "Zl", "Zp"}  # kinds of characters that no screen shows
FROM_THE_HOUSE = {"version"}  # never read from a file


@dataclass
class Reading:
    """One pass over a file's data."""

    problems: list[Problem] = field(default_factory=list)

    def wrong(self, place: str, code: str, **values: object) -> None:
        """Note what does not fit; a file that is nothing but wrong is not told everything."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(place, code, {name: str(one)[:200] for name, one in values.items()}))

    def item(self, data: object) -> Item | None:
        """The item; None when anything is wrong."""
        if not isinstance(data, Mapping):
            self.wrong("", "not_map")
            return None
        rest = {name: value for name, value in data.items() if name != "format"}
        if data.get("format") != FORMAT:
            self.wrong("format", "wrong_format", format=data.get("format", "–"))
        made = self.part(Item, rest, "")
        return made if not self.problems else None

    def part(self, cls: Any, data: object, place: str, names: tuple[str, ...] = ()) -> Any:
        """A dataclass from named values; `names` are those of its fields that may stand here."""
        if not isinstance(data, Mapping):
            self.wrong(place, "not_map")
            return None
        allowed = names or tuple(name for name in shape(cls) if name not in FROM_THE_HOUSE)
        for name in data:
            if name not in allowed:
                self.wrong(place, "unknown_key", name=name)
        read: dict[str, Any] = {}
        for name in allowed:
            hint, is_needed = shape(cls)[name]
            if name in data:
                read[name] = self.value(hint, data[name], under(place, name), name)
            elif is_needed:
                self.wrong(place, "missing", name=name)
        return cls(**read) if self.is_whole(cls, read) else None

    def is_whole(self, cls: Any, read: Mapping[str, Any]) -> bool:
        """Whether everything without a default is there."""
        return all(name in read for name, (_, is_needed) in shape(cls).items() if is_needed)

    def step(self, data: object, place: str) -> Step | None:
        """A step: what every step has, and beside it what its kind has."""
        if not isinstance(data, Mapping):
            self.wrong(place, "not_map")
            return None
        kind = self.value(StepKind, data.get("kind"), under(place, "kind"), "kind")
        if kind is None:
            return None
        attribute, cls = PARTS.get(kind, ("", Step))
        inner = tuple(shape(cls)) if attribute else OWN[kind]
        own = {name: value for name, value in data.items() if name not in inner}
        mine = {name: value for name, value in data.items() if name in inner}
        made = self.part(Step, own if attribute else data, place, ALWAYS if attribute else (*ALWAYS, *inner))
        part = self.part(cls, mine, place) if attribute else None
        if made is None or (attribute and part is None):
            return None
        return cast(Step, Step(**{**plain(made), attribute: part}) if attribute else made)

    def value(self, hint: Any, data: object, place: str, name: str) -> Any:
        """One value of the kind that the dataclass says."""
        origin, inner = get_origin(hint), get_args(hint)
        if hint is Step:
            return self.step(data, place)
        if origin in (Union, types.UnionType):
            return self.value(next(one for one in inner if one is not type(None)), data, place, name)
        if origin is tuple:
            return self.several(inner[0], data, place, name)
        if origin is dict:
            return self.named(data, place, name)
        if hint is int:
            return self.number(data, place, name)
        if hint is bool:
            return self.flag(data, place)
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            return self.word(hint, data, place)
        return self.text(data, place, name) if hint is str else self.part(hint, data, place)

    def several(self, hint: Any, data: object, place: str, name: str) -> tuple[Any, ...]:
        """A list; elements that are wrong are left out, their problems stay."""
        if not isinstance(data, list):
            self.wrong(place, "not_list")
            return ()
        if len(data) > MOST_IN_LIST:
            self.wrong(place, "too_many", most=MOST_IN_LIST)
            return ()
        name = {"checklist": "titles"}.get(name, name)
        read = (self.value(hint, one, f"{place}[{number}]", name) for number, one in enumerate(data))
        return tuple(one for one in read if one is not None)

    def named(self, data: object, place: str, name: str) -> dict[str, str]:
        """Texts by language, or expressions by name."""
        if not isinstance(data, Mapping):
            self.wrong(place, "not_map")
            return {}
        if name in CEL_MAPS:
            for key in data:
                if not (isinstance(key, str) and ID.fullmatch(key)):
                    self.wrong(place, "bad_id")
            return {str(key): self.text(one, under(place, str(key)), "when") for key, one in data.items()}
        for key in data:
            if key not in LANGUAGES:
                self.wrong(place, "unknown_key", name=key)
        read = {one: self.text(data[one], under(place, one), name) for one in LANGUAGES if one in data}
        silent = name in MAY_BE_SILENT and not any(read.values())
        for language in LANGUAGES:
            if not read.get(language, "").strip() and not silent:
                self.wrong(place, "no_translation", language=language)
        return {} if silent else read

    def text(self, data: object, place: str, name: str) -> str:
        """A text without what no screen shows; an expression may be written as a number or as true."""
        if name in CEL and isinstance(data, int):
            data = str(data).lower()
        if not isinstance(data, str) or not is_clean(data):
            self.wrong(place, "not_text")
            return ""
        most = LONGEST_CEL if name in CEL else LONG if name in LONG_TEXTS else SHORT
        if len(data) > most:
            self.wrong(place, "too_long", most=f"{most:,}")
            return ""
        if name in IDS and not ID.fullmatch(data):
            self.wrong(place, "bad_id")
        return data

    def number(self, data: object, place: str, name: str) -> int:
        """A whole number within its range."""
        least, most = RANGES.get(name, (0, 10**12))
        if isinstance(data, bool) or not isinstance(data, int) or not least <= data <= most:
            self.wrong(place, "not_number", least=least, most=f"{most:,}")
            return least
        return data

    def flag(self, data: object, place: str) -> bool:
        """True or false."""
        if not isinstance(data, bool):
            self.wrong(place, "not_yes_no")
            return False
        return data

    def word(self, kind: type[StrEnum], data: object, place: str) -> StrEnum | None:
        """One of the words of a kind."""
        if isinstance(data, str) and data in set(kind):
            return kind(data)
        self.wrong(place, "unknown_word", word=data, words=", ".join(one for one in kind if one))
        return None


@cache
def shape(cls: Any) -> dict[str, tuple[Any, bool]]:
    """The fields of a dataclass: their types, and whether they have to be there."""
    hints = get_type_hints(cls)
    return {
        one.name: (hints[one.name], one.default is MISSING and one.default_factory is MISSING)
        for one in fields(cls)
    }


def plain(step: Step) -> dict[str, Any]:
    """The fields of a step as they are."""
    return {one.name: getattr(step, one.name) for one in fields(step)}


def under(place: str, name: str) -> str:
    """The place of a name within a place."""
    return f"{place}.{name}" if place else name


def is_clean(text: str) -> bool:
    """No control characters but line ends and tabs, no halves of characters, no other ends of lines."""
    return not any(one not in "\n\t" and (one == "\ufeff" or category(one) in UNSHOWN) for one in text)


def read_item(data: object) -> Item | tuple[Problem, ...]:
    """The item that plain data says, or what is wrong with it and where."""
    reading = Reading()
    made = reading.item(data)
    return tuple(reading.problems) if made is None else made


def written(item: Item) -> dict[str, Any]:
    """An item as plain data, what is as usual left out; `read_item` of it is the same item, version aside."""
    return {"format": FORMAT, **{name: one for name, one in _fields(item) if name not in FROM_THE_HOUSE}}


def _fields(part: Any) -> Iterator[tuple[str, Any]]:
    for one in fields(part):
        value = getattr(part, one.name)
        default = one.default_factory() if one.default_factory is not MISSING else one.default
        if one.default is not MISSING and value == default:
            continue
        if isinstance(part, Step) and one.name in {name for name, _ in PARTS.values()}:
            yield from _fields(value)
        elif default != {} or value:
            yield one.name, _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, dict):
        return dict(value)
    return dict(_fields(value)) if hasattr(value, "__dataclass_fields__") else value
