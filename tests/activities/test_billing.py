"""Issuing, settling and cancelling on a real database; every activity twice gives once."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.billing import BillingActivities
from activities.kit.invariants import violations
from activities.kit.transactions import transaction
from models.billing import Invoice, InvoiceLine, LedgerTransaction
from models.journeys import OpenWait
from models.kit.timeline import TimelineEntry
from models.messages.billing.invoices import (
    FinanceAct,
    InvoiceChange,
    InvoiceStatus,
    IssueInvoice,
    PaymentReceived,
    Settled,
    SettleInvoice,
)
from models.messages.payments import AttemptStatus
from models.payments import PaymentAttempt
from tests.builders.billing import NOON, TOTAL, a_finished_repair, an_attempt

RUN = ActivityEnvironment().run


@pytest.fixture
def billing(worker_engine: AsyncEngine) -> BillingActivities:
    return BillingActivities(worker_engine)


async def an_invoice(billing: BillingActivities) -> IssueInvoice:
    asked = IssueInvoice(await a_finished_repair(billing.engine), NOON)
    await RUN(billing.issue, asked)
    return asked


async def some_money(billing: BillingActivities, asked: IssueInvoice, seq: int = 2) -> SettleInvoice:
    """An attempt that has succeeded, as payments would have recorded it."""
    order = await an_attempt(billing.engine, asked.order.invoice_id)
    async with transaction(billing.engine) as session:
        attempt = await session.get_one(PaymentAttempt, order.attempt_id)
        attempt.status = AttemptStatus.SUCCEEDED
    payment = PaymentReceived(order.attempt_id, order.amount_minor, NOON)
    return SettleInvoice(order.invoice_id, order.ticket_id, payment, seq, NOON)


async def count(engine: AsyncEngine, table: type) -> int:
    async with transaction(engine) as session:
        return int(await session.scalar(select(func.count()).select_from(table)) or 0)


async def nothing_is_broken(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        assert await violations(connection) == {}


async def read(engine: AsyncEngine, invoice_id: str) -> Invoice:
    async with transaction(engine) as session:
        return await session.get_one(Invoice, invoice_id)


async def test_issuing_twice_gives_one_invoice(billing: BillingActivities) -> None:
    asked = IssueInvoice(await a_finished_repair(billing.engine), NOON)

    first = await RUN(billing.issue, asked)
    second = await RUN(billing.issue, asked)

    assert first == second
    assert (first.total_minor, first.number) == (TOTAL, "2026-000001")
    assert await count(billing.engine, Invoice) == 1
    assert await count(billing.engine, InvoiceLine) == 3
    assert await count(billing.engine, LedgerTransaction) == 1
    assert await count(billing.engine, TimelineEntry) == 1
    assert await count(billing.engine, OpenWait) == 1
    await nothing_is_broken(billing.engine)


async def test_a_price_change_does_not_reach_an_issued_invoice(billing: BillingActivities) -> None:
    asked = await an_invoice(billing)
    async with transaction(billing.engine) as session:
        await session.execute(text("update products set labour_minor = 99000, call_out_minor = 99000"))

    again = await RUN(billing.issue, asked)

    assert again.total_minor == TOTAL
    await nothing_is_broken(billing.engine)


async def test_numbers_have_no_gap_when_many_are_issued_at_once_and_some_fail(
    billing: BillingActivities,
) -> None:
    orders = [await a_finished_repair(billing.engine) for _ in range(12)]
    bad = [replace(order, customer_id="nobody") for order in orders[8:]]

    done = await asyncio.gather(
        *(billing.issue(IssueInvoice(order, NOON)) for order in [*orders[:8], *orders[:8], *bad]),
        return_exceptions=True,
    )

    assert sum(isinstance(one, BaseException) for one in done) == 4
    numbers = {one.number for one in done if not isinstance(one, BaseException)}
    assert numbers == {f"2026-{n:06d}" for n in range(1, 9)}
    await nothing_is_broken(billing.engine)


async def test_settling_twice_books_once(billing: BillingActivities) -> None:
    money = await some_money(billing, await an_invoice(billing))

    first = await RUN(billing.settle, money)
    second = await RUN(billing.settle, money)

    assert first == second == Settled(InvoiceStatus.PAID, TOTAL, 0)
    assert (await read(billing.engine, money.invoice_id)).paid_at == NOON
    assert await count(billing.engine, LedgerTransaction) == 2
    await nothing_is_broken(billing.engine)


async def test_money_for_a_settled_invoice_waits_in_suspense_until_it_is_given_back(
    billing: BillingActivities,
) -> None:
    asked = await an_invoice(billing)
    await RUN(billing.settle, await some_money(billing, asked))
    money = await some_money(billing, asked, seq=3)

    kept = [await RUN(billing.settle, money), await RUN(billing.settle, money)]

    assert kept == [Settled(InvoiceStatus.PAID, 0, TOTAL)] * 2
    await nothing_is_broken(billing.engine)

    act = FinanceAct(asked.order.invoice_id, asked.order.ticket_id, 4, NOON, "acc_fin", "twice",
                     money.payment.attempt_id)  # fmt: skip
    assert [await RUN(billing.clear_suspense, act), await RUN(billing.clear_suspense, act)] == [TOTAL] * 2
    async with transaction(billing.engine) as session:
        left = await session.scalar(
            text("select sum(credit_minor - debit_minor) from ledger_entries where account = 'suspense'")
        )
    assert left == 0
    await nothing_is_broken(billing.engine)


async def test_cancelling_twice_reverses_once(billing: BillingActivities) -> None:
    asked = await an_invoice(billing)
    act = FinanceAct(asked.order.invoice_id, asked.order.ticket_id, 2, NOON, "acc_fin", "wrong visit")

    assert await RUN(billing.cancel, act) == await RUN(billing.cancel, act) == InvoiceStatus.CANCELLED

    assert await count(billing.engine, LedgerTransaction) == 2
    await nothing_is_broken(billing.engine)


async def test_an_invoice_is_not_cancelled_while_money_may_be_moving(billing: BillingActivities) -> None:
    asked = await an_invoice(billing)
    await an_attempt(billing.engine, asked.order.invoice_id)
    act = FinanceAct(asked.order.invoice_id, asked.order.ticket_id, 2, NOON, "acc_fin", "")

    with pytest.raises(ApplicationError) as refused:
        await RUN(billing.cancel, act)

    assert refused.value.type == "payment_under_way"
    assert (await read(billing.engine, asked.order.invoice_id)).status is InvoiceStatus.ISSUED


async def test_money_for_a_cancelled_invoice_is_kept_in_suspense(billing: BillingActivities) -> None:
    asked = await an_invoice(billing)
    act = FinanceAct(asked.order.invoice_id, asked.order.ticket_id, 2, NOON, "acc_fin", "")
    await RUN(billing.cancel, act)

    settled = await RUN(billing.settle, await some_money(billing, asked, seq=3))

    assert settled == Settled(InvoiceStatus.CANCELLED, 0, TOTAL)
    await nothing_is_broken(billing.engine)


async def test_a_late_projection_changes_nothing(billing: BillingActivities) -> None:
    asked = await an_invoice(billing)
    order = asked.order
    overdue = InvoiceChange(
        order.invoice_id, order.ticket_id, 3, InvoiceStatus.OVERDUE, NOON, "billing.overdue"
    )
    older = InvoiceChange(
        order.invoice_id, order.ticket_id, 2, InvoiceStatus.ISSUED, NOON, "billing.reminded"
    )

    for change in (overdue, overdue, older):
        await RUN(billing.record, change)

    assert (await read(billing.engine, order.invoice_id)).status is InvoiceStatus.OVERDUE
    assert await count(billing.engine, TimelineEntry) == 3


async def test_an_invoice_over_nothing_is_paid_by_itself(billing: BillingActivities) -> None:
    order = replace(await a_finished_repair(billing.engine), visit_ids=())
    await RUN(billing.issue, IssueInvoice(order, NOON))
    act = FinanceAct(order.invoice_id, order.ticket_id, 2, NOON, "")

    await RUN(billing.settle_nothing, act)
    await RUN(billing.settle_nothing, act)

    assert (await read(billing.engine, order.invoice_id)).status is InvoiceStatus.PAID
    await nothing_is_broken(billing.engine)


@pytest.mark.parametrize(
    ("harm", "broken"),
    [
        ("update invoice_lines set tax_minor = tax_minor + 1, net_minor = net_minor - 1 where position = 1",
         {"B1 the lines of an invoice add up to it", "B1 a line is split by its stored rule"}),
        ("update number_series set last = 2", {"B6 numbers have no gap and none is given twice"}),
        ("update invoices set status = 'paid'", {"an invoice is paid exactly when its money is there"}),
        ("update payment_attempts set status = 'succeeded'",
         {"C4 what moved is what settled plus what waits or went back",
          "C4 every success is posted once with its amount, and nothing else is"}),
        ("delete from payment_allocations; update invoices set status = 'cancelled'",
         {"every cancelled invoice is reversed, and only those",
          "B9 open invoices are the receivables of their customer",
          "a document that was wholly taken back leaves nothing on any account but what waits to go back"}),
    ],
)  # fmt: skip
async def test_the_invariants_see_what_is_broken(
    billing: BillingActivities, harm: str, broken: set[str]
) -> None:
    asked = await an_invoice(billing)
    await an_attempt(billing.engine, asked.order.invoice_id)
    await nothing_is_broken(billing.engine)

    async with transaction(billing.engine) as session:
        for statement in harm.split("; "):
            await session.execute(text(statement))

    async with billing.engine.connect() as connection:
        assert set(await violations(connection)) == broken
