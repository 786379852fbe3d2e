"""The agents' queue: views, filters, pages, and rows that refresh without moving under the cursor."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from api.kit.desk import Desk
from api.kit.rendering import answer, is_fragment, move_on, wants_json
from api.kit.routes import AGENTS
from api.kit.together import together
from api.tickets.filters import Chosen, Filters
from api.tickets.heading import Heading, heading_asked, heading_of
from api.tickets.naming import Chip, chips
from api.tickets.queue import Row, filled_up, first_asked, rows_by_id
from api.tickets.routing import router

MOST_SHOWN = 200


@dataclass(frozen=True)
class QueuePage:
    """One page of the queue with its views and filters."""

    filters: Filters
    head: Heading
    rows: tuple[Row, ...]
    next: str  # address of the following page, or nothing
    chips: tuple[Chip, ...] = ()


@dataclass(frozen=True)
class News:
    """What changed since the rows were shown: the same rows again, and how many are new."""

    filters: Filters
    head: Heading
    rows: tuple[Row, ...]
    gone: tuple[str, ...]  # shown, but no longer to be seen
    is_new: int


@router.get("/tickets", may=AGENTS)
async def index(request: Request, desk: Desk, filters: Chosen) -> Response:
    """Show what waits for us, the nearest deadline first."""
    person = desk.person
    lines, head = await together(desk.session, first_asked(person, filters), heading_asked(person))
    found = await filled_up(desk.session, person, filters, lines)
    over = await heading_of(desk.session, person, filters, head[0])
    after = filters.href(after=found.next) if found.next else ""
    page = QueuePage(filters, over, found.rows, after, await chips(desk, filters))
    data = {
        "rows": page.rows, "next": page.next, "counts": {view.name: view.count for view in over.views},
        "present": over.present,
    }  # fmt: skip
    return answer(request, "tickets/index.html", page, oob=("queue_views",), data=data)


@router.get("/tickets/rows", may=AGENTS)
async def rows(
    request: Request, desk: Desk, filters: Chosen, shown: Annotated[list[str], Query(max_length=MOST_SHOWN)]
) -> Response:
    """Refresh the rows on the screen in their present order, and say how many others have come."""
    if not (is_fragment(request) or wants_json(request)):
        return move_on(request, filters.href())  # a piece of the queue is no page of its own
    lines, head = await together(desk.session, first_asked(desk.person, filters), heading_asked(desk.person))
    fresh = await filled_up(desk.session, desk.person, filters, lines)
    known = {row.id: row for row in fresh.rows}
    known |= await rows_by_id(desk.session, desk.person, [key for key in shown if key not in known])
    page = News(
        filters,
        await heading_of(desk.session, desk.person, filters, head[0]),
        tuple(known[key] for key in shown if key in known),
        tuple(key for key in shown if key not in known),
        sum(1 for row in fresh.rows if row.id not in shown),
    )
    return answer(request, "tickets/index.html", page, block="queue_rows", oob=("queue_news", "queue_views"))
