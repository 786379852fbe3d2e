"""What a result file means for its rows: attempts, money and mandates, once for each row."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from activities.kit.settlement import settle_attempts
from activities.payments.merging import TELL, hand_over
from models.messages.payments.transfers import BatchKind, MandateSettled, ResultApplied
from models.payments import TransferBatch
from models.rules.payments.transfers import DEAD_ACCOUNT, OK, ResultFile

# A row takes the first result that fits it; the same file again finds no row that waits.
APPLY = """
with said as (
  select distinct on (s.number) s.* from unnest(
    cast(:numbers as int[]), cast(:amounts as bigint[]), cast(:codes as text[])) as s(number, amount, code)
  order by s.number)
update transfer_rows r set
  status = case when s.code = :ok then 'done' else 'refused' end,
  code = case when s.code = :ok then '' else 'bank_' || s.code end, settled_at = :at
from said s
where r.batch_id = :batch and r.number = s.number and r.amount_minor = s.amount and r.status = 'waiting'
returning r.number, r.attempt_id, r.method_id, r.status, r.code
"""
ODD = """
insert into transfer_oddities (batch_id, kind, place, code, found_at)
select cast(:batch as text), case when r.number is null then 'unknown_row' else 'wrong_amount' end,
  s.number, s.code, :at
from unnest(cast(:numbers as int[]), cast(:amounts as bigint[]), cast(:codes as text[]))
  as s(number, amount, code)
left join transfer_rows r on r.batch_id = :batch and r.number = s.number
where r.number is null or r.amount_minor <> s.amount
on conflict do nothing
"""
UNREADABLE = """
insert into transfer_oddities (batch_id, kind, place, found_at)
select cast(:batch as text), 'unreadable', line, :at from unnest(cast(:lines as int[])) as line
on conflict do nothing
"""
ATTEMPTS = """
update payment_attempts p set
  status = case when r.status = 'done' then 'succeeded' else 'refused' end,
  code = case when r.status = 'done' then 'DONE' else r.code end,
  provider_id = cast(:batch as text) || ':' || r.number, settled_at = :at, seq = p.seq + 1
from transfer_rows r
where r.batch_id = :batch and r.number = any(:rows) and p.id = r.attempt_id
  and p.status in ('created', 'unknown', 'not_sent')
returning p.id, p.status
"""
KILL = """
update payment_methods set status = 'invalid', is_default = false
where status = 'active' and id = any(:methods)
"""
WAITING = "select count(*) from transfer_rows where batch_id = :batch and status = 'waiting'"
# Told again when the telling was cut off: a method that still pends has not heard.
DECIDED = """
select r.method_id, r.code from transfer_rows r join payment_methods m on m.id = r.method_id
where r.batch_id = :batch and r.status in ('done', 'refused') and m.status = 'pending'
"""


async def apply_result(
    session: AsyncSession, batch: TransferBatch, found: ResultFile, at: datetime
) -> ResultApplied:
    """Apply what can be read to the rows that wait; note what fits none of them."""
    given = {
        "batch": batch.id, "at": at, "ok": OK, "numbers": [one.number for one in found.results],
        "amounts": [one.amount_minor for one in found.results],
        "codes": [one.code for one in found.results],
    }  # fmt: skip
    rows = (await session.execute(text(APPLY), given)).all()
    await session.execute(text(ODD), given)
    await session.execute(text(UNREADABLE), {**given, "lines": list(found.strange)})
    if batch.kind is BatchKind.DEBIT and rows:
        given = {"batch": batch.id, "rows": [one.number for one in rows], "at": at}
        attempts = (await session.execute(text(ATTEMPTS), given)).all()
        await session.execute(text(TELL), {"ids": [one.id for one in attempts], "at": at})
        moved = [one.id for one in attempts if one.status == "succeeded"]
        settled = await settle_attempts(session, moved, at)
        await hand_over(session, settled.others, is_money_known=True)
        dead = [one.method_id for one in rows if one.code in DEAD_ACCOUNT]
        await session.execute(text(KILL), {"methods": dead})
    waiting = int(await session.scalar(text(WAITING), {"batch": batch.id}) or 0)
    decided: tuple[MandateSettled, ...] = ()
    if batch.kind is BatchKind.REGISTRATION:
        found_out = (await session.execute(text(DECIDED), {"batch": batch.id})).all()
        decided = tuple(MandateSettled(row.method_id, row.code) for row in found_out)
    return ResultApplied(is_there=True, waiting=waiting, settled=decided)
