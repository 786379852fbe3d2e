"""Finding a customer by name, by a part of the telephone number, or by e-mail address."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query, Request
from sqlalchemy import Select, func, or_, tuple_
from sqlmodel import col
from starlette.responses import Response

from api.customers.routing import router
from api.kit.desk import Desk, DeskAt
from api.kit.personal import mask_email, mask_phone
from api.kit.rendering import answer
from api.kit.routes import STAFF
from models.customers import Customer
from models.kit.refusals import Refusal
from models.messages.customers import CustomerKind, Tier
from models.tickets import Ticket

PAGE = 50


@dataclass(frozen=True)
class Line:
    """One customer in the list, masked."""

    id: str
    name: str
    kind: CustomerKind
    tier: Tier
    phone: str
    email: str
    region: str
    is_verified: bool
    created_at: datetime
    open_tickets: int


@dataclass(frozen=True)
class CustomersPage:
    """One page of found customers."""

    q: str
    rows: tuple[Line, ...]
    next: str


@router.get("/customers", may=STAFF)
async def index(
    request: Request,
    desk: Desk,
    q: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Find customers; by name, and everybody when nothing is asked."""
    if "\x00" in q + after:
        raise Refusal("not_found")
    page = await found(desk, q.strip(), after)
    return answer(request, "customers/index.html", page)


async def found(desk: DeskAt, q: str, after: str) -> CustomersPage:
    """One page of customers after the cursor, by name."""
    alive = desk.visible(Ticket).with_only_columns(func.count()).where(
        col(Ticket.customer_id) == col(Customer.id), ~col(Ticket.is_over)
    )  # fmt: skip
    query: Any = desk.visible(Customer).with_only_columns(
        col(Customer.id), col(Customer.name), col(Customer.kind), col(Customer.tier), col(Customer.phone),
        col(Customer.email), col(Customer.region), col(Customer.is_verified), col(Customer.created_at),
        alive.correlate(Customer).scalar_subquery(),
    )  # fmt: skip
    name, _sep, last = after.rpartition("|")
    if last:
        query = query.where(tuple_(col(Customer.name), col(Customer.id)) > (name, last))
    query = matching(query, q).order_by(col(Customer.name), col(Customer.id)).limit(PAGE + 1)
    lines = (await desk.session.execute(query)).all()
    rows = tuple(
        Line(
            id=line.id, name=line.name, kind=line.kind, tier=line.tier, phone=mask_phone(line.phone or ""),
            email=mask_email(line.email or ""), region=line.region, is_verified=line.is_verified,
            created_at=line.created_at, open_tickets=line[-1],
        )
        for line in lines[:PAGE]
    )  # fmt: skip
    more = f"{lines[PAGE - 1].name}|{lines[PAGE - 1].id}" if len(lines) > PAGE else ""
    return CustomersPage(q, rows, f"/customers?{urlencode({'q': q, 'after': more})}" if more else "")


def matching(query: Select[Any], q: str) -> Select[Any]:
    """Digits look for a telephone number, an @ for an e-mail address, anything else for a name."""
    digits = re.sub(r"[\s\-().+]", "", q)
    if not q:
        return query
    if digits.isascii() and digits.isdigit() and len(digits) >= 3:
        return query.where(col(Customer.phone).contains(digits.removeprefix("0"), autoescape=True))
    if "@" in q:
        return query.where(col(Customer.email) == q.lower())
    return query.where(or_(col(Customer.name).icontains(q, autoescape=True), col(Customer.id) == q))
