"""Forms in the middle of requests that wait for me, or for anybody of my team."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import col

from api.employee_requests.approvals import lives_by_id
from api.employee_requests.hats import is_in_my_hands
from api.employee_requests.people import Colleague
from api.employee_requests.shelf import said
from api.kit.desk import DeskAt
from models.employee_requests import RequestStep
from models.messages.employee_requests.items import StepKind
from models.messages.employee_requests.requests import StepStatus
from models.rules.employee_requests.walking import step_at

MOST = 200


@dataclass(frozen=True)
class FormRow:
    """One form that waits."""

    request_id: str
    name: str
    item: str
    for_whom: str
    href: str
    due_at: datetime | None
    is_late: bool
    is_confidential: bool


async def forms_waiting(desk: DeskAt, me: Colleague | None) -> tuple[FormRow, ...]:
    """Those that I am to fill in, the nearest deadline first."""
    query = desk.visible(RequestStep).where(
        col(RequestStep.kind) == StepKind.FORM.value, col(RequestStep.status) == StepStatus.ACTIVE
    )
    rows = list(
        await desk.session.scalars(query.order_by(col(RequestStep.due_at), col(RequestStep.path)).limit(MOST))
    )
    lives = await lives_by_id(desk, {one.request_id for one in rows})
    found = []
    for row in rows:
        life = lives.get(row.request_id)
        step = step_at(life.item, row.path) if life is not None else None
        if life is None or step is None or not is_in_my_hands(desk.person, me, life, step):
            continue
        is_late = row.due_at is not None and row.due_at < datetime.now(UTC)
        found.append(
            FormRow(
                row.request_id, said(step.names), said(life.item.names),
                life.beneficiary.name if life.beneficiary else "",
                f"/employee-requests/{row.request_id}/forms/{row.path}", row.due_at, is_late,
                life.request.is_confidential,
            )
        )  # fmt: skip
    return tuple(found)
