"""Contracts that begin within a period of another one, and charges that take days back."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# A page shows add-ons beside their plan, and the desk lists contracts by keyset.
INDEXES = {
    "subscriptions_by_parent": "subscriptions (parent_id)",
    "changes_by_receiver": "subscription_changes (other_customer_id)",
}


KINDS = (
    "upgrade", "downgrade", "add_on", "drop_add_on", "pause", "resume", "move", "transfer", "renewal",
    "termination",
)  # fmt: skip


def upgrade() -> None:
    listed = ", ".join(f"'{kind}'" for kind in KINDS)
    op.execute("alter table subscription_changes drop constraint changekind")
    op.execute(f"alter table subscription_changes add constraint changekind check (kind in ({listed}))")
    op.add_column("subscriptions", sa.Column("anchor_on", sa.Date(), nullable=True))
    op.add_column(
        "subscription_charges",
        sa.Column("is_credit", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.alter_column("subscription_charges", "is_credit", server_default=None)
    for name, columns in INDEXES.items():
        op.execute(f"create index {name} on {columns}")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
