"""What of the queue is shown: filters as they stand in an address, in a kept view and in a query."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Query
from sqlalchemy import ARRAY, ColumnElement, String, Text, any_, bindparam, literal, or_, select, type_coerce
from sqlmodel import col

from api.kit.kept import NOTHING, Kept, Words
from api.kit.people import Person
from models.journeys import OpenWait
from models.kit.refusals import Refusal
from models.messages.journeys import WaitFor
from models.messages.sentences import N_
from models.messages.tickets import OVER, Channel, Priority, TicketKind, TicketStatus
from models.tickets import Ticket

VIEWS = {
    "mine": N_("Mine"),
    "unassigned": N_("Unassigned"),
    "team": N_("My team"),
    "today": N_("Due today"),
    "open": N_("All open"),
    "snoozed": N_("Snoozed"),
}
ME, NOBODY, TODAY = "me", "nobody", "today"
OPEN = tuple(status for status in TicketStatus if status not in OVER)
MOST = 20  # values of one filter
MOST_LETTERS = 64
CODES: dict[str, type[StrEnum]] = {
    "status": TicketStatus, "priority": Priority, "channel": Channel, "kind": TicketKind, "who": WaitFor,
}  # fmt: skip
FREE = ("team", "agent", "tag")
MANY = (*CODES, *FREE)
"""Filters that take more than one value; a ticket fits when it has any of them."""


@dataclass(frozen=True)
class Filters:
    """What of the queue is shown, as it stands in the address."""

    view: str = "mine"
    status: tuple[str, ...] = ()
    priority: tuple[str, ...] = ()
    team: tuple[str, ...] = ()
    agent: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    who: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    breaks: str = ""
    saved: str = field(default="", compare=False)  # the kept view that this came from
    q: Words = NOTHING
    after: str = ""

    def href(self, path: str = "/tickets", **changes: object) -> str:
        """The address of the queue with some of this changed; another filter starts at the first page."""
        wanted = {**vars(self), "after": "", **changes}
        return Words.of(wanted.pop("q")).address(path, **wanted)

    def without(self, name: str, value: str) -> str:
        """The address with one value of one filter less."""
        now = getattr(self, name)
        left = tuple(one for one in now if one != value) if isinstance(now, tuple) else ""
        changes: dict[str, Any] = {name: left}
        return self.href("/tickets", **changes)

    @property
    def queue(self) -> str:
        """By what a ticket's page is told which queue stands beside it."""
        return self.saved or self.view

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every filter that is set, as fields of a form carry it; words stand for themselves."""
        many = tuple((name, value) for name in MANY for value in getattr(self, name))
        return (("view", self.view), *many, *((("breaks", self.breaks),) if self.breaks else ()))

    @property
    def is_narrow(self) -> bool:
        """Whether anything but the view is chosen."""
        return bool(self.q or self.breaks or any(getattr(self, name) for name in MANY))

    def record(self) -> dict[str, Any]:
        """As a kept view holds it: no typed words, no page."""
        held = {name: list(getattr(self, name)) for name in MANY if getattr(self, name)}
        return {"view": self.view, **held, **({"breaks": self.breaks} if self.breaks else {})}


NAMES = frozenset(one.name for one in fields(Filters))


def filters_of(said: Mapping[str, Any], **further: Any) -> Filters:
    """Filters out of an address, a form or a kept view; an unknown word in it filters nothing."""
    found: dict[str, Any] = {}
    for name, codes in CODES.items():
        known = {one.value for one in codes}
        found[name] = tuple(dict.fromkeys(one for one in texts(said, name) if one in known))[:MOST]
    for name in FREE:
        words = [one.strip() for one in texts(said, name)]
        fitting = [one for one in words if one and one.isprintable() and len(one) <= MOST_LETTERS]
        found[name] = tuple(dict.fromkeys(fitting))[:MOST]
    view = said.get("view")
    found["view"] = view if isinstance(view, str) and view in VIEWS else "mine"
    found["breaks"] = TODAY if said.get("breaks") == TODAY else ""
    return Filters(**found, **further)


def texts(said: Mapping[str, Any], name: str) -> list[str]:
    """The values of one name, as far as they are texts."""
    values = said.get(name)
    return [one for one in values if isinstance(one, str)] if isinstance(values, list | tuple) else []


Several = Annotated[list[str], Query(max_length=MOST)]
Short = Annotated[str, Query(max_length=MOST_LETTERS)]


async def chosen(
    words: Kept,
    view: str = "mine",
    status: Several = [],  # noqa: B006 (FastAPI copies it)
    priority: Several = [],  # noqa: B006
    team: Several = [],  # noqa: B006
    agent: Several = [],  # noqa: B006
    channel: Several = [],  # noqa: B006
    kind: Several = [],  # noqa: B006
    who: Several = [],  # noqa: B006
    tag: Several = [],  # noqa: B006
    breaks: Short = "",
    saved: Short = "",
    after: Annotated[str, Query(max_length=100)] = "",
) -> Filters:
    """The filters of an address."""
    if any("\x00" in one for one in (*team, *agent, *tag, saved, after)):
        raise Refusal("not_found")
    said = {
        "view": view, "status": status, "priority": priority, "team": team, "agent": agent,
        "channel": channel, "kind": kind, "who": who, "tag": tag, "breaks": breaks,
    }  # fmt: skip
    return filters_of(said, saved=saved if saved.isprintable() else "", q=words, after=after)


Chosen = Annotated[Filters, Depends(chosen)]


# In a query


def bound(name: str, column: Any) -> Any:
    """A value that is given when the query runs, of this column's type."""
    return bindparam(name, type_=column.type)


MIDNIGHT = bound("midnight", Ticket.next_due)
WORDS = or_(
    col(Ticket.id) == bound("number", Ticket.id), col(Ticket.subject).ilike(bound("part", Ticket.subject))
)
FIRST_WAIT = (
    select(type_coerce(col(OpenWait.who), String))
    .where(col(OpenWait.ticket_id) == col(Ticket.id), col(OpenWait.ended_at).is_(None))
    .order_by(col(OpenWait.until).asc().nulls_last(), col(OpenWait.since).desc())
    .limit(1)
    .correlate(Ticket)
    .scalar_subquery()
)
Condition = Callable[[Any], ColumnElement[bool]]


def _any_of(column: Any) -> Condition:
    return lambda values: type_coerce(column, String) == any_(values)


NARROWED: dict[str, Condition] = {
    "status": _any_of(Ticket.status),
    "priority": _any_of(Ticket.priority),
    "team": _any_of(Ticket.team_id),
    "agent": _any_of(Ticket.agent_id),
    "agent_or_nobody": lambda ids: or_(_any_of(Ticket.agent_id)(ids), col(Ticket.agent_id).is_(None)),
    "channel": _any_of(Ticket.channel),
    "kind": _any_of(Ticket.kind),
    "who": lambda values: any_(values) == FIRST_WAIT,
    "tag": lambda values: type_coerce(col(Ticket.tags), ARRAY(Text)).op("&&")(values),
}
"""What each filter with several values asks of a ticket."""


def narrowed(filters: Filters) -> tuple[str, ...]:
    """Which filters are set."""
    names = [name for name in MANY if getattr(filters, name)]
    if NOBODY in filters.agent:
        names[names.index("agent")] = "agent_or_nobody"
    return (*names, *(name for name in ("breaks", "q") if getattr(filters, name)))


def values_of(filters: Filters, name: str, person: Person) -> list[str]:
    """The values of one filter as the tables hold them."""
    said = getattr(filters, name.removesuffix("_or_nobody"))
    if name.startswith("agent"):
        return [person.id if one == ME else one for one in said if one != NOBODY]
    return list(said)


def condition(name: str, values: list[str] | None = None) -> ColumnElement[bool]:
    """One filter in a query: with its values, or with those that are given when it runs."""
    if name == "breaks":
        today: ColumnElement[bool] = col(Ticket.next_due) < MIDNIGHT
        return today
    if name == "q":
        return WORDS
    held = bindparam(name, type_=ARRAY(Text)) if values is None else literal(values, ARRAY(Text))
    fits: ColumnElement[bool] = NARROWED[name](held)
    return fits


def asked(filters: Filters, person: Person) -> dict[str, Any]:
    """The values that a query for these filters binds, but for the end of the day."""
    text = filters.q.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    given: dict[str, Any] = {
        name: values_of(filters, name, person) for name in narrowed(filters) if name in NARROWED
    }
    return {**given, "number": filters.q.strip().upper(), "part": f"%{text}%"}
