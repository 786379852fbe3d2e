"""What other departments wrote down of a customer whose case was handed to them: it goes with the rest."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.employee_requests import EmployeeRequest, RequestFile, RequestHandover, RequestStep
from models.messages.employee_requests.items import StepKind
from models.tickets import Ticket


async def forget_handed_over(session: AsyncSession, customer_id: str) -> list[str]:
    """Blank the answers of requests out of the customer's tickets; the stored names of their files."""
    theirs = select(col(Ticket.id)).where(col(Ticket.customer_id) == customer_id)
    requests = select(col(EmployeeRequest.id)).where(col(EmployeeRequest.ticket_id).in_(theirs))
    ids = list(await session.scalars(requests))
    if not ids:
        return []
    forms = col(RequestStep.request_id).in_(ids), col(RequestStep.kind) == StepKind.FORM.value
    await session.execute(update(RequestStep).where(*forms).values(result={}))
    mine = update(EmployeeRequest).where(col(EmployeeRequest.id).in_(ids))
    await session.execute(mine.values(answers={}, reason=""))
    shown = update(RequestHandover).where(col(RequestHandover.request_id).in_(ids))
    await session.execute(shown.values(answers={}))
    files = col(RequestFile.request_id).in_(ids)
    names = list(await session.scalars(select(col(RequestFile.stored_as)).where(files)))
    await session.execute(update(RequestFile).where(files).values(name=""))
    return names
