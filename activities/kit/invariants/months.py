"""Months of the books: nothing is posted into a closed one, and the ERP holds each transaction once."""

from collections.abc import Mapping

INVARIANTS: Mapping[str, str] = {
    "L1 nothing was posted to a month after it was locked but the close's own entries": """
        select t.id from ledger_transactions t
        join accounting_periods p on p.from_on <= t.posted_on and t.posted_on < p.until_on
        where p.status <> 'open' and t.id > p.locked_id and t.purpose <> 'deferral'""",
    "L1 only a close posts what belongs to no customer, on the last day of its month": """
        select t.id from ledger_transactions t
        join accounting_periods p on p.from_on <= t.posted_on and t.posted_on < p.until_on
        where t.purpose = 'deferral'
          and (t.source not like 'close:' || p.id || '.%' or t.posted_on <> p.until_on - 1)""",
    "L2 each transaction of a closed month is in exactly one batch": """
        select t.id from ledger_transactions t
        join accounting_periods p on p.from_on <= t.posted_on and t.posted_on < p.until_on
        left join erp_batches b on b.period_id = p.id and b.from_id < t.id and t.id <= b.until_id
        where p.status = 'closed' group by t.id having count(b.key) <> 1""",
    "L2 a batch holds the sums of its transactions, by account and side": """
        with booked as (
          select b.key, e.account, e.debit_minor > 0 as is_debit, sum(e.debit_minor) as debit,
            sum(e.credit_minor) as credit, count(*) as entries
          from erp_batches b join accounting_periods p on p.id = b.period_id
          join ledger_transactions t on p.from_on <= t.posted_on and t.posted_on < p.until_on
            and b.from_id < t.id and t.id <= b.until_id
          join ledger_entries e on e.transaction_id = t.id group by 1, 2, 3),
        told as (select batch_key as key, account, debit_minor > 0 as is_debit, debit_minor, credit_minor,
                   count from erp_postings)
        select key, account from booked full join told using (key, account, is_debit)
        where coalesce(booked.debit, 0) <> coalesce(told.debit_minor, 0)
          or coalesce(booked.credit, 0) <> coalesce(told.credit_minor, 0)
          or coalesce(booked.entries, 0) <> coalesce(told.count, 0)""",
    "L2 a batch balances": """
        select batch_key from erp_postings group by batch_key having sum(debit_minor) <> sum(credit_minor)""",
    "L3 a closed month was acknowledged, every batch once and with a document of its own": """
        select p.id from accounting_periods p left join erp_batches b on b.period_id = p.id
        where p.status = 'closed' group by p.id, p.round
        having count(b.key) filter (where b.status <> 'prepared') <> p.round or count(b.key) <> p.round
        union all
        select document_number from erp_batches where document_number <> ''
        group by document_number having count(*) > 1""",
    "L4 deferred revenue is what the contracts were billed and have not earned": """
        select p.id from accounting_periods p where p.status = 'closed' and
          (select coalesce(sum(d.billed_minor - d.earned_minor), 0) from deferrals d where d.period_id = p.id)
          <> (select coalesce(sum(e.credit_minor - e.debit_minor), 0) from ledger_entries e
              join ledger_transactions t on t.id = e.transaction_id
              where e.account = 'deferred' and t.posted_on < p.until_on)""",
    "L4 a contract is listed only where billed and earned differ": """
        select period_id, subscription_id from deferrals where billed_minor = earned_minor""",
}
