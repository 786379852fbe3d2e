"""The schema keeps what the tables promise."""

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from models.kit import tables
from tests.conftest import Database

assert tables

CUSTOMER = """insert into customers
  (id, kind, name, locale, tier, postcode, address, region, is_verified, created_at, version)
  values ('c', 'person', 'x', 'ko', 'standard', '', '', '', false, now(), 1)"""
POSTING = """insert into ledger_transactions (source, purpose, customer_id, posted_on, posted_at)
  values ('invoice:I1', 'issue', 'c', now(), now())"""
SIDES = """insert into ledger_entries values
  (1, 1, 'receivable', 100, 0, 'KRW'), (1, 2, 'revenue', 0, {credit}, 'KRW')"""


@pytest.mark.parametrize(("credit", "is_balanced"), [(100, True), (99, False)])
def test_an_unbalanced_posting_is_refused(database: Database, credit: int, is_balanced: bool) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(CUSTOMER)
        owner.execute(POSTING)
        owner.execute(SIDES.format(credit=credit))

        if is_balanced:
            owner.commit()
        else:
            with pytest.raises(psycopg.errors.CheckViolation):
                owner.commit()


@pytest.mark.parametrize(
    "table", ["ledger_entries", "audit_entries", "timeline_entries", "personal_data_accesses"]
)
@pytest.mark.parametrize("role", ["app_url", "worker_url"])
def test_facts_can_only_be_added(database: Database, table: str, role: str) -> None:
    with (
        psycopg.connect(getattr(database, role)) as anyone,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        anyone.execute(f"delete from {table}")


def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    """Indexes and constraints that only SQL can say stand in the migrations alone and are left out."""
    engine = create_engine(database.owner_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, SQLModel.metadata)
    engine.dispose()

    assert [
        one for one in differences if one[0] in ("add_table", "remove_table", "add_column", "remove_column")
    ] == []
    assert [one for one in differences if one[0] in ("add_index", "add_constraint", "add_fk")] == []
