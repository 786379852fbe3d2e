"""Deposits on a real database: oldest first, the rest in suspense, each activity twice is once."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import ActivityEnvironment

from activities.kit.invariants import violations
from activities.kit.transactions import transaction
from activities.payments import DepositActivities
from models.messages.payments.deposits import AllocateDeposit, DepositStatus, ReturnDeposit
from models.payments import Deposit
from tests.builders.collection import DAY, NOON, a_customer, a_run_invoice

RUN = ActivityEnvironment().run
NOW = datetime(2026, 6, 20, tzinfo=UTC)
_numbers = count(1)


@pytest.fixture
def deposits(worker_engine: AsyncEngine) -> DepositActivities:
    return DepositActivities(worker_engine)


async def a_deposit(engine: AsyncEngine, amount: int, customer: str | None = None) -> str:
    name = f"dep_{next(_numbers)}"
    async with transaction(engine) as session:
        session.add(
            Deposit(
                id=name, account="56200010000001", payer="민아", customer_id=customer, amount_minor=amount,
                received_at=NOW,
            )
        )  # fmt: skip
    return name


async def balances(engine: AsyncEngine) -> dict[str, int]:
    query = "select account, sum(debit_minor - credit_minor) from ledger_entries group by account"
    async with transaction(engine) as session:
        return {row[0]: int(row[1]) for row in (await session.execute(text(query))).all() if row[1]}


async def paid(engine: AsyncEngine) -> list[str]:
    async with transaction(engine) as session:
        query = "select id from invoices where status = 'paid' order by due_at, id"
        return list((await session.scalars(text(query))).all())


async def all_is_well(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        assert await violations(connection) == {}


async def test_a_deposit_settles_the_oldest_first_and_the_rest_waits(deposits: DepositActivities) -> None:
    engine = deposits.engine
    customer = await a_customer(engine)
    later = await a_run_invoice(engine, customer, 20_000, day=DAY, at=NOON + timedelta(days=10))
    first = await a_run_invoice(engine, customer, 33_000)
    deposit = await a_deposit(engine, 60_000, customer)

    for _ in range(2):
        done = await RUN(deposits.allocate_deposit, AllocateDeposit(deposit, 1, NOW))
        assert (done.status, done.rest_minor) == (DepositStatus.SUSPENSE, 7_000)

    assert await paid(engine) == [first, later]
    assert (await balances(engine))["bank"] == 60_000
    assert (await balances(engine))["suspense"] == -7_000
    await all_is_well(engine)


async def test_money_that_does_not_reach_settles_a_part(deposits: DepositActivities) -> None:
    engine = deposits.engine
    customer = await a_customer(engine)
    invoice = await a_run_invoice(engine, customer, 33_000)
    for amount, state in ((30_000, []), (3_000, [invoice])):
        deposit = await a_deposit(engine, amount, customer)
        done = await RUN(deposits.allocate_deposit, AllocateDeposit(deposit, 1, NOW))
        assert done.status is DepositStatus.ALLOCATED
        assert await paid(engine) == state

    assert "receivable" not in await balances(engine)
    await all_is_well(engine)


async def test_nobody_knows_whose_it_is_until_finance_says_so(deposits: DepositActivities) -> None:
    engine = deposits.engine
    customer = await a_customer(engine)
    invoice = await a_run_invoice(engine, customer, 33_000)
    deposit = await a_deposit(engine, 33_000)

    done = await RUN(deposits.allocate_deposit, AllocateDeposit(deposit, 1, NOW))
    assert (done.status, done.rest_minor) == (DepositStatus.SUSPENSE, 33_000)
    assert await balances(engine) == {
        "bank": 33_000, "suspense": -33_000, "receivable": 33_000, "revenue": -30_000, "vat_payable": -3_000,
    }  # fmt: skip

    for _ in range(2):
        asked = AllocateDeposit(deposit, 2, NOW, customer, "acc_fin")
        assert (await RUN(deposits.allocate_deposit, asked)).status is DepositStatus.ALLOCATED
    assert await paid(engine) == [invoice]
    assert "suspense" not in await balances(engine)
    await all_is_well(engine)


async def test_what_nobody_claims_goes_back_once(deposits: DepositActivities) -> None:
    engine = deposits.engine
    deposit = await a_deposit(engine, 12_345)
    await RUN(deposits.allocate_deposit, AllocateDeposit(deposit, 1, NOW))

    for _ in range(2):
        done = await RUN(deposits.return_deposit, ReturnDeposit(deposit, 2, NOW, "acc_fin"))
        assert done.status is DepositStatus.RETURNED

    assert await balances(engine) == {}
    asked = AllocateDeposit(deposit, 3, NOW, await a_customer(engine), "acc_fin")
    assert (await RUN(deposits.allocate_deposit, asked)).status is DepositStatus.RETURNED
    assert await balances(engine) == {}
    await all_is_well(engine)
