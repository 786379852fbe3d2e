"""What an invoice asks: the visits at today's prices, or the lines that were agreed before."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.kit.ledger import next_number
from models.billing import Invoice, InvoiceLine
from models.catalogue import Part, Product
from models.customers import OwnedProduct
from models.field_service import PartUse, Visit
from models.messages.billing.invoices import IssueInvoice
from models.rules.billing import invoices as rules
from models.rules.billing.invoices import Prices, UsedPart, VisitWork
from models.tickets import Ticket


async def price(session: AsyncSession, asked: IssueInvoice) -> Invoice:
    """Store invoice and lines, agreed or at today's prices, with the next number of the year's series."""
    order = asked.order
    priced = (
        rules.agreed(order.lines)
        if order.lines
        else rules.lines(await works(session, order.visit_ids), await _prices(session, order.ticket_id))
    )
    sums = rules.totals(priced)
    day = rules.on_day(asked.at)
    invoice = Invoice(
        id=order.invoice_id, number=await next_number(session, str(day.year)),
        ticket_id=order.ticket_id or None, case_id=order.case_id or None,
        customer_id=order.customer_id, net_minor=sums.net_minor, tax_minor=sums.tax_minor,
        total_minor=sums.total_minor, issued_on=day, due_at=rules.due_at(asked.at, order.due_days),
        created_at=asked.at, seq=1,
    )  # fmt: skip
    session.add(invoice)
    await session.flush()
    for position, line in enumerate(priced, 1):
        session.add(InvoiceLine(invoice_id=invoice.id, position=position, **asdict(line)))
    return invoice


async def works(session: AsyncSession, visit_ids: Sequence[str]) -> tuple[VisitWork, ...]:
    """What was done on these visits, as the pricing rules want it."""
    visits = await session.scalars(
        select(Visit).where(Visit.id.in_(visit_ids)).order_by(Visit.id)  # type: ignore[attr-defined]
    )
    uses = await session.execute(
        select(PartUse.visit_id, Part, func.sum(PartUse.quantity))  # type: ignore[call-overload]
        .join(Part, Part.id == PartUse.part_id)
        .where(PartUse.visit_id.in_(visit_ids))  # type: ignore[attr-defined]
        .group_by(PartUse.visit_id, Part.id)
        .order_by(PartUse.visit_id, Part.id)
    )
    parts: dict[str, list[UsedPart]] = {}
    for visit_id, part, quantity in uses.all():
        used = UsedPart(part.id, part.name_ko, part.name_en, int(quantity), part.price_minor)
        parts.setdefault(visit_id, []).append(used)
    return tuple(
        VisitWork(visit.id, visit.outcome, visit.labour_minutes, tuple(parts.get(visit.id, ())))
        for visit in visits
    )


async def _prices(session: AsyncSession, ticket_id: str) -> Prices:
    """The price list of the ticket's product; without a known product only parts are billed."""
    product = await session.scalar(
        select(Product)
        .join(OwnedProduct, OwnedProduct.product_id == Product.id)  # type: ignore[arg-type]
        .join(Ticket, Ticket.owned_product_id == OwnedProduct.id)  # type: ignore[arg-type]
        .where(Ticket.id == ticket_id)  # type: ignore[arg-type]
    )
    return Prices(product.call_out_minor, product.labour_minor) if product else Prices(0, 0)
