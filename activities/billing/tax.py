"""Evidence for the tax office: claimed before it is asked for, looked up when unclear, parked if refused."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.billing.tax_rows import write_backs, write_for
from activities.connectors.tax_documents import TaxOffice
from activities.kit.beating import beating
from activities.kit.pace import Pace
from activities.kit.timeline import tell_live, write_waits
from activities.kit.transactions import transaction
from models.messages.billing.runs import TaxDocument
from models.messages.billing.tax import (
    TaxAnswer,
    TaxLeft,
    TaxOperation,
    TaxOrder,
    TaxPaperAsked,
    TaxSlice,
    TaxStatus,
    TaxVerdict,
    TaxWait,
    TaxWritten,
    WriteTaxDocuments,
)
from models.rules.billing.tax import SELF_ISSUED, digits, is_business_number

CHUNK = 50  # so many documents at most are unclear when a worker dies
STALE = timedelta(seconds=90)  # longer than a claimed document takes to be asked for
SOON = timedelta(seconds=30)
OF = "(:only = '' or id = :only)"
# `asked_at` is written before the call: whoever comes after a crash looks these up first.
CLAIM = f"""
update tax_documents t set asked_at = :now from (
  select d.id, coalesce(b.tax_id, '') as buyer from tax_documents d
  left join billing_accounts b on b.customer_id = d.customer_id
  where d.id in (select id from tax_documents where status = 'waiting' and asked_at is null and {OF}
                 order by id limit :size for update skip locked)) mine
where mine.id = t.id
returning t.id, t.kind, t.operation, t.original, t.written_on, t.net_minor, t.tax_minor, t.total_minor,
  t.asked_at, mine.buyer
"""  # noqa: S608 - only our own words are put together
SWEEP = """
update tax_documents set status = 'unknown', look_up_at = :now
where status = 'waiting' and asked_at < :stale
"""
DUE = f"""
update tax_documents set look_up_at = cast(:now as timestamptz) + interval '2 minutes', lookups = lookups + 1
where id in (select id from tax_documents where status = 'unknown' and look_up_at <= :now and {OF}
             order by look_up_at limit :size for update skip locked)
returning id, total_minor, asked_at
"""  # noqa: S608 - only our own words are put together
MERGE = """
update tax_documents t set status = s.status, number = s.number, code = s.code, asked_at = s.asked_at,
  look_up_at = s.look_up_at,
  settled_at = case when s.status in ('issued', 'parked') then cast(:now as timestamptz) end
from unnest(cast(:ids as text[]), cast(:statuses as text[]), cast(:numbers as text[]), cast(:codes as text[]),
  cast(:asked as timestamptz[]), cast(:looks as timestamptz[])
) s (id, status, number, code, asked_at, look_up_at)
where t.id = s.id and t.status in ('waiting', 'unknown')
"""
LEFT = f"""
select count(*) filter (where status = 'waiting' and asked_at is null) as to_ask,
  count(*) filter (where status = 'unknown' or status = 'waiting' and asked_at is not null) as unclear,
  min(case status when 'unknown' then look_up_at else asked_at + interval '91 seconds' end) as next_at
from tax_documents where status in ('waiting', 'unknown') and {OF}
"""  # noqa: S608 - only our own words are put together
AGAIN = """
update tax_documents set status = 'waiting', asked_at = null, settled_at = null, code = ''
where id = :only and status = 'parked'
"""


@dataclass(frozen=True)
class Told:
    """What one document becomes."""

    id: str
    status: TaxStatus
    number: str = ""
    code: str = ""
    asked_at: datetime | None = None
    look_up_at: datetime | None = None


@dataclass
class TaxActivities:
    """Everything that writes evidence for the tax office; dependencies are handed in by worker.py."""

    engine: AsyncEngine
    office: TaxOffice
    pace: Pace

    @activity.defn(name="billing.write_tax_documents")
    async def write(self, asked: WriteTaxDocuments) -> TaxWritten:
        """Give the next accounts' invoices a row with its key; at the end what was credited since.

        Safe to repeat: an invoice and a credit note have one document each."""
        async with transaction(self.engine) as session:
            last, count = await write_for(session, asked)
            if not last:
                count = await write_backs(session, asked)
            return TaxWritten(last, count)

    @activity.defn(name="billing.issue_tax_documents")
    async def issue(self, asked: TaxSlice) -> int:
        """Ask for the next documents, a bounded number at once; answers with how many.

        Safe to repeat: a document is claimed before its call and never claimed twice; what a dead worker had
        claimed is looked up, not asked for again."""
        handled = 0
        async with beating():
            while handled < asked.size:
                now = moment(asked)
                async with transaction(self.engine) as session:
                    given = {"now": now, "only": asked.only, "size": CHUNK}
                    rows = (await session.execute(text(CLAIM), given)).all()
                if not rows:
                    break
                told = await asyncio.gather(*(self._ask(row, now) for row in rows))
                await self._merge(told, now)
                handled += len(rows)
                if any(one.status is TaxStatus.WAITING for one in told):
                    break  # the agency is away or asks for a rest
        return handled

    @activity.defn(name="billing.look_up_tax_documents")
    async def look_up(self, asked: TaxSlice) -> int:
        """Look up what is unclear and due; answers with how many. Safe to repeat: it only reads there."""
        async with beating():
            now = moment(asked)
            async with transaction(self.engine) as session:
                await session.execute(text(SWEEP), {"now": now, "stale": now - STALE})
                given = {"now": now, "only": asked.only, "size": asked.size}
                rows = (await session.execute(text(DUE), given)).all()
            told = await asyncio.gather(*(self._find(row, now, asked.latency_seconds) for row in rows))
            await self._merge(told, now)
        return len(rows)

    @activity.defn(name="billing.tax_documents_left")
    async def left(self, order: TaxOrder) -> TaxLeft:
        """Count what is not certain yet. Safe to repeat: it only reads."""
        async with transaction(self.engine) as session:
            row = (await session.execute(text(LEFT), {"only": order.only})).one()
            return TaxLeft(row.to_ask, row.unclear, row.next_at)

    @activity.defn(name="billing.tax_document_again")
    async def again(self, order: TaxOrder) -> None:
        """A parked document may be asked for again after its repair. Safe to repeat: only what is parked."""
        async with transaction(self.engine) as session:
            await session.execute(text(AGAIN), {"only": order.only})

    @activity.defn(name="billing.tax_documents_wait")
    async def wait(self, asked: TaxWait) -> None:
        """Write what is waited for. Safe to repeat: it writes the same rows again."""
        async with transaction(self.engine) as session:
            await write_waits(session, asked.workflow_id, asked.waits)

    async def _ask(self, row: Any, now: datetime) -> Told:
        buyer = digits(row.buyer)
        if row.kind == TaxDocument.TAX_INVOICE and not is_business_number(buyer):
            return Told(row.id, TaxStatus.PARKED, code="business_number")
        paper = TaxPaperAsked(
            row.id, TaxDocument(row.kind), TaxOperation(row.operation), row.original, buyer or SELF_ISSUED,
            row.written_on, row.net_minor, row.tax_minor, row.total_minor,
        )  # fmt: skip
        await self.pace.take()
        answer = await self.office.issue(paper)
        if answer.retry_after_seconds:
            self.pace.be_quiet(answer.retry_after_seconds)
        return became(row, answer, now)

    async def _find(self, row: Any, now: datetime, latency: int) -> Told:
        await self.pace.take()
        answer = await self.office.look_up(row.id)
        longest = timedelta(seconds=latency) + STALE
        if answer.verdict is TaxVerdict.ABSENT and now - row.asked_at >= longest:
            return Told(row.id, TaxStatus.WAITING)
        return became(row, answer, now)

    async def _merge(self, told: Sequence[Told], now: datetime) -> None:
        if not told:
            return
        values = {
            "now": now, "ids": [one.id for one in told], "statuses": [one.status.value for one in told],
            "numbers": [one.number for one in told], "codes": [one.code for one in told],
            "asked": [one.asked_at for one in told], "looks": [one.look_up_at for one in told],
        }  # fmt: skip
        async with transaction(self.engine) as session:
            await session.execute(text(MERGE), values)
            await tell_live(session, "tax-documents")


def moment(asked: TaxSlice) -> datetime:
    """The workflow's time when this try of a slice began."""
    info = activity.info()
    late = info.current_attempt_scheduled_time - info.scheduled_time
    return asked.at + max(late, timedelta())


def became(row: Any, answer: TaxAnswer, now: datetime) -> Told:
    """What an answer makes of a document; one over another amount is nobody's to repair but finance's."""
    match answer.verdict:
        case TaxVerdict.ISSUED if answer.total_minor != row.total_minor:
            return Told(row.id, TaxStatus.PARKED, answer.number, "other_amount", row.asked_at)
        case TaxVerdict.ISSUED:
            return Told(row.id, TaxStatus.ISSUED, answer.number, "", row.asked_at)
        case TaxVerdict.REFUSED:
            return Told(row.id, TaxStatus.PARKED, "", answer.code, row.asked_at)
        case TaxVerdict.NOT_SENT:
            return Told(row.id, TaxStatus.WAITING, "", answer.code)
    later = now + (timedelta() if answer.verdict is TaxVerdict.THERE else SOON)
    return Told(row.id, TaxStatus.UNKNOWN, "", answer.code, row.asked_at, later)
