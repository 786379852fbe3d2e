"""A rule asked about the tickets of the past days: what it would have done. Nothing is changed."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, func, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col, select
from temporalio import activity

from activities.kit.beating import beating
from activities.kit.calendars import working_calendar
from activities.kit.transactions import transaction
from activities.tickets import facts as asking
from activities.tickets.facts import About
from models.catalogue import Product
from models.customers import Customer, OwnedProduct
from models.kit.records import from_record, to_record
from models.messages.tickets import MessageKind, TicketStatus
from models.messages.tickets.automation import (
    ActionKind,
    TicketRule,
    TrialOrder,
    TrialResult,
    TrialRow,
    TrialStatus,
    Trigger,
    Verdict,
)
from models.rules.calendars import WorkingCalendar
from models.tickets import RuleTrial, RuleVersion, Ticket, TicketMessage

MOST_ROWS, MOST_MESSAGES = 50, 20


@dataclass(frozen=True)
class Past:
    """One ticket with what belongs to it."""

    ticket: Ticket
    known: About
    messages: tuple[TicketMessage, ...]  # of the customer, in order


@dataclass
class RuleTrialActivities:
    """What would have been."""

    engine: AsyncEngine

    @activity.defn(name="tickets.count_past")
    async def count_past(self, order: TrialOrder) -> int:
        """How many tickets there are to look at. Safe to repeat: it only counts."""
        async with transaction(self.engine) as session:
            asked = select(func.count()).where(*_past(order))
            total = int(await session.scalar(asked) or 0)
            mine = col(RuleTrial.id) == order.trial_id
            await session.execute(update(RuleTrial).where(mine).values(total=total))
            return total

    @activity.defn(name="tickets.try_slice")
    async def try_slice(self, order: TrialOrder, after: str) -> str:
        """Ask the rule about the next tickets; answers with the last of them, or nothing. Safe to repeat: a
        slice that is counted is not counted again."""
        async with beating(), transaction(self.engine) as session:
            trial = await session.get_one(RuleTrial, order.trial_id, with_for_update=True)
            if trial.last_ticket > after:
                return trial.last_ticket
            version = await session.get_one(RuleVersion, (order.rule_key, order.version))
            rule = from_record(TicketRule, version.definition)
            pasts = await _read(session, order, after)
            if not pasts:
                return ""
            days = await working_calendar(
                session, pasts[-1].ticket.created_at, min(one.ticket.created_at for one in pasts)
            )
            before = from_record(TrialResult, trial.result) if trial.result else TrialResult()
            result = await asyncio.to_thread(tried, rule, pasts, days, before)
            trial.result, trial.last_ticket = to_record(result), pasts[-1].ticket.id
            return trial.last_ticket

    @activity.defn(name="tickets.end_trial")
    async def end_trial(self, order: TrialOrder, at: datetime) -> None:
        """Say that it is done. Safe to repeat: absolute values."""
        async with transaction(self.engine) as session:
            trial = await session.get_one(RuleTrial, order.trial_id, with_for_update=True)
            trial.status, trial.finished_at = TrialStatus.DONE, trial.finished_at or at


def _past(order: TrialOrder) -> tuple[ColumnElement[bool], ...]:
    """Tickets of these days; confidential ones are nobody's example."""
    return (
        col(Ticket.created_at) >= order.since, ~col(Ticket.is_confidential),
        col(Ticket.status) != TicketStatus.RECEIVED,
    )  # fmt: skip


async def _read(session: AsyncSession, order: TrialOrder, after: str) -> list[Past]:
    query = select(Ticket).where(*_past(order), col(Ticket.id) > after)
    query = query.order_by(col(Ticket.id)).limit(order.slice_size)
    tickets = list(await session.scalars(query))
    people = select(Customer).where(col(Customer.id).in_({one.customer_id for one in tickets}))
    customers = {one.id: one for one in await session.scalars(people)}
    things = select(OwnedProduct).where(
        col(OwnedProduct.id).in_({one.owned_product_id for one in tickets if one.owned_product_id})
    )
    owned = {one.id: one for one in await session.scalars(things)}
    models = select(Product).where(col(Product.id).in_({one.product_id for one in owned.values()}))
    products = {one.id: one for one in await session.scalars(models)}
    said: dict[str, list[TicketMessage]] = defaultdict(list)
    messages = select(TicketMessage).where(
        col(TicketMessage.ticket_id).in_([one.id for one in tickets]),
        col(TicketMessage.kind) == MessageKind.INBOUND,
    )
    for message in await session.scalars(messages.order_by(col(TicketMessage.created_at))):
        said[message.ticket_id].append(message)
    found = []
    for ticket in tickets:
        thing = owned.get(ticket.owned_product_id or "")
        about = About(customers[ticket.customer_id], thing, products.get(thing.product_id) if thing else None)
        found.append(Past(ticket, about, tuple(said[ticket.id][:MOST_MESSAGES])))
    return found


def tried(rule: TicketRule, pasts: list[Past], days: WorkingCalendar, before: TrialResult) -> TrialResult:
    """The count so far with these tickets added."""
    held = [*before.held, *([0] * (len(rule.conditions) - len(before.held)))]
    would, unanswered, same, rows = before.would, before.unanswered, before.same_team, list(before.rows)
    teams = {one.value for one in rule.actions if one.kind is ActionKind.TEAM}
    for past in pasts:
        verdict = _best([asking.judge(rule, facts) for facts in _moments(rule, past, days)])
        if verdict is None:
            continue
        if verdict.fired:
            would += 1
            same += past.ticket.team_id in teams
            if len(rows) < MOST_ROWS:
                rows.append(TrialRow(past.ticket.id, past.ticket.team_id or "", past.ticket.priority.value))
        elif verdict.code:
            unanswered += 1
        else:
            held[verdict.condition] += 1
    return replace(
        before, seen=before.seen + len(pasts), would=would, held=tuple(held), unanswered=unanswered,
        same_team=same, rows=tuple(rows),
    )  # fmt: skip


def _moments(rule: TicketRule, past: Past, days: WorkingCalendar) -> list[asking.Facts]:
    """When in a ticket's life the rule is asked: as it was born, at each message, or as it is."""
    ticket = past.ticket
    if rule.trigger is Trigger.MESSAGE:
        return [
            asking.stated(
                ticket, replace(past.known, message=one, messages=place), one.created_at,
                ticket.status.value, days,
            )
            for place, one in enumerate(past.messages[1:], start=2)
        ]  # fmt: skip
    first = past.messages[0] if past.messages else None
    known = replace(past.known, message=first, messages=len(past.messages[:1]))
    if rule.trigger is not Trigger.OPENED:
        known = replace(known, messages=len(past.messages))
        return [asking.stated(ticket, known, ticket.updated_at, ticket.status.value, days)]
    facts = asking.stated(ticket, known, ticket.created_at, TicketStatus.RECEIVED.value, days)
    facts["ticket"] |= {
        "status": TicketStatus.OPEN.value, "has_agent": False, "is_answered": False, "tags": [],
    }  # fmt: skip
    return [facts]


def _best(verdicts: list[Verdict]) -> Verdict | None:
    """One answer for a ticket: that it would have acted counts most."""
    return next((one for one in verdicts if one.fired), verdicts[-1] if verdicts else None)
