"""Texts, calls and telemetry at their doors: proved, kept once, in any order."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from standardwebhooks.webhooks import Webhook

from api.kit.throttles import Limits
from tests.api.web import Web, web_on
from tests.builders.channels import token_of
from tests.conftest import Database

SECRET = "whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0"
NASTY = [
    "a\x00b",
    "a\u202eb",
    "<script>alert(1)</script>",
    "'; drop table tickets; --",
    "가" * 2_000,
    "👩‍🔧",
    "a\r\nX: y",
]


@pytest.fixture
def doors(own_company: Any, app_engine: Any) -> Web:
    return web_on(app_engine, own_company, sms_webhook_secret=SECRET, telephony_webhook_secret=SECRET)


async def tell(
    web: Web, path: str, body: Any, id: str = "m1", secret: str = SECRET, age: timedelta = timedelta()
) -> httpx.Response:
    """A signed message, as a carrier or a telephone system sends it."""
    text = body if isinstance(body, str) else json.dumps(body)
    at = datetime.now(UTC) - age
    headers = {
        "content-type": "application/json", "webhook-id": id, "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id, at.replace(tzinfo=None), text),
    }  # fmt: skip
    async with web.client() as client:
        return await client.post(path, content=text, headers=headers)


async def measure(
    web: Web, readings: Any, batch: str = "b-1", key: str = "gateway", **more: Any
) -> httpx.Response:
    body = {"id": batch, "readings": readings, **more}
    headers = {"authorization": f"Bearer {token_of(key)}"}
    async with web.client() as client:
        return await client.post("/webhooks/devices", json=body, headers=headers)


def a_text(text: str = "It drips again", sender: str = "010-1000-0001", **more: Any) -> dict[str, Any]:
    return {"type": "sms.received", "data": {"from": sender, "to": "15880000", "text": text, **more}}


def an_event(kind: str, at: float | None = None, call: str = "c-1", **more: Any) -> dict[str, Any]:
    moment = at if at is not None else datetime.now(UTC).timestamp()
    data = {"call_id": call, "from": "010-1000-0001", "to": "101", "at": moment, **more}
    return {"type": f"call.{kind}", "data": data}


def an_alarm(serial: str = "x1", state: str = "alarm", fault: str = "leak", ago: float = 0) -> dict[str, Any]:
    return {"serial": serial, "fault": fault, "state": state, "at": datetime.now(UTC).timestamp() - ago}


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.owner_url) as owner:
        return owner.execute(query).fetchall()


async def test_a_text_is_kept_once_and_begins_its_life(doors: Web, database: Database) -> None:
    answers = [await tell(doors, "/webhooks/sms", a_text(), id="sms-1") for _copy in range(3)]

    assert [one.status_code for one in answers] == [204] * 3
    kept = rows(
        database,
        "select id, sender, original, status, is_verified from channel_events where external_id = 'sms-1'",
    )
    assert [one[1:] for one in kept] == [("+821010000001", "It drips again", "received", False)]
    assert rows(database, "select count(*) from outbox where workflow = 'InboundText'") == [(1,)]


@pytest.mark.parametrize("path", ["/webhooks/sms", "/webhooks/telephony"])
async def test_what_is_not_proved_is_counted_and_not_kept(doors: Web, database: Database, path: str) -> None:
    forged = "whsec_" + "QUFB" * 8
    answers = [
        await tell(doors, path, a_text(), secret=forged),
        await tell(doors, path, a_text(), age=timedelta(minutes=6)),
        await tell(doors, path, "not even JSON", secret=forged),
    ]

    assert [one.status_code for one in answers] == [401] * 3
    assert (await tell(doors, path, a_text("x" * 30_000))).status_code == 413
    assert not any("signature" in one.text for one in answers)
    kept = rows(
        database, "select reason, times, original from channel_events where external_id like 'refused:%'"
    )
    assert sum(times for _reason, times, _original in kept) == 3
    assert {(reason, original) for reason, _times, original in kept} == {("signature", "")}
    assert rows(database, "select count(*) from phone_calls where id like 'call\\_%'") == [(0,)]


@pytest.mark.parametrize(
    "body",
    [
        {"type": "sms.received"}, {"type": "sms.received", "data": []},
        {"type": "sms.received", "data": {"from": 1}},
        {"type": "sms.received", "data": {"from": "", "text": "x"}},
        a_text("x" * 2_001), a_text(sender="0" * 33),
    ],
)  # fmt: skip
async def test_signed_garbage_is_counted_and_not_asked_for_again(
    doors: Web, database: Database, body: Any
) -> None:
    answer = await tell(doors, "/webhooks/sms", body)

    assert answer.status_code == 204
    assert rows(database, "select reason from channel_events where external_id like 'refused:%'") == [
        ("unreadable",)
    ]


@pytest.mark.parametrize("text", NASTY, ids=ascii)
async def test_a_nasty_text_is_kept_readable(doors: Web, database: Database, text: str) -> None:
    answer = await tell(doors, "/webhooks/sms", a_text(text, sender=text[:32].strip() or "x"))

    assert answer.status_code == 204
    [(original,)] = rows(database, "select original from channel_events where external_id = 'm1'")
    assert all(one in "\n\t" or one.isprintable() for one in original)
    page = await doors.get("/channels", who="admin")
    assert page.status_code == 200
    assert "<script>alert(1)" not in page.text


async def test_a_ring_is_a_call_of_whoever_is_called(doors: Web, database: Database) -> None:
    await tell(doors, "/webhooks/telephony", an_event("ring"), id="e1")

    [call] = rows(
        database,
        "select id, account_id, customer_id, status, caller from phone_calls where external_id = 'c-1'",
    )
    assert call[1:] == ("a_agent", "c_one", "ringing", "+821010000001")
    said = rows(database, "select kind, workflow from outbox where workflow_id like 'call:%'")
    assert said == [("start", "PhoneCall")]


async def test_events_come_in_any_order_and_twice(doors: Web, database: Database) -> None:
    now = datetime.now(UTC).timestamp()
    told = (
        ("ended", "e3", now),
        ("ring", "e1", now - 60),
        ("answered", "e2", now - 50),
        ("ring", "e1", now - 60),
    )
    for kind, id, at in told:
        assert (await tell(doors, "/webhooks/telephony", an_event(kind, at), id=id)).status_code == 204

    assert rows(database, "select status from phone_calls where external_id = 'c-1'") == [("missed",)]
    said = rows(database, "select kind, name from outbox where workflow_id like 'call:%' order by id")
    assert said == [("start", ""), ("signal", "heard"), ("signal", "heard")]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (an_event("ring", at=1.0), "bad_time"),
        (an_event("ring", at=datetime.now(UTC).timestamp() + 4_000), "bad_time"),
        (an_event("ring", at=float(2**40)), "unreadable"),
        (an_event("ring", call=""), "unreadable"),
        ({"type": "call.ring", "data": "x"}, "unreadable"),
    ],
)
async def test_an_event_that_cannot_be_true_is_refused(
    doors: Web, database: Database, body: Any, reason: str
) -> None:
    assert (await tell(doors, "/webhooks/telephony", body)).status_code == 204

    assert rows(database, "select reason from channel_events where external_id like 'refused:%'") == [
        (reason,)
    ]


async def test_a_withheld_number_is_nobodys(doors: Web, database: Database) -> None:
    await tell(doors, "/webhooks/telephony", an_event("ring", **{"from": "anonymous"}))

    [call] = rows(database, "select customer_id, account_id from phone_calls where external_id = 'c-1'")
    assert call == (None, "a_agent")


async def test_a_flood_of_alarms_is_one_row_a_minute_and_one_watch(doors: Web, database: Database) -> None:
    for number in range(4):
        flood = [an_alarm(fault="smoke") for _one in range(500)]
        answer = await measure(doors, flood, batch=f"f{number}")
        assert (answer.status_code, answer.json()) == (202, {"taken": 500, "refused": {}})

    found = rows(
        database,
        "select count(*), sum(alarms) from device_signals where fault = 'smoke'",
    )
    assert found[0][0] <= 2
    assert found[0][1] == 2_000
    assert rows(database, "select count(*) from device_faults where status = 'watching'") == [(1,)]
    assert rows(database, "select count(*) from outbox where workflow = 'DeviceFault'") == [(1,)]


async def test_the_same_batch_counts_once(doors: Web, database: Database) -> None:
    for _copy in range(3):
        assert (await measure(doors, [an_alarm(fault="heat")])).status_code == 202

    assert rows(database, "select sum(alarms) from device_signals where fault = 'heat'") == [(1,)]


async def test_an_unknown_serial_waits_readable_and_bounded(doors: Web, database: Database) -> None:
    for number in range(2):
        strangers = [an_alarm(serial=f"stranger-{number}-{n}") for n in range(300)]
        await measure(doors, [*strangers, an_alarm(serial="stranger-0-7")], batch=f"s{number}")

    kept = rows(
        database, "select sender, times, original from channel_events where external_id like 'unknown:%'"
    )
    assert 200 <= len(kept) <= 400
    known = {sender: (times, json.loads(original)) for sender, times, original in kept}
    assert all(one["fault"] == "leak" for _times, one in known.values())


@pytest.mark.parametrize(
    ("key", "readings", "status", "refused"),
    [
        ("nobody", [an_alarm()], 401, None),
        ("single", [an_alarm("x1"), an_alarm("x2")], 202, {"foreign_serial": 1}),
        ("gateway", [an_alarm(ago=-900), an_alarm(ago=8 * 86_400)], 202, {"bad_time": 2}),
        ("gateway", ["x", {}, {**an_alarm(), "serial": "a\x00"}], 202, {"unreadable": 3}),
        ("gateway", [{**an_alarm(), "fault": "A B"}], 202, {"unreadable": 1}),
        ("gateway", [], 422, None),
        ("gateway", "x", 422, None),
        ("gateway", [an_alarm()] * 501, 422, None),
    ],
)  # fmt: skip
async def test_what_a_device_may_not_say_is_refused(
    doors: Web, key: str, readings: Any, status: int, refused: Any
) -> None:
    answer = await measure(doors, readings, key=key)

    assert answer.status_code == status
    if refused is not None:
        assert answer.json()["refused"] == refused


@pytest.mark.parametrize("body", ["", "[]", "null", "{", "[" * 5_000, '{"id": 1}', "\x00"])
async def test_a_batch_that_is_none_is_refused(doors: Web, body: str) -> None:
    headers = {"authorization": f"Bearer {token_of('gateway')}", "accept": "application/json"}
    async with doors.client() as client:
        answer = await client.post("/webhooks/devices", content=body, headers=headers)

    assert answer.status_code == 422


async def test_a_key_that_floods_waits(doors: Web, database: Database) -> None:
    doors.app.state.limits = Limits(telemetry=1)
    found = [(await measure(doors, [an_alarm()], batch=f"q{n}")).status_code for n in range(3)]

    assert found == [202, 429, 429]
    assert rows(database, "select times from channel_events where reason = 'too_many'") == [(2,)]


async def test_no_page_may_say_what_only_a_proved_system_may(doors: Web, database: Database) -> None:
    """The doors of the database themselves ask who speaks."""
    with psycopg.connect(database.app_url) as app:
        app.execute(
            "select set_config('ieum.kind', 'staff', false), set_config('ieum.roles', 'admin', false)"
        )
        app.execute("select channel_refused('sms', 'signature')")
        assert app.execute("select * from device_key_of(%s)", ("x",)).fetchall() == []
        assert app.execute("select * from call_parties('101', '')").fetchall() == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("select * from devices_heard('dk_gateway', 'b', '[]')")
    assert rows(database, "select count(*) from channel_events where external_id like 'refused:%'") == [(0,)]
