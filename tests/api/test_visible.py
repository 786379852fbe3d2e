"""The app and the database give the same answer to who may see a row."""

from typing import Any

import psycopg
import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import defer
from sqlmodel import SQLModel, col

from api.kit.desk import forbid_leaks, session_for
from api.kit.people import Kind, Person
from api.kit.seeing import RULES
from api.kit.visible import HIDDEN, offer_cards, visible, visible_one
from models.kit import tables
from models.kit.engine import engine_for
from models.kit.refusals import Refusal
from models.staff import Account
from models.tickets import Ticket, TicketMessage
from tests.builders.company import ACCOUNTS, Company, build
from tests.conftest import Database

assert tables
# Without personal data or money of their own.
OPEN = {
    "products", "parts", "service_policies", "number_series", "outbox", "inbox",
    "sign_in_throttles", "cart_items",
}  # fmt: skip


def readable(model: type[SQLModel]) -> Any:
    """Every row, without the one column that nobody may read."""
    return select(model).options(defer(HIDDEN[model])) if model in HIDDEN else select(model)


def key_of(row: SQLModel) -> tuple[object, ...]:
    return tuple(inspect(row).identity)


async def test_app_and_database_agree_for_every_person_and_table(
    company: Company, walled_engine: AsyncEngine
) -> None:
    seen = 0
    people = {**company.persons, "intake": Person(Kind.INTAKE), "door": Person(Kind.DOOR)}

    for name, person in people.items():
        async with session_for(walled_engine, person) as session:
            for model in RULES:
                by_app = {key_of(row) for row in await session.scalars(visible(person, model))}
                session.expunge_all()
                by_database = {key_of(row) for row in await session.scalars(readable(model))}
                session.expunge_all()
                assert by_app == by_database, (name, model.__name__)
                seen += len(by_app)

    assert seen > 1000


async def test_rules_alone_are_as_strict_as_the_database(
    company: Company, open_engine: AsyncEngine, walled_engine: AsyncEngine
) -> None:
    """Asked over a connection without row security, `visible()` still shows not one row more."""
    for name, person in company.persons.items():
        async with (
            session_for(open_engine, person) as open_session,
            session_for(walled_engine, person) as walled,
        ):
            for model in RULES:
                alone = {key_of(row) for row in await open_session.scalars(visible(person, model))}
                both = {key_of(row) for row in await walled.scalars(visible(person, model))}
                assert alone == both, (name, model.__name__)


EXPECTED = {
    "agent": {"T1", "T3", "T4", "T5", "T6"},
    "agent_other_team": {"T1", "T2", "T4", "T5", "T6"},
    "agent_no_team": {"T1", "T4", "T5", "T6"},
    "agent_and_finance": {"T1", "T2", "T4", "T5", "T6"},
    "dispatcher": {"T1", "T3", "T4", "T5", "T6"},
    "finance": {"T1", "T4", "T5", "T6"},
    "admin": {"T1", "T4", "T5", "T6"},
    "employee": set(),
    "technician_assigned": {"T1"},
    "technician_other": {"T2"},
    "technician_house": {"T3", "T6"},
    "partner_own": {"T1"},
    "partner_desk": {"T1"},
    "partner_other": {"T2"},
    "customer_own": {"T1", "T4", "T6"},
    "customer_other": {"T2", "T3", "T5"},
    "anonymous": set(),
    "link_pay": {"T1"},
    "link_rate_other": {"T2"},
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
async def test_each_person_sees_these_tickets(
    company: Company, walled_engine: AsyncEngine, name: str
) -> None:
    person = company.persons[name]
    async with session_for(walled_engine, person) as session:
        found = {ticket.id for ticket in await session.scalars(visible(person, Ticket))}

    assert found == EXPECTED[name]


@pytest.mark.parametrize("name", ["customer_own", "link_follow"])
async def test_a_customer_never_sees_notes(company: Company, walled_engine: AsyncEngine, name: str) -> None:
    person = company.persons[name]
    async with session_for(walled_engine, person) as session:
        kinds = {message.kind for message in await session.scalars(visible(person, TicketMessage))}

    assert kinds == {"inbound", "reply"}


async def test_an_offer_shows_area_and_product_only(company: Company, walled_engine: AsyncEngine) -> None:
    async with session_for(walled_engine, company.persons["technician_assigned"]) as session:
        cards = await offer_cards(session)

    assert cards == [
        {"visit_id": "V5-1", "ordinal": 1, "region": "seoul", "product_id": "pr", "fault": "fault",
         "pay_minor": 45_000}
    ]  # fmt: skip


async def test_a_foreign_row_answers_like_an_absent_one(company: Company, walled_engine: AsyncEngine) -> None:
    person = company.persons["customer_own"]
    for key in ("T2", "T999"):
        async with session_for(walled_engine, person) as session:
            with pytest.raises(Refusal) as refused:
                await visible_one(session, person, Ticket, key)
            assert refused.value == Refusal("not_found")


def test_every_table_is_either_guarded_or_listed_as_open(shared_database: Database) -> None:
    with psycopg.connect(shared_database.owner_url) as owner:
        rows = owner.execute(
            "select relname, relrowsecurity and relforcerowsecurity from pg_class"
            " where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'alembic_version'"
        ).fetchall()

    open_tables = {name for name, is_guarded in rows if not is_guarded}
    assert open_tables == OPEN
    assert {model.__tablename__ for model in RULES} == {name for name, _ in rows} - OPEN


async def test_nothing_is_seen_before_somebody_is_named(company: Company, walled_engine: AsyncEngine) -> None:
    async with walled_engine.connect() as connection:
        for model in RULES:
            assert (await connection.execute(readable(model))).all() == [], model


async def test_a_setting_that_stays_behind_is_thrown_away_with_its_connection(
    shared_database: Database,
) -> None:
    engine = engine_for(shared_database.app_url, pool_size=1)
    forbid_leaks(engine)
    async with engine.connect() as connection:
        first = await connection.scalar(text("select pg_backend_pid()"))
        await connection.execute(text("select set_config('ieum.kind', 'staff', false)"))
        await connection.commit()
    async with engine.connect() as connection:
        second = await connection.scalar(text("select pg_backend_pid()"))
        left = await connection.scalar(text("select current_setting('ieum.kind', true)"))
    async with session_for(engine, Person(Kind.STAFF, id="x")) as session:
        third = await session.scalar(text("select pg_backend_pid()"))
    async with engine.connect() as connection:
        fourth = await connection.scalar(text("select pg_backend_pid()"))
    await engine.dispose()

    assert first != second
    assert not left
    assert second == third == fourth


async def test_a_reading_session_cannot_write(company: Company, walled_engine: AsyncEngine) -> None:
    person = company.persons["admin"]
    async with session_for(walled_engine, person, is_readonly=True) as session:
        account = await visible_one(session, person, Account, "a_agent")
        account.name = "changed"
        with pytest.raises(Exception, match="read-only"):
            await session.flush()


def test_the_sample_has_a_person_of_every_kind(company: Company) -> None:
    kinds = {person.kind for person in company.persons.values()}

    assert kinds == set(Kind) - {Kind.INTAKE, Kind.DOOR}
    assert len(ACCOUNTS) == 16


async def test_the_queue_of_an_agent_is_read_from_its_index(
    database: Database, worker_engine: AsyncEngine, app_engine: AsyncEngine
) -> None:
    """Measured with 100,000 tickets: 1 ms for the first page, so the plan is what is kept here."""
    company = await build(worker_engine)
    async with worker_engine.begin() as worker:
        await worker.execute(
            text(
                "insert into tickets (id, submission_key, customer_id, channel, subject, description, status,"
                " is_over, priority, team_id, is_confidential, next_due, created_at, updated_at, seq)"
                " select 'N' || i, 'n' || i, 'c_one', 'form', 's', '', 'open', i % 4 = 0, 'p3', 'team_one',"
                " i % 50 = 0, now() + i * interval '1 second', now(), now(), 0"
                " from generate_series(1, 20000) i"
            )
        )
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("vacuum analyze tickets")
    person = company.persons["agent"]
    page = (
        visible(person, Ticket)
        .where(~col(Ticket.is_over))
        .order_by(col(Ticket.next_due), col(Ticket.id))
        .limit(50)
    )

    async with session_for(app_engine, person) as session:
        query = page.compile(app_engine.sync_engine, compile_kwargs={"literal_binds": True})
        plan = "\n".join((await session.execute(text(f"explain {query}"))).scalars())

    assert "using tickets_by_due" in plan
    assert "Seq Scan" not in plan
