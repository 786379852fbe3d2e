"""What orders ask of outside systems: warehouse, carrier, credit bureau; each under a key, each recorded."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select, union, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.connectors.carrier import AlreadyCollected, Carrier
from activities.connectors.credit import CreditBureau
from activities.connectors.stock import Goods, Stock
from activities.kit.transactions import transaction
from activities.orders.rows import owned_id
from models.catalogue import Product
from models.customers import OwnedProduct
from models.kit.refusals import Refusal
from models.messages.orders import (
    CreditAnswer,
    Recall,
    Reserved,
    ShipmentStatus,
    Shipped,
    ShipTo,
    SystemOrder,
)
from models.orders import Order, OrderAddress, OrderLine, OrderReservation, Shipment
from models.rules import orders as rules
from models.subscriptions import Subscription
from models.tickets import Ticket


@dataclass
class FulfilmentActivities:
    """Everything that an order asks outside. Every key was on the undo list before it is used here."""

    engine: AsyncEngine
    stock: Stock
    carrier: Carrier
    bureau: CreditBureau

    @activity.defn(name="orders.check_credit")
    async def check_credit(self, asked: SystemOrder) -> CreditAnswer:
        """Ask whether this customer may rent. Safe to repeat: one key is one check."""
        async with transaction(self.engine) as session:
            order = await session.get_one(Order, asked.order_id)
        to = _address(order)
        return await self.bureau.check(asked.reference, to, order.monthly_minor, asked.key, asked.order_id)

    @activity.defn(name="orders.free_credit")
    async def free_credit(self, asked: SystemOrder) -> None:
        """Take the entry at the bureau back. Safe to repeat: one that is gone is gone."""
        await self.bureau.free(asked.reference, asked.key, asked.order_id)

    @activity.defn(name="orders.reserve")
    async def reserve(self, asked: SystemOrder) -> Reserved:
        """Have everything set aside that is not set aside yet. Safe to repeat: the same reservation asks
        for the same goods, and its rows are written once."""
        async with transaction(self.engine) as session:
            wanted = await _missing(session, asked)
        if not wanted:
            return Reserved(0, is_short=False)
        got = await self.stock.reserve(asked.reference, tuple(wanted), asked.key, asked.order_id)
        async with transaction(self.engine) as session:
            for line in wanted:
                row = {
                    "reference": asked.reference, "position": line.line, "order_id": asked.order_id,
                    "quantity": got.get(line.line, 0), "is_released": False,
                }  # fmt: skip
                await session.execute(insert(OrderReservation).values(row).on_conflict_do_nothing())
            await _count(session, asked.order_id)
        units = sum(got.values())
        return Reserved(units, is_short=units < sum(line.quantity for line in wanted))

    @activity.defn(name="orders.pack")
    async def pack(self, asked: SystemOrder) -> None:
        """Have what is set aside packed into one parcel. Safe to repeat: a parcel keeps what it holds."""
        async with transaction(self.engine) as session:
            await _be_born(session, asked)
            held = await _held(session, asked)
            goods = tuple(Goods(one.position, "", one.quantity, one.reference) for one in held)
        serials = await self.stock.pack(asked.shipment_id, goods, asked.key, asked.order_id)
        async with transaction(self.engine) as session:
            shipment = await session.get_one(Shipment, asked.shipment_id, with_for_update=True)
            shipment.lines = [
                {"position": one.position, "quantity": one.quantity, "serials": serials.get(one.position, [])}
                for one in held
            ]
            for one in held:
                line = await session.get_one(OrderLine, (asked.order_id, one.position), with_for_update=True)
                line.serials = [
                    *line.serials,
                    *(s for s in serials.get(one.position, []) if s not in line.serials),
                ]
            await _count(session, asked.order_id)

    @activity.defn(name="orders.hand_over")
    async def hand_over(self, asked: SystemOrder) -> Shipped:
        """Order the carrier for one parcel. Safe to repeat: one key is one order."""
        async with transaction(self.engine) as session:
            order = await session.get_one(Order, asked.order_id)
        said = await self.carrier.collect(asked.shipment_id, _address(order), asked.key, asked.order_id)
        async with transaction(self.engine) as session:
            shipment = await session.get_one(Shipment, asked.shipment_id, with_for_update=True)
            shipment.carrier, shipment.tracking = said.carrier, said.tracking
        return said

    @activity.defn(name="orders.redirect")
    async def redirect(self, asked: SystemOrder) -> None:
        """Tell the carrier another address, or refuse because the parcel has left. Safe to repeat: it sets
        the same address."""
        async with transaction(self.engine) as session:
            address = await session.get_one(OrderAddress, asked.reference)
        try:
            await self.carrier.redirect(asked.shipment_id, _address(address), asked.key, asked.order_id)
        except AlreadyCollected as late:
            refusal = Refusal("address_fixed")
            raise ApplicationError(str(refusal), type="address_fixed", non_retryable=True) from late

    @activity.defn(name="orders.recall")
    async def recall(self, asked: SystemOrder) -> Recall:
        """Stop a parcel, or have it fetched when it has left. Safe to repeat: the carrier keeps both."""
        try:
            await self.carrier.recall(asked.shipment_id, asked.key, asked.order_id)
        except AlreadyCollected:
            async with transaction(self.engine) as session:
                shipment = await session.get(Shipment, asked.shipment_id)
                if shipment is not None and shipment.status in rules.CAME_BACK:
                    return Recall.RECALLED
            await self.carrier.pick_up(asked.shipment_id, f"{asked.key}:pick-up", asked.order_id)
            return Recall.PICK_UP
        async with transaction(self.engine) as session:
            await session.execute(
                update(Shipment)
                .where(col(Shipment.id) == asked.shipment_id)
                .values(status=ShipmentStatus.CANCELLED)
            )
        return Recall.RECALLED

    @activity.defn(name="orders.restock")
    async def restock(self, asked: SystemOrder) -> None:
        """Put a parcel's goods back on the shelf. Safe to repeat: the warehouse takes a parcel back once."""
        await self.stock.restock(asked.shipment_id, asked.key, asked.order_id)
        async with transaction(self.engine) as session:
            await _give_back(session, asked)

    @activity.defn(name="orders.release")
    async def release(self, asked: SystemOrder) -> None:
        """Let go of what is still set aside. Safe to repeat: what is free is free."""
        await self.stock.release(asked.reference, asked.key, asked.order_id)
        async with transaction(self.engine) as session:
            where = (
                col(OrderReservation.reference) == asked.reference,
                col(OrderReservation.shipment_id).is_(None),
            )
            await session.execute(update(OrderReservation).where(*where).values(is_released=True))
            await _count(session, asked.order_id)


def _address(row: Order | OrderAddress) -> ShipTo:
    return ShipTo(row.ship_name, row.ship_phone, row.ship_postcode, row.ship_address, row.ship_region)


async def _missing(session: AsyncSession, asked: SystemOrder) -> list[Goods]:
    """What the order still needs beside its other reservations."""
    others = (
        select(col(OrderReservation.position), func.sum(col(OrderReservation.quantity)))
        .where(
            col(OrderReservation.order_id) == asked.order_id,
            col(OrderReservation.reference) != asked.reference,
            ~col(OrderReservation.is_released),
        )
        .group_by(col(OrderReservation.position))
    )
    held: dict[int, int] = dict((await session.execute(others)).all())
    lines = (
        select(OrderLine, col(Product.sku))
        .join(Product, col(Product.id) == col(OrderLine.product_id))
        .where(col(OrderLine.order_id) == asked.order_id, col(OrderLine.needs_shipping))
        .order_by(col(OrderLine.position))
    )
    found = (await session.execute(lines)).all()
    goods = [Goods(line.position, sku, line.quantity - held.get(line.position, 0)) for line, sku in found]
    return [one for one in goods if one.quantity > 0]


async def _be_born(session: AsyncSession, asked: SystemOrder) -> None:
    """The parcel's row, and what it takes along: whatever is set aside and in no other parcel."""
    ordinal = int(asked.shipment_id.rsplit("-", 1)[1])
    row: dict[str, Any] = {
        "id": asked.shipment_id, "order_id": asked.order_id, "carrier": "", "status": ShipmentStatus.READY,
        "lines": [], "is_back_order": ordinal > 1, "created_at": asked.at,
    }  # fmt: skip
    await session.execute(insert(Shipment).values(row).on_conflict_do_nothing())
    free = (
        col(OrderReservation.order_id) == asked.order_id, col(OrderReservation.shipment_id).is_(None),
        ~col(OrderReservation.is_released), col(OrderReservation.quantity) > 0,
    )  # fmt: skip
    await session.execute(update(OrderReservation).where(*free).values(shipment_id=asked.shipment_id))


async def _held(session: AsyncSession, asked: SystemOrder) -> list[OrderReservation]:
    query = select(OrderReservation).where(col(OrderReservation.shipment_id) == asked.shipment_id)
    return list(await session.scalars(query.order_by(col(OrderReservation.position))))


async def _count(session: AsyncSession, order_id: str) -> None:
    """Lines say what is reserved and shipped: counted from the reservations, never added up in memory."""
    here = (
        col(OrderReservation.order_id) == col(OrderLine.order_id),
        col(OrderReservation.position) == col(OrderLine.position),
        ~col(OrderReservation.is_released),
    )
    total = select(func.coalesce(func.sum(col(OrderReservation.quantity)), 0)).where(*here)
    shipped = total.where(col(OrderReservation.shipment_id).is_not(None))
    counted = update(OrderLine).where(col(OrderLine.order_id) == order_id)
    await session.execute(
        counted.values(reserved=total.scalar_subquery(), shipped=shipped.scalar_subquery()),
        execution_options={"synchronize_session": False},
    )


async def _give_back(session: AsyncSession, asked: SystemOrder) -> None:
    """The parcel's goods are the customer's no longer; a device that a ticket or an ended contract names
    stays on record."""
    shipment = await session.get(Shipment, asked.shipment_id)
    if shipment is None:
        return
    ids = [
        owned_id(asked.order_id, part["position"], serial)
        for part in shipment.lines
        for serial in part["serials"]
    ]
    named = union(
        select(col(Ticket.owned_product_id)).where(col(Ticket.owned_product_id).in_(ids)),
        select(col(Subscription.owned_product_id)).where(col(Subscription.owned_product_id).in_(ids)),
    )
    mine = delete(OwnedProduct).where(col(OwnedProduct.id).in_(ids), col(OwnedProduct.id).not_in(named))
    await session.execute(mine)
    left = update(OwnedProduct).where(col(OwnedProduct.id).in_(ids))
    await session.execute(left.values(warranty_until=None))
