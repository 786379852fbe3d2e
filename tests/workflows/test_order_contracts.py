"""Orders begin real contracts with their first charges, and undo them when they are called off."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.kit.invariants import violations
from models.messages.catalogue import QuoteLine
from models.messages.orders import OrderStatus, ShipmentStatus
from tests.builders.orders import a_line, a_placed_order, a_rental
from tests.desk import RunningDesk, StandIns
from tests.workflows.shop import Outside, Shop

S = OrderStatus


@pytest.fixture
def outside(worker_engine: AsyncEngine) -> Outside:
    return Outside(worker_engine)


@pytest.fixture
def stand_ins(outside: Outside) -> StandIns:
    return outside.stand_ins()


def a_rented_device() -> QuoteLine:
    """A rental whose device comes by parcel."""
    return replace(a_rental(1), product_id="pro_phone", needs_shipping=True)


async def contracts(shop: Shop) -> list[Any]:
    asked = "select * from subscriptions where order_id = :id order by id"
    return await shop.desk.rows(asked, id=shop.order.id)


async def charges(shop: Shop) -> list[Any]:
    asked = (
        "select c.* from subscription_charges c join subscriptions s on s.id = c.subscription_id "
        "where s.order_id = :id order by c.id"
    )
    return await shop.desk.rows(asked, id=shop.order.id)


async def test_an_order_begins_its_contracts(desk: RunningDesk) -> None:
    shop = Shop(desk, await a_placed_order(desk.engine, desk.company, a_rented_device(), a_rental(2, 9_900)))
    await shop.deliver()

    assert await shop.ends() is S.DONE
    rented, plain = await contracts(shop)
    assert [(one.status, one.starts_on) for one in (rented, plain)] == [("active", rented.starts_on)] * 2
    assert (rented.owned_product_id, plain.owned_product_id) == (
        f"own_{shop.order.id}_1_{shop.order.id}-1.1.1", None,
    )  # fmt: skip
    assert [(one.gross_minor, one.is_void) for one in await charges(shop)] == [
        (33_000, False),
        (9_900, False),
    ]
    linked = "select subscription_id from order_lines where order_id = :id order by position"
    assert [one.subscription_id for one in await desk.rows(linked, id=shop.order.id)] == [rented.id, plain.id]
    async with desk.engine.connect() as connection:
        assert await violations(connection) == {}


async def test_an_order_called_off_while_its_contracts_begin_ends_them(
    desk: RunningDesk, outside: Outside
) -> None:
    shop = Shop(desk, await a_placed_order(desk.engine, desk.company, a_rented_device(), a_line(2)))
    await shop.pay()
    async with desk.engine.connect() as connection:
        await connection.exec_driver_sql("lock table subscriptions in share row exclusive mode")
        await shop.deliver()
        await shop.waits_for("contracts")
        outside.carrier.collected.add(f"{shop.order.id}-1")
        assert await shop.say("cancel", "changed my mind") is S.CANCELLING
        await connection.rollback()
    await shop.waits_for("goods_back")
    await shop.scan(ShipmentStatus.RETURNED)

    assert await shop.ends() is S.CANCELLED
    assert {status for _, status in await shop.steps()} == {"undone"}
    [ended] = await contracts(shop)
    assert (ended.status, ended.end_reason, ended.next_bill_on) == ("ended", "order_cancelled", None)
    assert [one.is_void for one in await charges(shop)] == [True]
    owned = await desk.rows("select id from owned_products where id like 'own_O%' order by id")
    assert [one.id for one in owned] == [ended.owned_product_id], "an ended contract still names its device"
    async with desk.engine.connect() as connection:
        assert await violations(connection) == {}
