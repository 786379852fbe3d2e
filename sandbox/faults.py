"""Failures that can be switched on per system; which call fails depends only on seed and call count."""

import asyncio
import json
import random
import socket
import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Kind = Literal[
    "500_before", "500_after", "timeout_before", "timeout_after", "late", "429", "slow", "drip", "garbage",
    "truncated_json", "wrong_amount", "wrong_order", "duplicate", "reset", "reset_before",
]  # fmt: skip
SystemName = Literal[
    "payments", "mail", "sms", "stock", "carrier", "credit", "marketing", "service", "alimtalk", "bank",
    "tax", "hr", "directory", "office",
]  # fmt: skip
BY_ADDRESS = {  # systems whose operations are named by the end of their addresses
    "stock": {"reservations": "reserve", "parcels": "pack"},
    "carrier": {"parcels": "collect", "address": "redirect"},
    "credit": {"checks": "check", "release": "free"},
    "service": {"switch": "switch"},
}
BEFORE = frozenset({"500_before", "timeout_before", "429", "reset_before"})


class Rule(BaseModel):
    """One way to fail. `seconds` is how long time-outs, late and slow ones keep the caller waiting."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    probability: float = Field(1.0, ge=0, le=1)
    seed: int = 0
    times: int | None = None
    operation: str = "*"
    retry_after: str | None = None
    seconds: float = 60.0


@dataclass
class Switchboard:
    """The rules in force, how often each system was called, and what fired."""

    rules: dict[str, list[Rule]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    fired: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    left: dict[tuple[str, int], int] = field(default_factory=dict)

    def put(self, system: str, rules: list[Rule]) -> None:
        """Replace a system's rules; its call count starts again."""
        self.rules[system] = rules
        self.left = {place: n for place, n in self.left.items() if place[0] != system}
        self.left |= {(system, i): rule.times for i, rule in enumerate(rules) if rule.times is not None}
        self.calls = Counter({name: n for name, n in self.calls.items() if not name.startswith(f"{system}.")})

    def choose(self, system: str, operation: str) -> Rule | None:
        """The first rule that fires for this call."""
        place = f"{system}.{operation}"
        count = self.calls[place]
        self.calls[place] += 1
        for number, rule in enumerate(self.rules.get(system, [])):
            if rule.operation not in ("*", operation) or self.left.get((system, number)) == 0:
                continue
            if random.Random(f"{rule.seed}:{number}:{place}:{count}").random() < rule.probability:
                if rule.times is not None:
                    self.left[(system, number)] -= 1
                self.fired[(system, operation, rule.kind)] += 1
                return rule
        return None

    def clear(self) -> None:
        """Work without failures again."""
        for book in (self.rules, self.calls, self.fired, self.left):
            book.clear()


class Failing:
    """Stands before every outside system and breaks calls as the switchboard says."""

    def __init__(self, app: ASGIApp, board: Switchboard) -> None:
        self.app, self.board = app, board

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or fail at it."""
        place = operation(scope) if scope["type"] == "http" else None
        rule = self.board.choose(*place) if place else None
        if rule is None:
            await self.app(scope, receive, send)
            return
        body = await _read(receive)
        if rule.kind in BEFORE:
            await _fail_before(rule, receive, send)
        elif rule.kind == "late":
            await asyncio.sleep(rule.seconds)
            await _act(self.app, scope, body)
            await _answer(send, 504, b"")
        else:
            heard = await _act(self.app, scope, body)
            if rule.kind == "duplicate":  # the network brings the same request once more
                heard = await _act(self.app, scope, body)
            await _fail_after(rule, receive, send, heard)


def operation(scope: Scope) -> tuple[str, str] | None:
    """Which system and operation a request is for; pages and controls never fail."""
    method, path = scope["method"], str(scope["path"])
    if path.startswith("/gateway/v1/payments"):
        last = path.rsplit("/", 1)[1]
        if method == "GET":
            return "payments", "look_up"
        return "payments", {"confirm": "confirm", "key-in": "key_in", "cancel": "cancel"}.get(last, last)
    if path.startswith("/gateway/v1/billing/") and method in ("POST", "DELETE"):
        if path.endswith("/authorizations/issue"):
            return "payments", "issue_key"
        return "payments", "charge_key" if method == "POST" else "revoke_key"
    if method == "POST" and path in ("/mail/messages", "/sms/messages", "/alimtalk/messages"):
        return path.split("/")[1], "send"
    if path.startswith("/marketing/contacts/") and method in ("PUT", "DELETE"):
        return "marketing", "upsert" if method == "PUT" else "forget"
    if path.startswith("/tax/documents"):
        return "tax", "look_up" if method == "GET" else "issue"
    if path.startswith("/bank/files/"):
        return "bank", "hand_in" if method == "PUT" else "result"
    parts = path.strip("/").split("/")
    if path == "/hr/changes":
        return "hr", "changes"
    if path.startswith("/directory/scim/"):
        return "directory", f"{method.lower()}_{'group' if 'Groups' in parts else 'user'}"
    if parts[0] == "office" and method == "POST":
        return "office", "undo" if parts[-1] == "undo" else parts[1]
    if method == "POST" and parts[0] in BY_ADDRESS and parts[1] != "control":
        return parts[0], BY_ADDRESS[parts[0]].get(parts[-1], parts[-1].replace("-", "_"))
    return None


async def _fail_before(rule: Rule, receive: Receive, send: Send) -> None:
    if rule.kind == "reset_before":
        _reset(receive)
    elif rule.kind == "429":
        wait = [(b"retry-after", rule.retry_after.encode("latin-1"))] if rule.retry_after is not None else []
        await _answer(send, 429, b'{"code": "TOO_MANY_REQUESTS"}', wait)
    elif rule.kind == "timeout_before":
        await asyncio.sleep(rule.seconds)
        await _answer(send, 504, b"")
    else:
        await _answer(send, 500, b'{"code": "FAILED_INTERNAL_SYSTEM_PROCESSING"}')


async def _fail_after(rule: Rule, receive: Receive, send: Send, heard: tuple[int, bytes]) -> None:
    status, body = heard
    match rule.kind:
        case "500_after":
            await _answer(send, 500, b'{"code": "FAILED_INTERNAL_SYSTEM_PROCESSING"}')
        case "timeout_after":
            await asyncio.sleep(rule.seconds)
            await _answer(send, 504, b"")
        case "slow":
            await asyncio.sleep(rule.seconds)
            await _answer(send, status, body)
        case "drip":
            await _drip(rule, send, status, body)
        case "garbage":
            await _answer(send, 200, b"<!doctype html><title>Maintenance</title><p>We will be back soon.")
        case "truncated_json":
            await _answer(send, status, body[: max(1, len(body) // 2)])
        case "wrong_amount" | "wrong_order":
            await _answer(send, status, _alter(rule.kind, body))
        case "reset":
            _reset(receive)
        case _:
            await _answer(send, status, body)


async def _act(app: ASGIApp, scope: Scope, body: bytes) -> tuple[int, bytes]:
    """Let the system do its work and keep its answer to ourselves."""
    parts: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def keep(message: Message) -> None:
        parts.append(message)

    await app(dict(scope), receive, keep)
    return int(parts[0]["status"]), b"".join(part.get("body", b"") for part in parts[1:])


def _alter(kind: str, body: bytes) -> bytes:
    said = json.loads(body)
    if kind == "wrong_amount" and "total_amount" in said:
        said["total_amount"] += 1
    for name in ("order_id", "reference") if kind == "wrong_order" else ():
        if name in said:
            said[name] += "x"
    return json.dumps(said).encode()


async def _drip(rule: Rule, send: Send, status: int, body: bytes) -> None:
    """One byte at a time, so that no read time-out ever fires."""
    await send({"type": "http.response.start", "status": status, "headers": _headers(body)})
    for byte in body:
        await asyncio.sleep(rule.seconds / max(1, len(body)))
        await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _reset(receive: Receive) -> None:
    """Cut the connection with a TCP reset; uvicorn's `receive` is a method that knows its transport."""
    transport = receive.__self__.transport  # type: ignore[attr-defined]
    transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    transport.abort()


async def _answer(
    send: Send, status: int, body: bytes, extra: list[tuple[bytes, bytes]] | None = None
) -> None:
    await send({"type": "http.response.start", "status": status, "headers": _headers(body) + (extra or [])})
    await send({"type": "http.response.body", "body": body})


def _headers(body: bytes) -> list[tuple[bytes, bytes]]:
    kind = b"text/html" if body.startswith(b"<") else b"application/json"
    return [(b"content-type", kind), (b"content-length", str(len(body)).encode())]


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return body


def switches(board: Switchboard) -> APIRouter:
    """The pages that switch failures on and off."""
    router = APIRouter(prefix="/faults")

    @router.put("/{system}")
    async def put(system: SystemName, rules: list[Rule]) -> dict[str, int]:
        board.put(system, rules)
        return {"rules": len(rules)}

    @router.get("")
    async def show() -> dict[str, object]:
        fired = [{"system": s, "operation": o, "kind": k, "count": n} for (s, o, k), n in board.fired.items()]
        return {"rules": board.rules, "calls": board.calls, "fired": fired}

    @router.delete("")
    async def clear() -> dict[str, str]:
        board.clear()
        return {"state": "no failures"}

    return router
