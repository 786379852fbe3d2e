"""A visit to one of our own offices: a request asks for a ticket, which sends somebody as to any customer."""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from activities.kit.roots import root_of
from models.customers import Customer
from models.employee_requests import RequestStep
from models.kit import ids
from models.kit.outbox import announce_start, announce_update
from models.messages.customers import CustomerKind, Tier
from models.messages.employee_requests.lives import CallOrder
from models.messages.employee_requests.requests import request_workflow_id
from models.messages.tickets import Cancel, FaultReport, TicketKind, TicketSettled, ticket_workflow_id
from models.staff import Employee

UNDO = "call_off_visit"


async def ask_for_visit(session: AsyncSession, order: CallOrder, person: Employee) -> dict[str, Any]:
    """Announce the ticket of a step, once; an undo calls off what was announced."""
    mine = order.request_id, order.path
    row = await session.get_one(RequestStep, mine, with_for_update=True)
    known = str(row.details.get("ticket_id", ""))
    if order.operation == UNDO:
        if known:
            off = Cancel(f"{order.request_id}.{order.path}:off", "", row.since, "system")
            await announce_update(session, ticket_workflow_id(known), "cancel", off)
        return {}
    if not known:
        number = await session.scalar(text("select nextval('ticket_numbers')"))
        known = ids.ticket_id(int(number or 0))
        row.details = {**row.details, "ticket_id": known}
        fault = FaultReport(
            known, await _customer_behind(session, person, row), row.since, kind=TicketKind.INSTALLATION,
            case_id=order.request_id, asked_by=request_workflow_id(order.request_id), topic="office_visit",
        )  # fmt: skip
        summary = f"A visit for {order.request_id}"
        await announce_start(session, "Ticket", ticket_workflow_id(known), fault, summary=summary)
    return {"ticket": known}


async def _customer_behind(session: AsyncSession, person: Employee, row: RequestStep) -> str:
    """Who opens the door: the colleague, by their address at work, as a customer like any other."""
    born = {
        "id": ids.fresh("cus"), "kind": CustomerKind.PERSON, "name": person.name,
        "email": person.email.lower(), "locale": "ko", "tier": Tier.STANDARD, "postcode": "", "address": "",
        "region": "", "is_verified": False, "created_at": row.since, "version": 1,
    }  # fmt: skip
    await session.execute(insert(Customer).values(born).on_conflict_do_nothing(index_elements=["email"]))
    found = await session.scalars(select(Customer).where(col(Customer.email) == born["email"]))
    return str((await root_of(session, found.one())).id)


async def note_visit(session: AsyncSession, request_id: str, fact: TicketSettled) -> str:
    """Keep how the visit of a step has ended; the step's path. Safe to repeat: it ends once."""
    steps = select(RequestStep).where(
        col(RequestStep.request_id) == request_id,
        col(RequestStep.details)["ticket_id"].astext == fact.ticket_id,
    )
    row: RequestStep | None = await session.scalar(steps)
    if row is None:
        return ""
    row.result = {**row.result, "outcome": "done" if fact.is_done else "not_done"}
    return row.path
