"""What many answers of a gateway mean for their attempts: written in sets, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from activities.kit.settlement import settle_attempts
from activities.kit.timeline import tell_live
from models.kit.outbox import announce_start
from models.messages.payments import AttemptStatus, ChargeAnswer, ChargeOrder, Verdict, charge_workflow_id
from models.messages.payments.collection import CollectionPolicy
from models.rules.payments.collection import HARD

SEEN_TWICE = 2


@dataclass(frozen=True)
class Outcome:
    """One attempt and what was said about it."""

    attempt_id: str
    answer: ChargeAnswer
    is_absent: bool = False  # not found although the gateway has had its longest time


# Success beats every other word; a refusal is beaten by nothing else; what was settled before stays.
MERGE = """
with said as (
  select s.*, row_number() over (partition by s.provider_id order by s.id) as nth from unnest(
    cast(:ids as text[]), cast(:statuses as text[]), cast(:provider_ids as text[]), cast(:codes as text[]),
    cast(:absent as boolean[])
  ) as s(id, status, provider_id, code, is_absent)),
before as materialized (
  select p.id, p.status, p.provider, p.lookups from payment_attempts p join said on said.id = p.id
  order by p.id for update of p)
update payment_attempts p set
  status = case when s.is_absent and p.absences + 1 >= :twice then 'not_sent' else s.status end,
  code = s.code,
  seq = p.seq + 1,
  lookups = p.lookups + :looked,
  absences = case when s.is_absent and p.absences + 1 < :twice then p.absences + 1 else 0 end,
  asked_at = case when s.status = 'not_sent' or s.is_absent and p.absences + 1 >= :twice then null
             else p.asked_at end,
  look_up_at = case when s.status = 'unknown' and p.lookups + :looked < :most
    then cast(:at as timestamptz)
         + make_interval(secs => (cast(:pauses as int[]))[least(p.lookups + :looked + 1, :most)]) end,
  provider_id = case when s.provider_id <> '' and s.nth = 1 and not exists (
      select 1 from payment_attempts o
      where o.provider = p.provider and o.provider_id = s.provider_id and o.id <> p.id)
    then s.provider_id else p.provider_id end,
  settled_at = case when s.status in ('succeeded', 'refused') then :at else p.settled_at end
from said s join before b on b.id = s.id
where p.id = s.id and (b.status in ('created', 'unknown', 'not_sent')
  or b.status = 'refused' and s.status = 'succeeded')
returning p.id, p.status, p.code, p.method_id, p.look_up_at
"""
TELL = """
insert into timeline_entries (key, subject, at, sentence, kind, actor_kind, details, is_public, customer_id)
select 'charge:' || p.id || ':' || p.seq || ':' || p.status, 'charge:' || p.id, :at,
  'payments.' || p.status, 'money', 'system',
  jsonb_build_object('code', p.code, 'amount', '₩' || to_char(p.amount_minor, 'FM999,999,999,999,999')),
  p.status <> 'unknown', p.customer_id
from payment_attempts p where p.id = any(:ids)
on conflict (key) do nothing
"""
KILL = """
update payment_methods set status = 'invalid', is_default = false
where status = 'active' and id = any(:methods)
"""
HANDED = """
select p.id, p.invoice_id, p.amount_minor, p.currency, p.status, p.seq, p.method_id, i.ticket_id
from payment_attempts p join invoices i on i.id = p.invoice_id where p.id = any(:ids)
"""


async def merge(
    session: AsyncSession, collection_id: str, policy: CollectionPolicy, said: Sequence[Outcome],
    at: datetime, *, is_look_up: bool,
) -> None:  # fmt: skip
    """Write what a chunk of answers means: attempts, money, dead cards, story. Safe to repeat: what is
    settled stays settled, an attempt posts once, and the story has its own keys."""
    if not said:
        return
    given = {
        "ids": [one.attempt_id for one in said],
        "statuses": [status_of(one.answer).value for one in said],
        "provider_ids": [one.answer.provider_id for one in said],
        "codes": [one.answer.code for one in said],
        "absent": [one.is_absent for one in said],
        "looked": int(is_look_up), "twice": SEEN_TWICE, "at": at,
        "pauses": list(policy.look_up_after_seconds), "most": len(policy.look_up_after_seconds),
    }  # fmt: skip
    rows = (await session.execute(text(MERGE), given)).all()
    paid = [row.id for row in rows if row.status == AttemptStatus.SUCCEEDED]
    settled = await settle_attempts(session, paid, at)
    dead = [row.method_id for row in rows if row.status == AttemptStatus.REFUSED and row.code in HARD]
    if dead:
        await session.execute(text(KILL), {"methods": dead})
    known = [row.id for row in rows if row.status in ("succeeded", "refused", "unknown")]
    await session.execute(text(TELL), {"ids": known, "at": at})
    lost = [row.id for row in rows if row.status == AttemptStatus.UNKNOWN and row.look_up_at is None]
    await hand_over(session, settled.others, is_money_known=True)
    await hand_over(session, lost, is_money_known=False)
    await tell_live(session, "collections")


def status_of(answer: ChargeAnswer) -> AttemptStatus:
    """What an attempt is after an answer; one that was not found is as unclear as before."""
    match answer.verdict:
        case Verdict.SUCCEEDED:
            return AttemptStatus.SUCCEEDED
        case Verdict.REFUSED:
            return AttemptStatus.REFUSED
        case Verdict.NOT_SENT:
            return AttemptStatus.NOT_SENT
    return AttemptStatus.UNKNOWN


async def hand_over(session: AsyncSession, ids: Sequence[str], *, is_money_known: bool) -> None:
    """Give each of these a life of its own: money that its invoice does not wait for is told to it; what
    stays unclear is looked up for days and then settled by finance."""
    if not ids:
        return
    for row in (await session.execute(text(HANDED), {"ids": list(ids)})).all():
        order = ChargeOrder(
            row.id, row.invoice_id, row.ticket_id or "", row.amount_minor, row.currency,
            status=AttemptStatus(row.status), seq=row.seq, is_recheck=is_money_known,
            is_asked=not is_money_known, method_id=row.method_id or "",
            look_up_after_seconds=(5, 30, 120, 300, 3_600, *(86_400,) * 5),
        )  # fmt: skip
        name = charge_workflow_id(row.id) + (":told" if is_money_known else "")
        await announce_start(
            session, "Charge", name, order, summary=f"Look after attempt {row.id} of a collection"
        )


def absent(answer: ChargeAnswer, asked_at: datetime | None, at: datetime, latency_seconds: float) -> bool:
    """Whether "not found" proves something: the gateway has had its longest time since it was asked."""
    if answer.verdict is not Verdict.NOT_FOUND:
        return False
    return asked_at is None or at - asked_at >= timedelta(seconds=latency_seconds)
