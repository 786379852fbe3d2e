"""Money that settles invoices of bill runs, many at once: ledger, allocation, invoice and story together.

An invoice of a bill run has no workflow of its own; whoever brings money for it books it here, in sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from activities.kit.arrears import money_came
from models.rules.billing.invoices import on_day

# What is still owed of an invoice `i`: without what was allocated, and without what was taken back of it
# while it was unpaid.
OPEN_MINOR = """(i.total_minor
  - coalesce((select sum(a.amount_minor) from payment_allocations a where a.invoice_id = i.id), 0)
  - coalesce((select sum(c.total_minor) from credit_notes c where c.invoice_id = i.id), 0))"""
LOCK = """
select i.id from invoices i join payment_attempts p on p.invoice_id = i.id
where p.id = any(:ids) order by i.id for update of i
"""
# Only what a bill run asks, and only when all of the money is owed: everything else is a case of its own.
SETTLE = f"""
with payable as materialized (
  select distinct on (p.invoice_id) p.id, p.invoice_id, p.customer_id, p.amount_minor, p.currency,
    {OPEN_MINOR} as open_minor, p.provider
  from payment_attempts p join invoices i on i.id = p.invoice_id
  where p.id = any(:ids) and p.status = 'succeeded' and i.run_id is not null
    and i.status in ('issued', 'overdue') and p.amount_minor <= {OPEN_MINOR}
  order by p.invoice_id, p.id),
posted as (
  insert into ledger_transactions (source, purpose, customer_id, posted_on, posted_at)
  select 'attempt:' || id, 'payment', customer_id, (select posting_day(cast(:day as date))), :at from payable
  on conflict do nothing returning id, source),
money as (
  select t.id as transaction_id, p.* from posted t join payable p on 'attempt:' || p.id = t.source),
entries as (
  insert into ledger_entries (transaction_id, position, account, debit_minor, credit_minor, currency)
  select transaction_id, side.position, side.account, side.debit, side.credit, currency from money
  cross join lateral (values
    (1, case provider when 'bank' then 'bank' when 'suspense' then 'suspense' else 'gateway' end,
      amount_minor, 0::bigint),
    (2, 'receivable', 0::bigint, amount_minor)) as side(position, account, debit, credit)),
allocated as (
  insert into payment_allocations (attempt_id, invoice_id, amount_minor, at)
  select id, invoice_id, amount_minor, :at from money),
paid as (
  update invoices i set status = 'paid', paid_at = :at, seq = i.seq + 1 from money m
  where i.id = m.invoice_id and m.amount_minor = m.open_minor
  returning i.id, i.number, i.customer_id, i.total_minor),
told as (
  insert into timeline_entries (key, subject, at, sentence, kind, actor_kind, details, is_public, customer_id)
  select 'invoice:' || id || '\\:paid', 'invoice:' || id, :at, 'billing.paid', 'money', 'system',
    jsonb_build_object('number', number, 'total', :sign || to_char(total_minor, 'FM999,999,999,999,999')),
    true, customer_id from paid
  on conflict (key) do nothing),
over as (
  update waits w set ended_at = :at from paid
  where w.workflow_id = 'invoice:' || paid.id and w.key = 'payment' and w.ended_at is null)
select id, customer_id from money
"""  # noqa: S608 - only our own words are put together


@dataclass(frozen=True)
class Settling:
    """What became of attempts whose money moved: booked here, or to be looked after one by one."""

    booked: tuple[str, ...]
    others: tuple[str, ...]


async def settle_attempts(session: AsyncSession, ids: Sequence[str], at: datetime) -> Settling:
    """Book the money of these attempts in the caller's transaction. Safe to repeat: an attempt posts once.

    What a bill run does not ask, what comes twice and what is more than anybody owes is left in `others`:
    each of these is told to its invoice's own life."""
    if not ids:
        return Settling((), ())
    given = {"ids": list(ids), "at": at, "day": on_day(at), "sign": "₩"}
    await session.execute(text(LOCK), given)
    booked = {row.id: row.customer_id for row in (await session.execute(text(SETTLE), given)).all()}
    await money_came(session, set(booked.values()), at)
    known = "select substr(source, 9) as id from ledger_transactions where source = any(:sources)"
    sources = {"sources": [f"attempt:{one}" for one in ids]}
    done = set((await session.scalars(text(known), sources)).all())
    return Settling(tuple(sorted(booked)), tuple(one for one in ids if one not in done))
