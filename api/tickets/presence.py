"""Who else has a ticket open, and who is typing: said every few seconds by the page, forgotten by itself."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from fastapi import Request
from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.people import Person
from api.kit.rendering import answer, is_fragment, move_on, wants_json
from api.kit.routes import AGENTS
from api.kit.texts import Key
from api.kit.visible import REMEMBERED
from api.tickets.heading import PRESENT_FOR, present_query
from api.tickets.routing import router
from models.kit.refusals import Refusal
from models.staff import Account
from models.tickets import Ticket
from models.tickets.desk import TicketPresence

LEFT_FOR = timedelta(minutes=10)


class Here(Input):
    """I have this ticket open; or I am typing; or I have left."""

    doing: Literal["reading", "typing", "gone"] = "reading"


@dataclass(frozen=True)
class Colleague:
    """Somebody else at the same ticket."""

    name: str
    is_typing: bool


@dataclass(frozen=True)
class HerePage:
    """Who else has this ticket open."""

    ticket_id: str
    others: tuple[Colleague, ...]


@lru_cache(maxsize=REMEMBERED)
def others_query(person: Person) -> Select[Any]:
    """The others at one ticket."""
    present = present_query(person)
    return present.with_only_columns(col(Account.name), col(TicketPresence.is_typing))  # type: ignore[no-any-return]


async def others_at(desk: DeskAt, ticket_id: str) -> tuple[Colleague, ...]:
    """Who else has this ticket open right now."""
    query = others_query(desk.person).where(col(TicketPresence.ticket_id) == ticket_id)
    return tuple(Colleague(line[0], line[1]) for line in await desk.session.execute(query))


@router.get("/tickets/{ticket_id}/presence", may=AGENTS, row="ticket")
async def presence(request: Request, desk: Desk, ticket_id: Key) -> Response:
    """Show who else has the ticket open."""
    await desk.one(Ticket, ticket_id)
    if not (is_fragment(request) or wants_json(request)):
        return move_on(request, f"/tickets/{ticket_id}")  # a piece of the ticket is no page of its own
    page = HerePage(ticket_id, await others_at(desk, ticket_id))
    return answer(request, "tickets/_present.html", page)


@router.post("/tickets/{ticket_id}/presence", may=AGENTS, row="ticket")
async def be_present(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Here] = typed(Here)
) -> Response:
    """Say that one is here; others are told only when that is news."""
    await desk.one(Ticket, ticket_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    mine = col(TicketPresence.ticket_id) == ticket_id, col(TicketPresence.account_id) == desk.person.id
    if sent.value.doing == "gone":
        gone = await desk.session.execute(delete(TicketPresence).where(*mine))
        is_news = bool(gone.rowcount)  # type: ignore[attr-defined]
    else:
        fresh_enough = col(TicketPresence.seen_at) > func.now() - PRESENT_FOR
        known = select(col(TicketPresence.is_typing)).where(*mine, fresh_enough)
        before = await desk.session.scalar(known)
        is_typing, now = sent.value.doing == "typing", datetime.now(UTC)
        row = {
            "ticket_id": ticket_id, "account_id": desk.person.id, "seen_at": now, "is_typing": is_typing,
        }  # fmt: skip
        statement = insert(TicketPresence).values(row)
        fresh = {name: statement.excluded[name] for name in ("seen_at", "is_typing")}
        await desk.session.execute(
            statement.on_conflict_do_update(index_elements=["ticket_id", "account_id"], set_=fresh)
        )
        is_news = before is not is_typing
        if before is None:  # what a closed browser has left behind
            old = col(TicketPresence.seen_at) < now - LEFT_FOR
            await desk.session.execute(
                delete(TicketPresence).where(col(TicketPresence.account_id) == desk.person.id, old)
            )
    if is_news:
        await desk.session.execute(select(func.pg_notify("ieum_live", f"presence:{ticket_id}")))
    return move_on(request, f"/tickets/{ticket_id}", data={"doing": sent.value.doing})
