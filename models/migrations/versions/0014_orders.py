"""Orders: tasks are ours alone; what an order still has to remember."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

ME = "(select nullif(current_setting('ieum.{}', true), ''))"
KIND, CUSTOMER, TICKET = ME.format("kind"), ME.format("customer"), ME.format("ticket")
SEES = "exists (select 1 from orders parent where parent.id = order_id)"
SELLS = (
    f"({KIND} = 'staff' and (select string_to_array(current_setting('ieum.roles', true), ',')"
    " && array['agent', 'dispatcher', 'admin']))"
)


def upgrade() -> None:
    op.create_table(
        "order_reservations",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("shipment_id", sa.String(), nullable=True),
        sa.Column("is_released", sa.Boolean(), nullable=False),
        sa.CheckConstraint("quantity >= 0", name="nothing_less_than_nothing"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"]),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipments.id"]),
        sa.PrimaryKeyConstraint("reference", "position"),
    )
    op.create_index("ix_order_reservations_order_id", "order_reservations", ["order_id"])
    op.create_table(
        "order_addresses",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(), nullable=False),
        *(
            sa.Column(f"ship_{name}", sa.Text(), nullable=False)
            for name in ("name", "phone", "postcode", "address", "region")
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_order_addresses_order_id", "order_addresses", ["order_id"])
    for table in ("order_reservations", "order_addresses"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
        op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
        op.execute(f"grant select, insert, update, delete on {table} to ieum_worker")
        op.execute(f"grant select on {table} to ieum_app")
        op.execute(f"create policy app_sees on {table} for select to ieum_app using ({SEES})")
    op.execute("grant insert on order_addresses to ieum_app")
    op.execute(
        "create policy app_inserts on order_addresses for insert to ieum_app with check"
        f" (({SELLS} or {KIND} in ('customer', 'link')) and {SEES})"
    )
    # A restrictive policy only narrows what the others allow: a task is no customer's business.
    op.execute(
        "create policy tasks_are_ours on tickets as restrictive for select to ieum_app"
        f" using (kind <> 'task' or {KIND} not in ('customer', 'link'))"
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
