"""What orders do to our rows: the order, its undo list, parcels, and what the customer owns by them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity

from activities.kit.timeline import tell_live, write_entry, write_waits
from activities.kit.transactions import transaction
from models.customers import OwnedProduct
from models.kit.ids import subscription_id, ticket_id
from models.kit.records import from_record
from models.messages.catalogue import Quote
from models.messages.orders import (
    ORDER_OVER,
    OrderChange,
    OrderPlaced,
    OrderPlan,
    OrderStatus,
    ParcelScanned,
    ShipmentStatus,
    StepStatus,
    order_workflow_id,
)
from models.messages.subscriptions import Activation, Activations
from models.orders import CartItem, Order, OrderAddress, OrderLine, OrderStep, Shipment, ShipmentEvent
from models.rules import orders as rules
from models.staff import Account

SEOUL = ZoneInfo("Asia/Seoul")
CART_LASTS = timedelta(days=30)
ADDRESS = ("ship_name", "ship_phone", "ship_postcode", "ship_address", "ship_region")


@dataclass
class OrderActivities:
    """What orders do to our own rows. Dependencies are handed in once, by worker.py."""

    engine: AsyncEngine

    @activity.defn(name="orders.open")
    async def open(self, placed: OrderPlaced) -> OrderPlan:
        """Decide from the quote what will be done, and until when it is paid. Safe to repeat: it sets the
        same deadline again."""
        async with transaction(self.engine) as session:
            order = await session.get_one(Order, placed.order_id, with_for_update=True)
            quote = from_record(Quote, order.quote)
            order.pay_by = rules.pay_by(order.placed_at, placed.payment_hours)
            return OrderPlan(
                order.pay_by, rules.priced(quote), order.payment_method_id,
                needs_shipping=any(line.needs_shipping for line in quote.lines),
                needs_installation=any(line.needs_installation for line in quote.lines),
                has_contracts=any(rules.is_contract(line) for line in quote.lines),
            )  # fmt: skip

    @activity.defn(name="orders.record")
    async def record(self, change: OrderChange) -> None:
        """Write one step: row, undo list, timeline, waits and live signal in one transaction. Safe to
        repeat: a number that is not newer than the row's changes nothing."""
        async with transaction(self.engine) as session:
            order = await session.get_one(Order, change.order_id, with_for_update=True)
            if order.seq >= change.seq:
                return
            _move(order, change)
            await _write_steps(session, change)
            await _link_contracts(session, change)
            subject = order_workflow_id(change.order_id)
            await write_waits(session, subject, change.waits)
            await write_entry(
                session, key=f"{subject}/{change.seq}", subject=subject, ticket_id=None,
                case_id=change.order_id, customer_id=change.customer_id, at=change.at,
                sentence=change.sentence, actor_kind=change.actor_kind, actor_id=change.actor_id or None,
                details=await _told(session, change), is_public=change.is_public,
            )  # fmt: skip
            await tell_live(session, "orders", f"order:{change.order_id}")

    @activity.defn(name="orders.ticket_number")
    async def ticket_number(self) -> str:
        """The number of a ticket that an order opens. Repeated it is another number; one is left unused."""
        async with transaction(self.engine) as session:
            return ticket_id(int(await session.scalar(text("select nextval('ticket_numbers')")) or 0))

    @activity.defn(name="orders.scan")
    async def scan(self, scan: ParcelScanned, at: datetime) -> ShipmentStatus:
        """Keep one scan and say how the parcel stands after all of them. Safe to repeat: a scan is kept
        once, and what the parcel brought is stored under ids made from it."""
        async with transaction(self.engine) as session:
            shipment = await session.get_one(Shipment, scan.shipment_id, with_for_update=True)
            row = {
                "carrier": scan.carrier, "event_id": scan.event_id, "shipment_id": scan.shipment_id,
                "status": scan.status, "at": scan.at, "place": scan.place, "received_at": at,
            }  # fmt: skip
            await session.execute(insert(ShipmentEvent).values(row).on_conflict_do_nothing())
            asked = select(ShipmentEvent).where(col(ShipmentEvent.shipment_id) == shipment.id)
            scans = [(one.at, one.status) for one in await session.scalars(asked)]
            before, shipment.status = shipment.status, rules.parcel_status(shipment.status, scans)
            shipment.last_event_at = max(moment for moment, _ in scans)
            if shipment.status is ShipmentStatus.DELIVERED and before is not ShipmentStatus.DELIVERED:
                shipment.delivered_at = scan.at
                await _take_delivery(session, shipment)
            await tell_live(session, f"order:{shipment.order_id}")
            return shipment.status

    @activity.defn(name="orders.device_to_install")
    async def device_to_install(self, order_id: str) -> str:
        """The first delivered device that somebody has to install; "" when none. Safe to repeat: it reads."""
        async with transaction(self.engine) as session:
            asked = select(OrderLine).where(col(OrderLine.order_id) == order_id)
            for line in await session.scalars(asked.order_by(col(OrderLine.position))):
                if line.needs_installation and line.serials:
                    return owned_id(order_id, line.position, line.serials[0])
        return ""

    @activity.defn(name="orders.contracts")
    async def contracts(self, order_id: str, at: datetime) -> Activations:
        """The contracts that begin today, at the terms of the quote. Safe to repeat: it only reads."""
        async with transaction(self.engine) as session:
            order = await session.get_one(Order, order_id)
            quote = from_record(Quote, order.quote)
            asked = select(OrderLine).where(col(OrderLine.order_id) == order_id)
            serials = {line.position: line.serials for line in await session.scalars(asked)}
        found = tuple(
            Activation(
                subscription_id(order_id, line.position), order_id, order.customer_id, line.plan,
                line.quantity, at.astimezone(SEOUL).date(), line.percent_off, line.bundle_id,
                owned_id(order_id, line.position, mine[0]) if (mine := serials.get(line.position)) else None,
            )
            for line in quote.lines
            if line.plan is not None and rules.is_contract(line)
        )  # fmt: skip
        return Activations(order_id, found, at)

    @activity.defn(name="orders.forget_carts")
    async def forget_carts(self, at: datetime) -> int:
        """Forget guests' carts that nobody touched for a month. Safe to repeat: what is gone is gone."""
        async with transaction(self.engine) as session:
            idle = col(CartItem.updated_at) < at - CART_LASTS
            guests = ~col(CartItem.cart_key).startswith("customer:")
            gone = await session.scalars(
                delete(CartItem).where(idle, guests).returning(col(CartItem.position))
            )
            return len(gone.all())

    @activity.defn(name="orders.move_to")
    async def move_to(self, order_id: str, address_id: str) -> None:
        """Store where the goods go now. Safe to repeat: it sets the same address."""
        async with transaction(self.engine) as session:
            order = await session.get_one(Order, order_id, with_for_update=True)
            address = await session.get_one(OrderAddress, address_id)
            for name in ADDRESS:
                setattr(order, name, getattr(address, name))


def owned_id(order_id: str, position: int, serial: str) -> str:
    """The id of what a customer owns by an order: made from facts, so that it is stored once."""
    return f"own_{order_id}_{position}_{serial}"


def _move(order: Order, change: OrderChange) -> None:
    """Set the row to what the step says; absolute values only."""
    order.seq, order.status, order.is_over = change.seq, change.status, change.status in ORDER_OVER
    order.reason = change.reason or order.reason
    order.credit = change.credit or order.credit
    order.invoice_id = change.invoice_id or order.invoice_id
    if change.status is OrderStatus.DONE:
        order.done_at = change.at
    if change.status is OrderStatus.CANCELLED:
        order.cancelled_at = change.at


async def _write_steps(session: AsyncSession, change: OrderChange) -> None:
    for note in change.steps:
        known = await session.get(OrderStep, (change.order_id, note.position))
        if known is None:
            row = {**vars(note), "order_id": change.order_id, "at": change.at}
            await session.execute(insert(OrderStep).values(row).on_conflict_do_nothing())
            continue
        known.status, known.reference, known.code = note.status, note.reference, note.code
        if note.status is StepStatus.UNDONE and known.undone_at is None:
            known.undone_at = change.at


async def _link_contracts(session: AsyncSession, change: OrderChange) -> None:
    for contract in change.subscriptions:
        position = int(contract.rsplit("-", 1)[1])
        line = col(OrderLine.order_id) == change.order_id, col(OrderLine.position) == position
        await session.execute(update(OrderLine).where(*line).values(subscription_id=contract))


async def _told(session: AsyncSession, change: OrderChange) -> dict[str, str]:
    """The details as people read them, with the colleague's name of today."""
    details = dict(change.details)
    if change.actor_kind == "staff" and change.actor_id:
        account = await session.get(Account, change.actor_id)
        details["actor"] = account.name if account is not None else ""
    if change.reason:
        details["reason"] = change.reason
    return details


async def _take_delivery(session: AsyncSession, shipment: Shipment) -> None:
    """Count what arrived, and store the devices that are the customer's now, with their warranty."""
    assert shipment.delivered_at is not None
    order = await session.get_one(Order, shipment.order_id)
    months = {line.position: line.warranty_months for line in from_record(Quote, order.quote).lines}
    on = shipment.delivered_at.astimezone(SEOUL).date()
    for part in shipment.lines:
        line = await session.get_one(OrderLine, (order.id, part["position"]), with_for_update=True)
        line.delivered += part["quantity"]
        for serial in part["serials"] if line.product_id else ():
            row = {
                "id": owned_id(order.id, line.position, serial), "customer_id": order.customer_id,
                "product_id": line.product_id, "serial": serial, "bought_on": on,
                "warranty_until": rules.warranty_until(on, months.get(line.position, 0)),
                "region": order.ship_region,
            }  # fmt: skip
            await session.execute(insert(OwnedProduct).values(row).on_conflict_do_nothing())
