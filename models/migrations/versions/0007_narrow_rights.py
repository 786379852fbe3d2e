"""The app's rights column by column, passwords behind doors, and files that stay with their own ticket."""

from alembic import op

from models.staff import Invitation

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def me(name: str) -> str:
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


ADMIN = f"({me('kind')} = 'staff' and (select string_to_array(current_setting('ieum.roles', true), ',') && array['admin']))"

# What the app may add. Whatever stands in neither of the three is the worker's, or nobody's.
ADDS = (
    "customers", "owned_products", "tickets", "ticket_messages", "attachments", "ticket_ratings", "ticket_drafts",
    "visit_checklist_ticks", "visit_parts", "device_actions", "payment_attempts", "timeline_entries",
    "personal_data_accesses", "audit_entries", "sign_in_sessions", "api_tokens", "teams", "partners", "technicians",
    "technician_shifts", "technician_absences", "outbox", "inbox", "sign_in_throttles",
)
# The only columns that the app may change; a row's own policy says whose.
CHANGES = {
    "customers": "kind, name, phone, phone_as_given, email, locale, tier, postcode, address, region, is_verified, version",
    "owned_products": "serial, bought_on, warranty_until, region",
    "ticket_drafts": "kind, body, updated_at",
    "visits": "signature, signer, absence_reason",
    "visit_checklist_ticks": "done_at",
    "visit_parts": "quantity, used_at",
    "device_actions": "outcome, refusal",
    "accounts": "name, locale, roles, team_id, is_active, version",
    "sign_in_sessions": "revoked_at",
    "api_tokens": "revoked_at",
    "signed_links": "used_at, revoked_at",
    "teams": "name_ko, name_en, skills, is_default",
    "partners": "name, phone, is_active",
    "technicians": "partner_id, name, phone, skills, territories, is_active",
    "technician_shifts": "weekday, starts, ends",
    "outbox": "status, sent_at, refusal, not_before",
    "sign_in_throttles": "window_start, tries",
}
REMOVES = (
    "ticket_drafts", "visit_checklist_ticks", "visit_parts", "technician_shifts", "technician_absences",
)
PUBLIC = "id, login, name, locale, roles, team_id, customer_id, technician_id, partner_id, is_active, created_at, version"
PERSON = "id text, name text, roles text[], locale text, team_id text, customer_id text, technician_id text, partner_id text"
PERSON_OF = ", ".join(
    f"a.{name}" if name == "roles" else f"a.{name}::text"
    for name in ("id", "name", "roles", "locale", "team_id", "customer_id", "technician_id", "partner_id")
)

RIGHTS = [
    "revoke insert, update, delete, truncate on all tables in schema public from ieum_app",
    f"grant insert on {', '.join(ADDS)} to ieum_app",
    *(f"grant update ({names}) on {table} to ieum_app" for table, names in CHANGES.items()),
    f"grant delete on {', '.join(REMOVES)} to ieum_app",
    # A password's hash is read and written by the doors below only.
    "revoke select on accounts from ieum_app",
    f"grant select ({PUBLIC}) on accounts to ieum_app",
    f"grant insert ({PUBLIC}) on accounts to ieum_app",
    # What a command says may hold what people typed: the app writes it and never reads it back.
    "revoke select on outbox from ieum_app",
    "grant select (id, key, kind, workflow, workflow_id, name, task_queue, summary, status, tries, refusal, not_before,"
    " created_at, sent_at) on outbox to ieum_app",
]

DOORS: dict[str, tuple[str, str, str]] = {
    "door_session(given_hash text)": (f"table ({PERSON})", "plpgsql", f"""
begin
  update sign_in_sessions s set seen_at = now(), idle_until = least(now() + interval '12 hours', s.expires_at)
  where s.token_hash = given_hash and s.revoked_at is null and s.idle_until > now() and s.expires_at > now()
    and s.seen_at < now() - interval '1 minute';
  return query select {PERSON_OF} from accounts a join sign_in_sessions s on s.account_id = a.id
  where given_hash <> '' and s.token_hash = given_hash and a.is_active and s.revoked_at is null
    and s.idle_until > now() and s.expires_at > now();
end """),
    "door_token(given_hash text)": (f"table ({PERSON})", "sql stable", f"""
  select {PERSON_OF} from accounts a join api_tokens k on k.account_id = a.id
  where given_hash <> '' and k.token_hash = given_hash and a.is_active and k.revoked_at is null
    and k.expires_at > now()"""),
    # One's own password: the stored hash to compare with, and a fresh one, which ends every other session.
    "door_own_password()": ("text", "sql stable", f"""
  select password_hash from accounts where id = {me('person')} and is_active"""),
    "door_new_password(fresh text, keep text)": ("void", "sql", f"""
  update accounts set password_hash = fresh where id = {me('person')} and is_active;
  update sign_in_sessions set revoked_at = now()
  where account_id = {me('person')} and revoked_at is null and token_hash <> keep;
  update invitations set used_at = now() where account_id = {me('person')} and used_at is null"""),
    # A one-time link to set a password: whose it is, and its one use.
    "door_invited(given_hash text)": ("table (id text, login text, name text)", "sql stable", """
  select a.id::text, a.login, a.name from invitations i join accounts a on a.id = i.account_id
  where given_hash <> '' and i.token_hash = given_hash and i.used_at is null and i.expires_at > now()
    and a.is_active"""),
    "door_accept(given_hash text, fresh text)": ("text", "plpgsql", """
declare whose text;
begin
  update invitations i set used_at = now() from accounts a
  where a.id = i.account_id and a.is_active and given_hash <> '' and i.token_hash = given_hash
    and i.used_at is null and i.expires_at > now() returning i.account_id into whose;
  if whose is null then return null; end if;
  update accounts set password_hash = fresh where id = whose;
  update invitations set used_at = now() where account_id = whose and used_at is null;
  update sign_in_sessions set revoked_at = now() where account_id = whose and revoked_at is null;
  return whose;
end """),
    # Whoever leaves loses sessions, keys and links in the same moment.
    "door_shut(account text)": ("void", "sql", f"""
  update sign_in_sessions set revoked_at = now() where account_id = account and revoked_at is null and {ADMIN};
  update api_tokens set revoked_at = now() where account_id = account and revoked_at is null and {ADMIN};
  update invitations set used_at = now() where account_id = account and used_at is null and {ADMIN}"""),
}

BELONGS = """
create function attachment_stays_with_its_ticket() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.message_id is not null
     and not exists (select 1 from ticket_messages m where m.id = new.message_id and m.ticket_id = new.ticket_id) then
    raise exception 'a file belongs to a message of its own ticket' using errcode = 'foreign_key_violation';
  end if;
  if new.visit_id is not null
     and not exists (select 1 from visits v where v.id = new.visit_id and v.ticket_id = new.ticket_id) then
    raise exception 'a file belongs to a visit of its own ticket' using errcode = 'foreign_key_violation';
  end if;
  return new;
end $$;
create trigger attachment_stays_with_its_ticket before insert or update on attachments
  for each row execute function attachment_stays_with_its_ticket();

create function ticket_is_about_its_customers_product() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if new.owned_product_id is not null and not exists (
       select 1 from owned_products p where p.id = new.owned_product_id and p.customer_id = new.customer_id) then
    raise exception 'a ticket is about a product of its own customer' using errcode = 'foreign_key_violation';
  end if;
  return new;
end $$;
create trigger ticket_is_about_its_customers_product before insert on tickets
  for each row execute function ticket_is_about_its_customers_product();
"""


def upgrade() -> None:
    Invitation.__table__.create(op.get_bind(), checkfirst=True)
    op.execute("grant select, insert, update, delete on invitations to ieum_worker")
    op.execute("grant select on invitations to ieum_app")
    op.execute("alter table invitations enable row level security")
    op.execute("alter table invitations force row level security")
    op.execute("create policy owner_all on invitations for all to current_user using (true) with check (true)")
    op.execute("create policy worker_all on invitations for all to ieum_worker using (true) with check (true)")
    op.execute(f"create policy app_sees on invitations for select to ieum_app using ({ADMIN})")
    for signature, (answer, language, body) in DOORS.items():
        name = signature.split("(", 1)[0]
        op.execute(f"drop function if exists {name}")
        op.execute(
            f"create function {signature} returns {answer} language {language} security definer"
            f" set search_path = pg_catalog, public, pg_temp as $${body}$$"
        )
        op.execute(f"revoke execute on function {name} from public")
        op.execute(f"grant execute on function {name} to ieum_app")
    for right in RIGHTS:
        op.execute(right)
    op.execute(BELONGS)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
