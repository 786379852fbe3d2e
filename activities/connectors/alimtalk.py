"""AlimTalk: a KakaoTalk message by an approved template, once per key; who has no KakaoTalk is refused."""

from dataclasses import dataclass, field
from typing import Protocol

from activities.connectors.delivery import delivered, judge
from activities.connectors.kit import Asked, Line, Patience
from activities.kit.calls import CallLog
from models.messages.systems import System


class AlimTalk(Protocol):
    """Whoever delivers our KakaoTalk messages."""

    async def send(
        self,
        to: str,
        template: str,
        text: str,
        *,
        key: str,
        ticket_id: str | None = None,
        case_id: str | None = None,
    ) -> str:
        """Send once per key, however often it is called; the system's own id."""


class HttpAlimTalk:
    """A KakaoTalk system over HTTP with idempotency keys."""

    def __init__(self, url: str, token: str, calls: CallLog, patience: Patience | None = None) -> None:
        self.line = Line(System.ALIMTALK, url, f"Bearer {token}", calls, patience or Patience(total=20.0))

    async def send(
        self,
        to: str,
        template: str,
        text: str,
        *,
        key: str,
        ticket_id: str | None = None,
        case_id: str | None = None,
    ) -> str:
        """Raise until the system has surely taken it, or says for certain that it cannot reach them."""
        body = {"to": to, "template": template, "text": text}
        asked = Asked("send", "POST", "/messages", key, body, ticket_id, case_id)
        return delivered(System.ALIMTALK, await self.line.ask(asked, judge))

    async def close(self) -> None:
        """Hang up."""
        await self.line.close()


@dataclass
class ConsoleAlimTalk:
    """Sends nothing and remembers each key's template and text once."""

    sent: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    async def send(
        self,
        to: str,
        template: str,
        text: str,
        *,
        key: str,
        ticket_id: str | None = None,
        case_id: str | None = None,
    ) -> str:
        """Remember the first message of a key."""
        self.sent.setdefault(key, (to, template, text))
        return f"console:{key}"
