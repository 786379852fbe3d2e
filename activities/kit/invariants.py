"""What must always hold about money, as queries that return no row; run after every test and every fault.

They hold whenever nothing is under way: between an attempt's success and its posting a row may show."""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

INVARIANTS: Mapping[str, str] = {
    "B1 the lines of an invoice add up to it": """
        select i.id from invoices i left join invoice_lines l on l.invoice_id = i.id group by i.id
        having coalesce(sum(l.net_minor), 0) <> i.net_minor or coalesce(sum(l.tax_minor), 0) <> i.tax_minor
            or coalesce(sum(l.gross_minor), 0) <> i.total_minor""",
    "B1 a line is split by its stored rule": """
        select invoice_id, position from invoice_lines
        where tax_rule <> 'kr-vat-10-included' or tax_minor <> gross_minor / 11""",
    "B6 numbers have no gap and none is given twice": """
        with documents as (select number from invoices union all select number from credit_notes)
        select s.series from number_series s left join documents d on split_part(d.number, '-', 1) = s.series
        group by s.series, s.last
        having count(d.number) <> s.last or count(distinct d.number) <> s.last
            or coalesce(max(split_part(d.number, '-', 2)::bigint), 0) <> s.last
        union all
        select d.number from documents d
        where not exists (select 1 from number_series s where s.series = split_part(d.number, '-', 1))""",
    "B7 every posting balances": """
        select transaction_id from ledger_entries group by transaction_id
        having sum(debit_minor) <> sum(credit_minor)""",
    "B7 every day balances": """
        select t.posted_on from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
        group by t.posted_on having sum(e.debit_minor) <> sum(e.credit_minor)""",
    "B8 an event posts at most once": """
        select source, purpose from ledger_transactions group by source, purpose having count(*) > 1""",
    "B9 no invoice is paid more than it asks": """
        select i.id from invoices i join payment_allocations a on a.invoice_id = i.id group by i.id
        having sum(a.amount_minor) > i.total_minor""",
    "B9 open invoices are the receivables of their customer": """
        with open_invoices as (
          select i.customer_id, sum(i.total_minor - coalesce(a.settled, 0)) as balance
          from invoices i left join (select invoice_id, sum(amount_minor) as settled
                                     from payment_allocations group by invoice_id) a on a.invoice_id = i.id
          where i.status <> 'cancelled' group by i.customer_id),
        credited as (
          select c.customer_id, sum(c.total_minor) - coalesce(sum(r.back), 0) as balance
          from credit_notes c left join (select credit_note_id, sum(amount_minor) as back from refunds
                                         where status = 'succeeded' group by credit_note_id) r
            on r.credit_note_id = c.id group by c.customer_id),
        receivables as (
          select t.customer_id, sum(e.debit_minor - e.credit_minor) as balance
          from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
          where e.account = 'receivable' group by t.customer_id)
        select customer_id from open_invoices o full join receivables r using (customer_id)
        full join credited c using (customer_id)
        where coalesce(o.balance, 0) - coalesce(c.balance, 0) <> coalesce(r.balance, 0)""",
    "B10 an attempt is allocated at most once, and only what it brought": """
        select p.id from payment_attempts p join payment_allocations a on a.attempt_id = p.id
        group by p.id having sum(a.amount_minor) > p.amount_minor or p.status <> 'succeeded'""",
    "C1 one open attempt per invoice": """
        select invoice_id from payment_attempts where status in ('created', 'unknown', 'not_sent')
        group by invoice_id having count(*) > 1""",
    "C2 nothing new is tried while the last try is unclear": """
        select later.id from payment_attempts later join payment_attempts earlier
          on earlier.invoice_id = later.invoice_id and earlier.ordinal < later.ordinal
        where earlier.status in ('created', 'unknown', 'not_sent')""",
    "C3 a provider's id is used once": """
        select provider, provider_id from payment_attempts where provider_id <> ''
        group by provider, provider_id having count(*) > 1""",
    "C4 what moved is what settled plus what waits or went back": """
        select p.invoice_id from payment_attempts p
        left join (select attempt_id, sum(amount_minor) as settled from payment_allocations
                   group by attempt_id) a on a.attempt_id = p.id
        left join (select t.source, sum(e.credit_minor) as kept from ledger_transactions t
                   join ledger_entries e on e.transaction_id = t.id
                   where e.account = 'suspense' and t.purpose = 'payment' group by t.source) s
          on s.source = 'attempt:' || p.id
        where p.status = 'succeeded'
          and p.amount_minor <> coalesce(a.settled, 0) + coalesce(s.kept, 0)""",
    "C4 every success is posted once with its amount, and nothing else is": """
        with posted as (
          select substr(t.source, 9) as attempt_id, sum(e.debit_minor) as amount
          from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
          where t.purpose = 'payment' and e.account = 'gateway' group by t.source),
        moved as (select id as attempt_id, amount_minor as amount from payment_attempts
                  where status in ('succeeded', 'cancelled'))
        select attempt_id from posted full join moved using (attempt_id)
        where posted.amount is distinct from moved.amount""",
    "C4 never more goes back than came in": """
        select p.id from payment_attempts p join refunds r on r.attempt_id = p.id group by p.id
        having sum(r.amount_minor) > p.amount_minor or p.status not in ('succeeded', 'cancelled')""",
    "C4 what went back is posted once with its amount, and nothing else is": """
        with posted as (
          select t.source, sum(e.credit_minor) as amount
          from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
          where t.purpose = 'refund' and e.account = 'gateway' and t.source like 'refund:%'
          group by t.source),
        moved as (select 'refund:' || id as source, amount_minor as amount from refunds
                  where status = 'succeeded' and credit_note_id is not null)
        select source from posted full join moved using (source)
        where posted.amount is distinct from moved.amount""",
    "C4 what nobody owed goes back once": """
        select r.id from refunds r left join ledger_transactions t
          on t.source = 'attempt:' || r.attempt_id and t.purpose = 'refund'
        where r.status = 'succeeded' and r.credit_note_id is null and t.id is null""",
    "no invoice is taken back by more than it asks": """
        select i.id from invoices i join credit_notes c on c.invoice_id = i.id group by i.id
        having sum(c.total_minor) > i.total_minor or sum(c.net_minor) > i.net_minor
            or sum(c.tax_minor) > i.tax_minor""",
    "every credit note is posted with its sums": """
        with posted as (
          select substr(t.source, 8) as note_id,
            sum(e.credit_minor) filter (where e.account = 'receivable') as total,
            sum(e.debit_minor) filter (where e.account = 'revenue') as net,
            sum(e.debit_minor) filter (where e.account = 'vat_payable') as tax
          from ledger_transactions t left join ledger_entries e on e.transaction_id = t.id
          where t.purpose = 'credit' group by t.source)
        select c.id from credit_notes c full join posted p on p.note_id = c.id
        where p.note_id is null or c.id is null or coalesce(p.total, 0) <> c.total_minor
          or coalesce(p.net, 0) <> c.net_minor or coalesce(p.tax, 0) <> c.tax_minor""",
    "a document that was wholly taken back leaves nothing on any account but what waits to go back": """
        with sources as (
          select id as invoice_id, 'invoice:' || id as source from invoices
          union all select invoice_id, 'attempt:' || id from payment_attempts
          union all select invoice_id, 'credit:' || id from credit_notes
          union all select invoice_id, 'refund:' || id from refunds),
        over as (
          select i.id from invoices i
          left join (select invoice_id, sum(total_minor) as total from credit_notes group by invoice_id) c
            on c.invoice_id = i.id
          where (i.status = 'cancelled' or c.total = i.total_minor) and not exists (
            select 1 from refunds r where r.invoice_id = i.id and r.status <> 'succeeded'))
        select o.id, e.account from over o join sources s on s.invoice_id = o.id
        join ledger_transactions t on t.source = s.source join ledger_entries e on e.transaction_id = t.id
        where e.account in ('receivable', 'revenue', 'vat_payable')
        group by o.id, e.account having sum(e.debit_minor) <> sum(e.credit_minor)""",
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
    "every invoice is posted with its sums": """
        with posted as (
          select substr(t.source, 9) as invoice_id,
            sum(e.debit_minor) filter (where e.account = 'receivable') as total,
            sum(e.credit_minor) filter (where e.account = 'revenue') as net,
            sum(e.credit_minor) filter (where e.account = 'vat_payable') as tax
          from ledger_transactions t left join ledger_entries e on e.transaction_id = t.id
          where t.purpose = 'issue' group by t.source)
        select i.id from invoices i left join posted p on p.invoice_id = i.id
        where p.invoice_id is null or coalesce(p.total, 0) <> i.total_minor
          or coalesce(p.net, 0) <> i.net_minor or coalesce(p.tax, 0) <> i.tax_minor""",
    "every cancelled invoice is reversed, and only those": """
        select i.id from invoices i left join ledger_transactions t
          on t.source = 'invoice:' || i.id and t.purpose = 'cancel'
        where (i.status = 'cancelled') <> (t.id is not null)""",
    "an invoice is paid exactly when its money is there": """
        select i.id from invoices i left join payment_allocations a on a.invoice_id = i.id
        group by i.id having i.status <> 'cancelled'
          and (i.status = 'paid') <> (coalesce(sum(a.amount_minor), 0) = i.total_minor)""",
}


async def violations(connection: AsyncConnection) -> dict[str, list[tuple[object, ...]]]:
    """The rows that break an invariant, by its name; empty when all is well."""
    broken: dict[str, list[tuple[object, ...]]] = {}
    for name, query in INVARIANTS.items():
        rows = [tuple(row) for row in (await connection.execute(text(query))).all()]
        if rows:
            broken[name] = rows
    return broken
