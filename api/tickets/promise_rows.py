"""The rows of a policy's form: typed text as working hours and lines, and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import col

from api.kit import labels
from api.kit.desk import DeskAt
from api.kit.language import N_
from api.kit.language import gettext as _
from models.catalogue import Product
from models.messages.customers import Tier
from models.messages.tickets import Channel, Priority, TicketKind
from models.messages.tickets.promises import Hours, PromiseLine, PromiseTerms, Shift

HOURS_ROWS, LINE_ROWS = 8, 12
LONGEST = 60 * 24 * 365  # minutes
DAYS: dict[str, tuple[str, tuple[int, ...]]] = {
    "weekdays": (N_("Monday to Friday"), (0, 1, 2, 3, 4)),
    "saturday": (N_("Saturday"), (5,)),
    "sunday": (N_("Sunday"), (6,)),
    "weekend": (N_("Saturday and Sunday"), (5, 6)),
    "six": (N_("Monday to Saturday"), (0, 1, 2, 3, 4, 5)),
    "all": (N_("Every day"), (0, 1, 2, 3, 4, 5, 6)),
}
TEXTS = {"line_name": "name", "line_product": "product", "line_hours": "hours"}
CHOSEN = {"line_tier": Tier, "line_channel": Channel, "line_kind": TicketKind, "line_priority": Priority}
MINUTES = {"line_first": "first_reply", "line_next": "next_reply", "line_resolve": "resolve"}
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Choices:
    """What the selects of the form offer."""

    days: Pairs
    holidays: Pairs
    tiers: Pairs
    channels: Pairs
    kinds: Pairs
    priorities: Pairs
    pauses: Pairs
    products: tuple[str, ...]


async def choices(desk: DeskAt) -> Choices:
    """What can be chosen; products by their category or their own number."""
    query = desk.visible(Product).with_only_columns(col(Product.category), col(Product.id)).limit(500)
    found = (await desk.session.execute(query)).all()
    products = tuple(dict.fromkeys([row[0] for row in found] + [row[1] for row in found]))
    return Choices(
        tuple((key, _(text)) for key, (text, _days) in DAYS.items()),
        (("closed", _("closed on holidays")), ("open", _("open on holidays"))),
        _named(Tier, "tier"), _named(Channel, "channel"), _named(TicketKind, "ticket_kind"),
        _named(Priority, "priority"), (("yes", _("yes")), ("no", _("no"))), products,
    )  # fmt: skip


def _named(words: Any, kind: str) -> Pairs:
    return ("", "–"), *((one.value, labels.label_text(one, kind)) for one in words)


def terms_of(typed: Mapping[str, Any]) -> tuple[PromiseTerms, dict[str, str]]:
    """The policy that was typed, and what is wrong with it, by place."""
    wrong: dict[str, str] = {}
    hours: dict[str, tuple[list[Shift], bool]] = {}
    for position in range(len(typed["hours_name"])):
        cell = _cells(typed, position, "hours_")
        if not cell["hours_name"]:
            continue
        opens, closes = _clock(cell["hours_from"]), _clock(cell["hours_to"])
        if opens is None or closes is None or cell["hours_days"] not in DAYS:
            wrong[f"hours.{len(hours)}"] = _("Please enter days and times like 09:00 and 18:00.")
            opens, closes = opens or 0, closes or 1
        shifts, _keeps = hours.setdefault(cell["hours_name"], ([], cell["hours_holidays"] != "open"))
        shifts.append(Shift(DAYS.get(cell["hours_days"], DAYS["all"])[1], opens, closes))
    lines: list[PromiseLine] = []
    for position in range(len(typed["line_name"])):
        cell = _cells(typed, position, "line_")
        if not any(cell[name] for name in (*TEXTS, *MINUTES, *CHOSEN) if name != "line_hours"):
            continue
        line, problem = _line(cell)
        if problem:
            wrong[f"lines.{len(lines)}"] = problem
        lines.append(line)
    known = tuple(Hours(key, tuple(shifts), keeps) for key, (shifts, keeps) in hours.items())
    return PromiseTerms(known, tuple(lines)), wrong


def _line(cell: Mapping[str, str]) -> tuple[PromiseLine, str]:
    facts: dict[str, Any] = {name: cell[key] for key, name in TEXTS.items()}
    problem = ""
    for key, words in CHOSEN.items():
        if cell[key] and cell[key] not in set(words):
            problem = _("Please choose one of the options.")
        facts[key.removeprefix("line_")] = cell[key]
    for key, name in MINUTES.items():
        given = cell[key]
        if given and not (given.isascii() and given.isdigit() and len(given) < 7 and int(given) <= LONGEST):
            problem, given = _("Please enter whole minutes."), "0"
        facts[name] = int(given or 0)
    return PromiseLine(**facts, pauses=cell["line_pauses"] != "no"), problem


def _cells(typed: Mapping[str, Any], position: int, prefix: str) -> dict[str, str]:
    """One row of the form; what was not sent is empty."""
    return {
        name: str(values[position]) if position < len(values) else ""
        for name, values in typed.items()
        if name.startswith(prefix)
    }


def _clock(text: str) -> int | None:
    """A time of day in minutes; 24:00 is the end of the day."""
    hours, colon, minutes = text.partition(":")
    if not (colon and hours.isascii() and hours.isdigit() and minutes.isascii() and minutes.isdigit()):
        return None
    found = int(hours[:3]) * 60 + int(minutes[:3])
    return found if int(minutes[:3]) < 60 and found <= 1440 else None


def values_of(terms: PromiseTerms) -> dict[str, Any]:
    """The rows of the form as they are stored."""
    shifts = [(hours, shift) for hours in terms.hours for shift in hours.shifts]
    by_days = {days: key for key, (_text, days) in DAYS.items()}
    rows: dict[str, Any] = {
        "hours_name": [hours.key for hours, _shift in shifts],
        "hours_days": [by_days.get(shift.weekdays, "all") for _hours, shift in shifts],
        "hours_from": [clock(shift.opens) for _hours, shift in shifts],
        "hours_to": [clock(shift.closes) for _hours, shift in shifts],
        "hours_holidays": ["closed" if hours.keeps_holidays else "open" for hours, _shift in shifts],
        "line_pauses": ["yes" if one.pauses else "no" for one in terms.lines],
    }
    for key in CHOSEN:
        rows[key] = [getattr(one, key.removeprefix("line_")) for one in terms.lines]
    for key, name in {**TEXTS, **MINUTES}.items():
        rows[key] = [getattr(one, name) or "" for one in terms.lines]
    return rows


def clock(minutes: int) -> str:
    """Minutes of the day as people write them."""
    return f"{minutes // 60:02}:{minutes % 60:02}"
