"""What dunning does to the rows: twice is once, money stops it, and nothing is suspended that is paid."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import ActivityEnvironment

from activities.billing import BillRunActivities, WriteOffActivities
from activities.connectors.provisioning import ConsoleService
from activities.dunning import DunningActivities
from activities.kit.arrears import money_came
from activities.kit.invariants import violations
from activities.kit.transactions import transaction
from activities.subscriptions import SuspensionActivities
from activities.subscriptions.rows import charge_due
from models.billing import BillingAccount
from models.customers import Customer
from models.messages.billing.runs import BillRunOrder, BillSlice, PlanRun, run_id
from models.messages.billing.write_offs import WriteOffOrder
from models.messages.dunning import (
    CaseStatus,
    CaseStep,
    DunningOrder,
    LookAgain,
    PolicyStep,
    PolicyTerms,
    Rest,
    StepKind,
)
from models.messages.subscriptions import DismissalOrder, ReactivationOrder, SuspensionOrder
from models.rules import dunning as rules
from models.rules.calendars import KST
from ops import past
from ops.company import make_company
from tests.builders.dunning import TERMS, a_case, a_policy, an_order, an_unpaid_invoice, pay
from tests.builders.leases import BASIC, a_lease, read
from tests.conftest import Database

NOON = datetime(2026, 6, 3, 12, tzinfo=KST).astimezone(UTC)  # a Wednesday that is an election day
WORKDAY = datetime(2026, 6, 9, 12, tzinfo=KST).astimezone(UTC)
DAY = timedelta(days=1)


async def rows(engine: AsyncEngine, statement: str, **values: object) -> list[object]:
    async with engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(statement), values)).all()]


async def late(engine: AsyncEngine, *gross: int, days: int = 4, terms: PolicyTerms = TERMS) -> DunningOrder:
    """A customer whose invoices were due some days ago, and their case."""
    async with transaction(engine) as session:
        session.add(Customer(id="cus_mina", name="Mina", email="m@example.test", created_at=WORKDAY))
        session.add(a_policy(terms=terms))
    for one in gross or (55_000,):
        await an_unpaid_invoice(engine, "cus_mina", one, days, WORKDAY)
    case = await a_case(engine, "cus_mina", WORKDAY)
    return an_order(case, "cus_mina", (WORKDAY - days * DAY).astimezone(KST).date(), terms)


async def test_the_sweep_opens_one_case_and_announces_it_once(worker_engine: AsyncEngine) -> None:
    order = await late(worker_engine, 20_000, 35_000)
    again = await DunningActivities(worker_engine).open_cases(WORKDAY)

    assert again == 0
    assert await rows(worker_engine, "select opening_minor, overdue_since from dunning_cases") == [
        (55_000, date(2026, 6, 5))
    ]
    sent = await rows(worker_engine, "select workflow_id, payload ->> 'policy_version' from outbox")
    assert sent == [(f"dunning:{order.case_id}", "1")]


@pytest.mark.parametrize(("gross", "count"), [(999, 0), (1_000, 1)])
async def test_small_change_opens_no_case(worker_engine: AsyncEngine, gross: int, count: int) -> None:
    async with transaction(worker_engine) as session:
        session.add(Customer(id="cus_mina", name="Mina", email="m@example.test", created_at=WORKDAY))
        session.add(a_policy())
    await an_unpaid_invoice(worker_engine, "cus_mina", gross, 2, WORKDAY)

    assert await DunningActivities(worker_engine).open_cases(WORKDAY) == count


async def test_without_a_published_policy_nobody_is_dunned(worker_engine: AsyncEngine) -> None:
    async with transaction(worker_engine) as session:
        session.add(Customer(id="cus_mina", name="Mina", email="m@example.test", created_at=WORKDAY))
        session.add(a_policy(since=date(2099, 1, 1)))
    await an_unpaid_invoice(worker_engine, "cus_mina", 50_000, 9, WORKDAY)

    assert await DunningActivities(worker_engine).open_cases(WORKDAY) == 0


@pytest.mark.parametrize(("days", "count"), [(-1, 1), (0, 0), (5, 0)])
async def test_an_account_on_hold_is_left_alone_until_its_last_day_is_over(
    worker_engine: AsyncEngine, days: int, count: int
) -> None:
    held = rules.today(WORKDAY) + timedelta(days=days)
    async with transaction(worker_engine) as session:
        session.add(Customer(id="cus_mina", name="Mina", email="m@example.test", created_at=WORKDAY))
        session.add(a_policy())
        await session.flush()
        session.add(BillingAccount(customer_id="cus_mina", hold_until=held, hold_reason="moving"))
    await an_unpaid_invoice(worker_engine, "cus_mina", 50_000, 9, WORKDAY)

    assert await DunningActivities(worker_engine).open_cases(WORKDAY) == count


async def test_an_open_case_rests_while_the_whole_account_is_on_hold(worker_engine: AsyncEngine) -> None:
    order = await late(worker_engine)
    held = rules.today(WORKDAY) + timedelta(days=3)
    async with transaction(worker_engine) as session:
        session.add(BillingAccount(customer_id="cus_mina", hold_until=held, hold_reason="moving"))

    found = await DunningActivities(worker_engine).look(LookAgain(order, 0, WORKDAY))

    assert (found.rest, found.rest_until) == (Rest.HOLD, rules.begins(held + timedelta(days=1)))


async def test_a_step_is_taken_once_however_often_it_is_asked(worker_engine: AsyncEngine) -> None:
    order = await late(worker_engine)
    acts = DunningActivities(worker_engine)
    found = await acts.look(LookAgain(order, 0, WORKDAY))
    asked = LookAgain(order, 1, WORKDAY, found.position)

    first, second = await acts.take(asked), await acts.take(asked)

    assert first.is_done
    assert first == second
    assert await rows(worker_engine, "select position, kind, status, reason from dunning_steps") == [
        (0, "retry", "skipped", "nothing_to_do")
    ]
    told = "select count(*) from timeline_entries where subject like 'dunning:%'"
    assert await rows(worker_engine, told) == [(1,)]


@pytest.mark.parametrize("why", ["paid", "night", "holiday"])
async def test_what_is_not_due_any_more_is_not_taken(worker_engine: AsyncEngine, why: str) -> None:
    order = await late(worker_engine)
    acts = DunningActivities(worker_engine)
    found = await acts.look(LookAgain(order, 0, WORKDAY))
    at = {"paid": WORKDAY, "night": WORKDAY + timedelta(hours=11), "holiday": NOON + 365 * DAY}[why]
    if why == "holiday":
        at = datetime(2026, 8, 17, 12, tzinfo=KST).astimezone(UTC)  # the substitute of Liberation Day
    if why == "paid":
        [(invoice,)] = await rows(worker_engine, "select id from invoices")  # type: ignore[misc]
        await pay(worker_engine, invoice, WORKDAY)

    taken = await acts.take(LookAgain(order, 1, at, found.position))

    assert not taken.is_done
    assert await rows(worker_engine, "select * from dunning_steps") == []


async def test_steps_never_go_back_and_a_case_keeps_its_policy(worker_engine: AsyncEngine) -> None:
    order = await late(worker_engine)
    step = (
        "insert into dunning_steps values (:case, :position, 'call', 'done', now(), now(), 1, '', '', '', '')"
    )
    async with worker_engine.begin() as connection:
        await connection.execute(text(step), {"case": order.case_id, "position": 3})

    more = (
        "insert into dunning_policies select 2, status, terms, effective_from, author_id, reviewer_id, note,"
        " created_at, published_at, seq from dunning_policies"
    )
    async with worker_engine.begin() as connection:
        await connection.execute(text(more))

    for statement in (step, "update dunning_cases set policy_version = 2"):
        with pytest.raises(IntegrityError, match="dunning case"):
            await write(worker_engine, statement, case=order.case_id, position=2)


async def write(engine: AsyncEngine, statement: str, **values: object) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement), values)


async def test_money_tells_open_cases_in_its_own_transaction_and_nobody_else(
    worker_engine: AsyncEngine,
) -> None:
    order = await late(worker_engine)
    async with transaction(worker_engine) as session:
        told = await money_came(session, ["cus_mina", "cus_nobody"], WORKDAY)
        again = await money_came(session, ["cus_mina"], WORKDAY)
        nobody = await money_came(session, [], WORKDAY)

    assert (told, again, nobody) == (1, 0, 0)
    asked = "select workflow_id, payload ->> 'case_id' from outbox where name = 'money_received'"
    assert await rows(worker_engine, asked) == [(f"dunning:{order.case_id}", order.case_id)]


async def test_a_write_off_closes_each_invoice_once_and_leaves_a_payment_under_way_alone(
    worker_engine: AsyncEngine,
) -> None:
    order = await late(worker_engine, 20_000, 35_000)
    [(paying,), (lost,)] = await rows(worker_engine, "select id from invoices order by total_minor")  # type: ignore[misc]
    async with worker_engine.begin() as connection:
        await connection.execute(
            text(
                "insert into payment_attempts (id, invoice_id, ordinal, customer_id, provider, payment_key,"
                " amount_minor, currency, status, provider_id, code, created_at, lookups, seq) values"
                " ('a1', :id, 1, 'cus_mina', 'gateway', '', 20000, 'KRW', 'unknown', '', '', now(), 0, 0)"
            ),
            {"id": paying},
        )
    asked = WriteOffOrder(order.case_id, "cus_mina", WORKDAY, "gone", "acc_jo")
    acts = WriteOffActivities(worker_engine)

    first, second = await acts.write_off(asked), await acts.write_off(asked)

    assert first == second
    assert (first.amount_minor, first.invoice_ids, first.held) == (35_000, (lost,), (paying,))
    taxes = "select sum(credit_minor - debit_minor) from ledger_entries where account = 'vat_payable'"
    assert await rows(worker_engine, taxes) == [(20_000 // 11 + 35_000 // 11,)]
    async with worker_engine.connect() as connection:
        assert await violations(connection) == {}


async def test_a_suspension_is_stored_once_and_its_free_days_are_charged_when_it_runs_again(
    worker_engine: AsyncEngine,
) -> None:
    order = await late(worker_engine)
    lease = await a_lease(worker_engine, "cus_mina", BASIC, at=WORKDAY)
    contract = lease.contracts[0].subscription_id
    before = await read(worker_engine, contract)
    service = ConsoleService()
    acts = SuspensionActivities(worker_engine, service)
    asked = SuspensionOrder(order.case_id, "cus_mina", WORKDAY + DAY)

    first, second = await acts.suspend(asked), await acts.suspend(asked)
    for one in (*first, *first):
        await acts.switch(one)

    assert first == second
    assert service.states == {contract: False}
    later = WORKDAY + 45 * DAY
    async with transaction(worker_engine) as session:  # the bill run comes by and charges nothing
        made = await charge_due(session, contract, later.astimezone(KST).date(), later)
    assert made == 0
    back = ReactivationOrder(order.case_id, "cus_mina", later)
    for one in await acts.to_switch_on(back):
        await acts.switch(one)
    assert await acts.resume(back) == 1
    assert await acts.resume(back) == 0
    assert service.states == {contract: True}
    after = await read(worker_engine, contract)
    assert after.status == "active"
    assert before.obligation_until is not None
    free = (later.astimezone(KST).date() - before.billed_until).days
    assert after.obligation_until == before.obligation_until + timedelta(days=free)
    async with worker_engine.connect() as connection:
        assert await violations(connection) == {}


@pytest.mark.parametrize("goes_on", [False, True])
async def test_the_bill_run_charges_days_without_service_only_where_the_policy_says_so(
    worker_engine: AsyncEngine, goes_on: bool
) -> None:
    order = await late(worker_engine)
    lease = await a_lease(worker_engine, "cus_mina", BASIC, at=WORKDAY)
    contract = lease.contracts[0].subscription_id
    acts = SuspensionActivities(worker_engine, ConsoleService())
    off = WORKDAY + 40 * DAY  # 19 July: the second period, until 9 August, is billed
    await bill_on(worker_engine, off)
    await acts.suspend(SuspensionOrder(order.case_id, "cus_mina", off, charges_while_suspended=goes_on))

    while_off = [await bill_on(worker_engine, WORKDAY + days * DAY) for days in (61, 92)]
    back = ReactivationOrder(order.case_id, "cus_mina", WORKDAY + 97 * DAY)  # 14 September
    await acts.resume(back)
    after = [await bill_on(worker_engine, WORKDAY + days * DAY) for days in (98, 122, 123)]

    rest = 29_900 - 29_900 * 5 // 30  # 9 September to 9 October without the first five days
    assert while_off == ([29_900, 29_900] if goes_on else [0, 0])
    assert after == ([0, 29_900, 0] if goes_on else [rest, 29_900, 0])
    assert (await read(worker_engine, contract)).status == "active"
    async with worker_engine.connect() as connection:
        assert await violations(connection) == {}


async def bill_on(engine: AsyncEngine, at: datetime) -> int:
    """The run of a day; what it asks for."""
    acts, day = BillRunActivities(engine), at.astimezone(KST).date()
    planned = await acts.plan_run(PlanRun(BillRunOrder(run_id(day), day), at))
    for number in planned.slices:
        await ActivityEnvironment().run(acts.bill_slice, BillSlice(run_id(day), number, day, at))
    return (await acts.progress(run_id(day))).counts.total_minor


async def test_a_case_that_ended_meanwhile_suspends_and_ends_nothing(worker_engine: AsyncEngine) -> None:
    order = await late(worker_engine)
    await a_lease(worker_engine, "cus_mina", BASIC, at=WORKDAY)
    [(invoice,)] = await rows(worker_engine, "select id from invoices")  # type: ignore[misc]
    await pay(worker_engine, invoice, WORKDAY)
    acts = DunningActivities(worker_engine)
    await acts.look(LookAgain(order, 0, WORKDAY))
    paid = CaseStep(order.case_id, 1, WORKDAY, "dunning.paid", CaseStatus.PAID)
    await acts.record(paid)
    await acts.record(paid)
    off = SuspensionActivities(worker_engine, ConsoleService())

    assert await off.suspend(SuspensionOrder(order.case_id, "cus_mina", WORKDAY)) == ()
    assert (await off.draft_dismissals(DismissalOrder(order.case_id, "cus_mina", WORKDAY))).changes == ()
    assert await rows(worker_engine, "select status from subscriptions") == [("active",)]


async def test_contracts_are_ended_with_the_fee_that_the_rules_say(worker_engine: AsyncEngine) -> None:
    order = await late(worker_engine)
    lease = await a_lease(worker_engine, "cus_mina", BASIC, at=WORKDAY)
    asked = DismissalOrder(order.case_id, "cus_mina", WORKDAY + 30 * DAY)
    off = SuspensionActivities(worker_engine, ConsoleService())
    await off.suspend(SuspensionOrder(order.case_id, "cus_mina", WORKDAY + DAY))

    first, second = await off.draft_dismissals(asked), await off.draft_dismissals(asked)

    assert first == second
    assert [one.subscription_id for one in first.changes] == [lease.contracts[0].subscription_id]
    [(kind, total)] = await rows(worker_engine, "select kind, total_minor from subscription_changes")  # type: ignore[misc]
    left = (date(2027, 6, 9) - date(2026, 7, 9)).days
    assert kind == "termination"
    assert total == 100 * 29_900 * left // 30_000


QUIET = PolicyTerms((PolicyStep(1, StepKind.RETRY),))


@pytest.mark.parametrize(
    ("kind", "limits", "method_id", "tries"),
    [
        ("card", "{}", "pm1", 1),
        ("card", '{"most_failed_24_hours": 9}', "pm1", 0),  # finance's own limit, stricter than the schemes'
        ("account", "{}", "", 0),  # debited by the bank's file, never as a card
    ],
)
async def test_a_card_is_tried_again_only_within_the_limits(
    worker_engine: AsyncEngine, kind: str, limits: str, method_id: str, tries: int
) -> None:
    order = await late(worker_engine, 20_000, 35_000, terms=QUIET)
    method = (
        "insert into payment_methods (id, customer_id, kind, status, provider, customer_key, billing_key,"
        " label, is_default, created_at, seq)"
        " values ('pm1', 'cus_mina', :kind, 'active', 'gateway', 'ck', 'x', '', true, now(), 0)"
    )
    stricter = (
        "insert into collection_rules (version, terms, created_at) values (2, cast(:terms as jsonb), now())"
    )
    failed = (
        "insert into payment_attempts (id, invoice_id, ordinal, customer_id, provider, payment_key,"
        " method_id, amount_minor, currency, status, provider_id, code, created_at, settled_at, lookups, seq)"
        " select i.id || '.' || n, i.id, n, 'cus_mina', 'gateway', '', 'pm1', 20000, 'KRW', 'refused', '',"
        " '', :at, :at, 0, 0 from (select id from invoices order by total_minor limit 1) i,"
        " generate_series(1, 9) n"
    )
    await write(worker_engine, method, kind=kind)
    await write(worker_engine, stricter, terms=limits)
    await write(worker_engine, failed, at=WORKDAY - timedelta(hours=3))
    acts = DunningActivities(worker_engine)
    await acts.look(LookAgain(order, 0, WORKDAY))

    taken = await acts.take(LookAgain(order, 1, WORKDAY, 0))

    assert taken.method_id == method_id
    assert sum(bool(one.attempt_id) for one in taken.invoices) == tries


async def test_two_customers_of_the_sample_company_pay_late(
    worker_engine: AsyncEngine, database: Database
) -> None:
    await asyncio.to_thread(make_company, database.worker_url)

    for _ in range(2):
        await past.live_on(database.worker_url)

    found = "select customer_id, opening_minor from dunning_cases order by 1"
    assert await rows(worker_engine, found) == [("cus_dal", 231_000), ("cus_jung", 84_000)]
