"""Who may see and write what is sold, in the database; mirrors api/kit/visible.py and visible_orders.py."""

from alembic import op

revision = "0010"
down_revision = "0009"
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
SELLS = role("agent", "dispatcher", "finance", "admin")
ADMIN = role("admin")
CUSTOMER, LINK, INTAKE, FIELD = kind("customer"), kind("link"), kind("intake"), kind("technician", "partner")
HELD_TICKETS = "any (array(select ieum_held_tickets()))"
MINE = f"({CUSTOMER} and customer_id = {me('customer')})"


def sees(parent: str, key: str, parent_key: str = "id") -> str:
    """The parent row is visible to the same person (its own policy decides)."""
    return f"exists (select 1 from {parent} parent where parent.{parent_key} = {key})"


def own(ticket: str) -> str:
    return f"(({CUSTOMER} and {sees('tickets', ticket)}) or ({LINK} and {ticket} = {me('ticket')}))"


def of_case(case: str = "case_id") -> str:
    """Rows of an order or a change: the desk and finance, its own customer, and a link to just this case."""
    theirs = f"({LINK} and {case} = {me('case')} and customer_id = {me('customer')})"
    return f"({case} is not null and ({SELLS} or {MINE} or {theirs}))"


ON_TICKET = f"({STAFF} and ticket_id is not null and {sees('tickets', 'ticket_id')})"
NOBODYS = f"({ADMIN} and ticket_id is null and case_id is null)"
OUTSIDE = f"{ON_TICKET} or ({SELLS} and case_id is not null) or {NOBODYS}"
BY_DESK = f"({DESK} and ({sees('tickets', 'ticket_id')} or case_id is not null))"

# Policies that now know of cases.
CHANGED: dict[str, dict[str, str]] = {
    "timeline_entries": {
        "select": f"{ON_TICKET} or ({STAFF} and {of_case()}) or {NOBODYS}"
        f" or (is_public and ({own('ticket_id')} or (({CUSTOMER} or {LINK}) and {of_case()})))"
        f" or (is_public and {FIELD} and ticket_id = {HELD_TICKETS})",
        "insert": f"{INTAKE} or ({DESK} and ticket_id is not null and {sees('tickets', 'ticket_id')})"
        f" or (ticket_id is not null and {own('ticket_id')}) or ({FIELD} and ticket_id = {HELD_TICKETS})"
        f" or (ticket_id is null and {of_case()})",
    },
    "waits": {
        "select": f"{ON_TICKET} or {of_case()} or {NOBODYS} or {own('ticket_id')}"
        f" or ({FIELD} and ticket_id = {HELD_TICKETS})",
    },
    "system_calls": {"select": OUTSIDE},
    "sent_messages": {"select": OUTSIDE},
    "invoices": {
        "select": f"{role('finance')} or {BY_DESK} or {MINE} or ({LINK} and ticket_id = {me('ticket')})"
        f" or ({LINK} and {of_case()})",
    },
    "signed_links": {
        "select": f"{BY_DESK} or ({LINK} and token_hash = {me('link')})",
        "update": f"{BY_DESK} or ({LINK} and token_hash = {me('link')})",
    },
}

TRANSFER = f"({CUSTOMER} and other_customer_id = {me('customer')})"
BY_LINK = f"({LINK} and id = {me('case')} and (customer_id = {me('customer')} or other_customer_id = {me('customer')}))"
NAMED = (
    f"({LINK} and customer_id = {me('customer')} and exists (select 1 from subscription_changes c"
    f" where c.subscription_id = subscriptions.id and c.id = {me('case')} and c.customer_id = {me('customer')}))"
)
ANYBODY = f"{me('kind')} is not null"  # also somebody who has not signed in, but never an unnamed transaction
PUBLISHED = f"{STAFF} or ({ANYBODY} and status in ('published', 'retired'))"
THEIRS = f"{SELLS} or {MINE}"

# table: who sees a row, and which commands may be given by whom
POLICIES: dict[str, dict[str, str]] = {
    "plans": {"select": ANYBODY, "insert": ADMIN, "update": ADMIN},
    "plan_versions": {"select": PUBLISHED, "insert": ADMIN, "update": ADMIN},
    "bundles": {"select": ANYBODY, "insert": ADMIN, "update": ADMIN},
    "bundle_versions": {"select": PUBLISHED, "insert": ADMIN, "update": ADMIN},
    "cross_sells": {"select": ANYBODY, "insert": ADMIN, "update": ADMIN, "delete": ADMIN},
    "orders": {"select": of_case("id"), "insert": f"{DESK} or {MINE}"},
    "order_lines": {
        "select": sees("orders", "order_id"),
        "insert": f"({DESK} or {CUSTOMER}) and {sees('orders', 'order_id')}",
    },
    "order_steps": {"select": sees("orders", "order_id")},
    "shipments": {"select": sees("orders", "order_id")},
    "shipment_events": {"select": sees("shipments", "shipment_id")},
    "subscription_changes": {
        "select": f"{SELLS} or {MINE} or {TRANSFER} or {BY_LINK}",
        "insert": f"{DESK} or {MINE}",
    },
    "subscriptions": {"select": f"{SELLS} or {MINE} or {NAMED}"},
    "subscription_pauses": {"select": sees("subscriptions", "subscription_id")},
    "subscription_charges": {"select": sees("subscriptions", "subscription_id")},
    "signups": {"select": ADMIN, "insert": INTAKE},
    "consents": {"select": THEIRS, "insert": f"{DESK} or {MINE} or {INTAKE}"},
    "privacy_requests": {"select": THEIRS, "insert": f"{DESK} or {MINE}"},
    "payment_methods": {"select": THEIRS, "insert": f"({DESK} or {MINE}) and status = 'pending'"},
    "refunds": {"select": sees("invoices", "invoice_id")},
    "credit_notes": {"select": sees("invoices", "invoice_id")},
}
# What the app may change of what it wrote; everything else is the worker's.
CHANGES = {
    "plans": "name_ko, name_en, product_id",
    "plan_versions": "status, terms, effective_from, effective_until, reviewer_id, note, published_at, seq",
    "bundles": "name_ko, name_en, about_ko, about_en",
    "bundle_versions": "status, terms, effective_from, effective_until, reviewer_id, note, published_at, seq",
    "cross_sells": "reason_ko, reason_en, is_active",
}
METHOD = "id, customer_id, kind, status, provider, customer_key, label, is_default, created_at, revoked_at, seq"

DOOR_LINK = """
drop function door_link(text);
create function door_link(given_hash text) returns table (purpose text, customer_id text, ticket_id text,
  case_id text, subject text, name text, locale text, used_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select k.purpose, k.customer_id, k.ticket_id, k.case_id, k.subject, c.name, c.locale, k.used_at
  from signed_links k join customers c on c.id = k.customer_id
  where given_hash <> '' and k.token_hash = given_hash and k.revoked_at is null and k.expires_at > now()
$$;
revoke execute on function door_link from public;
grant execute on function door_link to ieum_app;
"""

GUARDS = """
create function version_is_final() returns trigger language plpgsql as $$
begin
  if old.status in ('published', 'retired') and (new.terms, new.effective_from) is distinct from (old.terms, old.effective_from)
     or old.status in ('published', 'retired') and new.status in ('draft', 'review') then
    raise exception 'a published version never changes' using errcode = 'check_violation';
  end if;
  if new.status = 'published' and old.status <> 'published' and (new.reviewer_id is null or new.reviewer_id = new.author_id) then
    raise exception 'somebody else has to review a version' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger version_is_final before update on plan_versions for each row execute function version_is_final();
create trigger version_is_final before update on bundle_versions for each row execute function version_is_final();

alter table subscription_pauses add constraint one_pause_at_a_time exclude using gist (
  subscription_id with =, daterange(from_on, until_on) with &&
);
"""

FACTS = ("consents", "credit_notes", "shipment_events")


def allow(table: str, command: str, condition: str) -> None:
    clause = {
        "select": f"using ({condition})",
        "insert": f"with check ({condition})",
        "update": f"using ({condition}) with check ({condition})",
        "delete": f"using ({condition})",
    }[command]
    name = "app_sees" if command == "select" else f"app_{command}s"
    op.execute(f"create policy {name} on {table} for {command} to ieum_app {clause}")


def upgrade() -> None:
    for table, commands in CHANGED.items():
        for command, condition in commands.items():
            op.execute(f"drop policy {'app_sees' if command == 'select' else f'app_{command}s'} on {table}")
            allow(table, command, condition)
    for table, commands in POLICIES.items():
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
        op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
        op.execute(f"grant select, insert, update, delete on {table} to ieum_worker")
        op.execute(f"grant select on {table} to ieum_app")
        for command, condition in commands.items():
            allow(table, command, condition)
            if command in ("insert", "delete"):
                op.execute(f"grant {command} on {table} to ieum_app")
    for table, columns in CHANGES.items():
        op.execute(f"grant update ({columns}) on {table} to ieum_app")
    # A billing key is money: only the worker reads it.
    op.execute("revoke select, insert on payment_methods from ieum_app")
    op.execute(f"grant select ({METHOD}), insert ({METHOD}) on payment_methods to ieum_app")
    op.execute("grant select, insert, update, delete on cart_items to ieum_app, ieum_worker")
    op.execute("grant usage, select on all sequences in schema public to ieum_app, ieum_worker")
    for table in FACTS:
        op.execute(f"revoke update, delete on {table} from ieum_worker")
    op.execute(DOOR_LINK)
    op.execute(GUARDS)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
