"""What was done on a visit, on paper: for its customer, for whoever made it, and for us.

What technicians note for the desk is not in it."""

import asyncio
from pathlib import Path

from fastapi import Request
from sqlmodel import col
from starlette.responses import Response

from api.field_service.job import FIELD, JobPage, job_of
from api.field_service.links import name_of
from api.field_service.routing import router
from api.kit.desk import Desk, DeskAt
from api.kit.documents import Paper
from api.kit.formats import clock, day, moment, money, number
from api.kit.labels import label_text
from api.kit.language import gettext as _
from api.kit.language import locale
from api.kit.routes import AGENTS, ANY_LINK, CUSTOMERS
from api.kit.texts import Key
from models.field_service import Visit
from models.kit.refusals import Refusal
from models.rules.field_service import has_report
from models.tickets import Attachment

MOST_PHOTOS = 6


@router.get(
    "/field-service/visits/{visit_id}/report", may=FIELD | AGENTS | CUSTOMERS, row="visit", reveals="visit"
)
async def show_report(request: Request, desk: Desk, visit_id: Key) -> Response:
    """The report of a visit that is over, as a file."""
    return await as_file(request, desk, visit_id)


@router.get("/links/{token}/visits/{visit_id}/report", may=ANY_LINK, row="visit", reveals="visit")
async def show_linked_report(request: Request, desk: Desk, token: str, visit_id: Key) -> Response:
    """The same for the customer behind a link."""
    return await as_file(request, desk, visit_id)


async def as_file(request: Request, desk: DeskAt, visit_id: str) -> Response:
    """Read the visit, then draw it beside the event loop."""
    visit = await desk.one(Visit, visit_id)
    if not has_report(visit.is_over, visit.outcome):
        raise Refusal("no_report")
    job = await job_of(desk, visit)
    shots = await photos(desk, visit, request.app.state.settings.files_dir)
    data = await asyncio.to_thread(draw, visit, job, await name_of(desk, visit), shots)
    headers = {
        "Content-Disposition": f'inline; filename="{visit.id}.pdf"',
        "Cache-Control": "private, no-store",
    }
    return Response(data, media_type="application/pdf", headers=headers)


async def photos(desk: DeskAt, visit: Visit, folder: Path) -> list[tuple[str, Path]]:
    """The first photos before and after the work, as many of each as fit on one page together."""
    query = desk.visible(Attachment).where(col(Attachment.visit_id) == visit.id)
    found = (await desk.session.scalars(query.order_by(col(Attachment.created_at)))).all()
    names = {"before": _("Before the work"), "after": _("After the work")}
    return [
        (name, folder / shot.stored_as)
        for slot, name in names.items()
        for shot in [shot for shot in found if shot.slot == slot][: MOST_PHOTOS // 2]
    ]


def draw(visit: Visit, job: JobPage, technician: str, shots: list[tuple[str, Path]]) -> bytes:
    """The report in the reader's language."""
    outcome = label_text(str(visit.outcome), "outcome")
    paper = Paper(_("Service report %(number)s", number=visit.id), locale())
    facts = [
        (_("Customer"), job.customer), (_("Address"), job.address),
        (_("Product"), " · ".join(part for part in (job.product, job.serial) if part)),
        (_("Warranty until"), day(job.warranty_until) if job.warranty_until else ""),
        (_("Fault"), job.fault), (_("Technician"), technician),
        (_("Arrived"), moment(visit.arrived_at) if visit.arrived_at else ""),
        (_("Work"), worked(visit)), (_("Result"), outcome),
    ]  # fmt: skip
    paper.facts([fact for fact in facts if fact[1]])
    if job.checklist:
        marks = {True: _("done"), False: _("not done")}
        paper.table(
            (_("Checklist"), _("Result")), [(item.text, marks[item.is_done]) for item in job.checklist], ()
        )
    if job.parts:
        rows = [(f"{part.name} · {part.sku}", number(part.quantity), money(part.price_minor))
                for part in job.parts]  # fmt: skip
        paper.table((_("Parts used"), _("Quantity"), _("List price")), rows, ())
    paper.pictures(shots)
    if job.signature:
        paper.strokes(_("Customer signature"), job.signature, job.signer or job.customer)
    elif job.absence_reason:
        paper.facts([(_("Customer signature"), _("No signature: %(reason)s", reason=job.absence_reason))])
    paper.note(_("Prices are list prices with VAT; what is owed stands on the invoice. Ieum"))
    return paper.written()


def worked(visit: Visit) -> str:
    """From when to when, and for how many minutes."""
    if visit.started_at is None:
        return ""
    times = f"{clock(visit.started_at)}–{clock(visit.finished_at)}"
    return _("%(times)s (%(minutes)s min)", times=times, minutes=visit.labour_minutes)
