"""The readers as the house sees them: asked one mail each, given seconds, replaced when they are silent."""

import asyncio
import json
import os
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from activities.kit.reading.mails import Mail

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 10.0  # for one mail; most take some thousandths of one
MOST_SAID = 8 * 1024 * 1024
MOST_FILE = 32 * 1024 * 1024
MAILS_EACH = 500  # then a reader is replaced, whatever it may have kept


class Unreadable(Exception):
    """Not even the head of this mail could be read."""


@dataclass
class Reader:
    """One process that reads."""

    process: asyncio.subprocess.Process
    mails: int = 0

    async def ask(self, path: Path, *, only_head: bool) -> tuple[Mail, list[bytes]]:
        """What the mail says; raises when the process ends over it."""
        assert self.process.stdin is not None
        self.mails += 1
        asked = json.dumps({"path": str(path), "only_head": only_head})
        self.process.stdin.write(asked.encode() + b"\n")
        await self.process.stdin.drain()
        said: dict[str, Any] = json.loads(await self._part(MOST_SAID))
        mail = Mail(**said)
        return mail, [await self._part(MOST_FILE) for _ in mail.files]

    async def _part(self, most: int) -> bytes:
        assert self.process.stdout is not None
        (size,) = struct.unpack(">I", await self.process.stdout.readexactly(4))
        if size > most:
            raise ValueError("a reader says too much")
        return await self.process.stdout.readexactly(size)

    async def end(self) -> None:
        """No matter what it does."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


@dataclass
class Readers:
    """A few readers side by side."""

    most: int = 2
    seconds: float = SECONDS
    idle: list[Reader] = field(default_factory=list)
    _turn: asyncio.Semaphore | None = None

    async def read(self, path: Path) -> tuple[Mail, list[bytes]]:
        """A mail with its files; one that ends its reader is read by its head alone."""
        if self._turn is None:
            self._turn = asyncio.Semaphore(self.most)
        async with self._turn:
            for only_head in (False, True):
                found = await self._try(path, only_head=only_head)
                if found is not None:
                    return found
        raise Unreadable(path.name)

    async def _try(self, path: Path, *, only_head: bool) -> tuple[Mail, list[bytes]] | None:
        reader = await self._reader()
        is_well = False
        try:
            async with asyncio.timeout(self.seconds):
                found = await reader.ask(path, only_head=only_head)
            is_well = reader.mails < MAILS_EACH
        except (TimeoutError, asyncio.IncompleteReadError, ValueError, TypeError, OSError):
            return None
        finally:
            if is_well:
                self.idle.append(reader)
            else:
                await asyncio.shield(reader.end())
        return found

    async def _reader(self) -> Reader:
        while self.idle:
            reader = self.idle.pop()
            if reader.process.returncode is None:
                return reader
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "activities.kit.reading.child",
            cwd=ROOT, env={"PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            limit=1 << 20,
        )  # fmt: skip
        return Reader(process)

    async def close(self) -> None:
        """End them all."""
        while self.idle:
            await self.idle.pop().end()
