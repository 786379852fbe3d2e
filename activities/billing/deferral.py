"""Billed is not earned: what of each contract's charges belongs to days outside what was billed so far."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col

from activities.kit.transactions import transaction
from models.billing import ContractDeferral, LedgerEntry, LedgerTransaction
from models.messages.billing.invoices import LedgerAccount
from models.rules.billing.close import Month, deferral_postings
from models.rules.billing.invoices import Event
from models.subscriptions import Subscription

CONTRACTS = 10_000  # in one slice, which is one transaction

# `earned` is models/rules/billing/close.earned as SQL says it; tests/activities/test_close.py compares them.
SLICE = text("""
insert into deferrals (period_id, subscription_id, billed_minor, earned_minor)
select :period, subscription_id, sum(billed), sum(earned) from (
  select c.subscription_id,
    case when coalesce(i.issued_on, n.issued_on) < :until_on then c.net_minor else 0 end as billed,
    case when c.until_on <= c.from_on or :until_on >= c.until_on then c.net_minor
         else c.net_minor * greatest(:until_on - c.from_on, 0) / (c.until_on - c.from_on) end as earned
  from subscription_charges c
  join subscriptions s on s.id = c.subscription_id and s.ends_on is distinct from s.starts_on
  left join subscription_changes x on x.id = c.change_id
  left join invoices i on i.id = c.document_id and i.status <> 'cancelled'
  left join credit_notes n on n.id = c.document_id
  where c.subscription_id > :after and c.subscription_id <= :upto
    and not c.is_void and c.kind in ('recurring', 'proration') and coalesce(x.status, 'done') = 'done'
    and (c.until_on > :until_on or c.document_id is null or coalesce(i.issued_on, n.issued_on) >= :until_on)
) charges group by subscription_id having sum(billed) <> sum(earned)""")
FORGET = text(
    "delete from deferrals"
    " where period_id = :period and subscription_id > :after and subscription_id <= :upto"
)


async def compute(engine: AsyncEngine, month: Month) -> AsyncIterator[str]:
    """Write the deferral of every contract, slice by slice; gives back each slice's last contract.

    A slice written twice is the same: it forgets what it said before."""
    after = ""
    while True:
        async with transaction(engine) as session:
            upto = await _last_of_slice(session, after)
            if upto is None:
                return
            asked = {"period": month.id, "after": after, "upto": upto}
            await session.execute(FORGET, asked)
            await session.execute(SLICE, {**asked, "until_on": month.until_on})
        after = upto
        yield upto


async def _last_of_slice(session: AsyncSession, after: str) -> str | None:
    ids = (
        select(col(Subscription.id))
        .where(col(Subscription.id) > after)
        .order_by(col(Subscription.id))
        .limit(CONTRACTS)
    )
    found: str | None = await session.scalar(select(func.max(ids.subquery().c.id)))
    return found


async def wanted(session: AsyncSession, month: Month) -> tuple[int, int]:
    """How many contracts differ, and by how much together."""
    total = func.coalesce(
        func.sum(col(ContractDeferral.billed_minor) - col(ContractDeferral.earned_minor)), 0
    )
    query = select(func.count(), total).where(col(ContractDeferral.period_id) == month.id)
    count, amount = (await session.execute(query)).one()
    return int(count), int(amount)


async def post(session: AsyncSession, month: Month, source: str, at: datetime) -> int:
    """Bring the account of deferred revenue to what the contracts say, by one transaction of two lines.

    The difference to the account's balance is posted, so that a month that is closed again posts only what
    changed. Answers with the difference; posted before, it is nothing."""
    balance = (
        select(func.coalesce(func.sum(col(LedgerEntry.credit_minor) - col(LedgerEntry.debit_minor)), 0))
        .join(LedgerTransaction, col(LedgerTransaction.id) == col(LedgerEntry.transaction_id))
        .where(col(LedgerEntry.account) == LedgerAccount.DEFERRED)
        .where(col(LedgerTransaction.posted_on) < month.until_on)
    )
    _, target = await wanted(session, month)
    delta = target - int(await session.scalar(balance) or 0)
    if not delta:
        return 0
    row = {
        "source": source, "purpose": Event.DEFERRAL.value, "posted_on": month.last_on, "posted_at": at,
    }  # fmt: skip
    made = insert(LedgerTransaction).values(row).on_conflict_do_nothing()
    number = (await session.execute(made.returning(col(LedgerTransaction.id)))).scalar()
    if number is None:
        return 0
    sides = [
        {"transaction_id": number, "position": position, "currency": "KRW", **asdict(entry)}
        for position, entry in enumerate(deferral_postings(delta), 1)
    ]
    await session.execute(insert(LedgerEntry).values(sides))
    return delta
