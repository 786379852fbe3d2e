"""What authors fill in, and how a draft is stored: faults and all, so that nothing written is lost."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from api.kit import signing, texts
from api.kit.desk import DeskAt
from api.kit.forms import Input
from api.kit.labels import label_text
from api.kit.texts import MaybeLine
from api.knowledge.reading import row_of
from models.kit import ids
from models.kit.refusals import Refusal
from models.knowledge import ArticleVersion, KnowledgeArticle
from models.messages.catalogue import VersionStatus
from models.messages.knowledge import LONGEST_BODY, USUAL_DAYS, Article, Audience, Topic
from models.rules import knowledge as rules
from models.rules.calendars import KST

Number = Annotated[int, Field(ge=0, le=2**31 - 1)]
Summary = Annotated[str, AfterValidator(texts.line), Field(max_length=500)]
Words = Annotated[str, AfterValidator(texts.line), Field(max_length=1_000)]
Body = Annotated[str, AfterValidator(texts.paragraph), Field(max_length=LONGEST_BODY)]


class Choices:
    """What a form of an article offers."""

    @property
    def audiences(self) -> tuple[tuple[str, str], ...]:
        """Who may read one."""
        return tuple((one.value, label_text(one, "audience")) for one in Audience)

    @property
    def topics(self) -> tuple[tuple[str, str], ...]:
        """What it may be about."""
        return tuple((one.value, label_text(one, "article_topic")) for one in Topic)


class Writing(Input):
    """One version as its form says it."""

    audience: Audience = Audience.CUSTOMERS
    topic: Topic = Topic.FAULT
    products: Words = ""
    keywords: Words = ""
    title_ko: MaybeLine = ""
    title_en: MaybeLine = ""
    summary_ko: Summary = ""
    summary_en: Summary = ""
    body_ko: Body = ""
    body_en: Body = ""
    review_days: Number = USUAL_DAYS
    note: MaybeLine = ""

    def article(self, key: str) -> Article:
        """The article that was written."""
        return Article(
            key, self.audience, self.topic,
            {"ko": self.title_ko, "en": self.title_en}, {"ko": self.summary_ko, "en": self.summary_en},
            {"ko": self.body_ko, "en": self.body_en},
            products=parts_of(self.products), keywords=parts_of(self.keywords), review_days=self.review_days,
        )  # fmt: skip


def parts_of(line: str) -> tuple[str, ...]:
    """What stands between commas, each once."""
    return tuple(dict.fromkeys(part for one in line.split(",") if (part := one.strip())))


def today() -> date:
    """The day in Seoul."""
    return datetime.now(KST).date()


async def begin(desk: DeskAt, article: Article, note: str = "") -> str | None:
    """Store a new article with its first draft; None when there is one of that key already."""
    now, person = datetime.now(UTC), desk.person
    row = {
        "key": article.key, "owner_id": person.account_id or person.id, "created_by": person.id,
        "created_at": now, "review_on": today() + timedelta(days=min(max(article.review_days, 1), 3_650)),
    }  # fmt: skip
    new = insert(KnowledgeArticle).values(row).on_conflict_do_nothing().returning(col(KnowledgeArticle.key))
    if (await desk.session.execute(new)).first() is None:
        return None
    await add_draft(desk, article, 1, note)
    return article.key


async def add_draft(
    desk: DeskAt, article: Article, version: int, note: str = "", made_from: int | None = None
) -> None:
    """Store a new draft."""
    now = datetime.now(UTC)
    row = {
        "article_key": article.key, "version": version, "status": VersionStatus.DRAFT, **row_of(article),
        "note": note, "made_from": made_from, "writers": [desk.person.id], "review_note": "",
        "created_at": now, "written_at": now, "seq": 0,
    }  # fmt: skip
    await desk.session.execute(insert(ArticleVersion).values(row))
    await noted(desk, article.key, version, "draft", made_from=made_from)


async def next_version(desk: DeskAt, article_key: str) -> int:
    """The number of a new draft, of which there is one at a time."""
    await desk.session.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"article:{article_key}"}
    )
    mine = desk.visible(ArticleVersion).where(col(ArticleVersion.article_key) == article_key)
    rows = (await desk.session.scalars(mine)).all()
    if any(one.status in (VersionStatus.DRAFT, VersionStatus.REVIEW) for one in rows):
        raise Refusal("article_draft_open")
    return max((one.version for one in rows), default=0) + 1


async def store(desk: DeskAt, row: ArticleVersion, seq: int, changes: dict[str, Any]) -> None:
    """Change a version if nobody else has meanwhile."""
    mine = (
        col(ArticleVersion.article_key) == row.article_key, col(ArticleVersion.version) == row.version,
        col(ArticleVersion.seq) == seq,
    )  # fmt: skip
    statement = update(ArticleVersion).where(*mine).values(**changes, seq=seq + 1)
    done: Any = await desk.session.execute(statement.execution_options(synchronize_session=False))
    if done.rowcount != 1:
        raise Refusal("changed_meanwhile")


def key_for(article: str, title: str) -> str:
    """The key that was asked for, else one made of the title, else one by chance."""
    return article or rules.key_from(title) or ids.fresh("kb")


async def noted(desk: DeskAt, key: str, version: int, act: str, **details: object) -> None:
    """One line in the audit log."""
    who, subject = desk.person, f"article:{key}:{version}"
    await signing.note(desk.session, who.id, who.address, f"knowledge.{act}", subject, **details)
