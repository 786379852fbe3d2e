"""No other site acts in our people's name, and looking changes nothing."""

import psycopg
import pytest

from api.kit.routes import SYSTEM, rules
from tests.api.walk import address_of, dump
from tests.api.web import ORIGIN, Web
from tests.conftest import Database

FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "", "Origin": ORIGIN},
    {"Origin": "null"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost:8000.evil.example"},
    {},
]


def changes(web: Web) -> list[tuple[str, str]]:
    return [
        (rule.method, address_of(rule, web.company))
        for rule in rules(web.app)
        if rule.method not in ("GET", "HEAD") and not rule.may & SYSTEM
    ]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_every_change_from_elsewhere_is_stopped(
    web: Web, shared_database: Database, headers: dict[str, str]
) -> None:
    with psycopg.connect(shared_database.worker_url) as before:
        was = dump(before, ("sign_in_throttles",))

    for method, path in changes(web):
        async with web.client() as client:
            sent = {"Cookie": f"ieum={web.company.tokens['admin']}", "Accept": "application/json", **headers}
            answer = await client.request(method, path, headers=sent)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site"), (method, path)

    with psycopg.connect(shared_database.worker_url) as after:
        assert dump(after, ("sign_in_throttles",)) == was
    assert changes(web)


async def test_a_change_needs_the_word_of_its_own_session(web: Web) -> None:
    for word in ("", "wrong", web.csrf("admin")):
        answer = await web.post("/me/sessions/end", who="agent", headers={"X-CSRF-Token": word})
        assert answer.status_code == 403

    answer = await web.post(
        "/me/keys", who="agent", headers={"X-CSRF-Token": ""}, data={"_csrf": web.csrf("agent"), "name": ""}
    )
    assert answer.status_code == 422


async def test_a_key_needs_no_word_because_no_browser_sends_it(web: Web) -> None:
    headers = {"Authorization": "Bearer token-of-agent-0123456789abcdef-api", "Sec-Fetch-Site": "cross-site"}

    answer = await web.post("/me/keys", headers=headers, json={"name": ""})
    assert answer.status_code == 422

    cookie = {"Cookie": f"ieum={web.company.tokens['agent']}", "Authorization": "Bearer wrong"}
    answer = await web.post(
        "/me/keys", headers={**cookie, "Sec-Fetch-Site": "cross-site"}, json={"name": "x"}
    )
    assert answer.status_code == 403


async def test_looking_changes_nothing(web: Web, shared_database: Database) -> None:
    """Only the access log grows, by pages that say that they reveal personal data, and the count of what is
    read in the help."""
    counts = ("personal_data_accesses", "sign_in_throttles", "article_uses")
    with psycopg.connect(shared_database.worker_url) as before:
        was = dump(before, without=counts)

    for who in ("admin", "agent", "customer_own", "technician_assigned"):
        for rule in rules(web.app):
            for method in ("GET", "HEAD", "OPTIONS") if rule.method == "GET" else ():
                await web.send(method, address_of(rule, web.company), who=who)

    with psycopg.connect(shared_database.worker_url) as after:
        assert dump(after, without=counts) == was
