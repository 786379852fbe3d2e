"""Every reference to a customer is known: a merge moves it, or says why it stays."""

import re

import psycopg
from sqlmodel import SQLModel

from activities.customers.moving import ALONE, ALONG, LEFT, MOVED
from activities.kit.invariants.roots import REFERENCES
from models.kit import tables
from tests.conftest import Database

assert tables
NAMED = re.compile(r"customer|cart_key|(^|_)subject_id$")
NO_ID = {"customer_key"}
BY_HAND = {("customers", "root"), ("payment_methods", "is_default")}


def references() -> set[tuple[str, str]]:
    """Every column that points at a customer, or is called as if it did."""
    found = set()
    for table in SQLModel.metadata.tables.values():
        for column in table.columns:
            points = any(key.target_fullname == "customers.id" for key in column.foreign_keys)
            if points or NAMED.search(column.name):
                found.add((table.name, column.name))
    return found


def test_every_reference_is_moved_or_left_with_a_reason() -> None:
    known = {*MOVED, *ALONE, *LEFT}

    assert references() - known == set(), "name it in activities/customers/moving.py"
    assert known - references() == set()
    assert not {*MOVED, *ALONE} & set(LEFT)
    assert all(reason.strip() for reason in LEFT.values())


def test_whatever_is_moved_lands_at_the_root_when_it_is_born(database: Database) -> None:
    asked = """
      select c.relname, encode(t.tgargs, 'escape') from pg_trigger t join pg_class c on c.oid = t.tgrelid
      join pg_proc p on p.oid = t.tgfoid where p.proname = 'customer_is_the_root'"""
    with psycopg.connect(database.owner_url) as owner:
        guarded = {(table, args.split("\\000")[0]) for table, args in owner.execute(asked)}

    assert guarded == {*MOVED, *ALONE}


def test_the_books_are_looked_through_for_everything_that_is_moved() -> None:
    assert set(REFERENCES) == {table for table, column in MOVED if column == "customer_id"}


def test_what_goes_along_is_named_as_the_schema_has_it() -> None:
    columns = {name: set(table.columns.keys()) for name, table in SQLModel.metadata.tables.items()}

    assert [
        one
        for one in ALONG
        if not {one[1], one[3], "customer_id"} <= columns[one[0]] or "customer_id" not in columns[one[2]]
    ] == []
