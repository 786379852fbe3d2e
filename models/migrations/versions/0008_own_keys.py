"""A key that somebody makes up counts among their own only; what was said is forgotten; streams renew nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def me(name: str) -> str:
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


PERSON = "id text, name text, roles text[], locale text, team_id text, customer_id text, technician_id text, partner_id text"
PERSON_OF = ", ".join(
    f"a.{name}" if name == "roles" else f"a.{name}::text"
    for name in ("id", "name", "roles", "locale", "team_id", "customer_id", "technician_id", "partner_id")
)
MAY_TAKE_IN = f"({me('kind')} in ('intake', 'staff') or ({me('kind')} = 'customer' and customer_id = {me('customer')}))"
# Which keys were unique among everybody, and among what they are unique from now on.
NARROWER = (
    ("outbox", "outbox_key_key", ("workflow_id", "actor_id", "key")),
    ("tickets", "tickets_submission_key_key", ("submitted_by", "submission_key")),
    ("attachments", "attachments_action_id_key", ("visit_id", "action_id")),
    ("visit_checklist_ticks", "visit_checklist_ticks_action_id_key", ("visit_id", "action_id")),
    ("visit_parts", "visit_parts_action_id_key", ("visit_id", "action_id")),
)
DOORS = {
    # Who looks on without doing anything: an open stream, a page that renews itself.
    "door_still(given_hash text)": (f"table ({PERSON})", f"""
  select {PERSON_OF} from accounts a join sign_in_sessions s on s.account_id = a.id
  where given_hash <> '' and s.token_hash = given_hash and a.is_active and s.revoked_at is null
    and s.idle_until > now() and s.expires_at > now()"""),
    "intake_ticket(given_key text)": ("text", f"""
  select id from tickets where given_key <> '' and submission_key = given_key
    and submitted_by = coalesce({me('person')}, '') and {MAY_TAKE_IN}"""),
}
FORGETS = """
create function outbox_forgets() returns trigger language plpgsql
set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.status <> 'waiting' then new.payload := '{}'; end if;
  return new;
end $$;
create trigger outbox_forgets before update on outbox for each row execute function outbox_forgets();
update outbox set payload = '{}' where status <> 'waiting';
"""


def upgrade() -> None:
    op.add_column("outbox", sa.Column("actor_id", sa.Text(), nullable=False, server_default=""))
    op.add_column("tickets", sa.Column("submitted_by", sa.Text(), nullable=False, server_default=""))
    for table, was, columns in NARROWER:
        op.drop_constraint(was, table)
        op.create_unique_constraint(f"{table}_own_key", table, list(columns))
    op.drop_constraint("device_actions_pkey", "device_actions")
    op.create_primary_key("device_actions_pkey", "device_actions", ["technician_id", "id"])
    op.execute("grant select (actor_id) on outbox to ieum_app")
    for signature, (answer, body) in DOORS.items():
        op.execute(f"drop function if exists {signature.replace('given_hash ', '').replace('given_key ', '')}")
        op.execute(
            f"create function {signature} returns {answer} language sql stable security definer"
            f" set search_path = pg_catalog, public, pg_temp as $${body}$$"
        )
        name = signature.split("(", 1)[0]
        op.execute(f"revoke execute on function {name} from public")
        op.execute(f"grant execute on function {name} to ieum_app")
    op.execute(FORGETS)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
