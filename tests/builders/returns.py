"""Orders that were delivered, and returns of them as the api makes them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from activities.orders.rows import owned_id
from models.catalogue import Product
from models.customers import OwnedProduct
from models.kit.ids import return_id
from models.kit.outbox import announce_start
from models.kit.records import to_record
from models.messages.catalogue import QuoteLine
from models.messages.orders import OrderStatus, ShipmentStatus
from models.messages.orders.returns import ReturnGround, ReturnKind, ReturnOrder, return_workflow_id
from models.messages.subscriptions import SubscriptionStatus
from models.orders import Order, Return, ReturnLine, Shipment
from models.subscriptions import Subscription
from tests.builders.desk import Company
from tests.builders.leases import plan_row
from tests.builders.orders import a_line, a_quote, an_order

_numbers = count(700_001)


async def a_delivered_order(
    engine: AsyncEngine, company: Company, *lines: QuoteLine, days_ago: float = 1
) -> Order:
    """An order that is done: paid, delivered in one parcel, its contracts running."""
    quote = a_quote(*(lines or (a_line(),)))
    at = datetime.now(UTC) - timedelta(days=days_ago)
    order, rows = an_order(quote, company.customer_id, status=OrderStatus.DONE, is_over=True, done_at=at)
    order.invoice_id = f"I{order.id}-1" if quote.once_minor else None
    parts = []
    for line in rows:
        if line.needs_shipping:
            line.reserved = line.shipped = line.delivered = line.quantity
            line.serials = [f"{order.id}.{line.position}.{n + 1}" for n in range(line.quantity)]
            part = {"position": line.position, "quantity": line.quantity, "serials": line.serials}
            parts.append(part)
    async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
        for plan in [one.plan for one in quote.lines if one.plan is not None]:
            await session.merge(plan_row(plan, at))
        session.add(order)
        await session.flush()
        session.add_all(rows)
        session.add(
            Shipment(
                id=f"{order.id}-1", order_id=order.id, carrier="console", tracking=f"t-{order.id}",
                status=ShipmentStatus.DELIVERED, lines=parts, created_at=at, delivered_at=at,
            )
        )  # fmt: skip
        session.add_all(
            OwnedProduct(
                id=owned_id(order.id, line.position, serial), customer_id=order.customer_id,
                product_id=line.product_id or "", serial=serial, bought_on=at.date(),
                warranty_until=at.date() + timedelta(days=700),
            )
            for line in rows
            for serial in line.serials
            if line.product_id
        )  # fmt: skip
        await session.flush()
        session.add_all(
            Subscription(
                id=f"S{order.id[1:]}-{one.position}", customer_id=order.customer_id, order_id=order.id,
                plan_id=one.plan.plan_id, plan_version=one.plan.version, terms=to_record(one.plan),
                status=SubscriptionStatus.ACTIVE, starts_on=at.date(), bill_day=at.day,
                billed_until=at.date(), created_at=at,
            )
            for one in quote.lines
            if one.plan is not None and not one.once_minor
        )  # fmt: skip
    return order


@dataclass(frozen=True)
class Asked:
    """A return and the order that it is about."""

    id: str
    order: Order


async def a_return(
    engine: AsyncEngine,
    order: Order,
    kind: ReturnKind = ReturnKind.RETURN,
    ground: ReturnGround = ReturnGround.CHANGE_OF_MIND,
    quantities: dict[int, int] | None = None,
    product_id: str = "pro_phone",
) -> Asked:
    """Store a return as the page does, and announce its life."""
    number = return_id(next(_numbers))
    back = Return(
        id=number, submission_key=f"key-{number}", customer_id=order.customer_id, order_id=order.id,
        kind=kind, ground=ground, note="", asked_at=datetime.now(UTC),
    )  # fmt: skip
    async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
        product = await session.get_one(Product, product_id)
        session.add(back)
        await session.flush()
        session.add_all(
            ReturnLine(
                return_id=number, position=position, product_id=product.id, name_ko=product.name_ko,
                name_en=product.name_en, quantity=quantity,
            )
            for position, quantity in (quantities or {1: 1}).items()
        )  # fmt: skip
        asked = ReturnOrder(number, order.customer_id, order.id, kind=kind)
        await announce_start(session, "Return", return_workflow_id(number), asked, summary=number)
    return Asked(number, order)
