"""The books: every posting balances, every event is posted once and with its sums."""

from collections.abc import Mapping

INVARIANTS: Mapping[str, str] = {
    "B7 every posting balances": """
        select transaction_id from ledger_entries group by transaction_id
        having sum(debit_minor) <> sum(credit_minor)""",
    "B7 every day balances": """
        select t.posted_on from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
        group by t.posted_on having sum(e.debit_minor) <> sum(e.credit_minor)""",
    "B8 an event posts at most once": """
        select source, purpose from ledger_transactions group by source, purpose having count(*) > 1""",
    "B9 open invoices are the receivables of their customer": """
        with open_invoices as (
          select coalesce(k.root, k.id) as customer_id,
                 sum(i.total_minor - coalesce(a.settled, 0) - coalesce(w.amount_minor, 0)) as balance
          from invoices i join customers k on k.id = i.customer_id
            left join (select invoice_id, sum(amount_minor) as settled
                       from payment_allocations group by invoice_id) a on a.invoice_id = i.id
            left join write_offs w on w.invoice_id = i.id
          where i.status <> 'cancelled' group by 1),
        credited as (
          select coalesce(k.root, k.id) as customer_id,
                 sum(c.total_minor) - coalesce(sum(r.back), 0) as balance
          from credit_notes c join customers k on k.id = c.customer_id
            left join (select credit_note_id, sum(amount_minor) as back from refunds
                                         where status = 'succeeded' group by credit_note_id
                                         union all select credit_note_id, amount_minor from deposits
                                         where credit_note_id is not null) r
            on r.credit_note_id = c.id group by 1),
        receivables as (
          select coalesce(k.root, k.id) as customer_id, sum(e.debit_minor - e.credit_minor) as balance
          from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
            left join customers k on k.id = t.customer_id
          where e.account = 'receivable' group by 1)
        select customer_id from open_invoices o full join receivables r using (customer_id)
        full join credited c using (customer_id)
        where coalesce(o.balance, 0) - coalesce(c.balance, 0) <> coalesce(r.balance, 0)""",
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
          union all select invoice_id, 'refund:' || id from refunds
          union all select kept_from, 'deposit:' || id from deposits where kept_from is not null),
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
}
