"""Orders as a list: the customer's own, or the desk's by status and number, page by page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Query, Request
from sqlalchemy import or_, tuple_
from sqlmodel import col
from starlette.responses import Response

from api.kit.desk import Desk, DeskAt
from api.kit.kept import Kept, Words
from api.kit.people import Kind
from api.kit.rendering import answer
from api.kit.routes import CUSTOMERS, STAFF
from api.orders.routing import router
from models.customers import Customer
from models.messages.orders import OrderStatus
from models.orders import Order

PAGE = 50
OPEN = "open"


@dataclass(frozen=True)
class Row:
    """One order in the list."""

    id: str
    customer: str
    status: OrderStatus
    once_minor: int
    monthly_minor: int
    placed_at: datetime


@dataclass(frozen=True)
class ListPage:
    """One page of orders."""

    rows: tuple[Row, ...]
    status: str
    statuses: tuple[OrderStatus, ...]
    q: Words
    next: str
    is_theirs: bool


@router.get("/orders", may=CUSTOMERS | STAFF)
async def index(
    request: Request,
    desk: Desk,
    words: Kept,
    status: Annotated[str, Query(max_length=32)] = "",
    after: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """List orders, the newest first."""
    return answer(request, "orders/index.html", await listed(desk, status, words, after))


async def listed(desk: DeskAt, status: str, q: Words, after: str) -> ListPage:
    """One page by keyset: the cursor is moment and number of the last row."""
    place = col(Order.placed_at), col(Order.id)
    query = (
        desk.visible(Order)
        .with_only_columns(
            col(Order.id), col(Customer.name), col(Order.status), col(Order.once_minor),
            col(Order.monthly_minor), col(Order.placed_at),
        )
        .join(Customer, col(Customer.id) == col(Order.customer_id))
    )  # fmt: skip
    if status == OPEN:
        query = query.where(~col(Order.is_over))
    elif status in set(OrderStatus):
        query = query.where(col(Order.status) == OrderStatus(status))
    if q and q.isprintable():
        query = query.where(or_(col(Order.id) == q.upper(), col(Customer.name).ilike(f"%{escaped(q)}%")))
    if cursor := cursor_of(after):
        query = query.where(tuple_(*place) < cursor)
    query = query.order_by(*(one.desc() for one in place)).limit(PAGE + 1)
    found = [Row(*row) for row in await desk.session.execute(query)]
    last = found[PAGE - 1] if len(found) > PAGE else None
    address = q.address(
        "/orders", status=status, after=f"{last.placed_at.isoformat()}~{last.id}" if last else ""
    )
    is_theirs = desk.person.kind is Kind.CUSTOMER
    return ListPage(tuple(found[:PAGE]), status, tuple(OrderStatus), q, address if last else "", is_theirs)


def escaped(q: str) -> str:
    """What somebody types is text, never a pattern."""
    return q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def cursor_of(after: str) -> tuple[datetime, str] | None:
    """Where the page begins; an address that was not ours begins at the top."""
    moment, _, id = after.partition("~")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return (at, id) if at.tzinfo is not None and id.isalnum() else None
