"""A request is kept as a draft, and born: row and announcement in one transaction."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from api.employee_requests.files import belong_to
from api.employee_requests.people import Colleague
from api.kit.desk import DeskAt
from models.employee_requests import EmployeeRequest, RequestHandover
from models.kit.ids import employee_request_id
from models.kit.outbox import announce_signal, announce_start
from models.kit.refusals import Refusal
from models.messages.employee_requests.items import Item
from models.messages.employee_requests.requests import (
    ChildAsked,
    RequestOrder,
    RequestStatus,
    request_workflow_id,
)
from models.messages.tickets import ticket_workflow_id


@dataclass(frozen=True)
class Wish:
    """What somebody asks for, for whom, with which answers; `key` makes sending it twice harmless."""

    key: str
    item: Item
    asker: Colleague
    for_employee_id: str
    answers: dict[str, Any]
    ticket_id: str | None = None  # the customer's case that is handed over by it


async def keep(desk: DeskAt, wish: Wish) -> str:
    """Keep a draft; the same form again changes the same draft, and never what was sent."""
    number = await stored(desk, wish, RequestStatus.DRAFT)
    await desk.commit()
    return number


async def send(desk: DeskAt, wish: Wish) -> str:
    """Send a request; the same form again is the same request."""
    earlier = await own(desk, wish.key)
    if earlier is not None and earlier[1] is not RequestStatus.DRAFT:
        return earlier[0]
    number = await stored(desk, wish, RequestStatus.OPEN)
    await belong_to(desk, number, wish.answers)
    now = datetime.now(UTC)
    is_first = await announce_start(
        desk.session, "EmployeeRequest", request_workflow_id(number),
        RequestOrder(
            number, wish.item.key, wish.item.version, desk.person.id, wish.for_employee_id, now,
            is_confidential=wish.item.is_confidential,
            asked_by_workflow=ticket_workflow_id(wish.ticket_id) if wish.ticket_id else "",
        ),
        summary="A request of an employee",
    )  # fmt: skip
    if is_first:
        await tell_its_ticket(desk, wish, number, now)
        for topic in ("employee_requests", f"employee_request:{number}"):
            await desk.session.execute(select(func.pg_notify("ieum_live", topic)))
    await desk.commit()
    return number


async def tell_its_ticket(desk: DeskAt, wish: Wish, number: str, now: datetime) -> None:
    """Show the request on the page of the ticket that is handed over, and tell its life to wait for it."""
    if wish.ticket_id is None:
        return
    row = {
        "request_id": number, "ticket_id": wish.ticket_id, "item_key": wish.item.key,
        "item_version": wish.item.version, "team_id": wish.item.owner_team, "asked_by": desk.person.id,
        "status": RequestStatus.OPEN, "is_confidential": wish.item.is_confidential, "stages": [],
        "answers": {}, "created_at": now, "updated_at": now,
    }  # fmt: skip
    await desk.session.execute(insert(RequestHandover).values(row).inline())
    fact = ChildAsked(number, desk.person.id, now)
    await announce_signal(
        desk.session, ticket_workflow_id(wish.ticket_id), "child_asked", fact, key=f"child_asked:{number}"
    )
    await desk.session.execute(select(func.pg_notify("ieum_live", f"ticket:{wish.ticket_id}")))


async def stored(desk: DeskAt, wish: Wish, status: RequestStatus) -> str:
    """Insert the row, or change the draft that this form already is."""
    now = datetime.now(UTC)
    changes: dict[str, Any] = {
        "item_version": wish.item.version, "for_employee_id": wish.for_employee_id, "status": status,
        "is_confidential": wish.item.is_confidential, "answers": wish.answers,
        "owner_team_id": wish.item.owner_team, "updated_at": now, "created_at": now,
    }  # fmt: skip
    row = {
        "id": employee_request_id(), "submission_key": wish.key, "item_key": wish.item.key,
        "asked_by": desk.person.id, "ticket_id": wish.ticket_id, "parent_path": "", "reason": "", "seq": 0,
        **changes,
    }  # fmt: skip
    await desk.session.execute(insert(EmployeeRequest).values(row).on_conflict_do_nothing().inline())
    found = await own(desk, wish.key)
    if found is None or found[2] != wish.item.key:
        raise Refusal("not_found")  # the key was another form's
    if found[0] != row["id"]:
        mine = col(EmployeeRequest.id) == found[0], col(EmployeeRequest.status) == RequestStatus.DRAFT
        await desk.session.execute(update(EmployeeRequest).where(*mine).values(**changes))
    return found[0]


async def own(desk: DeskAt, key: str) -> tuple[str, RequestStatus, str] | None:
    """The request that this form has already made: its id, status and item."""
    query = desk.visible(EmployeeRequest).with_only_columns(
        col(EmployeeRequest.id), col(EmployeeRequest.status), col(EmployeeRequest.item_key)
    )
    mine = col(EmployeeRequest.asked_by) == desk.person.account_id, col(EmployeeRequest.submission_key) == key
    row = (await desk.session.execute(query.where(*mine))).first()
    return (row[0], row[1], row[2]) if row is not None else None


async def own_draft(desk: DeskAt, id: str) -> EmployeeRequest:
    """A draft of mine; whatever was sent is no draft any more."""
    request = await desk.one(EmployeeRequest, id)
    if request.asked_by != desk.person.account_id:
        raise Refusal("not_found")
    if request.status is not RequestStatus.DRAFT:
        raise Refusal("request_sent")
    return request


async def discard(desk: DeskAt, id: str) -> None:
    """Throw a draft away."""
    draft = await own_draft(desk, id)
    mine = col(EmployeeRequest.id) == draft.id, col(EmployeeRequest.status) == RequestStatus.DRAFT
    await desk.session.execute(delete(EmployeeRequest).where(*mine))
    await desk.commit()
