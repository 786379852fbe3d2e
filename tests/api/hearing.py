"""One open stream of live updates, straight at the app, as a browser opens it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.api.web import Web

PATIENCE = 10.0


@dataclass
class Hearing:
    """One open stream, as the server fills it."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    is_over: bool = False

    @property
    def events(self) -> list[tuple[str, str]]:
        """What was said so far: name and id."""
        blocks = [block for block in self.body.split("\n\n") if block.startswith("event: ")]
        lines = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
        return [(one["event"], one["data"]) for one in lines]


async def until(is_so: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Look until it is so."""
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def hear(
    web: Web, who: str, path: str = "/events", at: float | None = None, **headers: str
) -> AsyncIterator[Hearing]:
    """Open a stream as a browser does, straight at the app: a client would wait for its end."""
    hearing, gone = Hearing(), asyncio.Event()
    query = b"" if at is None else f"at={int(at * 1000)}".encode()
    sent = {"host": "localhost", "accept-encoding": "gzip", **web.dressed(who), **headers}
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "method": "GET", "path": path,
        "raw_path": path.encode(), "query_string": query, "scheme": "http", "http_version": "1.1",
        "root_path": "", "server": ("localhost", 8000), "client": ("127.0.0.1", 1),
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
    }  # fmt: skip
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            hearing.status = message["status"]
            hearing.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            hearing.body += message["body"].decode()

    async def serve() -> None:
        await web.app(scope, receive, send)
        hearing.is_over = True

    serving = asyncio.create_task(serve())
    await until(lambda: bool(hearing.body) or hearing.is_over)
    yield hearing
    gone.set()
    await asyncio.wait_for(serving, PATIENCE)
