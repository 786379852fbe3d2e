"""Files for the bank: filled in sets, handed in before the cut-off, and their results applied once a row."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio import activity

from activities.connectors.bank import Bank
from activities.kit.calendars import working_calendar
from activities.kit.sealing import Seals
from activities.kit.timeline import tell_live, write_entry, write_waits
from activities.kit.transactions import transaction
from activities.payments.picking import PAGE, WRITE, limits_of
from activities.payments.results import apply_result
from models.kit.money import shown
from models.kit.timeline import EntryKind
from models.messages.payments.collection import CollectionPolicy
from models.messages.payments.transfers import (
    BatchAt,
    BatchKind,
    BatchPlan,
    BatchStatus,
    BatchStep,
    FillBatch,
    Filled,
    PlanBatch,
    ResultApplied,
    transfer_workflow_id,
)
from models.payments import TransferBatch
from models.rules.calendars import is_working_day
from models.rules.payments.transfers import (
    Row,
    cut_off,
    file_name,
    read_result,
    result_due,
    written,
)

SIZE = 1_000
# Rows are numbered on where the file ends; the same attempt is in one file.
ADD_DEBITS = """
insert into transfer_rows (batch_id, number, method_id, customer_id, attempt_id, amount_minor, status, code)
select cast(:batch as text),
  (select coalesce(max(number), 0) from transfer_rows where batch_id = cast(:batch as text))
    + row_number() over (order by p.id), p.method_id, p.customer_id, p.id, p.amount_minor, 'waiting', ''
from payment_attempts p where p.id = any(:attempts)
on conflict do nothing
"""
ADD_MANDATES = """
with next as (
  select m.id, m.customer_id from payment_methods m
  where m.kind = 'account' and m.status = 'pending' and m.id > :after
    and not exists (
      select 1 from transfer_rows r where r.method_id = m.id and r.status in ('waiting', 'done', 'refused'))
  order by m.id limit :size for update of m)
insert into transfer_rows (batch_id, number, method_id, customer_id, amount_minor, status, code)
select cast(:batch as text),
  (select coalesce(max(number), 0) from transfer_rows where batch_id = cast(:batch as text))
    + row_number() over (order by id), id, customer_id, 0, 'waiting', '' from next
returning method_id
"""
# C6: only a registered mandate is debited; an account that was taken back meanwhile is left out of the file.
ROWS = """
select r.number, a.bank, m.id as method_id, m.billing_key, r.amount_minor,
  coalesce(r.attempt_id, r.method_id) as reference
from transfer_rows r join payment_methods m on m.id = r.method_id join mandates a on a.method_id = m.id
where r.batch_id = :batch and r.status = 'waiting' order by r.number
"""
FREE = """
with gone as (
  update transfer_rows r set status = 'missed', code = 'method_not_active', settled_at = :at
  from payment_methods m
  where r.batch_id = :batch and r.status = 'waiting' and m.id = r.method_id
    and (m.billing_key = '' or m.status in ('invalid', 'revoked')
      or r.attempt_id is not null and m.status <> 'active')
  returning r.attempt_id)
update payment_attempts p set status = 'refused', code = 'method_not_active', settled_at = :at, told_at = :at
from gone where p.id = gone.attempt_id
"""
ASKED = """
update payment_attempts p set status = 'unknown', asked_at = :at from transfer_rows r
where r.batch_id = :batch and r.attempt_id = p.id and r.status = 'waiting' and p.status = 'created'
"""
MISS = """
with missed as (
  update transfer_rows set status = 'missed', settled_at = :at
  where batch_id = :batch and status = 'waiting' returning attempt_id)
update payment_attempts p set status = 'refused', code = 'cut_off_missed', settled_at = :at, told_at = :at,
  seq = seq + 1
from missed where p.id = missed.attempt_id
"""
SUMS = """
select count(*) filter (where status <> 'missed') as rows,
  coalesce(sum(amount_minor) filter (where status <> 'missed'), 0) as amount
from transfer_rows where batch_id = :batch
"""


@dataclass
class TransferActivities:
    """Everything about files for the bank; account numbers are opened here and go nowhere else."""

    engine: AsyncEngine
    bank: Bank
    seals: Seals

    @activity.defn(name="payments.plan_batch")
    async def plan_batch(self, asked: PlanBatch) -> BatchPlan:
        """Begin a file with its windows, or say that none is made today. Safe to repeat: one row a day."""
        kind, day = asked.order.kind, asked.order.day
        name = file_name(kind, day)
        async with transaction(self.engine) as session:
            calendar = await working_calendar(session, asked.at)
            plan = BatchPlan(
                name, is_working_day(day, calendar), cut_off(kind, day, calendar),
                result_due(kind, day, calendar),
            )  # fmt: skip
            if plan.is_working_day:
                row = {
                    "id": name, "kind": kind, "day": day, "status": BatchStatus.FILLING, "begun_at": asked.at,
                    "cut_off": plan.cut_off, "result_due": plan.result_due, "seq": 0,
                }  # fmt: skip
                await session.execute(insert(TransferBatch).values(row).on_conflict_do_nothing())
            return plan

    @activity.defn(name="payments.fill_batch")
    async def fill_batch(self, asked: FillBatch) -> Filled:
        """Put the next customers into the file: attempts and rows together, before anything leaves.

        Safe to repeat: an invoice has one open attempt, an attempt and a mandate are in one file."""
        async with transaction(self.engine) as session:
            batch = await session.get_one(TransferBatch, asked.batch_id, with_for_update=True)
            if batch.status is not BatchStatus.FILLING:
                return Filled()
            if asked.kind is BatchKind.REGISTRATION:
                given = {"batch": batch.id, "after": asked.after, "size": SIZE}
                added = list((await session.scalars(text(ADD_MANDATES), given)).all())
                return Filled(max(added, default=""), len(added))
            page = {"after": asked.after, "size": SIZE}
            customers = list((await session.scalars(text(PAGE), page)).all())
            if not customers:
                return Filled()
            given = {
                **limits_of(CollectionPolicy()), "customers": customers, "collection": None,
                "day": asked.day, "at": asked.at, "kind": "account",
            }  # fmt: skip
            attempts = list((await session.scalars(text(WRITE), given)).all())
            await session.execute(text(ADD_DEBITS), {"batch": batch.id, "attempts": attempts})
            return Filled(customers[-1], len(attempts))

    @activity.defn(name="payments.hand_in_batch")
    async def hand_in_batch(self, asked: BatchAt) -> bool:
        """Hand the file in; False when it is empty or the bank takes no more today.

        Safe to repeat: its rows are fixed before it leaves, so that the same name is the same file."""
        async with transaction(self.engine) as session:
            batch = await session.get_one(TransferBatch, asked.batch_id, with_for_update=True)
            given = {"batch": batch.id, "at": asked.at}
            if batch.status is BatchStatus.FILLING:
                await session.execute(text(FREE), given)
                batch.status = BatchStatus.READY
            # From here on the bank may have it: nobody asks for this money another way.
            await session.execute(text(ASKED), given)
            rows = (await session.execute(text(ROWS), given)).all()
        if not rows:
            return False
        lines = [
            Row(row.number, row.bank, self.seals.open(row.billing_key, row.method_id), row.amount_minor,
                row.reference) for row in rows
        ]  # fmt: skip
        return await self.bank.hand_in(batch.id, written(batch.kind, batch.day, lines))

    @activity.defn(name="payments.miss_batch")
    async def miss_batch(self, asked: BatchAt) -> None:
        """Close what the bank surely did not take; the next file holds it again. Safe to repeat."""
        async with transaction(self.engine) as session:
            await session.execute(text(MISS), {"batch": asked.batch_id, "at": asked.at})

    @activity.defn(name="payments.fetch_result")
    async def fetch_result(self, asked: BatchAt) -> ResultApplied:
        """Fetch the result as far as it is there and apply it, once for each row.

        Safe to repeat: a row has one result; what fits no row is noted once for a person."""
        async with transaction(self.engine) as session:
            batch = await session.get_one(TransferBatch, asked.batch_id)
        body = await self.bank.result(batch.id)
        if body is None:
            return ResultApplied(is_there=False)
        found = read_result(batch.kind, body)
        async with transaction(self.engine) as session:
            return await apply_result(session, batch, found, asked.at)

    @activity.defn(name="payments.record_batch")
    async def record_batch(self, step: BatchStep) -> None:
        """Write one step: row, timeline, waits. Safe to repeat: an older `seq` changes nothing."""
        async with transaction(self.engine) as session:
            batch = await session.get_one(TransferBatch, step.batch_id, with_for_update=True)
            if step.seq > batch.seq:
                batch.seq, batch.status = step.seq, step.status
                if step.status is BatchStatus.SENT:
                    batch.sent_at = batch.sent_at or step.at
                if step.status in (BatchStatus.DONE, BatchStatus.MISSED, BatchStatus.EMPTY):
                    batch.ended_at = batch.ended_at or step.at
                await write_waits(session, transfer_workflow_id(batch.kind, batch.day), step.waits)
            if step.sentence:
                await _tell(session, batch, step)
            await tell_live(session, "collections")


async def _tell(session: AsyncSession, batch: TransferBatch, step: BatchStep) -> None:
    sums = (await session.execute(text(SUMS), {"batch": batch.id})).one()
    subject = transfer_workflow_id(batch.kind, batch.day)
    await write_entry(
        session, key=f"{subject}:{step.seq}", subject=subject, ticket_id=None, at=step.at,
        sentence=step.sentence, kind=EntryKind.MONEY,
        details={"rows": str(sums.rows), "amount": shown(int(sums.amount))},
    )  # fmt: skip
