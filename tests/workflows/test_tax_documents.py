"""Evidence for the tax office: issued once whatever the agency loses, taken back with its credit note."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.billing import BillingActivities, TaxActivities
from activities.connectors.kit import Patience
from activities.connectors.tax_documents import ConsoleTaxOffice, HttpTaxOffice, TaxOffice
from activities.kit import ledger
from activities.kit.calls import CallLog
from activities.kit.invariants import violations
from activities.kit.pace import Pace
from activities.kit.transactions import transaction
from activities.payments import DepositActivities
from models.billing import BillingAccount, Invoice
from models.messages.billing.invoices import FinanceAct
from models.messages.billing.runs import TaxDocument
from models.messages.billing.tax import TaxAnswer, TaxOrder, TaxVerdict, tax_workflow_id
from models.messages.payments.deposits import AllocateDeposit
from models.payments import Deposit
from tests.builders.collection import a_customer, a_run_invoice
from tests.sandbox import Sandbox
from workflows.billing import TaxDayWorkflow, TaxDocumentsWorkflow
from workflows.kit.options import BATCH_QUEUE, DESK_QUEUE, TAX_QUEUE

NOW = datetime.now(UTC)
TODAY = (NOW + timedelta(hours=9)).date()
BUSINESS = "220-81-62517"
_runs = count(1)
DOCUMENTS = "select id, operation, status, total_minor, code from tax_documents order by id"
LIES = ("timeout_after", "500_after", "500_before", "garbage", "reset", "duplicate", "truncated_json", "429")


@asynccontextmanager
async def at_work(
    engine: AsyncEngine, temporal: WorkflowEnvironment, office: TaxOffice
) -> AsyncIterator[None]:
    acts = TaxActivities(engine, office, Pace(500.0))
    queues: dict[str, list[Any]] = {
        DESK_QUEUE: [acts.left, acts.again, acts.wait], BATCH_QUEUE: [acts.write],
        TAX_QUEUE: [acts.issue, acts.look_up],
    }  # fmt: skip
    async with AsyncExitStack() as stack:
        for queue, listed in queues.items():
            lives = [TaxDayWorkflow, TaxDocumentsWorkflow] if queue == DESK_QUEUE else []
            at_queue = Worker(temporal.client, task_queue=queue, workflows=lives, activities=listed)
            await stack.enter_async_context(at_queue)
        yield


async def run(temporal: WorkflowEnvironment, only: str = "") -> int:
    """The documents of today; as many times as it is asked."""
    name = f"{tax_workflow_id(TODAY, only)}/{next(_runs)}"
    return await temporal.client.execute_workflow(
        TaxDocumentsWorkflow.run, TaxOrder(TODAY, only), id=name, task_queue=DESK_QUEUE
    )


async def rows(engine: AsyncEngine, query: str) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(query))).all()]


async def change(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement))


async def a_business(engine: AsyncEngine, number: str = BUSINESS, gross: int = 33_000) -> str:
    """A business with an invoice of today."""
    customer = await a_customer(engine)
    async with transaction(engine) as session:
        session.add(BillingAccount(customer_id=customer, tax_document=TaxDocument.TAX_INVOICE, tax_id=number))
    return await a_run_invoice(engine, customer, gross, day=TODAY, at=NOW)


async def all_is_well(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        assert await violations(connection) == {}


async def test_each_invoice_is_issued_once_by_an_agency_that_loses_answers(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, sandbox: Sandbox
) -> None:
    invoices = [await a_business(worker_engine, gross=11_000 + n) for n in range(24)]
    rules = [{"kind": one, "probability": 0.08, "seconds": 2, "operation": "issue"} for one in LIES]
    sandbox.fail("tax", *rules)
    patience = Patience(total=1.0)
    office = HttpTaxOffice(f"{sandbox.url}/tax", sandbox.token, CallLog(worker_engine), patience)

    async with at_work(worker_engine, temporal, office):
        await run(temporal)
        again = await run(temporal)
    fired = sandbox.fired("tax")
    await office.close()

    assert again == 0
    assert len(fired) > 2
    sums = "select status, count(*), sum(total_minor) from tax_documents group by 1"
    assert await rows(worker_engine, sums) == [("issued", len(invoices), sum(11_000 + n for n in range(24)))]
    kept = sandbox.client.get("/tax/control/book").json()
    ours = await rows(worker_engine, "select id, number, total_minor from tax_documents order by id")
    assert [(one["key"], one["number"], one["total"]) for one in kept] == ours
    await all_is_well(worker_engine)


async def test_the_morning_issues_what_is_due_once(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    await a_business(worker_engine)
    office = ConsoleTaxOffice()

    async with at_work(worker_engine, temporal, office):
        begun = [
            await temporal.client.execute_workflow(
                TaxDayWorkflow.run, id=f"tax-day-{number}", task_queue=DESK_QUEUE
            )
            for number in range(2)
        ]
        assert await temporal.client.get_workflow_handle(tax_workflow_id(TODAY)).result() == 1

    assert begun == [True, False]
    assert [operation for operation, _ in office.asked] == ["issue"]


async def test_a_refused_document_is_parked_with_its_reason_and_issued_after_the_repair(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    for number in ("", "220-81-62518", BUSINESS, BUSINESS):
        await a_business(worker_engine, number)
    office = ConsoleTaxOffice([TaxAnswer(TaxVerdict.REFUSED, code="BUYER_CLOSED")])

    async with at_work(worker_engine, temporal, office):
        await run(temporal)
        parked = [row for row in await rows(worker_engine, DOCUMENTS) if row[2] == "parked"]
        await change(worker_engine, f"update billing_accounts set tax_id = '{BUSINESS}'")
        for key, *_ in parked:
            await run(temporal, key)

    assert sorted(row[4] for row in parked) == ["BUYER_CLOSED", "business_number", "business_number"]
    assert {row[2] for row in await rows(worker_engine, DOCUMENTS)} == {"issued"}
    await all_is_well(worker_engine)


async def test_what_was_issued_is_taken_back_with_its_credit_note_and_its_invoice(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment
) -> None:
    credited, cancelled = [await a_business(worker_engine) for _ in "12"]
    office = ConsoleTaxOffice()

    async with at_work(worker_engine, temporal, office):
        await run(temporal)
        early = await a_business(worker_engine)
        for gone in (cancelled, early):
            await cancel(worker_engine, gone)
        async with transaction(worker_engine) as session:
            invoice = await session.get_one(Invoice, credited)
            for n, amount in enumerate((10_000, 23_000)):
                await ledger.credit(
                    session, invoice, note_id=f"{credited}.{n}", gross_minor=amount, reason="x", at=NOW
                )
        await run(temporal)

    found = [(row[1], row[2], row[3]) for row in await rows(worker_engine, DOCUMENTS)]
    assert sorted(found) == [
        ("amend", "issued", 10_000), ("amend", "issued", 23_000), ("amend", "issued", 33_000),
        ("issue", "issued", 33_000), ("issue", "issued", 33_000),
    ]  # fmt: skip
    sums = "select sum(tax_minor * case operation when 'issue' then 1 else -1 end) from tax_documents"
    assert await rows(worker_engine, sums) == [(0,)]


async def cancel(engine: AsyncEngine, invoice_id: str) -> None:
    await BillingActivities(engine).cancel(FinanceAct(invoice_id, "", 2, NOW, "acc_fin", "wrong"))


@pytest.mark.parametrize("tax", [3_000, 2_998, 0])  # rounded once a line; some lines bear none
async def test_cash_has_a_receipt_and_a_card_its_slip(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, tax: int
) -> None:
    customer = await a_customer(worker_engine)
    async with transaction(worker_engine) as session:
        session.add(BillingAccount(customer_id=customer, tax_document=TaxDocument.CASH_RECEIPT))
        session.add(
            Deposit(id="dep_tax", account="562", customer_id=customer, amount_minor=33_000, received_at=NOW)
        )
    await a_run_invoice(worker_engine, customer, 33_000, day=TODAY, at=NOW, tax=tax)
    office = ConsoleTaxOffice()

    async with at_work(worker_engine, temporal, office):
        await run(temporal)
        unpaid = await rows(worker_engine, DOCUMENTS)
        await DepositActivities(worker_engine).allocate_deposit(AllocateDeposit("dep_tax", 1, NOW))
        await run(temporal)

    assert unpaid == []
    asked = "select kind, status, total_minor, tax_minor, issue_by - written_on from tax_documents"
    made = await rows(worker_engine, asked)
    assert made == [("cash_receipt", "issued", 33_000, tax, 5)]


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        (TaxAnswer(TaxVerdict.UNKNOWN, code="http_500"), ["issue", "look_up"]),
        (TaxAnswer(TaxVerdict.THERE, code="DUPLICATE_KEY"), ["issue", "look_up"]),
        (TaxAnswer(TaxVerdict.NOT_SENT, code="http_429", retry_after_seconds=1), ["issue", "issue"]),
    ],
)
async def test_what_is_unclear_is_looked_up_before_it_is_asked_for_again(
    worker_engine: AsyncEngine, temporal: WorkflowEnvironment, answer: TaxAnswer, asked: list[str]
) -> None:
    await a_business(worker_engine)
    office = ConsoleTaxOffice([answer])
    if answer.verdict is not TaxVerdict.NOT_SENT:
        [(number,)] = await rows(worker_engine, "select number from invoices")
        office.issued[f"T{number}"] = TaxAnswer(TaxVerdict.ISSUED, "N1", "", 33_000)

    async with at_work(worker_engine, temporal, office):
        await run(temporal)

    assert [operation for operation, _ in office.asked] == asked
    assert [row[2] for row in await rows(worker_engine, DOCUMENTS)] == ["issued"]
