"""What is promised to whom, clocks with their pauses, re-timing, and rules on tickets as data."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

STATUS = "('draft', 'review', 'published', 'retired')"
TABLES = f"""
alter table tickets add column reply_due timestamptz;
alter table tickets add column tags text[] not null default '{{}}';

create table promise_policies (
  version integer primary key,
  status varchar(32) not null constraint versionstatus check (status in {STATUS}),
  terms jsonb not null,
  author_id text not null,
  reviewer_id text,
  note text not null,
  made_from integer,
  created_at timestamptz not null,
  published_at timestamptz,
  seq integer not null,
  constraint promises_reviewed check (reviewer_id is null or reviewer_id <> author_id),
  constraint promises_published check (status in ('draft', 'review') or reviewer_id is not null)
);
create unique index one_promise_policy on promise_policies (status) where status = 'published';

create table ticket_promises (
  ticket_id varchar not null references tickets (id),
  target varchar(32) not null constraint target check
    (target in ('first_reply', 'next_reply', 'resolve', 'confirm')),
  round integer not null,
  minutes integer not null,
  hours jsonb not null,
  pauses boolean not null,
  policy_version integer not null,
  line text not null,
  started_at timestamptz not null,
  due_at timestamptz,
  warned_at timestamptz,
  ended_at timestamptz,
  outcome varchar(32) constraint outcome check (outcome in ('met', 'broken', 'dropped')),
  primary key (ticket_id, target, round)
);
create unique index one_running_clock on ticket_promises (ticket_id, target) where ended_at is null;

create table ticket_pauses (
  ticket_id varchar not null references tickets (id),
  since timestamptz not null,
  until timestamptz,
  why text not null,
  primary key (ticket_id, since)
);
create unique index one_open_pause on ticket_pauses (ticket_id) where until is null;

create table retimings (
  id varchar primary key,
  why varchar(32) not null constraint retimingwhy check (why in ('calendar', 'policy')),
  details jsonb not null,
  asked_by text not null,
  asked_at timestamptz not null,
  status varchar(32) not null constraint retimingstatus check (status in ('running', 'done')),
  total integer not null,
  seen integer not null,
  moved integer not null,
  last_ticket text not null,
  finished_at timestamptz
);

create table ticket_rule_versions (
  rule_key text not null,
  version integer not null,
  status varchar(32) not null constraint versionstatus check (status in {STATUS}),
  definition jsonb not null,
  note text not null,
  made_from integer,
  writers text[] not null,
  reviewer_id text,
  created_at timestamptz not null,
  written_at timestamptz not null,
  published_at timestamptz,
  seq integer not null,
  primary key (rule_key, version),
  constraint rule_reviewed check (reviewer_id is null or reviewer_id <> all (writers)),
  constraint rule_published check (status in ('draft', 'review') or reviewer_id is not null)
);
create unique index one_published_rule on ticket_rule_versions (rule_key) where status = 'published';
create unique index one_open_rule_draft on ticket_rule_versions (rule_key) where status in ('draft', 'review');

create table ticket_rule_checks (
  ticket_id varchar not null references tickets (id),
  step integer not null,
  at timestamptz not null,
  trigger text not null,
  verdicts jsonb not null,
  effects jsonb not null,
  primary key (ticket_id, step)
);

create table ticket_rule_alarms (
  ticket_id varchar not null references tickets (id),
  key text not null,
  rule_key text not null,
  due_at timestamptz not null,
  rung_at timestamptz,
  primary key (ticket_id, key)
);

create table ticket_rule_trials (
  id varchar primary key,
  rule_key text not null,
  version integer not null,
  rule_seq integer not null,
  asked_by text not null,
  asked_at timestamptz not null,
  since timestamptz not null,
  status varchar(32) not null constraint trialstatus check (status in ('running', 'done')),
  total integer not null,
  last_ticket text not null,
  result jsonb not null,
  finished_at timestamptz
);
create index trials_by_rule on ticket_rule_trials (rule_key, version, asked_at);
"""

# What was published stays as it was.
GUARDS = """
create function promise_policy_is_final() returns trigger language plpgsql as $$
begin
  if old.status <> 'draft' and new.terms is distinct from old.terms then
    raise exception 'only a draft is written on' using errcode = 'check_violation';
  end if;
  if old.status in ('published', 'retired')
     and (new.status in ('draft', 'review') or new.reviewer_id is distinct from old.reviewer_id) then
    raise exception 'a published version never changes' using errcode = 'check_violation';
  end if;
  if new.status = 'published' and old.status not in ('review', 'published') then
    raise exception 'only what was reviewed is published' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger promise_policy_is_final before update on promise_policies
  for each row execute function promise_policy_is_final();

create function rule_version_is_final() returns trigger language plpgsql as $$
begin
  if old.status <> 'draft' and new.definition is distinct from old.definition then
    raise exception 'only a draft is written on' using errcode = 'check_violation';
  end if;
  if old.status in ('published', 'retired')
     and (new.status in ('draft', 'review') or new.reviewer_id is distinct from old.reviewer_id) then
    raise exception 'a published version never changes' using errcode = 'check_violation';
  end if;
  if new.status = 'published' and old.status not in ('review', 'published') then
    raise exception 'only what was reviewed is published' using errcode = 'check_violation';
  end if;
  if not new.writers @> old.writers then
    raise exception 'a writer stays a writer' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger rule_version_is_final before update on ticket_rule_versions
  for each row execute function rule_version_is_final();
"""


def me(name: str) -> str:
    """A setting of the asking person, read once per query; never set and empty are both NULL."""
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


def role(*names: str) -> str:
    held = ", ".join(f"'{name}'" for name in names)
    roles = "(select string_to_array(current_setting('ieum.roles', true), ',')"
    return f"({me('kind')} = 'staff' and {roles} && array[{held}]))"


STAFF, ADMIN, DESK = f"{me('kind')} = 'staff'", role("admin"), role("agent", "dispatcher", "admin")
SEES = f"({DESK} and exists (select 1 from tickets parent where parent.id = ticket_id))"
MINE = f"{me('person')}"
POLICIES: dict[str, dict[str, str]] = {
    "promise_policies": {
        "select": STAFF,
        "insert": f"{ADMIN} and status = 'draft' and reviewer_id is null and author_id = {MINE}",
        "update": ADMIN,
    },
    "ticket_promises": {"select": SEES},
    "ticket_pauses": {"select": SEES},
    "retimings": {"select": STAFF, "insert": f"{ADMIN} and status = 'running' and asked_by = {MINE}"},
    "ticket_rule_versions": {
        "select": STAFF,
        "insert": f"{ADMIN} and status = 'draft' and reviewer_id is null and writers = array[{MINE}]",
        "update": ADMIN,
    },
    "ticket_rule_checks": {"select": SEES},
    "ticket_rule_alarms": {"select": SEES},
    "ticket_rule_trials": {
        "select": STAFF,
        "insert": f"{ADMIN} and status = 'running' and asked_by = {MINE}",
    },
    # Everybody who is offered a day has to know which ones we work.
    "calendar_days": {"select": f"{me('kind')} is not null", "insert": ADMIN, "delete": ADMIN},
}
COMMANDS = {
    "select": "using ({0})", "insert": "with check ({0})", "update": "using ({0}) with check ({0})",
    "delete": "using ({0})",
}  # fmt: skip
UPDATES = {
    "promise_policies": "status, terms, reviewer_id, note, published_at, seq",
    "ticket_rule_versions": "status, definition, note, writers, reviewer_id, written_at, published_at, seq",
}


def guard(table: str, commands: dict[str, str]) -> None:
    """Row-level security, forced, and the grants of the two roles."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
    op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
    op.execute(f"grant select, insert, update, delete on {table} to ieum_worker")
    for command, condition in commands.items():
        name = "app_sees" if command == "select" else f"app_{command}s"
        op.execute(
            f"create policy {name} on {table} for {command} to ieum_app {COMMANDS[command].format(condition)}"
        )
        columns = f" ({UPDATES[table]})" if command == "update" else ""
        op.execute(f"grant {command}{columns} on {table} to ieum_app")


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GUARDS)
    for table, commands in POLICIES.items():
        guard(table, commands)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
