"""Refunds by credit note, charges without a hosted page, and who may begin them."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def me(name: str) -> str:
    """A setting of the asking person, read once per query; never set and empty are both NULL."""
    return f"(select nullif(current_setting('ieum.{name}', true), ''))"


FINANCE = (
    f"({me('kind')} = 'staff' and (select string_to_array(current_setting('ieum.roles', true), ',')"
    " && array['finance', 'admin']))"
)
# C4: never more goes back than came in, whoever asks, however many ask at once.
WITHIN = """
create function refund_within_charge() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare captured bigint;
begin
  select amount_minor into captured from payment_attempts where id = new.attempt_id for update;
  if new.amount_minor + (select coalesce(sum(amount_minor), 0) from refunds
                         where attempt_id = new.attempt_id and id <> new.id) > captured then
    raise exception 'more than came in would go back' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger refund_within_charge before insert or update of amount_minor, attempt_id on refunds
  for each row execute function refund_within_charge();
"""


def upgrade() -> None:
    op.add_column("refunds", sa.Column("credit_note_id", sa.String(), nullable=True))
    op.create_foreign_key(None, "refunds", "credit_notes", ["credit_note_id"], ["id"])
    op.add_column("payment_attempts", sa.Column("method_id", sa.String(), nullable=True))
    op.create_foreign_key(None, "payment_attempts", "payment_methods", ["method_id"], ["id"])
    op.execute(WITHIN)
    # Finance begins a refund by a row of its own; from then on the worker writes it.
    op.execute(
        f"create policy app_inserts on refunds for insert to ieum_app with check ({FINANCE}"
        " and status = 'created' and seq = 0 and provider_id = ''"
        " and exists (select 1 from invoices parent where parent.id = invoice_id))"
    )
    op.execute("grant insert on refunds to ieum_app")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
