"""Papers of a partner: added, renewed by adding the next one, and shown again."""

import hashlib
from datetime import UTC, date, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Request
from pydantic import BeforeValidator, Field
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import answer, move_on
from api.kit.routes import AGENTS, DISPATCHERS, PARTNERS
from api.kit.texts import Key, Line, MaybeLine, nothing_if_blank
from api.partners.reading import page_of
from api.partners.routing import router
from api.tickets.files import MOST_BODY, stored
from models.catalogue import Product
from models.kit.outbox import announce_signal
from models.kit.pictures import MOST_BYTES, drawn_anew, plain_name
from models.kit.refusals import REFUSALS, Refusal
from models.messages.partners import PaperAdded, PaperKind, PartnerStatus, partner_workflow_id
from models.partners import Partner, PartnerPaper

LONGEST_EDGE = 2400
MOST_PAY = 100_000_000
FIRST, LAST = date(2000, 1, 1), date(2199, 12, 31)  # a life waits for these days


class NewPaper(Input):
    """A paper as it lies on the table; its picture comes beside it."""

    submission_key: Key
    kind: PaperKind
    category: MaybeLine = ""
    number: Line
    valid_from: date
    valid_until: date
    pay_minor: Annotated[
        Annotated[int, Field(ge=0, le=MOST_PAY)] | None, BeforeValidator(nothing_if_blank)
    ] = None


@router.post("/partners/{partner_id}/papers", may=DISPATCHERS, row="partner", max_body=MOST_BODY)
async def add(
    request: Request, desk: Desk, partner_id: Key, sent: Typed[NewPaper] = typed(NewPaper)
) -> Response:
    """Add a paper; the partner's life hears of it and counts its days."""
    partner = await desk.one(Partner, partner_id)
    if partner.status is PartnerStatus.ENDED:
        raise Refusal("partner_has_ended")
    form, wish = sent.form, sent.value
    file: dict[str, Any] = {"name": "", "media_type": "", "stored_as": None}
    if wish is not None:
        if not (FIRST <= wish.valid_from <= LAST and FIRST <= wish.valid_until <= LAST):
            form = sent.wrong("valid_until", _("Please check this field."))
        elif wish.valid_until < wish.valid_from:
            form = sent.wrong("valid_until", _("The last day cannot lie before the first one."))
        elif wish.kind is PaperKind.CERTIFICATE and wish.category not in await lines_of(desk):
            form = sent.wrong("category", _("Please choose the product line that the certificate is for."))
        else:
            try:
                file = await _file(request, sent)
            except Refusal as refusal:
                form = sent.wrong("file", _(REFUSALS[refusal.code][1]))
    if wish is None or form.errors:
        return answer(request, "partners/show.html", await page_of(desk, partner), form=form, status=422)
    made = hashlib.sha256(f"{desk.person.id}/{wish.submission_key}".encode()).hexdigest()[:16]
    row = {
        "id": f"pap_{made}", "partner_id": partner_id, "submission_key": wish.submission_key,
        "kind": wish.kind,
        "category": wish.category if wish.kind is PaperKind.CERTIFICATE else "", "number": wish.number,
        "valid_from": wish.valid_from, "valid_until": wish.valid_until,
        "pay_minor": wish.pay_minor if wish.kind is PaperKind.CONTRACT else None,
        "added_by": desk.person.id, "added_at": datetime.now(UTC), **file,
    }  # fmt: skip
    await desk.session.execute(insert(PartnerPaper).values(row).on_conflict_do_nothing().inline())
    fact = PaperAdded(f"pap_{made}", datetime.now(UTC), desk.person.id)
    workflow_id = partner_workflow_id(partner_id)
    await announce_signal(desk.session, workflow_id, "paper_added", fact, key=f"paper:pap_{made}")
    await desk.commit()
    return move_on(request, f"/partners/{partner_id}#papers", data={"id": f"pap_{made}"}, status=201)


async def lines_of(desk: DeskAt) -> tuple[str, ...]:
    """Every product line, by its code."""
    rows = await desk.session.scalars(
        select(col(Product.category)).distinct().order_by(col(Product.category))
    )
    return tuple(rows.all())


async def _file(request: Request, sent: Typed[NewPaper]) -> dict[str, Any]:
    """The picture of a paper, drawn anew; a paper may come without one."""
    uploads = sent.files.get("file", [])
    if not uploads:
        return {"name": "", "media_type": "", "stored_as": None}
    if len(uploads) > 1:
        raise Refusal("too_many_files")
    data = await uploads[0].read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Refusal("file_too_large")
    shot = await run_in_threadpool(drawn_anew, data, plain_name(uploads[0].filename), LONGEST_EDGE)
    folder = request.app.state.settings.files_dir
    return {"name": shot.name, "media_type": shot.media_type, "stored_as": await stored(folder, shot)}


@router.get("/partners/{partner_id}/papers/{paper_id}/file", may=AGENTS | PARTNERS, row="partner")
async def show_file(request: Request, desk: Desk, partner_id: Key, paper_id: Key) -> Response:
    """The picture of a paper, for us and for the partner whose it is."""
    paper = await desk.one(PartnerPaper, paper_id)
    place = request.app.state.settings.files_dir / (paper.stored_as or "none")
    if paper.partner_id != partner_id or not paper.stored_as or not place.is_file():
        raise Refusal("not_found")
    headers = {
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(paper.name)}", "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    return Response(await run_in_threadpool(place.read_bytes), media_type=paper.media_type, headers=headers)
