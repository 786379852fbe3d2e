"""Chat: a small page for customers and visitors, a strip beside the ticket for the desk."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import uuid4

from fastapi import Request
from pydantic import Field
from sqlalchemy import text
from sqlmodel import col
from starlette.responses import Response

from api.channels.routing import router
from api.kit import throttles
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.people import Kind, token_hash
from api.kit.rendering import Form, answer, is_fragment, move_on
from api.kit.routes import AGENTS, ANYONE, CUSTOMERS, by_link
from api.kit.texts import Key, MaybeEmail, MaybeName, MaybePhone, Paragraph
from api.tickets.birth import Report, is_new, receive, tell_live
from api.tickets.chatting import present, typing
from api.tickets.links import base_of, ticket_of
from api.tickets.page import Head, head_of
from api.tickets.saying import is_stored, keep_message, message_id
from models.channels import Chat, ChatPresence
from models.kit.calendars import working_calendar
from models.kit.outbox import announce_signal, announce_start
from models.kit.refusals import Refusal
from models.messages.channels import ChatLeft, ChatOrder, ChatSide, chat_workflow_id
from models.messages.staff import LinkPurpose
from models.messages.tickets import OVER, Channel, CustomerWrote, MessageKind, ticket_workflow_id
from models.rules.calendars import blocks_from
from models.tickets import TicketMessage

MOST = 200
TYPES_FOR = timedelta(seconds=8)
HERE_FOR = timedelta(minutes=2)
FOLLOW = LinkPurpose.FOLLOW
Words = Annotated[Paragraph, Field(max_length=2_000)]


class NewChat(Input):
    """The first words; a visitor also says who they are and may say where they can be written to."""

    submission_key: Key
    body: Words
    name: MaybeName = None
    phone: MaybePhone = None
    email: MaybeEmail = None


class Said(Input):
    """The next words."""

    command_id: Key
    body: Words


class Nothing(Input):
    """That somebody is there, types, or leaves."""


@dataclass(frozen=True)
class StartPage:
    """The page on which a chat begins."""

    key: str
    is_known: bool  # signed in: we know who writes
    opens_at: datetime | None  # when nobody is at the desk now


@dataclass(frozen=True)
class Line:
    """Something that was said."""

    id: str
    is_mine: bool
    by: str
    body: str
    at: datetime


@dataclass(frozen=True)
class ChatPage:
    """A chat as its customer sees it."""

    id: str
    subject: str
    base: str
    lines: tuple[Line, ...]
    is_open: bool  # live; else it goes on as a ticket
    is_over: bool  # the ticket
    is_typing: bool
    is_there: bool  # somebody of the desk
    opens_at: datetime | None


@dataclass(frozen=True)
class Strip:
    """What the desk sees of a chat beside its ticket."""

    id: str
    is_open: bool
    is_typing: bool
    is_there: bool
    visitor: str
    contact: str


@router.get("/chat", may=ANYONE)
async def begin(request: Request, desk: Desk) -> Response:
    """Offer a chat."""
    return answer(request, "channels/chat_new.html", await start_page(desk, uuid4().hex))


async def start_page(desk: DeskAt, key: str) -> StartPage:
    """The form, and when somebody is there again."""
    return StartPage(key, desk.person.kind is Kind.CUSTOMER, await opens_at(desk))


async def opens_at(desk: DeskAt) -> datetime | None:
    """The next working hour; None while we work."""
    now = datetime.now(UTC)
    start, _end = next(blocks_from(now, await working_calendar(desk.session, now)))
    return start if start > now else None


@router.post("/chat", may=ANYONE)
async def create(request: Request, desk: Desk, sent: Typed[NewChat] = typed(NewChat)) -> Response:
    """Begin a chat: a ticket, its first words, and for a visitor the one link to it."""
    is_known = desk.person.kind is Kind.CUSTOMER
    if not is_known:
        await throttles.count(desk.session, request.app.state.limits.chatting(desk.person.address))
    asked = sent.value
    if asked is not None and not is_known and not asked.name:
        sent.form, asked = sent.wrong("name", _("Please fill in this field.")), None
    if asked is None:
        page = await start_page(desk, str(sent.form.value("submission_key")) or uuid4().hex)
        return answer(request, "channels/chat_new.html", page, block="chat_form", form=sent.form, status=422)
    token = hmac.new(
        request.app.state.settings.secret_key, b"chat-link:" + asked.submission_key.encode(), hashlib.sha256
    ).hexdigest()
    filled = Report(
        key=f"chat:{asked.submission_key}"[:80], subject=subject_of(asked.body), description=asked.body,
        channel=Channel.CHAT, customer_id=desk.person.customer_id if is_known else None,
        name=desk.person.name if is_known else (asked.name or ""), phone=None if is_known else asked.phone,
        email=None if is_known else asked.email, is_stranger=not is_known,
    )  # fmt: skip

    async def beside(ticket_id: str) -> None:
        row = {
            "id": ticket_id, "visitor": "" if is_known else (asked.name or ""),
            "contact": "" if is_known else (asked.phone or asked.email or ""), "began_at": datetime.now(UTC),
            "ended_at": None,
        }  # fmt: skip
        await is_new(desk, Chat, row)
        life = chat_workflow_id(ticket_id)
        await announce_start(desk.session, "Chat", life, ChatOrder(ticket_id), summary="A chat")
        if not is_known:
            made = text("select chat_link(:ticket, :hashed)")
            await desk.session.execute(made, {"ticket": ticket_id, "hashed": token_hash(token)})

    ticket_id = await receive(desk, filled, request.app.state.settings.files_dir, beside)
    where = f"/tickets/{ticket_id}/chat" if is_known else f"/links/{token}/chat"
    return move_on(request, where, data={"ticket_id": ticket_id, "location": where}, status=201)


def subject_of(body: str) -> str:
    """The first line of what was written."""
    first = " ".join(body.split("\n", 1)[0].split())
    return first if len(first) <= 80 else first[:79] + "…"


@router.get("/tickets/{ticket_id}/chat", may=CUSTOMERS, row="ticket")
@router.get("/links/{token}/chat", may=by_link(FOLLOW))
async def show(request: Request, desk: Desk) -> Response:
    """Show what was said."""
    return answer(request, "channels/chat.html", await chat_page(request, desk))


async def chat_page(request: Request, desk: DeskAt) -> ChatPage:
    """Read a chat for its customer; a ticket that never was one has none."""
    head = await chat_head(request, desk)
    chat = await desk.one(Chat, head.id)
    query = (
        desk.visible(TicketMessage)
        .where(col(TicketMessage.ticket_id) == head.id, col(TicketMessage.kind) != MessageKind.NOTE)
        .order_by(col(TicketMessage.created_at).desc(), col(TicketMessage.id).desc())
        .limit(MOST)
    )
    found = list(await desk.session.scalars(query))
    lines = tuple(
        Line(one.id, one.kind is MessageKind.INBOUND, one.author_name, one.body, one.created_at)
        for one in reversed(found)
    )
    seen, typed_at = await side_of(desk, head.id, ChatSide.DESK)
    now = datetime.now(UTC)
    return ChatPage(
        head.id, head.subject, f"{base_of(request, desk)}/chat", lines, chat.ended_at is None,
        head.status in OVER, lately(typed_at, now, TYPES_FOR), lately(seen, now, HERE_FOR),
        await opens_at(desk),
    )  # fmt: skip


async def chat_head(request: Request, desk: DeskAt) -> Head:
    """The ticket of the address, when it is a chat."""
    head = await head_of(desk.session, desk.person, ticket_of(request, desk))
    if head.channel is not Channel.CHAT:
        raise Refusal("not_found")
    return head


async def side_of(desk: DeskAt, chat_id: str, side: ChatSide) -> tuple[datetime | None, datetime | None]:
    """When a side was last there, and when it last typed."""
    query = desk.visible(ChatPresence).where(
        col(ChatPresence.chat_id) == chat_id, col(ChatPresence.side) == side
    )
    found = await desk.session.scalar(query)
    return (found.seen_at, found.typed_at) if found else (None, None)


def lately(moment: datetime | None, now: datetime, span: timedelta) -> bool:
    """Whether something was so short a time ago."""
    return moment is not None and now - moment < span


@router.post("/tickets/{ticket_id}/chat", may=CUSTOMERS, row="ticket")
@router.post("/links/{token}/chat", may=by_link(FOLLOW))
async def say(request: Request, desk: Desk, sent: Typed[Said] = typed(Said)) -> Response:
    """The customer writes; after the chat has ended the same words go to the ticket."""
    head = await chat_head(request, desk)
    if sent.value is None:
        return await shown(request, desk, form=sent.form)
    message = message_id(desk.person, head.id, sent.value.command_id)
    if not await is_stored(desk, message):
        if head.status in OVER:
            raise Refusal("ticket_closed")
        await keep_message(desk, head.id, message, MessageKind.INBOUND, sent.value.body, Channel.CHAT)
        fact = CustomerWrote(message, datetime.now(UTC))
        life = ticket_workflow_id(head.id)
        await announce_signal(desk.session, life, "customer_wrote", fact, key=f"wrote:{message}")
        await tell_live(desk, "tickets", f"ticket:{head.id}", f"chat:{head.id}")
    await present(desk, head.id, ChatSide.CUSTOMER)
    await desk.commit()
    if not is_fragment(request):
        return move_on(request, f"{base_of(request, desk)}/chat", data={"id": message})
    return await shown(request, desk)


async def shown(request: Request, desk: DeskAt, form: Form | None = None) -> Response:
    """The conversation with its form."""
    page = await chat_page(request, desk)
    return answer(request, "channels/chat.html", page, block="chat", form=form, status=422 if form else 200)


@router.post("/tickets/{ticket_id}/chat/presence", may=CUSTOMERS, row="ticket")
@router.post("/links/{token}/chat/presence", may=by_link(FOLLOW))
async def be_there(request: Request, desk: Desk, sent: Typed[Nothing] = typed(Nothing)) -> Response:
    """The page is open and shows the newest words: what was said until now has been seen."""
    head = await chat_head(request, desk)
    if sent.value is None:
        raise Refusal("invalid_form")
    await present(desk, head.id, ChatSide.CUSTOMER)
    await desk.commit()
    page = await chat_page(request, desk)
    return answer(request, "channels/chat.html", page, block="chat_lines")


@router.post("/tickets/{ticket_id}/chat/typing", may=CUSTOMERS, row="ticket")
@router.post("/links/{token}/chat/typing", may=by_link(FOLLOW))
async def type_on(request: Request, desk: Desk, sent: Typed[Nothing] = typed(Nothing)) -> Response:
    """The customer types."""
    head = await chat_head(request, desk)
    if sent.value is None:
        raise Refusal("invalid_form")
    await typing(desk, head.id, ChatSide.CUSTOMER)
    await desk.commit()
    return move_on(request, f"{base_of(request, desk)}/chat", data={"is_noted": True})


@router.post("/tickets/{ticket_id}/chat/end", may=CUSTOMERS, row="ticket")
@router.post("/links/{token}/chat/end", may=by_link(FOLLOW))
async def leave(request: Request, desk: Desk, sent: Typed[Nothing] = typed(Nothing)) -> Response:
    """The customer ends the chat; its ticket goes on."""
    head = await chat_head(request, desk)
    if sent.value is None:
        raise Refusal("invalid_form")
    fact = ChatLeft(datetime.now(UTC))
    await announce_signal(desk.session, chat_workflow_id(head.id), "left", fact, key=f"left:{head.id}")
    await desk.commit()
    return move_on(request, base_of(request, desk), data={"status": "accepted"})


@router.get("/channels/chats/{ticket_id}", may=AGENTS, row="ticket")
async def strip(request: Request, desk: Desk, ticket_id: Key) -> Response:
    """Beside the ticket: whether the customer is there, and types."""
    await head_of(desk.session, desk.person, ticket_id)
    chat = await desk.one(Chat, ticket_id)
    seen, typed_at = await side_of(desk, ticket_id, ChatSide.CUSTOMER)
    now = datetime.now(UTC)
    page = Strip(
        ticket_id, chat.ended_at is None, lately(typed_at, now, TYPES_FOR), lately(seen, now, HERE_FOR),
        chat.visitor, chat.contact,
    )  # fmt: skip
    if not is_fragment(request):
        return move_on(request, f"/tickets/{ticket_id}", data=page)
    return answer(request, "channels/chat_strip.html", page, block="chat_strip")
