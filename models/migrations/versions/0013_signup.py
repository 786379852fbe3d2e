"""Signup's doors, what is proved of an address, and the one act that forgets a customer everywhere."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def me(name: str) -> str:
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


DOOR = f"{me('kind')} = 'door'"
MOMENT = sa.DateTime(timezone=True)
NEW_COLUMNS = {
    "customers": [
        sa.Column("phone_proved_at", MOMENT),
        sa.Column("email_proved_at", MOMENT),
        sa.Column("erased_at", MOMENT),
    ],
    "signups": [
        sa.Column(
            "purpose",
            sa.Enum("signup", "contact", name="signuppurpose", native_enum=False, create_constraint=True, length=32),
            nullable=False,
            server_default="signup",
        ),
        sa.Column("code_number", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("sent_at", MOMENT),
        sa.Column("choices", postgresql.JSONB(), nullable=False, server_default="{}"),
        sa.Column("password_hash", sa.Text()),
        sa.Column("cart_key", sa.Text(), nullable=False, server_default=""),
        sa.Column("resume_hash", sa.Text()),
        sa.Column("reminded_at", MOMENT),
        sa.Column("account_id", sa.Text()),
    ],
    "privacy_requests": [sa.Column("file_until", MOMENT)],
}
SIGNUP = (
    "id, token_hash, channel, address, code_hash, code_expires_at, sends, tries, locked_until, status, is_over,"
    " name, locale, customer_id, return_to, created_at, proved_at, done_at, seq, purpose, code_number, sent_at,"
    " choices, cart_key, resume_hash, reminded_at, account_id"
)

DOORS: dict[str, tuple[str, str, str]] = {
    # What the browser that holds a signup may know of it: what was typed into it, and how it stands.
    "door_signup(given_hash text)": (
        "table (id text, purpose text, channel text, address text, status text, is_over boolean, sends int,"
        " sent_at timestamptz, is_locked boolean, is_proved boolean, return_to text, has_account boolean)",
        "sql stable",
        f"""
  select s.id::text, s.purpose::text, s.channel, s.address, s.status::text, s.is_over, s.sends, s.sent_at,
    coalesce(s.locked_until > now(), false), s.proved_at is not null, s.return_to, s.account_id is not null
  from signups s where {DOOR} and given_hash <> '' and s.token_hash = given_hash""",
    ),
    # One guess: counted before it is answered; five wrong ones lock for a while, and an address bears twenty a day.
    "door_code(given_hash text, given_code text)": (
        "text",
        "plpgsql",
        f"""
declare s signups; guesses int; is_last boolean;
begin
  if not coalesce({DOOR}, false) or given_hash = '' then return 'gone'; end if;
  select * into s from signups where token_hash = given_hash for update;
  if not found or s.is_over then return 'gone'; end if;
  if s.proved_at is not null then return 'proved'; end if;
  if s.locked_until > now() then return 'locked'; end if;
  select coalesce(sum(tries), 0) into guesses from signups
  where address = s.address and created_at > now() - interval '1 day';
  if guesses >= 20 then return 'locked'; end if;
  if s.code_hash = '' or s.code_expires_at is null or s.code_expires_at <= now() then return 'expired'; end if;
  if s.code_hash <> given_code then
    is_last := (s.tries + 1) % 5 = 0;
    update signups set tries = tries + 1,
      locked_until = case when is_last then now() + interval '15 minutes' end where id = s.id;
    return case when is_last then 'locked' else 'wrong' end;
  end if;
  update signups set proved_at = now(), code_hash = '' where id = s.id;
  return 'proved';
end """,
    ),
    # One more code: after half a minute, five times, and not while it is locked.
    "door_code_again(given_hash text)": (
        "table (id text, number int)",
        "plpgsql",
        f"""
begin
  return query update signups s set sends = s.sends + 1, sent_at = now()
  where {DOOR} and given_hash <> '' and s.token_hash = given_hash and not s.is_over and s.proved_at is null
    and s.sends < 6 and s.sent_at <= now() - interval '30 seconds'
    and (s.locked_until is null or s.locked_until <= now())
  returning s.id::text, s.sends;
end """,
    ),
    # What somebody who proved their address tells about themselves.
    "door_details(given_hash text, given_name text, given_choices jsonb, given_password text)": (
        "text",
        "plpgsql",
        f"""
declare whose text;
begin
  update signups s set name = given_name, choices = given_choices, password_hash = given_password
  where {DOOR} and given_hash <> '' and s.token_hash = given_hash and not s.is_over and s.proved_at is not null
    and s.purpose = 'signup' returning s.id into whose;
  return whose;
end """,
    ),
    # The signup is done: whoever holds it comes in, once and soon.
    "door_enter(given_hash text)": (
        "text",
        "plpgsql",
        f"""
declare whose text;
begin
  update signups s set token_hash = 'used:' || s.id from accounts a
  where {DOOR} and given_hash <> '' and s.token_hash = given_hash and s.status = 'done' and s.purpose = 'signup'
    and s.done_at > now() - interval '30 minutes' and a.id = s.account_id and a.is_active
    and a.customer_id is not null and a.roles = array['customer'] returning a.id into whose;
  return whose;
end """,
    ),
    # The link of the reminder: whether it still leads anywhere, and its one use, which proves the address.
    "door_resumable(given_hash text)": (
        "boolean",
        "sql stable",
        f"""
  select exists (select 1 from signups s where {DOOR} and given_hash <> '' and s.resume_hash = given_hash
    and not s.is_over)""",
    ),
    "door_resume(given_hash text, fresh text)": (
        "text",
        "plpgsql",
        f"""
declare whose text;
begin
  update signups s set token_hash = fresh, resume_hash = null, code_hash = '',
    proved_at = coalesce(s.proved_at, now())
  where {DOOR} and given_hash <> '' and fresh <> '' and s.resume_hash = given_hash and not s.is_over
  returning s.id into whose;
  return whose;
end """,
    ),
}

# Everything personal of one customer, wherever it stands: one act of the owner, because facts can only be added to.
# Kept are invoices, payments, ledger, contracts and consents (as the law says), under an id that names nobody; and
# the audit of who looked at what.
FORGET = """
create function forget_customer(whom text, moment timestamptz) returns setof text language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  my_tickets text[] := array(select id from tickets where customer_id = whom);
  my_visits text[] := array(select id from visits where customer_id = whom or ticket_id = any (my_tickets));
  my_orders text[] := array(select id from orders where customer_id = whom);
  my_changes text[] := array(select id from subscription_changes where customer_id = whom);
  my_invoices text[] := array(select id from invoices where customer_id = whom);
  my_accounts text[] := array(select id from accounts where customer_id = whom and roles = array['customer']);
  my_signups text[] := array(select id from signups where customer_id = whom);
  my_requests text[] := array(select id from privacy_requests where customer_id = whom);
  my_cases text[] := my_orders || my_changes || my_signups || my_requests || array[whom];
  my_lives text[];
begin
  perform 1 from customers where id = whom for update;
  if not found then return; end if;
  my_lives := array(
    select 'ticket:' || unnest(my_tickets) union all select 'visit:' || unnest(my_visits)
    union all select 'invoice:' || unnest(my_invoices) union all select 'order:' || unnest(my_orders)
    union all select 'change:' || unnest(my_changes) union all select 'signup:' || unnest(my_signups)
    union all select 'privacy:' || unnest(my_requests) union all select 'charge:' || a.id from payment_attempts a
    where a.invoice_id = any (my_invoices));
  return query delete from attachments where ticket_id = any (my_tickets) returning stored_as;
  return query update privacy_requests p set file_id = null where p.id = any (my_requests) and p.file_id is not null
    returning (select o.file_id from privacy_requests o where o.id = p.id);

  update customers set name = '', phone = null, phone_as_given = null, email = null, postcode = '', address = '',
    region = '', phone_proved_at = null, email_proved_at = null, is_verified = false, erased_at = moment,
    version = version + 1 where id = whom;
  update owned_products set serial = 'erased:' || id, region = '' where customer_id = whom;
  update signups set token_hash = 'erased:' || id, address = '', name = '', code_hash = '', choices = '{}',
    password_hash = null, cart_key = '', resume_hash = null, return_to = '', is_over = true
    where id = any (my_signups);
  update consents set source = split_part(source, ':', 1) where customer_id = whom;
  update privacy_requests set reason = '' where customer_id = whom;
  delete from cart_items where cart_key = 'customer:' || whom;

  update accounts set login = 'erased:' || id, password_hash = null, name = '', is_active = false,
    version = version + 1 where id = any (my_accounts);
  update sign_in_sessions set revoked_at = coalesce(revoked_at, moment), address = '', browser = ''
    where account_id = any (my_accounts);
  update api_tokens set revoked_at = coalesce(revoked_at, moment), name = '' where account_id = any (my_accounts);
  update invitations set used_at = coalesce(used_at, moment) where account_id = any (my_accounts);
  update signed_links set revoked_at = coalesce(revoked_at, moment) where customer_id = whom;

  update tickets set subject = '', description = '' where id = any (my_tickets);
  update ticket_messages set body = '', author_name = '' where ticket_id = any (my_tickets);
  update ticket_ratings set comment = '' where ticket_id = any (my_tickets);
  delete from ticket_drafts where ticket_id = any (my_tickets);
  update visits set note = '', signature = null, signer = '', absence_reason = '', arrival_position = ''
    where id = any (my_visits);
  update visit_offers set answer_reason = '' where visit_id = any (my_visits);
  update timeline_entries set details = '{}' where ticket_id = any (my_tickets) or customer_id = whom
    or case_id = any (my_cases) or subject = any (my_lives) or subject = 'customer:' || whom;
  update waits set details = '{}' where ticket_id = any (my_tickets) or customer_id = whom or case_id = any (my_cases)
    or workflow_id = any (my_lives);
  update outbox set payload = '{}' where status <> 'waiting' and workflow_id = any (my_lives);

  update orders set ship_name = '', ship_phone = '', ship_postcode = '', ship_address = '', ship_region = '',
    reason = '' where id = any (my_orders);
  update shipment_events set place = '' where shipment_id in (select id from shipments where order_id = any (my_orders));
  update subscriptions set end_reason = '' where customer_id = whom;
  update subscription_changes set wish = '{}', reason = '', asked_by = '' where id = any (my_changes);
  update payment_methods set status = 'revoked', label = '', billing_key = '', is_default = false,
    revoked_at = coalesce(revoked_at, moment) where customer_id = whom;
  update refunds set reason = '' where customer_id = whom;
end $$;
revoke execute on function forget_customer from public;
grant execute on function forget_customer to ieum_worker;
"""
# A customer registers a device: one that we made and that nobody has becomes theirs.
REGISTER = f"""
create function register_product(given_product text, given_serial text, fresh_id text) returns text
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare whose text; me text := {me('customer')}; sold date; months int;
begin
  if {me('kind')} is distinct from 'customer' or me is null or given_serial = '' then return 'unknown'; end if;
  select customer_id into whose from owned_products
  where product_id = given_product and upper(serial) = upper(given_serial);
  if found then return case when whose = me then 'mine' else 'taken' end; end if;
  select k.sold_on, p.warranty_months into sold, months from known_serials k join products p on p.id = k.product_id
  where k.product_id = given_product and k.serial = upper(given_serial);
  if not found then return 'unknown'; end if;
  insert into owned_products (id, customer_id, product_id, serial, region, bought_on, warranty_until)
  values (fresh_id, me, given_product, upper(given_serial), '', sold, (sold + make_interval(months => months))::date)
  on conflict do nothing;
  return case when found then 'registered' else 'taken' end;
end $$;
revoke execute on function register_product from public;
grant execute on function register_product to ieum_app;
"""


def upgrade() -> None:
    for table, new in NEW_COLUMNS.items():
        for column in new:
            op.add_column(table, column)
    op.create_unique_constraint("signups_resume_hash_key", "signups", ["resume_hash"])
    op.create_index("signups_by_address", "signups", ["address", "created_at"])
    # The hash of a password that waits for its account is nobody's to read.
    op.execute("revoke select on signups from ieum_app")
    op.execute(f"grant select ({SIGNUP}) on signups to ieum_app")
    op.create_table(
        "known_serials",
        sa.Column("product_id", sa.String(), sa.ForeignKey("products.id"), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("sold_on", sa.Date()),
        sa.PrimaryKeyConstraint("product_id", "serial"),
    )
    op.execute("alter table known_serials enable row level security")
    op.execute("alter table known_serials force row level security")
    op.execute("create policy owner_all on known_serials for all to current_user using (true) with check (true)")
    op.execute("create policy worker_all on known_serials for all to ieum_worker using (true) with check (true)")
    op.execute("grant select, insert, update, delete on known_serials to ieum_worker")
    op.execute("grant select on known_serials to ieum_app")  # without a policy: no row is seen
    for signature, (answer, language, body) in DOORS.items():
        name = signature.split("(", 1)[0]
        op.execute(
            f"create function {signature} returns {answer} language {language} security definer"
            f" set search_path = pg_catalog, public, pg_temp as $${body}$$"
        )
        op.execute(f"revoke execute on function {name} from public")
        op.execute(f"grant execute on function {name} to ieum_app")
    op.execute(FORGET)
    op.execute(REGISTER)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
