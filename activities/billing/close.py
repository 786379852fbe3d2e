"""What the close of a month does: it looks, locks, defers, ties out, sums up, and tells the ERP once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.billing import checks, deferral, postings
from activities.billing.checks import Look
from activities.connectors.accounting import Accounting
from activities.kit.timeline import tell_live, write_entry, write_waits
from activities.kit.transactions import transaction
from models.billing import AccountingPeriod, CloseCheck, ErpBatch, LedgerTransaction
from models.kit.refusals import Refusal
from models.kit.timeline import EntryKind
from models.messages.billing.close import (
    BEFORE,
    TIE_OUT,
    Accepted,
    Acknowledged,
    BatchStatus,
    Check,
    CheckStatus,
    CloseAt,
    CloseBegun,
    CloseOrder,
    CloseStep,
    ErpDocument,
    Found,
    JournalEntry,
    PeriodStatus,
    close_workflow_id,
)
from models.rules.billing import close as rules
from models.rules.billing.close import Month


@dataclass
class CloseActivities:
    """Everything that writes months, their checks and their batches; handed in by worker.py."""

    engine: AsyncEngine
    books: Accounting

    @activity.defn(name="billing.begin_close")
    async def begin_close(self, order: CloseOrder, at: datetime) -> CloseBegun:
        """Make the month's row if the calendar began it. Safe to repeat: a row that is there is read."""
        month = _month(order.period_id)
        async with transaction(self.engine) as session:
            if await session.get(AccountingPeriod, month.id) is None:
                session.add(
                    AccountingPeriod(id=month.id, from_on=month.from_on, until_on=month.until_on,
                                     asked_by=order.asked_by, created_at=at)
                )  # fmt: skip
                await session.flush()
            period = await session.get_one(AccountingPeriod, month.id)
            return CloseBegun(month.id, period.round, month.from_on, month.until_on)

    @activity.defn(name="billing.check_before_close")
    async def check_before_close(self, asked: CloseAt) -> tuple[Found, ...]:
        """Look at everything that must be done before. Safe to repeat: each look is written anew."""
        return await self._look(asked, BEFORE)

    @activity.defn(name="billing.tie_out")
    async def tie_out(self, asked: CloseAt) -> tuple[Found, ...]:
        """Compare the books with the documents and payments behind them. Safe to repeat."""
        return await self._look(asked, TIE_OUT)

    @activity.defn(name="billing.lock_period")
    async def lock_period(self, asked: CloseAt) -> int:
        """From now on nothing is posted to the month but the close's own entries; who is posting right now is
        waited for. Safe to repeat: what is locked stays locked. Answers with the last number."""
        month = _month(asked.period_id)
        async with transaction(self.engine) as session:
            held = text("select pg_advisory_xact_lock(period_lock(:month))")
            await session.execute(held, {"month": month.from_on})
            period = await session.get_one(AccountingPeriod, month.id, with_for_update=True)
            if period.status is PeriodStatus.OPEN:
                last = select(func.coalesce(func.max(col(LedgerTransaction.id)), 0))
                period.locked_id = int(await session.scalar(last) or 0)
                period.status = PeriodStatus.CLOSING
            await tell_live(session, close_workflow_id(month.id))
            return period.locked_id

    @activity.defn(name="billing.defer")
    async def defer(self, asked: CloseAt) -> Found:
        """Work out what is not earned yet, contract by contract, and post the difference in one transaction.

        Safe to repeat: contracts are written anew, and the posting has the round's own name."""
        month = _month(asked.period_id)
        async for contract in deferral.compute(self.engine, month):
            activity.heartbeat(contract)
        async with transaction(self.engine) as session:
            source = f"{close_workflow_id(month.id)}.{asked.round}"
            await deferral.post(session, month, source, asked.at)
            count, amount = await deferral.wanted(session, month)
            about = Look(month.id, asked.round, month.from_on, month.until_on, asked.at)
            return await checks.keep(session, about, Check.DEFERRAL, count, amount, [])

    @activity.defn(name="billing.sum_up")
    async def sum_up(self, asked: CloseAt) -> JournalEntry:
        """Sum up what the ERP is told. Safe to repeat: a batch is summed up once and then only read."""
        month = _month(asked.period_id)
        async with alive(), transaction(self.engine) as session:
            period = await session.get_one(AccountingPeriod, month.id)
            return await postings.prepare(session, month, period, asked.at)

    @activity.defn(name="billing.draft_posting")
    async def draft_posting(self, entry: JournalEntry) -> int:
        """Have the ERP keep a draft. Safe to repeat: it is looked up by its key before it is made."""
        return await self.books.draft(entry)

    @activity.defn(name="billing.post_draft")
    async def post_draft(self, document_id: int, key: str) -> ErpDocument:
        """Have just this draft posted and read it back. Safe to repeat: a posted one stays as it is, and what
        lost answers left behind is thrown away."""
        await self.books.post(document_id, key)
        await self.books.discard(key, document_id)
        document = await self.books.read(document_id, key)
        if not document.is_posted:
            raise ApplicationError("the ERP has not posted it yet", type="accounting_unclear")
        return document

    @activity.defn(name="billing.acknowledge")
    async def acknowledge(self, said: Acknowledged) -> Found:
        """Compare the ERP's sums with ours to the won and keep its number. Safe to repeat: once per batch."""
        async with transaction(self.engine) as session:
            batch = await session.get_one(ErpBatch, said.key, with_for_update=True)
            month = _month(said.period_id)
            period = await session.get_one(AccountingPeriod, month.id)
            entry = await postings.prepare(session, month, period, said.at)
            differ = rules.differences(entry, said.document)
            about = Look(month.id, batch.round, month.from_on, month.until_on, said.at)
            samples = [[code, amount] for code, amount in differ.items()]
            total = sum(abs(amount) for amount in differ.values())
            found = await checks.keep(session, about, Check.POSTING, len(differ), total, samples)
            if found.status is not CheckStatus.DIFFERS and batch.status is BatchStatus.PREPARED:
                batch.status, batch.acknowledged_at = BatchStatus.ACKNOWLEDGED, said.at
                batch.document_id, batch.document_number = said.document.id, said.document.number
            return found

    @activity.defn(name="billing.accept_difference")
    async def accept_difference(self, period_id: str, round: int, accepted: Accepted) -> Found:
        """Write down who accepts what was found, and why. Safe to repeat: it says who, not how often."""
        async with transaction(self.engine) as session:
            row = await session.get(CloseCheck, (period_id, round, accepted.check), with_for_update=True)
            if row is None or row.status not in (CheckStatus.DIFFERS, CheckStatus.ACCEPTED):
                code = "nothing_to_accept"
                raise ApplicationError(str(Refusal(code)), type=code, non_retryable=True)
            row.status, row.accepted_by, row.reason = CheckStatus.ACCEPTED, accepted.actor_id, accepted.reason
            row.at = accepted.at
            return Found(row.code, row.status, row.count, row.amount_minor)

    @activity.defn(name="billing.record_close")
    async def record_close(self, step: CloseStep) -> None:
        """Write one step: row, timeline, waits, live signal. Safe to repeat: an older one changes nothing."""
        workflow_id = close_workflow_id(step.period_id)
        async with transaction(self.engine) as session:
            period = await session.get_one(AccountingPeriod, step.period_id, with_for_update=True)
            if period.seq < step.seq:
                await _move(session, period, step)
            if step.sentence:
                await write_entry(
                    session, key=f"{workflow_id}:{step.seq}", subject=workflow_id, ticket_id=None, at=step.at,
                    sentence=step.sentence, kind=EntryKind.MONEY, case_id=step.period_id,
                    actor_kind="staff" if step.actor_id else "system", actor_id=step.actor_id or None,
                    details={"period": step.period_id, **step.details},
                )  # fmt: skip
            await write_waits(session, workflow_id, step.waits)
            await tell_live(session, workflow_id)

    async def _look(self, asked: CloseAt, wanted: tuple[Check, ...]) -> tuple[Found, ...]:
        month = _month(asked.period_id)
        about = Look(month.id, asked.round, month.from_on, month.until_on, asked.at)
        found = []
        async with alive():
            for check in wanted:
                async with transaction(self.engine) as session:
                    found.append(await checks.look(session, about, check))
        return tuple(found)


async def _move(session: AsyncSession, period: AccountingPeriod, step: CloseStep) -> None:
    period.seq = step.seq
    if step.reopens and period.status is PeriodStatus.CLOSED:
        await _refuse_when_a_later_one_is_closed(session, period)
        period.status, period.round, period.closed_at = PeriodStatus.OPEN, period.round + 1, None
        period.reopen_asked_by = period.reopen_reason = ""
    elif step.sentence == "billing.reopen_asked":
        period.reopen_asked_by, period.reopen_reason = step.actor_id, step.details.get("reason", "")
    elif step.status is PeriodStatus.CLOSED and period.status is PeriodStatus.CLOSING:
        period.status, period.closed_at = PeriodStatus.CLOSED, step.at


async def _refuse_when_a_later_one_is_closed(session: AsyncSession, period: AccountingPeriod) -> None:
    later = select(col(AccountingPeriod.id)).where(
        col(AccountingPeriod.from_on) > period.from_on, col(AccountingPeriod.status) != PeriodStatus.OPEN
    )
    if (await session.execute(later)).first() is not None:
        code = "later_month_closed"
        raise ApplicationError(str(Refusal(code)), type=code, non_retryable=True)


@asynccontextmanager
async def alive(every: float = 20) -> AsyncIterator[None]:
    """Say that we are there while one long statement runs."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(every)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()


def _month(period_id: str) -> Month:
    month = rules.month_named(period_id)
    if month is None:
        raise ApplicationError(f"{period_id} is no month", type="no_month", non_retryable=True)
    return month
