"""What the HR system's news mean: which record is newest, how somebody stands today, what changed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from models.messages.staff import ChangeKind, EmployeeStatus
from models.rules.systems import is_code

STILL_NEW = timedelta(days=7)  # whoever began longer ago was only unknown to us: no welcome any more
MOVES = ("department", "title", "site", "cost_centre", "manager_hr_id")
LONGEST = 200


@dataclass(frozen=True)
class PersonNews:
    """How the HR system says somebody stands."""

    hr_id: str
    seq: int
    name: str
    email: str
    starts_on: date
    phone: str = ""
    department: str = ""
    title: str = ""
    site: str = ""
    cost_centre: str = ""
    manager_hr_id: str = ""
    ends_on: date | None = None
    is_withdrawn: bool = False


@dataclass(frozen=True)
class AbsenceNews:
    """When the HR system says somebody is away."""

    hr_id: str
    seq: int
    employee_hr_id: str
    from_on: date
    until_on: date
    is_cancelled: bool = False


@dataclass(frozen=True)
class CostCentreNews:
    """Who the HR system says answers for a cost centre."""

    id: str
    seq: int
    name: str
    owner_hr_id: str


@dataclass(frozen=True)
class News:
    """One page, each record once and in its newest form; `unreadable` names what could not be read."""

    people: tuple[PersonNews, ...] = ()
    absences: tuple[AbsenceNews, ...] = ()
    cost_centres: tuple[CostCentreNews, ...] = ()
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """One fact about a person: what, from which day, with the old and new values that colleagues may know."""

    kind: ChangeKind
    effective_on: date
    details: dict[str, object] = field(default_factory=dict)


def read_news(records: Iterable[Any]) -> News:
    """Sort a page's records by kind, each id once by its highest `seq`; a broken record stops no other."""
    newest: dict[tuple[type, str], Any] = {}
    unreadable = []
    for record in records:
        found = _read(record)
        if found is None:
            unreadable.append(_name(record))
            continue
        key = (type(found), found.id if isinstance(found, CostCentreNews) else found.hr_id)
        if key not in newest or newest[key].seq < found.seq:
            newest[key] = found
    rows = list(newest.values())
    return News(
        tuple(one for one in rows if isinstance(one, PersonNews)),
        tuple(one for one in rows if isinstance(one, AbsenceNews)),
        tuple(one for one in rows if isinstance(one, CostCentreNews)),
        tuple(unreadable),
    )


def status_on(day: date, starts_on: date, ends_on: date | None) -> EmployeeStatus:
    """How somebody stands on a day; the last day is still a working day."""
    if ends_on is not None and ends_on < day:
        return EmployeeStatus.LEFT
    return EmployeeStatus.JOINING if day < starts_on else EmployeeStatus.ACTIVE


def in_force(news: PersonNews, today: date) -> PersonNews:
    """A person as they are stored: whoever will not come has left before they came."""
    if not news.is_withdrawn:
        return news
    return replace(news, ends_on=min(news.starts_on, today) - timedelta(days=1))


def changes(
    before: PersonNews | None, status: EmployeeStatus | None, after: PersonNews, today: date
) -> tuple[Change, ...]:
    """What a newer record says that the stored one did not; that somebody began or left says the calendar."""
    comes = status_on(today, after.starts_on, after.ends_on) is not EmployeeStatus.LEFT
    if before is None or status is EmployeeStatus.LEFT:
        is_new = comes and after.starts_on > today - STILL_NEW
        return (Change(ChangeKind.JOINER, after.starts_on),) if is_new else ()
    found = []
    if status is EmployeeStatus.JOINING and comes and before.starts_on != after.starts_on:
        moved = {"from": before.starts_on.isoformat(), "to": after.starts_on.isoformat()}
        found.append(Change(ChangeKind.START_MOVED, after.starts_on, dict(moved)))
    if before.ends_on != after.ends_on and not after.is_withdrawn:
        if after.ends_on is None:
            found.append(Change(ChangeKind.STAYING, today))
        else:
            found.append(Change(ChangeKind.LEAVER, after.ends_on))
    differs = {
        name: [getattr(before, name), getattr(after, name)]
        for name in MOVES
        if getattr(before, name) != getattr(after, name)
    }
    if differs and status is EmployeeStatus.ACTIVE:
        found.append(Change(ChangeKind.MOVER, today, dict(differs)))
    return tuple(found)


def turned(before: EmployeeStatus, now: EmployeeStatus) -> ChangeKind | None:
    """What it is called when somebody's status becomes another one."""
    match before, now:
        case EmployeeStatus.JOINING, EmployeeStatus.LEFT:
            return ChangeKind.CALLED_OFF
        case _, EmployeeStatus.LEFT:
            return ChangeKind.LEFT
        case EmployeeStatus.JOINING, EmployeeStatus.ACTIVE:
            return ChangeKind.STARTED
    return None


def _read(record: Any) -> PersonNews | AbsenceNews | CostCentreNews | None:
    if not isinstance(record, dict) or not is_code(record.get("id")) or not _is_count(record.get("seq")):
        return None
    try:
        return READ_BY[record["kind"]](record)
    except (KeyError, ValueError, TypeError):
        return None


def _person(record: Mapping[str, Any]) -> PersonNews:
    texts = {name: _text(record.get(name, "")) for name in ("phone", "department", "title", "site")}
    return PersonNews(
        record["id"], record["seq"], _named(record["name"]), _text(record["email"]).strip().lower(),
        date.fromisoformat(record["starts_on"]), **texts, cost_centre=_text(record.get("cost_centre", "")),
        manager_hr_id=_text(record.get("manager_id", "")), ends_on=_day(record.get("ends_on")),
        is_withdrawn=record.get("is_withdrawn", False) is True,
    )  # fmt: skip


def _absence(record: Mapping[str, Any]) -> AbsenceNews:
    first, last = date.fromisoformat(record["from_on"]), date.fromisoformat(record["until_on"])
    if last < first:
        raise ValueError("ends before it begins")
    return AbsenceNews(
        record["id"], record["seq"], _named(record["employee_id"]), first, last,
        record.get("is_cancelled", False) is True,
    )  # fmt: skip


def _cost_centre(record: Mapping[str, Any]) -> CostCentreNews:
    return CostCentreNews(record["id"], record["seq"], _text(record["name"]), _text(record["owner_id"]))


READ_BY: dict[str, Callable[[Mapping[str, Any]], PersonNews | AbsenceNews | CostCentreNews]] = {
    "employee": _person, "absence": _absence, "cost_centre": _cost_centre,
}  # fmt: skip


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST or not value.isprintable():
        raise ValueError("no line of text")
    return value


def _named(value: Any) -> str:
    if not (found := _text(value).strip()):
        raise ValueError("nothing")
    return found


def _day(value: Any) -> date | None:
    return None if value is None else date.fromisoformat(value)


def _name(record: Any) -> str:
    known = record.get("id") if isinstance(record, dict) else None
    return known if is_code(known) else "?"
