"""A company with a ticket about which a letter was sent, and the activities that place mails."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from activities.kit.reading.readers import Readers
from activities.tickets import MailActivities
from models.messages.systems import System
from models.messages.tickets.mails import Placed, PlaceMail
from models.systems import SentMessage
from tests.builders.desk import Company
from tests.builders.mails import ADDRESSES, DESK, keep
from tests.builders.tickets import a_message, a_ticket

VOUCHER = "mx.ieum.test"


class House:
    """The activities, a company, and a ticket about which a letter was sent."""

    def __init__(
        self, engine: AsyncEngine, app: AsyncEngine, folder: Path, company: Company, readers: Readers
    ) -> None:
        self.engine, self.app, self.folder, self.company = engine, app, folder, company
        self.acts = MailActivities(engine, ADDRESSES, folder, VOUCHER, readers)
        self.ticket = a_ticket(company)
        self.mina = ""

    async def begin(self) -> None:
        self.mina = str((await self.rows("select email from customers"))[0].email)
        message = a_message(self.ticket.id)
        key = f"ticket:{self.ticket.id}/3/reply"
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            session.add(self.ticket)
            await session.flush()
            session.add(message)
            session.add(
                SentMessage(
                    key=key, system=System.MAIL, ticket_id=self.ticket.id, letter="tickets/reply",
                    sent_at=datetime.now(UTC), provider_id="p", message_id=ADDRESSES.message_id(key),
                )
            )  # fmt: skip

    @property
    def letter_id(self) -> str:
        return f"<{ADDRESSES.message_id(f'ticket:{self.ticket.id}/3/reply')}>"

    @property
    def signed(self) -> str:
        return ADDRESSES.reply_to(self.ticket.id)

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        async with self.engine.begin() as connection:
            found = await connection.execute(text(statement), values)
            return list(found.all()) if found.returns_rows else []

    async def take(self, raw: bytes, *, to: str = DESK, sender: str = "x@y.test") -> Placed:
        """Keep a mail and place it, twice: the second time changes nothing."""
        mail_id = await keep(self.app, self.folder, raw, to=to, sender=sender)
        order = PlaceMail(mail_id, datetime.now(UTC))
        first = await self.acts.place(order)
        before = await self.counts()
        assert await self.acts.place(order) == first
        assert await self.counts() == before
        return first

    async def counts(self) -> list[Any]:
        tables = ("tickets", "ticket_messages", "attachments", "timeline_entries", "outbox", "customers")
        return [(await self.rows(f"select count(*) from {table}"))[0] for table in tables]

    async def message(self, placed: Placed) -> Any:
        [row] = await self.rows("select * from ticket_messages where id = :id", id=placed.message_id)
        return row

    async def told(self, ticket_id: str) -> dict[str, Any]:
        found = await self.rows(
            "select sentence, details from timeline_entries where ticket_id=:id", id=ticket_id
        )
        return {row.sentence: row.details for row in found}

    async def mail(self, placed: Placed) -> Any:
        asked = "select * from inbound_mails where message_id = :id or ticket_id = :ticket"
        return (await self.rows(asked, id=placed.message_id, ticket=placed.ticket_id))[-1]
