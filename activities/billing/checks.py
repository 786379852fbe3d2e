"""What is looked at before a month is closed and while it is closing: each look is a query of what is wrong.

A query returns samples as (id, amount), the largest first, with the full count and sum on every row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from activities.kit.invariants import violations
from models.billing import CloseCheck
from models.messages.billing.close import Check, CheckStatus, Found
from models.rules.billing.close import judged

# Each look, with how many it found and their sum on every row.
COUNTED = """select id, amount, count(*) over () as found, sum(amount) over ()::bigint as total
from (%s) wrong order by abs(amount) desc, id limit 20"""

LOOKS: Mapping[Check, str] = {
    Check.EARLIER: """
        select to_char(month, 'YYYY-MM') as id, 0::bigint as amount
        from (select distinct date_trunc('month', posted_on)::date as month from ledger_transactions
              where posted_on < :from_on) earlier
        where not exists (select 1 from accounting_periods p where p.from_on = month and p.status = 'closed')
          and exists (select 1 from accounting_periods p where p.status = 'closed' and p.from_on < month)""",
    Check.CONTRACTS: """
        select id, 0::bigint as amount from subscriptions
        where status = 'active' and next_bill_on < :until_on""",
    Check.ATTEMPTS: """
        select id, amount_minor as amount from payment_attempts
        where status in ('created', 'not_sent')
          and created_at < cast(:until_on as timestamp) at time zone 'Asia/Seoul'
        union all
        select id, amount_minor from refunds
        where status in ('created', 'not_sent')
          and created_at < cast(:until_on as timestamp) at time zone 'Asia/Seoul'""",
    Check.UNKNOWN: """
        select id, amount_minor as amount from payment_attempts
        where status = 'unknown' and created_at < cast(:until_on as timestamp) at time zone 'Asia/Seoul'
        union all
        select id, amount_minor from refunds
        where status = 'unknown' and created_at < cast(:until_on as timestamp) at time zone 'Asia/Seoul'""",
    Check.UNBILLED: """
        select id, gross_minor as amount from subscription_charges
        where document_id is null and not is_void and from_on < :until_on""",
    Check.SUSPENSE: """
        select t.source as id, sum(e.credit_minor - e.debit_minor)::bigint as amount
        from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
        where e.account = 'suspense' and t.posted_on < :until_on
        group by t.source having sum(e.credit_minor - e.debit_minor) <> 0""",
    Check.BALANCED: """
        select t.posted_on::text as id, sum(e.debit_minor - e.credit_minor)::bigint as amount
        from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
        where t.posted_on >= :from_on and t.posted_on < :until_on
        group by t.posted_on having sum(e.debit_minor) <> sum(e.credit_minor)""",
    Check.RECEIVABLES: """
        with owed as (
          select coalesce(sum(i.total_minor), 0) as amount from invoices i
          where i.status not in ('cancelled', 'written_off')),
        settled as (
          select coalesce(sum(a.amount_minor), 0) as amount from payment_allocations a
          join invoices i on i.id = a.invoice_id where i.status not in ('cancelled', 'written_off')),
        credited as (select coalesce(sum(total_minor), 0) as amount from credit_notes),
        given_back as (select coalesce(sum(amount_minor), 0) as amount from refunds
                       where status = 'succeeded' and credit_note_id is not null),
        booked as (select coalesce(sum(debit_minor - credit_minor), 0) as amount from ledger_entries
                   where account = 'receivable')
        select 'receivable' as id,
          (booked.amount - owed.amount + settled.amount + credited.amount - given_back.amount)::bigint
            as amount
        from owed, settled, credited, given_back, booked
        where booked.amount <> owed.amount - settled.amount - credited.amount + given_back.amount""",
    Check.GATEWAY: """
        with came as (select coalesce(sum(amount_minor), 0) as amount from payment_attempts
                      where status in ('succeeded', 'cancelled')),
        went as (select coalesce(sum(amount_minor), 0) as amount from refunds
                 where status = 'succeeded' and credit_note_id is not null),
        freed as (select coalesce(sum(e.credit_minor), 0) as amount from ledger_transactions t
                  join ledger_entries e on e.transaction_id = t.id
                  where e.account = 'gateway' and t.purpose = 'refund' and t.source like 'attempt:%'),
        booked as (select coalesce(sum(debit_minor - credit_minor), 0) as amount from ledger_entries
                   where account = 'gateway')
        select 'gateway' as id, (booked.amount - came.amount + went.amount + freed.amount)::bigint as amount
        from came, went, freed, booked
        where booked.amount <> came.amount - went.amount - freed.amount""",
}


@dataclass(frozen=True)
class Look:
    """One check of one round, at one time."""

    period_id: str
    round: int
    from_on: date
    until_on: date
    at: datetime


async def look(session: AsyncSession, about: Look, check: Check) -> Found:
    """Ask one query and write down what it found."""
    if check is Check.INVARIANTS:
        broken = await violations(await session.connection())
        samples = [[name, len(rows)] for name, rows in broken.items()]
        return await keep(session, about, check, len(broken), 0, samples)
    counted = COUNTED % LOOKS[check]
    wanted = {name: day for name, day in (("from_on", about.from_on), ("until_on", about.until_on))
              if f":{name}" in LOOKS[check]}  # fmt: skip
    rows = (await session.execute(text(counted), wanted)).all()
    count, total = (int(rows[0].found), int(rows[0].total)) if rows else (0, 0)
    return await keep(session, about, check, count, total, [[row.id, int(row.amount)] for row in rows])


async def keep(
    session: AsyncSession, about: Look, check: Check, count: int, total: int, samples: Sequence[Any]
) -> Found:
    """Write a finding; what somebody accepted stays accepted for this round as long as it did not grow."""
    before = await session.get(CloseCheck, (about.period_id, about.round, check))
    stays = (
        before is not None
        and bool(before.accepted_by)
        and (count, abs(total)) <= (before.count, abs(before.amount_minor))
    )
    found = judged(check, count, total, stays)
    kept = before is not None and found.status is CheckStatus.ACCEPTED
    row = {
        "period_id": about.period_id, "round": about.round, "code": check, "status": found.status,
        "count": count, "amount_minor": total, "samples": list(samples), "at": about.at,
        "accepted_by": before.accepted_by if kept and before else "",
        "reason": before.reason if kept and before else "",
    }  # fmt: skip
    statement = insert(CloseCheck).values(row)
    changed = {name: statement.excluded[name] for name in row if name not in ("period_id", "round", "code")}
    await session.execute(
        statement.on_conflict_do_update(index_elements=["period_id", "round", "code"], set_=changed)
    )
    if before is not None:
        await session.refresh(before)
    return found
