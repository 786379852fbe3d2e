"""A partner applies, is reviewed, works, is suspended and ends: what our people say to its life."""

import hashlib
from datetime import UTC, datetime

from fastapi import Request
from sqlalchemy.dialects.postgresql import insert
from starlette.responses import Response

from api.kit.commands import Answer, command
from api.kit.desk import Desk
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import answer, move_on
from api.kit.routes import DISPATCHERS
from api.kit.texts import Key, MaybeLine, Name, Phone
from api.partners.reading import list_page, page_of
from api.partners.routing import router
from models.kit.outbox import announce_start
from models.messages.partners import Move, PartnerOrder, PartnerStatus, partner_workflow_id
from models.partners import Partner


class NewPartner(Input):
    """A company that wants to work with us."""

    submission_key: Key
    name: Name
    phone: Phone


class Moved(Input):
    """Where a partner goes, and why."""

    command_id: Key
    to: PartnerStatus
    reason: MaybeLine = ""


@router.post("/partners", may=DISPATCHERS)
async def apply(request: Request, desk: Desk, sent: Typed[NewPartner] = typed(NewPartner)) -> Response:
    """Write a new partner down; the same form again is the same partner."""
    if sent.value is None:
        return answer(request, "partners/index.html", await list_page(desk), form=sent.form, status=422)
    made = hashlib.sha256(f"{desk.person.id}/{sent.value.submission_key}".encode()).hexdigest()[:12]
    partner_id = f"par_{made}"
    row = {
        "id": partner_id, "name": sent.value.name, "phone": sent.value.phone, "status": PartnerStatus.APPLIED,
        "status_reason": "", "checks_papers": False, "seq": 0,
    }  # fmt: skip
    await desk.session.execute(insert(Partner).values(row).on_conflict_do_nothing().inline())
    await announce_start(
        desk.session, "Partner", partner_workflow_id(partner_id), PartnerOrder(partner_id),
        summary="Look after a partner",
    )  # fmt: skip
    await desk.commit()
    return move_on(request, f"/partners/{partner_id}", data={"id": partner_id}, status=201)


@router.post("/partners/{partner_id}/status", may=DISPATCHERS, row="partner")
async def move(request: Request, desk: Desk, partner_id: Key, sent: Typed[Moved] = typed(Moved)) -> Response:
    """Move a partner on; what stops its work takes its open offers back."""
    partner = await desk.one(Partner, partner_id)
    if sent.value is None:
        page = await page_of(desk, partner)
        return answer(request, "partners/show.html", page, form=sent.form, status=422)
    wish = sent.value
    order = Move(wish.command_id, desk.person.id, datetime.now(UTC), to=wish.to, reason=wish.reason)
    said = await command(desk.session, desk.client, partner_workflow_id(partner_id), "move", order)
    status = 200 if said is Answer.DONE else 202
    return move_on(request, f"/partners/{partner_id}", data={"status": said.value}, status=status)
