"""Which invoices a collection may ask for: due, agreed to a card, not on their way, not tried too often."""

from typing import Any

from activities.kit.settlement import OPEN_MINOR
from models.messages.payments.collection import CollectionPolicy
from models.rules.payments.collection import HARD, OURS

PAGE = """
select distinct customer_id from invoices
where run_id is not null and status in ('issued', 'overdue') and customer_id > :after
order by customer_id limit :size
"""
# The invoices stay as they are while their attempts are written: a cancellation sees them, or is seen.
WRITE = f"""
with i as materialized (
  select * from invoices
  where customer_id = any(:customers) and run_id is not null and status in ('issued', 'overdue')
    and collect_on(issued_on, due_at, (
      select b.collect_day from billing_accounts b where b.customer_id = invoices.customer_id)) <= :day
  order by id for share),
due as materialized (select i.*, {OPEN_MINOR} as open_minor from i),
owing as (
  select i.id, i.customer_id, i.currency, i.due_at, m.id as method_id, m.provider,
    i.open_minor, coalesce(t.last, 0) as last_ordinal, t.failures, t.failed_at
  from due i
  cross join lateral (  -- one at most, by its index: never all methods against all invoices
    select m.id, m.provider from payment_methods m
    where m.customer_id = i.customer_id and m.is_default and m.status = 'active' and m.kind = :kind
    limit 1) m
  left join lateral (
    select max(p.ordinal) as last,
      bool_or(p.status in ('created', 'unknown', 'not_sent')
        or p.status = 'succeeded' and not exists (
          select 1 from ledger_transactions l where l.source = 'attempt:' || p.id and l.purpose = 'payment')
      ) as is_under_way,
      count(*) filter (where p.status = 'refused' and p.method_id is not null and p.code <> all(:ours))
        as failures,
      max(p.settled_at) filter (where p.status = 'refused' and p.method_id is not null
        and p.code <> all(:ours)) as failed_at,
      bool_or(p.status = 'refused' and p.method_id = m.id and p.code = any(:hard)) as is_dead
    from payment_attempts p where p.invoice_id = i.id) t on true
  where i.open_minor > 0 and not coalesce(t.is_under_way, false) and not coalesce(t.is_dead, false)
    and not exists (  -- what lies on the account is used first: it hears of the bill before the card does
      select 1 from deposits k where k.customer_id = i.customer_id and k.status = 'kept')
    and not exists (
      select 1 from billing_accounts b where b.customer_id = i.customer_id and b.hold_until >= :day)
    and not exists (
      select 1 from dunning_holds h where h.customer_id = i.customer_id and h.status = 'open'
        and coalesce(h.invoice_id, i.id) = i.id and coalesce(h.until_on, :day) >= :day)
    and (coalesce(t.failures, 0) = 0
      or t.failures <= cardinality(cast(:retry as int[]))
        and (t.failed_at at time zone 'Asia/Seoul')::date + (cast(:retry as int[]))[t.failures] <= :day)),
fitting as (
  select o.*, row_number() over (partition by o.method_id order by o.due_at, o.id) as nth,
    c.in_30_days, c.in_24_hours, c.is_dead
  from owing o cross join lateral (
    select
      count(*) filter (where p.status = 'refused' and p.code <> all(:ours)
        and p.settled_at > cast(:at as timestamptz) - interval '30 days' or p.status <> 'refused')
        as in_30_days,
      count(*) filter (where p.status = 'refused' and p.code <> all(:ours)
        and p.settled_at > cast(:at as timestamptz) - interval '24 hours' or p.status <> 'refused')
        as in_24_hours,
      bool_or(p.status = 'refused' and p.code = any(:hard)) as is_dead
    from payment_attempts p where p.method_id = o.method_id
      and (p.status in ('created', 'unknown', 'not_sent')
        or p.status = 'refused' and p.settled_at > cast(:at as timestamptz) - interval '30 days')) c
)
insert into payment_attempts (id, invoice_id, ordinal, customer_id, provider, payment_key, method_id,
  amount_minor, currency, status, provider_id, code, created_at, lookups, seq, collection_id, absences)
select id || '.' || last_ordinal + 1, id, last_ordinal + 1, customer_id, provider, '', method_id, open_minor,
  currency, 'created', '', '', :at, 0, 0, :collection, 0
from fitting
where in_30_days + nth <= :most_30_days and in_24_hours + nth <= :most_24_hours
  and not coalesce(is_dead, false)
on conflict do nothing returning id
"""  # noqa: S608 - only our own words are put together
LEFT = """
select count(*) filter (where status in ('created', 'not_sent') and asked_at is null) as to_ask,
  count(*) filter (where status in ('created', 'not_sent') and asked_at is not null
    or status = 'unknown' and look_up_at is not null) as unclear,
  count(*) filter (where status in ('succeeded', 'refused') and told_at is null) as to_tell,
  min(case when status = 'unknown' then look_up_at
      when status in ('created', 'not_sent') then asked_at + interval '76 seconds' end) as next_at
from payment_attempts where collection_id = :collection
"""


def limits_of(policy: CollectionPolicy) -> dict[str, Any]:
    """The rules of a collection as the picker reads them."""
    return {
        "retry": list(policy.retry_after_days), "most_30_days": policy.most_failed_30_days,
        "most_24_hours": policy.most_failed_24_hours, "ours": sorted(OURS), "hard": sorted(HARD),
        "kind": "card",
    }  # fmt: skip
