"""One version of an article: written as a draft, compared, published by somebody else, taken up again."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import Request
from markupsafe import Markup
from sqlalchemy import update
from sqlmodel import col
from starlette.responses import Response

from api.kit.comparing import DiffPage, compared
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import answer, move_on
from api.kit.routes import STAFF
from api.kit.texts import Key, MaybeLine
from api.knowledge import reading, writing
from api.knowledge.routing import router
from api.knowledge.shown import shown
from api.knowledge.writing import Number, noted, store
from models.kit import article_files
from models.kit.refusals import Refusal
from models.knowledge import ArticleFeedback, ArticleFile, ArticleVersion, KnowledgeArticle
from models.messages.catalogue import VersionStatus
from models.messages.knowledge import LANGUAGES, Article

PAGE = "/knowledge/{article_key}/versions/{version}"
# From which step a version may come to which one.
STEPS = {
    VersionStatus.REVIEW: {VersionStatus.DRAFT},
    VersionStatus.DRAFT: {VersionStatus.REVIEW},
    VersionStatus.PUBLISHED: {VersionStatus.REVIEW},
    VersionStatus.RETIRED: {VersionStatus.PUBLISHED},
}


class Written(writing.Writing):
    """A draft; `seq` says which state of it was seen."""

    seq: Number


class Looked(writing.Writing):
    """What stands in the form right now, to be looked at and not kept."""

    seq: Number = 0


class Moved(Input):
    """Where a version shall go, and why."""

    status: VersionStatus
    seq: Number
    note: MaybeLine = ""


class From(Input):
    """The version that a new draft begins as; an older one is a roll back."""

    version: Number


@dataclass(frozen=True)
class Line:
    """One version in the history."""

    version: int
    status: VersionStatus
    writers: str
    reviewer: str
    written_at: datetime
    note: str
    review_note: str
    made_from: int | None


@dataclass(frozen=True)
class Voice:
    """What a reader said."""

    version: int
    is_helpful: bool
    comment: str
    at: datetime


@dataclass(frozen=True)
class Preview:
    """How a text would be read, and what is wrong with it."""

    html: dict[str, Markup]
    titles: dict[str, str]
    problems: tuple[reading.Told, ...]


@dataclass(frozen=True)
class VersionPage(writing.Choices):
    """One version with everything that is known about it."""

    key: str
    title: str
    row: ArticleVersion
    article: KnowledgeArticle
    owner: str
    preview: Preview
    versions: tuple[Line, ...]
    files: tuple[ArticleFile, ...]
    voices: tuple[Voice, ...]
    colleagues: tuple[tuple[str, str], ...]
    is_keeper: bool
    is_writer: bool
    has_draft: bool

    @property
    def next_steps(self) -> tuple[VersionStatus, ...]:
        """Where this version may go from here."""
        return tuple(to for to, since in STEPS.items() if self.row.status in since)

    @property
    def path(self) -> str:
        """The address of this version."""
        return PAGE.format(article_key=self.key, version=self.row.version)

    @property
    def problems(self) -> tuple[reading.Told, ...]:
        """What is wrong with it."""
        return self.preview.problems


@router.get("/knowledge/{article_key}", may=STAFF, row="article")
async def show_article(request: Request, desk: Desk, article_key: Key) -> Response:
    """Go to what is being written, else to what is published."""
    await desk.one(KnowledgeArticle, article_key)
    versions = await reading.versions_of(desk, article_key)
    if not versions:
        raise Refusal("not_found")
    shown_ = (*reading.OPEN, VersionStatus.PUBLISHED)
    wanted = next((one for one in versions if one.status in shown_), versions[0])
    path = PAGE.format(article_key=article_key, version=wanted.version)
    return move_on(request, path, data={"key": article_key, "version": wanted.version})


@router.get(PAGE, may=STAFF, row="article")
async def show_version(request: Request, desk: Desk, article_key: Key, version: Number) -> Response:
    """Show one version."""
    return answer(request, "knowledge/version.html", await version_page(desk, article_key, version))


@router.get(f"{PAGE}/changes", may=STAFF, row="article")
async def compare(
    request: Request, desk: Desk, article_key: Key, version: Number, against: Number = 0
) -> Response:
    """Show what changed since another version, by itself the one that it began as."""
    new = await desk.one(ArticleVersion, (article_key, version))
    rows = await reading.versions_of(desk, article_key)
    since = against or new.made_from or max((one.version for one in rows if one.version < version), default=0)
    old = await desk.one(ArticleVersion, (article_key, since)) if since else None
    lines = compared(
        article_files.write(reading.article_of(old)) if old else "",
        article_files.write(reading.article_of(new)),
    )
    page = DiffPage(article_key, since, version, tuple(one.version for one in rows), lines)
    return answer(request, "knowledge/changes.html", page)


@router.post("/knowledge/{article_key}/versions", may=STAFF, row="article")
async def take_up(
    request: Request, desk: Desk, article_key: Key, sent: Typed[From] = typed(From)
) -> Response:
    """Begin a new draft as an older version stands; of one that was replaced it is a roll back."""
    await desk.one(KnowledgeArticle, article_key)
    if sent.value is None:
        raise Refusal("invalid_form")
    number = await writing.next_version(desk, article_key)
    old = await desk.one(ArticleVersion, (article_key, sent.value.version))
    await writing.add_draft(desk, reading.article_of(old), number, made_from=old.version)
    await desk.commit()
    path = PAGE.format(article_key=article_key, version=number)
    return move_on(request, path, data={"key": article_key, "version": number})


@router.post(PAGE, may=STAFF, row="article")
async def write(
    request: Request, desk: Desk, article_key: Key, version: Number, sent: Typed[Written] = typed(Written)
) -> Response:
    """Store a draft, faults and all: they are shown at their places, and nothing faulty is published."""
    row = await desk.one(ArticleVersion, (article_key, version))
    if sent.value is None:
        page = await version_page(desk, article_key, version)
        return answer(request, "knowledge/version.html", page, form=sent.form, status=422)
    if row.status is not VersionStatus.DRAFT:
        raise Refusal("version_wrong_step" if row.status is VersionStatus.REVIEW else "version_final")
    article = sent.value.article(article_key)
    writers = row.writers if desk.person.id in row.writers else [*row.writers, desk.person.id]
    now = datetime.now(UTC)
    changes = {**reading.row_of(article), "note": sent.value.note, "writers": writers, "written_at": now}
    await store(desk, row, sent.value.seq, changes)
    await noted(desk, article_key, version, "edited")
    found = await reading.flaws(desk, article)
    await desk.commit()
    told = [{"place": one.place, "line": one.line, "code": one.code} for one in found]
    path = PAGE.format(article_key=article_key, version=version)
    return move_on(request, path, data={"version": version, "problems": told})


@router.post(f"{PAGE}/preview", may=STAFF, row="article")
async def look(
    request: Request, desk: Desk, article_key: Key, version: Number, sent: Typed[Looked] = typed(Looked)
) -> Response:
    """Show how the text in the form would be read; nothing is kept."""
    page = await version_page(desk, article_key, version)
    if sent.value is not None:
        preview = await previewed(desk, sent.value.article(article_key))
        page = VersionPage(**{**vars(page), "preview": preview})
    return answer(
        request, "knowledge/version.html", page, block="preview", form=sent.form, data=page.preview,
        status=200 if sent.value is not None else 422,
    )  # fmt: skip


@router.post(f"{PAGE}/status", may=STAFF, row="article")
async def move(
    request: Request, desk: Desk, article_key: Key, version: Number, sent: Typed[Moved] = typed(Moved)
) -> Response:
    """Take a version one step further; no writer of it publishes it, and nothing with faults goes on."""
    article = await desk.one(KnowledgeArticle, article_key)
    row = await desk.one(ArticleVersion, (article_key, version))
    if sent.value is None:
        raise Refusal("invalid_form")
    wish = sent.value
    if row.status not in STEPS[wish.status]:
        is_final = row.status in (VersionStatus.PUBLISHED, VersionStatus.RETIRED)
        raise Refusal("version_final" if is_final else "version_wrong_step")
    if wish.status is VersionStatus.RETIRED and not reading.keeps(desk.person, article):
        raise Refusal("not_allowed")
    changes: dict[str, Any] = {"status": wish.status}
    if wish.status in (VersionStatus.REVIEW, VersionStatus.PUBLISHED) and await reading.flaws(
        desk, reading.article_of(row)
    ):
        raise Refusal("article_has_flaws")
    if wish.status is VersionStatus.PUBLISHED:
        changes |= await published(desk, row)
    elif wish.status is VersionStatus.RETIRED:
        changes["retired_at"] = datetime.now(UTC)
    if row.status is VersionStatus.REVIEW:
        changes["review_note"] = wish.note
    await store(desk, row, wish.seq, changes)
    await noted(desk, article_key, version, f"to_{wish.status}", note=wish.note)
    await desk.commit()
    path = PAGE.format(article_key=article_key, version=version)
    return move_on(request, path, data={"status": wish.status})


async def published(desk: DeskAt, row: ArticleVersion) -> dict[str, Any]:
    """What publishing changes: the version before is retired, and the article is true again for its time."""
    if desk.person.id in row.writers:
        raise Refusal("own_review")
    now, quietly = datetime.now(UTC), {"synchronize_session": False}
    before = (
        col(ArticleVersion.article_key) == row.article_key,
        col(ArticleVersion.status) == VersionStatus.PUBLISHED,
    )
    retired = {"status": VersionStatus.RETIRED, "retired_at": now, "seq": ArticleVersion.seq + 1}
    await desk.session.execute(
        update(ArticleVersion).where(*before).values(retired), execution_options=quietly
    )
    again = writing.today() + timedelta(days=row.review_days)
    mine = update(KnowledgeArticle).where(col(KnowledgeArticle.key) == row.article_key)
    await desk.session.execute(mine.values(review_on=again), execution_options=quietly)
    return {"reviewer_id": desk.person.id, "published_at": now}


async def previewed(desk: DeskAt, article: Article) -> Preview:
    """How an article is read in both languages, and what is wrong with it."""
    html = {one: shown(article.bodies[one]) for one in LANGUAGES}
    return Preview(html, dict(article.titles), reading.told(await reading.flaws(desk, article)))


async def version_page(desk: DeskAt, article_key: str, version: int) -> VersionPage:
    """One version with all that is shown of it."""
    article = await desk.one(KnowledgeArticle, article_key)
    row = await desk.one(ArticleVersion, (article_key, version))
    rows = await reading.versions_of(desk, article_key)
    hands = {name for one in rows for name in (*one.writers, one.reviewer_id or "")}
    names = await reading.names_of(desk, hands | {article.owner_id})
    files = desk.visible(ArticleFile).where(col(ArticleFile.article_key) == article_key)
    return VersionPage(
        article_key, reading.titled(row), row, article, names.get(article.owner_id, "–"),
        await previewed(desk, reading.article_of(row)), tuple(_line(one, names) for one in rows),
        tuple(await desk.session.scalars(files.order_by(col(ArticleFile.created_at)).limit(100))),
        await _voices(desk, article_key), await reading.colleagues(desk),
        reading.keeps(desk.person, article), desk.person.id in row.writers,
        any(one.status in reading.OPEN for one in rows),
    )  # fmt: skip


def _line(one: ArticleVersion, names: dict[str, str]) -> Line:
    return Line(
        one.version, one.status, ", ".join(names.get(name, "–") for name in one.writers),
        names.get(one.reviewer_id or "", ""), one.written_at, one.note, one.review_note, one.made_from,
    )  # fmt: skip


async def _voices(desk: DeskAt, article_key: str) -> tuple[Voice, ...]:
    query = desk.visible(ArticleFeedback).where(col(ArticleFeedback.article_key) == article_key)
    rows = await desk.session.scalars(query.order_by(col(ArticleFeedback.at).desc()).limit(50))
    return tuple(Voice(one.version, one.is_helpful, one.comment, one.at) for one in rows)
