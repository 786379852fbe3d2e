"""What the doors of signup know: the cookie that holds a signup, its code, and coming in with it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fastapi import Request
from sqlalchemy import text
from starlette.responses import Response

from api.kit import people, signing
from api.kit.desk import session_for
from api.kit.people import cookie_name, token_hash
from api.kit.signing import DOOR, Attempt

RESEND_AFTER = timedelta(seconds=30)
MOST_SENDS = 6  # the first and five more
LIFE = timedelta(days=8)


@dataclass(frozen=True)
class Held:
    """The signup that this browser holds, with what was typed into it."""

    id: str
    purpose: str
    channel: str
    address: str
    status: str
    is_over: bool
    sends: int
    sent_at: datetime | None
    is_locked: bool
    is_proved: bool
    return_to: str
    has_account: bool

    @property
    def may_resend(self) -> bool:
        """Whether another code may be asked for now."""
        waited = self.sent_at is None or self.sent_at + RESEND_AFTER <= datetime.now(UTC)
        return waited and self.has_more_codes and not self.is_locked

    @property
    def has_more_codes(self) -> bool:
        """Whether any code is left at all."""
        return self.sends < MOST_SENDS


def holder(request: Request) -> str:
    """The hash of the signup's token in this browser, or nothing."""
    name = signup_cookie(request)
    return token_hash(request.cookies.get(name, "")[:200])


def signup_cookie(request: Request) -> str:
    """What the cookie is called."""
    return cookie_name(request.app.state.settings.is_secure) + "_signup"


def hold(request: Request, response: Response, token: str) -> Response:
    """Give the browser its signup to hold; pages of other sites never see or send it along."""
    is_secure = request.app.state.settings.is_secure
    response.set_cookie(
        signup_cookie(request), token, max_age=int(LIFE.total_seconds()), path="/", secure=is_secure,
        httponly=True, samesite="lax",
    )  # fmt: skip
    return response


async def held(request: Request) -> Held | None:
    """The signup of this browser."""
    hashed = holder(request)
    if not hashed:
        return None
    async with session_for(request.app.state.engine, DOOR, is_readonly=True) as session:
        found = await session.execute(text("select * from door_signup(:hash)"), {"hash": hashed})
        row = found.mappings().one_or_none()
    return Held(**row) if row is not None else None


async def come_in(request: Request) -> str | None:
    """The token of a fresh session for whoever holds a signup that is done; each lets somebody in once."""
    person = people.person(request)
    async with session_for(request.app.state.engine, DOOR) as session:
        account = await session.scalar(text("select door_enter(:hash)"), {"hash": holder(request)})
        if account is None:
            return None
        attempt = Attempt(account, "", person.address, request.headers.get("user-agent", ""))
        return await signing.open_session(session, account, attempt)
