"""The macros of templates/components as one object, `ui`; what is drawn again and again is remembered."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from jinja2 import Environment, Template
from markupsafe import Markup, escape

from api.kit import formats, language

NO_DEADLINE = Markup('<span class="muted">–</span>')
# Macros that depend on their arguments and the language only.
PURE = frozenset({"avatar", "badge", "count", "keys", "priority", "status", "waiting_for"})
# The same, but for one place that is filled in anew each time: their first argument.
HOLED = frozenset({"ticket_line", "time_to"})
NOBODY: Mapping[str, tuple[str, ...]] = {}
HOLE = Markup("\0")  # stands in no text: nobody can store it
DRAWN = attrgetter(
    "id", "subject", "status", "priority", "channel", "customer", "is_verified", "agent", "who", "wait"
)


class Components:
    """All macros of templates/components under one name, `ui`; two macros of one name are an error.

    A block that is drawn alone does not see what its template imports, so the macros must be global.
    """

    time_to: Callable[..., Markup]
    ticket_line: Callable[..., Markup]

    def __init__(self, environment: Environment) -> None:
        for name in sorted(environment.list_templates(filter_func=lambda at: at.startswith("components/"))):
            for macro, call in _macros(environment.get_template(name)):
                if hasattr(self, macro):
                    raise ValueError(f"{name}: there is a second {macro}")
                setattr(self, macro, _quicker(macro, call))

    def countdown(self, due: datetime | None, tone: str = "", is_paused: bool = False) -> Markup:
        """What is left until a deadline; the browser goes on counting."""
        if due is None:
            return NO_DEADLINE
        left = escape(formats.time_left(due))
        return self.time_to(left, due, tone or formats.urgency(due), bool(tone), is_paused)

    def ticket_rows(
        self, rows: Iterable[Any], view: str, present: Mapping[str, tuple[str, ...]] = NOBODY
    ) -> Markup:
        """Tickets of the queue, with who has them open; only their countdowns are drawn anew."""
        drawn = [
            self.ticket_line(
                self.countdown(row.next_due), formats.urgency(row.next_due), view, *DRAWN(row),
                present.get(row.id, ()),
            )
            for row in rows
        ]  # fmt: skip
        return Markup("\n".join(drawn))  # noqa: S704 (drawn by the macro)


def _quicker(name: str, macro: Callable[..., Markup]) -> Callable[..., Markup]:
    if name in HOLED:
        return holed(macro)
    return remembered(macro) if name in PURE else macro


def remembered(macro: Callable[..., Markup]) -> Callable[..., Markup]:
    """A macro whose text depends on its arguments and the language only: a list draws each badge once."""

    @lru_cache(maxsize=4096)
    def drawn(spoken: str, given: tuple[Any, ...], named: tuple[tuple[str, Any], ...]) -> Markup:
        return macro(*given, **dict(named))

    def quick(*given: Any, **named: Any) -> Markup:
        return drawn(language.locale(), given, tuple(named.items()))

    return quick


def holed(macro: Callable[..., Markup]) -> Callable[..., Markup]:
    """The same for a macro that shows its first argument in one place: the rest is remembered."""

    @lru_cache(maxsize=4096)
    def around(spoken: str, given: tuple[Any, ...]) -> tuple[str, str]:
        before, _hole, after = str(macro(HOLE, *given)).partition(HOLE)
        return before, after

    def quick(filling: Markup, *given: Any) -> Markup:
        before, after = around(language.locale(), given)
        return Markup("".join((before, filling, after)))  # noqa: S704 (all three are drawn or escaped)

    return quick


def _macros(template: Template) -> Iterator[tuple[str, Any]]:
    module = template.module
    for name in dir(module):
        if not name.startswith("_") and callable(getattr(module, name)):
            yield name, getattr(module, name)
