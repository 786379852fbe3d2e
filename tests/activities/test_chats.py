"""What is said in a chat is not repeated by letter; what was said after it is."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from activities.channels import ChatActivities
from activities.kit.threads import is_in_chat
from models.channels import Chat, ChatPresence
from models.messages.channels import ChatSide, LookAtChat
from models.messages.letters import Letter
from models.messages.tickets import Channel, MessageKind
from models.tickets import TicketMessage
from tests.builders.company import build

NOW = datetime.now(UTC)


async def say(engine: AsyncEngine, minutes: float, ended: float | None) -> None:
    """An answer so many minutes after the beginning of a chat that ended after so many, or goes on."""
    async with AsyncSession(engine) as session, session.begin():
        chat = await session.get_one(Chat, "T1")
        chat.began_at = NOW
        chat.ended_at = None if ended is None else NOW + timedelta(minutes=ended)
        side = await session.get_one(ChatPresence, ("T1", ChatSide.CUSTOMER))
        side.seen_at = NOW
        session.add(
            TicketMessage(
                id="said", ticket_id="T1", kind=MessageKind.REPLY, channel=Channel.CHAT, body="x",
                created_at=NOW + timedelta(minutes=minutes),
            )
        )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "ended", "key", "is_in"),
    [
        (1, None, "ticket:T1/3/reply", True),
        (1, 5, "ticket:T1/3/reply", True),
        (6, 5, "ticket:T1/3/reply", False),
        (1, 5, "chat:T1/said", False),
    ],
)
async def test_one_letter_at_most_says_it_again(
    worker_engine: AsyncEngine, said: float, ended: float | None, key: str, is_in: bool
) -> None:
    await build(worker_engine)
    await say(worker_engine, said, ended)

    async with AsyncSession(worker_engine) as session:
        assert await is_in_chat(session, Letter(key, "T1", "tickets/reply", message_id="said")) is is_in


async def test_a_look_twice_gives_once_and_ends_only_what_is_silent(worker_engine: AsyncEngine) -> None:
    await build(worker_engine)
    await say(worker_engine, 1, None)
    chats = ChatActivities(worker_engine)

    early = await chats.look(LookAtChat("T1", NOW + timedelta(minutes=10)))
    late = [await chats.look(LookAtChat("T1", NOW + timedelta(minutes=m))) for m in (12, 40)]

    assert not early.is_over
    assert early.until == NOW + timedelta(minutes=11)
    assert [one.is_over for one in late] == [True, True]
    assert late[0] == late[1]
    assert late[0].unseen == ("said",)
