"""What was sent and may still be taken back: it waits, nothing has happened yet, undoing brings it back."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import Request
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.kit.commands import Answer, Said, take_back
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import Form, is_fragment, move_on, toast, wants_json
from api.kit.routes import AGENTS
from api.kit.texts import Key, MaybeParagraph
from api.tickets.birth import attached, tell_live
from api.tickets.drafts import keep_draft
from api.tickets.page import head_of
from api.tickets.routing import router
from api.tickets.saying import is_stored, keep_message, say
from api.tickets.show import shown
from models.kit.pictures import Photo
from models.kit.refusals import Refusal
from models.messages.systems import OutboxStatus
from models.messages.tickets import Channel, MessageKind, ticket_workflow_id
from models.messages.tickets.writing import SendingAct
from models.systems import OutboxItem
from models.tickets import Attachment
from models.tickets.writing import Sending

Files = list[tuple[Photo, str]]  # each picture with the name under which it is stored


class Undoing(Input):
    """Take it back; what was typed since stays, too."""

    command_id: Key
    body: MaybeParagraph = ""


@dataclass(frozen=True)
class Leaving:
    """What is to leave: the update that says it, and the text that goes with it."""

    ticket_id: str
    message_id: str
    act: SendingAct
    kind: MessageKind
    body: str
    channel: Channel
    order: Said
    files: Files


def patience(request: Request) -> timedelta:
    """How long a person may take it back. A program has nobody who looks: what it says is said at once."""
    if wants_json(request):
        return timedelta()
    return timedelta(seconds=request.app.state.settings.undo_seconds)


async def is_sent(desk: DeskAt, message: str) -> bool:
    """Whether this was sent already, for a form that comes twice."""
    query = desk.visible(Sending).with_only_columns(col(Sending.id)).where(col(Sending.id) == message)
    return await is_stored(desk, message) or await desk.session.scalar(query) is not None


async def refuse_refused(desk: DeskAt, ticket_id: str, command_id: str) -> None:
    """The form of something that was taken back or refused, once more: it stays so."""
    query = select(col(OutboxItem.refusal)).where(
        col(OutboxItem.workflow_id) == ticket_workflow_id(ticket_id),
        col(OutboxItem.actor_id) == desk.person.id,
        col(OutboxItem.key) == command_id,
        col(OutboxItem.status) == OutboxStatus.REFUSED,
    )
    if code := await desk.session.scalar(query):
        raise Refusal(str(code))


async def send_off(request: Request, desk: DeskAt, leaving: Leaving) -> Answer:
    """Store it and say it; a person's sending waits first, but not while both talk. Sent twice it is one."""
    hold = patience(request) if leaving.channel is not Channel.CHAT else timedelta()
    if not hold:
        return await keep_and_say(desk, leaving)
    await keep_sending(desk, leaving, hold)
    await tell_live(desk, f"ticket:{leaving.ticket_id}")
    return await say(desk, leaving.ticket_id, leaving.act.value, leaving.order, hold)


async def keep_and_say(desk: DeskAt, leaving: Leaving, name: str = "") -> Answer:
    """Store the message with its files and say it at once."""
    if leaving.act is not SendingAct.CANCEL:
        is_new = not await is_stored(desk, leaving.message_id)
        text = (leaving.message_id, leaving.kind, leaving.body, leaving.channel)
        await keep_message(desk, leaving.ticket_id, *text)
        for photo, stored_as in leaving.files if is_new else ():
            row = attached(leaving.ticket_id, leaving.message_id, photo, stored_as, datetime.now(UTC))
            await desk.session.execute(insert(Attachment).values(row).inline())
    return await say(desk, leaving.ticket_id, name or leaving.act.value, leaving.order)


async def keep_sending(desk: DeskAt, leaving: Leaving, hold: timedelta) -> None:
    """Let it wait with everything that it will become."""
    now = datetime.now(UTC)
    files: list[dict[str, Any]] = []
    for photo, name in leaving.files:
        row = attached(leaving.ticket_id, leaving.message_id, photo, name, now)
        files.append({key: row[key] for key in row if key not in ("ticket_id", "message_id", "created_at")})
    row = {
        "id": leaving.message_id, "ticket_id": leaving.ticket_id, "account_id": desk.person.account_id,
        "command_id": leaving.order.id, "act": leaving.act, "kind": leaving.kind,
        "author_name": desk.person.name, "channel": leaving.channel.value, "body": leaving.body,
        "files": files, "created_at": now, "due_at": now + hold,
    }  # fmt: skip
    await desk.session.execute(insert(Sending).values(row).on_conflict_do_nothing().inline())


@router.post("/tickets/{ticket_id}/sendings/{sending_id}/undo", may=AGENTS, row="ticket")
async def undo(
    request: Request, desk: Desk, ticket_id: Key, sending_id: Key, sent: Typed[Undoing] = typed(Undoing)
) -> Response:
    """Take back what one has sent: the ticket is as it was, the text is back where it was written."""
    await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    sending = await own_sending(desk, ticket_id, sending_id)
    workflow_id = ticket_workflow_id(ticket_id)
    is_back = await take_back(desk.session, workflow_id, sending.account_id, sending.command_id)
    if not is_back and not await is_refused(desk, sending):
        raise Refusal("sending_left")
    act, body = sending.act, sending.body
    mine = (col(Sending.id) == sending.id, col(Sending.account_id) == desk.person.account_id)
    await desk.session.execute(delete(Sending).where(*mine), execution_options={"synchronize_session": False})
    is_sheet = act in (SendingAct.RESOLVE, SendingAct.CANCEL) and is_fragment(request)
    if not is_sheet and body:
        since = sent.value.body if sent.value.body != body else ""
        await keep_draft(desk, ticket_id, sending.kind, "\n\n".join(one for one in (body, since) if one))
    await tell_live(desk, f"ticket:{ticket_id}")
    await desk.commit()
    if not is_fragment(request):
        return move_on(request, f"/tickets/{ticket_id}#reply", data={"body": body, "act": act.value})
    opened = act.value if is_sheet else ""
    sheet = {"done": body, "reason": body} if is_sheet else {}
    return await shown(
        request, desk, ticket_id, block="composer", oob=("held", "ticket_state", "ticket_head"),
        trigger=toast(_("Taken back; nothing was sent")), opened=opened, form=Form(sheet),
    )  # fmt: skip


async def own_sending(desk: DeskAt, ticket_id: str, sending_id: str) -> Sending:
    """One's own sending; what has left is said to have left, anything else is not there."""
    query = desk.visible(Sending).where(
        col(Sending.id) == sending_id,
        col(Sending.ticket_id) == ticket_id,
        col(Sending.account_id) == desk.person.account_id,
    )
    found: Sending | None = await desk.session.scalar(query)
    if found is None:
        raise Refusal("sending_left" if await is_stored(desk, sending_id) else "not_found")
    return found


async def is_refused(desk: DeskAt, sending: Sending) -> bool:
    """Whether the ticket has said no to it, so that it will never leave."""
    query = select(col(OutboxItem.status)).where(
        col(OutboxItem.workflow_id) == ticket_workflow_id(sending.ticket_id),
        col(OutboxItem.actor_id) == sending.account_id,
        col(OutboxItem.key) == sending.command_id,
    )
    return await desk.session.scalar(query) is OutboxStatus.REFUSED
