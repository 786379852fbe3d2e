"""What the chosen filters are called, and what there is to choose from."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from sqlalchemy import Select
from sqlmodel import col

from api.kit.desk import DeskAt
from api.kit.labels import label
from api.kit.language import gettext as _
from api.kit.language import locale
from api.kit.people import Person
from api.kit.visible import REMEMBERED, visible
from api.tickets.filters import CODES, ME, NOBODY, OPEN, Filters
from models.messages.journeys import WaitFor
from models.messages.tickets import Channel, Priority, TicketKind
from models.staff import Account, Team

LABELS = {
    "status": "ticket", "priority": "priority", "channel": "channel", "kind": "ticket_kind",
    "who": "waiting_for",
}  # fmt: skip
Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Chip:
    """One value that narrows the queue, with the address without it."""

    text: str
    href: str


@dataclass(frozen=True)
class Choices:
    """What each filter can be; codes, then what the tables hold."""

    title: str
    name: str
    options: Options


def names_in(name: str) -> str:
    """What a filter is called."""
    return {
        "status": _("Status"), "priority": _("Priority"), "channel": _("Channel"), "kind": _("Kind"),
        "who": _("Waiting for"), "team": _("Team"), "agent": _("Agent"), "tag": _("Tag"),
    }[name]  # fmt: skip


async def teams_of(desk: DeskAt) -> Options:
    """The teams by name."""
    found = await desk.session.execute(teams_query(desk.person, locale()))
    return tuple((line[0], line[1]) for line in found)


async def agents_of(desk: DeskAt) -> Options:
    """Who works on tickets, by name."""
    colleagues = (
        desk.visible(Account)
        .with_only_columns(col(Account.id), col(Account.name))
        .where(col(Account.is_active), col(Account.roles).op("&&")(["agent", "dispatcher"]))
        .order_by(col(Account.name))
        .limit(200)
    )
    return tuple((line[0], line[1]) for line in await desk.session.execute(colleagues))


async def chips(desk: DeskAt, filters: Filters) -> tuple[Chip, ...]:
    """The filters that are set, each with its way out; names are looked up only where one is needed."""
    known: dict[str, dict[str, str]] = {"team": {}, "agent": {}}
    if filters.team:
        known["team"] = dict(await teams_of(desk))
    if set(filters.agent) - {ME, NOBODY}:
        known["agent"] = dict(await agents_of(desk))
    known["agent"] |= {ME: _("Me"), NOBODY: _("Nobody yet")}
    found = []
    for name in (*CODES, "team", "agent", "tag"):
        for value in getattr(filters, name):
            text = (
                label(value, LABELS[name]).text if name in LABELS else known.get(name, {}).get(value, value)
            )
            found.append(Chip(f"{names_in(name)}: {text}", filters.without(name, value)))
    if filters.breaks:
        found.append(Chip(_("Breaks today"), filters.without("breaks", "")))
    return tuple(found)


async def choices(desk: DeskAt) -> tuple[Choices, ...]:
    """Every filter with what it can be; tags are typed."""
    codes: dict[str, Iterable[StrEnum]] = {
        "status": OPEN, "priority": Priority, "channel": Channel, "kind": TicketKind, "who": WaitFor,
    }  # fmt: skip
    found = [
        Choices(names_in(name), name, tuple((one.value, label(one, LABELS[name]).text) for one in members))
        for name, members in codes.items()
    ]
    agents = ((ME, _("Me")), (NOBODY, _("Nobody yet")), *await agents_of(desk))
    found.append(Choices(names_in("team"), "team", await teams_of(desk)))
    found.append(Choices(names_in("agent"), "agent", agents))
    return tuple(found)


@lru_cache(maxsize=REMEMBERED)
def teams_query(person: Person, spoken: str) -> Select[str, str]:
    """The teams by their names in one language."""
    name = col(Team.name_ko) if spoken == "ko" else col(Team.name_en)
    return visible(person, Team).with_only_columns(col(Team.id), name).order_by(name)
