"""The life of a return: every deadline missed, every command refused, goods and money where they belong."""

from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.messages.field_service import Outcome
from models.messages.orders import OrderStatus, ShipmentStatus
from models.messages.orders.returns import (
    Condition,
    ReturnStatus,
)
from models.messages.payments import RefundStatus
from tests.builders import tickets as say
from tests.builders.orders import a_line
from tests.desk import RunningDesk, StandIns
from tests.workflows.goods_back import REFUND, REPLACEMENT, Outside, sent_back, settle, task_of, visited

S = ReturnStatus
SEOUL = ZoneInfo("Asia/Seoul")
COMMANDS = ("agree", "refuse", "call_off", "fetch_again", "receive", "give_up", "inspect")


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


async def test_what_somebody_does_not_want_comes_back_and_the_money_less_the_way(
    desk: RunningDesk, outside: Outside
) -> None:
    back = await sent_back(desk)
    await back.arrive()
    await back.inspect()

    assert await back.ends() is S.SETTLED
    row = await back.row()
    assert (row.back_minor, row.fee_minor, row.deducted_minor, row.tracking) == (
        104_000, 6_000, 0, f"track-{back.asked.id}-1",
    )  # fmt: skip
    [refund] = REFUND["asked"]
    assert (refund.amount_minor, refund.invoice_id, refund.reason) == (
        104_000, f"I{back.asked.order.id}-1", "returned",
    )  # fmt: skip
    [owned] = await desk.rows("select * from owned_products where id like 'own_O%'")
    assert owned.returned_on is not None
    assert owned.warranty_until is None
    [order] = await desk.rows("select status from orders where id = :id", id=back.asked.order.id)
    assert order.status == "returned"
    [taken] = outside.stock.returned[back.asked.id]
    assert (taken.sku, taken.quantity, taken.is_sound, len(taken.serials)) == ("P-1", 1, True, 1)
    assert back.letters(outside.post) == ["agreed", "arrived", "settled"]


async def test_scans_in_any_order_and_twice_move_the_goods_once(desk: RunningDesk) -> None:
    back = await sent_back(desk)
    await back.waits_for("hand_over")
    await back.scan(ShipmentStatus.IN_TRANSIT, late=20)
    await back.scan(ShipmentStatus.DELIVERED)
    await back.scan(ShipmentStatus.COLLECTED, late=40)
    await back.scan(ShipmentStatus.DELIVERED)
    await back.scan(ShipmentStatus.IN_TRANSIT, late=20)
    await back.inspect()

    assert await back.ends() is S.SETTLED
    assert (await back.row()).parcel_status == "delivered"
    [scans] = await desk.rows("select count(*) as n from return_scans")
    assert scans.n == 3
    assert (await back.story()).count("arrived") == 2  # to be inspected, to be put on the shelf


async def test_out_of_the_window_a_person_decides(desk: RunningDesk) -> None:
    back = await sent_back(desk, days_ago=9)
    wait = await back.waits_for("return_decision")
    assert (wait.who, "agree" in wait.may, "refuse" in wait.may) == ("us", True, True)

    assert await back.say("agree", actor_kind="staff") is S.AGREED
    await back.arrive()
    await back.inspect()
    assert await back.ends() is S.SETTLED


async def test_a_refused_return_says_why(desk: RunningDesk, outside: Outside) -> None:
    back = await sent_back(desk, days_ago=9)
    await back.waits_for("return_decision")

    await back.say("refuse", "used for a month", actor_kind="staff")

    assert await back.ends() is S.REFUSED
    assert ((await back.row()).reason, (await back.row()).back_minor) == ("used for a month", 0)
    assert back.letters(outside.post) == ["ended"]
    assert outside.carrier.asked == []


async def test_nobody_decides_in_time_so_a_colleague_has_a_task(desk: RunningDesk) -> None:
    back = await sent_back(desk, days_ago=9)
    await back.waits_for("return_decision")
    await back.pass_time(hours=48)
    await back.told("undecided_late")
    task = await task_of(back)

    await back.say("agree", actor_kind="staff")
    await back.arrive()
    await back.inspect()

    assert await back.ends() is S.SETTLED
    [ticket] = await desk.rows("select status from tickets where id = :id", id=task)
    assert ticket.status == "cancelled"


async def test_until_the_goods_have_left_it_may_be_called_off(desk: RunningDesk, outside: Outside) -> None:
    back = await sent_back(desk)
    await back.waits_for("hand_over")

    assert await back.say("call_off") is S.CALLED_OFF

    assert await back.ends() is S.CALLED_OFF
    assert [what for what, _ in outside.carrier.asked] == ["fetch", "recall"]
    assert back.letters(outside.post) == ["agreed", "ended"]
    assert REFUND["asked"] == []


async def test_goods_that_have_left_are_not_called_off(desk: RunningDesk, outside: Outside) -> None:
    back = await sent_back(desk)
    await back.waits_for("hand_over")
    outside.carrier.collected.add(f"{back.asked.id}-1")
    assert await back.refusal("call_off") == "return_on_the_way"

    await back.scan(ShipmentStatus.COLLECTED)
    await back.waits_for("return_parcel")
    assert await back.refusal("call_off") == "return_on_the_way"


async def test_goods_that_are_not_handed_over_end_the_return(desk: RunningDesk, outside: Outside) -> None:
    back = await sent_back(desk)
    await back.waits_for("hand_over")
    await back.pass_time(days=7.5)
    await back.told("reminded")
    await back.pass_time(days=7)

    assert await back.ends() is S.NOT_HANDED_OVER
    assert back.letters(outside.post) == ["agreed", "reminded", "ended"]
    assert REFUND["asked"] == []
    [owned] = await desk.rows("select returned_on from owned_products where id like 'own_O%'")
    assert owned.returned_on is None


async def test_a_driver_who_was_there_at_the_last_moment_counts(desk: RunningDesk, outside: Outside) -> None:
    back = await sent_back(desk)
    await back.waits_for("hand_over")
    outside.carrier.collected.add(f"{back.asked.id}-1")
    await back.pass_time(days=7.5)
    await back.told("reminded")
    await back.pass_time(days=7)

    await back.waits_for("return_parcel")
    assert (await back.row()).status == "on_the_way"


@pytest.mark.parametrize("word", ["give_up", "receive"])
async def test_goods_that_do_not_arrive_are_looked_for(
    desk: RunningDesk, outside: Outside, word: str
) -> None:
    back = await sent_back(desk)
    await back.waits_for("hand_over")
    await back.scan(ShipmentStatus.COLLECTED)
    await back.waits_for("return_parcel")
    await back.pass_time(days=7)
    wait = await back.waits_for("return_lost")
    assert (wait.who, "give_up" in wait.may) == ("us", True)

    await back.say(word, actor_kind="staff")
    if word == "receive":
        await back.inspect()

    assert await back.ends() is S.SETTLED
    assert REFUND["asked"][0].amount_minor == 104_000
    assert bool(outside.stock.returned) == (word == "receive")
    [line] = await back.lines()
    assert line.condition == ("lost" if word == "give_up" else "whole")


async def test_what_nobody_inspects_in_time_counts_as_whole(desk: RunningDesk) -> None:
    back = await sent_back(desk)
    await back.arrive()
    await back.waits_for("inspection")
    await back.pass_time(hours=48)
    await back.told("not_inspected")
    await settle(back, await task_of(back))  # the clock does not skip while a ticket is alive beside it
    await back.pass_time(hours=24)

    assert await back.ends() is S.SETTLED
    assert "counts_as_whole" in await back.story()
    assert REFUND["asked"][0].amount_minor == 104_000


async def test_an_installed_device_is_fetched_by_a_technician(desk: RunningDesk, outside: Outside) -> None:
    back = await sent_back(desk, a_line(needs_installation=True))
    wait = await back.waits_for("retrieval")
    assert wait.who == "technician"
    await visited(back, Outcome.REPAIRED)
    await back.inspect(_1=Condition.USED)

    assert await back.ends() is S.SETTLED
    row = await back.row()
    assert (row.way, row.back_minor) == ("visit", 110_000 - 11_000 - 6_000)
    assert outside.carrier.asked == []


async def test_a_visit_that_does_not_happen_is_arranged_again_or_ends_the_return(desk: RunningDesk) -> None:
    back = await sent_back(desk, a_line(needs_installation=True))
    ticket = await task_of(back, "installation")
    command = say.cancel(desk.company)
    handle = desk.client.get_workflow_handle(f"ticket:{ticket}")
    await handle.execute_update("cancel", command, id=command.id)
    await back.waits_for("retrieval_again")
    await back.say("fetch_again", actor_kind="staff")
    second = await task_of(back, "installation")
    assert second != ticket
    again = say.cancel(desk.company)
    handle = desk.client.get_workflow_handle(f"ticket:{second}")
    await handle.execute_update("cancel", again, id=again.id)
    await back.waits_for("retrieval_again")

    await back.pass_time(days=15)
    assert await back.ends() is S.NOT_HANDED_OVER


async def test_what_is_not_possible_is_refused(desk: RunningDesk) -> None:
    back = await sent_back(desk)
    await back.waits_for("hand_over")
    for command in set(COMMANDS) - {"call_off", "receive"}:
        assert await back.refusal(command) == "return_not_waiting", command

    await back.arrive()
    await back.waits_for("inspection")
    for command in set(COMMANDS) - {"inspect", "call_off"}:
        assert await back.refusal(command) == "return_not_waiting", command
    await back.inspect()
    assert await back.ends() is S.SETTLED


async def test_a_worker_killed_half_way_is_replaced_by_another(desk: RunningDesk, outside: Outside) -> None:
    back = await sent_back(desk)
    await back.waits_for("hand_over")
    await desk.stop_work()
    desk.begin_work()
    await back.arrive()
    await back.inspect()

    assert await back.ends() is S.SETTLED
    assert len(REFUND["asked"]) == 1
    assert [what for what, _ in outside.carrier.asked] == ["fetch"]
