"""Following a ticket, and stopping."""

from fastapi import Request
from sqlalchemy import delete
from sqlmodel import col
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import is_fragment, move_on, toast
from api.kit.routes import AGENTS
from api.kit.texts import Key
from api.tickets.birth import tell_live
from api.tickets.following import add
from api.tickets.page import head_of
from api.tickets.routing import router
from api.tickets.show import shown
from models.kit.refusals import Refusal
from models.messages.tickets.writing import FollowReason
from models.tickets.writing import TicketFollower


class Following(Input):
    """The asking person wants to hear of it, or no longer."""

    command_id: Key


@router.post("/tickets/{ticket_id}/followers", may=AGENTS, row="ticket")
async def follow(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Following] = typed(Following)
) -> Response:
    """Follow a ticket: whatever happens to it is told by mail."""
    await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    await add(desk, ticket_id, desk.person.id, FollowReason.SELF)
    return await seen(request, desk, ticket_id, _("You follow this ticket and are told of it by mail"))


@router.post("/tickets/{ticket_id}/followers/removal", may=AGENTS, row="ticket")
async def unfollow(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Following] = typed(Following)
) -> Response:
    """Stop following; nobody can do that for somebody else."""
    await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    mine = (col(TicketFollower.ticket_id) == ticket_id, col(TicketFollower.account_id) == desk.person.id)
    gone = delete(TicketFollower).where(*mine)
    await desk.session.execute(gone, execution_options={"synchronize_session": False})
    return await seen(request, desk, ticket_id, _("You no longer follow this ticket"))


async def seen(request: Request, desk: DeskAt, ticket_id: str, done: str) -> Response:
    """The ticket after it; whoever has it open sees it, too."""
    await tell_live(desk, f"ticket:{ticket_id}")
    await desk.commit()
    if not is_fragment(request):
        return move_on(request, f"/tickets/{ticket_id}", data={"ticket_id": ticket_id})
    return await shown(request, desk, ticket_id, block="ticket_head", oob=("beside",), trigger=toast(done))
