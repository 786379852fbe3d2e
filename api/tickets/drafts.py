"""What somebody has typed and not sent: kept for each person and ticket, whoever has the ticket."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import Request
from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import answer, move_on, wants_json
from api.kit.routes import AGENTS
from api.kit.texts import Key, MaybeLine, MaybeParagraph
from api.tickets.chatting import typing
from api.tickets.page import head_of
from api.tickets.routing import router
from models.kit.refusals import Refusal
from models.messages.channels import ChatSide
from models.messages.tickets import Channel, MessageKind, TicketStatus
from models.tickets import Draft, Ticket, TicketMessage
from models.tickets.writing import Sending

SHOWN = 200
LATE = timedelta(seconds=5)  # that a draft may be on its way
BEGINNING = 160  # letters of a draft in the list


class Drafting(Input):
    """What stands in the composer right now."""

    kind: str = ""
    body: MaybeParagraph = ""


class Throwing(Input):
    """A draft is not needed any more."""

    command_id: Key
    stamp: MaybeLine = ""


@dataclass(frozen=True)
class DraftLine:
    """One answer that somebody began."""

    ticket_id: str
    subject: str
    status: TicketStatus
    kind: MessageKind
    beginning: str
    updated_at: datetime
    stamp: str


@dataclass(frozen=True)
class DraftsPage:
    """Everything that one has begun, the newest first."""

    drafts: tuple[DraftLine, ...]


@router.get("/tickets/drafts", may=AGENTS)
async def drafts(request: Request, desk: Desk) -> Response:
    """Show what the asking person has begun and not sent."""
    query = (
        desk.visible(Draft)
        .join(Ticket, col(Ticket.id) == col(Draft.ticket_id))
        .with_only_columns(
            col(Draft.ticket_id), col(Ticket.subject), col(Ticket.status), col(Draft.kind),
            func.left(col(Draft.body), BEGINNING), col(Draft.updated_at),
        )
        .order_by(col(Draft.updated_at).desc(), col(Draft.ticket_id))
        .limit(SHOWN)
    )  # fmt: skip
    found = (await desk.session.execute(query)).all()
    lines = tuple(DraftLine(*(*line, stamp_of(line[5]))) for line in found)
    return answer(request, "tickets/drafts.html", DraftsPage(lines))


async def drafts_count(desk: DeskAt, ticket_id: str) -> int:
    """How many answers on other tickets one has begun."""
    mine = desk.visible(Draft).where(col(Draft.ticket_id) != ticket_id)
    return int(await desk.session.scalar(mine.with_only_columns(func.count())) or 0)


@router.post("/tickets/{ticket_id}/draft", may=AGENTS, row="ticket")
async def draft(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Drafting] = typed(Drafting)
) -> Response:
    """Keep what somebody is writing, for them alone."""
    head = await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        if not wants_json(request):
            raise Refusal("invalid_form")
        return answer(request, "", None, data={"is_kept": False}, form=sent.form, status=422)
    stamp = ""
    if not sent.value.body:
        await forget_draft(desk, ticket_id)
    elif not await just_sent(desk, ticket_id, sent.value.body):
        kind = MessageKind.NOTE if sent.value.kind == "note" else MessageKind.REPLY
        stamp = await keep_draft(desk, ticket_id, kind, sent.value.body)
        if head.channel is Channel.CHAT and kind is MessageKind.REPLY:
            await typing(desk, ticket_id, ChatSide.DESK)
    return move_on(request, f"/tickets/{ticket_id}", data={"is_kept": True, "stamp": stamp})


@router.post("/tickets/{ticket_id}/draft/removal", may=AGENTS, row="ticket")
async def throw_away(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Throwing] = typed(Throwing)
) -> Response:
    """Throw a draft away; one that was written on since stays."""
    await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    if not await forget_draft(desk, ticket_id, stamp=sent.value.stamp) and await stamp_now(desk, ticket_id):
        raise Refusal("changed_meanwhile")
    return move_on(request, "/tickets/drafts", data={"is_kept": False})


async def just_sent(desk: DeskAt, ticket_id: str, body: str) -> bool:
    """Whether these words have just been sent: a late draft of them would bring them back."""
    since = datetime.now(UTC) - LATE
    places: tuple[tuple[Any, Any], ...] = (
        (Sending, Sending.account_id), (TicketMessage, TicketMessage.author_id),
    )  # fmt: skip
    for model, author in places:
        query = desk.visible(model).with_only_columns(col(model.id)).where(
            col(model.ticket_id) == ticket_id, col(author) == desk.person.id, col(model.body) == body,
            col(model.created_at) > since,
        )  # fmt: skip
        if await desk.session.scalar(query.limit(1)) is not None:
            return True
    return False


async def keep_draft(desk: DeskAt, ticket_id: str, kind: MessageKind, body: str) -> str:
    """Keep it; answers with its stamp, which says which words are meant."""
    now = datetime.now(UTC)
    row = {
        "ticket_id": ticket_id, "account_id": desk.person.id, "kind": kind, "body": body, "updated_at": now,
    }  # fmt: skip
    statement = insert(Draft).values(row)
    fresh = {name: statement.excluded[name] for name in ("kind", "body", "updated_at")}
    await desk.session.execute(
        statement.on_conflict_do_update(index_elements=["ticket_id", "account_id"], set_=fresh)
    )
    return stamp_of(now)


def stamp_of(at: datetime) -> str:
    """Which state of a draft: its moment to the microsecond."""
    return at.astimezone(UTC).strftime("%Y%m%d%H%M%S%f")


async def stamp_now(desk: DeskAt, ticket_id: str) -> str:
    """The stamp of one's draft on a ticket; empty when there is none."""
    query = desk.visible(Draft).with_only_columns(col(Draft.updated_at))
    at = await desk.session.scalar(query.where(col(Draft.ticket_id) == ticket_id))
    return stamp_of(at) if at is not None else ""


async def forget_draft(desk: DeskAt, ticket_id: str, *, stamp: str = "") -> bool:
    """Forget what was typed; with a stamp only if nobody has written on it since."""
    if stamp and await stamp_now(desk, ticket_id) != stamp:
        return False
    mine = (col(Draft.ticket_id) == ticket_id, col(Draft.account_id) == desk.person.id)
    await desk.session.execute(delete(Draft).where(*mine), execution_options={"synchronize_session": False})
    return True


async def forget_sent(desk: DeskAt, ticket_id: str, body: str, stamp: str) -> None:
    """What was sent is no draft any more; words that were added elsewhere since stay."""
    query = desk.visible(Draft).where(col(Draft.ticket_id) == ticket_id)
    kept: Draft | None = await desk.session.scalar(query)
    if kept is not None and (stamp_of(kept.updated_at) == stamp or body.startswith(kept.body.strip())):
        await forget_draft(desk, ticket_id)
