"""What speaks for a mail's belonging to a ticket: addresses, letters of ours that it answers, counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from activities.kit.addresses import Addresses
from activities.kit.reading.mails import Mail
from activities.tickets.kin import keeper_of
from models.customers import Customer
from models.messages.tickets.mails import Mark
from models.rules.tickets import mails as rules
from models.systems import SentMessage
from models.tickets import InboundMail, Ticket, TicketMessage


@dataclass(frozen=True)
class Looked:
    """A mail with what the tables know about its sender and what it refers to."""

    mail: Mail
    sender: str
    written: rules.Written
    claims: rules.Claims
    letter: SentMessage | None = None  # of ours that it answers, or reports about


async def looked_up(
    session: AsyncSession, addresses: Addresses, row: InboundMail, mail: Mail, vouched_by: str
) -> Looked:
    """Everything that decides where this mail goes."""
    sender = mail.sender or (row.envelope_from if row.envelope_from.count("@") == 1 else "")
    has_no_return = mail.machine.get("return_path", "").replace(" ", "") == "<>" or (
        row.source.value == "smtp" and not row.envelope_from
    )
    written = rules.written_by(mail.machine, mail.is_report, sender, has_no_return)
    named = [*mail.reported, *mail.references]
    letter = await letter_of(session, [one for one in named if addresses.is_ours(one)])
    if letter is not None and written is rules.Written.MACHINE and has_no_return:
        written = rules.Written.REPORT  # of a server that knows no delivery reports
    if written is not rules.Written.REPORT:
        letter = await letter_of(session, [one for one in mail.references if addresses.is_ours(one)])
    signed = await existing(session, addresses.ticket_of([*row.envelope_to, *mail.receivers]))
    answered = letter.ticket_id if letter is not None else None
    ticket = await session.get(Ticket, signed or answered or "")
    claims = rules.Claims(
        signed=signed,
        answered=answered or "",
        named=await existing(session, rules.number_in(mail.subject)),
        is_participant=ticket is not None and await is_participant(session, ticket, sender),
        is_vouched=rules.is_vouched_for(mail.vouched, vouched_by, sender),
        is_over=ticket is not None and (await keeper_of(session, ticket.id))[1],
    )
    return Looked(mail, sender, written, claims, letter)


async def letter_of(session: AsyncSession, own_ids: Sequence[str]) -> SentMessage | None:
    """The newest named letter that we really sent."""
    if not own_ids:
        return None
    found = await session.scalars(select(SentMessage).where(col(SentMessage.message_id).in_(own_ids)))
    by_id = {one.message_id: one for one in found}
    return next((by_id[one] for one in reversed(own_ids) if one in by_id), None)


async def existing(session: AsyncSession, ticket_id: str) -> str:
    """The ticket, if there is one."""
    found = await session.scalar(select(col(Ticket.id)).where(col(Ticket.id) == ticket_id))
    return str(found or "")


async def is_participant(session: AsyncSession, ticket: Ticket, sender: str) -> bool:
    """Whether this is the customer's address, or one that has proved itself in this ticket before."""
    if not sender:
        return False
    customer = await session.get_one(Customer, ticket.customer_id)
    if (customer.email or "").lower() == sender:
        return True
    proved = (
        select(col(InboundMail.id))
        .join(TicketMessage, col(TicketMessage.id) == col(InboundMail.message_id))
        .where(
            col(InboundMail.ticket_id) == ticket.id, col(InboundMail.sender) == sender,
            col(TicketMessage.mark) == Mark.PROVED.value,
        )
        .limit(1)
    )  # fmt: skip
    return await session.scalar(proved) is not None


async def came_lately(session: AsyncSession, row: InboundMail, sender: str, at: datetime) -> int:
    """How many other mails of this sender came within the last hour."""
    mine = (col(InboundMail.sender) == sender, col(InboundMail.id) != row.id)
    query = select(func.count()).where(*mine, col(InboundMail.received_at) > at - timedelta(hours=1))
    return int(await session.scalar(query) or 0)


async def may_confirm(session: AsyncSession, looked: Looked, is_known: bool, at: datetime) -> bool:
    """Whether its sender is told that the mail came: seldom one address, and not many strangers at once.

    Whoever writes in somebody else's name makes us write to them; so we do not do it often."""
    if not rules.may_be_answered(looked.written, looked.mail.machine, looked.sender):
        return False
    told = col(InboundMail.is_acknowledged).is_(True)
    mine = select(func.count()).where(
        told, col(InboundMail.sender) == looked.sender,
        col(InboundMail.received_at) > at - timedelta(days=1),
    )  # fmt: skip
    if int(await session.scalar(mine) or 0) >= rules.ANSWERS_PER_DAY:
        return False
    if is_known or looked.claims.is_vouched:
        return True
    hour = select(func.count()).where(told, col(InboundMail.received_at) > at - timedelta(hours=1))
    return int(await session.scalar(hour) or 0) < rules.ANSWERS_PER_HOUR
