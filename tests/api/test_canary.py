"""What a person may not see appears on no page, in no JSON, and in no log."""

import pytest
from sqlalchemy import String, inspect, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from api.kit.routes import rules
from api.kit.visible import RULES, visible
from models.kit import tables
from models.kit.engine import engine_for
from tests.api.walk import address_of
from tests.api.web import Web, web_on
from tests.builders.company import build
from tests.conftest import Database

assert tables
MARK = "Marker"
WALKERS = (
    "anonymous", "agent", "agent_other_team", "finance", "admin", "employee", "technician_assigned",
    "technician_other", "partner_own", "customer_own", "customer_other", "link_follow", "link_pay",
)  # fmt: skip


async def mark_everything(engine: AsyncEngine) -> dict[str, str]:
    """Write a token of its own into every free text of every guarded row; gives back token → row."""
    tokens: dict[str, str] = {}
    async with AsyncSession(engine) as session:
        for model in RULES:
            for row in (await session.scalars(select(model))).all():
                key = inspect(row).identity
                token = f"canary{len(tokens):05d}x"
                changed = False
                for column in inspect(model).columns:
                    value = getattr(row, column.key)
                    if isinstance(column.type, String) and MARK in str(value or ""):
                        setattr(row, column.key, str(value).replace(MARK, token))
                        changed = True
                if changed:
                    tokens[token] = f"{model.__name__}:{key}"
        await session.commit()
    return tokens


async def seen_by(engine: AsyncEngine, web: Web, who: str) -> set[str]:
    person = web.company.persons[who]
    found = set()
    async with AsyncSession(engine) as session:
        for model in RULES:
            for row in await session.scalars(visible(person, model)):
                found.add(f"{model.__name__}:{inspect(row).identity}")
    return found


@pytest.fixture
async def marked(
    worker_engine: AsyncEngine, database: Database, app_engine: AsyncEngine
) -> tuple[Web, dict[str, str]]:
    web = web_on(app_engine, await build(worker_engine, word=MARK))
    owner = engine_for(database.owner_url, pool_size=1)
    tokens = await mark_everything(owner)
    await owner.dispose()
    return web, tokens


async def test_no_page_shows_a_row_that_its_reader_may_not_see(
    marked: tuple[Web, dict[str, str]], worker_engine: AsyncEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    web, tokens = marked
    pages = shown = 0
    assert len(tokens) > 150

    for who in WALKERS:
        mine = await seen_by(worker_engine, web, who)
        for rule in rules(web.app):
            if rule.method != "GET":
                continue
            for relation in ("own", "foreign"):
                path = address_of(rule, web.company, relation, link=who)
                for headers in (
                    {"Accept": "text/html"},
                    {"Accept": "application/json"},
                    {"HX-Request": "true"},
                ):
                    answer = await web.get(path, who=who, headers=headers)
                    pages += 1
                    for token, row in tokens.items():
                        if token in answer.text:
                            shown += 1
                            assert row in mine, (who, path, row)

    logged = capsys.readouterr()
    assert not [token for token in tokens if token in logged.err + logged.out]
    assert pages > 200
    assert shown > 0
