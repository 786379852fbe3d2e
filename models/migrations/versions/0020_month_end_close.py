"""Months of the books: nothing is posted into a closed one, and each transaction is in exactly one batch."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ACCOUNTS = (
    "receivable", "gateway", "revenue", "vat_payable", "suspense", "bank", "deferred", "bad_debt",
)  # fmt: skip
CHECKS = (
    "earlier", "contracts", "attempts", "unknown", "unbilled", "suspense", "invariants", "deferral", "balanced",
    "receivables", "gateway", "posting",
)  # fmt: skip


def me(name: str) -> str:
    """A setting of the asking person, read once per query; never set and empty are both NULL."""
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


FINANCE = (
    f"({me('kind')} = 'staff' and (select string_to_array(current_setting('ieum.roles', true), ',')"
    " && array['finance', 'admin']))"
)
TABLES = ("accounting_periods", "close_checks", "deferrals", "erp_batches", "erp_postings")


def word(column: str, name: str, words: tuple[str, ...]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} in ({listed})", name=name)


def minor(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def text(name: str, *more: sa.ForeignKey) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), *more, nullable=False)


def key(name: str, target: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.String(), *((sa.ForeignKey(target),) if target else ()), nullable=False)


def make_tables() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "accounting_periods",
        key("id"),
        sa.Column("from_on", sa.Date(), nullable=False, unique=True),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        minor("locked_id"),
        text("asked_by"),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("closed_at", moment, nullable=True),
        text("reopen_asked_by"),
        text("reopen_reason"),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        word("status", "periodstatus", ("open", "closing", "closed")),
        sa.CheckConstraint(
            "id = to_char(from_on, 'YYYY-MM') and extract(day from from_on) = 1"
            " and until_on = (from_on + interval '1 month')::date",
            name="period_is_a_month",
        ),
    )
    op.create_table(
        "close_checks",
        key("period_id", "accounting_periods.id"),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        minor("count"),
        minor("amount_minor"),
        sa.Column("samples", sa.dialects.postgresql.JSONB(), nullable=False),
        text("accepted_by"),
        text("reason"),
        sa.Column("at", moment, nullable=False),
        sa.PrimaryKeyConstraint("period_id", "round", "code"),
        word("code", "check", CHECKS),
        word("status", "checkstatus", ("done", "listed", "differs", "accepted")),
        sa.CheckConstraint("(status = 'accepted') = (accepted_by <> '')", name="accepted_by_somebody"),
    )
    op.create_table(
        "deferrals",
        key("period_id", "accounting_periods.id"),
        key("subscription_id", "subscriptions.id"),
        minor("billed_minor"),
        minor("earned_minor"),
        sa.PrimaryKeyConstraint("period_id", "subscription_id"),
    )
    op.create_table(
        "erp_batches",
        key("key"),
        key("period_id", "accounting_periods.id"),
        sa.Column("round", sa.Integer(), nullable=False),
        minor("from_id"),
        minor("until_id"),
        sa.Column("status", sa.String(32), nullable=False),
        minor("transactions"),
        sa.Column("document_id", sa.BigInteger(), nullable=True),
        text("document_number"),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("acknowledged_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("period_id", "round"),
        word("status", "batchstatus", ("prepared", "acknowledged", "nothing")),
        sa.CheckConstraint(
            "(status = 'acknowledged') = (document_number <> '')", name="acknowledged_with_a_number"
        ),
    )
    op.create_table(
        "erp_postings",
        key("id"),
        key("batch_key", "erp_batches.key"),
        key("period_id", "accounting_periods.id"),
        sa.Column("account", sa.String(32), nullable=False),
        text("code"),
        minor("debit_minor"),
        minor("credit_minor"),
        minor("count"),
        sa.PrimaryKeyConstraint("id"),
        word("account", "ledgeraccount", ACCOUNTS),
        sa.CheckConstraint("(debit_minor = 0) <> (credit_minor = 0)", name="posting_one_side_only"),
        sa.CheckConstraint("debit_minor >= 0 and credit_minor >= 0", name="posting_sides_not_negative"),
    )
    op.create_index("postings_by_period", "erp_postings", ["period_id", "account"])


# L1 and L2. A posting holds its month's lock until it is committed and the close waits for it, so that nothing
# slips in between. `posting_day` is for writers: what comes late is booked on the first open day.
GUARDS = """
alter table ledger_transactions alter column customer_id drop not null;
alter table ledger_transactions add constraint only_a_close_is_nobodys
  check (customer_id is not null or purpose = 'deferral' or source like 'deposit:%');
create index if not exists charges_by_document on subscription_charges (document_id) where document_id is not null;

create unique index batch_side_once on erp_postings (batch_key, account, (debit_minor > 0));
alter table erp_batches add constraint each_transaction_in_one_batch
  exclude using gist (period_id with =, int8range(from_id, until_id, '(]') with &&);

create function period_lock(day date) returns bigint language sql immutable as $$
  select 7200000000::bigint + (extract(year from day) * 12 + extract(month from day))::bigint
$$;

create function posting_day(wanted date) returns date language plpgsql stable as $$
declare day date := wanted; later date;
begin
  loop
    select until_on into later from accounting_periods
    where from_on <= day and day < until_on and status <> 'open';
    if not found then return day; end if;
    day := later;
  end loop;
end $$;

create function period_is_open() returns trigger language plpgsql as $$
declare month date;
begin
  for month in select distinct date_trunc('month', posted_on)::date from added order by 1 loop
    perform pg_advisory_xact_lock_shared(period_lock(month));
    if exists (select 1 from accounting_periods p where p.from_on = month and (p.status = 'closed'
               or p.status = 'closing' and exists (select 1 from added a where a.purpose <> 'deferral'
                 and a.posted_on >= p.from_on and a.posted_on < p.until_on))) then
      raise exception 'the books of % are closed', to_char(month, 'YYYY-MM') using errcode = 'check_violation';
    end if;
  end loop;
  return null;
end $$;
create trigger period_is_open after insert on ledger_transactions
  referencing new table as added for each statement execute function period_is_open();

create function entries_are_new() returns trigger language plpgsql as $$
begin
  if (select min(transaction_id) from added) <= (select max(locked_id) from accounting_periods where status <> 'open')
     and exists (select 1 from added e join ledger_transactions t on t.id = e.transaction_id
                 join accounting_periods p on p.from_on <= t.posted_on and t.posted_on < p.until_on
                 where p.status <> 'open' and t.id <= p.locked_id) then
    raise exception 'nothing is added to a closed month' using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger entries_are_new after insert on ledger_entries
  referencing new table as added for each statement execute function entries_are_new();

create function batch_is_final() returns trigger language plpgsql as $$
begin
  if old.status <> 'prepared' or (new.key, new.period_id, new.round, new.from_id, new.until_id, new.transactions)
     is distinct from (old.key, old.period_id, old.round, old.from_id, old.until_id, old.transactions) then
    raise exception 'batch % is final', old.key using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger batch_is_final before update on erp_batches for each row execute function batch_is_final();
"""


def add_word(table: str, column: str, name: str, word: str) -> None:
    """One more word, whichever words the migrations before this one allow."""
    asked = sa.text("select pg_get_constraintdef(oid) from pg_constraint where conname = :name"
                    " and conrelid = cast(:table as regclass)")  # fmt: skip
    known = re.findall(r"'(\w+)'", op.get_bind().execute(asked, {"name": name, "table": table}).scalar_one())
    listed = ", ".join(f"'{one}'" for one in [*known, word])
    op.execute(f"alter table {table} drop constraint {name}")
    op.execute(f"alter table {table} add constraint {name} check ({column} in ({listed}))")


def upgrade() -> None:
    make_tables()
    add_word("system_calls", "system", "system", "accounting")
    op.execute(GUARDS)
    for table in TABLES:
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
        op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
        op.execute(f"create policy app_sees on {table} for select to ieum_app using ({FINANCE})")
        op.execute(f"grant select, insert, update, delete on {table} to ieum_worker")
        op.execute(f"grant select on {table} to ieum_app")
    op.execute("revoke delete on erp_batches, accounting_periods from ieum_worker")
    op.execute("revoke update, delete on erp_postings from ieum_worker")
    # Finance begins a close by a row of its own; from then on the worker writes it.
    op.execute(
        f"create policy app_inserts on accounting_periods for insert to ieum_app"
        f" with check ({FINANCE} and status = 'open' and seq = 0 and round = 1 and asked_by = {me('person')})"
    )
    op.execute("grant insert on accounting_periods to ieum_app")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
