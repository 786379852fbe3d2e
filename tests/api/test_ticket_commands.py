"""What people do to a ticket over HTTP, said to the real workflow and read back from the tables."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.kit.people import Kind, Person
from models.messages.staff import LinkPurpose
from models.messages.tickets import TicketStatus
from models.staff import SignedLink
from models.tickets import Ticket
from tests.api.web import Web
from tests.builders.company import hashed, token_of
from tests.desk import RunningDesk

FRAGMENT = {"HX-Request": "true"}
JSON = {"Accept": "application/json"}


@pytest.fixture
def shop(counter: Web) -> Web:
    """The app on the running desk."""
    return counter


async def a_link(shop: Web, desk: RunningDesk, ticket: Ticket, purpose: LinkPurpose) -> str:
    """A link for this ticket; its address."""
    name = f"link_{purpose}_{ticket.id}"
    now = datetime.now(UTC)
    async with AsyncSession(desk.engine) as session, session.begin():
        session.add(
            SignedLink(
                token_hash=hashed(token_of(name)),
                key=name,
                purpose=purpose,
                customer_id=ticket.customer_id,
                ticket_id=ticket.id,
                subject=ticket.id,
                created_at=now,
                expires_at=now + timedelta(days=1),
            )
        )
    shop.company.tokens[name] = token_of(name)
    shop.company.persons[name] = Person(Kind.LINK, token_hash=hashed(token_of(name)))
    return name


def key() -> str:
    return uuid4().hex


async def bodies(desk: RunningDesk, ticket: Ticket) -> list[tuple[str, str]]:
    """Kind and text of the ticket's messages."""
    asked = "select kind, body from ticket_messages where ticket_id = :id order by created_at"
    return [(row.kind, row.body) for row in await desk.rows(asked, id=ticket.id)]


async def test_a_reply_is_stored_once_and_the_ticket_waits_for_the_customer(
    desk: RunningDesk, shop: Web
) -> None:
    ticket = await desk.report()
    sent = {"command_id": key(), "version": str((await desk.row(ticket)).seq), "body": "Please restart it."}

    twice = await asyncio.gather(
        *(shop.post(f"/tickets/{ticket.id}/replies", who="jo", data=sent, headers=FRAGMENT) for _ in range(2))
    )

    assert [answer.status_code for answer in twice] == [200, 200]
    assert all("Please restart it." in answer.text for answer in twice)
    assert await bodies(desk, ticket) == [("reply", "Please restart it.")]
    assert (await desk.row(ticket)).status == TicketStatus.WAITING_CUSTOMER
    assert (await desk.story(ticket)).count("tickets.replied") == 1


async def test_a_plain_form_is_led_back_to_the_ticket(desk: RunningDesk, shop: Web) -> None:
    ticket = await desk.report()

    answer = await shop.post(
        f"/tickets/{ticket.id}/notes", who="jo", data={"command_id": key(), "body": "Bring two dampers."}
    )

    assert (answer.status_code, answer.headers["location"]) == (303, f"/tickets/{ticket.id}")
    assert await bodies(desk, ticket) == [("note", "Bring two dampers.")]


async def test_an_empty_reply_is_sent_back_to_its_field(desk: RunningDesk, shop: Web) -> None:
    ticket = await desk.report()

    answer = await shop.post(
        f"/tickets/{ticket.id}/replies", who="jo", headers=FRAGMENT, data={"command_id": key(), "body": "  "}
    )

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert await bodies(desk, ticket) == []


async def test_what_others_changed_is_shown_first_and_the_typed_text_can_be_sent_again(
    desk: RunningDesk, shop: Web
) -> None:
    ticket = await desk.report()
    seen = (await desk.row(ticket)).seq
    taking = {"command_id": key(), "agent_id": "acc_kim"}
    assert (await shop.post(f"/tickets/{ticket.id}/assignment", who="kim", data=taking)).status_code == 303
    sent = {"command_id": key(), "version": str(seen), "body": "My long answer"}

    stale = await shop.post(f"/tickets/{ticket.id}/replies", who="jo", data=sent, headers=FRAGMENT)
    fresh = str((await desk.row(ticket)).seq)
    again = await shop.post(
        f"/tickets/{ticket.id}/replies", who="jo", data={**sent, "version": fresh}, headers=FRAGMENT
    )

    assert stale.status_code == 409
    assert stale.headers["hx-retarget"] == "#conflict"
    assert "Kim" in stale.text[stale.text.index('id="conflict"') :]
    assert f'name="version" id="version" value="{fresh}"' in stale.text
    assert 'id="composer"' not in stale.text  # the text stays where it was typed
    assert again.status_code == 200
    assert await bodies(desk, ticket) == [("reply", "My long answer")]


async def test_without_javascript_the_conflict_page_holds_the_typed_text(
    desk: RunningDesk, shop: Web
) -> None:
    ticket = await desk.report()
    taking = {"command_id": key(), "agent_id": "acc_kim"}
    await shop.post(f"/tickets/{ticket.id}/assignment", who="kim", data=taking)

    stale = await shop.post(
        f"/tickets/{ticket.id}/replies",
        who="jo",
        data={"command_id": key(), "version": "0", "body": "My answer"},
    )

    assert stale.status_code == 409
    assert "My answer</textarea>" in stale.text


async def test_one_s_own_steps_are_no_conflict(desk: RunningDesk, shop: Web) -> None:
    ticket = await desk.report()
    seen = str((await desk.row(ticket)).seq)
    await shop.post(
        f"/tickets/{ticket.id}/assignment", who="jo", data={"command_id": key(), "agent_id": "acc_jo"}
    )

    sent = {"command_id": key(), "version": seen, "body": "Hello"}
    answer = await shop.post(f"/tickets/{ticket.id}/replies", who="jo", data=sent, headers=FRAGMENT)

    assert answer.status_code == 200


async def test_two_who_take_at_once_get_one_owner_and_one_sentence(desk: RunningDesk, shop: Web) -> None:
    ticket = await desk.report()
    taken = await shop.post(
        f"/tickets/{ticket.id}/assignment", who="kim", data={"command_id": key(), "agent_id": "acc_kim"}
    )

    late = await shop.post(
        f"/tickets/{ticket.id}/assignment", who="jo", headers=JSON,
        data={"command_id": key(), "agent_id": "acc_jo", "from_agent_id": ""},
    )  # fmt: skip

    assert taken.status_code == 303
    assert (late.status_code, late.json()["code"]) == (409, "ticket_taken")
    assert (await desk.row(ticket)).agent_id == "acc_kim"


@pytest.mark.parametrize(("address", "field"), [("assignment", "agent_id"), ("visit", "technician_id")])
async def test_a_second_id_that_is_nobody_changes_nothing(
    desk: RunningDesk, shop: Web, address: str, field: str
) -> None:
    ticket = await desk.report()
    before = await desk.row(ticket)

    for name in ("acc_mina", "acc_404"):
        answer = await shop.post(
            f"/tickets/{ticket.id}/{address}", who="jo", headers=JSON, data={"command_id": key(), field: name}
        )
        assert answer.status_code == 404

    assert await desk.row(ticket) == before


async def test_resolving_asks_what_was_done_and_the_customer_confirms_by_link(
    desk: RunningDesk, shop: Web
) -> None:
    ticket = await desk.report()
    empty = await shop.post(
        f"/tickets/{ticket.id}/resolution", who="jo", headers=FRAGMENT, data={"command_id": key(), "done": ""}
    )
    done = await shop.post(
        f"/tickets/{ticket.id}/resolution", who="jo", data={"command_id": key(), "done": "Firmware updated."}
    )
    name = await a_link(shop, desk, ticket, LinkPurpose.CONFIRM)
    page = await shop.get(f"/links/{token_of(name)}", who=name)

    confirmed = await shop.post(f"/links/{token_of(name)}/confirmation", who=name, data={"command_id": key()})

    assert (empty.status_code, done.status_code) == (422, 303)
    assert 'id="e_done"' in empty.text
    assert "Firmware updated." in page.text
    assert f'action="/links/{token_of(name)}/confirmation"' in page.text
    assert confirmed.status_code == 303
    assert (await desk.row(ticket)).status == TicketStatus.CLOSED


async def test_a_customer_rates_once_and_only_after_the_end(desk: RunningDesk, shop: Web) -> None:
    ticket = await desk.report()
    name = await a_link(shop, desk, ticket, LinkPurpose.RATE)
    address = f"/links/{token_of(name)}/rating"
    early = await shop.post(address, who=name, data={"stars": "5"}, headers=JSON)
    await close(shop, ticket)

    answers = [
        await shop.post(address, who=name, data={"stars": stars}, headers=JSON) for stars in ("6", "4", "1")
    ]

    assert early.json()["code"] == "ticket_not_resolved"
    assert [answer.status_code for answer in answers] == [422, 200, 409]
    [rating] = await desk.rows("select stars from ticket_ratings where ticket_id = :id", id=ticket.id)
    assert rating.stars == 4
    assert "tickets.rated" in await desk.story(ticket)


async def close(shop: Web, ticket: Ticket) -> None:
    """Resolved by Jo, confirmed by Mina."""
    done = {"command_id": key(), "done": "Firmware updated."}
    assert (await shop.post(f"/tickets/{ticket.id}/resolution", who="jo", data=done)).status_code == 303
    agreed = await shop.post(f"/tickets/{ticket.id}/confirmation", who="mina", data={"command_id": key()})
    assert agreed.status_code == 303


async def test_it_does_not_work_reopens_with_the_customer_s_words(desk: RunningDesk, shop: Web) -> None:
    ticket = await desk.report()
    await shop.post(f"/tickets/{ticket.id}/resolution", who="jo", data={"command_id": key(), "done": "Done."})

    answer = await shop.post(
        f"/tickets/{ticket.id}/reopening", who="mina", data={"command_id": key(), "body": "Still dark."}
    )

    assert answer.status_code == 303
    assert ("inbound", "Still dark.") in await bodies(desk, ticket)
    assert "tickets.reopened" in await desk.story(ticket)


async def test_the_customer_writes_by_link_and_it_is_our_turn_again(desk: RunningDesk, shop: Web) -> None:
    ticket = await desk.report()
    await shop.post(
        f"/tickets/{ticket.id}/replies", who="jo", data={"command_id": key(), "body": "Try again?"}
    )
    name = await a_link(shop, desk, ticket, LinkPurpose.FOLLOW)
    sent = {"command_id": key(), "body": "It is still dark."}

    twice = [await shop.post(f"/links/{token_of(name)}/messages", who=name, data=sent) for _ in range(2)]
    await desk.until(lambda: desk.has_status(ticket, TicketStatus.IN_PROGRESS))

    assert [answer.status_code for answer in twice] == [303, 303]
    assert (await bodies(desk, ticket)).count(("inbound", "It is still dark.")) == 1


@pytest.mark.parametrize("purpose", [LinkPurpose.CONFIRM, LinkPurpose.RATE, LinkPurpose.PAY])
async def test_a_link_does_only_its_own_thing(desk: RunningDesk, shop: Web, purpose: LinkPurpose) -> None:
    ticket = await desk.report()
    name = await a_link(shop, desk, ticket, purpose)
    sent = {"command_id": key(), "body": "x"}

    answer = await shop.post(f"/links/{token_of(name)}/messages", who=name, data=sent, headers=JSON)

    assert answer.json()["code"] == "link_ended"
    assert await bodies(desk, ticket) == []


async def everything_is_said(desk: RunningDesk) -> bool:
    return not await desk.rows("select id from outbox where status = 'waiting'")


async def test_while_temporal_is_away_a_command_is_kept_and_done_later(desk: RunningDesk, shop: Web) -> None:
    ticket = await desk.report()
    shop.app.state.client = None

    answer = await shop.post(
        f"/tickets/{ticket.id}/replies", who="jo", headers=JSON, data={"command_id": key(), "body": "Soon."}
    )
    await desk.until(lambda: desk.has_status(ticket, TicketStatus.WAITING_CUSTOMER))

    await desk.until(lambda: everything_is_said(desk))

    assert (answer.status_code, answer.json()["status"]) == (202, "accepted")


async def test_cancelling_needs_a_reason_and_ends_the_ticket(desk: RunningDesk, shop: Web) -> None:
    ticket = await desk.report()
    address = f"/tickets/{ticket.id}/cancellation"

    without = await shop.post(address, who="jo", data={"command_id": key(), "reason": ""}, headers=JSON)
    with_reason = await shop.post(address, who="jo", data={"command_id": key(), "reason": "Doubled"})
    afterwards = await shop.post(
        f"/tickets/{ticket.id}/replies", who="jo", headers=JSON, data={"command_id": key(), "body": "x"}
    )

    assert (without.status_code, with_reason.status_code) == (422, 303)
    assert (await desk.row(ticket)).status == TicketStatus.CANCELLED
    assert (afterwards.status_code, afterwards.json()["code"]) == (409, "ticket_closed")
