"""Letters: each one in both languages, to the right reader, with a link that works, once."""

import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.connectors.kit import Patience
from activities.connectors.mail import ConsoleMail, HttpMail
from activities.connectors.sms import ConsoleSms, HttpSms
from activities.kit.calls import CallLog
from activities.kit.letters import ROOT, Stationery
from activities.kit.links import Links
from activities.kit.post import FORMS, LetterActivities
from activities.kit.transactions import transaction
from models.customers import Customer
from models.field_service import Technician
from models.messages.letters import Delivery, Letter
from models.messages.systems import CallResult, System
from models.messages.tickets import Channel
from models.staff import Account, SignedLink
from models.systems import SentMessage, SystemCall
from models.tickets import Ticket, TicketMessage
from ops import translations
from tests.builders.company import build
from tests.builders.letters import ABOUT_ARTICLES, CASES, MOMENTS, OF_A_REQUEST, PERSONAL, REQUESTS, SOLD
from tests.sandbox import Sandbox

HANGUL = re.compile("[가-힣]")
LINK = re.compile(r"https://desk\.example/links/([0-9a-f]{64})")


@pytest.fixture(scope="module", autouse=True)
def compiled_words() -> None:
    """The Korean catalogue, as it ships."""
    translations.compile_all()


@pytest.fixture
async def house(worker_engine: AsyncEngine) -> LetterActivities:
    """Letters of the sample company; what leaves is remembered by the consoles."""
    await build(worker_engine)
    await change(
        worker_engine, Customer, name="Lee <b>Mina</b>", email="mina@example.test", phone="+821012345678"
    )
    await change(worker_engine, Technician, name="Tek", phone="+821087654321")
    await change(
        worker_engine,
        Ticket,
        subject="TV & <i>radio</i>\r\nBcc: all@example.test",
        next_due=datetime.now(UTC),
    )
    links = Links(b"secret of the test", "https://desk.example")
    return LetterActivities(worker_engine, ConsoleMail(), ConsoleSms(), links, "desk@example.test")


@pytest.fixture
async def outside(sandbox: Sandbox, house: LetterActivities) -> AsyncIterator[LetterActivities]:
    """The same, over real HTTP."""
    quick, calls = Patience(connect=1, read=0.6, write=1, pool=1, total=1.2), CallLog(house.engine)
    mail = HttpMail(sandbox.mail_url, sandbox.token, calls, quick)
    sms = HttpSms(sandbox.sms_url, sandbox.token, calls, quick)
    yield LetterActivities(house.engine, mail, sms, house.links, house.desk_address)
    await mail.close()
    await sms.close()


OWN = {Customer: "c_one", Technician: "t_one", Ticket: "T1"}


async def change(engine: AsyncEngine, table: type[Any], **facts: Any) -> None:
    async with transaction(engine) as session:
        await session.execute(update(table).where(table.id == OWN[table]).values(**facts))


async def rows(engine: AsyncEngine, table: type[Any]) -> list[Any]:
    async with transaction(engine) as session:
        return list((await session.scalars(select(table))).all())


def a_letter(template: str = "tickets/received", key: str = "") -> Letter:
    key, case = key or f"test:{template}", CASES.get(template.split("/")[0])
    if case is not None:
        return Letter(key, "", template, case_id=case, customer_id="c_one", values=SOLD)
    return Letter(
        key,
        "T1",
        template,
        "V1-1",
        "I1-1",
        "m1reply",
        "t_one",
        "I1-1.1",
        values={**MOMENTS, "owed_minor": "55000", "count": "2", "happened": "tickets.noted", "other": "T2"},
        account_id="a_agent",
    )


async def send(house: LetterActivities, letter: Letter) -> Delivery:
    delivery: Delivery = await ActivityEnvironment().run(house.send, letter)
    return delivery


def test_every_letter_has_its_templates_and_every_template_its_letter() -> None:
    found = {(path.parts[-3], path.name.split(".")[0]) for path in ROOT.glob("templates/*/letters/*.*")}

    # an invitation belongs to no ticket: activities/staff.py writes it
    others = {
        *PERSONAL,
        "staff/invitation",
        "knowledge/review_due",
        "partners/paper",
        *(f"employee_requests/{name}" for name in REQUESTS),
    }
    assert {f"{word}/{name}" for word, name in found} == {*FORMS, *others}


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("locale", ["ko", "en"])
def test_letters_about_requests_speak_their_readers_language(name: str, locale: str) -> None:
    for status in ("done", "rejected", "cancelled", "failed"):
        for more in ({}, {"amount": "", "needs_sign_in": True}):
            values = OF_A_REQUEST | {"status": status} | more
            mail = Stationery().mail(f"employee_requests/{name}", locale, values)
            said = mail.text if name in ("message", "notice") else mail.subject + mail.text
            assert bool(HANGUL.search(said)) is (locale == "ko"), said
            assert "{{" not in mail.text + mail.html
            assert "<b>Mina" not in mail.html
            assert "<i>" not in mail.html
            assert "https://desk.example/links/x" in mail.text


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("locale", ["ko", "en"])
def test_a_letter_about_an_article_speaks_its_owners_language(locale: str, is_late: bool) -> None:
    mail = Stationery().mail("knowledge/review_due", locale, ABOUT_ARTICLES | {"is_late": is_late})

    for said in (mail.subject, mail.text, mail.html):
        assert bool(HANGUL.search(said)) is (locale == "ko"), said
        assert "{{" not in said
    assert "<b>Mina" not in mail.html
    assert "<i>" not in mail.html
    assert str(ABOUT_ARTICLES["link"]) in mail.text


@pytest.mark.parametrize("template", PERSONAL)
@pytest.mark.parametrize("locale", ["ko", "en"])
def test_letters_about_a_person_alone_speak_their_language(template: str, locale: str) -> None:
    values = PERSONAL[template]
    mail, text = Stationery().mail(template, locale, values), Stationery().sms(template, locale, values)

    for said in (mail.subject, mail.text, mail.html, text):
        assert bool(HANGUL.search(said)) is (locale == "ko"), said
        assert "{{" not in said
    assert "<b>Mina" not in mail.html
    assert all(str(value) in mail.text for name, value in values.items() if name in ("code", "link"))


@pytest.mark.parametrize("form", ["mail", "sms"])
@pytest.mark.parametrize("locale", ["ko", "en"])
async def test_every_letter_speaks_the_language_of_its_reader(
    house: LetterActivities, locale: str, form: str
) -> None:
    await change(house.engine, Customer, locale=locale, **({"email": None} if form == "sms" else {}))
    async with transaction(house.engine) as session:
        theirs = (Account.technician_id == "t_one") | (Account.id == "a_agent")
        await session.execute(update(Account).where(theirs).values(locale=locale))

    for template, kind in FORMS.items():
        delivery = await send(house, a_letter(template))
        assert delivery is (Delivery.SMS if kind.receiver == "technician" or
                            (form == "sms" and kind.receiver == "customer") else Delivery.MAIL)  # fmt: skip

    assert isinstance(house.mail, ConsoleMail)
    assert isinstance(house.sms, ConsoleSms)
    for mail in house.mail.sent.values():
        is_korean = locale == "ko" or mail.to == "desk@example.test"
        assert bool(HANGUL.search(mail.subject)) is is_korean, mail.subject
        assert bool(HANGUL.search(mail.text)) is is_korean, mail.text
        assert "\n" not in mail.subject
        assert "{{" not in mail.html + mail.text
        assert mail.html.startswith("<!doctype html>")
    for text in house.sms.sent.values():
        assert bool(HANGUL.search(text.text)) is (locale == "ko"), text.text
        assert "\n" not in text.text


async def test_what_a_customer_wrote_stays_text(house: LetterActivities) -> None:
    for template in FORMS:
        await send(house, a_letter(template))

    assert isinstance(house.mail, ConsoleMail)
    for mail in house.mail.sent.values():
        assert "<b>Mina" not in mail.html
        assert "<i>radio" not in mail.html
        assert not re.search(r"src=|url\(|@import|<script|style=|<link", mail.html)
    received = house.mail.sent["test:tickets/received"]
    assert "TV &amp; &lt;i&gt;radio&lt;/i&gt;" in received.html
    assert "TV & <i>radio</i>" in received.text


async def test_every_link_for_a_customer_is_known_has_its_purpose_and_runs_out(
    house: LetterActivities,
) -> None:
    subjects = {"ticket": "T1", "visit": "V1-1", "invoice": "I1-1"}
    for template in FORMS:
        await send(house, a_letter(template))

    links = {link.token_hash: link for link in await rows(house.engine, SignedLink)}
    assert isinstance(house.mail, ConsoleMail)
    for template, form in FORMS.items():
        mail = house.mail.sent.get(f"test:{template}")
        if form.link is not None:
            assert mail is not None
            (token,) = set(LINK.findall(mail.text + mail.html))
            link = links[hashlib.sha256(token.encode()).hexdigest()]
            assert (link.purpose, link.subject, link.customer_id) == (
                form.link,
                subjects.get(form.about) or CASES[template.split("/")[0]],
                "c_one",
            )
            assert link.expires_at > datetime.now(UTC)
        elif mail is not None:
            assert not LINK.search(mail.text + mail.html)


async def test_a_desk_letter_holds_nothing_personal(house: LetterActivities) -> None:
    for template, form in FORMS.items():
        if form.receiver == "desk":
            await send(house, a_letter(template))

    assert isinstance(house.mail, ConsoleMail)
    assert len(house.mail.sent) == sum(form.receiver == "desk" for form in FORMS.values())
    for mail in house.mail.sent.values():
        assert mail.to == "desk@example.test"
        assert not re.search(r"Mina|radio|mina@|\+82", mail.subject + mail.text + mail.html)


@pytest.mark.parametrize("kind", ["500_before", "500_after", "timeout_after", "garbage", "reset"])
async def test_a_letter_leaves_once_although_it_is_tried_three_times(
    sandbox: Sandbox, outside: LetterActivities, kind: str
) -> None:
    sandbox.fail("mail", {"kind": kind, "times": 2, "seconds": 3})
    outcomes: list[str] = []

    for _attempt in range(4):
        try:
            outcomes.append(await send(outside, a_letter()))
        except ApplicationError as error:
            outcomes.append(str(error.type))

    assert outcomes == ["mail_not_taken", "mail_not_taken", "mail", "mail"]
    assert sandbox.fired("mail") == {kind: 2}
    assert len(sandbox.mails("mina@example.test")) == 1
    assert [(sent.key, sent.ticket_id) for sent in await rows(outside.engine, SentMessage)
            if sent.key.startswith("test:")] == [("test:tickets/received", "T1")]  # fmt: skip
    calls = [call for call in await rows(outside.engine, SystemCall) if call.key == "test:tickets/received"]
    assert [call.result for call in calls] == [CallResult.UNKNOWN, CallResult.UNKNOWN, CallResult.OK]


async def test_a_crash_after_sending_and_before_writing_sends_nothing_twice(
    sandbox: Sandbox, outside: LetterActivities
) -> None:
    await send(outside, a_letter())
    async with transaction(outside.engine) as session:
        await session.execute(delete(SentMessage))

    assert await send(outside, a_letter()) is Delivery.MAIL

    (mail,) = sandbox.mails()
    assert LINK.search(mail["text"])
    assert len(await rows(outside.engine, SentMessage)) == 1


async def test_who_has_only_a_phone_gets_a_text(sandbox: Sandbox, outside: LetterActivities) -> None:
    await change(outside.engine, Customer, email=None)

    assert await send(outside, a_letter()) is Delivery.SMS

    (text,) = sandbox.texts("+821012345678")
    assert "T1" in text["text"]
    assert LINK.search(text["text"])
    assert sandbox.mails() == []


async def test_a_refused_address_falls_back_to_the_phone(sandbox: Sandbox, outside: LetterActivities) -> None:
    await change(outside.engine, Customer, email="nobody at nowhere")

    assert await send(outside, a_letter()) is Delivery.SMS
    await change(outside.engine, Customer, phone="12")
    assert await send(outside, a_letter(key="another")) is Delivery.REFUSED

    assert (len(sandbox.mails()), len(sandbox.texts())) == (0, 1)


async def test_who_cannot_be_reached_is_told_apart(house: LetterActivities) -> None:
    await change(house.engine, Customer, email=None, phone=None)

    assert await send(house, a_letter()) is Delivery.NOWHERE
    assert [sent for sent in await rows(house.engine, SentMessage) if sent.key.startswith("test:")] == []


@pytest.mark.parametrize(
    ("template", "system"), [("tickets/reply", System.MAIL), ("field_service/offer", System.SMS)]
)
async def test_a_repeated_letter_says_how_it_left(
    house: LetterActivities, template: str, system: System
) -> None:
    first, second = await send(house, a_letter(template)), await send(house, a_letter(template))

    assert first == second == system.value


def test_moments_and_money_are_written_for_the_reader() -> None:
    at = datetime.fromisoformat(MOMENTS["starts_at"])
    values = {"starts_at": at, "link": "L", "ticket_id": "T1"}

    said = [Stationery().sms("field_service/moved", locale, values) for locale in ("ko", "en", "fr")]

    assert "12월 1일 (화) 14:00" in said[0]
    assert "Tue, 1 Dec, 14:00" in said[1]
    assert said[2] == said[0]


def test_no_two_letters_share_an_english_subject() -> None:
    names = [path.read_text() for path in ROOT.glob("templates/*/letters/*.subject.txt")]

    assert all(first != second for first, second in product(names, names) if first is not second)


@pytest.mark.parametrize("template", ["billing/invoice", "billing/reminder", "billing/receipt"])
@pytest.mark.parametrize("locale", ["ko", "en"])
async def test_a_letter_about_an_order_needs_no_ticket(
    house: LetterActivities, template: str, locale: str
) -> None:
    await change(house.engine, Customer, locale=locale)

    assert await send(house, Letter("k", "", template, invoice_id="IO1-1")) is Delivery.MAIL

    assert isinstance(house.mail, ConsoleMail)
    (mail,) = house.mail.sent.values()
    assert mail.to == "mina@example.test"
    assert bool(HANGUL.search(mail.text)) is (locale == "ko")
    assert "“”" not in mail.text + mail.html
    (token,) = set(LINK.findall(mail.text + mail.html))
    async with transaction(house.engine) as session:
        link = await session.get_one(SignedLink, hashlib.sha256(token.encode()).hexdigest())
        sent = await session.get_one(SentMessage, "k")
    assert (link.purpose, link.subject, link.case_id, link.ticket_id) == ("pay", "IO1-1", "O1", None)
    assert (sent.case_id, sent.ticket_id) == ("O1", None)


async def test_a_desk_letter_about_an_order_leads_to_its_invoice(house: LetterActivities) -> None:
    await send(house, Letter("k", "", "billing/overdue", invoice_id="IO1-1", case_id="O1"))

    assert isinstance(house.mail, ConsoleMail)
    assert "https://desk.example/billing/invoices/IO1-1" in house.mail.sent["k"].text


async def test_a_follower_is_written_to_only_while_they_work_here_and_may_see_it(
    house: LetterActivities,
) -> None:
    letter = a_letter("tickets/followed")
    assert await send(house, letter) is Delivery.MAIL
    assert isinstance(house.mail, ConsoleMail)
    [mail] = house.mail.sent.values()
    assert (mail.to, "T1" in mail.subject, "radio" in mail.text) == ("agent@example.com", True, False)

    await change(house.engine, Ticket, is_confidential=True, team_id="team_two")
    assert await send(house, replace(letter, key="secret")) is Delivery.NOWHERE
    await change(house.engine, Ticket, is_confidential=False)
    async with transaction(house.engine) as session:
        await session.execute(update(Account).where(Account.id == "a_agent").values(is_active=False))
    assert await send(house, replace(letter, key="gone")) is Delivery.NOWHERE
    assert len(house.mail.sent) == 1


async def test_an_answer_goes_the_way_that_was_chosen(house: LetterActivities) -> None:
    async with transaction(house.engine) as session:
        await session.execute(
            update(TicketMessage).where(TicketMessage.id == "m1reply").values(channel=Channel.SMS)
        )
    assert await send(house, a_letter("tickets/reply")) is Delivery.SMS
