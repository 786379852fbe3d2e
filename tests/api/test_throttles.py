"""Whoever comes too often is asked to wait, loses nothing that was typed, and stops nobody else."""

from uuid import uuid4

import psycopg
import pytest

from api.kit.throttles import Limits
from tests.api.web import Web
from tests.conftest import Database


def fault() -> dict[str, str]:
    return {
        "submission_key": uuid4().hex, "subject": "No picture since Monday", "description": "It stays black.",
        "name": "Mina Test", "phone": "010-7777-1234", "address": "Seoul 1",
    }  # fmt: skip


async def test_a_report_too_many_keeps_what_was_typed(own_web: Web) -> None:
    statuses = [(await own_web.post("/report", data=fault())).status_code for _ in range(10)]
    sent = fault()
    page = await own_web.post("/report", data=sent)

    assert set(statuses) == {303}
    assert page.status_code == 429
    assert page.headers["retry-after"] == "600"
    for typed in sent.values():
        assert typed in page.text
    assert 'action="/report"' in page.text


async def test_all_reports_together_have_a_limit_too(own_web: Web) -> None:
    own_web.app.state.limits = Limits(reports=1000, everybody=3)

    statuses = [(await own_web.post("/report", data=fault())).status_code for _ in range(4)]

    assert statuses == [303, 303, 303, 429]


async def test_after_the_window_one_may_come_again(own_web: Web, database: Database) -> None:
    for _ in range(11):
        last = await own_web.post("/report", data=fault())
    with psycopg.connect(database.worker_url) as worker:
        worker.execute("update sign_in_throttles set window_start = now() - interval '11 minutes'")

    assert last.status_code == 429
    assert (await own_web.post("/report", data=fault())).status_code == 303


async def test_links_are_not_guessed(own_web: Web) -> None:
    own_web.app.state.limits = Limits()
    statuses = [(await own_web.get(f"/links/{number:064}")).status_code for number in range(32)]

    assert set(statuses[:30]) == {404}
    assert statuses[-1] == 429


async def test_a_good_link_still_opens_beside_somebody_who_guesses(own_web: Web) -> None:
    own_web.app.state.limits = Limits(guesses=1)
    for number in range(5):
        await own_web.get(f"/links/{number:064}")

    token = own_web.company.tokens["link_follow"]
    assert (await own_web.get(f"/links/{token}", who="link_follow")).status_code == 200


async def test_a_link_that_acts_too_often_waits_and_keeps_what_was_typed(own_web: Web) -> None:
    own_web.app.state.limits = Limits(acts=2)
    path = f"/links/{own_web.company.tokens['link_follow']}/messages"
    words = "It started again & <again> this morning."
    answers = [
        await own_web.post(path, who="link_follow", data={"command_id": uuid4().hex, "body": words})
        for _ in range(3)
    ]

    assert [answer.status_code for answer in answers] == [303, 303, 429]
    assert "It started again &amp; &lt;again&gt; this morning." in answers[-1].text
    assert 'name="body"' in answers[-1].text


async def test_no_password_is_kept_on_a_page_that_says_later(own_web: Web) -> None:
    for _ in range(12):
        page = await own_web.post("/sign-in", data={"login": "agent@example.com", "password": "never shown"})

    assert page.status_code == 429
    assert "never shown" not in page.text
    assert "agent@example.com" in page.text


@pytest.mark.parametrize("who", ["link_follow", "link_pay"])
async def test_looking_is_free(own_web: Web, who: str) -> None:
    own_web.app.state.limits = Limits(acts=1, guesses=1)
    path = f"/links/{own_web.company.tokens[who]}"

    statuses = {(await own_web.get(path, who=who)).status_code for _ in range(8)}

    assert statuses <= {200, 303}
