"""The cart: what is in it, what is wrong with it, what it costs now, in the first month and later."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated

from fastapi import Request
from pydantic import Field
from starlette.responses import Response

from api.catalogue.cart import (
    MOST_LINES,
    Placed,
    cart_key,
    change,
    key_for_writing,
    lines_of,
    put,
    remember,
    take_out,
)
from api.catalogue.offers import Suggestion, suggestions
from api.catalogue.problems import item_names, sentence
from api.catalogue.routing import router
from api.catalogue.shelf import name_of, running_plans, shelf_of, today
from api.kit import throttles
from api.kit.desk import Desk, DeskAt
from api.kit.forms import Input, Typed, typed
from api.kit.language import gettext as _
from api.kit.people import Kind
from api.kit.rendering import Form, answer, move_on
from api.kit.routes import ANYONE
from api.kit.texts import Count, MaybeKey
from models.kit.refusals import Refusal
from models.messages.catalogue import CartLine, PriceKind, Quote
from models.rules.catalogue import MOST, Problem, Shelf, problems, quote, taken


class Wanted(Input):
    """One product or plan for the cart; bundles come from their own page."""

    product_id: MaybeKey = None
    plan_id: MaybeKey = None
    quantity: Annotated[int, Field(ge=1, le=MOST)] = 1


class Quantity(Input):
    """How many of a line."""

    quantity: Annotated[int, Field(ge=1, le=MOST)]


@dataclass(frozen=True)
class Row:
    """One line of the cart as it is shown."""

    position: int
    href: str
    name: str
    parts: tuple[str, ...]
    quantity: int
    once_minor: int | None
    first_minor: int | None
    monthly_minor: int | None
    is_metered: bool
    errors: tuple[str, ...]


@dataclass(frozen=True)
class CartPage:
    """The cart with its price; `quote` leaves out what cannot be sold."""

    rows: tuple[Row, ...]
    quote: Quote | None
    is_complete: bool
    errors: tuple[str, ...]
    offers: tuple[Suggestion, ...]
    in_cart: int
    valid_until: date | None
    is_known: bool  # a customer who signed in


@router.get("/shop/cart", may=ANYONE)
async def show(request: Request, desk: Desk) -> Response:
    """Show the cart."""
    return answer(request, "catalogue/cart.html", await cart_page(request, desk))


@router.post("/shop/cart", may=ANYONE)
async def add(request: Request, desk: Desk, sent: Typed[Wanted] = typed(Wanted)) -> Response:
    """Put a product or plan into the cart."""
    await throttles.count(desk.session, request.app.state.limits.shopping(desk.person.address))
    wanted = sent.value
    if wanted is None:
        return answer(
            request, "catalogue/cart.html", await cart_page(request, desk), status=422, form=sent.form
        )
    line = CartLine(product_id=wanted.product_id, plan_id=wanted.plan_id, quantity=wanted.quantity)
    if any(one.code == "unknown" for one in problems((line,), await shelf_of(desk), today())):
        raise Refusal("not_found")
    key, token = key_for_writing(request, desk.person)
    await put(desk, key, line)
    await desk.commit()
    return remember(request, move_on(request, "/shop/cart", status=201), token)


@router.post("/shop/cart/{ordinal}", may=ANYONE)
async def set_quantity(
    request: Request, desk: Desk, ordinal: Count, sent: Typed[Quantity] = typed(Quantity)
) -> Response:
    """Change how many of a line are wanted; a wrong number comes back at its line."""
    key = cart_key(request, desk.person)
    placed = next((one for one in await lines_of(desk, key) if one.position == ordinal), None)
    if placed is None:
        raise Refusal("not_found")
    if sent.value is None:
        errors = {f"quantity_{ordinal}": said for said in sent.form.errors.values()}
        typed_in = {f"quantity_{ordinal}": sent.form.value("quantity")}
        return await again(request, desk, Form(typed_in, errors), 422)
    await change(desk, key, ordinal, replace(placed.line, quantity=sent.value.quantity))
    await desk.commit()
    return await again(request, desk)


@router.post("/shop/cart/{ordinal}/removal", may=ANYONE)
async def remove(request: Request, desk: Desk, ordinal: Count) -> Response:
    """Take a line out."""
    key = cart_key(request, desk.person)
    await take_out(desk, key, ordinal)
    await desk.commit()
    return await again(request, desk)


async def again(request: Request, desk: DeskAt, form: Form | None = None, status: int = 200) -> Response:
    """The cart after a change: its part for htmx, else the page anew."""
    if form is None and request.headers.get("hx-request") != "true":
        return move_on(request, "/shop/cart")
    page = await cart_page(request, desk)
    return answer(request, "catalogue/cart.html", page, block="cart", status=status, form=form)


async def cart_page(request: Request, desk: DeskAt) -> CartPage:
    """Read and price the cart of whoever asks."""
    placed = await lines_of(desk, cart_key(request, desk.person))
    shelf, lines = await shelf_of(desk), [one.line for one in placed]
    running = await running_plans(desk, desk.person.customer_id)
    found = problems(lines, shelf, today(), set(running.values()))
    broken = {one.position for one in found}
    families = {*running.values(), *(one.terms.family for one in shelf.plans if one.terms.family)}
    good = [line for n, line in enumerate(lines, start=1) if n not in broken]
    made = quote(good, shelf, today(), families) if good else None
    return CartPage(
        rows=tuple(
            row_of(one, shelf, [p for p in found if p.position == n], families)
            for n, one in enumerate(placed, start=1)
        ),
        quote=made,
        is_complete=bool(lines) and not found,
        errors=(_("The cart is full."),) if len(lines) >= MOST_LINES else (),
        offers=await suggestions(desk, desk.person.customer_id, lines),
        in_cart=len(lines),
        valid_until=made.valid_until if made else None,
        is_known=desk.person.kind is Kind.CUSTOMER,
    )


def row_of(placed: Placed, shelf: Shelf, wrong: Sequence[Problem], families: set[str]) -> Row:
    """One line with its name, its parts, its price and what is wrong with it."""
    line, day = placed.line, today()
    bundle, plan = shelf.bundle(line.bundle_id, day), shelf.plan(line.plan_id, day)
    thing = bundle.terms if bundle else plan.terms if plan else shelf.product(line.product_id)
    names = item_names(bundle.terms, shelf) if bundle else {}
    made = quote((line,), shelf, day, families) if not wrong else None
    return Row(
        placed.position,
        href_of(line),
        name_of(thing) if thing is not None else _("No longer sold"),
        tuple(names[part.code] for part in taken(bundle.terms, line.chosen)) if bundle else (),
        line.quantity,
        made.once_minor if made else None,
        made.first_minor if made else None,
        made.monthly_minor if made else None,
        plan is not None and plan.terms.price.kind is PriceKind.USAGE,
        tuple(sentence(one, names) for one in wrong),
    )


def href_of(line: CartLine) -> str:
    """Where a line's thing is shown."""
    if line.bundle_id:
        return f"/shop/bundles/{line.bundle_id}"
    return f"/shop/plans/{line.plan_id}" if line.plan_id else f"/shop/products/{line.product_id}"
