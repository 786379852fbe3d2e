"""The statements of one slice, in the order in which they run; all rows of a slice go through each of them.

What is due is rated outside (rating.py) for every shape of contract once; here shapes meet contracts."""

SCRATCH = (
    """create temp table if not exists bill_due (
         id text, customer_id text, seq int, shape int, plan_id text, plan_version int, terms_key bigint,
         quantity int, percent_off int, starts_on date, anchor_on date, bill_day int, billed_until date
       ) on commit delete rows""",
    """create temp table if not exists bill_rated (
         shape int, kind text, line_kind text, name_ko text, name_en text, gross bigint, net bigint,
         tax bigint,
         tax_rule text, from_on date, until_on date, basis text
       ) on commit delete rows""",
    """create temp table if not exists bill_after (
         shape int, billed_until date, next_bill_on date, steps int
       ) on commit delete rows""",
    """create temp table if not exists bill_lines (
         customer_id text, id text, subscription_id text, kind text, line_kind text, name_ko text,
         name_en text,
         gross bigint, net bigint, tax bigint, tax_rule text, from_on date, until_on date, basis text,
         is_new boolean, is_odd boolean
       ) on commit delete rows""",
    """create temp table if not exists bill_drafts (
         customer_id text, invoice_id text, gross bigint, net bigint, tax bigint, is_odd boolean,
         is_due boolean
       ) on commit delete rows""",
    """create temp table if not exists bill_documents (
         customer_id text, position int, kind text, name_ko text, name_en text, gross bigint, net bigint,
         tax bigint, tax_rule text
       ) on commit delete rows""",
)
CLEAN = "truncate bill_due, bill_rated, bill_after, bill_lines, bill_drafts, bill_documents"

# Contracts that are alike in everything that rating looks at share a shape; odd ones have one of their own.
DUE = """
insert into bill_due
select id, customer_id, seq,
  case when is_odd then -(row_number() over (order by is_odd, id))
       else dense_rank() over (order by is_odd, plan_id, plan_version, terms_key, quantity, percent_off,
                               starts_on, anchor_on, bill_day, billed_until) end,
  plan_id, plan_version, terms_key, quantity, percent_off, starts_on, anchor_on, bill_day, billed_until
from (
  select s.id, s.customer_id, s.seq, s.plan_id, s.plan_version, jsonb_hash_extended(s.terms, 0) as terms_key,
    s.quantity, s.percent_off, s.starts_on, s.anchor_on, s.bill_day, s.billed_until,
    s.ends_on is not null
      or exists (select 1 from subscription_pauses p where p.subscription_id = s.id)
      or exists (select 1 from subscription_suspensions f where f.subscription_id = s.id
                 and f.free_from is not null and coalesce(f.until_on, 'infinity') > s.billed_until)
      or exists (select 1 from subscription_changes x where x.status in ('requested', 'awaiting')
                 and x.subscription_id = coalesce(s.parent_id, s.id)) as is_odd
  from subscriptions s
  where s.customer_id between :from_id and :until_id and s.next_bill_on <= :day
  and s.status in ('active', 'paused', 'suspended')
) mine"""

PLAN = """
insert into bill_slices (run_id, number, from_id, until_id, expected, status)
select :run_id, (place - 1) / :size + 1, min(customer_id), max(customer_id), count(*), 'open'
from (select customer_id, row_number() over (order by customer_id) as place from (
        select customer_id from subscriptions
        where next_bill_on <= :day and status in ('active', 'paused', 'suspended')
        union
        select customer_id from subscription_charges
        where document_id is null and not is_void and gross_minor <> 0) candidates) placed
group by (place - 1) / :size on conflict do nothing"""
CONTRACTS_WITHIN = """
select count(*) from subscriptions s
where s.customer_id between :from_id and :until_id and s.next_bill_on <= :day
  and s.status in ('active', 'paused', 'suspended')"""
WITHIN = """
select s.customer_id from subscriptions s
where s.customer_id between :from_id and :until_id and s.next_bill_on <= :day
  and s.status in ('active', 'paused', 'suspended')
union
select c.customer_id from subscription_charges c
where c.customer_id between :from_id and :until_id and c.document_id is null and not c.is_void order by 1"""

SHAPES = """
select distinct on (shape) shape, id, plan_id, plan_version, terms_key, quantity, percent_off, starts_on,
  anchor_on, bill_day, billed_until
from bill_due order by shape, id"""
TERMS = "select id, terms from subscriptions where id = any(:ids)"
ODD = """
select s.id, s.customer_id, s.terms, s.quantity, s.percent_off, s.starts_on, s.anchor_on, s.bill_day,
  s.billed_until, s.ends_on, s.created_at, d.shape,
  (select min(x.effective_on) from subscription_changes x where x.status in ('requested', 'awaiting')
   and x.subscription_id = coalesce(s.parent_id, s.id)) as hold_on,
  array(select p.from_on from subscription_pauses p where p.subscription_id = s.id order by 1) as pause_from,
  array(select coalesce(p.until_on, 'infinity'::date)::text from subscription_pauses p
        where p.subscription_id = s.id order by p.from_on) as pause_until,
  array(select f.free_from from subscription_suspensions f
        where f.subscription_id = s.id and f.free_from is not null order by f.from_on, f.id) as free_from,
  array(select coalesce(f.until_on, 'infinity'::date)::text from subscription_suspensions f
        where f.subscription_id = s.id and f.free_from is not null order by f.from_on, f.id) as free_until
from bill_due d join subscriptions s on s.id = d.id where d.shape < 0 order by s.id"""

RATED = """
insert into bill_rated select * from unnest(
  cast(:shape as int[]), cast(:kind as text[]), cast(:line_kind as text[]), cast(:name_ko as text[]),
  cast(:name_en as text[]), cast(:gross as bigint[]), cast(:net as bigint[]), cast(:tax as bigint[]),
  cast(:tax_rule as text[]), cast(:from_on as date[]), cast(:until_on as date[]), cast(:basis as text[]))"""
AFTER = """
insert into bill_after select * from unnest(
  cast(:shape as int[]), cast(:billed_until as date[]), cast(:next_bill_on as date[]),
  cast(:steps as int[]))"""

PARKED = "delete from bill_due where customer_id = any(:parked) returning customer_id"
CUSTOMERS_OF = "select distinct customer_id, shape from bill_due where shape = any(:shapes)"

# What was counted for contracts that are metered, up to the day that their bill reaches.
METERED = """
select d.id, d.customer_id, d.shape, min(u.used_on) as from_on, sum(u.quantity)::bigint as quantity
from bill_due d
join unnest(cast(:shapes as int[]), cast(:until as date[])) m (shape, until_on) on m.shape = d.shape
join usage_records u on u.subscription_id = d.id and u.charge_id is null and u.used_on < m.until_on
group by d.id, d.customer_id, d.shape"""
USAGE_LINES = """
insert into bill_lines select customer_id, id, subscription_id, 'usage', 'usage', name_ko, name_en, gross,
  net,
  tax, tax_rule, from_on, until_on, basis, true, false
from unnest(
  cast(:customer_id as text[]), cast(:id as text[]), cast(:subscription_id as text[]),
  cast(:name_ko as text[]),
  cast(:name_en as text[]), cast(:gross as bigint[]), cast(:net as bigint[]), cast(:tax as bigint[]),
  cast(:tax_rule as text[]), cast(:from_on as date[]), cast(:until_on as date[]), cast(:basis as text[])
) u (customer_id, id, subscription_id, name_ko, name_en, gross, net, tax, tax_rule, from_on, until_on,
  basis)"""
COUNT_USAGE = """
update usage_records u set charge_id = l.id from bill_lines l, bill_due d,
  unnest(cast(:shapes as int[]), cast(:until as date[])) m (shape, until_on)
where l.kind = 'usage' and l.is_new and d.id = l.subscription_id and m.shape = d.shape
  and u.subscription_id = d.id and u.charge_id is null and u.used_on < m.until_on"""

NEW_LINES = """
insert into bill_lines
select d.customer_id, d.id || ':' || to_char(r.from_on, 'YYYY-MM-DD'), d.id, r.kind, r.line_kind, r.name_ko,
  r.name_en, r.gross, r.net, r.tax, r.tax_rule, r.from_on, r.until_on, r.basis, true, false
from bill_due d join bill_rated r on r.shape = d.shape"""
# Charges that waited for this bill. Those of a change that makes an invoice of its own are not for us, unless
# that invoice was taken back.
OPEN_LINES = """
insert into bill_lines
select c.customer_id, c.id, c.subscription_id, c.kind, c.kind, c.name_ko, c.name_en, c.gross_minor,
  c.net_minor,
  c.tax_minor, c.tax_rule, c.from_on, c.until_on, c.basis, false,
  c.gross_minor < 0 or c.change_id is not null or c.kind not in ('recurring', 'proration', 'setup', 'usage')
from subscription_charges c
where c.customer_id between :from_id and :until_id and c.document_id is null and not c.is_void and
  c.gross_minor <> 0
  and c.customer_id <> all(cast(:parked as text[]))
  and (c.change_id is null or exists (
    select 1 from subscription_changes x where x.id = c.change_id and x.status = 'done'
      and (x.total_minor <= 0 or x.customer_id <> c.customer_id
           or exists (select 1 from invoices i where i.id = 'I' || x.id || '-1'))))"""
DRAFTS = """
insert into bill_drafts
select l.customer_id, :prefix || l.customer_id || :suffix, sum(l.gross), sum(l.net), sum(l.tax),
  bool_or(l.is_odd),
  bool_or(l.is_new)
from bill_lines l group by l.customer_id"""
HELD_DRAFTS = """
insert into bill_drafts
select distinct d.customer_id, '', 0, 0, 0, false, true from bill_due d
where not exists (select 1 from bill_drafts x where x.customer_id = d.customer_id)"""
# A credit that waits, of somebody for whom nothing is due, is no account of this run.
REST = """delete from bill_drafts x where not x.is_due and x.gross <= 0
  and not exists (select 1 from bill_due d where d.customer_id = x.customer_id)"""
ODD_LINES = """
select l.* from bill_lines l join bill_drafts x on x.customer_id = l.customer_id
where x.is_odd and x.gross > 0 order by l.customer_id, l.from_on, l.id"""
DOCUMENTS = """
insert into bill_documents select * from unnest(
  cast(:customer_id as text[]), cast(:position as int[]), cast(:kind as text[]), cast(:name_ko as text[]),
  cast(:name_en as text[]), cast(:gross as bigint[]), cast(:net as bigint[]), cast(:tax as bigint[]),
  cast(:tax_rule as text[]))"""
ODD_SUMS = """
update bill_drafts x set net = o.net, tax = o.tax
from (select customer_id, sum(net) as net, sum(tax) as tax from bill_documents group by customer_id) o
where o.customer_id = x.customer_id"""

COUNTS = """
select
  (select count(*) from bill_due) as contracts,
  (select count(*) from bill_due d join bill_after a on a.shape = d.shape where a.steps > 0) as charged,
  (select count(*) from bill_drafts) as accounts,
  (select count(*) from bill_drafts where gross > 0) as invoices,
  (select count(*) from bill_lines) as lines,
  (select coalesce(sum(l.gross), 0) from bill_lines l join bill_drafts using (customer_id)
   where l.is_new) as charged_minor,
  (select coalesce(sum(l.gross), 0) from bill_lines l join bill_drafts using (customer_id)
   where not l.is_new) as open_minor,
  (select coalesce(sum(gross), 0) from bill_drafts where gross <= 0) as carried_minor,
  (select coalesce(sum(gross), 0) from bill_drafts where gross > 0) as total_minor"""

SKIP = """
insert into bill_skips (run_id, customer_id, subscription_id, reason, is_error, detail, amount_minor,
  created_at)
{rows} on conflict (run_id, customer_id, subscription_id) do nothing"""
CARRIED = SKIP.format(
    rows="""
select :run_id, x.customer_id, '', case when x.gross < 0 then 'credit'
  when exists (select 1 from bill_due d join bill_after a on a.shape = d.shape
               where d.customer_id = x.customer_id and a.steps = 0) then 'open_change'
  when exists (select 1 from bill_due d join subscriptions s on s.id = d.id
               where d.customer_id = x.customer_id and s.status = 'suspended') then 'suspended'
  else 'nothing_to_pay' end, false, '', x.gross, :at
from bill_drafts x where x.gross <= 0"""
)
HELD = SKIP.format(
    rows="""
select :run_id, d.customer_id, d.id, 'open_change', false, '', 0, :at
from bill_due d join bill_after a on a.shape = d.shape where a.steps = 0"""
)
PARK = SKIP.format(
    rows="""
select :run_id, parked.id, '', :reason, true, parked.detail, 0, :at
from unnest(cast(:ids as text[]), cast(:details as text[])) parked (id, detail)"""
)

CHARGES = """
insert into subscription_charges (id, subscription_id, customer_id, change_id, kind, name_ko, name_en,
  gross_minor,
  net_minor, tax_minor, tax_rule, currency, from_on, until_on, basis, is_credit, is_void, document_id,
  created_at)
select l.id, l.subscription_id, l.customer_id, null, l.kind, l.name_ko, l.name_en, l.gross, l.net, l.tax,
  l.tax_rule, 'KRW', l.from_on, l.until_on, l.basis, false, false,
  case when x.gross > 0 then x.invoice_id end, :at
from bill_lines l join bill_drafts x on x.customer_id = l.customer_id where l.is_new"""
TAKEN = """
update subscription_charges c set document_id = x.invoice_id from bill_lines l, bill_drafts x
where x.customer_id = l.customer_id and x.gross > 0 and not l.is_new and c.id = l.id
  and c.customer_id between :from_id and :until_id and c.document_id is null and not c.is_void"""
TO_TAKE = """select count(*) from bill_lines l join bill_drafts x on x.customer_id = l.customer_id
where not l.is_new and x.gross > 0"""
FORWARD = """
update subscriptions s set billed_until = a.billed_until, next_bill_on = a.next_bill_on, seq = s.seq + a.steps
from bill_due d join bill_after a on a.shape = d.shape
where s.id = d.id and s.seq = d.seq and a.steps > 0 and s.customer_id between :from_id and :until_id"""
POSTED = """
with made as (
  insert into ledger_transactions (source, purpose, customer_id, posted_on, posted_at)
  select 'invoice:' || invoice_id, 'issue', customer_id, (select posting_day(cast(:posted_on as date))), :at
  from bill_drafts where gross > 0
  returning id, customer_id)
insert into ledger_entries (transaction_id, position, account, debit_minor, credit_minor, currency)
select m.id, e.position, e.account, e.debit, e.credit, 'KRW'
from made m join bill_drafts x on x.customer_id = m.customer_id
cross join lateral (values (1, 'receivable', x.gross, 0), (2, 'revenue', 0, x.net), (3, 'vat_payable', 0,
  x.tax)
) e (position, account, debit, credit)
where e.debit + e.credit > 0"""
SOLVED = """
update bill_skips k set solved_at = :at, invoice_id = x.invoice_id from bill_drafts x
where k.customer_id = x.customer_id and k.is_error and k.solved_at is null and x.invoice_id <> ''"""

# Last, because everybody else who needs a number waits from here to the commit.
NUMBERS = """
insert into number_series (series, last) values (:series, :count)
on conflict (series) do update set last = number_series.last + excluded.last returning last"""
LATEST = "select issued_on from invoices where number = :number"
DUE_DAYS = """
select distinct a.due_days from billing_accounts a where a.customer_id between :from_id and :until_id"""
INVOICES = """
insert into invoices (id, number, run_id, customer_id, status, currency, net_minor, tax_minor, total_minor,
  issued_on, due_at, created_at, seq)
select x.invoice_id,
  :series || '-' || to_char(:before + row_number() over (order by x.customer_id), 'FM999999000000'),
  :run_id, x.customer_id, 'issued', 'KRW', x.net, x.tax, x.gross, :issued_on, w.due_at, :at, 1
from bill_drafts x left join billing_accounts a on a.customer_id = x.customer_id
join unnest(cast(:due_days as int[]), cast(:due_at as timestamptz[])) w (days, due_at)
  on w.days = coalesce(a.due_days, :default_days)
where x.gross > 0"""
INVOICE_LINES = """
insert into invoice_lines (invoice_id, position, kind, name_ko, name_en, quantity, unit_minor, gross_minor,
  net_minor, tax_minor, tax_rule)
select x.invoice_id, row_number() over (partition by x.customer_id order by l.from_on, l.id), l.line_kind,
  l.name_ko, l.name_en, 1, l.gross, l.gross, l.net, l.tax, l.tax_rule
from bill_lines l join bill_drafts x on x.customer_id = l.customer_id
where x.gross > 0 and not x.is_odd and l.gross <> 0
union all
select x.invoice_id, o.position, o.kind, o.name_ko, o.name_en, 1, o.gross, o.gross, o.net, o.tax, o.tax_rule
from bill_documents o join bill_drafts x on x.customer_id = o.customer_id"""
