"""The service: what switches a device or content on and off. A late word never undoes a later one."""

from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from temporalio.exceptions import ApplicationError

from activities.connectors.kit import Asked, Line, Patience, Refused
from activities.kit.calls import CallLog
from models.messages.systems import System


class Service(Protocol):
    """Whoever runs what our contracts promise. Raises until the answer is clear; asking again is safe."""

    async def switch(self, reference: str, *, is_on: bool, version: int, key: str, case: str) -> None:
        """Switch what a contract promises; an older version than the last one changes nothing."""


class HttpService:
    """The service over HTTP with idempotency keys."""

    def __init__(self, url: str, token: str, calls: CallLog, patience: Patience | None = None) -> None:
        self.line = Line(System.SERVICE, url, f"Bearer {token}", calls, patience or Patience())

    async def switch(self, reference: str, *, is_on: bool, version: int, key: str, case: str) -> None:
        """Ask once per key; only an answer about this contract counts."""
        body: dict[str, Any] = {"reference": reference, "state": "on" if is_on else "off", "version": version}
        path = f"/contracts/{quote(reference, safe='')}/switch"
        operation = "switch_on" if is_on else "switch_off"
        try:
            await self.line.order(Asked(operation, "POST", path, key, body, case_id=case), reference)
        except Refused as no:
            raise ApplicationError(f"the service refuses: {no.code}", type=no.code) from no

    async def close(self) -> None:
        """Hang up."""
        await self.line.close()


@dataclass
class ConsoleService:
    """Switches nothing and remembers how everything stands."""

    states: dict[str, bool] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, bool, str]] = field(default_factory=list)

    async def switch(self, reference: str, *, is_on: bool, version: int, key: str, case: str) -> None:
        """Remember the newest word."""
        self.asked.append((reference, is_on, key))
        if version >= self.versions.get(reference, 0):
            self.states[reference], self.versions[reference] = is_on, version
