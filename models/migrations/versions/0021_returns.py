"""Goods that come back: returns with their lines and scans; whose a device was; the sites of visits."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

ME = "(select nullif(current_setting('ieum.{}', true), ''))"
KIND, CUSTOMER, CASE = ME.format("kind"), ME.format("customer"), ME.format("case")
ROLES = (
    f"({KIND} = 'staff' and (select string_to_array(current_setting('ieum.roles', true), ',')"
    " && array[{}]))"
)
SELLS = ROLES.format("'agent', 'dispatcher', 'finance', 'admin'")
DESK = ROLES.format("'agent', 'dispatcher', 'admin'")
THEIRS = (
    f"(({KIND} = 'customer' and customer_id = {CUSTOMER}) or ({KIND} = 'link' and customer_id = {CUSTOMER}"
    f" and (id = {CASE} or order_id = {CASE})))"
)
SEES = "exists (select 1 from returns parent where parent.id = return_id)"
BORN = "status = 'asked' and not is_over and back_minor = 0 and seq = 0 and kind <> 'retrieval'"
SHIPMENT = (
    "ready", "collected", "in_transit", "out_for_delivery", "delivered", "failed", "cancelled", "returned",
)  # fmt: skip
PURPOSES = ("follow", "slot", "track", "confirm", "pay", "rate", "order", "change", "return")


def word(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def moment(name: str, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def text(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def minor(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def key(name: str, target: str, nullable: bool = False, **facts: bool) -> sa.Column[object]:
    return sa.Column(name, sa.String(), sa.ForeignKey(f"{target}.id"), nullable=nullable, **facts)


def make_tables() -> None:
    op.create_table(
        "returns",
        sa.Column("id", sa.String(), primary_key=True),
        text("submission_key"),
        key("customer_id", "customers"),
        key("order_id", "orders", nullable=True),
        key("owned_product_id", "owned_products", nullable=True),
        text("placed_by", nullable=True),
        sa.Column("kind", word("returnkind", "return", "exchange", "retrieval"), nullable=False),
        sa.Column(
            "ground",
            word("returnground", "change_of_mind", "defect", "wrong_item", "contract_ended"),
            nullable=False,
        ),
        sa.Column("way", word("returnway", "carrier", "visit"), nullable=False),
        sa.Column(
            "status",
            word(
                "returnstatus", "asked", "agreed", "on_the_way", "arrived", "settling", "settled", "refused",
                "called_off", "not_handed_over",
            ),
            nullable=False,
        ),
        sa.Column("is_over", sa.Boolean(), nullable=False),
        text("note"),
        sa.Column("policy", postgresql.JSONB(), nullable=False),
        *(text(f"ship_{name}") for name in ("name", "phone", "postcode", "address", "region")),
        text("carrier"),
        text("tracking", nullable=True),
        sa.Column("parcel_status", word("shipmentstatus", *SHIPMENT), nullable=True),
        *(minor(f"{name}_minor") for name in ("fee", "deducted", "back")),
        text("currency"),
        *(text(name, nullable=True) for name in ("refund_id", "replacement_id", "ticket_id")),
        text("reason"),
        moment("asked_at", nullable=False),
        *(moment(f"{name}_at") for name in ("agreed", "arrived", "inspected", "settled")),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.UniqueConstraint("customer_id", "submission_key"),
    )  # fmt: skip
    op.create_index("ix_returns_order_id", "returns", ["order_id"])
    op.create_index(
        "returns_open", "returns", ["status", "asked_at", "id"], postgresql_where=sa.text("not is_over")
    )
    op.create_index(
        "one_return_at_a_time",
        "returns",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("not is_over and kind <> 'retrieval'"),
    )
    op.create_table(
        "return_lines",
        sa.Column("return_id", sa.String(), sa.ForeignKey("returns.id"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        key("product_id", "products"),
        text("name_ko"),
        text("name_en"),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("devices", postgresql.ARRAY(sa.Text()), nullable=False),
        minor("paid_minor"),
        sa.Column(
            "condition",
            word("condition", "whole", "used", "damaged", "wrong", "missing", "lost"),
            nullable=True,
        ),
        minor("deducted_minor"),
        sa.CheckConstraint("quantity > 0", name="something_comes_back"),
    )
    op.create_table(
        "return_scans",
        sa.Column("carrier", sa.Text(), primary_key=True),
        sa.Column("event_id", sa.Text(), primary_key=True),
        key("return_id", "returns"),
        sa.Column("status", word("shipmentstatus", *SHIPMENT), nullable=False),
        moment("at", nullable=False),
        text("place"),
        moment("received_at", nullable=False),
    )
    op.create_index("ix_return_scans_return_id", "return_scans", ["return_id"])
    op.execute("create sequence return_numbers start 100001")
    op.execute("grant usage, select on sequence return_numbers to ieum_app, ieum_worker")


def guard_tables() -> None:
    for table in ("returns", "return_lines", "return_scans"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        op.execute(f"create policy owner_all on {table} for all to current_user using (true) with check (true)")
        op.execute(f"create policy worker_all on {table} for all to ieum_worker using (true) with check (true)")
        op.execute(f"grant select, insert, update, delete on {table} to ieum_worker")
        op.execute(f"grant select on {table} to ieum_app")
    op.execute(f"create policy app_sees on returns for select to ieum_app using ({SELLS} or {THEIRS})")
    for table in ("return_lines", "return_scans"):
        op.execute(f"create policy app_sees on {table} for select to ieum_app using ({SEES})")
    op.execute("grant insert on returns, return_lines to ieum_app")
    op.execute(
        f"create policy app_inserts on returns for insert to ieum_app with check (({DESK} or {THEIRS}) and {BORN}"
        " and exists (select 1 from orders o where o.id = order_id and o.customer_id = returns.customer_id))"
    )
    op.execute(
        "create policy app_inserts on return_lines for insert to ieum_app with check (paid_minor = 0 and"
        f" condition is null and deducted_minor = 0 and exists (select 1 from returns parent where"
        " parent.id = return_id and parent.seq = 0))"
    )
    op.execute("revoke update, delete on return_scans from ieum_worker")
    # The link to an order also asks for its return: the first line of that story.
    op.execute(
        "create policy app_inserts_of_returns on timeline_entries for insert to ieum_app with check"
        f" ({KIND} = 'link' and ticket_id is null and sentence = 'orders.return_asked'"
        " and exists (select 1 from returns parent where parent.id = case_id"
        " and parent.customer_id = timeline_entries.customer_id))"
    )


REGISTER = f"""
create or replace function register_product(given_product text, given_serial text, fresh_id text) returns text
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  me text := {CUSTOMER};
  whose text;
  sold date;
  months integer;
begin
  if {KIND} is distinct from 'customer' or me is null or given_serial = '' then return 'unknown'; end if;
  select customer_id into whose from owned_products
  where product_id = given_product and upper(serial) = upper(given_serial) and returned_on is null;
  if found then return case when whose = me then 'mine' else 'taken' end; end if;
  select k.sold_on, p.warranty_months into sold, months from known_serials k join products p on p.id = k.product_id
  where k.product_id = given_product and k.serial = upper(given_serial);
  if not found then return 'unknown'; end if;
  insert into owned_products (id, customer_id, product_id, serial, region, bought_on, warranty_until)
  values (fresh_id, me, given_product, upper(given_serial), '', sold, (sold + make_interval(months => months))::date)
  on conflict do nothing;
  return case when found then 'registered' else 'taken' end;
end $$;
"""


# Whose record is this? An address that nobody proved counts only while no other one stands beside it:
# letters would go there.
INTAKE = f"""
create or replace function intake_customer(given_phone text, given_email text) returns text
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select id from customers where {KIND} in ('intake', 'staff')
    and ((given_phone <> '' and phone = given_phone
          and (is_verified or phone_proved_at is not null or coalesce(email, given_email) = given_email))
      or (given_email <> '' and email = given_email
          and (is_verified or email_proved_at is not null or coalesce(phone, given_phone) = given_phone)))
  order by (given_phone <> '' and phone = given_phone) desc, id limit 1
$$;
"""


# Which orders wait for an article; answers only an outside system whose signature was checked.
SHORT = """
create function orders_short_of(given_sku text) returns setof text
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select distinct l.order_id::text from order_lines l join products p on p.id = l.product_id
  join waits w on w.workflow_id = 'order:' || l.order_id and w.what = 'goods' and w.ended_at is null
  where p.sku = given_sku and l.needs_shipping and l.reserved < l.quantity
    and (select current_setting('ieum.kind', true)) = 'system'
$$;
revoke execute on function orders_short_of from public;
grant execute on function orders_short_of to ieum_app;
"""


def upgrade() -> None:
    make_tables()
    guard_tables()
    op.add_column("order_lines", sa.Column("returned", sa.Integer(), nullable=False, server_default="0"))
    for name in ("site_address", "site_region"):
        op.add_column("tickets", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("orders", sa.Column("return_id", sa.Text(), nullable=True))
    op.add_column("owned_products", sa.Column("returned_on", sa.Date(), nullable=True))
    op.drop_constraint("owned_products_product_id_serial_key", "owned_products")
    op.create_index(
        "one_owner",
        "owned_products",
        ["product_id", "serial"],
        unique=True,
        postgresql_where=sa.text("returned_on is null"),
    )
    op.execute(REGISTER)
    op.execute(INTAKE)
    op.execute(SHORT)
    listed = ", ".join(f"'{purpose}'" for purpose in PURPOSES)
    op.execute("alter table signed_links drop constraint linkpurpose")
    op.execute(f"alter table signed_links add constraint linkpurpose check (purpose in ({listed}))")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
