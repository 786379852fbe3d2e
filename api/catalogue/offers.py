"""Who owns this may add that: what a customer is offered, and why; for the customer and for the agent."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import col

from api.catalogue.shelf import name_of, products_by_id, running_plans, shelf_of, today
from api.kit.desk import DeskAt
from api.kit.formats import money
from api.kit.language import gettext as _
from api.kit.language import locale
from models.catalogue import CrossSell, Product
from models.customers import OwnedProduct
from models.messages.catalogue import CartLine
from models.rules.catalogue import Shelf, month_price, settled_month, taken

MOST = 4


@dataclass(frozen=True)
class Suggestion:
    """One thing that fits, with the reason."""

    id: str
    name: str
    reason: str
    href: str
    icon: str
    price: str
    field: str  # product_id, plan_id, bundle_id: what the cart calls it
    target: str


@dataclass(frozen=True)
class Held:
    """What somebody has already, or has put into the cart."""

    products: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    plans: frozenset[str] = frozenset()
    bundles: frozenset[str] = frozenset()


async def suggestions(
    desk: DeskAt, customer_id: str | None, cart: Sequence[CartLine] = ()
) -> tuple[Suggestion, ...]:
    """What fits to what a customer owns and pays for, and to what lies in the cart."""
    products = await products_by_id(desk)
    shelf = await shelf_of(desk, products)
    held = await held_by(desk, customer_id, cart, shelf, products)
    active = desk.visible(CrossSell).where(col(CrossSell.is_active)).order_by(col(CrossSell.id)).limit(500)
    rules = (await desk.session.scalars(active)).all()
    found: dict[tuple[str, str], Suggestion] = {}
    for rule in rules:
        if fits(rule, held) and (offer := suggestion(rule, shelf, products)):
            found.setdefault((offer.field, offer.target), offer)
    return tuple(found.values())[:MOST]


async def held_by(
    desk: DeskAt,
    customer_id: str | None,
    cart: Sequence[CartLine],
    shelf: Shelf,
    products: dict[str, Product],
) -> Held:
    """Everything that a rule may ask about."""
    owned, plans, bundles = set(), set(await running_plans(desk, customer_id)), set()
    if customer_id is not None:
        query = desk.visible(OwnedProduct).with_only_columns(col(OwnedProduct.product_id))
        there = col(OwnedProduct.customer_id) == customer_id, col(OwnedProduct.returned_on).is_(None)
        mine = query.where(*there).limit(500)
        owned = {line[0] for line in await desk.session.execute(mine)}
    for line in cart:
        bundle = shelf.bundle(line.bundle_id, today())
        parts = taken(bundle.terms, line.chosen) if bundle else ()
        owned |= {one for one in (line.product_id, *(part.product_id for part in parts)) if one}
        plans |= {one for one in (line.plan_id, *(part.plan_id for part in parts)) if one}
        bundles |= {line.bundle_id} if line.bundle_id else set()
    categories = {products[one].category for one in owned if one in products}
    return Held(frozenset(owned), frozenset(categories), frozenset(plans), frozenset(bundles))


def fits(rule: CrossSell, held: Held) -> bool:
    """Whether somebody has what the rule asks for and not yet what it offers."""
    has = (
        rule.owns_product_id in held.products
        or (rule.owns_category != "" and rule.owns_category in held.categories)
        or rule.has_plan_id in held.plans
    )
    has_it = (
        rule.offers_product_id in held.products
        or rule.offers_plan_id in held.plans
        or rule.offers_bundle_id in held.bundles
    )
    return has and not has_it


def suggestion(rule: CrossSell, shelf: Shelf, products: dict[str, Product]) -> Suggestion | None:
    """What a rule offers, unless it is not sold today."""
    reason = rule.reason_ko if locale() == "ko" else rule.reason_en
    if rule.offers_product_id and (product := products.get(rule.offers_product_id)):
        if not product.is_sold:
            return None
        return Suggestion(
            rule.id, name_of(product), reason, f"/shop/products/{product.id}", "package",
            money(product.price_minor), "product_id", product.id,
        )  # fmt: skip
    if plan := shelf.plan(rule.offers_plan_id, today()):
        price = money(month_price(plan.terms, settled_month(plan.terms)))
        return Suggestion(
            rule.id, name_of(plan.terms), reason, f"/shop/plans/{plan.terms.plan_id}", "sparkles",
            _("%(price)s a month", price=price), "plan_id", plan.terms.plan_id,
        )  # fmt: skip
    if bundle := shelf.bundle(rule.offers_bundle_id, today()):
        terms = bundle.terms
        return Suggestion(
            rule.id, name_of(terms), reason, f"/shop/bundles/{terms.bundle_id}", "waypoints",
            _("Bundle"), "bundle_id", terms.bundle_id,
        )  # fmt: skip
    return None
