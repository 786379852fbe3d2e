"""The sandbox itself: what the tests and the demo rely on is true of it."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from api.kit.webhooks import Verified, verify
from ops.postgres import free_port
from tests.sandbox import ROOT, SECRET, TOKEN, WEBHOOK_SECRET, Sandbox, wait_until_ready


class Ear(ThreadingHTTPServer):
    """Listens for webhooks; refuses the first ones when told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Mouth)
        self.heard: list[Verified] = []
        self.refuse_first = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/webhooks"


class Mouth(BaseHTTPRequestHandler):
    """Answers one webhook."""

    server: Ear

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        message = verify(WEBHOOK_SECRET, dict(self.headers.items()), body)
        is_refused = self.server.refuse_first > 0
        self.server.refuse_first -= 1
        if not is_refused:
            self.server.heard.append(message)
        self.send_response(503 if is_refused else 204)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def ear() -> Iterator[Ear]:
    server = Ear()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def charge(sandbox: Sandbox, number: int) -> None:
    body = {"order_id": f"I{number}-1.1", "amount": 1000 + number}
    headers = {"idempotency-key": f"k{number}"}
    answer = sandbox.client.post(
        "/gateway/v1/payments/key-in", json=body, auth=(sandbox.secret, ""), headers=headers
    )
    answer.raise_for_status()


def wait_for(ear: Ear, count: int) -> list[str]:
    until = time.monotonic() + 20
    while len(ear.heard) < count:
        assert time.monotonic() < until, [message.id for message in ear.heard]
        time.sleep(0.05)
    time.sleep(0.3)
    return [message.id for message in ear.heard]


def test_a_webhook_is_signed_and_tried_until_it_is_taken(sandbox: Sandbox, ear: Ear) -> None:
    ear.refuse_first = 2
    sandbox.client.put("/gateway/control/webhook", json={"url": ear.url, "secret": WEBHOOK_SECRET})

    charge(sandbox, 1)

    assert len(wait_for(ear, 1)) == 1
    assert ear.heard[0].body["data"]["order_id"] == "I1-1.1"
    assert ear.heard[0].body["data"]["status"] == "DONE"
    (delivery,) = sandbox.client.get("/gateway/control/deliveries").json()
    assert (delivery["state"], delivery["tries"]) == ("delivered", 3)


def test_webhooks_come_twice_and_out_of_order_when_told(sandbox: Sandbox, ear: Ear) -> None:
    hook = {"url": ear.url, "secret": WEBHOOK_SECRET, "duplicates": 3, "shuffle_seconds": 1.0, "seed": 7}
    sandbox.client.put("/gateway/control/webhook", json=hook)

    for number in range(12):
        charge(sandbox, number)

    due = len(sandbox.client.get("/gateway/control/deliveries").json())
    ids = wait_for(ear, due)
    assert len(set(ids)) == 12 < due == len(ids)
    assert ids != sorted(ids, key=lambda id: int(id.split("_")[1]))


def test_the_hosted_page_sends_the_customer_back(sandbox: Sandbox) -> None:
    shop = {"success_url": "http://shop.test/paid?lang=ko", "fail_url": "http://shop.test/failed"}
    order = {"order_id": "I1-1.1", "amount": 5000, "currency": "KRW", "name": "<b>TV</b>", **shop}

    page = sandbox.client.get("/gateway/checkout", params={**order, "locale": "ko"})
    paid = sandbox.client.post("/gateway/checkout", data={**order, "card": "approve"})
    expired = sandbox.client.post("/gateway/checkout", data={**order, "card": "expired"})
    left = sandbox.client.post("/gateway/checkout", data={**order, "action": "cancel"})

    assert "결제하기" in page.text
    assert "<b>TV" not in page.text
    back = httpx.URL(paid.headers["location"]).params
    assert (paid.status_code, back["lang"], back["order_id"], back["amount"]) == (303, "ko", "I1-1.1", "5000")
    assert (
        expired.headers["location"] == "http://shop.test/failed?code=INVALID_CARD_EXPIRATION&order_id=I1-1.1"
    )
    assert left.headers["location"] == "http://shop.test/failed?code=PAY_PROCESS_CANCELED&order_id=I1-1.1"
    assert sandbox.moves() == []


def test_links_in_a_mail_can_be_followed_and_its_html_cannot_act(sandbox: Sandbox) -> None:
    message = {
        "to": "a@b.test",
        "subject": "제목",
        "text": "보기: https://desk.example/links/1 <b>",
        "html": "<p>1</p>",
    }
    headers = {"authorization": f"Bearer {TOKEN}", "idempotency-key": "k"}
    sandbox.client.post("/mail/messages", json=message, headers=headers).raise_for_status()
    (sent,) = sandbox.mails()

    page = sandbox.client.get(f"/mail/{sent['id']}")
    frame = sandbox.client.get(f"/mail/{sent['id']}/html")

    assert '<a href="https://desk.example/links/1">' in page.text
    assert "&lt;b&gt;" in page.text
    assert "sandbox allow-popups" in frame.headers["content-security-policy"]
    assert sandbox.client.get("/mail").text.count("제목") == 1


@pytest.mark.parametrize("path", ["/gateway/v1/payments/key-in", "/mail/messages", "/sms/messages"])
def test_nobody_is_let_in_without_the_secret(sandbox: Sandbox, path: str) -> None:
    bodies = {
        "/gateway/v1/payments/key-in": {"order_id": "a", "amount": 1},
        "/mail/messages": {"to": "a@b.test", "subject": "a", "text": "a"},
        "/sms/messages": {"to": "+821012345678", "text": "a"},
    }
    headers = {"idempotency-key": "k", "authorization": "Bearer wrong"}

    assert sandbox.client.post(path, json=bodies[path], headers=headers).status_code == 401


def test_the_book_survives_a_kill(tmp_path: Path) -> None:
    port = free_port()
    own = {"GATEWAY_SECRET": SECRET, "SYSTEMS_TOKEN": TOKEN, "SANDBOX_BOOK": str(tmp_path / "book.sqlite")}
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "sandbox.main:app",
        "--port",
        str(port),
        "--log-level",
        "error",
    ]
    answers = []

    for _life in range(2):
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **own})
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            wait_until_ready(client, process)
            sandbox = Sandbox(f"http://127.0.0.1:{port}", client)
            charge(sandbox, 1)
            answers.append(sandbox.moves())
        process.kill()
        process.wait()

    assert len(answers[0]) == 1
    assert json.dumps(answers[0]) == json.dumps(answers[1])
