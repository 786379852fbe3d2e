"""How articles are found: published ones that hold every word, those with the words in their title first."""

from typing import Any

from sqlalchemy import Select, case, exists, false, func, select, true
from sqlmodel import col

from api.kit.finding import Hit, Kind, Most, Way, Words, every_word, register
from api.kit.language import N_, locale
from api.kit.people import Person
from api.kit.routes import EMPLOYEES, STAFF
from api.kit.visible import visible
from models.knowledge import ArticleVersion
from models.messages.catalogue import VersionStatus


def _by_words(person: Person) -> Select[*tuple[Any, ...]]:
    """A house has hundreds of articles, not millions: each is looked at."""
    is_korean = locale() == "ko"
    title, summary = (
        (col(ArticleVersion.title_ko), col(ArticleVersion.summary_ko))
        if is_korean
        else (col(ArticleVersion.title_en), col(ArticleVersion.summary_en))
    )
    said = func.lower(Words)
    asked = func.unnest(func.string_to_array(said, " ")).table_valued("word", name="asked").render_derived()
    lacks = func.strpos(col(ArticleVersion.search), asked.c.word) == 0
    missing = exists(select(true()).select_from(asked).where(lacks))
    rank = case((func.strpos(func.lower(title), said) > 0, 0), else_=1)
    return (
        visible(person, ArticleVersion)
        .with_only_columns(col(ArticleVersion.article_key), title, summary, false())
        .where(col(ArticleVersion.status) == VersionStatus.PUBLISHED, ~missing)
        .order_by(rank, col(ArticleVersion.article_key))
        .limit(Most)
    )


def _article(row: Any) -> Hit:
    key, title, summary, is_like = row
    return Hit(key, title, summary, f"/help/{key}", bool(is_like))


register(
    Kind(
        "article", N_("Articles"), "book-open", STAFF | EMPLOYEES, _article, (Way(_by_words, every_word),),
        place=70,
    )
)  # fmt: skip
