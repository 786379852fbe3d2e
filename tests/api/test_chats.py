"""Chat: a customer or a visitor writes, the desk answers, and nobody reads what is not theirs."""

import psycopg
import pytest

from api.kit.throttles import Limits
from tests.api.web import Web
from tests.conftest import Database

NEW = {"submission_key": "chat-key-1", "body": "The pump is loud\nand hot"}
JSON = {"Accept": "application/json"}


async def visitor(web: Web, **more: str) -> str:
    """Begin a chat without signing in; the address of its page."""
    answer = await web.post("/chat", data={**NEW, "name": "Jiwoo", **more})
    assert answer.status_code == 303, answer.text[:400]
    return answer.headers["location"]


def rows(database: Database, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database.owner_url) as owner:
        return owner.execute(query).fetchall()


async def at_link(web: Web, method: str, path: str, **more: object) -> object:
    """A visitor's request from our own page; their word against forgery stands in it."""
    async with web.client() as client:
        page = await client.get(path.split("/chat")[0] + "/chat", headers={"Accept": "text/html"})
        word = page.text.split('name="_csrf" value="', 1)[1].split('"', 1)[0]
        headers = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html", "X-CSRF-Token": word}
        return await client.request(method, path, headers=headers, **more)  # type: ignore[arg-type]


async def test_a_visitor_writes_and_reads_the_answer_without_scripts(
    own_web: Web, database: Database
) -> None:
    where = await visitor(own_web, email="jiwoo@example.com")
    said = await at_link(own_web, "POST", where, data={"command_id": "c1", "body": "Hello?"})
    [(ticket,)] = rows(
        database, "select id from tickets where channel = 'chat' and submission_key like 'chat:%'"
    )
    replied = await own_web.post(
        f"/tickets/{ticket}/replies", who="agent", headers=JSON,
        data={"command_id": "r1", "kind": "reply", "body": "We are looking"},
    )  # fmt: skip
    page = await at_link(own_web, "GET", where)

    assert said.status_code == 303
    assert replied.status_code in (200, 202), replied.text
    for words in ("The pump is loud", "Hello?", "We are looking"):
        assert words in page.text
    said = rows(database, f"select channel from ticket_messages where ticket_id = '{ticket}'")
    assert said == [("chat",)] * 3
    assert rows(database, f"select visitor, contact from chats where id = '{ticket}'") == [
        ("Jiwoo", "jiwoo@example.com")
    ]
    assert rows(database, f"select workflow from outbox where workflow_id = 'chat:{ticket}'") == [("Chat",)]


async def test_the_same_form_is_one_chat_with_one_link(own_web: Web, database: Database) -> None:
    assert await visitor(own_web) == await visitor(own_web)
    assert rows(database, "select count(*) from tickets where submission_key like 'chat:%'") == [(1,)]


async def test_a_visitor_who_gives_somebodys_address_becomes_nobody_we_know(
    own_web: Web, database: Database
) -> None:
    """An address that only was typed opens nothing of its owner, and shows no name."""
    where = await visitor(own_web, email="xone@example.com", phone="010-1000-0001")
    page = await at_link(own_web, "GET", where)

    [(customer, email, phone)] = rows(
        database,
        "select c.id, c.email, c.phone from tickets t join customers c on c.id = t.customer_id"
        " where t.submission_key like 'chat:%'",
    )
    assert customer != "c_one"
    assert (email, phone) == (None, None)
    assert "x one" not in page.text


async def test_a_signed_in_customer_chats_on_their_own_ticket(own_web: Web, database: Database) -> None:
    answer = await own_web.post(
        "/chat", who="customer_own", data={**NEW, "_csrf": own_web.csrf("customer_own")}
    )
    where = answer.headers["location"]

    assert where.startswith("/tickets/T")
    for who, status in (("customer_own", 200), ("customer_other", 404), ("anonymous", 303)):
        assert (await own_web.get(where, who=who)).status_code == status, who
    assert rows(database, "select customer_id from tickets where submission_key like 'chat:%'") == [
        ("c_one",)
    ]


async def test_presence_typing_and_the_strip_of_the_desk(own_web: Web, database: Database) -> None:
    answer = await own_web.post("/chat", who="customer_own", data=NEW)
    where = answer.headers["location"]
    ticket = where.split("/")[2]
    strip = {"HX-Request": "true", "Accept-Language": "en"}
    before = (await own_web.get(f"/channels/chats/{ticket}", who="agent", headers=strip)).text
    await own_web.post(f"{where}/presence", who="customer_own", headers={"HX-Request": "true"})
    there = (await own_web.get(f"/channels/chats/{ticket}", who="agent", headers=strip)).text
    await own_web.post(f"{where}/typing", who="customer_own", headers=JSON)
    writes = (await own_web.get(f"/channels/chats/{ticket}", who="agent", headers=JSON)).json()
    draft = {"kind": "reply", "body": "We"}
    await own_web.post(f"/tickets/{ticket}/draft", who="agent", headers=JSON, data=draft)
    page = await own_web.get(where, who="customer_own")

    assert before != there
    assert writes["is_typing"] is True
    assert 'id="chat_typing"' in page.text


async def test_a_note_is_nothing_for_the_chat(own_web: Web) -> None:
    answer = await own_web.post("/chat", who="customer_own", data=NEW)
    where = answer.headers["location"]
    ticket = where.split("/")[2]
    await own_web.post(
        f"/tickets/{ticket}/notes", who="agent", headers=JSON,
        data={"command_id": "n1", "kind": "note", "body": "Difficult person"},
    )  # fmt: skip

    assert "Difficult" not in (await own_web.get(where, who="customer_own")).text


async def test_a_ticket_that_is_no_chat_has_no_chat_page(web: Web) -> None:
    for path in ("/tickets/T1/chat", "/tickets/T1/chat/presence"):
        method = "POST" if path.endswith("presence") else "GET"
        assert (await web.send(method, path, who="customer_own")).status_code == 404


@pytest.mark.parametrize("body", ["", "   ", "x" * 2_001, "a\x00b"])
async def test_what_cannot_be_said_comes_back_as_it_was(own_web: Web, body: str) -> None:
    answer = await own_web.post("/chat", data={**NEW, "name": "Jiwoo", "body": body})

    assert answer.status_code == 422
    assert "Jiwoo" in answer.text


async def test_a_visitor_says_their_name_and_not_too_often(own_web: Web) -> None:
    nameless = await own_web.post("/chat", data=NEW)
    own_web.app.state.limits = Limits(chats=0)
    often = await own_web.post("/chat", data={**NEW, "name": "Jiwoo"})

    assert nameless.status_code == 422
    assert often.status_code == 429


async def test_a_visitors_link_ends_with_nobody_elses_ticket(own_web: Web, database: Database) -> None:
    """The door that makes a visitor's link makes none for a ticket that is not a fresh chat of a visitor."""
    with psycopg.connect(database.app_url) as app:
        app.execute("select set_config('ieum.kind', 'intake', false)")
        app.execute("select chat_link('T1', %s)", ("0" * 64,))
        app.commit()
    assert rows(database, f"select count(*) from signed_links where token_hash = '{'0' * 64}'") == [(0,)]
