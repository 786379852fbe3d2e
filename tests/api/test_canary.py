"""What a person may not see appears on no page, in no JSON, and in no log."""

import pytest
from sqlalchemy import String, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from api.kit.routes import rules
from api.kit.seeing import RULES
from api.kit.visible import visible
from models.customers import Customer
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
    """Write a word of its own into every free text of every guarded row (names in capitals): word → row."""
    tokens: dict[str, str] = {}
    async with AsyncSession(engine) as session:
        for model in RULES:
            table = inspect(model).local_table  # what is final takes a mark, too
            await session.execute(text(f"alter table {table} disable trigger user"))
            for row in (await session.scalars(select(model))).all():
                words, token = [], f"canary{len(tokens):05d}x"
                for column in inspect(model).columns:
                    value = getattr(row, column.key)
                    if isinstance(column.type, String) and MARK in str(value or ""):
                        is_name = model is Customer and column.key == "name"
                        word = token.upper() if is_name else token
                        setattr(row, column.key, str(value).replace(MARK, word))
                        words.append(word)
                key = tuple(getattr(row, column.key) for column in inspect(model).primary_key)
                tokens |= dict.fromkeys(words, f"{model.__name__}:{key}")  # its key may hold its mark
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


@pytest.mark.parametrize(
    "who", ["agent", "dispatcher", "finance", "admin", "technician_assigned", "partner_own"]
)
async def test_no_page_shows_how_to_reach_a_customer_without_saying_why(
    marked: tuple[Web, dict[str, str]], who: str
) -> None:
    """Telephone, e-mail and address; the desk calls customers by their names."""
    web, tokens = marked
    reach = [word for word, row in tokens.items() if row.startswith("Customer:") and word.islower()]
    assert len(reach) == 2

    for rule in rules(web.app):
        if rule.method != "GET" or rule.reveals:
            continue
        for headers in ({"Accept": "text/html"}, {"Accept": "application/json"}):
            answer = await web.get(address_of(rule, web.company), who=who, headers=headers)
            shown = [
                token
                for token in (*reach, "+821010000001", "010-1000-0001", "markerone@")
                if token in answer.text
            ]
            assert not shown, (rule.path, who)


async def test_each_page_that_reveals_leaves_one_line_for_each_view(
    marked: tuple[Web, dict[str, str]], worker_engine: AsyncEngine
) -> None:
    web, _tokens = marked
    seen = 0

    async def lines() -> int:
        async with worker_engine.connect() as connection:
            return int(await connection.scalar(text("select count(*) from personal_data_accesses")) or 0)

    for rule in rules(web.app):
        if rule.method != "GET" or not rule.reveals:
            continue
        for who in ("agent", "technician_assigned"):
            for relation, expected in (("own", 1), ("absent", 0)):
                before = await lines()
                answer = await web.get(address_of(rule, web.company, relation), who=who)
                if answer.status_code == 200:
                    seen += 1
                assert await lines() - before == (expected if answer.status_code == 200 else 0), (rule, who)
    assert seen > 0
