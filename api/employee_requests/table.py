"""The requests of one item beside each other: how they went, and each answer for whom it is meant (C6)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fastapi import Request
from sqlmodel import col
from starlette.responses import Response

from api.employee_requests.fields import told
from api.employee_requests.hats import hats_of
from api.employee_requests.items import noted
from api.employee_requests.people import Colleague, myself
from api.employee_requests.reading import Life, lives_of
from api.employee_requests.routing import router
from api.employee_requests.shelf import said, versions
from api.employee_requests.show import all_answers
from api.kit.desk import Desk, DeskAt
from api.kit.labels import label_text
from api.kit.language import gettext as _
from api.kit.rendering import answer
from api.kit.routes import STAFF
from api.kit.spreadsheets import as_csv
from models.employee_requests import EmployeeRequest
from models.employee_requests.items import RequestItem
from models.messages.employee_requests.requests import RequestStatus
from models.rules.employee_requests.rights import fields_of, may_read

PAGE = "/employee-requests/items/{item_key}/requests"
SHOWN, MOST, AT_ONCE = 100, 2_000, 100
SPAN = timedelta(days=90)


@dataclass(frozen=True)
class Row:
    """One request; `answers` in the order of the table's questions, empty where this reader sees none."""

    id: str
    asked_for: str
    status: RequestStatus
    created_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Measure:
    """How the requests of the last months went, of those that the reader sees."""

    days: int
    asked: int
    running: int
    done: int
    rejected: int
    off: int  # called off or failed
    in_time: int  # of those done that had a promised day
    promised: int

    @property
    def percent_in_time(self) -> int | None:
        """The share that kept its promise; nothing while none was promised."""
        return 100 * self.in_time // self.promised if self.promised else None


@dataclass(frozen=True)
class TablePage:
    """The requests of one item."""

    key: str
    name: str
    promised_percent: int
    questions: tuple[str, ...]
    rows: tuple[Row, ...]
    is_cut: bool
    measure: Measure


@router.get(PAGE, may=STAFF, row="request_item")
async def requests_of_item(request: Request, desk: Desk, item_key: str) -> Response:
    """Show the newest requests of an item, and how they went."""
    await desk.one(RequestItem, item_key)
    found = await rows_of_item(desk, item_key, SHOWN + 1)
    lives = await lives_at_once(desk, found[:SHOWN])
    questions, rows = table_of(lives, desk, await myself(desk))
    newest = lives[0].item if lives else None
    page = TablePage(
        item_key, said(newest.names) if newest else item_key, newest.promised_percent if newest else 0,
        tuple(questions.values()), rows, len(found) > SHOWN, await measured(desk, item_key),
    )  # fmt: skip
    return answer(request, "employee_requests/table.html", page)


@router.post(f"{PAGE}/export", may=STAFF, row="request_item")
async def export_requests(desk: Desk, item_key: str) -> Response:
    """Give the same out as a table; who took it and how much stands in the audit log."""
    await desk.one(RequestItem, item_key)
    lives = await lives_at_once(desk, await rows_of_item(desk, item_key, MOST))
    questions, rows = table_of(lives, desk, await myself(desk))
    await noted(desk, item_key, 0, "requests_exported", rows=len(rows))
    await desk.commit()
    head = (
        _("Request number"), _("Is for"), _("Status"), _("Asked on"), _("Promised by"), _("Ended on"),
        *questions.values(),
    )  # fmt: skip
    return as_csv(item_key, head, (cells_of(row) for row in rows))


def cells_of(row: Row) -> tuple[str, ...]:
    """One request as the cells of its line."""
    days = (row.created_at, row.due_at, row.closed_at)
    moments = (one.astimezone(UTC).isoformat(timespec="minutes") if one else "" for one in days)
    return row.id, row.asked_for, label_text(row.status, "employee_request"), *moments, *row.answers


async def rows_of_item(desk: DeskAt, item_key: str, most: int) -> list[EmployeeRequest]:
    """The newest requests of an item that the reader sees; nobody's drafts."""
    query = desk.visible(EmployeeRequest).where(
        col(EmployeeRequest.item_key) == item_key, col(EmployeeRequest.status) != RequestStatus.DRAFT
    )
    newest = query.order_by(col(EmployeeRequest.created_at).desc(), col(EmployeeRequest.id)).limit(most)
    return list(await desk.session.scalars(newest))


async def lives_at_once(desk: DeskAt, rows: list[EmployeeRequest]) -> list[Life]:
    """Everything that belongs to them, a hundred at once."""
    items = await versions(desk, [(one.item_key, one.item_version) for one in rows])
    found: list[Life] = []
    for start in range(0, len(rows), AT_ONCE):
        found += await lives_of(desk, rows[start : start + AT_ONCE], items)
    return found


def table_of(
    lives: Iterable[Life], desk: DeskAt, me: Colleague | None
) -> tuple[dict[str, str], tuple[Row, ...]]:
    """The questions that anybody answered for this reader, by id, and the requests with those answers."""
    questions: dict[str, str] = {}
    seen: list[tuple[Life, dict[str, str]]] = []
    for life in lives:
        hats, given, answers = hats_of(desk.person, me, life), all_answers(life), {}
        for field in fields_of(life.item):
            if may_read(field, hats) and (one := told(field, given.get(field.id), life.rows.names)):
                answers[field.id] = one.text
                questions.setdefault(field.id, one.label)
        seen.append((life, answers))
    return questions, tuple(row_of(life, answers, questions) for life, answers in seen)


def row_of(life: Life, answers: dict[str, str], questions: Iterable[str]) -> Row:
    """One request's line."""
    row, whom = life.request, life.beneficiary
    told_in_order = tuple(answers.get(id, "") for id in questions)
    return Row(
        row.id, whom.name if whom else "", row.status, row.created_at, row.due_at, row.closed_at,
        told_in_order,
    )  # fmt: skip


async def measured(desk: DeskAt, item_key: str) -> Measure:
    """Counted over the last months."""
    facts = (col(EmployeeRequest.status), col(EmployeeRequest.due_at), col(EmployeeRequest.closed_at))
    query = desk.visible(EmployeeRequest).with_only_columns(*facts).where(
        col(EmployeeRequest.item_key) == item_key, col(EmployeeRequest.status) != RequestStatus.DRAFT,
        col(EmployeeRequest.created_at) > datetime.now(UTC) - SPAN,
    )  # fmt: skip
    rows = (await desk.session.execute(query)).all()
    by = {status: [one for one in rows if one[0] is status] for status in RequestStatus}
    promised = [one for one in by[RequestStatus.DONE] if one[1] is not None]
    return Measure(
        SPAN.days, len(rows), len(by[RequestStatus.OPEN]), len(by[RequestStatus.DONE]),
        len(by[RequestStatus.REJECTED]), len(by[RequestStatus.CANCELLED]) + len(by[RequestStatus.FAILED]),
        sum(one[2] is not None and one[1] is not None and one[2] <= one[1] for one in promised),
        len(promised),
    )  # fmt: skip
