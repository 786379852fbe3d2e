"""The real house for browser tests: every part a process of its own, the sample company, no tickets yet."""

import asyncio
import gettext
import json
import re
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx
import psycopg
import pytest

from ops import past, plan
from ops.company import TECHNICIANS, Keys, make_company
from ops.postgres import free_port
from ops.run import Supervisor
from ops.walk import Walker

LOCALES = Path(__file__).parent.parent.parent / "locales"
OUTSIDE = ("DATABASE_URL", "DATABASE_NAME", "PUBLIC_URL", "GATEWAY_URL", "GATEWAY_PUBLIC_URL", "MAIL_URL")
Found = TypeVar("Found")
LINK = re.compile(r"https?://\S+/links/[0-9a-f]{64}\S*")


class QuietHouse(Supervisor):
    """A house whose company has old invoices and no running journeys: tests make their own."""

    keys: Keys

    def seed(self) -> None:
        """Store the company with its past, and leave its journeys to the tests."""
        self.keys = make_company(self.plan.urls.worker)
        with ThreadPoolExecutor(1) as elsewhere:  # this thread's loop may belong to the browser
            elsewhere.submit(lambda: asyncio.run(past.live_on(self.plan.urls.worker))).result(120)


@dataclass
class Tongue:
    """What the pages say in one language, by the English that stands in the code."""

    language: str
    find: Callable[[str], str] = field(init=False)

    def __post_init__(self) -> None:
        known = gettext.translation("messages", LOCALES, [self.language], fallback=self.language == "en")
        self.find = known.gettext

    def __call__(self, text: str, **values: object) -> str:
        said = self.find(text)
        assert self.language == "en" or said != text, f"no Korean for {text!r}"
        return said % values if values else said.replace("%%", "%")


@dataclass
class House:
    """Where everything answers, and how people get in."""

    app: str
    sandbox: str
    temporal_ui: str
    folder: Path
    keys: Keys
    worker_url: str
    erp_url: str
    temporal: tuple[str, str]  # address, namespace
    letterbox: str  # where mail servers bring mails
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=20))

    def sign_in_of(self, login: str) -> tuple[str, str]:
        """E-mail address and password."""
        return login, self.keys.password

    def asked(self, who: str, path: str) -> dict[str, object]:
        """What the house tells a program of this person."""
        headers = {"Authorization": f"Bearer {self.keys.tokens[who]}", "Accept": "application/json"}
        answer = self.http.get(self.app + path, headers=headers)
        answer.raise_for_status()
        return dict(answer.json())

    def number_of(self, subject: str, seconds: float = 30) -> str:
        """The ticket with this subject, once it is there; two of them are one too many."""
        return self._until(lambda: self._only(subject), seconds, f"no ticket {subject!r}")

    def _only(self, subject: str) -> str | None:
        headers = {"Authorization": f"Bearer {self.keys.tokens['agent']}", "Accept": "application/json"}
        answer = self.http.post(self.app + "/home/search", headers=headers, json={"q": subject[:60]})
        groups = answer.raise_for_status().json()["groups"]
        rows = [hit for group in groups if group["name"] == "ticket" for hit in group["hits"]]
        assert len(rows) < 2, rows
        return str(rows[0]["id"]) if rows else None

    def letter(self, kind: str, about: str, name: str, seconds: float = 60) -> int:
        """The number, at the sandbox, of the newest mail or SMS of this name about something."""

        def look() -> int | None:
            sent = self.http.get(f"{self.sandbox}/{kind}/messages").json()
            found = [one["id"] for one in sent if about in one["key"] and one["key"].endswith("/" + name)]
            found += [one["id"] for one in sent if about in one["key"] and one["key"].endswith(":" + name)]
            return max(found, default=None)

        return self._until(look, seconds, f"no {kind} {name} about {about}")

    def link_in(self, kind: str, number: int) -> str:
        """The link that a letter carries."""
        sent = self.http.get(f"{self.sandbox}/{kind}/messages").json()
        found = LINK.search(next(one["text"] for one in sent if one["id"] == number))
        assert found, "the letter has no link"
        return found[0]

    def walks(self, act: Callable[[Walker], Awaitable[object]]) -> None:
        """Somebody else's part of the story, done by a program over HTTP."""

        async def walk() -> None:
            phones = {phone: technician for technician, _, _, phone, *_ in TECHNICIANS}
            walker = Walker(self.app, self.sandbox, self.keys.tokens, phones)
            await act(walker)
            await walker.close()

        with ThreadPoolExecutor(1) as elsewhere:  # this thread's loop belongs to the browser
            elsewhere.submit(lambda: asyncio.run(walk())).result(120)

    def lines_of(self, visit: str) -> list[tuple[str, str]]:
        """What a phone has sent about a visit, in the order of its arrival, and what became of it."""
        query = "select kind, outcome from device_actions where visit_id = %s order by received_at"
        with psycopg.connect(self.worker_url) as database:
            return [(str(kind), str(outcome)) for kind, outcome in database.execute(query, (visit,))]

    def arrived_at(self, visit: str) -> str:
        """Where the phone was when its technician arrived."""
        query = "select arrival_position from visits where id = %s"
        with psycopg.connect(self.worker_url) as database:
            return "".join(str(place) for (place,) in database.execute(query, (visit,)))

    def offered_to(self, visit: str, seconds: float = 60) -> str:
        """The technician who is asked whether they take this visit."""

        def look() -> str | None:
            for who in [name for name in self.keys.tokens if name.startswith("tec_")]:
                offers = self.asked(who, "/field-service")["offers"]
                assert isinstance(offers, list)
                if any(card["visit_id"] == visit for card in offers):
                    return who
            return None

        return self._until(look, seconds, f"nobody was asked about {visit}")

    def _until(self, look: Callable[[], Found | None], seconds: float, otherwise: str) -> Found:
        limit = time.monotonic() + seconds
        while (found := look()) is None:
            assert time.monotonic() < limit, otherwise
            time.sleep(0.25)
        return found


def start(folder: Path, patch: pytest.MonkeyPatch) -> tuple[QuietHouse, House]:
    """Start everything in this folder, on free ports."""
    for name in (*plan.PORTS, *OUTSIDE):
        patch.delenv(name, raising=False)
    patch.setenv("RUN_DIR", str(folder))
    (folder / "ports.json").write_text(json.dumps({name: free_port() for name in plan.PORTS}))
    running = QuietHouse(plan.make_plan())
    try:
        running.start()
    except BaseException:
        running.house.stop()
        raise
    places = running.addresses()
    return running, House(
        places["app"],
        places["sandbox"],
        places["temporal_ui"],
        folder,
        running.keys,
        running.plan.urls.worker,
        running.plan.settings()["ACCOUNTING_URL"],
        (places["temporal"], running.plan.environment("worker").get("TEMPORAL_NAMESPACE", "default")),
        running.plan.settings()["MAIL_LISTEN"],
    )
