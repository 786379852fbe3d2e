"""What the close of a month does to the tables; every activity runs twice and counts once."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.billing import BillingActivities, CloseActivities, deferral
from activities.connectors.accounting import ConsoleAccounting
from activities.kit.invariants import INVARIANTS, TOPICS, violations
from activities.kit.transactions import transaction
from models.messages.billing.close import (
    Accepted,
    Acknowledged,
    Check,
    CheckStatus,
    CloseAt,
    CloseOrder,
    CloseStep,
    PeriodStatus,
)
from models.messages.billing.invoices import InvoiceOrder, IssueInvoice
from models.messages.subscriptions import ChargeKind
from models.rules.billing.close import earned, month_named
from models.subscriptions import SubscriptionCharge
from tests.builders.billing import an_order_to_bill
from tests.builders.desk import a_company
from tests.builders.leases import BASIC, FILTER, a_lease
from tests.conftest import Database

RUN = ActivityEnvironment().run
NOVEMBER = CloseAt("2026-11", 1, datetime(2026, 12, 1, 1, tzinfo=UTC))
IN_NOVEMBER = datetime(2026, 11, 16, 3, tzinfo=UTC)


@pytest.fixture
async def close(worker_engine: AsyncEngine) -> AsyncIterator[CloseActivities]:
    await a_company(worker_engine)
    yield CloseActivities(worker_engine, ConsoleAccounting())
    async with worker_engine.connect() as connection:
        assert await violations(connection) == {}


async def rows(close: CloseActivities, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    async with close.engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(statement), values)).all()]


async def an_invoice(close: CloseActivities, *gross: int, at: datetime = IN_NOVEMBER) -> InvoiceOrder:
    order = await an_order_to_bill(close.engine, *gross)
    await RUN(BillingActivities(close.engine).issue, IssueInvoice(order, at))
    return order


async def closed(close: CloseActivities, at: CloseAt = NOVEMBER) -> None:
    """Every step of a close, each one twice, as a repeated activity would do it."""
    for _ in "12":
        await RUN(close.begin_close, CloseOrder(at.period_id), at.at)
    for step in (close.check_before_close, close.lock_period, close.defer, close.tie_out, close.sum_up):
        first, second = await RUN(step, at), await RUN(step, at)
        assert first == second
    entry = await RUN(close.sum_up, at)
    if entry.lines:
        number = await RUN(close.draft_posting, entry)
        for _ in "12":
            document = await RUN(close.post_draft, number, entry.key)
            found = await RUN(close.acknowledge, Acknowledged(at.period_id, entry.key, document, at.at))
            assert found.status is CheckStatus.DONE
    done = CloseStep(at.period_id, 10 * at.round, at.at, "billing.closed", PeriodStatus.CLOSED)
    for _ in "12":
        await RUN(close.record_close, done)


async def test_a_month_is_closed_once_with_every_step_done_twice(close: CloseActivities) -> None:
    await an_invoice(close, 330_000)
    await an_invoice(close, 110_000, at=datetime(2026, 12, 1, 1, tzinfo=UTC))  # of the next month

    await closed(close)

    assert await rows(close, "select status, round from accounting_periods") == [("closed", 1)]
    told = "select account, debit_minor, credit_minor, count from erp_postings order by account"
    assert await rows(close, told) == [
        ("receivable", 330_000, 0, 1), ("revenue", 0, 300_000, 1), ("vat_payable", 0, 30_000, 1),
    ]  # fmt: skip
    assert await rows(close, "select status, document_number, transactions from erp_batches") == [
        ("acknowledged", "M1", 1)
    ]
    assert isinstance(close.books, ConsoleAccounting)
    assert len(close.books.documents) == 1
    assert await rows(close, "select count(*) from timeline_entries where subject = 'close:2026-11'") == [
        (1,)
    ]


async def test_a_month_without_any_posting_is_closed_without_asking_the_erp(close: CloseActivities) -> None:
    await closed(close)

    assert await rows(close, "select status, document_number from erp_batches") == [("nothing", "")]


async def test_what_comes_late_for_a_closed_month_is_booked_on_the_first_open_day(
    close: CloseActivities,
) -> None:
    await closed(close)
    december = CloseAt("2026-12", 1, datetime(2027, 1, 1, 1, tzinfo=UTC))
    await closed(close, december)

    await an_invoice(close, 330_000, at=IN_NOVEMBER)

    assert await rows(close, "select posted_on from ledger_transactions") == [(date(2027, 1, 1),)]


@pytest.mark.parametrize("role", ["worker_url", "owner_url"])
async def test_the_database_refuses_what_is_dated_into_a_closed_month(
    close: CloseActivities, database: Database, role: str
) -> None:
    await an_invoice(close, 330_000)
    await closed(close)
    posting = """insert into ledger_transactions (source, purpose, customer_id, posted_on, posted_at)
        select 'x', %s, customer_id, %s, now() from invoices limit 1"""
    entry = """insert into ledger_entries
          (transaction_id, position, account, debit_minor, credit_minor, currency)
        select id, 9, 'revenue', 1, 0, 'KRW' from ledger_transactions"""
    for purpose, day in (("issue", "2026-11-01"), ("issue", "2026-11-30"), ("deferral", "2026-11-30")):
        with psycopg.connect(getattr(database, role)) as anyone, pytest.raises(psycopg.errors.CheckViolation):
            anyone.execute(posting, (purpose, day))
    with psycopg.connect(getattr(database, role)) as anyone, pytest.raises(psycopg.errors.CheckViolation):
        anyone.execute(entry)
    with psycopg.connect(getattr(database, role)) as anyone:
        anyone.execute(posting, ("issue", "2026-10-31"))
        anyone.execute(posting.replace("'x'", "'y'"), ("issue", "2026-12-01"))
        anyone.rollback()


async def test_a_posting_under_way_is_waited_for_before_a_month_is_locked(close: CloseActivities) -> None:
    await an_invoice(close, 330_000)
    await RUN(close.begin_close, CloseOrder("2026-11"), NOVEMBER.at)
    late = text("""insert into ledger_transactions (source, purpose, customer_id, posted_on, posted_at)
        select 'late', 'issue', customer_id, '2026-11-30', now() from invoices limit 1 returning id""")
    async with transaction(close.engine) as session:
        number = await session.scalar(late)
        locking = asyncio.create_task(RUN(close.lock_period, NOVEMBER))
        await asyncio.sleep(0.5)
        assert not locking.done()
        await session.execute(text("select 1"))

    assert await locking == number
    with pytest.raises(IntegrityError):
        async with transaction(close.engine) as session:
            await session.execute(text(late.text.replace("'late'", "'too late'")))


async def test_what_is_billed_for_days_after_the_month_is_earned_later(close: CloseActivities) -> None:
    leased = await a_lease(close.engine, "cus_mina", BASIC, FILTER, at=IN_NOVEMBER)
    order = await an_invoice(close, 29_900, 4_990)
    async with transaction(close.engine) as session:
        await session.execute(
            text("update subscription_charges set document_id = :id"), {"id": order.invoice_id}
        )
    assert len(leased.contracts) == 2

    await closed(close)

    contract = "select subscription_id, billed_minor, earned_minor from deferrals order by billed_minor"
    net = {4_990: 4_537, 29_900: 27_182}
    assert [row[1:] for row in await rows(close, contract)] == [
        (net[4_990], net[4_990] // 2), (net[29_900], net[29_900] // 2)
    ]  # fmt: skip
    later = net[4_990] - net[4_990] // 2 + net[29_900] - net[29_900] // 2
    posted = """select account, debit_minor, credit_minor from ledger_entries e
        join ledger_transactions t on t.id = e.transaction_id
        where t.purpose = 'deferral' and posted_on = :day order by position"""
    assert await rows(close, posted, day=date(2026, 11, 30)) == [
        ("revenue", later, 0), ("deferred", 0, later)
    ]  # fmt: skip

    # the days came: in December the rest is earned, and nothing stays behind
    async with transaction(close.engine) as session:
        await session.execute(
            text("update subscriptions set next_bill_on = null, status = 'ended', ends_on = '2026-12-16'")
        )
    await closed(close, CloseAt("2026-12", 1, datetime(2027, 1, 2, tzinfo=UTC)))
    assert await rows(close, posted, day=date(2026, 12, 31)) == [
        ("deferred", later, 0),
        ("revenue", 0, later),
    ]
    assert await rows(close, "select count(*) from deferrals where period_id = '2026-12'") == [(0,)]


async def test_days_gone_that_nobody_has_billed_yet_are_earned_too(close: CloseActivities) -> None:
    await a_lease(close.engine, "cus_mina", BASIC, at=IN_NOVEMBER)

    await closed(close)

    assert await rows(close, "select billed_minor, earned_minor from deferrals") == [(0, 27_182 // 2)]
    listed = "select count, amount_minor, status from close_checks where code = 'unbilled'"
    assert await rows(close, listed) == [(1, 29_900, "listed")]


async def test_sql_and_rule_agree_on_what_is_earned(
    close: CloseActivities, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deferral, "CONTRACTS", 2)  # several slices
    dice = random.Random(7)
    leased = [await a_lease(close.engine, "cus_mina", BASIC, at=IN_NOVEMBER) for _ in range(5)]
    month = month_named("2026-11")
    assert month is not None
    expected: dict[str, int] = {}
    async with transaction(close.engine) as session:
        await session.execute(text("delete from subscription_charges"))
        for contract in (one.subscription_id for lease in leased for one in lease.contracts):
            for n in range(12):
                net, start = dice.randint(-50_000, 50_000), date(2026, 9, 1) + timedelta(dice.randint(0, 120))
                until = start + timedelta(dice.choice([0, 1, 28, 30, 31, 365]))
                session.add(SubscriptionCharge(
                    id=f"{contract}.{n}", subscription_id=contract, customer_id="cus_mina", name_ko="",
                    name_en="",
                    kind=ChargeKind.PRORATION, gross_minor=net, net_minor=net, tax_minor=0, tax_rule="none",
                    from_on=start, until_on=until, created_at=IN_NOVEMBER, is_credit=net < 0,
                ))  # fmt: skip
                expected[contract] = expected.get(contract, 0) + earned(net, start, until, month.until_on)
    await RUN(close.begin_close, CloseOrder("2026-11"), NOVEMBER.at)

    slices = [last async for last in deferral.compute(close.engine, month)]

    assert len(slices) == 3
    found = dict(await rows(close, "select subscription_id, earned_minor - billed_minor from deferrals"))
    assert found == {contract: amount for contract, amount in expected.items() if amount}
    async with transaction(close.engine) as session:
        await session.execute(text("delete from deferrals"))
        await session.execute(text("delete from subscription_charges"))
        await session.execute(text("update subscriptions set ends_on = starts_on"))


async def test_what_holds_a_close_up_is_found_listed_and_accepted_with_a_name(close: CloseActivities) -> None:
    await a_lease(close.engine, "cus_mina", BASIC, at=datetime(2026, 10, 1, 3, tzinfo=UTC))
    await RUN(close.begin_close, CloseOrder("2026-11"), NOVEMBER.at)

    found = {one.check: one for one in await RUN(close.check_before_close, NOVEMBER)}

    assert found[Check.CONTRACTS].status is CheckStatus.DIFFERS  # due on 1 November and not charged
    assert found[Check.ATTEMPTS].status is found[Check.INVARIANTS].status is CheckStatus.DONE
    accepted = Accepted(Check.CONTRACTS, "acc_fin", "billed by hand", NOVEMBER.at)
    for _ in "12":
        await RUN(close.accept_difference, "2026-11", 1, accepted)
    again = {one.check: one for one in await RUN(close.check_before_close, NOVEMBER)}
    assert again[Check.CONTRACTS].status is CheckStatus.ACCEPTED

    await a_lease(close.engine, "cus_mina", FILTER, at=datetime(2026, 10, 1, 3, tzinfo=UTC))
    grown = {one.check: one for one in await RUN(close.check_before_close, NOVEMBER)}
    assert grown[Check.CONTRACTS].status is CheckStatus.DIFFERS  # more than what was accepted
    with pytest.raises(ApplicationError, match=r".") as refused:
        await RUN(close.accept_difference, "2026-11", 1, Accepted(Check.ATTEMPTS, "a", "b", NOVEMBER.at))
    assert refused.value.type == "nothing_to_accept"


async def test_a_drifted_erp_is_not_acknowledged(close: CloseActivities) -> None:
    await an_invoice(close, 330_000)
    close.books = ConsoleAccounting(drift={"108": 7})
    for step in (close.lock_period, close.sum_up):
        await RUN(close.begin_close, CloseOrder("2026-11"), NOVEMBER.at)
        await RUN(step, NOVEMBER)
    entry = await RUN(close.sum_up, NOVEMBER)
    document = await RUN(close.post_draft, await RUN(close.draft_posting, entry), entry.key)

    found = await RUN(close.acknowledge, Acknowledged("2026-11", entry.key, document, NOVEMBER.at))

    assert (found.status, found.count, found.amount_minor) == (CheckStatus.DIFFERS, 1, 7)
    assert await rows(close, "select status from erp_batches") == [("prepared",)]
    assert await rows(close, "select samples from close_checks where code = 'posting'") == [([["108", 7]],)]


async def test_a_reopened_month_posts_only_what_was_added(close: CloseActivities) -> None:
    await an_invoice(close, 330_000)
    await closed(close)
    reopen = CloseStep("2026-11", 15, NOVEMBER.at, "billing.reopened", actor_id="acc_b", reopens=True)
    for _ in "12":
        await RUN(close.record_close, reopen)
    assert await rows(close, "select status, round from accounting_periods") == [("open", 2)]
    await an_invoice(close, 110_000)

    await closed(close, CloseAt("2026-11", 2, NOVEMBER.at))

    batches = "select round, transactions, status from erp_batches order by round"
    assert await rows(close, batches) == [(1, 1, "acknowledged"), (2, 1, "acknowledged")]
    receivable = (
        "select sum(debit_minor) from erp_postings where account = 'receivable' group by batch_key order by 1"
    )
    assert await rows(close, receivable) == [(110_000,), (330_000,)]


async def test_a_month_is_not_reopened_below_a_closed_one(close: CloseActivities) -> None:
    await closed(close)
    await closed(close, CloseAt("2026-12", 1, datetime(2027, 1, 1, tzinfo=UTC)))
    step = CloseStep("2026-11", 15, NOVEMBER.at, "billing.reopened", actor_id="acc_b", reopens=True)

    with pytest.raises(ApplicationError) as refused:
        await RUN(close.record_close, step)

    assert refused.value.type == "later_month_closed"


def test_no_two_invariants_share_a_name() -> None:
    assert len(INVARIANTS) == sum(len(topic.INVARIANTS) for topic in TOPICS)
