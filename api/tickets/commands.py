"""What the desk does to a ticket: take, answer, note, resolve, send somebody, cancel, keep a draft."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Request
from pydantic import BeforeValidator
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.responses import Response

from api.kit.commands import Answer
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import Form, answer, is_fragment, move_on, wants_json
from api.kit.routes import AGENTS
from api.kit.texts import Count, Key, MaybeKey, MaybeParagraph, Paragraph
from api.tickets.chatting import typing
from api.tickets.hands import colleague, working
from api.tickets.page import Head, head_of
from api.tickets.routing import router
from api.tickets.saying import (
    changed_since,
    is_stored,
    keep_message,
    message_id,
    refuse_if_not,
    say,
    told,
)
from api.tickets.show import shown
from models.kit.refusals import Refusal
from models.messages.channels import ChatSide
from models.messages.tickets import Assign, Cancel, Channel, Dispatch, MessageKind, Reply, Resolve
from models.tickets import Draft


def _whole(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdigit() else value


Version = Annotated[Count, BeforeValidator(_whole)]


class Writing(Input):
    """An answer to the customer, or a note for colleagues."""

    command_id: Key
    version: Version | None = None  # of the ticket on the page where it was written
    kind: Literal["reply", "note"] = "reply"
    body: Paragraph


class Taking(Input):
    """To whom the ticket goes; nobody means back to the team."""

    command_id: Key
    agent_id: MaybeKey = None
    from_agent_id: MaybeKey = None


class Solving(Input):
    """What was done; the customer reads it."""

    command_id: Key
    done: Paragraph


class Sending(Input):
    """A visit is to be arranged, by this technician first or by whoever ranks best."""

    command_id: Key
    technician_id: MaybeKey = None
    why: MaybeParagraph = ""


class Ending(Input):
    """Why the ticket ends without a repair."""

    command_id: Key
    reason: Paragraph


class Drafting(Input):
    """What stands in the composer right now."""

    kind: Literal["reply", "note", ""] = "reply"
    body: MaybeParagraph = ""


@router.post("/tickets/{ticket_id}/replies", may=AGENTS, row="ticket")
async def reply(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Writing] = typed(Writing)
) -> Response:
    """Send an answer to the customer; kind "note" keeps it among colleagues."""
    return await write(request, desk, ticket_id, sent)


@router.post("/tickets/{ticket_id}/notes", may=AGENTS, row="ticket")
async def note(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Writing] = typed(Writing)
) -> Response:
    """Keep a note that no customer ever sees."""
    if sent.value is not None:
        sent.value = sent.value.model_copy(update={"kind": "note"})
    return await write(request, desk, ticket_id, sent)


async def write(request: Request, desk: DeskAt, ticket_id: str, sent: Typed[Writing]) -> Response:
    """Store what was written and say it; what others did meanwhile is shown first."""
    head = await head_of(desk.session, desk.person, ticket_id)
    writing = sent.value
    if writing is None:
        return await shown(request, desk, ticket_id, block="composer", status=422, form=sent.form)
    message = message_id(desk.person, ticket_id, writing.command_id)
    if not await is_stored(desk, message):
        refuse_if_not(writing.kind, head.status)
        if writing.version is not None and writing.version < head.seq:
            theirs = await changed_since(desk, ticket_id, writing.version)
            if theirs:
                return await conflicting(request, desk, ticket_id, theirs, sent.form)
    kind = MessageKind(writing.kind)
    await keep_message(desk, ticket_id, message, kind, writing.body, channel_of(head))
    await forget_draft(desk, ticket_id)
    order = Reply(writing.command_id, desk.person.id, datetime.now(UTC), message_id=message, kind=kind)
    said = await say(desk, ticket_id, writing.kind, order)
    done = _("Note kept") if kind is MessageKind.NOTE else _("Reply sent")
    return await after(request, desk, ticket_id, said, done, block="composer")


async def conflicting(
    request: Request, desk: DeskAt, ticket_id: str, theirs: tuple[str, ...], form: Form
) -> Response:
    """Show what others changed, and let the same text be sent again; nothing typed is lost."""
    if wants_json(request):
        body = {
            "code": "changed_meanwhile", "changes": theirs,
            "message": _("Someone else changed this meanwhile. What you typed is kept."),
        }  # fmt: skip
        return answer(request, "", None, data=body, status=409)
    aim = {"HX-Retarget": "#conflict", "HX-Reswap": "outerHTML show:top"}
    return await shown(
        request, desk, ticket_id, block="conflict", oob=("version", "ticket_state", *STATE_ONLY), status=409,
        headers=aim, conflict=theirs, form=form,
    )  # fmt: skip


STATE_ONLY = ("ticket_head", "timeline", "beside")


def channel_of(head: Head) -> Channel:
    """Answers go the way that the ticket came, unless that way cannot carry them."""
    ways = (Channel.EMAIL, Channel.SMS, Channel.CHAT)
    return head.channel if head.channel in ways else Channel.EMAIL


async def after(
    request: Request, desk: DeskAt, ticket_id: str, said: Answer, done: str, *, block: str = "ticket_state"
) -> Response:
    """The ticket as it stands after a command: fragments for htmx, the page again for a plain form."""
    if not is_fragment(request):
        data = {"status": said.value, "ticket_id": ticket_id}
        return move_on(
            request, f"/tickets/{ticket_id}", data=data, status=200 if said is Answer.DONE else 202
        )
    oob = STATE_ONLY if block == "ticket_state" else ("ticket_state", *STATE_ONLY)
    return await shown(
        request, desk, ticket_id, block=block, oob=(*oob, "conflict"), trigger=told(said, done)
    )


@router.post("/tickets/{ticket_id}/assignment", may=AGENTS, row="ticket")
async def assign(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Taking] = typed(Taking)
) -> Response:
    """Take the ticket, give it to a colleague, or give it back to the team."""
    head = await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        return await wrong(request, desk, ticket_id, sent.form, "assign")
    refuse_if_not("assign", head.status)
    for account_id in (sent.value.agent_id, sent.value.from_agent_id):
        await colleague(desk, account_id)
    order = Assign(
        sent.value.command_id, desk.person.id, datetime.now(UTC),
        agent_id=sent.value.agent_id, from_agent_id=sent.value.from_agent_id,
    )  # fmt: skip
    return await after(
        request, desk, ticket_id, await say(desk, ticket_id, "assign", order), _("Ticket assigned")
    )


@router.post("/tickets/{ticket_id}/resolution", may=AGENTS, row="ticket")
async def resolve(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Solving] = typed(Solving)
) -> Response:
    """Say what was done; the customer is told and asked to confirm."""
    head = await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        return await wrong(request, desk, ticket_id, sent.form, "resolve")
    message = message_id(desk.person, ticket_id, sent.value.command_id)
    if not await is_stored(desk, message):
        refuse_if_not("resolve", head.status)
    await keep_message(desk, ticket_id, message, MessageKind.REPLY, sent.value.done, channel_of(head))
    order = Resolve(sent.value.command_id, desk.person.id, datetime.now(UTC), message_id=message)
    said = await say(desk, ticket_id, "resolve", order)
    return await after(request, desk, ticket_id, said, _("Resolved; the customer is asked to confirm"))


@router.post("/tickets/{ticket_id}/visit", may=AGENTS, row="ticket")
async def dispatch(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Sending] = typed(Sending)
) -> Response:
    """Have a technician sent."""
    head = await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        return await wrong(request, desk, ticket_id, sent.form, "dispatch")
    await working(desk, sent.value.technician_id)
    order = Dispatch(
        sent.value.command_id, desk.person.id, datetime.now(UTC),
        technician_id=sent.value.technician_id, reason=sent.value.why,
    )  # fmt: skip
    return await once(request, desk, head, "dispatch", order, _("A visit was requested"))


@router.post("/tickets/{ticket_id}/cancellation", may=AGENTS, row="ticket")
async def cancel(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[Ending] = typed(Ending)
) -> Response:
    """End the ticket without a repair; a visit under way is called off."""
    head = await head_of(desk.session, desk.person, ticket_id)
    if sent.value is None:
        return await wrong(request, desk, ticket_id, sent.form, "cancel")
    order = Cancel(sent.value.command_id, desk.person.id, datetime.now(UTC), reason=sent.value.reason)
    return await once(request, desk, head, "cancel", order, _("Ticket cancelled"))


async def once(
    request: Request, desk: DeskAt, head: Head, name: str, order: Dispatch | Cancel, done: str
) -> Response:
    """Say a command; a second click on the same button is answered like the first."""
    return await after(request, desk, head.id, await say(desk, head.id, name, order), done)


async def wrong(request: Request, desk: DeskAt, ticket_id: str, form: Form, opened: str) -> Response:
    """A sheet with something wrong in it: it stays open and keeps what was typed."""
    return await shown(
        request, desk, ticket_id, block="ticket_head", status=422, form=form, opened=opened,
        headers={"HX-Retarget": "#ticket_head", "HX-Reswap": "outerHTML"},
    )  # fmt: skip


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
    if not sent.value.body:
        await forget_draft(desk, ticket_id)
    else:
        row = {
            "ticket_id": ticket_id, "account_id": desk.person.id,
            "kind": MessageKind(sent.value.kind or "reply"), "body": sent.value.body,
            "updated_at": datetime.now(UTC),
        }  # fmt: skip
        statement = insert(Draft).values(row)
        fresh = {name: statement.excluded[name] for name in ("kind", "body", "updated_at")}
        await desk.session.execute(
            statement.on_conflict_do_update(index_elements=["ticket_id", "account_id"], set_=fresh)
        )
    if head.channel is Channel.CHAT and sent.value.body and sent.value.kind != "note":
        await typing(desk, ticket_id, ChatSide.DESK)
    return move_on(request, f"/tickets/{ticket_id}", data={"is_kept": True})


async def forget_draft(desk: DeskAt, ticket_id: str) -> None:
    """What was typed has been sent."""
    mine = (col(Draft.ticket_id) == ticket_id, col(Draft.account_id) == desk.person.id)
    await desk.session.execute(delete(Draft).where(*mine))
