"""What contracts do to the tables; every activity runs twice and counts once."""

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import ActivityEnvironment

from activities.kit.invariants import violations
from activities.kit.transactions import transaction
from activities.subscriptions import SubscriptionActivities
from activities.subscriptions.rows import charge_due
from models.messages.subscriptions import (
    ChangeKind,
    ChangeStatus,
    ChangeStep,
    Deactivations,
    SubscriptionStatus,
    Wish,
)
from models.rules.subscriptions.periods import begins_at, business_day
from models.rules.subscriptions.previews import period_end, refusal
from models.subscriptions import SubscriptionChange
from tests.builders.desk import a_company, a_customer
from tests.builders.leases import BASIC, BETTER, FILTER, a_change, a_lease, asked_of, read

NOON = datetime(2026, 1, 31, 3, tzinfo=UTC)
TODAY = date(2026, 1, 31)


@pytest.fixture
async def engine(worker_engine: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    await a_company(worker_engine)
    async with transaction(worker_engine) as session:
        session.add(a_customer("cus_jun"))
    yield worker_engine
    async with worker_engine.connect() as connection:
        assert await violations(connection) == {}


async def rows(engine: AsyncEngine, statement: str, **values: object) -> list[tuple[object, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(statement), values)).all()]


def step(change: SubscriptionChange, seq: int, status: ChangeStatus, at: datetime = NOON) -> ChangeStep:
    sentence = "subscriptions.changed" if status is ChangeStatus.DONE else "subscriptions.cancelled"
    return ChangeStep(change.id, seq, status, at, sentence, reason="taken_back", details={"a": "b"})


async def test_an_order_begins_its_contracts_once(engine: AsyncEngine) -> None:
    asked = await a_lease(engine, "cus_mina", FILTER, BASIC, at=NOON)
    again = await ActivityEnvironment().run(SubscriptionActivities(engine).activate, asked)

    assert again == tuple(one.subscription_id for one in asked.contracts)
    filter_id, basic_id = again
    lease = await read(engine, basic_id)
    assert (lease.status, lease.bill_day, lease.billed_until) == ("active", 31, date(2026, 2, 28))
    assert lease.obligation_until == date(2027, 1, 31)
    assert [one.id for one in lease.add_ons] == [filter_id]
    charged = "select subscription_id, gross_minor, from_on, until_on from subscription_charges order by 2"
    assert await rows(engine, charged) == [
        (filter_id, 4_990, TODAY, date(2026, 2, 28)),
        (basic_id, 29_900, TODAY, date(2026, 2, 28)),
    ]
    told = "select count(*) from timeline_entries where sentence = 'subscriptions.activated'"
    assert await rows(engine, told) == [(2,)]


async def test_an_undone_order_ends_its_contracts_once_and_nothing_is_owed(engine: AsyncEngine) -> None:
    asked = await a_lease(engine, "cus_mina", BASIC, FILTER, at=NOON)
    undo = Deactivations(asked.order_id, "order_cancelled", NOON)

    ended = [await ActivityEnvironment().run(SubscriptionActivities(engine).deactivate, undo) for _ in "12"]

    assert ended == [2, 0]
    assert await rows(engine, "select distinct status, end_reason from subscriptions") == [
        ("ended", "order_cancelled")
    ]
    assert await rows(engine, "select id from subscription_charges where not is_void") == []


async def test_a_change_takes_effect_once_with_the_money_that_was_shown(engine: AsyncEngine) -> None:
    asked = await a_lease(engine, "cus_mina", BASIC, at=NOON)
    id = asked.contracts[0].subscription_id
    change = await a_change(engine, id, ChangeKind.UPGRADE, at=NOON, plan=BETTER)
    acts, environment = SubscriptionActivities(engine), ActivityEnvironment()

    opened = [await environment.run(acts.open, asked_of(change), NOON) for _ in "12"]
    for _ in "12":
        await environment.run(acts.charge, step(change, 1, ChangeStatus.AWAITING))
    refused = [await environment.run(acts.apply, step(change, 2, ChangeStatus.DONE)) for _ in "12"]

    assert refused == ["", ""]
    assert opened[0] == opened[1]
    assert opened[0].total_minor == change.total_minor == 39_901 - 29_900
    [line] = opened[0].invoice_lines
    assert (line.gross_minor, line.tax_minor) == (10_001, 10_001 // 11)
    lease = await read(engine, id)
    assert (lease.terms.plan_id, lease.obligation_until) == ("better", date(2027, 1, 31))
    money = "select count(*), sum(gross_minor) from subscription_charges where change_id = :id"
    assert await rows(engine, money, id=change.id) == [(2, 10_001)]


async def test_a_change_called_off_leaves_nothing_to_pay(engine: AsyncEngine) -> None:
    asked = await a_lease(engine, "cus_mina", BASIC, at=NOON)
    id = asked.contracts[0].subscription_id
    change = await a_change(engine, id, ChangeKind.ADD_ON, at=NOON, plan=FILTER)
    acts, environment = SubscriptionActivities(engine), ActivityEnvironment()
    await environment.run(acts.charge, step(change, 1, ChangeStatus.AWAITING))

    for _ in "12":
        await environment.run(acts.call_off, step(change, 2, ChangeStatus.CANCELLED))

    left = "select id from subscription_charges where change_id = :id and not is_void"
    assert await rows(engine, left, id=change.id) == []
    assert await rows(engine, "select status from subscriptions where starts_on is null") == [("ended",)]
    assert (await read(engine, id)).add_ons == ()


async def test_a_preview_of_yesterday_or_of_another_contract_is_refused(engine: AsyncEngine) -> None:
    asked = await a_lease(engine, "cus_mina", BASIC, at=NOON)
    id = asked.contracts[0].subscription_id
    change = await a_change(engine, id, ChangeKind.UPGRADE, at=NOON, plan=BETTER)
    acts, environment = SubscriptionActivities(engine), ActivityEnvironment()

    tomorrow = await environment.run(acts.open, asked_of(change), NOON + timedelta(days=1))
    async with transaction(engine) as session:
        await session.execute(text("update subscriptions set seq = seq + 1"))
    meanwhile = await environment.run(acts.open, asked_of(change), NOON)

    assert tomorrow.refusal == "change_day"
    assert meanwhile.refusal == "preview_ended"


async def test_a_pause_ends_on_its_day_unless_it_ended_before(engine: AsyncEngine) -> None:
    asked = await a_lease(engine, "cus_mina", BASIC, FILTER, at=NOON)
    id = asked.contracts[0].subscription_id
    until = TODAY + timedelta(days=10)
    change = await a_change(engine, id, ChangeKind.PAUSE, at=NOON, pause_until=until)
    acts, environment = SubscriptionActivities(engine), ActivityEnvironment()
    await environment.run(acts.apply, step(change, 1, ChangeStatus.DONE))
    paused = await read(engine, id)

    early = await environment.run(acts.wake, step(change, 2, ChangeStatus.DONE, NOON))
    woken = [
        await environment.run(acts.wake, step(change, 3, ChangeStatus.DONE, begins_at(until))) for _ in "12"
    ]

    assert {paused.status, paused.add_ons[0].status} == {SubscriptionStatus.PAUSED}
    assert (early, woken) == (False, [True, False])
    assert (await read(engine, id)).status is SubscriptionStatus.ACTIVE


async def test_days_of_an_open_change_are_not_billed_before_it(engine: AsyncEngine) -> None:
    asked = await a_lease(engine, "cus_mina", BASIC, at=NOON)
    id = asked.contracts[0].subscription_id
    end = date(2026, 2, 28)
    change = await a_change(engine, id, ChangeKind.UPGRADE, at=NOON, plan=BETTER, effective_on=end)
    later = NOON + timedelta(days=40)

    async with transaction(engine) as session:
        held = await charge_due(session, id, business_day(later), later)
    await SubscriptionActivities(engine).apply(step(change, 1, ChangeStatus.DONE))
    async with transaction(engine) as session:
        freed = [await charge_due(session, id, business_day(later), later) for _ in "12"]

    assert (held, freed) == (0, [1, 0])
    newest = "select gross_minor from subscription_charges where from_on >= :end"
    assert await rows(engine, newest, end=end) == [(39_901,)]


@pytest.mark.parametrize("seed", range(6))
async def test_any_changes_charge_what_was_shown_and_every_day_once(engine: AsyncEngine, seed: int) -> None:
    chance = random.Random(seed)
    asked = await a_lease(engine, "cus_mina", BASIC, at=NOON)
    root, at, done = asked.contracts[0].subscription_id, NOON, 0
    acts = SubscriptionActivities(engine)

    for number in range(30):
        at += timedelta(days=chance.randint(0, 12))
        today = business_day(at)
        async with transaction(engine) as session:
            await charge_due(session, root, today, at)
        lease = await read(engine, root)
        wish = a_wish(chance, lease, today, number)
        if refusal(lease, wish, today):
            continue
        change = await a_change(engine, root, wish.kind, at=at, is_announced=False, **vars_of(wish))
        opened = await acts.open(asked_of(change), at)
        assert opened.refusal == ""
        at = max(at, begins_at(wish.effective_on))
        assert await acts.apply(step(change, 1, ChangeStatus.DONE, at)) == ""
        done += 1
        root = wish.new_id if wish.kind is ChangeKind.TRANSFER else root
        if wish.kind is ChangeKind.TERMINATION:
            break
        async with engine.connect() as connection:
            assert await violations(connection) == {}

    assert done >= 2


def vars_of(wish: Wish) -> dict[str, object]:
    return {name: value for name, value in vars(wish).items() if name != "kind"}


def a_wish(chance: random.Random, lease, today: date, number: int) -> Wish:  # type: ignore[no-untyped-def]
    kinds = [kind for kind in ChangeKind if kind is not ChangeKind.TERMINATION or number > 20]
    kind = chance.choice(kinds)
    on = chance.choice(
        [today, today, today + timedelta(days=3), period_end(lease, max(today, lease.starts_on))]
    )
    plan = FILTER if kind is ChangeKind.ADD_ON else BETTER if kind is ChangeKind.UPGRADE else BASIC
    if kind is ChangeKind.RENEWAL:
        plan = replace(lease.terms, obligation_months=6)
    running = [one.id for one in lease.family[1:]]
    other = "cus_jun" if lease.customer_id == "cus_mina" else "cus_mina"
    return Wish(
        kind, on, plan, on + timedelta(days=chance.randint(1, 60)), running[0] if running else "",
        f"S{lease.id[1:]}-{number}", other,
    )  # fmt: skip
