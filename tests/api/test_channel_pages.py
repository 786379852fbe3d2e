"""Pages of the channels: what came in, keys, telephones, rules, who rings, and how messages left."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from models.channels import ChannelEvent, PhoneCall
from models.messages.channels import CallStatus, Door, EventStatus
from models.messages.systems import CallResult, System
from models.systems import SentMessage, SystemCall
from tests.api.test_journeys import store
from tests.api.web import Web
from tests.conftest import Database

JSON = {"Accept": "application/json"}
NOW = datetime.now(UTC)


async def test_the_inbox_is_paged_by_key_and_filtered(own_web: Web, worker_engine: AsyncEngine) -> None:
    await store(
        worker_engine,
        *(
            ChannelEvent(
                id=f"many{n:03}", door=Door.SMS, external_id=f"m{n}", last_at=NOW, sender="+821012345678",
                received_at=NOW - timedelta(hours=1), status=EventStatus.PLACED, reason="new_ticket",
            )
            for n in range(120)
        ),
    )  # fmt: skip
    seen: list[str] = []
    page = (await own_web.get("/channels?door=sms&status=placed", who="admin", headers=JSON)).json()
    while True:
        seen += [row["id"] for row in page["rows"]]
        if not page["next"]:
            break
        page = (await own_web.get(page["next"], who="admin", headers=JSON)).json()

    assert len(seen) == len(set(seen)) == 121  # and the one of the sample
    shown = await own_web.get("/channels?door=sms&status=placed", who="admin")
    assert "+8210••••5678" in shown.text.replace("&#8226;", "•")
    assert "+821012345678" not in shown.text
    assert (await own_web.get("/channels?door=fax", who="admin")).status_code == 404


async def test_looking_at_an_original_is_written_down(own_web: Web, database: Database) -> None:
    assert (await own_web.get("/channels/events/chn1", who="admin")).status_code == 200

    with psycopg.connect(database.owner_url) as owner:
        found = owner.execute(
            "select actor_id from personal_data_accesses where action = 'channels.event_read'"
        ).fetchall()
    assert found == [("a_admin",)]


@pytest.mark.parametrize(
    ("path", "field", "body"),
    [
        ("/channels/clients", "clients", {"program": "ERP", "agent_id": "a_agent", "scopes": "tickets_read"}),
        ("/channels/devices", "devices", {"device": "Hub", "serial": ""}),
    ],
)
async def test_a_key_is_shown_once_works_and_ends(
    own_web: Web, database: Database, path: str, field: str, body: dict[str, str]
) -> None:
    made = await own_web.post(path, who="admin", data=body, headers=JSON)
    token = made.json()["key"]
    table = {"clients": "api_clients", "devices": "device_keys"}[field]
    with psycopg.connect(database.owner_url) as owner:
        [(id,)] = owner.execute(
            f"select id from {table} where name = %s", (next(iter(body.values())),)
        ).fetchall()
        kept = owner.execute(f"select to_jsonb(t)::text from {table} t").fetchall()

    async def tried() -> int:
        headers = {"Authorization": f"Bearer {token}"}
        async with own_web.client() as client:
            if field == "clients":
                return (await client.get("/api/tickets", headers=headers)).status_code
            told = {"id": token[:8], "readings": [{}]}
            return (await client.post("/webhooks/devices", json=told, headers=headers)).status_code

    before = await tried()
    ended = await own_web.post(f"{path}/{id}/end", who="admin")
    after = await tried()

    assert not any(token in row for (row,) in kept)
    assert token not in (await own_web.get("/channels/keys", who="admin")).text
    assert (before, ended.status_code, after) == (200 if field == "clients" else 202, 303, 401)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/channels/clients", {"program": "", "agent_id": "a_agent", "scopes": "tickets_read"}),
        ("/channels/clients", {"program": "x", "agent_id": "a_agent"}),
        ("/channels/clients", {"program": "x", "agent_id": "a_agent", "scopes": "everything"}),
        ("/channels/devices", {"device": "x", "serial": "a b"}),
        ("/channels/lines", {"account_id": "a_agent", "extension": "abc"}),
        ("/channels/rules", {"fault": "Leak!", "alarms": "1", "minutes": "1", "quiet_minutes": "1"}),
        ("/channels/rules", {"fault": "leak", "alarms": "0", "minutes": "1", "quiet_minutes": "1"}),
    ],
)
async def test_a_wrong_form_comes_back_as_it_was(web: Web, path: str, body: dict[str, str]) -> None:
    answer = await web.post(path, who="admin", data=body)

    assert answer.status_code == 422
    first = next(iter(body.values()))
    assert not first or f'value="{first}"' in answer.text


async def test_a_key_with_the_rights_of_somebody_who_is_not_of_the_desk_is_refused(web: Web) -> None:
    for account in ("a_customer_own", "a_finance", "a_gone"):
        body = {"program": "x", "agent_id": account, "scopes": "tickets_read"}
        assert (await web.post("/channels/clients", who="admin", data=body)).status_code == 404


async def test_an_extension_rings_at_one_telephone(own_web: Web) -> None:
    taken = await own_web.post(
        "/channels/lines", who="admin", data={"account_id": "a_admin", "extension": "101"}
    )
    free = await own_web.post(
        "/channels/lines", who="admin", data={"account_id": "a_agent", "extension": "109"}
    )

    assert (taken.status_code, free.status_code) == (409, 200)
    assert "109" in free.text


async def test_a_rule_is_a_new_version(own_web: Web, database: Database) -> None:
    body = {"fault": "leak", "alarms": "4", "minutes": "9", "quiet_minutes": "20", "closes": "true"}
    for _again in range(2):
        assert (await own_web.post("/channels/rules", who="admin", data=body)).status_code == 200

    with psycopg.connect(database.owner_url) as owner:
        found = owner.execute(
            "select version, alarms from device_rules where fault = 'leak' order by 1"
        ).fetchall()
    assert found == [(1, 2), (2, 4), (3, 4)]


async def rings(engine: AsyncEngine, **facts: object) -> None:
    usual = {
        "id": "call_now", "external_id": "now", "caller": "+821010000001", "extension": "101",
        "account_id": "a_agent", "customer_id": "c_one", "status": CallStatus.RINGING,
        "received_at": datetime.now(UTC),
    }  # fmt: skip
    await store(engine, PhoneCall(**{**usual, **facts}))


async def test_only_the_called_one_sees_who_rings(own_web: Web, worker_engine: AsyncEngine) -> None:
    await rings(worker_engine)
    fragment = {"HX-Request": "true"}
    mine = (await own_web.get("/channels/pop", who="agent", headers=fragment)).text
    theirs = (await own_web.get("/channels/pop", who="dispatcher", headers=fragment)).text

    assert "/customers/c_one" in mine
    assert "+8210" in mine
    assert "+821010000001" not in mine
    assert "T1" in mine
    assert "call_now" not in theirs


async def test_a_strangers_number_is_shown_for_calling_back(own_web: Web, worker_engine: AsyncEngine) -> None:
    await rings(worker_engine, customer_id=None, caller="+821099998888")
    page = (await own_web.get("/channels/pop", who="agent", headers={"HX-Request": "true"})).text

    assert "+821099998888" in page


async def test_an_old_ring_pops_no_longer(own_web: Web, worker_engine: AsyncEngine) -> None:
    await rings(worker_engine, received_at=datetime.now(UTC) - timedelta(minutes=3))

    assert (
        "call_now"
        not in (await own_web.get("/channels/pop", who="agent", headers={"HX-Request": "true"})).text
    )


@pytest.mark.parametrize(
    ("who", "status"), [("agent", 303), ("dispatcher", 303), ("admin", 303), ("agent_no_team", 404)]
)
async def test_a_recording_is_for_who_spoke_and_who_leads(
    own_web: Web, worker_engine: AsyncEngine, database: Database, who: str, status: int
) -> None:
    await rings(worker_engine, recording="https://pbx.example.com/r/1")
    answer = await own_web.get("/channels/calls/call_now/recording", who=who)
    listed = await own_web.get("/channels/calls", who=who)

    assert answer.status_code == status
    assert ("/channels/calls/call_now/recording" in listed.text) == (status == 303)
    with psycopg.connect(database.owner_url) as owner:
        heard = owner.execute(
            "select count(*) from personal_data_accesses where action = 'channels.recording_heard'"
        ).fetchone()
    assert heard == (int(status == 303),)


async def test_each_message_says_how_it_was_delivered(own_web: Web, worker_engine: AsyncEngine) -> None:
    def call(key: str, system: System, result: CallResult, ago: int) -> SystemCall:
        at = NOW - timedelta(minutes=ago)
        return SystemCall(system=system, operation="send", key=key, ticket_id="T1", at=at, result=result)

    await store(
        worker_engine,
        call("k1", System.ALIMTALK, CallResult.REFUSED, 9), call("k1", System.SMS, CallResult.OK, 8),
        SentMessage(key="k1", system=System.SMS, ticket_id="T1", letter="tickets/reply", sent_at=NOW),
        call("k2", System.MAIL, CallResult.FAILED, 7), call("k2", System.MAIL, CallResult.UNKNOWN, 6),
        call("k3", System.SMS, CallResult.REFUSED, 5),
    )  # fmt: skip
    page = (await own_web.get("/tickets/T1/deliveries", who="agent", headers=JSON)).json()
    states = {row["key"]: (row["state"], row["system"], len(row["tries"])) for row in page["rows"]}

    assert states["k1"] == ("delivered", "sms", 2)
    assert states["k2"] == ("unclear", "mail", 2)
    assert states["k3"] == ("refused", "sms", 1)
    assert (await own_web.get("/tickets/T2/deliveries", who="agent")).status_code == 404
    shown = await own_web.get("/tickets/T1/deliveries", who="agent")
    assert "/tickets/T1/deliveries" in (await own_web.get("/tickets/T1", who="agent")).text
    assert shown.status_code == 200


async def test_only_administrators_see_what_came_in(web: Web) -> None:
    for path in ("/channels", "/channels/keys", "/channels/events/chn1"):
        for who in ("agent", "dispatcher", "finance", "employee", "customer_own"):
            assert (await web.get(path, who=who)).status_code in (303, 403, 404), (path, who)
