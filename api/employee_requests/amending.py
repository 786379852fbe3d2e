"""Answers that are changed while the request runs, by whom the item names as their writers (C6)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from starlette.responses import Response

from api.employee_requests.filling import Filling, Open, checked, form_shown
from api.employee_requests.handover import as_typed
from api.employee_requests.hats import hats_of
from api.employee_requests.people import myself, named
from api.employee_requests.reading import Life, life_of
from api.employee_requests.routing import PORTAL, router
from api.employee_requests.show import amendable
from api.kit.commands import command
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Typed, typed
from api.kit.language import LOCALES
from api.kit.language import gettext as _
from api.kit.rendering import Form, move_on
from api.kit.texts import Key
from models.employee_requests import EmployeeRequest
from models.kit.refusals import Refusal
from models.messages.employee_requests.items import Field, FieldKind, Step, StepKind
from models.messages.employee_requests.requests import Amend, RequestStatus, request_workflow_id

PAGE = "/employee-requests/{employee_request_id}/answers"


@router.get(PAGE, may=PORTAL, row="employee_request")
async def change_answers(request: Request, desk: Desk, employee_request_id: Key) -> Response:
    """Show the answers that are mine to change, as they stand."""
    found = await open_answers(desk, employee_request_id)
    given = await as_they_stand(desk, found.life, found.fields)
    form = Form({f"answers.{name}": text for name, text in given.items()})
    return await form_shown(request, desk, found, given, form=form, base=request.url.path)


@router.post(PAGE, may=PORTAL, row="employee_request")
async def amend(
    request: Request, desk: Desk, employee_request_id: Key, sent: Typed[Filling] = typed(Filling)
) -> Response:
    """Take the changed answers; days that are waited for follow."""
    found = await open_answers(desk, employee_request_id)
    if sent.value is None:
        return await form_shown(request, desk, found, {}, form=sent.form, status=422, base=request.url.path)
    answers, errors = await checked(desk, found, sent.value.answers)
    if errors:
        form = Form(sent.form.values, errors)
        base, given = request.url.path, sent.value.answers
        return await form_shown(request, desk, found, given, form=form, status=422, base=base)
    row = found.life.request
    said = Amend(sent.value.command_id, desk.person.id, datetime.now(UTC), answers=answers)
    answered = await command(desk.session, desk.client, request_workflow_id(row.id), "amend", said)
    return move_on(request, f"/employee-requests/{row.id}", data={"status": answered.value})


async def open_answers(desk: DeskAt, id: str) -> Open:
    """The answers of a running request that are mine to change; where there are none, there is no page."""
    row = await desk.one(EmployeeRequest, id)
    life = await life_of(desk, row)
    me = await myself(desk)
    fields = amendable(life, hats_of(desk.person, me, life)) if life is not None else ()
    if life is None or not fields or row.status is RequestStatus.DRAFT:
        raise Refusal("not_found")
    if row.status is not RequestStatus.OPEN:
        raise Refusal("already_over")
    names = {locale: _("Change answers") for locale in LOCALES}
    return Open(life, Step("answers", StepKind.FORM, names), "", fields, me)


async def as_they_stand(desk: DeskAt, life: Life, fields: tuple[Field, ...]) -> dict[str, str]:
    """The answers as they would be typed."""
    answers: Mapping[str, Any] = life.request.answers
    known = {one.id: answers[one.id] for one in fields if answers.get(one.id) is not None}
    people = [str(known[one.id]) for one in fields if one.kind is FieldKind.PERSON and one.id in known]
    colleagues = await named(desk, people)
    kinds = {one.id: one.kind for one in fields}
    return {
        name: colleagues[str(value)].email
        if kinds[name] is FieldKind.PERSON and str(value) in colleagues else as_typed(value)
        for name, value in known.items()
    }  # fmt: skip
