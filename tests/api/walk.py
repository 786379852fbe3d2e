"""Walking every route of the app: real addresses for its patterns, and pictures of the database."""

import re
from typing import Any

import psycopg

from api.kit.routes import Rule
from tests.builders.company import Company
from tests.builders.samples import SAMPLE

PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


def address_of(rule: Rule, company: Company, relation: str = "own", link: str = "") -> str:
    """The address of a route for the sample row of a relation (own, foreign, absent).

    The parameter `<row>_id` of the declared row varies; every other one names an own row."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name == "token":
            return company.tokens.get(link, "no-such-token")
        word = name.removesuffix("_id")
        if word in SAMPLE:
            own, foreign = SAMPLE[word]
            return {"own": own, "foreign": foreign, "absent": "Zzz999"}[
                relation if word == rule.row else "own"
            ]
        if rule.row in SAMPLE:
            own, foreign = SAMPLE[rule.row]
            return {"own": own, "foreign": foreign, "absent": "Zzz999"}[relation]
        return "1"

    return PARAMETER.sub(value, rule.path)


def dump(connection: psycopg.Connection[Any], without: tuple[str, ...] = ()) -> dict[str, list[Any]]:
    """Every row of every table; what a visit itself leaves (when a session was last seen) is left out."""
    tables = connection.execute(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    ).fetchall()
    rows: dict[str, list[Any]] = {}
    for (table,) in tables:
        if table in (*without, "alembic_version"):
            continue
        found = connection.execute(f"select to_jsonb(t) - 'seen_at' - 'idle_until' from {table} t").fetchall()
        rows[table] = sorted((row[0] for row in found), key=repr)
    return rows
