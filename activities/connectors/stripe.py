"""Stripe's API: a payment is made first, stored, and only then confirmed; it charges once by its nature."""

from functools import partial
from urllib.parse import quote

from activities.connectors.kit import Asked, Line, Patience
from activities.kit.calls import CallLog
from models.messages.payments import Charge, ChargeAnswer, GiveBack, KeyAnswer, Verdict
from models.messages.systems import System
from models.rules.payments import as_result
from models.rules.payments.stripe import (
    classify_attached,
    classify_confirmed,
    classify_intent,
    classify_prepared,
    classify_refund,
    classify_refunds,
    knows_no_parameter,
)
from models.rules.systems import is_code, read_object

LOOK_UP_SECONDS = 20.0


class HttpStripe:
    """Both halves at once: the gateway that moves money, and the cards that are kept.

    Nothing here trusts idempotency keys, although they are sent: a PaymentIntent whose id we have stored
    before it is confirmed cannot charge twice (decision 0015)."""

    def __init__(self, url: str, secret: str, calls: CallLog, patience: Patience | None = None) -> None:
        self.line = Line(System.PAYMENTS, url, f"Bearer {secret}", calls, patience or Patience())
        self.says_off_session = True

    async def prepare(self, charge: Charge, billing_key: str, customer_key: str) -> ChargeAnswer:
        """Make the PaymentIntent; the won is a zero-decimal currency, its amount is sent as it is."""
        customer, _, card = billing_key.partition(" ")
        form = {
            "amount": str(charge.amount_minor), "currency": charge.currency.lower(), "customer": customer,
            "payment_method": card, "payment_method_types[0]": "card",
            "metadata[attempt_id]": charge.attempt_id,
        }  # fmt: skip
        key = f"{charge.attempt_id}:prepare"
        asked = Asked("prepare", "POST", "/v1/payment_intents", key, form=form, ticket_id=charge.ticket_id)
        judge = partial(classify_prepared, charge=charge)
        return judge(await self.line.ask(asked, lambda heard: as_result(judge(heard))))

    async def charge(self, charge: Charge, billing_key: str, customer_key: str) -> ChargeAnswer:
        """Confirm the payment that was prepared; confirmed twice it charges once."""
        if not charge.payment_key:
            return ChargeAnswer(Verdict.NOT_SENT, code="not_prepared")
        return await self.confirm(charge)

    async def confirm(self, charge: Charge) -> ChargeAnswer:
        """Ask once; an unclear answer is returned as UNKNOWN and looked up by the caller."""
        path = f"/v1/payment_intents/{quote(charge.payment_key, safe='')}/confirm"
        judge = partial(classify_confirmed, charge=charge)
        while True:
            form = {"off_session": "true"} if self.says_off_session else {}
            asked = Asked(
                "confirm", "POST", path, f"{charge.attempt_id}:confirm:{len(form)}", form=form,
                ticket_id=charge.ticket_id, case_id=charge.case_id,
            )  # fmt: skip
            heard = await self.line.ask(asked, lambda heard: as_result(judge(heard)))
            if form and knows_no_parameter(heard, "off_session"):
                self.says_off_session = False
                continue
            return judge(heard)

    async def look_up(self, charge: Charge) -> ChargeAnswer:
        """Read the PaymentIntent; what was never prepared was never confirmed."""
        if not charge.payment_key:
            return ChargeAnswer(Verdict.NOT_FOUND, code="not_prepared")
        path = f"/v1/payment_intents/{quote(charge.payment_key, safe='')}"
        wait = min(LOOK_UP_SECONDS, self.line.patience.total)
        asked = Asked("look_up", "GET", path, charge.attempt_id, None, charge.ticket_id, patience=wait)
        judge = partial(classify_intent, charge=charge)
        return judge(await self.line.ask(asked, lambda heard: as_result(judge(heard))))

    async def refund(self, asked: GiveBack) -> ChargeAnswer:
        """Ask once; the refund carries our id, by which it is found again."""
        form = {
            "payment_intent": asked.payment_key, "amount": str(asked.amount_minor),
            "metadata[refund_id]": asked.refund_id,
        }  # fmt: skip
        request = Asked("refund", "POST", "/v1/refunds", asked.refund_id, form=form, case_id=asked.case_id)
        judge = partial(classify_refund, asked=asked)
        return judge(await self.line.ask(request, lambda heard: as_result(judge(heard))))

    async def look_up_refund(self, asked: GiveBack) -> ChargeAnswer:
        """Read the payment's refunds and find ours."""
        path = f"/v1/refunds?payment_intent={quote(asked.payment_key, safe='')}&limit=100"
        wait = min(LOOK_UP_SECONDS, self.line.patience.total)
        request = Asked("look_up", "GET", path, asked.refund_id, None, patience=wait)
        judge = partial(classify_refunds, asked=asked)
        return judge(await self.line.ask(request, lambda heard: as_result(judge(heard))))

    async def issue(self, auth_key: str, customer_key: str, *, key: str) -> KeyAnswer:
        """Keep a card: the form handed back a SetupIntent or a PaymentMethod; asked again it is the same."""
        card = await self._card_of(auth_key) if auth_key.startswith("seti_") else auth_key
        if not card:
            return KeyAnswer(Verdict.UNKNOWN, code="setup_unclear")
        customer = await self._customer(customer_key, key)
        if not customer:
            return KeyAnswer(Verdict.UNKNOWN, code="customer_unclear")
        path = f"/v1/payment_methods/{quote(card, safe='')}/attach"
        asked = Asked("attach", "POST", path, f"{key}:attach", form={"customer": customer})
        judge = partial(classify_attached, customer=customer)
        return judge(await self.line.ask(asked, lambda heard: as_result(ChargeAnswer(judge(heard).verdict))))

    async def revoke(self, billing_key: str, *, key: str) -> Verdict:
        """Detach the card; one that is detached stays so."""
        card = billing_key.partition(" ")[2]
        path = f"/v1/payment_methods/{quote(card, safe='')}/detach"
        asked = Asked("detach", "POST", path, key, form={})
        heard = await self.line.ask(asked, lambda heard: as_result(ChargeAnswer(_gone(heard.status))))
        return _gone(heard.status)

    async def _card_of(self, setup: str) -> str:
        path = f"/v1/setup_intents/{quote(setup, safe='')}"
        body = await self._read(Asked("read_setup", "GET", path, setup))
        found = body.get("payment_method") if body.get("status") == "succeeded" else None
        return found if is_code(found) else ""

    async def _customer(self, customer_key: str, key: str) -> str:
        form = {"metadata[customer_key]": customer_key}
        body = await self._read(Asked("customer", "POST", "/v1/customers", f"{key}:customer", form=form))
        found = body.get("id")
        return found if is_code(found) else ""

    async def _read(self, asked: Asked) -> dict[str, object]:
        heard = await self.line.ask(asked, lambda heard: as_result(ChargeAnswer(_read_ok(heard.status))))
        return (read_object(heard.body) or {}) if heard.status == 200 else {}

    async def close(self) -> None:
        """Hang up."""
        await self.line.close()


def _gone(status: int | None) -> Verdict:
    return Verdict.SUCCEEDED if status in (200, 400, 404) else Verdict.UNKNOWN


def _read_ok(status: int | None) -> Verdict:
    return Verdict.SUCCEEDED if status == 200 else Verdict.UNKNOWN
