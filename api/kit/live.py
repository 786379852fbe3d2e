"""Live updates: open pages are told that something changed, each reader only of what they may see.

Writers notify `ieum_live` of topics such as `tickets` or `ticket:T100123`; no content travels."""

import asyncio
import math
import re
import signal
import threading
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import groupby
from types import FrameType
from typing import Any, NamedTuple

import psycopg
import structlog
from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col
from starlette.responses import Response, StreamingResponse

from api.kit import people
from api.kit.desk import session_for
from api.kit.people import Kind, People, Person
from api.kit.routes import ANY_LINK, SIGNED_IN, Router
from api.kit.visible import visible
from models.billing import AccountingPeriod, Invoice
from models.channels import Chat, PhoneLine
from models.customers import Customer
from models.dunning import DunningCase
from models.employee_requests import EmployeeRequest
from models.field_service import Visit
from models.kit.refusals import Refusal
from models.orders import Order, Return
from models.partners import Partner
from models.subscriptions import Subscription, SubscriptionChange
from models.tickets import Ticket

router = Router()
log = structlog.get_logger()

CHANNEL = "ieum_live"
TOPIC = re.compile(
    r"(?P<all>tickets|visits|orders|journeys|collections|dunning|employee_requests)"
    r"|(?P<one>ticket|visit|invoice|order|return|close|dunning_case|subscription|change|customer|case"
    r"|employee_request|presence|chat|line)"
    r":(?P<id>[A-Za-z0-9._-]{1,64})"
)
CASES = {
    "O": "order",
    "R": "return",
    "C": "change",
    "E": "employee_request",
}  # what a case's number says it is
ROWS: dict[str, type[Any]] = {
    "close": AccountingPeriod,
    "dunning_case": DunningCase,
    "employee_request": EmployeeRequest,
    "change": SubscriptionChange,
    "customer": Customer,
    "order": Order,
    "return": Return,
    "subscription": Subscription,
    "presence": Ticket,  # who has it open
    "ticket": Ticket,
    "visit": Visit,
    "partner": Partner,
    "invoice": Invoice,
    "chat": Chat,
    "line": PhoneLine,
}
INSIDE = frozenset({Kind.STAFF})
AUDIENCE = {
    "tickets": INSIDE,
    "orders": INSIDE,
    "journeys": INSIDE,
    "collections": INSIDE,
    "dunning": INSIDE,
    "partners": INSIDE,
    "visits": INSIDE | {Kind.TECHNICIAN, Kind.PARTNER},
    "employee_requests": INSIDE | {Kind.EMPLOYEE},
}
BY_NAME = frozenset({"employee_request", "line"})  # rows that colleagues of one team may not all see
GATHER = 0.15  # seconds in which one client's events are collected
LOOK_AGAIN = 15.0  # seconds between two looks at who is asking; also the keep-alive
KNOWN_FOR = 30.0  # seconds that a visible row counts as visible
UNKNOWN_FOR = 2.0  # a row that was just offered or assigned must not stay dark for long
KNOWN_ROWS = 20_000
MOST_WAITING = 200  # events of one client; beyond it "everything changed" says the same in six lines
REMEMBERED = 60.0  # seconds that a page may need to open its stream
SKEW = 0.5  # seconds by which the clock of another process of ours may differ
MOST_REMEMBERED = 5_000
MOST_STREAMS = 8  # of one account or link: one per browser, see static/live.js
AWAY = (SQLAlchemyError, psycopg.Error, OSError)


class Change(NamedTuple):
    """Something that changed: a kind of thing, and which one; without an id any of them may have."""

    name: str
    id: str = ""


EVERYTHING = tuple(Change(name) for name in (*AUDIENCE, *ROWS))


class Stream:
    """One open page: what it has not been told yet."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.woken = asyncio.Event()
        self._waiting: dict[Change, None] = {}

    def hear(self, change: Change) -> None:
        """Remember a change once, and nothing that an earlier one already says."""
        if change in self._waiting or Change(change.name) in self._waiting:
            return
        if len(self._waiting) >= MOST_WAITING:
            self._waiting = dict.fromkeys(EVERYTHING)
        else:
            self._waiting[change] = None
        self.woken.set()

    def take(self) -> list[Change]:
        """Everything not yet told; it is told once."""
        told = list(self._waiting)
        self._waiting.clear()
        self.woken.clear()
        return told


class Sight:
    """Who may see which row, by the rule of the pages; asked once for all who see the same."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._asked: OrderedDict[tuple[object, Change], tuple[float, asyncio.Task[frozenset[str]]]] = (
            OrderedDict()
        )

    async def seen(self, person: Person, changes: Iterable[Change]) -> list[Change]:
        """Those of the changes that this person may know of."""
        wanted = list(changes)
        scopes = {one: scope_of(person, one.name) for one in wanted}
        unknown = [one for one in wanted if one.id and self._answer(scopes[one], one) is None]
        for name, group in groupby(sorted(unknown), key=lambda one: one.name):
            ones = list(group)
            asking = asyncio.create_task(self._ask(person, name, [one.id for one in ones]))
            for one in ones:
                self._asked.pop((scopes[one], one), None)
                self._asked[scopes[one], one] = (time.monotonic(), asking)
        answers = {one: self._asked[scopes[one], one][1] for one in wanted if one.id}
        while len(self._asked) > KNOWN_ROWS:
            self._asked.popitem(last=False)
        return [
            one for one in wanted
            if (one.id in await asyncio.shield(answers[one]) if one.id else is_for(person, one))
        ]  # fmt: skip

    def _answer(self, scope: object, one: Change) -> asyncio.Task[frozenset[str]] | None:
        at, asking = self._asked.get((scope, one), (0.0, None))
        if asking is None or not asking.done():
            return asking
        if asking.cancelled() or asking.exception() is not None:
            return None
        good_for = KNOWN_FOR if one.id in asking.result() else UNKNOWN_FOR
        return asking if time.monotonic() - at < good_for else None

    async def _ask(self, person: Person, name: str, ids: list[str]) -> frozenset[str]:
        key = col(ROWS[name].id)
        query = visible(person, ROWS[name]).with_only_columns(key).where(key.in_(ids))
        async with session_for(self._engine, person, is_readonly=True) as session:
            found = frozenset((await session.scalars(query)).all())
            await session.finish()
            return found


def scope_of(person: Person, name: str) -> object:
    """What decides which rows somebody sees; staff of one team and roles mostly see the same."""
    if person.kind is Kind.STAFF and name not in BY_NAME:
        return person.kind, person.roles, person.team_id
    return person.kind, person.account_id or person.token_hash


def is_for(person: Person, change: Change) -> bool:
    """Whether a change without an id is for this kind of person; "some ticket" tells nobody anything."""
    return person.kind in AUDIENCE.get(change.name, {person.kind})


class Live:
    """One ear on the database per process, and everybody who wants to hear."""

    look_again = LOOK_AGAIN

    def __init__(self, engine: AsyncEngine) -> None:
        self.sight = Sight(engine)
        self.is_open = False  # streams go on
        self.is_listening = False  # the database tells us
        self._engine = engine
        self._streams: list[Stream] = []
        self._told: deque[tuple[float, Change]] = deque(maxlen=MOST_REMEMBERED)
        self._knows_since = math.inf  # nothing was missed since then

    async def run(self) -> None:
        """Listen for ever, with pauses that grow while the database is away; ends when cancelled."""
        self.is_open, pause = True, 0.2
        try:
            while True:
                try:
                    async with self._ears() as connection:
                        self._knows_since = time.time()
                        self.tell(*EVERYTHING)  # whatever was said while nobody listened
                        pause = 0.2
                        await self._listen(connection)
                except AWAY as error:
                    log.warning("live_updates_cannot_be_heard", error=type(error).__name__)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 10.0)
        finally:
            self.close()

    async def _listen(self, connection: psycopg.AsyncConnection[Any]) -> None:
        while True:
            async for notice in connection.notifies(timeout=self.look_again):
                self.tell(*changes_of(notice.payload))
            await connection.execute("select 1")  # a connection may have died without a word

    @asynccontextmanager
    async def _ears(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            raw = (await connection.get_raw_connection()).driver_connection
            assert isinstance(raw, psycopg.AsyncConnection)
            await raw.execute(f"listen {CHANNEL}".encode())
            self.is_listening = True
            try:
                yield raw
            finally:
                self.is_listening = False
                await connection.invalidate()  # never back into the pool with its ears open

    def close(self) -> None:
        """Let every stream end; browsers come again when somebody listens again."""
        self.is_open = False
        for stream in self._streams:
            stream.woken.set()

    def tell(self, *changes: Change) -> None:
        """Pass changes on to everybody; who may know of them is decided when they are sent."""
        now = time.time()
        for change in changes:
            self._told.append((now, change))
            for stream in self._streams:
                stream.hear(change)
        while self._told and self._told[0][0] < now - REMEMBERED:
            self._told.popleft()

    def since(self, at: float) -> Iterable[Change]:
        """What was told since a page began to be read; everything when we do not remember that long."""
        oldest = self._told[0][0] if len(self._told) == MOST_REMEMBERED else self._knows_since
        if at < max(oldest, time.time() - REMEMBERED):
            return EVERYTHING
        return [change for told, change in self._told if told >= at - SKEW]

    def refuse_too_many(self, person: Person) -> None:
        """Refuse one more stream of an account or link that has all it may have."""
        mine = person.account_id or person.token_hash
        open_now = sum((one.person.account_id or one.person.token_hash) == mine for one in self._streams)
        if open_now >= MOST_STREAMS:
            raise Refusal("too_many_tries")

    async def events(self, request: Request, person: Person) -> AsyncIterator[str]:
        """What one browser is sent, until it leaves, is signed out, or the process ends."""
        stream = Stream(person)
        self._streams.append(stream)
        if (at := known_at(request)) is not None:
            for change in self.since(at):
                stream.hear(change)
        try:
            yield "retry: 2000\n: welcome\n\n"
            looked = time.monotonic()
            while self.is_open:
                if time.monotonic() - looked >= self.look_again:
                    if not await is_still(request, stream):
                        return
                    looked = time.monotonic()
                    yield ": still here\n\n"
                if await woken(stream, looked + self.look_again - time.monotonic()):
                    await asyncio.sleep(GATHER)
                    told = int(time.time() * 1000)
                    for change in await self.sight.seen(stream.person, stream.take()):
                        yield f"event: {change.name}\nid: {told}\ndata: {change.id}\n\n"
        except AWAY as error:
            log.warning(
                "live_updates_end", error=type(error).__name__
            )  # the browser comes again and misses nothing
        finally:
            self._streams.remove(stream)


def known_at(request: Request) -> float | None:
    """Up to when the page that asks knows what changed, in seconds: it began to be read then, or, when its
    browser opens a broken stream again, was told something last."""
    said = request.headers.get("last-event-id") or request.query_params.get("at", "")
    return int(said) / 1000 if said.isascii() and said.isdigit() and len(said) < 16 else None


def changes_of(topic: str) -> list[Change]:
    """What a topic means; every change of a thing is one of its journey. Anything else is not passed on.

    A case whose number says nothing that pages know is a change of some journey."""
    found = TOPIC.fullmatch(topic)
    if found is None:
        return []
    name, id = found["all"] or found["one"], found["id"] or ""
    if name == "presence":
        return [Change(name, id)]  # of people, not of the thing
    if name == "case":
        name = CASES.get(id[:1], "")
    return [*([Change(name, id)] if name else []), Change("journeys")]


async def woken(stream: Stream, seconds: float) -> bool:
    """Whether something happened within this time."""
    try:
        await asyncio.wait_for(stream.woken.wait(), max(seconds, 0.0))
    except TimeoutError:
        return False
    return True


async def is_still(request: Request, stream: Stream) -> bool:
    """Whether the session, key or link that opened the stream still counts; new rights count from now on."""
    now = await People(request.app).who(request.scope)
    is_same = now.id == stream.person.id and now.token_hash == stream.person.token_hash
    stream.person = now
    return is_same


@contextmanager
def ending_with_the_process(live: Live) -> Iterator[None]:
    """Let streams end when the process is asked to: the server waits for them before it ends the app."""
    loop = asyncio.get_running_loop()
    before: dict[int, Callable[[int, FrameType | None], Any]] = {}

    def heard(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(live.close)
        before[number](number, frame)

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            handler = signal.getsignal(number)
            if callable(handler):
                before[number] = handler
                signal.signal(number, heard)
    try:
        yield
    finally:
        for caught, handler in before.items():
            signal.signal(caught, handler)


@router.get("/events", may=SIGNED_IN)
@router.get("/links/{token}/events", may=ANY_LINK)
async def events(request: Request) -> Response:
    """The stream of one browser; it ends at once while nobody listens."""
    live: Live = request.app.state.live
    person = people.person(request)
    live.refuse_too_many(person)
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    return StreamingResponse(live.events(request, person), media_type="text/event-stream", headers=headers)
