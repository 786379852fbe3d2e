"""What a bill run does to the tables: the same as one by one, once, and every account is accounted for."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from temporalio.testing import ActivityEnvironment

from activities.billing.rating import Memory
from activities.billing.runs import BillRunActivities
from activities.billing.slices import Range, Work, bill
from activities.kit.invariants import violations
from activities.subscriptions.rows import charge_due
from models.messages.billing import runs as said
from models.messages.billing.runs import BillRunOrder, PlanRun, RunProgress, run_id
from models.messages.subscriptions import SubscriptionStatus
from models.rules.subscriptions.periods import add_months
from tests.builders.leases import BASIC
from tests.builders.runs import AT, EACH, FILTER, FREE, LATE, PLANS, WATER, Lease, sign, signed

DAY = date(2026, 3, 31)
ALL = Range("", "~")


@pytest.fixture
async def engine(worker_engine: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    yield worker_engine
    async with worker_engine.connect() as connection:
        assert await violations(connection) == {}


async def rows(engine: AsyncEngine, statement: str, **values: object) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(statement), values)).all()]


async def run(
    engine: AsyncEngine, day: date = DAY, at: datetime = AT, size: int = 2, **more: Any
) -> RunProgress:
    """A whole run, each activity twice."""
    acts, environment = BillRunActivities(engine), ActivityEnvironment()
    order = BillRunOrder(more.pop("id", run_id(day)), day, slice_size=size, **more)
    await environment.run(acts.plan_run, PlanRun(order, at))
    planned = await environment.run(acts.plan_run, PlanRun(order, at))
    for number in planned.slices:
        asked = said.BillSlice(order.run_id, number, day, at, order.is_preview)
        for _ in "12":
            await environment.run(acts.bill_slice, asked)
    assert (await environment.run(acts.plan_run, PlanRun(order, at))).slices == ()
    return await acts.progress(order.run_id)


DAYS = st.integers(0, 70)
A_RUN = """insert into bill_runs (id, day, is_preview, status, asked_by, created_at, seq)
  values ('B', :day, false, 'running', '', now(), 0)"""


@st.composite
def mixes(draw: st.DrawFn) -> list[Lease]:
    leases: list[Lease] = []
    for number in range(draw(st.integers(1, 8))):
        customer = draw(st.sampled_from(["cus_a", "cus_b", "cus_c"]))
        mains = [one.id for one in leases if one.customer_id == customer and one.parent_id is None]
        leases.append(
            Lease(
                id=f"S{number}",
                customer_id=customer,
                terms=draw(st.sampled_from(PLANS)),
                starts_on=date(2026, 3, 31) - timedelta(days=draw(st.integers(0, 200))),
                quantity=draw(st.integers(1, 3)),
                percent_off=draw(st.sampled_from([0, 0, 15])),
                pause=draw(st.none() | st.tuples(DAYS, st.integers(1, 60))),
                off=draw(st.none() | st.tuples(DAYS, st.none() | st.integers(1, 60))),
                ends_after=draw(st.none() | st.integers(1, 120)),
                held_after=draw(st.none() | DAYS),
                parent_id=draw(st.sampled_from([None, *mains])),
                status=draw(st.sampled_from([*[SubscriptionStatus.ACTIVE] * 4, *SubscriptionStatus])),
            )
        )
    return leases


CHARGES = """select id, subscription_id, customer_id, kind, name_ko, name_en, gross_minor, net_minor,
  tax_minor, tax_rule, from_on, until_on, basis, is_credit, is_void from subscription_charges order by id"""
STATES = "select id, billed_until, next_bill_on, seq, status, ends_on from subscriptions order by id"
DUE = """select coalesce(parent_id, id) as root from subscriptions
  where next_bill_on <= :day and status in ('active', 'paused', 'suspended') order by id"""


async def state(connection: AsyncConnection) -> list[list[tuple[Any, ...]]]:
    return [[tuple(row) for row in await connection.execute(text(one))] for one in (CHARGES, STATES)]


@hypothesis.settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@hypothesis.given(leases=mixes())
async def test_a_slice_charges_what_one_by_one_would(worker_engine: AsyncEngine, leases: list[Lease]) -> None:
    async with worker_engine.connect() as connection, connection.begin() as whole:
        await sign(connection, leases)
        await connection.execute(text(A_RUN), {"day": DAY})
        before = await connection.begin_nested()
        counts = await bill(connection, Work("B", DAY, AT, Memory()), ALL)
        at_once = await state(connection)
        await before.rollback()
        async with AsyncSession(connection) as session:
            for root in {row.root for row in await connection.execute(text(DUE), {"day": DAY})}:
                await charge_due(session, root, DAY, AT)
            await session.flush()
            one_by_one = await state(connection)
        await whole.rollback()

    assert at_once == one_by_one
    assert counts.is_complete


LEASES = [
    Lease("S1", "cus_a"), Lease("S2", "cus_a", FILTER, parent_id="S1"), Lease("S3", "cus_b", LATE),
    Lease("S4", "cus_c", EACH, quantity=3, percent_off=10), Lease("S5", "cus_d", held_after=0),
    Lease("S6", "cus_e", FREE), Lease("S7", "cus_f", pause=(10, 30)),
]  # fmt: skip


async def test_a_run_bills_every_account_once(engine: AsyncEngine) -> None:
    await signed(engine, LEASES)

    done = await run(engine)
    again = await run(engine, day=DAY + timedelta(days=1), at=AT + timedelta(days=1))

    assert (done.slices, done.slices_done) == (3, 3)
    assert done.counts.is_complete
    assert (done.counts.contracts, done.counts.accounts, done.counts.invoices) == (7, 6, 4)
    assert (done.counts.held, done.counts.carried) == (1, 2)
    assert again.counts.invoices == 0
    bills = await rows(engine, "select customer_id, number, total_minor from invoices order by number")
    assert [one[:2] for one in bills] == [
        ("cus_a", "2026-000001"), ("cus_b", "2026-000002"), ("cus_c", "2026-000003"),
        ("cus_f", "2026-000004"),
    ]  # fmt: skip
    assert bills[0][2] == 3 * 29_900 + 3 * 4_990
    said_why = "select customer_id, subscription_id, reason from bill_skips where run_id = :run order by 1, 2"
    assert await rows(engine, said_why, run=run_id(DAY)) == [
        ("cus_d", "", "open_change"), ("cus_d", "S5", "open_change"), ("cus_e", "", "nothing_to_pay"),
    ]  # fmt: skip


async def test_days_without_service_are_free_and_what_was_owed_before_is_billed(engine: AsyncEngine) -> None:
    off = {"status": SubscriptionStatus.SUSPENDED}
    start = date(2026, 1, 1)
    ended = (40, 20)  # from 10 February until 2 March
    leases = [
        Lease("S1", "cus_a", BASIC, start, off=(40, None), **off),
        Lease("S2", "cus_b", LATE, start, off=(40, None), **off),
        Lease("S3", "cus_c", BASIC, start, off=ended),
        Lease("S4", "cus_d", BASIC, start),
    ]  # fmt: skip
    await signed(engine, leases)

    shown = await run(engine, id="P1", is_preview=True)
    done = await run(engine)

    assert shown.counts == done.counts
    assert done.counts.is_complete
    rent, late = 29_900, 11_003
    bills = await rows(engine, "select customer_id, total_minor from invoices order by number")
    february = rent * 9 // 28 + rent - rent * 1 // 31  # what 9 days and all of March but one day cost
    assert bills == [
        ("cus_a", rent + rent * 9 // 28), ("cus_b", late + late * 9 // 28), ("cus_c", rent + february),
        ("cus_d", 3 * rent),
    ]  # fmt: skip
    later = await run(engine, day=date(2026, 4, 30), at=AT + timedelta(days=30))
    assert (later.counts.contracts, later.counts.invoices, later.counts.carried) == (4, 2, 2)
    why = "select customer_id, reason from bill_skips where run_id = :run order by 1"
    off_ = [("cus_a", "suspended"), ("cus_b", "suspended")]
    assert await rows(engine, why, run=run_id(date(2026, 4, 30))) == off_


async def test_a_preview_says_the_same_and_writes_no_money(engine: AsyncEngine) -> None:
    await signed(engine, LEASES)

    shown = await run(engine, id="P1", is_preview=True)
    left = await rows(
        engine, "select count(*) from invoices union all select count(*) from subscription_charges"
    )
    done = await run(engine)

    assert left == [(0,), (0,)]
    assert shown.counts == done.counts


async def test_what_is_metered_is_billed_once_and_late_news_with_the_next_bill(engine: AsyncEngine) -> None:
    await signed(engine, [Lease("S1", "cus_a", WATER, date(2026, 1, 1))])
    await meter(
        engine, ("e1", 150, date(2026, 1, 5)), ("e1", 150, date(2026, 1, 5)), ("e2", 50, date(2026, 2, 1))
    )

    first = await run(engine, date(2026, 2, 1), AT)
    await meter(engine, ("e3", 100, date(2026, 1, 31)))
    second = await run(engine, date(2026, 3, 1), AT)

    assert first.counts.total_minor == 50 * 7
    assert second.counts.total_minor == 50 * 7
    counted = "select source_id, charge_id from usage_records order by source_id"
    assert await rows(engine, counted) == [
        ("e1", "S1:usage:2026-02-01"), ("e2", "S1:usage:2026-03-01"), ("e3", "S1:usage:2026-03-01"),
    ]  # fmt: skip


async def meter(engine: AsyncEngine, *events: tuple[str, int, date]) -> None:
    said_ = """insert into usage_records
      (source, source_id, subscription_id, meter, quantity, used_on, received_at)
      values ('meter', :id, 'S1', 'litres', :quantity, :on, :at) on conflict do nothing"""
    async with engine.begin() as connection:
        for id, quantity, on in events:
            await connection.execute(text(said_), {"id": id, "quantity": quantity, "on": on, "at": AT})


async def test_an_account_that_cannot_be_rated_or_stored_is_parked_and_the_others_are_billed(
    engine: AsyncEngine,
) -> None:
    leases = [Lease(f"S{n}", f"cus_{n}", BASIC) for n in range(9)]
    await signed(engine, leases)
    async with engine.begin() as connection:
        await connection.execute(text("update subscriptions set terms = '{}' where id = 'S3'"))
        await connection.execute(text(BEGUN_LATER))
    await charge(engine, "S6:2026-02-28", "S6", 1)  # somebody else's row has the id that the run would give

    done = await run(engine, size=100)

    assert done.counts.is_complete
    assert (done.counts.invoices, done.counts.parked_accounts) == (7, 2)
    why = await rows(engine, "select customer_id, reason, detail, is_error from bill_skips order by 1")
    assert why == [
        ("cus_3", "terms", "TypeError", True),
        ("cus_6", "refused", "subscription_charges_pkey", True),
    ]
    async with engine.begin() as connection:  # the repair
        await connection.execute(text("update subscriptions set terms = (select terms from subscriptions"
                                      " where id = 'S1') where id = 'S3'"))  # fmt: skip
        await connection.execute(text("delete from subscription_charges where id like 'S6:%'"))
    again = await run(engine, day=DAY + timedelta(days=1), at=AT + timedelta(days=1))

    assert again.counts.invoices == 2
    assert await rows(engine, "select count(*) from bill_skips where solved_at is null") == [(0,)]


BEGUN_LATER = """update subscriptions set starts_on = '2026-02-28', anchor_on = '2026-01-31',
  billed_until = '2026-02-28' where id = 'S6'"""
ACCOUNT = """insert into billing_accounts (customer_id, due_days, tax_document, tax_id, hold_reason, version)
  values ('cus_2', 30, 'card_slip', '', '', 1)"""
CHARGE = """insert into subscription_charges (id, subscription_id, customer_id, kind, name_ko, name_en,
  gross_minor, net_minor, tax_minor, tax_rule, currency, from_on, until_on, basis, is_credit, is_void,
  document_id, created_at) values (:id, :contract, :customer, :kind, 'x', 'x', :gross, :gross, 0,
  'kr-vat-10-included', 'KRW', :from_on, :until_on, '', :gross < 0, false, null, now())"""


async def charge(engine: AsyncEngine, id: str, contract: str, gross: int, kind: str = "proration") -> None:
    """A charge that waits for the next bill, of no days."""
    customer = f"cus_{contract[1:]}"
    on = date(2026, 2, 28)
    values = {"id": id, "contract": contract, "customer": customer, "gross": gross, "kind": kind}
    async with engine.begin() as connection:
        await connection.execute(text(CHARGE), {**values, "from_on": on, "until_on": on})


async def test_a_credit_is_taken_off_the_next_bill_and_what_is_left_is_carried_on(
    engine: AsyncEngine,
) -> None:
    start = date(2026, 3, 1)
    await signed(engine, [Lease("S1", "cus_1", BASIC, start), Lease("S2", "cus_2", BASIC, start)])
    await charge(engine, "credit1", "S1", -9_901)
    await charge(engine, "credit2", "S2", -100_000)

    first = await run(engine, day=start)
    months = [await run(engine, day=add_months(start, n), at=AT + timedelta(days=30 * n)) for n in (1, 2, 3)]

    lines = "select gross_minor, net_minor, tax_minor from invoice_lines where invoice_id like '%-cus_1'"
    assert (await rows(engine, lines))[0] == (19_999, 18_181, 1_818)
    assert first.counts.is_complete
    assert (first.counts.carried, first.counts.carried_minor) == (1, 29_900 - 100_000)
    totals = "select total_minor from invoices where customer_id = 'cus_2' order by number"
    assert await rows(engine, totals) == [(4 * 29_900 - 100_000,)]
    assert [one.counts.invoices for one in months] == [1, 1, 2]


async def test_an_account_says_until_when_it_pays(engine: AsyncEngine) -> None:
    await signed(engine, [Lease("S1", "cus_1", BASIC), Lease("S2", "cus_2", BASIC)])
    async with engine.begin() as connection:
        await connection.execute(text(ACCOUNT))

    await run(engine)

    days = "select (due_at at time zone 'Asia/Seoul')::date - issued_on from invoices order by customer_id"
    assert await rows(engine, days) == [(14,), (30,)]
