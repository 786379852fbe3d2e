"""The agency that hands evidence to the tax office: our own key is known there once, whatever got lost."""

from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from activities.connectors.kit import Asked, Line, Patience
from activities.kit.calls import CallLog
from models.messages.billing.tax import TaxAnswer, TaxOperation, TaxPaperAsked, TaxVerdict
from models.messages.systems import CallResult, Heard, System
from models.rules.systems import NEVER_SENT, is_code, read_object, retry_after

THERE = "DUPLICATE_KEY"


class TaxOffice(Protocol):
    """Whoever issues tax invoices and cash receipts."""

    async def issue(self, asked: TaxPaperAsked) -> TaxAnswer:
        """Issue or amend, once per key."""

    async def look_up(self, key: str) -> TaxAnswer:
        """What became of a key; changes nothing."""


class HttpTaxOffice:
    """The agency over HTTP. It ignores idempotency keys: a key of a document that is there is a no."""

    def __init__(self, url: str, token: str, calls: CallLog, patience: Patience | None = None) -> None:
        self.line = Line(System.TAX, url, f"Bearer {token}", calls, patience or Patience(total=20.0))

    async def issue(self, asked: TaxPaperAsked) -> TaxAnswer:
        """Ask once; what is not a clear answer about this key is unknown."""
        body: dict[str, Any] = {
            "key": asked.key, "kind": asked.kind.value, "buyer_number": asked.buyer_number,
            "written_on": asked.written_on.isoformat(), "net": asked.net_minor, "tax": asked.tax_minor,
            "total": asked.total_minor,
        }  # fmt: skip
        path = "/documents"
        if asked.operation is TaxOperation.AMEND:
            path = f"/documents/{quote(asked.original, safe='')}/amendments"
        said = Asked(asked.operation.value, "POST", path, asked.key, body)
        return answered(await self.line.ask(said, lambda heard: judged(heard, asked.key)), asked.key)

    async def look_up(self, key: str) -> TaxAnswer:
        """Read; a clear "not there" is an answer, too."""
        asked = Asked("look_up", "GET", f"/documents/{quote(key, safe='')}", key)
        return answered(await self.line.ask(asked, lambda heard: judged(heard, key)), key)

    async def close(self) -> None:
        """Hang up."""
        await self.line.close()


def answered(heard: Heard, key: str) -> TaxAnswer:
    """An answer that names our key, or that nobody knows."""
    if heard.status is None and heard.error in NEVER_SENT:
        return TaxAnswer(TaxVerdict.NOT_SENT, code=heard.error)
    if heard.status == 429:
        return TaxAnswer(TaxVerdict.NOT_SENT, code="http_429", retry_after_seconds=retry_after(heard.headers))
    body = read_object(heard.body) or {}
    code, number, total = body.get("code"), body.get("number"), body.get("total")
    if body.get("key") == key and heard.status is not None:
        if 200 <= heard.status < 300 and is_code(number) and type(total) is int:
            return TaxAnswer(TaxVerdict.ISSUED, number, "", total)
        if heard.status == 404 and code == "NOT_FOUND":
            return TaxAnswer(TaxVerdict.ABSENT, code=code)
        if heard.status in (409, 422) and is_code(code):
            return TaxAnswer(TaxVerdict.THERE if code == THERE else TaxVerdict.REFUSED, code=code)
    return TaxAnswer(TaxVerdict.UNKNOWN, code=heard.error or f"http_{heard.status}")


def judged(heard: Heard, key: str) -> CallResult:
    """An answer in the words of the call log."""
    verdict = answered(heard, key).verdict
    if verdict in (TaxVerdict.ISSUED, TaxVerdict.ABSENT, TaxVerdict.THERE):
        return CallResult.OK
    if verdict is TaxVerdict.REFUSED:
        return CallResult.REFUSED
    return CallResult.FAILED if verdict is TaxVerdict.NOT_SENT else CallResult.UNKNOWN


@dataclass
class ConsoleTaxOffice:
    """Issues nothing and remembers; `answers` are given in their order, then success."""

    answers: list[TaxAnswer] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    issued: dict[str, TaxAnswer] = field(default_factory=dict)

    async def issue(self, asked: TaxPaperAsked) -> TaxAnswer:
        """Answer as told, or issue once per key."""
        self.asked.append((asked.operation.value, asked.key))
        if self.answers:
            return self.answers.pop(0)
        if asked.key in self.issued:
            return TaxAnswer(TaxVerdict.THERE, code=THERE)
        self.issued[asked.key] = TaxAnswer(TaxVerdict.ISSUED, f"N{asked.key}", "", asked.total_minor)
        return self.issued[asked.key]

    async def look_up(self, key: str) -> TaxAnswer:
        """What was issued under a key."""
        self.asked.append(("look_up", key))
        if self.answers:
            return self.answers.pop(0)
        return self.issued.get(key, TaxAnswer(TaxVerdict.ABSENT, code="NOT_FOUND"))
