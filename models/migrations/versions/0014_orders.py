"""Orders: tasks are ours alone; what an order still has to remember."""

from alembic import op

revision = "0014"
down_revision = "0010"
branch_labels = None
depends_on = None

ME = "(select nullif(current_setting('ieum.{}', true), ''))"
KIND, CUSTOMER, TICKET = ME.format("kind"), ME.format("customer"), ME.format("ticket")


def upgrade() -> None:
    # A restrictive policy only narrows what the others allow: a task is no customer's business.
    op.execute(
        "create policy tasks_are_ours on tickets as restrictive for select to ieum_app"
        f" using (kind <> 'task' or {KIND} not in ('customer', 'link'))"
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
