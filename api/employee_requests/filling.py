"""A form in the middle of a request: filled in by whom the item names, kept as typed when it is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from starlette.responses import Response

from api.employee_requests.fields import Asked, Told, Wrong, asked, asked_now, taken
from api.employee_requests.files import belong_to, chosen, joined, left_out, mine, taken_in
from api.employee_requests.hats import hats_of, is_in_my_hands
from api.employee_requests.known import known_for
from api.employee_requests.people import NOBODY, Colleague, by_email, myself
from api.employee_requests.reading import Life, life_of
from api.employee_requests.routing import PORTAL, router
from api.employee_requests.shelf import said
from api.employee_requests.show import answers_for
from api.kit.commands import command
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.rendering import Form, answer, move_on
from api.kit.texts import Key
from api.tickets.files import MOST_BODY
from models.employee_requests import EmployeeRequest
from models.kit.refusals import Refusal
from models.messages.employee_requests.items import Field, FieldKind, Step
from models.messages.employee_requests.requests import FillIn, StepStatus, request_workflow_id
from models.rules.employee_requests.rights import may_write
from models.rules.employee_requests.walking import step_at


class Filling(Input):
    """What was filled in, by field."""

    command_id: Key
    answers: dict[Key, str] = {}
    without: dict[Key, str] = {}  # files that were chosen before and are not to be sent, by id


@dataclass(frozen=True)
class FormPage:
    """One form of a request."""

    base: str
    back: str
    item: str
    name: str
    fields: tuple[Asked, ...]
    answers: tuple[Told, ...]


@dataclass(frozen=True)
class Open:
    """A form that waits for me."""

    life: Life
    step: Step
    path: str
    fields: tuple[Field, ...]
    me: Colleague | None


@router.get("/employee-requests/{employee_request_id}/forms/{path}", may=PORTAL, row="employee_request")
async def later_form(request: Request, desk: Desk, employee_request_id: Key, path: Key) -> Response:
    """Show a form that waits for me."""
    return await form_shown(request, desk, await open_form(desk, employee_request_id, path), {})


@router.post(
    "/employee-requests/{employee_request_id}/forms/{path}", may=PORTAL, row="employee_request",
    max_body=MOST_BODY,
)  # fmt: skip
async def fill_in(
    request: Request, desk: Desk, employee_request_id: Key, path: Key, sent: Typed[Filling] = typed(Filling)
) -> Response:
    """Take what was filled in; the request goes on."""
    found = await open_form(desk, employee_request_id, path)
    if sent.value is None:
        return await form_shown(request, desk, found, {}, form=sent.form, status=422)
    given_now = left_out(sent.value.answers, sent.value.without)
    wrong: dict[str, str] = {}
    if sent.files:
        folder = request.app.state.settings.files_dir
        new, wrong = await taken_in(desk, folder, found.fields, sent.files)
        await desk.commit()
        given_now = joined(given_now, new)
    answers, errors = await checked(desk, found, given_now)
    if errors := errors | wrong:
        form = Form(sent.form.values, errors)
        return await form_shown(request, desk, found, given_now, form=form, status=422)
    await belong_to(desk, found.life.request.id, answers)
    await desk.commit()
    given = FillIn(sent.value.command_id, desk.person.id, datetime.now(UTC), path=path, answers=answers)
    row = found.life.request
    answered = await command(desk.session, desk.client, request_workflow_id(row.id), "fill_in", given)
    return move_on(request, f"/employee-requests/{row.id}", data={"status": answered.value})


async def open_form(desk: DeskAt, id: str, path: str) -> Open:
    """A form that has begun, is not filled in, and is mine to fill in; any other is not there."""
    row = await desk.one(EmployeeRequest, id)
    life = await life_of(desk, row)
    step = step_at(life.item, path) if life is not None else None
    state = life.rows.steps.get(path) if life is not None else None
    if life is None or step is None or step.form is None or state is None:
        raise Refusal("not_found")
    me = await myself(desk)
    if not is_in_my_hands(desk.person, me, life, step):
        raise Refusal("not_found")
    if state.status is not StepStatus.ACTIVE:
        raise Refusal("request_step_not_open")
    hats = hats_of(desk.person, me, life)
    fields = tuple(one for one in step.form.fields if may_write(one, hats, fills_in=True))
    return Open(life, step, path, fields, me)


def shown_fields(found: Open, answers: Mapping[str, Any]) -> tuple[Field, ...]:
    """The questions that these answers show."""
    life = found.life
    whom = life.beneficiary or NOBODY
    known = known_for(life.item, whom, life.asker or whom)
    return asked_now(found.fields, answers, known, before=life.request.answers)


async def checked(
    desk: DeskAt, found: Open, given: Mapping[str, str]
) -> tuple[dict[str, object], dict[str, str]]:
    """The answers as they are kept, and one sentence for each field that is wrong."""
    colleagues = {}
    for field in found.fields:
        address = given.get(field.id, "").strip().lower()
        if field.kind is FieldKind.PERSON and address and (one := await by_email(desk, address)):
            colleagues[address] = one.id
    named = [given.get(field.id, "") for field in found.fields if field.kind is FieldKind.FILE]
    colleagues |= {id: id for id in await mine(desk, named)}
    readable: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for field in found.fields:
        try:
            readable[field.id] = taken(field, given.get(field.id, ""), colleagues)
        except Wrong as error:
            wrong[field.id] = str(error)
    asked_ids = [field.id for field in shown_fields(found, readable)]
    errors = {f"answers.{id}": wrong[id] for id in asked_ids if id in wrong}
    return {id: readable.get(id) for id in asked_ids}, errors


async def form_shown(
    request: Request, desk: DeskAt, found: Open, given: Mapping[str, str], *, form: Form | None = None,
    status: int = 200, base: str = "",
) -> Response:  # fmt: skip
    """The page of a form, with the questions that what was typed shows."""
    row, (readable, _errors) = found.life.request, await checked(desk, found, given)
    files = await mine(desk, [given.get(field.id, "") for field in found.fields])
    page = FormPage(
        base or f"/employee-requests/{row.id}/forms/{found.path}", f"/employee-requests/{row.id}",
        said(found.life.item.names), said(found.step.names),
        tuple(
            asked(one, chosen(given.get(one.id, ""), files)) for one in shown_fields(found, readable)
        ),
        await answers_for(desk, found.me, found.life),
    )  # fmt: skip
    return answer(request, "employee_requests/form.html", page, status=status, form=form)
