"""Where mails go: to their ticket when that is sure, to a new one with a hint, to a person who decides."""

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.kit.reading.readers import Readers
from models.messages.tickets import MessageKind
from models.messages.tickets.mails import MailStatus, Placed, PlaceMail
from models.rules.tickets import mails as rules
from tests.builders.desk import a_company
from tests.builders.mail_house import VOUCHER, House
from tests.builders.mails import ADDRESSES, DESK, a_mail, keep

STRANGER = "someone@elsewhere.test"
S = MailStatus


@pytest.fixture(scope="module")
async def readers() -> AsyncIterator[Readers]:
    made = Readers()
    yield made
    await made.close()


@pytest.fixture
async def house(
    worker_engine: AsyncEngine, app_engine: AsyncEngine, tmp_path: Path, readers: Readers
) -> House:
    made = House(worker_engine, app_engine, tmp_path, await a_company(worker_engine), readers)
    await made.begin()
    return made


async def test_an_unknown_sender_gets_a_ticket_as_an_unverified_contact(house: House) -> None:
    placed = await house.take(a_mail(STRANGER, "My router is dead.", Subject="Router"))

    [ticket] = await house.rows("select * from tickets where id = :id", id=placed.ticket_id)
    [customer] = await house.rows("select * from customers where id = :id", id=ticket.customer_id)
    message = await house.message(placed)
    assert (placed.status, placed.reason, placed.is_news) == (S.THREADED, "new_ticket", False)
    assert (ticket.channel, ticket.subject, ticket.status) == ("email", "Router", "received")
    assert (customer.email, customer.is_verified, customer.locale) == (STRANGER, False, "en")
    assert (message.body, message.mark, message.kind) == ("My router is dead.", "unproved", "inbound")
    [start] = await house.rows("select * from outbox where workflow = 'Ticket'")
    assert start.payload["is_quiet"] is False


async def test_a_known_sender_is_recognised_and_still_unproved(house: House) -> None:
    placed = await house.take(a_mail(house.mina, "폰이 안 켜져요"))

    [ticket] = await house.rows("select * from tickets where id = :id", id=placed.ticket_id)
    assert ticket.customer_id == house.company.customer_id
    assert (await house.message(placed)).mark == "unproved"


async def test_an_answer_to_the_signed_address_is_the_customers_own(house: House) -> None:
    quoted = "Now it works.\n\nOn 22 Nov 2026, Ieum wrote:\n> Please restart it.\n"

    placed = await house.take(a_mail(house.mina, quoted, to=house.signed, In_Reply_To=house.letter_id))

    assert placed == Placed(S.THREADED, "signed_address", house.ticket.id, placed.message_id, is_news=True)
    message = await house.message(placed)
    assert (message.body, message.mark, message.kind) == ("Now it works.", "proved", MessageKind.INBOUND)


async def test_the_signed_address_counts_in_the_envelope_too(house: House) -> None:
    placed = await house.take(a_mail(house.mina), to=house.signed)

    assert (placed.ticket_id, placed.reason) == (house.ticket.id, "signed_address")


async def test_who_was_handed_the_signed_address_is_marked(house: House) -> None:
    placed = await house.take(a_mail(STRANGER, to=house.signed))

    assert placed.ticket_id == house.ticket.id
    assert (await house.message(placed)).mark == "stranger"


def with_number(house: House) -> dict[str, str]:
    return {"Subject": f"Re: An answer to your report {house.ticket.id}"}


def with_other_key(house: House) -> dict[str, str]:
    other = ADDRESSES.reply_to("T999999").partition(".")[2]
    return {"to": f"help+{house.ticket.id.lower()}.{other}"}


def with_old_id_of_a_stranger(house: House) -> dict[str, str]:
    return {"sender": STRANGER, "In_Reply_To": house.letter_id, "References": house.letter_id}


def with_id_of_nobody(house: House) -> dict[str, str]:
    return {"In_Reply_To": "<guessed.0123456789abcdef@localhost>"}


FORGED = [with_number, with_other_key, with_old_id_of_a_stranger, with_id_of_nobody]


@pytest.mark.parametrize("forge", FORGED)
@pytest.mark.parametrize("is_named", [False, True])
async def test_no_forgery_adds_to_a_ticket(house: House, forge: Any, is_named: bool) -> None:
    """Forged From × guessed number × stolen or old Message-ID: never more than a hint."""
    head = {"sender": house.mina if is_named else STRANGER, **forge(house)}

    placed = await house.take(a_mail(**head))

    assert placed.ticket_id != house.ticket.id
    mine = await house.rows("select * from ticket_messages where ticket_id = :id", id=house.ticket.id)
    assert len(mine) == 1
    told = await house.told(placed.ticket_id)
    if forge in (with_number, with_old_id_of_a_stranger):
        assert told["tickets.mail_hint"] == {"other": house.ticket.id}


async def test_a_customers_bare_reference_is_marked_unless_their_domain_vouches(house: House) -> None:
    domain = house.mina.partition("@")[2]
    passed = f"{VOUCHER}; dkim=pass header.d={domain}; dmarc=pass (p=reject) header.from={domain}"
    elsewhere = f"evil.test; dmarc=pass header.from={domain}"

    bare = await house.take(a_mail(house.mina, In_Reply_To=house.letter_id))
    vouched = await house.take(a_mail(house.mina, In_Reply_To=house.letter_id, Authentication_Results=passed))
    forged = await house.take(
        a_mail(house.mina, In_Reply_To=house.letter_id, Authentication_Results=elsewhere)
    )

    marks = [(await house.message(one)).mark for one in (bare, vouched, forged)]
    assert marks == ["unproved", "proved", "unproved"]
    assert [one.reason for one in (bare, vouched)] == ["bare_reference", "vouched_reference"]
    assert {one.ticket_id for one in (bare, vouched, forged)} == {house.ticket.id}


async def test_an_answer_to_a_ticket_that_is_over_follows_up(house: House) -> None:
    await house.rows(
        "update tickets set is_over = true, status = 'closed' where id = :id", id=house.ticket.id
    )

    placed = await house.take(a_mail(house.mina, "It is broken again", to=house.signed))

    assert placed.reason == "new_ticket"
    assert (await house.told(placed.ticket_id))["tickets.mail_follows"] == {"other": house.ticket.id}


async def test_a_ticket_that_ends_meanwhile_gives_the_message_its_own(house: House) -> None:
    placed = await house.take(a_mail(house.mina, "It is broken again", to=house.signed))
    order = PlaceMail((await house.mail(placed)).id, datetime.now(UTC))

    after = await house.acts.follow_up(order)

    assert after == await house.acts.follow_up(order)
    message = await house.message(placed)
    assert message.ticket_id == after.ticket_id != house.ticket.id
    assert (await house.told(after.ticket_id))["tickets.mail_follows"] == {"other": house.ticket.id}


@pytest.mark.parametrize(
    "head",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "auto_reply"},
        {"X_Autoreply": "yes"},
        {"Auto_Submitted": "auto-replied (vacation)"},
    ],
)
async def test_an_answering_machine_makes_no_ticket_and_wakes_nobody(
    house: House, head: dict[str, str]
) -> None:
    lost = await house.take(a_mail(STRANGER, "I am away", **head))
    found = await house.take(a_mail(house.mina, "I am away", to=house.signed, **head))

    assert (lost.status, lost.reason) == (S.IGNORED, "automatic")
    assert (found.ticket_id, found.is_news) == (house.ticket.id, False)
    assert (await house.message(found)).mark == "automatic"
    assert await house.rows("select 1 from outbox where kind = 'start' and workflow = 'Ticket'") == []


@pytest.mark.parametrize(
    ("head", "is_told"),
    [
        ({}, True),
        ({"Auto_Submitted": "no"}, True),
        ({"Auto_Submitted": "auto-generated"}, False),
        ({"X_Auto_Response_Suppress": "OOF, AutoReply"}, False),
        ({"sender": "no-reply@shop.test"}, False),
    ],
)
async def test_only_people_are_told_that_their_mail_came(house: House, head: Any, is_told: bool) -> None:
    placed = await house.take(a_mail(**{"sender": STRANGER, **head}))

    [start] = await house.rows("select payload from outbox where workflow = 'Ticket'")
    assert placed.reason == "new_ticket"
    assert start.payload["is_quiet"] is not is_told


async def test_one_address_is_written_to_a_few_times_a_day_only(house: House) -> None:
    """Whoever writes in a victim's name makes us write to the victim: not ten thousand times."""
    for _ in range(rules.ANSWERS_PER_DAY + 4):
        await house.take(a_mail("victim@elsewhere.test"))

    told = await house.rows("select payload from outbox where workflow = 'Ticket'")
    assert [row.payload["is_quiet"] for row in told].count(False) == rules.ANSWERS_PER_DAY
    assert len(told) == rules.ANSWERS_PER_DAY + 4


async def test_a_flood_is_held_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_PER_HOUR", 3)

    found = [await house.take(a_mail(STRANGER)) for _ in range(5)]
    answer = await house.take(a_mail(STRANGER, to=house.signed))

    assert [one.reason for one in found] == ["new_ticket"] * 3 + ["too_many"] * 2
    assert answer.status is S.THREADED


async def test_mailing_lists_wait_for_a_person_who_may_let_them_in(house: House) -> None:
    mail_id = await keep(house.app, house.folder, a_mail(STRANGER, List_Id="<news.shop.test>"))
    order = PlaceMail(mail_id, datetime.now(UTC))

    held = await house.acts.place(order)
    released = await house.acts.place(PlaceMail(mail_id, datetime.now(UTC), True, "acc_jo"))

    assert (held.status, held.reason) == (S.QUARANTINED, "bulk")
    assert (released.status, released.reason) == (S.THREADED, "new_ticket")
    assert (await house.mail(released)).decided_by == "acc_jo"


async def test_our_own_letters_make_no_ticket(house: House) -> None:
    own = await house.take(a_mail(DESK, Message_ID=f"<{ADDRESSES.message_id('anything')}>"))
    looped = await house.take(a_mail(DESK, Auto_Submitted="auto-generated"))

    assert [one.reason for one in (own, looped)] == ["own_mail", "own_mail"]


def a_report(house: House, action: str = "failed", original: str = "") -> bytes:
    head = (
        f"From: MAILER-DAEMON@mx.test\r\nTo: {DESK}\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    )
    return (
        f"{head}--b\r\nContent-Type: text/plain\r\n\r\nsorry {datetime.now(UTC)}\r\n--b\r\n"
        "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n"
        f"Final-Recipient: rfc822; a@b.test\r\nAction: {action}\r\nStatus: 5.1.1\r\n\r\n--b\r\n"
        f"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: {original or house.letter_id}\r\n"
        "Subject: x\r\n\r\n--b--\r\n"
    ).encode()


async def test_a_bounce_is_told_to_the_ticket_of_the_letter(house: House) -> None:
    placed = await house.take(a_report(house), sender="")
    late = await house.take(a_report(house, "delayed"), sender="")
    unknown = await house.take(a_report(house, original="<who@knows.test>"), sender="")

    key = f"ticket:{house.ticket.id}/3/reply"
    assert placed == Placed(S.THREADED, "bounce", house.ticket.id, letter_key=key, is_news=True)
    assert (late.status, late.reason) == (S.IGNORED, "automatic")
    assert (unknown.status, unknown.reason) == (S.IGNORED, "unknown_bounce")


async def test_an_old_servers_bounce_is_only_text(house: House) -> None:
    raw = a_mail("mailer-daemon@mx.test", f"Sorry.\n\n--- Below is a copy\n\nMessage-ID: {house.letter_id}\n")

    placed = await house.take(raw, sender="")

    assert (placed.reason, placed.ticket_id) == ("bounce", house.ticket.id)


async def test_a_mail_without_a_sender_is_held_back(house: House) -> None:
    raw = a_mail().replace(b"From: Mina Lee <mina@example.test>\r\n", b"")

    placed = await house.take(raw, sender="")

    assert (placed.status, placed.reason) == (S.QUARANTINED, "no_sender")


def with_files() -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@b.test", DESK, "Files"
    Image.new("RGB", (40, 30), (9, 90, 9)).save(packed := io.BytesIO(), "PNG")
    message.set_content("See the picture.")
    message.add_alternative('<p>See <img src="cid:pic@x"> <script>alert(1)</script></p>', subtype="html")
    page = message.get_payload()[1]
    page.add_related(packed.getvalue(), "image", "png", cid="<pic@x>", filename="pic.png")
    message.add_attachment(b"%PDF-1.4\n%\xe2\xe3", maintype="application", subtype="pdf", filename="a.pdf")
    message.add_attachment(
        b"\x78\x9f\x3e\x22rest", maintype="application", subtype="ms-tnef", filename="winmail.dat"
    )
    message.add_attachment(
        b"0\x80\x06\x09", maintype="application", subtype="pkcs7-mime", filename="smime.p7m"
    )
    message.add_attachment(
        b"MZ\x90", maintype="application", subtype="octet-stream", filename="invoice\u200b.pdf.exe"
    )
    message.add_attachment(b"<html><script>", maintype="text", subtype="html", filename="page.html")
    return message.as_bytes()


async def test_files_are_looked_at_by_content_and_what_runs_is_held_back(house: House) -> None:
    placed = await house.take(with_files())

    found = await house.rows("select * from attachments where message_id = :id", id=placed.message_id)
    named = {row.name: row for row in found}
    assert set(named) == {"pic.png", "a.pdf", "winmail.dat", "smime.p7m"}
    assert (named["pic.png"].media_type, named["pic.png"].content_id) == ("image/png", "pic@x")
    assert named["a.pdf"].media_type == "application/pdf"
    assert all((house.folder / row.stored_as).stat().st_size == row.size for row in found)
    mail = await house.mail(placed)
    assert mail.held_back == ["invoice.pdf.exe", "page.html"]
    assert (await house.told(placed.ticket_id))["tickets.mail_held_back"] == {"count": "2"}
    assert "<script>" in mail.html


async def test_two_mails_of_one_sender_at_once_are_two_tickets(house: House) -> None:
    mails = [await keep(house.app, house.folder, a_mail("new@elsewhere.test")) for _ in range(4)]
    at = datetime.now(UTC) + timedelta(seconds=1)

    placed = await asyncio.gather(*(house.acts.place(PlaceMail(one, at)) for one in mails))

    assert len({one.ticket_id for one in placed}) == 4
    assert len(await house.rows("select 1 from customers where email = 'new@elsewhere.test'")) == 1
