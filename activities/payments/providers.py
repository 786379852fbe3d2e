"""Who moves money for us: each provider with its lines and how fast it may be asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.connectors.billing_keys import BillingKeys
from activities.connectors.payments import PaymentGateway
from activities.kit.pace import Pace
from activities.kit.sealing import Seals
from activities.kit.transactions import transaction
from models.messages.payments import Charge, ChargeAnswer, MethodStatus, Verdict
from models.payments import PaymentAttempt, PaymentMethod

GATEWAY, STRIPE = "gateway", "stripe"
BY_FILE = ("bank", "suspense")  # what bank files and deposits brought


@dataclass(frozen=True)
class Provider:
    """One payment provider."""

    gateway: PaymentGateway
    keys: BillingKeys
    pace: Pace = field(default_factory=lambda: Pace(50.0))


Providers = Mapping[str, Provider]


async def charge_method(
    engine: AsyncEngine, provider: Provider | None, seals: Seals, asked: Charge, attempt: PaymentAttempt
) -> ChargeAnswer:
    """Charge the sealed billing key, as long as it is its own customer's and may still be used.

    A provider that wants the payment prepared gives a handle first; it is stored before money can move, so
    that whoever comes later asks about the same payment."""
    if provider is None:
        return ChargeAnswer(Verdict.NOT_SENT, code="no_provider")
    async with transaction(engine) as session:
        method = await session.get_one(PaymentMethod, attempt.method_id)
    is_theirs = method.customer_id == attempt.customer_id
    if not is_theirs or method.status is not MethodStatus.ACTIVE or not method.billing_key:
        return ChargeAnswer(Verdict.REFUSED, code="method_not_active")
    key = seals.open(method.billing_key, method.id)
    if not asked.payment_key:
        prepared = await provider.keys.prepare(asked, key, method.customer_key)
        if prepared.verdict is not Verdict.SUCCEEDED:
            return prepared
        if prepared.provider_id:
            asked = await _keep_handle(engine, asked, prepared.provider_id)
    return await provider.keys.charge(asked, key, method.customer_key)


async def _keep_handle(engine: AsyncEngine, asked: Charge, handle: str) -> Charge:
    """Store the handle unless another one is there already: the first one is the payment."""
    async with transaction(engine) as session:
        row = await session.get_one(PaymentAttempt, asked.attempt_id, with_for_update=True)
        row.payment_key = row.payment_key or handle
        return Charge(
            asked.attempt_id, row.payment_key, asked.amount_minor, asked.currency, asked.ticket_id,
            asked.case_id,
        )  # fmt: skip
