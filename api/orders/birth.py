"""An order is born: row with the quote, lines, the first line of its story and its announcement at once."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from api.kit.desk import DeskAt
from models.kit.ids import order_id
from models.kit.outbox import announce_start
from models.kit.records import to_record
from models.kit.timeline import ActorKind, EntryKind, TimelineEntry
from models.messages.catalogue import Quote, QuoteLine
from models.messages.orders import OrderPlaced, OrderStatus, ShipTo, order_workflow_id
from models.orders import Order, OrderLine


@dataclass(frozen=True)
class Wish:
    """What somebody orders, for whom, and where it goes; `key` makes sending it twice harmless."""

    key: str
    customer_id: str
    quote: Quote
    to: ShipTo
    method_id: str | None = None


async def place(desk: DeskAt, wish: Wish) -> str:
    """Store an order and announce its life; the same form again is the same order."""
    if earlier := await earlier_order(desk, wish.customer_id, wish.key):
        return earlier
    now = datetime.now(UTC)
    number = order_id(int(await desk.session.scalar(text("select nextval('order_numbers')")) or 0))
    stored = insert(Order).values(order_row(desk, wish, number, now)).on_conflict_do_nothing()
    await desk.session.execute(stored.inline())
    if (kept := await earlier_order(desk, wish.customer_id, wish.key)) != number:
        return kept or ""  # the same form arrived twice at the same moment: the other one was first
    lines = [line_row(number, line) for line in wish.quote.lines]
    await desk.session.execute(insert(OrderLine).values(lines).inline())
    await tell_timeline(desk, wish, number, now)
    placed = OrderPlaced(
        number, wish.customer_id, now, wish.quote.needs_credit_check, wish.quote.once_minor,
        wish.quote.currency,
    )  # fmt: skip
    await announce_start(desk.session, "Order", order_workflow_id(number), placed, summary=f"Order {number}")
    await desk.session.execute(select(func.pg_notify("ieum_live", "orders")))
    return number


async def earlier_order(desk: DeskAt, customer_id: str, key: str) -> str | None:
    """The order that this form has already made."""
    mine = desk.visible(Order).with_only_columns(col(Order.id))
    same = col(Order.customer_id) == customer_id, col(Order.submission_key) == key
    found: str | None = await desk.session.scalar(mine.where(*same))
    return found


def order_row(desk: DeskAt, wish: Wish, number: str, now: datetime) -> dict[str, object]:
    """The order as it was accepted."""
    quote, to = wish.quote, wish.to
    return {
        "id": number, "submission_key": wish.key, "customer_id": wish.customer_id,
        "placed_by": desk.person.account_id if desk.person.is_desk else None,
        "status": OrderStatus.RECEIVED, "is_over": False, "quote": to_record(quote),
        "once_minor": quote.once_minor, "net_minor": quote.net_minor, "tax_minor": quote.tax_minor,
        "monthly_minor": quote.monthly_minor, "currency": quote.currency, "ship_name": to.name,
        "ship_phone": to.phone, "ship_postcode": to.postcode, "ship_address": to.address,
        "ship_region": to.region, "payment_method_id": wish.method_id, "credit": "", "reason": "",
        "placed_at": now, "seq": 0,
    }  # fmt: skip


def line_row(number: str, line: QuoteLine) -> dict[str, object]:
    """One line of the quote as a row of the order."""
    return {
        "order_id": number, "position": line.position, "product_id": line.product_id,
        "plan_id": line.plan.plan_id if line.plan else None,
        "plan_version": line.plan.version if line.plan else None, "bundle_id": line.bundle_id,
        "name_ko": line.name_ko, "name_en": line.name_en, "quantity": line.quantity,
        "once_minor": line.once_minor, "net_minor": line.net_minor, "tax_minor": line.tax_minor,
        "monthly_minor": line.monthly_minor, "tax_rule": line.tax_rule,
        "needs_shipping": line.needs_shipping, "needs_installation": line.needs_installation,
        "reserved": 0, "shipped": 0, "delivered": 0, "serials": [],
    }  # fmt: skip


async def tell_timeline(desk: DeskAt, wish: Wish, number: str, now: datetime) -> None:
    """The first line of the order's story."""
    subject = order_workflow_id(number)
    line = {
        "key": f"{subject}/0", "subject": subject, "case_id": number, "customer_id": wish.customer_id,
        "at": now, "kind": EntryKind.STEP, "sentence": "orders.placed", "details": {}, "is_public": True,
        "actor_kind": ActorKind.STAFF if desk.person.is_desk else ActorKind.CUSTOMER,
        "actor_id": desk.person.account_id,
    }  # fmt: skip
    await desk.session.execute(insert(TimelineEntry).values(line).inline())
