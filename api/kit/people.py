"""Who asks: found once per request from a session cookie, an API token or a signed link."""

import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from http.cookies import CookieError, SimpleCookie
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from models.messages.staff import STAFF_ROLES, LinkPurpose, Role

OF_PARTNER = frozenset({Role.PARTNER, Role.PARTNER_DISPATCHER})
CACHE_SECONDS = 5.0
CACHE_SIZE = 10_000
LINKS = "/links/"
STREAM = "/events"
PROGRAMS = "/api/"
BY_ITSELF = "x-by-itself"  # a page that renews itself says so: nobody has done anything


class Kind(StrEnum):
    """The one capacity in which somebody asks; row-level security knows the same words."""

    ANONYMOUS = "anonymous"
    STAFF = "staff"
    CUSTOMER = "customer"
    TECHNICIAN = "technician"
    PARTNER = "partner"
    EMPLOYEE = "employee"
    LINK = "link"
    INTAKE = "intake"  # the public form while it stores a report
    DOOR = "door"  # the sign-in page while it lets somebody in


@dataclass(frozen=True)
class Person:
    """Who asks and what they belong to; true only for somebody who has signed in."""

    kind: Kind
    id: str = ""  # the account, or "link:<purpose>:<ticket>"
    name: str = ""
    roles: frozenset[Role] = frozenset()
    locale: str | None = None
    account_id: str | None = None
    team_id: str | None = None
    customer_id: str | None = None
    technician_id: str | None = None
    partner_id: str | None = None
    ticket_id: str | None = None  # a link shows this ticket only
    case_id: str | None = None  # or this order or change only
    purpose: LinkPurpose | None = None
    subject: str | None = None  # the visit, invoice or ticket that the link acts on
    is_used: bool = False  # the link has done its one act
    is_token: bool = False  # came with an API token: carries no cookie, so nobody can forge its requests
    scopes: frozenset[str] | None = None  # what a program's key may do; None: whatever its person may
    token_hash: str = field(default="", repr=False)
    address: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return self.account_id is not None

    @property
    def is_desk(self) -> bool:
        """Works on tickets: agents, dispatchers and administrators."""
        return self.kind is Kind.STAFF and bool(self.roles & {Role.AGENT, Role.DISPATCHER, Role.ADMIN})


ANONYMOUS = Person(Kind.ANONYMOUS)


def token_hash(token: str) -> str:
    """What is stored of a token; nothing is stored of an empty one."""
    return hashlib.sha256(token.encode()).hexdigest() if token else ""


def person_of(row: Mapping[str, Any]) -> Person:
    """The person behind an account row; the most powerful capacity counts."""
    roles = frozenset(Role(name) for name in row["roles"] if name in set(Role))
    kind = Kind.EMPLOYEE
    if roles & STAFF_ROLES:
        kind = Kind.STAFF
    elif roles & OF_PARTNER and row["partner_id"]:
        kind = Kind.PARTNER
    elif Role.TECHNICIAN in roles and row["technician_id"]:
        kind = Kind.TECHNICIAN
    elif Role.CUSTOMER in roles and row["customer_id"]:
        kind = Kind.CUSTOMER
    return Person(
        kind=kind,
        id=row["id"],
        name=row["name"],
        roles=roles,
        locale=row["locale"],
        account_id=row["id"],
        team_id=row["team_id"],
        customer_id=row["customer_id"],
        technician_id=row["technician_id"],
        partner_id=row["partner_id"],
    )


def link_of(row: Mapping[str, Any], hashed: str) -> Person:
    """The person behind a signed link: the customer, narrowed to one ticket."""
    return Person(
        kind=Kind.LINK,
        id=f"link:{row['purpose']}:{row['ticket_id'] or row['case_id']}",
        name=row["name"],
        locale=row["locale"],
        customer_id=row["customer_id"],
        ticket_id=row["ticket_id"],
        case_id=row["case_id"],
        purpose=LinkPurpose(row["purpose"]),
        subject=row["subject"],
        is_used=row["used_at"] is not None,
        token_hash=hashed,
    )


class Doors:
    """Looks tokens up, with one query each, and remembers sessions for five seconds."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._known: OrderedDict[tuple[str, str], tuple[float, Person]] = OrderedDict()

    async def by_session(self, token: str, *, is_looking_on: bool = False) -> Person:
        """The person of a session cookie; nobody when it is unknown, ended or revoked.

        Whoever only looks on does not put off the end of an idle session."""
        return await self._account("door_still" if is_looking_on else "door_session", token_hash(token))

    async def by_token(self, token: str) -> Person:
        """The person of an API token."""
        found = await self._account("door_token", token_hash(token))
        return replace(found, is_token=bool(found))

    async def by_client(self, token: str) -> Person:
        """The account that a program acts for, narrowed to the scopes of its key."""
        hashed = token_hash(token)
        row = await self._row("door_client", hashed) if hashed else None
        if row is None:
            return ANONYMOUS
        return replace(person_of(row), token_hash=hashed, is_token=True, scopes=frozenset(row["scopes"]))

    async def by_link(self, token: str) -> Person:
        """The customer behind a signed link, narrowed to its ticket."""
        hashed = token_hash(token)
        row = await self._row("door_link", hashed) if hashed else None
        return ANONYMOUS if row is None else link_of(row, hashed)

    def forget(self, *, hashed: str = "", account_id: str = "") -> None:
        """Let nothing be remembered of a session, or of all sessions of an account."""
        for key, (_, known) in list(self._known.items()):
            if key[1] == hashed or (account_id and known.id == account_id):
                del self._known[key]

    async def _account(self, door: str, hashed: str) -> Person:
        if not hashed:
            return ANONYMOUS
        until, known = self._known.get((door, hashed), (0.0, ANONYMOUS))
        if until > time.monotonic():
            return known
        self._known.pop((door, hashed), None)
        row = await self._row(door, hashed)
        if row is None:
            return ANONYMOUS
        person = replace(person_of(row), token_hash=hashed)
        self._known[door, hashed] = (time.monotonic() + CACHE_SECONDS, person)
        while len(self._known) > CACHE_SIZE:
            self._known.popitem(last=False)
        return person

    async def _row(self, door: str, hashed: str) -> Mapping[str, Any] | None:
        async with self._engine.connect() as connection:
            autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
            found = await autocommit.execute(text(f"select * from {door}(:hash)"), {"hash": hashed})  # noqa: S608
            row = found.mappings().one_or_none()
            return None if row is None else dict(row)


def cookie_name(is_secure: bool) -> str:
    """`__Host-` forbids other hosts to set it, and needs https."""
    return "__Host-ieum" if is_secure else "ieum"


def cookie_of(headers: Headers, is_secure: bool) -> str:
    """The session token that the browser sent, or nothing."""
    try:
        jar: SimpleCookie = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    name = cookie_name(is_secure)
    return jar[name].value if name in jar else ""


def csrf_token(secret: bytes, person: Person) -> str:
    """The word a page of this session must send back with every change."""
    return hmac.new(secret, b"csrf:" + person.token_hash.encode(), hashlib.sha256).hexdigest()


class People:
    """Middleware: puts `person` and `csrf` on the request's state."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find out who asks, once."""
        if scope["type"] == "http":
            state = scope.setdefault("state", {})
            person = await self.who(scope)
            client = scope.get("client")
            state["person"] = replace(person, address=client[0] if client else "")
            state["csrf"] = csrf_token(scope["app"].state.settings.secret_key, person)
        await self.app(scope, receive, send)

    async def who(self, scope: Scope) -> Person:
        """A link counts on its own pages, else an API token, else the session cookie."""
        if scope["path"].startswith("/static/"):
            return ANONYMOUS
        doors: Doors = scope["app"].state.doors
        headers = Headers(scope=scope)
        if scope["path"].startswith(LINKS):
            return await doors.by_link(scope["path"].removeprefix(LINKS).split("/", 1)[0])
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            found = await doors.by_token(token.strip())
            if not found and scope["path"].startswith(PROGRAMS):
                return await doors.by_client(token.strip())
            return found
        token = cookie_of(headers, scope["app"].state.settings.is_secure)
        return await doors.by_session(token, is_looking_on=scope["path"] == STREAM or BY_ITSELF in headers)


def person(request: Request) -> Person:
    """Who asks this request."""
    found = getattr(request.state, "person", ANONYMOUS)
    return found if isinstance(found, Person) else ANONYMOUS
