"""The queue and one ticket as people read them over HTTP, and what nobody else may read."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from models.messages.tickets import Channel, Priority, TicketStatus
from models.tickets import Ticket
from tests.api.web import Web, web_on
from tests.builders.company import Company

PAGES = ("/tickets?view=open", "/tickets/T1", "/tickets/new", "/tickets/new?customer=c_one", "/home")
FRAGMENT = {"HX-Request": "true"}
JSON = {"Accept": "application/json"}
NOTE = "internal-secret note"


@pytest.fixture
async def busy(own_company: Company, worker_engine: AsyncEngine, app_engine: AsyncEngine) -> Web:
    """A desk of its own with 130 tickets, some without a deadline and some over."""
    now = datetime.now(UTC)
    async with AsyncSession(worker_engine) as session, session.begin():
        session.add_all(queued(number, now) for number in range(130))
    return web_on(app_engine, own_company)


def queued(number: int, now: datetime) -> Ticket:
    return Ticket(
        id=f"T9{number:05d}", submission_key=f"busy{number}", customer_id="c_one", channel=Channel.EMAIL,
        subject=f"Busy {number}", team_id="team_one", agent_id="a_agent" if number % 3 == 0 else None,
        status=TicketStatus.CLOSED if number % 10 == 9 else TicketStatus.OPEN, is_over=number % 10 == 9,
        priority=Priority.P1 if number % 5 == 0 else Priority.P3, created_at=now, updated_at=now,
        next_due=None if number % 13 == 0 else now + timedelta(minutes=number // 2),
    )  # fmt: skip


async def every_page(web: Web, path: str) -> list[dict[str, object]]:
    """All rows of a view, page after page."""
    rows: list[dict[str, object]] = []
    while path:
        answer = (await web.get(path, who="agent", headers=JSON)).json()
        rows, path = rows + answer["rows"], answer["next"]
    return rows


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["ko", "en"])
async def test_every_page_of_the_desk_is_drawn_in_both_languages(web: Web, path: str, language: str) -> None:
    asked = path + ("&" if "?" in path else "?") + f"lang={language}"

    page = await web.get(asked, who="agent")

    assert page.status_code == 200
    assert f'<html lang="{language}"' in page.text


@pytest.mark.parametrize("target", ["ticket_state", "composer", "timeline", "beside", "ticket_head"])
async def test_every_part_of_a_ticket_can_be_drawn_alone(web: Web, target: str) -> None:
    part = await web.get("/tickets/T1", who="agent", headers={**FRAGMENT, "HX-Target": target})

    assert part.status_code == 200
    assert "<html" not in part.text
    assert 'id="timeline"' in part.text


@pytest.mark.parametrize("view", ["mine", "unassigned", "team", "today", "open"])
async def test_a_view_counts_exactly_the_rows_that_it_lists(busy: Web, view: str) -> None:
    rows = await every_page(busy, f"/tickets?view={view}")

    counts = (await busy.get(f"/tickets?view={view}", who="agent", headers=JSON)).json()["counts"]

    assert len(rows) == counts[view] > 0
    assert len({row["id"] for row in rows}) == len(rows)


async def test_the_queue_goes_by_the_next_deadline_and_undated_tickets_come_last(busy: Web) -> None:
    rows = await every_page(busy, "/tickets?view=open")

    dues = [row["next_due"] for row in rows]
    dated = [due for due in dues if due is not None]

    assert dated == sorted(dated)
    assert None in dues
    assert dues[len(dated) :] == [None] * (len(dues) - len(dated))


async def kept(web: Web, words: str) -> str:
    """The address of the queue narrowed by these words, which do not stand in it."""
    sent = {"q": words, "to": "/tickets", "more.view": "open"}
    return str((await web.post("/home/words", who="agent", data=sent)).headers["location"])


async def test_filters_narrow_and_search_finds_by_number_and_by_part_of_the_subject(busy: Web) -> None:
    urgent = await every_page(busy, "/tickets?view=open&priority=p1")
    by_number = await every_page(busy, "/tickets?view=open&q=t900007")
    by_words = await every_page(busy, await kept(busy, "usy 12"))
    by_wildcard = await every_page(busy, await kept(busy, "%"))

    assert {row["priority"] for row in urgent} == {"p1"}
    assert [row["id"] for row in by_number] == ["T900007"]
    assert {row["subject"] for row in by_words} >= {"Busy 12", "Busy 120"}
    assert by_wildcard == []


async def test_a_page_of_the_queue_takes_four_queries_however_many_rows_it_has(
    busy: Web, app_engine: AsyncEngine
) -> None:
    asked: list[str] = []

    def count(_: object, __: object, statement: str, *___: object) -> None:
        if "set_config" not in statement and "door_session" not in statement:
            asked.append(statement)

    event.listen(app_engine.sync_engine, "before_cursor_execute", count)
    await busy.get("/tickets?view=open", who="agent")
    full = len(asked)
    asked.clear()
    await busy.get("/tickets?view=open&q=T900007", who="agent")

    assert 0 < len(asked) <= full <= 4


async def test_shown_rows_keep_their_order_and_new_ones_are_only_announced(busy: Web) -> None:
    rows = await every_page(busy, "/tickets?view=open")
    shown = [str(row["id"]) for row in reversed(rows[1:4])]

    part = await busy.get(
        "/tickets/rows?view=open&" + "&".join(f"shown={key}" for key in shown), who="agent", headers=FRAGMENT
    )

    assert re.findall(r'id="row_(\w+)"', part.text) == shown
    assert "47" in re.sub(r"<[^>]+>", "", part.text[part.text.index('id="queue_news"') :])


async def test_the_rows_address_shows_no_row_that_the_list_would_hide(busy: Web) -> None:
    part = await busy.get("/tickets/rows?view=open&shown=T2&shown=T3", who="agent", headers=FRAGMENT)

    assert re.findall(r'id="row_(\w+)"', part.text) == ["T3"]


async def test_a_foreign_ticket_answers_like_one_that_does_not_exist(web: Web) -> None:
    for who, foreign in (("agent", "T2"), ("customer_own", "T5"), ("customer_other", "T1")):
        answers = [await web.get(f"/tickets/{key}", who=who, headers=JSON) for key in (foreign, "T404")]

        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].text == answers[1].text


@pytest.mark.parametrize("who", ["customer_own", "link_follow", "link_confirm", "link_rate"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
async def test_no_customer_ever_reads_a_note(
    web: Web, company: Company, open_engine: AsyncEngine, who: str, accept: str
) -> None:
    await write_note(open_engine)
    path = f"/links/{company.tokens[who]}" if who.startswith("link_") else "/tickets/T1"

    page = await web.get(path, who=who, headers={"Accept": accept})
    desk = await web.get("/tickets/T1", who="agent", headers={"Accept": accept})

    assert page.status_code == 200
    assert "x inbound" in page.text
    assert NOTE not in page.text
    assert "x note" not in page.text
    assert 'note":"x' not in page.text
    assert NOTE in desk.text


async def write_note(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session, session.begin():
        await session.execute(
            Ticket.metadata.tables["ticket_messages"]
            .update()
            .values(body=NOTE)
            .where(Ticket.metadata.tables["ticket_messages"].c.id == "m1note")
        )


async def test_a_ticket_shows_its_customer_masked(web: Web) -> None:
    page = await web.get("/tickets/T1", who="agent")

    assert "+82101" not in page.text
    assert "xone@example.com" not in page.text
    assert "010-****-" in page.text


async def test_what_is_not_possible_now_says_why(web: Web) -> None:
    page = (await web.get("/tickets/T1?lang=en", who="agent", headers=JSON)).json()

    assert page["why_not"]["resolve"] == "A visit is already under way for this ticket."
    assert page["why_not"]["reply"] == ""


async def test_a_draft_is_kept_for_its_writer_alone(web: Web) -> None:
    words = "half a sentence"
    kept = await web.post(
        "/tickets/T4/draft", who="agent", headers=JSON, data={"body": words, "kind": "note"}
    )

    mine = await web.get("/tickets/T4", who="agent")
    theirs = await web.get("/tickets/T4", who="agent_other_team")

    assert kept.json()["is_kept"] is True
    assert words in mine.text
    assert words not in theirs.text
