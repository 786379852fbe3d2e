"""The agents' queue: kept views, one act for many tickets, and who has which ticket open."""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

TABLES = """
create table queue_views (
  id varchar primary key,
  owner_id varchar not null references accounts (id),
  team_id varchar references teams (id),
  name text not null,
  filters jsonb not null,
  place integer not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint view_has_a_place check (place >= 0)
);
create index views_by_owner on queue_views (owner_id, place);
create index views_by_team on queue_views (team_id, place);

create table ticket_batches (
  id varchar primary key,
  act varchar(32) not null constraint batchact check (act in ('assign', 'team', 'priority', 'note', 'resolve')),
  body text not null,
  undoes varchar unique references ticket_batches (id),
  asked_by varchar not null references accounts (id),
  asked_at timestamptz not null,
  status varchar(32) not null constraint batchstatus check (status in ('running', 'done')),
  finished_at timestamptz
);
create index batches_by_person on ticket_batches (asked_by, asked_at);

create table ticket_batch_lines (
  batch_id varchar not null references ticket_batches (id),
  n integer not null,
  ticket_id varchar not null references tickets (id),
  value text not null,
  expects text,
  was text,
  status varchar(32) not null constraint linestatus check
    (status in ('waiting', 'asked', 'done', 'same', 'refused')),
  refusal text not null,
  primary key (batch_id, n),
  constraint each_ticket_once unique (batch_id, ticket_id)
);
create index batch_lines_by_ticket on ticket_batch_lines (ticket_id);

create unlogged table ticket_presence (
  ticket_id varchar not null references tickets (id),
  account_id varchar not null references accounts (id),
  seen_at timestamptz not null,
  is_typing boolean not null,
  primary key (ticket_id, account_id)
);
"""


def me(name: str) -> str:
    """A setting of the asking person, read once per query; never set and empty are both NULL."""
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


def role(*names: str) -> str:
    held = ", ".join(f"'{name}'" for name in names)
    roles = "(select string_to_array(current_setting('ieum.roles', true), ',')"
    return f"({me('kind')} = 'staff' and {roles} && array[{held}]))"


DESK, LEADS = role("agent", "dispatcher", "admin"), role("dispatcher", "admin")
MINE, OF_TEAM = f"owner_id = {me('person')}", f"team_id = {me('team')}"
THEIR_TICKET = "ticket_id in (select t.id from tickets t)"
OWN_BATCH = f"asked_by = {me('person')}"
IN_BATCH = f"batch_id in (select b.id from ticket_batches b where b.{OWN_BATCH})"
# A view is shared with one's own team, by whoever leads it; nobody writes in another's name.
KEEPS = f"{DESK} and {MINE} and (team_id is null or ({LEADS} and {OF_TEAM}))"
PRESENT = f"{DESK} and account_id = {me('person')} and {THEIR_TICKET}"
POLICIES: dict[str, dict[str, str]] = {
    "queue_views": {
        "select": f"{DESK} and ({MINE} or {OF_TEAM})",
        "insert": KEEPS,
        "update": KEEPS,
        "delete": f"{DESK} and ({MINE} or ({LEADS} and {OF_TEAM}))",
    },
    "ticket_batches": {
        "select": f"{DESK} and {OWN_BATCH}",
        "insert": f"{DESK} and {OWN_BATCH} and status = 'running'",
    },
    "ticket_batch_lines": {
        "select": f"{DESK} and {IN_BATCH} and {THEIR_TICKET}",
        "insert": f"{DESK} and {IN_BATCH} and {THEIR_TICKET} and status = 'waiting' and was is null",
    },
    "ticket_presence": {
        "select": f"{DESK} and {THEIR_TICKET}",
        "insert": PRESENT,
        "update": PRESENT,
        "delete": f"{DESK} and account_id = {me('person')}",
    },
}
COMMANDS = {
    "select": "using ({0})", "insert": "with check ({0})", "update": "using ({0}) with check ({0})",
    "delete": "using ({0})",
}  # fmt: skip
UPDATES = {"queue_views": "name, filters, place, updated_at", "ticket_presence": "seen_at, is_typing"}


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
    for table, commands in POLICIES.items():
        guard(table, commands)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
