"""Row-level security: the database's own answer to who may see and write a row, mirroring api/kit/visible.py."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def me(name: str) -> str:
    """A setting of the asking person, read once per query; never set and empty are both NULL."""
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


def kind(*names: str) -> str:
    return "(" + " or ".join(f"{me('kind')} = '{name}'" for name in names) + ")"


def role(*names: str) -> str:
    listed = ", ".join(f"'{name}'" for name in names)
    return (
        f"({me('kind')} = 'staff' and (select string_to_array(current_setting('ieum.roles', true), ',')"
        f" && array[{listed}]))"
    )


STAFF = kind("staff")
DESK = role("agent", "dispatcher", "admin")
OWN_TEAM = role("agent", "dispatcher")
FINANCE = role("finance", "admin")
ADMIN = role("admin")
CUSTOMER, LINK, INTAKE, DOOR = kind("customer"), kind("link"), kind("intake"), kind("door")
TECHNICIAN, PARTNER, FIELD = kind("technician"), kind("partner"), kind("technician", "partner")
HELD_TICKETS = "any (array(select ieum_held_tickets()))"
HELD_CUSTOMERS = "any (array(select ieum_held_customers()))"
COMPANY = "any (array(select ieum_company_technicians()))"
SELF = me("person")


def sees(parent: str, key: str, parent_key: str = "id") -> str:
    """The parent row is visible to the same person (its own policy decides)."""
    return f"exists (select 1 from {parent} parent where parent.{parent_key} = {key})"


def own(ticket: str) -> str:
    """The ticket belongs to the asking customer or link."""
    return (
        f"(({CUSTOMER} and {sees('tickets', ticket)}) or ({LINK} and {ticket} = {me('ticket')}))"
    )


def team(table: str) -> str:
    return f"({TECHNICIAN} and {table} = {me('technician')}) or ({PARTNER} and {table} = {COMPANY})"


def writes(**commands: str) -> dict[str, str]:
    return commands


MY_VISIT = (
    f"{TECHNICIAN} and exists (select 1 from visits v where v.id = visit_id"
    f" and v.technician_id = {me('technician')} and not v.is_over)"
)
EDITORS = role("dispatcher", "admin")

# table: (who sees a row, {command: who may write it})
POLICIES: dict[str, tuple[str, dict[str, str]]] = {
    "customers": (
        f"{STAFF} or (({CUSTOMER} or {LINK}) and id = {me('customer')}) or ({FIELD} and id = {HELD_CUSTOMERS})",
        writes(insert=f"{INTAKE} or {DESK}", update=f"{DESK} or ({CUSTOMER} and id = {me('customer')})"),
    ),
    "owned_products": (
        f"{STAFF} or ({CUSTOMER} and customer_id = {me('customer')})"
        f" or ({LINK} and id = any (array(select t.owned_product_id from tickets t where t.id = {me('ticket')})))"
        f" or ({FIELD} and id = any (array(select t.owned_product_id from tickets t)))",
        writes(
            insert=f"{INTAKE} or {DESK} or ({CUSTOMER} and customer_id = {me('customer')})", update=DESK
        ),
    ),
    "tickets": (
        f"({STAFF} and (not is_confidential or (team_id = {me('team')} and {OWN_TEAM})))"
        f" or ({CUSTOMER} and customer_id = {me('customer')})"
        f" or ({LINK} and id = {me('ticket')} and customer_id = {me('customer')})"
        f" or ({FIELD} and id = {HELD_TICKETS})",
        writes(insert=f"{INTAKE} or {DESK} or ({CUSTOMER} and customer_id = {me('customer')})"),
    ),
    "ticket_messages": (
        f"({DESK} and {sees('tickets', 'ticket_id')}) or (kind <> 'note' and {own('ticket_id')})",
        writes(
            insert=f"({INTAKE} and kind = 'inbound') or ({DESK} and {sees('tickets', 'ticket_id')})"
            f" or (kind = 'inbound' and author_id is null and {own('ticket_id')})"
            f" or (kind = 'inbound' and author_id = {SELF} and {own('ticket_id')})"
        ),
    ),
    "attachments": (
        f"({DESK} and {sees('tickets', 'ticket_id')})"
        f" or ({own('ticket_id')} and (message_id is null or {sees('ticket_messages', 'message_id')}))"
        f" or ({FIELD} and ticket_id = {HELD_TICKETS} and message_id is null)",
        writes(
            insert=f"{INTAKE} or ({DESK} and {sees('tickets', 'ticket_id')}) or {own('ticket_id')}"
            f" or ({MY_VISIT} and ticket_id = {HELD_TICKETS})"
        ),
    ),
    "ticket_ratings": (
        f"({STAFF} and {sees('tickets', 'ticket_id')}) or {own('ticket_id')}",
        writes(insert=own("ticket_id")),
    ),
    "ticket_drafts": (
        f"{DESK} and account_id = {SELF} and {sees('tickets', 'ticket_id')}",
        writes(
            insert=f"{DESK} and account_id = {SELF} and {sees('tickets', 'ticket_id')}",
            update=f"{DESK} and account_id = {SELF} and {sees('tickets', 'ticket_id')}",
            delete=f"{DESK} and account_id = {SELF}",
        ),
    ),
    "visits": (
        f"({STAFF} and {sees('tickets', 'ticket_id')}) or ({CUSTOMER} and customer_id = {me('customer')})"
        f" or ({LINK} and ticket_id = {me('ticket')}) or {team('technician_id')}",
        writes(update=f"{TECHNICIAN} and technician_id = {me('technician')} and not is_over"),
    ),
    "visit_offers": (
        f"({STAFF} and {sees('visits', 'visit_id')}) or {team('technician_id')}",
        {},
    ),
    "visit_checklist_ticks": (
        sees("visits", "visit_id"), writes(insert=MY_VISIT, update=MY_VISIT, delete=MY_VISIT)
    ),
    "visit_parts": (
        sees("visits", "visit_id"), writes(insert=MY_VISIT, update=MY_VISIT, delete=MY_VISIT)
    ),
    "device_actions": (
        f"({DESK} and {sees('visits', 'visit_id')}) or {team('technician_id')}",
        writes(
            insert=f"{TECHNICIAN} and technician_id = {me('technician')}",
            update=f"{TECHNICIAN} and technician_id = {me('technician')}",
        ),
    ),
    "invoices": (
        f"{role('finance')} or ({DESK} and {sees('tickets', 'ticket_id')})"
        f" or ({CUSTOMER} and customer_id = {me('customer')}) or ({LINK} and ticket_id = {me('ticket')})",
        {},
    ),
    "invoice_lines": (sees("invoices", "invoice_id"), {}),
    "payment_attempts": (
        sees("invoices", "invoice_id"),
        writes(
            insert=f"({STAFF} or {CUSTOMER} or {LINK}) and status = 'created' and {sees('invoices', 'invoice_id')}"
        ),
    ),
    "payment_allocations": (sees("invoices", "invoice_id"), {}),
    "ledger_transactions": (FINANCE, {}),
    "ledger_entries": (FINANCE, {}),
    "timeline_entries": (
        f"({STAFF} and ticket_id is not null and {sees('tickets', 'ticket_id')})"
        f" or ({ADMIN} and ticket_id is null) or (is_public and {own('ticket_id')})"
        f" or (is_public and {FIELD} and ticket_id = {HELD_TICKETS})",
        writes(
            insert=f"{INTAKE} or ({DESK} and {sees('tickets', 'ticket_id')}) or {own('ticket_id')}"
            f" or ({FIELD} and ticket_id = {HELD_TICKETS})"
        ),
    ),
    "waits": (
        f"({STAFF} and ticket_id is not null and {sees('tickets', 'ticket_id')})"
        f" or ({ADMIN} and ticket_id is null) or {own('ticket_id')}"
        f" or ({FIELD} and ticket_id = {HELD_TICKETS})",
        {},
    ),
    "journey_histories": (ADMIN, {}),
    "system_calls": (
        f"({STAFF} and ticket_id is not null and {sees('tickets', 'ticket_id')})"
        f" or ({ADMIN} and ticket_id is null)",
        {},
    ),
    "sent_messages": (
        f"({STAFF} and ticket_id is not null and {sees('tickets', 'ticket_id')})"
        f" or ({ADMIN} and ticket_id is null)",
        {},
    ),
    "personal_data_accesses": (ADMIN, writes(insert=f"actor_id = {SELF}")),
    "audit_entries": (ADMIN, writes(insert=f"{DOOR} or actor_id = {SELF}")),
    "accounts": (
        f"id = {SELF} or {ADMIN}"
        f" or ({STAFF} and roles && array['agent', 'dispatcher', 'finance', 'admin'])",
        writes(insert=ADMIN, update=f"id = {SELF} or {ADMIN}"),
    ),
    "sign_in_sessions": (
        f"account_id = {SELF} or {ADMIN}",
        writes(insert=DOOR, update=f"account_id = {SELF} or {ADMIN}"),
    ),
    "api_tokens": (
        f"{STAFF} and account_id = {SELF}",
        writes(insert=f"{STAFF} and account_id = {SELF}", update=f"{STAFF} and account_id = {SELF}"),
    ),
    "signed_links": (
        f"({DESK} and {sees('tickets', 'ticket_id')}) or ({LINK} and token_hash = {me('link')})",
        writes(
            update=f"({DESK} and {sees('tickets', 'ticket_id')}) or ({LINK} and token_hash = {me('link')})"
        ),
    ),
    "teams": (STAFF, writes(insert=ADMIN, update=ADMIN)),
    "partners": (
        f"{STAFF} or (({PARTNER} or {TECHNICIAN}) and id = {me('partner')})",
        writes(insert=EDITORS, update=EDITORS),
    ),
    "technicians": (
        f"{STAFF} or {team('id')}"
        f" or (({CUSTOMER} or {LINK}) and {sees('visits', 'technicians.id', 'technician_id')})",
        writes(insert=EDITORS, update=EDITORS),
    ),
    "technician_shifts": (
        f"{STAFF} or {team('technician_id')}", writes(insert=EDITORS, update=EDITORS, delete=EDITORS)
    ),
    "technician_absences": (
        f"{STAFF} or {team('technician_id')}", writes(insert=EDITORS, update=EDITORS, delete=EDITORS)
    ),
}

# Tables without personal data or money of their own; everything else must stand in POLICIES (tests/api/test_visible.py).
OPEN = (
    "products", "parts", "service_policies", "calendar_days", "number_series", "outbox", "inbox",
    "sign_in_throttles",
)

HELD = """v.status not in ('searching', 'unassigned')
    and (not v.is_over or coalesce(v.finished_at, v.ends_at, v.created_at) > now() - interval '7 days')"""
MINE = f"""v.technician_id = any (array(select ieum_company_technicians()))
    and {kind("technician", "partner")} and {HELD}"""

# Functions that may look past the policies: each answers one narrow question.
FUNCTIONS: dict[str, str] = {
    # Whose visits the asking technician or company may see; breaks the circle tickets <-> visits.
    "ieum_company_technicians()": f"""returns setof text language sql stable as $$
  select id from technicians
  where ({TECHNICIAN} and id = {me("technician")}) or ({PARTNER} and partner_id = {me("partner")})
$$""",
    "ieum_held_tickets()": f"""returns setof text language sql stable as $$
  select v.ticket_id from visits v where {MINE}
$$""",
    "ieum_held_customers()": f"""returns setof text language sql stable as $$
  select v.customer_id from visits v where {MINE}
$$""",
    # An offer shows area and product, and nothing that says whose they are.
    "ieum_offer_cards()": f"""returns table (visit_id text, ordinal int, region text, product_id text)
language sql stable as $$
  select o.visit_id, o.ordinal, coalesce(nullif(p.region, ''), c.region), p.product_id
  from visit_offers o join visits v on v.id = o.visit_id join customers c on c.id = v.customer_id
  join tickets t on t.id = v.ticket_id left join owned_products p on p.id = t.owned_product_id
  where o.status = 'open' and {kind("technician", "partner")}
    and o.technician_id = any (array(select ieum_company_technicians()))
$$""",
    # The public form: whose record is this, and was this form sent before?
    "intake_customer(given_phone text, given_email text)": f"""returns text language sql stable as $$
  select id from customers where {kind("intake", "staff")}
    and ((given_phone <> '' and phone = given_phone) or (given_email <> '' and email = given_email))
  order by (given_phone <> '' and phone = given_phone) desc, id limit 1
$$""",
    "intake_ticket(given_key text)": f"""returns text language sql stable as $$
  select id from tickets where given_key <> '' and submission_key = given_key
    and ({kind("intake", "staff")} or ({CUSTOMER} and customer_id = {me("customer")}))
$$""",
    # Sign-in: the account behind a login; the person behind a token.
    "door_account(given_login text)": f"""returns table (id text, password_hash text, locale text)
language sql stable as $$
  select a.id, a.password_hash, a.locale from accounts a
  where {DOOR} and given_login <> '' and a.login = given_login and a.is_active
$$""",
    "door_rehash(account text, fresh text)": f"""returns void language sql as $$
  update accounts set password_hash = fresh where id = account and {DOOR}
$$""",
    "door_session(given_hash text)": """returns setof accounts language plpgsql as $$
begin
  update sign_in_sessions s set seen_at = now(), idle_until = least(now() + interval '12 hours', s.expires_at)
  where s.token_hash = given_hash and s.revoked_at is null and s.idle_until > now() and s.expires_at > now()
    and s.seen_at < now() - interval '1 minute';
  return query select a.* from accounts a join sign_in_sessions s on s.account_id = a.id
  where given_hash <> '' and s.token_hash = given_hash and a.is_active and s.revoked_at is null
    and s.idle_until > now() and s.expires_at > now();
end $$""",
    "door_token(given_hash text)": """returns setof accounts language sql stable as $$
  select a.* from accounts a join api_tokens k on k.account_id = a.id
  where given_hash <> '' and k.token_hash = given_hash and a.is_active and k.revoked_at is null
    and k.expires_at > now()
$$""",
    "door_link(given_hash text)": """returns table (purpose text, customer_id text, ticket_id text, subject text,
  name text, locale text, used_at timestamptz) language sql stable as $$
  select k.purpose, k.customer_id, k.ticket_id, k.subject, c.name, c.locale, k.used_at
  from signed_links k join customers c on c.id = k.customer_id
  where given_hash <> '' and k.token_hash = given_hash and k.revoked_at is null and k.expires_at > now()
$$""",
    "door_forget(account text)": f"""returns void language sql as $$
  update sign_in_sessions set revoked_at = now()
  where account_id = account and revoked_at is null and ({DOOR} or account = {SELF} or {ADMIN})
$$""",
}

# A policy cannot compare old and new: the app changes rights only for administrators.
RIGHTS = f"""
create function rights_stay() returns trigger language plpgsql as $$
begin
  if current_user = 'ieum_app' and not {ADMIN} and
     (new.id, new.login, new.roles, new.team_id, new.customer_id, new.technician_id, new.partner_id, new.is_active)
     is distinct from
     (old.id, old.login, old.roles, old.team_id, old.customer_id, old.technician_id, old.partner_id, old.is_active)
  then
    raise exception 'only an administrator changes rights' using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;

create trigger rights_stay before update on accounts for each row execute function rights_stay();
"""


def upgrade() -> None:
    for signature, body in FUNCTIONS.items():
        head, tail = body.split(" as $$", 1)
        op.execute(
            f"create function {signature} {head} security definer set search_path = pg_catalog, public, pg_temp"
            f" as $${tail}"
        )
        names = signature.split("(", 1)[0]
        op.execute(f"revoke execute on function {names} from public")
        op.execute(f"grant execute on function {names} to ieum_app")
    for table, (seen, written) in POLICIES.items():
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
        op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
        op.execute(f"create policy app_sees on {table} for select to ieum_app using ({seen})")
        for command, allowed in written.items():
            clause = {
                "insert": f"with check ({allowed})",
                "update": f"using ({allowed}) with check ({allowed})",
                "delete": f"using ({allowed})",
            }[command]
            op.execute(f"create policy app_{command}s on {table} for {command} to ieum_app {clause}")
    op.execute(RIGHTS)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
