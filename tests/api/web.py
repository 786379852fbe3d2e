"""The app as people and programs reach it: over HTTP, each person with their own cookie or link."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from api.kit.people import csrf_token
from api.kit.signing import Passwords
from api.kit.throttles import Limits
from app import create_app
from models.kit.settings import Settings
from tests.builders.company import PASSWORD, Company, hashed

ORIGIN = "http://localhost:8000"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
STORED = CHEAP.hash(PASSWORD)
SECRET = b"a secret that only tests know, 32 bytes and more"


def some_settings(**changes: Any) -> Settings:
    """Settings of a test's app."""
    given: dict[str, Any] = {
        "database_url": "", "secret_key": SECRET, "payload_keys": (("test", bytes(32)),),
        "gateway_secret": "x",
        "gateway_webhook_secret": "whsec_eHg=", "systems_token": "x", "temporal_address": "127.0.0.1:1",
        "temporal_namespace": "default", "temporal_ui_url": "", "public_url": ORIGIN,
        "gateway_url": "http://127.0.0.1:1", "gateway_public_url": "http://127.0.0.1:1",
        "mail_url": "", "sms_url": "", "desk_address": "desk@example.test",
        "files_dir": Path("/tmp/ieum-test-files"), "metrics_port": 0,
        "log_level": "info", "pool_size": 5, "is_secure": False, "undo_seconds": 0,
    }  # fmt: skip
    return Settings(**{**given, **changes})


@dataclass
class Web:
    """One app and everybody who may come in."""

    app: FastAPI
    company: Company

    def client(self) -> httpx.AsyncClient:
        """A browser without cookies. What the app does not catch fails the test."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=ORIGIN, trust_env=False)

    def dressed(self, who: str, headers: dict[str, str] | None = None) -> dict[str, str]:
        """The headers that this person's browser sends from our own page."""
        sent = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin", **(headers or {})}
        if who in self.company.tokens:
            if not who.startswith("link_"):
                sent.setdefault("Cookie", f"ieum={self.company.tokens[who]}")
            sent.setdefault("X-CSRF-Token", self.csrf(who))
        return sent

    def csrf(self, who: str) -> str:
        """The word that this person's pages carry."""
        person = replace(self.company.persons[who], token_hash=hashed(self.company.tokens[who]))
        return csrf_token(SECRET, person)

    async def send(
        self,
        method: str,
        path: str,
        *,
        who: str = "anonymous",
        headers: dict[str, str] | None = None,
        **body: Any,
    ) -> httpx.Response:
        """One request of one person."""
        async with self.client() as client:
            return await client.request(method, path, headers=self.dressed(who, headers), **body)

    async def get(self, path: str, *, who: str = "anonymous", **more: Any) -> httpx.Response:
        """Look at a page."""
        return await self.send("GET", path, who=who, **more)

    async def post(self, path: str, *, who: str = "anonymous", **more: Any) -> httpx.Response:
        """Send a form of one of our own pages."""
        return await self.send("POST", path, who=who, **more)


def web_on(engine: AsyncEngine, company: Company, **changes: Any) -> Web:
    """An app on this engine, whose links may be walked as often as a test likes."""
    app = create_app(some_settings(**changes), engine, passwords=Passwords(CHEAP))
    app.state.limits = Limits(guesses=100_000, acts=100_000, everybody=100_000)
    return Web(app, company)
