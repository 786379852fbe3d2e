"""The joiners, movers and leavers of my team: one row each, one cell for each stage."""

from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request
from sqlalchemy import text
from sqlmodel import col
from starlette.responses import Response

from api.employee_requests.people import named
from api.employee_requests.routing import PORTAL, router
from api.employee_requests.shelf import said, versions
from api.employee_requests.stages import STATES
from api.kit.desk import Desk, DeskAt
from api.kit.rendering import answer
from models.employee_requests import EmployeeRequest
from models.messages.employee_requests.items import Item, StepKind
from models.messages.employee_requests.requests import RequestStatus, StepStatus

HIDDEN = (StepKind.MESSAGE, StepKind.END)


@dataclass(frozen=True)
class Cell:
    """One stage of one journey."""

    name: str
    state: str  # done, now, late, next, skipped
    due_at: datetime | None = None


@dataclass(frozen=True)
class Row:
    """One journey of somebody in my team."""

    request_id: str
    who: str
    item: str
    status: RequestStatus
    created_at: datetime
    due_at: datetime | None
    cells: tuple[Cell, ...]
    href: str  # empty when only how far it is may be seen


@dataclass(frozen=True)
class JourneysPage:
    """Everybody's journeys in my team."""

    rows: tuple[Row, ...]


@router.get("/employee-requests/journeys", may=PORTAL)
async def journeys(request: Request, desk: Desk) -> Response:
    """Show how far the joiners, movers and leavers of my team are."""
    return answer(request, "employee_requests/journeys.html", JourneysPage(await journeys_of(desk)))


async def journeys_of(desk: DeskAt) -> tuple[Row, ...]:
    """The journeys of those who report to me: how far they are, and nothing that was answered."""
    found = (await desk.session.execute(text("select * from ieum_team_journeys()"))).mappings().all()
    items = await versions(desk, {(one["item_key"], one["item_version"]) for one in found})
    who = await named(desk, {one["for_employee_id"] for one in found})
    query = desk.visible(EmployeeRequest).with_only_columns(col(EmployeeRequest.id))
    seen = set(
        await desk.session.scalars(
            query.where(col(EmployeeRequest.id).in_([one["request_id"] for one in found]))
        )
    )
    rows = []
    for one in found:
        item = items.get((one["item_key"], one["item_version"]))
        if item is None:
            continue
        begun = {step["path"]: step for step in one["steps"] or []}
        rows.append(
            Row(
                one["request_id"],
                who[one["for_employee_id"]].name if one["for_employee_id"] in who else "",
                said(item.names), RequestStatus(one["status"]), one["created_at"], one["due_at"],
                cells_of(item, begun),
                f"/employee-requests/{one['request_id']}" if one["request_id"] in seen else "",
            )
        )  # fmt: skip
    return tuple(rows)


def cells_of(item: Item, begun: dict[str, dict[str, str | None]]) -> tuple[Cell, ...]:
    """One cell for each stage of the item's first level."""
    now, cells = datetime.now(UTC), []
    for at, step in enumerate(item.steps):
        if step.kind in HIDDEN:
            continue
        row = begun.get(str(at))
        if row is None:
            cells.append(Cell(said(step.names), "next"))
            continue
        inside = [one for path, one in begun.items() if path == str(at) or path.startswith(f"{at}.")]
        nearest = min((due for one in inside if (due := due_of(one)) is not None), default=None)
        state = STATES[StepStatus(str(row["status"]))]
        is_late = state == "now" and nearest is not None and nearest < now
        cells.append(Cell(said(step.names), "late" if is_late else state, nearest))
    return tuple(cells)


def due_of(step: dict[str, str | None]) -> datetime | None:
    """Until when somebody is waited for."""
    due = step["due_at"]
    return datetime.fromisoformat(due) if due is not None and step["status"] == StepStatus.ACTIVE else None
