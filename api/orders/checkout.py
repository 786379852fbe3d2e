"""The till: the cart's quote once more, where the goods go, how it is paid; one press makes it an order."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote as quoted

from fastapi import Query, Request
from pydantic import BeforeValidator
from sqlalchemy import update
from sqlmodel import col
from starlette.responses import Response

from api.catalogue.cart import cart_key, clear, lines_of
from api.catalogue.shelf import name_of, running_plans, shelf_of, today
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.people import Kind
from api.kit.personal import reveal
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import AGENTS, ANYONE, CUSTOMERS
from api.kit.texts import Count, Key, Line, MaybeKey, MaybeLine, Name, Phone
from api.orders.birth import Wish, earlier_order, place
from api.orders.routing import router
from api.payments.methods import active_of
from models.customers import Customer
from models.kit.refusals import Refusal
from models.messages.catalogue import Quote
from models.messages.orders import ShipTo
from models.rules.catalogue import problems, quote
from models.rules.field_service import region_of

REACHED = ("name", "phone", "address", "postcode")


def _whole(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdigit() else value


Amount = Annotated[Count, BeforeValidator(_whole)]


class Ordering(Input):
    """An order as it is sent: the amounts are those that were seen."""

    submission_key: Key
    customer_id: MaybeKey = None  # for whom an agent orders
    once_minor: Amount
    monthly_minor: Amount
    ship_name: Name
    ship_phone: Phone
    ship_postcode: MaybeLine = ""
    ship_address: Line
    method_id: MaybeKey = None  # nothing: by the link in the letter


@dataclass(frozen=True)
class Shown:
    """One line of the quote in the reader's language."""

    name: str
    quantity: int
    once_minor: int
    monthly_minor: int


@dataclass(frozen=True)
class CheckoutPage:
    """The till."""

    quote: Quote
    lines: tuple[Shown, ...]
    customer_id: str
    customer_name: str
    to: ShipTo
    methods: tuple[tuple[str, str], ...]
    is_desk: bool
    in_cart: int = 0


@router.get("/orders/new", may=ANYONE, reveals="to send an order")
async def new(request: Request, desk: Desk, customer: Annotated[str, Query(max_length=64)] = "") -> Response:
    """Show the till; a guest signs up on the way, an agent names the customer."""
    if desk.person.kind not in (Kind.CUSTOMER, Kind.STAFF):
        return move_on(request, "/signup?return_to=" + quoted("/orders/new"))
    if desk.person.kind is Kind.STAFF and not desk.person.is_desk:
        raise Refusal("not_allowed")
    if desk.person.is_desk and not customer:
        return move_on(request, "/customers")
    buyer = await buyer_of(desk, customer)
    priced = await quote_of(request, desk, buyer.id)
    if priced is None:
        return move_on(request, "/shop/cart")
    return answer(request, "orders/new.html", await till(desk, buyer, priced))


@router.post("/orders", may=CUSTOMERS | AGENTS, reveals="to send an order")
async def order(request: Request, desk: Desk, sent: Typed[Ordering] = typed(Ordering)) -> Response:
    """Make the cart an order, at the prices that were seen."""
    chosen = sent.value.customer_id if sent.value else str(sent.form.value("customer_id"))
    buyer = await buyer_of(desk, chosen or "")
    priced = await quote_of(request, desk, buyer.id)
    if sent.value is None:
        if priced is None:
            raise Refusal("invalid_form")
        page = await till(desk, buyer, priced)
        return answer(
            request, "orders/new.html", page, status=422, form=Form(sent.form.values, sent.form.errors)
        )
    number = await accept(request, desk, buyer, priced, sent.value)
    return move_on(request, f"/orders/{number}", data={"id": number}, status=201)


async def accept(
    request: Request, desk: DeskAt, buyer: Customer, priced: Quote | None, given: Ordering
) -> str:
    """Store the order; a form that was sent before has its order already, and an empty cart."""
    if earlier := await earlier_order(desk, buyer.id, given.submission_key):
        return earlier
    if given.method_id is not None:
        known = {method for method, _ in await active_of(desk, buyer.id)}
        if given.method_id not in known:
            raise Refusal("not_found")
    if priced is None:
        raise Refusal("cart_empty")
    if (priced.once_minor, priced.monthly_minor) != (given.once_minor, given.monthly_minor):
        raise Refusal("cart_changed")
    region = region_of(given.ship_postcode, given.ship_address, buyer.region)
    to = ShipTo(given.ship_name, given.ship_phone, given.ship_postcode, given.ship_address, region)
    wish = Wish(given.submission_key, buyer.id, priced, to, given.method_id)
    number = await place(desk, wish)
    await move_in(desk, buyer, to)
    await clear(desk, cart_key(request, desk.person))
    await desk.commit()
    return number


async def move_in(desk: DeskAt, buyer: Customer, to: ShipTo) -> None:
    """Who has told us no address yet is at home where the order goes: technicians come there."""
    homeless = col(Customer.id) == buyer.id, col(Customer.address) == ""
    home = {"postcode": to.postcode, "address": to.address, "region": to.region}
    moved = update(Customer).where(*homeless).values(**home, version=col(Customer.version) + 1)
    await desk.session.execute(moved)


async def buyer_of(desk: DeskAt, customer_id: str) -> Customer:
    """Whose order it becomes: the customer's own, or the one whom the agent names."""
    if desk.person.kind is Kind.CUSTOMER:
        if customer_id not in ("", desk.person.customer_id):
            raise Refusal("not_found")
        return await desk.one(Customer, desk.person.customer_id)
    return await desk.one(Customer, customer_id)


async def quote_of(request: Request, desk: DeskAt, customer_id: str) -> Quote | None:
    """The price of the asker's cart today; nothing while it cannot be sold."""
    cart = [placed.line for placed in await lines_of(desk, cart_key(request, desk.person))]
    shelf, families = await shelf_of(desk), set((await running_plans(desk, customer_id)).values())
    if not cart or problems(cart, shelf, today(), families):
        return None
    return quote(cart, shelf, today(), families)


async def till(desk: DeskAt, buyer: Customer, priced: Quote) -> CheckoutPage:
    """Everything that the till shows."""
    shown = tuple(
        Shown(name_of(line), line.quantity, line.once_minor, line.monthly_minor) for line in priced.lines
    )
    known = await reveal(desk, buyer.id, action="orders.new", purpose="to send an order", only=REACHED)
    phone = buyer.phone_as_given if desk.person.customer_id == buyer.id else None
    to = ShipTo(known.name, phone or known.phone, known.postcode, known.address, buyer.region)
    methods = await active_of(desk, buyer.id)
    return CheckoutPage(priced, shown, buyer.id, buyer.name, to, methods, desk.person.is_desk)
