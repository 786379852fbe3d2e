"""Ways to the rows: a short transaction that is left with everything or nothing, or single statements."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from activities.kit.roots import hold_roots


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A session that commits at the end of the block and rolls back when it fails."""
    async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
        await hold_roots(session)
        yield session


@asynccontextmanager
async def statements(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection on which every statement is a transaction of its own: for reading, and for one write."""
    async with engine.connect() as connection:
        yield await connection.execution_options(isolation_level="AUTOCOMMIT")
