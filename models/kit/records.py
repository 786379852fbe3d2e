"""Dataclasses as jsonb and back: snapshots of terms, quotes and previews that rows keep for good."""

import dataclasses
import json
import types
from collections.abc import Hashable, Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_record(value: Any) -> dict[str, Any]:
    """A dataclass as plain JSON: words and moments as text, tuples as lists."""
    return dict(json.loads(json.dumps(dataclasses.asdict(value), default=_plain)))


def from_record(cls: type[T], record: Mapping[str, Any]) -> T:
    """The dataclass that was stored: what was added since gets its default, what is gone is dropped."""
    if not isinstance(record, Mapping):
        raise TypeError(f"{cls.__name__} cannot be read from {type(record).__name__}")
    known = {name: _read(hint, record[name]) for name, hint in _hints(cls).items() if name in record}
    return cls(**known)


def _plain(value: object) -> str:
    if isinstance(value, date):  # a moment is one too
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    raise TypeError(f"{type(value).__name__} cannot be put into a record")


def _hints(cls: Any) -> dict[str, Any]:
    return _hints_of(cls)


@cache
def _hints_of(cls: Hashable) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {one.name: hints[one.name] for one in dataclasses.fields(cls)}  # type: ignore[arg-type]


def _read(hint: Any, value: Any) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in inner:
            return None
        return _read(next(one for one in inner if one is not type(None)), value)
    if origin in (tuple, frozenset, list):
        return origin(_read(inner[0], one) for one in value)
    if origin is dict:
        return {str(key): _read(inner[1], one) for key, one in value.items()}
    return _plainly(hint, value)


def _plainly(hint: Any, value: Any) -> Any:
    """A value without parts; what was stored as something else is refused, never bent."""
    if hint is Any:
        return value
    if dataclasses.is_dataclass(hint):
        return from_record(hint, value)  # type: ignore[arg-type]
    if issubclass(hint, StrEnum):
        return hint(value)
    if hint in (datetime, date):
        return hint.fromisoformat(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise TypeError(f"{value!r} is not {hint.__name__}")
    return value
