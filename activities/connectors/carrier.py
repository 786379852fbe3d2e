"""The carrier: collects parcels, is told another address, stops or fetches them; once per key."""

from dataclasses import asdict, dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from temporalio.exceptions import ApplicationError

from activities.connectors.kit import Asked, Line, Patience, Refused, refusal
from activities.kit.calls import CallLog
from models.messages.orders import Shipped, ShipTo
from models.messages.systems import System
from models.rules.systems import is_code


class AlreadyCollected(Exception):
    """The parcel has left: it can only be fetched where it arrives."""


class Carrier(Protocol):
    """Whoever brings our parcels. Raises until the answer is clear; asking again is always safe."""

    async def collect(self, parcel: str, to: ShipTo, key: str, case: str) -> Shipped:
        """Order the collection of a parcel."""

    async def redirect(self, parcel: str, to: ShipTo, key: str, case: str) -> None:
        """Send a parcel elsewhere that is not collected yet."""

    async def recall(self, parcel: str, key: str, case: str) -> None:
        """Stop a parcel that is not collected yet, for good."""

    async def pick_up(self, parcel: str, key: str, case: str) -> None:
        """Fetch a parcel that has left."""


class HttpCarrier:
    """A carrier over HTTP with idempotency keys."""

    def __init__(self, url: str, token: str, calls: CallLog, patience: Patience | None = None) -> None:
        self.line = Line(System.CARRIER, url, f"Bearer {token}", calls, patience or Patience())

    async def collect(self, parcel: str, to: ShipTo, key: str, case: str) -> Shipped:
        """The tracking number comes back with the order."""
        said = await self._ask(
            "collect", "/parcels", key, {"reference": parcel, "to": asdict(to)}, parcel, case
        )
        carrier, tracking = said.get("carrier"), said.get("tracking")
        if not is_code(carrier) or not is_code(tracking):
            raise ApplicationError("the carrier's answer cannot be read", type="carrier_unclear")
        return Shipped(parcel, carrier, tracking)

    async def redirect(self, parcel: str, to: ShipTo, key: str, case: str) -> None:
        """Ask once per key."""
        await self._ask("redirect", self._path(parcel, "address"), key, {"to": asdict(to)}, parcel, case)

    async def recall(self, parcel: str, key: str, case: str) -> None:
        """Ask once per key."""
        await self._ask("recall", self._path(parcel, "recall"), key, {}, parcel, case)

    async def pick_up(self, parcel: str, key: str, case: str) -> None:
        """Ask once per key."""
        await self._ask("pick_up", self._path(parcel, "pick-up"), key, {}, parcel, case)

    async def _ask(
        self, operation: str, path: str, key: str, body: dict[str, Any], parcel: str, case: str
    ) -> dict[str, Any]:
        try:
            return await self.line.order(Asked(operation, "POST", path, key, body, case_id=case), parcel)
        except Refused as no:
            if no.code == "ALREADY_COLLECTED":
                raise AlreadyCollected from no
            raise refusal("the carrier", no) from no

    @staticmethod
    def _path(parcel: str, what: str) -> str:
        return f"/parcels/{quote(parcel, safe='')}/{what}"

    async def close(self) -> None:
        """Hang up."""
        await self.line.close()


@dataclass
class ConsoleCarrier:
    """Moves nothing and remembers what it was asked; `collected` parcels cannot be stopped."""

    collected: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def collect(self, parcel: str, to: ShipTo, key: str, case: str) -> Shipped:
        """Say yes."""
        self.asked.append(("collect", key))
        return Shipped(parcel, "console", f"track-{parcel}")

    async def redirect(self, parcel: str, to: ShipTo, key: str, case: str) -> None:
        """Say yes while it is here."""
        self._refuse_what_left(parcel)
        self.asked.append(("redirect", key))

    async def recall(self, parcel: str, key: str, case: str) -> None:
        """Say yes while it is here."""
        self._refuse_what_left(parcel)
        self.asked.append(("recall", key))

    async def pick_up(self, parcel: str, key: str, case: str) -> None:
        """Say yes."""
        self.asked.append(("pick_up", key))

    def _refuse_what_left(self, parcel: str) -> None:
        if parcel in self.collected:
            raise AlreadyCollected
