"""Overdue accounts: policies, cases, steps, promises, holds, write-offs; contracts switched off for a while."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLES = """
create table dunning_policies (
  version integer primary key,
  status varchar(32) not null constraint versionstatus check (status in ('draft', 'review', 'published', 'retired')),
  terms jsonb not null,
  effective_from date not null,
  author_id text not null,
  reviewer_id text,
  note text not null,
  created_at timestamptz not null,
  published_at timestamptz,
  seq integer not null
);
create trigger version_is_final before update on dunning_policies for each row execute function version_is_final();

create table dunning_cases (
  id varchar primary key,
  customer_id varchar not null references customers (id),
  policy_version integer not null references dunning_policies (version),
  status varchar(32) not null constraint casestatus check (status in ('open', 'paid', 'written_off', 'given_up')),
  stage text not null,
  currency text not null,
  opening_minor bigint not null constraint something_was_overdue check (opening_minor > 0),
  overdue_minor bigint not null,
  overdue_since date not null,
  opened_at timestamptz not null,
  next_step integer,
  next_kind varchar(32) constraint stepkind check (next_kind in ({kinds})),
  next_at timestamptz,
  suspended_at timestamptz,
  ended_at timestamptz,
  paid_at timestamptz,
  resumed_at timestamptz,
  seq integer not null
);
create unique index one_open_case on dunning_cases (customer_id) where status = 'open';
create index cases_by_stage on dunning_cases (status, stage, opened_at, id);
create index cases_by_customer on dunning_cases (customer_id, opened_at);

create table dunning_steps (
  case_id varchar not null references dunning_cases (id),
  position integer not null,
  kind varchar(32) not null constraint stepkind check (kind in ({kinds})),
  status varchar(32) not null constraint stepstatus check (status in ('done', 'skipped')),
  due_at timestamptz not null,
  at timestamptz not null,
  overdue_minor bigint not null,
  letter_key text not null,
  ticket_id text not null,
  reference text not null,
  reason text not null,
  primary key (case_id, position)
);

create table promises_to_pay (
  id varchar primary key,
  case_id varchar not null references dunning_cases (id),
  customer_id varchar not null references customers (id),
  amount_minor bigint not null constraint promise_is_positive check (amount_minor > 0),
  pay_on date not null,
  status varchar(32) not null constraint promisestatus check (status in ('open', 'kept', 'broken', 'withdrawn')),
  made_by text not null,
  created_at timestamptz not null,
  decided_at timestamptz
);
create index ix_promises_to_pay_case_id on promises_to_pay (case_id);
create unique index one_open_promise on promises_to_pay (case_id) where status = 'open';

create table dunning_holds (
  id varchar primary key,
  case_id varchar not null references dunning_cases (id),
  customer_id varchar not null references customers (id),
  kind varchar(32) not null constraint holdkind check (kind in ('dispute', 'hold')),
  invoice_id varchar references invoices (id),
  reason text not null,
  until_on date,
  status varchar(32) not null constraint holdstatus check (status in ('open', 'over')),
  made_by text not null,
  outcome text not null,
  created_at timestamptz not null,
  ended_at timestamptz
);
create index ix_dunning_holds_case_id on dunning_holds (case_id);
create unique index one_open_hold on dunning_holds (case_id, kind) where status = 'open';

create table write_offs (
  invoice_id varchar primary key references invoices (id),
  case_id varchar references dunning_cases (id),
  customer_id varchar not null references customers (id),
  amount_minor bigint not null constraint write_off_is_positive check (amount_minor > 0),
  currency text not null,
  reason text not null,
  decided_by text not null,
  at timestamptz not null
);
create index ix_write_offs_case_id on write_offs (case_id);

create table subscription_suspensions (
  id varchar primary key,
  subscription_id varchar not null references subscriptions (id),
  customer_id varchar not null references customers (id),
  case_id text not null,
  from_on date not null,
  until_on date,
  free_from date,
  off_at timestamptz,
  on_at timestamptz
);
create index ix_subscription_suspensions_subscription_id on subscription_suspensions (subscription_id);
create index ix_subscription_suspensions_case_id on subscription_suspensions (case_id);
create unique index one_open_suspension on subscription_suspensions (subscription_id) where until_on is null;

create sequence dunning_numbers start 100001;
"""
KINDS = "'notify', 'retry', 'call', 'suspend', 'terminate', 'retrieve', 'agency', 'write_off'"

# D2: the steps of a case go forward only, and nothing of a case that is over begins.
GUARDS = """
create function dunning_goes_forward() returns trigger language plpgsql as $$
begin
  if exists (select 1 from dunning_steps s where s.case_id = new.case_id and s.position > new.position) then
    raise exception 'a dunning case never goes back to an earlier step' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger dunning_goes_forward before insert on dunning_steps for each row execute function dunning_goes_forward();

create function case_keeps_its_policy() returns trigger language plpgsql as $$
begin
  if new.policy_version <> old.policy_version or new.customer_id <> old.customer_id
     or (old.status <> 'open' and new.status <> old.status) then
    raise exception 'a dunning case keeps its policy and its end' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger case_keeps_its_policy before update on dunning_cases for each row execute function case_keeps_its_policy();
"""


def me(name: str) -> str:
    """A setting of the asking person, read once per query; never set and empty are both NULL."""
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


def role(*names: str) -> str:
    """Whether somebody of our staff holds one of these roles."""
    listed = ", ".join(f"'{name}'" for name in names)
    return (
        f"({me('kind')} = 'staff' and (select string_to_array(current_setting('ieum.roles', true), ',')"
        f" && array[{listed}]))"
    )


SELLS = role("agent", "dispatcher", "finance", "admin")
MINE = f"({me('kind')} = 'customer' and customer_id = {me('customer')})"
POLICIES = {
    "dunning_policies": {
        "select": f"{me('kind')} = 'staff'", "insert": role("finance", "admin"), "update": role("finance", "admin"),
    },
    "dunning_cases": {"select": f"{SELLS} or {MINE}"},
    "dunning_steps": {"select": SELLS},
    "promises_to_pay": {"select": f"{SELLS} or {MINE}"},
    "dunning_holds": {"select": SELLS},
    "write_offs": {"select": SELLS},
    "subscription_suspensions": {"select": f"{SELLS} or {MINE}"},
}  # fmt: skip
COMMANDS = {"select": "using ({0})", "insert": "with check ({0})", "update": "using ({0}) with check ({0})"}


def guard(table: str, commands: dict[str, str]) -> None:
    """Row-level security, forced, and the grants of the two roles."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
    op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
    op.execute(f"grant select, insert, update, delete on {table} to ieum_worker")
    op.execute(f"grant select on {table} to ieum_app")
    for command, condition in commands.items():
        name = "app_sees" if command == "select" else f"app_{command}s"
        clause = COMMANDS[command].format(condition)
        op.execute(f"create policy {name} on {table} for {command} to ieum_app {clause}")


def learn(table: str, column: str, constraint: str, *words: str) -> None:
    """Let a column hold more words, beside those that it may hold already."""
    found = op.get_bind().execute(
        sa.text("select pg_get_constraintdef(oid) from pg_constraint where conname = :name and conrelid = cast(:table as regclass)"),
        {"name": constraint, "table": table},
    )  # fmt: skip
    known = re.findall(r"'([a-z_]+)'", str(found.scalar_one()))
    listed = ", ".join(f"'{word}'" for word in (*known, *words) if word)
    op.execute(f"alter table {table} drop constraint {constraint}")
    op.execute(f"alter table {table} add constraint {constraint} check ({column} in ({listed}))")


def upgrade() -> None:
    op.execute(TABLES.format(kinds=KINDS))
    op.execute(GUARDS)
    for table, commands in POLICIES.items():
        guard(table, commands)
    op.execute("grant insert on dunning_policies to ieum_app")
    op.execute(
        "grant update (status, terms, effective_from, reviewer_id, note, published_at, seq) on dunning_policies"
        " to ieum_app"
    )
    op.execute("revoke update, delete on write_offs, dunning_steps from ieum_worker")
    op.execute("grant usage, select on sequence dunning_numbers to ieum_worker")
    for table in ("inbox", "system_calls", "sent_messages"):
        learn(table, "system", "system", "service", "alimtalk")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
