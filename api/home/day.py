"""My work today: for everybody their own first page, read from many words and writing none."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from fastapi import Request
from sqlalchemy import Select
from sqlmodel import col
from starlette.responses import Response

from api.catalogue.offers import Suggestion, suggestions
from api.customers.card import ProductLine, TicketLine, products_of, tickets_of
from api.customers.running import Running, running
from api.employee_requests.mine import home_page
from api.home.routing import router
from api.kit.desk import Desk, DeskAt
from api.kit.people import Kind, Person
from api.kit.rendering import answer, move_on
from api.kit.routes import ANYONE, SIGNED_IN
from api.kit.together import together
from api.kit.visible import REMEMBERED, visible
from api.tickets.filters import Filters
from api.tickets.queue import (
    DUE,
    OWN,
    Row,
    View,
    counts_asked,
    first_asked,
    in_view,
    row_of,
    views_of,
    with_names,
)  # fmt: skip
from models.messages.staff import Role
from models.tickets import Ticket

MINE, BROKEN = 15, 8


@dataclass(frozen=True)
class DeskHome:
    """An agent's day: what is mine by deadline, what is late, how much there is."""

    views: tuple[View, ...]
    rows: tuple[Row, ...]
    broken: tuple[Row, ...]


@dataclass(frozen=True)
class CustomerHome:
    """A customer's start: what they own and what runs."""

    name: str
    products: tuple[ProductLine, ...]
    tickets: tuple[TicketLine, ...]
    running: Running
    offers: tuple[Suggestion, ...] = ()  # what fits to what they own, and why

    @property
    def open_tickets(self) -> tuple[TicketLine, ...]:
        """Those that are still alive."""
        return tuple(ticket for ticket in self.tickets if not ticket.is_over)


@router.get("/", may=ANYONE)
async def start(request: Request, desk: Desk) -> Response:
    """Lead everybody to where they begin: their work, or the public form."""
    return move_on(request, "/home" if desk.person else "/report")


@router.get("/home", may=SIGNED_IN)
async def home(request: Request, desk: Desk) -> Response:
    """Show the first page of whoever signed in."""
    person = desk.person
    if person.kind is Kind.CUSTOMER:
        page = await customer_home(desk)
        return answer(request, "home/customer.html", page)
    if person.kind is Kind.EMPLOYEE:
        return answer(request, "employee_requests/home.html", await home_page(desk))
    if Role.PARTNER_DISPATCHER in person.roles and person.kind is Kind.PARTNER:
        return move_on(request, "/partners/desk")
    if person.kind in (Kind.TECHNICIAN, Kind.PARTNER):
        return move_on(request, "/field-service")
    if person.roles & {Role.AGENT, Role.DISPATCHER}:
        return answer(request, "home/desk.html", await desk_home(desk))
    return move_on(request, "/journeys" if Role.ADMIN in person.roles else "/billing/invoices")


@lru_cache(maxsize=REMEMBERED)
def late_query(person: Person) -> Select[Any]:
    """The open tickets whose deadline has passed, the longest first."""
    late = (
        visible(person, Ticket)
        .with_only_columns(*OWN)
        .where(in_view("open", person), col(Ticket.next_due) < DUE)
    )
    return with_names(late.order_by(col(Ticket.next_due), col(Ticket.id)).limit(BROKEN))


async def desk_home(desk: DeskAt) -> DeskHome:
    """What waits for this agent, and what is already late in their team."""
    person, now = desk.person, {"due": datetime.now(UTC)}
    mine, late, numbers = await together(
        desk.session,
        first_asked(person, Filters(view="mine"), MINE), (late_query(person), now), counts_asked(person),
    )  # fmt: skip
    return DeskHome(
        views_of(numbers[0], Filters(view="")), tuple(map(row_of, mine[:MINE])), tuple(map(row_of, late))
    )


async def customer_home(desk: DeskAt) -> CustomerHome:
    """What this customer owns, their tickets, the newest first, and what else is under way."""
    customer_id = desk.person.customer_id or ""
    return CustomerHome(
        desk.person.name,
        await products_of(desk.session, desk.person, customer_id),
        await tickets_of(desk.session, desk.person, customer_id, 30),
        await running(desk),
        await suggestions(desk, customer_id),
    )
