"""Contracts begin with their order, and are undone with it."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col, select
from temporalio import activity

from activities.kit.transactions import transaction
from activities.subscriptions.rows import keep_rent, tell_contract, void
from models.billing import BillingAccount
from models.kit.records import to_record
from models.messages.subscriptions import (
    Activation,
    Activations,
    ChargeKind,
    Deactivations,
    DeviceExchanged,
    SubscriptionStatus,
)
from models.rules.subscriptions.charges import due
from models.rules.subscriptions.effects import obligation_of
from models.rules.subscriptions.periods import Contract, bill_date_from, next_bill
from models.subscriptions import Subscription, SubscriptionCharge


class OrderedContracts:
    """The part of the activities that orders ask for."""

    engine: AsyncEngine

    @activity.defn(name="subscriptions.activate")
    async def activate(self, asked: Activations) -> tuple[str, ...]:
        """Begin the contracts of an order with their first charges. Safe to repeat: a contract that is there
        stays as it is, also when it has ended or changed meanwhile."""
        async with transaction(self.engine) as session:
            for one in sorted(asked.contracts, key=lambda each: each.plan.is_add_on):
                await _begin(session, one, asked.at)
        return tuple(one.subscription_id for one in asked.contracts)

    @activity.defn(name="subscriptions.deactivate")
    async def deactivate(self, asked: Deactivations) -> int:
        """End the contracts of an order as if they had not begun; what is on no document yet is void.

        Safe to repeat: what has ended is left alone. Answers with how many contracts ended."""
        if asked.subscription_ids:
            return await self._end_with_device(asked)
        async with transaction(self.engine) as session:
            query = select(Subscription).where(col(Subscription.order_id) == asked.order_id).with_for_update()
            roots = list(await session.scalars(query))
            more = select(Subscription).where(col(Subscription.parent_id).in_([one.id for one in roots]))
            rows = {one.id: one for one in (*roots, *await session.scalars(more.with_for_update()))}
            running = [one for one in rows.values() if one.status is not SubscriptionStatus.ENDED]
            for row in running:
                row.status, row.ends_on = SubscriptionStatus.ENDED, row.starts_on
                row.billed_until, row.next_bill_on = row.starts_on, None
                row.end_reason, row.seq = asked.reason, row.seq + 1
                await void(session, col(SubscriptionCharge.subscription_id) == row.id)
                await tell_contract(
                    session, row, "subscriptions.deactivated", asked.at, plan=str(row.terms["name_ko"])
                )
            return len(running)

    async def _end_with_device(self, asked: Deactivations) -> int:
        """End the contracts that a return names, with their add-ons: on a day, or as if never begun."""
        async with transaction(self.engine) as session:
            named = col(Subscription.id).in_(asked.subscription_ids)
            query = select(Subscription).where(
                named | col(Subscription.parent_id).in_(asked.subscription_ids)
            )
            rows = list(await session.scalars(query.order_by(col(Subscription.id)).with_for_update()))
            running = [one for one in rows if one.status is not SubscriptionStatus.ENDED]
            for row in running:
                day = asked.ends_on or row.starts_on or asked.at.date()
                row.status, row.ends_on, row.next_bill_on = SubscriptionStatus.ENDED, day, None
                row.billed_until = min(row.billed_until or day, day)
                row.end_reason, row.seq = asked.reason, row.seq + 1
                await void(
                    session, col(SubscriptionCharge.subscription_id) == row.id,
                    col(SubscriptionCharge.from_on) >= day,
                )  # fmt: skip
                if asked.ends_on is None:
                    await _credit(session, row, asked.at)
                plan = str(row.terms["name_ko"])
                await tell_contract(session, row, "subscriptions.ended_with_device", asked.at, plan=plan)
            return len(running)

    @activity.defn(name="subscriptions.exchange_device")
    async def exchange_device(self, asked: DeviceExchanged) -> int:
        """Contracts go on with another device. Safe to repeat: it sets the same device."""
        moved = 0
        async with transaction(self.engine) as session:
            query = select(Subscription).where(col(Subscription.id).in_(asked.subscription_ids))
            for row in await session.scalars(query.order_by(col(Subscription.id)).with_for_update()):
                if (new := asked.devices.get(row.owned_product_id or "")) is None:
                    continue
                row.owned_product_id, row.seq, moved = new, row.seq + 1, moved + 1
                await tell_contract(
                    session, row, "subscriptions.device_exchanged", asked.at, plan=str(row.terms["name_ko"])
                )
        return moved


async def _credit(session: AsyncSession, row: Subscription, at: datetime) -> None:
    """What was billed of a contract that never was goes back with the next bill: one credit a charge."""
    billed = select(SubscriptionCharge).where(
        col(SubscriptionCharge.subscription_id) == row.id, col(SubscriptionCharge.document_id).is_not(None),
        ~col(SubscriptionCharge.is_void),
    )  # fmt: skip
    for charge in (await session.scalars(billed)).all():
        line = {
            "id": f"{charge.id}:back", "subscription_id": row.id, "customer_id": charge.customer_id,
            "kind": ChargeKind.PRORATION, "name_ko": charge.name_ko, "name_en": charge.name_en,
            "gross_minor": -charge.gross_minor, "net_minor": -charge.net_minor,
            "tax_minor": -charge.tax_minor, "tax_rule": charge.tax_rule, "currency": charge.currency,
            "from_on": charge.from_on, "until_on": charge.until_on, "basis": "returned", "is_credit": True,
            "is_void": False, "created_at": at,
        }  # fmt: skip
        await session.execute(insert(SubscriptionCharge).values(line).on_conflict_do_nothing())


async def _begin(session: AsyncSession, asked: Activation, at: datetime) -> None:
    bill_day = await _bill_day(session, asked)
    contract = Contract(
        id=asked.subscription_id, customer_id=asked.customer_id, terms=asked.plan,
        starts_on=asked.starts_on, billed_until=asked.starts_on, bill_day=bill_day,
        quantity=asked.quantity, percent_off=asked.percent_off,
        anchor_on=None if bill_day == asked.starts_on.day else bill_date_from(asked.starts_on, bill_day),
    )  # fmt: skip
    lines, charged = due(contract, asked.starts_on)
    row = {
        "id": contract.id, "customer_id": contract.customer_id, "order_id": asked.order_id,
        "owned_product_id": asked.owned_product_id, "parent_id": await _parent(session, asked),
        "plan_id": asked.plan.plan_id, "plan_version": asked.plan.version, "terms": to_record(asked.plan),
        "quantity": asked.quantity, "percent_off": asked.percent_off, "bundle_id": asked.bundle_id,
        "status": SubscriptionStatus.ACTIVE, "starts_on": asked.starts_on, "bill_day": contract.bill_day,
        "anchor_on": contract.anchor_on,
        "billed_until": charged.billed_until, "next_bill_on": next_bill(charged),
        "obligation_until": obligation_of(contract), "end_reason": "", "created_at": at, "seq": charged.seq,
    }  # fmt: skip
    made = insert(Subscription).values(row).on_conflict_do_nothing().returning(col(Subscription.id))
    if (await session.execute(made)).first() is None:
        return
    await keep_rent(session, lines, at)
    stored = await session.get_one(Subscription, contract.id)
    day = asked.starts_on.isoformat()
    await tell_contract(
        session, stored, "subscriptions.activated", at, plan=asked.plan.name_ko, starts_on=day
    )


async def _bill_day(session: AsyncSession, asked: Activation) -> int:
    """The day of the account, to which new contracts align; else the contract's own first day."""
    query = select(col(BillingAccount.bill_day)).where(col(BillingAccount.customer_id) == asked.customer_id)
    return await session.scalar(query) or asked.starts_on.day


async def _parent(session: AsyncSession, asked: Activation) -> str | None:
    """The running plan of the family that an add-on belongs to; one of the same order comes first."""
    if not asked.plan.is_add_on:
        return None
    query = (
        select(col(Subscription.id))
        .where(
            col(Subscription.customer_id) == asked.customer_id,
            col(Subscription.parent_id).is_(None),
            col(Subscription.terms)["family"].astext == asked.plan.family,
            ~col(Subscription.terms)["is_add_on"].as_boolean(),
            col(Subscription.status) != SubscriptionStatus.ENDED,
        )
        .order_by((col(Subscription.order_id) == asked.order_id).desc().nulls_last(), col(Subscription.id))
        .limit(1)
    )
    found: str | None = await session.scalar(query)
    return found
