"""Words that bill runs, collection, dunning and the close need; which run made an invoice."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

WORDS = {
    ("invoices", "status", "invoicestatus"): ("issued", "paid", "overdue", "cancelled", "written_off"),
    ("invoice_lines", "kind", "linekind"): (
        "call_out", "labour", "part", "product", "setup", "recurring", "proration", "fee", "usage", "discount",
    ),
    ("ledger_entries", "account", "ledgeraccount"): (
        "receivable", "gateway", "revenue", "vat_payable", "suspense", "bank", "deferred", "bad_debt",
    ),
    ("payment_methods", "kind", "methodkind"): ("card", "account"),
    ("subscription_charges", "kind", "chargekind"): (
        "recurring", "proration", "setup", "termination_fee", "move_fee", "usage",
    ),
}  # fmt: skip


def upgrade() -> None:
    for (table, column, name), words in WORDS.items():
        listed = ", ".join(f"'{word}'" for word in words)
        op.execute(f"alter table {table} drop constraint {name}")
        op.execute(f"alter table {table} add constraint {name} check ({column} in ({listed}))")
    op.add_column("invoices", sa.Column("run_id", sa.Text(), nullable=True))
    op.create_index("ix_invoices_run_id", "invoices", ["run_id"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
