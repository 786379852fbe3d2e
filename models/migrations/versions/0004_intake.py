"""What the public form may find out without seeing anything, and indexes for searching by a part of a word."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MAY = "(select nullif(current_setting('ieum.kind', true), '')) in ('intake', 'staff')"
FUNCTIONS = {
    # The device of this customer with this serial number, if it is theirs.
    "intake_product(customer text, product text, given_serial text)": f"""
  select id from owned_products where {MAY} and given_serial <> '' and customer_id = customer
    and product_id = product and upper(serial) = upper(given_serial)""",
    # Which promise the customer has bought.
    "intake_tier(customer text)": f"select tier from customers where {MAY} and id = customer",
}


def upgrade() -> None:
    for signature, body in FUNCTIONS.items():
        op.execute(
            f"create function {signature} returns text language sql stable security definer"
            f" set search_path = pg_catalog, public, pg_temp as $$ {body} $$"
        )
        name = signature.split("(", 1)[0]
        op.execute(f"revoke execute on function {name} from public")
        op.execute(f"grant execute on function {name} to ieum_app")
    op.execute("create index tickets_by_subject on tickets using gin (subject gin_trgm_ops)")
    op.execute("create index customers_by_part_of_name on customers using gin (name gin_trgm_ops)")
    op.execute("create index customers_by_part_of_phone on customers using gin (phone gin_trgm_ops)")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
