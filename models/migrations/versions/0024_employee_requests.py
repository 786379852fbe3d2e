"""Employees' requests: their steps, approvals and tasks, and who may see which; links with which one approves."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

TABLES = """
create table employee_requests (
  id varchar primary key,
  submission_key text not null,
  item_key text not null,
  item_version integer not null,
  asked_by varchar references accounts (id),
  for_employee_id text not null,
  owner_team_id varchar references teams (id),
  status varchar(32) not null constraint requeststatus check (status in ('draft', 'open', 'done', 'rejected', 'cancelled', 'failed')),
  is_confidential boolean not null,
  answers jsonb not null,
  ticket_id varchar references tickets (id),
  parent_id varchar references employee_requests (id),
  parent_path text not null,
  due_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  closed_at timestamptz,
  reason text not null,
  seq integer not null,
  constraint requests_own_key unique nulls not distinct (asked_by, submission_key)
);
create index requests_by_item on employee_requests (item_key, item_version, status);
create index requests_by_asker on employee_requests (asked_by, created_at);
create index requests_by_employee on employee_requests (for_employee_id, created_at);
create index requests_open_by_due on employee_requests (due_at, id) where status = 'open';
create index ix_employee_requests_ticket_id on employee_requests (ticket_id);
create index ix_employee_requests_parent_id on employee_requests (parent_id);

create table request_steps (
  request_id varchar not null references employee_requests (id),
  path text not null,
  step_id text not null,
  kind text not null,
  status varchar(32) not null constraint stepstatus check (status in ('active', 'done', 'skipped', 'failed', 'undone', 'void')),
  seq integer not null,
  since timestamptz not null,
  due_at timestamptz,
  is_late boolean not null,
  ended_at timestamptz,
  result jsonb not null,
  details jsonb not null,
  primary key (request_id, path)
);

create table request_approvals (
  id varchar primary key,
  request_id varchar not null references employee_requests (id),
  path text not null,
  position integer not null,
  approver_employee_id text,
  was_for_employee_id text,
  team_id varchar references teams (id),
  why text not null,
  status varchar(32) not null constraint approvalstatus check (status in ('pending', 'later', 'approved', 'rejected', 'asked', 'void')),
  amount_minor bigint,
  needs_sign_in boolean not null,
  asked_at timestamptz,
  remind_at timestamptz,
  escalate_at timestamptz,
  decided_by text,
  decided_at timestamptz,
  comment text not null,
  question text not null,
  answer text not null,
  constraint somebody_is_asked check (approver_employee_id is not null or team_id is not null)
);
create index approvals_by_request on request_approvals (request_id, path, position);
create index approvals_open_by_approver on request_approvals (approver_employee_id)
  where status in ('pending', 'asked', 'later');
create index ix_request_approvals_team_id on request_approvals (team_id);

create table request_tasks (
  id varchar primary key,
  request_id varchar not null references employee_requests (id),
  path text not null,
  team_id varchar not null references teams (id),
  assignee varchar references accounts (id),
  title_ko text not null,
  title_en text not null,
  checklist jsonb not null,
  status varchar(32) not null constraint taskstatus check (status in ('open', 'done', 'void')),
  due_at timestamptz,
  is_late boolean not null,
  created_at timestamptz not null,
  done_by text,
  done_at timestamptz,
  note text not null
);
create index ix_request_tasks_request_id on request_tasks (request_id);
create index tasks_open_by_team on request_tasks (team_id, due_at, id) where status = 'open';

create table request_readers (
  request_id varchar not null references employee_requests (id),
  account_id varchar not null references accounts (id),
  why varchar(32) not null constraint readerwhy check (why in ('asker', 'beneficiary', 'approver', 'team', 'named')),
  since timestamptz not null,
  primary key (request_id, account_id)
);
create index readers_by_account on request_readers (account_id, request_id);
"""

# One word per approval, and none is taken back: the row keeps the first.
GUARDS = """
create function decision_stays() returns trigger language plpgsql as $$
begin
  if old.status in ('approved', 'rejected') and new.status <> old.status then
    raise exception 'a decision is never taken back' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger decision_stays before update on request_approvals for each row execute function decision_stays();

create function request_keeps_its_end() returns trigger language plpgsql as $$
begin
  if old.status not in ('draft', 'open') and new.status <> old.status then
    raise exception 'a request that is over stays as it ended' using errcode = 'check_violation';
  end if;
  if old.status <> 'draft' and (new.asked_by, new.for_employee_id, new.item_key) is distinct from (old.asked_by, old.for_employee_id, old.item_key) then
    raise exception 'a request that was sent stays its own' using errcode = 'check_violation';
  end if;
  if old.is_confidential and not new.is_confidential and old.status <> 'draft' then
    raise exception 'a confidential request stays one' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger request_keeps_its_end before update on employee_requests for each row execute function request_keeps_its_end();
"""

# Which requests a person may read by name or by their team's work; asked once a query, past the tables' own rules.
DOORS = """
create function ieum_read_requests() returns setof text language sql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
  select r.request_id::text from request_readers r
  where r.account_id = nullif(current_setting('ieum.person', true), '')
    and nullif(current_setting('ieum.kind', true), '') in ('staff', 'employee')
$$;
create function ieum_team_requests() returns setof text language sql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
  select t.request_id::text from request_tasks t
  where t.team_id = nullif(current_setting('ieum.team', true), '')
    and nullif(current_setting('ieum.kind', true), '') in ('staff', 'employee')
  union
  select a.request_id::text from request_approvals a
  where a.team_id = nullif(current_setting('ieum.team', true), '')
    and nullif(current_setting('ieum.kind', true), '') in ('staff', 'employee')
$$;
revoke execute on function ieum_read_requests, ieum_team_requests from public;
grant execute on function ieum_read_requests, ieum_team_requests to ieum_app;

drop function door_link(text);
create function door_link(given_hash text) returns table (purpose text, customer_id text, ticket_id text,
  case_id text, subject text, name text, locale text, used_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select k.purpose, k.customer_id, k.ticket_id, k.case_id, k.subject, coalesce(c.name, ''), coalesce(c.locale, 'ko'),
    k.used_at
  from signed_links k left join customers c on c.id = k.customer_id
  where given_hash <> '' and k.token_hash = given_hash and k.revoked_at is null and k.expires_at > now()
    and (c.id is not null or k.purpose = 'approve')
$$;
revoke execute on function door_link from public;
grant execute on function door_link to ieum_app;
"""


def me(name: str) -> str:
    """A setting of the asking person, read once per query; never set and empty are both NULL."""
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


STAFF_OR_EMPLOYEE = f"{me('kind')} in ('staff', 'employee')"
ADMIN = (
    f"({me('kind')} = 'staff' and (select string_to_array(current_setting('ieum.roles', true), ',') && array['admin']))"
)
MINE = f"({STAFF_OR_EMPLOYEE} and asked_by = {me('person')})"
SEEN = (
    f"{MINE} or id in (select ieum_read_requests())"
    f" or (status <> 'draft' and not is_confidential and ({ADMIN}"
    f" or ({STAFF_OR_EMPLOYEE} and (owner_team_id = {me('team')} or id in (select ieum_team_requests())))))"
    f" or ({me('kind')} = 'link' and id = {me('case')})"
)
OF_REQUEST = "request_id in (select r.id from employee_requests r)"
POLICIES = {
    "employee_requests": {
        "select": SEEN,
        "insert": f"{MINE} and status in ('draft', 'open') and parent_id is null",
        "update": f"{MINE} and status in ('draft', 'open')",
        "delete": f"{MINE} and status = 'draft'",
    },
    "request_steps": {"select": OF_REQUEST},
    "request_approvals": {"select": OF_REQUEST},
    "request_tasks": {"select": OF_REQUEST},
    "request_readers": {"select": OF_REQUEST},
}
COMMANDS = {
    "select": "using ({0})", "insert": "with check ({0})", "update": "using ({1}) with check ({0})",
    "delete": "using ({0})",
}  # fmt: skip
TOLD_OF = ("timeline_entries", "waits", "sent_messages", "system_calls")
OF_A_REQUEST = "case_id in (select r.id from employee_requests r)"


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
        before = condition.replace("status in ('draft', 'open')", "status = 'draft'")  # sent is sent
        clause = COMMANDS[command].format(condition, before)
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


def keep_to_its_readers(table: str) -> None:
    """What is told of a request (its id begins with E) is seen by whoever sees the request, and by nobody else."""
    op.execute(
        f"create policy only_its_readers on {table} as restrictive for select to ieum_app"
        f" using (case_id is null or case_id not like 'E%' or {OF_A_REQUEST})"
    )
    if table in ("timeline_entries", "waits"):
        op.execute(
            f"create policy app_sees_requests on {table} for select to ieum_app"
            f" using (case_id like 'E%' and {OF_A_REQUEST})"
        )


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GUARDS)
    op.execute("alter table signed_links alter column customer_id drop not null")
    op.execute(
        "alter table signed_links add constraint somebodys_link check (customer_id is not null or purpose = 'approve')"
    )
    learn("signed_links", "purpose", "linkpurpose", "approve")
    learn("timeline_entries", "actor_kind", "actorkind", "employee")
    learn("waits", "who", "waitfor", "employee")
    op.execute(DOORS)
    for table, commands in POLICIES.items():
        guard(table, commands)
    op.execute("grant insert, delete on employee_requests to ieum_app")
    op.execute(
        "grant update (item_version, for_employee_id, status, is_confidential, answers, owner_team_id, created_at,"
        " updated_at) on employee_requests to ieum_app"
    )
    for table in TOLD_OF:
        keep_to_its_readers(table)
    op.execute(
        "create policy app_inserts_of_requests on timeline_entries for insert to ieum_app"
        f" with check (case_id like 'E%' and ticket_id is null and {OF_A_REQUEST})"
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
