"""The ERP's books: one summarised posting per key, looked up before it is made and posted once.

Tryton answers JSON-RPC with 200 also when it says no: a `UserError` is its definite no, anything else that is
not a result proves nothing. A move is first a draft and only then posted; only the draft whose number the
caller keeps is ever posted, so that a draft made twice by a lost answer stays a draft."""

import base64
import json
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import quote

from temporalio.exceptions import ApplicationError

from activities.connectors.kit import Asked, Line, Patience
from activities.kit.calls import CallLog
from models.messages.billing.close import ErpDocument, JournalEntry, JournalLine
from models.messages.systems import CallResult, Heard, System
from models.rules.systems import NEVER_SENT, read_object

JOURNAL = "SUB"
REFUSALS = ("UserError", "UserWarning")
BUSY = "ConcurrencyException"


class Accounting(Protocol):
    """Whoever keeps the company's books. Raises until the answer is clear; asking again is always safe."""

    async def draft(self, entry: JournalEntry) -> int:
        """The document of this key: the one that is there, else a new draft. Its id."""

    async def post(self, document_id: int, key: str) -> None:
        """Post this draft; a posted one stays as it is."""

    async def read(self, document_id: int, key: str) -> ErpDocument:
        """The document as the ERP holds it, with its sums by account."""

    async def discard(self, key: str, but: int) -> int:
        """Throw away drafts of this key that lost answers left behind; how many there were."""


@dataclass(frozen=True)
class Signed:
    """A session of ours: what every call carries."""

    authorization: str
    company: int


class HttpTryton:
    """Tryton over JSON-RPC; every piece of work signs in anew, since a session of it lasts five minutes."""

    def __init__(
        self, url: str, database: str, user: str, password: str, calls: CallLog,
        patience: Patience | None = None,
    ) -> None:  # fmt: skip
        self.path = f"/{quote(database, safe='')}/rpc/"
        self.user, self._password = user, password
        self.line = Line(System.ACCOUNTING, url, "", calls, patience or Patience(max_body=1024 * 1024))

    async def draft(self, entry: JournalEntry) -> int:
        """Look for the key first; two lost answers may have left two drafts, and the eldest counts."""
        who = await self._sign_in(entry.key)
        known = await self._moves(who, entry.key)
        if known:
            return min(known, key=lambda one: (one["state"] != "posted", one["id"]))["id"]  # type: ignore[no-any-return]
        codes, day = {line.code for line in entry.lines}, _day(entry.on)
        accounts = {
            one["code"]: one["id"]
            for one in await self._search(who, "account.account", [["code", "in", sorted(codes)]], ["code"],
                                          entry.key)
        }  # fmt: skip
        if missing := sorted(codes - set(accounts)):
            raise refused(f"no account {', '.join(missing)}")
        period = await self._only(
            who,
            "account.period",
            [["start_date", "<=", day], ["end_date", ">=", day], ["type", "=", "standard"]],
            entry.key,
        )
        journal = await self._only(who, "account.journal", [["code", "=", JOURNAL]], entry.key)
        move = {
            "company": who.company, "period": period, "journal": journal, "date": day,
            "description": entry.key,
            "lines": [["create", [_line(one, accounts) for one in entry.lines]]],
        }  # fmt: skip
        made = await self._call(who, "create", "model.account.move.create", [[move]], entry.key)
        return int(made[0])

    async def post(self, document_id: int, key: str) -> None:
        """Ask its state first: Tryton refuses to post twice."""
        who = await self._sign_in(key)
        if await self._state(who, document_id, key) == "posted":
            return
        try:
            await self._call(who, "post", "model.account.move.post", [[document_id]], key)
        except ApplicationError as no:
            if no.type != "erp_refused" or await self._state(who, document_id, key) != "posted":
                raise

    async def read(self, document_id: int, key: str) -> ErpDocument:
        """Number, state, and debit and credit by account."""
        who = await self._sign_in(key)
        moves = await self._search(who, "account.move", [["id", "=", document_id]], ["number", "state"], key)
        if not moves:
            raise refused("the document is not there any more")
        lines = await self._search(
            who, "account.move.line", [["move", "=", document_id]], ["account.code", "debit", "credit"], key
        )
        sums: dict[str, tuple[int, int]] = {}
        for one in lines:
            code = str(one["account."]["code"])
            debit, credit = sums.get(code, (0, 0))
            sums[code] = (debit + _won(one["debit"]), credit + _won(one["credit"]))
        return ErpDocument(document_id, moves[0]["number"] or "", moves[0]["state"] == "posted", sums)

    async def discard(self, key: str, but: int) -> int:
        """Delete the other drafts of this key; a posted one is never touched and shows in the tie-out."""
        who = await self._sign_in(key)
        strays = [
            one["id"] for one in await self._moves(who, key) if one["id"] != but and one["state"] == "draft"
        ]
        if strays:
            await self._call(who, "discard", "model.account.move.delete", [strays], key)
        return len(strays)

    async def _moves(self, who: Signed, key: str) -> list[dict[str, Any]]:
        return await self._search(who, "account.move", [["description", "=", key]], ["state"], key)

    async def _state(self, who: Signed, document_id: int, key: str) -> str:
        found = await self._search(who, "account.move", [["id", "=", document_id]], ["state"], key)
        if not found:
            raise refused("the document is not there any more")
        return str(found[0]["state"])

    async def _only(self, who: Signed, model: str, domain: list[Any], key: str) -> int:
        found = await self._search(who, model, domain, ["rec_name"], key)
        if len(found) != 1:
            raise refused(f"{len(found)} of {model} where one is needed")
        return int(found[0]["id"])

    async def _search(
        self, who: Signed, model: str, domain: list[Any], names: list[str], key: str
    ) -> list[dict[str, Any]]:
        asked = [[["company", "=", who.company], *domain] if "journal" not in model else domain]
        found = await self._call(
            who, "look_up", f"model.{model}.search_read", [*asked, 0, None, None, names], key
        )
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise unclear("its answer cannot be read")
        return found

    async def _sign_in(self, key: str) -> Signed:
        user, token, *_ = await self._ask(
            "sign_in", "common.db.login", [self.user, {"password": self._password}], key
        )
        coded = base64.b64encode(f"{self.user}:{user}:{token}".encode()).decode()
        signed = f"Session {coded}"
        said = await self._ask("sign_in", "model.res.user.get_preferences", [True, {}], key, signed)
        return Signed(signed, int(said["company"]))

    async def _call(self, who: Signed, operation: str, method: str, params: list[Any], key: str) -> Any:
        context = {"company": who.company, "language": "en"}
        return await self._ask(operation, method, [*params, context], key, who.authorization)

    async def _ask(
        self, operation: str, method: str, params: list[Any], key: str, authorization: str = ""
    ) -> Any:
        body = {"id": 1, "method": method, "params": params}
        headers = {"authorization": authorization} if authorization else {}
        asked = Asked(operation, "POST", self.path, key, body, headers=headers)
        heard = await self.line.ask(asked, judged)
        said = _said(heard)
        match judged(heard):
            case CallResult.OK:
                return said["result"]
            case CallResult.REFUSED:
                raise refused(str(said["error"][1][0]))
        raise unclear(heard.error or str(heard.status))

    async def close(self) -> None:
        """Hang up."""
        await self.line.close()


def judged(heard: Heard) -> CallResult:
    """A result is a yes, a UserError a no; a server that is busy or away may be asked again."""
    if heard.status is None:
        return CallResult.FAILED if heard.error in NEVER_SENT else CallResult.UNKNOWN
    said = _said(heard)
    if heard.status == 200 and "result" in said:
        return CallResult.OK
    error = said.get("error")
    if heard.status == 200 and isinstance(error, list) and len(error) == 2:
        if error[0] in REFUSALS and isinstance(error[1], list) and error[1]:
            return CallResult.REFUSED
        if error[0] == BUSY:
            return CallResult.FAILED
    return CallResult.FAILED if heard.status in (401, 403, 404, 429, 503) else CallResult.UNKNOWN


def refused(sentence: str) -> ApplicationError:
    """The ERP's own no: a person has to repair something there, so it is not asked again by itself."""
    return ApplicationError(sentence, type="erp_refused", non_retryable=True)


def unclear(what: str) -> ApplicationError:
    """No clear answer: asked again, look-up first."""
    return ApplicationError(f"the ERP gave no clear answer: {what}", type="accounting_unclear")


def _said(heard: Heard) -> dict[str, Any]:
    try:
        return read_object(heard.body) or {}
    except json.JSONDecodeError:
        return {}


def _day(day: date) -> dict[str, Any]:
    return {"__class__": "date", "year": day.year, "month": day.month, "day": day.day}


def _line(line: JournalLine, accounts: dict[str, int]) -> dict[str, Any]:
    return {
        "account": accounts[line.code],
        "debit": {"__class__": "Decimal", "decimal": str(line.debit_minor)},
        "credit": {"__class__": "Decimal", "decimal": str(line.credit_minor)},
        "description": f"{line.account.value} × {line.count}",
    }


def _won(said: object) -> int:
    """A Decimal as Tryton writes it, in whole won; anything else is no clear answer."""
    amount = Decimal(said["decimal"]) if isinstance(said, dict) and "decimal" in said else None
    if amount is None or amount != int(amount):
        raise unclear("its amounts cannot be read")
    return int(amount)


@dataclass
class ConsoleAccounting:
    """Keeps documents in memory; `refusal` makes it say no, `drift` lets an account differ."""

    documents: dict[int, tuple[str, ErpDocument]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    refusal: str = ""
    drift: dict[str, int] = field(default_factory=dict)

    async def draft(self, entry: JournalEntry) -> int:
        """Give the known document of the key, or a new one."""
        self.asked.append(("draft", entry.key))
        if self.refusal:
            raise refused(self.refusal)
        for number, (key, _) in self.documents.items():
            if key == entry.key:
                return number
        sums: dict[str, tuple[int, int]] = {}
        for one in entry.lines:
            debit, credit = sums.get(one.code, (0, 0))
            more = self.drift.get(one.code, 0)
            sums[one.code] = (debit + one.debit_minor + (more if one.debit_minor else 0),
                              credit + one.credit_minor)  # fmt: skip
        number = len(self.documents) + 1
        self.documents[number] = (entry.key, ErpDocument(number, "", False, sums))
        return number

    async def post(self, document_id: int, key: str) -> None:
        """Give it a number, once."""
        self.asked.append(("post", key))
        name, document = self.documents[document_id]
        if not document.is_posted:
            self.documents[document_id] = (
                name,
                ErpDocument(document_id, f"M{document_id}", True, document.sums),
            )

    async def read(self, document_id: int, key: str) -> ErpDocument:
        """As it is kept."""
        return self.documents[document_id][1]

    async def discard(self, key: str, but: int) -> int:
        """There are none."""
        return 0
