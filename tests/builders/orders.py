"""Orders as the api makes them: row, lines and outbox line in one transaction."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from models.kit.ids import order_id
from models.kit.outbox import announce_start
from models.kit.records import to_record
from models.messages.catalogue import PlanKind, PlanTerms, Price, Quote, QuoteLine
from models.messages.orders import OrderPlaced, order_workflow_id
from models.orders import Order, OrderLine
from models.rules.billing.invoices import split_vat
from tests.builders.desk import Company
from tests.builders.leases import plan_row

_numbers = count(700_001)


def a_line(position: int = 1, once: int = 110_000, **facts: object) -> QuoteLine:
    net, tax = split_vat(once)
    line = QuoteLine(
        position, "정수기", "Purifier", 1, once, net, tax, product_id="pro_phone", needs_shipping=True,
        warranty_months=24,
    )  # fmt: skip
    return replace(line, **facts)  # type: ignore[arg-type]


def a_rental(position: int = 2, monthly: int = 33_000) -> QuoteLine:
    terms = PlanTerms("pl", 1, PlanKind.RENTAL, "렌탈", "Rental", Price(unit_minor=monthly))
    return a_line(
        position, 0, name_ko="렌탈", name_en="Rental", plan=terms, monthly_minor=monthly, product_id=None,
        needs_shipping=False,
    )  # fmt: skip


def a_quote(*lines: QuoteLine, **facts: object) -> Quote:
    quote = Quote(
        lines,
        sum(one.once_minor for one in lines),
        sum(one.net_minor for one in lines),
        sum(one.tax_minor for one in lines),
        sum(one.monthly_minor for one in lines),
        (datetime.now(UTC) + timedelta(days=14)).date(),
    )
    return replace(quote, **facts)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Placed:
    """An order and what started it."""

    id: str
    placed: OrderPlaced


def an_order(quote: Quote, customer_id: str, **facts: object) -> tuple[Order, list[OrderLine]]:
    """The rows of an order."""
    id = order_id(next(_numbers))
    defaults: dict[str, object] = {
        "id": id, "submission_key": f"key-{id}", "customer_id": customer_id, "quote": to_record(quote),
        "once_minor": quote.once_minor, "net_minor": quote.net_minor, "tax_minor": quote.tax_minor,
        "monthly_minor": quote.monthly_minor, "placed_at": datetime.now(UTC), "ship_name": "Mina",
        "ship_phone": "+821012345678", "ship_postcode": "06236", "ship_address": "Teheran-ro 1",
        "ship_region": "seoul-gangnam",
    }  # fmt: skip
    lines = [
        OrderLine(
            order_id=id, position=one.position, product_id=one.product_id, name_ko=one.name_ko,
            name_en=one.name_en, quantity=one.quantity, once_minor=one.once_minor, net_minor=one.net_minor,
            tax_minor=one.tax_minor, monthly_minor=one.monthly_minor, tax_rule=one.tax_rule,
            needs_shipping=one.needs_shipping, needs_installation=one.needs_installation,
        )
        for one in quote.lines
    ]  # fmt: skip
    return Order(**{**defaults, **facts}), lines


async def a_placed_order(
    engine: AsyncEngine, company: Company, *lines: QuoteLine, hours: int = 72, **facts: object
) -> Placed:
    """Store an order and announce its life."""
    quote = a_quote(*(lines or (a_line(),)))
    order, rows = an_order(quote, company.customer_id)
    needs_credit = any(one.plan is not None and one.plan.kind is PlanKind.RENTAL for one in quote.lines)
    placed = OrderPlaced(order.id, order.customer_id, order.placed_at, needs_credit, quote.once_minor)
    placed = replace(placed, payment_hours=hours, **facts)  # type: ignore[arg-type]
    async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
        for plan in [one.plan for one in quote.lines if one.plan is not None]:
            await session.merge(plan_row(plan, order.placed_at))
        session.add(order)
        await session.flush()
        session.add_all(rows)
        await announce_start(session, "Order", order_workflow_id(order.id), placed, summary=order.id)
    return Placed(order.id, placed)
