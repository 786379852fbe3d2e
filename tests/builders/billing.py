"""A finished repair and what can be made of it: an invoice, attempts to pay it."""

from datetime import UTC, datetime
from itertools import count

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from activities.kit.transactions import transaction
from models.billing import Invoice
from models.catalogue import Part, Product
from models.customers import Customer, OwnedProduct
from models.field_service import PartUse, Visit
from models.kit.ids import attempt_id, case_invoice_id
from models.messages.billing.invoices import InvoiceOrder, LineKind, PricedLine
from models.messages.field_service import Outcome, VisitStatus
from models.messages.payments import ChargeOrder
from models.messages.tickets import Channel
from models.payments import PaymentAttempt, PaymentMethod
from models.rules.billing.invoices import split_vat
from models.tickets import Ticket

NOON = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
_numbers = count(700_001)
# call-out 22,000 + two half hours 33,000 + belt 12,000
TOTAL = 67_000


async def a_finished_repair(engine: AsyncEngine, *, labour_minutes: int = 45) -> InvoiceOrder:
    """A repaired device out of warranty, ready to be billed over 67,000 won."""
    number = next(_numbers)
    ticket, visit = f"T{number}", f"V{number}-1"
    async with transaction(engine) as session:
        await _catalogue(session)
        session.add(
            Customer(id=f"cus_{number}", name="민아", email=f"c{number}@example.test", created_at=NOON)
        )
        session.add(OwnedProduct(id=f"own_{number}", customer_id=f"cus_{number}", product_id="prd_washer",
                                 serial=str(number)))  # fmt: skip
        await session.flush()
        session.add(Ticket(id=ticket, submission_key=ticket, customer_id=f"cus_{number}", subject="소음",
                           owned_product_id=f"own_{number}", channel=Channel.FORM, created_at=NOON,
                           updated_at=NOON))  # fmt: skip
        await session.flush()
        session.add(Visit(id=visit, ticket_id=ticket, customer_id=f"cus_{number}", is_over=True,
                          status=VisitStatus.COMPLETED, outcome=Outcome.REPAIRED, finished_at=NOON,
                          labour_minutes=labour_minutes, created_at=NOON))  # fmt: skip
        await session.flush()
        session.add(PartUse(visit_id=visit, part_id="prt_belt", quantity=1, used_at=NOON, action_id=visit))
    return InvoiceOrder(f"I{number}-1", ticket, f"cus_{number}", (visit,))


async def _catalogue(session: AsyncSession) -> None:
    if await session.get(Product, "prd_washer") is None:
        session.add(Product(id="prd_washer", sku="W1", name_ko="세탁기", name_en="Washer", category="washer",
                            labour_minor=16_500, call_out_minor=22_000))  # fmt: skip
        session.add(Part(id="prt_belt", sku="B1", name_ko="벨트", name_en="Belt", category="washer",
                         price_minor=12_000))  # fmt: skip
        await session.flush()


def a_line(gross: int, quantity: int = 1, kind: LineKind = LineKind.PRODUCT) -> PricedLine:
    """A line as an order agreed on it, VAT included."""
    net, tax = split_vat(gross)
    return PricedLine(kind, "정수기", "Water purifier", quantity, gross, net, tax)


async def an_order_to_bill(engine: AsyncEngine, *gross: int) -> InvoiceOrder:
    """An order's invoice over these lines (or one of 330,000 won), for a customer of its own."""
    number = next(_numbers)
    async with transaction(engine) as session:
        session.add(
            Customer(id=f"cus_{number}", name="민아", email=f"c{number}@example.test", created_at=NOON)
        )
    lines = tuple(a_line(one) for one in gross or (330_000,))
    return InvoiceOrder(
        case_invoice_id(f"O{number}"), "", f"cus_{number}", (), case_id=f"O{number}", lines=lines,
        asked_by=f"order:O{number}",
    )  # fmt: skip


async def a_pending_method(engine: AsyncEngine, customer_id: str) -> str:
    """A payment method whose customer has just been sent to the gateway's form."""
    name = f"pm_{next(_numbers)}"
    async with transaction(engine) as session:
        session.add(
            PaymentMethod(id=name, customer_id=customer_id, customer_key=f"ck_{name}", created_at=NOON)
        )
    return name


async def an_attempt(
    engine: AsyncEngine, invoice_id: str, payment_key: str = "", at: datetime = NOON
) -> ChargeOrder:
    """The next try to pay an invoice, stored as the api stores it: row and key before any call."""
    async with transaction(engine) as session:
        invoice = await session.get_one(Invoice, invoice_id)
        query = select(func.count()).where(PaymentAttempt.invoice_id == invoice_id)
        ordinal = int(await session.scalar(query) or 0) + 1
        name = attempt_id(invoice_id, ordinal)
        session.add(PaymentAttempt(id=name, invoice_id=invoice_id, ordinal=ordinal, created_at=at,
                                   customer_id=invoice.customer_id, payment_key=payment_key or f"pk_{name}",
                                   amount_minor=invoice.total_minor))  # fmt: skip
        return ChargeOrder(name, invoice_id, invoice.ticket_id or "", invoice.total_minor)


async def another_invoice(engine: AsyncEngine, like: str, invoice_id: str) -> None:
    """One more invoice like a given one; nobody has paid or credited anything of it."""
    async with transaction(engine) as session:
        given = await session.get_one(Invoice, like)
        number = f"2026-{next(_numbers)}"
        session.add(Invoice(**{**given.model_dump(), "id": invoice_id, "number": number}))
