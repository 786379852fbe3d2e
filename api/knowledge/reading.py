"""What the pages of authors are made of: versions, what is wrong with them, who wrote them."""

from dataclasses import dataclass
from typing import Any

from sqlmodel import col, select

from api.kit.desk import DeskAt
from api.kit.language import gettext as _
from api.kit.language import locale
from api.kit.people import Person
from models.catalogue import Product
from models.kit import article_files
from models.knowledge import ArticleFile, ArticleVersion, KnowledgeArticle
from models.messages.catalogue import VersionStatus
from models.messages.knowledge import LANGUAGES, Article, Flaw
from models.messages.staff import Role
from models.rules.knowledge import Known
from models.staff import Account

OPEN = (VersionStatus.DRAFT, VersionStatus.REVIEW)


@dataclass(frozen=True)
class Told:
    """Something wrong, as it is shown."""

    place: str
    line: int
    code: str
    sentence: str


def article_of(row: ArticleVersion) -> Article:
    """A stored version as an article."""
    titles, summaries, bodies = (
        {one: str(getattr(row, f"{name}_{one}")) for one in LANGUAGES}
        for name in ("title", "summary", "body")
    )
    return Article(
        row.article_key, row.audience, row.topic, titles, summaries, bodies,
        tuple(row.products), tuple(row.keywords), row.review_days,
    )  # fmt: skip


def row_of(article: Article) -> dict[str, Any]:
    """The columns of a version that an article fills."""
    row: dict[str, Any] = {
        f"{name}_{one}": texts.get(one, "")
        for name, texts in (
            ("title", article.titles), ("summary", article.summaries), ("body", article.bodies),
        )
        for one in LANGUAGES
    }  # fmt: skip
    return row | {
        "audience": article.audience, "topic": article.topic, "products": list(article.products),
        "keywords": list(article.keywords), "review_days": article.review_days,
        "files": article_files.pictures_of(article), "search": article_files.search_of(article),
    }  # fmt: skip


def titled(row: ArticleVersion) -> str:
    """What a version is called in the reader's language, else in the other one, else by its key."""
    own, other = (row.title_ko, row.title_en) if locale() == "ko" else (row.title_en, row.title_ko)
    return own or other or row.article_key


def keeps(person: Person, article: KnowledgeArticle) -> bool:
    """Whether somebody answers for an article: its owner, and administrators."""
    return person.id == article.owner_id or Role.ADMIN in person.roles


async def known(desk: DeskAt, article_key: str) -> Known:
    """What articles may lead to and show today."""
    query = desk.visible(ArticleVersion).with_only_columns(
        col(ArticleVersion.article_key), col(ArticleVersion.audience)
    )
    rows = await desk.session.execute(query.where(col(ArticleVersion.status) == VersionStatus.PUBLISHED))
    files = desk.visible(ArticleFile).with_only_columns(col(ArticleFile.id))
    pictures = await desk.session.scalars(files.where(col(ArticleFile.article_key) == article_key))
    products = (await desk.session.execute(select(col(Product.id), col(Product.category)))).all()
    names = frozenset(name for line in products for name in line)
    return Known({row[0]: row[1] for row in rows}, frozenset(pictures), names)


async def flaws(desk: DeskAt, article: Article) -> tuple[Flaw, ...]:
    """What is wrong with an article today."""
    return article_files.examine(article, await known(desk, article.key))


def told(found: tuple[Flaw, ...]) -> tuple[Told, ...]:
    """What is wrong, in the reader's language."""
    return tuple(Told(one.place, one.line, one.code, _(one.sentence, **one.values)) for one in found)


async def versions_of(desk: DeskAt, article_key: str) -> list[ArticleVersion]:
    """All versions, newest first."""
    query = desk.visible(ArticleVersion).where(col(ArticleVersion.article_key) == article_key)
    return list(await desk.session.scalars(query.order_by(col(ArticleVersion.version).desc()).limit(200)))


async def names_of(desk: DeskAt, accounts: set[str]) -> dict[str, str]:
    """What colleagues are called."""
    query = desk.visible(Account).with_only_columns(col(Account.id), col(Account.name))
    rows: Any = await desk.session.execute(query.where(col(Account.id).in_(accounts)))
    return {row[0]: row[1] for row in rows}


async def colleagues(desk: DeskAt) -> tuple[tuple[str, str], ...]:
    """Who may answer for an article."""
    query = desk.visible(Account).with_only_columns(col(Account.id), col(Account.name))
    staff = col(Account.roles).op("&&")(["agent", "dispatcher", "finance", "admin"])
    rows = await desk.session.execute(
        query.where(col(Account.is_active), staff).order_by(Account.name).limit(300)
    )
    return tuple((row[0], row[1]) for row in rows)
