"""Signup's doors, what is proved of an address, and the one act that forgets a customer everywhere."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0010"
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


def upgrade() -> None:
    for table, new in NEW_COLUMNS.items():
        for column in new:
            op.add_column(table, column)
    op.create_unique_constraint("signups_resume_hash_key", "signups", ["resume_hash"])
    op.create_index("signups_by_address", "signups", ["address", "created_at"])
    # The hash of a password that waits for its account is nobody's to read.
    op.execute("revoke select on signups from ieum_app")
    op.execute(f"grant select ({SIGNUP}) on signups to ieum_app")
    for signature, (answer, language, body) in DOORS.items():
        name = signature.split("(", 1)[0]
        op.execute(
            f"create function {signature} returns {answer} language {language} security definer"
            f" set search_path = pg_catalog, public, pg_temp as $${body}$$"
        )
        op.execute(f"revoke execute on function {name} from public")
        op.execute(f"grant execute on function {name} to ieum_app")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
