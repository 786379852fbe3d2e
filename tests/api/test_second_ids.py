"""Every id beside the one in the path is checked too, and no form has a field that it does not name."""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import SQLModel, col

from api.kit.people import Kind, Person
from api.kit.routes import SYSTEM, Rule
from api.kit.visible import visible
from models.billing import Invoice
from models.customers import Customer, OwnedProduct
from models.employee_requests import RequestApproval
from models.field_service import Technician, Visit
from models.kit import tables
from models.messages.staff import STAFF_ROLES
from models.messages.tickets import OVER, TicketStatus
from models.partners import Partner
from models.payments import PaymentAttempt, PaymentMethod
from models.staff import Account, ApiToken, Team
from models.subscriptions import Subscription
from models.tickets import Attachment, Ticket, TicketMessage
from tests.api.shapes import (
    BODYLESS,
    OWN_KEYS,
    RAW,
    WORDS,
    Leaf,
    Shape,
    as_form,
    good,
    is_key,
    leaves,
    put,
    shapes,
)
from tests.api.test_routes import allowed
from tests.api.walk import PARAMETER, address_of, dump
from tests.api.web import Web
from tests.builders.samples import SAMPLE
from tests.conftest import Database

assert tables
ABSENT = "Zzz999"
QUIET = ("sign_in_throttles",)
TABLES: dict[str, type[SQLModel]] = {
    "account": Account, "technician": Technician, "customer": Customer, "owned_product": OwnedProduct,
    "attempt": PaymentAttempt, "team": Team, "ticket": Ticket, "visit": Visit, "invoice": Invoice,
    "message": TicketMessage, "attachment": Attachment, "partner": Partner, "api_token": ApiToken,
    "method": PaymentMethod,
    "subscription": Subscription, "request_approval": RequestApproval,
}  # fmt: skip
# Rows that exist and that not everybody may see, or that nobody may use here, for each word.
FOREIGN = {
    "account": ("a_employee", "a_customer_other", "a_left"),
    "technician": ("t_two", "t_left"),
    "customer": ("c_two",),
    "method": ("pm2",),
    "owned_product": ("op2",),
    "attempt": ("I2-1.1",),
    "team": ("team_two",),
    "product": (),  # open to everybody
    "part": (),
    "plan": (),
    "attachment": ("at2", "an2", "an1", "at4"),
    "message": ("m2note",),
    "subscription": ("S2-1",),
    "invoice": ("I2-1",),
    "request_approval": ("E2.0.0",),
    "ticket": ("T2",),
    "article": (),  # the desk reads all of them
    "template": (),
}
OWN = {word: own for word, (own, _) in SAMPLE.items()} | {
    "account": "a_dispatcher", "part": "pa", "team": "team_one",
}  # fmt: skip
# By letter, signed in, and with a saved card: a foreign number of a try is told as "differs".
PAYMENTS = (
    "/links/{token}/payment", "/billing/invoices/{invoice_id}/payment",
    "/billing/invoices/{invoice_id}/charge",
)  # fmt: skip
FRESH = re.compile(
    r'(name="(_csrf|command_id|submission_key|request_key)" value="|<meta name="csrf" content="| data-at=")'
    r'[^"]*'
)
TIMES = re.compile(r"<time[^>]*>[^<]*</time>|\d\d:\d\d(:\d\d)?")  # the clock goes on between two requests
DRAWN = re.compile(r"(?<![0-9a-zA-Z])(command_)?[0-9a-f]{16}([0-9a-f]{16})?(?![0-9a-zA-Z])")


async def may_use(engine: AsyncEngine, person: Person, name: str, word: str, key: str) -> bool:
    """Whether the row is this person's to name in this field, worked out from plain rows."""
    if word not in TABLES:
        return True
    model = TABLES[word]
    async with AsyncSession(engine) as session:
        column = col(next(iter(model.__table__.primary_key)))  # type: ignore[attr-defined]
        row: Any = await session.scalar(visible(person, model).where(column == key))
    if row is None:
        return False
    if name in ("agent_id", "from_agent_id", "account_id"):
        return bool(row.is_active and set(row.roles) & (STAFF_ROLES - {"finance"}))
    if name == "technician_id":
        return bool(row.is_active)
    if name == "owned_product_id":
        return bool(row.customer_id == "c_one")
    if name == "invoice_id":
        return bool(row.customer_id == "c_one")
    if name in ("attempt_id", "order_id"):
        return bool(row.invoice_id == "I1-1")
    return True


def alike(text: str, key: str) -> str:
    """An answer without what is new every time and without the id that was asked (not as part of another)."""
    asked = re.compile(rf"((?<![0-9a-zA-Z])|(?<=%3D)){re.escape(key)}(?![0-9a-zA-Z])")
    return TIMES.sub("", DRAWN.sub("", FRESH.sub("", asked.sub("KEY", text))))


def askers(web: Web, rule: Rule) -> Iterator[str]:
    for who in web.company.persons:
        is_link = who.startswith("link_")
        is_here = is_link == rule.path.startswith("/links/") and not who.endswith("_other")
        if is_here and allowed(rule, web, who):
            yield who


def writes(web: Web) -> Iterator[Shape]:
    for shape in shapes(web.app):
        if shape.rule.method != "GET" and not shape.rule.may & SYSTEM:
            yield shape


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database.cluster.url(database.name), autocommit=True) as connection:
        yield connection


def stand(owner: psycopg.Connection[Any], status: TicketStatus) -> None:
    """All tickets stand like this, so that not the state but the id decides."""
    owner.execute("update tickets set status = %s, is_over = %s", (status.value, status in OVER))


def leavers(owner: psycopg.Connection[Any]) -> None:
    """A colleague and a technician who no longer work here."""
    given: Any = Jsonb({"id": "a_left", "login": "left@example.com", "is_active": False})
    owner.execute(
        "insert into accounts select (jsonb_populate_record(a, %s)).* from accounts a where id = 'a_agent'",
        (given,),
    )
    given = Jsonb({"id": "t_left", "is_active": False})
    owner.execute(
        "insert into technicians select (jsonb_populate_record(t, %s)).* from technicians t"
        " where id = 't_one'", (given,),
    )  # fmt: skip


def test_every_change_says_what_it_reads(web: Web) -> None:
    silent = [shape.rule.path for shape in writes(web) if not shape.model]

    assert set(silent) <= BODYLESS | RAW


def test_every_key_in_a_body_is_known(web: Web) -> None:
    found = [
        (shape.rule.path, leaf.name)
        for shape in writes(web)
        for leaf in (leaves(shape.model) if shape.model else ())
        if is_key(leaf) and leaf.name not in OWN_KEYS
    ]
    assert [at for at in found if WORDS.get(at[1]) not in FOREIGN] == []
    assert len(found) >= 10


async def test_a_foreign_id_in_a_body_answers_like_an_absent_one_and_changes_nothing(
    own_web: Web, worker_engine: AsyncEngine, owner: psycopg.Connection[Any]
) -> None:
    """M2: every field × everybody who may send it × every foreign row × every state of the ticket."""
    web, compared = own_web, 0
    leavers(owner)
    decided: dict[tuple[str, str], bool] = {}
    for status in (TicketStatus.OPEN, TicketStatus.DISPATCHED, TicketStatus.CLOSED):
        stand(owner, status)
        before = dump(owner, QUIET)
        for shape in writes(web):
            fields = [one for one in leaves(shape.model) if one.name in WORDS] if shape.model else []
            for leaf in fields:
                for who in askers(web, shape.rule):
                    for foreign in FOREIGN[WORDS[leaf.name]]:
                        if await may_use(
                            worker_engine, web.company.persons[who], leaf.name, WORDS[leaf.name], foreign
                        ):
                            continue
                        answers = [await swapped(web, shape, leaf, who, key) for key in (foreign, ABSENT)]
                        assert answers[0] == answers[1], (shape.rule, leaf.name, who, foreign)
                        assert answers[0][0] in (404, 409, 422), (shape.rule, leaf.name, who, answers[0])
                        assert dump(owner, QUIET) == before, (shape.rule, leaf.name, who, foreign)
                        compared += 1
                        at = (shape.rule.path, leaf.name)
                        is_told = answers[0][0] == 404 or f'"{leaf.name}"' in answers[0][1]  # at its field
                        decided[at] = decided.get(at, False) or is_told
    assert compared > 50
    undecided = {at for at, is_decided in decided.items() if not is_decided}
    assert undecided <= {(path, "order_id") for path in PAYMENTS}, undecided  # told as "does not match"


async def swapped(web: Web, shape: Shape, leaf: Leaf, who: str, key: str) -> tuple[int, str]:
    assert shape.model
    body = put(good(shape.model, OWN), leaf.path, key)
    path = address_of(shape.rule, web.company, link=who)
    answer = await web.send(
        shape.rule.method, path, who=who, headers={"Accept": "application/json"}, json=body
    )
    return answer.status_code, alike(answer.text, key)


async def test_a_foreign_second_id_in_a_path_answers_like_an_absent_one(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    web, compared = own_web, 0
    for shape in shapes(web.app):
        rule = shape.rule
        for name in PARAMETER.findall(rule.path):
            word = name.removesuffix("_id")
            if (
                name == "token"
                or (word == rule.row and not rule.path.startswith("/links/"))
                or word not in FOREIGN
            ):
                continue
            for who in askers(web, rule):
                for foreign in FOREIGN[word]:
                    paths = [
                        address_of(rule, web.company, link=who).replace(OWN[word], key)
                        for key in (foreign, ABSENT)
                    ]
                    found = [await web.send(rule.method, path, who=who) for path in paths]
                    compared += 1
                    assert found[0].status_code == found[1].status_code == 404, (rule, who, foreign)
                    assert alike(found[0].text, foreign) == alike(found[1].text, ABSENT), (rule, who, foreign)
    assert compared > 20


# Finance sees every invoice, and an invoice names its ticket and customer; the ticket itself stays closed.
NAMED_BY_WHAT_THEY_SEE = {("/billing/invoices", "ticket"), ("/billing/invoices", "customer")}
# Digits may happen to be a date or a number; an authorisation is the gateway's own word, kept at first sight.
NO_IDS = {"since", "until", "days", "auth_key"}


async def test_a_foreign_id_in_a_query_answers_like_an_absent_one(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    web, compared = own_web, 0
    for shape in shapes(web.app):
        for name in set(shape.query) - NO_IDS:
            for who in askers(web, shape.rule):
                path = address_of(shape.rule, web.company, link=who)
                absent = await web.send(shape.rule.method, path, who=who, params={name: ABSENT})
                assert absent.status_code < 500, (shape.rule, name, who)
                for word in TABLES:
                    foreign = SAMPLE[word][1] if word in SAMPLE else "team_two"
                    if (shape.rule.path, word) in NAMED_BY_WHAT_THEY_SEE:
                        continue
                    if await may_use(worker_engine, web.company.persons[who], name, word, foreign):
                        continue
                    found = await web.send(shape.rule.method, path, who=who, params={name: foreign})
                    assert found.status_code == absent.status_code, (shape.rule, name, who, foreign)
                    assert alike(found.text, foreign) == alike(absent.text, ABSENT), (
                        shape.rule,
                        name,
                        who,
                        foreign,
                    )
                    compared += 1
    assert compared > 100


def columns() -> dict[str, list[str]]:
    return {word: [one.key for one in inspect(model).columns] for word, model in TABLES.items()}


# Forms that nobody of the sample may send: a one-time link that nobody was given, a form that is no stage.
NOBODYS = {
    "/links/{token}/chat": 404, "/links/{token}/chat/presence": 404, "/links/{token}/chat/typing": 404,
    "/links/{token}/chat/end": 404,  # no ticket of the sample's links is a chat
    "/welcome/{token}": 404, "/employee-requests/{employee_request_id}/forms/{path}": 404,
    "/employee-requests/{employee_request_id}/readers": 403,  # nobody of the sample's teams works on it
}  # fmt: skip


async def seer(web: Web, shape: Shape, wrong: dict[str, Any]) -> tuple[str, str]:
    """Somebody who may ask and whose row it is, and the address of it: a wrong form is told apart from a
    row that is not there."""
    form = as_form(wrong)
    way: dict[str, Any] = {"data": form} if form is not None and shape.rule.reads else {"json": wrong}
    for who in askers(web, shape.rule):
        path = address_of(shape.rule, web.company, link=who)
        answer = await web.send(shape.rule.method, path, who=who, **way)
        if answer.status_code == NOBODYS.get(shape.rule.path) or answer.status_code not in (403, 404):
            return who, path
    raise AssertionError(f"nobody of the sample sees the row of {shape.rule.path}")


async def test_no_column_of_a_table_can_be_set_beside_the_form(
    own_web: Web, owner: psycopg.Connection[Any]
) -> None:
    """M3: each column of the row's own table alone, as form and as JSON; then all columns at once."""
    web, sent = own_web, 0
    every = sorted({name for names in columns().values() for name in names})
    for shape in writes(web):
        if shape.model is None:
            continue
        before = dump(owner, QUIET)
        path_word = shape.rule.row or next((w for w in TABLES if f"/{w}s" in shape.rule.path), "ticket")
        names = [name for name in columns().get(path_word, every) if name not in shape.model.model_fields]
        others = [name for name in every if name not in shape.model.model_fields]
        who, path = await seer(web, shape, {**good(shape.model, OWN), "nobodys_field": "1"})
        for extra in ((*names,), *((name,) for name in names), (*others,)):
            body = {**good(shape.model, OWN), **dict.fromkeys(extra, "1")}
            form = as_form(body)
            is_form = form is not None and (len(extra) == 1 or shape.rule.reads is not None)
            ways: list[dict[str, Any]] = [{"data": form}] if is_form else [{"json": body}]
            for way in ways:
                owner.execute("delete from sign_in_throttles")
                answer = await web.send(
                    shape.rule.method, path, who=who, headers={"Accept": "application/json"}, **way
                )
                sent += 1
                expected = NOBODYS.get(shape.rule.path, 422)
                assert answer.status_code == expected, (shape.rule, extra, answer.text)
        assert dump(owner, QUIET) == before, shape.rule
    assert sent > 400


def test_the_rows_that_must_stay_hidden_are_really_there(
    own_web: Web, owner: psycopg.Connection[Any]
) -> None:
    """Without them every comparison above would compare nothing."""
    leavers(owner)
    for word, keys in FOREIGN.items():
        for key in keys:
            table: Any = TABLES[word].__table__  # type: ignore[attr-defined]
            found = owner.execute(f"select 1 from {table.name} where id = %s", (key,)).fetchone()
            assert found, (word, key)


def test_the_walk_covers_each_kind_of_asker(web: Web) -> None:
    kinds = {web.company.persons[who].kind for shape in writes(web) for who in askers(web, shape.rule)}
    assert {Kind.STAFF, Kind.CUSTOMER, Kind.TECHNICIAN, Kind.LINK, Kind.ANONYMOUS} <= kinds
