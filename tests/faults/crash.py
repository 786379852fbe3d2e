"""A process that ends at a chosen point: before the n-th SQL statement, commit or call to the outside."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


class Crash(BaseException):
    """The end of the process: nothing catches it, what was not committed is gone."""


class CrashPoints:
    """Counts everything that a piece of work does to the world, and ends it at one of these points."""

    def __init__(self, engine: AsyncEngine, at: int) -> None:
        self.engine, self.at, self.passed = engine.sync_engine, at, 0

    def point(self, *_: Any) -> None:
        """One more point; ours is the end."""
        self.passed += 1
        if self.passed == self.at:
            raise Crash(f"at point {self.at}")

    def around(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """A call to the outside with a point before and one after it: done, but its answer is lost."""

        async def called(*args: Any, **named: Any) -> Any:
            self.point()
            answer = await call(*args, **named)
            self.point()
            return answer

        return called

    @contextmanager
    def armed(self) -> Iterator[None]:
        """Statements and commits of the engine are points, too."""
        event.listen(self.engine, "before_cursor_execute", self.point)
        event.listen(self.engine, "commit", self.point)
        try:
            yield
        finally:
            event.remove(self.engine, "before_cursor_execute", self.point)
            event.remove(self.engine, "commit", self.point)
