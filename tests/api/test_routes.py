"""The matrix: every person at every route, with their own, a foreign and an absent row."""

import re

import pytest
from fastapi import FastAPI
from starlette.responses import Response
from starlette.routing import Route

from api.kit.people import Kind
from api.kit.routes import ANYONE, SYSTEM, GuardedRoute, Router, Rule, is_declared, mount, rules
from models.messages.staff import LinkPurpose
from tests.api.walk import PARAMETER, address_of
from tests.api.web import Web
from tests.builders.samples import SAMPLE

VARYING = re.compile(
    r'(name="_csrf" value="|<meta name="csrf" content="| data-at=")[^"]*|Zzz999|request_key" value="[^"]*'
)


def test_every_route_is_declared(web: Web) -> None:
    assert all(is_declared(route) for route in web.app.routes)
    assert sum(isinstance(route, GuardedRoute) for route in web.app.routes) == len(list(rules(web.app))) > 10


def test_an_undeclared_route_stops_the_start() -> None:
    async def open_door(_: object) -> Response:
        return Response()

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, routes=[Route("/secret", open_door)])

    with pytest.raises(RuntimeError, match="secret"):
        mount(app, Router())


def test_a_route_for_nobody_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="nobody"):
        Router().get("/x", may=())


def test_every_row_in_a_path_is_known_to_the_sample(web: Web) -> None:
    for rule in rules(web.app):
        names = {name.removesuffix("_id") for name in PARAMETER.findall(rule.path)}
        assert not rule.row or rule.row in SAMPLE, rule
        for name in names:
            assert name in SAMPLE or name == "token" or rule.row, (rule, name)


def test_a_path_that_names_a_row_says_so(web: Web) -> None:
    for rule in rules(web.app):
        named = [name for name in PARAMETER.findall(rule.path) if name.endswith("_id")]
        assert not named or rule.row, rule


def allowed(rule: Rule, web: Web, who: str) -> bool:
    """The declared answer, worked out a second time from the plain data."""
    if rule.may & (ANYONE | SYSTEM):
        return True
    person = web.company.persons[who]
    if person.kind is Kind.LINK:
        return f"link:{person.purpose}" in rule.may
    return person.kind is not Kind.ANONYMOUS and bool(rule.may & {"signed_in", *person.roles})


async def test_each_route_lets_in_exactly_whom_it_declares(own_web: Web) -> None:
    """JSON, so that an unknown visitor gets 401 instead of being led to the door."""
    web, asked = own_web, 0
    for rule in rules(web.app):
        if rule.path in LEAVING or rule.may & SYSTEM:
            continue
        for who in web.company.persons:
            is_link = who.startswith("link_")
            if is_link and not rule.path.startswith("/links/"):
                continue  # a link is nobody elsewhere
            path = address_of(rule, web.company, link=who)
            answer = await web.send(rule.method, path, who=who, headers={"Accept": "application/json"})
            asked += 1
            body = answer.json() if "json" in answer.headers.get("content-type", "") else None
            code = body.get("code", "") if isinstance(body, dict) else ""
            is_shut = code in ("not_signed_in", "not_allowed", "link_ended")
            assert answer.status_code < 500, (rule, who)
            if rule.path.startswith("/links/") and not is_link:
                assert is_shut, (rule, who)
            elif not allowed(rule, web, who):
                assert is_shut, (rule, who, answer.status_code)
            elif rule.method == "GET":
                is_wrong_link = rule.path.startswith(("/welcome/", "/signup/resume/"))  # the walk has none
                assert code not in ("not_signed_in", "link_ended") or is_wrong_link, (rule, who)
    assert asked > 100


# Routes that end the very sessions with which the walk goes on; tests/api/test_people.py is about them.
LEAVING = {"/sign-out", "/me/sessions/end"}


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
async def test_a_foreign_row_answers_exactly_like_an_absent_one(own_web: Web, accept: str) -> None:
    web, compared = own_web, 0
    for rule in rules(web.app):
        if not rule.row or rule.path.startswith("/links/"):
            continue
        for who in web.company.persons:
            if who.startswith("link_") or not allowed(rule, web, who):
                continue
            answers = []
            for relation in ("foreign", "absent"):
                path = address_of(rule, web.company, relation)
                answer = await web.send(rule.method, path, who=who, headers={"Accept": accept})
                body = VARYING.sub("", answer.text.replace(path, "").replace(SAMPLE[rule.row][1], ""))
                answers.append((answer.status_code, body))
            compared += 1
            if sees_foreign(web, who, rule):
                continue
            assert answers[0] == answers[1], (rule, who)
            assert answers[0][0] in (403, 404, 422), (rule, who)
    assert compared > 0


async def test_a_link_reaches_no_foreign_row(own_web: Web) -> None:
    for rule in rules(own_web.app):
        if not rule.row or not rule.path.startswith("/links/"):
            continue
        for who in own_web.company.tokens:
            if not who.startswith("link_") or who.endswith("_other"):
                continue
            answers = []
            for relation in ("foreign", "absent"):
                path = address_of(rule, own_web.company, relation, link=who)
                answer = await own_web.send(
                    rule.method, path, who=who, headers={"Accept": "application/json"}
                )
                answers.append((answer.status_code, answer.text))
            assert answers[0] == answers[1], (rule, who)
            assert answers[0][0] == 404, (rule, who)


def sees_foreign(web: Web, who: str, rule: Rule) -> bool:
    """Whose own the "foreign" sample row is."""
    person = web.company.persons[who]
    if person.kind is Kind.STAFF:
        return (
            rule.row not in ("ticket", "visit", "message", "attachment")
            or person.team_id == "team_two"
            or (rule.row == "invoice" and "finance" in person.roles)
        )
    if rule.row == "change" and who == "customer_own":
        return True  # asked to take the contract over
    return who in ("customer_other", "technician_other", "partner_other")


@pytest.mark.parametrize("purpose", list(LinkPurpose))
async def test_a_link_is_nobody_outside_its_own_pages(web: Web, purpose: LinkPurpose) -> None:
    token = web.company.tokens[f"link_{purpose}"]

    for headers in ({"Cookie": f"ieum={token}"}, {"Authorization": f"Bearer {token}"}):
        answer = await web.get("/me", headers={**headers, "Accept": "application/json"})
        assert answer.status_code == 401
