"""What returns ask outside, over real HTTP: whatever is answered at first, each act twice gives once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.connectors.carrier import HttpCarrier
from activities.connectors.kit import Patience
from activities.connectors.stock import HttpStock
from activities.kit.calls import CallLog
from activities.orders import GoodsBackActivities, OrderActivities, ReturnActivities
from activities.subscriptions import SubscriptionActivities
from activities.tickets import TicketActivities
from models.messages.orders.returns import (
    Condition,
    Found,
    GoodsBack,
    ReturnChange,
    ReturnGround,
    ReturnKind,
    ReturnOrder,
    ReturnStatus,
    SettleReturn,
)
from models.messages.subscriptions import ChangeKind, Deactivations, DeviceExchanged
from models.messages.tickets import FaultReport, TicketKind
from models.orders import CartItem, Return
from tests.builders.desk import Company, a_company
from tests.builders.leases import a_change
from tests.builders.orders import a_line, a_rental
from tests.builders.returns import Asked, a_delivered_order, a_return
from tests.sandbox import Sandbox

QUICK = Patience(total=1.0, read=1.0)
NOW = datetime.now(UTC)
LIES: list[dict[str, Any]] = [
    {"kind": "500_before"}, {"kind": "500_after"}, {"kind": "garbage"}, {"kind": "reset"},
    {"kind": "timeout_after", "seconds": 2},
]  # fmt: skip


@pytest.fixture
def goods(worker_engine: AsyncEngine, sandbox: Sandbox) -> GoodsBackActivities:
    calls = CallLog(worker_engine)
    return GoodsBackActivities(
        worker_engine,
        HttpStock(f"{sandbox.url}/stock", sandbox.token, calls, QUICK),
        HttpCarrier(f"{sandbox.url}/carrier", sandbox.token, calls, QUICK),
    )


async def asked_back(engine: AsyncEngine, quantity: int = 1, **facts: Any) -> Asked:
    """A return that was opened."""
    company = await a_company(engine)
    order = await a_delivered_order(engine, company, a_line(quantity=quantity))
    back = await a_return(engine, order, quantities={1: quantity}, **facts)
    asked = ReturnOrder(back.id, order.customer_id, order.id)
    await ActivityEnvironment().run(ReturnActivities(engine).open, asked, NOW)
    return back


async def until_clear(act: Any, said: GoodsBack, tries: int = 4) -> Any:
    """As Temporal does: the same act under the same key, until the answer is clear."""
    for _ in range(tries):
        try:
            return await ActivityEnvironment().run(act, said)
        except ApplicationError as failure:
            if failure.non_retryable:
                raise
    raise AssertionError("the answer never became clear")


async def settled(engine: AsyncEngine, back: Asked, *found: Found) -> Any:
    return await ActivityEnvironment().run(ReturnActivities(engine).settle, SettleReturn(back.id, NOW, found))


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie["kind"])
async def test_the_warehouse_takes_goods_back_once(
    worker_engine: AsyncEngine, sandbox: Sandbox, goods: GoodsBackActivities, lie: dict[str, Any]
) -> None:
    back = await asked_back(worker_engine, 2)
    await settled(worker_engine, back)
    free = sandbox.client.get("/stock/control/book").json()["stock_returns"]
    sandbox.fail("stock", {**lie, "times": 1})
    said = GoodsBack(back.id, f"{back.id}:restock", NOW)

    await until_clear(goods.restock, said)
    await until_clear(goods.restock, said)
    await until_clear(goods.restock, GoodsBack(back.id, f"{back.id}:another-key", NOW))

    kept = sandbox.client.get("/stock/control/book").json()["stock_returns"]
    mine = [one for one in kept if one["reference"] == back.id]
    assert len(kept) == len(free) + 1
    assert [(one["quantity"], one["is_sound"], len(one["serials"].split())) for one in mine] == [(2, 1, 2)]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie["kind"])
async def test_the_carrier_is_ordered_once(
    worker_engine: AsyncEngine, sandbox: Sandbox, goods: GoodsBackActivities, lie: dict[str, Any]
) -> None:
    back = await asked_back(worker_engine)
    sandbox.fail("carrier", {**lie, "times": 1})
    said = GoodsBack(back.id, f"{back.id}:fetch", NOW)

    first = await until_clear(goods.fetch, said)
    second = await until_clear(goods.fetch, said)

    assert first == second
    parcels = sandbox.client.get("/carrier/control/book").json()["parcels"]
    [mine] = [one for one in parcels if one["reference"] == f"{back.id}-1"]
    assert (mine["receiver"], mine["address"]) == ("Mina", "Teheran-ro 1")


async def test_a_driver_who_has_been_there_is_not_called_off(
    worker_engine: AsyncEngine, sandbox: Sandbox, goods: GoodsBackActivities
) -> None:
    back = await asked_back(worker_engine)
    await until_clear(goods.fetch, GoodsBack(back.id, f"{back.id}:fetch", NOW))
    sandbox.client.post(f"/carrier/control/parcels/{back.id}-1/collected").raise_for_status()

    assert await until_clear(goods.stop, GoodsBack(back.id, f"{back.id}:stop", NOW)) is False


async def test_each_row_is_written_once(worker_engine: AsyncEngine) -> None:
    back = await asked_back(worker_engine, 3, ground=ReturnGround.DEFECT)
    first = await settled(worker_engine, back, Found(1, Condition.DAMAGED))
    second = await settled(worker_engine, back)

    assert first == second
    async with AsyncSession(worker_engine) as session:
        row = await session.get_one(Return, back.id)
        assert (row.back_minor, row.deducted_minor) == (66_000, 44_000)
    acts, run = ReturnActivities(worker_engine), ActivityEnvironment().run
    change = ReturnChange(back.id, row.customer_id, 1, ReturnStatus.SETTLED, NOW, "orders.return_settled")
    await run(acts.record, change)
    await run(acts.record, change)
    async with worker_engine.connect() as connection:
        told = "select count(*) from timeline_entries where sentence = 'orders.return_settled'"
        assert (await connection.exec_driver_sql(told)).scalar() == 1
        counted = "select returned from order_lines where order_id = %s"
        assert (await connection.exec_driver_sql(counted, (back.order.id,))).scalar() == 3


async def test_a_return_has_one_replacement(worker_engine: AsyncEngine, goods: GoodsBackActivities) -> None:
    back = await asked_back(worker_engine, kind=ReturnKind.EXCHANGE)
    await settled(worker_engine, back)

    first = await ActivityEnvironment().run(goods.replace, back.id, NOW)
    second = await ActivityEnvironment().run(goods.replace, back.id, NOW)

    assert first.order_id == second.order_id
    assert (first.once_minor, first.needs_credit_check) == (0, False)


async def test_a_contract_goes_on_with_the_new_device_once(worker_engine: AsyncEngine) -> None:
    company = await a_company(worker_engine)
    order = await a_delivered_order(worker_engine, company, a_rental(1), a_line(2, 0, quantity=2))
    old, new = (f"own_{order.id}_2_{order.id}.2.{n}" for n in (1, 2))
    contract = f"S{order.id[1:]}-1"
    async with worker_engine.begin() as connection:
        held = "update subscriptions set owned_product_id = %s where id = %s"
        await connection.exec_driver_sql(held, (old, contract))
    asked, run = DeviceExchanged((contract,), {old: new}, "R1", NOW), ActivityEnvironment().run

    exchange = SubscriptionActivities(worker_engine).exchange_device
    assert [await run(exchange, asked), await run(exchange, asked)] == [1, 0]

    async with worker_engine.connect() as connection:
        found = "select owned_product_id from subscriptions where id = %s"
        assert (await connection.exec_driver_sql(found, (contract,))).scalar() == new


async def test_what_was_billed_of_a_contract_that_never_was_is_credited_once(
    worker_engine: AsyncEngine,
) -> None:
    company = await a_company(worker_engine)
    order = await a_delivered_order(worker_engine, company, a_rental(1))
    contract = f"S{order.id[1:]}-1"
    async with worker_engine.begin() as connection:
        charge = """insert into subscription_charges (id, subscription_id, customer_id, kind, name_ko,
          name_en, gross_minor, net_minor, tax_minor, tax_rule, currency, from_on, until_on, basis, is_credit,
          is_void, document_id, created_at) values (%s, %s, %s, 'recurring', 'r', 'r', 33000, 30000, 3000,
          'kr-vat-10-included', 'KRW', current_date + %s, current_date + %s, '', false, false, %s, now())"""
        billed, open_ = ("c1", contract, order.customer_id, 0, 30, "I1"), ("c2", contract, order.customer_id)
        await connection.exec_driver_sql(charge, billed)
        await connection.exec_driver_sql(charge, (*open_, 30, 60, None))
    asked, run = Deactivations(order.id, "returned", NOW, (contract,)), ActivityEnvironment().run

    deactivate = SubscriptionActivities(worker_engine).deactivate
    assert [await run(deactivate, asked), await run(deactivate, asked)] == [1, 0]

    async with worker_engine.connect() as connection:
        found = "select id, gross_minor, is_void, is_credit from subscription_charges order by id"
        assert [tuple(row) for row in await connection.exec_driver_sql(found)] == [
            ("c1", 33_000, False, False), ("c1:back", -33_000, False, True), ("c2", 33_000, True, False),
        ]  # fmt: skip


async def test_somebody_goes_where_the_case_is_and_not_to_the_old_home(worker_engine: AsyncEngine) -> None:
    back = await asked_back(worker_engine)
    rented = await a_delivered_order(worker_engine, Company(), a_rental(1))
    contract = f"S{rented.id[1:]}-1"
    move = await a_change(
        worker_engine, contract, ChangeKind.MOVE, address="부산 해운대구 우동 1", is_announced=False
    )
    cases = {"T1": (back.order.id, "installation"), "T2": (back.id, "retrieval"), "T3": (move.id, "move")}
    for ticket, (case, topic) in cases.items():
        fault = FaultReport(
            ticket, back.order.customer_id, NOW, kind=TicketKind.INSTALLATION, case_id=case, topic=topic
        )
        await ActivityEnvironment().run(TicketActivities(worker_engine).be_born, fault, NOW)

    async with worker_engine.connect() as connection:
        sites = "select id, site_address, site_region from tickets where id like 'T_' order by id"
        found = {row[0]: (row[1], row[2]) for row in await connection.exec_driver_sql(sites)}
    assert found["T1"] == found["T2"] == ("06236 Teheran-ro 1", "seoul-gangnam")
    assert found["T3"][0] == "부산 해운대구 우동 1"
    assert found["T3"][1].startswith("busan")


async def test_guests_carts_are_forgotten_after_a_month_and_customers_are_not(
    worker_engine: AsyncEngine,
) -> None:
    old, line = NOW - timedelta(days=31), {"product_id": "p"}
    async with AsyncSession(worker_engine) as session, session.begin():
        session.add(CartItem(cart_key="guest-old", position=1, line=line, updated_at=old))
        session.add(CartItem(cart_key="guest-old", position=2, line=line, updated_at=old))
        session.add(CartItem(cart_key="guest-new", position=1, line=line, updated_at=NOW))
        session.add(CartItem(cart_key="customer:c_one", position=1, line=line, updated_at=old))

    forget = OrderActivities(worker_engine).forget_carts
    assert await ActivityEnvironment().run(forget, NOW) == 2
    assert await ActivityEnvironment().run(forget, NOW) == 0

    async with worker_engine.connect() as connection:
        kept = await connection.exec_driver_sql("select cart_key from cart_items order by 1")
        assert [row[0] for row in kept] == ["customer:c_one", "guest-new"]
