"""Where people can go: the entries of the rail, for whom they are, and the keys that lead there."""

from collections.abc import Iterable
from dataclasses import dataclass

from api.kit.language import N_, plain_gettext


@dataclass(frozen=True)
class Entry:
    """One entry of the rail: shown to people who hold any of its roles."""

    href: str
    icon: str
    text: str
    roles: frozenset[str]
    key: str = ""


@dataclass(frozen=True)
class Shown:
    """An entry as it is shown to one person on one page."""

    href: str
    icon: str
    text: str
    key: str
    is_current: bool


DESK = frozenset({"agent", "dispatcher", "admin"})
MONEY = frozenset({"finance", "admin"})
ENTRIES = (
    Entry("/home", "house", N_("My work"), DESK | MONEY, "H"),
    Entry("/tickets", "inbox", N_("Tickets"), DESK, "T"),
    Entry("/customers", "users", N_("Customers"), DESK | MONEY, "C"),
    Entry("/field-service", "calendar-days", N_("Visits"), DESK, "V"),
    Entry(
        "/billing/invoices",
        "receipt",
        N_("Invoices"),
        MONEY,
        "I",
    ),
    Entry("/journeys", "route", N_("Journeys"), frozenset({"admin"}), "J"),
    Entry("/systems", "server", N_("Systems"), frozenset({"admin"}), "S"),
    Entry("/staff", "id-card", N_("Staff"), frozenset({"admin"}), "P"),
)


def navigation(roles: Iterable[str], path: str, entries: Iterable[Entry] = ENTRIES) -> list[Shown]:
    """The entries for somebody with these roles, the one that holds this path marked."""
    mine = frozenset(roles)
    return [
        Shown(
            entry.href,
            entry.icon,
            plain_gettext(entry.text),
            entry.key,
            path == entry.href or path.startswith(f"{entry.href}/"),
        )
        for entry in entries
        if entry.roles & mine
    ]
