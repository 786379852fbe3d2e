"""Tickets for programs: create, read, list, answer, note; with a scoped key, and a key for every change."""

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Header, Query, Request
from pydantic_core import to_jsonable_python
from sqlalchemy import and_, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col
from starlette.responses import JSONResponse, Response

from api.channels.routing import router
from api.kit import throttles
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.routes import AGENTS
from api.kit.texts import Key, Line, MaybeEmail, MaybeKey, MaybeName, MaybePhone, Paragraph
from api.tickets.birth import Report, earlier_ticket, receive
from api.tickets.page import head_of
from api.tickets.saying import is_stored, keep_message, message_id, refuse_if_not, say
from models.customers import Customer, OwnedProduct
from models.kit.refusals import Refusal
from models.messages.channels import Scope
from models.messages.tickets import Channel, MessageKind, Priority, Reply, TicketStatus
from models.tickets import Ticket, TicketMessage

PAGE, MOST = 50, 200
SHOWN = (
    "id", "subject", "description", "status", "priority", "channel", "customer_id", "owned_product_id",
    "team_id", "agent_id", "created_at", "updated_at",
)  # fmt: skip
SAID = ("id", "kind", "channel", "author_name", "body", "created_at", "delivery", "mark")
IdempotencyKey = Annotated[str, Header(max_length=200)]


class NewTicket(Input):
    """A ticket that a program opens: for a customer who is known, or for somebody by name and address."""

    subject: Line
    description: Paragraph
    priority: Priority = Priority.P3
    customer_id: MaybeKey = None
    owned_product_id: MaybeKey = None
    name: MaybeName = None
    phone: MaybePhone = None
    email: MaybeEmail = None
    idempotency_key: MaybeKey = None  # for programs that cannot set a header


class NewMessage(Input):
    """An answer to the customer, or a note for colleagues."""

    body: Paragraph
    idempotency_key: MaybeKey = None  # for programs that cannot set a header


async def admitted(request: Request, desk: DeskAt, scope: Scope) -> None:
    """A key does what its scopes say, and not too often."""
    person = desk.person
    if person.scopes is not None and scope.value not in person.scopes:
        raise Refusal("scope_missing")
    if person.is_token:
        state = request.app.state
        async with AsyncSession(state.engine) as session:
            await throttles.count(session, state.limits.calling(person.token_hash))


def own_key(desk: DeskAt, given: str, sent: Typed[Any]) -> str:
    """The program's key as this program's alone; without one a change could be made twice."""
    given = given or str(sent.form.value("idempotency_key", "") or "")[:200]
    if not given.strip() or not given.isprintable():
        raise Refusal("key_missing")
    return hashlib.sha256(f"{desk.person.token_hash or desk.person.id}\0{given}".encode()).hexdigest()[:40]


def said(data: Any, status: int = 200) -> Response:
    """An answer for a program."""
    return JSONResponse(to_jsonable_python(data), status, {"Cache-Control": "no-store"})


def wrong(sent: Typed[Any]) -> Response:
    """What is wrong, field by field."""
    body = {
        "code": "invalid_form", "message": _("Please check the marked fields."), "errors": sent.form.errors,
    }  # fmt: skip
    return said(body, 422)


@router.get("/api/tickets", may=AGENTS)
async def listed(
    request: Request,
    desk: Desk,
    after: Annotated[str, Query(max_length=64)] = "",
    status: str = "",
    limit: int = PAGE,
) -> Response:
    """Tickets, the newest first; `next` is what to ask for `after`."""
    await admitted(request, desk, Scope.READ)
    if (status and status not in set(TicketStatus)) or not 1 <= limit <= MOST:
        raise Refusal("invalid_form")
    query = desk.visible(Ticket).order_by(col(Ticket.created_at).desc(), col(Ticket.id).desc())
    if status:
        query = query.where(col(Ticket.status) == TicketStatus(status))
    if after:
        last = await desk.one(Ticket, after)
        at = col(Ticket.created_at)
        query = query.where(or_(at < last.created_at, and_(at == last.created_at, col(Ticket.id) < last.id)))
    found = list(await desk.session.scalars(query.limit(limit + 1)))
    rows = [{name: getattr(one, name) for name in SHOWN} for one in found[:limit]]
    return said({"tickets": rows, "next": found[limit - 1].id if len(found) > limit else None})


@router.get("/api/tickets/{ticket_id}", may=AGENTS, row="ticket")
async def read(request: Request, desk: Desk, ticket_id: Key) -> Response:
    """One ticket with what was said."""
    await admitted(request, desk, Scope.READ)
    return said(await shown(desk, ticket_id))


async def shown(desk: DeskAt, ticket_id: str) -> dict[str, Any]:
    """A ticket and its newest messages, in the order they were written."""
    ticket = await desk.one(Ticket, ticket_id)
    query = (
        desk.visible(TicketMessage)
        .where(col(TicketMessage.ticket_id) == ticket_id)
        .order_by(col(TicketMessage.created_at).desc(), col(TicketMessage.id).desc())
        .limit(MOST)
    )
    messages = list(await desk.session.scalars(query))
    return {
        **{name: getattr(ticket, name) for name in SHOWN},
        "messages": [{name: getattr(one, name) for name in SAID} for one in reversed(messages)],
    }


@router.post("/api/tickets", may=AGENTS)
async def create(
    request: Request, desk: Desk, sent: Typed[NewTicket] = typed(NewTicket),
    idempotency_key: IdempotencyKey = "",
) -> Response:  # fmt: skip
    """Open a ticket; the same key again answers with the same one."""
    await admitted(request, desk, Scope.CREATE)
    key = own_key(desk, idempotency_key, sent)
    asked = sent.value
    if asked is None:
        return wrong(sent)
    if asked.customer_id is None and not (asked.name and (asked.phone or asked.email)):
        sent.form = sent.wrong("customer_id", _("Please name the customer, or give a name and an address."))
        return wrong(sent)
    filled = await report_of(desk, f"api:{key}", asked)
    if (earlier := await earlier_ticket(desk, filled.key)) is not None:
        return await again(desk, earlier, asked)
    ticket_id = await receive(desk, filled, request.app.state.settings.files_dir)
    return said({"id": ticket_id}, 201)


async def report_of(desk: DeskAt, key: str, asked: NewTicket) -> Report:
    """What was asked, with every id in it checked."""
    given = asked.model_dump(exclude={"name", "idempotency_key"})
    name = asked.name or ""
    if asked.customer_id is not None:
        name = (await desk.one(Customer, asked.customer_id)).name
    if asked.owned_product_id is not None:
        owned = await desk.one(OwnedProduct, asked.owned_product_id)
        if owned.customer_id != asked.customer_id:
            raise Refusal("not_found")
    return Report(key=key, channel=Channel.API, name=name, phone_as_given=asked.phone, **given)


async def again(desk: DeskAt, ticket_id: str, asked: NewTicket) -> Response:
    """The same key with another ticket in it is a mistake of the program, and is said."""
    ticket = await desk.one(Ticket, ticket_id)
    if (ticket.subject, ticket.description) != (asked.subject, asked.description):
        raise Refusal("key_reused")
    return said({"id": ticket_id})


@router.post("/api/tickets/{ticket_id}/replies", may=AGENTS, row="ticket")
async def reply(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[NewMessage] = typed(NewMessage),
    idempotency_key: IdempotencyKey = "",
) -> Response:  # fmt: skip
    """Answer the customer, by the way that the ticket came."""
    await admitted(request, desk, Scope.REPLY)
    return await write(desk, ticket_id, sent, idempotency_key, MessageKind.REPLY)


@router.post("/api/tickets/{ticket_id}/notes", may=AGENTS, row="ticket")
async def note(
    request: Request, desk: Desk, ticket_id: Key, sent: Typed[NewMessage] = typed(NewMessage),
    idempotency_key: IdempotencyKey = "",
) -> Response:  # fmt: skip
    """Leave a note that no customer sees."""
    await admitted(request, desk, Scope.NOTE)
    return await write(desk, ticket_id, sent, idempotency_key, MessageKind.NOTE)


async def write(
    desk: DeskAt, ticket_id: str, sent: Typed[NewMessage], given: str, kind: MessageKind
) -> Response:
    """Store what was written and say it to the ticket, as a colleague's own answer is."""
    head = await head_of(desk.session, desk.person, ticket_id)
    key = own_key(desk, given, sent)
    if sent.value is None:
        return wrong(sent)
    message = message_id(desk.person, ticket_id, key)
    if await is_stored(desk, message):
        before = await desk.one(TicketMessage, message)
        if (before.body, before.kind) != (sent.value.body, kind):
            raise Refusal("key_reused")
    else:
        refuse_if_not(kind.value, head.status)
    channel = head.channel if head.channel in (Channel.SMS, Channel.CHAT) else Channel.EMAIL
    await keep_message(desk, ticket_id, message, kind, sent.value.body, channel)
    order = Reply(key, desk.person.id, datetime.now(UTC), message_id=message, kind=kind)
    answered = await say(desk, ticket_id, kind.value, order)
    return said({"id": message, "status": answered.value}, 201)
