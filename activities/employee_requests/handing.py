"""What a ticket's page may know of a request that was handed over from it, written beside every step."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.employee_requests import reading
from activities.kit.timeline import tell_live
from models.employee_requests import EmployeeRequest, RequestHandover, RequestStep
from models.kit.records import to_record
from models.messages.employee_requests.items import Item, Step, StepKind
from models.messages.employee_requests.requests import HandoverStage, StepStatus
from models.rules.employee_requests.paths import step_at
from models.rules.employee_requests.rights import told_to_ticket

SILENT = (StepKind.MESSAGE, StepKind.BRANCH, StepKind.PARALLEL, StepKind.EACH, StepKind.END)
STATES = {StepStatus.ACTIVE: "now", StepStatus.DONE: "done"}


async def tell_ticket(session: AsyncSession, request: EmployeeRequest, at: datetime) -> None:
    """Set what the ticket's page shows; a request that no ticket handed over shows nothing."""
    if request.ticket_id is None or request.asked_by is None:
        return
    item = await reading.item_of(session, request.item_key, request.item_version)
    rows = select(RequestStep).where(col(RequestStep.request_id) == request.id)
    steps = list(await session.scalars(rows.order_by(col(RequestStep.seq), col(RequestStep.path))))
    shown = {
        "item_version": request.item_version, "team_id": request.owner_team_id, "status": request.status,
        "is_confidential": request.is_confidential, "stages": _stages(item, steps, at),
        "answers": _answers(item, request, steps), "due_at": request.due_at, "updated_at": at,
        "closed_at": request.closed_at,
    }  # fmt: skip
    born = {
        "request_id": request.id, "ticket_id": request.ticket_id, "item_key": request.item_key,
        "asked_by": request.asked_by, "created_at": request.created_at,
    }  # fmt: skip
    row = insert(RequestHandover).values({**born, **shown})
    await session.execute(row.on_conflict_do_update(index_elements=["request_id"], set_=shown))
    await tell_live(session, f"ticket:{request.ticket_id}")


def _stages(item: Item, steps: list[RequestStep], at: datetime) -> list[dict[str, Any]]:
    """The stages that have begun: what they are called, since and until when, which team; nobody's name."""
    found = []
    for row in steps:
        step = step_at(item, row.path)
        if step is None or step.kind in SILENT:
            continue
        state = STATES.get(row.status, "skipped")
        if state == "now" and row.due_at is not None and row.due_at < at:
            state = "late"
        stage = HandoverStage(dict(step.names), state, row.since, row.due_at, row.ended_at, _team(step))
        found.append(to_record(stage))
    return found


def _team(step: Step) -> str:
    part = step.task or step.form
    return part.team if part is not None else ""


def _answers(item: Item, request: EmployeeRequest, steps: list[RequestStep]) -> dict[str, Any]:
    """The answers that are meant for the ticket, of the first form and of later ones."""
    given = dict(request.answers)
    for row in steps:
        if row.kind == StepKind.FORM.value:
            given |= row.result
    return {one.id: given[one.id] for one in told_to_ticket(item) if given.get(one.id) is not None}
