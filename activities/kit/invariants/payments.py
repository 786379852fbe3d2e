"""Money that moved: settled once, never twice asked for, never more given back than came in."""

from collections.abc import Mapping

from models.rules.payments.collection import HARD

NEVER_AGAIN = ", ".join(f"'{code}'" for code in sorted(HARD))

INVARIANTS: Mapping[str, str] = {
    "B9 no invoice is paid more than it asks": """
        select i.id from invoices i join payment_allocations a on a.invoice_id = i.id group by i.id
        having sum(a.amount_minor) > i.total_minor""",
    "B10 an attempt is allocated at most once, and only what it brought": """
        select p.id from payment_attempts p join payment_allocations a on a.attempt_id = p.id
        group by p.id having sum(a.amount_minor) > p.amount_minor or p.status <> 'succeeded'""",
    "B10 a deposit settles no more than it brought, and says how it stands": """
        select d.id from deposits d left join payment_attempts a
          on a.provider = 'suspense' and a.payment_key = d.id and a.status = 'succeeded'
        group by d.id having coalesce(sum(a.amount_minor), 0) + d.returned_minor > d.amount_minor
          or d.status in ('allocated', 'returned')
            and coalesce(sum(a.amount_minor), 0) + d.returned_minor <> d.amount_minor""",
    "B10 what lies on an account came out of a document that was taken back": """
        select d.id from deposits d join invoices i on i.id = d.kept_from
        left join credit_notes c on c.id = d.credit_note_id
        where c.id is null and i.status <> 'cancelled'
          or c.id is not null and (c.invoice_id <> i.id or c.total_minor <> d.amount_minor)""",
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
          where t.purpose = 'payment' and t.source like 'attempt:%' and e.debit_minor > 0 group by t.source),
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
          where t.purpose = 'refund' and e.account in ('gateway', 'bank') and t.source like 'refund:%'
          group by t.source),
        moved as (select 'refund:' || id as source, amount_minor as amount from refunds
                  where status = 'succeeded' and credit_note_id is not null)
        select source from posted full join moved using (source)
        where posted.amount is distinct from moved.amount""",
    "C4 what nobody owed goes back once": """
        select r.id from refunds r left join ledger_transactions t
          on t.source = 'attempt:' || r.attempt_id and t.purpose = 'refund'
        where r.status = 'succeeded' and r.credit_note_id is null and t.id is null""",
    "C5 a payment method is not tried more often than its scheme allows": """
        select id from (
          select id,
            count(*) over (partition by method_id order by created_at
                           range between interval '30 days' preceding and current row) as month,
            count(*) over (partition by method_id order by created_at
                           range between interval '24 hours' preceding and current row) as day
          from payment_attempts where method_id is not null and status = 'refused') tried
        where month > 15 or day > 10""",
    "C5 a method that said never again is not tried again": f"""
        select later.id from payment_attempts later join payment_attempts earlier
          on earlier.method_id = later.method_id and earlier.settled_at < later.created_at
        where earlier.status = 'refused' and earlier.code in ({NEVER_AGAIN})
          and later.status in ('created', 'unknown', 'succeeded')""",  # noqa: S608 - our own words
    "C6 a debit is only sent for a mandate that the bank has registered before": """
        select r.batch_id, r.number from transfer_rows r
        where r.attempt_id is not null and r.status in ('done', 'refused') and not exists (
          select 1 from mandates m where m.method_id = r.method_id)""",
    "C6 no file leaves after its cut-off, and an ended one has a result for each row": """
        select b.id from transfer_batches b where b.status = 'done' and exists (
          select 1 from transfer_rows r where r.batch_id = b.id and r.status = 'waiting')""",
    "C3 a row's word and its payment's are the same": """
        select r.batch_id, r.number from transfer_rows r join payment_attempts p on p.id = r.attempt_id
        where (r.status = 'done') <> (p.status = 'succeeded')""",
}
