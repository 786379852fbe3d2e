"""The shop: what is sold today, for everybody, with exact prices for the first and every later month."""

from dataclasses import dataclass
from datetime import date

from fastapi import Request
from starlette.responses import Response

from api.catalogue.cart import cart_key, count_of, lines_of
from api.catalogue.offers import Suggestion, suggestions
from api.catalogue.prices import Stage, notes, stages, tiers
from api.catalogue.routing import router
from api.catalogue.shelf import (
    about_of,
    bundles_by_id,
    name_of,
    plans_by_id,
    products_by_id,
    shelf_of,
    shelf_product,
    today,
)
from api.kit import labels
from api.kit.desk import Desk, DeskAt
from api.kit.formats import money
from api.kit.language import gettext as _
from api.kit.rendering import answer
from api.kit.routes import ANYONE
from api.kit.texts import Key
from models.catalogue import Bundle, Plan, Product
from models.kit.refusals import Refusal
from models.messages.catalogue import CartLine, PlanKind, PriceKind, Quote
from models.rules.catalogue import (
    Shelf,
    ShelfPlan,
    ShelfProduct,
    first_choice,
    month_price,
    problems,
    quote,
    settled_month,
    split_tax,
)


@dataclass(frozen=True)
class Tile:
    """One thing in the list."""

    href: str
    name: str
    about: str
    icon: str
    tone: str
    price: str
    badge: str = ""
    note: str = ""


@dataclass(frozen=True)
class Section:
    """Things of one kind."""

    code: str
    title: str
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class ShopPage:
    """Everything that is sold today."""

    sections: tuple[Section, ...]
    offers: tuple[Suggestion, ...]
    in_cart: int


@dataclass(frozen=True)
class ThingPage:
    """One product or plan with its exact price."""

    kind: str
    id: str
    field: str
    name: str
    about: str
    icon: str
    tone: str
    label: str
    once_minor: int
    first_minor: int
    monthly_minor: int
    tax_minor: int
    stages: tuple[Stage, ...]
    tiers: tuple[str, ...]
    notes: tuple[str, ...]
    facts: tuple[str, ...]
    until: date | None
    in_cart: int


@router.get("/shop", may=ANYONE)
async def shop(request: Request, desk: Desk) -> Response:
    """Show what is sold today."""
    key = cart_key(request, desk.person)
    cart = await lines_of(desk, key)
    products = await products_by_id(desk)
    shelf = await shelf_of(desk, products)
    sections = (
        Section("bundles", _("Bundles"), await bundle_tiles(desk, shelf)),
        *plan_sections(shelf, await plans_by_id(desk)),
        Section("products", _("To buy"), product_tiles(products)),
    )
    offers = await suggestions(desk, desk.person.customer_id, [one.line for one in cart])
    page = ShopPage(tuple(one for one in sections if one.tiles), offers, len(cart))
    return answer(request, "catalogue/shop.html", page)


@router.get("/shop/products/{product_id}", may=ANYONE, row="product")
async def product(request: Request, desk: Desk, product_id: Key) -> Response:
    """One product that is bought once."""
    found = (await products_by_id(desk)).get(product_id)
    if found is None or not found.is_sold:
        raise Refusal("not_found")
    label = labels.label(found.kind, "product_kind")
    tax = split_tax(shelf_product(found).tax_rule, found.price_minor)[1]
    page = ThingPage(
        "product", found.id, "product_id", name_of(found), about_of(found), label.icon, label.tone,
        label.text, found.price_minor, 0, 0, tax, (), (), (), facts_of(found), None,
        await in_cart(request, desk),
    )  # fmt: skip
    return answer(request, "catalogue/thing.html", page)


@router.get("/shop/plans/{plan_id}", may=ANYONE, row="plan")
async def plan(request: Request, desk: Desk, plan_id: Key) -> Response:
    """One plan: what the first month costs, what every later one, and what is paid at once."""
    products = await products_by_id(desk)
    sold = (await shelf_of(desk, products)).plan(plan_id, today())
    if sold is None:
        raise Refusal("not_found")
    terms, found = sold.terms, await desk.one(Plan, plan_id)
    label = labels.label(terms.kind, "plan_kind")
    device = products.get(terms.product_id or "")
    page = ThingPage(
        "plan", plan_id, "plan_id", name_of(terms), about_of(found), label.icon, label.tone, label.text,
        terms.setup_minor, month_price(terms, 1), month_price(terms, settled_month(terms)),
        split_tax(terms.tax_rule, terms.setup_minor)[1],
        stages(terms), tiers(terms.price), notes(terms), facts_of(device) if device else (),
        sold.effective_until, await in_cart(request, desk),
    )  # fmt: skip
    return answer(request, "catalogue/thing.html", page)


async def in_cart(request: Request, desk: DeskAt) -> int:
    """How many lines lie in the asker's cart."""
    return await count_of(desk, cart_key(request, desk.person))


def facts_of(product: Product | ShelfProduct) -> tuple[str, ...]:
    """What comes with a device."""
    told = []
    if product.needs_installation:
        told.append(_("Installed by our technician at a time you choose"))
    elif product.kind == "device":
        told.append(_("Delivered to your door"))
    if product.kind == "device" and product.warranty_months:
        told.append(_("Warranty %(months)d months", months=product.warranty_months))
    return tuple(told)


async def bundle_tiles(desk: DeskAt, shelf: Shelf) -> tuple[Tile, ...]:
    """The bundles that are sold today, by name."""
    found: dict[str, Bundle] = await bundles_by_id(desk)
    sold = [one for one in (shelf.bundle(bundle_id, today()) for bundle_id in found) if one]
    made = []
    for one in sold:
        terms = one.terms
        line = CartLine(bundle_id=terms.bundle_id, chosen=first_choice(terms))
        cost = "" if problems((line,), shelf, today()) else bundle_price(quote((line,), shelf, today()))
        about = about_of(found[terms.bundle_id])
        badge = best_of(terms.items)
        made.append(
            Tile(f"/shop/bundles/{terms.bundle_id}", name_of(terms), about, "waypoints", "pink", cost, badge)
        )
    return tuple(sorted(made, key=lambda one: one.name))


def bundle_price(made: Quote) -> str:
    """What a bundle costs with the first choice of its parts."""
    once, later = money(made.once_minor), _("%(price)s a month", price=money(made.monthly_minor))
    return (
        f"{once} + {later}" if made.once_minor and made.monthly_minor else once if made.once_minor else later
    )


def best_of(items: tuple[object, ...]) -> str:
    """The largest discount in a bundle."""
    best = max((getattr(item, "percent_off", 0) for item in items), default=0)
    return _("Up to %(percent)d%% off", percent=best) if best else ""


def plan_sections(shelf: Shelf, plans: dict[str, Plan]) -> tuple[Section, ...]:
    """The plans that are sold today, by kind."""
    titles = {
        "rental": (_("Rental and care"), (PlanKind.RENTAL, PlanKind.SERVICE)),
        "subscriptions": (_("Content and subscriptions"), (PlanKind.CONTENT, PlanKind.SUBSCRIPTION)),
    }
    sold = [one for one in (shelf.plan(plan_id, today()) for plan_id in plans) if one]
    return tuple(
        Section(
            code, title,
            tuple(plan_tile(one, plans[one.terms.plan_id]) for one in sold if one.terms.kind in kinds),
        )
        for code, (title, kinds) in titles.items()
    )  # fmt: skip


def plan_tile(sold: ShelfPlan, plan: Plan) -> Tile:
    """One plan in the list."""
    terms, label = sold.terms, labels.label(sold.terms.kind, "plan_kind")
    first, later = month_price(terms, 1), month_price(terms, settled_month(terms))
    badge = _("First month free") if first == 0 < later else _("Add-on") if terms.is_add_on else ""
    is_metered = terms.price.kind is PriceKind.USAGE
    cost = _("by usage") if is_metered else _("%(price)s a month", price=money(later))
    return Tile(
        f"/shop/plans/{plan.id}", name_of(terms), about_of(plan), label.icon, label.tone, cost, badge,
        _("first month %(price)s", price=money(first)) if first != later else "",
    )  # fmt: skip


def product_tiles(products: dict[str, Product]) -> tuple[Tile, ...]:
    """The products that are bought once."""
    made = []
    for one in products.values():
        if one.is_sold:
            label = labels.label(one.kind, "product_kind")
            badge = _("With installation") if one.needs_installation else ""
            made.append(
                Tile(
                    f"/shop/products/{one.id}", name_of(one), about_of(one), label.icon, label.tone,
                    money(one.price_minor), badge,
                )
            )  # fmt: skip
    return tuple(sorted(made, key=lambda one: one.name))
