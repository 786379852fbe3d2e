"""Mails on their pages: originals as harmless text, pages locked in, every look written down."""

from pathlib import Path

import nh3
import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from api.tickets.mail_html import POLICY, cleaned, page
from tests.api.web import Web, web_on
from tests.builders.company import Company
from tests.conftest import Database

RAW = b"From: mina@example.test\r\nSubject: <b>x</b>\r\n\r\n<script>alert(1)</script>\x00\x1b[2Jend\r\n"
PICTURE = {"pic@x": ("image/png", b"\x89PNG")}


@pytest.fixture(scope="module")
async def desk(company: Company, walled_engine: AsyncEngine, tmp_path_factory: pytest.TempPathFactory) -> Web:
    folder = tmp_path_factory.mktemp("files")
    for name in ("rawml1", "rawml_held"):
        (folder / name).write_bytes(RAW)
    return web_on(walled_engine, company, files_dir=folder)


async def test_an_original_is_shown_as_text_and_the_look_is_written_down(
    desk: Web, shared_database: Database
) -> None:
    answer = await desk.get("/tickets/mails/ml1", who="agent")

    assert answer.status_code == 200
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\x00\\x1b[2Jend" in answer.text
    with psycopg.connect(shared_database.owner_url) as owner:
        found = owner.execute(
            "select actor_id, subject_id from personal_data_accesses where action = 'tickets.mail_read'"
        ).fetchall()
    assert ("a_agent", "c_one") in found


async def test_the_file_itself_is_never_opened_by_a_browser(desk: Web) -> None:
    answer = await desk.get("/tickets/mails/ml1/original", who="agent")

    assert answer.content == RAW
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename=ml1.eml"
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_a_mails_own_page_is_locked_in(desk: Web) -> None:
    answer = await desk.get("/tickets/mails/ml1/page", who="agent")

    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == POLICY
    assert "allow-scripts" not in POLICY
    assert "allow-same-origin" not in POLICY


@pytest.mark.parametrize("path", ["", "/original", "/page"])
@pytest.mark.parametrize("who", ["customer_own", "technician_assigned", "finance", "employee", "anonymous"])
async def test_originals_are_for_the_desk(desk: Web, who: str, path: str) -> None:
    assert (await desk.get(f"/tickets/mails/ml1{path}", who=who)).status_code in (303, 401, 403, 404)


async def test_the_mail_of_a_ticket_that_one_may_not_see_is_not_there(desk: Web) -> None:
    """ml2 belongs to a confidential ticket of another team."""
    answers = [await desk.get(f"/tickets/mails/{one}", who="agent") for one in ("ml2", "nothing")]
    listed = await desk.get("/tickets/mails?status=threaded", who="agent")

    assert [one.status_code for one in answers] == [404, 404]
    assert "/tickets/mails/ml1" in listed.text
    assert "/tickets/mails/ml2" not in listed.text


async def test_what_is_held_back_stands_in_the_list_with_its_verdicts(desk: Web) -> None:
    answer = await desk.get("/tickets/mails", who="agent", headers={"Accept-Language": "en"})

    assert "/tickets/mails/ml_held/release" in answer.text
    assert "/tickets/mails/ml_held/dismissal" in answer.text


async def test_a_verdict_is_kept_while_temporal_is_away_and_said_once(
    desk: Web, shared_database: Database
) -> None:
    for _ in range(2):
        answer = await desk.post(
            "/tickets/mails/ml_held/release", who="agent", data={"command_id": "v1"},
            headers={"Accept": "application/json"},
        )  # fmt: skip
        assert answer.status_code == 202

    with psycopg.connect(shared_database.owner_url) as owner:
        said = owner.execute(
            "select name, actor_id from outbox where workflow_id = 'mail:ml_held'"
        ).fetchall()
    assert said == [("release", "a_agent")]


async def test_nothing_is_decided_about_a_mail_that_has_its_place(desk: Web) -> None:
    answer = await desk.post(
        "/tickets/mails/ml1/dismissal", who="agent", data={"command_id": "v2"},
        headers={"Accept": "application/json"},
    )  # fmt: skip

    assert (answer.status_code, answer.json()["code"]) == (409, "mail_not_held_back")


async def test_the_ticket_links_the_original_for_the_desk_only(desk: Web) -> None:
    desk_page = await desk.get("/tickets/T1", who="agent")
    own_page = await desk.get("/tickets/T1", who="customer_own")

    assert "/tickets/mails/ml1" in desk_page.text
    assert own_page.status_code == 200
    assert "/tickets/mails" not in own_page.text


ACTIVE = (
    "<script",
    "javascript:",
    "onerror",
    "onload",
    "onclick",
    "<iframe",
    "<form",
    "<svg",
    "<style",
    "<meta",
)


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<a href='java\tscript:alert(1)'>x</a>",
        "<a href=' javascript:alert(1)'>x</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
        "<svg onload=alert(1)><a xlink:href='javascript:alert(1)'>x</a></svg>",
        "<<script>script>alert(1)<</script>/script>",
        "<form action=https://evil.test><input name=password></form>",
        "<iframe src=https://evil.test></iframe><meta http-equiv=refresh content=0;url=https://evil.test>",
        "<style>@import url(https://evil.test)</style><p style='background:url(https://evil.test)'>x</p>",
        "<math><mtext></p><style><img src=x onerror=alert(1)></style></mtext></math>",
        "<div>" * 20_000 + "deep",
    ],
    ids=lambda html: html[:24],
)
def test_nothing_in_a_cleaned_page_is_active(html: str) -> None:
    shown = cleaned(html, {})

    assert not [one for one in ACTIVE if one in shown.lower()]
    assert "evil.test" not in shown
    assert (
        nh3.clean(shown, link_rel=None, attributes={"a": {"href", "target", "rel"}}) == shown or "<a" in shown
    )


def test_pictures_are_the_ones_that_came_along() -> None:
    html = "<img src='cid:pic@x'><img src='cid:other'><img src='https://evil.test/track.gif' width=1>"

    shown = cleaned(html, PICTURE)

    assert shown.count("<img") == 3
    assert shown.count("src=") == 1
    assert 'src="data:image/png;base64,iVBORw=="' in shown
    assert "evil.test" not in shown


def test_links_lead_out_without_saying_where_from() -> None:
    shown = page("a </title><script>", "<a href='https://shop.test/x' onclick='x'>x</a>", {})

    assert '<a href="https://shop.test/x" target="_blank" rel="noopener noreferrer nofollow">x</a>' in shown
    assert "<script>" not in shown


async def test_a_mail_that_was_forgotten_says_so(
    own_web: Web, worker_engine: AsyncEngine, tmp_path: Path
) -> None:
    async with worker_engine.begin() as connection:
        await connection.exec_driver_sql(
            "update inbound_mails set stored_as = null, html = '' where id = 'ml1'"
        )

    shown = await own_web.get("/tickets/mails/ml1", who="agent", headers={"Accept-Language": "en"})

    assert "삭제 요청에 따라" in shown.text
    for path in ("original", "page"):
        assert (await own_web.get(f"/tickets/mails/ml1/{path}", who="agent")).status_code == 404
