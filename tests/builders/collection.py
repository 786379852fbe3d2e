"""Customers who owe invoices of a bill run and have agreed to a card."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import count

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.kit.ledger import next_number
from activities.kit.sealing import Seals
from activities.kit.transactions import transaction
from models.billing import Invoice, InvoiceLine, LedgerEntry, LedgerTransaction
from models.customers import Customer
from models.messages.billing.invoices import LedgerAccount, LineKind
from models.messages.payments import MethodKind, MethodStatus
from models.payments import Mandate, PaymentMethod
from models.rules.billing.invoices import due_at, split_vat

DAY = date(2026, 6, 1)
NOON = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
SEALS = Seals([("test", bytes(32))])
_numbers = count(1)


def a_key(method_id: str) -> str:
    """A billing key that nobody has issued: for connectors that only remember."""
    return f"bk_{method_id}"


async def a_run_invoice(
    engine: AsyncEngine, customer_id: str, gross: int = 33_000, *, day: date = DAY, at: datetime = NOON,
    due_days: int = 0, tax: int | None = None,
) -> str:  # fmt: skip
    """An invoice as a bill run makes it: no ticket, no case, no workflow; posted, due at once."""
    number = f"IB{next(_numbers):06d}"
    tax = split_vat(gross)[1] if tax is None else tax
    net = gross - tax
    async with transaction(engine) as session:
        label = await next_number(session, str(day.year))
        session.add(Invoice(id=number, number=label, run_id=f"B{day}", customer_id=customer_id,
                            net_minor=net, tax_minor=tax, total_minor=gross, issued_on=day,
                            due_at=due_at(at, due_days), created_at=at))  # fmt: skip
        await session.flush()
        session.add(InvoiceLine(invoice_id=number, position=1, kind=LineKind.RECURRING, name_ko="정수기 렌탈",
                                name_en="Water purifier rental", quantity=1, unit_minor=gross,
                                gross_minor=gross, net_minor=net, tax_minor=tax,
                                tax_rule="kr-vat-10-included"))  # fmt: skip
        posting = LedgerTransaction(source=f"invoice:{number}", purpose="issue", customer_id=customer_id,
                                    posted_on=day, posted_at=at)  # fmt: skip
        session.add(posting)
        await session.flush()
        assert posting.id is not None
        sides = ((LedgerAccount.RECEIVABLE, gross, 0), (LedgerAccount.REVENUE, 0, net),
                 (LedgerAccount.VAT, 0, tax))  # fmt: skip
        rows = [
            {"transaction_id": posting.id, "position": place, "account": account, "debit_minor": debit,
             "credit_minor": credit, "currency": "KRW"}
            for place, (account, debit, credit) in enumerate(sides, 1) if debit or credit
        ]  # fmt: skip
        await session.execute(insert(LedgerEntry).values(rows))
    return number


async def a_customer(engine: AsyncEngine) -> str:
    """A customer with an address."""
    name = f"cus_col{next(_numbers):06d}"
    async with transaction(engine) as session:
        session.add(Customer(id=name, name="민아", email=f"{name}@example.test", created_at=NOON))
    return name


async def an_agreed_card(
    engine: AsyncEngine, customer_id: str, key_of: Callable[[str], str] = a_key, provider: str = "gateway"
) -> str:
    """A card that may be charged without asking; its key lies sealed."""
    name = f"pm_{customer_id}_{next(_numbers)}"
    customer_key = f"ck_{name}"
    async with transaction(engine) as session:
        session.add(PaymentMethod(
            id=name, customer_id=customer_id, kind=MethodKind.CARD, status=MethodStatus.ACTIVE,
            provider=provider, customer_key=customer_key, is_default=True, label="현대 ·· 1234",
            billing_key=SEALS.seal(key_of(customer_key), name), created_at=NOON,
        ))  # fmt: skip
    return name


async def many_due(
    engine: AsyncEngine, number: int, key_of: Callable[[str], str] = a_key, provider: str = "gateway"
) -> list[str]:
    """So many customers with a card and an invoice each; the ids of the invoices."""
    found = []
    for _ in range(number):
        customer = await a_customer(engine)
        await an_agreed_card(engine, customer, key_of, provider)
        found.append(await a_run_invoice(engine, customer))
    return found


async def an_account(
    engine: AsyncEngine, customer: str, number: str, status: MethodStatus = MethodStatus.ACTIVE
) -> str:
    """A mandate, registered or not yet."""
    name = f"pm_{customer}_{number}"
    async with transaction(engine) as session:
        session.add(PaymentMethod(
            id=name, customer_id=customer, kind=MethodKind.ACCOUNT, status=status, provider="bank",
            customer_key=f"ck_{name}", billing_key=SEALS.seal(number, name), label="국민 ·· 1234",
            is_default=status is MethodStatus.ACTIVE, created_at=NOON,
        ))  # fmt: skip
        await session.flush()
        session.add(
            Mandate(method_id=name, customer_id=customer, bank="004", consent="2026-11", consented_at=NOON)
        )
    return name


async def debtors(engine: AsyncEngine, *numbers: str) -> list[str]:
    """Customers with these accounts and an invoice each."""
    found = []
    for number in numbers:
        customer = await a_customer(engine)
        await an_account(engine, customer, number)
        found.append(await a_run_invoice(engine, customer))
    return found
