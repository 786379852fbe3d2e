"""Catalogue items as data: items, their versions, and what a version would have made of the past."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TABLES = """
create table request_items (
  key text primary key,
  owner_team varchar not null references teams (id),
  created_by text not null,
  created_at timestamptz not null
);
create index ix_request_items_owner_team on request_items (owner_team);

create table request_item_versions (
  item_key text not null references request_items (key),
  version integer not null,
  status varchar(32) not null constraint versionstatus check (status in ('draft', 'review', 'published', 'retired')),
  text text not null,
  definition jsonb,
  checksum text not null,
  note text not null,
  made_from integer,
  writers text[] not null,
  reviewer_id text,
  review_note text not null,
  created_at timestamptz not null,
  written_at timestamptz not null,
  published_at timestamptz,
  retired_at timestamptz,
  seq integer not null,
  primary key (item_key, version),
  constraint reviewed_by_another check (reviewer_id is null or reviewer_id <> all (writers)),
  constraint published_was_reviewed check
    (status in ('draft', 'review') or (reviewer_id is not null and definition is not null))
);
create unique index one_published_version on request_item_versions (item_key) where status = 'published';
create unique index one_open_draft on request_item_versions (item_key) where status in ('draft', 'review');

create table item_simulations (
  id varchar primary key,
  item_key text not null references request_items (key),
  version integer not null,
  checksum text not null,
  asked_by text not null,
  asked_at timestamptz not null,
  since timestamptz not null,
  status varchar(32) not null constraint simulationstatus check (status in ('running', 'done')),
  result jsonb not null,
  finished_at timestamptz
);
create index simulations_by_version on item_simulations (item_key, version, asked_at);
"""

# What was published stays as it was; whoever once wrote on a version stays one of its writers.
GUARDS = """
create function item_version_is_final() returns trigger language plpgsql as $$
begin
  if old.status in ('published', 'retired') and ((new.text, new.definition, new.checksum, new.writers, new.reviewer_id)
       is distinct from (old.text, old.definition, old.checksum, old.writers, old.reviewer_id)
       or new.status in ('draft', 'review')) then
    raise exception 'a published version never changes' using errcode = 'check_violation';
  end if;
  if old.status <> 'draft' and new.text is distinct from old.text then
    raise exception 'only a draft is written on' using errcode = 'check_violation';
  end if;
  if new.status = 'published' and old.status not in ('review', 'published') then
    raise exception 'only what was reviewed is published' using errcode = 'check_violation';
  end if;
  if not new.writers @> old.writers then
    raise exception 'a writer stays a writer' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger item_version_is_final before update on request_item_versions
  for each row execute function item_version_is_final();
"""


def me(name: str) -> str:
    """A setting of the asking person, read once per query; never set and empty are both NULL."""
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


STAFF = f"{me('kind')} = 'staff'"
ADMIN = f"({STAFF} and (select string_to_array(current_setting('ieum.roles', true), ',') && array['admin']))"
WORKS_HERE = f"({STAFF} or (select string_to_array(current_setting('ieum.roles', true), ',') && array['employee']))"
OWNS = (
    f"({ADMIN} or ({STAFF} and exists (select 1 from request_items i where i.key = item_key"
    f" and i.owner_team = {me('team')})))"
)
POLICIES = {
    "request_items": {"select": WORKS_HERE, "insert": ADMIN, "update": f"({ADMIN} or ({STAFF} and owner_team = {me('team')}))"},
    "request_item_versions": {
        "select": f"({STAFF} or ({WORKS_HERE} and status in ('published', 'retired')))",
        "insert": f"{OWNS} and status = 'draft' and reviewer_id is null and writers = array[{me('person')}]",
        "update": OWNS,
    },
    "item_simulations": {"select": STAFF, "insert": f"{OWNS} and status = 'running'"},
}  # fmt: skip
COMMANDS = {"select": "using ({0})", "insert": "with check ({0})", "update": "using ({0}) with check ({0})"}


def guard(table: str, commands: dict[str, str]) -> None:
    """Row-level security, forced, and the grants of the two roles."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
    op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
    op.execute(f"grant select on {table} to ieum_app, ieum_worker")
    for command, condition in commands.items():
        name = "app_sees" if command == "select" else f"app_{command}s"
        op.execute(f"create policy {name} on {table} for {command} to ieum_app {COMMANDS[command].format(condition)}")


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GUARDS)
    for table, commands in POLICIES.items():
        guard(table, commands)
    op.execute("grant insert on request_items, request_item_versions, item_simulations to ieum_app")
    op.execute("grant update (owner_team) on request_items to ieum_app")
    op.execute(
        "grant update (status, text, definition, checksum, note, writers, reviewer_id, review_note, written_at,"
        " published_at, retired_at, seq) on request_item_versions to ieum_app"
    )
    op.execute("grant update (status, result, finished_at) on item_simulations to ieum_worker")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
