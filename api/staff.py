"""Signing in and out, one's own sessions and keys, and who may do what."""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import Request
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col
from starlette.responses import Response

from api.kit import labels, people, signing
from api.kit.desk import Desk, session_for
from api.kit.forms import Input, Typed, typed
from api.kit.labels import Label
from api.kit.language import N_
from api.kit.language import gettext as _
from api.kit.people import Doors, Kind, Person, cookie_name, cookie_of, token_hash
from api.kit.rendering import Form, answer, move_on, toast
from api.kit.routes import ADMINS, ANYONE, SIGNED_IN, STAFF, Router, rules
from api.kit.texts import Key, Line, MaybeLine, MaybeName, Name, Password
from models.kit.refusals import REFUSALS, Refusal
from models.messages.staff import STAFF_ROLES, Role
from models.staff import Account, ApiToken, SignInSession, Team

router = Router()
labels.register(
    "role",
    {
        Role.AGENT: Label(N_("Agent"), "blue"),
        Role.DISPATCHER: Label(N_("Dispatcher"), "teal"),
        Role.FINANCE: Label(N_("Finance"), "green"),
        Role.ADMIN: Label(N_("Administrator"), "violet"),
        Role.EMPLOYEE: Label(N_("Employee"), "gray"),
        Role.TECHNICIAN: Label(N_("Technician"), "amber"),
        Role.PARTNER: Label(N_("Partner"), "orange"),
        Role.CUSTOMER: Label(N_("Customer"), "indigo"),
    },
)
SAFE_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\\]*\Z")
TOKEN_DAYS = 90


class Credentials(Input):
    """What the sign-in page sends."""

    login: Line
    password: Password
    next: MaybeLine = ""


class NewKey(Input):
    """A key for a script, by the name of what it is for."""

    name: Name


class Rights(Input):
    """What an administrator sets for somebody."""

    roles: list[Role] = []
    team_id: MaybeName = None
    version: int


@dataclass(frozen=True)
class SignInPage:
    """The door."""

    next: str = ""


@dataclass(frozen=True)
class SessionLine:
    """One of my signed-in browsers; `key` is the start of a hash and opens nothing."""

    key: str
    browser: str
    address: str
    seen_at: datetime
    is_current: bool


@dataclass(frozen=True)
class KeyLine:
    """One of my API keys."""

    key: str
    name: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class MyPage:
    """Me: who I am here, where I am signed in, which keys I made."""

    name: str
    roles: list[str]
    shell: str
    sessions: list[SessionLine]
    keys: list[KeyLine]
    may_make_keys: bool
    fresh_key: str = ""


@dataclass(frozen=True)
class PersonLine:
    """One person who may sign in."""

    id: str
    name: str
    login: str
    roles: list[str]
    team: str
    is_active: bool


@dataclass(frozen=True)
class PersonPage:
    """One person, and what the asking administrator may give them."""

    person: PersonLine
    version: int
    team_id: str
    teams: list[tuple[str, str]]
    grantable: list[str]
    may_change: bool


@router.get("/sign-in", may=ANYONE)
async def door(request: Request, next: str = "") -> Response:
    """The sign-in page; who is in already is led on."""
    if people.person(request):
        return move_on(request, start_of(request, next))
    return answer(request, "staff/sign_in.html", SignInPage(next if SAFE_PATH.match(next) else ""))


@router.post("/sign-in", may=ANYONE)
async def sign_in(request: Request, sent: Typed[Credentials] = typed(Credentials)) -> Response:
    """Let somebody in; the answer is the same for an unknown account and for a wrong password."""
    page = SignInPage(str(sent.form.value("next")))
    if sent.value is None:
        return answer(request, "staff/sign_in.html", page, status=422, form=sent.form)
    state, asker = request.app.state, people.person(request)
    browser = request.headers.get("user-agent", "")
    attempt = signing.Attempt(sent.value.login.lower(), sent.value.password, asker.address, browser)
    try:
        token = await signing.sign_in(state.engine, state.passwords, attempt)
    except Refusal as refusal:
        status, sentence = REFUSALS[refusal.code]
        form = Form(sent.form.values, {"password": _(sentence)})
        return answer(request, "staff/sign_in.html", page, status=status, form=form)
    await leave(request)
    response = move_on(request, start_of(request, sent.value.next))
    is_secure = state.settings.is_secure
    response.set_cookie(
        cookie_name(is_secure), token, max_age=int(signing.ABSOLUTE.total_seconds()), path="/",
        secure=is_secure, httponly=True, samesite="lax",
    )  # fmt: skip
    return response


@router.post("/sign-out", may=SIGNED_IN)
async def sign_out(request: Request) -> Response:
    """End this browser's session."""
    await leave(request)
    response = move_on(request, "/sign-in")
    response.delete_cookie(cookie_name(request.app.state.settings.is_secure), path="/")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


async def leave(request: Request) -> None:
    """Revoke the session that this browser still holds, if any."""
    hashed = token_hash(cookie_of(request.headers, request.app.state.settings.is_secure))
    person = people.person(request)
    if person and hashed == person.token_hash:
        async with session_for(request.app.state.engine, person) as session:
            mine = update(SignInSession).where(col(SignInSession.token_hash) == hashed)
            await session.execute(mine.values(revoked_at=datetime.now(UTC)))
            await signing.note(session, person.id, person.address, "signed_out", person.id)
            await session.commit()
        request.app.state.doors.forget(hashed=hashed)


def start_of(request: Request, wish: str) -> str:
    """Where somebody goes after the door: the page they wanted, if it is one of ours."""
    if wish and SAFE_PATH.match(wish) and not wish.startswith("/sign-"):
        return wish
    return "/home" if any(rule.path == "/home" for rule in rules(request.app)) else "/me"


async def remember(engine: AsyncEngine, doors: Doors, person: Person, locale: str) -> None:
    """Keep a choice of language with the account."""
    if person:
        async with session_for(engine, person) as session:
            await session.execute(update(Account).where(col(Account.id) == person.id).values(locale=locale))
            await session.commit()
        doors.forget(account_id=person.id)


# --- my own page --------------------------------------------------------------------------------------


@router.get("/me", may=SIGNED_IN)
async def me(request: Request, desk: Desk) -> Response:
    """Who I am, where I am signed in, which keys I made."""
    return answer(request, "staff/me.html", await my_page(desk))


async def my_page(desk: Desk, fresh_key: str = "") -> MyPage:
    """Only live sessions and keys, and only mine, also for an administrator."""
    now, person = datetime.now(UTC), desk.person
    sessions = await desk.session.scalars(
        desk.visible(SignInSession)
        .where(col(SignInSession.account_id) == person.id, col(SignInSession.revoked_at).is_(None))
        .where(col(SignInSession.idle_until) > now, col(SignInSession.expires_at) > now)
        .order_by(col(SignInSession.seen_at).desc())
        .limit(50)
    )
    keys = await desk.session.scalars(
        desk.visible(ApiToken)
        .where(col(ApiToken.revoked_at).is_(None), col(ApiToken.expires_at) > now)
        .order_by(col(ApiToken.created_at).desc())
        .limit(50)
    )
    return MyPage(
        name=person.name,
        roles=sorted(person.roles),
        shell="console.html" if person.kind is Kind.STAFF else "portal.html",
        sessions=[
            SessionLine(s.token_hash[:16], s.browser, s.address, s.seen_at, s.token_hash == person.token_hash)
            for s in sessions
        ],
        keys=[KeyLine(k.token_hash[:16], k.name, k.created_at, k.expires_at) for k in keys],
        may_make_keys=person.kind is Kind.STAFF,
        fresh_key=fresh_key,
    )


@router.post("/me/sessions/end", may=SIGNED_IN)
async def sign_out_everywhere(request: Request, desk: Desk) -> Response:
    """End every session of mine, this one too."""
    await signing.end_all(desk.session, desk.person.id)
    await signing.note(
        desk.session, desk.person.id, desk.person.address, "signed_out_everywhere", desk.person.id
    )
    await desk.commit()
    request.app.state.doors.forget(account_id=desk.person.id)
    return move_on(request, "/sign-in")


@router.post("/me/keys", may=STAFF)
async def make_key(request: Request, desk: Desk, sent: Typed[NewKey] = typed(NewKey)) -> Response:
    """A key for a script, shown this once; it can do what I can, and a key cannot make keys."""
    if sent.value is None:
        return answer(request, "staff/me.html", await my_page(desk), status=422, form=sent.form)
    if desk.person.is_token:
        raise Refusal("not_allowed")
    token, now = secrets.token_urlsafe(32), datetime.now(UTC)
    desk.session.add(
        ApiToken(
            token_hash=token_hash(token),
            account_id=desk.person.id,
            name=sent.value.name,
            created_at=now,
            expires_at=now + timedelta(days=TOKEN_DAYS),
        )
    )
    await signing.note(desk.session, desk.person.id, desk.person.address, "key_made", desk.person.id)
    await desk.commit()
    return answer(request, "staff/me.html", await my_page(desk, token), trigger=toast(_("Key made")))


@router.post("/me/keys/{key}/end", may=STAFF, row="api_token")
async def end_key(request: Request, desk: Desk, key: Key) -> Response:
    """Revoke one of my keys at once."""
    found = await desk.session.scalar(
        desk.visible(ApiToken).where(col(ApiToken.token_hash).startswith(key, autoescape=True)).limit(1)
    )
    if found is None or len(key) < 16:
        raise Refusal("not_found")
    found.revoked_at = datetime.now(UTC)
    await signing.note(desk.session, desk.person.id, desk.person.address, "key_ended", desk.person.id)
    await desk.commit()
    request.app.state.doors.forget(account_id=desk.person.id)
    return move_on(request, "/me")


# --- who may do what ----------------------------------------------------------------------------------


@router.get("/staff", may=ADMINS)
async def index(request: Request, desk: Desk) -> Response:
    """Everybody who may sign in."""
    accounts = await desk.session.scalars(desk.visible(Account).order_by(col(Account.name)).limit(500))
    names = dict(await team_names(desk))
    return answer(request, "staff/index.html", [line_of(account, names) for account in accounts])


@router.get("/staff/{account_id}", may=ADMINS, row="account")
async def show(request: Request, desk: Desk, account_id: Key) -> Response:
    """One person and their rights."""
    return answer(request, "staff/show.html", await person_page(desk, await desk.one(Account, account_id)))


@router.post("/staff/{account_id}/rights", may=ADMINS, row="account")
async def grant(
    request: Request, desk: Desk, account_id: Key, sent: Typed[Rights] = typed(Rights)
) -> Response:
    """Set roles and team. Nobody gives or takes what they do not hold, and nobody changes their own."""
    account = await desk.one(Account, account_id)
    if sent.value is None:
        page = await person_page(desk, account)
        return answer(request, "staff/show.html", page, status=422, form=sent.form)
    asked, given = frozenset(sent.value.roles), grantable(desk.person)
    before = frozenset(Role(role) for role in account.roles)
    if not may_change(desk.person, account) or (asked ^ before) - given:
        raise Refusal("not_allowed")
    if account.version != sent.value.version:
        raise Refusal("changed_meanwhile")
    if sent.value.team_id is not None:
        await desk.one(Team, sent.value.team_id)
    account.roles = sorted(str(role) for role in asked)
    account.team_id = sent.value.team_id
    account.version += 1
    rights: dict[str, Any] = {"before": sorted(before), "after": sorted(asked), "team": account.team_id}
    await signing.note(
        desk.session, desk.person.id, desk.person.address, "rights_changed", account.id, **rights
    )
    await desk.session.flush()
    await desk.session.execute(text("select door_forget(:account)"), {"account": account.id})
    await desk.commit()
    request.app.state.doors.forget(account_id=account.id)
    return move_on(request, f"/staff/{account.id}")


def grantable(person: Person) -> frozenset[Role]:
    """The staff roles that somebody holds, and those that reach only one's own things."""
    return (frozenset(Role) - STAFF_ROLES) | person.roles


def may_change(person: Person, account: Account) -> bool:
    """Only somebody whose rights are within one's own, and never oneself."""
    return account.id != person.id and {Role(role) for role in account.roles} <= grantable(person)


async def person_page(desk: Desk, account: Account) -> PersonPage:
    """What the page of one person shows."""
    teams = await team_names(desk)
    return PersonPage(
        person=line_of(account, dict(teams)),
        version=account.version,
        team_id=account.team_id or "",
        teams=teams,
        grantable=sorted(grantable(desk.person)),
        may_change=may_change(desk.person, account),
    )


async def team_names(desk: Desk) -> list[tuple[str, str]]:
    """Every team by its name in the reader's language."""
    teams = await desk.session.scalars(desk.visible(Team).order_by(col(Team.id)))
    return [(team.id, team.name_ko if desk.person.locale != "en" else team.name_en) for team in teams]


def line_of(account: Account, teams: dict[str, str]) -> PersonLine:
    """One line of the list; never the password's hash."""
    return PersonLine(
        account.id, account.name, account.login, list(account.roles), teams.get(account.team_id or "", ""),
        account.is_active,
    )  # fmt: skip
