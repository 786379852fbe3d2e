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
from models.messages.subscriptions import Activation, Activations, Deactivations, SubscriptionStatus
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
