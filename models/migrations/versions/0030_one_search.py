"""One search: words by syllables, initial consonants and typos, found behind row-level security's back and shown
only through it; words that people searched for; notes about customers.

Row-level security keeps an index of LIKE, @> and % from being used by the app, because those operators are not
proven to leak nothing. So the functions below look up ids as their owner, for the very people who may see the
rows; pages then read the rows through `visible()` and the policies like any others."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def me(name: str) -> str:
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


STAFF = f"coalesce({me('kind')} = 'staff', false)"
ROLES = "(select string_to_array(coalesce(current_setting('ieum.roles', true), ''), ','))"
DESK = f"({STAFF} and {ROLES} && array['agent', 'dispatcher', 'admin'])"

# The same letters on every server, whatever its locale: lower case for ASCII, no spaces.
PLAIN = """
create function ieum_plain(words text) returns text language sql immutable strict parallel safe as $$
  select lower(regexp_replace(left(words, 200), '[[:space:]]+', '', 'g') collate "C")
$$
"""
# 김민 → "rlaals": the keys of a Korean keyboard. Trigrams of them work in every locale and see one wrong stroke.
LETTERS = """
create function ieum_letters(words text) returns text language plpgsql immutable strict parallel safe cost 400 as $$
declare
  firsts constant text[] := '{r,R,s,e,E,f,a,q,Q,t,T,d,w,W,c,z,x,v,g}';
  middles constant text[] := '{k,o,i,O,j,p,u,P,h,hk,ho,hl,y,n,nj,np,nl,b,m,ml,l}';
  lasts constant text[] := '{"",r,R,rt,s,sw,sg,e,f,fr,fa,fq,ft,fx,fv,fg,a,q,qt,t,T,d,w,c,z,x,v,g}';
  single constant text[] := '{r,R,rt,s,sw,sg,e,E,f,fr,fa,fq,ft,fx,fv,fg,a,q,Q,qt,t,T,d,w,W,c,z,x,v,g,
    k,o,i,O,j,p,u,P,h,hk,ho,hl,y,n,nj,np,nl,b,m,ml,l}';
  letter text;
  code int;
  made text := '';
begin
  foreach letter in array string_to_array(left(public.ieum_plain(words), 40), null) loop
    code := ascii(letter) - 44032;
    if code between 0 and 11171 then
      made := made || firsts[code / 588 + 1] || middles[code % 588 / 28 + 1] || lasts[code % 28 + 1];
    elsif code between -31423 and -31373 then
      made := made || single[code + 31424];
    else
      made := made || letter;
    end if;
  end loop;
  return lower(made collate "C");
end $$
"""
INITIALS = """
create function ieum_initials(words text) returns text language sql immutable strict parallel safe as $$
  select coalesce(string_agg(
    case when ascii(letter) between 44032 and 55203
      then substr('ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ', (ascii(letter) - 44032) / 588 + 1, 1) else ' ' end,
    '' order by place), '')
  from string_to_table(public.ieum_plain(words), null) with ordinality as said (letter, place)
$$
"""
# Every letter, every pair of neighbours, and both of the initial consonants.
GRAMS = """
create function ieum_grams(words text) returns text[] language sql immutable strict parallel safe cost 400 as $$
  select coalesce(array_agg(distinct gram), '{}') from (
    select substr(said, place, long) as gram
    from (values (left(public.ieum_plain(words), 80)), (left(public.ieum_initials(words), 40))) as one (said),
      generate_series(1, length(said)) as place, generate_series(1, 2) as long
    where place + long - 1 <= length(said)
  ) as every where gram !~ ' '
$$
"""
# What a word that is looked for must hold: its pairs, or its only letter.
ASKED = """
create function ieum_asked(words text) returns text[] language sql immutable strict parallel safe as $$
  select case when length(said) = 1 then array[said] else
    (select array_agg(distinct substr(said, place, 2)) from generate_series(1, length(said) - 1) as place) end
  from (select left(public.ieum_plain(words), 40)) as one (said) where said <> ''
$$
"""
INDEXES = (
    'create index customers_by_first_letters on customers ((ieum_plain(name) collate "C"), id)',
    "create index customers_by_letters on customers using gin (ieum_grams(name))",
    "create index customers_by_typos on customers using gin (ieum_letters(name) gin_trgm_ops)",
    "create index customers_by_last_digits on customers (right(phone, 4))",
    "create index customers_by_part_of_email on customers using gin (split_part(email, '@', 1) gin_trgm_ops)",
    'create index customers_by_first_of_email on customers (email collate "C")',
    "create index customers_by_domain on customers ((split_part(email, '@', 2) collate \"C\"))",
    "create index tickets_by_letters on tickets using gin (ieum_grams(subject))",
    "create index owned_products_by_part_of_serial on owned_products using gin (lower(serial) gin_trgm_ops)",
    # Numbers are compared in one order on every server; such comparisons may use their index under the policies.
    'create index tickets_by_number on tickets (id collate "C")',
    'create index invoices_by_number on invoices (number collate "C")',
    'create index orders_by_number on orders (id collate "C")',
    'create index subscriptions_by_number on subscriptions (id collate "C")',
)
# Korean has no trigrams in the locale "C", and the app could never use them.
WITHOUT_USE = ("tickets_by_subject", "customers_by_part_of_name")

LAST = "chr(1114111)"
FOUND = "returns table (found_id text, place int, is_like boolean) rows 50"
SETTINGS = (
    "set search_path = pg_catalog, public, pg_temp set plan_cache_mode = force_custom_plan"
    " set max_parallel_workers_per_gather = 0 set enable_sort = off set pg_trgm.similarity_threshold = 0.5"
)
CUSTOMERS = f"""
create function ieum_find_customers(words text, most int) {FOUND}
language plpgsql stable security definer {SETTINGS} as $$
declare
  said text := ieum_plain(words);
  digits text := regexp_replace(words, '[^0-9]', '', 'g');
  seen text[] := '{{}}';
  alike text[] := '{{}}';
begin
  if not {STAFF} or said = '' or most not between 1 and 200 then
    return;
  end if;
  if said ~ '^[-+().0-9]+$' then
    digits := regexp_replace(digits, case when said like '+%' then '^82' else '^0' end, '');
    if length(digits) = 4 then
      seen := array(select c.id from customers c where right(c.phone, 4) = digits limit most);
    end if;
    if length(digits) >= 3 and cardinality(seen) < most then
      seen := seen || array(select c.id from customers c where c.phone like '%' || digits || '%'
        and c.id <> all (seen) limit most - cardinality(seen));
    end if;
  else
    seen := array(select c.id from customers c where ieum_plain(c.name) collate "C" >= said
      and ieum_plain(c.name) collate "C" < said || {LAST} order by ieum_plain(c.name) collate "C", c.id limit most);
    if cardinality(seen) < most and said ~ '^[a-z0-9._%+@-]+$' then
      seen := seen || array(select c.id from customers c where c.email collate "C" >= said
        and c.email collate "C" < said || {LAST} and c.id <> all (seen)
        order by c.email collate "C" limit most - cardinality(seen));
    end if;
    if cardinality(seen) < most then
      seen := seen || array(select c.id from customers c where ieum_grams(c.name) @> ieum_asked(words)
        and (strpos(ieum_plain(c.name), said) > 0 or strpos(ieum_initials(c.name), said) > 0)
        and c.id <> all (seen) limit most - cardinality(seen));
    end if;
    if cardinality(seen) < most and length(said) >= 3 and said ~ '^[a-z0-9._%+-]+$' then
      seen := seen || array(select c.id from customers c
        where split_part(c.email, '@', 1) like '%' || replace(replace(said, '_', '\\_'), '%', '\\%') || '%'
        and c.id <> all (seen) limit most - cardinality(seen));
    end if;
    if cardinality(seen) < most and ltrim(said, '@') ~ '^[a-z0-9-]+\\.[a-z0-9.-]*$' then
      seen := seen || array(select c.id from customers c
        where split_part(c.email, '@', 2) collate "C" >= ltrim(said, '@')
        and split_part(c.email, '@', 2) collate "C" < ltrim(said, '@') || chr(1114111)
        and c.id <> all (seen) limit most - cardinality(seen));
    end if;
    if cardinality(seen) < 5 and length(ieum_letters(words)) >= 4 and said !~ '@' then
      alike := array(select c.id from customers c where ieum_letters(c.name) % ieum_letters(words)
        and c.id <> all (seen) order by similarity(ieum_letters(c.name), ieum_letters(words)) desc, c.id
        limit least(most, 10));
    end if;
  end if;
  return query select s.id, s.at::int, false from unnest(seen) with ordinality as s (id, at);
  return query select s.id, (s.at + 1000)::int, true from unnest(alike) with ordinality as s (id, at);
end $$
"""
TICKETS = f"""
create function ieum_find_tickets(words text, most int) {FOUND}
language plpgsql stable security definer {SETTINGS} as $$
begin
  if not {STAFF} or ieum_plain(words) = '' or most not between 1 and 200 then
    return;
  end if;
  return query
    select few.id::text, (row_number() over (order by few.is_over, few.created_at desc))::int, false from (
      select t.id, t.is_over, t.created_at from tickets t
      where ieum_grams(t.subject) @> ieum_asked(words) and strpos(ieum_plain(t.subject), ieum_plain(words)) > 0
        and (not t.is_confidential or (t.team_id = {me("team")} and {ROLES} && array['agent', 'dispatcher']))
      limit most
    ) few;
end $$
"""
PRODUCTS = f"""
create function ieum_find_products(words text, most int) {FOUND}
language plpgsql stable security definer {SETTINGS} as $$
declare
  said text := ieum_plain(words);
begin
  if not {STAFF} or length(said) < 3 or most not between 1 and 200 then
    return;
  end if;
  return query
    select few.id::text, (row_number() over (order by few.is_whole desc, few.id))::int, false from (
      select o.id, lower(o.serial) = said as is_whole from owned_products o
      where lower(o.serial) like '%' || replace(replace(said, '_', '\\_'), '%', '\\%') || '%' limit most
    ) few;
end $$
"""


def make_search() -> None:
    if not op.get_bind().scalar(sa.text("select count(*) from pg_extension where extname = 'pg_trgm'")):
        raise RuntimeError("the search needs PostgreSQL's extension pg_trgm: create extension pg_trgm")
    op.execute("select similarity('', '')")  # loads what knows the setting of the threshold
    for made in (PLAIN, LETTERS, INITIALS, GRAMS, ASKED, *INDEXES, CUSTOMERS, TICKETS, PRODUCTS):
        op.execute(made)
    for index in WITHOUT_USE:
        op.execute(f"drop index {index}")
    for name in ("ieum_find_customers", "ieum_find_tickets", "ieum_find_products"):
        op.execute(f"revoke execute on function {name} from public")
        op.execute(f"grant execute on function {name} to ieum_app")


def make_tables() -> None:
    tier = sa.Enum("standard", "silver", "gold", name="tier", native_enum=False, create_constraint=True, length=32)
    op.create_table(
        "kept_words",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("account_id", sa.String(), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("kept_words_by_account", "kept_words", ["account_id", "made_at"])
    op.create_table(
        "customer_notes",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("customer_id", sa.String(), sa.ForeignKey("customers.id"), nullable=False),
        sa.Column("author_id", sa.String(), sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("is_pinned", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("notes_by_customer", "customer_notes", ["customer_id", "is_pinned", "made_at"])
    op.create_table(
        "tier_rules",
        sa.Column("version", sa.Integer(), primary_key=True),
        sa.Column("tier", tier, primary_key=True),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.execute(
        "insert into tier_rules (version, tier, paid_minor, months, made_by, made_at)"
        " values (1, 'silver', 500000, 12, '', now()), (1, 'gold', 2000000, 12, '', now())"
    )
    op.create_index(
        "waits_open_by_customer", "waits", ["customer_id"], postgresql_where=sa.text("ended_at is null")
    )


SELLS = f"({STAFF} and {ROLES} && array['agent', 'dispatcher', 'finance', 'admin'])"
ADMIN = f"({STAFF} and {ROLES} && array['admin'])"
HERE = f"coalesce({me('kind')} in ('staff', 'employee'), false)"
MINE = f"({HERE} and account_id = {me('person')})"
# table: (who sees a row, {command: who may write it})
POLICIES = {
    "kept_words": (MINE, {"insert": MINE, "delete": MINE}),
    "customer_notes": (
        SELLS,
        {"insert": f"{DESK} and author_id = {me('person')}", "update": DESK},
    ),
    "tier_rules": (STAFF, {"insert": f"{ADMIN} and made_by = {me('person')}"}),
}


def guard_tables() -> None:
    for table, (seen, written) in POLICIES.items():
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
        op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
        op.execute(f"grant select, insert, update, delete on {table} to ieum_worker")
        op.execute(f"grant select on {table} to ieum_app")
        op.execute(f"create policy app_sees on {table} for select to ieum_app using ({seen})")
        for command, allowed in written.items():
            clause = f"with check ({allowed})" if command == "insert" else f"using ({allowed})"
            op.execute(f"create policy app_{command}s on {table} for {command} to ieum_app {clause}")
            columns = " (is_pinned)" if command == "update" else ""
            op.execute(f"grant {command}{columns} on {table} to ieum_app")


def upgrade() -> None:
    make_search()
    make_tables()
    guard_tables()


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
