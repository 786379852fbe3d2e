"""Articles as stored, edited by api/knowledge/; reminders are noted by activities/knowledge.py.

What is counted, said and searched comes in by doors (migration 0032); activities/knowledge.py forgets it."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.kit import columns
from models.messages.catalogue import VersionStatus
from models.messages.knowledge import USUAL_DAYS, Audience, GapStatus, Place, Topic, Use


class KnowledgeArticle(SQLModel, table=True):
    """One article, whatever its versions say: who answers for it, and when it is looked at again."""

    __tablename__ = "articles"

    key: str = columns.text(primary_key=True)
    owner_id: str = Field(foreign_key="accounts.id", index=True)
    review_on: date = Field(index=True)
    reminded_on: date | None = None
    created_by: str = columns.text()
    created_at: datetime = columns.moment()


class ArticleVersion(SQLModel, table=True):
    """One version in both languages. Published it never changes; each article has at most one of those."""

    __tablename__ = "article_versions"
    __table_args__ = (
        Index(
            "one_published_article", "article_key", unique=True,
            postgresql_where=text("status = 'published'"),
        ),
        Index(
            "one_open_article_draft", "article_key", unique=True,
            postgresql_where=text("status in ('draft', 'review')"),
        ),
        Index(
            "articles_by_words", "search", postgresql_using="gin",
            postgresql_ops={"search": "gin_trgm_ops"}, postgresql_where=text("status = 'published'"),
        ),
        CheckConstraint("reviewer_id is null or reviewer_id <> all (writers)", name="article_second_person"),
        CheckConstraint(
            "status in ('draft', 'review') or (reviewer_id is not null and title_ko <> '' and title_en <> ''"
            " and body_ko <> '' and body_en <> '')",
            name="published_article_is_whole",
        ),
    )  # fmt: skip

    article_key: str = Field(primary_key=True, foreign_key="articles.key")
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    status: VersionStatus = Field(default=VersionStatus.DRAFT, sa_type=columns.word(VersionStatus))
    audience: Audience = Field(sa_type=columns.word(Audience))
    topic: Topic = Field(sa_type=columns.word(Topic))
    products: list[str] = columns.words(default_factory=list)
    keywords: list[str] = columns.words(default_factory=list)
    title_ko: str = columns.text(default="")
    title_en: str = columns.text(default="")
    summary_ko: str = columns.text(default="")
    summary_en: str = columns.text(default="")
    body_ko: str = columns.text(default="")
    body_en: str = columns.text(default="")
    review_days: int = USUAL_DAYS
    files: list[str] = columns.words(default_factory=list)  # pictures that its bodies show
    search: str = columns.text(default="")  # all its words in small letters
    note: str = columns.text(default="")
    made_from: int | None = None  # the version that it began as: roll back, copy
    writers: list[str] = columns.words(default_factory=list)  # everybody whose hand was on it
    reviewer_id: str | None = columns.text(default=None, nullable=True)
    review_note: str = columns.text(default="")
    created_at: datetime = columns.moment()
    written_at: datetime = columns.moment()
    published_at: datetime | None = columns.moment(default=None, nullable=True)
    retired_at: datetime | None = columns.moment(default=None, nullable=True)
    seq: int = 0


class ArticleFile(SQLModel, table=True):
    """One picture of an article, drawn anew; who may read a version that shows it may see it."""

    __tablename__ = "article_files"

    id: str = Field(primary_key=True)
    article_key: str = Field(foreign_key="articles.key", index=True)
    name: str = columns.text()
    media_type: str = columns.text()
    size: int
    sha256: str = columns.text()
    stored_as: str = columns.text(unique=True)
    created_by: str = columns.text()
    created_at: datetime = columns.moment()


class ArticleFeedback(SQLModel, table=True):
    """Whether a version helped somebody, once per person; who that was, only their own hash knows."""

    __tablename__ = "article_feedback"
    __table_args__ = (
        ForeignKeyConstraint(
            ["article_key", "version"], ["article_versions.article_key", "article_versions.version"],
            name="feedback_of_version",
        ),
    )  # fmt: skip

    article_key: str = columns.text(primary_key=True)
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    by_whom: str = columns.text(primary_key=True)
    is_helpful: bool
    comment: str = columns.text(default="")
    locale: str = columns.text(default="ko")
    at: datetime = columns.moment()


class ArticleUse(SQLModel, table=True):
    """How often an article was used on one day, and nothing about by whom."""

    __tablename__ = "article_uses"

    article_key: str = Field(primary_key=True, foreign_key="articles.key")
    day: date = Field(primary_key=True)
    use: Use = Field(primary_key=True, sa_type=columns.word(Use))
    times: int = 0


class ArticleSearch(SQLModel, table=True):
    """Words for which nothing was found on one day: without person, masked, cut, soon forgotten."""

    __tablename__ = "article_searches"

    words: str = columns.text(primary_key=True)
    locale: str = columns.text(primary_key=True)
    place: Place = Field(primary_key=True, sa_type=columns.word(Place))
    day: date = Field(primary_key=True, index=True)
    times: int = 0
    settled_by: str | None = columns.text(default=None, nullable=True)


class ArticleGap(SQLModel, table=True):
    """A ticket for which a colleague found no article."""

    __tablename__ = "article_gaps"

    id: str = Field(primary_key=True)
    ticket_id: str = Field(foreign_key="tickets.id", unique=True)
    words: str = columns.text(default="")  # what an article should answer
    marked_by: str = columns.text()
    marked_at: datetime = columns.moment()
    status: GapStatus = Field(default=GapStatus.OPEN, sa_type=columns.word(GapStatus))
    article_key: str | None = columns.text(default=None, nullable=True)
    settled_by: str | None = columns.text(default=None, nullable=True)
