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
from activities.kit.invariants.books import INVARIANTS as BOOKED
from activities.kit.invariants.payments import INVARIANTS as MOVED
from models.billing import CloseCheck
from models.messages.billing.close import Check, CheckStatus, Found
from models.rules.billing.close import judged

# Each look, with how many it found and their sum on every row.
COUNTED = """select id, amount, count(*) over () as found, sum(amount) over ()::bigint as total
from (%s) wrong order by abs(amount) desc, id limit 20"""
# The invariants themselves, so that a tie-out and a test never mean different things.
OWED = "select customer_id as id, 0::bigint as amount from (%s) differs"
MOVES = """select attempt_id as id, 0::bigint as amount from (%s) came
union all select source, 0 from (%s) went"""

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
        select coalesce('deposit:' || a.payment_key, 'deposit:' || d.id, t.source) as id,
          sum(e.credit_minor - e.debit_minor)::bigint as amount
        from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
        left join payment_attempts a on a.provider = 'suspense' and t.source = 'attempt:' || a.id
        left join deposits d on t.purpose = 'cancel' and t.source = 'invoice:' || d.kept_from
        where e.account = 'suspense' and t.posted_on < :until_on
        group by 1 having sum(e.credit_minor - e.debit_minor) <> 0""",
    Check.BALANCED: """
        select t.posted_on::text as id, sum(e.debit_minor - e.credit_minor)::bigint as amount
        from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
        where t.posted_on >= :from_on and t.posted_on < :until_on
        group by t.posted_on having sum(e.debit_minor) <> sum(e.credit_minor)""",
    Check.RECEIVABLES: OWED % BOOKED["B9 open invoices are the receivables of their customer"],
    Check.GATEWAY: MOVES
    % (
        MOVED["C4 every success is posted once with its amount, and nothing else is"],
        MOVED["C4 what went back is posted once with its amount, and nothing else is"],
    ),
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
