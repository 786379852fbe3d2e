"""What a return comes to: deductions, exchanges, contracts, a task, and devices that dunning fetches."""

import asyncio
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.messages.orders import OrderStatus
from models.messages.orders.returns import (
    Condition,
    ReturnGround,
    ReturnKind,
    ReturnOrder,
    ReturnSettled,
    ReturnStatus,
)
from models.messages.payments import RefundStatus
from tests.builders.orders import a_line, a_rental
from tests.builders.returns import a_delivered_order
from tests.desk import PATIENCE, RunningDesk, StandIns
from tests.workflows.goods_back import REFUND, REPLACEMENT, Back, Outside, sent_back, settle, task_of

S = ReturnStatus
SEOUL = ZoneInfo("Asia/Seoul")


@pytest.fixture
def outside(worker_engine: AsyncEngine) -> Outside:
    return Outside(worker_engine)


@pytest.fixture
def stand_ins(outside: Outside) -> StandIns:
    return outside.stand_ins()


@pytest.fixture(autouse=True)
def as_usual() -> None:
    REFUND.update(status=RefundStatus.SUCCEEDED, asked=[])
    REPLACEMENT.update(status=OrderStatus.DONE)


async def test_damage_is_taken_off_and_goods_that_did_not_come_are_not_paid(
    desk: RunningDesk, outside: Outside
) -> None:
    lines = (a_line(1, 100_000), a_line(2, 50_000), a_line(3, 30_000))
    back = await sent_back(
        desk, *lines, ground=ReturnGround.DEFECT, quantities={1: 1, 2: 1, 3: 1}, days_ago=30
    )
    await back.arrive()
    await back.inspect(_1=Condition.DAMAGED, _3=Condition.MISSING)

    assert await back.ends() is S.SETTLED
    row = await back.row()
    assert (row.back_minor, row.deducted_minor, row.fee_minor) == (110_000, 70_000, 0)
    assert [line.deducted_minor for line in await back.lines()] == [40_000, 0, 30_000]
    goods = outside.stock.returned[back.asked.id]
    assert [(one.line, one.is_sound) for one in goods] == [(1, False), (2, True)]
    left = await desk.rows("select id from owned_products where id like 'own_O%' and returned_on is null")
    assert len(left) == 1
    [order] = await desk.rows("select status from orders where id = :id", id=back.asked.order.id)
    assert order.status == "done"


async def test_one_of_three_pieces_is_worth_its_share(desk: RunningDesk) -> None:
    back = await sent_back(
        desk, a_line(1, 100_000, quantity=3), ground=ReturnGround.WRONG_ITEM, quantities={1: 2}
    )
    await back.arrive()
    await back.inspect()

    assert await back.ends() is S.SETTLED
    assert (await back.row()).back_minor == 66_666
    [line] = await desk.rows("select * from order_lines where order_id = :id", id=back.asked.order.id)
    assert line.returned == 2
    left = await desk.rows("select id from owned_products where id like 'own_O%' and returned_on is null")
    assert len(left) == 1


async def test_a_rental_ends_as_if_it_had_not_begun(desk: RunningDesk) -> None:
    rental = a_rental(1)
    device = a_line(2, 0, product_id="pro_phone")
    back = await sent_back(desk, rental, device, quantities={2: 1})
    await back.arrive()
    await back.inspect()

    assert await back.ends() is S.SETTLED
    [contract] = await desk.rows("select * from subscriptions where order_id = :id", id=back.asked.order.id)
    assert (contract.status, contract.ends_on, contract.end_reason) == (
        "ended", contract.starts_on, "returned",
    )  # fmt: skip
    assert "contracts" in await back.story()
    assert REFUND["asked"] == []


async def test_an_exchange_sends_the_same_for_nothing(desk: RunningDesk) -> None:
    rental, device = a_rental(1), a_line(2, 0, product_id="pro_phone")
    back = await sent_back(
        desk, rental, device, kind=ReturnKind.EXCHANGE, ground=ReturnGround.DEFECT, quantities={2: 1}
    )
    await desk.change(
        "update subscriptions set owned_product_id = (select id from owned_products where id like 'own_O%')"
        " where order_id = :id", id=back.asked.order.id,
    )  # fmt: skip
    await back.arrive()
    await back.waits_for("inspection")
    await back.inspect()

    assert await back.ends() is S.SETTLED
    [order] = await desk.rows("select * from orders where return_id = :id", id=back.asked.id)
    assert (order.once_minor, order.monthly_minor, order.customer_id) == (0, 0, desk.company.customer_id)
    [line] = await desk.rows("select * from order_lines where order_id = :id", id=order.id)
    assert (line.position, line.product_id, line.quantity, line.plan_id) == (2, "pro_phone", 1, None)
    [contract] = await desk.rows("select * from subscriptions where order_id = :id", id=back.asked.order.id)
    assert contract.status == "active"
    assert REFUND["asked"] == []


async def test_an_exchange_that_cannot_be_delivered_becomes_a_refund(desk: RunningDesk) -> None:
    REPLACEMENT["status"] = OrderStatus.CANCELLED
    back = await sent_back(desk, kind=ReturnKind.EXCHANGE, ground=ReturnGround.DEFECT)
    await back.arrive()
    await back.inspect()

    assert await back.ends() is S.SETTLED
    assert "not_replaced" in await back.story()
    assert [one.amount_minor for one in REFUND["asked"]] == [110_000]


async def test_money_that_cannot_go_back_is_a_colleagues_task(desk: RunningDesk) -> None:
    REFUND["status"] = RefundStatus.REFUSED
    back = await sent_back(desk)
    await back.arrive()
    await back.inspect()
    await back.waits_for("return_by_hand")
    await settle(back, await task_of(back))

    assert await back.ends() is S.SETTLED
    assert "settled_by_hand" in await back.story()


async def test_dunning_has_a_device_fetched_and_hears_of_it(desk: RunningDesk, outside: Outside) -> None:
    order = await a_delivered_order(desk.engine, desk.company, a_rental(1), a_line(2, 0), days_ago=200)
    device = f"own_{order.id}_2_{order.id}.2.1"
    await desk.change(
        "update subscriptions set owned_product_id = :device where order_id = :id", device=device, id=order.id
    )
    asked = ReturnOrder(
        "Rdun_7", order.customer_id, owned_product_id=device, kind=ReturnKind.RETRIEVAL,
        asked_by="dunning:7", reason="unpaid",
    )  # fmt: skip
    fetcher = await desk.client.start_workflow(
        "Fetcher", asked, id="dunning:7", task_queue="desk", result_type=ReturnSettled
    )
    back = Back(desk, type("Asked", (), {"id": "Rdun_7", "order": order})())

    async def is_born() -> bool:
        return bool(await desk.rows("select 1 from returns where id = 'Rdun_7'"))

    await desk.until(is_born)
    await back.arrive()
    await back.inspect(_1=Condition.DAMAGED)

    told = await asyncio.wait_for(fetcher.result(), PATIENCE)
    assert (told.status, told.back_minor) == (S.SETTLED, 0)
    assert REFUND["asked"] == []
    [owned] = await desk.rows("select * from owned_products where id = :id", id=device)
    assert owned.returned_on is not None
    [contract] = await desk.rows("select * from subscriptions where order_id = :id", id=order.id)
    assert (contract.status, contract.ends_on) == ("ended", told.at.astimezone(SEOUL).date())


async def test_a_device_that_is_back_already_is_not_fetched(desk: RunningDesk, outside: Outside) -> None:
    device = desk.company.owned_product_id
    await desk.change("update owned_products set returned_on = now() where id = :id", id=device)
    asked = ReturnOrder(
        "Rdun_8", desk.company.customer_id, owned_product_id=device, kind=ReturnKind.RETRIEVAL,
        asked_by="dunning:8",
    )  # fmt: skip
    fetcher = await desk.client.start_workflow(
        "Fetcher", asked, id="dunning:8", task_queue="desk", result_type=ReturnSettled
    )

    assert (await asyncio.wait_for(fetcher.result(), PATIENCE)).status is S.REFUSED
    assert outside.carrier.asked == []
