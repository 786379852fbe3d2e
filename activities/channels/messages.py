"""What texts do: put one where it belongs, marked by how sure that is, or let it follow up."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity

from activities.channels import rows
from activities.kit.intake import lock_sender, move_message
from activities.kit.letters import said
from activities.kit.transactions import transaction
from models.channels import ChannelEvent
from models.customers import Consent, Customer
from models.kit.outbox import announce_start
from models.messages.channels import EventStatus, PlacedText, PlaceText
from models.messages.customers import CONSENT_VERSION, ConsentKind, Handover, handover_workflow_id
from models.messages.sentences import N_
from models.messages.systems import System
from models.messages.tickets import Channel
from models.rules import channels as rules
from models.systems import SentMessage
from models.tickets import Ticket

SUBJECT = N_("Text message")
MOST_PER_HOUR = 30  # texts of one number; more wait for somebody to look


@dataclass
class TextActivities:
    """What texts do to the world."""

    engine: AsyncEngine

    @activity.defn(name="channels.place_text")
    async def place(self, order: PlaceText) -> PlacedText:
        """Put a text where it belongs, all rows in one transaction. Safe to repeat: one that has its place
        keeps it."""
        async with transaction(self.engine) as session:
            row = await session.get_one(ChannelEvent, order.event_id, with_for_update=True)
            if row.status is not EventStatus.RECEIVED:
                return placed(row)
            await lock_sender(session, row.sender)
            if not row.original:
                return end(row, EventStatus.IGNORED, "empty")
            if rules.is_stop(row.original):
                await opt_out(session, row, order.at)
                return end(row, EventStatus.IGNORED, "opted_out")
            if await came_lately(session, row, order.at) >= MOST_PER_HOUR:
                return end(row, EventStatus.QUARANTINED, "too_many")
            return await self._put(session, row, order.at)

    async def _put(self, session: AsyncSession, row: ChannelEvent, at: datetime) -> PlacedText:
        customer = await rows.customer_of(session, row.sender, at)
        known = await known_of(session, row, customer)
        where = rules.place(known)
        ticket_id = where.ticket_id or await open_ticket(session, row, customer, at)
        row.message_id = await rows.add_message(
            session, row.id, ticket_id, Channel.SMS, customer.name, row.original, row.received_at,
            where.mark.value,
        )  # fmt: skip
        if where.ticket_id and where.reason != "answer_sure":
            await rows.tell(session, f"{row.id}/hint", ticket_id, at, "channels.text_hint")
        if len(known.open_tickets) > 1:
            others = ", ".join(one for one in known.open_tickets if one != ticket_id)
            await rows.tell(
                session, f"{row.id}/several", ticket_id, at, "channels.text_several", other=others,
                count=str(len(known.open_tickets)),
            )  # fmt: skip
        row.ticket_id = ticket_id
        return end(row, EventStatus.PLACED, where.reason)

    @activity.defn(name="channels.follow_text")
    async def follow(self, order: PlaceText) -> PlacedText:
        """Give a text its own ticket, because the one it was for had ended meanwhile. Safe to repeat."""
        async with transaction(self.engine) as session:
            row = await session.get_one(ChannelEvent, order.event_id, with_for_update=True)
            if row.reason == "new_ticket" or row.ticket_id is None or row.message_id is None:
                return placed(row)
            before = await session.get_one(Ticket, row.ticket_id)
            customer = await session.get_one(Customer, before.customer_id)
            ticket_id = await open_ticket(session, row, customer, order.at)
            await move_message(session, row.message_id, ticket_id)
            key = f"{row.id}/follows"
            await rows.tell(session, key, ticket_id, order.at, "channels.text_follows", other=before.id)
            row.ticket_id, row.reason = ticket_id, "new_ticket"
            return placed(row)


async def known_of(session: AsyncSession, row: ChannelEvent, customer: Customer) -> rules.Known:
    """What speaks for one ticket or another."""
    going_on = await rows.open_tickets(session, customer.id)
    query = (
        select(col(SentMessage.ticket_id))
        .where(
            col(SentMessage.ticket_id).in_(going_on),
            col(SentMessage.system).in_([System.SMS, System.ALIMTALK]),
        )
        .order_by(col(SentMessage.sent_at).desc())
        .limit(1)
    )
    texted = await session.scalar(query)
    is_proved = customer.phone == row.sender and customer.phone_proved_at is not None
    return rules.Known(tuple(going_on), texted or "", row.is_verified, is_proved)


async def open_ticket(session: AsyncSession, row: ChannelEvent, customer: Customer, at: datetime) -> str:
    """A ticket for a text that belongs to none."""
    opening = rows.Opening(
        f"text:{row.id}", customer, Channel.SMS, said(customer.locale, SUBJECT), row.original, at,
        "A report by text message, normal priority", is_quiet=False,
    )  # fmt: skip
    return await rows.open_ticket(session, opening)


async def opt_out(session: AsyncSession, row: ChannelEvent, at: datetime) -> None:
    """Who writes that they want no advertising gets none: also a forged one harms nobody."""
    known = select(Customer).where(col(Customer.phone) == row.sender)
    customer = await session.scalar(known)
    if customer is None:
        return
    newest = (
        select(Consent)
        .where(col(Consent.customer_id) == customer.id, col(Consent.kind) == ConsentKind.MARKETING)
        .order_by(col(Consent.id).desc())
        .limit(1)
    )
    stands = await session.scalar(newest)
    if stands is None or not stands.is_given:
        return
    no = Consent(
        customer_id=customer.id, kind=ConsentKind.MARKETING, version=CONSENT_VERSION, is_given=False, at=at,
        source=f"text:{row.id}",
    )  # fmt: skip
    session.add(no)
    await session.flush()
    order = Handover(customer.id, no.id or 0)
    life = handover_workflow_id(order.customer_id, order.version)
    await announce_start(session, "Handover", life, order, summary="Tell the CRM about a customer")


async def came_lately(session: AsyncSession, row: ChannelEvent, at: datetime) -> int:
    """How many other texts of this number came within the last hour."""
    query = (
        select(func.count())
        .select_from(ChannelEvent)
        .where(
            col(ChannelEvent.sender) == row.sender, col(ChannelEvent.door) == row.door,
            col(ChannelEvent.id) != row.id, col(ChannelEvent.received_at) > at - timedelta(hours=1),
        )
    )  # fmt: skip
    return int(await session.scalar(query) or 0)


def end(row: ChannelEvent, status: EventStatus, reason: str) -> PlacedText:
    """It has its place now."""
    row.status, row.reason = status, reason
    return placed(row)


def placed(row: ChannelEvent) -> PlacedText:
    """Where a text is; to a ticket that was there before it is news."""
    is_news = row.status is EventStatus.PLACED and row.reason != "new_ticket"
    return PlacedText(row.status, row.reason, row.ticket_id or "", row.message_id or "", is_news)
