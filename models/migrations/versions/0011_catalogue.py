"""The catalogue is edited: what a plan is about, who writes products, and no version is born published alone."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

PRODUCT = (
    "id, sku, name_ko, name_en, category, labour_minor, call_out_minor, currency, checklist, kind, price_minor,"
    " is_sold, needs_installation, warranty_months, about_ko, about_en"
)
CHANGED = (
    "name_ko, name_en, category, labour_minor, call_out_minor, kind, price_minor, is_sold, needs_installation,"
    " warranty_months, about_ko, about_en"
)
GUARDS = """
create function products_are_edited_by_admins() returns trigger language plpgsql as $$
begin
  if current_user = 'ieum_app' and not (
    coalesce(current_setting('ieum.kind', true), '') = 'staff'
    and 'admin' = any (string_to_array(coalesce(current_setting('ieum.roles', true), ''), ','))
  ) then
    raise exception 'only administrators edit products' using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger products_are_edited_by_admins before insert or update on products
  for each row execute function products_are_edited_by_admins();

create function version_is_born_a_draft() returns trigger language plpgsql as $$
begin
  if new.status <> 'draft' and (new.reviewer_id is null or new.reviewer_id = new.author_id) then
    raise exception 'somebody else has to review a version' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger version_is_born_a_draft before insert on plan_versions
  for each row execute function version_is_born_a_draft();
create trigger version_is_born_a_draft before insert on bundle_versions
  for each row execute function version_is_born_a_draft();
"""


def upgrade() -> None:
    for name in ("about_ko", "about_en"):
        op.add_column("plans", sa.Column(name, sa.Text(), nullable=False, server_default=""))
        op.alter_column("plans", name, server_default=None)
    op.execute("grant update (about_ko, about_en) on plans to ieum_app")
    op.execute(f"grant insert ({PRODUCT}), update ({CHANGED}) on products to ieum_app")
    op.execute("create index cart_items_idle on cart_items (updated_at)")
    op.execute(GUARDS)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
