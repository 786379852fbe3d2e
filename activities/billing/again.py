"""One account billed by itself: its old invoice is taken back, what is open is billed in its run."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity

from activities.billing.invoices import BillingActivities
from activities.billing.rating import Memory
from activities.billing.slices import Range, Work, bill
from activities.billing.steps import free_charges, locked
from activities.kit.keeping import keep_credited, keep_uncovered
from activities.kit.timeline import tell_live, write_entry
from activities.kit.transactions import transaction
from models.billing import BillRun, BillSkip, Invoice
from models.kit.timeline import EntryKind
from models.messages.billing.invoices import FinanceAct, InvoiceStatus
from models.messages.billing.runs import AgainAt, BilledAccount, TakenBack, run_workflow_id
from models.messages.payments import RefundStatus
from models.messages.payments.deposits import kept_id
from models.payments import Allocation, Deposit, Refund

OPEN = (InvoiceStatus.ISSUED, InvoiceStatus.OVERDUE)


@dataclass
class BillAgainActivities:
    """Everything that bills one account beside a run; dependencies are handed in by worker.py."""

    engine: AsyncEngine
    memory: Memory = field(default_factory=Memory)

    @activity.defn(name="billing.take_back")
    async def take_back(self, asked: AgainAt) -> TakenBack:
        """End an invoice that is wrong and free its charges: unpaid it is cancelled; of a paid one this
        answers what is to be credited. Safe to repeat: it says where to, not by how much."""
        order = asked.order
        async with transaction(self.engine) as session:
            invoice = await session.get_one(Invoice, order.invoice_id)
            number, is_open = invoice.seq + 1, invoice.status in OPEN
        if is_open:
            act = FinanceAct(order.invoice_id, "", number, asked.at, order.actor_id, order.reason)
            await BillingActivities(self.engine).cancel(act)
        async with transaction(self.engine) as session:
            invoice = await locked(session, order.invoice_id)
            await free_charges(session, invoice.id)
            return await _taken(session, invoice, asked)

    @activity.defn(name="billing.bill_account")
    async def bill_account(self, asked: AgainAt) -> BilledAccount:
        """Bill what is due and open of one account now. Safe to repeat: what was billed is no longer open,
        and the invoice that this order made is found by its id."""
        order = asked.order
        suffix = f"-{order.key}"
        async with self.engine.begin() as connection:
            run = (
                await connection.execute(select(BillRun).where(col(BillRun.id) == order.run_id))
            ).one()  # fmt: skip
            work = Work(order.run_id, run.day, asked.at, self.memory, suffix=suffix)
            await bill(connection, work, Range(order.customer_id, order.customer_id))
            made = f"{work.facts['prefix']}{order.customer_id}{suffix}"
            found = await connection.scalar(select(col(Invoice.id)).where(col(Invoice.id) == made))
        async with transaction(self.engine) as session:
            skip = await _skip(session, order.run_id, order.customer_id)
            await _tell(session, asked, found or "")
        return BilledAccount(found or "", skip if found is None else "")


async def _taken(session: AsyncSession, invoice: Invoice, asked: AgainAt) -> TakenBack:
    """What becomes of the money: it goes back as it came, or stays on the account. What was paid of an
    invoice that is cancelled now always stays: the new bill asks for it at once."""
    parts = await _left(session, invoice.id)
    is_cancelled = invoice.status is InvoiceStatus.CANCELLED
    if parts and is_cancelled:
        return TakenBack(kept=await keep_uncovered(session, invoice, sum(parts), asked.at))
    if (parts and asked.order.keeps_money) or await _is_kept(session, invoice.id):
        reason = asked.order.reason
        return TakenBack(kept=await keep_credited(session, invoice, sum(parts), reason, asked.at))
    return TakenBack(sum(parts), parts)


async def _is_kept(session: AsyncSession, invoice_id: str) -> bool:
    query = select(col(Deposit.id)).where(col(Deposit.id) == kept_id(invoice_id))
    return await session.scalar(query) is not None


async def _left(session: AsyncSession, invoice_id: str) -> tuple[int, ...]:
    """What was paid of an invoice and has not gone back, nor is about to: payment by payment."""
    back = (
        select(func.coalesce(func.sum(col(Refund.amount_minor)), 0))
        .where(
            col(Refund.attempt_id) == col(Allocation.attempt_id),
            col(Refund.credit_note_id).is_not(None) | (col(Refund.status) == RefundStatus.CREATED),
            col(Refund.invoice_id) == invoice_id,
        )
        .scalar_subquery()
    )
    paid = select(col(Allocation.amount_minor) - back).where(col(Allocation.invoice_id) == invoice_id)
    found = await session.scalars(paid.order_by(col(Allocation.at), col(Allocation.attempt_id)))
    return tuple(int(one) for one in found if one > 0)


async def _skip(session: AsyncSession, run_id: str, customer_id: str) -> str:
    query = select(col(BillSkip.reason)).where(
        col(BillSkip.run_id) == run_id, col(BillSkip.customer_id) == customer_id
    )
    reason = await session.scalar(query.order_by(col(BillSkip.subscription_id)).limit(1))
    return reason.value if reason is not None else ""


async def _tell(session: AsyncSession, asked: AgainAt, invoice_id: str) -> None:
    workflow_id, order = run_workflow_id(asked.order.run_id), asked.order
    facts: dict[str, Any] = {"invoice": invoice_id}
    if invoice_id:
        await write_entry(
            session, key=f"{workflow_id}/again/{order.key}", subject=workflow_id, ticket_id=None, at=asked.at,
            sentence="billing.account_billed", kind=EntryKind.MONEY, details=facts,
            actor_kind="staff" if order.actor_id else "system", actor_id=order.actor_id or None,
        )  # fmt: skip
    await tell_live(session, f"customer:{order.customer_id}")
