"""What calls do: one row that follows the events, a line in the story, and a ticket for who was missed."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity

from activities.channels import rows
from activities.kit.letters import said
from activities.kit.timeline import tell_live, write_waits
from activities.kit.transactions import transaction
from models.channels import PhoneCall
from models.customers import Customer
from models.messages.channels import SENTENCES, CallStatus, CallStep, call_workflow_id
from models.messages.tickets import Channel
from models.rules import channels as rules
from models.tickets import Ticket


@dataclass
class PhoneActivities:
    """What calls do to the world."""

    engine: AsyncEngine

    @activity.defn(name="channels.record_call")
    async def record(self, step: CallStep) -> CallStatus:
        """Write one step of a call; its end leaves a line or a ticket. Safe to repeat: an older step changes
        nothing, and what a call leaves is named after it."""
        async with transaction(self.engine) as session:
            call = await session.get_one(PhoneCall, step.call_id, with_for_update=True)
            await write_waits(session, call_workflow_id(call.id), step.waits)
            if call.seq >= step.seq:
                return call.status
            call.seq, call.status = step.seq, step.status
            call.rung_at, call.answered_at = step.facts.rung_at, step.facts.answered_at
            call.ended_at, call.recording = step.facts.ended_at, step.facts.recording
            if step.is_over:
                await self._settle(session, call, step)
            if call.account_id:
                await tell_live(session, f"line:{call.account_id}")
            return call.status

    async def _settle(self, session: AsyncSession, call: PhoneCall, step: CallStep) -> None:
        """A call that is over stands in the story of the one open ticket of its caller; a missed one that
        belongs to none asks for a call back."""
        going_on = await rows.open_tickets(session, call.customer_id) if call.customer_id else []
        call.ticket_id = going_on[0] if len(going_on) == 1 else None
        if call.status is CallStatus.MISSED and call.ticket_id is None and call.caller:
            call.ticket_id = await self._call_back(session, call, step)
        if call.ticket_id is None:
            return
        sentence, details = "channels.call_missed", {}
        if call.status is CallStatus.ENDED and call.answered_at and call.ended_at:
            spoken = max(0, int((call.ended_at - call.answered_at).total_seconds()))
            sentence, details = "channels.call_ended", {"minutes": str(max(1, round(spoken / 60)))}
        await rows.tell(session, f"{call.id}/end", call.ticket_id, step.at, sentence, **details)

    async def _call_back(self, session: AsyncSession, call: PhoneCall, step: CallStep) -> str:
        """A ticket with an hour's promise; who calls again while it is open gets no second one."""
        customer = (
            await session.get_one(Customer, call.customer_id) if call.customer_id
            else await rows.customer_of(session, call.caller, step.at)
        )  # fmt: skip
        call.customer_id = customer.id
        waiting = (
            select(col(Ticket.id))
            .where(
                col(Ticket.customer_id) == customer.id, ~col(Ticket.is_over),
                col(Ticket.submission_key).startswith("call:"), col(Ticket.submitted_by) == "channels",
            )
            .limit(1)
        )  # fmt: skip
        if found := await session.scalar(waiting):
            return str(found)
        subject = said("ko", SENTENCES["channels.call_back"])
        opening = rows.Opening(
            f"call:{call.id}", customer, Channel.PHONE, subject, "", step.at, "A missed call",
            answer_minutes=rules.CALL_BACK_MINUTES, actor_kind="system",
        )  # fmt: skip
        return await rows.open_ticket(session, opening)
