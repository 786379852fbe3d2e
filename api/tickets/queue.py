"""The agents' queue as it is read: what waits for us, in the order of the next deadline."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    any_,
    bindparam,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.kit.formats import in_seoul
from api.kit.language import gettext
from api.kit.people import Person
from api.kit.sentences import wait_sentence
from api.kit.together import Asked, together
from api.kit.visible import REMEMBERED, visible
from api.tickets.filters import MIDNIGHT, VIEWS, Filters, asked, bound, condition, narrowed
from models.customers import Customer
from models.journeys import OpenWait
from models.messages.journeys import WaitFor
from models.messages.tickets import Channel, Priority, TicketStatus
from models.staff import Account
from models.tickets import Ticket

PAGE = 50
COUNTED = 999
"""More than this is not counted one by one: nobody reads the difference, and every page would pay for it."""


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
    """One view of the queue with the number of tickets in it."""

    name: str
    text: str
    href: str
    is_current: bool
    count: int
    is_more: bool  # at least `count`; beyond it nobody counts
    is_kept: bool = False  # somebody made it
    is_shared: bool = False  # the team sees it


@dataclass(frozen=True)
class Listed:
    """One page of the queue."""

    rows: tuple[Row, ...]
    next: str = ""  # cursor of the following page


OWN = (
    col(Ticket.id), col(Ticket.subject), col(Ticket.status), col(Ticket.priority), col(Ticket.channel),
    col(Ticket.next_due), col(Ticket.updated_at), col(Ticket.customer_id), col(Ticket.agent_id),
)  # fmt: skip


# Queries are built once for each person and kind of question; what changes from page to page is bound.
DUE = bound("due", Ticket.next_due)
LAST = bound("last", Ticket.id)


def in_view(view: str, person: Person) -> ColumnElement[bool]:
    """The condition of a view of the house; only tickets that are still alive are in the queue."""
    alive = ~col(Ticket.is_over)
    if view == "snoozed":
        return and_(alive, col(Ticket.is_snoozed))
    if view != "open":
        alive = and_(alive, ~col(Ticket.is_snoozed))
    if view == "mine":
        return and_(alive, col(Ticket.agent_id) == person.id)
    if view == "team":
        return and_(alive, col(Ticket.team_id) == person.team_id)
    if view == "unassigned":
        return and_(alive, col(Ticket.team_id) == person.team_id, col(Ticket.agent_id).is_(None))
    if view == "today":
        return and_(alive, col(Ticket.next_due) < MIDNIGHT)
    return alive


def midnight(now: datetime) -> datetime:
    """When today ends in Korea."""
    here = in_seoul(now)
    return (datetime.combine(here.date(), time(), here.tzinfo) + timedelta(days=1)).astimezone(UTC)


def given(person: Person, filters: Filters) -> dict[str, Any]:
    """The values that a query for these filters binds."""
    return {**asked(filters, person), "midnight": midnight(datetime.now(UTC))}


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


@lru_cache(maxsize=REMEMBERED)
def page_query(person: Person, view: str, filtered: tuple[str, ...], start: str) -> Select[Any]:
    """One page of a view after `start`, walking the index of its view and nothing else."""
    query = visible(person, Ticket).with_only_columns(*OWN).where(in_view(view, person))
    query = query.where(*(condition(name) for name in filtered))
    if start == "dated":
        query = query.where(tuple_(col(Ticket.next_due), col(Ticket.id)) > tuple_(DUE, LAST))
    elif start == "undated":
        query = query.where(col(Ticket.next_due).is_(None), col(Ticket.id) > LAST)
    query = query.order_by(col(Ticket.next_due).asc().nulls_last(), col(Ticket.id))
    return with_names(query.limit(bindparam("most", type_=Integer())))


def first_asked(person: Person, filters: Filters, limit: int = PAGE) -> Asked:
    """The query that finds a page, as a rule alone."""
    due, _sep, last = filters.after.partition("|")
    start = "first" if not last else "dated" if due else "undated"
    values = {
        **given(person, filters),
        "due": moment_of(due) if due else None,
        "last": last,
        "most": limit + 1,
    }
    return page_query(person, filters.view, narrowed(filters), start), values


async def filled_up(
    session: AsyncSession, person: Person, filters: Filters, found: list[Any], limit: int = PAGE
) -> Listed:
    """The page of what was found, filled up with what has no deadline."""
    due, _sep, last = filters.after.partition("|")
    if last and due and len(found) <= limit:
        # Tickets without a deadline stand last; a comparison of pairs never finds them.
        query = page_query(person, filters.view, narrowed(filters), "undated")
        rest = {**given(person, filters), "last": "", "most": limit + 1 - len(found)}
        found = [*found, *(await together(session, (query, rest)))[0]]
    rows = tuple(row_of(line) for line in found[:limit])
    return Listed(rows, cursor(rows[-1]) if len(found) > limit else "")


async def listed(session: AsyncSession, person: Person, filters: Filters, limit: int = PAGE) -> Listed:
    """One page of the queue after the cursor."""
    found = await together(session, first_asked(person, filters, limit))
    return await filled_up(session, person, filters, found[0], limit)


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


@lru_cache(maxsize=REMEMBERED)
def query_by_id(person: Person) -> Select[Any]:
    """The tickets of the bound numbers that the person may see."""
    wanted = col(Ticket.id) == any_(bindparam("ids", type_=ARRAY(String)))
    return with_names(visible(person, Ticket).with_only_columns(*OWN).where(wanted))


async def rows_by_id(session: AsyncSession, person: Person, ids: list[str]) -> dict[str, Row]:
    """The tickets of these numbers that the person may (still) see."""
    if not ids:
        return {}
    found = await together(session, (query_by_id(person), {"ids": ids}))
    return {row.id: row for row in map(row_of, found[0])}


def counts_of(person: Person) -> list[Any]:
    """The number of each view as a part of one query, from the same root as the rows."""
    counts = []
    for name in VIEWS:
        few = visible(person, Ticket).with_only_columns(literal(1)).where(in_view(name, person))
        counts.append(counted(few.limit(COUNTED + 1)))
    return counts


def counted(few: Any) -> Any:
    """How many rows a limited query finds, as a part of another query."""
    return select(func.count()).select_from(few.subquery()).scalar_subquery()


@lru_cache(maxsize=REMEMBERED)
def count_query(person: Person) -> Select[Any]:
    """The numbers of all views in one query."""
    return select(*counts_of(person))


def counts_asked(person: Person) -> Asked:
    """The query for the numbers of all views."""
    return count_query(person), {"midnight": midnight(datetime.now(UTC))}


def views_of(numbers: Iterable[int], filters: Filters) -> tuple[View, ...]:
    """The saved views with their counts."""
    return tuple(
        View(
            name, gettext(VIEWS[name]), Filters(view=name).href(),
            name == filters.view and not filters.saved,
            min(number, COUNTED), number > COUNTED,
        )
        for name, number in zip(VIEWS, numbers, strict=True)
    )  # fmt: skip


async def views(session: AsyncSession, person: Person, filters: Filters) -> tuple[View, ...]:
    """The saved views with their counts, when nothing else is asked at the same time."""
    found = await together(session, counts_asked(person))
    return views_of(found[0][0], filters)
