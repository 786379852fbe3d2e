"""Telling the CRM: who agreed to marketing is known there, who withdrew it is no longer."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select
from temporalio import activity

from activities.connectors.marketing import Contact, Marketing
from activities.kit.transactions import transaction
from models.customers import Consent, Customer
from models.messages.customers import ConsentKind, Handover
from models.rules import customers as rules


@dataclass
class HandoverActivities:
    """What leaves towards the CRM; dependencies are handed in by worker.py."""

    engine: AsyncEngine
    marketing: Marketing

    @activity.defn(name="customers.hand_over")
    async def hand_over(self, handover: Handover) -> bool:
        """Tell the CRM how the customer stands now, under the number of the newest consent. Safe to repeat:
        it is an upsert by our id, and the CRM ignores a version older than the one it knows."""
        async with transaction(self.engine) as session:
            customer = await session.get_one(Customer, handover.customer_id)
            query = select(Consent).where(Consent.customer_id == customer.id).order_by(col(Consent.id))
            said = (await session.scalars(query)).all()
        is_in = rules.newest((one.kind, one.is_given) for one in said)[ConsentKind.MARKETING]
        is_in = is_in and customer.erased_at is None
        version = max((one.id or 0 for one in said), default=handover.version)
        contact = Contact(customer.id, version, is_in)
        if is_in:
            contact = Contact(
                customer.id, version, True, customer.name, customer.email or "", customer.phone or "",
                customer.locale,
            )  # fmt: skip
        await self.marketing.upsert(contact)
        return is_in
