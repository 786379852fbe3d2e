"""What invoices do to the world: they are issued, settled, cancelled and told about."""

from dataclasses import dataclass

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.billing.pricing import price
from activities.billing.steps import (
    free_charges,
    has_open_attempt,
    held_by,
    in_suspense,
    locked,
    open_balance,
    post,
    take_charges,
    tell,
)
from activities.kit.arrears import money_came
from activities.kit.transactions import transaction
from models.billing import Invoice
from models.kit.money import shown
from models.kit.refusals import Refusal
from models.messages.billing.invoices import (
    FinanceAct,
    InvoiceChange,
    InvoiceStatus,
    Issued,
    IssueInvoice,
    Settled,
    SettleInvoice,
)
from models.messages.journeys import WaitNotes, WaitOver
from models.payments import Allocation
from models.rules.billing import invoices as rules
from models.rules.billing.invoices import Event, Totals

NOT_SETTLED = (InvoiceStatus.ISSUED, InvoiceStatus.OVERDUE)


@dataclass
class BillingActivities:
    """Everything that writes invoices and the ledger; dependencies are handed in by worker.py."""

    engine: AsyncEngine

    @activity.defn(name="billing.issue")
    async def issue(self, asked: IssueInvoice) -> Issued:
        """Price the visits and store the invoice with its number, ledger and first wait in one transaction.

        Safe to repeat: an invoice that is there already is read and returned, never priced again."""
        async with transaction(self.engine) as session:
            await session.execute(
                text("select pg_advisory_xact_lock(hashtextextended(:id, 0))"), {"id": asked.order.invoice_id}
            )
            found = await session.get(Invoice, asked.order.invoice_id)
            if found is not None:
                return _issued(found)
            invoice = await price(session, asked)
            issued = _issued(invoice)
            await take_charges(session, invoice.id, asked.order.charge_ids)
            await post(session, invoice, Event.ISSUE, rules.issue_postings(_sums(invoice)), at=asked.at)
            remind_at = issued.due_at - rules.REMIND_BEFORE
            wait = rules.payment_wait(issued, invoice.ticket_id or "", asked.at, remind_at, "remind_payment")
            details = {"number": issued.number, "total": _total(invoice), "due_at": issued.due_at.isoformat()}
            await tell(session, invoice, "billing.issued", at=asked.at, key="issued", details=details,
                        notes=WaitNotes(opened=(wait,)))  # fmt: skip
            return issued

    @activity.defn(name="billing.settle")
    async def settle(self, asked: SettleInvoice) -> Settled:
        """Book one payment: it settles what is open, and the rest waits in suspense for finance.

        Safe to repeat: an attempt posts once, and the answer is read back from what was booked."""
        payment = asked.payment
        async with transaction(self.engine) as session:
            invoice = await locked(session, asked.invoice_id)
            source = f"attempt:{payment.attempt_id}"
            open_minor = await open_balance(session, invoice)
            lies_at = await held_by(session, payment.attempt_id)
            postings = rules.payment_postings(payment.amount_minor, open_minor, lies_at)
            if not await post(session, invoice, Event.PAYMENT, postings, at=asked.at, source=source):
                return await _read_back(session, invoice, payment.attempt_id, payment.amount_minor)
            settles, rest = rules.allocate(payment.amount_minor, open_minor)
            if settles:
                row = {"attempt_id": payment.attempt_id, "invoice_id": invoice.id, "amount_minor": settles}
                await session.execute(insert(Allocation).values({**row, "at": payment.at}))
                await money_came(session, (invoice.customer_id,), asked.at)
            if settles and settles == open_minor:
                await _pay(session, invoice, asked)
            goes_back = bool(rest) and _goes_back(invoice)
            if rest:
                await _keep_in_suspense(session, invoice, asked, rest)
            return Settled(invoice.status, settles, rest, goes_back)

    @activity.defn(name="billing.settle_nothing")
    async def settle_nothing(self, asked: FinanceAct) -> None:
        """Mark an invoice over nothing as paid. Safe to repeat: it says where to, once per key."""
        async with transaction(self.engine) as session:
            invoice = await locked(session, asked.invoice_id)
            if invoice.status in NOT_SETTLED and invoice.total_minor == 0:
                invoice.status, invoice.paid_at, invoice.seq = InvoiceStatus.PAID, asked.at, asked.seq
                await tell(session, invoice, "billing.paid", at=asked.at, key="paid", notes=asked.waits)

    @activity.defn(name="billing.cancel")
    async def cancel(self, asked: FinanceAct) -> InvoiceStatus:
        """Take the invoice back: status, reversed ledger, timeline. Refused while money may be moving.

        Safe to repeat: a cancelled invoice stays cancelled, and the reversal posts once."""
        async with transaction(self.engine) as session:
            invoice = await locked(session, asked.invoice_id)
            if invoice.status is InvoiceStatus.CANCELLED:
                return invoice.status
            if invoice.status is InvoiceStatus.PAID:
                raise _refused("invoice_paid")
            if await has_open_attempt(session, invoice.id):
                raise _refused("payment_under_way")
            await free_charges(session, invoice.id)
            open_minor = await open_balance(session, invoice)
            await post(
                session, invoice, Event.CANCEL, rules.cancel_postings(_sums(invoice), open_minor), at=asked.at
            )
            invoice.status, invoice.cancelled_at, invoice.seq = InvoiceStatus.CANCELLED, asked.at, asked.seq
            await money_came(session, (invoice.customer_id,), asked.at)
            details = {"number": invoice.number, "reason": asked.reason}
            notes = WaitNotes(ended=(WaitOver("payment", asked.at),))
            await tell(session, invoice, "billing.cancelled", at=asked.at, key="cancelled", details=details,
                        notes=notes, actor=_actor(asked))  # fmt: skip
            return invoice.status

    @activity.defn(name="billing.clear_suspense")
    async def clear_suspense(self, asked: FinanceAct) -> int:
        """Book that finance gave money back which nobody owed. Safe to repeat: it posts once per attempt."""
        async with transaction(self.engine) as session:
            invoice = await locked(session, asked.invoice_id)
            source = f"attempt:{asked.attempt_id}"
            amount = await in_suspense(session, source)
            postings = rules.refund_postings(amount, await held_by(session, asked.attempt_id))
            if amount and await post(session, invoice, Event.REFUND, postings, at=asked.at, source=source):
                details = {"amount": shown(amount, invoice.currency), "reason": asked.reason}
                await tell(session, invoice, "billing.suspense_cleared", at=asked.at,
                            key=f"cleared:{asked.attempt_id}", details=details, notes=asked.waits,
                            actor=("staff", asked.actor_id))  # fmt: skip
            return amount

    @activity.defn(name="billing.record")
    async def record(self, change: InvoiceChange) -> None:
        """Write one step: row, timeline, waits, live signals, together. Safe to repeat: an older `seq`
        changes nothing, and a settled or cancelled invoice never goes back."""
        async with transaction(self.engine) as session:
            await session.execute(
                update(Invoice)
                .where(Invoice.id == change.invoice_id, Invoice.seq < change.seq)  # type: ignore[arg-type]
                .where(Invoice.status.in_(NOT_SETTLED))  # type: ignore[attr-defined]
                .values(status=change.status, seq=change.seq)
            )
            invoice = await session.get_one(Invoice, change.invoice_id)
            details = {"number": invoice.number, **change.details}
            notes = change.waits if invoice.seq <= change.seq else None
            await tell(session, invoice, change.sentence, at=change.at, key=str(change.seq), details=details,
                        notes=notes, actor=(change.actor_kind, change.actor_id))  # fmt: skip


async def _pay(session: AsyncSession, invoice: Invoice, asked: SettleInvoice) -> None:
    invoice.status, invoice.paid_at = InvoiceStatus.PAID, asked.payment.at
    invoice.seq = max(invoice.seq, asked.seq)
    notes = WaitNotes(ended=(WaitOver("payment", asked.at),))
    details = {"number": invoice.number, "total": _total(invoice)}
    await tell(session, invoice, "billing.paid", at=asked.at, key="paid", details=details, notes=notes)


async def _keep_in_suspense(session: AsyncSession, invoice: Invoice, asked: SettleInvoice, rest: int) -> None:
    details = {"amount": shown(rest, invoice.currency)}
    if _goes_back(invoice):
        key = f"goes_back:{asked.payment.attempt_id}"
        await tell(session, invoice, "billing.goes_back", at=asked.at, key=key, details=details)
        return
    wait = rules.suspense_wait(asked, details["amount"])
    await tell(
        session, invoice, "billing.doubled", at=asked.at, key=f"doubled:{asked.payment.attempt_id}",
        details=details, notes=WaitNotes(opened=(wait,)), is_public=False,
    )  # fmt: skip


def _goes_back(invoice: Invoice) -> bool:
    """Money for an order or change that is off is given back without asking anybody."""
    return invoice.status is InvoiceStatus.CANCELLED and invoice.case_id is not None


async def _read_back(session: AsyncSession, invoice: Invoice, attempt_id: str, amount: int) -> Settled:
    settled = await session.get(Allocation, (attempt_id, invoice.id))
    allocated = settled.amount_minor if settled else 0
    rest = amount - allocated
    return Settled(invoice.status, allocated, rest, bool(rest) and _goes_back(invoice))


def _sums(invoice: Invoice) -> Totals:
    return Totals(invoice.net_minor, invoice.tax_minor)


def _total(invoice: Invoice) -> str:
    return shown(invoice.total_minor, invoice.currency)


def _issued(invoice: Invoice) -> Issued:
    return Issued(
        invoice.id, invoice.number, invoice.total_minor, invoice.currency, invoice.due_at, invoice.status,
        invoice.seq,
    )  # fmt: skip


def _actor(asked: FinanceAct) -> tuple[str, str | None]:
    return ("staff", asked.actor_id) if asked.actor_id else ("system", None)


def _refused(code: str) -> ApplicationError:
    return ApplicationError(str(Refusal(code)), type=code, non_retryable=True)
