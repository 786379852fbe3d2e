"""The daily look at articles: who hears of what, once; and what is forgotten when its time is over."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.testing import ActivityEnvironment

from activities.connectors.mail import ConsoleMail
from activities.knowledge import KnowledgeActivities
from models.messages.knowledge import KnowledgeDay, ReviewDue
from models.messages.letters import Delivery
from tests.builders.company import build
from tests.conftest import Database

RUN = ActivityEnvironment().run
MONDAY = date(2026, 11, 23)
AT = datetime(2026, 11, 22, 23, 50, tzinfo=UTC)
KEY = "article:kb_one:review:2026-11-21:1"


@pytest.fixture
async def look(worker_engine: AsyncEngine, database: Database) -> KnowledgeActivities:
    """The sample company; of its articles one is due since Saturday, a draft too, and the others are not."""
    await build(worker_engine)
    owned(database, "update articles set review_on = '2027-06-01'")
    owned(database, "update articles set review_on = '2026-11-21' where key in ('kb_one', 'kb_draft')")
    return KnowledgeActivities(worker_engine, ConsoleMail(), "https://desk.example")


def owned(database: Database, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        found = owner.execute(statement)
        return found.fetchall() if found.description else []


async def due(look: KnowledgeActivities, day: date) -> list[tuple[str, int]]:
    return [(one.article_key, one.round) for one in await RUN(look.due, KnowledgeDay(day, AT))]


async def test_on_a_working_day_published_articles_are_found_once_a_week(
    look: KnowledgeActivities, database: Database
) -> None:
    assert await due(look, MONDAY - timedelta(days=2)) == []  # a Saturday
    assert await due(look, MONDAY) == [("kb_one", 1)]
    owned(database, "update articles set reminded_on = '2026-11-23' where key = 'kb_one'")
    assert await due(look, MONDAY + timedelta(days=1)) == []
    assert await due(look, MONDAY + timedelta(days=7)) == [("kb_one", 2)]
    owned(database, "update articles set review_on = '2027-06-01', reminded_on = '2026-11-30'")
    assert await due(look, MONDAY + timedelta(days=14)) == []


async def test_the_owner_is_written_to_once(look: KnowledgeActivities, database: Database) -> None:
    order = ReviewDue("kb_one", date(2026, 11, 21), MONDAY, 1)

    assert [await RUN(look.remind, order) for _ in range(2)] == [Delivery.MAIL] * 2

    [sent] = look.mail.sent.values()  # type: ignore[attr-defined]
    assert (sent.to, sent.key) == ("agent@example.com", KEY)
    assert "https://desk.example/knowledge/kb_one" in sent.text
    assert owned(database, "select reminded_on from articles where key = 'kb_one'") == [(MONDAY,)]
    assert owned(database, f"select letter from sent_messages where key = '{KEY}'") == [
        ("knowledge/review_due",)
    ]


async def test_an_article_is_not_forgotten_with_its_owner(
    look: KnowledgeActivities, database: Database
) -> None:
    owned(database, "update accounts set is_active = false where id = 'a_agent'")

    await RUN(look.remind, ReviewDue("kb_one", date(2026, 11, 21), MONDAY, 1))

    assert [one.to for one in look.mail.sent.values()] == ["admin@example.com"]  # type: ignore[attr-defined]


async def test_what_readers_left_is_forgotten_after_its_time(
    look: KnowledgeActivities, database: Database
) -> None:
    at = KnowledgeDay(MONDAY, AT)
    owned(database, "update article_searches set day = '2026-08-01'")
    owned(database, "update article_feedback set at = '2026-05-01' where article_key = 'kb_one'")
    owned(database, "update article_gaps set marked_at = '2025-11-01' where id = 'kg1'")
    owned(database, f"update kept_words set made_at = '{AT}'")
    owned(database, f"update kept_words set made_at = '{AT - timedelta(hours=25)}' where id = 'kw1'")

    assert [await RUN(look.forget, at) for _ in range(2)] == [4, 0]

    assert owned(database, "select * from article_searches") == []
    hushed = "select article_key from article_feedback where comment = ''"
    assert owned(database, hushed) == [("kb_one",)]
    assert owned(database, "select id from article_gaps") == [("kg2",)]
    assert owned(database, "select id from kept_words") == [("kw2",)]
