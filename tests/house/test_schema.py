"""The schema keeps what the tables promise."""

import psycopg
import pytest

from tests.conftest import Database

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
