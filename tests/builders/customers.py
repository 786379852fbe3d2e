"""Somebody who signs up: their browser on a house that really runs."""

import asyncio
import re
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.connectors.mail import ConsoleMail
from activities.connectors.sms import ConsoleSms
from api.kit.signing import Passwords
from api.kit.throttles import Limits
from app import create_app
from tests.api.web import CHEAP, ORIGIN, SECRET, some_settings
from tests.desk import RunningDesk

CODE = re.compile(r"\b(\d{6})\b")
TICKED = {"terms": "yes", "privacy": "yes"}


@dataclass
class Post:
    """What left the house for customers."""

    mail: ConsoleMail = field(default_factory=ConsoleMail)
    sms: ConsoleSms = field(default_factory=ConsoleSms)

    def to(self, address: str) -> list[str]:
        """The texts that one address got, oldest first."""
        texts = [one.text for one in self.mail.sent.values() if one.to == address]
        return texts + [one.text for one in self.sms.sent.values() if one.to == address]

    def codes(self, address: str) -> list[str]:
        return [found[1] for one in self.to(address) if (found := CODE.search(one))]


@dataclass
class Browser:
    """One browser with its cookies, on the app of a running desk."""

    client: httpx.AsyncClient
    post: Post

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path)

    async def send(self, path: str, **data: str) -> httpx.Response:
        """Send a form of one of our pages, with the word of this browser's session."""
        page = await self.client.get("/my/profile")
        found = re.search(r'name="_csrf" value="([^"]*)"', page.text) if page.status_code == 200 else None
        word = {"_csrf": found[1]} if found else {}
        return await self.client.post(path, data={**data, **word})

    async def ask(self, contact: str, return_to: str = "") -> httpx.Response:
        return await self.client.post("/signup", data={"contact": contact, "return_to": return_to})

    async def newest_code(self, address: str, number: int = 1) -> str:
        """The n-th code that this address got; waits until it has arrived."""
        async with asyncio.timeout(20):
            while len(self.post.codes(address)) < number:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return self.post.codes(address)[number - 1]

    async def prove(self, contact: str, address: str, return_to: str = "") -> httpx.Response:
        """Ask for a code and type it in."""
        known = len(self.post.codes(address))
        await self.ask(contact, return_to)
        code = await self.newest_code(address, known + 1)
        return await self.client.post("/signup/code", data={"code": code})

    async def sign_up(self, contact: str, address: str, name: str = "김하나", **more: str) -> httpx.Response:
        """The whole way in."""
        await self.prove(contact, address, more.pop("return_to", ""))
        return await self.client.post("/signup/details", data={"name": name, **TICKED, **more})


@dataclass
class Doorway:
    """A house with its app, and as many browsers as come."""

    desk: RunningDesk
    post: Post
    engine: AsyncEngine
    folder: Path

    def __post_init__(self) -> None:
        given = some_settings(files_dir=self.folder)
        self.app = create_app(given, self.engine, client=self.desk.client, passwords=Passwords(CHEAP))
        self.app.state.limits = Limits(guesses=100_000, signups=100_000, codes=100_000, everybody=100_000)

    def browser(self) -> Browser:
        """A browser without cookies."""
        headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=ORIGIN, headers=headers)
        return Browser(client, self.post)

    async def rows(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        async with self.desk.engine.connect() as connection:
            return [tuple(row) for row in (await connection.execute(text(statement), values)).all()]

    async def change(self, statement: str, **values: object) -> None:
        async with self.desk.engine.begin() as connection:
            await connection.execute(text(statement), values)


__all__ = ["SECRET", "TICKED", "Browser", "Doorway", "Post"]
