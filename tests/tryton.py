"""The real ERP for tests: Tryton on a database of the test cluster, and a line to it that can be cut."""

import asyncio
import base64
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from ops import tryton
from ops.postgres import Cluster, free_port
from ops.processes import Process

PASSWORD = "only-for-tests-7"
SECONDS = 180  # on a busy machine a new one takes a minute


@dataclass
class RunningTryton:
    """One Tryton and how a person of accounting uses it."""

    port: int
    process: Process
    folder: Path
    cluster: Cluster
    database: str = tryton.DATABASE

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def administrator(self) -> tuple[str, str]:
        return "admin", (self.folder / "administrator").read_text()

    def ask(self, method: str, *params: Any, who: tuple[str, str] = ("ieum", PASSWORD)) -> Any:
        """One call of a signed-in person."""
        with httpx.Client(base_url=self.url, timeout=60) as client:
            path = f"/{self.database}/rpc/"

            def say(name: str, *given: Any, **headers: str) -> Any:
                body = {"id": 1, "method": name, "params": list(given)}
                said = client.post(path, json=body, headers=headers).json()
                assert "error" not in said, said["error"][:2]
                return said["result"]

            user, token, *_ = say("common.db.login", who[0], {"password": who[1]})
            coded = base64.b64encode(f"{who[0]}:{user}:{token}".encode()).decode()
            company = say(
                "model.company.company.search", [], 0, None, None, {}, authorization=f"Session {coded}"
            )
            context = {"company": company[0], "language": "en"}
            return say(method, *params, context, authorization=f"Session {coded}")

    def moves(self, key: str) -> list[dict[str, Any]]:
        """Every move of a key, drafts too."""
        names = ["state", "number", "period.name"]
        found = self.ask("model.account.move.search_read", [["description", "=", key]], 0, None, None, names)
        return list(found)

    def rename_moves(self) -> None:
        """Let what earlier tests posted go by another name."""
        with psycopg.connect(self.cluster.url(self.database)) as connection:
            connection.execute("update account_move set description = 'earlier ' || id")

    def close_month(self, month: str, *, reopen: bool = False) -> None:
        """What an accountant does in Tryton itself."""
        admin = self.administrator
        found = self.ask("model.account.period.search", [["name", "=", month]], 0, None, None, who=admin)
        assert len(found) == 1
        self.ask(f"model.account.period.{'reopen' if reopen else 'close'}", found, who=admin)
        if reopen:  # Tryton has closed the month of each journal too
            wanted = [["period", "in", found]]
            journals = self.ask("model.account.journal.period.search", wanted, 0, None, None, who=admin)
            self.ask("model.account.journal.period.reopen", journals, who=admin)


@pytest.fixture(scope="session")
def erp(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTryton]:
    """A Tryton of this test run with company, chart, years and our user."""
    folder = Path(os.environ.get("TEST_RUN_DIR", str(tmp_path_factory.mktemp("tryton"))))
    url = tryton.make_database(cluster.url(), PASSWORD)
    port = free_port()
    config = tryton.write_config(folder / "trytond.conf", url, port)
    running = RunningTryton(port, tryton.process(folder, config, PASSWORD), folder, cluster)
    running.process.start()
    until = time.monotonic() + SECONDS
    while not tryton.serves(port):
        assert running.process.is_alive(), running.process.last_lines()
        assert time.monotonic() < until, running.process.last_lines()
        time.sleep(0.3)
    yield running
    running.process.stop(3)


@dataclass
class Wire:
    """A line to Tryton that cuts answers after Tryton has acted, or cannot be used at all."""

    target: RunningTryton
    port: int = 0
    cut: Counter[str] = field(default_factory=Counter)  # so many answers of a method are lost
    is_down: bool = False
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request there and, if it is not cut, its answer back."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(int(line.split(":")[1]) for line in head.splitlines()
                          if line.lower().startswith("content-length"))  # fmt: skip
            body = await reader.readexactly(length)
            method = json.loads(body)["method"].rsplit(".", 1)[-1]
            self.asked[method] += 1
            if self.is_down:
                return
            lines = [line.split(": ", 1) for line in head.splitlines()[1:] if ": " in line]
            headers = {
                name: value for name, value in lines if name.lower() in ("authorization", "content-type")
            }
            async with httpx.AsyncClient(timeout=60) as client:
                said = await client.post(self.target.url + head.split(" ")[1], content=body, headers=headers)
            if self.cut[method] > 0:
                self.cut[method] -= 1
                return
            content = said.content
            answer = f"HTTP/1.1 {said.status_code} OK\r\ncontent-type: application/json\r\n"
            answer += f"content-length: {len(content)}\r\nconnection: close\r\n\r\n"
            writer.write(answer.encode() + content)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def wired(target: RunningTryton) -> AsyncIterator[Wire]:
    """A wire as long as it is needed."""
    wire = Wire(target)
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    wire.port = server.sockets[0].getsockname()[1]
    async with server:
        yield wire
