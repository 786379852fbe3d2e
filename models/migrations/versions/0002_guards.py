"""What the tables cannot say by themselves: numbers, exclusion, balance, and rights of the roles."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Rows that are facts: nobody but the owner may change or delete them.
ADD_ONLY = ("ledger_transactions", "ledger_entries", "audit_entries", "personal_data_accesses", "timeline_entries")

GUARDS = """
create extension if not exists btree_gist;
create extension if not exists pg_trgm;

create sequence ticket_numbers start 100001;

alter table visits add constraint technician_once_at_a_time exclude using gist (
  technician_id with =, tstzrange(starts_at, ends_at) with &&
) where (status in ('scheduled', 'travelling', 'arrived', 'working'));

create function ledger_balances() returns trigger language plpgsql as $$
begin
  if (select coalesce(sum(debit_minor), 0) <> coalesce(sum(credit_minor), 0)
      from ledger_entries where transaction_id = new.transaction_id) then
    raise exception 'ledger transaction % does not balance', new.transaction_id using errcode = 'check_violation';
  end if;
  return null;
end $$;

create constraint trigger ledger_balances after insert or update on ledger_entries
  deferrable initially deferred for each row execute function ledger_balances();

create function invoice_is_final() returns trigger language plpgsql as $$
begin
  if (new.number, new.customer_id, new.net_minor, new.tax_minor, new.total_minor, new.currency, new.issued_on)
     is distinct from
     (old.number, old.customer_id, old.net_minor, old.tax_minor, old.total_minor, old.currency, old.issued_on) then
    raise exception 'invoice % is final', old.id using errcode = 'check_violation';
  end if;
  return new;
end $$;

create trigger invoice_is_final before update on invoices for each row execute function invoice_is_final();

grant usage on schema public to ieum_app, ieum_worker;
grant select, insert, update, delete on all tables in schema public to ieum_app, ieum_worker;
grant usage, select on all sequences in schema public to ieum_app, ieum_worker;
revoke insert, update, delete on alembic_version from ieum_app, ieum_worker;
"""


def upgrade() -> None:
    op.execute(GUARDS)
    for table in ADD_ONLY:
        op.execute(f"revoke update, delete on {table} from ieum_app, ieum_worker")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
