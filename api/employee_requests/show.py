"""One request as its people follow it: stages, waits, questions, who can see it, what is undone."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import Request
from sqlmodel import col
from starlette.responses import Response

from api.employee_requests.fields import Told, is_asked, told
from api.employee_requests.files import files_of
from api.employee_requests.hats import forms_for, hats_of
from api.employee_requests.people import NOBODY, Colleague, by_accounts, myself
from api.employee_requests.reading import Life, life_of
from api.employee_requests.routing import PORTAL, router
from api.employee_requests.shelf import TONES, said
from api.employee_requests.stages import Stage, Undo, approver, stages_of, undo_list
from api.kit.desk import Desk, DeskAt
from api.kit.rendering import Form, answer, move_on
from api.kit.sentences import sentence
from api.kit.texts import Key
from models.employee_requests import EmployeeRequest, RequestReader
from models.kit.refusals import Refusal
from models.kit.timeline import TimelineEntry
from models.messages.employee_requests.items import Field, FieldKind
from models.messages.employee_requests.requests import ApprovalStatus, ReaderWhy, RequestStatus
from models.rules.employee_requests.rights import fields_of, may_read, may_write
from models.rules.employee_requests.walking import step_at

MOST_LINES = 200


@dataclass(frozen=True)
class Facts:
    """What everybody who sees a request may know of its row."""

    id: str
    item_key: str
    name: str
    icon: str
    tone: str
    status: RequestStatus
    is_confidential: bool
    asked_by: str
    for_whom: str
    created_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    reason: str


@dataclass(frozen=True)
class BackQuestion:
    """What an approver wants to know before they decide."""

    approval_id: str
    who: str
    question: str
    is_mine: bool  # I asked for the request, so I answer


@dataclass(frozen=True)
class Line:
    """One line of the story."""

    at: datetime
    text: str


@dataclass(frozen=True)
class Reader:
    """Somebody who can see the request, and why."""

    name: str
    why: ReaderWhy


@dataclass(frozen=True)
class RequestPage:
    """Everything that is shown of one request."""

    request: Facts
    base: str
    stages: tuple[Stage, ...]
    answers: tuple[Told, ...]
    questions: tuple[BackQuestion, ...]
    undo: tuple[Undo, ...]
    readers: tuple[Reader, ...]
    story: tuple[Line, ...]
    may_cancel: bool
    may_name: bool = False  # I work on it, so I may let a colleague of my team see it
    forms: tuple[tuple[str, str], ...] = ()  # that wait for me: name and address
    may_amend: bool = False  # the item names me as a writer of some answers

    @property
    def waits(self) -> tuple[Stage, ...]:
        """What is waited for now."""
        return tuple(stage for stage in self.stages if stage.state in ("now", "late") and stage.sub)


@router.get("/employee-requests/{employee_request_id}", may=PORTAL, row="employee_request")
async def show(request: Request, desk: Desk, employee_request_id: Key) -> Response:
    """Show one request; a draft is gone on with."""
    row = await desk.one(EmployeeRequest, employee_request_id)
    if row.status is RequestStatus.DRAFT:
        return move_on(request, f"/employee-requests/{row.id}/draft")
    return await shown(request, desk, row)


async def shown(
    request: Request, desk: DeskAt, row: EmployeeRequest, *, form: Form | None = None, status: int = 200
) -> Response:
    """The page, or its live part."""
    life = await life_of(desk, row)
    if life is None:
        raise Refusal("not_found")
    page = await request_page(desk, life)
    return answer(request, "employee_requests/show.html", page, status=status, form=form)


async def request_page(desk: DeskAt, life: Life) -> RequestPage:
    """Read everything that belongs to one request."""
    me, row = await myself(desk), life.request
    is_mine = row.asked_by == desk.person.account_id
    is_for_me = me is not None and me.id == row.for_employee_id
    return RequestPage(
        facts_of(life), f"/employee-requests/{row.id}", stages_of(life.item, life.rows),
        await answers_for(desk, me, life), back_questions(life, is_mine=is_mine),
        undo_list(life.item, life.rows), await readers_of(desk, row.id), await story_of(desk, row.id),
        may_cancel=row.status is RequestStatus.OPEN and (is_mine or is_for_me),
        may_name=row.is_confidential and row.status is RequestStatus.OPEN and await is_ours(desk, row.id),
        forms=forms_for(desk.person, me, life),
        may_amend=row.status is RequestStatus.OPEN and bool(amendable(life, hats_of(desk.person, me, life))),
    )  # fmt: skip


def facts_of(life: Life) -> Facts:
    """The part of the row that pages and programs are given."""
    row, item = life.request, life.item
    return Facts(
        row.id, row.item_key, said(item.names), item.icon or "clipboard-list", TONES[item.category],
        row.status, row.is_confidential, life.asker.name if life.asker else "",
        life.beneficiary.name if life.beneficiary else "", row.created_at, row.due_at, row.closed_at,
        row.reason,
    )  # fmt: skip


def amendable(life: Life, hats: frozenset[str]) -> tuple[Field, ...]:
    """The answers of the first form that somebody with these hats may change while the request runs: those
    whose writers the item names, and not what the HR system knows; a file is sent once."""
    return tuple(
        one for one in life.item.form
        if one.writers and may_write(one, hats, fills_in=False) and one.kind is not FieldKind.FILE
        and is_asked(one, life.beneficiary or NOBODY)
    )  # fmt: skip


async def answers_for(desk: DeskAt, me: Colleague | None, life: Life) -> tuple[Told, ...]:
    """The answers that this reader may see (C6)."""
    hats, given = hats_of(desk.person, me, life), all_answers(life)
    files = await files_of(desk, life.request.id)
    found = (
        told(field, given.get(field.id), life.rows.names, files)
        for field in fields_of(life.item) if may_read(field, hats)
    )  # fmt: skip
    return tuple(one for one in found if one is not None)


def all_answers(life: Life) -> dict[str, object]:
    """What was answered at first and in later forms, by field."""
    given: dict[str, object] = dict(life.request.answers)
    for path, row in life.rows.steps.items():
        step = step_at(life.item, path)
        if step is not None and step.form is not None:
            given |= row.result
    return given


def back_questions(life: Life, *, is_mine: bool) -> tuple[BackQuestion, ...]:
    """What approvers have asked and nobody has answered."""
    return tuple(
        BackQuestion(one.id, approver(one, life.rows), one.question, is_mine)
        for many in life.rows.approvals.values() for one in many if one.status is ApprovalStatus.ASKED
    )  # fmt: skip


async def is_ours(desk: DeskAt, request_id: str) -> bool:
    """Whether I read the request because my team works on it, or somebody of it let me."""
    mine = desk.visible(RequestReader).where(
        col(RequestReader.request_id) == request_id, col(RequestReader.account_id) == desk.person.account_id,
        col(RequestReader.why).in_((ReaderWhy.TEAM, ReaderWhy.NAMED)),
    )  # fmt: skip
    return desk.person.team_id is not None and await desk.session.scalar(mine) is not None


async def readers_of(desk: DeskAt, id: str) -> tuple[Reader, ...]:
    """Who can see the request by name."""
    query = desk.visible(RequestReader).where(col(RequestReader.request_id) == id)
    rows = list(await desk.session.scalars(query.order_by(col(RequestReader.since))))
    names = await by_accounts(desk, [one.account_id for one in rows])
    return tuple(Reader(names[one.account_id].name, one.why) for one in rows if one.account_id in names)


async def story_of(desk: DeskAt, id: str) -> tuple[Line, ...]:
    """What happened, the newest first."""
    query = desk.visible(TimelineEntry).where(col(TimelineEntry.case_id) == id)
    newest = query.order_by(col(TimelineEntry.at).desc(), col(TimelineEntry.id).desc()).limit(MOST_LINES)
    rows = await desk.session.scalars(newest)
    return tuple(Line(one.at, sentence(one.sentence, one.details)) for one in rows)
