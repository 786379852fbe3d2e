"""What rules may ask about a ticket, read from the tables once for each step; and what a rule answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from activities.kit.calendars import working_calendar
from models.catalogue import Product
from models.customers import Customer, OwnedProduct
from models.kit.expressions import Unanswerable, evaluate, holds, names_in
from models.messages.tickets import MessageKind
from models.messages.tickets.automation import PERSONAL, SCOPE, TicketRule, Verdict
from models.rules.calendars import KST, WorkingCalendar, working_minutes_between
from models.tickets import Ticket, TicketMessage

LONGEST = 120  # signs of a value that is kept
Facts = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class About:
    """What belongs to a ticket beside its own row."""

    customer: Customer
    owned: OwnedProduct | None = None
    product: Product | None = None
    message: TicketMessage | None = None  # the newest of the customer
    messages: int = 0


async def about(session: AsyncSession, ticket: Ticket) -> About:
    """Read what belongs to one ticket."""
    owned = await session.get(OwnedProduct, ticket.owned_product_id or "")
    theirs = (
        col(TicketMessage.ticket_id) == ticket.id,
        col(TicketMessage.kind) == MessageKind.INBOUND,
    )
    newest = select(TicketMessage).where(*theirs).order_by(col(TicketMessage.created_at).desc()).limit(1)
    return About(
        await session.get_one(Customer, ticket.customer_id),
        owned,
        await session.get(Product, owned.product_id) if owned is not None else None,
        await session.scalar(newest),
        int(await session.scalar(select(func.count()).where(*theirs)) or 0),
    )


async def facts_of(session: AsyncSession, ticket: Ticket, at: datetime, was: str) -> Facts:
    """Everything that a condition may ask, at this moment."""
    return stated(ticket, await about(session, ticket), at, was, await working_calendar(session, at))


def stated(ticket: Ticket, known: About, at: datetime, was: str, days: WorkingCalendar) -> Facts:
    """The same from rows at hand."""
    local, message = at.astimezone(KST), known.message
    warranty = known.owned.warranty_until if known.owned is not None else None
    return {
        "ticket": of_ticket(ticket, at) | {"messages": known.messages},
        "customer": {
            "tier": known.customer.tier.value, "kind": known.customer.kind.value,
            "region": known.customer.region, "is_verified": known.customer.is_verified,
        },
        "product": {
            "id": known.product.id if known.product else "",
            "category": known.product.category if known.product else "",
            "is_known": known.product is not None,
            "in_warranty": warranty is not None and warranty >= local.date(),
        },
        "message": {
            "text": message.body if message else "", "mark": message.mark if message else "",
            "channel": message.channel.value if message else "",
        },
        "was": {"status": was},
        "now": {
            "hour": local.hour, "weekday": local.isoweekday(),
            "is_working": working_minutes_between(at, at + timedelta(minutes=1), days) == 1,
        },
    }  # fmt: skip


def of_ticket(ticket: Ticket, at: datetime) -> dict[str, Any]:
    """What the ticket's own row says; rules before this one may have changed it."""
    return {
        "kind": ticket.kind.value, "channel": ticket.channel.value, "priority": ticket.priority.value,
        "status": ticket.status.value, "subject": ticket.subject, "text": ticket.description,
        "tags": list(ticket.tags), "team": ticket.team_id or "", "has_agent": ticket.agent_id is not None,
        "is_answered": ticket.answered_at is not None,
        "age_hours": int((at - ticket.created_at).total_seconds() // 3600),
    }  # fmt: skip


def judge(rule: TicketRule, facts: Mapping[str, Any]) -> Verdict:
    """Whether every condition of a rule holds; if not, which one does not and with which values."""
    for place, text in enumerate(rule.conditions):
        try:
            if holds(text, facts):
                continue
            code = ""
        except Unanswerable as unanswerable:
            code = unanswerable.code
        return Verdict(rule.key, rule.version, False, place, text, values_in(text, facts), code)
    return Verdict(rule.key, rule.version, True)


def values_in(text: str, facts: Mapping[str, Any]) -> dict[str, str]:
    """What the names of a condition stood for; what people wrote is left out."""
    found: dict[str, str] = {}
    for name in names_in(text):
        if name.partition(".")[0] not in SCOPE:
            continue  # a name of a macro's own
        if name in PERSONAL:
            found[name] = "…"
            continue
        try:
            found[name] = _written(evaluate(name, facts))
        except Unanswerable:
            found[name] = "?"
    return found


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_written(one) for one in value)[:LONGEST]
    return str(value)[:LONGEST]
