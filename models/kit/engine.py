"""The one asynchronous engine, and sessions that say who is asking before they read."""

from json import JSONDecoder
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_decode = JSONDecoder().decode


def _read(stored: bytes) -> Any:
    """PostgreSQL speaks UTF-8; guessing the encoding of each small value costs more than reading it."""
    return {} if stored == b"{}" else _decode(str(stored, "utf8"))


def engine_for(
    url: str, *, pool_size: int = 10, application: str = "ieum", is_pinged: bool = True, patience: int = 0
) -> AsyncEngine:
    """An engine on psycopg 3 for a libpq URL; who checks connections at every use need not ping them.

    With `patience` no statement takes longer than so many seconds, nor waits half as long for a lock: one
    page that asks too much must not hold up all others."""
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    said = f"-c statement_timeout={patience}s -c lock_timeout={patience * 500}ms"
    limits = {"options": said} if patience else {}
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=is_pinged,
        pool_timeout=10,
        pool_use_lifo=True,  # few connections that know their statements already, not all of them in turn
        json_deserializer=_read,
        connect_args={"application_name": application, "connect_timeout": 5, **limits},
    )
