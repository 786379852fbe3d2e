"""What returns do to our rows: born, told, scanned, settled; whose the goods are now."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity

from activities.kit.timeline import tell_live, write_entry, write_waits
from activities.kit.transactions import transaction
from activities.orders.rows import owned_id
from models.catalogue import Product
from models.customers import Customer, OwnedProduct
from models.kit.records import from_record, to_record
from models.messages.orders import OrderStatus, ParcelScanned, ShipmentStatus
from models.messages.orders.returns import (
    RETURN_OVER,
    Condition,
    ReturnChange,
    ReturnGround,
    ReturnKind,
    ReturnOpened,
    ReturnOrder,
    ReturnPolicy,
    ReturnStatus,
    ReturnWay,
    Settlement,
    SettleReturn,
    return_workflow_id,
)
from models.messages.subscriptions import SubscriptionStatus
from models.orders import Order, OrderLine, Return, ReturnLine, ReturnScan, Shipment
from models.rules import orders as parcels
from models.rules.orders import returns as rules
from models.staff import Account
from models.subscriptions import Subscription

SEOUL = ZoneInfo("Asia/Seoul")
SHIP = ("ship_name", "ship_phone", "ship_postcode", "ship_address", "ship_region")


@dataclass
class ReturnActivities:
    """What returns do to our own rows. Dependencies are handed in once, by worker.py."""

    engine: AsyncEngine

    @activity.defn(name="returns.open")
    async def open(self, asked: ReturnOrder, at: datetime) -> ReturnOpened:
        """Fix what comes back at which price by which policy, and whether the rule agrees. Safe to repeat: a
        return that was opened keeps its policy and its numbers."""
        async with transaction(self.engine) as session:
            back = await _born(session, asked, at)
            if not back.policy:
                await _open(session, back)
            lines = await _lines(session, back.id)
            policy = from_record(ReturnPolicy, back.policy)
            day = await _delivered_on(session, back)
            asked_on = back.asked_at.astimezone(SEOUL).date()
            is_agreed = back.kind is ReturnKind.RETRIEVAL or rules.is_in_time(
                back.ground, day, asked_on, policy
            )
            device = next((one for line in lines for one in line.devices), "")
            return ReturnOpened(
                is_agreed, back.way, back.kind, "" if lines else "nothing_to_return", device, policy
            )

    @activity.defn(name="returns.record")
    async def record(self, change: ReturnChange) -> None:
        """Write one step: row, timeline, waits and live signal in one transaction. Safe to repeat: a number
        that is not newer than the row's changes nothing."""
        async with transaction(self.engine) as session:
            back = await session.get_one(Return, change.return_id, with_for_update=True)
            if back.seq >= change.seq:
                return
            _move(back, change)
            subject = return_workflow_id(back.id)
            await write_waits(session, subject, change.waits)
            await write_entry(
                session, key=f"{subject}/{change.seq}", subject=subject, ticket_id=None, case_id=back.id,
                customer_id=back.customer_id, at=change.at, sentence=change.sentence,
                actor_kind=change.actor_kind, actor_id=change.actor_id or None,
                details=await _told(session, change), is_public=change.is_public,
            )  # fmt: skip
            await tell_live(session, "orders", f"return:{back.id}", f"order:{back.order_id}")

    @activity.defn(name="returns.scan")
    async def scan(self, return_id: str, scan: ParcelScanned, at: datetime) -> ShipmentStatus:
        """Keep one scan and say how the parcel stands after all of them. Safe to repeat: it is kept once."""
        async with transaction(self.engine) as session:
            back = await session.get_one(Return, return_id, with_for_update=True)
            row = {
                "carrier": scan.carrier, "event_id": scan.event_id, "return_id": back.id,
                "status": scan.status, "at": scan.at, "place": scan.place, "received_at": at,
            }  # fmt: skip
            await session.execute(insert(ReturnScan).values(row).on_conflict_do_nothing())
            asked = select(ReturnScan).where(col(ReturnScan.return_id) == back.id)
            scans = [(one.at, one.status) for one in await session.scalars(asked)]
            known = back.parcel_status or ShipmentStatus.READY
            back.parcel_status = parcels.parcel_status(known, scans)
            await tell_live(session, f"return:{back.id}")
            return back.parcel_status

    @activity.defn(name="returns.settle")
    async def settle(self, asked: SettleReturn) -> Settlement:
        """Decide what the goods are worth as they were found, and whose they are now. Safe to repeat: a
        return that was inspected keeps its numbers, and everything is set and never added up."""
        async with transaction(self.engine) as session:
            back = await session.get_one(Return, asked.return_id, with_for_update=True)
            lines = await _lines(session, back.id)
            if back.inspected_at is None:
                _inspect(back, lines, asked)
                await _take_from_customer(session, back, lines, asked.at)
            return await _settlement(session, back, lines)


async def _born(session: AsyncSession, asked: ReturnOrder, at: datetime) -> Return:
    """The return's row; one that another life asks for is born here, with everything that it fetches."""
    known = await session.get(Return, asked.return_id, with_for_update=True)
    if known is not None:
        return known
    back = Return(
        id=asked.return_id, submission_key=asked.return_id, customer_id=asked.customer_id,
        order_id=asked.order_id or None, owned_product_id=asked.owned_product_id or None, kind=asked.kind,
        ground=ReturnGround.CONTRACT_ENDED, reason=asked.reason, asked_at=at,
    )  # fmt: skip
    session.add(back)
    await session.flush()
    for line in await _fetched(session, asked):
        session.add(line)
    await session.flush()
    return back


async def _fetched(session: AsyncSession, asked: ReturnOrder) -> list[ReturnLine]:
    """One device, or everything of an order that the customer still has."""
    query = (
        select(OwnedProduct, Product)
        .join(Product, col(Product.id) == col(OwnedProduct.product_id))
        .where(
            col(OwnedProduct.customer_id) == asked.customer_id, col(OwnedProduct.returned_on).is_(None),
            col(OwnedProduct.id).like(f"own\\_{asked.order_id}\\_%") if asked.order_id
            else col(OwnedProduct.id) == asked.owned_product_id,
        )
        .order_by(col(OwnedProduct.id))
    )  # fmt: skip
    return [
        ReturnLine(
            return_id=asked.return_id, position=position, product_id=device.product_id,
            name_ko=product.name_ko, name_en=product.name_en, quantity=1, devices=[device.id],
        )
        for position, (device, product) in enumerate((await session.execute(query)).all(), 1)
    ]  # fmt: skip


async def _open(session: AsyncSession, back: Return) -> None:
    """Copy the policy, the price of each line and the place where the goods are fetched."""
    policy = ReturnPolicy()
    back.policy = to_record(policy)
    order = await session.get(Order, back.order_id) if back.order_id else None
    customer = await session.get_one(Customer, back.customer_id)
    if not back.ship_address:
        home = (customer.name, customer.phone or "", customer.postcode, customer.address, customer.region)
        for name, value in zip(SHIP, home, strict=True):
            setattr(back, name, getattr(order, name) if order is not None else value)
    lines = await _lines(session, back.id)
    for line in lines:
        line.paid_minor = await _paid(session, back, line)
        if not line.devices and order is not None:
            line.devices = await _devices(session, order.id, line)
    back.way = ReturnWay.VISIT if await _is_installed(session, back, lines) else ReturnWay.CARRIER
    worth = [rules.Worth(line.paid_minor) for line in lines]
    money = rules.sum_of(back.kind, back.ground, worth, policy)
    back.fee_minor, back.back_minor = money.fee_minor, money.back_minor


async def _paid(session: AsyncSession, back: Return, line: ReturnLine) -> int:
    """The line's share of what the order asked for; a contract's line brings its setup fee along."""
    if back.order_id is None or back.kind is ReturnKind.RETRIEVAL:
        return 0
    sold = await session.get_one(OrderLine, (back.order_id, line.position))
    paid = rules.share(sold.once_minor, sold.quantity, sold.returned, line.quantity)
    if sold.plan_id is not None and sold.once_minor == 0:
        setup = select(OrderLine).where(
            col(OrderLine.order_id) == back.order_id, col(OrderLine.plan_id) == sold.plan_id,
            col(OrderLine.once_minor) > 0, col(OrderLine.bundle_id).is_not_distinct_from(sold.bundle_id),
        )  # fmt: skip
        for fee in await session.scalars(setup):
            paid += rules.share(fee.once_minor, sold.quantity, sold.returned, line.quantity)
    return paid


async def _devices(session: AsyncSession, order_id: str, line: ReturnLine) -> list[str]:
    """As many of the line's devices as come back, those that the customer has had longest."""
    sold = await session.get_one(OrderLine, (order_id, line.position))
    ids = [owned_id(order_id, line.position, serial) for serial in sold.serials]
    there = select(col(OwnedProduct.id)).where(
        col(OwnedProduct.id).in_(ids), col(OwnedProduct.returned_on).is_(None)
    )
    return sorted((await session.scalars(there)).all())[: line.quantity]


async def _is_installed(session: AsyncSession, back: Return, lines: list[ReturnLine]) -> bool:
    """Whether a technician has to take something down: what the order had installed, or else the model."""
    if back.order_id is not None and back.kind is not ReturnKind.RETRIEVAL:
        query = select(func.bool_or(col(OrderLine.needs_installation))).where(
            col(OrderLine.order_id) == back.order_id,
            col(OrderLine.position).in_([line.position for line in lines]),
        )
    else:
        query = select(func.bool_or(col(Product.needs_installation))).where(
            col(Product.id).in_([line.product_id for line in lines])
        )
    return bool(await session.scalar(query))


async def _delivered_on(session: AsyncSession, back: Return) -> date | None:
    """The day on which the last parcel of the order arrived: the window counts from it."""
    if back.order_id is None:
        return None
    query = select(func.max(col(Shipment.delivered_at))).where(col(Shipment.order_id) == back.order_id)
    return _day(await session.scalar(query))


async def _lines(session: AsyncSession, return_id: str) -> list[ReturnLine]:
    query = select(ReturnLine).where(col(ReturnLine.return_id) == return_id)
    return list(await session.scalars(query.order_by(col(ReturnLine.position))))


def _move(back: Return, change: ReturnChange) -> None:
    """Set the row to what the step says; absolute values only."""
    back.seq, back.status, back.is_over = change.seq, change.status, change.status in RETURN_OVER
    back.reason = change.reason or back.reason
    back.ticket_id = change.ticket_id or back.ticket_id
    back.refund_id = change.refund_id or back.refund_id
    if change.status is ReturnStatus.AGREED:
        back.agreed_at = back.agreed_at or change.at
    if change.status is ReturnStatus.ARRIVED:
        back.arrived_at = back.arrived_at or change.at
    if change.status in RETURN_OVER:
        back.settled_at = change.at
        if change.status is not ReturnStatus.SETTLED:
            back.back_minor = 0


async def _told(session: AsyncSession, change: ReturnChange) -> dict[str, str]:
    """The details as people read them, with the colleague's name of today."""
    details = dict(change.details)
    if change.actor_kind == "staff" and change.actor_id:
        account = await session.get(Account, change.actor_id)
        details["actor"] = account.name if account is not None else ""
    if change.reason:
        details["reason"] = change.reason
    return details


def _inspect(back: Return, lines: list[ReturnLine], asked: SettleReturn) -> None:
    """How each line was found, and the money that follows from it."""
    found = {one.position: one.condition for one in asked.found}
    policy = from_record(ReturnPolicy, back.policy)
    for line in lines:
        line.condition = Condition.LOST if asked.is_lost else found.get(line.position, Condition.WHOLE)
        line.deducted_minor = rules.deduction(line.paid_minor, line.condition, policy)
    worth = [rules.Worth(line.paid_minor, line.condition or Condition.WHOLE) for line in lines]
    money = rules.sum_of(back.kind, back.ground, worth, policy)
    back.fee_minor, back.deducted_minor, back.back_minor = (
        money.fee_minor, money.deducted_minor, money.back_minor,
    )  # fmt: skip
    back.inspected_at = asked.at


async def _take_from_customer(
    session: AsyncSession, back: Return, lines: list[ReturnLine], at: datetime
) -> None:
    """The devices are the customer's no longer; the order's lines count what came back."""
    gone = [line for line in lines if line.condition not in rules.NOT_OURS]
    devices = [device for line in gone for device in line.devices]
    left = update(OwnedProduct).where(col(OwnedProduct.id).in_(devices))
    await session.execute(left.values(returned_on=at.astimezone(SEOUL).date(), warranty_until=None))
    if back.order_id is None:
        return
    order = await session.get_one(Order, back.order_id, with_for_update=True)
    query = select(OrderLine).where(col(OrderLine.order_id) == order.id).with_for_update()
    sold = {one.position: one for one in await session.scalars(query)}
    for line in gone:
        if back.kind is not ReturnKind.RETRIEVAL and line.position in sold:
            sold[line.position].returned += line.quantity
    is_all = all(one.returned >= one.delivered for one in sold.values())
    if back.kind is ReturnKind.RETURN and is_all and order.status is OrderStatus.DONE:
        order.status = OrderStatus.RETURNED


async def _settlement(session: AsyncSession, back: Return, lines: list[ReturnLine]) -> Settlement:
    came = [line for line in lines if line.condition not in rules.NOT_OURS]
    order = await session.get(Order, back.order_id) if back.order_id else None
    is_exchange = back.kind is ReturnKind.EXCHANGE and bool(came)
    return Settlement(
        back.back_minor, back.currency, (order.invoice_id or "") if order is not None else "",
        back.order_id or "", await _contracts(session, back, came),
        ends_on=None if back.kind is ReturnKind.RETURN else _day(back.inspected_at),
        has_goods=any(line.condition in rules.CAME for line in lines), has_replacement=is_exchange,
        deducted_minor=back.deducted_minor,
    )  # fmt: skip


def _day(moment: datetime | None) -> date | None:
    return moment.astimezone(SEOUL).date() if moment is not None else None


async def _contracts(session: AsyncSession, back: Return, came: list[ReturnLine]) -> tuple[str, ...]:
    """The running contracts that go with what came back."""
    devices = [device for line in came for device in line.devices]
    mine = or_(
        col(Subscription.owned_product_id).in_(devices),
        and_(col(Subscription.order_id).is_not(None), col(Subscription.order_id) == back.order_id),
    )
    query = select(Subscription).where(
        col(Subscription.customer_id) == back.customer_id,
        col(Subscription.status) != SubscriptionStatus.ENDED,
        mine,
    )
    found: dict[str, tuple[int, str]] = {}
    for one in await session.scalars(query):
        ordinal = one.id.rsplit("-", 1)[-1]
        is_of_order = back.order_id is not None and one.order_id == back.order_id
        line = int(ordinal) if is_of_order and ordinal.isdigit() else 0
        found[one.id] = (line, one.owned_product_id or "")
    order: Any = await session.get(Order, back.order_id) if back.order_id else None
    positions = [line.position for line in came] if back.kind is not ReturnKind.RETRIEVAL else []
    is_all = order is not None and order.status is OrderStatus.RETURNED
    return rules.contracts_of(positions, found, devices, is_all=is_all)
