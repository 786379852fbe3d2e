"""Messages from outside systems are accepted once; then they only wake a workflow."""

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.messages.systems import System
from models.systems import InboxItem


async def is_first(
    session: AsyncSession, system: System, message_id: str, *, at: datetime, body: dict[str, Any]
) -> bool:
    """Store this message in the caller's transaction; False when it came before."""
    row = {"system": system, "message_id": message_id, "received_at": at, "body": body}
    statement = insert(InboxItem).values(row).on_conflict_do_nothing().returning(col(InboxItem.message_id))
    return (await session.execute(statement)).first() is not None
