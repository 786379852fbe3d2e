"""The page on which a ticket is linked, parted, merged and split, with what stands in the way."""

from dataclasses import dataclass

from fastapi import Request
from sqlmodel import col
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.language import gettext as _
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import AGENTS
from api.kit.seeing import has
from api.kit.texts import Key
from api.tickets.kin import Kin, goes_on_in, kin_of
from api.tickets.page import Head, head_of, why_not
from api.tickets.queue import Row, rows_by_id
from api.tickets.routing import router
from models.messages.staff import Role
from models.messages.tickets import MessageKind
from models.rules import tickets as rules
from models.tickets import Ticket, TicketMessage

MOST_OTHERS, MOST_MESSAGES, SHOWN = 20, 100, 160


@dataclass(frozen=True)
class Choice:
    """One message that may become a ticket of its own."""

    id: str
    by: str
    text: str
    kind: MessageKind


@dataclass(frozen=True)
class KinPage:
    """Everything to choose from."""

    head: Head
    kin: Kin
    others: tuple[Row, ...]  # open tickets of the same customer
    messages: tuple[Choice, ...]
    why_not: dict[str, str]
    may_across: bool
    known: str = ""  # what a part begins with


@router.get("/tickets/{ticket_id}/kin", may=AGENTS, row="ticket")
async def kin(request: Request, desk: Desk, ticket_id: Key) -> Response:
    """Show what belongs to a ticket, and what may be done about it."""
    return await kin_page(request, desk, ticket_id)


async def kin_page(
    request: Request,
    desk: DeskAt,
    ticket_id: str,
    *,
    form: Form | None = None,
    status: int = 200,
) -> Response:
    """The page; a form with something wrong in it comes back as it was typed."""
    if form is None and (keeper := await goes_on_in(desk, ticket_id)):
        return move_on(request, f"/tickets/{keeper}")
    head = await head_of(desk.session, desk.person, ticket_id)
    page = KinPage(
        head, await kin_of(desk.session, desk.person, ticket_id), await others_of(desk, head),
        await messages_of(desk, ticket_id), {act: why_not(act, head) for act in ("merge", "split")},
        has(desk.person, Role.DISPATCHER, Role.ADMIN),
        _("Sub-ticket of %(id)s: %(subject)s", id=head.id, subject=head.subject) + f"\n\n{head.description}",
    )  # fmt: skip
    return answer(request, "tickets/kin.html", page, form=form, status=status)


async def others_of(desk: DeskAt, head: Head) -> tuple[Row, ...]:
    """Other tickets of the customer in which this one could go on, the newest first."""
    query = desk.visible(Ticket).with_only_columns(col(Ticket.id))
    mine = (
        col(Ticket.customer_id) == head.customer_id, col(Ticket.id) != head.id,
        col(Ticket.status).in_(rules.WORKING),
    )  # fmt: skip
    ids = list(
        await desk.session.scalars(
            query.where(*mine).order_by(col(Ticket.created_at).desc()).limit(MOST_OTHERS)
        )
    )
    rows = await rows_by_id(desk.session, desk.person, ids)
    return tuple(rows[one] for one in ids if one in rows)


async def messages_of(desk: DeskAt, ticket_id: str) -> tuple[Choice, ...]:
    """The ticket's own messages, the newest first."""
    query = desk.visible(TicketMessage).with_only_columns(
        col(TicketMessage.id), col(TicketMessage.author_name), col(TicketMessage.body),
        col(TicketMessage.kind),
    )  # fmt: skip
    query = query.where(col(TicketMessage.ticket_id) == ticket_id)
    rows = await desk.session.execute(
        query.order_by(col(TicketMessage.created_at).desc()).limit(MOST_MESSAGES)
    )
    return tuple(Choice(row[0], row[1] or _("Customer"), row[2][:SHOWN], row[3]) for row in rows)
