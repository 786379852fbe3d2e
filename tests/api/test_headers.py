"""Every answer is dressed: pages, refusals, errors, files, and answers to nobody."""

import pytest

from api.kit.headers import CSP
from api.kit.routes import rules
from tests.api.walk import address_of
from tests.api.web import Web, web_on
from tests.builders.company import Company

WANTED = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


async def test_every_answer_carries_the_headers(own_web: Web) -> None:
    paths = {address_of(rule, own_web.company) for rule in rules(own_web.app)} | {
        "/nowhere",
        "/static/nothing.css",
    }
    statuses = set()

    for path in sorted(paths):
        for method in ("GET", "POST", "OPTIONS"):
            for who in ("anonymous", "admin"):
                answer = await own_web.send(method, path, who=who)
                statuses.add(answer.status_code)
                for name, value in WANTED.items():
                    assert answer.headers.get(name) == value, (method, path, name)
                assert "permissions-policy" in answer.headers
                assert "x-request-id" in answer.headers
                assert "cache-control" in answer.headers

    assert {200, 404, 405} <= statuses


async def test_a_failure_of_ours_is_a_dressed_page_with_a_reference_and_no_details(
    web: Web, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(web.app.state, "passwords")

    answer = await web.post("/sign-in", data={"login": "secret@example.com", "password": "hidden-word"})

    assert answer.status_code == 500
    assert answer.headers["content-security-policy"] == CSP
    assert "passwords" not in answer.text
    logged = capsys.readouterr().err
    reference = logged.split('"reference": "')[1].split('"')[0]
    assert reference in answer.text
    assert "secret@example.com" not in logged
    assert "hidden-word" not in logged


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "evil.example:8000", "", "ieum.example@evil.example"]
)
async def test_an_unknown_host_gets_nothing(web: Web, host: str) -> None:
    answer = await web.get("/sign-in", headers={"Host": host})

    assert answer.status_code == 400
    assert answer.headers["content-security-policy"] == CSP


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "Forwarded", "X-Remote-User", "X-Original-Url"])
async def test_a_forwarded_header_changes_nothing(web: Web, name: str) -> None:
    plain = await web.get("/me", headers={})
    forged = await web.get("/me", headers={name: "evil.example"})

    assert (forged.status_code, forged.headers.get("location")) == (303, plain.headers["location"])
    assert "evil.example" not in forged.text


async def test_over_https_cookies_and_transport_are_bound(company: Company, walled_engine: object) -> None:
    web = web_on(walled_engine, company, public_url="https://desk.example", is_secure=True)  # type: ignore[arg-type]

    answer = await web.get("/sign-in", headers={"Host": "desk.example"})
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")

    plain = await web.get(
        "/me", headers={"Host": "desk.example", "Cookie": f"ieum={company.tokens['agent']}"}
    )
    bound = {"Host": "desk.example", "Cookie": f"__Host-ieum={company.tokens['agent']}"}
    assert plain.status_code == 303
    assert (await web.get("/me", headers=bound)).status_code == 200


async def test_pages_are_served_while_temporal_is_away(web: Web) -> None:
    answer = await web.get("/health/ready")

    assert (answer.status_code, answer.json()["temporal"]) == (200, False)
    assert (await web.get("/me", who="agent")).status_code == 200


async def test_numbers_are_for_this_machine_and_for_administrators(web: Web) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.9"}

    assert (await web.get("/metrics")).status_code == 200
    assert (await web.get("/metrics", headers=forwarded)).status_code == 404
    assert (await web.get("/metrics", headers=forwarded, who="agent")).status_code == 404
    assert (await web.get("/metrics", headers=forwarded, who="admin")).status_code == 200


@pytest.mark.parametrize(
    "path", ["/docs", "/redoc", "/openapi.json", "/admin", "/.env", "/install", "/debug"]
)
async def test_there_are_no_diagnostic_pages(web: Web, path: str) -> None:
    for who in ("anonymous", "admin"):
        assert (await web.get(path, who=who)).status_code == 404
