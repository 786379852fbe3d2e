"""Billing keys at the payment gateway: get one for a card that we never see, charge it, take it back."""

import base64
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol
from urllib.parse import quote

from activities.connectors.kit import Asked, Line, Patience
from activities.connectors.payments import paid
from activities.kit.calls import CallLog
from models.messages.payments import Charge, ChargeAnswer, KeyAnswer, Verdict
from models.messages.systems import System
from models.rules.payments import (
    as_result,
    classify,
    classify_key,
    classify_key_removal,
)


class BillingKeys(Protocol):
    """Whoever keeps cards for us. No method raises for a bad answer: the verdict says what we know."""

    async def issue(self, auth_key: str, customer_key: str, *, key: str) -> KeyAnswer:
        """Exchange what the hosted form handed back for a billing key; the same `key` gives the same one."""

    async def prepare(self, charge: Charge, billing_key: str, customer_key: str) -> ChargeAnswer:
        """Make the payment known without moving money; `provider_id` is its handle, if it needs one.

        Whatever goes wrong here, no money has moved: never UNKNOWN."""

    async def charge(self, charge: Charge, billing_key: str, customer_key: str) -> ChargeAnswer:
        """Ask for money without asking the customer; the attempt's id is the key."""

    async def revoke(self, billing_key: str, *, key: str) -> Verdict:
        """Make a billing key worthless; SUCCEEDED also when it was worthless before."""


class HttpBillingKeys:
    """A gateway in the style of Toss Payments, over HTTP."""

    def __init__(self, url: str, secret: str, calls: CallLog, patience: Patience | None = None) -> None:
        basic = base64.b64encode(f"{secret}:".encode()).decode()
        self.line = Line(System.PAYMENTS, url, f"Basic {basic}", calls, patience or Patience())

    async def issue(self, auth_key: str, customer_key: str, *, key: str) -> KeyAnswer:
        """Ask once; nothing moves, so the caller may ask again under the same key."""
        body = {"auth_key": auth_key, "customer_key": customer_key}
        asked = Asked("issue_key", "POST", "/v1/billing/authorizations/issue", key, body)
        judge = partial(classify_key, customer_key=customer_key)
        return judge(await self.line.ask(asked, lambda heard: as_result(ChargeAnswer(judge(heard).verdict))))

    async def prepare(self, charge: Charge, billing_key: str, customer_key: str) -> ChargeAnswer:
        """Nothing to prepare: the gateway knows our key and charges once for it."""
        return ChargeAnswer(Verdict.SUCCEEDED)

    async def charge(self, charge: Charge, billing_key: str, customer_key: str) -> ChargeAnswer:
        """Ask once; an unclear answer is returned as UNKNOWN and never asked again from here."""
        body = {"customer_key": customer_key, "order_id": charge.attempt_id, "amount": charge.amount_minor}
        path = f"/v1/billing/{quote(billing_key, safe='')}"
        asked = Asked("charge_key", "POST", path, charge.attempt_id, body, charge.ticket_id, charge.case_id)
        judge = partial(classify, charge=charge)
        return judge(await self.line.ask(asked, lambda heard: as_result(judge(heard))))

    async def revoke(self, billing_key: str, *, key: str) -> Verdict:
        """Ask once; taking back twice is harmless."""
        path = f"/v1/billing/{quote(billing_key, safe='')}"
        asked = Asked("revoke_key", "DELETE", path, key)
        heard = await self.line.ask(asked, lambda heard: as_result(ChargeAnswer(classify_key_removal(heard))))
        return classify_key_removal(heard)

    async def close(self) -> None:
        """Hang up."""
        await self.line.close()


@dataclass
class ConsoleBillingKeys:
    """Keeps no card and remembers what it was asked; `answers` are given in their order, then success."""

    answers: list[ChargeAnswer] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)  # (operation, key)

    async def issue(self, auth_key: str, customer_key: str, *, key: str) -> KeyAnswer:
        """A key for everybody, unless told otherwise."""
        self.asked.append(("issue", key))
        if self.answers:
            return KeyAnswer(self.answers.pop(0).verdict)
        return KeyAnswer(Verdict.SUCCEEDED, f"bk_{customer_key}", "Test ·· 1234", "DONE")

    async def prepare(self, charge: Charge, billing_key: str, customer_key: str) -> ChargeAnswer:
        """Nothing to prepare."""
        return ChargeAnswer(Verdict.SUCCEEDED)

    async def charge(self, charge: Charge, billing_key: str, customer_key: str) -> ChargeAnswer:
        """Answer as told, or say yes."""
        self.asked.append(("charge", charge.attempt_id))
        if self.answers:
            return self.answers.pop(0)
        return paid(Charge(charge.attempt_id, f"pay_{charge.attempt_id}", charge.amount_minor))

    async def revoke(self, billing_key: str, *, key: str) -> Verdict:
        """It is gone."""
        self.asked.append(("revoke", key))
        return self.answers.pop(0).verdict if self.answers else Verdict.SUCCEEDED
