"""The agents' queue as it is read: what waits for us, in the order of the next deadline."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.kit.formats import in_seoul
from api.kit.language import gettext
from api.kit.people import Person
from api.kit.sentences import wait_sentence
from api.kit.visible import visible
from models.customers import Customer
from models.journeys import OpenWait
from models.messages.journeys import WaitFor
from models.messages.sentences import N_
from models.messages.tickets import Channel, Priority, TicketStatus
from models.staff import Account
from models.tickets import Ticket

PAGE = 50
COUNTED = 999
"""More than this is not counted one by one: nobody reads the difference, and every page would pay for it."""
VIEWS = {
    "mine": N_("Mine"),
    "unassigned": N_("Unassigned"),
    "team": N_("My team"),
    "today": N_("Due today"),
    "open": N_("All open"),
}


@dataclass(frozen=True)
class Filters:
    """What of the queue is shown, as it stands in the address."""

    view: str = "mine"
    status: TicketStatus | None = None
    priority: Priority | None = None
    team: str = ""
    q: str = ""
    after: str = ""

    def href(self, path: str = "/tickets", **changes: object) -> str:
        """The address of the queue with some of this changed; another filter starts at the first page."""
        wanted = replace(self, **{"after": "", **changes})  # type: ignore[arg-type]
        pairs = [(name, str(value)) for name, value in vars(wanted).items() if value]
        return f"{path}?{urlencode(pairs)}"


@dataclass(frozen=True)
class Row:
    """One ticket in the queue."""

    id: str
    subject: str
    status: TicketStatus
    priority: Priority
    channel: Channel
    next_due: datetime | None
    updated_at: datetime
    customer: str
    is_verified: bool
    agent: str | None
    who: WaitFor | None
    wait: str


@dataclass(frozen=True)
class View:
    """One saved view of the queue with the number of tickets in it."""

    name: str
    text: str
    href: str
    is_current: bool
    count: int
    is_more: bool  # at least `count`; beyond it nobody counts


@dataclass(frozen=True)
class Listed:
    """One page of the queue."""

    rows: tuple[Row, ...]
    next: str = ""  # cursor of the following page


OWN = (
    col(Ticket.id), col(Ticket.subject), col(Ticket.status), col(Ticket.priority), col(Ticket.channel),
    col(Ticket.next_due), col(Ticket.updated_at), col(Ticket.customer_id), col(Ticket.agent_id),
)  # fmt: skip


def in_view(view: str, person: Person, now: datetime) -> ColumnElement[bool]:
    """The condition of a saved view; only tickets that are still alive are in the queue."""
    alive = ~col(Ticket.is_over)
    if view == "mine":
        return and_(alive, col(Ticket.agent_id) == person.id)
    if view == "team":
        return and_(alive, col(Ticket.team_id) == person.team_id)
    if view == "unassigned":
        return and_(alive, col(Ticket.team_id) == person.team_id, col(Ticket.agent_id).is_(None))
    if view == "today":
        midnight = datetime.combine(in_seoul(now).date(), time(), in_seoul(now).tzinfo) + timedelta(days=1)
        return and_(alive, col(Ticket.next_due) < midnight.astimezone(UTC))
    return alive


def filtered(query: Any, filters: Filters) -> Any:
    """Narrow a query to what the address asks for."""
    if filters.status:
        query = query.where(col(Ticket.status) == filters.status)
    if filters.priority:
        query = query.where(col(Ticket.priority) == filters.priority)
    if filters.team:
        query = query.where(col(Ticket.team_id) == filters.team)
    if filters.q:
        text = filters.q.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        number = col(Ticket.id) == filters.q.strip().upper()
        query = query.where(or_(number, col(Ticket.subject).ilike(f"%{text}%")))
    return query


def with_names(few: Any) -> Select[Any]:
    """Tickets already chosen and limited, with customer, agent and the wait that ends first: one query.

    Names are joined to the chosen few only; before the limit they would be looked up for every row."""
    page = few.cte("page").prefix_with("materialized")
    wait = (
        select(col(OpenWait.who), col(OpenWait.what), col(OpenWait.details))
        .where(col(OpenWait.ticket_id) == page.c.id, col(OpenWait.ended_at).is_(None))
        .order_by(col(OpenWait.until).asc().nulls_last(), col(OpenWait.since).desc())
        .limit(1)
        .lateral("wait")
    )
    shown = ("id", "subject", "status", "priority", "channel", "next_due", "updated_at")
    own = [page.c[name] for name in shown]
    return (
        select(*own, col(Customer.name), col(Customer.is_verified), col(Account.name), *wait.c)
        .select_from(page)
        .join(Customer, col(Customer.id) == page.c.customer_id)
        .outerjoin(Account, col(Account.id) == page.c.agent_id)
        .outerjoin(wait, literal(True))
        .order_by(page.c.next_due.asc().nulls_last(), page.c.id)
    )


def row_of(found: Any) -> Row:
    """One fetched line as a row of the page."""
    *head, who, what, details = found
    shown: list[Any] = [*head, who, wait_sentence(what, details) if what else ""]
    return Row(*shown)


async def listed(session: AsyncSession, person: Person, filters: Filters, limit: int = PAGE) -> Listed:
    """One page of the queue after the cursor, walking the index of its view and nothing else."""
    now = datetime.now(UTC)
    mine = visible(person, Ticket).with_only_columns(*OWN).where(in_view(filters.view, person, now))
    query = filtered(mine, filters)
    query = query.order_by(col(Ticket.next_due).asc().nulls_last(), col(Ticket.id)).limit(limit + 1)
    due, _sep, last = filters.after.partition("|")
    found: list[Any] = []
    if not last or due:
        dated = (
            query.where(tuple_(col(Ticket.next_due), col(Ticket.id)) > (moment_of(due), last))
            if last
            else query
        )
        found = list(await session.execute(with_names(dated)))
    if last and len(found) <= limit:
        # Tickets without a deadline stand last; a comparison of pairs never finds them.
        undated = query.where(col(Ticket.next_due).is_(None), col(Ticket.id) > ("" if due else last))
        found += list(await session.execute(with_names(undated.limit(limit + 1 - len(found)))))
    rows = tuple(row_of(line) for line in found[:limit])
    return Listed(rows, cursor(rows[-1]) if len(found) > limit else "")


def cursor(row: Row) -> str:
    """Where the next page begins: after this row."""
    return f"{row.next_due.isoformat() if row.next_due else ''}|{row.id}"


def moment_of(text: str) -> datetime:
    """The deadline in a cursor; a mangled one starts from the beginning."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def rows_by_id(session: AsyncSession, person: Person, ids: list[str]) -> dict[str, Row]:
    """The tickets of these numbers that the person may (still) see."""
    if not ids:
        return {}
    few = visible(person, Ticket).with_only_columns(*OWN).where(col(Ticket.id).in_(ids))
    found = await session.execute(with_names(few))
    return {row.id: row for row in map(row_of, found)}


async def views(session: AsyncSession, person: Person, filters: Filters) -> tuple[View, ...]:
    """The saved views with their counts, all in one query, from the same root as the rows."""
    now = datetime.now(UTC)
    counts = []
    for name in VIEWS:
        few = visible(person, Ticket).with_only_columns(literal(1)).where(in_view(name, person, now))
        counts.append(select(func.count()).select_from(few.limit(COUNTED + 1).subquery()).scalar_subquery())
    numbers = (await session.execute(select(*counts))).one()
    return tuple(
        View(
            name, gettext(VIEWS[name]), Filters(view=name).href(), name == filters.view,
            min(number, COUNTED), number > COUNTED,
        )
        for name, number in zip(VIEWS, numbers, strict=True)
    )  # fmt: skip
