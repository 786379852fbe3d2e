"""The life of an order: every deadline missed, every command refused, everything undone from every step."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from models.messages.billing.invoices import InvoiceStatus
from models.messages.field_service import Outcome
from models.messages.orders import ChangeAddress, CreditAnswer, OrderStatus, ShipmentStatus
from models.orders import OrderAddress
from tests.builders import tickets as say
from tests.builders.orders import a_line, a_placed_order, a_rental
from tests.desk import RunningDesk, StandIns
from tests.workflows.shop import Outside, Shop

S = OrderStatus
GOODS = ("payment", "reservation", "shipment")


@pytest.fixture
def outside(worker_engine: AsyncEngine) -> Outside:
    return Outside(worker_engine)


@pytest.fixture
def stand_ins(outside: Outside) -> StandIns:
    return outside.stand_ins()


async def ordered(desk: RunningDesk, *lines: Any, **facts: Any) -> Shop:
    return Shop(desk, await a_placed_order(desk.engine, desk.company, *lines, **facts))


async def test_an_order_is_paid_shipped_installed_activated_and_done(
    desk: RunningDesk, outside: Outside
) -> None:
    shop = await ordered(desk, a_line(needs_installation=True), a_rental())
    await shop.pay()
    await shop.deliver()
    wait = await shop.waits_for("installation")
    assert wait.who == "technician"
    ticket = await shop.ticket()
    await shop.tell(f"visit:V{ticket.id[1:]}-1", "ended", Outcome.REPAIRED)

    assert await shop.ends() is S.DONE
    assert [status for _, status in await shop.steps()] == ["done"] * 6
    [owned] = await desk.rows("select * from owned_products where id like 'own_O%'")
    assert owned.id == ticket.owned_product_id
    assert (owned.warranty_until.year - owned.bought_on.year, owned.serial) == (2, f"{shop.order.id}-1.1.1")
    letters = [letter.template for letter in outside.post.sent if letter.case_id == shop.order.id]
    assert letters == ["orders/placed", "orders/shipped", "orders/done"]
    [line] = await desk.rows(
        "select * from order_lines where order_id = :id and position = 1", id=shop.order.id
    )
    assert (line.reserved, line.shipped, line.delivered) == (1, 1, 1)


async def test_short_goods_follow_in_a_parcel_of_their_own(desk: RunningDesk, outside: Outside) -> None:
    outside.stock.shelf["P-1"] = 2
    shop = await ordered(desk, a_line(quantity=3, once=0))
    await shop.waits_for("goods")
    assert await shop.status() == S.SHIPPING

    outside.stock.shelf["P-1"] = 5
    await shop.pass_time(hours=25)
    await shop.deliver(1)
    await shop.deliver(2)

    assert await shop.ends() is S.DONE
    parcels = await desk.rows("select * from shipments where order_id = :id order by id", id=shop.order.id)
    assert [(p.lines[0]["quantity"], p.is_back_order) for p in parcels] == [(2, False), (1, True)]
    assert [s for s in outside.stock.asked if s[0] == "pack"] == [
        ("pack", f"{shop.order.id}:shipment:2"), ("pack", f"{shop.order.id}:shipment:4"),
    ]  # fmt: skip


async def test_the_warehouses_own_word_ends_the_wait_for_goods(desk: RunningDesk, outside: Outside) -> None:
    outside.stock.shelf["P-1"] = 0
    shop = await ordered(desk, a_line(once=0))
    await shop.waits_for("goods")

    outside.stock.shelf["P-1"] = 1
    await shop.handle.signal("goods_arrived", {"at": "2026-11-22T00:00:00+00:00"})
    await shop.deliver()

    assert await shop.ends() is S.DONE


async def test_scans_in_any_order_and_twice_never_move_a_parcel_backwards(desk: RunningDesk) -> None:
    shop = await ordered(desk, a_line(once=0))
    await shop.waits_for("parcels")

    way = ["out_for_delivery", "collected", "in_transit", "collected", "out_for_delivery"]
    for ordinal, status in enumerate(way):
        await shop.scan(ShipmentStatus(status), late=10 - ordinal if ordinal else 1)
    await shop.deliver()
    await shop.scan(ShipmentStatus.IN_TRANSIT, late=5)

    assert await shop.ends() is S.DONE
    [parcel] = await desk.rows("select * from shipments where order_id = :id", id=shop.order.id)
    assert parcel.status == "delivered"
    [events] = await desk.rows("select count(*) as n from shipment_events")
    assert events.n == 4
    assert (await shop.story()).count("orders.delivered") == 1


async def test_an_unpaid_order_cancels_itself(desk: RunningDesk, outside: Outside) -> None:
    shop = await ordered(desk, hours=0)  # the clock does not skip while an invoice is alive beside it

    assert await shop.ends() is S.CANCELLED
    row = await shop.row()
    assert (row.reason, row.is_over) == ("unpaid", True)
    assert await shop.steps() == [("payment", "undone")]
    assert outside.post.sent[-1].values["why"] == "unpaid"


@pytest.mark.parametrize("decision", ["approve_credit", "refuse_credit"])
async def test_the_grey_zone_waits_for_a_person(desk: RunningDesk, outside: Outside, decision: str) -> None:
    outside.bureau.answer = CreditAnswer.GREY
    shop = await ordered(desk, a_rental(1))
    wait = await shop.waits_for("credit_decision")
    assert wait.who == "us"
    assert "approve_credit" in wait.may

    await shop.say(decision, actor_kind="staff")

    assert await shop.ends() is (S.DONE if decision == "approve_credit" else S.CANCELLED)
    [task] = await desk.rows("select * from tickets where case_id = :id", id=shop.order.id)
    assert task.kind == "task"


async def test_a_resolved_task_approves_the_credit(desk: RunningDesk, outside: Outside) -> None:
    outside.bureau.answer = CreditAnswer.GREY
    shop = await ordered(desk, a_rental(1))
    await shop.waits_for("credit_decision")
    await settle_task(shop)

    assert await shop.ends() is S.DONE
    assert (await shop.row()).credit == "approved"


async def settle_task(shop: Shop) -> None:
    """A colleague resolves the order's task."""

    async def has_task() -> bool:
        asked = "select id from tickets where case_id = :id and kind = 'task' and status = 'open'"
        return bool(await shop.desk.rows(asked, id=shop.order.id))

    await shop.desk.until(has_task)
    [task] = await shop.desk.rows("select id from tickets where case_id = :id", id=shop.order.id)
    handle = shop.desk.client.get_workflow_handle(f"ticket:{task.id}")
    command = say.resolve(shop.desk.company)
    await handle.execute_update("resolve", command, id=command.id)


async def test_no_credit_means_no_order(desk: RunningDesk, outside: Outside) -> None:
    outside.bureau.answer = CreditAnswer.NO
    shop = await ordered(desk, a_rental(1))

    assert await shop.ends() is S.CANCELLED
    assert (await shop.row()).reason == "credit_refused"
    assert [key for _, key in outside.bureau.asked] == [
        f"{shop.order.id}:credit:1", f"{shop.order.id}:credit:1:undo",
    ]  # fmt: skip


@pytest.mark.parametrize("moment", ["order_payment", "goods", "parcels", "installation"])
async def test_cancelled_at_any_step_everything_is_undone_in_reverse_order(
    desk: RunningDesk, outside: Outside, moment: str
) -> None:
    if moment == "goods":
        outside.stock.shelf["P-1"] = 1
    shop = await ordered(desk, a_line(quantity=2, needs_installation=True), a_rental())
    if moment != "order_payment":
        await shop.pay()
    if moment == "installation":
        await shop.deliver()
        outside.carrier.collected.add(f"{shop.order.id}-1")
    await shop.waits_for(moment)

    assert await shop.say("cancel", "changed my mind") is S.CANCELLING
    if moment == "installation":
        await shop.waits_for("goods_back")
        await shop.scan(ShipmentStatus.RETURNED)

    assert await shop.ends() is S.CANCELLED
    steps = await shop.steps()
    assert {status for _, status in steps} == {"undone"}
    asked = (
        "select details from timeline_entries where sentence = 'orders.undone' and case_id = :id order by id"
    )
    undone = [r.details["step"] for r in await desk.rows(asked, id=shop.order.id)]
    assert undone == [kind for kind, _ in reversed(steps)]
    assert (
        await desk.rows("select * from owned_products where id like 'own_O%' and warranty_until > now()")
        == []
    )
    assert outside.post.sent[-1].template == "orders/cancelled"


async def test_a_step_that_cannot_be_undone_becomes_a_task_and_the_rest_goes_on(
    desk: RunningDesk, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await ordered(desk)
    await shop.pay()
    await shop.waits_for("parcels")

    async def no(*_: object) -> None:
        raise ApplicationError("away for good", type="stock_away", non_retryable=True)

    monkeypatch.setattr(outside.stock, "restock", no)
    await shop.say("cancel")
    await shop.waits_for("undo_by_hand")

    assert await shop.steps() == [("payment", "undone"), ("reservation", "undone"), ("shipment", "stuck")]
    await settle_task(shop)
    assert await shop.ends() is S.CANCELLED
    assert (await shop.steps())[2] == ("shipment", "undone")


@pytest.mark.parametrize("ending", ["seen_to", "called_off"])
async def test_what_the_warehouse_refuses_is_a_colleagues_task_and_goes_on_afterwards(
    desk: RunningDesk, outside: Outside, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    shop = await ordered(desk)
    asked: list[str] = []

    async def no(parcel: str, goods: object, key: str, case: str) -> None:
        asked.append(key)
        raise ApplicationError("never heard of it", type="NOT_FOUND_GOODS", non_retryable=True)

    with monkeypatch.context() as patched:
        patched.setattr(outside.stock, "pack", no)
        await shop.pay()
        wait = await shop.waits_for("seen_to")
    assert wait.who == "us"
    assert len(asked) == 1
    task = await shop.ticket()
    if ending == "called_off":
        await shop.say("cancel")
        assert await shop.ends() is S.CANCELLED
        [task] = await desk.rows("select * from tickets where id = :id", id=task.id)
        assert task.is_over
        return
    await settle_task(shop)
    await shop.waits_for("parcels")
    assert [key for what, key in outside.stock.asked if what == "pack"] == asked
    await shop.deliver()
    assert await shop.ends() is S.DONE


async def test_a_parcel_that_comes_back_ends_the_order(desk: RunningDesk, outside: Outside) -> None:
    shop = await ordered(desk)
    await shop.pay()
    await shop.waits_for("parcels")
    outside.carrier.collected.add(f"{shop.order.id}-1")

    await shop.scan(ShipmentStatus.RETURNED)

    assert await shop.ends() is S.CANCELLED
    assert (await shop.row()).reason == "not_delivered"


async def test_an_installation_called_off_is_arranged_again(desk: RunningDesk) -> None:
    shop = await ordered(desk, a_line(once=0, needs_shipping=False, needs_installation=True))
    await shop.waits_for("installation")
    first = await shop.ticket()
    command = say.cancel(desk.company)
    await desk.client.get_workflow_handle(f"ticket:{first.id}").execute_update(
        "cancel", command, id=command.id
    )
    await shop.waits_for("installation_again")

    await shop.say("install_again", actor_kind="staff")
    await shop.waits_for("installation")

    async def is_another() -> bool:
        return bool((await shop.ticket()).id != first.id)

    await desk.until(is_another)
    second = await shop.ticket()
    await shop.tell(f"visit:V{second.id[1:]}-1", "ended", Outcome.REPAIRED)

    assert await shop.ends() is S.DONE


async def move_to(shop: Shop, id: str) -> None:
    """The customer wants the goods somewhere else."""
    await shop.desk.store(
        OrderAddress(
            id=id, order_id=shop.order.id, ship_name="Jun", ship_phone="+821011112222", ship_postcode="48058",
            ship_address="Haeundae 1", ship_region="busan", created_at=datetime.now(UTC),
        )
    )  # fmt: skip
    command = ChangeAddress(f"cmd-{id}", shop.desk.company.customer_id, datetime.now(UTC), "customer", id)
    await shop.handle.execute_update("change_address", command, id=command.id, result_type=OrderStatus)


async def test_another_address_is_stored_and_told_to_the_carrier(desk: RunningDesk, outside: Outside) -> None:
    shop = await ordered(desk, a_line(once=0))
    await shop.waits_for("parcels")

    await move_to(shop, "adr_1")

    row = await shop.row()
    assert (row.ship_name, row.ship_address, row.ship_region) == ("Jun", "Haeundae 1", "busan")
    assert ("redirect", f"cmd-adr_1:{shop.order.id}-1") in outside.carrier.asked
    assert "orders.address_changed" in await shop.story()
    await shop.deliver()
    assert await shop.ends() is S.DONE


async def test_a_parcel_that_has_left_keeps_its_address(desk: RunningDesk, outside: Outside) -> None:
    shop = await ordered(desk, a_line(once=0))
    await shop.waits_for("parcels")
    outside.carrier.collected.add(f"{shop.order.id}-1")
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await move_to(shop, "adr_2")
    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.type == "address_fixed"
    assert (await shop.row()).ship_name == "Mina"


async def test_what_is_not_possible_is_refused(desk: RunningDesk) -> None:
    shop = await ordered(desk)
    await shop.waits_for("order_payment")

    assert await shop.refusal("approve_credit") == "order_not_waiting"
    assert await shop.refusal("refuse_credit") == "order_not_waiting"
    assert await shop.refusal("install_again") == "order_not_waiting"


async def test_a_worker_killed_half_way_is_replaced_by_another(desk: RunningDesk) -> None:
    shop = await ordered(desk)
    await shop.waits_for("order_payment")
    await desk.stop_work()
    desk.begin_work()
    await shop.pay()
    await shop.deliver()

    assert await shop.ends() is S.DONE
    [counted] = await desk.rows("select count(*) as n from shipments where order_id = :id", id=shop.order.id)
    assert counted.n == 1


async def test_an_invoice_that_is_not_paid_for_certain_ends_the_order(desk: RunningDesk) -> None:
    shop = await ordered(desk)
    await shop.pay(InvoiceStatus.CANCELLED)

    assert await shop.ends() is S.CANCELLED


async def test_each_night_old_carts_of_guests_are_forgotten(desk: RunningDesk) -> None:
    old = datetime.now(UTC) - timedelta(days=40)
    await desk.change(
        "insert into cart_items (cart_key, position, line, updated_at) values ('guest', 1, '{}', :old)",
        old=old,
    )

    forgotten = await desk.client.execute_workflow(
        "ForgetCarts", id="forget-carts-test", task_queue="desk", result_type=int
    )

    assert forgotten == 1
