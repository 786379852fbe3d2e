"""What alarms do: look at the minutes of a device, open or update one ticket, say that it recovered."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity

from activities.channels import rows
from activities.kit.letters import said
from activities.kit.timeline import write_waits
from activities.kit.transactions import transaction
from models.channels import DeviceBatch, DeviceFault, DeviceRule, DeviceSignal
from models.customers import Customer, OwnedProduct
from models.kit.outbox import announce_update
from models.messages.channels import (
    FaultRule,
    FaultSeen,
    FaultStatus,
    FaultWait,
    LookAtFault,
    fault_workflow_id,
)
from models.messages.sentences import N_
from models.messages.tickets import Channel, MessageKind, Resolve, ticket_workflow_id
from models.rules import channels as rules
from models.tickets import Ticket, TicketMessage

SUBJECT = N_("Alarm of the device %(serial)s: %(fault)s")
RECOVERED = N_("The device has reported no more alarms since. We take it that it works again.")
KEPT_BATCHES, KEPT_MINUTES = timedelta(days=2), timedelta(days=90)


@dataclass
class FaultActivities:
    """What devices do to the world."""

    engine: AsyncEngine

    @activity.defn(name="channels.look_at_fault")
    async def look(self, order: LookAtFault) -> FaultSeen:
        """Weigh the alarms of a fault and write what follows. Safe to repeat: the ticket and every line are
        named after the fault, and an older look changes nothing."""
        async with transaction(self.engine) as session:
            fault = await session.get_one(DeviceFault, order.fault_id)
            await alone(session, fault.owned_product_id)  # no alarm may slip in while it is ended
            await session.refresh(fault, with_for_update=True)
            if fault.status is FaultStatus.OVER or fault.seq >= order.seq:
                return FaultSeen(fault.status, order.at, fault.ticket_id or "")
            rule = await rule_of(session, fault.fault)
            minutes = await minutes_of(session, fault, rule, order.at)
            weighed = rules.weigh(fault.status, minutes, rule, order.at)
            fault.seq, fault.rule_version = order.seq, rule.version
            if weighed.status is FaultStatus.RAISED:
                await self._tell(session, fault, weighed.count, rule, order.at)
            elif weighed.status is FaultStatus.OVER:
                await self._end(session, fault, rule, order.at)
            fault.status = weighed.status
            return FaultSeen(weighed.status, weighed.next_at, fault.ticket_id or "")

    @activity.defn(name="channels.fault_waits")
    async def wait(self, step: FaultWait) -> None:
        """Write what a watch waits for. Safe to repeat: it writes the same rows again."""
        async with transaction(self.engine) as session:
            await write_waits(session, fault_workflow_id(step.fault_id), step.waits)

    async def _tell(
        self, session: AsyncSession, fault: DeviceFault, count: int, rule: FaultRule, at: datetime
    ) -> None:
        """One ticket a device and fault: it is opened once, and told of further alarms now and then."""
        name = fault.fault.replace("_", " ")
        total = await alarms_since(session, fault)
        if fault.ticket_id is None:
            fault.ticket_id = await ticket_that_waits(session, fault) or await self._open(session, fault, at)
            details = {"fault": name, "count": str(count), "minutes": str(rule.minutes)}
            key = f"{fault.id}/raised"
            await rows.tell(session, key, fault.ticket_id, at, "channels.fault_raised", **details)
        elif total > fault.told_alarms and fault.told_at and at - fault.told_at >= rules.TELL_AGAIN:
            details = {"fault": name, "count": str(total - fault.told_alarms)}
            key = f"{fault.id}/again/{fault.seq}"
            await rows.tell(session, key, fault.ticket_id, at, "channels.fault_again", **details)
        else:
            return
        fault.told_at, fault.told_alarms = at, total

    async def _open(self, session: AsyncSession, fault: DeviceFault, at: datetime) -> str:
        customer = await session.get_one(Customer, fault.customer_id)
        owned = await session.get_one(OwnedProduct, fault.owned_product_id)
        values = {"serial": owned.serial, "fault": fault.fault.replace("_", " ")}
        subject = said(customer.locale, SUBJECT) % values
        opening = rows.Opening(
            f"device:{fault.id}", customer, Channel.DEVICE, subject, "", at, "An alarm of a device",
            owned_product_id=owned.id, actor_kind="system",
        )  # fmt: skip
        return await rows.open_ticket(session, opening)

    async def _end(self, session: AsyncSession, fault: DeviceFault, rule: FaultRule, at: datetime) -> None:
        """Quiet for long enough: said on the ticket, and asked to be confirmed when the rule says so."""
        fault.ended_at = at
        await session.execute(delete(DeviceBatch).where(col(DeviceBatch.at) < at - KEPT_BATCHES))
        old = (col(DeviceSignal.owned_product_id) == fault.owned_product_id,
               col(DeviceSignal.minute) < at - KEPT_MINUTES)  # fmt: skip
        await session.execute(delete(DeviceSignal).where(*old))
        if fault.ticket_id is None:
            return
        key, minutes = f"{fault.id}/recovered", str(rule.quiet_minutes)
        await rows.tell(session, key, fault.ticket_id, at, "channels.fault_recovered", minutes=minutes)
        ticket = await session.get_one(Ticket, fault.ticket_id)
        if rule.closes and not ticket.is_over:
            customer = await session.get_one(Customer, fault.customer_id)
            row = {
                "id": rows.message_of(f"{fault.id}/recovered"), "ticket_id": ticket.id,
                "kind": MessageKind.REPLY, "author_id": None, "author_name": "", "channel": Channel.EMAIL,
                "body": said(customer.locale, RECOVERED), "created_at": at, "delivery": "stored", "mark": "",
            }  # fmt: skip
            await session.execute(insert(TicketMessage).values(row).on_conflict_do_nothing())
            order = Resolve(f"{fault.id}.recovered", "", at, "system", message_id=str(row["id"]))
            await announce_update(session, ticket_workflow_id(ticket.id), "resolve", order)


async def alone(session: AsyncSession, owned_product_id: str) -> None:
    """Until the commit no door writes of this device (the door takes the same lock)."""
    locked = text("select pg_advisory_xact_lock(hashtextextended(:device, 36))")
    await session.execute(locked, {"device": owned_product_id})


async def rule_of(session: AsyncSession, fault: str) -> FaultRule:
    """The newest rule of this fault, else the one for all others."""
    query = (
        select(DeviceRule)
        .where(col(DeviceRule.fault).in_([fault, "*"]))
        .order_by((col(DeviceRule.fault) == fault).desc(), col(DeviceRule.version).desc())
        .limit(1)
    )
    found = await session.scalar(query)
    if found is None:
        return FaultRule()
    return FaultRule(found.alarms, found.minutes, found.quiet_minutes, found.closes, found.version)


async def minutes_of(
    session: AsyncSession, fault: DeviceFault, rule: FaultRule, at: datetime
) -> list[rules.Minute]:
    """The minutes that the rule looks at."""
    span = timedelta(minutes=max(rule.minutes, rule.quiet_minutes) + 1)
    query = select(DeviceSignal).where(
        col(DeviceSignal.owned_product_id) == fault.owned_product_id,
        col(DeviceSignal.fault) == fault.fault, col(DeviceSignal.minute) > at - span,
    )  # fmt: skip
    found = await session.scalars(query)
    return [rules.Minute(one.minute, one.alarms, one.last_at) for one in found]


async def alarms_since(session: AsyncSession, fault: DeviceFault) -> int:
    """How many alarms this episode has had."""
    query = select(DeviceSignal.alarms).where(  # type: ignore[call-overload]
        col(DeviceSignal.owned_product_id) == fault.owned_product_id,
        col(DeviceSignal.fault) == fault.fault,
        col(DeviceSignal.minute) >= fault.began_at - timedelta(minutes=1),
    )
    return sum(await session.scalars(query))


async def ticket_that_waits(session: AsyncSession, fault: DeviceFault) -> str | None:
    """The ticket of an earlier episode of the same fault that still goes on."""
    query = (
        select(col(Ticket.id))
        .join(DeviceFault, col(DeviceFault.ticket_id) == col(Ticket.id))
        .where(
            col(DeviceFault.owned_product_id) == fault.owned_product_id,
            col(DeviceFault.fault) == fault.fault, ~col(Ticket.is_over),
        )
        .order_by(col(Ticket.created_at).desc())
        .limit(1)
    )  # fmt: skip
    found = await session.scalar(query)
    return str(found) if found else None
