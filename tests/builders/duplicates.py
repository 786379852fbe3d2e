"""Two records that may be one customer, a merge of them, and a picture of every row for the comparison."""

from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from activities.customers.pairs import pair_id
from models.customers import Customer, CustomerMerge, CustomerPair
from tests.conftest import Database

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
# What merges write about themselves; everything else has to be as before.
OF_MERGES = {"customer_pairs", "customer_merges", "customer_moves", "alembic_version", "outbox"}
FREE = (  # of the sample company, what stands against a merge
    "update privacy_requests set status = 'done' where status in ('received', 'working')",
    "update dunning_cases set status = 'paid' where status = 'open' and customer_id = 'c_two'",
    "update bill_skips set solved_at = now() where is_error and solved_at is null",
    "update bill_runs set status = 'done' where status in ('planned', 'running', 'paused')",
    "update subscription_changes set status = 'cancelled' where other_customer_id is not null",
)


def owned(database: Database, statement: str, *given: Any) -> list[tuple[Any, ...]]:
    """Ask as the owner, past every policy."""
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        found = owner.execute(statement, given or None)
        return found.fetchall() if found.description else []


def free(database: Database) -> None:
    """Nothing stands against a merge of the sample company's two customers."""
    for statement in FREE:
        owned(database, statement)


def picture(database: Database) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        tables = owner.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        names = sorted({name for (name,) in tables} - OF_MERGES)
        return {
            name: sorted(row for (row,) in owner.execute(f"select to_jsonb(t)::text from {name} t"))
            for name in names
        }


def without_told(rows: dict[str, list[str]]) -> dict[str, list[str]]:
    """The same without the story of merges and their waits."""
    told = ("customers.merge", "customers.merged", '"merge:')
    return {
        name: [row for row in held if not any(word in row for word in told)] for name, held in rows.items()
    }


async def a_pair(engine: AsyncEngine, one: str, other: str, score: int = 80) -> str:
    """Two records on the list."""
    first, second = sorted((one, other))
    async with AsyncSession(engine) as session:
        session.add(CustomerPair(
            id=pair_id(one, other), first_id=first, second_id=second, score=score,
            reasons=["phone_same", "name_differs"], likeness="k", found_at=NOW, found_by="night",
        ))  # fmt: skip
        await session.commit()
    return pair_id(one, other)


async def a_merge(
    engine: AsyncEngine, survivor: str, loser: str, *, merge_id: str = "mrg_1", **given: Any
) -> str:
    """A merge that was asked for."""
    async with AsyncSession(engine) as session:
        first, second = sorted((survivor, loser))
        known = text("select id from customer_pairs where first_id = :first and second_id = :second")
        pair = await session.scalar(known, {"first": first, "second": second})
        pair = pair or await a_pair(engine, survivor, loser)
        versions = [(await session.get_one(Customer, one)).version for one in (survivor, loser)]
        values = {
            "id": merge_id, "pair_id": pair, "survivor_id": survivor, "loser_id": loser, "taken": [],
            "versions": versions, "reason": "one person", "asked_by": "a_agent", "asked_at": NOW,
        }  # fmt: skip
        session.add(CustomerMerge(**{**values, **given}))
        await session.commit()
    return merge_id


async def status_of(engine: AsyncEngine, merge_id: str = "mrg_1") -> str:
    async with AsyncSession(engine) as session:
        said = await session.scalar(
            text("select status from customer_merges where id = :id"), {"id": merge_id}
        )
        return str(said)
