"""Returns over HTTP: asked for by their customer, an agent or a link; decided and inspected by agents."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col

from models.journeys import OpenWait
from models.messages.journeys import WaitFor
from models.messages.orders import OrderStatus, ShipmentStatus
from models.messages.orders.returns import ReturnStatus
from models.orders import Order, OrderLine, Return, ReturnLine, Shipment
from models.payments import PaymentAttempt
from models.systems import OutboxItem
from tests.api.web import Web, web_on
from tests.builders.billing import another_invoice
from tests.builders.company import build

NOW = datetime.now(UTC)
ASK = {
    "submission_key": "ret-1", "kind": "return", "ground": "change_of_mind", "wanted": "1:1",
    "note": "너무 커요",
}  # fmt: skip


@pytest.fixture
async def web(worker_engine: AsyncEngine, app_engine: AsyncEngine) -> Web:
    """Both orders are delivered since yesterday, and their earlier returns are over."""
    company = await build(worker_engine)
    async with AsyncSession(worker_engine) as session, session.begin():
        await session.execute(update(Order).values(status=OrderStatus.DONE, is_over=True))
        await session.execute(update(OrderLine).values(delivered=2, quantity=2))
        delivered = {"status": ShipmentStatus.DELIVERED, "delivered_at": NOW - timedelta(days=1)}
        await session.execute(update(Shipment).values(delivered))
        await session.execute(update(Return).values(status=ReturnStatus.SETTLED, is_over=True))
    return web_on(app_engine, company)


async def all_of(engine: AsyncEngine, statement: object) -> list:
    async with AsyncSession(engine) as session:
        return list((await session.scalars(statement)).all())


async def waits_for(engine: AsyncEngine, what: str, status: ReturnStatus) -> None:
    """The return R1 waits for somebody."""
    async with AsyncSession(engine) as session, session.begin():
        open_ = update(Return).where(col(Return.id) == "R1").values(status=status, is_over=False)
        await session.execute(open_)
        session.add(
            OpenWait(
                workflow_id="return:R1", key=what, subject="return:R1", case_id="R1", customer_id="c_one",
                who=WaitFor.US, what=what, since=NOW,
            )
        )  # fmt: skip


async def test_a_customer_asks_and_a_double_press_is_one_return(web: Web, worker_engine: AsyncEngine) -> None:
    page = await web.get("/orders/O1/return", who="customer_own")
    assert page.status_code == 200, page.text
    assert 'name="wanted"' in page.text

    first = await web.post("/orders/O1/return", who="customer_own", data=ASK)
    again = await web.post("/orders/O1/return", who="customer_own", data=ASK)

    assert (first.status_code, again.headers["location"]) == (303, first.headers["location"]), first.text
    number = first.headers["location"].rsplit("/", 1)[1]
    [back] = await all_of(worker_engine, select(Return).where(col(Return.submission_key) == "ret-1"))
    assert (back.id, back.customer_id, back.order_id, back.note) == (number, "c_one", "O1", "너무 커요")
    [line] = await all_of(worker_engine, select(ReturnLine).where(col(ReturnLine.return_id) == number))
    assert (line.position, line.quantity, line.paid_minor) == (1, 1, 0)
    starts = await all_of(
        worker_engine, select(OutboxItem).where(col(OutboxItem.workflow_id) == f"return:{number}")
    )
    assert [(one.workflow, one.payload["order_id"]) for one in starts] == [("Return", "O1")]
    shown = await web.get(f"/orders/returns/{number}", who="customer_own")
    assert shown.status_code == 200
    assert number in (await web.get("/orders/O1", who="customer_own")).text
    assert (await web.get(f"/orders/returns/{number}", who="customer_other")).status_code == 404
    assert number in (await web.get("/orders/returns", who="agent")).text
    assert number not in (await web.get("/orders/returns", who="customer_other")).text


async def test_one_return_of_an_order_at_a_time(web: Web, worker_engine: AsyncEngine) -> None:
    await web.post("/orders/O1/return", who="customer_own", data=ASK)

    second = await web.post("/orders/O1/return", who="customer_own", data={**ASK, "submission_key": "ret-2"})

    assert second.status_code == 409
    counted = select(func.count()).select_from(Return).where(~col(Return.is_over))
    assert await all_of(worker_engine, counted) == [1]


@pytest.mark.parametrize("wrong", [{"wanted": "1:0"}, {"wanted": "1:3"}, {"wanted": "7:1"}, {"wanted": "x"}])
async def test_what_cannot_come_back_is_not_taken(
    web: Web, worker_engine: AsyncEngine, wrong: dict[str, str]
) -> None:
    answer = await web.post("/orders/O1/return", who="customer_own", data={**ASK, **wrong})

    assert answer.status_code == 422
    assert "너무 커요" in answer.text
    assert await all_of(worker_engine, select(Return).where(~col(Return.is_over))) == []


@pytest.mark.parametrize("wrong", [{"kind": "retrieval"}, {"ground": "contract_ended"}])
async def test_what_only_the_house_may_ask_is_refused(web: Web, wrong: dict[str, str]) -> None:
    answer = await web.post("/orders/O1/return", who="customer_own", data={**ASK, **wrong})

    assert answer.status_code == 422


async def test_what_was_not_delivered_cannot_come_back(web: Web, worker_engine: AsyncEngine) -> None:
    async with AsyncSession(worker_engine) as session, session.begin():
        await session.execute(update(OrderLine).values(delivered=0))

    assert (await web.post("/orders/O1/return", who="customer_own", data=ASK)).status_code == 409


async def test_by_the_orders_link_and_by_an_agent(web: Web, worker_engine: AsyncEngine) -> None:
    token = web.company.tokens["link_order"]
    assert (await web.get(f"/links/{token}/order/return", who="link_order")).status_code == 200
    answer = await web.post(f"/links/{token}/order/return", who="link_order", data=ASK)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/links/{token}/order"), answer.text
    by_agent = await web.post(
        "/orders/O2/return", who="agent", data={**ASK, "kind": "exchange", "ground": "defect"}
    )
    assert by_agent.status_code == 303

    made = await all_of(
        worker_engine, select(Return).where(~col(Return.is_over)).order_by(col(Return.order_id))
    )
    assert [(one.order_id, one.kind, bool(one.placed_by)) for one in made] == [
        ("O1", "return", False), ("O2", "exchange", True),
    ]  # fmt: skip
    assert made[0].id in (await web.get(f"/links/{token}/order", who="link_order")).text


async def test_an_agent_inspects_line_by_line(web: Web, worker_engine: AsyncEngine) -> None:
    await waits_for(worker_engine, "inspection", ReturnStatus.ARRIVED)
    page = await web.get("/orders/returns/R1", who="agent")
    assert 'name="found"' in page.text
    assert 'name="found"' not in (await web.get("/orders/returns/R1", who="customer_own")).text

    form = {"command_id": "cmd-1", "found": "1:damaged"}
    answer = await web.post("/orders/returns/R1/inspection", who="agent", data=form)

    assert answer.status_code == 303, answer.text
    [said] = await all_of(worker_engine, select(OutboxItem).where(col(OutboxItem.name) == "inspect"))
    assert said.payload["found"] == [{"position": 1, "condition": "damaged"}]
    wrong = await web.post("/orders/returns/R1/inspection", who="agent", data={**form, "found": "1:lost"})
    assert wrong.status_code == 422


async def test_who_refuses_says_why(web: Web, worker_engine: AsyncEngine) -> None:
    await waits_for(worker_engine, "return_decision", ReturnStatus.ASKED)
    form = {"command_id": "cmd-1", "decision": "refuse"}

    silent = await web.post("/orders/returns/R1/decision", who="agent", data=form)
    told = await web.post("/orders/returns/R1/decision", who="agent", data={**form, "reason": "두 달 사용"})

    assert (silent.status_code, told.status_code) == (422, 303)
    said = await all_of(worker_engine, select(OutboxItem).where(col(OutboxItem.name) == "refuse"))
    assert [one.payload["reason"] for one in said] == ["두 달 사용"]


@pytest.mark.parametrize(
    ("noun", "data"),
    [
        ("decision", {"decision": "agree"}),
        ("arrival", {"said": "give_up"}),
        ("inspection", {"found": "1:whole"}),
    ],
)
async def test_customers_do_not_do_the_desks_work(web: Web, noun: str, data: dict[str, str]) -> None:
    answer = await web.post(
        f"/orders/returns/R1/{noun}", who="customer_own", data={"command_id": "c", **data}
    )

    assert answer.status_code == 403


async def test_a_saved_card_is_charged_once_and_only_its_own_customers(
    web: Web, worker_engine: AsyncEngine
) -> None:
    await another_invoice(worker_engine, "IO1-1", "IO1-2")
    page = await web.get("/billing/invoices/IO1-2/pay", who="customer_own")
    assert 'value="pm1"' in page.text
    form = {"order_id": "IO1-2.1", "method_id": "pm1"}

    foreign = await web.post(
        "/billing/invoices/IO1-2/charge", who="customer_own", data={**form, "method_id": "pm2"}
    )
    first = await web.post("/billing/invoices/IO1-2/charge", who="customer_own", data=form)
    again = await web.post("/billing/invoices/IO1-2/charge", who="customer_own", data=form)

    assert (foreign.status_code, first.status_code, again.status_code) == (404, 303, 303), first.text
    query = select(PaymentAttempt).where(col(PaymentAttempt.id) == "IO1-2.1")
    [attempt] = await all_of(worker_engine, query)
    assert (attempt.method_id, attempt.payment_key, attempt.amount_minor) == ("pm1", "", 110)
    starts = await all_of(worker_engine, select(OutboxItem).where(col(OutboxItem.workflow) == "Charge"))
    assert [one.payload["method_id"] for one in starts] == ["pm1"]
