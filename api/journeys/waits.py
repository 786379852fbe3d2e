"""Open waits as they are read: who we wait for, since when, until when, and which page they belong to."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, func, literal, tuple_
from sqlmodel import col

from api.kit.desk import DeskAt
from api.kit.people import Person
from api.kit.sentences import then_sentence, wait_sentence
from models.journeys import OpenWait
from models.messages.journeys import WaitFor
from models.messages.staff import Role

PAGE = 50
NEVER = datetime(9999, 1, 1, tzinfo=UTC)  # where a wait without a deadline stands in the order


@dataclass(frozen=True)
class Filters:
    """Which waits are shown, as it stands in the address."""

    who: WaitFor | None = None
    what: str = ""
    overdue: bool = False
    days: int = 1
    after: str = ""

    def href(self, **changes: object) -> str:
        """The address with some of this changed; another filter starts at the first page."""
        wanted = replace(self, **{"after": "", **changes})  # type: ignore[arg-type]
        pairs = [
            (name, str(value).lower()) for name, value in vars(wanted).items() if value and name != "after"
        ]
        if wanted.after:
            pairs.append(("after", wanted.after))
        return f"/journeys?{urlencode(pairs)}"


@dataclass(frozen=True)
class WaitRow:
    """One open wait."""

    workflow_id: str
    key: str
    ticket_id: str | None
    who: WaitFor
    sentence: str
    then: str
    since: datetime
    until: datetime | None
    href: str
    is_late: bool

    @property
    def subject(self) -> str:
        """The number of the ticket, visit, invoice or payment that waits."""
        return self.workflow_id.partition(":")[2] or self.workflow_id


@dataclass(frozen=True)
class Listed:
    """One page of waits."""

    rows: tuple[WaitRow, ...]
    next: str = ""  # cursor of the following page


def deadline() -> ColumnElement[datetime]:
    """When a wait ends by itself; those that never do come last."""
    return func.coalesce(col(OpenWait.until), literal(NEVER))


def narrowed(query: Any, filters: Filters, now: datetime) -> Any:
    """Only open waits that the address asks for."""
    query = query.where(col(OpenWait.ended_at).is_(None))
    if filters.who:
        query = query.where(col(OpenWait.who) == filters.who)
    if filters.what:
        query = query.where(col(OpenWait.what) == filters.what)
    if filters.overdue:
        query = query.where(col(OpenWait.until) < now)
    return query


async def listed(desk: DeskAt, filters: Filters, now: datetime, size: int = PAGE) -> Listed:
    """Waits by their deadline, one page; a page starts after the row in the cursor."""
    place = (deadline(), col(OpenWait.workflow_id), col(OpenWait.key))
    query = narrowed(desk.visible(OpenWait), filters, now)
    if filters.after:
        query = query.where(tuple_(*place) > tuple_(*(literal(part) for part in read_cursor(filters.after))))
    found = (await desk.session.scalars(query.order_by(*place).limit(size + 1))).all()
    rows = tuple(row_of(wait, desk.person, now) for wait in found[:size])
    return Listed(rows, cursor(found[size - 1]) if len(found) > size else "")


def cursor(wait: OpenWait) -> str:
    """Where a page ends: deadline, journey and key."""
    return "~".join([(wait.until or NEVER).isoformat(), wait.workflow_id, wait.key])


def read_cursor(after: str) -> tuple[datetime, str, str]:
    """What a cursor says; a mangled one starts from the beginning."""
    until, _, rest = after.partition("~")
    workflow_id, _, key = rest.partition("~")
    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC), "", ""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC), workflow_id, key


def row_of(wait: OpenWait, person: Person, now: datetime) -> WaitRow:
    """One wait as the page shows it."""
    return WaitRow(
        wait.workflow_id, wait.key, wait.ticket_id, wait.who, wait_sentence(wait.what, wait.details),
        then_sentence(wait.then), wait.since, wait.until, page_of(wait.subject, wait.ticket_id, person),
        wait.until is not None and wait.until < now,
    )  # fmt: skip


def page_of(subject: str, ticket_id: str | None, person: Person) -> str:
    """The page on which somebody can act; none for what has no page."""
    word, _, number = subject.partition(":")
    if word == "visit":
        return f"/field-service/visits/{number}"
    if word == "invoice":
        return f"/billing/invoices/{number}"
    if word == "charge":
        return f"/billing/invoices/{number.partition('.')[0]}"
    if word == "bill-run":
        return f"/billing/runs/{number}" if person.roles & {Role.FINANCE, Role.ADMIN} else ""
    if word == "mail":
        return f"/tickets/mails/{number}" if person.is_desk else ""
    if word == "close":
        return f"/billing/periods/{number}" if person.roles & {Role.FINANCE, Role.ADMIN} else ""
    if ticket_id and person.is_desk:
        return f"/tickets/{ticket_id}"
    return f"/journeys/{subject}" if Role.ADMIN in person.roles else ""
