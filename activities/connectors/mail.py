"""Mail: hand a message to the mail system once per key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from activities.connectors.delivery import delivered, judge
from activities.connectors.kit import Asked, Line, Patience
from activities.kit.calls import CallLog
from models.messages.systems import System

NONE: Mapping[str, str] = MappingProxyType({})
# No machine shall answer what a machine has written.
QUIET = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


class Mail(Protocol):
    """Whoever delivers our mail."""

    async def send(
        self,
        to: str,
        subject: str,
        text: str,
        html: str,
        *,
        key: str,
        ticket_id: str | None = None,
        case_id: str | None = None,
        headers: Mapping[str, str] = NONE,
    ) -> str:
        """Send once per key, however often it is called; the mail system's own id."""


class HttpMail:
    """A mail system over HTTP with idempotency keys."""

    def __init__(self, url: str, token: str, calls: CallLog, patience: Patience | None = None) -> None:
        self.line = Line(System.MAIL, url, f"Bearer {token}", calls, patience or Patience(total=20.0))

    async def send(
        self,
        to: str,
        subject: str,
        text: str,
        html: str,
        *,
        key: str,
        ticket_id: str | None = None,
        case_id: str | None = None,
        headers: Mapping[str, str] = NONE,
    ) -> str:
        """Raise until the system has surely taken it: Temporal asks again under the same key."""
        given = {**QUIET, "X-Letter-Key": key, **headers}
        body = {"to": to, "subject": subject, "text": text, "html": html, "headers": given}
        asked = Asked("send", "POST", "/messages", key, body, ticket_id, case_id)
        return delivered(System.MAIL, await self.line.ask(asked, judge))

    async def close(self) -> None:
        """Hang up."""
        await self.line.close()


@dataclass(frozen=True)
class Mailed:
    """One mail that would have left."""

    to: str
    subject: str
    text: str
    html: str
    key: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class ConsoleMail:
    """Sends nothing and remembers each key's mail once."""

    sent: dict[str, Mailed] = field(default_factory=dict)

    async def send(
        self,
        to: str,
        subject: str,
        text: str,
        html: str,
        *,
        key: str,
        ticket_id: str | None = None,
        case_id: str | None = None,
        headers: Mapping[str, str] = NONE,
    ) -> str:
        """Remember the first mail of a key."""
        self.sent.setdefault(key, Mailed(to, subject, text, html, key, headers))
        return f"console:{key}"
