"""What a verified webhook of the gateway may know of an attempt: how to wake or recheck it, nothing personal."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Answers only in a transaction that says it is an outside system whose signature was checked.
ATTEMPT = """
create function system_attempt(given_id text)
returns table (invoice_id text, ticket_id text, amount_minor bigint, currency text, status text, seq int)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select a.invoice_id, i.ticket_id, a.amount_minor, a.currency, a.status::text, a.seq
  from payment_attempts a join invoices i on i.id = a.invoice_id
  where a.id = given_id and (select current_setting('ieum.kind', true)) = 'system'
$$;
revoke execute on function system_attempt from public;
grant execute on function system_attempt to ieum_app;
"""


def upgrade() -> None:
    op.execute(ATTEMPT)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
