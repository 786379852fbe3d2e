"""The slices of a collection that leave the house: ask, look up, and write to the customer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.kit.beating import beating
from activities.kit.pace import LONGEST_QUIET
from activities.kit.sealing import Seals
from activities.kit.transactions import transaction
from activities.payments.merging import Outcome, absent, merge
from activities.payments.providers import Providers
from models.messages.payments import Charge, ChargeAnswer, Verdict
from models.messages.payments.collection import SliceDone, WorkSlice

CHUNK = 50  # so many attempts at most are unclear when a worker dies
AT_ONCE = 20  # calls under way at the same time in one slice
CLAIMED_FOR = 30.0  # seconds within which a claimed attempt is sent, or never by this worker
PATIENCE = 45.0  # the longest that one call takes

# `asked_at` is written before the call: whoever comes after a crash looks these up first.
CLAIM = """
update payment_attempts p set asked_at = :now from payment_methods m
where m.id = p.method_id and p.id in (
  select id from payment_attempts
  where collection_id = :collection and status in ('created', 'not_sent') and asked_at is null
    and exists (select 1 from collections c where c.id = :collection and c.status <> 'paused')
  order by id limit :size for update skip locked)
returning p.id, p.provider, p.payment_key, p.amount_minor, p.currency, p.customer_id, p.asked_at,
  m.id as method_id, m.status as method_status, m.billing_key, m.customer_key, m.customer_id as owner_id
"""
HANDLES = """
update payment_attempts p set payment_key = s.handle
from unnest(cast(:ids as text[]), cast(:handles as text[])) as s(id, handle)
where p.id = s.id and p.payment_key = ''
"""
# Claimed by a worker that never came back: nobody knows whether it asked.
SWEEP = """
update payment_attempts set status = 'unknown', look_up_at = :now, seq = seq + 1
where collection_id = :collection and status in ('created', 'not_sent') and asked_at < :stale
"""
DUE = """
update payment_attempts set look_up_at = cast(:now as timestamptz) + interval '60 seconds'
where id in (
  select id from payment_attempts
  where collection_id = :collection and status = 'unknown' and look_up_at <= :now
  order by look_up_at limit :size for update skip locked)
returning id, provider, payment_key, amount_minor, currency, asked_at
"""


class Clock:
    """The workflow's time as it goes on while an activity works, also when it is tried again."""

    def __init__(self, at: datetime) -> None:
        info = activity.info()
        late = info.current_attempt_scheduled_time - info.scheduled_time
        self.at, self.began = at + max(late, timedelta()), datetime.now(UTC)

    def now(self) -> datetime:
        """This moment."""
        return self.at + (datetime.now(UTC) - self.began)


@dataclass
class AskingActivities:
    """Everything of a collection that asks a provider; dependencies are handed in by worker.py."""

    engine: AsyncEngine
    providers: Providers
    seals: Seals

    @activity.defn(name="payments.ask_slice")
    async def ask_slice(self, asked: WorkSlice) -> SliceDone:
        """Ask for the money of the next attempts, a bounded number at once, as fast as each provider bears.

        Safe to repeat: an attempt is claimed in SQL before its call and never claimed twice; what a dead
        worker had claimed is looked up, not asked again."""
        clock, handled = Clock(asked.at), 0
        async with beating():
            while handled < asked.policy.slice_attempts:
                since = datetime.now(UTC)
                rows = await self._claim(asked.collection_id, clock)
                if not rows:
                    return SliceDone(handled)
                said = await self._each(rows, partial(self._charge, since=since))
                async with transaction(self.engine) as session:
                    await merge(
                        session, asked.collection_id, asked.policy, said, clock.now(), is_look_up=False
                    )
                handled += len(rows)
                if (seconds := away(said)) > 0:
                    return SliceDone(handled, True, seconds)
        return SliceDone(handled, True)

    @activity.defn(name="payments.look_up_slice")
    async def look_up_slice(self, asked: WorkSlice) -> SliceDone:
        """Look up what is unclear and due: nothing else happens to it before. Safe to repeat: it only reads
        at the provider, and an answer is merged once."""
        clock, handled = Clock(asked.at), 0
        longest = asked.latency_seconds + CLAIMED_FOR + PATIENCE
        async with beating():
            while handled < asked.policy.slice_attempts:
                rows = await self._due(asked.collection_id, clock)
                if not rows:
                    return SliceDone(handled)
                now = clock.now()
                said = [
                    replace(one, is_absent=absent(one.answer, row.asked_at, now, longest))
                    for one, row in zip(await self._each(rows, self._look_up), rows, strict=True)
                ]
                async with transaction(self.engine) as session:
                    await merge(
                        session, asked.collection_id, asked.policy, said, clock.now(), is_look_up=True
                    )
                handled += len(rows)
        return SliceDone(handled, True)

    async def _claim(self, collection_id: str, clock: Clock) -> Sequence[Any]:
        given = {"collection": collection_id, "now": clock.now(), "size": CHUNK}
        async with transaction(self.engine) as session:
            rows = (await session.execute(text(CLAIM), given)).all()
        handles = await self._prepare(rows)
        known = {"ids": list(handles), "handles": list(handles.values())}
        if handles:
            async with transaction(self.engine) as session:
                await session.execute(text(HANDLES), known)
        return [_with_handle(row, handles) for row in rows]

    async def _prepare(self, rows: Sequence[Any]) -> dict[str, str]:
        """Handles of payments that their provider wants to know before money may move."""
        gate, handles = asyncio.Semaphore(AT_ONCE), {}

        async def one(row: Any) -> None:
            provider = self.providers.get(row.provider)
            if provider is None or row.payment_key or not may_be_charged(row):
                return
            async with gate:
                key = self.seals.open(row.billing_key, row.method_id)
                prepared = await provider.keys.prepare(charge_of(row), key, row.customer_key)
            if prepared.verdict is Verdict.SUCCEEDED and prepared.provider_id:
                handles[row.id] = prepared.provider_id

        await asyncio.gather(*(one(row) for row in rows))
        return handles

    async def _due(self, collection_id: str, clock: Clock) -> Sequence[Any]:
        now = clock.now()
        stale = now - timedelta(seconds=CLAIMED_FOR + PATIENCE)
        async with transaction(self.engine) as session:
            given = {"collection": collection_id, "now": now, "stale": stale}
            await session.execute(text(SWEEP), given)
            given = {"collection": collection_id, "now": now, "size": CHUNK}
            return (await session.execute(text(DUE), given)).all()

    async def _each(
        self, rows: Sequence[Any], act: Callable[[Any], Awaitable[ChargeAnswer]]
    ) -> list[Outcome]:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(row: Any) -> Outcome:
            async with gate:
                return Outcome(row.id, await act(row))

        return list(await asyncio.gather(*(one(row) for row in rows)))

    async def _charge(self, row: Any, since: datetime) -> ChargeAnswer:
        provider = self.providers.get(row.provider)
        if provider is None or not may_be_charged(row):
            return ChargeAnswer(Verdict.REFUSED, code="method_not_active")
        await provider.pace.take()
        if datetime.now(UTC) - since > timedelta(seconds=CLAIMED_FOR):
            return ChargeAnswer(Verdict.NOT_SENT, code="too_late")  # somebody may look it up already
        key = self.seals.open(row.billing_key, row.method_id)
        answer = await provider.keys.charge(charge_of(row), key, row.customer_key)
        if answer.retry_after_seconds:
            provider.pace.be_quiet(answer.retry_after_seconds)
        return answer

    async def _look_up(self, row: Any) -> ChargeAnswer:
        provider = self.providers.get(row.provider)
        if provider is None:
            return ChargeAnswer(Verdict.UNKNOWN, code="no_provider")
        await provider.pace.take()
        return await provider.gateway.look_up(charge_of(row))


def charge_of(row: Any) -> Charge:
    """What a provider is asked about one attempt."""
    return Charge(row.id, row.payment_key, row.amount_minor, row.currency)


def may_be_charged(row: Any) -> bool:
    """The method is still its own customer's and alive."""
    return bool(row.owner_id == row.customer_id and row.method_status == "active" and row.billing_key)


def away(said: Sequence[Outcome]) -> int:
    """How long to leave the providers alone: when hardly anything arrived, or one asks for a long rest."""
    unsaid = [one for one in said if one.answer.verdict in (Verdict.NOT_SENT, Verdict.UNKNOWN)]
    wish = max((one.answer.retry_after_seconds for one in said), default=0)
    if wish > LONGEST_QUIET:
        return wish
    return 1 if len(unsaid) * 2 > len(said) else 0


def _with_handle(row: Any, handles: dict[str, str]) -> Any:
    return row._replace(payment_key=handles[row.id]) if row.id in handles else row
