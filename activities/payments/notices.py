"""Writing to the customers of a collection: receipts and refusals, in slices."""

import asyncio
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.kit.beating import beating
from activities.kit.post import LetterActivities
from activities.kit.transactions import transaction
from activities.payments.asking import Clock
from models.messages.letters import Letter
from models.messages.payments import AttemptStatus, charge_workflow_id
from models.messages.payments.collection import SliceDone, WorkSlice

CHUNK = 50
AT_ONCE = 10
TO_TELL = """
select id, invoice_id, customer_id, status from payment_attempts
where told_at is null and status in ('succeeded', 'refused')
  and (collection_id = :collection or id in (
    select r.attempt_id from transfer_rows r where r.batch_id = :collection))
order by id limit :size
"""
TOLD = "update payment_attempts set told_at = :at where id = any(:ids) and told_at is null"


@dataclass
class NoticeActivities:
    """Letters of a collection; what they say is written by the house's stationery."""

    engine: AsyncEngine
    letters: LetterActivities

    @activity.defn(name="payments.tell_slice")
    async def tell_slice(self, asked: WorkSlice) -> SliceDone:
        """Write to the next customers. Safe to repeat: a letter is sent once per key, and who was told is
        not told again."""
        clock, handled = Clock(asked.at), 0
        async with beating():
            while handled < asked.policy.slice_attempts:
                given = {"collection": asked.collection_id, "size": CHUNK}
                async with transaction(self.engine) as session:
                    rows = (await session.execute(text(TO_TELL), given)).all()
                if not rows:
                    return SliceDone(handled)
                gate = asyncio.Semaphore(AT_ONCE)
                await asyncio.gather(*(self._write(row, gate) for row in rows))
                known = {"ids": [row.id for row in rows], "at": clock.now()}
                async with transaction(self.engine) as session:
                    await session.execute(text(TOLD), known)
                handled += len(rows)
        return SliceDone(handled, True)

    async def _write(self, row: Any, gate: asyncio.Semaphore) -> None:
        is_paid = row.status == AttemptStatus.SUCCEEDED
        template = "billing/receipt" if is_paid else "payments/refused"
        letter = Letter(
            f"{charge_workflow_id(row.id)}:{template}", "", template, invoice_id=row.invoice_id,
            attempt_id=row.id, customer_id=row.customer_id,
        )  # fmt: skip
        async with gate:
            await self.letters.send(letter)
