"""The letters of a run's invoices: each one once, beside the billing, as fast as the mail system bears."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select
from temporalio import activity

from activities.kit.beating import beating
from activities.kit.post import LetterActivities
from activities.kit.timeline import write_entry
from activities.kit.transactions import transaction
from models.billing import BillSlice, Invoice
from models.kit.timeline import EntryKind
from models.messages.billing.invoices import InvoiceStatus, invoice_workflow_id
from models.messages.billing.runs import WriteBills
from models.messages.letters import Delivery, Letter
from models.systems import SentMessage

AT_ONCE = 8
TEMPLATE = "billing/invoice"


@dataclass
class BillLetterActivities:
    """Everything that writes a run's letters; dependencies are handed in by worker.py."""

    engine: AsyncEngine
    letters: LetterActivities

    @activity.defn(name="billing.write_bills")
    async def write_bills(self, asked: WriteBills) -> int:
        """Send the letters of one slice's invoices and say how many went out. Safe to repeat: a letter that
        was sent is not sent again, and the mail system knows its key."""
        async with transaction(self.engine) as session:
            part = await session.get_one(BillSlice, (asked.run_id, asked.number))
            query = select(col(Invoice.id), col(Invoice.number), col(Invoice.customer_id)).where(
                col(Invoice.run_id) == asked.run_id,
                col(Invoice.customer_id).between(part.from_id, part.until_id),
                col(Invoice.status) != InvoiceStatus.CANCELLED,
                ~select(col(SentMessage.key))
                .where(col(SentMessage.key) == "invoice:" + col(Invoice.id) + f":{TEMPLATE}")
                .exists(),
            )
            left = list(await session.execute(query.order_by(col(Invoice.id))))
        gate = asyncio.Semaphore(AT_ONCE)
        async with beating(), asyncio.TaskGroup() as tasks:
            for invoice_id, number, customer_id in left:
                tasks.create_task(self._write(gate, invoice_id, number, customer_id))
        async with transaction(self.engine) as session:
            mine = col(BillSlice.run_id) == asked.run_id, col(BillSlice.number) == asked.number
            await session.execute(update(BillSlice).where(*mine).values(letters_at=datetime.now(UTC)))
        return len(left)

    async def _write(self, gate: asyncio.Semaphore, invoice_id: str, number: str, customer_id: str) -> None:
        async with gate:
            key = f"invoice:{invoice_id}:{TEMPLATE}"
            letter = Letter(key, "", TEMPLATE, invoice_id=invoice_id)
            delivery = await self.letters.send(letter)
        if delivery in (Delivery.NOWHERE, Delivery.REFUSED):
            subject = invoice_workflow_id(invoice_id)
            async with transaction(self.engine) as session:
                await write_entry(
                    session, key=f"{key}:failed", subject=subject, ticket_id=None, at=datetime.now(UTC),
                    sentence="billing.letter_failed", kind=EntryKind.MONEY, details={"number": number},
                    case_id=invoice_id, customer_id=customer_id,
                )  # fmt: skip
