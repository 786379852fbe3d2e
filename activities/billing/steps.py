"""How a step of an invoice is written down, and what the books say of it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from activities.kit import ledger
from activities.kit.cases import of_case, whose
from activities.kit.timeline import tell_live, write_entry, write_waits
from models.billing import Invoice, LedgerEntry, LedgerTransaction
from models.kit.timeline import EntryKind
from models.messages.billing.invoices import InvoiceStatus, LedgerAccount, invoice_workflow_id
from models.messages.journeys import WaitNotes
from models.messages.payments import OPEN_ATTEMPT
from models.payments import Allocation, PaymentAttempt
from models.rules.billing import invoices as rules
from models.rules.billing.invoices import Entry, Event


async def locked(session: AsyncSession, invoice_id: str) -> Invoice:
    """The invoice, until the end of this step nobody else's to change."""
    query = select(Invoice).where(Invoice.id == invoice_id).with_for_update()  # type: ignore[arg-type]
    return (await session.scalars(query)).one()


async def open_balance(session: AsyncSession, invoice: Invoice) -> int:
    """What is still owed: the total without what was allocated; nothing once cancelled or written off."""
    if invoice.status in (InvoiceStatus.CANCELLED, InvoiceStatus.WRITTEN_OFF):
        return 0
    query = select(func.coalesce(func.sum(Allocation.amount_minor), 0)).where(
        Allocation.invoice_id == invoice.id  # type: ignore[arg-type]
    )
    return invoice.total_minor - int(await session.scalar(query) or 0)


async def in_suspense(session: AsyncSession, source: str) -> int:
    """How much of one attempt's money was booked into suspense."""
    query = (
        select(func.coalesce(func.sum(LedgerEntry.credit_minor), 0))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)  # type: ignore[arg-type]
        .where(LedgerTransaction.source == source, LedgerTransaction.purpose == Event.PAYMENT)  # type: ignore[arg-type]
        .where(LedgerEntry.account == "suspense")  # type: ignore[arg-type]
    )
    return int(await session.scalar(query) or 0)


async def held_by(session: AsyncSession, attempt_id: str) -> LedgerAccount:
    """Where the money of an attempt lies."""
    attempt = await session.get(PaymentAttempt, attempt_id)
    return rules.holder(attempt.provider if attempt else "")


async def has_open_attempt(session: AsyncSession, invoice_id: str) -> bool:
    """Whether money may be moving right now."""
    query = select(PaymentAttempt.id).where(  # type: ignore[call-overload]
        PaymentAttempt.invoice_id == invoice_id,
        PaymentAttempt.status.in_(OPEN_ATTEMPT),  # type: ignore[attr-defined]
    )
    return (await session.execute(query)).first() is not None


async def take_charges(session: AsyncSession, invoice_id: str, charge_ids: Sequence[str]) -> None:
    """Write the document on the contracts' charges that it takes; a charge is on one document at most."""
    taken = text(
        "update subscription_charges set document_id = :document"
        " where id = any(:charges) and document_id is null and not is_void"
    )
    await session.execute(taken, {"document": invoice_id, "charges": list(charge_ids)})


async def free_charges(session: AsyncSession, invoice_id: str) -> None:
    """A document that was taken back leaves its charges to another one."""
    freed = text("update subscription_charges set document_id = null where document_id = :document")
    await session.execute(freed, {"document": invoice_id})


async def post(
    session: AsyncSession,
    invoice: Invoice,
    event: Event,
    entries: Sequence[Entry],
    *,
    at: datetime,
    source: str = "",
) -> bool:
    """Post one event of the invoice, or of `source`; False when it was posted before."""
    return await ledger.post(
        session, invoice, event, entries, source=source or f"invoice:{invoice.id}", at=at
    )


async def tell(
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
        details=details or {"number": invoice.number}, is_public=is_public, **whose(invoice),
    )  # fmt: skip
    await write_waits(session, workflow_id, of_case(notes or WaitNotes(), invoice))
    await tell_live(
        session, workflow_id, f"ticket:{invoice.ticket_id or ''}", f"case:{invoice.case_id or ''}"
    )
