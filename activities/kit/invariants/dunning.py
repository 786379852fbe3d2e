"""Overdue accounts: one case, steps forward only, services back in time, write-offs in the books."""

from collections.abc import Mapping

INVARIANTS: Mapping[str, str] = {
    "D1 at most one case of a customer is open": """
        select customer_id from dunning_cases where status = 'open'
        group by customer_id having count(*) > 1""",
    "D1 a case is closed as paid only when nothing was overdue": """
        select c.id from dunning_cases c join invoices i on i.customer_id = c.customer_id
        where c.status = 'paid' and i.status in ('issued', 'overdue') and i.due_at < c.paid_at
          and not exists (select 1 from customer_merges g where c.customer_id in (g.survivor_id, g.loser_id)
                          and coalesce(g.undone_at, g.merged_at) > c.paid_at)
          and i.total_minor
            > coalesce((select sum(a.amount_minor) from payment_allocations a where a.invoice_id = i.id), 0)
            + coalesce((select sum(n.total_minor) from credit_notes n where n.invoice_id = i.id), 0)""",
    "D2 steps go forward only, in time as in the policy": """
        select a.case_id, a.position from dunning_steps a
        join dunning_steps b on b.case_id = a.case_id and b.position > a.position and b.at < a.at""",
    "D2 no step is taken while the case rests or after it is over": """
        select s.case_id, s.position from dunning_steps s join dunning_cases c on c.id = s.case_id
        where s.status = 'done' and s.reason = '' and (s.at > c.ended_at
          or exists (select 1 from promises_to_pay p where p.case_id = c.id and p.created_at < s.at
                     and s.at < coalesce(p.decided_at, 'infinity'))
          or exists (select 1 from dunning_holds h where h.case_id = c.id and h.created_at < s.at
                     and s.at < coalesce(h.ended_at, 'infinity')))""",
    "D2 no step but a try is taken while a payment of the customer is on its way": """
        select s.case_id, s.position from dunning_steps s join dunning_cases c on c.id = s.case_id
        join payment_attempts p on p.customer_id = c.customer_id
        join invoices i on i.id = p.invoice_id and i.due_at < s.at
        where s.status = 'done' and s.reason = '' and s.kind <> 'retry' and p.created_at < s.at
          and not exists (select 1 from customer_merges g where c.customer_id in (g.survivor_id, g.loser_id)
                          and coalesce(g.undone_at, g.merged_at) > s.at)
          and coalesce(p.settled_at, case when p.status in ('created', 'unknown', 'not_sent')
                                          then 'infinity'::timestamptz end) > s.at""",
    "D3 what was switched off runs again within the promised time of full payment": """
        select c.id from dunning_cases c join dunning_policies p on p.version = c.policy_version
        where c.resumed_at > c.paid_at
            + make_interval(mins => coalesce((p.terms ->> 'resume_within_minutes')::int, 60))""",
    "D4 a case and its steps follow the policy that it began with": """
        select s.case_id, s.position from dunning_steps s join dunning_cases c on c.id = s.case_id
        join dunning_policies p on p.version = c.policy_version
        where p.status not in ('published', 'retired')
          or p.terms -> 'steps' -> s.position ->> 'kind' is distinct from s.kind""",
    "every written off invoice is in the books with its amount, and only those": """
        select i.id from invoices i left join write_offs w on w.invoice_id = i.id
        left join (select t.source, sum(e.debit_minor) as lost from ledger_transactions t
                   join ledger_entries e on e.transaction_id = t.id and e.account = 'bad_debt'
                   where t.purpose = 'write_off' group by t.source) l on l.source = 'invoice:' || i.id
        where (i.status = 'written_off') <> (w.invoice_id is not null)
           or coalesce(w.amount_minor, 0) <> coalesce(l.lost, 0)""",
    "B9 a written off invoice is open by nothing": """
        select w.invoice_id from write_offs w join invoices i on i.id = w.invoice_id
        where i.total_minor <> w.amount_minor
          + coalesce((select sum(a.amount_minor) from payment_allocations a where a.invoice_id = i.id), 0)
          + coalesce((select sum(n.total_minor) from credit_notes n where n.invoice_id = i.id), 0)""",
    "a suspended contract has a suspension that is open, and only those": """
        select s.id from subscriptions s where s.status <> 'ended' and (s.status = 'suspended') <> exists
          (select 1 from subscription_suspensions o where o.subscription_id = s.id and o.until_on is null)""",
}
