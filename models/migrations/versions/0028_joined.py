"""Customers' tickets and employees' requests joined: what a ticket's page may show of a request that was handed over
from it, and files in requests."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

TABLES = """
create table request_handovers (
  request_id varchar primary key references employee_requests (id),
  ticket_id varchar not null references tickets (id),
  item_key text not null,
  item_version integer not null,
  team_id varchar references teams (id),
  asked_by varchar not null references accounts (id),
  status varchar(32) not null constraint requeststatus check (status in ('draft', 'open', 'done', 'rejected', 'cancelled', 'failed')),
  is_confidential boolean not null,
  stages jsonb not null,
  answers jsonb not null,
  due_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  closed_at timestamptz
);
create index handovers_by_ticket on request_handovers (ticket_id, created_at);

create table request_files (
  id varchar primary key,
  request_id varchar references employee_requests (id),
  field_id text not null,
  uploaded_by varchar not null references accounts (id),
  name text not null,
  media_type text not null,
  size integer not null,
  sha256 text not null,
  stored_as text not null unique,
  created_at timestamptz not null
);
create index files_by_request on request_files (request_id);
create index files_by_sender on request_files (uploaded_by, created_at);

create table leaver_acceptances (
  id varchar primary key,
  day date not null,
  leavers integer not null,
  accepted_by varchar not null references accounts (id),
  accepted_at timestamptz not null
);
create index acceptances_by_day on leaver_acceptances (day);

alter table people_feeds add column leavers_on date, add column leavers integer not null default 0,
  add column held_at timestamptz, add column held_leavers integer not null default 0;

alter table request_approvals add column answer_by timestamptz;

create function ieum_team_mate(address text) returns text language sql stable security definer
set search_path = pg_catalog, public, pg_temp as $$
  select a.id::text from accounts a
  where a.login = lower(address) and a.is_active and a.team_id = nullif(current_setting('ieum.team', true), '')
    and nullif(current_setting('ieum.kind', true), '') in ('staff', 'employee')
$$;
revoke execute on function ieum_team_mate from public;
grant execute on function ieum_team_mate to ieum_app;

alter table system_calls add column looks integer not null default 1;
"""


def me(name: str) -> str:
    """A setting of the asking person, read once per query; never set and empty are both NULL."""
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


STAFF = f"{me('kind')} = 'staff'"
ADMIN = (
    f"({STAFF} and (select string_to_array(current_setting('ieum.roles', true), ',') && array['admin']))"
)
THEIR_TICKET = "ticket_id in (select t.id from tickets t)"
THEIR_REQUEST = "request_id in (select r.id from employee_requests r)"
OWN_REQUEST = f"request_id in (select r.id from employee_requests r where r.asked_by = {me('person')})"


def guard(table: str, sees: str) -> None:
    """Row-level security, forced, and what every table grants."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
    op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
    op.execute(f"create policy app_sees on {table} for select to ieum_app using ({sees})")
    op.execute(f"grant select, insert, update, delete on {table} to ieum_worker")
    op.execute(f"grant select, insert on {table} to ieum_app")


def upgrade() -> None:
    op.execute(TABLES)
    guard("request_handovers", f"{STAFF} and {THEIR_TICKET} and (not is_confidential or {THEIR_REQUEST})")
    op.execute(
        "create policy app_inserts on request_handovers for insert to ieum_app"
        f" with check ({STAFF} and asked_by = {me('person')} and {THEIR_TICKET} and {OWN_REQUEST})"
    )
    op.execute(
        "create policy only_out_of_their_tickets on employee_requests as restrictive for insert to ieum_app"
        f" with check (ticket_id is null or ({STAFF} and {THEIR_TICKET}))"
    )
    mine = f"({me('kind')} in ('staff', 'employee') and uploaded_by = {me('person')})"
    guard("request_files", f"{mine} or {THEIR_REQUEST}")
    op.execute(
        f"create policy app_inserts on request_files for insert to ieum_app with check ({mine} and request_id is null)"
    )
    op.execute(
        f"create policy app_updates on request_files for update to ieum_app using ({mine} and request_id is null)"
        f" with check ({mine} and {THEIR_REQUEST})"
    )
    op.execute("grant update (request_id) on request_files to ieum_app")
    guard("leaver_acceptances", ADMIN)
    op.execute(
        "create policy app_inserts on leaver_acceptances for insert to ieum_app"
        f" with check ({ADMIN} and accepted_by = {me('person')})"
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
