"""What a letter says in its head, so that an answer finds its ticket and no machine answers it."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.kit.addresses import Addresses
from models.channels import Chat
from models.customers import Customer
from models.messages.letters import Letter
from models.messages.tickets import Channel
from models.tickets import InboundMail, Ticket, TicketMessage

BY_PEOPLE = frozenset({"tickets/reply"})  # a colleague has written what stands in it


async def thread_headers(
    session: AsyncSession, addresses: Addresses | None, letter: Letter, ticket: Ticket | None
) -> dict[str, str]:
    """The head of a letter; one about a ticket says where its answer goes and what it belongs to."""
    if addresses is None:
        return {}
    head = {"Message-ID": f"<{addresses.message_id(letter.key)}>"}
    if ticket is None:
        return head
    query = (
        select(col(InboundMail.header_id))
        .where(col(InboundMail.ticket_id) == ticket.id, col(InboundMail.header_id) != "")
        .order_by(col(InboundMail.received_at).desc(), col(InboundMail.id).desc())
        .limit(5)
    )
    written = [one for one in await session.scalars(query) if one.isascii()]
    before = [addresses.thread(ticket.id), *reversed(written)]
    head["Reply-To"] = addresses.reply_to(ticket.id)
    head["References"] = " ".join(f"<{one}>" for one in before)
    if written:
        head["In-Reply-To"] = f"<{written[0]}>"
    if letter.template in BY_PEOPLE:
        head["Auto-Submitted"] = "no"
    elif letter.template == "tickets/received" and ticket.channel is Channel.EMAIL:
        head["Auto-Submitted"] = "auto-replied"
    return head


def by_mail(letter: Letter, ticket: Ticket | None, customer: Customer) -> dict[str, Any]:
    """The first answer to a mail repeats nothing of it: anybody may have written in the receiver's name."""
    if ticket is None or ticket.channel is not Channel.EMAIL or letter.template != "tickets/received":
        return {}
    name = customer.name if customer.is_verified else customer.email or ""
    return {"subject": ticket.id, "name": name}


async def is_in_chat(session: AsyncSession, letter: Letter) -> bool:
    """Whether an answer was said in a chat: no letter repeats it but the one of the chat's own end."""
    if letter.template != "tickets/reply" or letter.message_id is None or letter.key.startswith("chat:"):
        return False
    message = await session.get(TicketMessage, letter.message_id)
    if message is None or message.channel is not Channel.CHAT:
        return False
    chat = await session.get(Chat, message.ticket_id)
    return chat is not None and (chat.ended_at is None or message.created_at <= chat.ended_at)
