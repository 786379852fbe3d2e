"""Where people can go: the entries of the rail, for whom they are, and the keys that lead there."""

from collections.abc import Iterable
from dataclasses import dataclass

from api.kit.language import N_, plain_gettext
from models.messages.staff import STAFF_ROLES, Role


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


DESK = frozenset({Role.AGENT, Role.DISPATCHER, Role.ADMIN})
ENTRIES = (
    Entry("/home", "house", N_("My work"), STAFF_ROLES, "H"),
    Entry("/tickets", "inbox", N_("Tickets"), DESK, "T"),
    Entry("/customers", "users", N_("Customers"), STAFF_ROLES, "C"),
    Entry("/orders", "shopping-cart", N_("Orders"), STAFF_ROLES, "O"),
    Entry("/field-service", "calendar-days", N_("Visits"), DESK, "V"),
    Entry("/partners", "handshake", N_("Partner companies"), DESK, ""),
    Entry("/subscriptions", "refresh-cw", N_("Contracts"), DESK, "K"),
    Entry("/billing/invoices", "receipt", N_("Invoices"), frozenset({Role.FINANCE, Role.ADMIN}), "I"),
    Entry(
        "/billing/tax-documents", "file-text", N_("Tax documents"), frozenset({Role.FINANCE, Role.ADMIN}), ""
    ),
    Entry("/billing/runs", "layers", N_("Bill runs"), frozenset({Role.FINANCE, Role.ADMIN}), "N"),
    Entry("/billing/periods", "book-open", N_("Books"), frozenset({Role.FINANCE, Role.ADMIN}), "B"),
    Entry("/dunning", "hourglass", N_("Overdue accounts"), STAFF_ROLES, "U"),
    Entry("/payments/collections", "banknote", N_("Collections"), frozenset({Role.FINANCE, Role.ADMIN}), "L"),
    Entry("/employee-requests/items", "layout-list", N_("Employee catalogue"), STAFF_ROLES, "Y"),
    Entry("/catalogue", "package", N_("Catalogue"), STAFF_ROLES, "K"),
    Entry("/employee-requests", "clipboard-list", N_("Employee services"), STAFF_ROLES, "E"),
    Entry("/knowledge", "book-open", N_("Knowledge"), STAFF_ROLES, "W"),
    Entry("/tickets/promises", "clock", N_("Promises and rules"), STAFF_ROLES, ""),
    Entry("/journeys", "route", N_("Journeys"), DESK, "J"),
    Entry("/systems", "server", N_("Systems"), frozenset({Role.ADMIN}), "S"),
    Entry("/channels", "router", N_("Channels"), frozenset({Role.ADMIN}), ""),
    Entry("/staff", "id-card", N_("Staff"), frozenset({Role.ADMIN}), "P"),
)
CREATIONS = (
    Entry("/tickets/new", "plus", N_("New ticket"), DESK),
    Entry("/knowledge/new", "plus", N_("New article"), STAFF_ROLES),
    Entry("/employee-requests/items/new", "plus", N_("New catalogue item"), frozenset({Role.ADMIN})),
)
"""What the palette makes on every page, for whom."""


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
