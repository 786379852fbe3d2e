"""Asking for something: the form made of the item's questions, kept as a draft, and sent."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import uuid4

from fastapi import Request
from sqlmodel import col
from starlette.responses import Response

from api.employee_requests.ahead import Ahead, Asking, approvals_ahead
from api.employee_requests.birth import Wish, keep, own_draft, send
from api.employee_requests.fields import (
    Asked,
    Attached,
    Told,
    Wrong,
    asked,
    asked_now,
    is_asked,
    known_of,
    taken,
    told,
)
from api.employee_requests.files import chosen, joined, left_out, mine, taken_in
from api.employee_requests.hats import hats_when_asking
from api.employee_requests.known import known_for
from api.employee_requests.people import Colleague, by_email, me_or_refusal, named
from api.employee_requests.routing import PORTAL, router
from api.employee_requests.shelf import Tile, one_published, tile_of, usual_times
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.rendering import Form, answer, is_fragment, move_on, wants_json
from api.kit.texts import Key, MaybeLine
from api.tickets.files import MOST_BODY
from models.employee_requests import EmployeeRequest
from models.kit.refusals import Refusal
from models.messages.employee_requests.items import Field, FieldKind, Item
from models.rules.employee_requests.rights import may_read, may_write


class Answers(Input):
    """A form as it is filled in: for whom, and what was answered, by field."""

    submission_key: Key
    whom: Literal["me", "other"] = "me"
    colleague: MaybeLine = ""  # the e-mail address of whom it is for
    answers: dict[Key, str] = {}
    without: dict[Key, str] = {}  # files that were chosen before and are not to be sent, by id


@dataclass(frozen=True)
class AskPage:
    """The form of one item."""

    item: Tile
    key: str
    base: str
    is_for_others: bool
    is_confidential: bool
    whom: str
    colleague: str
    beneficiary: str
    fields: tuple[Asked, ...]
    known: tuple[Told, ...]
    ahead: tuple[Ahead, ...]
    promised_hours: int
    promised_percent: int
    draft_id: str


@dataclass(frozen=True)
class Filled:
    """A form with everything that is known about it."""

    item: Item
    me: Colleague
    whom: str
    beneficiary: Colleague | None  # nobody has the address that was typed
    typed: Mapping[str, str]
    colleagues: Mapping[str, str]  # ids by e-mail address, of those that were typed
    files: Mapping[str, Attached]  # of mine, that what was typed names
    hats: frozenset[str]  # of whoever fills it in

    @property
    def known(self) -> dict[str, str]:
        """The ids that typed answers mean: of colleagues by address, of files by themselves."""
        return {**self.colleagues, **{id: id for id in self.files}}

    @property
    def questions(self) -> tuple[Field, ...]:
        """What is asked of them: what the HR system does not know, and what is theirs to answer (C6)."""
        whom = self.beneficiary or self.me
        return tuple(
            field for field in self.item.form
            if is_asked(field, whom) and may_write(field, self.hats, fills_in=True)
        )  # fmt: skip


@router.get("/employee-requests/catalogue/{item_key}", may=PORTAL, row="request_item")
async def ask_form(request: Request, desk: Desk, item_key: Key) -> Response:
    """Show the form of an item."""
    return await shown(request, desk, item_key, Answers(submission_key=uuid4().hex))


@router.get("/employee-requests/{employee_request_id}/draft", may=PORTAL, row="employee_request")
async def go_on(request: Request, desk: Desk, employee_request_id: Key) -> Response:
    """Go on with a draft of mine."""
    draft = await own_draft(desk, employee_request_id)
    names = await named(desk, [draft.for_employee_id])
    me = await me_or_refusal(desk)
    other = names.get(draft.for_employee_id)
    is_mine = other is None or other.id == me.id
    kept = Answers(
        submission_key=draft.submission_key, whom="me" if is_mine else "other",
        colleague="" if is_mine or other is None else other.email,
        answers={key: str(value) for key, value in draft.answers.items()},
    )  # fmt: skip
    return await shown(request, desk, draft.item_key, kept, draft_id=draft.id)


@router.post(
    "/employee-requests/catalogue/{item_key}/draft", may=PORTAL, row="request_item", max_body=MOST_BODY
)
async def keep_draft(
    request: Request, desk: Desk, item_key: Key, sent: Typed[Answers] = typed(Answers)
) -> Response:
    """Keep what is filled in so far, and show the questions that follow from it."""
    if sent.value is None:
        raise Refusal("invalid_form")
    sent.value, _errors = await with_files(request, desk, item_key, sent)
    filled = await filled_in(desk, item_key, sent.value)
    draft_id = await keep(desk, wish_of(filled, sent.value, dict(sent.value.answers)))
    if is_fragment(request) and not wants_json(request):
        return await shown(request, desk, item_key, sent.value, draft_id=draft_id)
    where = f"/employee-requests/{draft_id}/draft"
    return move_on(request, where, data={"id": draft_id}, status=201)


@router.post("/employee-requests/catalogue/{item_key}", may=PORTAL, row="request_item", max_body=MOST_BODY)
async def ask(request: Request, desk: Desk, item_key: Key, sent: Typed[Answers] = typed(Answers)) -> Response:
    """Send a request; the same form again is the same request."""
    if sent.value is None:
        raise Refusal("invalid_form")
    sent.value, wrong = await with_files(request, desk, item_key, sent)
    filled = await filled_in(desk, item_key, sent.value)
    answers, errors = checked(filled)
    if errors := errors | wrong:
        form = Form(sent.form.values, errors)
        return await shown(request, desk, item_key, sent.value, form=form, status=422)
    number = await send(desk, wish_of(filled, sent.value, answers))
    return move_on(request, f"/employee-requests/{number}", data={"id": number}, status=201)


async def with_files(
    request: Request, desk: DeskAt, item_key: str, sent: Typed[Answers]
) -> tuple[Answers, dict[str, str]]:
    """The form with the files that came along, which are kept from now on; and what is wrong with others."""
    assert sent.value is not None
    before = left_out(sent.value.answers, sent.value.without)
    if not sent.files:
        return sent.value.model_copy(update={"answers": before}), {}
    item = await one_published(desk, item_key, await me_or_refusal(desk))
    new, errors = await taken_in(desk, request.app.state.settings.files_dir, item.form, sent.files)
    await desk.commit()
    return sent.value.model_copy(update={"answers": joined(before, new)}), errors


def wish_of(filled: Filled, sent: Answers, answers: dict[str, Any]) -> Wish:
    """What is stored of a form."""
    whom = filled.beneficiary or filled.me
    return Wish(sent.submission_key, filled.item, filled.me, whom.id, answers)


async def filled_in(desk: DeskAt, item_key: str, sent: Answers) -> Filled:
    """Find out who asks for whom, and whom the typed addresses mean."""
    me = await me_or_refusal(desk)
    item = await one_published(desk, item_key, me)
    if sent.whom == "me" or not item.is_for_others:
        return await filled_for(desk, item, me, sent.answers)
    whom = await by_email(desk, sent.colleague) if sent.colleague else None
    hats = hats_when_asking(desk.person, me, whom or me, item)
    mine = await filled_for(desk, item, me, sent.answers)
    return replace(mine, whom="other", beneficiary=whom, hats=hats)


async def filled_for(desk: DeskAt, item: Item, me: Colleague, answers: Mapping[str, str]) -> Filled:
    """What somebody has filled in for themselves."""
    colleagues = {}
    for field in item.form:
        address = answers.get(field.id, "").strip().lower()
        if field.kind is FieldKind.PERSON and address and (found := await by_email(desk, address)):
            colleagues[address] = found.id
    named = [answers.get(one.id, "") for one in item.form if one.kind is FieldKind.FILE]
    hats = hats_when_asking(desk.person, me, me, item)
    return Filled(item, me, "me", me, answers, colleagues, await mine(desk, named), hats)


def as_far_as_known(filled: Filled, fields: tuple[Field, ...]) -> dict[str, Any]:
    """The answers that can be read; what cannot be taken yet counts as not answered."""
    answers: dict[str, Any] = {}
    for field in fields:
        try:
            answers[field.id] = taken(field, filled.typed.get(field.id, ""), filled.known)
        except Wrong:
            answers[field.id] = None
    return answers


def already_known(filled: Filled) -> dict[str, Any]:
    """What is not asked because the HR system knows it of the beneficiary."""
    whom = filled.beneficiary or filled.me
    return {
        field.id: known_of(whom, field.known_from)
        for field in filled.item.form if not is_asked(field, whom)
    }  # fmt: skip


def checked(filled: Filled) -> tuple[dict[str, Any], dict[str, str]]:
    """The answers as they are stored, and one sentence for each field that is wrong."""
    whom, errors = filled.beneficiary, {}
    if whom is None:
        errors["colleague"] = _("There is no colleague with this e-mail address.")
    found, questions = already_known(filled), filled.questions
    known = known_for(filled.item, whom or filled.me, filled.me)
    for field in asked_now(questions, found | as_far_as_known(filled, questions), known):
        try:
            found[field.id] = taken(field, filled.typed.get(field.id, ""), filled.known)
        except Wrong as wrong:
            errors[f"answers.{field.id}"] = str(wrong)
    return found, errors


async def shown(
    request: Request, desk: DeskAt, item_key: str, sent: Answers, *, form: Form | None = None,
    status: int = 200, draft_id: str = "",
) -> Response:  # fmt: skip
    """The form, with the questions that are visible now."""
    page = await ask_page(desk, await filled_in(desk, item_key, sent), sent, draft_id)
    kept = form or Form(
        {"colleague": sent.colleague, **{f"answers.{key}": value for key, value in sent.answers.items()}}
    )
    return answer(request, "employee_requests/ask.html", page, form=kept, status=status)


async def ask_page(desk: DeskAt, filled: Filled, sent: Answers, draft_id: str) -> AskPage:
    """Everything that the form shows before it is sent: questions, who will approve, the usual time."""
    item, whom, found = filled.item, filled.beneficiary or filled.me, already_known(filled)
    questions = filled.questions
    answers = found | as_far_as_known(filled, questions)
    known = known_for(item, whom, filled.me)
    visible = asked_now(questions, answers, known)
    told_now = {key: answers.get(key) for key in (*found, *(field.id for field in visible))}
    times = await usual_times(desk, [item.key])
    asking = Asking(filled.me, whom, known.answered(told_now), told_now)
    names = {whom.id: whom.name}
    facts = (
        told(field, found[field.id], names) for field in item.form
        if field.id in found and may_read(field, filled.hats)
    )  # fmt: skip
    return AskPage(
        tile_of(item, times.get(item.key)), sent.submission_key,
        f"/employee-requests/catalogue/{item.key}", item.is_for_others, item.is_confidential, filled.whom,
        sent.colleague, whom.name if filled.beneficiary else "",
        tuple(asked(field, chosen(filled.typed.get(field.id, ""), filled.files)) for field in visible),
        tuple(one for one in facts if one is not None), await approvals_ahead(desk, item, asking),
        item.sla_hours, item.promised_percent, draft_id or await draft_of(desk, sent.submission_key),
    )  # fmt: skip


async def draft_of(desk: DeskAt, key: str) -> str:
    """The draft that this form has already been kept as."""
    query = desk.visible(EmployeeRequest).with_only_columns(col(EmployeeRequest.id))
    mine = col(EmployeeRequest.asked_by) == desk.person.account_id, col(EmployeeRequest.submission_key) == key
    return str(await desk.session.scalar(query.where(*mine)) or "")
