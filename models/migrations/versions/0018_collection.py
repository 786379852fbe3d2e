"""Collecting from many customers at once: what a collection is, and what it knows of its attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0016"
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
INDEXES = """
create index attempts_by_collection on payment_attempts (collection_id, status, id);
create index failed_attempts_by_method on payment_attempts (method_id, settled_at)
  where status = 'refused' and method_id is not null;
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
GUARDED = ("collections", "collection_rules")


def upgrade() -> None:
    op.execute(TABLES)
    op.add_column("payment_attempts", sa.Column("collection_id", sa.String(), nullable=True))
    op.create_foreign_key(None, "payment_attempts", "collections", ["collection_id"], ["id"])
    for name in ("asked_at", "look_up_at", "told_at"):
        op.add_column("payment_attempts", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "payment_attempts", sa.Column("absences", sa.Integer(), nullable=False, server_default="0")
    )
    op.execute(INDEXES)
    op.execute(NEWS)
    for table in GUARDED:
        guard(table)
    op.execute(f"create policy app_inserts on collection_rules for insert to ieum_app with check ({FINANCE})")
    op.execute("grant insert on collection_rules to ieum_app")
    op.execute("grant usage, select on all sequences in schema public to ieum_app, ieum_worker")


def guard(table: str) -> None:
    """Finance sees it; the worker writes it."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
    op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
    op.execute(f"grant select, insert, update, delete on {table} to ieum_worker")
    op.execute(f"create policy app_sees on {table} for select to ieum_app using ({FINANCE})")
    op.execute(f"grant select on {table} to ieum_app")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
