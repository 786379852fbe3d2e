"""Duplicates: pairs that look alike, merges with every moved row's value before, and one root for every reference."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

TABLES = """
alter table customers add column root varchar references customers (id);
alter table customers add constraint root_is_another check (root <> id);
create index ix_customers_root on customers (root) where root is not null;

create table customer_pairs (
  id varchar primary key,
  first_id varchar not null references customers (id),
  second_id varchar not null references customers (id),
  score integer not null,
  reasons text[] not null,
  likeness text not null,
  status varchar(32) not null constraint pairstatus check (status in ('open', 'not_the_same', 'merged')),
  found_at timestamptz not null,
  found_by text not null,
  decided_by text,
  decided_at timestamptz,
  constraint pair_in_order check (first_id < second_id),
  constraint one_pair unique (first_id, second_id)
);
create index pairs_open on customer_pairs (score, id) where status = 'open';
create index ix_customer_pairs_second_id on customer_pairs (second_id);

create table customer_merges (
  id varchar primary key,
  pair_id varchar not null references customer_pairs (id),
  survivor_id varchar not null references customers (id),
  loser_id varchar not null references customers (id),
  taken text[] not null,
  versions integer[] not null,
  reason text not null,
  status varchar(32) not null constraint mergestatus check (status in
    ('asked', 'waiting', 'confirming', 'merged', 'kept', 'undone', 'refused')),
  needs_second boolean not null,
  against text[] not null,
  counts jsonb not null,
  asked_by text not null,
  asked_at timestamptz not null,
  confirmed_by text,
  merged_at timestamptz,
  undone_at timestamptz,
  undone_by text,
  undo_reason text not null,
  undo_until timestamptz,
  seq integer not null,
  constraint two_customers check (survivor_id <> loser_id),
  constraint another_person_agrees check (confirmed_by <> asked_by),
  constraint merged_when_agreed check (status not in ('merged', 'kept', 'undone') or not needs_second
    or confirmed_by is not null)
);
create unique index one_merge_of_pair on customer_merges (pair_id)
  where status in ('asked', 'waiting', 'confirming', 'merged');
create index merges_by_survivor on customer_merges (survivor_id);
create index merges_by_loser on customer_merges (loser_id);
create index merges_by_pair on customer_merges (pair_id, asked_at);

create table customer_moves (
  merge_id varchar not null references customer_merges (id),
  table_name text not null,
  key text not null,
  column_name text not null,
  before jsonb not null,
  after jsonb not null,
  moved_at timestamptz not null,
  born_after boolean not null,
  undone_at timestamptz,
  primary key (merge_id, table_name, key, column_name)
);
create index moves_that_stand on customer_moves (table_name, (key::jsonb ->> 'id'), moved_at) where undone_at is null;
"""

# By which letters two records may be one person: whoever shares none of them is never compared. No key stands for
# many people: a name only together with a number, a mailbox or a home.
KEYS = r"""
create function ieum_pair_keys(name text, phone text, given text, email text, postcode text, address text)
returns text[] language sql immutable parallel safe cost 200 as $$
  select array_remove(array[
    case when length(public.ieum_digits(phone)) >= 8 then 'p' || right(public.ieum_digits(phone), 8) end,
    case when length(public.ieum_digits(given)) >= 8 then 'p' || right(public.ieum_digits(given), 8) end,
    case when public.ieum_mailbox(email) <> '' then 'm' || public.ieum_mailbox(email) end,
    case when length(split_part(public.ieum_mailbox(email), '@', 1)) >= 4
      then 'n' || public.ieum_plain(name) || '@' || split_part(public.ieum_mailbox(email), '@', 1) end,
    case when length(public.ieum_digits(phone)) >= 8
      then 'l' || public.ieum_plain(name) || right(public.ieum_digits(phone), 4) end,
    case when length(public.ieum_digits(phone)) >= 8
      then 'f' || public.ieum_plain(name) || left(right(public.ieum_digits(phone), 8), 4) end,
    case when postcode <> '' then 'h' || public.ieum_plain(name) || postcode end,
    case when postcode <> '' and length(public.ieum_plain(address)) >= 8
      then 'a' || postcode || md5(public.ieum_plain(address)) end
  ], null)
$$;
"""
LETTERS = r"""
create function ieum_digits(said text) returns text language sql immutable strict parallel safe as $$
  select regexp_replace(said, '[^0-9]', '', 'g')
$$;
create function ieum_mailbox(said text) returns text language sql immutable strict parallel safe as $$
  select regexp_replace(split_part(split_part(lower(said), '@', 1), '+', 1), '[._-]', '', 'g')
    || '@' || split_part(lower(said), '@', 2)
  where said like '_%@_%'
$$;
"""
INDEX = """
create index customers_by_pair_keys on customers using gin
  (ieum_pair_keys(name, phone, phone_as_given, email, postcode, address)) where root is null and erased_at is null;
"""

# Whoever still knows the old id writes for the one that is left; what was born so is noted, for the way back.
ROOT = """
create function customer_is_the_root() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  named text := tg_argv[0];
  said text := to_jsonb(new) ->> named;
  theirs text;
begin
  if said is null then return new; end if;
  select root into theirs from customers where id = said for key share;
  if theirs is null then return new; end if;
  insert into customer_moves (merge_id, table_name, key, column_name, before, after, moved_at, born_after)
  select m.id, tg_table_name, ieum_key_of(tg_relid, to_jsonb(new))::text, named, to_jsonb(said), to_jsonb(theirs),
    clock_timestamp(), true
  from customer_merges m where m.loser_id = said and m.status in ('merged', 'kept')
  order by m.merged_at desc limit 1
  on conflict do nothing;
  new := jsonb_populate_record(new, jsonb_build_object(named, theirs));
  return new;
end $$;

create function ieum_key_of(tbl oid, said jsonb) returns jsonb language sql stable as $$
  select jsonb_object_agg(a.attname, said -> a.attname::text) from pg_catalog.pg_index i
  join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
  where i.indrelid = tbl and i.indisprimary
$$;

-- A customer's account in the books stays with the invoice that it was written for, also while they are merged.
create function account_stays_with_its_invoice() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  kind text := split_part(new.source, ':', 1);
  told text := substr(new.source, length(split_part(new.source, ':', 1)) + 2);
  invoice text;
  first text;
begin
  if not exists (select 1 from customers where root = new.customer_id)
     and not exists (select 1 from customers where id = new.customer_id and root is not null) then
    return new;
  end if;
  invoice := case kind
    when 'invoice' then told
    when 'attempt' then (select invoice_id from payment_attempts where id = told)
    when 'credit' then (select invoice_id from credit_notes where id = told)
    when 'refund' then (select invoice_id from refunds where id = told)
    when 'deposit' then (select kept_from from deposits where id = told) end;
  select before #>> '{}' into first from customer_moves where table_name = 'invoices' and key::jsonb ->> 'id' = invoice
    and column_name = 'customer_id' and undone_at is null order by moved_at limit 1;
  new.customer_id := coalesce(first, new.customer_id);
  return new;
end $$;
create trigger account_stays_with_its_invoice before insert on ledger_transactions
  for each row execute function account_stays_with_its_invoice();
"""
# (table, column) that a reference to a customer is born in and that a merge moves.
LANDS = (
    ("accounts", "customer_id"), ("billing_accounts", "customer_id"), ("consents", "customer_id"),
    ("credit_notes", "customer_id"), ("customer_notes", "customer_id"), ("deposits", "customer_id"),
    ("device_faults", "customer_id"), ("phone_calls", "customer_id"),
    ("dunning_cases", "customer_id"), ("dunning_holds", "customer_id"), ("invoices", "customer_id"),
    ("mandates", "customer_id"), ("orders", "customer_id"), ("owned_products", "customer_id"),
    ("payment_attempts", "customer_id"), ("payment_methods", "customer_id"), ("privacy_requests", "customer_id"),
    ("promises_to_pay", "customer_id"), ("refunds", "customer_id"), ("returns", "customer_id"),
    ("signed_links", "customer_id"), ("signups", "customer_id"), ("subscription_changes", "customer_id"),
    ("subscription_changes", "other_customer_id"), ("subscription_charges", "customer_id"),
    ("subscription_suspensions", "customer_id"), ("subscriptions", "customer_id"), ("tax_documents", "customer_id"),
    ("tickets", "customer_id"), ("timeline_entries", "customer_id"), ("transfer_rows", "customer_id"),
    ("visits", "customer_id"), ("virtual_accounts", "customer_id"), ("waits", "customer_id"),
    ("write_offs", "customer_id"),
)  # fmt: skip

# The only hand that moves rows of final documents: it needs a merge that stands, and writes down every value before.
MOVE = """
create function ieum_move_rows(which text, tbl text, col text, from_value text, into_value text, only_where text)
returns bigint language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare moved bigint; keys text;
begin
  if not exists (select 1 from customer_merges m join customers c on c.id = m.loser_id
                 where m.id = which and m.status = 'merged' and c.root = m.survivor_id) then
    raise exception 'no such merge' using errcode = 'check_violation';
  end if;
  perform set_config('ieum.moving', which, true);
  select string_agg(format('%L, t.%I', a.attname, a.attname), ', ') into keys from pg_catalog.pg_index i
  join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
  where i.indrelid = format('public.%I', tbl)::regclass and i.indisprimary;
  execute format('with moved as (update public.%I t set %I = $2 where t.%I = $1 and (%s)
      returning jsonb_build_object(%s)::text as key)
    insert into customer_moves (merge_id, table_name, key, column_name, before, after, moved_at, born_after)
    select $3, %L, key, %L, to_jsonb($1), to_jsonb($2), clock_timestamp(), false from moved',
    tbl, col, col, case only_where when 'alone' then 'not exists (select 1 from public.' || quote_ident(tbl)
      || ' o where o.' || quote_ident(col) || ' = $2)' else 'true' end, keys, tbl, col)
    using from_value, into_value, which;
  get diagnostics moved = row_count;
  perform set_config('ieum.moving', '', true);
  return moved;
end $$;

create function ieum_move_back(which text) returns bigint language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
declare one record; total bigint := 0; done bigint; told text; sort text;
begin
  if not exists (select 1 from customer_merges m join customers c on c.id = m.loser_id
                 where m.id = which and m.status = 'undone' and c.root is null) then
    raise exception 'no such merge' using errcode = 'check_violation';
  end if;
  perform set_config('ieum.moving', which, true);
  for one in select distinct table_name, column_name, (select array_agg(k order by k)
               from jsonb_object_keys(key::jsonb) k) as names
             from customer_moves where merge_id = which and undone_at is null and table_name <> 'customers'
             order by table_name, column_name loop
    select string_agg(format('t.%I = (m.key::jsonb ->> %L)::%s', n, n, pg_catalog.format_type(a.atttypid, a.atttypmod)), ' and ')
      into told from unnest(one.names) n join pg_catalog.pg_attribute a
      on a.attrelid = format('public.%I', one.table_name)::regclass and a.attname = n;
    select pg_catalog.format_type(a.atttypid, a.atttypmod) into sort from pg_catalog.pg_attribute a
      where a.attrelid = format('public.%I', one.table_name)::regclass and a.attname = one.column_name;
    execute format('update public.%I t set %I = (m.before #>> ''{}'')::%s from customer_moves m
      where m.merge_id = $1 and m.table_name = %L and m.column_name = %L and m.undone_at is null and %s
        and to_jsonb(t.%I) = m.after', one.table_name, one.column_name, sort, one.table_name, one.column_name,
      told, one.column_name) using which;
    get diagnostics done = row_count;
    total := total + done;
  end loop;
  update customer_moves set undone_at = clock_timestamp() where merge_id = which and undone_at is null;
  perform set_config('ieum.moving', '', true);
  return total;
end $$;

-- What hangs on something that went back goes back with it; documents of money stay as they were addressed.
create function ieum_go_along(tbl text, col text, along text, parent text, born text, into_value text, from_value text,
  since timestamptz)
returns bigint language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare moved bigint;
begin
  if not exists (select 1 from customer_merges m where m.loser_id = into_value and m.survivor_id = from_value
                 and m.status = 'undone') then
    raise exception 'no such merge' using errcode = 'check_violation';
  end if;
  perform set_config('ieum.moving', 'along', true);
  execute format('update public.%I t set %I = $1 where t.%I = $2 and t.%I >= $3 and exists
    (select 1 from public.%I p where p.id = t.%I and p.customer_id = $1)', tbl, col, col, born, parent, along)
    using into_value, from_value, since;
  get diagnostics moved = row_count;
  perform set_config('ieum.moving', '', true);
  return moved;
end $$;
revoke execute on function ieum_move_rows, ieum_move_back, ieum_go_along from public;
grant execute on function ieum_move_rows, ieum_move_back, ieum_go_along to ieum_worker;
"""
# Final is what a document says; whose it is moves with its customer, by that hand alone.
FINAL = """
create function ieum_is_moving() returns boolean language sql stable as $$
  select coalesce(current_setting('ieum.moving', true), '') <> '' and current_user not in ('ieum_app', 'ieum_worker')
$$;
create or replace function invoice_is_final() returns trigger language plpgsql as $$
begin
  if (new.number, new.net_minor, new.tax_minor, new.total_minor, new.currency, new.issued_on)
     is distinct from (old.number, old.net_minor, old.tax_minor, old.total_minor, old.currency, old.issued_on)
     or (new.customer_id <> old.customer_id and not public.ieum_is_moving()) then
    raise exception 'invoice % is final', old.id using errcode = 'check_violation';
  end if;
  return new;
end $$;
create or replace function case_keeps_its_policy() returns trigger language plpgsql as $$
begin
  if new.policy_version <> old.policy_version or (old.status <> 'open' and new.status <> old.status)
     or (new.customer_id <> old.customer_id and not public.ieum_is_moving()) then
    raise exception 'a dunning case keeps its policy and its end' using errcode = 'check_violation';
  end if;
  return new;
end $$;
"""


def me(name: str) -> str:
    """A setting of the asking person, read once per query; never set and empty are both NULL."""
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


STAFF = f"{me('kind')} = 'staff'"
ROLES = "(select string_to_array(current_setting('ieum.roles', true), ',') && array['agent', 'dispatcher', 'admin'])"
DESK = f"({STAFF} and {ROLES})"
INTAKE = f"""
create or replace function intake_customer(given_phone text, given_email text) returns text
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select coalesce(root, id) from customers where {me("kind")} in ('intake', 'staff')
    and ((given_phone <> '' and phone = given_phone
          and (is_verified or phone_proved_at is not null or coalesce(email, given_email) = given_email))
      or (given_email <> '' and email = given_email
          and (is_verified or email_proved_at is not null or coalesce(phone, given_phone) = given_phone)))
  order by (given_phone <> '' and phone = given_phone) desc, id limit 1
$$;
"""
# What the desk has to know before it merges, in numbers only: much of it lies in rooms that it does not enter.
COUNTED = ("tickets", "orders", "subscriptions", "invoices", "payment_attempts", "deposits", "owned_products", "visits",
           "consents", "customer_notes", "accounts", "payment_methods")  # fmt: skip
PER_TABLE = ", ".join(
    f"'{table}', jsonb_build_array((select count(*) from {table} where customer_id = one),"
    f" (select count(*) from {table} where customer_id = other))"
    for table in COUNTED
)
FACTS = f"""
create function ieum_merge_facts(one text, other text) returns jsonb language sql stable
security definer set search_path = pg_catalog, public, pg_temp as $$
  select jsonb_build_object(
    'counts', jsonb_build_object({PER_TABLE}, 'waits', jsonb_build_array(
      (select count(distinct workflow_id) from waits where customer_id = one and ended_at is null),
      (select count(distinct workflow_id) from waits where customer_id = other and ended_at is null))),
    'signs_in', jsonb_build_array(exists (select 1 from accounts where customer_id = one and is_active),
      exists (select 1 from accounts where customer_id = other and is_active)),
    'against', jsonb_build_object(
      'erased', exists (select 1 from customers where id in (one, other) and erased_at is not null),
      'merged', exists (select 1 from customers where id in (one, other) and root is not null),
      'privacy', exists (select 1 from privacy_requests where customer_id in (one, other)
        and status in ('received', 'working')),
      'dunning', (select count(*) > 1 from dunning_cases where customer_id in (one, other) and status = 'open'),
      'billing', exists (select 1 from bill_runs where status in ('planned', 'running', 'paused') and not is_preview),
      'parked', exists (select 1 from bill_skips where customer_id in (one, other) and is_error and solved_at is null),
      'transfer', exists (select 1 from subscription_changes where customer_id in (one, other)
        and other_customer_id in (one, other) and status not in ('done', 'cancelled'))))
  where {STAFF}
$$;
revoke execute on function ieum_merge_facts from public;
grant execute on function ieum_merge_facts to ieum_app;
"""
POLICIES = {
    "customer_pairs": {"select": STAFF, "update": DESK},
    "customer_merges": {
        "select": STAFF,
        "insert": f"{DESK} and status = 'asked' and asked_by = {me('person')} and confirmed_by is null",
    },
    "customer_moves": {},
}
COMMANDS = {"select": "using ({0})", "insert": "with check ({0})", "update": "using ({0}) with check ({0})"}


def guard(table: str, commands: dict[str, str]) -> None:
    """Row-level security, forced, and the grants of the two roles."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
    op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
    op.execute(f"grant select, insert, update on {table} to ieum_worker")
    op.execute(f"grant select on {table} to ieum_app")
    for command, condition in commands.items():
        name = "app_sees" if command == "select" else f"app_{command}s"
        op.execute(f"create policy {name} on {table} for {command} to ieum_app {COMMANDS[command].format(condition)}")


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(LETTERS)
    op.execute(KEYS)
    op.execute(INDEX)
    op.execute(ROOT)
    for table, column in LANDS:
        op.execute(
            f"create trigger a_{column}_is_the_root before insert on {table} for each row"
            f" execute function customer_is_the_root('{column}')"
        )
    op.execute(MOVE)
    op.execute(FINAL)
    op.execute(INTAKE)
    op.execute(FACTS)
    for table, commands in POLICIES.items():
        guard(table, commands)
    op.execute("grant update (status, decided_by, decided_at) on customer_pairs to ieum_app")
    op.execute("grant insert on customer_merges to ieum_app")
    op.execute("create policy nobody_is_born_merged on customers as restrictive for insert to ieum_app with check (root is null)")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
