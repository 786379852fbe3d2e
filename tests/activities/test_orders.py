"""What orders ask outside, over real HTTP: every way of failing, each act twice gives once, books tie out."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.connectors.carrier import HttpCarrier
from activities.connectors.credit import HttpCreditBureau
from activities.connectors.kit import Patience
from activities.connectors.stock import HttpStock
from activities.kit.calls import CallLog
from activities.orders import FulfilmentActivities, OrderActivities
from models.customers import OwnedProduct
from models.messages.orders import (
    CreditAnswer,
    OrderChange,
    OrderStatus,
    ParcelScanned,
    Recall,
    ShipmentStatus,
    StepKind,
    StepNote,
    StepStatus,
    SystemOrder,
)
from models.orders import Order, OrderLine, OrderStep, Shipment
from models.systems import SystemCall
from tests.builders.desk import a_company
from tests.builders.orders import a_line, a_placed_order
from tests.sandbox import Sandbox

QUICK = Patience(total=1.0, read=1.0)
NOW = datetime.now(UTC)
KINDS: list[dict[str, Any]] = [
    {"kind": "500_before"}, {"kind": "500_after"}, {"kind": "429"}, {"kind": "garbage"},
    {"kind": "truncated_json"}, {"kind": "wrong_order"}, {"kind": "reset"}, {"kind": "reset_before"},
    {"kind": "timeout_before", "seconds": 2}, {"kind": "timeout_after", "seconds": 2},
    {"kind": "late", "seconds": 2}, {"kind": "slow", "seconds": 2}, {"kind": "drip", "seconds": 2},
]  # fmt: skip


@pytest.fixture
def goods(worker_engine: AsyncEngine, sandbox: Sandbox) -> FulfilmentActivities:
    calls = CallLog(worker_engine)
    return FulfilmentActivities(
        worker_engine,
        HttpStock(f"{sandbox.url}/stock", sandbox.token, calls, QUICK),
        HttpCarrier(f"{sandbox.url}/carrier", sandbox.token, calls, QUICK),
        HttpCreditBureau(f"{sandbox.url}/credit", sandbox.token, calls, QUICK),
    )


async def ordered(engine: AsyncEngine, quantity: int = 2) -> str:
    company = await a_company(engine)
    placed = await a_placed_order(engine, company, a_line(quantity=quantity))
    return placed.id


def asked(order: str, what: str, reference: str = "", parcel: str = "") -> SystemOrder:
    return SystemOrder(order, f"{order}:{what}", reference or f"{order}-r1", NOW, parcel)


async def until_clear(act: Any, said: SystemOrder, tries: int = 4) -> Any:
    """As Temporal does: the same act under the same key, until the answer is clear."""
    for _ in range(tries):
        try:
            return await ActivityEnvironment().run(act, said)
        except ApplicationError as failure:
            if failure.non_retryable:
                raise
    raise AssertionError("the answer never became clear")


def stock_book(sandbox: Sandbox) -> dict[str, Any]:
    book: dict[str, Any] = sandbox.client.get("/stock/control/book").json()
    return book


@pytest.mark.parametrize("rule", KINDS, ids=lambda rule: rule["kind"])
async def test_goods_are_set_aside_once_whatever_the_warehouse_answers_at_first(
    worker_engine: AsyncEngine, sandbox: Sandbox, goods: FulfilmentActivities, rule: dict[str, Any]
) -> None:
    order = await ordered(worker_engine)
    sandbox.fail("stock", {**rule, "times": 1})

    reserved = await until_clear(goods.reserve, asked(order, "reserve"))

    assert (reserved.units, reserved.is_short) == (2, False)
    assert sandbox.fired("stock") == {rule["kind"]: 1}
    kept = stock_book(sandbox)["reservations"]  # a late act of another test is not ours
    ours = [one for one in kept if one["reference"] == f"{order}-r1"]
    assert [(one["wanted"], one["reserved"]) for one in ours] == [
        (2, 2)
    ]  # a late act of another test is not ours
    async with AsyncSession(worker_engine) as session:
        calls = list(await session.scalars(select(SystemCall)))
    assert {one.key for one in calls} == {f"{order}:reserve"}
    assert calls[-1].case_id == order


async def test_short_goods_are_said_to_be_short(
    worker_engine: AsyncEngine, sandbox: Sandbox, goods: FulfilmentActivities
) -> None:
    order = await ordered(worker_engine, 3)
    sandbox.client.put("/stock/control/articles", json={"P-1": 2}).raise_for_status()

    first = await until_clear(goods.reserve, asked(order, "reserve"))
    sandbox.client.put("/stock/control/articles", json={"P-1": 9}).raise_for_status()
    second = await until_clear(goods.reserve, asked(order, "again", f"{order}-r2"))

    assert (first.units, first.is_short, second.units, second.is_short) == (2, True, 1, False)
    async with AsyncSession(worker_engine) as session:
        line = await session.get_one(OrderLine, (order, 1))
    assert (line.reserved, line.shipped) == (3, 0)


async def ship(goods: FulfilmentActivities, order: str) -> SystemOrder:
    await until_clear(goods.reserve, asked(order, "reserve"))
    parcel = asked(order, "ship", f"{order}-1", f"{order}-1")
    for _ in range(2):
        await until_clear(goods.pack, parcel)
        await until_clear(goods.hand_over, parcel)
    return parcel


async def test_a_parcel_is_packed_and_handed_over_once(
    worker_engine: AsyncEngine, sandbox: Sandbox, goods: FulfilmentActivities
) -> None:
    order = await ordered(worker_engine)
    await ship(goods, order)

    async with AsyncSession(worker_engine) as session:
        shipment = await session.get_one(Shipment, f"{order}-1")
        line = await session.get_one(OrderLine, (order, 1))
    assert shipment.tracking is not None
    assert shipment.lines[0]["serials"] == line.serials == ["P-1-000001", "P-1-000002"]
    assert (line.reserved, line.shipped) == (2, 2)
    assert [one["quantity"] for one in stock_book(sandbox)["stock_parcels"]] == [2]
    assert len(sandbox.client.get("/carrier/control/book").json()["parcels"]) == 1


async def test_a_parcel_that_is_still_here_is_recalled_and_restocked(
    worker_engine: AsyncEngine, sandbox: Sandbox, goods: FulfilmentActivities
) -> None:
    order = await ordered(worker_engine)
    parcel = await ship(goods, order)

    for _ in range(2):
        assert await until_clear(goods.recall, parcel) is Recall.RECALLED
        await until_clear(goods.restock, parcel)
        await until_clear(goods.release, asked(order, "release"))

    book = stock_book(sandbox)
    assert [one["is_restocked"] for one in book["stock_parcels"]] == [1]
    assert [one["is_released"] for one in book["reservations"]] == [1]


async def test_a_parcel_that_has_left_is_fetched(
    worker_engine: AsyncEngine, sandbox: Sandbox, goods: FulfilmentActivities
) -> None:
    order = await ordered(worker_engine)
    parcel = await ship(goods, order)
    sandbox.client.post(f"/carrier/control/parcels/{order}-1/collected").raise_for_status()

    assert await until_clear(goods.recall, parcel) is Recall.PICK_UP


async def test_what_arrives_after_it_was_undone_gets_nothing(
    worker_engine: AsyncEngine, sandbox: Sandbox, goods: FulfilmentActivities
) -> None:
    order = await ordered(worker_engine)

    await until_clear(goods.release, asked(order, "release"))
    reserved = await until_clear(goods.reserve, asked(order, "reserve"))

    assert reserved.units == 0
    assert [one["reserved"] for one in stock_book(sandbox)["reservations"]] == [0]


@pytest.mark.parametrize("says", ["yes", "grey", "no"])
async def test_the_bureau_is_asked_once(
    worker_engine: AsyncEngine, sandbox: Sandbox, goods: FulfilmentActivities, says: str
) -> None:
    order = await ordered(worker_engine)
    sandbox.client.put("/credit/control/answer", params={"says": says}).raise_for_status()
    sandbox.fail("credit", {"kind": "timeout_after", "seconds": 2, "times": 1})

    check = asked(order, "credit", order)
    assert await until_clear(goods.check_credit, check) is CreditAnswer(says)
    await until_clear(goods.free_credit, check)

    [kept] = sandbox.client.get("/credit/control/book").json()
    assert (kept["answer"], kept["is_free"]) == (says, 1)


async def test_scans_in_any_order_and_twice_store_what_arrived_once(
    worker_engine: AsyncEngine, goods: FulfilmentActivities
) -> None:
    order = await ordered(worker_engine)
    await ship(goods, order)
    rows = OrderActivities(worker_engine)
    scans = [ShipmentStatus.DELIVERED, ShipmentStatus.COLLECTED, ShipmentStatus.IN_TRANSIT]

    for status in (*scans, *scans):
        scan = ParcelScanned(f"{order}-1", "hanil", status.value, status, NOW)
        assert await rows.scan(scan, NOW) is ShipmentStatus.DELIVERED

    async with AsyncSession(worker_engine) as session:
        owned = list(await session.scalars(select(OwnedProduct).where(col(OwnedProduct.id).like("own_O%"))))
        line = await session.get_one(OrderLine, (order, 1))
    assert sorted(one.serial for one in owned) == ["P-1-000001", "P-1-000002"]
    assert line.delivered == 2


async def test_a_step_written_twice_is_one_step_and_an_older_one_changes_nothing(
    worker_engine: AsyncEngine,
) -> None:
    order = await ordered(worker_engine)
    rows = OrderActivities(worker_engine)
    note = StepNote(1, StepKind.PAYMENT, StepStatus.DOING, f"{order}:payment:1")
    later = OrderChange(order, "cus_mina", 2, OrderStatus.SHIPPING, NOW, "orders.paid", (note,))
    older = OrderChange(order, "cus_mina", 1, OrderStatus.RECEIVED, NOW, "orders.opened")

    for change in (later, later, older):
        await rows.record(change)

    async with AsyncSession(worker_engine) as session:
        assert (await session.get_one(Order, order)).status is OrderStatus.SHIPPING
        steps = list(await session.scalars(select(OrderStep).where(col(OrderStep.order_id) == order)))
    assert [(one.kind, one.key) for one in steps] == [(StepKind.PAYMENT, f"{order}:payment:1")]
