"""What stands over the queue, in one query: the numbers of the views, the views that somebody made, and who
has which ticket open. The numbers of kept views need one more, and only for who has any."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, and_, case, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.kit.people import Person
from api.kit.together import Asked, together
from api.kit.visible import REMEMBERED, visible
from api.tickets.filters import Filters, condition, filters_of, narrowed, values_of
from api.tickets.queue import COUNTED, View, counts_of, in_view, midnight, views_of
from models.staff import Account
from models.tickets import Ticket
from models.tickets.desk import QueueView, TicketPresence

MOST_VIEWS = 30
COUNTED_VIEWS = 12
"""So many kept views show a number; the others are there without one."""
LOOKED_AT = 5_000
"""So many tickets are looked at for the number of a kept view: a rare filter among a million open ones says
"at least" instead of reading all of them for every page."""
INDEXED = frozenset({"agent", "team", "breaks"})
PRESENT_FOR = timedelta(seconds=45)
MOST_PRESENT = 300


@dataclass(frozen=True)
class Kept:
    """A view that somebody made."""

    id: str
    name: str
    filters: Filters
    is_mine: bool
    is_shared: bool

    @property
    def href(self) -> str:
        """Where its tickets stand; the address says everything by itself."""
        return self.filters.href(saved=self.id)


@dataclass(frozen=True)
class Heading:
    """What stands over the rows."""

    views: tuple[View, ...]
    kept: tuple[Kept, ...]
    present: Mapping[str, tuple[str, ...]]  # ticket: who else has it open

    @property
    def current(self) -> Kept | None:
        """The kept view that is shown, even when its filters were changed since."""
        here = {view.name for view in self.views if view.is_current and view.is_kept}
        return next((one for one in self.kept if one.id in here), None)


def own_first(person: Person) -> Any:
    """The order of kept views: one's own, then the team's, each as they were put."""
    return (
        case((col(QueueView.owner_id) == person.id, 0), else_=1),
        col(QueueView.place),
        col(QueueView.created_at),
        col(QueueView.id),
    )


def present_query(person: Person) -> Any:
    """Who else has a ticket open right now; what nobody has said for a while is over."""
    others = col(TicketPresence.account_id) != person.id
    return (
        visible(person, TicketPresence)
        .join(Account, col(Account.id) == col(TicketPresence.account_id))
        .where(others, col(TicketPresence.seen_at) > func.now() - PRESENT_FOR)
        .order_by(col(Account.name))
        .limit(MOST_PRESENT)
    )


@lru_cache(maxsize=REMEMBERED)
def heading_query(person: Person) -> Select[Any]:
    """Numbers, kept views and presence as one row."""
    mine = visible(person, QueueView).order_by(*own_first(person)).limit(MOST_VIEWS).subquery()
    place = func.row_number().over(order_by=literal(1))
    rows = select(mine.c.id, mine.c.name, mine.c.filters, mine.c.owner_id, mine.c.team_id, place.label("at"))
    numbered = rows.subquery()
    said = func.jsonb_build_array(
        numbered.c.id, numbered.c.name, numbered.c.filters, numbered.c.owner_id == person.id,
        numbered.c.team_id.is_not(None),
    )  # fmt: skip
    kept = select(func.jsonb_agg(aggregate_order_by(said, numbered.c.at))).scalar_subquery()
    present = present_query(person).with_only_columns(col(TicketPresence.ticket_id), col(Account.name))
    here = present.subquery()
    who = select(func.jsonb_agg(func.jsonb_build_array(here.c.ticket_id, here.c.name))).scalar_subquery()
    return select(*counts_of(person), kept, who)


def heading_asked(person: Person) -> Asked:
    """The query for everything over the rows."""
    return heading_query(person), {"midnight": midnight(datetime.now(UTC))}


@lru_cache(maxsize=REMEMBERED)
def kept_query(person: Person, wanted: tuple[Filters, ...]) -> Select[Any]:
    """The numbers of kept views in one query: for each, how many fit, and of how many that were looked at."""
    return select(*(_number(person, filters) for filters in wanted))


def looked_at(filters: Filters) -> int:
    """How many tickets are looked at for this number; whom one waits for is asked of each of them."""
    names = set(narrowed(filters)) - INDEXED
    return COUNTED + 1 if not names else LOOKED_AT if "who" not in names else LOOKED_AT // 4


def _number(person: Person, filters: Filters) -> Any:
    query = visible(person, Ticket).where(in_view(filters.view, person))
    fits: list[Any] = []
    for name in narrowed(filters):
        one = condition(name, values_of(filters, name, person))
        if name in INDEXED:
            query = query.where(one)
        else:
            fits.append(one)
    fit = case((and_(*fits), 1), else_=0) if fits else literal(1)
    few = query.with_only_columns(fit.label("fits")).limit(looked_at(filters)).subquery()
    pair = func.jsonb_build_array(func.coalesce(func.sum(few.c.fits), 0), func.count())
    return select(pair).select_from(few).scalar_subquery()


async def _counted(
    session: AsyncSession, person: Person, kept: tuple[Kept, ...]
) -> dict[str, tuple[int, bool]]:
    """The number of each kept view, and whether there may be more."""
    if not kept:
        return {}
    wanted = tuple(one.filters for one in kept)
    query = kept_query(person, wanted)
    [numbers] = (await together(session, (query, {"midnight": midnight(datetime.now(UTC))})))[0]
    return {
        one.id: (min(fit, COUNTED), fit > COUNTED or looked >= looked_at(one.filters))
        for one, (fit, looked) in zip(kept, numbers, strict=True)
    }


async def heading_of(
    session: AsyncSession, person: Person, filters: Filters, found: tuple[Any, ...]
) -> Heading:
    """The head of the queue out of its row; kept views are counted now."""
    *numbers, kept, who = found
    views = tuple(
        Kept(id, name, filters_of(held, saved=id), bool(is_mine), bool(is_shared))
        for id, name, held, is_mine, is_shared in kept or ()
    )
    counts = await _counted(session, person, views[:COUNTED_VIEWS])
    own = tuple(
        View(
            one.id, one.name, one.href, one.id == filters.saved, *counts.get(one.id, (0, True)),
            is_kept=True, is_shared=one.is_shared,
        )
        for one in views
    )  # fmt: skip
    present: dict[str, tuple[str, ...]] = {}
    for ticket, name in who or ():
        present[ticket] = (*present.get(ticket, ()), name)
    return Heading((*views_of(numbers, filters), *own), views, present)
