"""What returns ask of outside systems, and the order that replaces exchanged goods."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity

from activities.connectors.carrier import AlreadyCollected, Carrier
from activities.connectors.stock import Returned, Stock
from activities.kit.timeline import tell_live
from activities.kit.transactions import transaction
from activities.orders.rows import owned_id
from models.catalogue import Product
from models.customers import OwnedProduct
from models.kit.ids import order_id, return_parcel
from models.kit.records import from_record, to_record
from models.messages.catalogue import Quote, QuoteLine
from models.messages.orders import OrderPlaced, OrderStatus, ShipTo
from models.messages.orders.returns import Condition, GoodsBack, Label
from models.orders import Order, OrderLine, Return, ReturnLine
from models.rules.orders import returns as rules


@dataclass
class GoodsBackActivities:
    """Everything that a return asks of carrier and warehouse, and its replacement."""

    engine: AsyncEngine
    stock: Stock
    carrier: Carrier

    @activity.defn(name="returns.fetch")
    async def fetch(self, asked: GoodsBack) -> Label:
        """Order the carrier for the way back. Safe to repeat: one key is one order."""
        async with transaction(self.engine) as session:
            back = await session.get_one(Return, asked.return_id)
        origin = ShipTo(
            back.ship_name, back.ship_phone, back.ship_postcode, back.ship_address, back.ship_region
        )
        said = await self.carrier.fetch(return_parcel(back.id), origin, asked.key, back.id)
        async with transaction(self.engine) as session:
            back = await session.get_one(Return, asked.return_id, with_for_update=True)
            back.carrier, back.tracking = said.carrier, said.tracking
        return Label(said.carrier, said.tracking)

    @activity.defn(name="returns.stop")
    async def stop(self, asked: GoodsBack) -> bool:
        """Call the driver off; False when the goods have left. Safe to repeat: the carrier keeps it."""
        try:
            await self.carrier.recall(return_parcel(asked.return_id), asked.key, asked.return_id)
        except AlreadyCollected:
            return False
        return True

    @activity.defn(name="returns.restock")
    async def restock(self, asked: GoodsBack) -> None:
        """Have the warehouse take what came back. Safe to repeat: it takes each return once."""
        async with transaction(self.engine) as session:
            query = (
                select(ReturnLine, col(Product.sku))
                .join(Product, col(Product.id) == col(ReturnLine.product_id))
                .where(col(ReturnLine.return_id) == asked.return_id)
                .order_by(col(ReturnLine.position))
            )
            lines = (await session.execute(query)).all()
            ids = [device for line, _ in lines for device in line.devices]
            named = select(OwnedProduct).where(col(OwnedProduct.id).in_(ids))
            serials = {one.id: one.serial for one in await session.scalars(named)}
        goods = tuple(
            Returned(
                line.position, sku, line.quantity,
                tuple(serials[one] for one in line.devices if one in serials),
                is_sound=line.condition is Condition.WHOLE,
            )
            for line, sku in lines
            if line.condition in rules.CAME
        )  # fmt: skip
        await self.stock.take_back(asked.return_id, goods, asked.key, asked.return_id)

    @activity.defn(name="returns.replace")
    async def replace(self, return_id: str, at: datetime) -> OrderPlaced:
        """Store the order that sends the same goods once more, for nothing. Safe to repeat: a return has one
        replacement, and its number is kept."""
        async with transaction(self.engine) as session:
            back = await session.get_one(Return, return_id, with_for_update=True)
            if back.replacement_id is None:
                back.replacement_id = await _place(session, back, at)
            order = await session.get_one(Order, back.replacement_id)
            await tell_live(session, "orders", f"order:{order.id}")
            return OrderPlaced(order.id, order.customer_id, order.placed_at, False, 0, order.currency)

    @activity.defn(name="returns.exchanged_devices")
    async def exchanged_devices(self, return_id: str) -> dict[str, str]:
        """Which new device stands for which old one. Safe to repeat: it only reads."""
        async with transaction(self.engine) as session:
            back = await session.get_one(Return, return_id)
            query = select(ReturnLine).where(col(ReturnLine.return_id) == return_id)
            old = {line.position: line.devices for line in await session.scalars(query)}
            sent = select(OrderLine).where(col(OrderLine.order_id) == back.replacement_id)
            pairs: dict[str, str] = {}
            for line in await session.scalars(sent):
                new = [owned_id(line.order_id, line.position, serial) for serial in line.serials]
                pairs.update(zip(old.get(line.position, []), new, strict=False))
        return pairs


async def _place(session: AsyncSession, back: Return, at: datetime) -> str:
    """The rows of an order whose lines are those that came back, at no price."""
    first = await session.get_one(Order, back.order_id)
    query = select(ReturnLine).where(col(ReturnLine.return_id) == back.id)
    came = {
        line.position: line.quantity
        for line in await session.scalars(query)
        if line.condition not in rules.NOT_OURS
    }
    quote = from_record(Quote, first.quote)
    lines = tuple(_free(line, came[line.position]) for line in quote.lines if line.position in came)
    again = replace(
        quote, lines=lines, once_minor=0, net_minor=0, tax_minor=0, monthly_minor=0, first_minor=0,
        needs_credit_check=False,
    )  # fmt: skip
    number = order_id(int(await session.scalar(text("select nextval('order_numbers')")) or 0))
    row = {
        "id": number, "submission_key": f"return:{back.id}", "customer_id": back.customer_id,
        "status": OrderStatus.RECEIVED, "is_over": False, "quote": to_record(again), "once_minor": 0,
        "net_minor": 0, "tax_minor": 0, "monthly_minor": 0, "currency": first.currency,
        "ship_name": back.ship_name, "ship_phone": back.ship_phone, "ship_postcode": back.ship_postcode,
        "ship_address": back.ship_address, "ship_region": back.ship_region, "credit": "", "reason": "",
        "placed_at": at, "seq": 0, "return_id": back.id,
    }  # fmt: skip
    await session.execute(insert(Order).values(row))
    session.add_all(
        OrderLine(
            order_id=number, position=line.position, product_id=line.product_id, name_ko=line.name_ko,
            name_en=line.name_en, quantity=line.quantity, once_minor=0, net_minor=0, tax_minor=0,
            tax_rule=line.tax_rule, needs_shipping=line.needs_shipping,
            needs_installation=line.needs_installation,
        )
        for line in lines
    )  # fmt: skip
    return number


def _free(line: QuoteLine, quantity: int) -> QuoteLine:
    """The line once more, for nothing and without a contract of its own."""
    return replace(
        line, quantity=quantity, once_minor=0, net_minor=0, tax_minor=0, monthly_minor=0, first_minor=0,
        plan=None,
    )  # fmt: skip
