"""Articles as files for a repository of their own: one out, all out, some in."""

import io
import zipfile
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from fastapi import Request
from sqlmodel import col
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import answer
from api.kit.routes import STAFF
from api.kit.texts import Key, storable
from api.knowledge import reading, writing
from api.knowledge.routing import router
from api.knowledge.versions import PAGE
from api.knowledge.writing import Number
from models.kit import article_files
from models.kit.pictures import plain_name
from models.kit.refusals import Refusal
from models.knowledge import ArticleVersion, KnowledgeArticle
from models.messages.catalogue import VersionStatus
from models.messages.knowledge import Article

MOST_FILES = 20


class Outcome(StrEnum):
    """What came of one file."""

    NEW = "new"
    DRAFT = "draft"
    SAME = "same"
    WAITS = "waits"  # a draft is open already
    FAULTY = "faulty"


class NoFields(Input):
    """Articles come as files."""


@dataclass(frozen=True)
class Taken:
    """One file and what came of it."""

    name: str
    outcome: Outcome
    key: str = ""
    problems: tuple[reading.Told, ...] = ()


@dataclass(frozen=True)
class ImportPage:
    """The form, and what came of the files that were sent."""

    taken: tuple[Taken, ...] = ()


@router.get(f"{PAGE}/file", may=STAFF, row="article")
async def export_one(request: Request, desk: Desk, article_key: Key, version: Number) -> Response:
    """Hand one version out as a file."""
    row = await desk.one(ArticleVersion, (article_key, version))
    text = article_files.write(reading.article_of(row))
    return _download(text.encode(), f"{row.article_key}.md", "text/markdown; charset=utf-8")


@router.get("/knowledge/files/all", may=STAFF)
async def export_all(request: Request, desk: Desk) -> Response:
    """Hand everything that is published out, one file for each article."""
    query = desk.visible(ArticleVersion).where(col(ArticleVersion.status) == VersionStatus.PUBLISHED)
    rows = (await desk.session.scalars(query.order_by(ArticleVersion.article_key).limit(5_000))).all()
    packed = await run_in_threadpool(_packed, [reading.article_of(row) for row in rows])
    return _download(packed, "articles.zip", "application/zip")


@router.get("/knowledge/files", may=STAFF)
async def ask_files(request: Request, desk: Desk) -> Response:
    """Show where files are taken in."""
    return answer(request, "knowledge/files.html", ImportPage())


@router.post("/knowledge/files", may=STAFF, max_body=4 * 1024 * 1024)
async def take_files(request: Request, desk: Desk, sent: Typed[NoFields] = typed(NoFields)) -> Response:
    """Make drafts of files; what says the same as the newest version is left alone."""
    uploads, form = sent.files.get("files", []), sent.form
    if sent.value is None or not uploads or len(uploads) > MOST_FILES:
        form = sent.wrong("files", _("Please choose between 1 and %(most)s files.", most=MOST_FILES))
        return answer(request, "knowledge/files.html", ImportPage(), form=form, status=422)
    taken = []
    for one in uploads:
        data = await one.read(article_files.LONGEST_FILE * 4)
        taken.append(await _take(desk, plain_name(one.filename), data))
    await desk.commit()
    return answer(request, "knowledge/files.html", ImportPage(tuple(taken)))


async def _take(desk: DeskAt, name: str, data: bytes) -> Taken:
    text = data.decode("utf-8", "replace").replace("\0", "\ufffd")
    found = article_files.read(storable(text))
    if not isinstance(found, Article):
        return Taken(name, Outcome.FAULTY, "", reading.told(found))
    problems = reading.told(await reading.flaws(desk, found))
    if any(one.code in ("too_long", "too_many") for one in problems):
        return Taken(name, Outcome.FAULTY, found.key, problems)
    versions = await reading.versions_of(desk, found.key)
    if not versions and await desk.session.scalar(
        desk.visible(KnowledgeArticle).where(col(KnowledgeArticle.key) == found.key)
    ) is None:  # fmt: skip
        await writing.begin(desk, found)
        return Taken(name, Outcome.NEW, found.key, problems)
    if versions and article_files.write(reading.article_of(versions[0])) == article_files.write(found):
        return Taken(name, Outcome.SAME, found.key)
    try:
        number = await writing.next_version(desk, found.key)
    except Refusal:
        return Taken(name, Outcome.WAITS, found.key)
    await writing.add_draft(desk, found, number, made_from=versions[0].version if versions else None)
    return Taken(name, Outcome.DRAFT, found.key, problems)


def _packed(articles: list[Article]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed:
        for one in articles:
            packed.writestr(zipfile.ZipInfo(f"{one.key}.md"), article_files.write(one))
    return held.getvalue()


def _download(data: bytes, name: str, media_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{quote(name)}"', "Cache-Control": "no-store"}
    return Response(data, media_type=media_type, headers=headers)
