"""What can safely be read from the answer of an outside system."""

import json
from collections.abc import Mapping
from typing import Any, TypeGuard

# Errors that end a call before its first byte has left.
NEVER_SENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "InvalidURL"})

LONGEST_RETRY_AFTER = 3600


def read_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object of a body, or None: strict UTF-8, no NaN, no name twice, no endless nesting."""
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def is_code(value: Any) -> TypeGuard[str]:
    """Whether something foreign may be stored as an id or code: short printable ASCII."""
    return isinstance(value, str) and 0 < len(value) <= 200 and value.isascii() and value.isprintable()


def retry_after(headers: Mapping[str, str]) -> int:
    """How many seconds a busy system asks us to wait, at most an hour; 0 when it says nothing usable."""
    wish = headers.get("retry-after", "").strip()
    if not (wish.isascii() and wish.isdigit()) or len(wish) > 9:
        return 0
    return min(int(wish), LONGEST_RETRY_AFTER)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found
