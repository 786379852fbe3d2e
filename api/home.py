"""My work today: for everybody their own first page, read from many words and writing none."""

from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request
from sqlmodel import col
from starlette.responses import Response

from api.customers.card import ProductLine, TicketLine, products_of, tickets_of
from api.customers.running import Running, running
from api.kit.desk import Desk, DeskAt
from api.kit.people import Kind
from api.kit.rendering import answer, move_on
from api.kit.routes import ANYONE, SIGNED_IN, Router
from api.tickets.queue import OWN, Filters, Row, View, in_view, listed, row_of, views, with_names
from models.messages.staff import Role
from models.tickets import Ticket

router = Router()
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

    @property
    def open_tickets(self) -> tuple[TicketLine, ...]:
        """Those that are still alive."""
        return tuple(ticket for ticket in self.tickets if not ticket.is_over)


@dataclass(frozen=True)
class EmployeeHome:
    """An employee's start; their catalogue of requests comes with a later journey."""

    name: str


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
        return answer(request, "home/employee.html", EmployeeHome(person.name))
    if person.kind in (Kind.TECHNICIAN, Kind.PARTNER):
        return move_on(request, "/field-service")
    if person.roles & {Role.AGENT, Role.DISPATCHER}:
        return answer(request, "home/desk.html", await desk_home(desk))
    return move_on(request, "/journeys" if Role.ADMIN in person.roles else "/billing/invoices")


async def desk_home(desk: DeskAt) -> DeskHome:
    """What waits for this agent, and what is already late in their team."""
    mine = await listed(desk.session, desk.person, Filters(view="mine"), MINE)
    late = (
        desk.visible(Ticket)
        .with_only_columns(*OWN)
        .where(in_view("open", desk.person, datetime.now(UTC)), col(Ticket.next_due) < datetime.now(UTC))
        .order_by(col(Ticket.next_due), col(Ticket.id))
        .limit(BROKEN)
    )
    broken = tuple(row_of(line) for line in await desk.session.execute(with_names(late)))
    return DeskHome(await views(desk.session, desk.person, Filters(view="")), mine.rows, broken)


async def customer_home(desk: DeskAt) -> CustomerHome:
    """What this customer owns, their tickets, the newest first, and what else is under way."""
    customer_id = desk.person.customer_id or ""
    return CustomerHome(
        desk.person.name,
        await products_of(desk.session, desk.person, customer_id),
        await tickets_of(desk.session, desk.person, customer_id, 30),
        await running(desk),
    )
