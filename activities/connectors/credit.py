"""The credit bureau: may this customer rent? One check per key; an entry can be taken back."""

from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from temporalio.exceptions import ApplicationError

from activities.connectors.kit import Asked, Line, Patience, Refused, refusal
from activities.kit.calls import CallLog
from models.messages.orders import CreditAnswer, ShipTo
from models.messages.systems import System


class CreditBureau(Protocol):
    """Whoever knows how people pay. Raises until the answer is clear; asking again is always safe."""

    async def check(
        self, reference: str, who: ShipTo, monthly_minor: int, key: str, case: str
    ) -> CreditAnswer:
        """Yes, no, or a grey zone that a person decides."""

    async def free(self, reference: str, key: str, case: str) -> None:
        """Take the entry of a check back."""


class HttpCreditBureau:
    """A bureau over HTTP with idempotency keys."""

    def __init__(self, url: str, token: str, calls: CallLog, patience: Patience | None = None) -> None:
        self.line = Line(System.CREDIT, url, f"Bearer {token}", calls, patience or Patience())

    async def check(
        self, reference: str, who: ShipTo, monthly_minor: int, key: str, case: str
    ) -> CreditAnswer:
        """Ask once per key; only a word that we know is an answer."""
        body = {
            "reference": reference, "name": who.name, "phone": who.phone, "monthly_minor": monthly_minor,
        }  # fmt: skip
        said = await self._ask("check", "/checks", key, body, reference, case)
        if said.get("answer") not in list(CreditAnswer):
            raise ApplicationError("the bureau's answer cannot be read", type="credit_unclear")
        return CreditAnswer(said["answer"])

    async def free(self, reference: str, key: str, case: str) -> None:
        """Ask once per key."""
        await self._ask("free", f"/checks/{quote(reference, safe='')}/release", key, {}, reference, case)

    async def _ask(
        self, operation: str, path: str, key: str, body: dict[str, Any], reference: str, case: str
    ) -> dict[str, Any]:
        try:
            return await self.line.order(Asked(operation, "POST", path, key, body, case_id=case), reference)
        except Refused as no:
            raise refusal("the bureau", no) from no

    async def close(self) -> None:
        """Hang up."""
        await self.line.close()


@dataclass
class ConsoleCreditBureau:
    """Checks nobody and remembers what it was asked."""

    answer: CreditAnswer = CreditAnswer.YES
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def check(
        self, reference: str, who: ShipTo, monthly_minor: int, key: str, case: str
    ) -> CreditAnswer:
        """Answer as told."""
        self.asked.append(("check", key))
        return self.answer

    async def free(self, reference: str, key: str, case: str) -> None:
        """Remember that the entry is gone."""
        self.asked.append(("free", key))
