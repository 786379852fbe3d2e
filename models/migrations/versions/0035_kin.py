"""Tickets that belong together: links and parts, merges, messages split off, and tickets that rest for a while."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

TABLES = """
alter table tickets add column merged_into_id varchar references tickets (id);
alter table tickets add column is_snoozed boolean not null default false;
alter table tickets add column snoozed_until timestamptz;
alter table tickets add constraint never_into_itself check (merged_into_id <> id);
create index tickets_merged on tickets (merged_into_id) where merged_into_id is not null;
alter table ticket_messages add column split_from_id varchar references tickets (id);

create table ticket_links (
  from_id varchar not null references tickets (id),
  to_id varchar not null references tickets (id),
  kind varchar(32) not null constraint linkkind check
    (kind in ('related', 'duplicate', 'caused', 'child', 'split')),
  made_by text not null,
  made_at timestamptz not null,
  primary key (from_id, to_id, kind),
  constraint never_itself check (from_id <> to_id)
);
create unique index one_parent on ticket_links (from_id) where kind = 'child';
create index ticket_links_to on ticket_links (to_id, kind);
"""


def me(name: str) -> str:
    """A setting of the asking person, read once per query; never set and empty are both NULL."""
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


DESK = (
    f"({me('kind')} = 'staff' and (select string_to_array(current_setting('ieum.roles', true), ',')"
    " && array['agent', 'dispatcher', 'admin']))"
)
# A link is told to nobody who may not see both of its ends.
BOTH = (
    f"({DESK} and exists (select 1 from tickets a where a.id = from_id)"
    " and exists (select 1 from tickets b where b.id = to_id))"
)
POLICIES = {
    "select": f"using ({BOTH})",
    "insert": f"with check ({BOTH} and kind <> 'split' and made_by = {me('person')})",
    "delete": f"using ({BOTH} and kind <> 'split')",
}
# Parts are counted over all tickets, also those that the asking person may not see; the lock lets one
# change of parts happen at a time, and holds up a step of the part until it is told.
DOORS = """
create function ieum_join(whole text, part text)
returns table (is_circle boolean, deep integer, parts integer, part_seq integer, part_status text)
language plpgsql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform pg_advisory_xact_lock(hashtext('ticket parts'));
  perform 1 from tickets t where t.id = part for update;
  return query
  with recursive above (id, steps) as (
    select whole::varchar, 1
    union all
    select l.to_id, a.steps + 1 from above a join ticket_links l on l.from_id = a.id and l.kind = 'child'
    where a.steps < 20
  ), below (id, steps) as (
    select part::varchar, 1
    union all
    select l.from_id, b.steps + 1 from below b join ticket_links l on l.to_id = b.id and l.kind = 'child'
    where b.steps < 20
  )
  select exists (select 1 from above a where a.id = part),
    (select max(a.steps) from above a) + (select max(b.steps) from below b),
    (select count(*)::integer from ticket_links l where l.to_id = whole and l.kind = 'child'),
    t.seq, t.status::text
  from tickets t where t.id = part;
end $$;

create function ieum_keeper(which text) returns table (id varchar, is_over boolean)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  with recursive chain (id, next, is_over, steps) as (
    select t.id, t.merged_into_id, t.is_over, 1 from tickets t where t.id = which
    union all
    select t.id, t.merged_into_id, t.is_over, c.steps + 1 from chain c join tickets t on t.id = c.next
    where c.steps < 50
  )
  select c.id, c.is_over from chain c where c.next is null
$$;
"""


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
    op.execute(TABLES)
    learn("tickets", "status", "ticketstatus", "merged")
    op.execute("alter table ticket_links enable row level security")
    op.execute("alter table ticket_links force row level security")
    op.execute("create policy owner_all on ticket_links for all to current_user using (true) with check (true)")
    op.execute("create policy worker_all on ticket_links for all to ieum_worker using (true) with check (true)")
    op.execute("grant select, insert, update, delete on ticket_links to ieum_worker")
    for command, condition in POLICIES.items():
        name = "app_sees" if command == "select" else f"app_{command}s"
        op.execute(f"create policy {name} on ticket_links for {command} to ieum_app {condition}")
        op.execute(f"grant {command} on ticket_links to ieum_app")
    op.execute(DOORS)
    for door in ("ieum_join(text, text)", "ieum_keeper(text)"):
        op.execute(f"revoke execute on function {door} from public")
        op.execute(f"grant execute on function {door} to ieum_app, ieum_worker")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
