"""A month's transactions, summed up for the ERP: which of them a batch holds, and its lines."""

from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.billing import AccountingPeriod, ErpBatch, ErpPosting
from models.messages.billing.close import BatchStatus, JournalEntry, JournalLine
from models.messages.billing.invoices import LedgerAccount
from models.rules.billing.close import CODES, Month, batch_key

# Sums by account and side of the transactions of a month between two numbers.
SUMS = text("""
select e.account, e.debit_minor > 0 as is_debit, sum(e.debit_minor)::bigint as debit,
  sum(e.credit_minor)::bigint as credit, count(*) as entries
from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
where t.posted_on >= :from_on and t.posted_on < :until_on and t.id > :from_id and t.id <= :until_id
group by e.account, e.debit_minor > 0 order by e.account, is_debit desc""")


async def prepare(
    session: AsyncSession, month: Month, period: AccountingPeriod, at: datetime
) -> JournalEntry:
    """The batch of this round: what was posted in the month since its last batch. It is summed up once."""
    key = batch_key(month.id, period.round)
    if await session.get(ErpBatch, key) is None:
        await _sum_up(session, month, period, key, at)
    query = select(ErpPosting).where(col(ErpPosting.batch_key) == key).order_by(col(ErpPosting.id))
    return JournalEntry(key, month.last_on, tuple(
        JournalLine(one.account, one.code, one.debit_minor, one.credit_minor, one.count)
        for one in await session.scalars(query)
    ))  # fmt: skip


async def _sum_up(
    session: AsyncSession, month: Month, period: AccountingPeriod, key: str, at: datetime
) -> None:
    last = select(func.coalesce(func.max(col(ErpBatch.until_id)), 0)).where(
        col(ErpBatch.period_id) == month.id
    )
    from_id = int(await session.scalar(last) or 0)
    asked = {"from_on": month.from_on, "until_on": month.until_on, "from_id": from_id}
    found = await session.execute(
        text("""select coalesce(max(id), :from_id) as last, count(*) as transactions from ledger_transactions
                where posted_on >= :from_on and posted_on < :until_on and id > :from_id"""),
        asked,
    )
    until_id, count = found.one()
    rows = (await session.execute(SUMS, {**asked, "until_id": until_id})).all()
    batch = {
        "key": key, "period_id": month.id, "round": period.round, "from_id": from_id, "until_id": until_id,
        "transactions": count, "created_at": at, "document_number": "",
        "status": BatchStatus.PREPARED if rows else BatchStatus.NOTHING,
    }  # fmt: skip
    await session.execute(insert(ErpBatch).values(batch))
    for row in rows:
        account = LedgerAccount(row.account)
        side = "debit" if row.is_debit else "credit"
        line = {
            "id": f"{month.id}.{period.round}-{account.value}-{side}", "batch_key": key,
            "period_id": month.id,
            "account": account, "code": CODES[account], "debit_minor": row.debit,
            "credit_minor": row.credit, "count": row.entries,
        }  # fmt: skip
        await session.execute(insert(ErpPosting).values(line))
