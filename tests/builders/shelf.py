"""Something on the shelf of the small company: a rental, an add-on, content with a trial, a bundle."""

import json
from dataclasses import replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from models.kit.records import to_record
from models.messages.catalogue import (
    BundleItem,
    BundleRule,
    BundleTerms,
    Phase,
    PhaseKind,
    PlanKind,
    PlanTerms,
    Price,
    RuleKind,
)
from tests.builders.sale import a_rental

OPEN = Phase(PhaseKind.EVERGREEN)
RENT = replace(a_rental(), setup_minor=110, family="water", phases=(Phase(PhaseKind.DISCOUNT, 3, 20), OPEN))
CARE = PlanTerms(
    "care", 1, PlanKind.SERVICE, "관리", "Care", Price(unit_minor=22), family="water", is_add_on=True
)
PLAY = PlanTerms(
    "play", 1, PlanKind.CONTENT, "보기", "Play", Price(unit_minor=33),
    phases=(Phase(PhaseKind.TRIAL, 1), OPEN),
)  # fmt: skip
HOME = BundleTerms(
    "home", 1, "집", "Home",
    (
        BundleItem("rent", plan_id="pl"),
        BundleItem("play", plan_id="play", percent_off=50, is_optional=True),
        BundleItem("care", plan_id="care", is_optional=True),
    ),
    (BundleRule(RuleKind.EXCLUDES, ("play", "care")),),
)  # fmt: skip


def _version(word: str, terms: Any) -> str:
    key = getattr(terms, f"{word}_id")
    told = json.dumps(to_record(terms)).replace("'", "''")
    return (
        f"insert into {word}_versions ({word}_id, version, status, terms, effective_from, author_id,"
        f" reviewer_id, note, created_at, seq) values ('{key}', 1, 'published', '{told}',"
        " current_date - 9, 'a_admin', 'a_agent', '', now(), 0)"
    )


async def fill(engine: AsyncEngine) -> None:
    """Put it all on the shelf, and let a second administrator in."""
    statements = [
        "update products set is_sold = true, price_minor = 1100, name_en = 'Purifier' where id = 'pr'",
        "delete from plan_versions where version = 1",
        "update accounts set roles = '{agent,finance,admin}' where id = 'a_agent_and_finance'",
        *(
            "insert into plans (id, code, kind, name_ko, name_en, about_ko, about_en, created_at) values"
            f" ('{one.plan_id}', '{one.plan_id}', '{one.kind}', '', '', '', '', now())"
            for one in (CARE, PLAY)
        ),
        "insert into bundles (id, code, name_ko, name_en, about_ko, about_en, created_at) values"
        " ('home', 'home', '집', 'Home', '', '', now())",
        *(_version("plan", one) for one in (RENT, CARE, PLAY)),
        _version("bundle", HOME),
    ]
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement.replace(":", "\\:")))
