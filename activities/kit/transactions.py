"""One way to write rows: a short transaction that the caller leaves with everything or nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """A session that commits at the end of the block and rolls back when it fails."""
    async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
        yield session
