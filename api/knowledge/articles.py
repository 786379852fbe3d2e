"""Articles as authors see them: where each stands, who answers for it, whether it is used and helps."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from fastapi import Request
from markupsafe import Markup
from pydantic import BeforeValidator, Field
from sqlalchemy import func, text
from sqlmodel import col
from starlette.responses import Response

from api.kit import charts
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import answer, move_on
from api.kit.routes import STAFF
from api.kit.texts import MaybeLine
from api.knowledge import reading, writing
from api.knowledge.routing import router
from models.knowledge import ArticleSearch, ArticleUse, ArticleVersion, KnowledgeArticle
from models.messages.catalogue import VersionStatus
from models.messages.knowledge import Audience, Topic, Use
from models.rules import knowledge as rules

SHOW = ("all", "mine", "review", "due", "weak")
MaybeShow = Annotated[
    Literal["all", "mine", "review", "due", "weak"],
    BeforeValidator(lambda value: value if value in SHOW else "all"),
]
WEEKS = 12


class NewArticle(writing.Writing):
    """A new article; without a key it gets one made of its title."""

    key: Annotated[str, Field(max_length=60)] = ""


@dataclass(frozen=True)
class Line:
    """One article in the list."""

    key: str
    title: str
    audience: Audience
    topic: Topic
    version: int
    status: VersionStatus
    draft: int  # the version that is being written or reviewed; 0: none
    draft_status: VersionStatus | None
    owner: str
    review_on: date
    is_due: bool
    is_mine: bool
    reads: int
    helped: int
    failed: int

    @property
    def percent(self) -> int | None:
        """How many of those who said something were helped; nothing when nobody did."""
        return round(100 * self.helped / (self.helped + self.failed)) if self.helped + self.failed else None


@dataclass(frozen=True)
class ListPage:
    """All articles, and how they were used of late."""

    rows: tuple[Line, ...]
    q: str
    show: str
    counts: dict[str, int]
    use: Markup
    gaps: int


@dataclass(frozen=True)
class NewPage(writing.Choices):
    """The form of a new article."""

    problems: tuple[reading.Told, ...] = ()


@router.get("/knowledge", may=STAFF)
async def index(request: Request, desk: Desk, q: MaybeLine = "", show: MaybeShow = "all") -> Response:
    """Show every article with its state and its use."""
    lines = await _lines(desk)
    parts = {name: [one for one in lines if _is_in(one, name)] for name in SHOW}
    wanted = rules.folded(q)
    rows = tuple(one for one in parts[show] if wanted in rules.folded(f"{one.key} {one.title}"))
    counts = {name: len(found) for name, found in parts.items()}
    page = ListPage(rows, q, show, counts, await _use(desk), await _gaps(desk))
    return answer(request, "knowledge/index.html", page)


@router.get("/knowledge/new", may=STAFF)
async def begin(request: Request, desk: Desk) -> Response:
    """Show the form of a new article."""
    return answer(request, "knowledge/new.html", NewPage())


@router.post("/knowledge", may=STAFF)
async def create(request: Request, desk: Desk, sent: Typed[NewArticle] = typed(NewArticle)) -> Response:
    """Begin an article; it may be far from finished, but it needs a name."""
    form, new = sent.form, sent.value
    if new is not None:
        key = writing.key_for(new.key, new.title_en or new.title_ko)
        if not rules.KEY.match(key):
            form = sent.wrong(
                "key",
                _("A key is made of a to z, 0 to 9 and _, begins with a letter and has at most 60 signs."),
            )
        elif not (new.title_ko or new.title_en):
            form = sent.wrong("title_ko", _("Please fill in this field."))
        elif await writing.begin(desk, new.article(key), new.note) is None:
            form = sent.wrong("key", _("There is such an article already; write a new version of it."))
        else:
            await desk.commit()
            return move_on(
                request, f"/knowledge/{key}/versions/1", data={"key": key, "version": 1}, status=201
            )
    return answer(request, "knowledge/new.html", NewPage(), form=form, status=422)


def _is_in(line: Line, name: str) -> bool:
    """Whether an article belongs to this part of the list."""
    weak = line.helped + line.failed >= 3 and (line.percent or 0) < 60
    return {
        "all": True, "mine": line.is_mine, "review": line.draft_status is VersionStatus.REVIEW,
        "due": line.is_due, "weak": weak,
    }[name]  # fmt: skip


async def _lines(desk: DeskAt) -> list[Line]:
    articles = {
        one.key: one for one in await desk.session.scalars(desk.visible(KnowledgeArticle).limit(5_000))
    }
    rows: dict[str, list[Any]] = {}
    query = desk.visible(ArticleVersion).with_only_columns(
        col(ArticleVersion.article_key), col(ArticleVersion.version), col(ArticleVersion.status),
        col(ArticleVersion.audience), col(ArticleVersion.topic), col(ArticleVersion.title_ko),
        col(ArticleVersion.title_en),
    )  # fmt: skip
    for row in await desk.session.execute(query.order_by(col(ArticleVersion.version).desc()).limit(20_000)):
        rows.setdefault(row.article_key, []).append(row)
    names = await reading.names_of(desk, {one.owner_id for one in articles.values()})
    scores = {
        row[0]: row[1:] for row in await desk.session.execute(text("select * from ieum_article_scores(null)"))
    }
    return [
        _line(desk, articles[key], versions, names, scores.get(key, (0, 0, 0)))
        for key, versions in sorted(rows.items())
        if key in articles
    ]


def _line(
    desk: DeskAt, article: KnowledgeArticle, versions: list[Any], names: dict[str, str], score: Any
) -> Line:
    published = next((one for one in versions if one.status is VersionStatus.PUBLISHED), None)
    draft = next((one for one in versions if one.status in reading.OPEN), None)
    shown = published or versions[0]
    return Line(
        article.key, reading.titled(shown), shown.audience, shown.topic, shown.version, shown.status,
        draft.version if draft else 0, draft.status if draft else None, names.get(article.owner_id, "–"),
        article.review_on, published is not None and article.review_on <= writing.today(),
        article.owner_id == desk.person.id, int(score[2]), int(score[0]), int(score[1]),
    )  # fmt: skip


async def _use(desk: DeskAt) -> Markup:
    """Looks, insertions and spared reports by week."""
    first = writing.today() - timedelta(days=7 * WEEKS - 1)
    week = func.floor((col(ArticleUse.day) - first) / 7)
    query = (
        desk.visible(ArticleUse)
        .with_only_columns(week, col(ArticleUse.use), func.sum(ArticleUse.times))
        .where(col(ArticleUse.day) >= first)
        .group_by(week, col(ArticleUse.use))
    )
    counted = {(int(row[0]), row[1]): int(row[2]) for row in await desk.session.execute(query)}
    starts = [first + timedelta(days=7 * at) for at in range(WEEKS)]
    series = [
        charts.Series(name, tone, [counted.get((at, use), 0) for at in range(WEEKS)])
        for use, name, tone in (
            (Use.READ, _("Read"), "indigo"), (Use.INSERTED, _("Put into a reply"), "green"),
            (Use.DEFLECTED, _("Reports spared"), "amber"),
        )
    ]  # fmt: skip
    return charts.line(_("Use by week"), [f"{day.month}/{day.day}" for day in starts], series, every=2)


async def _gaps(desk: DeskAt) -> int:
    query = desk.visible(ArticleSearch).with_only_columns(func.count(func.distinct(ArticleSearch.words)))
    return int(await desk.session.scalar(query.where(col(ArticleSearch.settled_by).is_(None))) or 0)
