"""Writing on tickets: sendings that wait, templates, followers, and fields that are asked at the end."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

TABLES = """
create table ticket_sendings (
  id varchar primary key,
  ticket_id varchar not null references tickets (id),
  account_id varchar not null references accounts (id),
  command_id text not null,
  act varchar(32) not null constraint sendingact check (act in ('reply', 'resolve', 'cancel', 'macro')),
  kind varchar(32) not null constraint messagekind check (kind in ('inbound', 'reply', 'note')),
  author_name text not null,
  channel text not null,
  body text not null,
  files jsonb not null,
  created_at timestamptz not null,
  due_at timestamptz not null
);
create index sendings_by_ticket on ticket_sendings (ticket_id, due_at);

create table reply_templates (
  key text primary key,
  team_id varchar references teams (id),
  channel varchar(32) not null constraint templatechannel check (channel in ('any', 'email', 'sms', 'alimtalk')),
  use varchar(32) not null constraint templateuse check (use in ('reply', 'note', 'resolve')),
  approved_as text not null,
  name_ko text not null,
  name_en text not null,
  body_ko text not null,
  body_en text not null,
  priority text not null,
  to_team text not null,
  tag text not null,
  takes boolean not null,
  is_active boolean not null,
  written_by text not null,
  written_at timestamptz not null,
  seq integer not null
);
create index ix_reply_templates_team_id on reply_templates (team_id);

create table ticket_followers (
  ticket_id varchar not null references tickets (id),
  account_id varchar not null references accounts (id),
  reason varchar(32) not null constraint followreason check (reason in ('self', 'mentioned')),
  added_by text not null,
  since timestamptz not null,
  mentioned_in text[] not null,
  primary key (ticket_id, account_id)
);

create table closing_fields (
  key text primary key,
  name_ko text not null,
  name_en text not null,
  kind varchar(32) not null constraint fieldkind check (kind in ('text', 'choice', 'number', 'yes_no', 'day')),
  choices_ko text[] not null,
  choices_en text[] not null,
  asked_at varchar(32) not null constraint fieldasked check (asked_at in ('resolve', 'cancel', 'both')),
  ticket_kinds text[] not null,
  categories text[] not null,
  team_ids text[] not null,
  position integer not null,
  is_active boolean not null,
  written_by text not null,
  written_at timestamptz not null,
  seq integer not null,
  constraint has_choices check (kind <> 'choice' or cardinality(choices_ko) > 0)
);

create table ticket_field_values (
  ticket_id varchar not null references tickets (id),
  field_key text not null references closing_fields (key),
  value text not null,
  written_by text not null,
  written_at timestamptz not null,
  primary key (ticket_id, field_key)
);
"""


def me(name: str) -> str:
    """A setting of the asking person, read once per query; never set and empty are both NULL."""
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


def role(*names: str) -> str:
    held = ", ".join(f"'{name}'" for name in names)
    roles = "(select string_to_array(current_setting('ieum.roles', true), ',')"
    return f"({me('kind')} = 'staff' and {roles} && array[{held}]))"


STAFF, ADMIN, DESK = f"{me('kind')} = 'staff'", role("admin"), role("agent", "dispatcher", "admin")
MINE = me("person")
SEES = f"({DESK} and exists (select 1 from tickets parent where parent.id = ticket_id))"
# A team's own templates are written by its agents, everybody's by those who lead.
WRITES = f"({role('dispatcher', 'admin')} or ({DESK} and team_id = {me('team')}))"
POLICIES = {
    "ticket_sendings": {
        "select": SEES,
        "insert": f"{SEES} and account_id = {MINE}",
        "delete": f"{DESK} and account_id = {MINE}",
    },
    "reply_templates": {
        "select": DESK,
        "insert": f"{WRITES} and written_by = {MINE}",
        "update": WRITES,
    },
    "ticket_followers": {
        "select": SEES,
        "insert": f"{SEES} and added_by = {MINE}",
        "update": SEES,
        "delete": f"{DESK} and account_id = {MINE}",
    },
    "closing_fields": {
        "select": STAFF,
        "insert": f"{ADMIN} and written_by = {MINE}",
        "update": ADMIN,
    },
    "ticket_field_values": {
        "select": SEES,
        "insert": f"{SEES} and written_by = {MINE}",
        "update": SEES,
    },
}
COMMANDS = {
    "select": "using ({0})",
    "insert": "with check ({0})",
    "update": "using ({0}) with check ({0})",
    "delete": "using ({0})",
}

# Who is forgotten is forgotten here, too: three more lines in the function that does it, wherever it stands now.
DRAFTS = "delete from ticket_drafts where ticket_id = any (my_tickets);"
FORGOTTEN = (
    DRAFTS
    + " delete from ticket_sendings where ticket_id = any (my_tickets);"
    + " update ticket_field_values v set value = '' from closing_fields f where f.key = v.field_key"
    + " and f.kind = 'text' and ticket_id = any (my_tickets);"
)
FORGET = f"""
do $$
declare
  known text := pg_get_functiondef('forget_customer(text, timestamptz)'::regprocedure);
begin
  if position($old${DRAFTS}$old$ in known) = 0 then
    raise exception 'forget_customer does not forget drafts any more';
  end if;
  execute replace(known, $old${DRAFTS}$old$, $new${FORGOTTEN}$new$);
end $$;
"""


def guard(table: str, commands: dict[str, str]) -> None:
    """Row-level security, forced, and the grants of the two roles."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
    op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
    op.execute(f"grant select on {table} to ieum_app, ieum_worker")
    op.execute(f"grant insert on {table} to ieum_worker")  # what comes with the house
    for command, condition in commands.items():
        name = "app_sees" if command == "select" else f"app_{command}s"
        op.execute(f"create policy {name} on {table} for {command} to ieum_app {COMMANDS[command].format(condition)}")


def upgrade() -> None:
    op.execute(TABLES)
    for table, commands in POLICIES.items():
        guard(table, commands)
    op.execute(
        "grant insert on ticket_sendings, reply_templates, ticket_followers, closing_fields, ticket_field_values"
        " to ieum_app"
    )
    op.execute("grant delete on ticket_sendings, ticket_followers to ieum_app")
    op.execute("grant delete on ticket_sendings to ieum_worker")
    op.execute(
        "grant update (team_id, channel, use, approved_as, name_ko, name_en, body_ko, body_en, priority, to_team, tag,"
        " takes, is_active, written_by, written_at, seq) on reply_templates to ieum_app"
    )
    op.execute("grant update (mentioned_in) on ticket_followers to ieum_app")
    op.execute(
        "grant update (name_ko, name_en, kind, choices_ko, choices_en, asked_at, ticket_kinds, categories, team_ids,"
        " position, is_active, written_by, written_at, seq) on closing_fields to ieum_app"
    )
    op.execute("grant update (value, written_by, written_at) on ticket_field_values to ieum_app")
    op.execute(FORGET)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
