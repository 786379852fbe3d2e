"""Paying by link, what finance sees, and what the gateway may tell us."""

import asyncio
import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks.webhooks import Webhook
from temporalio.testing import ActivityEnvironment

from activities.connectors.mail import ConsoleMail
from activities.connectors.sms import ConsoleSms
from activities.kit.links import Links
from activities.kit.post import LetterActivities
from models.messages.letters import Letter
from tests.api.web import Web, web_on
from tests.builders.billing import another_invoice
from tests.builders.bills import bill_of
from tests.builders.company import Company, hashed, token_of

HOOK = "whsec_" + base64.b64encode(b"a secret of the gateway for tests").decode()
GATEWAY = "http://gateway.test/gateway"
AGREED = {"payment_key": "pk_1", "order_id": "I1-1.1", "amount": "110"}


@pytest.fixture
async def shop(own_company: Company, worker_engine: AsyncEngine, app_engine: AsyncEngine) -> Web:
    """The app on a company of its own whose first invoice nobody has tried to pay."""
    async with worker_engine.begin() as rows:
        await rows.execute(text("delete from payment_allocations"))
        await rows.execute(text("delete from refunds"))
        await rows.execute(text("delete from payment_attempts"))
        await rows.execute(text("delete from outbox"))
    return web_on(app_engine, own_company, gateway_webhook_secret=HOOK, gateway_public_url=GATEWAY)


def link(shop: Web, page: str) -> str:
    return f"/links/{shop.company.tokens['link_pay']}/{page}"


async def rows(engine: AsyncEngine, query: str) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in (await connection.execute(text(query))).all()]


async def change(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement))


async def test_a_link_shows_the_amount_and_leads_to_the_gateway(shop: Web) -> None:
    answer = await shop.get(link(shop, "pay"), who="link_pay")

    assert answer.status_code == 200
    assert "₩110" in answer.text
    assert f"{GATEWAY}/checkout?order_id=I1-1.1&amp;amount=110" in answer.text


async def test_coming_back_changes_nothing_until_the_page_sends_the_agreement(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    answer = await shop.get(
        f"{link(shop, 'payment')}?payment_key=pk_1&order_id=I1-1.1&amount=110", who="link_pay"
    )

    assert answer.status_code == 200
    assert 'name="payment_key" value="pk_1"' in answer.text
    assert await rows(worker_engine, "select id from payment_attempts") == []


async def test_the_attempt_and_its_start_are_stored_before_anything_is_asked(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    answers = [await shop.post(link(shop, "payment"), who="link_pay", data=AGREED) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert await rows(
        worker_engine, "select id, status, payment_key, amount_minor from payment_attempts"
    ) == [("I1-1.1", "created", "pk_1", 110)]
    assert await rows(worker_engine, "select kind, workflow, workflow_id from outbox") == [
        ("start", "Charge", "charge:I1-1.1")
    ]
    page = await shop.get(link(shop, "pay"), who="link_pay")
    assert 'hx-trigger="every 2s"' in page.text
    assert "/checkout" not in page.text


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": "109"}, "payment_differs"),
        ({"amount": "1e2"}, "payment_differs"),
        ({"order_id": "I2-1.1"}, "payment_differs"),
        ({"order_id": "I1-1.2"}, "payment_differs"),
        ({"payment_key": ""}, "payment_differs"),
    ],
)
async def test_a_payment_that_does_not_fit_the_invoice_is_refused(
    shop: Web, worker_engine: AsyncEngine, changes: dict[str, str], code: str
) -> None:
    answer = await shop.post(
        link(shop, "payment"),
        who="link_pay",
        data={**AGREED, **changes},
        headers={"Accept": "application/json"},
    )

    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert await rows(worker_engine, "select id from payment_attempts") == []
    assert await rows(worker_engine, "select id from outbox") == []


async def test_nobody_pays_while_a_payment_is_under_way(shop: Web, worker_engine: AsyncEngine) -> None:
    sent = [{**AGREED, "payment_key": f"pk_{number}"} for number in range(8)]
    answers = await asyncio.gather(
        *(shop.post(link(shop, "payment"), who="link_pay", data=one,
                    headers={"Accept": "application/json"}) for one in sent)
    )  # fmt: skip

    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"payment_under_way"}
    assert len(await rows(worker_engine, "select id from payment_attempts")) == 1
    assert len(await rows(worker_engine, "select id from outbox")) == 1


@pytest.mark.parametrize(("status", "code"), [("paid", "invoice_paid"), ("cancelled", "invoice_cancelled")])
async def test_what_is_over_is_not_paid(
    shop: Web, worker_engine: AsyncEngine, status: str, code: str
) -> None:
    await change(worker_engine, f"update invoices set status = '{status}', paid_at = now() where id = 'I1-1'")

    answer = await shop.post(
        link(shop, "payment"), who="link_pay", data=AGREED, headers={"Accept": "application/json"}
    )

    assert (answer.status_code, answer.json()["code"]) == (409, code)
    page = await shop.get(link(shop, "pay"), who="link_pay")
    assert "/checkout" not in page.text


async def test_a_refused_customer_is_told_that_no_money_was_taken_and_may_try_again(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    await shop.post(link(shop, "payment"), who="link_pay", data=AGREED)
    await change(worker_engine, "update payment_attempts set status = 'refused'")

    page = await shop.get(link(shop, "pay"), who="link_pay", headers={"Accept-Language": "en"})
    again = await shop.post(
        link(shop, "payment"), who="link_pay", data={**AGREED, "order_id": "I1-1.2", "payment_key": "pk_2"}
    )

    assert "order_id=I1-1.2" in page.text
    assert again.status_code == 303
    assert len(await rows(worker_engine, "select id from payment_attempts")) == 2


@pytest.mark.parametrize("who", ["link_follow", "link_pay_other"])
async def test_another_link_neither_sees_nor_pays(shop: Web, worker_engine: AsyncEngine, who: str) -> None:
    token = shop.company.tokens[who]
    answer = await shop.post(
        f"/links/{token}/payment", who=who, data=AGREED, headers={"Accept": "application/json"}
    )

    assert answer.status_code in (404, 409)
    assert await rows(worker_engine, "select id from payment_attempts where invoice_id = 'I1-1'") == []


async def test_a_customer_who_is_signed_in_pays_their_own_invoice_once(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    own = "/billing/invoices/I1-1"
    page = await shop.get(f"{own}/pay", who="customer_own")
    assert f"{GATEWAY}/checkout?order_id=I1-1.1&amp;amount=110" in page.text
    query = "payment_key=pk_1&order_id=I1-1.1&amount=110"
    back = await shop.get(f"{own}/payment?{query}", who="customer_own")
    assert f'action="{own}/payment"' in back.text
    assert await rows(worker_engine, "select id from payment_attempts") == []

    answers = [await shop.post(f"{own}/payment", who="customer_own", data=AGREED) for _ in range(2)]

    assert [answer.headers["location"] for answer in answers] == [f"{own}/pay"] * 2
    tries = "select id, status, payment_key, amount_minor from payment_attempts"
    assert await rows(worker_engine, tries) == [("I1-1.1", "created", "pk_1", 110)]
    started = await rows(worker_engine, "select kind, workflow, workflow_id from outbox")
    assert started == [("start", "Charge", "charge:I1-1.1")]


async def test_nobody_else_opens_or_pays_it_signed_in(shop: Web, worker_engine: AsyncEngine) -> None:
    page = await shop.get("/billing/invoices/I1-1/pay", who="customer_other")
    paid = await shop.post("/billing/invoices/I1-1/payment", who="customer_other", data=AGREED)

    assert (page.status_code, paid.status_code) == (404, 404)
    assert await rows(worker_engine, "select id from payment_attempts") == []


def signed(order_id: str, message: str = "evt_1", secret: str = HOOK) -> dict[str, Any]:
    body = json.dumps({"type": "PAYMENT_STATUS_CHANGED", "data": {"order_id": order_id}})
    at = datetime.now(UTC)
    headers = {
        "webhook-id": message, "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message, at.replace(tzinfo=None), body),
    }  # fmt: skip
    return {"content": body, "headers": headers}


async def hear(shop: Web, sent: dict[str, Any]) -> int:
    async with shop.client() as client:
        return (await client.post("/systems/gateway/webhook", **sent)).status_code


async def test_a_webhook_told_many_times_wakes_once_and_writes_no_status(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    await shop.post(link(shop, "payment"), who="link_pay", data=AGREED)

    assert [await hear(shop, signed("I1-1.1")) for _ in range(3)] == [204] * 3

    told = await rows(worker_engine, "select workflow_id, name from outbox where kind = 'signal'")
    assert told == [("charge:I1-1.1", "news_arrived")]
    assert await rows(worker_engine, "select status from payment_attempts") == [("created",)]


async def test_news_about_a_refused_attempt_start_a_recheck(shop: Web, worker_engine: AsyncEngine) -> None:
    await shop.post(link(shop, "payment"), who="link_pay", data=AGREED)
    await change(worker_engine, "update payment_attempts set status = 'refused', seq = 4")

    assert await hear(shop, signed("I1-1.1")) == 204

    found = await rows(worker_engine, "select workflow_id, payload from outbox order by id desc limit 1")
    assert found[0][0] == "charge:I1-1.1:recheck:evt_1"
    assert (found[0][1]["is_recheck"], found[0][1]["seq"], found[0][1]["status"]) == (True, 4, "refused")


@pytest.mark.parametrize("order_id", ["I9-9.9", "", "x" * 200])
async def test_news_about_nothing_of_ours_wake_nobody(
    shop: Web, worker_engine: AsyncEngine, order_id: str
) -> None:
    assert await hear(shop, signed(order_id)) == 204
    assert await rows(worker_engine, "select id from outbox") == []


async def test_a_forged_webhook_is_not_heard(shop: Web, worker_engine: AsyncEngine) -> None:
    forged = "whsec_" + base64.b64encode(b"another secret, not the gateway's").decode()

    assert await hear(shop, signed("I1-1.1", secret=forged)) == 401
    assert await rows(worker_engine, "select message_id from inbox") == []


async def test_finance_lists_filters_and_opens_invoices(shop: Web) -> None:
    everything = await shop.get("/billing/invoices", who="finance")
    none = await shop.get("/billing/invoices?status=paid", who="finance")
    one = await shop.get("/billing/invoices/I1-1", who="finance")

    assert (everything.status_code, none.status_code, one.status_code) == (200, 200, 200)
    assert "/billing/invoices/I1-1" in everything.text
    assert "/billing/invoices/I1-1" not in none.text
    assert "2026-000001" in one.text
    assert (await shop.get("/billing/invoices", who="agent")).status_code == 403


async def test_pages_of_the_list_follow_one_another(shop: Web, worker_engine: AsyncEngine) -> None:
    await change(
        worker_engine,
        "insert into invoices (id, number, ticket_id, customer_id, status, currency, net_minor, tax_minor,"
        " total_minor, issued_on, due_at, created_at, seq) select 'X' || n, 'X-' || n, 'T1', customer_id,"
        " 'issued', 'KRW', 0, 0, 0, current_date - n, now(), now(), 1 from generate_series(1, 70) n,"
        " tickets where tickets.id = 'T1'",
    )
    headers = {"Accept": "application/json"}
    seen: list[str] = []
    address = "/billing/invoices"

    while address:
        page = (await shop.get(address, who="finance", headers=headers)).json()
        seen += [row["id"] for row in page["rows"]]
        address = page["next"]

    assert len(seen) == len(set(seen)) == page["count"]
    assert len(seen) >= 72


async def test_a_command_of_finance_is_kept_while_temporal_is_away(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    sent = {"command_id": "cmd_1", "reason": "wrong visit"}

    answer = await shop.post("/billing/invoices/I1-1/cancellation", who="finance", data=sent)

    assert answer.status_code == 303
    assert await rows(worker_engine, "select key, kind, workflow_id, name from outbox") == [
        ("cmd_1", "update", "invoice:I1-1", "cancel")
    ]
    assert (await shop.post("/billing/invoices/I1-1/cancellation", who="agent", data=sent)).status_code == 403


async def test_finance_judges_only_what_is_unclear(shop: Web, worker_engine: AsyncEngine) -> None:
    await shop.post(link(shop, "payment"), who="link_pay", data=AGREED)
    sent = {"command_id": "cmd_2", "verdict": "succeeded"}
    headers = {"Accept": "application/json"}

    early = await shop.post("/payments/I1-1.1/verdict", who="finance", data=sent, headers=headers)
    await change(worker_engine, "update payment_attempts set status = 'unknown'")
    late = await shop.post("/payments/I1-1.1/verdict", who="finance", data=sent, headers=headers)

    assert (early.status_code, early.json()["code"]) == (409, "payment_not_unclear")
    assert late.status_code == 200
    told = await rows(worker_engine, "select workflow_id, name from outbox where kind = 'update'")
    assert told == [("charge:I1-1.1", "settle_by_hand")]


async def test_the_link_of_an_orders_invoice_shows_it_and_takes_its_payment(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    await another_invoice(worker_engine, "IO1-1", "IO1-2")
    token, other = token_of("link_case"), token_of("link_case_other")
    for key, subject, customer, case in (("k1", "IO1-2", "c_one", "O1"), ("k2", "IO1-2", "c_two", "O2")):
        await change(
            worker_engine,
            "insert into signed_links (token_hash, key, purpose, customer_id, case_id, subject, created_at,"
            f" expires_at) values ('{hashed(token if key == 'k1' else other)}', '{key}', 'pay',"
            f" '{customer}', '{case}', '{subject}', now(), now() + interval '1 day')",
        )

    page = await shop.get(f"/links/{token}/pay")
    assert page.status_code == 200
    assert "₩110" in page.text
    assert "O1" in page.text
    assert f"{GATEWAY}/checkout?order_id=IO1-2.1" in page.text
    assert (await shop.get(f"/links/{other}/pay")).status_code == 404

    csrf = page.text.split('name="csrf" content="')[1].split('"')[0]
    sent = {"payment_key": "pk_1", "order_id": "IO1-2.1", "amount": "110", "_csrf": csrf}
    answer = await shop.post(f"/links/{token}/payment", data=sent)

    assert answer.status_code == 303, answer.text
    assert await rows(worker_engine, "select id, status, customer_id from payment_attempts") == [
        ("IO1-2.1", "created", "c_one")
    ]
    ((payload,),) = await rows(worker_engine, "select payload from outbox")
    assert (payload["invoice_id"], payload["ticket_id"], payload["method_id"]) == ("IO1-2", "", "")


async def test_what_was_wholly_credited_asks_for_nothing_and_takes_nothing(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    page = await shop.get("/billing/invoices/IO1-1/pay", who="customer_own")

    assert page.status_code == 200
    assert "/checkout?" not in page.text
    assert "차감되었습니다" in page.text
    sent = {"payment_key": "pk_1", "order_id": "IO1-1.1", "amount": "110"}
    refused = await shop.post("/billing/invoices/IO1-1/payment", who="customer_own", data=sent)
    assert refused.status_code == 409
    assert await rows(worker_engine, "select id from payment_attempts") == []


async def test_the_link_of_a_dunning_letter_pays_an_invoice_of_a_bill_run(
    shop: Web, worker_engine: AsyncEngine
) -> None:
    mail, bill = ConsoleMail(), bill_of("c_one")
    acts = LetterActivities(worker_engine, mail, ConsoleSms(), Links(bytes(32), ""), "desk@example.test")
    values = {"owed_minor": "110", "count": "1", "channel": ""}
    letter = Letter(
        "dunning:D1:1", "", "dunning/reminder", invoice_id=bill, customer_id="c_one", values=values
    )
    await ActivityEnvironment().run(acts.send, letter)
    link = mail.sent["dunning:D1:1"].text.partition("/links/")[2].split()[0]

    page = await shop.get(f"/links/{link}")
    if page.status_code == 303:
        page = await shop.get(page.headers["location"])
    assert f"{GATEWAY}/checkout?order_id={bill}.1" in page.text
    csrf = page.text.split('name="csrf" content="')[1].split('"')[0]
    sent = {"payment_key": "pk_1", "order_id": f"{bill}.1", "amount": "110", "_csrf": csrf}
    answer = await shop.post(f"/links/{link}/payment", data=sent)

    assert answer.status_code == 303, answer.text
    tried = f"select customer_id, amount_minor from payment_attempts where invoice_id = '{bill}'"
    assert await rows(worker_engine, tried) == [("c_one", 110)]
    begun = f"select workflow from outbox where workflow_id = 'charge:{bill}.1'"
    assert await rows(worker_engine, begun) == [("Charge",)]
