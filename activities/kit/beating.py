"""Heartbeats of a long activity: while it works, Temporal hears that its worker lives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from temporalio import activity

EVERY = 5.0  # seconds


@asynccontextmanager
async def beating(*details: object) -> AsyncIterator[None]:
    """Beat until the block ends; what is done stands in the tables, so a beat carries no progress."""
    beat = asyncio.create_task(_beat(details))
    try:
        yield
    finally:
        beat.cancel()
        with suppress(asyncio.CancelledError):
            await beat


async def _beat(details: tuple[object, ...]) -> None:
    while True:
        activity.heartbeat(*details)
        await asyncio.sleep(EVERY)
