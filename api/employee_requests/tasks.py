"""What my team has to do for requests: the nearest deadline first, ticked off point by point."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Request
from pydantic import BeforeValidator, Field
from sqlmodel import col
from starlette.responses import Response

from api.employee_requests.approvals import lives_by_id
from api.employee_requests.fields import Told
from api.employee_requests.people import by_accounts, myself
from api.employee_requests.reading import Life
from api.employee_requests.routing import PORTAL, router
from api.employee_requests.shelf import TONES, said
from api.employee_requests.show import answers_for
from api.employee_requests.stages import Stage, stages_of, title
from api.employee_requests.waiting import FormRow, forms_waiting
from api.kit.commands import command
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import locale
from api.kit.rendering import Form, answer, move_on
from api.kit.texts import Key, MaybeParagraph
from models.employee_requests import RequestTask
from models.kit.refusals import Refusal
from models.messages.employee_requests.requests import (
    CheckOff,
    FinishTask,
    RequestCommand,
    TakeTask,
    TaskStatus,
    request_workflow_id,
)

MOST = 100


def _whole(value: object) -> object:
    is_short = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 6
    return int(str(value)) if is_short else value


class Ticking(Input):
    """One point of the checklist, ticked or not."""

    command_id: Key
    point: Annotated[int, BeforeValidator(_whole), Field(ge=0, le=500)]
    is_done: bool = False


class Taking(Input):
    """I take the task, or give it back."""

    command_id: Key
    is_mine: bool = False


class Finishing(Input):
    """The task is done."""

    command_id: Key
    note: MaybeParagraph = ""


@dataclass(frozen=True)
class Point:
    """One point of a checklist."""

    number: int
    text: str
    is_done: bool


@dataclass(frozen=True)
class Row:
    """One task in the list."""

    id: str
    request_id: str
    title: str
    item: str
    icon: str
    tone: str
    for_whom: str
    team: str
    assignee: str
    is_mine: bool
    status: TaskStatus
    due_at: datetime | None
    is_late: bool
    done: int
    points: int
    is_confidential: bool

    @property
    def href(self) -> str:
        """Where it is worked on."""
        return f"/employee-requests/tasks/{self.id}"


@dataclass(frozen=True)
class TasksPage:
    """The open tasks of my team, and forms that wait for it or for me."""

    rows: tuple[Row, ...]
    forms: tuple[FormRow, ...]
    has_team: bool


@dataclass(frozen=True)
class TaskPage:
    """One task with its checklist, and what is needed of the request."""

    row: Row
    base: str
    points: tuple[Point, ...]
    answers: tuple[Told, ...]
    stages: tuple[Stage, ...]
    note: str
    may_finish: bool


@router.get("/employee-requests/tasks", may=PORTAL)
async def tasks(request: Request, desk: Desk) -> Response:
    """List what my team has to do."""
    forms = await forms_waiting(desk, await myself(desk))
    page = TasksPage(await tasks_of_team(desk, MOST), forms, desk.person.team_id is not None)
    return answer(request, "employee_requests/tasks.html", page)


@router.get("/employee-requests/tasks/{request_task_id}", may=PORTAL, row="request_task")
async def task(request: Request, desk: Desk, request_task_id: Key) -> Response:
    """Show one task of my team."""
    return await task_shown(request, desk, await ours(desk, request_task_id))


@router.post("/employee-requests/tasks/{request_task_id}/points", may=PORTAL, row="request_task")
async def tick(
    request: Request, desk: Desk, request_task_id: Key, sent: Typed[Ticking] = typed(Ticking)
) -> Response:
    """Tick one point off, or on again."""
    row = await ours(desk, request_task_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    word = sent.value
    if word.point >= len(row.checklist):
        raise Refusal("not_found")
    given = CheckOff(
        word.command_id, desk.person.id, datetime.now(UTC), task_id=row.id, point=word.point,
        is_done=word.is_done,
    )  # fmt: skip
    return await say(request, desk, row, "check_off", given)


@router.post("/employee-requests/tasks/{request_task_id}/assignment", may=PORTAL, row="request_task")
async def take(
    request: Request, desk: Desk, request_task_id: Key, sent: Typed[Taking] = typed(Taking)
) -> Response:
    """Take a task of the team, or give it back."""
    row = await ours(desk, request_task_id)
    if sent.value is None:
        raise Refusal("invalid_form")
    assignee = desk.person.account_id if sent.value.is_mine else None
    given = TakeTask(
        sent.value.command_id, desk.person.id, datetime.now(UTC), task_id=row.id, assignee=assignee
    )
    return await say(request, desk, row, "take_task", given)


@router.post("/employee-requests/tasks/{request_task_id}/end", may=PORTAL, row="request_task")
async def finish(
    request: Request, desk: Desk, request_task_id: Key, sent: Typed[Finishing] = typed(Finishing)
) -> Response:
    """The task is done; the request goes on."""
    row = await ours(desk, request_task_id)
    if sent.value is None:
        return await task_shown(request, desk, row, form=sent.form, status=422)
    given = FinishTask(
        sent.value.command_id, desk.person.id, datetime.now(UTC), task_id=row.id, note=sent.value.note
    )
    return await say(request, desk, row, "finish_task", given)


async def say(
    request: Request, desk: DeskAt, row: RequestTask, update: str, given: RequestCommand
) -> Response:
    """Say a command to the request's life and go back to the task."""
    life = request_workflow_id(row.request_id)
    answered = await command(desk.session, desk.client, life, update, given)
    return move_on(request, f"/employee-requests/tasks/{row.id}", data={"status": answered.value})


async def ours(desk: DeskAt, id: str) -> RequestTask:
    """A task of my team; another team's is not there."""
    row = await desk.one(RequestTask, id)
    if desk.person.team_id is None or row.team_id != desk.person.team_id:
        raise Refusal("not_found")
    return row


async def tasks_of_team(desk: DeskAt, most: int) -> tuple[Row, ...]:
    """The open tasks of my team, the nearest deadline first."""
    if desk.person.team_id is None:
        return ()
    query = desk.visible(RequestTask).where(
        col(RequestTask.team_id) == desk.person.team_id, col(RequestTask.status) == TaskStatus.OPEN
    )
    place = col(RequestTask.due_at).asc().nulls_last(), col(RequestTask.id)
    found = list(await desk.session.scalars(query.order_by(*place).limit(most)))
    lives = await lives_by_id(desk, {one.request_id for one in found})
    names = await who_works(desk, found)
    return tuple(row_of(desk, one, lives[one.request_id], names) for one in found if one.request_id in lives)


async def who_works(desk: DeskAt, rows: list[RequestTask]) -> dict[str, str]:
    """The names of those who took tasks, by account."""
    people = await by_accounts(desk, [one.assignee for one in rows])
    return {account: one.name for account, one in people.items()}


def row_of(desk: DeskAt, one: RequestTask, life: Life, names: dict[str, str]) -> Row:
    """One task as a list shows it."""
    is_late = one.is_late or (one.due_at is not None and one.due_at < datetime.now(UTC))
    return Row(
        one.id, one.request_id, title(one), said(life.item.names), life.item.icon or "clipboard-list",
        TONES[life.item.category], life.beneficiary.name if life.beneficiary else "",
        life.rows.teams.get(one.team_id, one.team_id), names.get(one.assignee or "", ""),
        one.assignee is not None and one.assignee == desk.person.account_id, one.status, one.due_at,
        is_late and one.status is TaskStatus.OPEN, sum(bool(p.get("is_done")) for p in one.checklist),
        len(one.checklist), life.request.is_confidential,
    )  # fmt: skip


async def task_shown(
    request: Request, desk: DeskAt, row: RequestTask, *, form: Form | None = None, status: int = 200
) -> Response:
    """The page, or its live part."""
    lives = await lives_by_id(desk, [row.request_id])
    if (life := lives.get(row.request_id)) is None:
        raise Refusal("not_found")
    points = tuple(
        Point(at, str(one.get(locale()) or one.get("ko") or ""), bool(one.get("is_done")))
        for at, one in enumerate(row.checklist)
    )
    page = TaskPage(
        row_of(desk, row, life, await who_works(desk, [row])), f"/employee-requests/tasks/{row.id}", points,
        await answers_for(desk, await myself(desk), life), stages_of(life.item, life.rows), row.note,
        may_finish=row.status is TaskStatus.OPEN and all(one.is_done for one in points),
    )  # fmt: skip
    return answer(request, "employee_requests/task.html", page, status=status, form=form)
