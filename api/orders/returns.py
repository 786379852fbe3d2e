"""Returns as their customer and the desk see them: the list, one of them, and what may be done now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Query, Request
from sqlalchemy import or_, tuple_
from sqlmodel import col
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.kept import Kept, Words
from api.kit.language import locale
from api.kit.people import Kind
from api.kit.rendering import Form, answer
from api.kit.routes import CUSTOMERS, STAFF, by_link
from api.kit.texts import Key
from api.orders.index import OPEN, PAGE, cursor_of, escaped
from api.orders.routing import router
from api.orders.told import Told, Wait, story_of, waits_of
from models.customers import Customer
from models.kit.records import from_record
from models.messages.orders import ShipmentStatus
from models.messages.orders.returns import (
    Condition,
    ReturnGround,
    ReturnKind,
    ReturnPolicy,
    ReturnStatus,
    return_workflow_id,
)
from models.messages.staff import LinkPurpose
from models.orders import Return, ReturnLine, ReturnScan
from models.rules.orders import returns as rules

RETURN = by_link(LinkPurpose.RETURN)
FOUND = (Condition.WHOLE, Condition.USED, Condition.DAMAGED, Condition.WRONG, Condition.MISSING)


@dataclass(frozen=True)
class ReturnRow:
    """One return in the list."""

    id: str
    customer: str
    kind: ReturnKind
    ground: ReturnGround
    status: ReturnStatus
    back_minor: int
    asked_at: datetime


@dataclass(frozen=True)
class ReturnsPage:
    """One page of returns."""

    rows: tuple[ReturnRow, ...]
    status: str
    statuses: tuple[ReturnStatus, ...]
    q: Words
    next: str
    is_theirs: bool


@dataclass(frozen=True)
class BackLine:
    """One line of a return."""

    position: int
    name: str
    quantity: int
    paid_minor: int
    condition: Condition | None
    deducted_minor: int


@dataclass(frozen=True)
class ReturnPage:
    """Everything that is shown of one return."""

    back: Return
    customer: str
    base: str
    is_theirs: bool
    lines: tuple[BackLine, ...]
    waits: tuple[Wait, ...]
    scans: tuple[tuple[datetime, ShipmentStatus, str], ...]
    href: str  # where the carrier's page shows it
    policy: ReturnPolicy
    story: tuple[Told, ...]
    may: frozenset[str]
    found: tuple[Condition, ...] = FOUND


@router.get("/orders/returns", may=CUSTOMERS | STAFF)
async def returns(
    request: Request,
    desk: Desk,
    words: Kept,
    status: Annotated[str, Query(max_length=32)] = "",
    after: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """List returns, the newest first."""
    return answer(request, "orders/returns.html", await listed(desk, status, words, after))


async def listed(desk: DeskAt, status: str, q: Words, after: str) -> ReturnsPage:
    """One page by keyset: the cursor is moment and number of the last row."""
    place = col(Return.asked_at), col(Return.id)
    query = (
        desk.visible(Return)
        .with_only_columns(
            col(Return.id), col(Customer.name), col(Return.kind), col(Return.ground), col(Return.status),
            col(Return.back_minor), col(Return.asked_at),
        )
        .join(Customer, col(Customer.id) == col(Return.customer_id))
    )  # fmt: skip
    if status == OPEN:
        query = query.where(~col(Return.is_over))
    elif status in set(ReturnStatus):
        query = query.where(col(Return.status) == ReturnStatus(status))
    if q and q.isprintable():
        named = col(Customer.name).ilike(f"%{escaped(q)}%")
        query = query.where(or_(col(Return.id) == q, col(Return.order_id) == q.upper(), named))
    if cursor := cursor_of(after):
        query = query.where(tuple_(*place) < cursor)
    query = query.order_by(*(one.desc() for one in place)).limit(PAGE + 1)
    found = [ReturnRow(*row) for row in await desk.session.execute(query)]
    last = found[PAGE - 1] if len(found) > PAGE else None
    address = q.address(
        "/orders/returns", status=status, after=f"{last.asked_at.isoformat()}~{last.id}" if last else ""
    )
    is_theirs = desk.person.kind is Kind.CUSTOMER
    return ReturnsPage(
        tuple(found[:PAGE]), status, tuple(ReturnStatus), q, address if last else "", is_theirs
    )


async def returns_of(desk: DeskAt, order_id: str) -> tuple[ReturnRow, ...]:
    """The returns of one order, the newest first."""
    query = desk.visible(Return).where(col(Return.order_id) == order_id).order_by(col(Return.asked_at).desc())
    return tuple(
        ReturnRow(one.id, "", one.kind, one.ground, one.status, one.back_minor, one.asked_at)
        for one in await desk.session.scalars(query)
    )


@router.get("/orders/returns/{return_id}", may=CUSTOMERS | STAFF, row="return")
async def show_return(request: Request, desk: Desk, return_id: Key) -> Response:
    """Show one return."""
    return await return_shown(request, desk, return_id)


@router.get("/links/{token}/return", may=RETURN)
async def follow_return(request: Request, desk: Desk, token: str) -> Response:
    """Follow one return without signing in."""
    return await return_shown(request, desk, str(desk.person.subject), base=f"/links/{token}/return")


async def return_shown(
    request: Request,
    desk: DeskAt,
    return_id: str,
    *,
    base: str = "",
    form: Form | None = None,
    status: int = 200,
) -> Response:
    """The page, or its live part."""
    address = base or f"/orders/returns/{return_id}"
    page = await return_page(request, desk, return_id, address)
    return answer(request, "orders/return.html", page, status=status, form=form)


async def return_page(request: Request, desk: DeskAt, return_id: str, base: str) -> ReturnPage:
    """Read one return."""
    back = await desk.one(Return, return_id)
    customer = await desk.one(Customer, back.customer_id)
    is_theirs = desk.person.kind is not Kind.STAFF
    waits = await waits_of(desk, return_id, return_workflow_id(return_id))
    possible = frozenset().union(*(rules.may(back.status, one) for one in ("", *(w.what for w in waits))))
    mine = frozenset({"call_off"}) if is_theirs else possible if desk.person.is_desk else frozenset()
    tracking = request.app.state.settings.tracking_url
    return ReturnPage(
        back, customer.name, base, is_theirs, await lines_of(desk, return_id), waits,
        await scans_of(desk, return_id), f"{tracking}/{back.tracking}" if back.tracking else "",
        from_record(ReturnPolicy, back.policy) if back.policy else ReturnPolicy(),
        await story_of(desk, return_id, is_theirs=is_theirs), possible & mine,
    )  # fmt: skip


async def lines_of(desk: DeskAt, return_id: str) -> tuple[BackLine, ...]:
    """What comes back, and how it was found."""
    query = desk.visible(ReturnLine).where(col(ReturnLine.return_id) == return_id)
    return tuple(
        BackLine(
            one.position, one.name_ko if locale() == "ko" else one.name_en, one.quantity, one.paid_minor,
            one.condition, one.deducted_minor,
        )
        for one in await desk.session.scalars(query.order_by(col(ReturnLine.position)))
    )  # fmt: skip


async def scans_of(desk: DeskAt, return_id: str) -> tuple[tuple[datetime, ShipmentStatus, str], ...]:
    """The carrier's scans, the newest first."""
    query = desk.visible(ReturnScan).where(col(ReturnScan.return_id) == return_id)
    seen = await desk.session.scalars(query.order_by(col(ReturnScan.at).desc()))
    return tuple((one.at, one.status, one.place) for one in seen)
