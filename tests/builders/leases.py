"""Contracts and changes as the tables hold them."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import count

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.kit.transactions import transaction
from activities.subscriptions import SubscriptionActivities
from activities.subscriptions.rows import locked
from models.catalogue import Plan
from models.kit.ids import change_id, order_id, subscription_id
from models.kit.outbox import announce_start
from models.kit.records import to_record
from models.messages.catalogue import PlanTerms
from models.messages.subscriptions import (
    Activation,
    Activations,
    ChangeKind,
    ChangeRequested,
    ChangeStatus,
    Wish,
    change_workflow_id,
)
from models.orders import Order
from models.rules.subscriptions.periods import Contract, business_day
from models.rules.subscriptions.previews import preview
from models.subscriptions import SubscriptionChange
from tests.builders.subscriptions import a_plan

_numbers = count(800_001)
BASIC = a_plan("basic", 29_900, 1, obligation_months=12)
BETTER = a_plan("better", 39_901, 2)
FILTER = a_plan("filter", 4_990, 1, is_add_on=True)


def plan_row(terms: PlanTerms, at: datetime) -> Plan:
    return Plan(
        id=terms.plan_id, code=terms.plan_id, kind=terms.kind, name_ko=terms.name_ko, name_en=terms.name_en,
        created_at=at,
    )  # fmt: skip


def an_order(customer_id: str, at: datetime) -> Order:
    id = order_id(next(_numbers))
    return Order(
        id=id, submission_key=id, customer_id=customer_id, quote={}, once_minor=0, net_minor=0, tax_minor=0,
        monthly_minor=0, ship_name="Mina", ship_phone="+821012345678", ship_postcode="06236",
        ship_address="1", ship_region="seoul-gangnam", placed_at=at,
    )  # fmt: skip


def ordered(order: Order, *plans: PlanTerms, starts_on: date) -> Activations:
    """What an order asks when it is delivered."""
    contracts = tuple(
        Activation(subscription_id(order.id, number), order.id, order.customer_id, plan, 1, starts_on)
        for number, plan in enumerate(plans, 1)
    )
    return Activations(order.id, contracts, order.placed_at)


async def a_lease(
    engine: AsyncEngine, customer_id: str, *plans: PlanTerms, at: datetime | None = None
) -> Activations:
    """An order with running contracts, and the shelf of plans they can change to."""
    at = at or datetime.now(UTC)
    order = an_order(customer_id, at)
    async with transaction(engine) as session:
        for plan in (BASIC, BETTER, FILTER):
            await session.merge(plan_row(plan, at))
        session.add(order)
    asked = ordered(order, *(plans or (BASIC,)), starts_on=business_day(at))
    await SubscriptionActivities(engine).activate(asked)
    return asked


async def read(engine: AsyncEngine, id: str) -> Contract:
    """The contract as it is now."""
    async with transaction(engine) as session:
        return (await locked(session, id))[0]


async def a_change(
    engine: AsyncEngine,
    id: str,
    kind: ChangeKind,
    *,
    at: datetime | None = None,
    is_announced: bool = True,
    **facts: object,
) -> SubscriptionChange:
    """A change as the api makes it: what was shown, and an outbox line, in one transaction."""
    at = at or datetime.now(UTC)
    today, number = business_day(at), change_id(next(_numbers))
    wish = Wish(kind, today, new_id=f"S{number}-1")
    wish = replace(wish, **facts)  # type: ignore[arg-type]
    contract = await read(engine, id)
    shown = preview(contract, wish, today)
    change = SubscriptionChange(
        id=number, submission_key=number, subscription_id=id, customer_id=contract.customer_id,
        asked_by=contract.customer_id, kind=kind, status=ChangeStatus.REQUESTED,
        effective_on=wish.effective_on, wish=to_record(wish), preview=to_record(shown),
        total_minor=shown.total_minor, other_customer_id=wish.receiver_id or None, created_at=at,
    )  # fmt: skip
    async with transaction(engine) as session:
        session.add(change)
        await session.flush()
        if is_announced:
            await announce_start(
                session, "SubscriptionChange", change_workflow_id(number), asked_of(change), summary=kind
            )
    return change


def asked_of(change: SubscriptionChange) -> ChangeRequested:
    return ChangeRequested(
        change.id, change.subscription_id, change.customer_id, change.kind, change.created_at
    )
