"""The app's database role can do what its pages need and not one column more."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from api.kit.desk import session_for
from api.kit.people import ANONYMOUS, Kind, Person
from app import PATIENCE, create_app
from tests.api.test_visible import OPEN
from tests.api.web import some_settings
from tests.builders.company import Company
from tests.conftest import Database

COMMANDS = ("INSERT", "UPDATE", "DELETE")
# After its birth nobody but its workflow changes it.
OWNED = (
    "tickets", "ticket_messages", "attachments", "ticket_ratings", "visit_offers", "invoices",
    "invoice_lines", "payment_attempts", "payment_allocations", "ledger_transactions", "ledger_entries",
    "timeline_entries", "waits", "journey_histories", "system_calls", "sent_messages",
    "personal_data_accesses", "audit_entries", "invitations", "inbox", "number_series",
    "parts", "service_policies", "alembic_version", "ticket_promises", "ticket_pauses", "retimings",
    "ticket_rule_checks", "ticket_rule_alarms", "ticket_rule_trials", "partners", "partner_papers",
    "partner_steps", "visit_passed_over",
)  # fmt: skip
WORKERS_ONLY = (
    "visits", "visit_offers", "invoices", "invoice_lines", "payment_allocations", "ledger_transactions",
    "ledger_entries", "waits", "journey_histories", "system_calls", "sent_messages", "invitations",
    "signed_links", "number_series", "parts", "service_policies", "ticket_promises", "ticket_pauses",
    "ticket_rule_checks", "ticket_rule_alarms", "partner_steps", "visit_passed_over",
    "alembic_version",
)  # fmt: skip


@pytest.fixture
def app_role(company: Company, shared_database: Database) -> Iterator[psycopg.Connection[Any]]:
    """The app's own connection, as a broken page or an injected statement would use it."""
    with psycopg.connect(shared_database.app_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def owner(company: Company, shared_database: Database) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(shared_database.owner_url, autocommit=True) as connection:
        yield connection


def columns_of(owner: psycopg.Connection[Any], table: str) -> list[str]:
    asked = (
        "select column_name from information_schema.columns where table_schema = 'public' and table_name = %s"
    )
    return [name for (name,) in owner.execute(asked, (table,)).fetchall()]


def changeable(owner: psycopg.Connection[Any], table: str) -> set[str]:
    return {
        name for name in columns_of(owner, table)
        if owner.execute(
            "select has_column_privilege('ieum_app', %s::regclass, %s, 'UPDATE')", (table, name)
        ).fetchone() == (True,)
    }  # fmt: skip


@pytest.mark.parametrize("table", OWNED)
def test_what_a_workflow_owns_is_never_changed_by_a_page(owner: psycopg.Connection[Any], table: str) -> None:
    assert changeable(owner, table) == set()
    allowed = owner.execute("select has_table_privilege('ieum_app', %s, 'DELETE')", (table,)).fetchone()
    assert allowed == (False,)


@pytest.mark.parametrize("table", WORKERS_ONLY)
def test_what_the_worker_makes_is_never_made_by_a_page(owner: psycopg.Connection[Any], table: str) -> None:
    allowed = owner.execute("select has_any_column_privilege('ieum_app', %s, 'INSERT')", (table,)).fetchone()
    assert allowed == (False,)


def test_of_a_visit_only_the_signature_can_be_written(owner: psycopg.Connection[Any]) -> None:
    assert changeable(owner, "visits") == {"signature", "signer", "absence_reason"}


def test_of_a_command_only_how_it_went_can_be_written(owner: psycopg.Connection[Any]) -> None:
    assert changeable(owner, "outbox") == {"status", "sent_at", "refusal", "not_before"}


def test_no_key_of_a_row_can_be_rewritten(owner: psycopg.Connection[Any]) -> None:
    """Nor whose it is: a row that changes hands is a row that leaks."""
    tables = [name for (name,) in owner.execute(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    ).fetchall()]  # fmt: skip
    for table in tables:
        fixed = {
            "id",
            "customer_id",
            "ticket_id",
            "visit_id",
            "account_id",
            "token_hash",
            "invoice_id",
            "key",
        }
        assert not changeable(owner, table) & fixed, table


def test_each_right_of_the_app_has_a_policy_that_narrows_it(owner: psycopg.Connection[Any]) -> None:
    policies = {
        (table, command)
        for table, command in owner.execute(
            "select tablename, cmd from pg_policies where 'ieum_app' = any (roles)"
        ).fetchall()
    }
    checked = 0
    for (table,) in owner.execute(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    ).fetchall():
        for command in COMMANDS:
            check = "has_table_privilege" if command == "DELETE" else "has_any_column_privilege"
            may = owner.execute(f"select {check}('ieum_app', %s, %s)", (table, command)).fetchone() == (True,)
            if may and table not in OPEN:
                assert (table, command) in policies, (table, command)
                checked += 1
    assert checked > 30


@pytest.mark.parametrize(
    "statement",
    [
        "select password_hash from accounts",
        "select * from accounts",
        "select a from accounts a",
        "update accounts set password_hash = 'x'",
        "update accounts set id = 'x'",
        "update accounts set customer_id = 'c_two'",
        "insert into accounts (id, login, name, locale, roles, is_active, created_at, version, password_hash)"
        " values ('x', 'x', 'x', 'ko', '{}', true, now(), 1, 'x')",
        "select payload from outbox",
        "update outbox set payload = '{}'",
        "update tickets set status = 'closed'",
        "update invoices set status = 'paid'",
        "insert into ledger_transactions (source) values ('x')",
        "truncate outbox",
        "delete from tickets",
        "update signed_links set expires_at = now() + interval '9 years'",
        "update sign_in_sessions set expires_at = now() + interval '9 years'",
        "insert into invitations (token_hash, key, account_id) values ('x', 'x', 'a_admin')",
    ],
)
def test_the_role_itself_is_refused(app_role: psycopg.Connection[Any], statement: str) -> None:
    """Even for an administrator: rights of a role, not of a person."""
    app_role.execute(
        "select set_config('ieum.kind', 'staff', false), set_config('ieum.roles', 'admin', false)"
    )

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app_role.execute(statement)


@pytest.mark.parametrize("door", ["door_session", "door_token", "door_link", "door_invited"])
def test_no_door_but_sign_in_hands_out_a_password(owner: psycopg.Connection[Any], door: str) -> None:
    answer = owner.execute(
        "select pg_get_function_result(p.oid) from pg_proc p where p.proname = %s", (door,)
    ).fetchone()
    assert answer
    assert "password" not in answer[0]
    assert "accounts" not in answer[0]


async def test_only_ones_own_password_can_be_read_and_replaced(
    company: Company, walled_engine: AsyncEngine, open_engine: AsyncEngine
) -> None:
    for person in (ANONYMOUS, Person(Kind.DOOR), company.persons["link_pay"]):
        async with session_for(walled_engine, person) as session:
            assert await session.scalar(text("select door_own_password()")) is None
            await session.execute(text("select door_new_password('stolen', '')"))
            await session.commit()
    async with open_engine.connect() as connection:
        found = await connection.scalar(text("select count(*) from accounts where password_hash = 'stolen'"))
    assert found == 0


@pytest.mark.parametrize(
    ("changes", "is_let_in"),
    [
        ("message_id = 'm1inbound'", True),
        ("message_id = 'm2inbound'", False),
        ("visit_id = 'V2-1'", False),
        ("ticket_id = 'T2'", False),
    ],
)
def test_a_file_stays_with_its_own_ticket(
    shared_database: Database, company: Company, changes: str, is_let_in: bool
) -> None:
    """Also for the worker: nobody hangs a file of one ticket onto another one's message."""
    with psycopg.connect(shared_database.worker_url) as worker:
        change = f"update attachments set {changes} where id = 'am1'"
        if is_let_in:
            worker.execute(change)
        else:
            with pytest.raises(psycopg.errors.ForeignKeyViolation):
                worker.execute(change)
        worker.rollback()


def test_a_ticket_is_about_a_device_of_its_own_customer(shared_database: Database, company: Company) -> None:
    row = (
        "insert into tickets (id, submission_key, customer_id, owned_product_id, channel, subject,"
        " description, status, is_over, priority, is_confidential, created_at, updated_at, seq)"
        " values ('T9', 'k9', 'c_one', %s, 'form', '', '', 'open', false, 'p3', false, now(), now(), 0)"
    )
    with psycopg.connect(shared_database.worker_url) as worker:
        worker.execute(row, ("op1",))
        worker.rollback()
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            worker.execute(row, ("op2",))


async def test_no_statement_of_a_page_holds_up_the_others(shared_database: Database) -> None:
    app = create_app(some_settings(database_url=shared_database.app_url, pool_size=1))
    async with app.state.engine.connect() as connection:
        statement = await connection.scalar(text("show statement_timeout"))
        lock = await connection.scalar(text("show lock_timeout"))
    await app.state.engine.dispose()

    assert (statement, lock) == (f"{PATIENCE}s", f"{PATIENCE // 2}s")
