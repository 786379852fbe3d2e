"""Who answers for an article, when it is looked at again, and its pictures."""

from datetime import UTC, date, datetime
from uuid import uuid4

from fastapi import Request
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response

from api.kit.desk import Desk
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import answer, move_on
from api.kit.routes import STAFF
from api.kit.texts import Key
from api.knowledge import reading, writing
from api.knowledge.routing import router
from api.knowledge.versions import PAGE, version_page
from api.knowledge.writing import Number, noted
from models.kit import ids
from models.kit.pictures import MOST_BYTES, drawn_anew, plain_name
from models.kit.refusals import REFUSALS, Refusal
from models.knowledge import ArticleFile, KnowledgeArticle
from models.messages.knowledge import MOST_DAYS
from models.messages.staff import STAFF_ROLES
from models.staff import Account

MOST_PICTURES = 5


class Keeping(Input):
    """Whose an article is, and the day of its next review."""

    owner_id: Key
    review_on: date


class NoFields(Input):
    """Pictures come as files."""


@router.post("/knowledge/{article_key}/keeping", may=STAFF, row="article")
async def keep(
    request: Request, desk: Desk, article_key: Key, sent: Typed[Keeping] = typed(Keeping)
) -> Response:
    """Give an article into other hands, or look at it on another day; for its owner and administrators."""
    article = await desk.one(KnowledgeArticle, article_key)
    wish = sent.value
    if wish is None:
        raise Refusal("invalid_form")
    owner = await desk.one(Account, wish.owner_id)
    if not owner.is_active or not STAFF_ROLES & set(owner.roles):
        raise Refusal("not_found")
    if not reading.keeps(desk.person, article):
        raise Refusal("not_allowed")
    if not 0 <= (wish.review_on - writing.today()).days <= MOST_DAYS:
        raise Refusal("invalid_form")
    mine = update(KnowledgeArticle).where(col(KnowledgeArticle.key) == article_key)
    changed = mine.values(owner_id=wish.owner_id, review_on=wish.review_on)
    await desk.session.execute(changed, execution_options={"synchronize_session": False})
    await noted(desk, article_key, 0, "kept", owner=wish.owner_id, review_on=wish.review_on.isoformat())
    await desk.commit()
    return move_on(request, f"/knowledge/{article_key}", data={"review_on": wish.review_on.isoformat()})


@router.post(f"{PAGE}/pictures", may=STAFF, row="article", max_body=(MOST_PICTURES + 1) * MOST_BYTES)
async def add_pictures(
    request: Request, desk: Desk, article_key: Key, version: Number, sent: Typed[NoFields] = typed(NoFields)
) -> Response:
    """Take pictures for an article: looked at by content, drawn anew; the text shows them by their ids."""
    page = await version_page(desk, article_key, version)
    uploads, form = sent.files.get("pictures", []), sent.form
    try:
        if len(uploads) > MOST_PICTURES:
            raise Refusal("too_many_files")
        rows = [await _row(request, one, article_key, desk.person.id) for one in uploads]
    except Refusal as refusal:
        form = sent.wrong("pictures", _(REFUSALS[refusal.code][1]))
    if not uploads and not form.errors:
        form = sent.wrong("pictures", _("Please fill in this field."))
    if form.errors:
        return answer(request, "knowledge/version.html", page, form=form, status=422)
    await desk.session.execute(insert(ArticleFile).values(rows))
    await desk.commit()
    return move_on(request, f"{page.path}#pictures", data={"ids": [row["id"] for row in rows]}, status=201)


async def _row(request: Request, upload: UploadFile, article_key: str, who: str) -> dict[str, object]:
    """One picture, stored under a random name without an ending."""
    data = await upload.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Refusal("file_too_large")
    name = plain_name(upload.filename)
    picture = await run_in_threadpool(drawn_anew, data, name, 1600)
    folder, stored_as = request.app.state.settings.files_dir, uuid4().hex

    def write() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / stored_as).write_bytes(picture.data)

    await run_in_threadpool(write)
    return {
        "id": ids.fresh("af"), "article_key": article_key, "name": picture.name,
        "media_type": picture.media_type, "size": len(picture.data), "sha256": picture.sha256,
        "stored_as": stored_as, "created_by": who,
        "created_at": datetime.now(UTC),
    }  # fmt: skip
