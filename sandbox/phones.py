"""A carrier that brings texts, a telephone system that tells of calls, and devices that give alarm.

All of them travel as badly as one likes: copies, any order, garbage, and messages that somebody forged."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from fastapi import APIRouter
from pydantic import Field
from standardwebhooks.webhooks import Webhook

from sandbox.book import Book
from sandbox.gateway import Hook, Input
from sandbox.webhooks import Webhooks

FORGED = "whsec_" + "QUJD" * 8  # a secret that nobody gave us


class TextIn(Input):
    """A customer writes a text."""

    sender: str = Field(max_length=32)
    text: str = Field(max_length=2000)
    is_verified: bool = False


class CallIn(Input):
    """Somebody calls; without an answer it is missed."""

    caller: str = Field("", max_length=32)
    extension: str = Field(max_length=32)
    answered_after: float | None = None
    ended_after: float | None = None
    recording: str = ""


class AlarmIn(Input):
    """A device gives alarm, once or in a flood."""

    url: str
    key: str
    serial: str
    fault: str = "leak"
    times: int = Field(1, ge=1, le=500)
    state: str = "alarm"


def texts(book: Book, hooks: Webhooks) -> APIRouter:
    """Texts that come in."""
    router = APIRouter(prefix="/sms/control")

    @router.put("/webhook")
    async def webhook(hook: Hook) -> dict[str, str]:
        hooks.register(hook.model_dump_json())
        return {"state": "registered"}

    @router.post("/texts")
    async def write(asked: TextIn) -> dict[str, str]:
        """Bring a text to the house."""
        name = f"text-{uuid4().hex}"
        data = {"from": asked.sender, "text": asked.text, "sender_verified": asked.is_verified}
        with book.page():
            hooks.tell(name, {"type": "sms.received", "data": data})
        return {"id": name}

    @router.post("/forged")
    async def forge(asked: TextIn) -> dict[str, int]:
        """What somebody sends who does not know the secret; the house's answer."""
        data = {"from": asked.sender, "text": asked.text, "sender_verified": True}
        return {"status": await bring(hooks, json.dumps({"type": "sms.received", "data": data}), FORGED)}

    @router.post("/garbage")
    async def garbage() -> dict[str, int]:
        """A proved message that says nothing of any use; the house's answer."""
        return {"status": await bring(hooks, '{"type": "sms.received", "data": [1]}', hooks.hook["secret"])}

    return router


async def bring(hooks: Webhooks, body: str, secret: str) -> int:
    """One message at once, past the book."""
    name, now = f"text-{uuid4().hex}", datetime.now(UTC)
    headers = {
        "content-type": "application/json", "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(name, now.replace(tzinfo=None), body),
    }  # fmt: skip
    async with httpx.AsyncClient(timeout=15, trust_env=False) as client:
        return (await client.post(hooks.hook["url"], content=body, headers=headers)).status_code


def telephony(book: Book, hooks: Webhooks) -> APIRouter:
    """A telephone system."""
    router = APIRouter(prefix="/telephony/control")

    @router.put("/webhook")
    async def webhook(hook: Hook) -> dict[str, str]:
        hooks.register(hook.model_dump_json())
        return {"state": "registered"}

    @router.post("/calls")
    async def call(asked: CallIn) -> dict[str, str]:
        """Ring now, and answer and end as asked."""
        name, now = uuid4().hex, book.now()
        said: dict[str, Any] = {"call_id": name, "from": asked.caller, "to": asked.extension}
        steps = {"ring": 0.0, "answered": asked.answered_after, "ended": asked.ended_after}
        with book.page():
            for kind, after in steps.items():
                if after is not None:
                    data = {**said, "at": now + after}
                    if kind == "ended" and asked.recording:
                        data["recording"] = asked.recording
                    hooks.tell(f"{kind}-{name}", {"type": f"call.{kind}", "data": data}, after)
        return {"call_id": name}

    return router


def devices(book: Book) -> APIRouter:
    """Devices in customers' homes."""
    router = APIRouter(prefix="/devices/control")

    @router.post("/alarms")
    async def alarm(asked: AlarmIn) -> dict[str, int]:
        """Tell the house, as often as asked; its answer."""
        one = {"serial": asked.serial, "fault": asked.fault, "state": asked.state, "at": book.now()}
        told = {"id": uuid4().hex, "readings": [one] * asked.times}
        headers = {"authorization": f"Bearer {asked.key}"}
        async with httpx.AsyncClient(timeout=15, trust_env=False) as client:
            return {"status": (await client.post(asked.url, json=told, headers=headers)).status_code}

    return router
