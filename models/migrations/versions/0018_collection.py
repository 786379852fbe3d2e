"""Collecting from many customers at once: what a collection is, and what it knows of its attempts."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def me(name: str) -> str:
    """A setting of the asking person, read once per query; never set and empty are both NULL."""
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


FINANCE = (
    f"({me('kind')} = 'staff' and (select string_to_array(current_setting('ieum.roles', true), ',')"
    " && array['finance', 'admin']))"
)

TABLES = """
create table collection_rules (
  version integer primary key,
  terms jsonb not null,
  author_id text not null default '',
  created_at timestamptz not null
);
insert into collection_rules (version, terms, created_at) values (1, '{}', now());
create table collections (
  id varchar primary key,
  day date not null,
  run_id text not null default '',
  status varchar(32) not null constraint collectionstatus check (status in ('running', 'paused', 'done')),
  policy jsonb not null,
  started_at timestamptz not null,
  ended_at timestamptz,
  waits_for text not null default '',
  waits_until timestamptz,
  seq integer not null default 0
);
"""
BANK = """
create table mandates (
  method_id varchar primary key references payment_methods (id),
  customer_id varchar not null references customers (id),
  bank text not null,
  consent text not null,
  consented_at timestamptz not null
);
create index ix_mandates_customer_id on mandates (customer_id);
create table transfer_batches (
  id varchar primary key,
  kind varchar(32) not null constraint batchkind check (kind in ('registration', 'debit')),
  day date not null,
  status varchar(32) not null constraint batchstatus
    check (status in ('filling', 'ready', 'sent', 'missed', 'done', 'empty')),
  cut_off timestamptz not null,
  result_due timestamptz not null,
  begun_at timestamptz not null,
  sent_at timestamptz,
  ended_at timestamptz,
  seq integer not null default 0,
  unique (kind, day)
);
create table transfer_rows (
  batch_id varchar references transfer_batches (id),
  number integer,
  method_id varchar not null references payment_methods (id),
  customer_id varchar not null references customers (id),
  attempt_id varchar references payment_attempts (id),
  amount_minor bigint not null default 0,
  status varchar(32) not null constraint rowstatus check (status in ('waiting', 'done', 'refused', 'missed')),
  code text not null default '',
  settled_at timestamptz,
  primary key (batch_id, number)
);
create index rows_by_method on transfer_rows (method_id);
create unique index one_row_per_attempt on transfer_rows (attempt_id) where attempt_id is not null;
create table transfer_oddities (
  batch_id varchar references transfer_batches (id),
  kind text,
  place integer,
  code text not null default '',
  found_at timestamptz not null,
  primary key (batch_id, kind, place)
);
"""
DEPOSITS = """
create sequence virtual_account_numbers start 10000001;
create table virtual_accounts (
  customer_id varchar primary key references customers (id),
  number text not null unique,
  issued_at timestamptz not null
);
create table deposits (
  id varchar primary key,
  account text not null,
  payer text not null default '',
  customer_id varchar references customers (id),
  amount_minor bigint not null constraint deposit_is_positive check (amount_minor > 0),
  returned_minor bigint not null default 0
    constraint returned_within_deposit check (returned_minor between 0 and amount_minor),
  currency text not null default 'KRW',
  status varchar(32) not null
    constraint depositstatus check (status in ('received', 'allocated', 'suspense', 'returned')),
  received_at timestamptz not null,
  seq integer not null default 0
);
create index deposits_by_status on deposits (status, received_at);
create index ix_deposits_customer_id on deposits (customer_id);
alter table ledger_transactions alter column customer_id drop not null;
create function system_deposit(given_id text, given_account text, given_amount bigint, given_payer text,
                               given_at timestamptz) returns void
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  insert into deposits (id, account, payer, customer_id, amount_minor, status, received_at)
  select given_id, given_account, given_payer,
    (select v.customer_id from virtual_accounts v where v.number = given_account), given_amount, 'received',
    given_at
  where (select current_setting('ieum.kind', true)) = 'system'
  on conflict do nothing
$$;
revoke execute on function system_deposit from public;
grant execute on function system_deposit to ieum_app;
"""
INDEXES = """
create index allocations_by_invoice on payment_allocations (invoice_id);
create index attempts_by_collection on payment_attempts (collection_id, status, id);
create index attempts_by_method on payment_attempts (method_id, settled_at) where method_id is not null;
create index attempts_to_ask on payment_attempts (collection_id, id)
  where status in ('created', 'not_sent') and asked_at is null;
create index attempts_to_look_up on payment_attempts (collection_id, look_up_at) where status = 'unknown';
create index attempts_to_tell on payment_attempts (collection_id, id)
  where told_at is null and status in ('succeeded', 'refused');
create index open_run_invoices on invoices (customer_id, id)
  where run_id is not null and status in ('issued', 'overdue');
"""
# News of a gateway about an attempt of a collection bring its look-up forward; nobody else is woken.
NEWS = """
drop function system_attempt(text);
create function system_attempt(given_id text)
returns table (invoice_id text, ticket_id text, amount_minor bigint, currency text, status text, seq int,
               is_collected boolean)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select a.invoice_id, i.ticket_id, a.amount_minor, a.currency, a.status::text, a.seq,
    a.collection_id is not null and (a.status in ('created', 'not_sent') or a.look_up_at is not null)
  from payment_attempts a join invoices i on i.id = a.invoice_id
  where a.id = given_id and (select current_setting('ieum.kind', true)) = 'system'
$$;
revoke execute on function system_attempt from public;
grant execute on function system_attempt to ieum_app;
create function system_collected_news(given_id text) returns void
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  update payment_attempts set look_up_at = least(look_up_at, now())
  where id = given_id and status = 'unknown' and look_up_at is not null
    and (select current_setting('ieum.kind', true)) = 'system'
$$;
revoke execute on function system_collected_news from public;
grant execute on function system_collected_news to ieum_app;
"""
GUARDED = (
    "collections",
    "collection_rules",
    "transfer_batches",
    "transfer_rows",
    "transfer_oddities",
    "deposits",
)
DESK = (
    f"({me('kind')} = 'staff' and (select string_to_array(current_setting('ieum.roles', true), ',')"
    " && array['agent', 'dispatcher', 'finance', 'admin']))"
)
MINE = f"({me('kind')} = 'customer' and customer_id = {me('customer')})"


def upgrade() -> None:
    op.execute(TABLES)
    op.add_column("payment_attempts", sa.Column("collection_id", sa.String(), nullable=True))
    op.create_foreign_key(None, "payment_attempts", "collections", ["collection_id"], ["id"])
    for name in ("asked_at", "look_up_at", "told_at"):
        op.add_column("payment_attempts", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("payment_attempts", sa.Column("absences", sa.Integer(), nullable=False, server_default="0"))
    op.execute(BANK)
    op.execute(DEPOSITS)
    op.execute(INDEXES)
    op.execute(NEWS)
    for table in ("inbox", "system_calls", "sent_messages"):
        learn(table, "system", "system", "bank")
    for table in GUARDED:
        guard(table)
    guard("mandates", f"{DESK} or {MINE}")
    guard("virtual_accounts", f"{DESK} or {MINE}")
    op.execute(f"create policy app_inserts on virtual_accounts for insert to ieum_app with check ({MINE})")
    op.execute("grant insert on virtual_accounts to ieum_app")
    op.execute(f"create policy app_inserts on mandates for insert to ieum_app with check ({MINE})")
    op.execute("grant insert on mandates to ieum_app")
    # The page seals an account's number and can never read it again.
    op.execute("grant insert (billing_key) on payment_methods to ieum_app")
    op.execute(f"create policy app_inserts on collection_rules for insert to ieum_app with check ({FINANCE})")
    op.execute("grant insert on collection_rules to ieum_app")
    op.execute("grant usage, select on all sequences in schema public to ieum_app, ieum_worker")


def learn(table: str, column: str, name: str, *words: str) -> None:
    """Add words to the list of a column, whatever the list already holds."""
    asked = (
        "select pg_get_constraintdef(oid) from pg_constraint where conrelid = :t::regclass and conname = :n"
    )
    asked = asked.replace(":t", f"'{table}'").replace(":n", f"'{name}'")
    told = op.get_bind().exec_driver_sql(asked).scalar() or ""
    known = dict.fromkeys([*re.findall(r"'([a-z_]+)'", told), *words])
    listed = ", ".join(f"'{word}'" for word in known)
    op.execute(f"alter table {table} drop constraint {name}")
    op.execute(f"alter table {table} add constraint {name} check ({column} in ({listed}))")


def guard(table: str, sees: str = FINANCE) -> None:
    """Finance sees it, or who else is said; the worker writes it."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
    op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
    op.execute(f"grant select, insert, update, delete on {table} to ieum_worker")
    op.execute(f"create policy app_sees on {table} for select to ieum_app using ({sees})")
    op.execute(f"grant select on {table} to ieum_app")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
