"""The schema keeps what the tables promise."""

from collections.abc import Iterator

import hypothesis
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck
from hypothesis import strategies as st
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

        if is_balanced:
            owner.execute(SIDES.format(credit=credit))
            owner.commit()
        else:
            with pytest.raises(psycopg.errors.CheckViolation):
                owner.execute(SIDES.format(credit=credit))


@pytest.mark.parametrize(
    "change",
    [
        "update ledger_entries set debit_minor = 99 where position = 1",
        "update ledger_entries set transaction_id = 2 where position = 1",
        "delete from ledger_entries where position = 2",
        "insert into ledger_entries values (1, 3, 'revenue', 0, 1, 'KRW')",
    ],
)
def test_a_posting_cannot_be_unbalanced_later(database: Database, change: str) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(CUSTOMER)
        owner.execute(POSTING)
        owner.execute(POSTING.replace("I1", "I2"))
        owner.execute(SIDES.format(credit=100))

        with pytest.raises(psycopg.errors.CheckViolation):
            owner.execute(change)


@pytest.fixture
def ledger(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(CUSTOMER)
        owner.execute(POSTING)
        owner.execute(POSTING.replace("I1", "I2"))
        owner.commit()
        yield owner


SIDE = st.tuples(st.integers(1, 2), st.booleans(), st.integers(1, 3))


@hypothesis.settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@hypothesis.given(sides=st.lists(SIDE, min_size=1, max_size=5))
def test_several_postings_in_one_statement_balance_one_by_one(
    ledger: psycopg.Connection, sides: list[tuple[int, bool, int]]
) -> None:
    rows = [
        f"({posting}, {position}, 'revenue', {amount * (not is_credit)}, {amount * is_credit}, 'KRW')"
        for position, (posting, is_credit, amount) in enumerate(sides, 1)
    ]
    sums = [sum(-a if c else a for p, c, a in sides if p == posting) for posting in (1, 2)]

    try:
        ledger.execute("insert into ledger_entries values " + ", ".join(rows))
        is_taken = True
    except psycopg.errors.CheckViolation:
        is_taken = False
    ledger.rollback()

    assert is_taken == (sums == [0, 0])


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
