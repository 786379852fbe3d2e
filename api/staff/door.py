"""Signing in and out."""

from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col
from starlette.responses import Response

from api.catalogue.cart import take_along
from api.kit import people, signing
from api.kit.desk import session_for
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.paths import SAFE_PATH
from api.kit.people import Doors, Person, cookie_name, cookie_of, token_hash
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import ANYONE, SIGNED_IN, rules
from api.kit.texts import Line, MaybeLine, Password
from api.staff.routing import router
from models.kit.refusals import REFUSALS, Refusal
from models.staff import Account, SignInSession


class Credentials(Input):
    """What the sign-in page sends."""

    login: Line
    password: Password
    next: MaybeLine = ""


@dataclass(frozen=True)
class SignInPage:
    """The door."""

    next: str = ""


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
    await take_along(request, response, await state.doors.by_session(token))
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
