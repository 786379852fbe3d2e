"""How the house calls an outside system: one client, every time-out set, a key, a line in the log."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.kit.calls import Call, CallLog
from models.messages.systems import CallResult, Heard, System
from models.rules.systems import NEVER_SENT, is_code, read_object, retry_after


@dataclass(frozen=True)
class Patience:
    """How long and how much we listen. `total` also ends an answer that drips byte by byte."""

    connect: float = 5.0
    read: float = 30.0
    write: float = 10.0
    pool: float = 5.0
    total: float = 40.0
    max_body: int = 64 * 1024


@dataclass(frozen=True)
class Asked:
    """One request: `key` is the idempotency key of what it does, or names what it looks at."""

    operation: str
    method: str
    path: str
    key: str
    body: dict[str, Any] | None = None
    ticket_id: str | None = None
    case_id: str | None = None
    patience: float | None = None  # a shorter total for this request
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # of this request only
    form: dict[str, str] | None = None  # a body as a form, for systems that speak no JSON
    content: bytes | None = None  # a body as it is: a file
    is_look: bool = False  # the same look again that finds nothing new is counted, not written down again


class TooLong(Exception):
    """The answer is larger than anything this system has to say."""


class Refused(Exception):
    """The system says a definite, documented no; `code` is its own."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def refusal(who: str, no: Refused) -> ApplicationError:
    """A definite no as an activity says it: asking again brings the same, so somebody is told at once."""
    return ApplicationError(f"{who} refuses: {no.code}", type=no.code, non_retryable=True)


@dataclass
class Line:
    """The one line to one outside system: no redirects, no proxies from the environment, no cookies."""

    system: System
    url: str
    authorization: str = field(repr=False)
    calls: CallLog
    patience: Patience = field(default_factory=Patience)
    client: httpx.AsyncClient = field(init=False, repr=False)

    def __post_init__(self) -> None:
        wait = self.patience
        self.client = httpx.AsyncClient(
            timeout=httpx.Timeout(connect=wait.connect, read=wait.read, write=wait.write, pool=wait.pool),
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=5, keepalive_expiry=15),
            headers={"authorization": self.authorization, "accept": "application/json"},
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Hang up."""
        await self.client.aclose()

    async def ask(self, asked: Asked, judge: Callable[[Heard], CallResult]) -> Heard:
        """Make one call and log it; a broken call is an answer too, told by the name of its error."""
        at, began = datetime.now(UTC), time.monotonic()
        heard = await self._hear(asked)
        attempt = activity.info().attempt if activity.in_activity() else 1
        await self.calls.note(
            Call(
                self.system, asked.operation, asked.key, asked.ticket_id, attempt, at,
                int((time.monotonic() - began) * 1000), heard.status, judge(heard), heard.error,
                asked.case_id, asked.is_look,
            )
        )  # fmt: skip
        return heard

    async def order(self, asked: Asked, reference: str) -> dict[str, Any]:
        """Ask for something that is done once per key; the answer is about `reference` or is none.

        Whatever is not a clear yes or a documented no may have been done: it is asked again under the
        same key, which the system answers as it did the first time."""

        def judged(heard: Heard) -> CallResult:
            return _judged(heard, reference)

        heard = await self.ask(asked, judged)
        body = read_object(heard.body) or {}
        match judged(heard):
            case CallResult.OK:
                return body
            case CallResult.REFUSED:
                raise Refused(str(body["code"]))
        wait = retry_after(heard.headers) if heard.status == 429 else 0
        raise ApplicationError(
            f"{self.system.value} gave no clear answer: {heard.error or heard.status}",
            type=f"{self.system.value}_unclear",
            next_retry_delay=timedelta(seconds=wait) if wait else None,
        )

    async def _hear(self, asked: Asked) -> Heard:
        headers = {"idempotency-key": asked.key} if asked.method != "GET" else {}
        headers |= asked.headers
        url = f"{self.url}{asked.path}"
        try:
            request = self.client.build_request(
                asked.method, url, json=asked.body, data=asked.form, content=asked.content,
                headers=headers,
            )  # fmt: skip
            async with asyncio.timeout(asked.patience or self.patience.total):
                return await self._listen(request)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TooLong) as error:
            return Heard(error=type(error).__name__)
        except TimeoutError:
            return Heard(error="Deadline")

    async def _listen(self, request: httpx.Request) -> Heard:
        answer = await self.client.send(request, stream=True)
        try:
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > self.patience.max_body:
                    raise TooLong
        finally:
            self.client.cookies.clear()
            await answer.aclose()
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Heard(answer.status_code, headers, body)


def _judged(heard: Heard, reference: str) -> CallResult:
    """Only an answer that names what we asked about is a yes or a no."""
    if heard.status is None:
        return CallResult.FAILED if heard.error in NEVER_SENT else CallResult.UNKNOWN
    if heard.status == 429:
        return CallResult.FAILED
    body = read_object(heard.body) or {}
    if body.get("reference") != reference:
        return CallResult.UNKNOWN
    if 200 <= heard.status < 300:
        return CallResult.OK
    is_no = heard.status in (404, 409, 422) and is_code(body.get("code"))
    return CallResult.REFUSED if is_no else CallResult.UNKNOWN
