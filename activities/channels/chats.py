"""What chats do: look whether somebody still writes, and end with what the customer has not seen."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity

from activities.channels import rows
from activities.kit.timeline import tell_live, write_waits
from activities.kit.transactions import transaction
from models.channels import Chat, ChatPresence
from models.messages.channels import ChatSeen, ChatSide, LookAtChat, chat_workflow_id
from models.messages.tickets import Channel, MessageKind
from models.rules import channels as rules
from models.tickets import TicketMessage


@dataclass
class ChatActivities:
    """What chats do to the world."""

    engine: AsyncEngine

    @activity.defn(name="channels.look_at_chat")
    async def look(self, order: LookAtChat) -> ChatSeen:
        """Say until when silence is borne, or end the chat. Safe to repeat: one that has ended stays so, and
        its line is named after it."""
        async with transaction(self.engine) as session:
            chat = await session.get_one(Chat, order.chat_id, with_for_update=True)
            until = await spoken_at(session, chat) + rules.CHAT_SILENCE
            opened = tuple(replace(wait, until=until) for wait in order.waits.opened)
            await write_waits(session, chat_workflow_id(chat.id), replace(order.waits, opened=opened))
            if chat.ended_at is None:
                if until > order.at and not order.is_last:
                    return ChatSeen(False, until, ticket_id=chat.id)
                chat.ended_at = order.at
                sentence = "channels.chat_left" if order.is_last else "channels.chat_ended"
                await rows.tell(session, f"chat:{chat.id}/end", chat.id, order.at, sentence)
                await tell_live(session, f"chat:{chat.id}")
            return ChatSeen(True, chat.ended_at, await unseen(session, chat), chat.id)


async def spoken_at(session: AsyncSession, chat: Chat) -> datetime:
    """When somebody wrote last."""
    said = select(func.max(col(TicketMessage.created_at))).where(
        col(TicketMessage.ticket_id) == chat.id, col(TicketMessage.kind) != MessageKind.NOTE
    )
    return max(chat.began_at, await session.scalar(said) or chat.began_at)


async def unseen(session: AsyncSession, chat: Chat) -> tuple[str, ...]:
    """Our words of this chat that the customer's page has not fetched: they go by letter now."""
    side = await session.get(ChatPresence, (chat.id, ChatSide.CUSTOMER))
    query = (
        select(col(TicketMessage.id))
        .where(
            col(TicketMessage.ticket_id) == chat.id, col(TicketMessage.kind) == MessageKind.REPLY,
            col(TicketMessage.channel) == Channel.CHAT, col(TicketMessage.created_at) >= chat.began_at,
            col(TicketMessage.created_at) <= (chat.ended_at or chat.began_at),
        )
        .order_by(col(TicketMessage.created_at))
        .limit(20)
    )  # fmt: skip
    if side is not None:
        query = query.where(col(TicketMessage.created_at) > side.seen_at)
    return tuple(await session.scalars(query))
