"""What a mail leaves behind: a customer, a ticket, a message with its files, and lines in the timeline."""

import hashlib
import re
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.kit.intake import service_level
from activities.kit.letters import said
from activities.kit.reading.mails import Mail
from activities.kit.roots import root_of
from activities.kit.timeline import tell_live, write_entry
from activities.tickets.claims import Looked
from models.customers import Customer
from models.kit import ids
from models.kit.outbox import announce_start
from models.kit.pictures import MOST_OF_TICKET
from models.messages.customers import CustomerKind, PairSearch, Tier, pair_search_workflow_id
from models.messages.sentences import N_
from models.messages.tickets import (
    Channel,
    FaultReport,
    MessageKind,
    Priority,
    TicketStatus,
    ticket_workflow_id,
)
from models.messages.tickets.mails import Mark
from models.rules.tickets import mails as rules
from models.tickets import Attachment, InboundMail, Ticket, TicketMessage

HANGUL = re.compile(r"[가-힣]")
NO_SUBJECT = N_("Mail without a subject")
NO_TEXT = N_("(This mail has no text. The original is kept.)")


def message_of(mail_id: str) -> str:
    """The message that a mail becomes: placed twice, it is the same."""
    return f"msg_{hashlib.sha256(f'mail/{mail_id}'.encode()).hexdigest()[:32]}"


def file_of(mail_id: str, place: int) -> str:
    """Where a file of a mail is stored: a name that says nothing, the same however often it is written."""
    return hashlib.sha256(f"file/{mail_id}/{place}".encode()).hexdigest()[:32]


async def customer_for(session: AsyncSession, looked: Looked, at: datetime) -> Customer:
    """Whose address this is; of an unknown one a new, unverified record is written."""
    known = select(Customer).where(col(Customer.email) == looked.sender)
    if looked.sender and (found := await session.scalar(known)):
        return await root_of(session, found)
    words = f"{looked.mail.subject} {looked.mail.text[:2000]} {looked.mail.sender_name}"
    row: dict[str, Any] = {
        "id": ids.fresh("cus"), "kind": CustomerKind.PERSON, "phone": None, "phone_as_given": None,
        "name": looked.mail.sender_name or looked.sender or "?", "email": looked.sender or None,
        "locale": "ko" if HANGUL.search(words) or looked.sender.endswith(".kr") else "en",
        "tier": Tier.STANDARD, "postcode": "", "address": "", "region": "", "is_verified": False,
        "created_at": at, "version": 1,
    }  # fmt: skip
    await session.execute(insert(Customer).values(row).on_conflict_do_nothing())
    own = select(Customer).where(col(Customer.id) == row["id"])
    if made := await session.scalar(own):
        named, asked = pair_search_workflow_id(made.id), PairSearch(made.id, at)
        await announce_start(session, "PairSearch", named, asked, summary="Is the new customer known?")
        return made
    return await root_of(session, (await session.scalars(known)).one())


async def open_ticket(
    session: AsyncSession, customer: Customer, row: InboundMail, looked: Looked, at: datetime, is_quiet: bool
) -> str:
    """A new ticket with its first line and its announcement; the same mail again finds the same one."""
    number = await session.scalar(text("select nextval('ticket_numbers')"))
    ticket_id = ids.ticket_id(int(number or 0))
    subject = looked.mail.subject or said(customer.locale, NO_SUBJECT)
    ticket = {
        "id": ticket_id, "submission_key": f"mail:{row.id}", "submitted_by": "mail",
        "customer_id": customer.id, "owned_product_id": None, "channel": Channel.EMAIL, "subject": subject,
        "description": body_of(looked.mail, customer.locale), "status": TicketStatus.RECEIVED,
        "is_over": False, "priority": Priority.P3, "is_confidential": False, "created_at": at,
        "updated_at": at, "seq": 0,
    }  # fmt: skip
    await session.execute(insert(Ticket).values(ticket))
    await write_entry(
        session, key=f"{ticket_workflow_id(ticket_id)}/0.0", subject=ticket_workflow_id(ticket_id),
        ticket_id=ticket_id, at=at, sentence="tickets.received", actor_kind="customer", is_public=True,
    )  # fmt: skip
    level = await service_level(session, customer.tier, at)
    fault = FaultReport(ticket_id, customer.id, at, level, is_quiet=is_quiet)
    summary = "A report by e-mail, normal priority"
    await announce_start(session, "Ticket", ticket_workflow_id(ticket_id), fault, summary=summary)
    await tell_live(session, "tickets")
    return ticket_id


async def add_message(
    session: AsyncSession, ticket_id: str, row: InboundMail, looked: Looked, mark: Mark, locale: str
) -> str:
    """The mail as a message of its ticket, with its files as far as the ticket still takes any."""
    message = {
        "id": message_of(row.id), "ticket_id": ticket_id, "kind": MessageKind.INBOUND, "author_id": None,
        "author_name": looked.mail.sender_name or looked.sender, "channel": Channel.EMAIL,
        "body": body_of(looked.mail, locale), "created_at": row.received_at, "delivery": "stored",
        "mark": mark.value,
    }  # fmt: skip
    await session.execute(insert(TicketMessage).values(message).on_conflict_do_nothing())
    there = select(func.count()).select_from(Attachment).where(col(Attachment.ticket_id) == ticket_id)
    room = max(0, MOST_OF_TICKET - int(await session.scalar(there) or 0))
    for place, file in enumerate(looked.mail.files):
        if place >= room:
            row.held_back = [*row.held_back, file["name"]]
            continue
        attachment = {
            "id": f"att_{file_of(row.id, place)[:16]}", "ticket_id": ticket_id, "message_id": message["id"],
            "slot": "", "name": file["name"], "media_type": file["media_type"], "size": file["size"],
            "sha256": file["sha256"], "stored_as": file_of(row.id, place),
            "content_id": file["content_id"], "created_at": row.received_at,
        }  # fmt: skip
        await session.execute(insert(Attachment).values(attachment).on_conflict_do_nothing())
    await tell_live(session, f"ticket:{ticket_id}")
    return str(message["id"])


def body_of(mail: Mail, locale: str) -> str:
    """What was newly said; a mail without any text says so."""
    return rules.without_quote(mail.text).strip() or said(locale, NO_TEXT)


async def tell(
    session: AsyncSession, row: InboundMail, ticket_id: str, sentence: str, **details: str
) -> None:
    """One line for colleagues about how a mail came to its ticket."""
    await write_entry(
        session, key=f"mail:{row.id}/{sentence}", subject=ticket_workflow_id(ticket_id),
        ticket_id=ticket_id, at=row.received_at, sentence=sentence, details=dict(details),
    )  # fmt: skip
