"""What payments do to the world: the gateway is asked, and what it said is recorded."""

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio import activity

from activities.connectors.billing_keys import BillingKeys
from activities.connectors.payments import PaymentGateway
from activities.kit.cases import of_case, whose
from activities.kit.sealing import Seals
from activities.kit.timeline import tell_live, write_entry, write_waits
from activities.kit.transactions import transaction
from activities.payments.look_ups import or_ask_again
from activities.payments.providers import GATEWAY, Provider, Providers, charge_method
from models.billing import Invoice
from models.kit.money import shown
from models.kit.timeline import EntryKind
from models.messages.billing.invoices import InvoiceStatus, invoice_workflow_id
from models.messages.payments import (
    OPEN_ATTEMPT,
    AttemptChange,
    AttemptStatus,
    Charge,
    ChargeAnswer,
    MethodStatus,
    OpenAttempt,
    Verdict,
    charge_workflow_id,
)
from models.payments import PaymentAttempt, PaymentMethod
from models.rules.payments.collection import HARD

MOVED = frozenset({AttemptStatus.SUCCEEDED, AttemptStatus.CANCELLED})
CLOSED_TO_MONEY = {
    InvoiceStatus.PAID: "invoice_paid",
    InvoiceStatus.CANCELLED: "invoice_cancelled",
    InvoiceStatus.WRITTEN_OFF: "invoice_written_off",
}


@dataclass
class PaymentActivities:
    """Everything that asks the gateway and writes attempts; dependencies are handed in by worker.py."""

    engine: AsyncEngine
    gateway: PaymentGateway
    keys: BillingKeys | None = None
    seals: Seals | None = None
    others: Providers = field(default_factory=dict)  # beside the gateway, by their names

    @activity.defn(name="payments.open")
    async def open(self, asked: OpenAttempt) -> bool:
        """Store an attempt that charges a payment method, with its key; False when somebody else collects.

        Safe to repeat: the attempt is stored once, and the same one is found again."""
        order = asked.order
        async with transaction(self.engine) as session:
            invoice = await session.get_one(Invoice, order.invoice_id)
            method = await session.get(PaymentMethod, order.method_id)
            provider = method.provider if method else GATEWAY
            row = {
                "id": order.attempt_id, "invoice_id": invoice.id, "provider": provider, "payment_key": "",
                "ordinal": int(order.attempt_id.rsplit(".", 1)[1]), "customer_id": invoice.customer_id,
                "method_id": order.method_id, "amount_minor": order.amount_minor,
                "currency": order.currency, "status": AttemptStatus.CREATED, "provider_id": "", "code": "",
                "created_at": asked.at, "lookups": 0, "seq": 0, "absences": 0,
            }  # fmt: skip
            await session.execute(insert(PaymentAttempt).values(row).on_conflict_do_nothing())
            found = await session.get(PaymentAttempt, order.attempt_id)
            return found is not None and found.method_id == order.method_id

    @activity.defn(name="payments.begin")
    async def begin(self, change: AttemptChange) -> str:
        """Record that the attempt begins, and say why it must not be charged ("" when it may).

        Safe to repeat: it writes the same step again. The invoice is read under a shared lock, so a
        cancellation either sees this attempt or is seen by it."""
        async with transaction(self.engine) as session:
            query = select(Invoice).where(Invoice.id == change.invoice_id).with_for_update(read=True)  # type: ignore[arg-type]
            invoice = (await session.scalars(query)).one()
            await _write(session, change)
            return CLOSED_TO_MONEY.get(invoice.status, "")

    @activity.defn(name="payments.charge")
    async def charge(self, attempt_id: str) -> ChargeAnswer:
        """Ask the gateway to move the money, under the attempt's own key.

        Safe to repeat: the key was stored before the first call and never changes, and money that is
        known to have moved is not asked for again."""
        asked, attempt = await self._asked(attempt_id)
        if attempt.status in MOVED:
            return ChargeAnswer(Verdict.SUCCEEDED, attempt.provider_id, attempt.code, attempt.amount_minor)
        if attempt.method_id is not None:
            if self.keys is None or self.seals is None:
                return ChargeAnswer(Verdict.NOT_SENT, code="no_keys")
            own = Provider(self.gateway, self.keys)
            provider = own if attempt.provider == GATEWAY else self.others.get(attempt.provider)
            return await charge_method(self.engine, provider, self.seals, asked, attempt)
        return await self.gateway.confirm(asked)

    @activity.defn(name="payments.look_up")
    async def look_up(self, attempt_id: str) -> ChargeAnswer:
        """Ask the gateway what became of the attempt. Safe to repeat: it only reads."""
        asked, attempt = await self._asked(attempt_id)
        return or_ask_again(await self._of(attempt.provider).look_up(asked))

    @activity.defn(name="payments.record")
    async def record(self, change: AttemptChange) -> AttemptStatus:
        """Write one step: row, timeline, waits, live signals, together; answer what holds now.

        Safe to repeat: an older `seq` changes nothing. Money that moved wins over everything said before
        or after, in whatever order the news arrive (decision 0010)."""
        async with transaction(self.engine) as session:
            return (await _write(session, change)).status

    def _of(self, name: str) -> PaymentGateway:
        """Whoever moves the money of this attempt."""
        provider = self.others.get(name)
        return provider.gateway if provider else self.gateway

    async def _asked(self, attempt_id: str) -> tuple[Charge, PaymentAttempt]:
        async with transaction(self.engine) as session:
            attempt = await session.get_one(PaymentAttempt, attempt_id)
            invoice = await session.get_one(Invoice, attempt.invoice_id)
        asked = Charge(
            attempt.id, attempt.payment_key, attempt.amount_minor, attempt.currency, invoice.ticket_id,
            invoice.case_id,
        )  # fmt: skip
        return asked, attempt


async def _write(session: AsyncSession, change: AttemptChange) -> PaymentAttempt:
    query = select(PaymentAttempt).where(PaymentAttempt.id == change.attempt_id).with_for_update()  # type: ignore[arg-type]
    attempt = (await session.scalars(query)).one()
    is_news = change.seq > attempt.seq
    if _may_become(attempt, change):
        await _become(session, attempt, change)
    invoice = await session.get_one(Invoice, attempt.invoice_id)
    if is_news:
        attempt.seq, attempt.lookups = change.seq, max(change.lookups, attempt.lookups)
        await write_waits(session, charge_workflow_id(attempt.id), of_case(change.waits, invoice))
    details = {"amount": shown(attempt.amount_minor, attempt.currency), "code": change.code, **change.details}
    subject = charge_workflow_id(attempt.id)
    await write_entry(
        session, key=f"{subject}:{change.seq}:{change.status.value}", subject=subject, at=change.at,
        ticket_id=change.ticket_id, sentence=change.sentence, kind=EntryKind.MONEY, details=details,
        **whose(invoice), actor_kind=change.actor_kind, actor_id=change.actor_id,
        is_public=change.status is not AttemptStatus.UNKNOWN,
    )  # fmt: skip
    await tell_live(
        session,
        invoice_workflow_id(change.invoice_id),
        f"ticket:{change.ticket_id}",
        f"case:{invoice.case_id or ''}",
    )
    return attempt


def _may_become(attempt: PaymentAttempt, change: AttemptChange) -> bool:
    """Success beats every other word and is never taken back; a refusal is only beaten by success."""
    if attempt.status in MOVED:
        return False
    if change.status is AttemptStatus.SUCCEEDED:
        return True
    is_closed = attempt.status is AttemptStatus.REFUSED
    return change.seq > attempt.seq and not (is_closed and change.status in OPEN_ATTEMPT)


async def _become(session: AsyncSession, attempt: PaymentAttempt, change: AttemptChange) -> None:
    attempt.status, attempt.code = change.status, change.code
    if attempt.method_id is not None and change.code in HARD:
        method = await session.get_one(PaymentMethod, attempt.method_id)
        if method.status is MethodStatus.ACTIVE:
            method.status, method.is_default = MethodStatus.INVALID, False
    if change.status not in OPEN_ATTEMPT:
        attempt.settled_at = change.at
    if change.provider_id and await _is_free(session, attempt, change.provider_id):
        attempt.provider_id = change.provider_id


async def _is_free(session: AsyncSession, attempt: PaymentAttempt, provider_id: str) -> bool:
    """A gateway that names another attempt's id twice must not stop us from booking this money."""
    query = select(PaymentAttempt.id).where(  # type: ignore[call-overload]
        PaymentAttempt.provider == attempt.provider,
        PaymentAttempt.provider_id == provider_id,
        PaymentAttempt.id != attempt.id,
    )
    return (await session.execute(query)).first() is None
