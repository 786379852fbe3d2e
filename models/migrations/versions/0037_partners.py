"""Partners with a life and papers; what a partner's people see ends a week after the visit."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

TABLES = """
alter table partners
  add column status varchar(32) not null default 'applied' constraint partnerstatus check
    (status in ('applied', 'review', 'active', 'suspended', 'ended')),
  add column status_reason text not null default '',
  add column status_by text,
  add column status_at timestamptz,
  add column checks_papers boolean not null default false,
  add column seq integer not null default 0;
update partners set status = case when is_active then 'active' else 'suspended' end;
alter table partners alter column status drop default, drop column is_active;

create table partner_papers (
  id varchar primary key,
  partner_id varchar not null references partners (id),
  submission_key text not null,
  kind varchar(32) not null constraint paperkind check (kind in ('contract', 'insurance', 'certificate')),
  category text not null,
  number text not null,
  valid_from date not null,
  valid_until date not null,
  pay_minor bigint,
  name text not null,
  media_type text not null,
  stored_as text unique,
  added_by text not null,
  added_at timestamptz not null,
  constraint partner_papers_own_key unique (added_by, submission_key),
  constraint paper_days check (valid_from <= valid_until),
  constraint paper_category check ((kind = 'certificate') = (category <> ''))
);
create index papers_by_partner on partner_papers (partner_id, kind, valid_until);

create table partner_steps (
  partner_id varchar not null references partners (id),
  seq integer not null,
  at timestamptz not null,
  sentence text not null,
  details jsonb not null,
  actor_id text,
  primary key (partner_id, seq)
);

create table visit_passed_over (
  visit_id varchar not null references visits (id),
  technician_id varchar not null references technicians (id),
  reason text not null,
  at timestamptz not null,
  primary key (visit_id, technician_id)
);

alter table visit_offers add column assigned_to varchar references technicians (id);
create unique index one_holder_per_visit on visit_offers (visit_id) where status = 'accepted';
"""

# Each partner that was there before begins its life: the relay starts what the outbox announces.
LIVES = """
insert into outbox (key, kind, workflow_id, payload, not_before, created_at, workflow, name, actor_id, task_queue,
  summary, status, tries, refusal)
select 'partner:' || id, 'start', 'partner:' || id,
  jsonb_build_object('partner_id', id, 'status', status, 'seq', 0, 'since', null), now(), now(), 'Partner', '', '',
  'desk', 'Look after a partner', 'waiting', 0, ''
from partners
"""


def me(name: str) -> str:
    """A setting of the asking person, read once per query; never set and empty are both NULL."""
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


def role(*names: str) -> str:
    held = ", ".join(f"'{name}'" for name in names)
    roles = "(select string_to_array(current_setting('ieum.roles', true), ',')"
    return f"({me('kind')} = 'staff' and {roles} && array[{held}]))"


STAFF, EDITORS = f"{me('kind')} = 'staff'", role("dispatcher", "admin")
PARTNER, TECHNICIAN = f"{me('kind')} = 'partner'", f"{me('kind')} = 'technician'"
FIELD = f"({PARTNER} or {TECHNICIAN})"
POLICIES: dict[str, dict[str, str]] = {
    "partner_papers": {
        "select": f"{STAFF} or ({PARTNER} and partner_id = {me('partner')})",
        "insert": f"{EDITORS} and added_by = {me('person')}",
    },
    "partner_steps": {"select": STAFF},
    "visit_passed_over": {
        "select": f"{STAFF} and exists (select 1 from visits parent where parent.id = visit_id)"
    },
}

# From the acceptance to a week after the end; before and after it other doors show what is nobody's.
HELD = f"""v.technician_id = any (array(select ieum_company_technicians())) and {FIELD}
    and v.status not in ('searching', 'unassigned')
    and (not v.is_over or coalesce(v.finished_at, v.ends_at, v.created_at) > now() - interval '7 days')"""
DOORS = {
    "ieum_held_visits()": f"""returns setof text language sql stable as $$
  select v.id from visits v where {HELD}
$$""",
    "ieum_past_visits()": f"""returns table (visit_id text, technician_id text, product_id text, outcome text,
  ended_on date) language sql stable as $$
  select v.id, v.technician_id, p.product_id, v.outcome,
    (coalesce(v.finished_at, v.ends_at, v.created_at) at time zone 'Asia/Seoul')::date
  from visits v join tickets t on t.id = v.ticket_id left join owned_products p on p.id = t.owned_product_id
  where v.is_over and v.technician_id = any (array(select ieum_company_technicians())) and {FIELD}
  order by 5 desc, 1 limit 200
$$""",
    "ieum_offer_cards()": f"""returns table (visit_id text, ordinal int, region text, product_id text, fault text,
  pay_minor bigint) language sql stable as $$
  select o.visit_id, o.ordinal, coalesce(nullif(t.site_region, ''), nullif(p.region, ''), c.region), p.product_id,
    t.kind,
    (select a.pay_minor from partner_papers a join technicians h on h.partner_id = a.partner_id
     where h.id = o.technician_id and a.kind = 'contract' and a.pay_minor is not null
       and (now() at time zone 'Asia/Seoul')::date between a.valid_from and a.valid_until
     order by a.valid_from desc, a.id limit 1)
  from visit_offers o join visits v on v.id = o.visit_id join customers c on c.id = v.customer_id
  join tickets t on t.id = v.ticket_id left join owned_products p on p.id = t.owned_product_id
  where o.status = 'open' and {FIELD}
    and o.technician_id = any (array(select ieum_company_technicians()))
$$""",
}
OWN = "any (array(select ieum_held_visits()))"
# Narrower than what 0003 and 0010 gave: for the field, and for nobody else.
NARROWED = {
    "visits": f"id = {OWN}",
    "timeline_entries": "subject not like 'visit:%' or substr(subject, 7) = " + OWN,
    "waits": "subject not like 'visit:%' or substr(subject, 7) = " + OWN,
    "attachments": f"visit_id is null or visit_id = {OWN}",
}


def upgrade() -> None:
    op.execute(TABLES)
    for table, commands in POLICIES.items():
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
        op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
        op.execute(f"grant select, insert, update on {table} to ieum_worker")
        op.execute(f"grant select on {table} to ieum_app")
        for command, condition in commands.items():
            name = "app_sees" if command == "select" else f"app_{command}s"
            clause = f"using ({condition})" if command == "select" else f"with check ({condition})"
            op.execute(f"create policy {name} on {table} for {command} to ieum_app {clause}")
    op.execute("grant insert on partner_papers to ieum_app")
    op.execute("revoke insert, update on partners from ieum_app")
    op.execute("grant insert on partners to ieum_app")
    op.execute("grant select, insert, update on partners to ieum_worker")
    op.execute("drop policy app_inserts on partners")
    op.execute("drop policy app_updates on partners")
    op.execute(
        "create policy app_inserts on partners for insert to ieum_app"
        f" with check ({EDITORS} and status = 'applied' and not checks_papers and seq = 0)"
    )
    op.execute("drop function ieum_offer_cards()")
    for signature, body in DOORS.items():
        head, tail = body.split(" as $$", 1)
        op.execute(
            f"create function {signature} {head} security definer set search_path = pg_catalog, public, pg_temp"
            f" as $${tail}"
        )
        name = signature.split("(", 1)[0]
        op.execute(f"revoke execute on function {name} from public")
        op.execute(f"grant execute on function {name} to ieum_app")
    for table, condition in NARROWED.items():
        op.execute(
            f"create policy field_sees_own on {table} as restrictive for select to ieum_app"
            f" using (({me('kind')} is null or {me('kind')} not in ('technician', 'partner')) or {condition})"
        )
    op.execute(LIVES)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
