"""A labelled set: how people really answer, and where each answer belongs."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from activities.kit.reading.readers import Readers
from models.customers import Customer
from models.messages.systems import System
from models.systems import SentMessage
from models.tickets import Ticket
from tests.builders.desk import a_company, a_customer
from tests.builders.mail_house import House
from tests.builders.mails import ADDRESSES, DESK, a_mail
from tests.builders.tickets import a_ticket

TICKETS = 3
SEED = 20261122


@pytest.fixture
async def house(worker_engine: AsyncEngine, app_engine: AsyncEngine, tmp_path: Path) -> AsyncIterator[House]:
    readers = Readers()
    made = House(worker_engine, app_engine, tmp_path, await a_company(worker_engine), readers)
    await made.begin()
    yield made
    await readers.close()


async def a_desk_full(house: House) -> list[tuple[Customer, Ticket, str]]:
    """Customers, each with a ticket and the id of the letter that they got about it."""
    found = []
    for number in range(TICKETS):
        customer = a_customer(f"cus_{number}")
        ticket = a_ticket(house.company, customer_id=customer.id, owned_product_id=None)
        key = f"ticket:{ticket.id}/2/reply"
        letter = SentMessage(
            key=key, system=System.MAIL, ticket_id=ticket.id, letter="tickets/reply", provider_id="p",
            sent_at=datetime.now(UTC), message_id=ADDRESSES.message_id(key),
        )  # fmt: skip
        async with AsyncSession(house.engine, expire_on_commit=False) as session, session.begin():
            for row in (customer, ticket, letter):
                session.add(row)
                await session.flush()
        found.append((customer, ticket, f"<{letter.message_id}>"))
    return found


def answers(customer: Customer, ticket: Ticket, letter: str, other: Ticket) -> list[tuple[bytes, bool, str]]:
    """What programs and people make of an answer: the mail, whether it belongs to the ticket, its mark."""
    me, reply = str(customer.email), ADDRESSES.reply_to(ticket.id)
    thread = f"<{ADDRESSES.thread(ticket.id)}>"
    upper = reply.upper()
    return [
        (a_mail(me, to=reply, In_Reply_To=letter, References=f"{thread} {letter}"), True, "proved"),
        (a_mail(me, to=upper), True, "proved"),  # servers and people change capitals
        (a_mail(me, to=f"Ieum <{reply}>", Subject="FW: something else entirely"), True, "proved"),
        (a_mail(me, to="boss@elsewhere.test", Cc=f"{DESK}, {reply}"), True, "proved"),
        (a_mail(me, to=DESK, Delivered_To=reply), True, "proved"),
        (a_mail(me, to=reply, References=f"<{ADDRESSES.thread(other.id)}>"), True, "proved"),
        (a_mail(me, to=reply, Subject=f"Re: {other.id}"), True, "proved"),
        (a_mail(me, In_Reply_To=letter), True, "unproved"),  # Reply-To was ignored
        (a_mail(me, References=f"<x@y.test> {letter} <z@y.test>"), True, "unproved"),
        (a_mail("colleague@elsewhere.test", to=reply), True, "stranger"),
        (a_mail(me), False, "unproved"),  # about something new
        (a_mail(me, Subject=f"Re: {ticket.id}"), False, "unproved"),
        (a_mail("thief@elsewhere.test", In_Reply_To=letter), False, "unproved"),
        (a_mail(me, to=reply.replace("+t", "+t1", 1)), False, "unproved"),  # of another number
        (a_mail(me, to=reply[:-12] + "x" + reply[-11:]), False, "unproved"),  # a letter is wrong
        (a_mail(me, References=f"<{ADDRESSES.thread(ticket.id)}>"), False, "unproved"),  # never sent
    ]


async def test_every_answer_of_the_labelled_set_goes_where_it_belongs(house: House) -> None:
    desk = await a_desk_full(house)
    tickets = [ticket for _, ticket, _ in desk]
    labelled = [
        (ticket, *one)
        for place, (customer, ticket, letter) in enumerate(desk)
        for one in answers(customer, ticket, letter, tickets[place - 1])
    ]
    random.Random(SEED).shuffle(labelled)

    wrong = []
    for ticket, raw, belongs, mark in labelled:
        placed = await house.take(raw)
        found = (placed.ticket_id == ticket.id, (await house.message(placed)).mark)
        wrong += [] if found == (belongs, mark) and (belongs or placed.reason == "new_ticket") else [raw]

    assert len(labelled) == TICKETS * 16
    assert wrong == []
