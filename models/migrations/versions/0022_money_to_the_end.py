"""What is left of money: contracts that are switched off are billed for nothing."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

DUE = """
drop index subscriptions_due;
create index subscriptions_due on subscriptions (next_bill_on, id)
  where status in ('active', 'paused', 'suspended');
"""
KEPT = """
alter table deposits
  add column kept_from varchar unique references invoices (id),
  add column credit_note_id varchar references credit_notes (id);
create index deposits_kept on deposits (customer_id) where status = 'kept';
"""


def upgrade() -> None:
    op.execute(DUE)
    learn("deposits", "status", "depositstatus", "kept")
    op.execute(KEPT)
    learn("bill_skips", "reason", "skipreason", "suspended")


def learn(table: str, column: str, name: str, *words: str) -> None:
    """Add words to the list of a column, whatever the list already holds."""
    asked = sa.text(
        "select pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid = cast(:table as regclass) and conname = :name"
    )
    told = op.get_bind().execute(asked, {"table": table, "name": name}).scalar() or ""
    known = dict.fromkeys([*re.findall(r"'([a-z_]+)'", told), *words])
    listed = ", ".join(f"'{word}'" for word in known)
    op.execute(f"alter table {table} drop constraint {name}")
    op.execute(f"alter table {table} add constraint {name} check ({column} in ({listed}))")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
