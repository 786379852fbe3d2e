"""Money that a customer leaves on the account: out of a document that was taken back, for the next bills."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from activities.kit import ledger
from models.billing import Invoice
from models.kit.outbox import CHANNEL
from models.messages.payments.deposits import DepositStatus, kept_id
from models.messages.systems import OutboxKind, OutboxStatus
from models.payments import Deposit
from models.rules.billing import invoices as rules
from models.rules.billing.invoices import Event

TELL = """
insert into outbox (key, actor_id, kind, workflow, workflow_id, name, task_queue, payload, summary, status,
                    tries, not_before, created_at, refusal)
select 'bill:' || cast(:at as text) || ':' || d.id, '', :kind, '', 'deposit:' || d.id, 'bill_came', 'desk',
       jsonb_build_object('deposit_id', d.id, 'at', cast(:at as text)), '', :status, 0, now(), now(), ''
from deposits d where d.status = 'kept' and d.customer_id = any(:customers)
on conflict (workflow_id, actor_id, key) do nothing
returning id
"""


async def keep_credited(
    session: AsyncSession, invoice: Invoice, amount_minor: int, reason: str, at: datetime
) -> str:
    """Credit this much of a paid invoice and leave the money on the account; once an invoice.

    Answers with the deposit that it lies in from now on."""
    kept = kept_id(invoice.id)
    note = await ledger.credit(
        session, invoice, note_id=f"{invoice.id}.correction", gross_minor=amount_minor, reason=reason, at=at
    )  # fmt: skip
    entries = rules.kept_postings(amount_minor)
    await ledger.post(session, invoice, Event.PAYMENT, entries, source=f"deposit:{kept}", at=at)
    await _store(session, invoice, amount_minor, at, note.id)
    return kept


async def keep_uncovered(session: AsyncSession, invoice: Invoice, amount_minor: int, at: datetime) -> str:
    """What was paid of an invoice that is cancelled lies in suspense already; from now on it is a deposit."""
    await _store(session, invoice, amount_minor, at, None)
    return kept_id(invoice.id)


async def _store(
    session: AsyncSession, invoice: Invoice, amount_minor: int, at: datetime, note: str | None
) -> None:
    row = {
        "id": kept_id(invoice.id), "account": "", "customer_id": invoice.customer_id,
        "amount_minor": amount_minor, "currency": invoice.currency, "status": DepositStatus.KEPT,
        "received_at": at, "kept_from": invoice.id, "credit_note_id": note,
    }  # fmt: skip
    await session.execute(insert(Deposit).values(row).on_conflict_do_nothing())


async def bill_came(session: AsyncSession, customer_ids: Collection[str], at: datetime) -> int:
    """Tell what these customers left on their accounts that there is a bill; says how many were told."""
    told = await session.execute(
        text(TELL),
        {
            "at": at.isoformat(), "kind": OutboxKind.SIGNAL.value, "status": OutboxStatus.WAITING.value,
            "customers": list(customer_ids),
        },
    )  # fmt: skip
    count = len(told.all())
    if count:
        await session.execute(text("select pg_notify(:channel, '')"), {"channel": CHANNEL})
    return count
