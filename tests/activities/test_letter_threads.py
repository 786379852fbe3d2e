"""Letters about tickets say where their answer goes, and the first answer to a mail repeats nothing of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from activities.connectors.mail import ConsoleMail, Mailed
from activities.connectors.sms import ConsoleSms
from activities.kit.links import Links
from activities.kit.post import LetterActivities
from activities.kit.reading.readers import Readers
from models.messages.letters import Delivery, Letter
from models.systems import SentMessage
from tests.builders.desk import a_company
from tests.builders.mail_house import House
from tests.builders.mails import ADDRESSES, SECRET, a_mail


@pytest.fixture
async def house(worker_engine: AsyncEngine, app_engine: AsyncEngine, tmp_path: Path) -> AsyncIterator[House]:
    made = House(worker_engine, app_engine, tmp_path, await a_company(worker_engine), Readers())
    await made.begin()
    yield made
    await made.acts.readers.close()


async def written(house: House, letter: Letter) -> Mailed:
    mail = ConsoleMail()
    links = Links(SECRET, "https://desk.test")
    post = LetterActivities(house.engine, mail, ConsoleSms(), links, "desk@example.test", addresses=ADDRESSES)
    assert await post.send(letter) is Delivery.MAIL
    assert await post.send(letter) is Delivery.MAIL
    [sent] = mail.sent.values()
    return sent


async def test_a_reply_comes_back_to_its_ticket(house: House) -> None:
    [message] = await house.rows("select id from ticket_messages")
    key = f"ticket:{house.ticket.id}/9/reply"

    sent = await written(house, Letter(key, house.ticket.id, "tickets/reply", message_id=message.id))

    head = sent.headers
    assert head["Reply-To"] == ADDRESSES.reply_to(house.ticket.id)
    assert head["Message-ID"] == f"<{ADDRESSES.message_id(key)}>"
    assert head["References"] == f"<{ADDRESSES.thread(house.ticket.id)}>"
    assert head["Auto-Submitted"] == "no"  # a colleague wrote it
    async with AsyncSession(house.engine) as session:
        stored: Any = await session.get(SentMessage, key)
        assert stored.message_id == ADDRESSES.message_id(key)
    answer = await house.take(a_mail(sent.to, to=head["Reply-To"], In_Reply_To=head["Message-ID"]))
    assert (answer.ticket_id, answer.reason) == (house.ticket.id, "signed_address")


async def test_the_first_answer_to_a_mail_repeats_nothing_of_it(house: House) -> None:
    """Anybody may have written it in the receiver's name."""
    evil = "Buy now at https://evil.test"
    sender = "victim@elsewhere.test"
    placed = await house.take(a_mail(sender, evil, Subject=evil, From=f"Buy now <{sender}>"))

    sent = await written(house, Letter("k", placed.ticket_id, "tickets/received"))

    assert sent.to == "victim@elsewhere.test"
    said = sent.subject + sent.text + sent.html
    assert "evil" not in said
    assert "Buy now" not in said
    assert sent.headers["Auto-Submitted"] == "auto-replied"
    [mail] = await house.rows(
        "select header_id from inbound_mails where ticket_id = :id", id=placed.ticket_id
    )
    assert sent.headers["In-Reply-To"] == f"<{mail.header_id}>"


async def test_a_letter_for_the_desk_invites_no_answer(house: House) -> None:
    sent = await written(house, Letter("k", house.ticket.id, "tickets/late"))

    assert sent.to == "desk@example.test"
    assert set(sent.headers) == {"Message-ID"}
