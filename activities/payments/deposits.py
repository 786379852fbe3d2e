"""Deposits: booked to suspense when they arrive, out of it to what their customer owes, oldest first."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from temporalio import activity

from activities.kit.settlement import OPEN_MINOR, settle_attempts
from activities.kit.timeline import tell_live, write_entry, write_waits
from activities.kit.transactions import transaction
from models.kit.money import shown
from models.kit.timeline import EntryKind
from models.messages.journeys import WaitNotes
from models.messages.payments.deposits import (
    Allocated,
    AllocateDeposit,
    DepositStatus,
    ReturnDeposit,
    WaitDeposit,
    deposit_workflow_id,
)
from models.payments import Deposit
from models.rules.billing.invoices import on_day

BOOK = """
with posted as (
  insert into ledger_transactions (source, purpose, customer_id, posted_on, posted_at)
  values ('deposit:' || cast(:id as text), cast(:purpose as text), :customer,
    posting_day(cast(:day as date)), :at)
  on conflict do nothing returning id)
insert into ledger_entries (transaction_id, position, account, debit_minor, credit_minor, currency)
select p.id, side.position, side.account, side.debit, side.credit, :currency from posted p
cross join lateral (values (1, cast(:debit as text), cast(:amount as bigint), 0::bigint),
  (2, cast(:credit as text), 0::bigint, cast(:amount as bigint))) as side(position, account, debit, credit)
"""
HOLD = """
select id from invoices where customer_id = :customer and run_id is not null
  and status in ('issued', 'overdue') order by id for update
"""
# Oldest first; each part is an attempt of its own that has succeeded already.
ALLOCATE = f"""
with owing as (
  select i.id, i.currency, i.customer_id, i.due_at, {OPEN_MINOR} as open_minor from invoices i
  where i.customer_id = :customer and i.run_id is not null and i.status in ('issued', 'overdue')),
parts as (
  select *, least(open_minor, greatest(0, :rest - (sum(open_minor) over (order by due_at, id) - open_minor)))
    as part from owing where open_minor > 0)
insert into payment_attempts (id, invoice_id, ordinal, customer_id, provider, payment_key, amount_minor,
  currency, status, provider_id, code, created_at, settled_at, lookups, seq, absences)
select p.id || '.' || t.last + 1, p.id, t.last + 1, p.customer_id, 'suspense',
  cast(:deposit as text), p.part, p.currency,
  'succeeded', cast(:deposit as text) || '/' || p.id, 'DONE', :at, :at, 0, 1, 0
from parts p cross join lateral (
  select coalesce(max(ordinal), 0) as last from payment_attempts a where a.invoice_id = p.id) t
where p.part > 0
on conflict do nothing returning id
"""  # noqa: S608 - only our own words are put together
USED = """
select coalesce(sum(amount_minor), 0) from payment_attempts
where provider = 'suspense' and payment_key = :deposit
"""
SAID = {
    DepositStatus.SUSPENSE: "payments.deposit_unclaimed",
    DepositStatus.KEPT: "payments.deposit_kept",
    DepositStatus.ALLOCATED: "payments.deposit_allocated",
}


@dataclass
class DepositActivities:
    """Everything that writes deposits."""

    engine: AsyncEngine

    @activity.defn(name="payments.allocate_deposit")
    async def allocate_deposit(self, asked: AllocateDeposit) -> Allocated:
        """Book the deposit, and settle what its customer owes, oldest first; the rest stays in suspense.

        Safe to repeat: the deposit posts once, and what was used of it is counted from its parts."""
        async with transaction(self.engine) as session:
            row = await session.get_one(Deposit, asked.deposit_id, with_for_update=True)
            if row.kept_from is None:  # else it is booked: it came out of another document
                await _book(session, row, "payment", ("bank", "suspense"), row.amount_minor, asked.at)
            if row.status is DepositStatus.RETURNED:
                return Allocated(row.status, 0)
            row.customer_id = row.customer_id or asked.customer_id or None
            rest = await rest_of(session, row)
            if row.customer_id and rest:
                rest -= await _settle(session, row, rest, asked.at)
            waiting = DepositStatus.KEPT if row.kept_from else DepositStatus.SUSPENSE
            row.status = waiting if rest else DepositStatus.ALLOCATED
            row.seq = max(row.seq, asked.seq)
            sentence = SAID[row.status]
            if asked.actor_id:
                sentence = "payments.deposit_assigned"
            await _tell(session, row, sentence, asked.seq, asked.at, asked.actor_id, asked.waits)
            return Allocated(row.status, rest)

    @activity.defn(name="payments.return_deposit")
    async def return_deposit(self, asked: ReturnDeposit) -> Allocated:
        """Book that finance has given back what nobody claims. Safe to repeat: it posts once."""
        async with transaction(self.engine) as session:
            row = await session.get_one(Deposit, asked.deposit_id, with_for_update=True)
            rest = await rest_of(session, row)
            if row.status in (DepositStatus.SUSPENSE, DepositStatus.KEPT) and rest:
                await _book(session, row, "refund", ("suspense", "bank"), rest, asked.at)
                row.status, row.returned_minor, row.seq = DepositStatus.RETURNED, rest, asked.seq
            await _tell(session, row, "payments.deposit_returned", asked.seq, asked.at, asked.actor_id,
                        asked.waits)  # fmt: skip
            return Allocated(row.status, 0)

    @activity.defn(name="payments.wait_deposit")
    async def wait_deposit(self, asked: WaitDeposit) -> None:
        """Write the wait for finance. Safe to repeat: it writes the same rows again."""
        async with transaction(self.engine) as session:
            await write_waits(session, deposit_workflow_id(asked.deposit_id), asked.waits)


async def rest_of(session: AsyncSession, row: Deposit) -> int:
    """What of a deposit nobody claims yet, from its parts."""
    used = await session.scalar(text(USED), {"deposit": row.id})
    return row.amount_minor - int(used or 0) - row.returned_minor


async def _settle(session: AsyncSession, row: Deposit, rest: int, at: datetime) -> int:
    given = {"customer": row.customer_id, "rest": rest, "deposit": row.id, "at": at}
    await session.execute(text(HOLD), given)
    parts = list((await session.scalars(text(ALLOCATE), given)).all())
    await settle_attempts(session, parts, at)
    return rest - await rest_of(session, row)


async def _book(
    session: AsyncSession, row: Deposit, purpose: str, sides: tuple[str, str], amount: int, at: datetime
) -> None:
    given = {
        "id": row.id, "purpose": purpose, "customer": row.customer_id, "day": on_day(at), "at": at,
        "currency": row.currency, "amount": amount, "debit": sides[0], "credit": sides[1],
    }  # fmt: skip
    await session.execute(text(BOOK), given)


async def _tell(
    session: AsyncSession, row: Deposit, sentence: str, seq: int, at: datetime, actor_id: str | None,
    waits: WaitNotes,
) -> None:  # fmt: skip
    subject = deposit_workflow_id(row.id)
    await write_waits(session, subject, waits)
    await write_entry(
        session, key=f"{subject}:{seq}", subject=subject, ticket_id=None, at=at, sentence=sentence,
        kind=EntryKind.MONEY, details={"amount": shown(row.amount_minor, row.currency)},
        actor_kind="staff" if actor_id else "system", actor_id=actor_id, customer_id=row.customer_id,
    )  # fmt: skip
    await tell_live(session, "collections")
