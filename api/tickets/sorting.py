"""One ticket given to another team, or made more or less urgent."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Request
from pydantic import BeforeValidator
from starlette.responses import Response

from api.kit.desk import Desk
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.routes import AGENTS
from api.kit.texts import Key, MaybeKey, nothing_if_blank
from api.tickets.commands import after, wrong
from api.tickets.page import head_of
from api.tickets.routing import router
from api.tickets.saying import refuse_if_not, say
from models.messages.tickets import Priority, Sort
from models.staff import Team


class Sorting(Input):
    """To which team it goes, or how urgent it is; what is empty stays as it is."""

    command_id: Key
    team_id: MaybeKey = None
    priority: Annotated[Priority | None, BeforeValidator(nothing_if_blank)] = None
    from_team_id: MaybeKey = None
    from_priority: Annotated[Priority | None, BeforeValidator(nothing_if_blank)] = None


@router.post("/tickets/{ticket_id}/sorting", may=AGENTS, row="ticket")
async def sort(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Sorting] = typed(Sorting)
) -> Response:
    """Give the ticket to another team, or change its priority."""
    head = await head_of(desk.session, desk.person, ticket_id)
    wish = sent.value
    if wish is None or not (wish.team_id or wish.priority):
        form = sent.form if wish is None else sent.wrong("team_id", _("Please fill in this field."))
        return await wrong(request, desk, ticket_id, form, "team")
    refuse_if_not("assign", head.status)
    for team in {wish.team_id, wish.from_team_id} - {None}:
        await desk.one(Team, team)
    order = Sort(
        wish.command_id, desk.person.id, datetime.now(UTC), team_id=wish.team_id or "",
        priority=wish.priority, from_team_id=wish.from_team_id or "",
        from_priority=wish.from_priority.value if wish.from_priority else "",
    )  # fmt: skip
    done = _("Given to another team") if wish.team_id else _("Priority changed")
    return await after(request, desk, ticket_id, await say(desk, ticket_id, "sort", order), done)
