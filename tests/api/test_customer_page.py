"""A customer all round: what their page says and to whom, and that notes and tiers are kept rightly."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.api.web import Web, web_on
from tests.builders.company import Company

JSON = {"Accept": "application/json"}
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def desk(own_company: Company, app_engine: AsyncEngine) -> Web:
    """A desk of its own."""
    return web_on(app_engine, own_company)


async def test_the_page_says_what_is_under_way_and_what_was_agreed_to(web: Web) -> None:
    page = (await web.get("/customers/c_one", who="agent", headers=JSON)).json()

    waits = {wait["workflow_id"] for wait in page["waits"]}
    assert "ticket:T1" in waits
    assert all(wait["sentence"] for wait in page["waits"])
    assert dict(page["consents"]).keys() == {"terms", "privacy", "marketing", "third_party"}
    assert [note["id"] for note in page["book"]["notes"]] == ["nt1"]


async def test_waits_of_hidden_tickets_are_not_told(web: Web) -> None:
    """T2 of c_two is confidential of team two, T3 of team one."""
    seen = {}
    for who in ("agent", "agent_other_team", "admin"):
        page = (await web.get("/customers/c_two", who=who, headers=JSON)).json()
        seen[who] = {wait["workflow_id"] for wait in page["waits"]} & {"ticket:T2", "ticket:T3", "ticket:T5"}

    assert seen == {
        "agent": {"ticket:T3", "ticket:T5"}, "agent_other_team": {"ticket:T2", "ticket:T5"},
        "admin": {"ticket:T5"},
    }  # fmt: skip


async def test_contracts_bills_and_contacts_come_after_the_page(web: Web) -> None:
    around = (await web.get("/customers/c_one/around", who="agent", headers=JSON)).json()
    piece = await web.get("/customers/c_one/around", who="agent", headers={**FRAGMENT, "HX-Target": "around"})

    assert [one["id"] for one in around["contracts"]] == ["S1-1"]
    assert "O1" in [one["id"] for one in around["orders"]]
    assert {one["ticket_id"] for one in around["touches"]} & {"T1", "T4", "T6"}
    assert not {one["ticket_id"] for one in around["touches"]} & {"T2", "T3", "T5"}
    assert piece.text.lstrip().startswith('<section class="stack" id="around"')


@pytest.mark.parametrize(("path", "most"), [("/customers/c_one", 16), ("/customers/c_one/around", 18)])
async def test_the_panels_ask_no_more_for_more_rows(
    desk: Web, worker_engine: AsyncEngine, app_engine: AsyncEngine, path: str, most: int
) -> None:
    asked: list[str] = []
    event.listen(
        app_engine.sync_engine,
        "before_cursor_execute",
        lambda _c, _k, sql, *_: asked.append(sql),
        named=False,
    )
    await desk.get(path, who="agent")
    asked.clear()

    await desk.get(path, who="agent")
    few = len(asked)
    async with worker_engine.begin() as connection:
        for n in range(30):
            await connection.execute(
                text(
                    "insert into customer_notes (id, customer_id, author_id, body, is_pinned, made_at)"
                    " values (:id, 'c_one', 'a_agent', 'x', false, now())"
                ),
                {"id": f"more{n}"},
            )
        await connection.execute(
            text(
                'insert into waits (workflow_id, key, subject, ticket_id, who, what, since, "then", may,'
                " details)"
                " select 'more:' || n, 'answer', 'more', 'T1', 'us', 'answer', now(), '', '{}', '{}'"
                " from generate_series(1, 30) n"
            )
        )
    asked.clear()
    await desk.get(path, who="agent")

    assert len(asked) == few <= most


async def test_a_note_is_kept_once_and_a_pinned_one_stands_first(desk: Web) -> None:
    sent = {"submission_key": "key-1", "body": "VIP.\n전화 먼저"}
    first = await desk.post("/customers/c_one/notes", who="agent", data=sent)
    again = await desk.post("/customers/c_one/notes", who="agent", data=sent)
    empty = await desk.post(
        "/customers/c_one/notes", who="agent", data={**sent, "body": " "}, headers=FRAGMENT
    )
    pinned = await desk.post("/customers/c_one/notes/nt1/pin", who="agent", data={"is_pinned": "true"})

    page = (await desk.get("/customers/c_one", who="finance", headers=JSON)).json()
    notes = [(note["id"], note["is_pinned"], note["author"]) for note in page["book"]["notes"]]
    assert (first.status_code, again.status_code, empty.status_code, pinned.status_code) == (
        303,
        303,
        422,
        303,
    )
    assert notes == [("nt1", True, "agent"), ("nt_a_agent_key-1", False, "agent")]
    assert page["book"]["may_write"] is False


async def test_a_note_of_one_customer_is_not_pinned_through_another(desk: Web) -> None:
    answer = await desk.post("/customers/c_one/notes/nt2/pin", who="agent", data={"is_pinned": "false"})

    assert answer.status_code == 404


async def test_a_note_says_who_wrote_it_and_nobody_else(app_engine: AsyncEngine, desk: Web) -> None:
    """The database itself refuses a note in somebody else's name."""
    say = "select set_config('ieum.kind', 'staff', true), set_config('ieum.roles', 'agent', true),"
    async with app_engine.begin() as connection:
        await connection.execute(text(f"{say} set_config('ieum.person', 'a_agent', true)"))
        forged = text(
            "insert into customer_notes (id, customer_id, author_id, body, is_pinned, made_at)"
            " values ('forged', 'c_one', 'a_admin', 'x', false, :now)"
        )
        with pytest.raises(Exception, match="row-level security"):
            await connection.execute(forged, {"now": datetime.now(UTC)})


async def test_the_rule_of_the_tiers_is_data(desk: Web, worker_engine: AsyncEngine) -> None:
    async with worker_engine.begin() as connection:
        await connection.execute(
            text("update payment_allocations set amount_minor = 100, at = :at where invoice_id = 'I1-1'"),
            {"at": datetime.now(UTC) - timedelta(days=10)},
        )
    before = (await desk.get("/customers/c_one", who="admin", headers=JSON)).json()["value"]
    rule = {"months": "1", "silver_minor": "50", "gold_minor": "90"}
    wrong = await desk.post(
        "/customers/tiers", who="admin", data={**rule, "gold_minor": "40"}, headers=FRAGMENT
    )
    not_theirs = await desk.post("/customers/tiers", who="agent", data=rule)
    changed = await desk.post("/customers/tiers", who="admin", data=rule)

    after = (await desk.get("/customers/c_one", who="admin", headers=JSON)).json()["value"]
    given = await desk.post("/customers/c_one/tier", who="agent", data={})
    card = (await desk.get("/customers/c_one", who="agent", headers=JSON)).json()["card"]
    assert (wrong.status_code, not_theirs.status_code, changed.status_code) == (422, 403, 303)
    assert (before["version"], before["tier"]) == (1, "standard")
    assert (after["version"], after["tier"], after["months"]) == (2, "gold", 1)
    assert (given.status_code, card["tier"], card["version"]) == (303, "gold", 2)


@pytest.mark.parametrize("who", ["agent", "finance", "admin"])
@pytest.mark.parametrize("language", ["ko", "en"])
async def test_the_pages_are_drawn_in_both_languages(web: Web, who: str, language: str) -> None:
    for path in ("/customers/c_one", "/customers/c_one/around", "/customers/tiers", "/home/search"):
        page = await web.get(f"{path}?lang={language}", who=who)
        assert page.status_code == 200, path
        assert f'<html lang="{language}"' in page.text
