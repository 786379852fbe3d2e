"""Heartbeats: while an activity works, Temporal hears that its worker lives; a silent one is replaced."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

EVERY = 5.0  # seconds
SOON = timedelta(seconds=15)  # whoever may be silent no longer than this is heard without saying so itself


class Beating(Interceptor):
    """Beats for every outside call, so that one that died with its worker is asked for again within seconds.

    Only for those that are bounded by a short time anyway: a beat must not hide that a long slice hangs."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Stand before each activity of the worker."""
        return _Heard(next)


class _Heard(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        silent = activity.info().heartbeat_timeout
        if not silent or silent > SOON:
            return await self.next.execute_activity(input)
        beats = _Beats(silent.total_seconds() / 3)
        try:
            return await self.next.execute_activity(input)
        finally:
            beats.coming.cancel()


class _Beats:
    """A beat after each pause; most calls have ended before the first, so it costs them one timer."""

    def __init__(self, pause: float) -> None:
        self.pause = pause
        self.coming = asyncio.get_running_loop().call_later(pause, self.beat)

    def beat(self) -> None:
        activity.heartbeat()
        self.coming = asyncio.get_running_loop().call_later(self.pause, self.beat)


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
