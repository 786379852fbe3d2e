"""Tickets that belong together over HTTP: who may, what stands in the way, what shows."""

import asyncio
import itertools
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import Response
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from models.messages.staff import LinkPurpose
from models.messages.tickets import MessageKind, TicketStatus
from models.tickets import Ticket
from tests.api.test_ticket_commands import a_link, key, shop
from tests.api.web import Web
from tests.builders import tickets as say
from tests.builders.desk import a_customer
from tests.desk import RunningDesk

__all__ = ["shop"]  # a real desk behind the app
JSON = {"Accept": "application/json"}
FRAGMENT = {"HX-Request": "true"}


async def post(shop: Web, path: str, who: str = "jo", **sent: object) -> Response:
    name = "submission_key" if path.endswith("/parts") else "command_id"
    return await shop.post(path, who=who, data={name: key(), **sent}, headers=JSON)


async def page(shop: Web, ticket_id: str, who: str = "jo") -> dict[str, Any]:
    return dict((await shop.get(f"/tickets/{ticket_id}", who=who, headers=JSON)).json())


async def merged(shop: Web, gone: Ticket, keeper: Ticket, who: str = "jo", **sent: object) -> Response:
    return await post(shop, f"/tickets/{gone.id}/merge", who, keeper_id=keeper.id, **sent)


async def said(desk: RunningDesk, ticket: Ticket, body: str) -> str:
    """A message of the customer with a text of its own."""
    message = say.a_message(ticket.id, MessageKind.INBOUND)
    message.body = body
    return await desk.store(message)


# Merges


async def test_a_merged_ticket_is_read_where_it_goes_on_and_given_back(shop: Web, desk: RunningDesk) -> None:
    gone, keeper = await desk.report(), await desk.report()
    await said(desk, gone, "the fan rattles")

    assert (await merged(shop, gone, keeper)).status_code == 200

    for who in ("jo", "kim", "mina"):
        elsewhere = await shop.get(f"/tickets/{gone.id}", who=who)
        assert (elsewhere.status_code, elsewhere.headers["location"]) == (303, f"/tickets/{keeper.id}"), who
        shown = (await shop.get(f"/tickets/{keeper.id}", who=who)).text
        assert "the fan rattles" in shown, who
    seen = await page(shop, keeper.id)
    [entry] = [one for one in seen["story"] if one["text"] == "the fan rattles"]
    assert entry["merged"] == gone.id
    [one] = seen["kin"]["merged"]
    assert (one["id"], one["may_undo"]) == (gone.id, True)
    assert {target for target, _ in one["promises"]} == {"first_reply", "resolve"}

    undone = await post(shop, f"/tickets/{gone.id}/merge/undoing")

    assert (undone.status_code, undone.headers["location"]) == (200, f"/tickets/{gone.id}")
    assert "the fan rattles" in (await shop.get(f"/tickets/{gone.id}", who="jo")).text
    assert "the fan rattles" not in (await shop.get(f"/tickets/{keeper.id}", who="jo")).text


async def test_what_the_customer_writes_to_a_merged_ticket_wakes_the_one_it_goes_on_in(
    shop: Web, desk: RunningDesk
) -> None:
    gone, keeper = await desk.report(), await desk.report()
    link = await a_link(shop, desk, gone, LinkPurpose.FOLLOW)
    await merged(shop, gone, keeper)
    await post(shop, f"/tickets/{keeper.id}/replies", body="we look at it")
    assert (await desk.row(keeper)).status == "waiting_customer"

    path = f"/links/{shop.company.tokens[link]}/messages"
    written = await shop.post(path, who=link, data={"command_id": key(), "body": "by the old link"})

    assert written.status_code == 303, written.text
    await desk.until(lambda: desk.has_status(keeper, TicketStatus.IN_PROGRESS))
    shown = [one["text"] for one in (await page(shop, keeper.id))["story"]]
    assert shown.count("by the old link") == 1
    await post(shop, f"/tickets/{keeper.id}/cancellation", reason="over")
    late = await shop.post(path, who=link, data={"command_id": key(), "body": "too late"})
    assert late.status_code == 409


async def test_of_two_agents_who_merge_the_other_way_round_one_is_refused(
    shop: Web, desk: RunningDesk
) -> None:
    one, two = await desk.report(), await desk.report()

    answers = await asyncio.gather(merged(shop, one, two, "jo"), merged(shop, two, one, "kim"))

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    [refused] = [answer.json() for answer in answers if answer.status_code == 409]
    assert refused["code"] == "merge_not_open"
    assert sorted([(await desk.row(one)).status, (await desk.row(two)).status]) == ["merged", "open"]


async def test_another_customers_ticket_is_merged_only_by_who_may_and_knows(
    shop: Web, desk: RunningDesk
) -> None:
    await desk.store(a_customer("cus_other", name="Other One"))
    mine = await desk.report()
    other = await desk.report()
    await desk.change("update tickets set customer_id = 'cus_other' where id = :id", id=other.id)

    agent = await merged(shop, other, mine, is_across="true")
    await desk.change("update accounts set roles = '{agent,dispatcher}' where id = 'acc_kim'")
    unknowing = await merged(shop, other, mine, "kim")
    knowing = await merged(shop, other, mine, "kim", is_across="true")

    assert (agent.status_code, agent.json()["code"]) == (409, "merge_other_customer")
    assert (unknowing.status_code, knowing.status_code) == (422, 200)
    await said(desk, other, "of the other customer")
    assert "of the other customer" in (await shop.get(f"/tickets/{mine.id}", who="jo")).text
    assert "of the other customer" not in (await shop.get(f"/tickets/{mine.id}", who="mina")).text


async def test_a_double_click_merges_once_and_a_final_merge_is_not_undone(
    shop: Web, desk: RunningDesk
) -> None:
    gone, keeper, third = [await desk.report() for _ in range(3)]
    sent = {"command_id": key(), "keeper_id": keeper.id}
    for _ in range(2):
        again = await shop.post(f"/tickets/{gone.id}/merge", who="jo", data=sent, headers=JSON)
        assert again.status_code == 200, again.text
    elsewhere = await merged(shop, gone, third)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "ticket_merged")

    await post(shop, f"/tickets/{keeper.id}/resolution", done="solved")
    late = await post(shop, f"/tickets/{gone.id}/merge/undoing")

    assert late.status_code == 409
    assert late.json()["code"] in ("merge_final", "already_over")
    assert not (await page(shop, keeper.id))["kin"]["merged"][0]["may_undo"]


# Links and sub-tickets


async def test_both_sides_show_a_link_until_it_is_removed(shop: Web, desk: RunningDesk) -> None:
    one, two = await desk.report(), await desk.report()
    for _ in range(2):
        made = await post(shop, f"/tickets/{one.id}/links", other_id=two.id.lower(), is_what="duplicate")
        assert made.status_code == 200, made.text

    [here], [there] = [(await page(shop, id))["kin"]["relatives"] for id in (one.id, two.id)]
    assert (here["id"], here["is_what"]) == (two.id, "duplicate")
    assert (there["id"], there["is_what"]) == (one.id, "has_duplicate")
    for ticket, other in ((one, two), (two, one)):
        told = [
            entry["text"] for entry in (await page(shop, ticket.id))["story"] if other.id in entry["text"]
        ]
        assert len(told) == 1, told

    await post(shop, f"/tickets/{two.id}/links/removal", other_id=one.id, is_what="has_duplicate")
    assert (await page(shop, one.id))["kin"]["relatives"] == []
    itself = await post(shop, f"/tickets/{one.id}/links", other_id=one.id)
    assert (itself.status_code, itself.json()["code"]) == (409, "link_self")
    absent = await post(shop, f"/tickets/{one.id}/links", other_id="T99")
    assert absent.status_code == 422


async def test_a_link_with_a_ticket_that_one_may_not_see_is_told_to_nobody(
    shop: Web, desk: RunningDesk
) -> None:
    one, secret = await desk.report(), await desk.report()
    await post(shop, f"/tickets/{one.id}/links", other_id=secret.id, is_what="caused")
    await desk.change(
        "update tickets set is_confidential = true, team_id = 'team_all' where id = :id", id=secret.id
    )

    seen = await shop.get(f"/tickets/{one.id}", who="jo")
    foreign = await post(shop, f"/tickets/{one.id}/links", other_id=secret.id, is_what="related")
    absent = await post(shop, f"/tickets/{one.id}/links", other_id="T99", is_what="related")

    assert secret.id not in seen.text
    assert (foreign.status_code, absent.status_code) == (422, 422)
    assert foreign.text.replace(secret.id, "") == absent.text.replace("T99", "")


async def test_a_sub_ticket_holds_its_main_ticket_up_with_the_list_of_what_is_open(
    shop: Web, desk: RunningDesk
) -> None:
    whole = await desk.report()
    sent = {"submission_key": key(), "subject": "Order the fan", "description": "It rattles.", "kind": "task"}
    made = [
        (await shop.post(f"/tickets/{whole.id}/parts", who="jo", data=sent, headers=JSON)).json()
        for _ in range(2)
    ]
    assert made[0] == made[1]
    [part] = await desk.rows("select * from tickets where subject = 'Order the fan'")
    assert (part.customer_id, part.owned_product_id, part.kind) == (
        whole.customer_id,
        whole.owned_product_id,
        "task",
    )
    child = Ticket(id=part.id, customer_id=part.customer_id)
    await desk.until(lambda: desk.has_status(child, TicketStatus.OPEN))
    await desk.until(lambda: told(desk, whole, "tickets.child_joined"))
    shown = await page(shop, whole.id)
    [one] = shown["kin"]["relatives"]
    assert (one["is_what"], one["is_open"], bool(one["wait"])) == ("part", True, True)
    assert part.id in shown["why_not"]["resolve"]

    for path, field in (("resolution", "done"), ("cancellation", "reason")):
        refused = await post(shop, f"/tickets/{whole.id}/{path}", **{field: "x"})
        assert (refused.status_code, refused.json()["code"]) == (409, "ticket_parts_open")
        assert f"{part.id} Order the fan" in refused.json()["message"]
    assert (await shop.get(f"/tickets/{part.id}", who="mina")).status_code == 404  # only for colleagues

    await post(shop, f"/tickets/{part.id}/resolution", done="ordered")
    await desk.until(lambda: told(desk, whole, "tickets.child_done"))
    assert (await post(shop, f"/tickets/{whole.id}/resolution", done="repaired")).status_code == 200


async def told(desk: RunningDesk, ticket: Ticket, sentence: str) -> bool:
    return sentence in await desk.story(ticket)


async def test_sub_tickets_make_no_circles_and_go_only_so_deep(shop: Web, desk: RunningDesk) -> None:
    tickets = [await desk.report() for _ in range(5)]
    for above, below in itertools.pairwise(tickets[:4]):
        made = await post(shop, f"/tickets/{above.id}/links", other_id=below.id, is_what="part")
        assert made.status_code == 200, made.text

    circle = await post(shop, f"/tickets/{tickets[3].id}/links", other_id=tickets[0].id, is_what="part")
    deep = await post(shop, f"/tickets/{tickets[3].id}/links", other_id=tickets[4].id, is_what="part")
    second = await post(shop, f"/tickets/{tickets[4].id}/links", other_id=tickets[1].id, is_what="part")

    found = [answer.json()["code"] for answer in (circle, deep, second)]
    assert found == ["link_circle", "link_deep", "link_second_parent"]
    await post(shop, f"/tickets/{tickets[1].id}/links/removal", other_id=tickets[0].id, is_what="whole")
    await desk.until(lambda: told(desk, tickets[0], "tickets.child_left"))
    assert (await post(shop, f"/tickets/{tickets[0].id}/resolution", done="x")).status_code == 200


# A split


async def test_chosen_messages_become_a_ticket_that_says_where_they_came_from(
    shop: Web, desk: RunningDesk
) -> None:
    ticket = await desk.report()
    await said(desk, ticket, "the screen is dark")
    goes = await said(desk, ticket, "and the invoice is wrong")
    nothing = await post(shop, f"/tickets/{ticket.id}/split", about="Invoice")
    sent = {"command_id": key(), "about": "Invoice", "message_ids": [goes]}
    answers = [
        await shop.post(f"/tickets/{ticket.id}/split", who="jo", data=sent, headers=JSON) for _ in range(2)
    ]

    assert nothing.status_code == 422
    new = answers[0].json()["ticket_id"]
    assert answers[1].json()["ticket_id"] == new != ticket.id
    shown = await page(shop, new)
    [entry] = [one for one in shown["story"] if one["text"] == "and the invoice is wrong"]
    assert entry["came_to"] == ticket.id
    [link] = shown["kin"]["relatives"]
    assert (link["id"], link["is_what"]) == (ticket.id, "split")
    assert "and the invoice is wrong" not in (await shop.get(f"/tickets/{ticket.id}", who="jo")).text
    kept = await post(shop, f"/tickets/{new}/links/removal", other_id=ticket.id, is_what="related")
    assert kept.status_code == 200
    assert len((await page(shop, new))["kin"]["relatives"]) == 1


# Rest


async def test_a_snoozed_ticket_is_out_of_the_queue_and_says_so(shop: Web, desk: RunningDesk) -> None:
    ticket = await desk.report()
    await post(shop, f"/tickets/{ticket.id}/assignment", agent_id="acc_jo")

    past = await post(shop, f"/tickets/{ticket.id}/snooze", until="reply")
    wrong = await post(shop, f"/tickets/{ticket.id}/snooze", until="time", at="soon")
    done = await post(shop, f"/tickets/{ticket.id}/snooze", until="reply", is_past_deadline="true")

    assert (past.status_code, past.json()["code"]) == (409, "snooze_past_deadline")
    assert (wrong.status_code, done.status_code) == (422, 200)
    assert await listed(shop, "mine") == []
    assert await listed(shop, "snoozed") == await listed(shop, "open") == [ticket.id]
    assert any(wait["key"].endswith("/snooze") for wait in (await page(shop, ticket.id))["waits"])
    assert (await post(shop, f"/tickets/{ticket.id}/waking")).status_code == 200
    assert await listed(shop, "mine") == [ticket.id]
    assert (await post(shop, f"/tickets/{ticket.id}/waking")).json()["code"] == "not_snoozed"


async def listed(shop: Web, view: str) -> list[str]:
    answer = await shop.get(f"/tickets?view={view}", who="jo", headers=JSON)
    return [row["id"] for row in answer.json()["rows"]]


async def test_a_time_of_ones_own_is_a_korean_one(shop: Web, desk: RunningDesk) -> None:
    ticket = await desk.report()
    wished = (datetime.now(UTC) + timedelta(days=40)).replace(microsecond=0, second=0, tzinfo=None)

    sent = {"until": "time", "at": wished.isoformat(timespec="minutes"), "is_past_deadline": "true"}
    assert (await post(shop, f"/tickets/{ticket.id}/snooze", **sent)).status_code == 200

    row = await desk.row(ticket)
    assert row.snoozed_until == wished.replace(tzinfo=UTC) - timedelta(hours=9)


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_the_page_is_drawn_in_both_languages_and_keeps_what_was_typed(web: Web, language: str) -> None:
    drawn = await web.get(f"/tickets/T1/kin?lang={language}", who="agent")
    sent = {"command_id": key(), "other_id": "T99"}
    wrong = await web.post("/tickets/T1/links", who="agent", data=sent)

    assert drawn.status_code == 200
    assert wrong.status_code == 422
    assert re.search(r'name="other_id"[^>]*value="T99"', wrong.text)
    foreign = await web.get("/tickets/T2/kin", who="agent")
    assert foreign.status_code == 404


async def test_only_the_desk_may(web: Web) -> None:
    for who in ("customer_own", "technician_assigned", "employee", "finance", "partner_own"):
        for path in (
            "links",
            "links/removal",
            "parts",
            "merge",
            "merge/undoing",
            "split",
            "snooze",
            "waking",
        ):
            answer = await web.post(f"/tickets/T1/{path}", who=who, data={"command_id": key()})
            assert answer.status_code in (403, 404), (who, path)


async def test_a_queue_of_snoozed_tickets_wakes_nobody(own_web: Web, worker_engine: AsyncEngine) -> None:
    async with AsyncSession(worker_engine) as session, session.begin():
        now = datetime.now(UTC)
        ticket = await session.get_one(Ticket, "T1")
        ticket.is_snoozed, ticket.snoozed_until = True, now + timedelta(days=1)
    home = await own_web.get("/home", who="agent")
    assert home.status_code == 200
