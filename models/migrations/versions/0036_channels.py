"""Channels: keys of programs and devices, what came in, calls, device faults, chats, and new ways a ticket comes."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

CHANNELS = "'portal', 'form', 'phone', 'email', 'sms', 'api', 'chat', 'device'"
TABLES = """
create table api_clients (
  id varchar primary key,
  name text not null,
  account_id varchar not null references accounts (id),
  scopes text[] not null,
  token_hash text not null unique,
  created_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index ix_api_clients_account_id on api_clients (account_id);

create table channel_events (
  id varchar primary key,
  door varchar(32) not null constraint door check (door in ('sms', 'call', 'device')),
  external_id text not null,
  received_at timestamptz not null,
  last_at timestamptz not null,
  times integer not null,
  status varchar(32) not null constraint eventstatus check
    (status in ('received', 'placed', 'ignored', 'quarantined', 'refused')),
  reason text not null,
  sender text not null,
  is_verified boolean not null,
  original text not null,
  ticket_id varchar references tickets (id),
  message_id varchar references ticket_messages (id),
  constraint channel_event_once unique (door, external_id)
);
create index ix_channel_events_ticket_id on channel_events (ticket_id);
create index channel_events_by_time on channel_events (received_at, id);
create index channel_events_by_sender on channel_events (sender, received_at);

create table phone_lines (
  id varchar primary key references accounts (id),
  extension text not null unique
);

create table phone_calls (
  id varchar primary key,
  external_id text not null unique,
  caller text not null,
  extension text not null,
  account_id varchar references accounts (id),
  customer_id varchar references customers (id),
  ticket_id varchar references tickets (id),
  status varchar(32) not null constraint callstatus check (status in ('ringing', 'answered', 'ended', 'missed')),
  received_at timestamptz not null,
  rung_at timestamptz,
  answered_at timestamptz,
  ended_at timestamptz,
  recording text not null,
  seq integer not null
);
create index ix_phone_calls_customer_id on phone_calls (customer_id);
create index ix_phone_calls_ticket_id on phone_calls (ticket_id);
create index calls_by_agent on phone_calls (account_id, received_at);

create table device_keys (
  id varchar primary key,
  name text not null,
  serial text not null,
  token_hash text not null unique,
  created_by text not null,
  created_at timestamptz not null,
  revoked_at timestamptz
);

create table device_batches (
  key_id varchar not null references device_keys (id),
  batch_id text not null,
  at timestamptz not null,
  primary key (key_id, batch_id)
);
create index ix_device_batches_at on device_batches (at);

create table device_rules (
  fault text not null,
  version integer not null,
  alarms integer not null,
  minutes integer not null,
  quiet_minutes integer not null,
  closes boolean not null,
  set_by text not null,
  set_at timestamptz not null,
  primary key (fault, version)
);
insert into device_rules values ('*', 1, 3, 10, 30, false, 'house', now());

create table device_signals (
  owned_product_id varchar not null references owned_products (id),
  fault text not null,
  minute timestamptz not null,
  alarms integer not null,
  goods integer not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  reading jsonb not null,
  primary key (owned_product_id, fault, minute)
);

create table device_faults (
  id varchar primary key,
  owned_product_id varchar not null references owned_products (id),
  customer_id varchar not null references customers (id),
  fault text not null,
  status varchar(32) not null constraint faultstatus check (status in ('watching', 'raised', 'over')),
  ticket_id varchar references tickets (id),
  rule_version integer not null,
  began_at timestamptz not null,
  told_at timestamptz,
  told_alarms integer not null,
  ended_at timestamptz,
  seq integer not null
);
create index ix_device_faults_owned_product_id on device_faults (owned_product_id);
create index ix_device_faults_customer_id on device_faults (customer_id);
create index ix_device_faults_ticket_id on device_faults (ticket_id);
create unique index one_open_fault on device_faults (owned_product_id, fault) where status <> 'over';
create index owned_products_by_serial on owned_products (upper(serial)) where returned_on is null;

create table chats (
  id varchar primary key references tickets (id),
  visitor text not null,
  contact text not null,
  began_at timestamptz not null,
  ended_at timestamptz
);

create table chat_presences (
  chat_id varchar not null references chats (id),
  side varchar(32) not null constraint chatside check (side in ('customer', 'desk')),
  seen_at timestamptz not null,
  typed_at timestamptz,
  primary key (chat_id, side)
);
"""


def me(name: str) -> str:
    """A setting of the asking person, read once per query; never set and empty are both NULL."""
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


def role(*names: str) -> str:
    listed = ", ".join(f"'{name}'" for name in names)
    return (
        f"({me('kind')} = 'staff' and (select string_to_array(current_setting('ieum.roles', true), ',')"
        f" && array[{listed}]))"
    )


STAFF, SYSTEM = f"{me('kind')} = 'staff'", f"{me('kind')} = 'system'"
DESK, ADMIN = role("agent", "dispatcher", "admin"), role("admin")
SEES = "exists (select 1 from tickets t where t.id = {})"
OF_TICKET = f"(ticket_id is null or {SEES.format('ticket_id')})"
OWN = f"({me('kind')} in ('customer', 'link') and {SEES.format('{0}')})"
OF_CHAT = f"(({DESK} and {SEES.format('chats.id')}) or {OWN.format('chats.id')})"
POLICIES = {
    "api_clients": {
        "select": ADMIN, "insert": f"{ADMIN} and created_by = {me('person')}", "update": ADMIN,
    },
    "channel_events": {
        "select": ADMIN,
        "insert": f"{SYSTEM} and ticket_id is null and message_id is null and times = 1",
    },
    "phone_lines": {
        "select": f"({DESK} and id = {me('person')}) or {ADMIN}", "insert": ADMIN, "update": ADMIN,
        "delete": ADMIN,
    },
    "phone_calls": {
        "select": f"({DESK} and {OF_TICKET})", "insert": f"{SYSTEM} and ticket_id is null and seq = 0",
    },
    "device_keys": {
        "select": ADMIN, "insert": f"{ADMIN} and created_by = {me('person')}", "update": ADMIN,
    },
    "device_batches": {},
    "device_rules": {"select": STAFF, "insert": f"{ADMIN} and set_by = {me('person')}"},
    "device_signals": {"select": DESK},
    "device_faults": {"select": f"({DESK} and {OF_TICKET})"},
    "chats": {
        "select": OF_CHAT,
        "insert": f"({me('kind')} = 'intake' or {OWN.format('chats.id')}) and ended_at is null",
    },
    "chat_presences": {
        "select": "exists (select 1 from chats c where c.id = chat_id)",
        "insert": f"(side = 'desk' and {DESK} or side = 'customer' and {me('kind')} in ('customer', 'link'))"
        " and exists (select 1 from chats c where c.id = chat_id)",
        "update": f"(side = 'desk' and {DESK} or side = 'customer' and {me('kind')} in ('customer', 'link'))"
        " and exists (select 1 from chats c where c.id = chat_id)",
    },
}
COMMANDS = {
    "select": "using ({0})", "insert": "with check ({0})", "update": "using ({0}) with check ({0})",
    "delete": "using ({0})",
}  # fmt: skip

PERSON = "id text, name text, roles text[], locale text, team_id text, customer_id text, technician_id text, partner_id text"
PERSON_OF = ", ".join(
    f"a.{name}" if name == "roles" else f"a.{name}::text"
    for name in ("id", "name", "roles", "locale", "team_id", "customer_id", "technician_id", "partner_id")
)
HEARD = (
    "jsonb_to_recordset(told) h(serial text, fault text, is_alarm boolean, at timestamptz, reading text, device text,"
    " customer text)"
)
MOST_STRANGERS = 200  # unknown serials that one key may leave on one day
DOORS = {
    # Whose rights a program's key has, and how far.
    "door_client(given_hash text)": f"""returns table ({PERSON}, scopes text[]) language sql stable as $$
  select {PERSON_OF}, k.scopes from accounts a join api_clients k on k.account_id = a.id
  where given_hash <> '' and k.token_hash = given_hash and a.is_active and k.revoked_at is null
    and k.expires_at > now()
$$""",
    # What is refused is counted by hour: a stranger fills no table.
    "channel_refused(given_door text, why text)": f"""returns void language sql volatile as $$
  insert into channel_events (id, door, external_id, received_at, last_at, times, status, reason, sender, is_verified,
    original)
  select 'chn_' || substr(md5(given_door || why || date_trunc('hour', now())), 1, 16), given_door,
    'refused:' || why || ':' || extract(epoch from date_trunc('hour', now()))::bigint, now(), now(), 1, 'refused',
    why, '', false, ''
  where {SYSTEM}
  on conflict (door, external_id) do update set times = channel_events.times + 1, last_at = now()
$$""",
    # Whom a call is for and from; only an address that was proved, or is nobody else's, finds a customer.
    "call_parties(given_extension text, given_phone text)": f"""returns table (account_id text, customer_id text)
language sql stable as $$
  select (select l.id::text from phone_lines l join accounts a on a.id = l.id and a.is_active
          where l.extension = given_extension and given_extension <> ''),
         (select c.id::text from customers c where c.phone = given_phone and given_phone <> '' and c.erased_at is null)
  where {SYSTEM}
$$""",
    "device_key_of(given_hash text)": f"""returns table (id text, serial text) language sql stable as $$
  select k.id::text, k.serial from device_keys k
  where {SYSTEM} and given_hash <> '' and k.token_hash = given_hash and k.revoked_at is null
$$""",
    # A whole batch in a few statements: known devices into minutes, unknown ones aside, new episodes to be watched.
    "devices_heard(given_key text, batch text, told jsonb)": f"""returns table (fault_id text, is_new boolean) language plpgsql volatile
as $$
begin
  if {me('kind')} is distinct from 'system' then
    raise exception 'not a system' using errcode = 'insufficient_privilege';
  end if;
  insert into device_batches values (given_key, batch, now()) on conflict do nothing;
  if not found then return; end if;
  select coalesce(jsonb_agg(jsonb_build_object('serial', upper(r.serial), 'fault', r.fault, 'is_alarm', r.is_alarm,
      'at', r.at, 'reading', left(r.reading, 200), 'device', p.id, 'customer', p.customer_id)), '[]') into told
    from jsonb_to_recordset(told) r(serial text, fault text, is_alarm boolean, at timestamptz, reading text)
    left join lateral (select o.id, o.customer_id from owned_products o
      where upper(o.serial) = upper(r.serial) and o.returned_on is null order by o.id limit 1) p on true;
  perform pg_advisory_xact_lock(hashtextextended(device, 36))
    from (select distinct device from {HEARD} where device is not null order by device) d;
  insert into device_signals as s
    select device, fault, date_trunc('minute', at), count(*) filter (where is_alarm), count(*) filter (where not is_alarm),
      min(at), coalesce(max(at) filter (where is_alarm), max(at)), jsonb_build_object('reading', (array_agg(reading order by at desc))[1])
    from {HEARD} where device is not null group by 1, 2, 3
  on conflict (owned_product_id, fault, minute) do update set alarms = s.alarms + excluded.alarms,
    goods = s.goods + excluded.goods, first_at = least(s.first_at, excluded.first_at),
    last_at = case when excluded.alarms > 0 then greatest(s.last_at, excluded.last_at)
      else s.last_at end, reading = excluded.reading;
  insert into channel_events as e (id, door, external_id, received_at, last_at, times, status, reason, sender,
      is_verified, original)
    select 'chn_' || substr(md5(given_key || serial || current_date), 1, 16), 'device',
      'unknown:' || given_key || ':' || serial || ':' || current_date, now(), now(), n, 'quarantined', 'unknown_serial',
      serial, true, said
    from (select serial, count(*) n, (array_agg(jsonb_build_object('serial', serial, 'fault', fault, 'alarm', is_alarm,
            'at', at, 'reading', reading)::text order by at))[1] said
          from {HEARD} where device is null group by 1 order by 1 limit {MOST_STRANGERS}) u
    where (select count(*) from channel_events c where c.door = 'device' and c.status = 'quarantined'
           and c.received_at > current_date and c.external_id like 'unknown:' || given_key || ':%') < {MOST_STRANGERS}
  on conflict (door, external_id) do update set times = e.times + excluded.times, last_at = now();
  return query with fresh as (
    insert into device_faults (id, owned_product_id, customer_id, fault, status, rule_version, began_at, told_alarms, seq)
      select 'df_' || substr(md5(device || h.fault || clock_timestamp() || random()), 1, 16), device, min(customer), h.fault,
        'watching', 0, now(), 0, 0
      from {HEARD} where device is not null and is_alarm group by device, h.fault
    on conflict (owned_product_id, fault) where status <> 'over' do nothing
    returning device_faults.id)
    select id::text, true from fresh
    union all select f.id::text, false from device_faults f where f.status <> 'over' and exists
      (select 1 from {HEARD} where h.device = f.owned_product_id and h.fault = f.fault and h.is_alarm);
end $$""",
    # The one link of somebody without sign-in: to the ticket of a chat that they have begun just now.
    "chat_link(which text, hashed text)": f"""returns void language sql volatile as $$
  insert into signed_links (token_hash, key, purpose, customer_id, ticket_id, subject, created_at, expires_at)
  select hashed, 'chat:' || t.id, 'follow', t.customer_id, t.id, t.id, now(), now() + interval '30 days'
  from tickets t where {me('kind')} = 'intake' and t.id = which and t.channel = 'chat' and t.submitted_by = ''
    and t.created_at > now() - interval '1 minute' and length(hashed) = 64
  on conflict do nothing
$$""",
}
CHANGES = {
    "api_clients": "revoked_at", "device_keys": "revoked_at", "phone_lines": "extension",
    "chat_presences": "seen_at, typed_at",
}  # fmt: skip


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
        op.execute(f"create policy {name} on {table} for {command} to ieum_app {COMMANDS[command].format(condition)}")
        if command in ("insert", "delete"):
            op.execute(f"grant {command} on {table} to ieum_app")
    if table in CHANGES:
        op.execute(f"grant update ({CHANGES[table]}) on {table} to ieum_app")


def make_doors() -> None:
    for signature, body in DOORS.items():
        head, tail = body.split("as $$", 1)
        op.execute(
            f"create function {signature} {head} security definer set search_path = pg_catalog, public, pg_temp"
            f" as $${tail}"
        )
        name = signature.split("(", 1)[0]
        op.execute(f"revoke execute on function {name} from public")
        op.execute(f"grant execute on function {name} to ieum_app")


def upgrade() -> None:
    for table in ("tickets", "ticket_messages"):
        op.execute(f"alter table {table} drop constraint channel")
        op.execute(f"alter table {table} add constraint channel check (channel in ({CHANNELS}))")
    op.execute(TABLES)
    for table, commands in POLICIES.items():
        guard(table, commands)
    make_doors()


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
