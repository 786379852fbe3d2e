"""What nobody pays any more: documents closed, receivable against bad debt, each invoice once."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity

from activities.billing.steps import has_open_attempt, post, tell
from activities.kit.transactions import transaction
from models.billing import Invoice
from models.dunning import WriteOff
from models.kit.arrears import is_overdue, open_minor
from models.kit.money import shown
from models.kit.outbox import announce_signal
from models.messages.billing.invoices import InvoiceStatus, invoice_workflow_id
from models.messages.billing.write_offs import InvoiceWrittenOff, WriteOffOrder, WrittenOff
from models.messages.journeys import WaitNotes, WaitOver
from models.rules.billing.invoices import Event, write_off_postings


@dataclass
class WriteOffActivities:
    """Gives up what is overdue; dependencies are handed in by worker.py."""

    engine: AsyncEngine

    @activity.defn(name="billing.write_off")
    async def write_off(self, order: WriteOffOrder) -> WrittenOff:
        """Write off every overdue invoice of a customer, but none that a payment may just be settling.

        Safe to repeat: an invoice is written off once, and what this case has given up is read back."""
        async with transaction(self.engine) as session:
            query = select(Invoice).where(
                col(Invoice.customer_id) == order.customer_id, *is_overdue(order.at)
            )
            held = []
            for invoice in await session.scalars(query.order_by(col(Invoice.id)).with_for_update()):
                if await has_open_attempt(session, invoice.id):
                    held.append(invoice.id)
                else:
                    await _give_up(session, invoice, order)
            mine = select(WriteOff).where(col(WriteOff.case_id) == order.case_id)
            gone = list(await session.scalars(mine.order_by(col(WriteOff.invoice_id))))
            ids = tuple(one.invoice_id for one in gone)
            return WrittenOff(sum(one.amount_minor for one in gone), ids, tuple(held))


async def _give_up(session: AsyncSession, invoice: Invoice, order: WriteOffOrder) -> None:
    left = int(await session.scalar(select(open_minor()).where(col(Invoice.id) == invoice.id)) or 0)
    row = {
        "invoice_id": invoice.id, "case_id": order.case_id, "customer_id": invoice.customer_id,
        "amount_minor": left, "currency": invoice.currency, "reason": order.reason,
        "decided_by": order.decided_by, "at": order.at,
    }  # fmt: skip
    await session.execute(insert(WriteOff).values(row))
    await post(session, invoice, Event.WRITE_OFF, write_off_postings(left), at=order.at)
    invoice.status, invoice.seq = InvoiceStatus.WRITTEN_OFF, invoice.seq + 1
    details = {"number": invoice.number, "amount": shown(left, invoice.currency)}
    actor = ("staff", order.decided_by) if order.decided_by else ("system", None)
    await tell(
        session, invoice, "billing.written_off", at=order.at, key="written_off", details=details,
        notes=WaitNotes(ended=(WaitOver("payment", order.at),)), actor=actor, is_public=False,
    )  # fmt: skip
    if invoice.run_id is None:  # an invoice of a bill run has no life that waits
        fact = InvoiceWrittenOff(invoice.id, order.at)
        key = f"written_off:{invoice.id}"
        await announce_signal(session, invoice_workflow_id(invoice.id), "written_off", fact, key=key)
