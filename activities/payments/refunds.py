"""Giving money back: the document and the ledger first, then the gateway, then what became of it."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity

from activities.connectors.payments import PaymentGateway
from activities.kit import ledger
from activities.kit.cases import of_case, whose
from activities.kit.timeline import tell_live, write_entry, write_waits
from activities.kit.transactions import transaction
from activities.payments.look_ups import or_ask_again
from activities.payments.providers import Providers
from models.billing import Invoice
from models.kit.money import shown
from models.kit.timeline import EntryKind
from models.messages.billing.invoices import InvoiceStatus, invoice_workflow_id
from models.messages.payments import (
    AttemptStatus,
    BeginRefund,
    Begun,
    ChargeAnswer,
    GiveBack,
    RefundChange,
    RefundOrder,
    RefundStatus,
    Verdict,
    refund_workflow_id,
)
from models.payments import Allocation, PaymentAttempt, Refund
from models.rules.billing import invoices as rules
from models.rules.billing.invoices import Event


@dataclass
class RefundActivities:
    """Everything that asks the gateway for money back and writes refunds."""

    engine: AsyncEngine
    gateway: PaymentGateway
    others: Providers = field(default_factory=dict)  # beside the gateway, by their names

    @activity.defn(name="payments.begin_refund")
    async def begin_refund(self, asked: BeginRefund) -> Begun:
        """Write refund, credit note, ledger, timeline and first wait together, or say why not.

        Safe to repeat: a refund that is there is begun; note and postings are written once per id."""
        order = asked.order
        async with transaction(self.engine) as session:
            query = select(Invoice).where(col(Invoice.id) == order.invoice_id).with_for_update()
            invoice = (await session.scalars(query)).one()
            refund = await session.get(Refund, order.refund_id)
            if refund is None:
                attempt_id, refusal = await _source(session, invoice, order)
                if refusal:
                    return Begun(refusal)
                refund = _row(invoice, order, attempt_id, asked)
                session.add(refund)
                await session.flush()
            if not order.attempt_id:
                note = await ledger.credit(
                    session, invoice, note_id=refund.id, gross_minor=refund.amount_minor,
                    reason=refund.reason, at=asked.at,
                )  # fmt: skip
                refund.credit_note_id = note.id
                details = {"number": note.number, "total": shown(note.total_minor, note.currency)}
                await _tell(session, invoice, refund, "billing.credited", at=asked.at, key="credited",
                            details=details)  # fmt: skip
            await _tell(session, invoice, refund, "payments.refund_started", at=asked.at, key="started")
            await write_waits(session, refund_workflow_id(refund.id), of_case(asked.waits, invoice))
            return Begun()

    @activity.defn(name="payments.give_back")
    async def give_back(self, refund_id: str) -> ChargeAnswer:
        """Ask the gateway to give the money back, under the refund's own key.

        Safe to repeat: the key never changes, and money that is known to be back is not asked for again."""
        asked, refund, gateway = await self._asked(refund_id)
        if refund.status is RefundStatus.SUCCEEDED:
            return ChargeAnswer(Verdict.SUCCEEDED, refund.provider_id, refund.code, refund.amount_minor)
        if not asked.payment_key:
            return ChargeAnswer(Verdict.REFUSED, code="no_payment_key")
        return await gateway.refund(asked)

    @activity.defn(name="payments.look_up_refund")
    async def look_up_refund(self, refund_id: str) -> ChargeAnswer:
        """Ask the gateway whether the refund happened. Safe to repeat: it only reads."""
        asked, _, gateway = await self._asked(refund_id)
        return or_ask_again(await gateway.look_up_refund(asked))

    @activity.defn(name="payments.record_refund")
    async def record_refund(self, change: RefundChange) -> RefundStatus:
        """Write one step: row, ledger when the money is back, timeline and waits; answer what holds now.

        Safe to repeat: an older `seq` changes nothing, and money that went back stays gone."""
        async with transaction(self.engine) as session:
            query = select(Refund).where(col(Refund.id) == change.refund_id).with_for_update()
            refund = (await session.scalars(query)).one()
            invoice = await session.get_one(Invoice, refund.invoice_id)
            is_news = change.seq > refund.seq
            if is_news and refund.status is not RefundStatus.SUCCEEDED:
                refund.status, refund.code = change.status, change.code
                refund.provider_id = change.provider_id or refund.provider_id
            if is_news:
                refund.seq = change.seq
                await write_waits(session, refund_workflow_id(refund.id), of_case(change.waits, invoice))
            if refund.status is RefundStatus.SUCCEEDED:
                await _book(session, invoice, refund, change)
            details = {"code": change.code, **change.details}
            await _tell(session, invoice, refund, change.sentence, at=change.at, key=str(change.seq),
                        details=details, actor=(change.actor_kind, change.actor_id),
                        is_public=change.status is RefundStatus.SUCCEEDED)  # fmt: skip
            return refund.status

    async def _asked(self, refund_id: str) -> tuple[GiveBack, Refund, PaymentGateway]:
        async with transaction(self.engine) as session:
            refund = await session.get_one(Refund, refund_id)
            attempt = await session.get_one(PaymentAttempt, refund.attempt_id)
            invoice = await session.get_one(Invoice, refund.invoice_id)
        asked = GiveBack(
            refund.id, attempt.id, attempt.provider_id or attempt.payment_key, refund.amount_minor,
            attempt.amount_minor, refund.reason, refund.currency, invoice.ticket_id, invoice.case_id,
        )  # fmt: skip
        other = self.others.get(attempt.provider)
        return asked, refund, other.gateway if other else self.gateway


def _row(invoice: Invoice, order: RefundOrder, attempt_id: str, asked: BeginRefund) -> Refund:
    return Refund(
        id=order.refund_id, attempt_id=attempt_id, invoice_id=invoice.id, customer_id=invoice.customer_id,
        case_id=invoice.case_id or "", amount_minor=order.amount_minor, currency=invoice.currency,
        reason=order.reason, created_at=asked.at,
    )  # fmt: skip


async def _source(session: AsyncSession, invoice: Invoice, order: RefundOrder) -> tuple[str, str]:
    """The attempt whose money goes back, or why none may: never more than it brought."""
    if order.attempt_id:
        return await _unowed(session, order)
    if invoice.status is not InvoiceStatus.PAID:
        return "", "invoice_not_paid"
    query = select(Allocation).where(col(Allocation.invoice_id) == invoice.id)
    for settled in await session.scalars(query.order_by(col(Allocation.at), col(Allocation.attempt_id))):
        back = await _given_back(session, settled.attempt_id, is_owed=True)
        if order.amount_minor <= settled.amount_minor - back:
            return settled.attempt_id, ""
    return "", "nothing_to_give_back"


async def _unowed(session: AsyncSession, order: RefundOrder) -> tuple[str, str]:
    """Whether this attempt brought so much more than anybody owed, and nobody has given it back yet."""
    attempt = await session.get_one(PaymentAttempt, order.attempt_id)
    settled = await session.scalar(
        select(func.coalesce(func.sum(col(Allocation.amount_minor)), 0)).where(
            col(Allocation.attempt_id) == attempt.id
        )
    )
    left = attempt.amount_minor - int(settled or 0) - await _given_back(session, attempt.id, is_owed=False)
    has_moved = attempt.status is AttemptStatus.SUCCEEDED
    if not has_moved or order.amount_minor > left:
        return "", "nothing_to_give_back"
    return attempt.id, ""


async def _given_back(session: AsyncSession, attempt_id: str, *, is_owed: bool) -> int:
    """What of an attempt is on its way back or was given back: by credit note, or out of suspense."""
    note = col(Refund.credit_note_id)
    query = select(func.coalesce(func.sum(col(Refund.amount_minor)), 0)).where(
        col(Refund.attempt_id) == attempt_id, note.is_not(None) if is_owed else note.is_(None)
    )
    return int(await session.scalar(query) or 0)


async def _book(session: AsyncSession, invoice: Invoice, refund: Refund, change: RefundChange) -> None:
    """The gateway holds less for us; booked once, whichever step says so first."""
    refund.settled_at = refund.settled_at or change.at
    attempt = await session.get_one(PaymentAttempt, refund.attempt_id)
    lies_at = rules.holder(attempt.provider)
    entries, source = rules.given_back_postings(refund.amount_minor, lies_at), f"refund:{refund.id}"
    if refund.credit_note_id is None:  # the same event as a hand-made one: an attempt's rest goes back once
        entries, source = rules.refund_postings(refund.amount_minor, lies_at), f"attempt:{refund.attempt_id}"
    await ledger.post(session, invoice, Event.REFUND, entries, source=source, at=change.at)


async def _tell(
    session: AsyncSession,
    invoice: Invoice,
    refund: Refund,
    sentence: str,
    *,
    at: datetime,
    key: str,
    details: dict[str, str] | None = None,
    actor: tuple[str, str | None] = ("system", None),
    is_public: bool = True,
) -> None:
    subject = refund_workflow_id(refund.id)
    said = {"amount": shown(refund.amount_minor, refund.currency), "reason": refund.reason, **(details or {})}
    await write_entry(
        session, key=f"{subject}:{key}", subject=subject, ticket_id=invoice.ticket_id, at=at,
        sentence=sentence, kind=EntryKind.MONEY, details=said, actor_kind=actor[0], actor_id=actor[1],
        is_public=is_public, **whose(invoice),
    )  # fmt: skip
    await tell_live(
        session,
        invoice_workflow_id(invoice.id),
        f"ticket:{invoice.ticket_id or ''}",
        f"case:{invoice.case_id or ''}",
    )
