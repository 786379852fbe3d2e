"""The agents' queue: views, filters, pages, and rows that refresh without moving under the cursor."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from starlette.responses import Response

from api.kit.desk import Desk
from api.kit.kept import Kept
from api.kit.language import locale
from api.kit.rendering import answer, is_fragment, move_on, wants_json
from api.kit.routes import AGENTS
from api.kit.together import together
from api.tickets.queue import (
    VIEWS,
    Filters,
    Row,
    View,
    counts_asked,
    filled_up,
    first_asked,
    listed,
    rows_by_id,
    views_of,
)  # fmt: skip
from api.tickets.routing import router
from api.tickets.show import teams_query
from models.kit.refusals import Refusal
from models.messages.tickets import OVER, Priority, TicketStatus

MOST_SHOWN = 200
OPEN = tuple(status for status in TicketStatus if status not in OVER)


@dataclass(frozen=True)
class QueuePage:
    """One page of the queue with its views and filters."""

    filters: Filters
    views: tuple[View, ...]
    rows: tuple[Row, ...]
    next: str  # address of the following page, or nothing
    teams: tuple[tuple[Any, ...], ...]
    statuses: tuple[TicketStatus, ...] = OPEN
    priorities: tuple[Priority, ...] = tuple(Priority)


@dataclass(frozen=True)
class News:
    """What changed since the rows were shown: the same rows again, and how many are new."""

    filters: Filters
    rows: tuple[Row, ...]
    gone: tuple[str, ...]  # shown, but no longer to be seen
    is_new: int


async def chosen(
    words: Kept,
    view: str = "mine",
    status: str = "",
    priority: str = "",
    team: Annotated[str, Query(max_length=64)] = "",
    after: Annotated[str, Query(max_length=100)] = "",
) -> Filters:
    """The filters of an address; an unknown word in it filters nothing."""
    if "\x00" in team + after:
        raise Refusal("not_found")
    return Filters(
        view=view if view in VIEWS else "mine",
        status=TicketStatus(status) if status in set(TicketStatus) else None,
        priority=Priority(priority) if priority in set(Priority) else None,
        team=team, q=words, after=after,
    )  # fmt: skip


Chosen = Annotated[Filters, Depends(chosen)]


@router.get("/tickets", may=AGENTS)
async def index(request: Request, desk: Desk, filters: Chosen) -> Response:
    """Show what waits for us, the nearest deadline first."""
    person = desk.person
    lines, numbers, teams = await together(
        desk.session,
        first_asked(person, filters), counts_asked(person), (teams_query(person, locale()), {}),
    )  # fmt: skip
    found = await filled_up(desk.session, person, filters, lines)
    after = filters.href(after=found.next) if found.next else ""
    page = QueuePage(filters, views_of(numbers[0], filters), found.rows, after, tuple(teams))
    data = {"rows": page.rows, "next": page.next, "counts": {view.name: view.count for view in page.views}}
    return answer(request, "tickets/index.html", page, oob=("queue_views",), data=data)


@router.get("/tickets/rows", may=AGENTS)
async def rows(
    request: Request, desk: Desk, filters: Chosen, shown: Annotated[list[str], Query(max_length=MOST_SHOWN)]
) -> Response:
    """Refresh the rows on the screen in their present order, and say how many others have come."""
    if not (is_fragment(request) or wants_json(request)):
        return move_on(request, filters.href())  # a piece of the queue is no page of its own
    fresh = await listed(desk.session, desk.person, filters)
    known = {row.id: row for row in fresh.rows}
    known |= await rows_by_id(desk.session, desk.person, [key for key in shown if key not in known])
    page = News(
        filters,
        tuple(known[key] for key in shown if key in known),
        tuple(key for key in shown if key not in known),
        sum(1 for row in fresh.rows if row.id not in shown),
    )
    return answer(request, "tickets/index.html", page, block="queue_rows", oob=("queue_news",))
