"""Help that everybody reads: searching, one article, whether it helped, what fits while somebody reports."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import Request
from markupsafe import Markup
from pydantic import AfterValidator, BeforeValidator, Field
from sqlmodel import col
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from api.kit import texts
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import locale
from api.kit.people import Kind
from api.kit.rendering import answer, move_on
from api.kit.routes import ANYONE
from api.kit.texts import Key, MaybeLine
from api.knowledge import counting
from api.knowledge.routing import router
from api.knowledge.searching import Found, fitting, search
from api.knowledge.shown import shown
from models.catalogue import Product
from models.kit.pictures import KINDS
from models.kit.refusals import Refusal
from models.knowledge import ArticleFile, ArticleVersion
from models.messages.catalogue import VersionStatus
from models.messages.knowledge import Audience, Place, Topic, Use

CAREFUL = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=3600",
}
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
Comment = Annotated[str, AfterValidator(texts.paragraph), Field(max_length=1_000)]
MaybeTopic = Annotated[Topic | None, BeforeValidator(lambda value: value if value in set(Topic) else None)]


class Verdict(Input):
    """Whether an article helped, and what was missing."""

    version: Number
    helped: Literal["yes", "no"]
    comment: Comment = ""


class Told(Input):
    """What somebody writes who is about to report a fault."""

    subject: MaybeLine = ""
    product_id: texts.MaybeKey = None
    is_done: bool = False  # the line is written to its end


class Solved(Input):
    """The article of this version solved it: nothing has to be reported."""

    version: Number


@dataclass(frozen=True)
class HelpPage:
    """What was found, or what helps most."""

    q: str
    topic: Topic | None
    found: tuple[Found, ...]
    topics: tuple[Topic, ...]
    is_guest: bool


@dataclass(frozen=True)
class ArticlePage:
    """One article as its reader sees it, in their language."""

    key: str
    version: int
    title: str
    summary: str
    html: Markup
    topic: Topic
    audience: Audience
    published_at: datetime | None
    related: tuple[Found, ...]
    is_guest: bool
    is_thanked: bool
    is_ours: bool  # our staff, who may mend it


@dataclass(frozen=True)
class FittingPage:
    """What fits to what somebody is writing."""

    found: tuple[Found, ...]
    versions: dict[str, int]
    is_guest: bool


@router.get("/help", may=ANYONE)
async def help_page(request: Request, desk: Desk, q: MaybeLine = "", topic: MaybeTopic = None) -> Response:
    """Search what helps; without words, what helped most."""
    page = HelpPage(q, topic, await search(desk, q, topic), await _topics(desk), is_guest(desk))
    if q and not page.found and topic is None:
        await counting.nothing_found(request, desk, q, Place.HELP)
    return answer(request, "knowledge/help.html", page)


@router.post("/help/suggestions", may=ANYONE)
async def suggest(request: Request, desk: Desk, sent: Typed[Told] = typed(Told)) -> Response:
    """Show what may help somebody who is about to report; only words that found nothing are kept."""
    told = sent.value
    if told is None:
        raise Refusal("invalid_form")
    found = await fitting(desk, told.subject, await about(desk, told.product_id), for_customers=True)
    page = FittingPage(found, await _versions(desk, found), is_guest(desk))
    drawn = answer(request, "knowledge/fitting.html", page, block="fitting")
    if not found and told.is_done:
        await counting.nothing_found(request, desk, told.subject, Place.REPORT)
    return drawn


@router.get("/help/pictures/{file_id}", may=ANYONE, row="article_file")
async def picture(request: Request, desk: Desk, file_id: Key) -> Response:
    """Show one picture to whoever may read a version that shows it."""
    found = await desk.one(ArticleFile, file_id)
    path = request.app.state.settings.files_dir / found.stored_as
    if found.media_type not in KINDS or not await run_in_threadpool(path.is_file):
        raise Refusal("not_found")
    headers = {**CAREFUL, "Content-Disposition": f"inline; filename*=UTF-8''{quote(found.name, safe='')}"}
    return FileResponse(path, media_type=found.media_type, headers=headers)


@router.get("/help/{article_key}", may=ANYONE, row="article")
async def read(request: Request, desk: Desk, article_key: Key, thanks: bool = False) -> Response:
    """Show one published article."""
    page = await _article(desk, article_key, is_thanked=thanks)
    await counting.used(request, desk, article_key, Use.READ)
    return answer(request, "knowledge/read.html", page)


@router.post("/help/{article_key}/feedback", may=ANYONE, row="article")
async def judge(
    request: Request, desk: Desk, article_key: Key, sent: Typed[Verdict] = typed(Verdict)
) -> Response:
    """Take whether it helped; the last word of one person counts."""
    page = await _article(desk, article_key, is_thanked=False)
    verdict = sent.value
    if verdict is None:
        return answer(request, "knowledge/read.html", page, block="feedback", form=sent.form, status=422)
    helped = verdict.helped == "yes"
    if not await counting.said(request, desk, article_key, verdict.version, helped, verdict.comment):
        raise Refusal("changed_meanwhile")  # another version was published while it was read
    return move_on(request, f"/help/{article_key}?thanks=true#feedback", data={"helped": helped})


@router.post("/help/{article_key}/solved", may=ANYONE, row="article")
async def solved(
    request: Request, desk: Desk, article_key: Key, sent: Typed[Solved] = typed(Solved)
) -> Response:
    """Somebody who was about to report a fault says that this helped: nothing is reported."""
    await published(desk, article_key)
    if sent.value is None:
        raise Refusal("invalid_form")
    if not await counting.said(request, desk, article_key, sent.value.version, True, ""):
        raise Refusal("changed_meanwhile")
    await counting.used(request, desk, article_key, Use.DEFLECTED)
    return move_on(request, f"/help/{article_key}?thanks=true", data={"helped": True})


async def published(desk: DeskAt, article_key: str) -> ArticleVersion:
    """The published version that this person may read."""
    query = desk.visible(ArticleVersion).where(
        col(ArticleVersion.article_key) == article_key,
        col(ArticleVersion.status) == VersionStatus.PUBLISHED,
    )
    row = await desk.session.scalar(query)
    if row is None:
        raise Refusal("not_found")
    return row


async def about(desk: DeskAt, product_id: str | None) -> tuple[str, ...]:
    """How articles may name a product: by its id and by what it is."""
    product = await desk.session.get(Product, product_id) if product_id else None
    return (product.id, product.category) if product is not None else ()


def is_guest(desk: DeskAt) -> bool:
    """Whether nobody is signed in."""
    return not desk.person


async def _article(desk: DeskAt, article_key: str, *, is_thanked: bool) -> ArticlePage:
    row = await published(desk, article_key)
    is_korean = locale() == "ko"
    title, body = (row.title_ko, row.body_ko) if is_korean else (row.title_en, row.body_en)
    near = await fitting(desk, f"{row.title_ko} {row.title_en}", row.products, most=4)
    others = tuple(one for one in near if one.key != row.article_key)[:3]
    return ArticlePage(
        row.article_key, row.version, title, row.summary_ko if is_korean else row.summary_en, shown(body),
        row.topic, row.audience, row.published_at, others,
        is_guest(desk), is_thanked, desk.person.kind is Kind.STAFF,
    )  # fmt: skip


async def _topics(desk: DeskAt) -> tuple[Topic, ...]:
    """The topics about which this person may read something."""
    query = desk.visible(ArticleVersion).with_only_columns(col(ArticleVersion.topic)).distinct()
    query = query.where(col(ArticleVersion.status) == VersionStatus.PUBLISHED)
    there = set(await desk.session.scalars(query))
    return tuple(one for one in Topic if one in there)


async def _versions(desk: DeskAt, found: tuple[Found, ...]) -> dict[str, int]:
    query = desk.visible(ArticleVersion).with_only_columns(
        col(ArticleVersion.article_key), col(ArticleVersion.version)
    )
    rows = await desk.session.execute(
        query.where(
            col(ArticleVersion.article_key).in_([one.key for one in found]),
            col(ArticleVersion.status) == VersionStatus.PUBLISHED,
        )
    )
    return {row[0]: row[1] for row in rows}
