"""Documents: invoices and credit notes add up, are numbered without a gap, and are in force or taken back."""

from collections.abc import Mapping

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
    "B5 no invoice is taken back by more than it asks": """
        select i.id from invoices i join credit_notes c on c.invoice_id = i.id group by i.id
        having sum(c.total_minor) > i.total_minor or sum(c.net_minor) > i.net_minor
            or sum(c.tax_minor) > i.tax_minor""",
    "B5 an invoice was issued with what its lines and books say and never changed": """
        select i.id from invoices i join ledger_transactions t
          on t.source = 'invoice:' || i.id and t.purpose = 'issue'
        left join lateral (select sum(l.gross_minor) as gross from invoice_lines l
                           where l.invoice_id = i.id) l on true
        left join lateral (select sum(e.debit_minor) as booked from ledger_entries e
                           where e.transaction_id = t.id) e on true
        where coalesce(l.gross, 0) <> coalesce(e.booked, 0)""",
    "every cancelled invoice is reversed, and only those": """
        select i.id from invoices i left join ledger_transactions t
          on t.source = 'invoice:' || i.id and t.purpose = 'cancel'
        where (i.status = 'cancelled') <> (t.id is not null)""",
    "an invoice is paid exactly when its money is there": """
        select i.id from invoices i left join payment_allocations a on a.invoice_id = i.id
        group by i.id having i.status <> 'cancelled'
          and (i.status = 'paid') <> (coalesce(sum(a.amount_minor), 0) = i.total_minor)""",
    "the tax office is told no more of an invoice than it asks, and takes no more back than it was told": """
        select t.invoice_id from tax_documents t join invoices i on i.id = t.invoice_id
        where t.status in ('issued', 'unknown') group by t.invoice_id, i.total_minor
        having sum(t.total_minor) filter (where t.operation = 'issue') > i.total_minor
          or coalesce(sum(t.total_minor) filter (where t.operation = 'amend'), 0)
            > coalesce(sum(t.total_minor) filter (where t.operation = 'issue'), 0)""",
    "what the tax office was told has a number of its own": """
        select number from tax_documents where status = 'issued' group by number
        having count(*) > 1 or number = ''""",
}
