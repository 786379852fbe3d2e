"""Invoices of a run that were wrong: what was paid goes back as it came or pays the next bills."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from activities.connectors.payments import ConsolePaymentGateway
from activities.kit.invariants import violations
from activities.kit.settlement import settle_attempts
from activities.kit.transactions import transaction
from activities.payments import CollectionActivities, DepositActivities, RefundActivities
from models.messages.billing.runs import BillAgain, BillRunOrder, again_workflow_id, run_id, run_workflow_id
from models.messages.payments import AttemptStatus
from models.messages.payments.collection import (
    BeginCollection,
    CollectionOrder,
    CollectionPolicy,
    WriteAttempts,
)
from models.messages.payments.deposits import AllocateDeposit
from models.payments import Deposit, PaymentAttempt
from models.rules.subscriptions.periods import business_day
from tests.builders.dunning import a_case, a_policy
from tests.builders.leases import BASIC
from tests.builders.runs import Lease, signed
from tests.desk import DESK_QUEUE, RunningDesk, StandIns
from workflows.kit.options import PAYMENTS_QUEUE

NOW = datetime.now(UTC)
TODAY = business_day(NOW)
RENT = 29_900
BEGUN: list[str] = []
ASKED = "select 1 from waits where what = 'refund' and ended_at is null"
KEPT = "select 1 from waits where what = 'kept' and ended_at is null"


def customer() -> str:
    """The customer of the running test: lives are started once for ever."""
    return f"cus_{len(BEGUN)}"


@pytest.fixture
def gateway() -> ConsolePaymentGateway:
    return ConsolePaymentGateway()


@pytest.fixture
def stand_ins(worker_engine: AsyncEngine, gateway: ConsolePaymentGateway) -> StandIns:
    acts = RefundActivities(worker_engine, gateway)
    return StandIns(acts={PAYMENTS_QUEUE: [acts.give_back, acts.look_up_refund]})


@pytest.fixture
async def billed(desk: RunningDesk) -> AsyncIterator[RunningDesk]:
    """One customer with a contract, and the bill of its first two months over 59,800 won."""
    BEGUN.append("")
    await signed(desk.engine, [Lease("S1", customer(), BASIC, TODAY - timedelta(days=40))])
    await run(desk, TODAY)
    yield desk
    async with desk.engine.connect() as connection:
        assert await violations(connection) == {}


async def run(desk: RunningDesk, day: Any) -> None:
    order = BillRunOrder(run_id(day), day, is_preview=False)
    await desk.client.execute_workflow(
        "BillRun", order, id=run_workflow_id(order.run_id), task_queue=DESK_QUEUE
    )


async def invoices(desk: RunningDesk) -> list[tuple[str, int]]:
    found = await desk.rows("select status, total_minor from invoices order by number")
    return [(row.status, row.total_minor) for row in found]


async def correct(desk: RunningDesk, *, keeps_money: bool = False) -> None:
    """Finance finds that the first invoice is too high: the contract has half the price."""
    first = (await desk.rows("select id from invoices order by number limit 1"))[0].id
    await desk.change("update subscriptions set percent_off = 50")
    await desk.change(
        "update subscription_charges set gross_minor = gross_minor / 2, tax_minor = gross_minor / 2 / 11,"
        " net_minor = gross_minor / 2 - gross_minor / 2 / 11"
    )
    order = BillAgain("fix", run_id(TODAY), customer(), "acc_fin", first, "half price", keeps_money)
    await desk.client.execute_workflow(
        "BillAccount", order, id=again_workflow_id(order.key), task_queue=DESK_QUEUE
    )


async def pay_card(desk: RunningDesk, amount: int) -> None:
    """The customer's card brings a part of the first invoice."""
    async with transaction(desk.engine) as session:
        invoice = await the_first(session)
        attempt = PaymentAttempt(
            id=f"{invoice}.9", invoice_id=invoice, ordinal=9, customer_id=customer(), payment_key="pk_1",
            provider_id="tx_1", amount_minor=amount, status=AttemptStatus.SUCCEEDED, created_at=NOW,
            settled_at=NOW,
        )  # fmt: skip
        session.add(attempt)
        await session.flush()
        assert (await settle_attempts(session, [attempt.id], NOW)).booked


async def the_first(session: AsyncSession) -> str:
    return str(await session.scalar(text("select id from invoices order by number limit 1")))


async def pay_bank(desk: RunningDesk, amount: int) -> None:
    """Money that came to the customer's own account number."""
    async with transaction(desk.engine) as session:
        session.add(
            Deposit(id="dep_1", account="562", customer_id=customer(), amount_minor=amount, received_at=NOW)
        )
    await DepositActivities(desk.engine).allocate_deposit(AllocateDeposit("dep_1", 1, NOW))


async def test_what_was_paid_goes_back_payment_by_payment(
    billed: RunningDesk, gateway: ConsolePaymentGateway
) -> None:
    await pay_bank(billed, 10_000)
    await pay_card(billed, 2 * RENT - 10_000)

    await correct(billed)
    await billed.until(lambda: has(billed, "select 1 from refunds where status = 'succeeded'", 1))
    await billed.until(lambda: has(billed, ASKED, 1))

    assert await invoices(billed) == [("paid", 2 * RENT), ("issued", RENT)]
    back = await billed.rows("select amount_minor, status, code from refunds order by amount_minor")
    assert [tuple(row) for row in back] == [
        (10_000, "refused", "no_payment_key"), (2 * RENT - 10_000, "succeeded", "DONE"),
    ]  # fmt: skip
    assert [what for what, _ in gateway.asked] == ["cancel"]  # nobody is asked for money of the bank
    notes = await billed.rows("select sum(total_minor) as total from credit_notes")
    assert notes[0].total == 2 * RENT


async def test_what_was_paid_stays_on_the_account_and_pays_the_next_bills(billed: RunningDesk) -> None:
    await pay_card(billed, 2 * RENT)

    await correct(billed, keeps_money=True)
    await billed.until(lambda: has(billed, KEPT, 1))

    assert await invoices(billed) == [("paid", 2 * RENT), ("paid", RENT)]
    await collect(billed, TODAY)  # nothing is owed: nobody is told
    later = TODAY + timedelta(days=62)
    await run(billed, later)
    asked = await collect(billed, later)
    await billed.until(lambda: has(billed, "select 1 from deposits where status = 'allocated'", 1))

    assert asked == 0
    assert await invoices(billed) == [("paid", 2 * RENT), ("paid", RENT), ("paid", RENT)]
    left = await billed.rows(
        "select sum(amount_minor) as paid from payment_attempts where provider = 'suspense'"
    )
    assert left[0].paid == 2 * RENT


async def test_dunning_hears_of_a_corrected_invoice_at_once(billed: RunningDesk) -> None:
    await pay_bank(billed, 9_800)
    async with transaction(billed.engine) as session:
        session.add(a_policy())
    await billed.change("update invoices set due_at = now() - interval '5 days', status = 'overdue'")
    case = await a_case(billed.engine, customer())

    await correct(billed)
    heard = "select 1 from outbox where name = 'money_received' and status = 'sent'"
    await billed.until(lambda: has(billed, heard, 1))
    await billed.client.get_workflow_handle(f"dunning:{case}").result()

    assert await invoices(billed) == [("cancelled", 2 * RENT), ("issued", RENT)]
    assert [row.status for row in await billed.rows("select status from dunning_cases")] == ["paid"]
    used = "select invoice_id, amount_minor from payment_attempts where payment_key like '%.kept'"
    await billed.until(lambda: has(billed, used, 1))
    [part] = await billed.rows(used)
    assert (part.invoice_id.endswith("-fix"), part.amount_minor) == (True, 9_800)


async def has(desk: RunningDesk, query: str, count: int) -> bool:
    return len(await desk.rows(query)) == count


async def collect(desk: RunningDesk, day: Any) -> int:
    """Write the attempts of a day's collection; how many there are."""
    acts, at = CollectionActivities(desk.engine), datetime.now(UTC)
    await acts.begin_collection(BeginCollection(CollectionOrder(day), at))
    asked = WriteAttempts(day.isoformat(), day, CollectionPolicy(), "", at)
    return (await acts.write_attempts(asked)).attempts
