"""What tickets do to the world: their row, their timeline, their waits."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col, select
from temporalio import activity

from activities.kit.letters import said
from activities.kit.timeline import tell_live, write_entry, write_waits
from activities.kit.transactions import transaction
from activities.tickets import automation, kin, promises, writing
from activities.tickets.handovers import handed_over, office_visit
from models.catalogue import Product
from models.customers import Customer, OwnedProduct
from models.field_service import Visit
from models.kit.timeline import EntryKind
from models.messages.tickets import (
    OVER,
    TOPICS,
    Change,
    Channel,
    Clock,
    FaultReport,
    Opened,
    Priority,
    Recorded,
    TicketStatus,
    Weighed,
    ticket_workflow_id,
)
from models.messages.tickets.automation import Effect
from models.messages.tickets.kin import KinRecorded, MergeStep, SplitStep
from models.messages.tickets.promises import TurnDue
from models.messages.tickets.writing import Told
from models.orders import Order, Return
from models.rules import tickets as rules
from models.rules.billing import invoices as billing
from models.rules.field_service import region_of
from models.staff import Account, Team
from models.subscriptions import SubscriptionChange
from models.tickets import Ticket, TicketMessage

KINDS = {
    "tickets.replied": EntryKind.MESSAGE,
    "tickets.customer_wrote": EntryKind.MESSAGE,
    "tickets.noted": EntryKind.NOTE,
    "tickets.assigned": EntryKind.CHANGE,
    "tickets.handed_over": EntryKind.CHANGE,
    "tickets.unassigned": EntryKind.CHANGE,
    "tickets.given_to_team": EntryKind.CHANGE,
    "tickets.prioritised": EntryKind.CHANGE,
    "tickets.child_asked": EntryKind.CHANGE,
    "tickets.macro_used": EntryKind.CHANGE,
    **dict.fromkeys(
        (
            "tickets.merged",
            "tickets.unmerged",
            "tickets.split",
            "tickets.child_joined",
            "tickets.child_left",
            "tickets.snoozed_until",
            "tickets.snoozed_reply",
            "tickets.woken",
        ),
        EntryKind.CHANGE,
    ),
    "tickets.paid": EntryKind.MONEY,
    "tickets.unpaid": EntryKind.MONEY,
    "tickets.payment_due": EntryKind.MONEY,
}
SENT_OUT = frozenset({"tickets.replied", "tickets.resolved", "tickets.letter_failed"})
FOR_US = frozenset(
    {
        "tickets.late", "tickets.overdue", "tickets.noted", "tickets.assigned", "tickets.handed_over",
        "tickets.unassigned", "tickets.given_to_team", "tickets.prioritised",
        "tickets.letter_failed", "tickets.visit_failed", "tickets.unpaid",
        "tickets.child_asked", "tickets.child_settled", "tickets.child_not_done",
        "tickets.repaired_child_open",
        "tickets.reply_late", "tickets.rule_ask", "tickets.macro_used", "tickets.repaired_part_open",
        "tickets.child_joined", "tickets.child_left", "tickets.child_done", "tickets.child_back",
        "tickets.merged", "tickets.unmerged", "tickets.merge_final", "tickets.split",
        "tickets.snoozed_until", "tickets.snoozed_reply", "tickets.snooze_over", "tickets.woken",
    }
)  # fmt: skip


@dataclass
class TicketActivities:
    """What tickets do to the world. Dependencies are handed in once, by worker.py."""

    engine: AsyncEngine

    @activity.defn(name="tickets.be_born")
    async def be_born(self, fault: FaultReport, at: datetime) -> None:
        """Store a ticket that an order or a change opens. Safe to repeat: a ticket that exists stays."""
        async with transaction(self.engine) as session:
            customer = await session.get_one(Customer, fault.customer_id)
            address, region = await _site(session, fault, customer)
            what, place = await office_visit(session, fault)
            subject = said(customer.locale, TOPICS[fault.topic]) % {"case_id": fault.case_id}
            row = {
                "id": fault.ticket_id, "submission_key": ticket_workflow_id(fault.ticket_id),
                "customer_id": fault.customer_id, "owned_product_id": fault.owned_product_id,
                "kind": fault.kind, "case_id": fault.case_id, "channel": Channel.API, "subject": subject,
                "description": what, "status": TicketStatus.RECEIVED, "is_over": False,
                "priority": Priority.P3, "is_confidential": False, "created_at": at, "updated_at": at,
                "seq": 0, "site_address": place or address,
                "site_region": region_of("", place) if place else region,
            }  # fmt: skip
            await session.execute(insert(Ticket).values(row).on_conflict_do_nothing())

    @activity.defn(name="tickets.open")
    async def open(self, change: Change) -> Opened:
        """Route the ticket, promise its deadlines and open it. Safe to repeat: a row that is already
        open keeps the team and the deadlines it got."""
        async with transaction(self.engine) as session:
            ticket = await session.get_one(Ticket, change.ticket_id, with_for_update=True)
            if ticket.seq < change.seq:
                ticket.team_id = await _team_for(session, ticket)
                recorded = await _write(session, ticket, change)
            else:
                recorded = await _written(session, ticket, change)
            return Opened(ticket.team_id or "", ticket.answer_due, ticket.resolve_due, recorded)

    @activity.defn(name="tickets.record")
    async def record(self, change: Change) -> Recorded:
        """Write one step: row, timeline, waits and live signal in one transaction. Safe to repeat: the
        step's own number is written with the row, and a number that is not newer changes nothing."""
        async with transaction(self.engine) as session:
            ticket = await session.get_one(Ticket, change.ticket_id, with_for_update=True)
            if ticket.seq < change.seq:
                return await _write(session, ticket, change)
            return await _written(session, ticket, change)

    @activity.defn(name="tickets.missing_fields")
    async def missing_fields(self, ticket_id: str, act: str) -> list[str]:
        """Say what has to be known before the ticket may end. Safe to repeat: it only reads."""
        async with transaction(self.engine) as session:
            return await writing.missing(session, ticket_id, act)

    @activity.defn(name="tickets.merge")
    async def merge(self, step: MergeStep) -> KinRecorded:
        """Let a ticket go on in another one, both rows locked; of two that want each other one is refused.
        Safe to repeat: a step that is written already changes nothing."""
        change = step.change
        async with transaction(self.engine) as session:
            found = await kin.locked(session, change.ticket_id, step.keeper_id)
            ticket, keeper = found[change.ticket_id], found[step.keeper_id]
            if ticket.seq >= change.seq:
                return KinRecorded(recorded=await _written(session, ticket, change))
            if code := await kin.refusal_of_merge(session, ticket, keeper, step.is_across):
                return KinRecorded(code)
            ticket.merged_into_id = keeper.id
            await kin.tell_other(session, change, keeper.id, "tickets.took_in")
            return KinRecorded(recorded=await _write(session, ticket, change))

    @activity.defn(name="tickets.unmerge")
    async def unmerge(self, step: MergeStep) -> KinRecorded:
        """Make a merged ticket one of its own again, while nothing it went on in is resolved. Safe to
        repeat: a step that is written already changes nothing."""
        change = step.change
        async with transaction(self.engine) as session:
            above = await kin.chain_of(session, await session.get_one(Ticket, change.ticket_id))
            found = await kin.locked(session, change.ticket_id, *above)
            ticket = found[change.ticket_id]
            if ticket.seq >= change.seq:
                return KinRecorded(recorded=await _written(session, ticket, change))
            if found[above[-1]].status not in rules.WORKING or ticket.closed_at is not None:
                return KinRecorded("merge_final")
            ticket.merged_into_id = None
            await kin.tell_other(session, change, above[0], "tickets.gave_back")
            return KinRecorded(recorded=await _write(session, ticket, change))

    @activity.defn(name="tickets.split")
    async def split(self, step: SplitStep) -> KinRecorded:
        """Make a ticket of some messages of this one. Safe to repeat: a step that is written already
        changes nothing, and its key stands on the new ticket."""
        async with transaction(self.engine) as session:
            ticket = await session.get_one(Ticket, step.change.ticket_id, with_for_update=True)
            if ticket.seq >= step.change.seq:
                return KinRecorded(recorded=await _written(session, ticket, step.change))
            code, new = await kin.split_off(session, ticket, step)
            if code:
                return KinRecorded(code)
            details = {"other": new, "count": str(len(step.message_ids))}
            return KinRecorded(recorded=await _write(session, ticket, replace(step.change, details=details)))

    @activity.defn(name="tickets.weigh")
    async def weigh(self, ticket_id: str, at: datetime) -> Weighed:
        """Say whether the repair is billed and for which visits. Safe to repeat: it only reads."""
        async with transaction(self.engine) as session:
            ticket = await session.get_one(Ticket, ticket_id)
            owned = await session.get(OwnedProduct, ticket.owned_product_id or "")
            works = billing.worked(await _works(session, ticket_id))
            verdict = billing.billable(owned.warranty_until if owned else None, works, billing.on_day(at))
            visits = tuple(work.visit_id for work in works) if verdict.is_billable else ()
            return Weighed(verdict.is_billable, verdict.reason, visits)


async def _site(session: AsyncSession, fault: FaultReport, customer: Customer) -> tuple[str, str]:
    """Where somebody has to go for a case: the order's, the return's or the move's address, not the home."""
    if fault.topic == "move":
        change = await session.get(SubscriptionChange, fault.case_id)
        address = str(change.wish.get("address") or "") if change is not None else ""
        return address, region_of("", address, customer.region) if address else ""
    case: Order | Return | None = None
    if fault.topic == "installation":
        case = await session.get(Order, fault.case_id)
    elif fault.topic == "retrieval":
        case = await session.get(Return, fault.case_id)
    if case is None:
        return "", ""
    return f"{case.ship_postcode} {case.ship_address}".strip(), case.ship_region


async def _write(session: AsyncSession, ticket: Ticket, change: Change) -> Recorded:
    """Row, clocks, timeline, then what rules say to it; the waits get the deadlines that came out."""
    was = ticket.status
    _move(ticket, change)
    kept = await promises.keep(session, ticket, change, was)
    if kept is None:
        promises.order_by_dues(ticket)
    if change.priority is not None:
        await promises.repick(session, ticket, change)
    await writing.leave(session, change)
    await session.flush()
    if change.sentence != automation.RING:
        await _tell(session, ticket, change)
    if change.message_id is not None:
        await _deliver(session, change)
    effects, alarm_at = await automation.automate(session, ticket, change, was)
    await session.flush()
    turn = promises.turn_of(kept)
    waits = rules.with_deadline(change.waits, "confirmation", ticket.confirm_due)
    if turn is not None:
        waits = rules.with_deadline(waits, "turn", turn.until, turn.then)
        await promises.write_turn(session, ticket.id, turn)
    await write_waits(session, ticket_workflow_id(ticket.id), waits)
    await kin.tell_kin(session, ticket, change, was)
    await tell_live(session, "tickets", f"ticket:{ticket.id}")
    return _recorded(ticket, turn, alarm_at, effects, await writing.followers(session, ticket, change))


async def _written(session: AsyncSession, ticket: Ticket, change: Change) -> Recorded:
    """What holds after a step that was written before."""
    turn = promises.turn_of(await promises.clocks_of(session, ticket))
    alarm_at = await automation.next_alarm(session, ticket.id)
    effects = await automation.repeated(session, ticket.id, change.seq)
    return _recorded(ticket, turn, alarm_at, effects, await writing.followers(session, ticket, change))


def _recorded(
    ticket: Ticket,
    turn: TurnDue | None,
    alarm_at: datetime | None,
    effects: tuple[Effect, ...],
    told: tuple[Told, ...],
) -> Recorded:
    return Recorded(
        ticket.answer_due, ticket.resolve_due, ticket.confirm_due, turn, alarm_at, effects,
        ticket.team_id or "", ticket.priority.value, told,
    )  # fmt: skip


def _move(ticket: Ticket, change: Change) -> None:
    """Set the row to what the step says; absolute values only."""
    ticket.seq, ticket.status, ticket.updated_at = change.seq, change.status, change.at
    ticket.is_over = change.status in OVER
    if change.sets_agent:
        ticket.agent_id = change.agent_id
    ticket.team_id = change.team_id or ticket.team_id
    ticket.priority = change.priority or ticket.priority
    if change.is_answer:
        ticket.answered_at = change.at
    if change.status is TicketStatus.RESOLVED:
        ticket.resolved_at = ticket.resolved_at or change.at
    if change.sentence == "tickets.reopened":
        ticket.resolved_at = ticket.confirm_due = None
    if change.sets_snooze:
        ticket.is_snoozed, ticket.snoozed_until = change.is_snoozed, change.snoozed_until
    if ticket.is_over and (change.status is not TicketStatus.MERGED or change.sentence == kin.FINAL):
        ticket.closed_at = change.at
    ticket.close_reason = change.close_reason or ticket.close_reason
    if change.clock is Clock.ANSWER:
        ticket.answered_at = None


async def _tell(session: AsyncSession, ticket: Ticket, change: Change) -> None:
    """Add the step's lines to the timeline, with the deadline it promised and colleagues' names of today."""
    details = dict(change.details)
    if change.clock is Clock.ANSWER and ticket.answer_due is not None:
        details["answer_due"] = ticket.answer_due.isoformat()
    details |= await automation.named(session, details)
    details |= await writing.set_by_template(session, ticket, change)
    details.pop("template", None)
    people = {"actor": change.actor_id if change.actor_kind == "staff" else None, "agent": change.agent_id}
    for role, account_id in people.items():
        if account_id is not None and (account := await session.get(Account, account_id)) is not None:
            details[role] = account.name
    details |= await handed_over(session, details.pop("request_id", ""))
    if change.team_id:
        team = await session.get_one(Team, change.team_id)
        details |= {"team_ko": team.name_ko, "team_en": team.name_en}
    if change.priority is not None:
        details["priority"] = change.priority.value.upper()
    if change.message_id is not None:
        details["message_id"] = change.message_id
    if change.reason:
        details["reason"] = change.reason
    for place, sentence in enumerate((change.sentence, *change.further)):
        await write_entry(
            session,
            key=f"{ticket_workflow_id(change.ticket_id)}/{change.seq}.{place}",
            subject=ticket_workflow_id(change.ticket_id),
            ticket_id=change.ticket_id,
            at=change.at,
            sentence=sentence,
            kind=KINDS.get(sentence, EntryKind.STEP),
            actor_kind=change.actor_kind,
            actor_id=change.actor_id,
            details=details,
            is_public=sentence not in FOR_US,
        )


async def _deliver(session: AsyncSession, change: Change) -> None:
    """Note that a message to the customer is on its way, or that it could not be delivered."""
    message = await session.get(TicketMessage, change.message_id)
    if message is None or change.sentence not in (
        "tickets.replied",
        "tickets.resolved",
        "tickets.letter_failed",
    ):
        return
    if change.has_failed_delivery:
        message.delivery = "failed"
    else:
        message.delivery, message.sent_at = "queued", change.at


async def _team_for(session: AsyncSession, ticket: Ticket) -> str | None:
    """Keep a team that was chosen by hand; else route by the product's category."""
    if ticket.team_id is not None:
        return ticket.team_id
    category = select(col(Product.category)).join(
        OwnedProduct, col(OwnedProduct.product_id) == col(Product.id)
    )
    owned = await session.scalar(category.where(col(OwnedProduct.id) == (ticket.owned_product_id or "")))
    teams = (await session.scalars(select(Team))).all()
    return rules.route(owned, [rules.TeamSkills(t.id, frozenset(t.skills), t.is_default) for t in teams])


async def _works(session: AsyncSession, ticket_id: str) -> tuple[billing.VisitWork, ...]:
    """The ticket's visits as the bill sees them; prices play no part in whether it is billed."""
    asked = select(Visit).where(col(Visit.ticket_id) == ticket_id).order_by(col(Visit.id))
    visits = (await session.scalars(asked)).all()
    return tuple(billing.VisitWork(visit.id, visit.outcome, visit.labour_minutes) for visit in visits)
