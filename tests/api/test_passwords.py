"""One's own password, the first password by a one-time link, and accounts that are shut."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col

from api.kit.throttles import Limits
from models.staff import Account, AuditEntry, Invitation, SignInSession
from models.systems import OutboxItem
from tests.api.web import STORED, Web
from tests.builders.company import PASSWORD, hashed

NEW = "violet tractor hums at dawn"
LINK = "0" * 63 + "1"


async def change(web: Web, who: str = "agent", old: str = PASSWORD, new: str = NEW, **more: Any) -> Response:
    sent = {"password": old, "new_password": new}
    return await web.post("/me/password", who=who, data=sent, headers={"Accept": "application/json"}, **more)


async def enter(web: Web, login: str, password: str) -> bool:
    answer = await web.post("/sign-in", data={"login": login, "password": password})
    return answer.status_code == 303


async def row(engine: AsyncEngine, query: Any) -> Any:
    async with engine.connect() as connection:
        return (await connection.execute(query)).first()


async def invitation(engine: AsyncEngine, account: str = "a_employee", **changes: Any) -> str:
    now = datetime.now(UTC)
    values = {
        "token_hash": hashed(LINK), "key": "k", "account_id": account, "created_at": now,
        "expires_at": now + timedelta(hours=24), **changes,
    }  # fmt: skip
    async with engine.begin() as connection:
        await connection.execute(Invitation.__table__.insert().values(**values))  # type: ignore[attr-defined]
    return f"/welcome/{LINK}"


async def test_a_changed_password_opens_and_the_old_one_no_longer_does(own_web: Web) -> None:
    answer = await change(own_web)

    assert answer.status_code == 200, answer.text
    assert await enter(own_web, "agent@example.com", NEW)
    assert not await enter(own_web, "agent@example.com", PASSWORD)


async def test_a_changed_password_ends_every_other_session_and_is_written_down(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    signed_in = await own_web.post("/sign-in", data={"login": "agent@example.com", "password": PASSWORD})
    elsewhere = {"Cookie": signed_in.headers["set-cookie"].split(";")[0], "Accept": "application/json"}
    assert (await own_web.get("/me", headers=elsewhere)).status_code == 200

    await change(own_web)

    assert (await own_web.get("/me", headers=elsewhere)).status_code == 401
    assert (await own_web.get("/me", who="agent")).status_code == 200
    noted = await row(worker_engine, select(AuditEntry).where(col(AuditEntry.action) == "password_changed"))
    assert (noted.actor_id, noted.subject) == ("a_agent", "a_agent")


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("wrong password", NEW, "password"),
        (PASSWORD, "short", "new_password"),
        (PASSWORD, "x" * 1025, "new_password"),
        (PASSWORD, "가" * 400, "new_password"),
        (PASSWORD, "agent at example", "new_password"),
        (PASSWORD, "abcdefghijklmn", "new_password"),
        (PASSWORD, "Password2026!", "new_password"),
        (PASSWORD, PASSWORD, "new_password"),
        (PASSWORD, "nul\x00 violet tractor", "new_password"),
    ],
)
async def test_a_password_that_is_not_right_or_not_good_changes_nothing(
    own_web: Web, worker_engine: AsyncEngine, old: str, new: str, field: str
) -> None:
    answer = await change(own_web, old=old, new=new)

    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {field}
    stored = await row(worker_engine, select(Account.password_hash).where(col(Account.id) == "a_agent"))
    assert stored[0] == STORED


async def test_no_password_is_shown_again(own_web: Web) -> None:
    sent = {"password": "my wrong old one", "new_password": "my wished new one"}
    page = await own_web.post("/me/password", who="agent", data=sent)

    assert page.status_code == 422
    assert "my wrong" not in page.text
    assert "my wished" not in page.text


async def test_guessing_the_old_password_is_stopped(own_web: Web) -> None:
    statuses = [(await change(own_web, old=f"wrong {number}")).status_code for number in range(12)]

    assert statuses[-1] == 429
    assert own_web.app.state.passwords.checks <= 10


async def test_a_key_for_scripts_changes_no_password(own_web: Web) -> None:
    key = f"Bearer {own_web.company.tokens['agent']}-api"
    sent = {"password": PASSWORD, "new_password": NEW}
    answer = await own_web.post(
        "/me/password", data=sent, headers={"Authorization": key, "Accept": "application/json"}
    )

    assert answer.status_code == 403


# --- the first password -------------------------------------------------------------------------------


async def test_a_link_sets_one_password_once(own_web: Web, worker_engine: AsyncEngine) -> None:
    path = await invitation(worker_engine)

    assert "employee@example.com" in (await own_web.get(path)).text
    weak = await own_web.post(path, data={"new_password": "employee123"})
    first = await own_web.post(path, data={"new_password": NEW})
    second = await own_web.post(path, data={"new_password": NEW + " again"})

    assert (weak.status_code, first.status_code, second.status_code) == (422, 303, 404)
    assert await enter(own_web, "employee@example.com", NEW)
    assert (
        await row(worker_engine, select(AuditEntry).where(col(AuditEntry.action) == "password_set"))
    ) is not None


@pytest.mark.parametrize(
    "changes",
    [{"expires_at": datetime.now(UTC) - timedelta(seconds=1)}, {"used_at": datetime.now(UTC)}],
    ids=["late", "used"],
)
async def test_a_link_that_is_over_opens_nothing(
    own_web: Web, worker_engine: AsyncEngine, changes: dict[str, Any]
) -> None:
    path = await invitation(worker_engine, **changes)

    assert (await own_web.get(path)).status_code == 404
    assert (await own_web.post(path, data={"new_password": NEW})).status_code == 404
    assert not await enter(own_web, "employee@example.com", NEW)


async def test_guessed_links_are_slowed_down(own_web: Web) -> None:
    own_web.app.state.limits = Limits()
    statuses = [(await own_web.get(f"/welcome/{number:064}")).status_code for number in range(32)]

    assert set(statuses[:29]) == {404}
    assert statuses[-1] == 429


# --- making and shutting accounts ---------------------------------------------------------------------


async def make(web: Web, who: str = "admin", **changes: Any) -> Response:
    sent = {
        "command_id": "c1", "login": "New.Person@example.com", "name": "새 사람", "roles": ["employee"],
        "team_id": "team_one", **changes,
    }  # fmt: skip
    return await web.post("/staff", who=who, data=sent, headers={"Accept": "application/json"})


async def test_a_new_colleague_is_invited_and_nobody_knows_a_password(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    answer = await make(own_web)

    assert answer.status_code == 201, answer.text
    account = await row(worker_engine, select(Account).where(col(Account.login) == "new.person@example.com"))
    assert (account.password_hash, account.roles, account.team_id) == (None, ["employee"], "team_one")
    told = await row(worker_engine, select(OutboxItem).where(col(OutboxItem.workflow) == "Invitation"))
    assert told.payload["account_id"] == account.id
    assert "example.com" not in str(told.payload) + told.key + told.workflow_id
    noted = await row(worker_engine, select(AuditEntry).where(col(AuditEntry.action) == "account_made"))
    assert (noted.actor_id, noted.subject) == ("a_admin", account.id)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"roles": ["agent"]}, 403),  # an administrator who is no agent
        ({"roles": ["finance", "admin"]}, 403),
        ({"roles": ["customer"]}, 403),
        ({"login": "agent@example.com"}, 409),
        ({"login": "no address"}, 422),
        ({"team_id": "team_none"}, 404),
        ({"password_hash": "x"}, 422),
        ({"is_active": "true"}, 422),
    ],
    ids=str,
)
async def test_a_wrong_newcomer_is_refused(
    own_web: Web, worker_engine: AsyncEngine, changes: dict[str, Any], status: int
) -> None:
    answer = await make(own_web, **changes)

    assert answer.status_code == status, answer.text
    assert await row(worker_engine, select(OutboxItem)) is None


async def test_whoever_is_shut_out_is_out_at_once_everywhere(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    path = await invitation(worker_engine, "a_employee")
    assert (await own_web.get("/me", who="employee")).status_code == 200

    shut = await own_web.post(
        "/staff/a_employee/access", who="admin", data={"is_active": "false", "version": "1"}
    )

    assert shut.status_code == 303, shut.text
    key = {"Authorization": f"Bearer {own_web.company.tokens['employee']}-api", "Accept": "application/json"}
    assert (
        await own_web.get("/me", who="employee", headers={"Accept": "application/json"})
    ).status_code == 401
    assert (await own_web.get("/me", headers=key)).status_code == 401
    assert (await own_web.get(path)).status_code == 404
    assert not await enter(own_web, "employee@example.com", PASSWORD)


async def test_whoever_comes_back_starts_without_old_sessions(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await own_web.post("/staff/a_employee/access", who="admin", data={"is_active": "false", "version": "1"})
    await own_web.post("/staff/a_employee/access", who="admin", data={"is_active": "true", "version": "2"})

    assert (
        await own_web.get("/me", who="employee", headers={"Accept": "application/json"})
    ).status_code == 401
    assert await enter(own_web, "employee@example.com", PASSWORD)
    actions = await row(
        worker_engine,
        text("select array_agg(action order by id) from audit_entries where subject = 'a_employee'"),
    )
    assert actions[0][:2] == ["account_shut", "account_opened"]


@pytest.mark.parametrize("what", ["access", "invitation"])
async def test_nobody_shuts_or_invites_somebody_with_other_rights(own_web: Web, what: str) -> None:
    sent = {"access": {"is_active": "false", "version": "1"}, "invitation": {"command_id": "c"}}[what]
    for target in ("a_agent", "a_admin", "a_agent_and_finance"):
        answer = await own_web.post(f"/staff/{target}/{what}", who="admin", data=sent)
        assert answer.status_code == 403, target


async def test_a_forgotten_session_row_opens_nothing_after_the_account_was_shut(
    own_web: Web, worker_engine: AsyncEngine
) -> None:
    await own_web.post("/staff/a_employee/access", who="admin", data={"is_active": "false", "version": "1"})
    async with worker_engine.begin() as connection:
        mine = update(SignInSession).where(col(SignInSession.account_id) == "a_employee")
        await connection.execute(mine.values(revoked_at=None))

    answer = await own_web.get("/me", who="employee", headers={"Accept": "application/json"})
    assert answer.status_code == 401
