"""The HR system: who works here, who is away, who answers for what, told page by page."""

from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode

from temporalio.exceptions import ApplicationError

from activities.connectors.kit import Asked, Line, Patience
from activities.kit.calls import CallLog
from models.messages.systems import CallResult, Heard, System
from models.rules.systems import NEVER_SENT, is_code, read_object

PAGE = 200


@dataclass(frozen=True)
class NewsPage:
    """Some news behind a place in the feed, and the next place; `has_more` when it does not end here."""

    records: tuple[Any, ...]
    cursor: str
    has_more: bool


class Hr(Protocol):
    """Whoever keeps our people's records. Reading changes nothing there."""

    async def news(self, since: str) -> NewsPage:
        """The next page behind a place; the feed's beginning has none. Raises until the answer is clear."""


def judge(heard: Heard) -> CallResult:
    """Only a page that says where it ends is an answer."""
    if heard.status is None:
        return CallResult.FAILED if heard.error in NEVER_SENT else CallResult.UNKNOWN
    return CallResult.OK if heard.status == 200 and _page(heard) else CallResult.FAILED


class HttpHr:
    """An HR system over HTTP."""

    def __init__(self, url: str, token: str, calls: CallLog, patience: Patience | None = None) -> None:
        wait = patience or Patience(read=10.0, total=20.0, max_body=2 * 1024 * 1024)
        self.line = Line(System.HR, url, f"Bearer {token}", calls, wait)

    async def news(self, since: str) -> NewsPage:
        """Ask for the next page."""
        query = urlencode({"since": since or "0", "limit": PAGE})
        heard = await self.line.ask(
            Asked("changes", "GET", f"/changes?{query}", f"people:{since or 0}", is_look=True), judge
        )
        page = _page(heard) if heard.status == 200 else None
        if page is None:
            raise ApplicationError(
                f"hr gave no clear answer: {heard.error or heard.status}", type="hr_unclear"
            )
        return page

    async def close(self) -> None:
        """Hang up."""
        await self.line.close()


def _page(heard: Heard) -> NewsPage | None:
    said = read_object(heard.body) or {}
    records, cursor, more = said.get("records"), said.get("next"), said.get("more")
    if not isinstance(records, list) or not is_code(cursor) or not isinstance(more, bool):
        return None
    return NewsPage(tuple(records), cursor, more)


@dataclass
class ConsoleHr:
    """Tells what it was given, a page at a time."""

    pages: list[tuple[Any, ...]] = field(default_factory=list)

    async def news(self, since: str) -> NewsPage:
        """Say the page behind a place."""
        place = int(since or 0)
        if place >= len(self.pages):
            return NewsPage((), since or "0", has_more=False)
        return NewsPage(self.pages[place], str(place + 1), place + 1 < len(self.pages))
