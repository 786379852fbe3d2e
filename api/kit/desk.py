"""The desk a handler works at: a database session that knows who asks, that person, and Temporal."""

from collections.abc import AsyncIterator
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

# One statement, one round trip; true = only within this transaction.
_SAY_WHO = text(
    "select " + ", ".join(
        f"set_config('ieum.{name}', :{name}, true)"
        for name in (
            "person", "kind", "roles", "customer", "ticket", "case", "technician", "partner", "team", "link"
        )
    )
)  # fmt: skip


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


def session_for(engine: AsyncEngine, person: Person, *, is_readonly: bool = False) -> AsyncSession:
    """A session whose every transaction first says who asks; a read-only one cannot write at all."""
    bound = engine.execution_options(postgresql_readonly=True) if is_readonly else engine
    session = AsyncSession(bound, expire_on_commit=False)

    def say_who(_: Session, __: SessionTransaction, connection: Connection) -> None:
        connection.execute(_SAY_WHO, who(session.info["person"]))

    session.info["person"] = person
    event.listen(session.sync_session, "after_begin", say_who)
    return session


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


async def _open(request: Request) -> AsyncIterator[DeskAt]:
    state = request.app.state
    person = people.person(request)
    rule = getattr(request.scope.get("route"), "rule", None)
    is_readonly = request.method in SAFE and not (rule is not None and rule.reveals)
    async with session_for(state.engine, person, is_readonly=is_readonly) as session:
        yield DeskAt(state.engine, session, person, state.client)
        await session.commit()


Desk = Annotated[DeskAt, Depends(_open, scope="function")]
"""The parameter type of a handler: `async def show(request: Request, desk: Desk, ticket_id: str)`."""
