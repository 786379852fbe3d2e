"""Bill runs: what was due came out as an invoice, a reason, or an error that somebody repairs."""

INVARIANTS: dict[str, str] = {
    "B4 what went into a slice came out of it, in contracts, accounts and amounts": """
        select run_id, number from bill_slices where status = 'done' and (
          contracts <> charged + held + parked or accounts <> invoices + carried + parked_accounts
          or charged_minor + open_minor <> total_minor + carried_minor)""",
    "B4 a slice's invoices are there with their amount": """
        with told as (
          select s.run_id, sum(s.invoices) as invoices, sum(s.total_minor) as total
          from bill_slices s join bill_runs r on r.id = s.run_id where not r.is_preview group by s.run_id),
        made as (
          select run_id, count(*) as invoices, sum(total_minor) as total from invoices
          where id = 'I' || replace(run_id, '-', '') || '-' || coalesce((
            select m.before #>> '{}' from customer_moves m
            where m.table_name = 'invoices' and m.key::jsonb ->> 'id' = invoices.id and m.undone_at is null
            order by m.moved_at limit 1), customer_id) group by run_id)
        select run_id from told full join made using (run_id)
        where coalesce(told.invoices, 0) <> coalesce(made.invoices, 0)
          or coalesce(told.total, 0) <> coalesce(made.total, 0)""",
    "B4 nothing is left behind by a run that is done": """
        select c.id from subscriptions c
        cross join (select * from bill_runs where status = 'done' and not is_preview
                    order by day desc limit 1) r
        where c.next_bill_on <= r.day and c.status in ('active', 'paused', 'suspended')
          and c.created_at < r.started_at
          and not exists (select 1 from bill_skips k
                          where k.run_id = r.id and k.customer_id in (
                            select c.customer_id union all
                            select m.before #>> '{}' from customer_moves m
                            where m.table_name = 'subscriptions' and m.key::jsonb ->> 'id' = c.id
                              and m.undone_at is null))
          and not exists (select 1 from subscription_changes x where x.done_at > r.started_at
                          and x.subscription_id = coalesce(c.parent_id, c.id))""",
    "B4 an account of a run has an invoice or a reason, not both": """
        select k.run_id, k.customer_id from bill_skips k join bill_runs r on r.id = k.run_id
        join invoices i on i.run_id = k.run_id and i.customer_id = k.customer_id
        where k.subscription_id = '' and not r.is_preview
          and k.solved_at is null and i.status <> 'cancelled'
          and not exists (select 1 from customer_moves m where m.table_name = 'invoices'
                          and m.key::jsonb ->> 'id' = i.id and m.undone_at is null)""",
    "a run that is done has no open slice": """
        select s.run_id, s.number from bill_slices s join bill_runs r on r.id = s.run_id
        where r.status = 'done' and s.status <> 'done'""",
    "usage is counted by a charge of its contract, once": """
        select u.id from usage_records u left join subscription_charges c on c.id = u.charge_id
        where u.charge_id is not null and (c.id is null or c.subscription_id <> u.subscription_id
          or c.kind <> 'usage')""",
    "B6 days of invoices never go back within their series": """
        select number from (
          select number, issued_on, lag(issued_on) over (
            partition by split_part(number, '-', 1) order by split_part(number, '-', 2)::bigint) as before
          from invoices where split_part(number, '-', 2) ~ '^[0-9]+$') ordered
        where issued_on < before""",
}
