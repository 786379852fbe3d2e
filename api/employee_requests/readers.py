"""Whoever works on a confidential request lets a colleague see it who came to the team later."""

from datetime import UTC, datetime

from fastapi import Request
from sqlalchemy import text
from starlette.responses import Response

from api.employee_requests.routing import PORTAL, router
from api.employee_requests.show import is_ours, shown
from api.kit.commands import command
from api.kit.desk import Desk
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import move_on
from api.kit.texts import Email, Key
from models.employee_requests import EmployeeRequest
from models.kit.refusals import Refusal
from models.messages.employee_requests.requests import (
    NameReader,
    RequestStatus,
    request_workflow_id,
)


class Naming(Input):
    """Who shall see the request, too."""

    command_id: Key
    mate: Email


@router.post("/employee-requests/{employee_request_id}/readers", may=PORTAL, row="employee_request")
async def let_see(
    request: Request, desk: Desk, employee_request_id: Key, sent: Typed[Naming] = typed(Naming)
) -> Response:
    """Let a colleague of my team see a request on which we work."""
    row = await desk.one(EmployeeRequest, employee_request_id)
    if not await is_ours(desk, row.id):
        raise Refusal("not_allowed")
    if row.status is not RequestStatus.OPEN:
        raise Refusal("already_over")
    if sent.value is None:
        return await shown(request, desk, row, form=sent.form, status=422)
    mate = await desk.session.scalar(text("select ieum_team_mate(:mate)"), {"mate": sent.value.mate})
    if mate is None:
        form = sent.wrong("mate", _("Nobody of your team has this e-mail address."))
        return await shown(request, desk, row, form=form, status=422)
    given = NameReader(sent.value.command_id, desk.person.id, datetime.now(UTC), account_id=str(mate))
    life = request_workflow_id(row.id)
    answered = await command(desk.session, desk.client, life, "name_reader", given)
    return move_on(request, f"/employee-requests/{row.id}", data={"status": answered.value})
