"""Files for the bank on a real database: each activity twice is once."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import ActivityEnvironment

from activities.connectors.bank import ConsoleBank
from activities.kit.transactions import transaction
from activities.payments import TransferActivities
from models.messages.payments.transfers import BatchAt, BatchKind, FillBatch, PlanBatch, TransferOrder
from models.rules.payments.transfers import Row, written
from tests.builders.collection import SEALS, debtors

RUN = ActivityEnvironment().run
DAY = date(2027, 3, 3)
AT = datetime(2027, 3, 3, 5, 0, tzinfo=UTC)


@pytest.fixture
def files(worker_engine: AsyncEngine) -> TransferActivities:
    return TransferActivities(worker_engine, ConsoleBank(), SEALS)


def result_of(body: bytes, code: str = "0000") -> bytes:
    """The bank's result of a file: each row with the same code."""
    lines = body.decode().splitlines()
    head = lines[0].replace("EB21", "EB22")
    rows = [f"{line[:95]}{code:<25}" for line in lines[1:-1]]
    return "\n".join([head, *rows, lines[-1]]).encode()


async def counted(engine: AsyncEngine, query: str) -> int:
    async with transaction(engine) as session:
        return int(await session.scalar(text(query)) or 0)


async def test_a_file_is_filled_handed_in_and_read_once(files: TransferActivities) -> None:
    await debtors(files.engine, "11022223333", "11022224444")
    order = TransferOrder(BatchKind.DEBIT, DAY)

    plans = [await RUN(files.plan_batch, PlanBatch(order, AT)) for _ in range(2)]
    assert plans[0] == plans[1]
    asked = FillBatch(plans[0].batch_id, BatchKind.DEBIT, DAY, "", AT)
    filled = [await RUN(files.fill_batch, asked) for _ in range(2)]
    assert [one.rows for one in filled] == [2, 0]

    at = BatchAt(plans[0].batch_id, AT)
    assert [await RUN(files.hand_in_batch, at) for _ in range(2)] == [True, True]
    assert isinstance(files.bank, ConsoleBank)
    (body,) = files.bank.files.values()
    assert body.decode().splitlines()[-1].startswith("T99999999991234567800000002" + f"{66_000:013d}")

    assert not (await RUN(files.fetch_result, at)).is_there
    files.bank.results[plans[0].batch_id] = [result_of(body)]
    for _ in range(2):
        assert (await RUN(files.fetch_result, at)).waiting == 0
    assert await counted(files.engine, "select count(*) from invoices where status = 'paid'") == 2
    assert (
        await counted(files.engine, "select sum(debit_minor) from ledger_entries where account='bank'")
        == 66_000
    )


async def test_money_for_an_invoice_that_was_paid_meanwhile_is_looked_after_one_by_one(
    files: TransferActivities,
) -> None:
    await debtors(files.engine, "11022223333")
    plan = await RUN(files.plan_batch, PlanBatch(TransferOrder(BatchKind.DEBIT, DAY), AT))
    await RUN(files.fill_batch, FillBatch(plan.batch_id, BatchKind.DEBIT, DAY, "", AT))
    at = BatchAt(plan.batch_id, AT)
    await RUN(files.hand_in_batch, at)
    assert isinstance(files.bank, ConsoleBank)
    files.bank.results[plan.batch_id] = [result_of(files.bank.files[plan.batch_id])]
    async with transaction(files.engine) as session:
        await session.execute(text("update invoices set status = 'cancelled'"))

    for _ in range(2):
        await RUN(files.fetch_result, at)

    assert (
        await counted(files.engine, "select count(*) from ledger_transactions where purpose = 'payment'") == 0
    )
    starts = "select count(*) from outbox where kind = 'start' and workflow_id ~ 'told$'"
    assert await counted(files.engine, starts) == 1


async def test_what_missed_its_file_may_be_tried_again(files: TransferActivities) -> None:
    await debtors(files.engine, "11022223333")
    plan = await RUN(files.plan_batch, PlanBatch(TransferOrder(BatchKind.DEBIT, DAY), AT))
    await RUN(files.fill_batch, FillBatch(plan.batch_id, BatchKind.DEBIT, DAY, "", AT))

    for _ in range(2):
        await RUN(files.miss_batch, BatchAt(plan.batch_id, AT))

    query = "select count(*) from payment_attempts where status = 'refused' and code = 'cut_off_missed'"
    assert await counted(files.engine, query) == 1


def test_a_record_has_120_bytes() -> None:
    body = written(BatchKind.DEBIT, DAY, [Row(1, "004", "11022223333", 33_000, "IB1.1")])

    assert {len(line) for line in body.decode().splitlines()} == {120}
