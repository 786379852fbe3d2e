"""Reads that are sent at once see what reads one after the other see, and leave nothing behind."""

from datetime import datetime

import pytest
from sqlalchemy import Select, bindparam, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import SQLModel, col

from api.kit.desk import session_for
from api.kit.people import ANONYMOUS, Person
from api.kit.together import together
from api.kit.visible import RULES, visible, visible_one
from models.kit import tables
from models.kit.engine import engine_for
from models.messages.tickets import TicketStatus
from models.staff import Account
from models.tickets import Ticket
from tests.builders.company import Company
from tests.conftest import Database

assert tables
ALL = select(col(Ticket.id), col(Ticket.status), col(Ticket.created_at)).order_by(col(Ticket.id))
BAD = select(text("1 / 0"))


def keys(person: Person, model: type[SQLModel]) -> Select[*tuple[object, ...]]:
    key = list(model.__table__.primary_key)  # type: ignore[attr-defined]
    return visible(person, model).with_only_columns(*key).order_by(*key)


async def test_it_sees_the_same_for_every_person_and_table(
    company: Company, walled_engine: AsyncEngine
) -> None:
    seen = 0
    for name, person in company.persons.items():
        queries = {model: keys(person, model) for model in RULES}
        async with session_for(walled_engine, person, is_readonly=True) as session:
            at_once = await together(session, *((query, {}) for query in queries.values()))
        async with session_for(walled_engine, person) as session:
            for model, found in zip(queries, at_once, strict=True):
                one_by_one = [tuple(row) for row in await session.execute(queries[model])]
                assert found == one_by_one, (name, model.__name__)
                seen += len(found)

    assert seen > 500


async def test_who_asks_is_said_before_the_first_read_and_once(
    company: Company, walled_engine: AsyncEngine
) -> None:
    """The query has no rule of its own, so only the database decides what is seen."""
    agent, stranger = company.persons["agent"], ANONYMOUS
    async with session_for(walled_engine, agent) as session:
        first, second = await together(session, (ALL, {}), (ALL, {}))
        later = await together(session, (ALL, {}))
        plain = [tuple(row) for row in await session.execute(ALL)]
        await session.commit()
        after_commit = await together(session, (ALL, {}))
    async with session_for(walled_engine, agent) as session:
        begun = await session.scalar(text("select current_setting('ieum.person')"))
        after_begin = await together(session, (ALL, {}))
    async with session_for(walled_engine, stranger) as session:
        nothing = await together(session, (ALL, {}))

    assert first == second == plain == later[0] == after_commit[0] == after_begin[0] != []
    assert begun == agent.id
    assert nothing == [[]]


async def test_values_and_columns_keep_their_types(company: Company, walled_engine: AsyncEngine) -> None:
    status = bindparam("status", type_=Ticket.status.type)  # type: ignore[attr-defined]
    query = ALL.where(col(Ticket.status) == status)
    agent = company.persons["agent"]
    async with session_for(walled_engine, agent) as session:
        everything = (await together(session, (ALL, {})))[0]
        wanted = everything[0][1]
        found = (await together(session, (query, {"status": wanted})))[0]

    assert isinstance(wanted, TicketStatus)
    assert found == [row for row in everything if row[1] is wanted]
    assert isinstance(found[0][2], datetime)
    assert found[0][2].tzinfo is not None


async def test_a_reading_session_cannot_write_after_it(company: Company, walled_engine: AsyncEngine) -> None:
    async with session_for(walled_engine, company.persons["admin"], is_readonly=True) as session:
        await together(session, (ALL, {}))
        with pytest.raises(DBAPIError, match="read-only"):
            await session.execute(text("update accounts set name = 'x' where id = 'a_agent'"))


async def test_a_failure_is_the_database_s_and_leaves_nothing_behind(
    company: Company, walled_engine: AsyncEngine
) -> None:
    agent = company.persons["agent"]
    async with session_for(walled_engine, agent) as session:
        with pytest.raises(DBAPIError, match="division by zero"):
            await together(session, (ALL, {}), (BAD, {}))
    async with walled_engine.connect() as connection:
        left = await connection.scalar(text("select current_setting('ieum.person', true)"))
        seen = (await connection.execute(ALL)).all()

    assert not left
    assert seen == []


async def test_it_sees_what_its_own_session_has_written(company: Company, walled_engine: AsyncEngine) -> None:
    admin = company.persons["admin"]
    names = visible(admin, Account).with_only_columns(col(Account.name)).where(col(Account.id) == "a_agent")
    async with session_for(walled_engine, admin) as session:
        account = await visible_one(session, admin, Account, "a_agent")
        account.name = "changed"
        found = (await together(session, (names, {})))[0]
        await session.rollback()

    assert found == [("changed",)]


async def test_a_page_s_statements_stay_prepared_on_its_connection(
    company: Company, shared_database: Database
) -> None:
    """Planning a query behind row-level security takes longer than running it."""
    engine, agent = engine_for(shared_database.app_url, pool_size=1), company.persons["agent"]
    for _ in range(8):
        async with session_for(engine, agent, is_readonly=True) as session:
            await together(session, (ALL, {}))
            await session.finish()
    async with session_for(engine, agent) as session:
        known = list(await session.scalars(text("select statement from pg_prepared_statements")))
    await engine.dispose()

    assert any("FROM tickets" in statement for statement in known)
