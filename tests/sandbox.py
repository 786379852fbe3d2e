"""The outside world in a process of its own, for tests: over real HTTP, with its own book."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops.postgres import free_port

ROOT = Path(__file__).parent.parent
SECRET = "test_gateway_secret"
TOKEN = "test_systems_token"
WEBHOOK_SECRET = "whsec_dGVzdC13ZWJob29rLXNlY3JldC0wMTIzNDU2Nzg5"


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox, asked with a plain client; `secret` and `token` are what the house needs."""

    url: str
    client: httpx.Client
    secret: str = SECRET
    token: str = TOKEN

    @property
    def gateway_url(self) -> str:
        return f"{self.url}/gateway"

    @property
    def mail_url(self) -> str:
        return f"{self.url}/mail"

    @property
    def sms_url(self) -> str:
        return f"{self.url}/sms"

    @property
    def marketing_url(self) -> str:
        return f"{self.url}/marketing"

    def contacts(self) -> dict[str, dict[str, Any]]:
        """What the CRM knows, by our customer's id."""
        return {one["id"]: one for one in self.client.get("/marketing/contacts").json()}

    def fail(self, system: str, *rules: dict[str, Any] | str) -> None:
        """Switch failures of a system on: `fail("mail", "500_after")` or with whole rules; none: off."""
        body = [{"kind": rule} if isinstance(rule, str) else rule for rule in rules]
        self.client.put(f"/faults/{system}", json=body).raise_for_status()

    def fired(self, system: str) -> dict[str, int]:
        """How often each kind of failure happened."""
        counts: dict[str, int] = {}
        for entry in self.client.get("/faults").json()["fired"]:
            if entry["system"] == system:
                counts[entry["kind"]] = counts.get(entry["kind"], 0) + entry["count"]
        return counts

    def moves(self, order_id: str | None = None) -> list[dict[str, Any]]:
        """What really happened to money."""
        book: list[dict[str, Any]] = self.client.get("/gateway/control/book").json()
        return [move for move in book if order_id in (None, move["order_id"])]

    def mails(self, to: str | None = None) -> list[dict[str, Any]]:
        """Mail that really left, newest first."""
        sent: list[dict[str, Any]] = self.client.get("/mail/messages", params={"to": to} if to else {}).json()
        return sent

    def texts(self, to: str | None = None) -> list[dict[str, Any]]:
        """SMS that really left, newest first."""
        sent: list[dict[str, Any]] = self.client.get("/sms/messages", params={"to": to} if to else {}).json()
        return sent

    def authorise(self, order_id: str, amount: int, card: str = "approve", currency: str = "KRW") -> str:
        """Agree on the hosted page as a customer would; the payment key for `confirm`."""
        form = {
            "order_id": order_id, "amount": amount, "currency": currency, "card": card, "action": "pay",
            "success_url": "http://shop.test/paid", "fail_url": "http://shop.test/failed",
        }  # fmt: skip
        answer = self.client.post("/gateway/checkout", data=form)
        assert answer.status_code == 303, answer.text
        return str(httpx.URL(answer.headers["location"]).params["payment_key"])

    def reset(self) -> None:
        """Forget everything that was charged, sent and switched on."""
        self.client.post("/control/reset").raise_for_status()


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox process for the whole run."""
    port = free_port()
    book = tmp_path_factory.mktemp("sandbox") / "book.sqlite"
    own = {"GATEWAY_SECRET": SECRET, "SYSTEMS_TOKEN": TOKEN, "SANDBOX_BOOK": str(book)}
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "sandbox.main:app",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **own})
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False) as client:
        wait_until_ready(client, process)
        yield Sandbox(f"http://127.0.0.1:{port}", client)
    process.terminate()
    process.wait(20)


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    """The outside world, empty and without failures."""
    running_sandbox.reset()
    return running_sandbox


def wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    """Return once the process answers; a process that ended is an error."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        assert process.poll() is None, "the sandbox ended while it started"
        try:
            if client.get("/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the sandbox did not become ready")
