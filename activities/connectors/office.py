"""The house's own small systems: workplaces, HR letters, expenses, licences, courses, the leave account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from temporalio.exceptions import ApplicationError

from activities.connectors.kit import Asked, Line, Patience, Refused, refusal
from activities.kit.calls import CallLog
from models.messages.systems import System

# What each desk gives when it has done something.
GIVES = {
    "workplaces": "place", "letters": "number", "expenses": "payment", "licences": "licence",
    "courses": "seat", "leave": "entry",
}  # fmt: skip


@dataclass(frozen=True)
class Deed:
    """One thing asked of a desk: `reference` names it for ever."""

    desk: str
    reference: str
    person: str  # the HR system's id
    details: Mapping[str, str | int | bool]
    case: str


class Office(Protocol):
    """Whoever keeps desks. Raises until the answer is clear; asking again is always safe."""

    async def do(self, deed: Deed) -> str:
        """Have it done, once for each reference; the number, place or seat it gives."""

    async def undo(self, deed: Deed) -> None:
        """Have it taken back for good; what was never done is not done later either."""

    async def give_back(self, deed: Deed) -> None:
        """Have everything taken back that this person still has of the desk with these details, once for each
        reference: what an item asks for by itself, when it undoes nothing of its own."""


class HttpOffice:
    """Desks over HTTP, with idempotency keys and references."""

    def __init__(self, url: str, token: str, calls: CallLog, patience: Patience | None = None) -> None:
        self.line = Line(System.OFFICE, url, f"Bearer {token}", calls, patience or Patience())

    async def do(self, deed: Deed) -> str:
        """Ask once per reference."""
        body = {"reference": deed.reference, "person": deed.person, "details": dict(deed.details)}
        said = await self._ask(deed, deed.desk, f"/{deed.desk}", deed.reference, body)
        given = said.get(GIVES[deed.desk])
        if not isinstance(given, str) or not given:
            raise ApplicationError("the office's answer cannot be read", type="office_unclear")
        return given

    async def undo(self, deed: Deed) -> None:
        """Ask once per reference."""
        path = f"/{deed.desk}/{quote(deed.reference, safe='')}/undo"
        await self._ask(deed, f"undo_{deed.desk}", path, f"{deed.reference}:undo", {})

    async def give_back(self, deed: Deed) -> None:
        """Ask once per reference."""
        body = {"reference": deed.reference, "person": deed.person, "details": dict(deed.details)}
        path = f"/{deed.desk}/returns"
        await self._ask(deed, f"give_back_{deed.desk}", path, f"{deed.reference}:back", body)

    async def close(self) -> None:
        """Hang up."""
        await self.line.close()

    async def _ask(
        self, deed: Deed, operation: str, path: str, key: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        try:
            asked = Asked(operation, "POST", path, key, body, case_id=deed.case)
            return await self.line.order(asked, deed.reference)
        except Refused as no:
            raise refusal("the office", no) from no


@dataclass
class ConsoleOffice:
    """Remembers what was done and taken back."""

    done: dict[str, Deed] = field(default_factory=dict)
    undone: set[str] = field(default_factory=set)

    async def do(self, deed: Deed) -> str:
        """Give a number made from the reference."""
        if deed.reference in self.undone:
            raise refusal("the office", Refused("TAKEN_BACK"))
        self.done.setdefault(deed.reference, deed)
        return f"{deed.desk}-{deed.reference}"

    async def undo(self, deed: Deed) -> None:
        """Remember that it is taken back."""
        self.undone.add(deed.reference)
        self.done.pop(deed.reference, None)

    async def give_back(self, deed: Deed) -> None:
        """Take back what the person has of the desk."""
        for reference, one in list(self.done.items()):
            if (one.desk, one.person) == (deed.desk, deed.person):
                await self.undo(self.done[reference])
