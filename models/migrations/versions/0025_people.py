"""Who works here: employees, absences, cost centres, what became known of them, delegations, the feed."""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

ME = "(select nullif(current_setting('ieum.{}', true), ''))"
KIND, PERSON = ME.format("kind"), ME.format("person")
ADMIN = (
    f"({KIND} = 'staff' and (select string_to_array(current_setting('ieum.roles', true), ',')"
    " && array['admin']))"
)
WORKS_HERE = f"{KIND} in ('staff', 'employee')"
MINE = f"(select id from employees where account_id = {PERSON})"
CHANGES = ("joiner", "start_moved", "called_off", "started", "mover", "leaver", "staying", "left")
SHOWN = (
    "id, hr_id, account_id, name, email, phone, department, title, site, cost_centre, manager_hr_id, manager_id,"
    " starts_on, status, seen_seq"
)
TABLES = (
    "employees", "employee_absences", "cost_centres", "employee_changes", "delegations", "people_feeds",
)  # fmt: skip


def word(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def text(name: str, **facts: bool) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, **facts)


def day(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Date(), nullable=nullable)


def moment(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def key(name: str, target: str, nullable: bool = False, **facts: bool) -> sa.Column[object]:
    return sa.Column(name, sa.String(), sa.ForeignKey(f"{target}.id"), nullable=nullable, **facts)


def make_tables() -> None:
    op.create_table(
        "employees",
        sa.Column("id", sa.String(), primary_key=True),
        text("hr_id", unique=True),
        key("account_id", "accounts", nullable=True, unique=True),
        *(
            text(name)
            for name in (
                "name", "email", "phone", "department", "title", "site", "cost_centre", "manager_hr_id",
            )
        ),
        key("manager_id", "employees", nullable=True, index=True),
        day("starts_on"),
        day("ends_on", nullable=True),
        sa.Column("status", word("employeestatus", "joining", "active", "left"), nullable=False, index=True),
        sa.Column("seen_seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("manager_id <> id", name="nobody_manages_themselves"),
    )  # fmt: skip
    op.create_table(
        "employee_absences",
        text("hr_id", primary_key=True),
        text("employee_hr_id", index=True),
        key("employee_id", "employees", nullable=True),
        day("from_on"),
        day("until_on"),
        sa.Column("is_cancelled", sa.Boolean(), nullable=False),
        sa.Column("seen_seq", sa.BigInteger(), nullable=False),
    )
    op.create_index("absences_by_employee", "employee_absences", ["employee_id", "until_on"])
    op.create_table(
        "cost_centres",
        sa.Column("id", sa.String(), primary_key=True),
        text("name"),
        text("owner_hr_id"),
        key("owner_id", "employees", nullable=True),
        sa.Column("seen_seq", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "employee_changes",
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=True),
        key("employee_id", "employees"),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", word("changekind", *CHANGES), nullable=False),
        day("effective_on"),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        moment("noticed_at"),
        sa.UniqueConstraint("employee_id", "seq", "kind"),
    )
    op.create_table(
        "delegations",
        sa.Column("id", sa.String(), primary_key=True),
        key("from_employee_id", "employees"),
        key("to_employee_id", "employees", index=True),
        day("from_on"),
        day("until_on"),
        key("created_by", "accounts"),
        moment("created_at"),
        moment("revoked_at", nullable=True),
        sa.CheckConstraint("from_employee_id <> to_employee_id", name="nobody_stands_in_for_themselves"),
        sa.CheckConstraint("from_on <= until_on", name="a_delegation_ends_after_it_begins"),
    )
    op.create_index("delegations_by_giver", "delegations", ["from_employee_id", "until_on"])
    op.create_table(
        "people_feeds",
        sa.Column("id", sa.String(), primary_key=True),
        text("cursor"),
        moment("read_at", nullable=True),
    )


def guard_tables() -> None:
    for table in TABLES:
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
        op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
        op.execute(f"grant select, insert, update, delete on {table} to ieum_worker")
        shown = f"({SHOWN})" if table == "employees" else ""
        op.execute(f"grant select {shown} on {table} to ieum_app")
    op.execute("grant usage, select on all sequences in schema public to ieum_worker")
    op.execute("revoke update, delete on employee_changes from ieum_worker")
    for table in ("employees", "employee_absences", "cost_centres", "delegations", "people_feeds"):
        op.execute(f"create policy app_sees on {table} for select to ieum_app using ({WORKS_HERE})")
    # What became known of somebody: administrators, and whoever they report to.
    op.execute(
        f"create policy app_sees on employee_changes for select to ieum_app using ({ADMIN} or ({WORKS_HERE} and"
        f" exists (select 1 from employees e where e.id = employee_id and e.manager_id in {MINE})))"
    )
    theirs = f"({ADMIN} or ({WORKS_HERE} and from_employee_id in {MINE}))"
    op.execute("grant insert on delegations to ieum_app")
    op.execute("grant update (revoked_at) on delegations to ieum_app")
    op.execute(
        "create policy app_inserts on delegations for insert to ieum_app with check"
        f" ({theirs} and created_by = {PERSON} and revoked_at is null)"
    )
    op.execute(
        f"create policy app_changes on delegations for update to ieum_app using ({theirs}) with check ({theirs})"
    )


def learn(table: str, column: str, constraint: str, *words: str) -> None:
    """Let a column take further words beside those that it knows today."""
    found = op.get_bind().execute(
        sa.text(
            "select pg_get_constraintdef(oid) from pg_constraint"
            " where conname = :name and conrelid = cast(:table as regclass)"
        ),
        {"name": constraint, "table": table},
    )  # fmt: skip
    known = re.findall(r"'([a-z_]+)'", str(found.scalar_one()))
    listed = ", ".join(f"'{word}'" for word in (*known, *words))
    op.execute(f"alter table {table} drop constraint {constraint}")
    op.execute(f"alter table {table} add constraint {constraint} check ({column} in ({listed}))")


def upgrade() -> None:
    make_tables()
    guard_tables()
    for table in ("inbox", "system_calls", "sent_messages"):
        learn(table, "system", "system", "hr", "directory", "office")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
