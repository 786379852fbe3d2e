"""What an asker does with a request: call it off, answer a question, throw a draft away."""

from datetime import UTC, datetime

from fastapi import Request
from starlette.responses import Response

from api.employee_requests.birth import discard
from api.employee_requests.people import myself
from api.employee_requests.routing import PORTAL, router
from api.employee_requests.show import shown
from api.kit.commands import command
from api.kit.desk import Desk
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import move_on
from api.kit.texts import Key, MaybeLine, Paragraph
from models.employee_requests import EmployeeRequest, RequestApproval
from models.kit.refusals import Refusal
from models.messages.employee_requests.requests import (
    Answer,
    CancelRequest,
    RequestStatus,
    request_workflow_id,
)


class Ending(Input):
    """Why a request is called off."""

    command_id: Key
    reason: MaybeLine = ""


class Answering(Input):
    """The answer to what an approver asked."""

    command_id: Key
    approval_id: Key
    text: Paragraph


class Pressing(Input):
    """One press of a button."""

    command_id: Key


@router.post("/employee-requests/{employee_request_id}/cancellation", may=PORTAL, row="employee_request")
async def cancel(
    request: Request, desk: Desk, employee_request_id: Key, sent: Typed[Ending] = typed(Ending)
) -> Response:
    """Call a request off; what was done is undone. Whoever asked, or whom it is for."""
    row = await desk.one(EmployeeRequest, employee_request_id)
    me = await myself(desk)
    is_theirs = row.asked_by == desk.person.account_id or (me is not None and me.id == row.for_employee_id)
    if not is_theirs:
        raise Refusal("not_allowed")
    if sent.value is None:
        return await shown(request, desk, row, form=sent.form, status=422)
    given = CancelRequest(sent.value.command_id, desk.person.id, datetime.now(UTC), reason=sent.value.reason)
    return await said(request, desk, row, "cancel", given)


@router.post("/employee-requests/{employee_request_id}/answer", may=PORTAL, row="employee_request")
async def answer_question(
    request: Request, desk: Desk, employee_request_id: Key, sent: Typed[Answering] = typed(Answering)
) -> Response:
    """Answer what an approver asked; they are asked again."""
    row = await desk.one(EmployeeRequest, employee_request_id)
    if sent.value is not None:
        approval = await desk.one(RequestApproval, sent.value.approval_id)
        if approval.request_id != row.id:
            raise Refusal("not_found")
    if row.asked_by != desk.person.account_id:
        raise Refusal("not_allowed")
    if sent.value is None:
        return await shown(request, desk, row, form=sent.form, status=422)
    given = Answer(
        sent.value.command_id, desk.person.id, datetime.now(UTC), approval_id=sent.value.approval_id,
        text=sent.value.text,
    )  # fmt: skip
    return await said(request, desk, row, "answer", given)


@router.post("/employee-requests/{employee_request_id}/removal", may=PORTAL, row="employee_request")
async def throw_away(
    request: Request, desk: Desk, employee_request_id: Key, sent: Typed[Pressing] = typed(Pressing)
) -> Response:
    """Throw a draft away."""
    if sent.value is None:
        raise Refusal("invalid_form")
    await discard(desk, employee_request_id)
    return move_on(request, "/employee-requests/mine?show=draft")


async def said(
    request: Request, desk: Desk, row: EmployeeRequest, update: str, given: CancelRequest | Answer
) -> Response:
    """Say a command to the request's life and go back to its page."""
    if row.status is not RequestStatus.OPEN:
        raise Refusal("already_over")
    answered = await command(desk.session, desk.client, request_workflow_id(row.id), update, given)
    return move_on(request, f"/employee-requests/{row.id}", data={"status": answered.value})
