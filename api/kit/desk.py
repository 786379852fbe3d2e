"""The desk a handler works at: a database session that knows who asks, that person, and Temporal."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import structlog
from fastapi import Depends, Request
from sqlalchemy import Connection, Select, event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, SessionTransaction
from sqlmodel import SQLModel
from temporalio.client import Client

from api.kit import people
from api.kit.people import Kind, Person
from api.kit.visible import visible, visible_one
from models.kit.refusals import Refusal

M = TypeVar("M", bound=SQLModel)
SAFE = ("GET", "HEAD", "OPTIONS")
log = structlog.get_logger()

SAID = ("person", "kind", "roles", "customer", "ticket", "case", "technician", "partner", "team", "link")
# One statement, one round trip; true = only within this transaction, which cannot become writable again.
SAY_WHO = "select set_config('transaction_read_only', %(reading)s, true), " + ", ".join(
    f"set_config('ieum.{name}', %({name})s, true)" for name in SAID
)


def who(person: Person) -> dict[str, str]:
    """A person as the settings that row-level security reads."""
    return {
        "person": person.id,
        "kind": person.kind,
        "roles": ",".join(sorted(person.roles)),
        "customer": person.customer_id or "",
        "ticket": person.ticket_id or "",
        "case": person.case_id or "",
        "technician": person.technician_id or "",
        "partner": person.partner_id or "",
        "team": person.team_id or "",
        "link": person.token_hash if person.kind is Kind.LINK else "",
    }


SAID_WITH_THE_FIRST_READ = "said with the first read"


class Asking(Session):
    """A session whose every transaction first says who asks."""


class AskingSession(AsyncSession):
    """The same for handlers, with its end in one step."""

    sync_session_class = Asking

    async def finish(self) -> None:
        """Store what was written and give the connection back."""
        await self.run_sync(_finish)


def _finish(session: Session) -> None:
    session.commit()  # also when it only read: with a rollback the driver forgets its prepared statements
    session.close()


@event.listens_for(Asking, "after_begin")
def _say_who(session: Asking, _: SessionTransaction, connection: Connection) -> None:
    if session.info.pop(SAID_WITH_THE_FIRST_READ, False):
        return  # until then the database shows nothing
    connection.exec_driver_sql(SAY_WHO, session.info["who"])


def session_for(engine: AsyncEngine, person: Person, *, is_readonly: bool = False) -> AskingSession:
    """A session whose every transaction first says who asks; a read-only one cannot write at all."""
    said = {**who(person), "reading": "on" if is_readonly else "off"}
    return AskingSession(engine, expire_on_commit=False, info={"who": said})


def forbid_leaks(engine: AsyncEngine) -> None:
    """Throw a pooled connection away when it is dead, or still has a setting of an earlier request."""
    broken = engine.sync_engine.dialect.loaded_dbapi.Error

    def check(connection: Any, _: Any, __: Any) -> None:
        was, connection.autocommit = connection.autocommit, True
        cursor = connection.cursor()
        try:
            cursor.execute("select coalesce(nullif(current_setting('ieum.kind', true), ''), '')")
        except broken as error:
            raise DisconnectionError("the connection is dead") from error
        left = cursor.fetchone()[0]
        cursor.close()
        connection.autocommit = was
        if left:
            log.critical("setting_leaked", kind=left)
            raise DisconnectionError("a connection came back with somebody's settings")

    event.listen(engine.sync_engine, "checkout", check)


@dataclass
class DeskAt:
    """What a handler needs: `session`, `person`, and `client` (None while Temporal is not reachable)."""

    engine: AsyncEngine
    session: AsyncSession
    person: Person
    client: Client | None = None

    def visible(self, model: type[M]) -> Select[M]:
        """The rows of a table that the asking person may see; start every query from it."""
        return visible(self.person, model)

    async def one(self, model: type[M], key: Any) -> M:
        """One visible row, or the refusal `not_found`."""
        return await visible_one(self.session, self.person, model, key)

    async def commit(self) -> None:
        """Store what was written so far; the session then goes on in a new transaction."""
        await self.session.commit()

    async def take_in(self) -> None:
        """Be the public form's intake until the next commit: it may store and may not look around."""
        await self.session.execute(text("select set_config('ieum.kind', 'intake', true)"))

    def temporal(self) -> Client:
        """Temporal, or the refusal `try_again_later`."""
        if self.client is None:
            raise Refusal("try_again_later")
        return self.client


async def _open(request: Request) -> DeskAt:
    state = request.app.state
    person = people.person(request)
    rule = getattr(request.scope.get("route"), "rule", None)
    is_readonly = request.method in SAFE and not (rule is not None and rule.reveals)
    session = session_for(state.engine, person, is_readonly=is_readonly)
    request.state.session = session
    return DeskAt(state.engine, session, person, state.client)


async def leave(request: Request, *, is_done: bool) -> None:
    """Store what the handler of this request wrote, or none of it, and give its connection back."""
    session: AskingSession | None = getattr(request.state, "session", None)
    if session is None:
        return
    if is_done:
        try:
            await session.finish()
        except BaseException:
            await asyncio.shield(session.close())
            raise
    else:
        await asyncio.shield(session.close())


Desk = Annotated[DeskAt, Depends(_open)]
"""The parameter type of a handler: `async def show(request: Request, desk: Desk, ticket_id: str)`."""
