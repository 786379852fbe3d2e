"""The payment gateway: ask for money once, look up what became of it, give it back."""

import base64
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol
from urllib.parse import quote

from activities.connectors.kit import Asked, Line, Patience
from activities.kit.calls import CallLog
from models.messages.payments import Charge, ChargeAnswer, GiveBack, Verdict
from models.messages.systems import System
from models.rules.payments import (
    as_result,
    classify,
    classify_look_up,
    classify_refund,
    classify_refund_look_up,
    refund_reason,
)

LOOK_UP_SECONDS = 20.0  # shorter than the look-up activity may take


class PaymentGateway(Protocol):
    """Whoever moves money for us. No method raises for a bad answer: the verdict says what we know."""

    async def confirm(self, charge: Charge) -> ChargeAnswer:
        """Ask for the money of a charge that the customer has agreed to; the attempt's id is the key."""

    async def look_up(self, charge: Charge) -> ChargeAnswer:
        """Ask what became of a charge; changes nothing."""

    async def refund(self, asked: GiveBack) -> ChargeAnswer:
        """Give (part of) a charge back; the refund's id is the key. SUCCEEDED means that it is back."""

    async def look_up_refund(self, asked: GiveBack) -> ChargeAnswer:
        """Ask whether a refund happened; changes nothing."""


class HttpPaymentGateway:
    """A gateway in the style of Toss Payments, over HTTP."""

    def __init__(self, url: str, secret: str, calls: CallLog, patience: Patience | None = None) -> None:
        basic = base64.b64encode(f"{secret}:".encode()).decode()
        self.line = Line(System.PAYMENTS, url, f"Basic {basic}", calls, patience or Patience())

    async def confirm(self, charge: Charge) -> ChargeAnswer:
        """Ask once; an unclear answer is returned as UNKNOWN and never asked again from here."""
        body = {
            "payment_key": charge.payment_key, "order_id": charge.attempt_id, "amount": charge.amount_minor,
        }  # fmt: skip
        asked = Asked("confirm", "POST", "/v1/payments/confirm", charge.attempt_id, body, charge.ticket_id)
        judge = partial(classify, charge=charge)
        return judge(await self.line.ask(asked, lambda heard: as_result(judge(heard))))

    async def look_up(self, charge: Charge) -> ChargeAnswer:
        """Read the order at the gateway."""
        path = f"/v1/payments/orders/{quote(charge.attempt_id, safe='')}"
        wait = min(LOOK_UP_SECONDS, self.line.patience.total)
        asked = Asked("look_up", "GET", path, charge.attempt_id, None, charge.ticket_id, patience=wait)
        judge = partial(classify_look_up, charge=charge)
        return judge(await self.line.ask(asked, lambda heard: as_result(judge(heard))))

    async def refund(self, asked: GiveBack) -> ChargeAnswer:
        """Ask once, under the refund's own key; an unclear answer is UNKNOWN and looked up by the caller."""
        path = f"/v1/payments/{quote(asked.payment_key, safe='')}/cancel"
        body = {"cancel_reason": refund_reason(asked), "cancel_amount": asked.amount_minor}
        request = Asked(
            "cancel", "POST", path, asked.refund_id, body, asked.ticket_id, asked.case_id
        )  # fmt: skip
        judge = partial(classify_refund, asked=asked)
        return judge(await self.line.ask(request, lambda heard: as_result(judge(heard))))

    async def look_up_refund(self, asked: GiveBack) -> ChargeAnswer:
        """Read the payment at the gateway and find our refund in it."""
        path = f"/v1/payments/orders/{quote(asked.attempt_id, safe='')}"
        wait = min(LOOK_UP_SECONDS, self.line.patience.total)
        request = Asked(
            "look_up", "GET", path, asked.refund_id, None, asked.ticket_id, asked.case_id, patience=wait
        )
        judge = partial(classify_refund_look_up, asked=asked)
        return judge(await self.line.ask(request, lambda heard: as_result(judge(heard))))

    async def close(self) -> None:
        """Hang up."""
        await self.line.close()


@dataclass
class ConsolePaymentGateway:
    """Moves no money and remembers what it was asked; `answers` are given in their order, then success."""

    answers: list[ChargeAnswer] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)  # (operation, attempt id)
    moved: dict[str, ChargeAnswer] = field(default_factory=dict)

    async def confirm(self, charge: Charge) -> ChargeAnswer:
        """Answer as told, or say yes; the same attempt is charged once."""
        self.asked.append(("confirm", charge.attempt_id))
        answer = self.answers.pop(0) if self.answers else paid(charge)
        if answer.verdict is Verdict.SUCCEEDED:
            self.moved[charge.attempt_id] = answer
        return answer

    async def look_up(self, charge: Charge) -> ChargeAnswer:
        """Answer as told, or say what was moved."""
        self.asked.append(("look_up", charge.attempt_id))
        if self.answers:
            return self.answers.pop(0)
        return self.moved.get(charge.attempt_id, ChargeAnswer(Verdict.NOT_FOUND, code="NOT_FOUND_PAYMENT"))

    async def refund(self, asked: GiveBack) -> ChargeAnswer:
        """Answer as told, or give back once per refund."""
        self.asked.append(("cancel", asked.refund_id))
        answer = self.answers.pop(0) if self.answers else given_back(asked)
        if answer.verdict is Verdict.SUCCEEDED:
            self.moved[asked.refund_id] = answer
        return answer

    async def look_up_refund(self, asked: GiveBack) -> ChargeAnswer:
        """Answer as told, or say what went back."""
        self.asked.append(("look_up", asked.refund_id))
        if self.answers:
            return self.answers.pop(0)
        return self.moved.get(asked.refund_id, ChargeAnswer(Verdict.NOT_FOUND, code="NOT_FOUND_REFUND"))


def given_back(asked: GiveBack) -> ChargeAnswer:
    """The answer to a refund that went well."""
    return ChargeAnswer(Verdict.SUCCEEDED, f"back_{asked.refund_id}", "DONE", asked.amount_minor)


def paid(charge: Charge) -> ChargeAnswer:
    """The answer to a charge that went well."""
    return ChargeAnswer(Verdict.SUCCEEDED, charge.payment_key, "DONE", charge.amount_minor)
