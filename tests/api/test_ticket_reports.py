"""Reporting a fault: one form is one ticket, nothing typed is lost, and no file is trusted."""

import asyncio
import io
import struct
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.api.web import Web, web_on
from tests.builders.company import Company

JSON = {"Accept": "application/json"}
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def desk(own_company: Company, app_engine: AsyncEngine, tmp_path: Path) -> Web:
    """A desk of its own whose files go to a folder of this test."""
    return web_on(app_engine, own_company, files_dir=tmp_path)


async def rows(engine: AsyncEngine, statement: str, **values: Any) -> list[Any]:
    async with engine.connect() as connection:
        return list((await connection.execute(text(statement), values)).all())


def a_report(**facts: str) -> dict[str, str]:
    given = {
        "submission_key": uuid4().hex, "name": "Hana Kim", "phone": "010-9999-1234", "subject": "No picture",
        "description": "Black since Monday.",
    }  # fmt: skip
    return {**given, **facts}


def a_photo(kind: str = "JPEG", **extra: Any) -> bytes:
    packed = io.BytesIO()
    Image.new("RGB", (320, 200), (120, 80, 40)).save(packed, kind, **extra)
    return packed.getvalue()


async def test_a_report_becomes_ticket_message_timeline_and_announcement_at_once(
    desk: Web, worker_engine: AsyncEngine
) -> None:
    sent = a_report(product_id="pr", serial="new-1")

    answer = await desk.post("/report", data=sent, headers=JSON)

    ticket_id = answer.json()["ticket_id"]
    [ticket] = await rows(worker_engine, "select * from tickets where id = :id", id=ticket_id)
    [owned] = await rows(
        worker_engine, "select * from owned_products where id = :id", id=ticket.owned_product_id
    )
    [message] = await rows(worker_engine, "select * from ticket_messages where ticket_id = :id", id=ticket_id)
    [line] = await rows(worker_engine, "select * from timeline_entries where ticket_id = :id", id=ticket_id)
    [start] = await rows(worker_engine, "select * from outbox where key = :key", key=f"ticket:{ticket_id}")
    assert answer.status_code == 201
    assert (ticket.status, ticket.channel, owned.serial) == ("received", "form", "NEW-1")
    assert (message.kind, message.body) == ("inbound", "Black since Monday.")
    assert (line.sentence, line.is_public) == ("tickets.received", True)
    assert start.payload["customer_id"] == ticket.customer_id
    assert start.payload["service_level"]["answer_minutes"] == 240
    assert start.summary == "A report by the public form, normal priority"


async def test_the_same_form_sent_many_times_is_one_ticket(desk: Web, worker_engine: AsyncEngine) -> None:
    sent = a_report()

    first = [await desk.post("/report", data=sent) for _ in range(2)]
    at_once = await asyncio.gather(*(desk.post("/report", data=sent) for _ in range(4)))

    assert {answer.status_code for answer in (*first, *at_once)} == {303}
    assert len({answer.headers["location"] for answer in (*first, *at_once)}) == 1
    found = await rows(
        worker_engine, "select id from tickets where submission_key = :key", key=sent["submission_key"]
    )
    assert len(found) == 1
    receipt = await desk.get(first[0].headers["location"])
    assert found[0].id in receipt.text


async def test_forms_sent_at_the_same_moment_are_one_ticket_and_one_customer(
    desk: Web, worker_engine: AsyncEngine
) -> None:
    sent = a_report(phone="010-7777-1234")

    answers = await asyncio.gather(*(desk.post("/report", data=sent, headers=JSON) for _ in range(5)))

    assert len({answer.json()["ticket_id"] for answer in answers}) == 1
    people = await rows(worker_engine, "select id from customers where phone = '+821077771234'")
    assert len(people) == 1


async def test_known_and_unknown_people_are_answered_alike(desk: Web, worker_engine: AsyncEngine) -> None:
    [known] = await rows(worker_engine, "select phone from customers where id = 'c_one'")
    keys = [uuid4().hex, uuid4().hex]

    answers = [
        await desk.post("/report", data=a_report(phone=phone, submission_key=key))
        for phone, key in zip((known.phone, "010-5555-4321"), keys, strict=True)
    ]
    receipts = [await desk.get(answer.headers["location"]) for answer in answers]

    made = await rows(worker_engine, "select id, customer_id, submission_key from tickets")
    mine = {row.submission_key: row for row in made}
    assert mine[keys[0]].customer_id == "c_one"
    assert mine[keys[1]].customer_id != "c_one"
    texts = [
        page.text.replace(mine[key].id, "T").replace(key, "K")
        for page, key in zip(receipts, keys, strict=True)
    ]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert texts[0] == texts[1]


async def test_a_serial_number_finds_only_the_reporter_s_own_device(
    desk: Web, worker_engine: AsyncEngine
) -> None:
    [known] = await rows(worker_engine, "select phone from customers where id = 'c_one'")

    own = await desk.post(
        "/report", data=a_report(phone=known.phone, product_id="pr", serial="x1"), headers=JSON
    )
    foreign = await desk.post("/report", data=a_report(product_id="pr", serial="X1"), headers=JSON)

    linked = {
        row.id: row.owned_product_id
        for row in await rows(worker_engine, "select id, owned_product_id from tickets")
    }
    assert linked[own.json()["ticket_id"]] == "op1"
    assert linked[foreign.json()["ticket_id"]] != "op1"


@pytest.mark.parametrize("headers", [{}, FRAGMENT])
async def test_a_wrong_form_keeps_everything_that_was_typed(desk: Web, headers: dict[str, str]) -> None:
    sent = a_report(phone="12", subject="", description="My long <b>story</b> & more")

    answer = await desk.post("/report", data=sent, headers=headers)

    assert answer.status_code == 422
    assert "My long &lt;b&gt;story&lt;/b&gt; &amp; more" in answer.text
    assert sent["submission_key"] in answer.text
    assert 'id="e_phone"' in answer.text
    assert 'id="e_subject"' in answer.text
    assert ("<html" in answer.text) is not bool(headers)


async def test_a_report_without_any_way_to_answer_is_sent_back(desk: Web) -> None:
    answer = await desk.post("/report", data=a_report(phone=""), headers=JSON)

    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"phone"}


async def test_nobody_sets_what_is_not_theirs_to_set(desk: Web, worker_engine: AsyncEngine) -> None:
    before = await rows(worker_engine, "select id from tickets")

    for extra in (
        {"priority": "p1"},
        {"customer_id": "c_two"},
        {"status": "closed"},
        {"team_id": "team_one"},
    ):
        answer = await desk.post("/report", data={**a_report(), **extra}, headers=JSON)
        assert answer.status_code == 422

    assert await rows(worker_engine, "select id from tickets") == before


async def test_a_customer_reports_only_for_their_own_product(desk: Web, worker_engine: AsyncEngine) -> None:
    sent = {"submission_key": uuid4().hex, "subject": "Loud", "description": "Very"}

    foreign = await desk.post(
        "/tickets/new", who="customer_own", data={**sent, "owned_product_id": "op2"}, headers=JSON
    )
    own = await desk.post(
        "/tickets/new", who="customer_own", data={**sent, "owned_product_id": "op1"}, headers=JSON
    )

    [made] = await rows(
        worker_engine, "select * from tickets where submission_key = :key", key=sent["submission_key"]
    )
    assert (foreign.status_code, own.status_code) == (404, 201)
    assert (made.customer_id, made.owned_product_id, made.channel) == ("c_one", "op1", "portal")


async def test_the_desk_writes_down_a_call_for_a_known_customer(
    desk: Web, worker_engine: AsyncEngine
) -> None:
    sent = {
        "submission_key": uuid4().hex, "subject": "Loud", "description": "Very", "customer_id": "c_two",
        "priority": "p1", "channel": "phone",
    }  # fmt: skip

    foreign = await desk.post("/tickets", who="agent", data={**sent, "owned_product_id": "op1"}, headers=JSON)
    own = await desk.post("/tickets", who="agent", data={**sent, "owned_product_id": "op2"}, headers=JSON)

    [made] = await rows(
        worker_engine, "select * from tickets where submission_key = :key", key=sent["submission_key"]
    )
    assert (foreign.status_code, own.status_code) == (404, 201)
    assert (made.customer_id, made.owned_product_id, made.priority) == ("c_two", "op2", "p1")


async def test_photos_are_drawn_anew_stored_under_a_random_name_and_shown_with_care(
    desk: Web, worker_engine: AsyncEngine, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x010E] = "at home in Seoul"
    original = a_photo(exif=exif) + b"<script>alert(1)</script>"
    sent = {"submission_key": uuid4().hex, "subject": "Loud", "description": "Very"}

    answer = await desk.post(
        "/tickets/new", who="customer_own", data=sent, headers=JSON,
        files=[("photos", ("..\\../\u202eevil.jpg", original, "text/html"))],
    )  # fmt: skip

    ticket_id = answer.json()["ticket_id"]
    [kept] = await rows(worker_engine, "select * from attachments where ticket_id = :id", id=ticket_id)
    shown = await desk.get(f"/tickets/{ticket_id}/attachments/{kept.id}", who="customer_own")
    stored = (tmp_path / kept.stored_as).read_bytes()
    assert (kept.name, kept.media_type) == ("evil.jpg", "image/jpeg")
    assert len(kept.stored_as) == 32
    assert kept.stored_as.isalnum()
    assert b"script" not in stored
    assert not Image.open(io.BytesIO(stored)).getexif()
    assert shown.content == stored
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in shown.headers["content-security-policy"]
    assert (
        await desk.get(f"/tickets/{ticket_id}/attachments/{kept.id}", who="customer_other")
    ).status_code == 404
    assert (await desk.get(f"/tickets/T1/attachments/{kept.id}", who="agent")).status_code == 404


def a_bomb() -> bytes:
    """A small PNG that says that it is 30,000 by 30,000."""
    whole = bytearray(a_photo("PNG"))
    whole[16:24] = struct.pack(">II", 30_000, 30_000)
    return bytes(whole)


BAD_FILES = {
    "script": b"<script>alert(1)</script>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "html": b"<!doctype html><html><body>hi</body></html>",
    "empty": b"",
    "cut off": a_photo()[:200],
    "gif": b"GIF89a" + bytes(64),
    "zip": b"PK\x03\x04" + bytes(64),
    "jpeg in name and head only": b"\xff\xd8\xff\xe0" + b"<script>alert(1)</script>" * 20,
    "too many points": a_bomb(),
}


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES.keys())
async def test_what_is_no_picture_is_refused_whatever_it_is_called(
    desk: Web, worker_engine: AsyncEngine, tmp_path: Path, content: bytes
) -> None:
    sent = a_report(description="kept words")

    answer = await desk.post("/report", data=sent, files=[("photos", ("photo.jpg", content, "image/jpeg"))])

    assert answer.status_code == 422
    assert "kept words" in answer.text
    assert 'id="e_photos"' in answer.text
    assert not await rows(
        worker_engine, "select 1 from tickets where submission_key = :k", k=sent["submission_key"]
    )
    assert not any(tmp_path.iterdir())  # noqa: ASYNC240


async def test_six_photos_are_too_many(desk: Web) -> None:
    photos = [("photos", (f"{number}.jpg", a_photo(), "image/jpeg")) for number in range(6)]

    answer = await desk.post("/report", data=a_report(), files=photos)

    assert answer.status_code == 422


async def test_strangers_may_report_only_so_often(desk: Web) -> None:
    answers = [await desk.post("/report", data=a_report(), headers=JSON) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [201] * 10 + [429]


async def test_an_address_that_nobody_proved_opens_no_record_with_another_address(
    desk: Web, worker_engine: AsyncEngine
) -> None:
    """Else whoever once wrote somebody's number into a form would read along by their own e-mail."""
    first = await desk.post(
        "/report", data=a_report(phone="010-7777-1111", email="reads.along@example.com"), headers=JSON
    )
    victim = await desk.post(
        "/report", data=a_report(phone="010-7777-1111", email="victim@example.com"), headers=JSON
    )
    again = await desk.post("/report", data=a_report(phone="", email="victim@example.com"), headers=JSON)

    asked = "select c.* from tickets t join customers c on c.id = t.customer_id where t.id = :id"
    [one], [two], [three] = [
        await rows(worker_engine, asked, id=answer.json()["ticket_id"]) for answer in (first, victim, again)
    ]
    assert one.id != two.id == three.id
    assert (two.phone, two.phone_as_given, two.email) == (None, "010-7777-1111", "victim@example.com")


async def test_a_proved_address_is_recognised(desk: Web, worker_engine: AsyncEngine) -> None:
    first = await desk.post(
        "/report", data=a_report(phone="010-7777-2222", email="own@example.com"), headers=JSON
    )
    async with worker_engine.begin() as connection:
        proved = "update customers set phone_proved_at = now() where email = 'own@example.com'"
        await connection.execute(text(proved))
    second = await desk.post("/report", data=a_report(phone="010-7777-2222"), headers=JSON)

    asked = "select customer_id from tickets where id = :id"
    found = [await rows(worker_engine, asked, id=one.json()["ticket_id"]) for one in (first, second)]
    assert found[0] == found[1]
