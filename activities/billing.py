"""What invoices do to the world: they are issued, settled, cancelled and told about."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.kit.timeline import tell_live, write_entry, write_waits
from activities.kit.transactions import transaction
from models.billing import Invoice, InvoiceLine, LedgerEntry, LedgerTransaction, NumberSeries
from models.catalogue import Part, Product
from models.customers import OwnedProduct
from models.field_service import PartUse, Visit
from models.kit.money import shown
from models.kit.refusals import Refusal
from models.kit.timeline import EntryKind
from models.messages.billing import (
    FinanceAct,
    InvoiceChange,
    InvoiceStatus,
    Issued,
    IssueInvoice,
    Settled,
    SettleInvoice,
    invoice_workflow_id,
)
from models.messages.journeys import WaitNotes, WaitOver
from models.messages.payments import OPEN_ATTEMPT
from models.payments import Allocation, PaymentAttempt
from models.rules import billing as rules
from models.rules.billing import Entry, Event, Prices, Totals, UsedPart, VisitWork
from models.tickets import Ticket

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
            invoice = await _price(session, asked)
            issued = _issued(invoice)
            await _post(session, invoice, Event.ISSUE, rules.issue_postings(_sums(invoice)), at=asked.at)
            remind_at = issued.due_at - rules.REMIND_BEFORE
            wait = rules.payment_wait(issued, invoice.ticket_id or "", asked.at, remind_at, "remind_payment")
            details = {"number": issued.number, "total": _total(invoice), "due_at": issued.due_at.isoformat()}
            await _tell(session, invoice, "billing.issued", at=asked.at, key="issued", details=details,
                        notes=WaitNotes(opened=(wait,)))  # fmt: skip
            return issued

    @activity.defn(name="billing.settle")
    async def settle(self, asked: SettleInvoice) -> Settled:
        """Book one payment: it settles what is open, and the rest waits in suspense for finance.

        Safe to repeat: an attempt posts once, and the answer is read back from what was booked."""
        payment = asked.payment
        async with transaction(self.engine) as session:
            invoice = await _locked(session, asked.invoice_id)
            source = f"attempt:{payment.attempt_id}"
            open_minor = await open_balance(session, invoice)
            postings = rules.payment_postings(payment.amount_minor, open_minor)
            if not await _post(session, invoice, Event.PAYMENT, postings, at=asked.at, source=source):
                return await _read_back(session, invoice, payment.attempt_id, payment.amount_minor)
            settles, rest = rules.allocate(payment.amount_minor, open_minor)
            if settles:
                row = {"attempt_id": payment.attempt_id, "invoice_id": invoice.id, "amount_minor": settles}
                await session.execute(insert(Allocation).values({**row, "at": payment.at}))
            if settles and settles == open_minor:
                await _pay(session, invoice, asked)
            if rest:
                await _keep_in_suspense(session, invoice, asked, rest)
            return Settled(invoice.status, settles, rest)

    @activity.defn(name="billing.settle_nothing")
    async def settle_nothing(self, asked: FinanceAct) -> None:
        """Mark an invoice over nothing as paid. Safe to repeat: it says where to, once per key."""
        async with transaction(self.engine) as session:
            invoice = await _locked(session, asked.invoice_id)
            if invoice.status in NOT_SETTLED and invoice.total_minor == 0:
                invoice.status, invoice.paid_at, invoice.seq = InvoiceStatus.PAID, asked.at, asked.seq
                await _tell(session, invoice, "billing.paid", at=asked.at, key="paid", notes=asked.waits)

    @activity.defn(name="billing.cancel")
    async def cancel(self, asked: FinanceAct) -> InvoiceStatus:
        """Take the invoice back: status, reversed ledger, timeline. Refused while money may be moving.

        Safe to repeat: a cancelled invoice stays cancelled, and the reversal posts once."""
        async with transaction(self.engine) as session:
            invoice = await _locked(session, asked.invoice_id)
            if invoice.status is InvoiceStatus.CANCELLED:
                return invoice.status
            if invoice.status is InvoiceStatus.PAID:
                raise _refused("invoice_paid")
            if await _has_open_attempt(session, invoice.id):
                raise _refused("payment_under_way")
            open_minor = await open_balance(session, invoice)
            await _post(
                session, invoice, Event.CANCEL, rules.cancel_postings(_sums(invoice), open_minor), at=asked.at
            )
            invoice.status, invoice.cancelled_at, invoice.seq = InvoiceStatus.CANCELLED, asked.at, asked.seq
            details = {"number": invoice.number, "reason": asked.reason}
            notes = WaitNotes(ended=(WaitOver("payment", asked.at),))
            await _tell(session, invoice, "billing.cancelled", at=asked.at, key="cancelled", details=details,
                        notes=notes, actor=("staff", asked.actor_id))  # fmt: skip
            return invoice.status

    @activity.defn(name="billing.clear_suspense")
    async def clear_suspense(self, asked: FinanceAct) -> int:
        """Book that finance gave money back which nobody owed. Safe to repeat: it posts once per attempt."""
        async with transaction(self.engine) as session:
            invoice = await _locked(session, asked.invoice_id)
            source = f"attempt:{asked.attempt_id}"
            amount = await _in_suspense(session, source)
            postings = rules.refund_postings(amount)
            if amount and await _post(session, invoice, Event.REFUND, postings, at=asked.at, source=source):
                details = {"amount": shown(amount, invoice.currency), "reason": asked.reason}
                await _tell(session, invoice, "billing.suspense_cleared", at=asked.at,
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
            await _tell(session, invoice, change.sentence, at=change.at, key=str(change.seq), details=details,
                        notes=notes, actor=(change.actor_kind, change.actor_id))  # fmt: skip


async def _price(session: AsyncSession, asked: IssueInvoice) -> Invoice:
    """Store invoice and lines at today's prices, with the next number of the year's series."""
    order = asked.order
    priced = rules.lines(await works(session, order.visit_ids), await _prices(session, order.ticket_id))
    sums = rules.totals(priced)
    day = rules.on_day(asked.at)
    invoice = Invoice(
        id=order.invoice_id, number=await _next_number(session, str(day.year)), ticket_id=order.ticket_id,
        customer_id=order.customer_id, net_minor=sums.net_minor, tax_minor=sums.tax_minor,
        total_minor=sums.total_minor, issued_on=day, due_at=rules.due_at(asked.at, order.due_days),
        created_at=asked.at, seq=1,
    )  # fmt: skip
    session.add(invoice)
    await session.flush()
    for position, line in enumerate(priced, 1):
        session.add(InvoiceLine(invoice_id=invoice.id, position=position, **asdict(line)))
    return invoice


async def works(session: AsyncSession, visit_ids: Sequence[str]) -> tuple[VisitWork, ...]:
    """What was done on these visits, as the pricing rules want it."""
    visits = await session.scalars(
        select(Visit).where(Visit.id.in_(visit_ids)).order_by(Visit.id)  # type: ignore[attr-defined]
    )
    uses = await session.execute(
        select(PartUse.visit_id, Part, func.sum(PartUse.quantity))  # type: ignore[call-overload]
        .join(Part, Part.id == PartUse.part_id)
        .where(PartUse.visit_id.in_(visit_ids))  # type: ignore[attr-defined]
        .group_by(PartUse.visit_id, Part.id)
        .order_by(PartUse.visit_id, Part.id)
    )
    parts: dict[str, list[UsedPart]] = {}
    for visit_id, part, quantity in uses.all():
        used = UsedPart(part.id, part.name_ko, part.name_en, int(quantity), part.price_minor)
        parts.setdefault(visit_id, []).append(used)
    return tuple(
        VisitWork(visit.id, visit.outcome, visit.labour_minutes, tuple(parts.get(visit.id, ())))
        for visit in visits
    )


async def _prices(session: AsyncSession, ticket_id: str) -> Prices:
    """The price list of the ticket's product; without a known product only parts are billed."""
    product = await session.scalar(
        select(Product)
        .join(OwnedProduct, OwnedProduct.product_id == Product.id)  # type: ignore[arg-type]
        .join(Ticket, Ticket.owned_product_id == OwnedProduct.id)  # type: ignore[arg-type]
        .where(Ticket.id == ticket_id)  # type: ignore[arg-type]
    )
    return Prices(product.call_out_minor, product.labour_minor) if product else Prices(0, 0)


async def _next_number(session: AsyncSession, series: str) -> str:
    """The next number; the series' row stays locked until the invoice is committed, so no gap is left."""
    statement = insert(NumberSeries).values(series=series, last=1)
    statement = statement.on_conflict_do_update(
        index_elements=["series"], set_={"last": NumberSeries.last + 1}
    )
    last = (await session.execute(statement.returning(NumberSeries.last))).scalar_one()  # type: ignore[call-overload]
    return f"{series}-{last:06d}"


async def open_balance(session: AsyncSession, invoice: Invoice) -> int:
    """What is still owed: nothing once cancelled, else the total without what was allocated."""
    if invoice.status is InvoiceStatus.CANCELLED:
        return 0
    query = select(func.coalesce(func.sum(Allocation.amount_minor), 0)).where(
        Allocation.invoice_id == invoice.id  # type: ignore[arg-type]
    )
    return invoice.total_minor - int(await session.scalar(query) or 0)


async def _pay(session: AsyncSession, invoice: Invoice, asked: SettleInvoice) -> None:
    invoice.status, invoice.paid_at = InvoiceStatus.PAID, asked.payment.at
    invoice.seq = max(invoice.seq, asked.seq)
    notes = WaitNotes(ended=(WaitOver("payment", asked.at),))
    details = {"number": invoice.number, "total": _total(invoice)}
    await _tell(session, invoice, "billing.paid", at=asked.at, key="paid", details=details, notes=notes)


async def _keep_in_suspense(session: AsyncSession, invoice: Invoice, asked: SettleInvoice, rest: int) -> None:
    wait = rules.suspense_wait(asked, shown(rest, invoice.currency))
    await _tell(
        session, invoice, "billing.doubled", at=asked.at, key=f"doubled:{asked.payment.attempt_id}",
        details={"amount": shown(rest, invoice.currency)}, notes=WaitNotes(opened=(wait,)), is_public=False,
    )  # fmt: skip


async def _read_back(session: AsyncSession, invoice: Invoice, attempt_id: str, amount: int) -> Settled:
    settled = await session.get(Allocation, (attempt_id, invoice.id))
    allocated = settled.amount_minor if settled else 0
    return Settled(invoice.status, allocated, amount - allocated)


async def _in_suspense(session: AsyncSession, source: str) -> int:
    """How much of one attempt's money was booked into suspense."""
    query = (
        select(func.coalesce(func.sum(LedgerEntry.credit_minor), 0))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)  # type: ignore[arg-type]
        .where(LedgerTransaction.source == source, LedgerTransaction.purpose == Event.PAYMENT)  # type: ignore[arg-type]
        .where(LedgerEntry.account == "suspense")  # type: ignore[arg-type]
    )
    return int(await session.scalar(query) or 0)


async def _has_open_attempt(session: AsyncSession, invoice_id: str) -> bool:
    query = select(PaymentAttempt.id).where(  # type: ignore[call-overload]
        PaymentAttempt.invoice_id == invoice_id,
        PaymentAttempt.status.in_(OPEN_ATTEMPT),  # type: ignore[attr-defined]
    )
    return (await session.execute(query)).first() is not None


async def _post(
    session: AsyncSession,
    invoice: Invoice,
    event: Event,
    entries: Sequence[Entry],
    *,
    at: datetime,
    source: str = "",
) -> bool:
    """Post one event to the ledger; False when it was posted before."""
    row = {
        "source": source or f"invoice:{invoice.id}", "purpose": event.value, "posted_at": at,
        "customer_id": invoice.customer_id, "posted_on": rules.on_day(at),
    }  # fmt: skip
    statement = insert(LedgerTransaction).values(row).on_conflict_do_nothing()
    number = (await session.execute(statement.returning(LedgerTransaction.id))).scalar()  # type: ignore[call-overload]
    if number is None:
        return False
    for position, entry in enumerate(entries, 1):
        sides = {"transaction_id": number, "position": position, "currency": invoice.currency}
        await session.execute(insert(LedgerEntry).values({**sides, **asdict(entry)}))
    return True


async def _tell(
    session: AsyncSession,
    invoice: Invoice,
    sentence: str,
    *,
    at: datetime,
    key: str,
    details: dict[str, str] | None = None,
    notes: WaitNotes | None = None,
    actor: tuple[str, str | None] = ("system", None),
    is_public: bool = True,
) -> None:
    """Timeline, waits and live signals of one step, in the step's transaction."""
    workflow_id = invoice_workflow_id(invoice.id)
    await write_entry(
        session, key=f"{workflow_id}:{key}", subject=workflow_id, ticket_id=invoice.ticket_id, at=at,
        sentence=sentence, kind=EntryKind.MONEY, actor_kind=actor[0], actor_id=actor[1],
        details=details or {"number": invoice.number}, is_public=is_public,
    )  # fmt: skip
    await write_waits(session, workflow_id, notes or WaitNotes())
    await tell_live(session, workflow_id, f"ticket:{invoice.ticket_id}")


async def _locked(session: AsyncSession, invoice_id: str) -> Invoice:
    query = select(Invoice).where(Invoice.id == invoice_id).with_for_update()  # type: ignore[arg-type]
    return (await session.scalars(query)).one()


def _sums(invoice: Invoice) -> Totals:
    return Totals(invoice.net_minor, invoice.tax_minor)


def _total(invoice: Invoice) -> str:
    return shown(invoice.total_minor, invoice.currency)


def _issued(invoice: Invoice) -> Issued:
    return Issued(
        invoice.id, invoice.number, invoice.total_minor, invoice.currency, invoice.due_at, invoice.status,
        invoice.seq,
    )  # fmt: skip


def _refused(code: str) -> ApplicationError:
    return ApplicationError(str(Refusal(code)), type=code, non_retryable=True)
