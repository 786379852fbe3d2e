"""Whatever is typed or sent, the answer is a sentence, or it is kept and shown as it was meant."""

import json
import time
import unicodedata
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from api.kit.routes import SYSTEM
from tests.api.shapes import Leaf, Shape, as_form, good, is_key, is_number, is_text, leaves, put, shapes
from tests.api.test_second_ids import OWN, QUIET, askers
from tests.api.walk import address_of, dump
from tests.api.web import Web
from tests.conftest import Database

NUL, SURROGATE = "a\x00b", "a\ud800b"
NASTY = {
    "nul": NUL,
    "surrogate": SURROGATE,
    "right to left": "a\u202egnp.exe",
    "bidi marks": "\u2066a\u2069",
    "zero width": "a\u200bb",
    "byte order mark": "\ufeffa",
    "control": "a\x07\x1bb",
    "megabyte": "x" * 1_000_000,
    "too long": "가" * 10_001,
    "emoji": "👩‍🔧 고장 🧯",
    "decomposed": unicodedata.normalize("NFD", "한글 냉장고"),
    "formula": "=cmd|' /C calc'!A0",
    "markup": "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>",
    "template": "{{ 7*7 }} {% raw %} ${7*7} %(name)s %s",
    "sql": "'; drop table tickets; -- \\",
    "header": "a\r\nSet-Cookie: x=1",
    "blank": " \t\n ",
    "private use": "\ue000\U0010fffe",
}  # fmt: skip
NUMBERS = (2**63, -(2**63) - 1, 10**400, -1, 0, 1.5, "1e9", "", True, None, [], {})
STORED_ALIKE = ("emoji", "formula", "markup", "template", "sql", "decomposed")
SECONDS = 0.015  # of CPU for one answer, on the average: so no text costs more than another page


def meant(text: str) -> str:
    """A harmless text as it is kept: composed, without white space around it."""
    return unicodedata.normalize("NFC", text).strip()


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database.cluster.url(database.name), autocommit=True) as connection:
        yield connection


def fed(web: Web) -> Iterator[tuple[Shape, str, str]]:
    """Every route with a body, one person who may use it, and its address."""
    for shape in shapes(web.app):
        if shape.model is not None and not shape.rule.may & SYSTEM:
            who = next(askers(web, shape.rule))
            yield shape, who, address_of(shape.rule, web.company, link=who)


async def answer_to(web: Web, shape: Shape, who: str, path: str, body: dict[str, Any], as_json: bool) -> Any:
    headers = {"Accept": "application/json" if as_json else "text/html"}
    if as_json and shape.rule.reads is None:
        text = json.dumps(body)
        headers["Content-Type"] = "application/json"
        return await web.send(shape.rule.method, path, who=who, headers=headers, content=text)
    form = as_form(body)
    return await web.send(shape.rule.method, path, who=who, headers=headers, data=form)


def is_answered(answer: Any) -> bool:
    """Below 500, and a refusal says something to people."""
    if answer.status_code >= 500:
        return False
    if answer.status_code >= 400 and "json" in answer.headers.get("content-type", ""):
        return bool(answer.json()["message"])
    return True


def texts_of(web: Web) -> list[tuple[Shape, str, str, Leaf]]:
    return [
        (shape, who, path, leaf)
        for shape, who, path in fed(web)
        for leaf in leaves(shape.model)  # type: ignore[arg-type]
        if is_text(leaf)
    ]


async def test_every_text_field_bears_every_text(own_web: Web, owner: psycopg.Connection[Any]) -> None:
    web, begun, asked, kept = own_web, time.process_time(), 0, 0
    for shape, who, path, leaf in texts_of(web):
        taken: list[str] = []
        for name, text in NASTY.items():
            body = put(good(shape.model, OWN), leaf.path, text)  # type: ignore[arg-type]
            if shape.rule.reads is not None and name == "surrogate":
                continue  # a form cannot carry it
            owner.execute("delete from sign_in_throttles")
            owner.execute("delete from ticket_ratings")
            answer = await answer_to(web, shape, who, path, body, as_json=True)
            asked += 1
            assert is_answered(answer), (shape.rule, leaf.name, name, answer.text[:300])
            if answer.status_code < 300 and not is_key(leaf) and name in STORED_ALIKE:
                taken.append(meant(text))
        kept += how_many_are_kept(owner, taken)
    assert asked > 1000
    assert kept > 50
    assert time.process_time() - begun < SECONDS * asked  # ours alone: the machine may be busy with others


def how_many_are_kept(owner: psycopg.Connection[Any], texts: list[str]) -> int:
    """How many of the texts stand in the database, letter by letter."""
    if not texts:
        return 0
    stored = json.dumps(dump(owner, QUIET), ensure_ascii=False)
    return sum(json.dumps(text, ensure_ascii=False) in stored for text in texts)


async def test_a_form_with_a_nasty_text_comes_back_as_a_page(
    own_web: Web, owner: psycopg.Connection[Any]
) -> None:
    """What browsers send: the page with what was typed, escaped; never a bare error."""
    web, asked = own_web, 0
    for shape, who, path, leaf in texts_of(web):
        for name in ("nul", "right to left", "markup", "too long"):
            body = put(good(shape.model, OWN), leaf.path, NASTY[name])  # type: ignore[arg-type]
            if (form := as_form(body)) is None:
                continue
            owner.execute("delete from sign_in_throttles")
            answer = await web.send(shape.rule.method, path, who=who, data=form)
            asked += 1
            assert answer.status_code < 500, (shape.rule, leaf.name, name)
            assert "<script>alert(1)" not in answer.text, (shape.rule, leaf.name)
    assert asked > 200


async def test_every_number_is_checked(own_web: Web, owner: psycopg.Connection[Any]) -> None:
    web, asked = own_web, 0
    for shape, who, path in fed(web):
        for leaf in leaves(shape.model):  # type: ignore[arg-type]
            if not is_number(leaf):
                continue
            for number in NUMBERS:
                body = put(good(shape.model, OWN), leaf.path, number)  # type: ignore[arg-type]
                for as_json in (True, False):
                    if not as_json and not isinstance(number, int | str | float):
                        continue
                    owner.execute("delete from sign_in_throttles")
                    answer = await answer_to(web, shape, who, path, body, as_json)
                    asked += 1
                    assert is_answered(answer), (shape.rule, leaf.name, number, answer.text[:300])
    assert asked > 80


@pytest.mark.parametrize("body", ["[]", "1", '"x"', "{", "", "[" * 5000, '{"a": ' * 900, "null", "\ud800"])
async def test_a_body_that_is_no_object_is_refused(own_web: Web, body: str) -> None:
    for shape, who, path in fed(own_web):
        if shape.rule.reads is not None:
            continue
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        content = body.encode("utf-8", "surrogatepass")
        answer = await own_web.send(shape.rule.method, path, who=who, headers=headers, content=content)
        assert 400 <= answer.status_code < 500, (shape.rule, body[:20], answer.status_code)


async def test_every_query_and_path_bears_every_text(own_web: Web) -> None:
    web, asked = own_web, 0
    texts = [text for name, text in NASTY.items() if name not in ("surrogate", "megabyte")]
    for shape in shapes(web.app):
        who = next(askers(web, shape.rule), None)
        if who is None or shape.rule.method != "GET":
            continue
        path = address_of(shape.rule, web.company, link=who)
        for name in shape.query:
            for text in (*texts[:-1], str(10**30), "-1"):
                answer = await web.get(path, who=who, params={name: text[:2000]})
                asked += 1
                assert answer.status_code < 500, (shape.rule, name, text[:20])
        if "{" in shape.rule.path:
            for text in ("%00", "%ff%fe", "%ED%A0%80", "..%2f..%2fetc", "a" * 5000, "%E2%80%AE"):
                at = path.rsplit("/", 1)[0] + f"/{text}"
                answer = await web.get(at, who=who)
                asked += 1
                assert answer.status_code < 500, (shape.rule, text[:20])
    assert asked > 200
