"""Customers by name, and those that were looked for: by name, telephone number or e-mail address."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query, Request
from sqlalchemy import Select, func, tuple_
from sqlmodel import col
from starlette.responses import Response

from api.customers.finding import roots_found
from api.customers.routing import router
from api.kit.desk import Desk, DeskAt
from api.kit.finding import MOST, found_by, tidy
from api.kit.forms import Input, Typed, typed
from api.kit.kept import Kept
from api.kit.personal import mask_email, mask_phone
from api.kit.rendering import answer
from api.kit.routes import STAFF
from api.kit.texts import MaybeLine
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
    next: str = ""
    has_more: bool = False  # of a search, which has no second page


class Sought(Input):
    """A part of a name, of a telephone number or of an e-mail address."""

    q: MaybeLine = ""


@router.get("/customers", may=STAFF)
async def index(
    request: Request, desk: Desk, words: Kept, after: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """Find customers; by name, and everybody when nothing is asked."""
    if not after.isprintable():
        raise Refusal("not_found")
    page = await found(desk, words) if words else await everybody(desk, after)
    return answer(request, "customers/index.html", page)


@router.post("/customers/search", may=STAFF)
async def seek(request: Request, desk: Desk, sent: Typed[Sought] = typed(Sought)) -> Response:
    """The same while somebody types; what they type stands in no address."""
    if sent.value is None:
        page = CustomersPage("", ())
        return answer(request, "customers/index.html", page, block="found", form=sent.form, status=422)
    words = tidy(sent.value.q)
    page = await found(desk, words) if words else await everybody(desk, "")
    return answer(request, "customers/index.html", page, block="found")


async def everybody(desk: DeskAt, after: str) -> CustomersPage:
    """One page of all customers by name, after the one with this id: a name would stand in the address."""
    query = lines_of(desk).where(col(Customer.root).is_(None))
    if after:
        name = desk.visible(Customer).with_only_columns(col(Customer.name)).where(col(Customer.id) == after)
        query = query.where(
            tuple_(col(Customer.name), col(Customer.id))
            > tuple_(name.correlate(None).scalar_subquery(), after)
        )
    query = query.order_by(col(Customer.name), col(Customer.id)).limit(PAGE + 1)
    rows = tuple(line_of(row) for row in await desk.session.execute(query))
    more = urlencode({"after": rows[PAGE - 1].id}) if len(rows) > PAGE else ""
    return CustomersPage("", rows[:PAGE], f"/customers?{more}" if more else "")


async def found(desk: DeskAt, words: str) -> CustomersPage:
    """The customers that these words mean, the best first."""
    named = roots_found(desk.person, found_by("ieum_find_customers"))
    query = lines_of(desk).join(named, named.c.id == col(Customer.id)).order_by(named.c.place)
    given = {"words": words, "most": MOST + 1}
    rows = tuple(line_of(row) for row in await desk.session.execute(query, given))
    return CustomersPage(words, rows[:MOST], has_more=len(rows) > MOST)


def lines_of(desk: DeskAt) -> Select[*tuple[Any, ...]]:
    """What the list shows of every customer, with how many of their tickets are open."""
    alive = desk.visible(Ticket).with_only_columns(func.count()).where(
        col(Ticket.customer_id) == col(Customer.id), ~col(Ticket.is_over)
    )  # fmt: skip
    return desk.visible(Customer).with_only_columns(
        col(Customer.id), col(Customer.name), col(Customer.kind), col(Customer.tier), col(Customer.phone),
        col(Customer.email), col(Customer.region), col(Customer.is_verified), col(Customer.created_at),
        alive.correlate(Customer).scalar_subquery(),
    )  # fmt: skip


def line_of(row: Any) -> Line:
    """One fetched row as the list shows it, masked."""
    return Line(
        id=row.id, name=row.name, kind=row.kind, tier=row.tier, phone=mask_phone(row.phone or ""),
        email=mask_email(row.email or ""), region=row.region, is_verified=row.is_verified,
        created_at=row.created_at, open_tickets=row[-1],
    )  # fmt: skip
