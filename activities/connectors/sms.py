"""SMS: hand a text to the messaging system once per key."""

from dataclasses import dataclass, field
from typing import Protocol

from activities.connectors.delivery import delivered, judge
from activities.connectors.kit import Asked, Line, Patience
from activities.kit.calls import CallLog
from models.messages.systems import System


class Sms(Protocol):
    """Whoever delivers our texts."""

    async def send(
        self, to: str, text: str, *, key: str, ticket_id: str | None = None, case_id: str | None = None
    ) -> str:
        """Send once per key, however often it is called; the messaging system's own id."""


class HttpSms:
    """A messaging system over HTTP with idempotency keys."""

    def __init__(self, url: str, token: str, calls: CallLog, patience: Patience | None = None) -> None:
        self.line = Line(System.SMS, url, f"Bearer {token}", calls, patience or Patience(total=20.0))

    async def send(
        self, to: str, text: str, *, key: str, ticket_id: str | None = None, case_id: str | None = None
    ) -> str:
        """Raise until the system has surely taken it: Temporal asks again under the same key."""
        asked = Asked("send", "POST", "/messages", key, {"to": to, "text": text}, ticket_id, case_id)
        return delivered(System.SMS, await self.line.ask(asked, judge))

    async def close(self) -> None:
        """Hang up."""
        await self.line.close()


@dataclass(frozen=True)
class Texted:
    """One SMS that would have left."""

    to: str
    text: str
    key: str


@dataclass
class ConsoleSms:
    """Sends nothing and remembers each key's text once."""

    sent: dict[str, Texted] = field(default_factory=dict)

    async def send(
        self, to: str, text: str, *, key: str, ticket_id: str | None = None, case_id: str | None = None
    ) -> str:
        """Remember the first text of a key."""
        self.sent.setdefault(key, Texted(to, text, key))
        return f"console:{key}"
