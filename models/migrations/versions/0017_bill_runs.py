"""Bill runs: runs, slices, skips, accounts, usage; a posting balances when it is written."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def me(name: str) -> str:
    """A setting of the asking person, read once per query; never set and empty are both NULL."""
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


def role(*names: str) -> str:
    listed = ", ".join(f"'{name}'" for name in names)
    return (
        f"({me('kind')} = 'staff' and (select string_to_array(current_setting('ieum.roles', true), ',')"
        f" && array[{listed}]))"
    )


FINANCE = role("finance", "admin")
DESK = role("agent", "dispatcher", "admin")
SELLS = role("agent", "dispatcher", "finance", "admin")
CUSTOMER, LINK = f"({me('kind')} = 'customer')", f"({me('kind')} = 'link')"
MINE = f"({CUSTOMER} and customer_id = {me('customer')})"
SEES_TICKET = "exists (select 1 from tickets parent where parent.id = ticket_id)"
SEES_CONTRACT = "exists (select 1 from subscriptions parent where parent.id = subscription_id)"

POLICIES: dict[str, dict[str, str]] = {
    "billing_accounts": {"select": f"{SELLS} or {MINE}", "insert": FINANCE, "update": FINANCE},
    "bill_runs": {
        "select": FINANCE,
        "insert": f"{FINANCE} and status = 'planned' and seq = 0 and asked_by = {me('person')}",
    },
    "bill_slices": {"select": FINANCE},
    "bill_skips": {"select": SELLS},
    "usage_records": {"select": SEES_CONTRACT, "insert": f"{FINANCE} and charge_id is null"},
}
# A run's invoice is no ticket's and no case's: the desk sees it, its customer, and a link to just this one.
INVOICES = (
    f"{role('finance')} or ({DESK} and ({SEES_TICKET} or case_id is not null or run_id is not null)) or {MINE}"
    f" or ({LINK} and ticket_id = {me('ticket')})"
    f" or ({LINK} and case_id is not null and case_id = {me('case')} and customer_id = {me('customer')})"
    f" or ({LINK} and run_id is not null and id = {me('case')} and customer_id = {me('customer')})"
)

# Every statement that writes entries writes whole postings: checked once a statement, not once a row.
BALANCE = """
drop trigger ledger_balances on ledger_entries;
drop function ledger_balances();
create function ledger_balances() returns trigger language plpgsql as $$
declare wrong bigint;
begin
  if tg_op = 'INSERT' then
    select transaction_id into wrong from written group by transaction_id
    having sum(debit_minor) <> sum(credit_minor) limit 1;
  else
    select e.transaction_id into wrong from ledger_entries e
    where e.transaction_id in (select transaction_id from written)
    group by e.transaction_id having sum(e.debit_minor) <> sum(e.credit_minor) limit 1;
  end if;
  if wrong is not null then
    raise exception 'ledger transaction % does not balance', wrong using errcode = 'check_violation';
  end if;
  return null;
end $$;
create trigger ledger_balances after insert on ledger_entries referencing new table as written
  for each statement execute function ledger_balances();
create trigger ledger_balances_changed after update on ledger_entries referencing old table as written
  for each statement execute function ledger_balances();
create trigger ledger_balances_moved after update on ledger_entries referencing new table as written
  for each statement execute function ledger_balances();
create trigger ledger_balances_deleted after delete on ledger_entries referencing old table as written
  for each statement execute function ledger_balances();
"""
INDEXES = """
create index charges_by_document on subscription_charges (document_id) where document_id is not null;
drop index ix_invoices_ticket_id;
create index ix_invoices_ticket_id on invoices (ticket_id) where ticket_id is not null;
drop index ix_invoices_case_id;
create index ix_invoices_case_id on invoices (case_id) where case_id is not null;
drop index ix_invoices_run_id;
create index ix_invoices_run_id on invoices (run_id) where run_id is not null;
"""
COUNTS = ("expected", "contracts", "charged", "held", "parked", "accounts", "invoices", "carried",
          "parked_accounts", "lines")  # fmt: skip
AMOUNTS = ("charged_minor", "open_minor", "carried_minor", "total_minor")


def one_of(name: str, column: str, *words: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} in ({listed})", name=name)


def moment(name: str, *, is_needed: bool = False) -> sa.Column[sa.DateTime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not is_needed)


def make_runs() -> None:
    op.create_table(
        "bill_runs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("is_preview", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        moment("created_at", is_needed=True), moment("started_at"), moment("ended_at"),
        sa.Column("seq", sa.Integer(), nullable=False),
        one_of("runstatus", "status", "planned", "running", "paused", "done", "cancelled"),
        sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    op.create_index("runs_by_day", "bill_runs", ["day", "id"])
    op.create_table(
        "bill_slices",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("from_id", sa.Text(), nullable=False),
        sa.Column("until_id", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False, server_default="0") for name in COUNTS),
        *(sa.Column(name, sa.BigInteger(), nullable=False, server_default="0") for name in AMOUNTS),
        sa.Column("milliseconds", sa.Integer(), nullable=False, server_default="0"),
        moment("done_at"), moment("letters_at"),
        one_of("slicestatus", "status", "open", "done"),
        sa.ForeignKeyConstraint(["run_id"], ["bill_runs.id"]),
        sa.PrimaryKeyConstraint("run_id", "number"),
    )  # fmt: skip


def make_skips() -> None:
    op.create_table(
        "bill_skips",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("is_error", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        moment("created_at", is_needed=True), moment("solved_at"),
        sa.Column("invoice_id", sa.Text(), nullable=True),
        one_of("skipreason", "reason", "nothing_to_pay", "credit", "open_change", "terms", "refused"),
        sa.ForeignKeyConstraint(["run_id"], ["bill_runs.id"]),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"]),
        sa.PrimaryKeyConstraint("run_id", "customer_id", "subscription_id"),
    )  # fmt: skip
    op.create_index("skips_by_customer", "bill_skips", ["customer_id"])
    parked = sa.text("is_error and solved_at is null")
    op.create_index("skips_parked", "bill_skips", ["run_id"], postgresql_where=parked)


def make_accounts() -> None:
    op.create_table(
        "billing_accounts",
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("bill_day", sa.Integer(), nullable=True),
        sa.Column("due_days", sa.Integer(), nullable=False),
        sa.Column("tax_document", sa.String(length=32), nullable=False),
        sa.Column("tax_id", sa.Text(), nullable=False),
        sa.Column("hold_until", sa.Date(), nullable=True),
        sa.Column("hold_reason", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("bill_day between 1 and 31", name="a_day_of_the_month"),
        sa.CheckConstraint("due_days between 0 and 90", name="due_within_a_quarter"),
        one_of("taxdocument", "tax_document", "card_slip", "cash_receipt", "tax_invoice"),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"]),
        sa.PrimaryKeyConstraint("customer_id"),
    )


def make_usage() -> None:
    op.create_table(
        "usage_records",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.String(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("used_on", sa.Date(), nullable=False),
        moment("received_at", is_needed=True),
        sa.Column("charge_id", sa.Text(), nullable=True),
        sa.CheckConstraint("quantity >= 0", name="usage_not_negative"),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "source_id"),
    )
    op.create_index(
        "usage_open", "usage_records", ["subscription_id", "used_on"],
        postgresql_where=sa.text("charge_id is null"),
    )  # fmt: skip


def allow(table: str, command: str, condition: str) -> None:
    clause = {
        "select": f"using ({condition})",
        "insert": f"with check ({condition})",
        "update": f"using ({condition}) with check ({condition})",
    }[command]
    name = "app_sees" if command == "select" else f"app_{command}s"
    op.execute(f"create policy {name} on {table} for {command} to ieum_app {clause}")


def upgrade() -> None:
    make_runs()
    make_skips()
    make_accounts()
    make_usage()
    for table, commands in POLICIES.items():
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
        op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
        op.execute(f"grant select, insert, update, delete on {table} to ieum_worker")
        op.execute(f"grant select on {table} to ieum_app")
        for command, condition in commands.items():
            allow(table, command, condition)
            if command == "insert":
                op.execute(f"grant insert on {table} to ieum_app")
    op.execute(
        "grant update (bill_day, due_days, tax_document, tax_id, hold_until, hold_reason, version)"
        " on billing_accounts to ieum_app"
    )
    op.execute("grant usage, select on all sequences in schema public to ieum_app, ieum_worker")
    op.execute("drop policy app_sees on invoices")
    allow("invoices", "select", INVOICES)
    # A database that was made before: what a slice of a run works on is a temporary table.
    op.execute(
        "do $$ begin execute format('grant temporary on database %I to ieum_worker', current_database()); end $$"
    )
    op.execute(BALANCE)
    op.execute(INDEXES)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
