"""Contracts: every day charged exactly once, and a change costs what was shown."""

from collections.abc import Mapping

INVARIANTS: Mapping[str, str] = {
    "B2 B3 every day of a contract is charged exactly once, and none outside": """
        with covered as (
          select c.subscription_id, d::date as day, sum(case when c.is_credit then -1 else 1 end) as times
          from subscription_charges c
          left join subscription_changes x on x.id = c.change_id
          join subscriptions s on s.id = c.subscription_id and s.ends_on is distinct from s.starts_on
          cross join generate_series(c.from_on, c.until_on - 1, interval '1 day') d
          where not c.is_void and c.kind in ('recurring', 'proration') and coalesce(x.status, 'done') = 'done'
          group by c.subscription_id, d),
        running as (
          select s.id as subscription_id, d::date as day from subscriptions s
          cross join generate_series(s.starts_on, least(s.billed_until, s.ends_on) - 1, interval '1 day') d
          where not exists (select 1 from subscription_pauses p where p.subscription_id = s.id
                            and p.from_on <= d and d < p.until_on))
        select subscription_id, day from covered full join running r using (subscription_id, day)
        where coalesce(covered.times, 0) <> (r.day is not null)::int""",
    "a change costs what was shown": """
        select x.id from subscription_changes x left join subscription_charges c on c.change_id = x.id
        where x.status = 'done' group by x.id
        having coalesce(sum(c.gross_minor) filter (where not c.is_void), 0)
          <> (x.preview->>'total_minor')::bigint + (x.preview->>'other_total_minor')::bigint""",
    "B2 a charge that was billed stands on a document that is in force": """
        select c.id from subscription_charges c
        where c.document_id is not null
          and not exists (select 1 from invoices i where i.id = c.document_id and i.status <> 'cancelled')
          and not exists (select 1 from credit_notes n where n.id = c.document_id)""",
    "B2 nothing that is void was billed": """
        select id from subscription_charges where is_void and document_id is not null""",
    "R1 a fee for leaving early says how it was computed": """
        select id from subscription_charges
        where kind = 'termination_fee' and (basis = '' or gross_minor <= 0 or until_on <= from_on)""",
}
