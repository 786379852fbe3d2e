"""The warehouse of the ERP: goods are set aside, packed, released and taken back, once per key."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from temporalio.exceptions import ApplicationError

from activities.connectors.kit import Asked, Line, Patience, Refused, refusal
from activities.kit.calls import CallLog
from models.messages.systems import System


@dataclass(frozen=True)
class Goods:
    """So many of one article for one line of an order; packed out of a reservation."""

    line: int
    sku: str
    quantity: int
    reservation: str = ""


class Stock(Protocol):
    """Whoever keeps our goods. Raises until the answer is clear; asking again is always safe."""

    async def reserve(self, reference: str, goods: Sequence[Goods], key: str, case: str) -> dict[int, int]:
        """Set goods aside; how many of each line there were."""

    async def release(self, reference: str, key: str, case: str) -> None:
        """Let go of what is still set aside, for good: a late reservation of that name gets nothing."""

    async def pack(self, parcel: str, goods: Sequence[Goods], key: str, case: str) -> dict[int, list[str]]:
        """Pack what is set aside; the serial numbers of each line."""

    async def restock(self, parcel: str, key: str, case: str) -> None:
        """Take a parcel's goods back onto the shelf, once."""


class HttpStock:
    """A warehouse over HTTP with idempotency keys."""

    def __init__(self, url: str, token: str, calls: CallLog, patience: Patience | None = None) -> None:
        self.line = Line(System.STOCK, url, f"Bearer {token}", calls, patience or Patience())

    async def reserve(self, reference: str, goods: Sequence[Goods], key: str, case: str) -> dict[int, int]:
        """Ask for everything at once; the warehouse answers line by line."""
        lines = [{"line": one.line, "sku": one.sku, "quantity": one.quantity} for one in goods]
        body = {"reference": reference, "lines": lines}
        said = await self._ask("reserve", "/reservations", key, body, reference, case)
        got = {one.get("line"): one.get("reserved") for one in _lines(said)}
        return {one.line: _between(got.get(one.line), one.quantity) for one in goods}

    async def release(self, reference: str, key: str, case: str) -> None:
        """Ask once per key."""
        await self._ask(
            "release", f"/reservations/{quote(reference, safe='')}/release", key, {}, reference, case
        )

    async def pack(self, parcel: str, goods: Sequence[Goods], key: str, case: str) -> dict[int, list[str]]:
        """Ask for one parcel; serials come back with it."""
        lines = [
            {"line": one.line, "quantity": one.quantity, "reservation": one.reservation} for one in goods
        ]
        said = await self._ask("pack", "/parcels", key, {"reference": parcel, "lines": lines}, parcel, case)
        return {one["line"]: [str(s) for s in one.get("serials", [])] for one in _lines(said)}

    async def restock(self, parcel: str, key: str, case: str) -> None:
        """Ask once per key."""
        await self._ask("restock", f"/parcels/{quote(parcel, safe='')}/restock", key, {}, parcel, case)

    async def _ask(
        self, operation: str, path: str, key: str, body: dict[str, Any], reference: str, case: str
    ) -> dict[str, Any]:
        try:
            return await self.line.order(Asked(operation, "POST", path, key, body, case_id=case), reference)
        except Refused as no:
            raise refusal("the warehouse", no) from no

    async def close(self) -> None:
        """Hang up."""
        await self.line.close()


def _lines(said: dict[str, Any]) -> list[dict[str, Any]]:
    lines = said.get("lines", [])
    if not isinstance(lines, list) or not all(
        isinstance(one, dict) and isinstance(one.get("line"), int) for one in lines
    ):
        raise ApplicationError("the warehouse's answer cannot be read", type="stock_unclear")
    return lines


def _between(number: object, most: int) -> int:
    """A count that can be true; anything else is no clear answer."""
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= most:
        raise ApplicationError("the warehouse's answer cannot be true", type="stock_unclear")
    return number


@dataclass
class ConsoleStock:
    """Keeps goods in memory and remembers each key's answer; `shelf` holds what is short."""

    shelf: dict[str, int] = field(default_factory=dict)
    reserved: dict[str, dict[int, int]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def reserve(self, reference: str, goods: Sequence[Goods], key: str, case: str) -> dict[int, int]:
        """Give what there is."""
        self.asked.append(("reserve", key))
        if reference not in self.reserved:
            given = {one.line: min(one.quantity, self.shelf.get(one.sku, one.quantity)) for one in goods}
            for one in goods:
                if one.sku in self.shelf:
                    self.shelf[one.sku] -= given[one.line]
            self.reserved[reference] = given
        return self.reserved[reference]

    async def release(self, reference: str, key: str, case: str) -> None:
        """Remember that it is free."""
        self.asked.append(("release", key))

    async def pack(self, parcel: str, goods: Sequence[Goods], key: str, case: str) -> dict[int, list[str]]:
        """Give every unit a serial number made from the parcel."""
        self.asked.append(("pack", key))
        return {one.line: [f"{parcel}.{one.line}.{n + 1}" for n in range(one.quantity)] for one in goods}

    async def restock(self, parcel: str, key: str, case: str) -> None:
        """Remember that it is back."""
        self.asked.append(("restock", key))
