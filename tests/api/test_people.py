"""Who comes in, for how long, and what the door gives away."""

import asyncio
import re
import statistics
import time
from datetime import timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select

from api.kit.people import ANONYMOUS, Doors
from api.kit.signing import ACCOUNT_TRIES, Passwords
from models.staff import Account, AuditEntry, SignInSession
from tests.api.web import STORED, Web
from tests.builders.company import NOW, PASSWORD, Company, hashed, token_of


async def enter(web: Web, login: str, password: str = PASSWORD) -> tuple[int, str]:
    answer = await web.post("/sign-in", data={"login": login, "password": password})
    return answer.status_code, answer.cookies.get("ieum", "")


async def look(web: Web, token: str) -> int:
    answer = await web.get("/me", headers={"Cookie": f"ieum={token}"})
    return answer.status_code


async def test_a_session_opens_with_the_password_and_ends_with_sign_out(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    status, token = await enter(own_web, "Agent@Example.com ")
    assert status == 303
    assert await look(own_web, token) == 200

    async with worker_engine.connect() as connection:
        stored = (await connection.execute(text("select token_hash from sign_in_sessions"))).scalars().all()
    assert hashed(token) in stored
    assert token not in stored

    page = (await own_web.get("/me", headers={"Cookie": f"ieum={token}"})).text
    csrf = page.split('name="_csrf" value="')[1].split('"')[0]
    answer = await own_web.post("/sign-out", headers={"Cookie": f"ieum={token}"}, data={"_csrf": csrf})
    assert answer.status_code == 303
    assert await look(own_web, token) == 303


async def test_signing_in_again_makes_a_new_session_and_ends_the_old_one(own_web: Web) -> None:
    _, first = await enter(own_web, "agent@example.com")
    page = (await own_web.get("/me", headers={"Cookie": f"ieum={first}"})).text
    csrf = page.split('name="_csrf" value="')[1].split('"')[0]
    answer = await own_web.post(
        "/sign-in",
        headers={"Cookie": f"ieum={first}", "X-CSRF-Token": csrf},
        data={"login": "agent@example.com", "password": PASSWORD},
    )
    second = answer.cookies["ieum"]

    assert first != second
    assert await look(own_web, second) == 200
    assert await look(own_web, first) == 303


@pytest.mark.parametrize(
    "change",
    [
        {"idle_until": NOW - timedelta(seconds=1)},
        {"expires_at": NOW - timedelta(seconds=1)},
        {"revoked_at": NOW},
    ],
    ids=["idle", "old", "revoked"],
)
async def test_an_ended_session_lets_nobody_in(
    own_web: Web, worker_engine: AsyncEngine, change: dict[str, object]
) -> None:
    async with worker_engine.begin() as connection:
        await connection.execute(update(SignInSession).values(**change))

    assert await look(own_web, token_of("agent")) == 303


async def test_a_left_account_is_nobody_at_once(own_web: Web, worker_engine: AsyncEngine) -> None:
    async with worker_engine.begin() as connection:
        await connection.execute(update(Account).values(is_active=False))

    assert await look(own_web, token_of("agent")) == 303
    assert (await enter(own_web, "agent@example.com"))[0] == 422


async def test_signing_out_everywhere_ends_every_session(own_web: Web) -> None:
    _, other = await enter(own_web, "agent@example.com")
    answer = await own_web.post("/me/sessions/end", who="agent")

    assert answer.status_code == 303
    assert await look(own_web, other) == 303
    assert await look(own_web, token_of("agent")) == 303
    assert await look(own_web, token_of("finance")) == 200


@pytest.mark.parametrize("token", ["", " ", "null", "None", "x" * 5000, "ü", "a\\'b"])
async def test_an_empty_or_strange_token_is_nobody(
    company: Company, walled_engine: AsyncEngine, token: str
) -> None:
    doors = Doors(walled_engine)

    for door in (doors.by_session, doors.by_token, doors.by_link):
        assert not await door(token)
        assert (await door(token)).kind == ANONYMOUS.kind


async def test_a_stored_hash_opens_nothing(company: Company, walled_engine: AsyncEngine) -> None:
    doors = Doors(walled_engine)

    assert await doors.by_session(token_of("agent"))
    assert not await doors.by_session(hashed(token_of("agent")))


async def test_each_token_opens_only_its_own_door(company: Company, walled_engine: AsyncEngine) -> None:
    doors = Doors(walled_engine)
    session, key, link = token_of("agent"), token_of("agent") + "-api", token_of("link_pay")

    assert [bool(await doors.by_session(t)) for t in (session, key, link)] == [True, False, False]
    assert [bool(await doors.by_token(t)) for t in (session, key, link)] == [False, True, False]
    assert [bool((await doors.by_link(t)).purpose) for t in (session, key, link)] == [False, False, True]


async def test_unknown_and_known_accounts_get_the_same_answer(own_web: Web) -> None:
    known = await own_web.post("/sign-in", data={"login": "agent@example.com", "password": "wrong"})
    unknown = await own_web.post("/sign-in", data={"login": "nobody@example.com", "password": "wrong"})

    assert known.status_code == unknown.status_code == 422
    assert known.text.replace("agent@", "nobody@") == unknown.text


async def test_unknown_accounts_cost_as_much_time_as_known_ones(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    own_web.app.state.passwords = passwords = Passwords()
    real = await passwords.hash(PASSWORD)
    async with worker_engine.begin() as connection:
        await connection.execute(update(Account).values(password_hash=real))
    took: dict[str, list[float]] = {"agent": [], "nobody": []}

    for _ in range(5):
        for name in took:
            begun = time.perf_counter()
            await enter(own_web, f"{name}@example.com", "wrong")
            took[name].append(time.perf_counter() - begun)

    known, unknown = (statistics.median(times) for times in took.values())
    assert 0.5 < known / unknown < 2


async def test_guessing_stops_before_the_hash_is_computed(own_web: Web) -> None:
    passwords: Passwords = own_web.app.state.passwords

    answers = [(await enter(own_web, "agent@example.com", f"guess {n}"))[0] for n in range(ACCOUNT_TRIES + 5)]

    assert answers == [422] * ACCOUNT_TRIES + [429] * 5
    assert passwords.checks == ACCOUNT_TRIES
    assert (await enter(own_web, "agent@example.com"))[0] == 429
    assert (await enter(own_web, "finance@example.com"))[0] == 303


async def test_many_guesses_at_once_are_all_counted(own_web: Web) -> None:
    await asyncio.gather(*(enter(own_web, "agent@example.com", f"guess {n}") for n in range(25)))

    assert own_web.app.state.passwords.checks == ACCOUNT_TRIES


async def test_an_outdated_hash_is_renewed_at_sign_in(own_web: Web, worker_engine: AsyncEngine) -> None:
    from argon2 import PasswordHasher

    own_web.app.state.passwords = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))

    assert (await enter(own_web, "agent@example.com"))[0] == 303

    async with worker_engine.connect() as connection:
        stored = await connection.scalar(select(Account.password_hash).where(col(Account.id) == "a_agent"))
    assert stored != STORED
    assert (await enter(own_web, "agent@example.com"))[0] == 303


@pytest.mark.parametrize(
    "where", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "/sign-out"]
)
async def test_the_door_leads_only_to_pages_of_ours(own_web: Web, where: str) -> None:
    answer = await own_web.post(
        "/sign-in", data={"login": "agent@example.com", "password": PASSWORD, "next": where}
    )

    assert answer.status_code in (303, 422)
    assert answer.headers.get("location", "/me") in ("/me", "/home")


async def test_a_key_is_shown_once_works_and_can_be_ended(own_web: Web, worker_engine: AsyncEngine) -> None:
    made = await own_web.post("/me/keys", who="agent", data={"name": "report"})
    key = made.text.split('id="fresh_key">')[1].split("<")[0]
    asks = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    before = await own_web.get("/me", headers=asks)
    again = await own_web.get("/me", who="agent")
    short = hashed(key)[:16]
    cannot = await own_web.post("/me/keys", headers=asks, json={"name": "stronger"})
    ended = await own_web.post(f"/me/keys/{short}/end", who="agent")
    after = await own_web.get("/me", headers=asks)

    assert before.status_code == 200
    assert key not in again.text
    assert cannot.status_code == 403
    assert ended.status_code == 303
    assert after.status_code == 401


async def test_only_roles_that_somebody_can_fill_are_offered_and_given(own_web: Web) -> None:
    async def offered(account: str) -> set[str]:
        page = await own_web.get(f"/staff/{account}", who="admin")
        return set(re.findall(r'name="roles" value="(\w+)"', page.text))

    asked = {"roles": ["employee", "technician"], "version": "1", "team_id": ""}
    refused = await own_web.post("/staff/a_employee/rights", who="admin", data=asked)

    assert await offered("a_employee") == {"employee", "admin"}
    assert await offered("a_technician_other") == {
        "employee", "admin", "technician", "partner", "partner_dispatcher",
    }  # fmt: skip
    assert await offered("a_customer_own") == {"employee", "admin", "customer"}
    assert refused.status_code == 403


async def test_nobody_gives_rights_that_they_do_not_have(own_web: Web, worker_engine: AsyncEngine) -> None:
    async def grant(account: str, roles: list[str]) -> int:
        answer = await own_web.post(
            f"/staff/{account}/rights", who="admin", data={"roles": roles, "version": "1", "team_id": ""}
        )
        return answer.status_code

    assert await grant("a_employee", ["employee", "finance"]) == 403
    assert await grant("a_agent", []) == 403
    assert await grant("a_admin", ["admin", "agent"]) == 403
    assert await grant("a_employee", ["employee", "admin"]) == 303
    assert await grant("a_employee", ["employee"]) == 409

    async with worker_engine.connect() as connection:
        roles = dict((await connection.execute(select(Account.id, Account.roles))).all())
        noted = (await connection.execute(select(AuditEntry.action, AuditEntry.subject))).all()
    assert roles["a_employee"] == ["admin", "employee"]
    assert roles["a_agent"] == ["agent"]
    assert ("rights_changed", "a_employee") in noted


async def test_changed_rights_end_the_sessions_of_that_person(own_web: Web) -> None:
    assert await look(own_web, token_of("employee")) == 200
    await own_web.post(
        "/staff/a_employee/rights", who="admin", data={"roles": ["employee", "admin"], "version": "1"}
    )

    assert await look(own_web, token_of("employee")) == 303


async def test_finding_out_who_asks_is_cheap(company: Company, walled_engine: AsyncEngine) -> None:
    """Remembered for five seconds; the first time one query."""
    doors = Doors(walled_engine)
    await doors.by_session(token_of("agent"))
    begun = time.perf_counter()
    for _ in range(1000):
        await doors.by_session(token_of("agent"))

    assert (time.perf_counter() - begun) / 1000 < 0.001
