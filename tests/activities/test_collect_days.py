"""When an invoice is collected: on its account's own day of the month, and never after it is due."""

from datetime import date, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.kit.transactions import transaction
from activities.payments import CollectionActivities
from models.billing import BillingAccount
from models.messages.payments.collection import (
    BeginCollection,
    CollectionOrder,
    CollectionPolicy,
    WriteAttempts,
)
from tests.builders.collection import DAY, NOON, a_customer, a_run_invoice, an_agreed_card


@pytest.mark.parametrize(
    ("collect_day", "day"),
    [(None, date(2026, 6, 15)), (10, date(2026, 6, 10)), (31, date(2026, 6, 15)), (1, date(2026, 6, 1))],
)
async def test_an_invoice_is_collected_on_its_accounts_day_and_never_after_it_is_due(
    worker_engine: AsyncEngine, collect_day: int | None, day: date
) -> None:
    customer = await a_customer(worker_engine)
    await an_agreed_card(worker_engine, customer)
    await a_run_invoice(worker_engine, customer, due_days=14)
    async with transaction(worker_engine) as session:
        session.add(BillingAccount(customer_id=customer, collect_day=collect_day))

    asked = [DAY + timedelta(days=n) for n in range(16)]

    assert [one for one in asked if await attempts_on(worker_engine, one)] == [day]


@pytest.mark.parametrize(
    ("issued", "collect_day", "day"),
    [(date(2027, 1, 31), 30, date(2027, 2, 28)), (date(2028, 2, 29), 31, date(2028, 2, 29)),
     (date(2027, 2, 28), 5, date(2027, 3, 5)), (date(2026, 12, 31), 1, date(2027, 1, 1))],
)  # fmt: skip
async def test_a_shorter_month_collects_on_its_last_day(
    worker_engine: AsyncEngine, issued: date, collect_day: int, day: date
) -> None:
    customer = await a_customer(worker_engine)
    await an_agreed_card(worker_engine, customer)
    at = NOON.replace(year=issued.year, month=issued.month, day=issued.day)
    await a_run_invoice(worker_engine, customer, day=issued, at=at, due_days=60)
    async with transaction(worker_engine) as session:
        session.add(BillingAccount(customer_id=customer, collect_day=collect_day))

    assert await attempts_on(worker_engine, day - timedelta(days=1)) == 0
    assert await attempts_on(worker_engine, day) == 1


async def attempts_on(engine: AsyncEngine, day: date) -> int:
    """Write the attempts of a day's collection; how many there are."""
    acts = CollectionActivities(engine)
    await acts.begin_collection(BeginCollection(CollectionOrder(day), NOON))
    asked = WriteAttempts(day.isoformat(), day, CollectionPolicy(), "", NOON)
    return (await acts.write_attempts(asked)).attempts
