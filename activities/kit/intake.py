"""What every channel does when something comes in: one sender at a time, today's promise, its own ticket."""

import hashlib
from datetime import datetime

from sqlalchemy import case, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.messages.customers import Tier
from models.messages.tickets import Priority, ServiceLevel
from models.tickets import Attachment, ServicePolicy, TicketMessage

LEVEL = tuple(name for name in ServiceLevel.__dataclass_fields__ if name not in ("policy", "version"))


async def lock_sender(session: AsyncSession, sender: str) -> None:
    """What one sender sends is placed one after the other, so that the counts below hold."""
    number = int.from_bytes(hashlib.sha256(sender.encode()).digest()[:8], "big", signed=True)
    await session.execute(text("select pg_advisory_xact_lock(:number)"), {"number": number})


async def service_level(session: AsyncSession, tier: Tier, at: datetime) -> ServiceLevel:
    """The promise of today for this tier, else the standard one; later edits do not reach it."""
    query = (
        select(ServicePolicy)
        .where(
            col(ServicePolicy.name).in_([tier.value, "standard"]),
            col(ServicePolicy.priority) == Priority.P3, col(ServicePolicy.valid_from) <= at,
        )
        .order_by(
            case((col(ServicePolicy.name) == tier.value, 0), else_=1), col(ServicePolicy.version).desc()
        )
        .limit(1)
    )  # fmt: skip
    policy = await session.scalar(query)
    if policy is None:
        return ServiceLevel()
    return ServiceLevel(
        policy=policy.name, version=policy.version, **{name: getattr(policy, name) for name in LEVEL}
    )


async def move_message(session: AsyncSession, message_id: str, ticket_id: str) -> None:
    """A message that came for a ticket which is over goes to its own, with its files."""
    mine = col(TicketMessage.id) == message_id
    await session.execute(update(TicketMessage).where(mine).values(ticket_id=ticket_id))
    files = update(Attachment).where(col(Attachment.message_id) == message_id)
    await session.execute(files.values(ticket_id=ticket_id))
