"""Signed events of outside systems (Standard Webhooks): retried, and if told so doubled and shuffled."""

import asyncio
import json
import logging
import random
from datetime import UTC, datetime
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook

from sandbox.book import Book

RETRY_SECONDS = (0.5, 1, 2, 5, 10, 30, 60, 300, 1800)
log = logging.getLogger("sandbox.webhooks")


class Webhooks:
    """Events wait in the book until somebody has answered 2xx."""

    def __init__(self, book: Book, name: str = "webhook") -> None:
        self.book, self.name = book, name
        self.hook: dict[str, Any] = json.loads(book.setting(name, "{}"))
        self.wake = asyncio.Event()

    def register(self, hook: str) -> None:
        """Remember where events go."""
        self.book.remember(self.name, hook)
        self.hook = json.loads(hook)

    def tell(self, event_id: str, body: dict[str, Any], after: float = 0.0) -> None:
        """Put an event, and the duplicates asked for, into the book, in the page of its caller."""
        if not self.hook:
            return
        dice = random.Random(f"{self.hook['seed']}:{event_id}")
        for _copy in range(1 + dice.randint(0, self.hook["duplicates"])):
            due_at = self.book.now() + after + dice.uniform(0, self.hook["shuffle_seconds"])
            told = json.dumps(body)
            self.book.write("deliveries", hook=self.name, event_id=event_id, body=told, due_at=due_at)
        self.wake.set()

    async def run(self) -> None:
        """Deliver what is due, for ever."""
        async with httpx.AsyncClient(timeout=15, trust_env=False) as client:
            while True:
                query = (
                    "select * from deliveries where hook = ? and state = 'waiting' and due_at <= ? limit 50"
                )
                due = self.book.rows(query, self.name, self.book.now()) if self.hook else []
                await asyncio.gather(*(self._deliver(client, item) for item in due))
                if not due:
                    self.wake.clear()
                    try:
                        await asyncio.wait_for(self.wake.wait(), 0.2)
                    except TimeoutError:
                        continue

    async def _deliver(self, client: httpx.AsyncClient, item: dict[str, Any]) -> None:
        now = datetime.now(UTC)
        signature = Webhook(self.hook["secret"]).sign(
            item["event_id"], now.replace(tzinfo=None), item["body"]
        )
        headers = {
            "content-type": "application/json", "webhook-id": item["event_id"],
            "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature,
        }  # fmt: skip
        try:
            heard = await client.post(self.hook["url"], content=item["body"], headers=headers)
            status = heard.status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            status = 0
        tries = item["tries"] + 1
        is_done = 200 <= status < 300 or tries > len(RETRY_SECONDS)
        state = "waiting" if not is_done else "delivered" if 200 <= status < 300 else "given_up"
        due_at = self.book.now() + RETRY_SECONDS[min(tries, len(RETRY_SECONDS)) - 1]
        self.book.base.execute(
            "update deliveries set tries = ?, state = ?, status = ?, due_at = ? where id = ?",
            (tries, state, status, due_at, item["id"]),
        )
