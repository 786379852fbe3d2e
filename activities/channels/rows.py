"""What the channels leave behind: a customer, a ticket, a message, and lines in its timeline."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.kit.intake import service_level
from activities.kit.timeline import tell_live, write_entry
from models.customers import Customer
from models.kit import ids
from models.kit.outbox import announce_start
from models.messages.customers import CustomerKind, Tier
from models.messages.tickets import (
    Channel,
    FaultReport,
    MessageKind,
    Priority,
    TicketKind,
    TicketStatus,
    ticket_workflow_id,
)
from models.tickets import Ticket, TicketMessage


@dataclass(frozen=True)
class Opening:
    """A ticket that something outside opens; `key` makes it one, however often it is opened."""

    key: str
    customer: Customer
    channel: Channel
    subject: str
    body: str
    at: datetime
    summary: str
    owned_product_id: str | None = None
    answer_minutes: int = 0  # a shorter promise than the tier's
    is_quiet: bool = True
    actor_kind: str = "customer"


async def open_ticket(session: AsyncSession, opening: Opening) -> str:
    """Store a ticket with its first line and its announcement; opened again it is the same one."""
    known = select(col(Ticket.id)).where(
        col(Ticket.submission_key) == opening.key, col(Ticket.submitted_by) == "channels"
    )
    if found := await session.scalar(known):
        return str(found)
    number = await session.scalar(text("select nextval('ticket_numbers')"))
    ticket_id = ids.ticket_id(int(number or 0))
    row = {
        "id": ticket_id, "submission_key": opening.key, "submitted_by": "channels",
        "customer_id": opening.customer.id, "owned_product_id": opening.owned_product_id,
        "channel": opening.channel, "subject": opening.subject, "description": opening.body,
        "status": TicketStatus.RECEIVED, "is_over": False, "priority": Priority.P3, "is_confidential": False,
        "created_at": opening.at, "updated_at": opening.at, "seq": 0,
    }  # fmt: skip
    await session.execute(insert(Ticket).values(row))
    await write_entry(
        session, key=f"{ticket_workflow_id(ticket_id)}/0.0", subject=ticket_workflow_id(ticket_id),
        ticket_id=ticket_id, at=opening.at, sentence="tickets.received", actor_kind=opening.actor_kind,
        is_public=True,
    )  # fmt: skip
    level = await service_level(session, opening.customer.tier, opening.at)
    if opening.answer_minutes:
        level = replace(level, answer_minutes=min(level.answer_minutes, opening.answer_minutes))
    fault = FaultReport(ticket_id, opening.customer.id, opening.at, level, is_quiet=opening.is_quiet)
    await announce_start(session, "Ticket", ticket_workflow_id(ticket_id), fault, summary=opening.summary)
    await tell_live(session, "tickets")
    return ticket_id


async def customer_of(session: AsyncSession, phone: str, at: datetime, name: str = "") -> Customer:
    """Whose number this is; of an unknown one a new, unverified record is written."""
    known = select(Customer).where(col(Customer.phone) == phone, col(Customer.erased_at).is_(None))
    if phone and (found := await session.scalar(known)):
        return found
    row: dict[str, Any] = {
        "id": ids.fresh("cus"), "kind": CustomerKind.PERSON, "phone": phone if phone[:1] == "+" else None,
        "phone_as_given": phone or None, "name": name or phone or "?", "email": None, "locale": "ko",
        "tier": Tier.STANDARD, "postcode": "", "address": "", "region": "", "is_verified": False,
        "created_at": at, "version": 1,
    }  # fmt: skip
    await session.execute(insert(Customer).values(row).on_conflict_do_nothing())
    own = select(Customer).where(col(Customer.id) == row["id"])
    return await session.scalar(own) or (await session.scalars(known)).one()


def message_of(event_id: str) -> str:
    """The message that something becomes: placed twice, it is the same."""
    return f"msg_{hashlib.sha256(f'channel/{event_id}'.encode()).hexdigest()[:32]}"


async def add_message(
    session: AsyncSession, event_id: str, ticket_id: str, channel: Channel, who: str, body: str,
    at: datetime, mark: str,
) -> str:  # fmt: skip
    """What came, as a message of its ticket, with what is known about who sent it."""
    row = {
        "id": message_of(event_id), "ticket_id": ticket_id, "kind": MessageKind.INBOUND, "author_id": None,
        "author_name": who, "channel": channel, "body": body, "created_at": at, "delivery": "stored",
        "mark": mark,
    }  # fmt: skip
    await session.execute(insert(TicketMessage).values(row).on_conflict_do_nothing())
    await tell_live(session, f"ticket:{ticket_id}")
    return str(row["id"])


async def tell(
    session: AsyncSession, key: str, ticket_id: str, at: datetime, sentence: str, **details: str
) -> None:
    """One line for colleagues in a ticket's story."""
    await write_entry(
        session, key=key, subject=ticket_workflow_id(ticket_id), ticket_id=ticket_id, at=at,
        sentence=sentence, details=dict(details),
    )  # fmt: skip
    await tell_live(session, f"ticket:{ticket_id}")


async def open_tickets(session: AsyncSession, customer_id: str) -> list[str]:
    """The tickets of a customer that go on, the newest first."""
    query = (
        select(col(Ticket.id))
        .where(
            col(Ticket.customer_id) == customer_id, ~col(Ticket.is_over), col(Ticket.kind) != TicketKind.TASK
        )
        .order_by(col(Ticket.created_at).desc(), col(Ticket.id).desc())
        .limit(20)
    )
    return list(await session.scalars(query))
