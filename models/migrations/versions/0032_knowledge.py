"""Articles: versions in two languages, pictures, what readers say, what is counted, and what no article answers."""

from alembic import op

revision = "0032"
down_revision = "0030"
branch_labels = None
depends_on = None

TABLES = """
create table articles (
  key text primary key,
  owner_id varchar not null references accounts (id),
  review_on date not null,
  reminded_on date,
  created_by text not null,
  created_at timestamptz not null
);
create index ix_articles_owner_id on articles (owner_id);
create index ix_articles_review_on on articles (review_on);

create table article_versions (
  article_key text not null references articles (key),
  version integer not null,
  status varchar(32) not null constraint versionstatus check (status in ('draft', 'review', 'published', 'retired')),
  audience varchar(32) not null constraint audience check
    (audience in ('customers', 'partners', 'employees', 'agents')),
  topic varchar(32) not null constraint topic check
    (topic in ('fault', 'use', 'visit', 'delivery', 'billing', 'contract', 'account', 'work')),
  products text[] not null,
  keywords text[] not null,
  title_ko text not null,
  title_en text not null,
  summary_ko text not null,
  summary_en text not null,
  body_ko text not null,
  body_en text not null,
  review_days integer not null,
  files text[] not null,
  search text not null,
  note text not null,
  made_from integer,
  writers text[] not null,
  reviewer_id text,
  review_note text not null,
  created_at timestamptz not null,
  written_at timestamptz not null,
  published_at timestamptz,
  retired_at timestamptz,
  seq integer not null,
  primary key (article_key, version),
  constraint article_second_person check (reviewer_id is null or reviewer_id <> all (writers)),
  constraint published_article_is_whole check (status in ('draft', 'review') or
    (reviewer_id is not null and title_ko <> '' and title_en <> '' and body_ko <> '' and body_en <> ''))
);
create unique index one_published_article on article_versions (article_key) where status = 'published';
create unique index one_open_article_draft on article_versions (article_key) where status in ('draft', 'review');
create index articles_by_words on article_versions using gin (search gin_trgm_ops) where status = 'published';

create table article_files (
  id varchar primary key,
  article_key text not null references articles (key),
  name text not null,
  media_type text not null,
  size integer not null,
  sha256 text not null,
  stored_as text not null unique,
  created_by text not null,
  created_at timestamptz not null
);
create index ix_article_files_article_key on article_files (article_key);

create table article_feedback (
  article_key text not null,
  version integer not null,
  by_whom text not null,
  is_helpful boolean not null,
  comment text not null,
  locale text not null,
  at timestamptz not null,
  primary key (article_key, version, by_whom),
  constraint feedback_of_version foreign key (article_key, version)
    references article_versions (article_key, version)
);

create table article_uses (
  article_key text not null references articles (key),
  day date not null,
  use varchar(32) not null constraint use check (use in ('read', 'inserted', 'deflected')),
  times integer not null,
  primary key (article_key, day, use)
);

create table article_searches (
  words text not null,
  locale text not null,
  place varchar(32) not null constraint place check (place in ('help', 'report', 'ticket')),
  day date not null,
  times integer not null,
  settled_by text,
  primary key (words, locale, place, day)
);
create index ix_article_searches_day on article_searches (day);

create table article_gaps (
  id varchar primary key,
  ticket_id varchar not null unique references tickets (id),
  words text not null,
  marked_by text not null,
  marked_at timestamptz not null,
  status varchar(32) not null constraint gapstatus check (status in ('open', 'drafted', 'dismissed')),
  article_key text,
  settled_by text
);
"""

TEXTS = (
    "audience, topic, products, keywords, title_ko, title_en, summary_ko, summary_en, body_ko, body_en, review_days,"
    " files, search"
)
NEW, OLD = (", ".join(f"{row}.{name.strip()}" for name in TEXTS.split(",")) for row in ("new", "old"))
# What was published stays as it was; whoever once wrote on a version stays one of its writers.
GUARDS = f"""
create function article_version_is_final() returns trigger language plpgsql as $$
begin
  if old.status in ('published', 'retired') and ((new.writers, new.reviewer_id)
       is distinct from (old.writers, old.reviewer_id) or new.status in ('draft', 'review')) then
    raise exception 'a published version never changes' using errcode = 'check_violation';
  end if;
  if old.status <> 'draft' and ({NEW}) is distinct from ({OLD}) then
    raise exception 'only a draft is written on' using errcode = 'check_violation';
  end if;
  if new.status = 'published' and old.status not in ('review', 'published') then
    raise exception 'only what was reviewed is published' using errcode = 'check_violation';
  end if;
  if not new.writers @> old.writers then
    raise exception 'a writer stays a writer' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger article_version_is_final before update on article_versions
  for each row execute function article_version_is_final();
"""


def me(name: str) -> str:
    """A setting of the asking person, read once per query; never set and empty are both NULL."""
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


STAFF = f"{me('kind')} = 'staff'"
EMPLOYEE = "(select string_to_array(current_setting('ieum.roles', true), ',') && array['employee'])"
READERS = "('anonymous', 'customer', 'technician', 'partner', 'employee', 'link')"
READS = (
    f"({STAFF} or (status = 'published' and ((audience = 'customers' and {me('kind')} in {READERS})"
    f" or (audience = 'partners' and {me('kind')} in ('technician', 'partner'))"
    f" or (audience = 'employees' and {EMPLOYEE}))))"
)
OF_TICKET = f"({STAFF} and exists (select 1 from tickets t where t.id = ticket_id))"
POLICIES = {
    "articles": {"select": STAFF, "insert": f"{STAFF} and created_by = {me('person')}", "update": STAFF},
    "article_versions": {
        "select": READS,
        "insert": f"{STAFF} and status = 'draft' and reviewer_id is null and writers = array[{me('person')}]",
        "update": STAFF,
    },
    "article_files": {
        "select": f"({STAFF} or exists (select 1 from article_versions v where article_files.id = any (v.files)))",
        "insert": f"{STAFF} and created_by = {me('person')}",
    },
    "article_feedback": {"select": STAFF},
    "article_uses": {"select": STAFF},
    "article_searches": {"select": STAFF, "update": STAFF},
    "article_gaps": {
        "select": OF_TICKET,
        "insert": f"{OF_TICKET} and marked_by = {me('person')} and status = 'open'",
        "update": OF_TICKET,
    },
}
COMMANDS = {"select": "using ({0})", "insert": "with check ({0})", "update": "using ({0}) with check ({0})"}

# What strangers leave goes through doors that add one and show nothing: only about what they may read.
DOORS = {
    "ieum_article_scores(wanted text[])": f"""returns table (article_key text, helped bigint, failed bigint, reads bigint)
language sql stable as $$
  select a.article_key,
    (select count(*) from article_feedback f where f.article_key = a.article_key and f.is_helpful),
    (select count(*) from article_feedback f where f.article_key = a.article_key and not f.is_helpful),
    (select coalesce(sum(u.times), 0)::bigint from article_uses u where u.article_key = a.article_key
       and u.day > current_date - 90)
  from article_versions a where a.status = 'published' and {READS}
    and (wanted is null or a.article_key = any (wanted))
$$""",
    "ieum_article_used(which text, how text)": f"""returns void language sql volatile as $$
  insert into article_uses (article_key, day, use, times)
  select a.article_key, (now() at time zone 'Asia/Seoul')::date, how, 1 from article_versions a
  where a.article_key = which and a.status = 'published' and {READS}
  on conflict (article_key, day, use) do update set times = article_uses.times + 1
$$""",
    "ieum_article_said(which text, nth int, whom text, helpful boolean, said text, spoken text)": f"""returns boolean
language sql volatile as $$
  with readable as (
    select a.article_key, a.version from article_versions a
    where a.article_key = which and a.version = nth and a.status = 'published' and {READS}
  ), kept as (
    insert into article_feedback (article_key, version, by_whom, is_helpful, comment, locale, at)
    select article_key, version, whom, helpful, left(said, 1000), spoken, now() from readable
    on conflict (article_key, version, by_whom) do update set is_helpful = excluded.is_helpful,
      comment = case when excluded.comment = '' then article_feedback.comment else excluded.comment end,
      at = excluded.at
    returning 1
  )
  select exists (select 1 from kept)
$$""",
    "ieum_nothing_found(asked text, spoken text, at_place text)": f"""returns void language sql volatile as $$
  insert into article_searches (words, locale, place, day, times)
  select left(asked, 60), spoken, at_place, (now() at time zone 'Asia/Seoul')::date, 1
  where {me('kind')} is not null and asked <> ''
  on conflict (words, locale, place, day) do update set times = article_searches.times + 1
$$""",
}


def guard(table: str, commands: dict[str, str]) -> None:
    """Row-level security, forced, and the grants of the two roles."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
    op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
    op.execute(f"grant select on {table} to ieum_app, ieum_worker")
    op.execute(f"grant insert on {table} to ieum_worker")  # articles that come with the house
    for command, condition in commands.items():
        name = "app_sees" if command == "select" else f"app_{command}s"
        op.execute(f"create policy {name} on {table} for {command} to ieum_app {COMMANDS[command].format(condition)}")


def make_doors() -> None:
    for signature, body in DOORS.items():
        head, tail = body.split(" as $$", 1)
        op.execute(
            f"create function {signature} {head} security definer set search_path = pg_catalog, public, pg_temp"
            f" as $${tail}"
        )
        name = signature.split("(", 1)[0]
        op.execute(f"revoke execute on function {name} from public")
        op.execute(f"grant execute on function {name} to ieum_app")


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GUARDS)
    for table, commands in POLICIES.items():
        guard(table, commands)
    make_doors()
    op.execute("grant insert on articles, article_versions, article_files, article_gaps to ieum_app")
    op.execute("grant update (owner_id, review_on) on articles to ieum_app")
    op.execute(
        f"grant update (status, {TEXTS}, note, writers, reviewer_id, review_note, written_at, published_at,"
        " retired_at, seq) on article_versions to ieum_app"
    )
    op.execute("grant update (settled_by) on article_searches to ieum_app")
    op.execute("grant update (words, status, article_key, settled_by) on article_gaps to ieum_app")
    op.execute("grant update (reminded_on) on articles to ieum_worker")
    op.execute("grant update (comment) on article_feedback to ieum_worker")
    op.execute("grant update (words) on article_gaps to ieum_worker")
    op.execute("grant delete on article_searches, article_gaps to ieum_worker")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
