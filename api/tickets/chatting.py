"""Who is there in a chat, and who is typing; the words themselves are messages of the ticket."""

from datetime import UTC, datetime

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from api.kit.desk import DeskAt
from api.tickets.birth import tell_live
from models.channels import Chat, ChatPresence
from models.messages.channels import ChatSide


async def open_chat(desk: DeskAt, ticket_id: str) -> Chat | None:
    """The chat of a ticket while it goes on."""
    query = desk.visible(Chat).where(col(Chat.id) == ticket_id, col(Chat.ended_at).is_(None))
    found: Chat | None = await desk.session.scalar(query)
    return found


async def present(desk: DeskAt, ticket_id: str, side: ChatSide, *, is_typing: bool = False) -> None:
    """Note that a side is there; typing is forgotten by what is said."""
    now = datetime.now(UTC)
    row = {"chat_id": ticket_id, "side": side, "seen_at": now, "typed_at": now if is_typing else None}
    statement = insert(ChatPresence).values(row)
    fresh = {name: statement.excluded[name] for name in ("seen_at", "typed_at")}
    await desk.session.execute(
        statement.on_conflict_do_update(index_elements=["chat_id", "side"], set_=fresh)
    )


async def typing(desk: DeskAt, ticket_id: str, side: ChatSide) -> None:
    """Somebody types: the other side sees it at once, while the chat goes on."""
    if await open_chat(desk, ticket_id) is not None:
        await present(desk, ticket_id, side, is_typing=True)
        await tell_live(desk, f"chat:{ticket_id}")
