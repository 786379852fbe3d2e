"""Letting people in and out: passwords, throttles and sessions."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from api.kit.desk import session_for
from api.kit.people import Kind, Person, token_hash
from api.kit.throttles import count
from models.kit.refusals import Refusal
from models.staff import AuditEntry, SignInSession

IDLE, ABSOLUTE = timedelta(hours=12), timedelta(days=7)
LONGEST_PASSWORD = 1024
ACCOUNT_TRIES, ADDRESS_TRIES, ALL_TRIES = 10, 60, 1200
DOOR = Person(Kind.DOOR)

_FORGIVE = text(
    "update sign_in_throttles set tries = case when bucket = :account then 0 else greatest(tries - 1, 0) end"
    " where bucket = any (cast(:buckets as text[]))"
)


class Passwords:
    """Argon2id off the event loop, two at a time; an unknown account costs as much as a known one."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._gate = asyncio.Semaphore(2)
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))
        self.checks = 0

    async def hash(self, password: str) -> str:
        """What is stored of a password."""
        async with self._gate:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, stored: str | None, password: str) -> bool:
        """Whether the password is the right one; nobody's never is."""
        self.checks += 1
        async with self._gate:
            fits = await asyncio.to_thread(self._verify, stored or self._nobody, password)
        return fits and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether it was hashed with weaker settings than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


@dataclass(frozen=True)
class Attempt:
    """Somebody at the door."""

    login: str
    password: str
    address: str
    browser: str = ""

    @property
    def buckets(self) -> dict[str, int]:
        """What is counted, with its limit; the login only as a hash."""
        account = hashlib.sha256(self.login.encode()).hexdigest()[:32]
        return {
            f"account:{account}": ACCOUNT_TRIES,
            f"address:{self.address}": ADDRESS_TRIES,
            "everybody": ALL_TRIES,
        }


async def sign_in(engine: AsyncEngine, passwords: Passwords, attempt: Attempt) -> str:
    """The token of a fresh session, or the refusal `too_many_tries` or `sign_in_failed`.

    Counted before hashing; the connection is given back while the hash is computed."""
    async with session_for(engine, DOOR) as session:
        await count_try(session, attempt)
        found = await session.execute(
            text("select * from door_account(:login)"), {"login": attempt.login.strip().lower()}
        )
        account = found.mappings().one_or_none()
        await session.commit()
        stored = account["password_hash"] if account is not None else None
        is_short = len(attempt.password.encode()) <= LONGEST_PASSWORD
        fits = await passwords.fits(stored, attempt.password if is_short else "")
        if account is None or stored is None or not fits or not is_short:
            raise Refusal("sign_in_failed")
        if passwords.is_outdated(stored):
            fresh = await passwords.hash(attempt.password)
            await session.execute(
                text("select door_rehash(:account, :fresh)"), {"account": account["id"], "fresh": fresh}
            )
        return await open_session(session, account["id"], attempt)


async def count_try(session: AsyncSession, attempt: Attempt) -> None:
    """Count one try in every bucket with one statement, and refuse when one is full."""
    await count(session, attempt.buckets)


async def recognise(
    engine: AsyncEngine, passwords: Passwords, person: Person, login: str, stored: str | None, password: str
) -> None:
    """Ask somebody who is signed in for their password again; guessing is counted as at the door."""
    attempt = Attempt(login, password, person.address)
    async with session_for(engine, DOOR) as session:
        await count_try(session, attempt)
        if not await passwords.fits(stored, password):
            raise Refusal("password_wrong")
        buckets = attempt.buckets
        await session.execute(_FORGIVE, {"account": next(iter(buckets)), "buckets": list(buckets)})
        await session.commit()


async def open_session(session: AsyncSession, account_id: str, attempt: Attempt) -> str:
    """Store a fresh session; signing in always makes a new token."""
    token, now = secrets.token_urlsafe(32), datetime.now(UTC)
    row = {
        "token_hash": token_hash(token), "account_id": account_id, "created_at": now, "seen_at": now,
        "idle_until": now + IDLE, "expires_at": now + ABSOLUTE, "address": attempt.address,
        "browser": attempt.browser[:200],
    }  # fmt: skip
    await session.execute(insert(SignInSession).values(row).inline())
    buckets = attempt.buckets
    await session.execute(_FORGIVE, {"account": next(iter(buckets)), "buckets": list(buckets)})
    await note(session, account_id, attempt.address, "signed_in", account_id)
    await session.commit()
    return token


async def note(
    session: AsyncSession, actor_id: str, address: str, action: str, subject: str, **details: object
) -> None:
    """Add one line to the audit log; few may read it, so nothing is read back."""
    row = {
        "at": datetime.now(UTC), "actor_id": actor_id, "address": address, "action": action,
        "subject": subject, "details": details,
    }  # fmt: skip
    await session.execute(insert(AuditEntry).values(row).inline())


async def end_all(session: AsyncSession, account_id: str) -> None:
    """End every session of an account."""
    await session.execute(text("select door_forget(:account)"), {"account": account_id})
