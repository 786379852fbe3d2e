"""The queue as agents keep it: filters, views, many tickets at once, and who has which ticket open."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from models.messages.tickets import Channel, Priority, TicketKind, TicketStatus
from models.messages.tickets.batches import BatchStatus, LineStatus
from models.tickets import Ticket
from models.tickets.desk import TicketBatch, TicketBatchLine
from tests.api.test_tickets import every_page
from tests.api.web import Web, web_on
from tests.builders.company import Company

JSON = {"Accept": "application/json"}
STATUSES = (TicketStatus.OPEN, TicketStatus.IN_PROGRESS, TicketStatus.WAITING_CUSTOMER)


@pytest.fixture
async def busy(own_company: Company, worker_engine: AsyncEngine, app_engine: AsyncEngine) -> Web:
    """A desk of its own with sixty open tickets of every kind."""
    dice, now = random.Random(7), datetime.now(UTC)
    async with AsyncSession(worker_engine) as session, session.begin():
        session.add_all(queued(number, dice, now) for number in range(60))
    return web_on(app_engine, own_company)


def queued(number: int, dice: random.Random, now: datetime) -> Ticket:
    return Ticket(
        id=f"T8{number:05d}", submission_key=f"queue{number}", customer_id="c_one",
        channel=dice.choice(list(Channel)), subject=f"Queued {number}", kind=dice.choice(list(TicketKind)),
        team_id=dice.choice(["team_one", "team_two", None]), status=dice.choice(STATUSES),
        agent_id=dice.choice(["a_agent", "a_dispatcher", None]), priority=dice.choice(list(Priority)),
        tags=dice.sample(["vip", "flood", "old"], dice.randrange(3)), created_at=now, updated_at=now,
        next_due=now + timedelta(minutes=dice.randrange(1, 9000)),
    )  # fmt: skip


def fits(row: Any, said: dict[str, list[str]]) -> bool:
    """What the filters mean, said once more and plainly."""
    agents = {"a_agent" if one == "me" else one for one in said.get("agent", [])}
    return all(
        (
            not said.get("status") or row.status in said["status"],
            not said.get("priority") or row.priority in said["priority"],
            not said.get("channel") or row.channel in said["channel"],
            not said.get("kind") or row.kind in said["kind"],
            not said.get("team") or row.team_id in said["team"],
            not agents or row.agent_id in agents or (row.agent_id is None and "nobody" in agents),
            not said.get("tag") or bool(set(said["tag"]) & set(row.tags)),
        )
    )


async def test_any_mixture_of_filters_lists_exactly_what_it_says(
    busy: Web, worker_engine: AsyncEngine
) -> None:
    dice = random.Random(11)
    values = {
        "status": [one.value for one in STATUSES], "priority": [one.value for one in Priority],
        "channel": [one.value for one in Channel], "kind": [one.value for one in TicketKind],
        "team": ["team_one", "team_two"], "agent": ["me", "nobody", "a_dispatcher"], "tag": ["vip", "old"],
    }  # fmt: skip
    async with worker_engine.connect() as connection:
        everything = (await connection.execute(text("select * from tickets where id like 'T8%'"))).all()
    found_some = 0

    for _ in range(15):
        chosen = dice.sample(sorted(values), dice.randrange(1, 4))
        said = {name: dice.sample(values[name], dice.randrange(1, 3)) for name in chosen}
        rows = await every_page(busy, f"/tickets?view=open&{urlencode(said, doseq=True)}")
        found = {row["id"] for row in rows if str(row["id"]).startswith("T8")}

        assert found == {row.id for row in everything if fits(row, said)}, said
        found_some += bool(found)

    assert found_some > 5


async def test_whom_it_waits_for_and_what_breaks_today_narrow_too(
    busy: Web, worker_engine: AsyncEngine
) -> None:
    async with worker_engine.begin() as connection:
        await connection.execute(
            text(
                'insert into waits (workflow_id, key, subject, ticket_id, who, what, since, "then", may,'
                " details) values ('ticket:T800001', 'turn', 's', 'T800001', 'partner', 'agent', now(), '',"
                " '{}', '{}')"
            )
        )
        await connection.execute(text("update tickets set next_due = now() where id = 'T800002'"))

    waiting = await every_page(busy, "/tickets?view=open&who=partner&who=timer")
    breaking = await every_page(busy, "/tickets?view=open&breaks=today")

    assert [row["id"] for row in waiting] == ["T800001"]
    assert "T800002" in {row["id"] for row in breaking}


async def kept(web: Web, who: str = "agent", **said: Any) -> Any:
    given = {"command_id": "v1", "name": "Floods", "view": "open", "tag": "flood", **said}
    return await web.post("/tickets/views", who=who, headers=JSON, data=given)


async def test_a_view_is_kept_once_counted_and_stands_in_the_queue(busy: Web) -> None:
    first, again = await kept(busy), await kept(busy)
    id = first.json()["view"]

    page = (await busy.get("/tickets?view=open", who="agent", headers=JSON)).json()
    rows = await every_page(busy, "/tickets?view=open&tag=flood")
    shown = await busy.get(f"/tickets?view=open&tag=flood&saved={id}&lang=en", who="agent")
    beside = await busy.get(f"/tickets/T800001?queue={id}", who="agent")

    assert again.json()["view"] == id
    assert page["counts"][id] == len(rows) > 0
    assert shown.text.count("Floods") >= 1
    assert 'aria-current="page"' in shown.text.split("Floods")[0].rpartition("<a ")[2]
    assert f"queue={id}" in beside.text


async def test_only_who_leads_a_team_shares_and_only_the_team_sees_it(busy: Web) -> None:
    refused = await kept(busy, is_shared="yes")
    shared = await kept(busy, who="dispatcher", is_shared="yes", name="Ours")
    id = shared.json()["view"]

    mine = (await busy.get("/tickets", who="agent", headers=JSON)).json()["counts"]
    theirs = (await busy.get("/tickets", who="agent_other_team", headers=JSON)).json()["counts"]
    renamed = await busy.post(f"/tickets/views/{id}", who="agent", headers=JSON, data={"name": "Mine"})
    removed = await busy.post(
        f"/tickets/views/{id}/removal", who="agent", headers=JSON, data={"command_id": "x"}
    )

    assert refused.status_code == 422
    assert id in mine
    assert id not in theirs
    assert (renamed.status_code, removed.status_code) == (403, 403)


async def test_views_are_renamed_ordered_and_removed(busy: Web) -> None:
    one = (await kept(busy)).json()["view"]
    two = (await kept(busy, command_id="v2", name="Second")).json()["view"]

    placed = await busy.post(f"/tickets/views/{two}/place", who="agent", headers=JSON, data={"to": "up"})
    named = {"name": "Third", "with_filters": "yes", "view": "team"}
    await busy.post(f"/tickets/views/{two}", who="agent", headers=JSON, data=named)
    await busy.post(f"/tickets/views/{one}/removal", who="agent", headers=JSON, data={"command_id": "x"})
    page = await busy.get("/tickets/views", who="agent")
    counts = (await busy.get("/tickets?view=team", who="agent", headers=JSON)).json()["counts"]

    order = placed.json()["views"]
    assert order.index(two) < order.index(one)
    assert "Third" in page.text
    assert "Floods" not in page.text
    assert counts[two] == counts["team"]
    assert one not in counts


async def begun(web: Web, **said: Any) -> Any:
    given = {"command_id": "b1", "act": "priority", "priority": "p1", "ticket": ["T800001"], **said}
    return await web.post("/tickets/batches", who="agent", headers=JSON, data=given)


async def test_many_tickets_are_asked_once_and_only_those_that_may_be_seen(
    busy: Web, worker_engine: AsyncEngine
) -> None:
    tickets = ["T800001", "T2", "T800003", "T404"]

    first = await begun(busy, ticket=tickets)
    again = await begun(busy, ticket=tickets)
    page = (await busy.get(f"/tickets/batches/{first.json()['batch']}", who="agent", headers=JSON)).json()
    foreign = await busy.get(f"/tickets/batches/{first.json()['batch']}", who="dispatcher", headers=JSON)

    assert (first.status_code, again.json()) == (202, first.json())
    assert [line["ticket_id"] for line in page["lines"]] == ["T800001", "T800003"]
    assert foreign.status_code == 404
    async with worker_engine.connect() as connection:
        asked = text("select count(*) from outbox where workflow = 'TicketBatch'")
        assert await connection.scalar(asked) == 1


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"ticket": []}, 422), ({"act": "team"}, 422), ({"act": "note"}, 422), ({"act": "resolve"}, 422),
        ({"act": "team", "team_id": "team_none"}, 404), ({"ticket": ["T2"]}, 404), ({"act": "burn"}, 422),
        ({"act": "assign", "agent_id": "a_employee"}, 404),
    ],
)  # fmt: skip
async def test_a_batch_that_lacks_something_is_not_begun(busy: Web, said: Any, status: int) -> None:
    assert (await begun(busy, **said)).status_code == status


async def test_a_batch_is_taken_back_once_and_never_what_was_read(
    busy: Web, worker_engine: AsyncEngine
) -> None:
    async with AsyncSession(worker_engine) as session, session.begin():
        for id, act in (("tb_done", "team"), ("tb_note", "note"), ("tb_runs", "team")):
            status = BatchStatus.RUNNING if id == "tb_runs" else BatchStatus.DONE
            session.add(
                TicketBatch(id=id, act=act, asked_by="a_agent", asked_at=datetime.now(UTC), status=status)
            )
            await session.flush()
            session.add(
                TicketBatchLine(
                    batch_id=id, n=1, ticket_id="T800001", value="team_two", was="team_one",
                    status=LineStatus.DONE,
                )
            )  # fmt: skip

    answers = [
        await busy.post(f"/tickets/batches/{id}/undo", who="agent", headers=JSON, data={"command_id": "u"})
        for id in ("tb_done", "tb_done", "tb_note", "tb_runs")
    ]

    assert [one.status_code for one in answers] == [202, 202, 409, 409]
    assert answers[0].json() == answers[1].json()
    async with worker_engine.connect() as connection:
        asked = text("select value, expects, status from ticket_batch_lines where batch_id = 'tb_doneu'")
        assert [tuple(row) for row in await connection.execute(asked)] == [
            ("team_one", "team_two", "waiting")
        ]  # fmt: skip


async def test_who_has_a_ticket_open_is_seen_by_others_for_a_while_and_by_name_alone(
    busy: Web, worker_engine: AsyncEngine
) -> None:
    async def others(who: str, ticket: str = "T800001") -> Any:
        return (await busy.get(f"/tickets/{ticket}/presence", who=who, headers=JSON)).json()

    said = {"doing": "typing"}
    await busy.post("/tickets/T800001/presence", who="agent", headers=JSON, data=said)
    seen, own = await others("dispatcher"), await others("agent")
    marks = (await busy.get("/tickets?view=open", who="dispatcher", headers=JSON)).json()["present"]
    hidden = await busy.post("/tickets/T2/presence", who="agent", headers=JSON, data=said)
    async with worker_engine.begin() as connection:
        await connection.execute(text("update ticket_presence set seen_at = now() - interval '1 minute'"))
    later = await others("dispatcher")

    assert seen == {"ticket_id": "T800001", "others": [{"name": "agent", "is_typing": True}]}
    assert own["others"] == []
    assert marks["T800001"] == ["agent"]
    assert hidden.status_code == 404
    assert later["others"] == []


async def test_a_ticket_is_sorted_and_what_is_missing_is_said(busy: Web) -> None:
    sent = {"command_id": "s1", "priority": "p1", "from_priority": "p3"}
    done = await busy.post("/tickets/T800001/sorting", who="agent", headers=JSON, data=sent)
    empty = await busy.post("/tickets/T800001/sorting", who="agent", headers=JSON, data={"command_id": "s2"})
    foreign = {"command_id": "s3", "team_id": "team_none"}
    absent = await busy.post("/tickets/T800001/sorting", who="agent", headers=JSON, data=foreign)

    assert (done.status_code, empty.status_code, absent.status_code) == (202, 422, 404)


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize(
    "path",
    [
        "/tickets?view=open&status=open&agent=me&agent=nobody&team=team_one&tag=vip&breaks=today",
        "/tickets/filters?view=open&tag=vip", "/tickets/views?view=open&priority=p1&saved=qv_one",
        "/tickets/batches/new?ticket=T1&ticket=T2", "/tickets/batches/tb_one", "/tickets/T1?queue=qv_one",
    ],
)  # fmt: skip
async def test_every_page_around_the_queue_is_drawn_in_both_languages(
    web: Web, path: str, language: str
) -> None:
    page = await web.get(f"{path}{'&' if '?' in path else '?'}lang={language}", who="agent")

    assert page.status_code == 200
    assert f'<html lang="{language}"' in page.text


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/tickets/filters", "filter_form"), ("/tickets/batches/new", "bulk_form"),
        ("/tickets/batches/tb_one", "batch_progress"), ("/tickets/T1/presence", "present"),
    ],
)  # fmt: skip
async def test_a_part_that_loads_by_itself_stands_alone(web: Web, path: str, part: str) -> None:
    answer = await web.get(path, who="agent", headers={"HX-Request": "true", "HX-Target": part})

    assert answer.status_code == 200
    assert f'id="{part}"' in answer.text
    assert "<html" not in answer.text
