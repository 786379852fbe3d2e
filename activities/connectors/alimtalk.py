"""AlimTalk: a KakaoTalk message by an approved template, once per key; who has no KakaoTalk is refused."""

from dataclasses import dataclass, field
from typing import Protocol

from temporalio.exceptions import ApplicationError

from activities.connectors.delivery import delivered, judge
from activities.connectors.kit import Asked, Line, Patience
from activities.kit.calls import CallLog
from models.messages.systems import CallResult, Heard, System
from models.rules.systems import is_code, read_object


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

    async def give_up(self, key: str, *, ticket_id: str | None = None, case_id: str | None = None) -> str:
        """Look a message up that is unclear, and let it never be sent any more; its id when it was sent."""


def judge_closing(heard: Heard) -> CallResult:
    """Only a clear word about the key counts; whatever else came is asked for again."""
    body = read_object(heard.body) or {}
    is_said = body.get("state") == "closed" or (body.get("state") == "sent" and is_code(body.get("id")))
    return CallResult.OK if heard.status == 200 and is_said else CallResult.UNKNOWN


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

    async def give_up(self, key: str, *, ticket_id: str | None = None, case_id: str | None = None) -> str:
        """Raise until the system says for certain whether it was sent; from then on the key sends nothing."""
        asked = Asked("give_up", "POST", "/closings", key, {"key": key}, ticket_id, case_id)
        heard = await self.line.ask(asked, judge_closing)
        if judge_closing(heard) is not CallResult.OK:
            what = heard.error or heard.status
            raise ApplicationError(f"alimtalk says nothing about a message: {what}", type="alimtalk_unclear")
        return str((read_object(heard.body) or {}).get("id") or "")

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

    async def give_up(self, key: str, *, ticket_id: str | None = None, case_id: str | None = None) -> str:
        """What was remembered was sent."""
        return f"console:{key}" if key in self.sent else ""
