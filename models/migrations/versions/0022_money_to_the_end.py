"""What is left of money: contracts that are switched off are billed for nothing."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

DUE = """
drop index subscriptions_due;
create index subscriptions_due on subscriptions (next_bill_on, id)
  where status in ('active', 'paused', 'suspended');
"""
KEPT = """
alter table deposits
  add column kept_from varchar unique references invoices (id),
  add column credit_note_id varchar references credit_notes (id);
create index deposits_kept on deposits (customer_id) where status = 'kept';
"""
TAX = """
create table tax_documents (
  id varchar primary key,
  invoice_id varchar not null references invoices (id),
  customer_id varchar not null references customers (id),
  credit_note_id varchar references credit_notes (id),
  kind varchar(32) not null constraint taxdocument check (kind in ('card_slip', 'cash_receipt', 'tax_invoice')),
  operation varchar(32) not null constraint taxoperation check (operation in ('issue', 'amend')),
  original text not null default '',
  status varchar(32) not null
    constraint taxstatus check (status in ('waiting', 'unknown', 'issued', 'parked', 'void')),
  net_minor bigint not null,
  tax_minor bigint not null,
  total_minor bigint not null,
  written_on date not null,
  issue_by date not null,
  number text not null default '',
  code text not null default '',
  lookups integer not null default 0,
  created_at timestamptz not null,
  asked_at timestamptz,
  look_up_at timestamptz,
  settled_at timestamptz,
  constraint tax_adds_up check (total_minor = net_minor + tax_minor and total_minor > 0)
);
create index tax_by_invoice on tax_documents (invoice_id);
create index tax_open on tax_documents (status, id) where status in ('waiting', 'unknown', 'parked');
create unique index tax_by_note on tax_documents (credit_note_id) where credit_note_id is not null;
"""
# The day on which an invoice is collected: the account's own day of the month, never after it is due.
COLLECT = """
alter table billing_accounts add column collect_day integer
  constraint a_day_to_collect check (collect_day between 1 and 31);
grant insert (collect_day), update (collect_day) on billing_accounts to ieum_app;
create function collect_on(issued_on date, due_at timestamptz, collect_day integer) returns date
language sql immutable as $$
  select case when collect_day is null then (due_at at time zone 'Asia/Seoul')::date
    else (
      select least(min(first + least(collect_day, until - first) - 1), (due_at at time zone 'Asia/Seoul')::date)
      from (select (date_trunc('month', issued_on) + make_interval(months => n))::date as first,
              (date_trunc('month', issued_on) + make_interval(months => n + 1))::date as until
            from generate_series(0, 1) n) months
      where first + least(collect_day, until - first) - 1 >= issued_on) end
$$;
"""


def me(name: str) -> str:
    """A setting of the asking person, read once per query; never set and empty are both NULL."""
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


SELLS = (
    f"({me('kind')} = 'staff' and (select string_to_array(current_setting('ieum.roles', true), ',')"
    " && array['agent', 'dispatcher', 'finance', 'admin']))"
)


def guard(table: str, sees: str) -> None:
    """Who is said sees it; the worker writes it."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
    op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
    op.execute(f"grant select, insert, update, delete on {table} to ieum_worker")
    op.execute(f"create policy app_sees on {table} for select to ieum_app using ({sees})")
    op.execute(f"grant select on {table} to ieum_app")


def upgrade() -> None:
    op.execute(TAX)
    op.execute(COLLECT)
    guard("tax_documents", SELLS)
    for table in ("inbox", "system_calls", "sent_messages"):
        learn(table, "system", "system", "tax")
    op.execute(DUE)
    learn("deposits", "status", "depositstatus", "kept")
    op.execute(KEPT)
    learn("bill_skips", "reason", "skipreason", "suspended")


def learn(table: str, column: str, name: str, *words: str) -> None:
    """Add words to the list of a column, whatever the list already holds."""
    asked = sa.text(
        "select pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid = cast(:table as regclass) and conname = :name"
    )
    told = op.get_bind().execute(asked, {"table": table, "name": name}).scalar() or ""
    known = dict.fromkeys([*re.findall(r"'([a-z_]+)'", told), *words])
    listed = ", ".join(f"'{word}'" for word in known)
    op.execute(f"alter table {table} drop constraint {name}")
    op.execute(f"alter table {table} add constraint {name} check ({column} in ({listed}))")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
