"""What must always hold about money, as queries that return no row; run after every test and every fault.

They hold whenever nothing is under way: between an attempt's success and its posting a row may show.
One file per topic, each with its own `INVARIANTS`; a new topic is joined here."""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.kit.invariants import (
    books,
    contracts,
    documents,
    dunning,
    months,
    payments,
    roots,
    runs,
)

TOPICS = (documents, contracts, payments, books, months, dunning, runs, roots)


INVARIANTS: Mapping[str, str] = {name: query for topic in TOPICS for name, query in topic.INVARIANTS.items()}


async def violations(connection: AsyncConnection) -> dict[str, list[tuple[object, ...]]]:
    """The rows that break an invariant, by its name; empty when all is well."""
    broken: dict[str, list[tuple[object, ...]]] = {}
    for name, query in INVARIANTS.items():
        rows = [tuple(row) for row in (await connection.execute(text(query))).all()]
        if rows:
            broken[name] = rows
    return broken
