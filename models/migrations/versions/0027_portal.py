"""What an employee's pages know beyond rows of their own: usual times, what is asked for most, how the same was
decided, an approval by its link, and how far the journeys of one's team are. Sums and stages, nobody's answers."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def me(name: str) -> str:
    """A setting of the asking person; never set and empty are both NULL."""
    return f"nullif(current_setting('ieum.{name}', true), '')"


WORKS_HERE = f"{me('kind')} in ('staff', 'employee')"
MYSELF = f"(select e.id from employees e where e.account_id = {me('person')})"
BY_LINK = (
    f"({me('kind')} = 'link' and exists (select 1 from signed_links k where k.token_hash = {me('link')}"
    " and k.purpose = 'approve' and k.subject = a.id))"
)
ASKED = f"({WORKS_HERE} and (a.approver_employee_id = {MYSELF} or a.team_id = {me('team')}))"

FUNCTIONS = {
    "ieum_usual_times(keys text[])": f"""returns table (item_key text, requests int, half bigint, most bigint)
language sql stable as $$
  select r.item_key, count(*)::int,
    percentile_cont(0.5) within group (order by extract(epoch from r.closed_at - r.created_at))::bigint,
    percentile_cont(0.8) within group (order by extract(epoch from r.closed_at - r.created_at))::bigint
  from employee_requests r
  where {WORKS_HERE} and r.item_key = any (keys) and r.status = 'done' and r.closed_at > now() - interval '180 days'
  group by r.item_key having count(*) >= 3
$$""",
    "ieum_most_used()": f"""returns table (item_key text) language sql stable as $$
  select r.item_key from employee_requests r join employees e on e.id = r.for_employee_id
  join employees mine on mine.id = {MYSELF}
  where {WORKS_HERE} and r.status <> 'draft' and not r.is_confidential and r.parent_id is null
    and r.created_at > now() - interval '90 days' and (e.department = mine.department or e.site = mine.site)
  group by r.item_key order by count(*) desc, r.item_key limit 20
$$""",
    "ieum_similar_decisions(approval text)": f"""returns table (status text, amount_minor bigint, decided_at timestamptz)
language sql stable as $$
  select o.status::text, o.amount_minor, o.decided_at
  from request_approvals a
  join employee_requests r on r.id = a.request_id
  join request_steps s on s.request_id = a.request_id and s.path = a.path
  join employee_requests other on other.item_key = r.item_key and other.id <> r.id
  join request_approvals o on o.request_id = other.id
  join request_steps t on t.request_id = o.request_id and t.path = o.path and t.step_id = s.step_id
  where a.id = approval and ({ASKED} or {BY_LINK}) and o.status in ('approved', 'rejected')
    and (not other.is_confidential or o.approver_employee_id = a.approver_employee_id)
  order by o.decided_at desc limit 5
$$""",
    "ieum_approval_card()": f"""returns table (definition jsonb, answers jsonb, is_confidential boolean, asked_by text,
  for_whom text, approver text, names jsonb) language sql stable as $$
  select v.definition, r.answers, r.is_confidential, asker.name, beneficiary.name, approver.name,
    (select jsonb_object_agg(e.id, e.name) from employees e
     where e.id in (select value from jsonb_each_text(r.answers)))
  from signed_links k join request_approvals a on a.id = k.subject
  join employee_requests r on r.id = a.request_id
  join request_item_versions v on v.item_key = r.item_key and v.version = r.item_version
  left join employees asker on asker.account_id = r.asked_by
  left join employees beneficiary on beneficiary.id = r.for_employee_id
  left join employees approver on approver.id = a.approver_employee_id
  where {me('kind')} = 'link' and k.token_hash = {me('link')} and k.purpose = 'approve'
    and k.revoked_at is null and k.expires_at > now()
$$""",
    "ieum_team_journeys()": f"""returns table (request_id text, item_key text, item_version int, for_employee_id text,
  status text, created_at timestamptz, due_at timestamptz, steps jsonb) language sql stable as $$
  select r.id, r.item_key, r.item_version, r.for_employee_id, r.status::text, r.created_at, r.due_at,
    (select jsonb_agg(jsonb_build_object('path', s.path, 'status', s.status, 'due_at', s.due_at))
     from request_steps s where s.request_id = r.id)
  from employee_requests r join employees e on e.id = r.for_employee_id
  join request_item_versions v on v.item_key = r.item_key and v.version = r.item_version
  where {WORKS_HERE} and e.manager_id = {MYSELF} and not r.is_confidential and r.status <> 'draft'
    and v.definition ->> 'trigger' in ('joiner', 'mover', 'leaver')
    and (r.closed_at is null or r.closed_at > now() - interval '30 days')
  order by r.created_at desc limit 200
$$""",
}


def upgrade() -> None:
    for signature, body in FUNCTIONS.items():
        head, tail = body.split(" as $$", 1)
        op.execute(
            f"create function {signature} {head} security definer set search_path = pg_catalog, public, pg_temp"
            f" as $${tail}"
        )
        name = signature.split("(", 1)[0]
        op.execute(f"revoke execute on function {name} from public")
        op.execute(f"grant execute on function {name} to ieum_app")
    # Items that come with the house are loaded by the worker's role.
    op.execute("grant insert on request_items, request_item_versions, item_simulations to ieum_worker")
    # Who works on something is no secret among colleagues.
    op.execute(
        "create policy colleagues_see on teams for select to ieum_app"
        f" using ((select {me('kind')}) = 'employee')"
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
