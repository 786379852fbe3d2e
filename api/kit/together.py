"""Several reads of one page in one round trip to the database."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import psycopg
from sqlalchemy import Dialect, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from api.kit.desk import SAID_WITH_THE_FIRST_READ, SAY_WHO
from api.kit.visible import REMEMBERED

Change = Callable[[Any], Any]
Asked = tuple[Select[*tuple[Any, ...]], Mapping[str, Any]]


class Prepared:
    """One remembered query as the driver takes it, with what its values and columns need on the way."""

    def __init__(self, query: Select[*tuple[Any, ...]], dialect: Dialect) -> None:
        self.compiled = query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self.sql = str(self.compiled)
        self.into: dict[str, Change] = {}
        for name, bind in self.compiled.binds.items():
            if change := bind.type.dialect_impl(dialect).bind_processor(dialect):
                self.into[name] = change
        self.out: dict[int, Change] = {}
        for at, column in enumerate(query.selected_columns):
            if change := column.type.dialect_impl(dialect).result_processor(dialect, None):
                self.out[at] = change

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All values that the query binds."""
        wanted = self.compiled.construct_params(dict(given))
        return {
            name: self.into[name](value) if name in self.into else value for name, value in wanted.items()
        }

    def row(self, found: tuple[Any, ...]) -> tuple[Any, ...]:
        """One line of the answer."""
        if not self.out:
            return found
        line = list(found)
        for at, change in self.out.items():
            line[at] = change(line[at])
        return tuple(line)


@lru_cache(maxsize=2 * REMEMBERED)
def _prepared(query: Select[*tuple[Any, ...]], dialect: Dialect) -> Prepared:
    return Prepared(query, dialect)


def _told(connection: AsyncConnection, sql: str, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A statement on its way, after whoever watches the engine's statements heard of it too."""
    watched = connection.sync_connection
    if watched is not None:
        watched.dispatch.before_cursor_execute(watched, None, sql, values, None, False)
    return sql, values


async def together(session: AsyncSession, *asked: Asked) -> list[list[tuple[Any, ...]]]:
    """The rows of several queries, sent at once; each must be one that is built once and remembered.

    When they are the first of their transaction, its beginning and who asks are sent with them."""
    if session.new or session.dirty or session.deleted:
        await session.flush()  # as before every other read
    session.info[SAID_WITH_THE_FIRST_READ] = True
    try:
        connection = await session.connection()
    finally:
        is_begun = session.info.pop(SAID_WITH_THE_FIRST_READ, False)
    raw = (await connection.get_raw_connection()).driver_connection
    assert isinstance(raw, psycopg.AsyncConnection)
    ready = [(_prepared(query, connection.dialect), given) for query, given in asked]
    try:
        async with raw.pipeline():
            if not is_begun:
                await raw.execute(SAY_WHO, session.info["who"])
            cursors = [
                await raw.execute(*_told(connection, one.sql, one.values(given))) for one, given in ready
            ]
        found = [await cursor.fetchall() for cursor in cursors]
    except psycopg.Error as error:
        raise DBAPIError.instance(
            None, None, error, psycopg.Error, connection_invalidated=raw.closed, dialect=connection.dialect
        ) from error
    return [[one.row(line) for line in lines] for (one, _), lines in zip(ready, found, strict=True)]
