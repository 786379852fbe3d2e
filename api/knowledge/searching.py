"""Finding articles: by the words of a search, and those that fit to a longer text and a product."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, cast, func, literal, or_, text
from sqlmodel import col

from api.kit.desk import DeskAt
from api.kit.language import locale
from models.knowledge import ArticleVersion
from models.messages.catalogue import VersionStatus
from models.messages.knowledge import Audience, Topic
from models.rules import knowledge as rules
from models.rules.knowledge import Candidate

MOST_ROWS, NEAR = 200, 0.5
COLUMNS = (
    col(ArticleVersion.article_key), col(ArticleVersion.audience), col(ArticleVersion.topic),
    col(ArticleVersion.title_ko), col(ArticleVersion.title_en), col(ArticleVersion.summary_ko),
    col(ArticleVersion.summary_en), col(ArticleVersion.keywords), col(ArticleVersion.search),
    col(ArticleVersion.products),
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """An article as one line."""

    key: str
    title: str
    summary: str
    audience: Audience
    topic: Topic

    @property
    def href(self) -> str:
        """Where it is read."""
        return f"/help/{self.key}"

    @property
    def is_for_customers(self) -> bool:
        """Whether it may go into a reply."""
        return self.audience is Audience.CUSTOMERS


async def search(desk: DeskAt, asked: str, topic: Topic | None = None, most: int = 20) -> tuple[Found, ...]:
    """The published articles that hold all words; if none does, those that come near."""
    words = rules.asked_words(asked)
    limits = [col(ArticleVersion.topic) == topic] if topic else []
    if not words:
        return await _best(desk, limits, (), frozenset(), most)
    every = [*limits, *(_holds(word) for word in words)]
    found = await _best(desk, every, words, frozenset(), most)
    if found:
        return found
    parts = rules.terms(asked)
    near = [_holds(word) for word in parts]
    closed_up = func.replace(col(ArticleVersion.search), " ", "")  # Korean is often typed without spaces
    near += [closed_up.contains(word, autoescape=True) for word in words if len(word) > 2]
    near += [
        func.word_similarity(word, col(ArticleVersion.search)) >= NEAR for word in words if len(word) > 2
    ]
    return await _best(desk, [*limits, or_(*near)], parts or words, frozenset(), most) if near else ()


async def fitting(
    desk: DeskAt, written: str, products: Iterable[str] = (), *, for_customers: bool = False, most: int = 3
) -> tuple[Found, ...]:
    """The articles that fit to what somebody writes and to their product; none is better than any."""
    words, about = rules.terms(written), frozenset(products)
    if not words:
        return ()
    limits: list[Any] = [or_(*(_holds(word) for word in words))]
    if for_customers:
        limits.append(col(ArticleVersion.audience) == Audience.CUSTOMERS)
    return await _best(desk, limits, words, about, most, is_strict=True)


async def named(desk: DeskAt, keys: Iterable[str]) -> tuple[Found, ...]:
    """These articles, as far as they are published and this person may read them, in the given order."""
    wanted = list(keys)
    query: Any = desk.visible(ArticleVersion).with_only_columns(*COLUMNS)
    published = col(ArticleVersion.status) == VersionStatus.PUBLISHED
    rows = await desk.session.execute(query.where(published, col(ArticleVersion.article_key).in_(wanted)))
    there = {row.article_key: _found(row) for row in rows}
    return tuple(there[key] for key in wanted if key in there)


async def _best(
    desk: DeskAt, limits: list[Any], words: tuple[str, ...], products: frozenset[str], most: int, *,
    is_strict: bool = False,
) -> tuple[Found, ...]:  # fmt: skip
    query: Any = desk.visible(ArticleVersion).with_only_columns(*COLUMNS)
    query = query.where(col(ArticleVersion.status) == VersionStatus.PUBLISHED, *limits)
    hits = sum((cast(_holds(word), Integer) for word in words), literal(0))
    most_first = (hits.desc(), col(ArticleVersion.article_key))  # of very many the likeliest are looked at
    rows = (await desk.session.execute(query.order_by(*most_first).limit(MOST_ROWS))).all()
    if not rows:
        return ()
    scores = {row[0]: (row[1], row[2]) for row in await _scores(desk, [row.article_key for row in rows])}
    known = {row.article_key: (_candidate(row, scores), _found(row)) for row in rows}
    fit = (one for one, _ in known.values() if not is_strict or rules.fits(one, words))
    return tuple(known[one.key][1] for one in rules.ranked(fit, words, products)[:most])


async def _scores(desk: DeskAt, keys: list[str]) -> Any:
    asked = text("select article_key, helped, failed from ieum_article_scores(:keys)")
    return await desk.session.execute(asked, {"keys": keys})


def _holds(word: str) -> ColumnElement[bool]:
    return col(ArticleVersion.search).contains(word, autoescape=True)


def _candidate(row: Any, scores: dict[str, tuple[int, int]]) -> Candidate:
    helped, failed = scores.get(row.article_key, (0, 0))
    return Candidate(
        row.article_key, f"{row.title_ko} {row.title_en}", f"{row.summary_ko} {row.summary_en}",
        tuple(row.keywords), row.search, tuple(row.products), helped, failed,
    )  # fmt: skip


def _found(row: Any) -> Found:
    is_korean = locale() == "ko"
    return Found(
        row.article_key, row.title_ko if is_korean else row.title_en,
        row.summary_ko if is_korean else row.summary_en, row.audience, row.topic,
    )  # fmt: skip
