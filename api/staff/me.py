"""One's own page: where I am signed in, my keys for scripts, my password."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fastapi import Request
from sqlmodel import col
from starlette.responses import Response

from api.kit import signing
from api.kit.desk import Desk
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.people import Kind, token_hash
from api.kit.rendering import answer, move_on, toast
from api.kit.routes import SIGNED_IN, STAFF
from api.kit.texts import Key, Name
from api.staff.routing import router
from models.kit.refusals import Refusal
from models.staff import ApiToken, SignInSession

TOKEN_DAYS = 90


class NewKey(Input):
    """A key for a script, by the name of what it is for."""

    name: Name


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
