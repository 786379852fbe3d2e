"""The bank: takes files by their names, hands results out; the same name is the same file."""

from typing import Protocol

from temporalio.exceptions import ApplicationError

from activities.connectors.kit import Asked, Line, Patience
from activities.kit.calls import CallLog
from models.messages.systems import CallResult, Heard, System
from models.rules.systems import read_object

TOO_LATE = "CUT_OFF"
LARGEST = 64 * 1024 * 1024


class Bank(Protocol):
    """Whoever moves money between accounts by files."""

    async def hand_in(self, name: str, body: bytes) -> bool:
        """Hand a file in, once per name; False when its cut-off has passed. Raises when that is unclear."""

    async def result(self, name: str) -> bytes | None:
        """The result of a file as far as it is there; changes nothing."""


class HttpBank:
    """A bank's file server over HTTP."""

    def __init__(self, url: str, token: str, calls: CallLog, patience: Patience | None = None) -> None:
        wait = patience or Patience(max_body=LARGEST)
        self.line = Line(System.BANK, url, f"Bearer {token}", calls, wait)

    async def hand_in(self, name: str, body: bytes) -> bool:
        """Ask until it is clear; the bank keeps the first file of a name and answers alike for the same."""
        asked = Asked("hand_in", "PUT", f"/files/{name}", name, content=body)
        heard = await self.line.ask(asked, judged)
        if (judged(heard)) is CallResult.OK:
            return True
        said = read_object(heard.body) or {}
        if heard.status == 409 and said.get("code") == TOO_LATE and said.get("reference") == name:
            return False
        raise ApplicationError(
            f"the bank gave no clear answer: {heard.error or heard.status}", type="bank_unclear"
        )

    async def result(self, name: str) -> bytes | None:
        """Read; what is not there yet is not there."""
        heard = await self.line.ask(Asked("result", "GET", f"/files/{name}/result", name), judged)
        if heard.status == 200:
            return heard.body
        if heard.status == 404:
            return None
        raise ApplicationError(
            f"the bank gave no clear answer: {heard.error or heard.status}", type="bank_unclear"
        )

    async def close(self) -> None:
        """Hang up."""
        await self.line.close()


def judged(heard: Heard) -> CallResult:
    """An answer in the words of the call log; a result that is not there yet is an answer too."""
    if heard.status in (200, 201, 404):
        return CallResult.OK
    if heard.status == 409:
        return CallResult.REFUSED
    return CallResult.FAILED if heard.status in (None, 429) else CallResult.UNKNOWN


class ConsoleBank:
    """Moves nothing, and remembers the files that were handed in; a test writes the results."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.results: dict[str, list[bytes]] = {}
        self.is_late = False

    async def hand_in(self, name: str, body: bytes) -> bool:
        """Take it, unless it is said to be too late."""
        if not self.is_late:
            self.files.setdefault(name, body)
        return not self.is_late

    async def result(self, name: str) -> bytes | None:
        """The next result of this file; the last one again and again."""
        waiting = self.results.get(name, [])
        return waiting.pop(0) if len(waiting) > 1 else waiting[0] if waiting else None
