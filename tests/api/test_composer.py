"""Writing on a ticket over HTTP: taking back, drafts, conflicts, templates, names and fields."""

import asyncio
import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from PIL import Image
from sqlalchemy.ext.asyncio import AsyncSession

from models.messages.tickets import TicketStatus, ticket_workflow_id
from models.messages.tickets.writing import FieldKind, TemplateUse
from models.tickets import Ticket
from models.tickets.writing import ClosingField, ReplyTemplate
from tests.api.web import Web
from tests.builders import tickets as say
from tests.desk import RunningDesk

FRAGMENT = {"HX-Request": "true"}
JSON = {"Accept": "application/json"}
TEXT = "Please restart it."


@pytest.fixture
def shop(counter: Web) -> Web:
    """The app on the running desk."""
    return counter


@pytest.fixture
def patient(shop: Web) -> Web:
    """The shop in which what people send may be taken back for a minute."""
    shop.app.state.settings = replace(shop.app.state.settings, undo_seconds=60)
    return shop


def key() -> str:
    return uuid4().hex


async def sends(shop: Web, ticket: Ticket, who: str = "jo", **more: str) -> httpx.Response:
    sent = {"command_id": key(), "body": TEXT, **more}
    return await shop.post(f"/tickets/{ticket.id}/replies", who=who, data=sent, headers=FRAGMENT)


async def held(desk: RunningDesk) -> list[Any]:
    return await desk.rows("select * from ticket_sendings order by created_at")


async def texts(desk: RunningDesk, ticket: Ticket) -> list[tuple[str, str]]:
    asked = "select kind, body from ticket_messages where ticket_id = :id order by created_at"
    return [(row.kind, row.body) for row in await desk.rows(asked, id=ticket.id)]


async def draft(desk: RunningDesk, ticket: Ticket, who: str = "acc_jo") -> str:
    asked = "select body from ticket_drafts where ticket_id = :id and account_id = :who"
    return "".join(row.body for row in await desk.rows(asked, id=ticket.id, who=who))


async def undo(shop: Web, ticket: Ticket, sending: str, who: str = "jo", **more: str) -> httpx.Response:
    path = f"/tickets/{ticket.id}/sendings/{sending}/undo"
    return await shop.post(path, who=who, data={"command_id": key(), **more}, headers=FRAGMENT)


async def comes_due(desk: RunningDesk, ticket: Ticket) -> None:
    """The time in which it may be taken back is over."""
    mine = {"id": ticket_workflow_id(ticket.id)}
    await desk.change("update outbox set not_before = now() where workflow_id = :id", **mine)


async def test_a_reply_waits_and_undo_brings_text_and_state_back(desk: RunningDesk, patient: Web) -> None:
    ticket = await desk.report()
    before, story = await desk.row(ticket), await desk.story(ticket)
    twice = {"command_id": key(), "body": TEXT}
    path = f"/tickets/{ticket.id}/replies"

    for _ in range(2):
        answer = await patient.post(path, who="jo", data=twice, headers=FRAGMENT)
        assert answer.status_code == 200
    [waiting] = await held(desk)
    assert (await texts(desk, ticket), await desk.row(ticket)) == ([], before)
    late = await patient.post(f"/tickets/{ticket.id}/draft", who="jo", data={"body": TEXT}, headers=JSON)
    assert (late.status_code, await draft(desk, ticket)) == (200, "")
    both = await asyncio.gather(*(undo(patient, ticket, waiting.id, body="And then?") for _ in range(2)))

    assert sorted(one.status_code for one in both) in ([200, 404], [200, 409])
    done = next(one for one in both if one.status_code == 200)
    assert f"{TEXT}\n\nAnd then?</textarea>" in done.text
    assert await draft(desk, ticket) == f"{TEXT}\n\nAnd then?"
    assert (await held(desk), await desk.row(ticket), await desk.story(ticket)) == ([], before, story)
    await comes_due(desk, ticket)
    again = await patient.post(path, who="jo", data=twice, headers=JSON | {"Accept": "text/html"})
    assert again.status_code == 409
    assert (await texts(desk, ticket), await held(desk)) == ([], [])
    assert await draft(desk, ticket) == f"{TEXT}\n\nAnd then?"


async def test_what_waits_leaves_once_though_the_worker_was_away(desk: RunningDesk, patient: Web) -> None:
    ticket = await desk.report()
    assert (await sends(patient, ticket)).status_code == 200
    [waiting] = await held(desk)
    other = await undo(patient, ticket, waiting.id, who="kim")
    assert other.status_code == 404

    await desk.stop_work()
    await comes_due(desk, ticket)
    await asyncio.sleep(1.5)
    assert await texts(desk, ticket) == []
    desk.begin_work()
    await desk.until(lambda: desk.has_status(ticket, TicketStatus.WAITING_CUSTOMER))

    assert await texts(desk, ticket) == [("reply", TEXT)]
    assert await held(desk) == []
    assert (await desk.story(ticket)).count("tickets.replied") == 1
    assert (await undo(patient, ticket, waiting.id)).status_code == 409


async def test_resolving_and_cancelling_are_taken_back_into_their_sheet(
    desk: RunningDesk, patient: Web
) -> None:
    ticket = await desk.report()
    before = await desk.row(ticket)
    for act, typed in (("resolution", {"done": "Cable was loose."}), ("cancellation", {"reason": "Twice."})):
        sent = {"command_id": key(), **typed}
        answer = await patient.post(f"/tickets/{ticket.id}/{act}", who="jo", data=sent, headers=FRAGMENT)
        assert answer.status_code == 200, answer.text
        [waiting] = await held(desk)

        back = await undo(patient, ticket, waiting.id)

        assert back.status_code == 200
        assert f"{next(iter(typed.values()))}</textarea>" in back.text
        assert (await desk.row(ticket), await held(desk)) == (before, [])


async def test_what_the_ticket_refuses_goes_back_to_its_author(desk: RunningDesk, patient: Web) -> None:
    ticket = await desk.report()
    await sends(patient, ticket)
    await desk.say(ticket, "cancel", say.cancel(desk.company))

    await comes_due(desk, ticket)
    refused = "select 1 from outbox where workflow_id = :id and status = 'refused'"
    await desk.until(lambda: anything(desk, refused, id=ticket_workflow_id(ticket.id)))
    mine = await patient.get(f"/tickets/{ticket.id}", who="jo")
    theirs = await patient.get(f"/tickets/{ticket.id}", who="kim")

    [waiting] = await held(desk)
    assert f"held_{waiting.id}" in mine.text
    assert f"held_{waiting.id}" not in theirs.text
    assert (await undo(patient, ticket, waiting.id)).status_code == 200
    assert await draft(desk, ticket) == TEXT


async def anything(desk: RunningDesk, asked: str, **values: Any) -> bool:
    return bool(await desk.rows(asked, **values))


async def test_two_who_answer_at_once_see_each_other_and_may_both_send(
    desk: RunningDesk, patient: Web
) -> None:
    ticket = await desk.report()
    seen = str((await desk.row(ticket)).seq)
    assert (await sends(patient, ticket, version=seen)).status_code == 200
    [waiting] = await held(desk)

    stopped = await sends(patient, ticket, who="kim", version=seen, body="I have it.")
    assert stopped.status_code == 409
    assert "Jo" in stopped.text
    assert f'value="{waiting.id}"' in stopped.text  # now the page knows
    sent = await sends(patient, ticket, who="kim", version=seen, body="I have it.", seen=waiting.id)

    assert sent.status_code == 200
    assert [row.body for row in await held(desk)] == [TEXT, "I have it."]


async def test_a_draft_outlives_its_owner_and_only_what_was_sent_goes(desk: RunningDesk, shop: Web) -> None:
    ticket = await desk.report()
    path = f"/tickets/{ticket.id}/draft"
    first = await shop.post(path, who="jo", data={"body": "Please re", "kind": "reply"}, headers=JSON)
    stamp = first.json()["stamp"]
    await desk.say(ticket, "assign", say.assign(desk.company, desk.company.colleague_id))

    assert "Please re</textarea>" in (await shop.get(f"/tickets/{ticket.id}", who="jo")).text
    assert "Please re" not in (await shop.get(f"/tickets/{ticket.id}", who="kim")).text
    listed = await shop.get("/tickets/drafts", who="jo", headers=JSON)
    assert [one["ticket_id"] for one in listed.json()["drafts"]] == [ticket.id]
    elsewhere = await shop.post(path, who="jo", data={"body": "From the phone"}, headers=JSON)
    await sends(shop, ticket, stamp=stamp)
    assert await draft(desk, ticket) == "From the phone"
    await sends(shop, ticket, body="Something new", stamp=elsewhere.json()["stamp"])
    assert await draft(desk, ticket) == ""


async def a_template(desk: RunningDesk, **facts: Any) -> None:
    given = {
        "key": "router", "name_ko": "공유기", "name_en": "Router", "use": TemplateUse.REPLY,
        "body_ko": "{{customer}} 님, {{product}} 전원을 껐다 켜 주세요. {{visit_time}}",
        "body_en": "x", "written_by": "acc_jo", "written_at": datetime.now(UTC), **facts,
    }  # fmt: skip
    async with AsyncSession(desk.engine) as session, session.begin():
        session.add(ReplyTemplate(**given))


async def test_a_template_is_filled_in_blocks_with_a_gap_and_acts_in_one_step(
    desk: RunningDesk, shop: Web
) -> None:
    ticket = await desk.report()
    await a_template(desk, priority="p1", to_team=desk.company.other_team_id, tag="router", takes=True)

    found = await shop.get(f"/tickets/{ticket.id}/templates", who="jo", headers=JSON)
    [one] = found.json()["templates"]
    assert one["text"] == "Mina Lee 님, 폰 전원을 껐다 켜 주세요. {{visit_time}}"
    assert (len(one["gaps"]), len(one["does"])) == (1, 4)
    gap = await sends(shop, ticket, body=one["text"], template="router")
    assert gap.status_code == 422
    assert "{{visit_time}}" in gap.text
    assert (await desk.row(ticket)).priority == "p3"
    done = await sends(shop, ticket, body=one["text"].replace("{{visit_time}}", ""), template="router")

    assert done.status_code == 200
    row = await desk.row(ticket)
    assert (row.priority, row.team_id, row.tags, row.agent_id) == (
        "p1", desk.company.other_team_id, ["router"], "acc_jo",
    )  # fmt: skip
    assert row.status == TicketStatus.WAITING_CUSTOMER
    told = [one for one in await desk.story(ticket) if "macro" in one]
    assert sorted(told) == [
        "tickets.macro_priority", "tickets.macro_tag", "tickets.macro_team", "tickets.macro_used",
    ]  # fmt: skip


async def test_whoever_is_named_in_a_note_follows_unless_they_may_not_see_it(
    desk: RunningDesk, shop: Web
) -> None:
    ticket = await desk.report()
    note = {"command_id": key(), "body": "@Kim 확인 부탁합니다"}
    assert (
        await shop.post(f"/tickets/{ticket.id}/notes", who="jo", data=note, headers=JSON)
    ).status_code == 200

    [follower] = await desk.rows("select * from ticket_followers")
    assert (follower.account_id, follower.reason, len(follower.mentioned_in)) == ("acc_kim", "mentioned", 1)
    await desk.change("update accounts set team_id = 'team_all' where id = 'acc_kim'")
    await desk.change("update tickets set is_confidential = true")
    secret = {"command_id": key(), "body": "@Kim 비밀입니다"}
    refused = await shop.post(f"/tickets/{ticket.id}/notes", who="jo", data=secret, headers=JSON)
    assert refused.status_code == 422
    assert [kind for kind, _ in await texts(desk, ticket)] == ["note"]


async def test_following_is_ones_own(desk: RunningDesk, shop: Web) -> None:
    ticket = await desk.report()
    for _ in range(2):
        path = f"/tickets/{ticket.id}/followers"
        assert (await shop.post(path, who="jo", data={"command_id": key()})).status_code == 303
    assert [row.account_id for row in await desk.rows("select * from ticket_followers")] == ["acc_jo"]

    await shop.post(f"/tickets/{ticket.id}/followers/removal", who="kim", data={"command_id": key()})
    assert len(await desk.rows("select * from ticket_followers")) == 1
    await shop.post(f"/tickets/{ticket.id}/followers/removal", who="jo", data={"command_id": key()})
    assert await desk.rows("select * from ticket_followers") == []


async def test_fields_are_asked_at_their_place_and_by_every_way(desk: RunningDesk, shop: Web) -> None:
    ticket = await desk.report()
    field = ClosingField(
        key="cause", name_ko="원인", name_en="Cause", kind=FieldKind.CHOICE, choices_ko=["부품", "설정"],
        choices_en=["Part", "Settings"], categories=["phone"], written_by="acc_jo",
        written_at=datetime.now(UTC),
    )  # fmt: skip
    async with AsyncSession(desk.engine) as session, session.begin():
        session.add(field)
    path, done = f"/tickets/{ticket.id}/resolution", {"command_id": key(), "done": "Cable was loose."}

    page = await shop.post(path, who="jo", data=done, headers=FRAGMENT)
    assert page.status_code == 422
    assert 'name="answers.cause"' in page.text
    assert "Cable was loose.</textarea>" in page.text
    program = await shop.post(path, who="jo", json={**done, "answers": {"cause": "9"}}, headers=JSON)
    assert program.status_code == 422
    assert list(program.json()["errors"]) == ["answers.cause"]
    message = await desk.store(say.a_message(ticket.id))
    beside_the_page = say.resolve(desk.company, message)
    assert await desk.refusal(ticket, "resolve", beside_the_page) == "fields_missing"
    answer = await shop.post(path, who="jo", data={**done, "answers.cause": "2"}, headers=FRAGMENT)

    assert answer.status_code == 200
    assert (await desk.row(ticket)).status == TicketStatus.RESOLVED
    [value] = await desk.rows("select * from ticket_field_values")
    assert (value.field_key, value.value, value.written_by) == ("cause", "2", "acc_jo")


def a_picture() -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(kept, "PNG")
    return kept.getvalue()


async def test_pictures_go_along_when_the_reply_leaves(desk: RunningDesk, patient: Web) -> None:
    ticket = await desk.report()
    sent = await patient.post(
        f"/tickets/{ticket.id}/replies", who="jo", data={"command_id": key(), "body": TEXT},
        files={"photos": ("where.png", a_picture(), "image/png")}, headers=FRAGMENT,
    )  # fmt: skip
    assert sent.status_code == 200
    assert await desk.rows("select 1 from attachments") == []

    await comes_due(desk, ticket)
    await desk.until(lambda: desk.has_status(ticket, TicketStatus.WAITING_CUSTOMER))

    [file] = await desk.rows("select * from attachments")
    [message] = await desk.rows("select * from ticket_messages")
    assert (file.message_id, file.name, file.ticket_id) == (message.id, "where.png", ticket.id)
    page = await patient.get(f"/tickets/{ticket.id}", who="kim")
    assert f"/tickets/{ticket.id}/attachments/{file.id}" in page.text
