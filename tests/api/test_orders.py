"""Orders over HTTP: the till, the page, the links, the carrier's scans; and everybody who may not."""

import json
import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from standardwebhooks.webhooks import Webhook

from models.catalogue import Product
from models.journeys import OpenWait
from models.kit.records import to_record
from models.messages.catalogue import CartLine
from models.messages.journeys import WaitFor
from models.messages.orders import OrderStatus, StepKind, StepStatus
from models.messages.staff import LinkPurpose
from models.orders import CartItem, Order, OrderAddress, OrderLine, OrderStep
from models.staff import PersonalDataAccess, SignedLink
from models.systems import InboxItem, OutboxItem
from tests.api.web import Web, web_on
from tests.builders.company import build, hashed

HOOK = "whsec_dGVzdC13ZWJob29rLXNlY3JldC0wMTIzNDU2Nzg5"
NOW = datetime.now(UTC)


@pytest.fixture
async def web(worker_engine: AsyncEngine, app_engine: AsyncEngine) -> Web:
    company = await build(worker_engine)
    return web_on(app_engine, company, carrier_webhook_secret=HOOK, stock_webhook_secret=HOOK)


async def all_of(engine: AsyncEngine, statement: object) -> list:
    async with AsyncSession(engine) as session:
        return list((await session.scalars(statement)).all())


async def fill_cart(engine: AsyncEngine, key: str) -> None:
    """One device that is sold, in a cart."""
    async with AsyncSession(engine) as session, session.begin():
        sold = update(Product).where(col(Product.id) == "pr").values(is_sold=True, price_minor=110_000)
        await session.execute(sold)
        line = to_record(CartLine(product_id="pr", quantity=2))
        session.add(CartItem(cart_key=key, position=1, line=line, updated_at=NOW))


FORM = {
    "submission_key": "key-1", "once_minor": "220000", "monthly_minor": "0", "ship_name": "미나",
    "ship_phone": "010-1234-5678", "ship_postcode": "06236", "ship_address": "테헤란로 1",
}  # fmt: skip


async def test_a_customer_orders_their_cart_and_a_double_press_is_one_order(
    web: Web, worker_engine: AsyncEngine
) -> None:
    await fill_cart(worker_engine, "customer:c_one")
    page = await web.get("/orders/new", who="customer_own")
    assert page.status_code == 200, page.text
    assert "220,000" in page.text

    first = await web.post("/orders", who="customer_own", data=FORM)
    again = await web.post("/orders", who="customer_own", data=FORM)

    assert (first.status_code, again.headers["location"]) == (303, first.headers["location"])
    number = first.headers["location"].rsplit("/", 1)[1]
    [order] = await all_of(worker_engine, select(Order).where(col(Order.submission_key) == "key-1"))
    assert (order.id, order.once_minor, order.customer_id) == (number, 220_000, "c_one")
    [line] = await all_of(worker_engine, select(OrderLine).where(col(OrderLine.order_id) == number))
    assert (line.product_id, line.quantity, line.needs_shipping) == ("pr", 2, True)
    starts = await all_of(
        worker_engine, select(OutboxItem).where(col(OutboxItem.workflow_id) == f"order:{number}")
    )
    assert [(one.workflow, one.payload["once_minor"]) for one in starts] == [("Order", 220_000)]
    assert (
        await all_of(worker_engine, select(CartItem).where(col(CartItem.cart_key) == "customer:c_one")) == []
    )
    shown = await web.get(f"/orders/{number}", who="customer_own")
    assert shown.status_code == 200
    assert number in shown.text
    assert (await web.get(f"/orders/{number}", who="customer_other")).status_code == 404


async def test_prices_that_changed_meanwhile_are_not_ordered(web: Web, worker_engine: AsyncEngine) -> None:
    await fill_cart(worker_engine, "customer:c_one")

    answer = await web.post("/orders", who="customer_own", data={**FORM, "once_minor": "1"})

    assert answer.status_code == 409
    assert await all_of(worker_engine, select(Order).where(col(Order.submission_key) == "key-1")) == []


async def test_what_is_missing_comes_back_as_typed(web: Web, worker_engine: AsyncEngine) -> None:
    await fill_cart(worker_engine, "customer:c_one")

    answer = await web.post("/orders", who="customer_own", data={**FORM, "ship_address": ""})

    assert answer.status_code == 422
    assert "미나" in answer.text


async def test_a_guest_signs_up_on_the_way(web: Web) -> None:
    answer = await web.get("/orders/new")

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/signup?return_to=")


async def test_an_agent_orders_for_a_customer(web: Web, worker_engine: AsyncEngine) -> None:
    await fill_cart(worker_engine, hashed("agents-cart"))
    headers = {"Cookie": f"ieum={web.company.tokens['agent']}; ieum_cart=agents-cart"}
    page = await web.get("/orders/new?customer=c_two", who="agent", headers=headers)
    assert page.status_code == 200, page.text

    answer = await web.post("/orders", who="agent", headers=headers, data={**FORM, "customer_id": "c_two"})

    assert answer.status_code == 303, answer.text
    [order] = await all_of(worker_engine, select(Order).where(col(Order.submission_key) == "key-1"))
    assert (order.customer_id, order.placed_by) == ("c_two", web.company.persons["agent"].account_id)


async def looks(engine: AsyncEngine) -> list[tuple[str, str]]:
    found = await all_of(
        engine, select(PersonalDataAccess).where(col(PersonalDataAccess.action) == "orders.new")
    )
    return [(look.actor_id, look.subject_id) for look in found]


async def test_the_till_writes_down_that_an_agent_saw_where_a_customer_lives(
    web: Web, worker_engine: AsyncEngine
) -> None:
    await fill_cart(worker_engine, hashed("agents-cart"))
    await fill_cart(worker_engine, "customer:c_one")
    headers = {"Cookie": f"ieum={web.company.tokens['agent']}; ieum_cart=agents-cart"}

    assert (await web.get("/orders/new?customer=c_two", who="agent", headers=headers)).status_code == 200
    assert (await web.get("/orders/new", who="customer_own")).status_code == 200

    assert await looks(worker_engine) == [(web.company.persons["agent"].id, "c_two")]


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
async def test_the_desk_sees_where_an_order_goes_only_masked(
    web: Web, worker_engine: AsyncEngine, accept: str
) -> None:
    to = {
        "ship_phone": "010-7777-8888",
        "ship_address": "서울 강남구 테헤란로 99",
        "submission_key": "a-key-of-theirs",
    }
    async with worker_engine.begin() as connection:
        await connection.execute(update(Order).where(col(Order.id) == "O1").values(**to))
    told = {
        who: (await web.get("/orders/O1", who=who, headers={"Accept": accept})).text
        for who in ("agent", "finance", "customer_own")
    }

    for plain in ("7777", "테헤란로 99"):
        assert plain in told["customer_own"]
        assert plain not in told["agent"] + told["finance"]
    assert "강남구" in told["agent"]
    assert "a-key-of-theirs" not in "".join(told.values())


@pytest.mark.parametrize("who", ["agent", "finance", "admin", "customer_own"])
async def test_the_list_shows_what_one_may_see(web: Web, who: str) -> None:
    answer = await web.get("/orders", who=who, headers={"Accept": "application/json"})

    ids = {row["id"] for row in answer.json()["rows"]}
    assert ids == ({"O1"} if who == "customer_own" else {"O1", "O2"})


async def test_the_desk_finds_an_order_by_number_and_status(web: Web) -> None:
    headers = {"Accept": "application/json"}
    found = await web.get("/orders?q=o2", who="agent", headers=headers)
    assert [row["id"] for row in found.json()["rows"]] == ["O2"]
    none = await web.get("/orders?status=done", who="agent", headers=headers)
    assert none.json()["rows"] == []


async def test_the_page_shows_what_calling_off_undoes_in_reverse_order(
    web: Web, worker_engine: AsyncEngine
) -> None:
    async with AsyncSession(worker_engine) as session, session.begin():
        order = await session.get_one(Order, "O1")
        order.status = OrderStatus.SHIPPING
        for position, kind in ((2, StepKind.RESERVATION), (3, StepKind.SHIPMENT)):
            session.add(
                OrderStep(
                    order_id="O1",
                    position=position,
                    kind=kind,
                    status=StepStatus.DONE,
                    key=f"O1:{kind}",
                    at=NOW,
                )
            )

    page = await web.get("/orders/O1", who="customer_own")
    told = (await web.get("/orders/O1", who="customer_own", headers={"Accept": "application/json"})).json()

    assert [one["kind"] for one in told["undo"]] == ["shipment", "reservation", "payment"]
    assert told["back_minor"] == 110
    assert "cancel" in told["may"]
    assert page.text.index("order_undo") if "order_undo" in page.text else "cancellation" in page.text


async def a_link(engine: AsyncEngine) -> str:
    token = "orderlink"
    async with AsyncSession(engine) as session, session.begin():
        session.add(
            SignedLink(
                token_hash=hashed(token), key="order-link", purpose=LinkPurpose.ORDER, customer_id="c_one",
                case_id="O1", subject="O1", created_at=NOW, expires_at=datetime(2099, 1, 1, tzinfo=UTC),
            )
        )  # fmt: skip
    return token


async def test_a_link_follows_one_order_only(web: Web, worker_engine: AsyncEngine) -> None:
    token = await a_link(worker_engine)

    first = await web.get(f"/links/{token}")
    page = await web.get(f"/links/{token}/order")

    assert first.headers["location"] == f"/links/{token}/order"
    assert page.status_code == 200, page.text
    assert "O1" in page.text
    assert not re.search(r"\bO2\b", page.text)


async def test_a_cancellation_by_link_is_kept_while_temporal_is_away(
    web: Web, worker_engine: AsyncEngine
) -> None:
    token = await a_link(worker_engine)
    page = await web.get(f"/links/{token}/order")
    csrf = re.search(r'name="_csrf" value="([^"]+)"', page.text)

    answer = await web.post(
        f"/links/{token}/order/cancellation",
        data={"command_id": "cmd1", "reason": "", "_csrf": csrf[1] if csrf else ""},
    )

    assert answer.status_code == 303, answer.text
    [kept] = await all_of(worker_engine, select(OutboxItem).where(col(OutboxItem.key) == "cmd1"))
    assert (kept.name, kept.workflow_id) == ("cancel", "order:O1")


async def test_a_new_address_is_a_row_and_never_a_message(web: Web, worker_engine: AsyncEngine) -> None:
    data = {"command_id": "cmd2", "ship_name": "Mina", "ship_phone": "010-1111-2222"}
    data["ship_address"] = "Elsewhere 5"
    answer = await web.post("/orders/O1/address", who="customer_own", data=data)

    assert answer.status_code == 303, answer.text
    [address] = await all_of(worker_engine, select(OrderAddress).where(col(OrderAddress.id) == "adr_cmd2"))
    assert address.ship_address == "Elsewhere 5"
    [said] = await all_of(worker_engine, select(OutboxItem).where(col(OutboxItem.key) == "cmd2"))
    assert "Elsewhere" not in json.dumps(said.payload)
    assert said.payload["address_id"] == address.id


def signed(body: str, id: str = "scan-1") -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "webhook-id": id, "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(HOOK).sign(id, now.replace(tzinfo=None), body),
        "content-type": "application/json",
    }  # fmt: skip


def a_scan(reference: str = "O1-1", status: str = "delivered") -> str:
    data = {"reference": reference, "status": status, "at": NOW.timestamp(), "place": "허브"}
    return json.dumps({"type": "PARCEL_SCANNED", "data": data})


async def test_a_scan_of_goods_on_their_way_back_is_told_to_the_return(
    web: Web, worker_engine: AsyncEngine
) -> None:
    body = a_scan("R1-1", "collected")
    assert (await web.post("/webhooks/carrier", headers=signed(body), content=body)).status_code == 204

    told = await all_of(worker_engine, select(OutboxItem).where(col(OutboxItem.name) == "parcel_scanned"))
    assert [(one.workflow_id, one.payload["status"]) for one in told] == [("return:R1", "collected")]


async def test_goods_that_arrived_wake_every_order_that_is_short_of_them(
    web: Web, worker_engine: AsyncEngine
) -> None:
    async with AsyncSession(worker_engine) as session, session.begin():
        await session.execute(update(OrderLine).values(needs_shipping=True, quantity=2, reserved=1))
        session.add(
            OpenWait(
                workflow_id="order:O2", key="goods", subject="order:O2", case_id="O2", customer_id="c_two",
                who=WaitFor.SYSTEM, what="goods", since=NOW,
            )
        )  # fmt: skip
    body = json.dumps({"type": "GOODS_ARRIVED", "data": {"sku": "pr"}})
    for _ in range(2):
        answer = await web.post("/webhooks/stock", headers=signed(body), content=body)
        assert answer.status_code == 204, answer.text
    other = json.dumps({"type": "GOODS_ARRIVED", "data": {"sku": "another"}})
    await web.post("/webhooks/stock", headers=signed(other, "m2"), content=other)
    forged = {**signed(body, "m3"), "webhook-signature": "v1," + "A" * 43 + "="}
    assert (await web.post("/webhooks/stock", headers=forged, content=body)).status_code == 401

    told = await all_of(worker_engine, select(OutboxItem).where(col(OutboxItem.name) == "goods_arrived"))
    assert [one.workflow_id for one in told] == ["order:O2"]


async def test_a_signed_scan_is_told_to_its_order_once(web: Web, worker_engine: AsyncEngine) -> None:
    body = a_scan()
    for _ in range(3):
        answer = await web.post("/webhooks/carrier", headers=signed(body), content=body)
        assert answer.status_code == 204, answer.text

    told = await all_of(worker_engine, select(OutboxItem).where(col(OutboxItem.name) == "parcel_scanned"))
    assert [(one.workflow_id, one.payload["status"]) for one in told] == [("order:O1", "delivered")]
    counted = await all_of(worker_engine, select(func.count()).select_from(InboxItem))
    assert counted == [1]


@pytest.mark.parametrize("body", [a_scan("nonsense"), a_scan(status="exploded"), "{}", '{"type": 5}'])
async def test_a_signed_word_about_nothing_of_ours_is_taken_and_means_nothing(
    web: Web, worker_engine: AsyncEngine, body: str
) -> None:
    answer = await web.post("/webhooks/carrier", headers=signed(body), content=body)

    assert answer.status_code == 204
    assert (
        await all_of(worker_engine, select(OutboxItem).where(col(OutboxItem.name) == "parcel_scanned")) == []
    )


async def test_an_unsigned_scan_is_refused(web: Web, worker_engine: AsyncEngine) -> None:
    body = a_scan()
    headers = {**signed(body), "webhook-signature": "v1," + "A" * 43 + "="}

    answer = await web.post("/webhooks/carrier", headers=headers, content=body)

    assert answer.status_code == 401
    assert (
        await all_of(worker_engine, select(OutboxItem).where(col(OutboxItem.name) == "parcel_scanned")) == []
    )


@pytest.mark.parametrize(
    ("noun", "data"),
    [("credit", {"decision": "approve"}), ("installation", {}), ("goods", {})],
)
async def test_customers_do_not_do_the_desks_work(web: Web, noun: str, data: dict[str, str]) -> None:
    answer = await web.post(f"/orders/O1/{noun}", who="customer_own", data={"command_id": "c", **data})

    assert answer.status_code == 403
