"""Last month of the sample company: contracts billed and paid in it, and its books closed into the ERP.

The house's own activities do it, told that it is last month; the close itself is asked for over HTTP."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select

from activities.billing import BillingActivities
from activities.kit.transactions import transaction
from activities.subscriptions import SubscriptionActivities
from models.catalogue import PlanVersion
from models.kit.ids import case_invoice_id, order_id, subscription_id
from models.kit.records import from_record
from models.messages.billing.invoices import InvoiceOrder, IssueInvoice
from models.messages.catalogue import PlanTerms
from models.messages.orders import OrderStatus
from models.messages.subscriptions import Activation, Activations
from models.orders import Order
from models.rules.billing.close import Month, month_before
from models.rules.billing.invoices import on_day
from models.rules.subscriptions.charges import invoiced
from models.subscriptions import SubscriptionCharge
from ops.tryton import DATABASE, serves

NUMBERS = 900_001  # orders of another time
# customer, plan, day of last month on which the contract began
CONTRACTS = (
    ("cus_mina", "pln_water", 4), ("cus_mina", "pln_care", 11), ("cus_ava", "pln_air", 16),
    ("cus_hanbit", "pln_store", 2), ("cus_jung", "pln_care", 20), ("cus_noah", "pln_air", 25),
)  # fmt: skip
TERM = 90  # days to pay: these six are never late
ERP_SECONDS, CLOSE_SECONDS = 150, 60


def last_month() -> Month:
    """The last whole month in Seoul."""
    return month_before(on_day(datetime.now(UTC)))


def contracts(engine: AsyncEngine) -> list[tuple[date, Callable[[], Awaitable[None]]]]:
    """What began and was billed in the last whole month, each with its day. Safe to repeat: ids are fixed."""
    month = last_month()
    found: list[tuple[date, Callable[[], Awaitable[None]]]] = []
    for number, (customer, plan, day_of_month) in enumerate(CONTRACTS, NUMBERS):
        day = month.from_on + timedelta(day_of_month - 1)
        found.append((day, partial(_contract, engine, number, customer, plan, day)))
    return found


async def _contract(engine: AsyncEngine, number: int, customer: str, plan: str, day: date) -> None:
    order, at = order_id(number), datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    async with transaction(engine) as session:
        versions = select(PlanVersion).where(
            col(PlanVersion.plan_id) == plan, col(PlanVersion.status) == "published"
        )
        newest = await session.scalars(versions.order_by(col(PlanVersion.version).desc()).limit(1))
        terms = from_record(PlanTerms, newest.one().terms)
        await session.merge(
            Order(id=order, submission_key=order, customer_id=customer, status=OrderStatus.DONE, is_over=True,
                  quote={}, once_minor=0, net_minor=0, tax_minor=0, placed_at=at, done_at=at)
        )  # fmt: skip
    contract = Activation(subscription_id(order, 1), order, customer, terms, 1, day)
    await SubscriptionActivities(engine).activate(Activations(order, (contract,), at))
    async with transaction(engine) as session:
        made = select(SubscriptionCharge).where(
            col(SubscriptionCharge.subscription_id) == contract.subscription_id
        )
        charges = [one for one in await session.scalars(made) if one.gross_minor and not one.document_id]
    if charges:
        lines = invoiced(charges, customer)  # type: ignore[arg-type]
        asked = InvoiceOrder(
            case_invoice_id(order), "", customer, (), case_id=order, lines=lines,
            charge_ids=tuple(one.id for one in charges), due_days=TERM,
        )  # fmt: skip
        await BillingActivities(engine).issue(IssueInvoice(asked, at))


async def close_month(app: str, token: str, erp_url: str) -> None:
    """Ask for the close of last month as finance does, once the ERP answers, and say how it stands."""
    month = last_month().id
    print(f"The books of {month}: {await _closed(app, token, erp_url, month)}.", file=sys.stderr)


async def _closed(app: str, token: str, erp_url: str, month: str) -> str:
    port = urlsplit(erp_url).port or 0
    until = time.monotonic() + ERP_SECONDS
    while not await asyncio.to_thread(serves, port, DATABASE):
        if time.monotonic() > until:
            return "no ERP"
        await asyncio.sleep(1)
    headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
    async with httpx.AsyncClient(base_url=app, headers=headers, timeout=30) as http:
        await http.post("/billing/periods", json={"month": month})
        until = time.monotonic() + CLOSE_SECONDS
        while True:
            page: Any = (await http.get(f"/billing/periods/{month}")).json()
            status = str(page["period"]["status"])
            if status == "closed" or time.monotonic() > until:
                return status
            await asyncio.sleep(0.5)
