"""One ticket on the desk: the queue stays at the left, the customer stands at the right."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.people import Kind
from api.kit.rendering import answer, is_fragment, move_on, wants_json
from api.kit.routes import AGENTS, CUSTOMERS
from api.kit.texts import Key
from api.kit.together import together
from api.tickets import portal
from api.tickets.composing import Composing, composing_of
from api.tickets.filters import Filters
from api.tickets.handovers import HandoverCard, handovers_of
from api.tickets.hands import crew
from api.tickets.heading import heading_asked, heading_of
from api.tickets.kin import goes_on_in
from api.tickets.naming import agents_of, teams_of
from api.tickets.page import TicketPage, ticket_page
from api.tickets.presence import Colleague, others_at
from api.tickets.queue import Row, View, filled_up, first_asked
from api.tickets.routing import router
from api.tickets.views import queue_of
from models.messages.tickets import Priority

STATE = ("ticket_head", "timeline", "beside", "held")
BESIDE_QUEUE = 30


@dataclass(frozen=True)
class Shown:
    """The whole screen: the ticket between the queue and the customer."""

    ticket: TicketPage
    filters: Filters
    views: tuple[View, ...] = ()
    rows: tuple[Row, ...] = ()
    colleagues: tuple[tuple[str, str], ...] = ()
    technicians: tuple[tuple[str, str], ...] = ()
    teams: tuple[tuple[str, str], ...] = ()
    others: tuple[Colleague, ...] = ()  # who else has it open
    conflict: tuple[str, ...] = ()
    handovers: tuple[HandoverCard, ...] = ()
    writing: Composing | None = None
    opened: str = ""  # which sheet stays open because something in it is wrong
    priorities: tuple[Priority, ...] = tuple(Priority)

    @property
    def ticket_id(self) -> str:
        """The ticket's number."""
        return self.ticket.id

    @property
    def near_views(self) -> tuple[View, ...]:
        """Three views for the head of the queue; the current one is always among them."""
        near = self.views[:3]
        here = tuple(view for view in self.views if view.is_current)
        return near if not here or here[0] in near else (*near[:2], here[0])

    def href(self, ticket_id: str) -> str:
        """Another ticket in the same queue."""
        return f"/tickets/{ticket_id}?queue={self.filters.queue}"

    def neighbour(self, by: int) -> str:
        """The next or previous ticket of the queue, if there is one."""
        ids = [row.id for row in self.rows]
        here = ids.index(self.ticket.id) + by if self.ticket.id in ids else (0 if by > 0 else -1)
        return self.href(ids[here]) if 0 <= here < len(ids) else ""


@router.get("/tickets/{ticket_id}", may=AGENTS | CUSTOMERS, row="ticket")
async def show(
    request: Request, desk: Desk, ticket_id: Key, queue: str = "mine", template: str = ""
) -> Response:
    """Show one ticket: to the desk with everything, to its customer with what is theirs; one that was
    merged is shown where it goes on."""
    if keeper := await goes_on_in(desk, ticket_id):
        return move_on(request, f"/tickets/{keeper}")
    if desk.person.kind is Kind.CUSTOMER:
        own = await portal.own_ticket(desk, ticket_id)
        return answer(request, "tickets/mine.html", own, block="own_ticket", oob=("own_beside",))
    return await shown(request, desk, ticket_id, queue=queue, template=template)


async def shown(
    request: Request,
    desk: DeskAt,
    ticket_id: str,
    *,
    queue: str = "mine",
    template: str = "",
    block: str | None = None,
    oob: tuple[str, ...] = (),
    **further: Any,
) -> Response:
    """Answer with the ticket as it stands now; a fragment leaves out the queue, which has its own."""
    ticket = await ticket_page(desk.session, desk.person, ticket_id)
    extra: dict[str, Any] = {name: further.pop(name) for name in ("conflict", "opened") if name in further}
    extra["handovers"] = await handovers_of(desk, ticket_id)
    extra["writing"] = await composing_of(desk, ticket, template)
    if wants_json(request):
        data = {**vars(ticket), "handovers": extra["handovers"], "writing": extra["writing"]}
        return answer(request, "", None, data=data, **further)
    if is_fragment(request):
        if block is None:
            block, oob = "ticket_state", STATE
        page = Shown(ticket, Filters(view=queue), **await people_for(desk), **extra)
        return answer(request, "tickets/show.html", page, block=block, oob=oob, **further)
    filters = await queue_of(desk, queue)
    person = desk.person
    lines, head = await together(
        desk.session, first_asked(person, filters, BESIDE_QUEUE), heading_asked(person)
    )
    beside = await filled_up(desk.session, person, filters, lines, BESIDE_QUEUE)
    over = await heading_of(desk.session, person, filters, head[0])
    extra["others"] = await others_at(desk, ticket_id)
    page = Shown(ticket, filters, over.views, beside.rows, **await people_for(desk), **extra)
    return answer(request, "tickets/show.html", page, **further)


async def people_for(desk: DeskAt) -> dict[str, Any]:
    """To whom a ticket can be given, and who could be sent."""
    return {
        "colleagues": await agents_of(desk), "technicians": await crew(desk), "teams": await teams_of(desk),
    }  # fmt: skip
