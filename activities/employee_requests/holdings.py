"""What somebody still has because our own requests gave it to them: read from the deeds, taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.connectors.directory import Directory, Holder
from activities.connectors.office import Deed, Office
from models.employee_requests import EmployeeRequest, RequestStep
from models.messages.employee_requests.items import StepKind
from models.messages.employee_requests.requests import StepStatus
from models.messages.systems import SystemOrder

# What gives access for as long as nobody takes it back; each with the detail by which the proof names it.
GIVEN = {
    ("directory", "join_group"): "group",
    ("software", "assign"): "software",
    ("workplace", "book"): "site",
}
DESK_OF = {"software": "licences", "workplace": "workplaces"}


@dataclass(frozen=True)
class Holding:
    """One thing that a step of a request gave: its reference names it in the outside system."""

    reference: str
    connector: str
    thing: str
    parameters: dict[str, Any]


async def holdings_of(session: AsyncSession, employee_id: str) -> Sequence[Holding]:
    """The newest first; what was undone is held no more."""
    query = (
        select(RequestStep)
        .join(EmployeeRequest, col(EmployeeRequest.id) == col(RequestStep.request_id))
        .where(
            col(EmployeeRequest.for_employee_id) == employee_id,
            col(RequestStep.kind) == StepKind.CALL.value, col(RequestStep.status) == StepStatus.DONE,
        )
        .order_by(col(RequestStep.ended_at).desc(), col(RequestStep.request_id), col(RequestStep.path))
    )  # fmt: skip
    found = []
    for row in await session.scalars(query):
        names = str(row.details.get("connector", "")), str(row.details.get("operation", ""))
        if detail := GIVEN.get(names):
            parameters = dict(row.details.get("parameters", {}))
            parameters.pop("person", None)
            thing = str(parameters.get(detail, ""))
            found.append(Holding(f"{row.request_id}.{row.path}", names[0], thing, parameters))
    return found


async def take_back(
    held: Sequence[Holding], asked: SystemOrder, holder: Holder, directory: Directory, office: Office
) -> dict[str, Any]:
    """Each under the reference of its own deed, so that asking again takes nothing twice; what was taken."""
    for one in held:
        if one.connector == "directory":
            key = f"{asked.reference}:{one.reference}"
            await directory.set_member(holder, one.thing, False, key, asked.case_id)
        else:
            deed = Deed(DESK_OF[one.connector], one.reference, holder.hr_id, one.parameters, asked.case_id)
            await office.undo(deed)
    return {"count": str(len(held)), "things": ", ".join(dict.fromkeys(one.thing for one in held))}
