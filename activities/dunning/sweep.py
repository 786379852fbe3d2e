"""The daily sweep: one case for every customer who owes something since yesterday or longer, set-based."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity

from activities.kit.transactions import transaction
from models.kit.outbox import CHANNEL
from models.rules.dunning import today

# The policy of the day; without one nobody is dunned. A case that was given up stays so until something
# becomes overdue that was not yet due then.
OPEN_CASES = """
with policy as (
  select version, terms, coalesce((terms ->> 'smallest_minor')::bigint, 1) as smallest from dunning_policies
  where status = 'published' and effective_from <= :today order by effective_from desc, version desc limit 1
),
owed as (
  select i.customer_id, i.currency, i.due_at,
         i.total_minor
         - coalesce((select sum(a.amount_minor) from payment_allocations a where a.invoice_id = i.id), 0)
         - coalesce((select sum(n.total_minor) from credit_notes n where n.invoice_id = i.id), 0)
           as open_minor
  from invoices i
  where i.status in ('issued', 'overdue') and i.due_at < :at
    and not exists (select 1 from dunning_cases c where c.customer_id = i.customer_id and c.status = 'open')
    and not exists (
      select 1 from billing_accounts b where b.customer_id = i.customer_id and b.hold_until >= :today)
),
late as (
  select o.customer_id, min(o.currency) as currency, sum(o.open_minor) as minor,
         (min(o.due_at) at time zone 'Asia/Seoul')::date as since, max(o.due_at) as newest
  from owed o where o.open_minor > 0 group by o.customer_id
),
born as (
  insert into dunning_cases (id, customer_id, policy_version, status, stage, currency, opening_minor,
                             overdue_minor, overdue_since, opened_at, seq)
  select 'D' || nextval('dunning_numbers'), l.customer_id, p.version, 'open', 'opened', l.currency, l.minor,
         l.minor, l.since, :at, 0
  from late l cross join policy p
  where l.minor >= p.smallest and not exists (
    select 1 from dunning_cases g where g.customer_id = l.customer_id and g.status = 'given_up'
      and g.ended_at >= l.newest)
  order by l.customer_id
  on conflict do nothing
  returning id, customer_id, policy_version, overdue_since, currency
)
insert into outbox (key, actor_id, kind, workflow, workflow_id, name, task_queue, payload, summary, status,
                    tries, not_before, created_at, refusal)
select 'dunning:' || b.id, '', 'start', 'Dunning', 'dunning:' || b.id, '', 'desk',
       jsonb_build_object('case_id', b.id, 'customer_id', b.customer_id, 'policy_version', b.policy_version,
                          'terms', p.terms, 'overdue_since', b.overdue_since, 'currency', b.currency),
       'Dunning ' || b.id, 'waiting', 0, now(), now(), ''
from born b cross join policy p
on conflict (workflow_id, actor_id, key) do nothing
returning id
"""


@dataclass
class Sweeping:
    """The part of the activities that begins cases."""

    engine: AsyncEngine

    @activity.defn(name="dunning.open_cases")
    async def open_cases(self, at: datetime) -> int:
        """Open a case and announce its life for every customer who needs one; answers with how many.

        Safe to repeat: at most one case of a customer is open."""
        async with transaction(self.engine) as session:
            born = await session.execute(text(OPEN_CASES), {"at": at, "today": today(at)})
            count = len(born.all())
            if count:
                await session.execute(text("select pg_notify(:channel, '')"), {"channel": CHANNEL})
            return count
