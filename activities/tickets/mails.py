"""What mails do to tickets: read one, put it where it belongs, hold it back, or let it follow up."""

import asyncio
import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio import activity

from activities.kit.addresses import Addresses
from activities.kit.intake import lock_sender, move_message
from activities.kit.reading.mails import Mail
from activities.kit.reading.readers import Readers, Unreadable
from activities.kit.timeline import write_waits
from activities.kit.transactions import transaction
from activities.tickets import mail_rows as rows
from activities.tickets.claims import Looked, came_lately, looked_up, may_confirm
from activities.tickets.kin import keeper_of
from models.customers import Customer
from models.messages.tickets.mails import (
    MailStatus,
    MailStep,
    Mark,
    Placed,
    PlaceMail,
    mail_workflow_id,
)
from models.rules.tickets import mails as rules
from models.tickets import InboundMail, Ticket, TicketMessage

NEWS = frozenset({"signed_address", "vouched_reference", "bare_reference", "bounce"})


@dataclass
class MailActivities:
    """What mails do to the world. Reading happens in other processes: a mail may be anything."""

    engine: AsyncEngine
    addresses: Addresses
    folder: Path
    vouched_by: str = ""
    readers: Readers = field(default_factory=Readers)

    @activity.defn(name="tickets.place_mail")
    async def place(self, order: PlaceMail) -> Placed:
        """Read a mail and put it where it belongs, all rows in one transaction. Safe to repeat: a mail that
        has its place keeps it, and what it becomes is named after it."""
        async with transaction(self.engine) as session:
            row = await session.get_one(InboundMail, order.mail_id)
            if _has_place(row, order):
                return await to_keeper(session, placed(row))
            path = self.folder / (row.stored_as or "")
        try:
            mail, contents = await self.readers.read(path)
            await asyncio.to_thread(self._store, order.mail_id, mail, contents)
        except Unreadable:
            mail = Mail(is_whole=False)
        async with transaction(self.engine) as session:
            row = await session.get_one(InboundMail, order.mail_id, with_for_update=True)
            if _has_place(row, order):
                return await to_keeper(session, placed(row))
            looked = await looked_up(session, self.addresses, row, mail, self.vouched_by)
            note(row, looked, order)
            return await to_keeper(session, await self._put(session, row, looked, order))

    @activity.defn(name="tickets.record_mail")
    async def record(self, step: MailStep) -> None:
        """Write the waits of a mail that is held back, and its end. Safe to repeat: absolute values, and a
        step that is not newer changes nothing."""
        async with transaction(self.engine) as session:
            row = await session.get_one(InboundMail, step.mail_id, with_for_update=True)
            await write_waits(session, mail_workflow_id(row.id), step.waits)
            if row.seq >= step.seq:
                return
            row.seq = step.seq
            if step.ends_with:
                row.status, row.reason = MailStatus.IGNORED, step.ends_with
                row.decided_by = step.actor_id or None

    @activity.defn(name="tickets.follow_up_mail")
    async def follow_up(self, order: PlaceMail) -> Placed:
        """Give a message its own ticket, because the one it was for had ended meanwhile. Safe to repeat: the
        mail's key finds the ticket that was made before."""
        async with transaction(self.engine) as session:
            row = await session.get_one(InboundMail, order.mail_id, with_for_update=True)
            if row.reason == "new_ticket" or row.message_id is None:
                return placed(row)
            before = await session.get_one(Ticket, row.ticket_id)
            message = await session.get_one(TicketMessage, row.message_id)
            customer = await session.get_one(Customer, before.customer_id)
            mail = Mail(subject=row.subject, text=message.body)
            looked = Looked(mail, row.sender, rules.Written.PERSON, rules.Claims())
            ticket_id = await rows.open_ticket(session, customer, row, looked, order.at, is_quiet=True)
            await move_message(session, row.message_id, ticket_id)
            await rows.tell(session, row, ticket_id, "tickets.mail_follows", other=before.id)
            row.ticket_id, row.reason = ticket_id, "new_ticket"
            return placed(row)

    def _store(self, mail_id: str, mail: Mail, contents: list[bytes]) -> None:
        """The files of a mail under names that say nothing; written again they are the same."""
        for place, (file, data) in enumerate(zip(mail.files, contents, strict=True)):
            (self.folder / rows.file_of(mail_id, place)).write_bytes(data)
            file["sha256"] = hashlib.sha256(data).hexdigest()

    async def _put(self, session: AsyncSession, row: InboundMail, looked: Looked, order: PlaceMail) -> Placed:
        """Where it goes, in the order of what is surest."""
        if self.addresses.is_ours(row.header_id) or (
            looked.sender in self.addresses.known and looked.written is not rules.Written.PERSON
        ):
            return end(row, MailStatus.IGNORED, "own_mail", order)
        if looked.written is rules.Written.REPORT:
            return reported(row, looked, order)
        claims = looked.claims
        if looked.written is rules.Written.ANSWERING_MACHINE and not order.is_released:
            if claims.is_over or not (claims.signed or claims.answered):
                return end(row, MailStatus.IGNORED, "automatic", order)
            return await self._add(session, row, looked, rules.Place(
                claims.signed or claims.answered, Mark.AUTOMATIC, "automatic"
            ), order)  # fmt: skip
        await lock_sender(session, looked.sender)
        if not order.is_released and (reason := await held_back(session, row, looked, order.at)):
            return end(row, MailStatus.QUARANTINED, reason, order)
        place = rules.place(claims)
        if place.ticket_id:
            return await self._add(session, row, looked, place, order)
        return await self._open(session, row, looked, place, order)

    async def _add(
        self, session: AsyncSession, row: InboundMail, looked: Looked, place: rules.Place, order: PlaceMail
    ) -> Placed:
        """A message of a ticket that is there."""
        ticket = await session.get_one(Ticket, place.ticket_id)
        customer = await session.get_one(Customer, ticket.customer_id)
        row.message_id = await rows.add_message(session, ticket.id, row, looked, place.mark, customer.locale)
        return await self._told(session, row, looked, ticket.id, place, order)

    async def _open(
        self, session: AsyncSession, row: InboundMail, looked: Looked, place: rules.Place, order: PlaceMail
    ) -> Placed:
        """A ticket of its own, with a hint at what it may belong to."""
        customer = await rows.customer_for(session, looked, order.at)
        is_own = looked.sender in self.addresses.known
        row.is_acknowledged = not is_own and await may_confirm(
            session, looked, customer.is_verified, order.at
        )
        ticket_id = await rows.open_ticket(
            session, customer, row, looked, order.at, is_quiet=not row.is_acknowledged
        )
        row.message_id = await rows.add_message(session, ticket_id, row, looked, place.mark, customer.locale)
        if place.hint:
            sentence = "tickets.mail_follows" if place.is_follow_up else "tickets.mail_hint"
            await rows.tell(session, row, ticket_id, sentence, other=place.hint)
        return await self._told(session, row, looked, ticket_id, place, order)

    async def _told(
        self, session: AsyncSession, row: InboundMail, looked: Looked, ticket_id: str, place: rules.Place,
        order: PlaceMail,
    ) -> Placed:  # fmt: skip
        """Say in the timeline what is not in the message."""
        if not looked.mail.is_whole:
            await rows.tell(session, row, ticket_id, "tickets.mail_unread")
        if row.held_back:
            await rows.tell(session, row, ticket_id, "tickets.mail_held_back", count=str(len(row.held_back)))
        row.ticket_id = ticket_id
        return end(row, MailStatus.THREADED, place.reason, order)


async def to_keeper(session: AsyncSession, where: Placed) -> Placed:
    """What is news to a merged ticket is told to the one in which it goes on."""
    if not (where.is_news and where.ticket_id):
        return where
    keeper, _ = await keeper_of(session, where.ticket_id)
    return replace(where, ticket_id=keeper)


def _has_place(row: InboundMail, order: PlaceMail) -> bool:
    """Whether somebody has decided about it; one that is held back may still be released."""
    if row.status is MailStatus.QUARANTINED:
        return not order.is_released
    return row.status is not MailStatus.RECEIVED


def note(row: InboundMail, looked: Looked, order: PlaceMail) -> None:
    """What lists and searches show of a mail."""
    mail = looked.mail
    row.sender, row.sender_name, row.subject = looked.sender, mail.sender_name, mail.subject
    row.header_id, row.html, row.held_back = mail.header_id, mail.html, list(mail.held_back)
    row.decided_by = order.actor_id or None


async def held_back(session: AsyncSession, row: InboundMail, looked: Looked, at: datetime) -> str:
    """Why a person has to look at it first, or nothing."""
    if row.reason == "too_large":
        return "too_large"
    if not looked.sender:
        return "no_sender" if looked.mail.is_whole or looked.mail.subject else "unreadable"
    if looked.claims.signed:
        return ""
    if looked.written is rules.Written.LIST and not looked.claims.answered:
        return "bulk"
    many = await came_lately(session, row, looked.sender, at)
    return "too_many" if many >= rules.MOST_PER_HOUR else ""


def reported(row: InboundMail, looked: Looked, order: PlaceMail) -> Placed:
    """A report about a letter of ours: its ticket is told when the letter did not arrive."""
    letter = looked.letter
    if letter is None or not letter.ticket_id:
        return end(row, MailStatus.IGNORED, "unknown_bounce", order)
    row.ticket_id = letter.ticket_id
    if not rules.has_failed(looked.mail.is_report, looked.mail.actions):
        return end(row, MailStatus.IGNORED, "automatic", order)
    row.letter_key = letter.key
    return end(row, MailStatus.THREADED, "bounce", order)


def end(row: InboundMail, status: MailStatus, reason: str, order: PlaceMail) -> Placed:
    """It has its place now."""
    row.status, row.reason, row.placed_at = status, reason, order.at
    return placed(row)


def placed(row: InboundMail) -> Placed:
    """Where a mail is; to a ticket that was there before it is news."""
    is_news = row.status is MailStatus.THREADED and row.reason in NEWS
    return Placed(
        row.status, row.reason, row.ticket_id or "", row.message_id or "", row.letter_key, is_news=is_news
    )
