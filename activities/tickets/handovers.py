"""What a ticket knows of employees' requests: of those it was handed over by, of the one it visits for."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.employee_requests import EmployeeRequest, RequestHandover, RequestStep
from models.employee_requests.items import RequestItemVersion
from models.messages.tickets import FaultReport

SECRET = {"item_ko": "비공개 요청", "item_en": "a confidential request"}


async def handed_over(session: AsyncSession, request_id: str) -> dict[str, str]:
    """What the request is called in each language;
    of a confidential one only that it is one."""
    handover = await session.get(RequestHandover, request_id) if request_id else None
    if handover is None:
        return {}
    if handover.is_confidential:
        return SECRET
    version = await session.get(RequestItemVersion, (handover.item_key, handover.item_version))
    definition = version.definition if version is not None else None
    names = definition["names"] if definition else {}
    return {f"item_{language}": str(name) for language, name in names.items()}


async def office_visit(session: AsyncSession, fault: FaultReport) -> tuple[str, str]:
    """What is to be done where, for a request that has a technician come to one of our own offices."""
    if fault.topic != "office_visit":
        return "", ""
    steps = select(RequestStep).where(
        col(RequestStep.request_id) == fault.case_id,
        col(RequestStep.details)["ticket_id"].astext == fault.ticket_id,
    )
    row: RequestStep = (await session.scalars(steps)).one()
    request = await session.get_one(EmployeeRequest, row.request_id)
    asked = row.details["parameters"]
    return "" if request.is_confidential else str(asked.get("what", "")), str(asked.get("site", ""))
