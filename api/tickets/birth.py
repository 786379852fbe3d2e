"""A ticket is born: customer, ticket, first message, photos, timeline and announcement in one transaction."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import case, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import SQLModel, col

from api.kit.desk import DeskAt
from api.kit.language import locale
from api.tickets.files import stored
from api.tickets.saying import message_id
from models.customers import Customer, OwnedProduct
from models.kit import ids
from models.kit.outbox import announce_start
from models.kit.pictures import Photo
from models.kit.refusals import Refusal
from models.kit.timeline import ActorKind, EntryKind, TimelineEntry
from models.messages.customers import CustomerKind, PairSearch, Tier, pair_search_workflow_id
from models.messages.tickets import (
    Channel,
    FaultReport,
    MessageKind,
    Priority,
    ServiceLevel,
    TicketStatus,
    ticket_workflow_id,
)
from models.tickets import Attachment, ServicePolicy, Ticket, TicketMessage

LEVEL = tuple(name for name in ServiceLevel.__dataclass_fields__ if name not in ("policy", "version"))

# What the Temporal UI says of a journey: plain words, nobody's data.
CAME_BY = {
    Channel.PORTAL: "A signed-in customer's report", Channel.FORM: "A report by the public form",
    Channel.PHONE: "A report by telephone", Channel.EMAIL: "A report by e-mail",
    Channel.SMS: "A report by text message", Channel.API: "A report by a program",
    Channel.CHAT: "A chat", Channel.DEVICE: "An alarm of a device",
}  # fmt: skip
URGENCY = {
    Priority.P1: "urgent", Priority.P2: "high priority", Priority.P3: "normal priority",
    Priority.P4: "low priority",
}  # fmt: skip


@dataclass(frozen=True)
class Report:
    """A fault as somebody described it; `customer_id` only when it is known for certain."""

    key: str  # of the form: sent twice it is one ticket
    subject: str
    description: str
    channel: Channel
    priority: Priority = Priority.P3
    customer_id: str | None = None
    name: str = ""
    phone: str | None = None
    phone_as_given: str | None = None
    email: str | None = None
    region: str = ""
    address: str = ""
    owned_product_id: str | None = None
    product_id: str | None = None
    serial: str = ""
    photos: list[Photo] = field(default_factory=list)
    is_stranger: bool = False  # nobody is recognised by an address that only was typed


async def receive(
    desk: DeskAt, report: Report, folder: Path, beside: Callable[[str], Awaitable[None]] | None = None
) -> str:
    """Store a report and announce its ticket; the same form again answers with the same ticket. What shall
    stand `beside` it goes into the same transaction."""
    files = [(photo, await stored(folder, photo)) for photo in report.photos]
    await desk.take_in()
    if earlier := await earlier_ticket(desk, report.key):
        return earlier
    now = datetime.now(UTC)
    customer_id = report.customer_id or await customer_for(desk, report, now)
    owned = report.owned_product_id or await product_for(desk, report, customer_id)
    number = await desk.session.scalar(text("select nextval('ticket_numbers')"))
    ticket_id = ids.ticket_id(int(number or 0))
    row = fresh_row(report, ticket_id, now) | {
        "submitted_by": desk.person.id, "customer_id": customer_id, "owned_product_id": owned,
    }  # fmt: skip
    if not await is_new(desk, Ticket, row):
        # The same form arrived twice at the same moment: the other one was first.
        await desk.session.rollback()
        await desk.take_in()
        return await earlier_ticket(desk, report.key) or ""
    message = await first_message(desk, ticket_id, report, now)
    await attach(desk, ticket_id, message, files, now)
    await tell_timeline(desk, ticket_id, now)
    level = await service_level(desk, report.priority, customer_id, now)
    fault = FaultReport(ticket_id, customer_id, now, level)
    await announce_start(
        desk.session,
        "Ticket",
        ticket_workflow_id(ticket_id),
        fault,
        summary=f"{CAME_BY[report.channel]}, {URGENCY[report.priority]}",
    )
    await tell_live(desk, "tickets")
    if beside is not None:
        await beside(ticket_id)
    await desk.commit()
    return ticket_id


def fresh_row(report: Report, ticket_id: str, now: datetime) -> dict[str, Any]:
    """What the report itself says of its ticket."""
    return {
        "id": ticket_id, "submission_key": report.key, "channel": report.channel, "subject": report.subject,
        "description": report.description, "status": TicketStatus.RECEIVED, "is_over": False,
        "priority": report.priority, "is_confidential": False, "created_at": now, "updated_at": now, "seq": 0,
    }  # fmt: skip


async def is_new(desk: DeskAt, model: type[SQLModel], row: dict[str, Any]) -> bool:
    """Store a row; False when there is one with such a key already, which stays as it is."""
    statement = insert(model).values(row).on_conflict_do_nothing().inline()
    # Without this option an INSERT always says -1.
    made: Any = await desk.session.execute(statement, execution_options={"preserve_rowcount": True})
    return bool(made.rowcount == 1)


async def earlier_ticket(desk: DeskAt, key: str) -> str | None:
    """The ticket that this form has already made."""
    found: str | None = await desk.session.scalar(select(func.intake_ticket(key)))
    return found


async def customer_for(desk: DeskAt, report: Report, now: datetime) -> str:
    """Recognise the customer by telephone or e-mail, silently; else write a new one down, unverified."""
    known = select(func.intake_customer(report.phone or "", report.email or ""))
    if not report.is_stranger and (found := await desk.session.scalar(known)):
        return str(found)
    row: dict[str, Any] = {
        "id": ids.fresh("cus"), "kind": CustomerKind.PERSON, "name": report.name, "phone": report.phone,
        "phone_as_given": report.phone_as_given, "email": report.email, "locale": locale(),
        "tier": Tier.STANDARD, "postcode": "", "address": report.address, "region": report.region,
        "is_verified": False, "created_at": now, "version": 1,
    }  # fmt: skip
    # An address that stands unproved on somebody else's record stays there: it is only kept as it was given.
    for left_out in ((), ("phone",), ("email",), ("phone", "email")):
        if await is_new(desk, Customer, {**row, **dict.fromkeys(left_out)}):
            made = str(row["id"])
            named, asked = pair_search_workflow_id(made), PairSearch(made, now)
            await announce_start(
                desk.session, "PairSearch", named, asked, summary="Is the new customer known?"
            )
            return made
        # the same person at the same moment
        if not report.is_stranger and (found := await desk.session.scalar(known)):
            return str(found)
    raise Refusal("try_again_later")


async def product_for(desk: DeskAt, report: Report, customer_id: str) -> str | None:
    """The customer's device with this serial number; one that nobody owns yet becomes theirs."""
    if not (report.product_id and report.serial):
        return None
    mine = select(func.intake_product(customer_id, report.product_id, report.serial))
    if found := await desk.session.scalar(mine):
        return str(found)
    row = {
        "id": ids.fresh("own"), "customer_id": customer_id, "product_id": report.product_id,
        "serial": report.serial.upper(), "region": report.region,
    }  # fmt: skip
    return str(row["id"]) if await is_new(desk, OwnedProduct, row) else None


async def first_message(desk: DeskAt, ticket_id: str, report: Report, now: datetime) -> str:
    """What the customer said, as the first message of the ticket."""
    by = desk.person
    message = message_id(by, ticket_id, report.key)
    row = {
        "id": message, "ticket_id": ticket_id, "kind": MessageKind.INBOUND,
        "author_id": None if by.is_desk else by.account_id, "author_name": report.name,
        "channel": report.channel, "body": report.description, "created_at": now, "delivery": "stored",
    }  # fmt: skip
    await desk.session.execute(insert(TicketMessage).values(row).inline())
    return message


async def attach(
    desk: DeskAt, ticket_id: str, message: str, files: list[tuple[Photo, str]], now: datetime
) -> None:
    """Hang the photos on the first message."""
    for photo, name in files:
        await desk.session.execute(
            insert(Attachment).values(attached(ticket_id, message, photo, name, now)).inline()
        )


async def tell_timeline(desk: DeskAt, ticket_id: str, now: datetime) -> None:
    """The first line of the ticket's story."""
    actor = ActorKind.STAFF if desk.person.is_desk else ActorKind.CUSTOMER
    line = {
        "key": f"{ticket_workflow_id(ticket_id)}/0.0", "subject": ticket_workflow_id(ticket_id),
        "ticket_id": ticket_id, "at": now, "kind": EntryKind.STEP, "actor_kind": actor,
        "actor_id": desk.person.account_id, "sentence": "tickets.received", "details": {}, "is_public": True,
    }  # fmt: skip
    await desk.session.execute(insert(TimelineEntry).values(line).inline())


def attached(ticket_id: str, message: str, photo: Photo, name: str, now: datetime) -> dict[str, object]:
    """One photo as a row."""
    return {
        "id": ids.fresh("att"), "ticket_id": ticket_id, "message_id": message, "slot": "", "name": photo.name,
        "media_type": photo.media_type, "size": len(photo.data), "sha256": photo.sha256, "stored_as": name,
        "created_at": now,
    }  # fmt: skip


async def service_level(desk: DeskAt, priority: Priority, customer_id: str, now: datetime) -> ServiceLevel:
    """The promise of today for this customer's tier, else the standard one; later edits do not reach it."""
    tier = str(await desk.session.scalar(select(func.intake_tier(customer_id))) or Tier.STANDARD)
    return await level_for(desk, priority, tier, now)


async def level_for(desk: DeskAt, priority: Priority, tier: str, now: datetime) -> ServiceLevel:
    """The promise of today for a tier, else the standard one."""
    query = (
        select(ServicePolicy)
        .where(
            col(ServicePolicy.name).in_([tier, "standard"]), col(ServicePolicy.priority) == priority,
            col(ServicePolicy.valid_from) <= now,
        )
        .order_by(case((col(ServicePolicy.name) == tier, 0), else_=1), col(ServicePolicy.version).desc())
        .limit(1)
    )  # fmt: skip
    policy = await desk.session.scalar(query)
    if policy is None:
        return ServiceLevel()
    return ServiceLevel(
        policy=policy.name, version=policy.version, **{name: getattr(policy, name) for name in LEVEL}
    )


async def tell_live(desk: DeskAt, *topics: str) -> None:
    """Signal open pages, after the commit, that something changed."""
    for topic in topics:
        await desk.session.execute(select(func.pg_notify("ieum_live", topic)))
